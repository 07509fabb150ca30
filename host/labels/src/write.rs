//! Writing into a label row document, in the form in which the Python SDK writes.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::index::List;
use super::ontology::OntologyObject;

/// `value` of a name: how Encord makes one for programs from one for people.
pub(super) fn snake_case(name: &str) -> String {
    name.to_lowercase().replace(' ', "_")
}

/// A frame's object without its geometry, its keys in the order in which the Python SDK writes them.
pub(super) fn frame_object(object: &OntologyObject, hash: &str, now: &str) -> Map<String, Value> {
    into_map(json!({
        "name": object.name,
        "color": object.color,
        "shape": object.shape,
        "value": snake_case(&object.name),
        "createdAt": now,
        "createdBy": null,
        "confidence": 1.0,
        "objectHash": hash,
        "featureHash": object.feature_hash,
        "manualAnnotation": false,
        "lastEditedAt": now,
    }))
}

/// As [`frame_object`], for objects of a space. The shape follows the geometry there.
pub(super) fn space_object(object: &OntologyObject, hash: &str, now: &str) -> Map<String, Value> {
    into_map(json!({
        "objectHash": hash,
        "featureHash": object.feature_hash,
        "name": object.name,
        "color": object.color,
        "value": snake_case(&object.name),
        "createdAt": now,
        "manualAnnotation": false,
        "confidence": 1.0,
        "lastEditedAt": now,
    }))
}

/// Where an object that marks ranges is first; its entry in `object_answers` is of this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The row itself.
    Row,
    /// The row itself, where that is an HTML document.
    Html,
    /// A space with ranges.
    Space,
    /// A point cloud.
    Points,
}

/// The entry in `object_answers` of an object that marks ranges, and marks none yet. Its keys are in the
/// order in which the Python SDK writes them.
pub(super) fn whole_object(
    object: &OntologyObject,
    hash: &str,
    now: &str,
    form: Form,
) -> Map<String, Value> {
    let mut entry = into_map(json!({ "classifications": [], "objectHash": hash }));
    let made = match form {
        Form::Row | Form::Html => json!({
            "createdBy": null,
            "createdAt": now,
            "lastEditedBy": null,
            "lastEditedAt": now,
        }),
        Form::Space => json!({
            "createdBy": null,
            "createdAt": now,
            "lastEditedAt": now,
            "lastEditedBy": null,
        }),
        Form::Points => json!({ "createdAt": now, "lastEditedAt": now }),
    };
    entry.extend(into_map(made));
    entry.extend(into_map(json!({
        "manualAnnotation": false,
        "featureHash": object.feature_hash,
        "name": object.name,
        "color": object.color,
        "shape": object.shape,
        "value": snake_case(&object.name),
    })));
    if form == Form::Html {
        entry.insert("range_html".to_owned(), json!([]));
    }
    entry.insert("range".to_owned(), json!([]));
    if matches!(form, Form::Space | Form::Points) {
        entry.insert("spaces".to_owned(), json!({}));
    }
    entry
}

/// Notes in an entry of `object_answers` what the object marks in a space, or in the row itself. `kind` is
/// `frame` or `html`.
pub(super) fn set_placed(
    entry: &mut Map<String, Value>,
    space: Option<&str>,
    ranges: Value,
    kind: &str,
) {
    match space {
        Some(space) => {
            let placed = object_at(object_at(entry, "spaces"), space);
            placed.insert("range".to_owned(), ranges);
            placed.entry("type").or_insert_with(|| Value::from(kind));
        }
        None if kind == "html" => {
            entry.insert("range_html".to_owned(), ranges);
        }
        None => {
            entry.insert("range".to_owned(), ranges);
        }
    }
}

/// What a point cloud has of a segmentation, its keys in the order in which the Python SDK writes them.
pub(super) fn segmentation(object: &OntologyObject, hash: &str, points: &str, now: &str) -> Value {
    json!({
        "shape": "segmentation",
        "objectHash": hash,
        "featureHash": object.feature_hash,
        "name": object.name,
        "color": object.color,
        "value": snake_case(&object.name),
        "segmentation": points,
        "createdAt": now,
        "lastEditedAt": now,
        "confidence": 1.0,
        "manualAnnotation": false,
    })
}

fn into_map(json: Value) -> Map<String, Value> {
    match json {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Appends a drawn object to a list, which is made if need be, and returns its position.
pub(super) fn append(document: &mut Value, list: &List, drawn: Value) -> usize {
    let unit = object_at(section(document, list.section), &list.unit);
    let labels = object_at(unit, "labels");
    let blob = match list.key.as_deref() {
        None => labels,
        Some(key) => {
            if !labels.contains_key(key) {
                labels.shift_insert(place_of_frame(labels, key), key.to_owned(), json!({}));
            }
            object_at(labels, key)
        }
    };
    let objects = blob.entry("objects").or_insert_with(|| json!([]));
    if !objects.is_array() {
        *objects = json!([]);
    }
    let position = match objects {
        Value::Array(objects) => {
            objects.push(drawn);
            objects.len() - 1
        }
        _ => 0,
    };
    blob.entry("classifications").or_insert_with(|| json!([]));
    position
}

/// A list of drawn objects, to change; none if the document does not have it.
pub(super) fn list_mut<'a>(document: &'a mut Value, list: &List) -> Option<&'a mut Vec<Value>> {
    let unit = document.get_mut(list.section)?.get_mut(&*list.unit)?;
    let labels = unit.get_mut("labels")?;
    let blob = match &list.key {
        Some(key) => labels.get_mut(&**key)?,
        None => labels,
    };
    blob.get_mut("objects")?.as_array_mut()
}

/// Removes frames of which nothing is left: no objects, no classifications of old, nothing that is not
/// known here. Lists that are not by frame stay.
pub(super) fn drop_empty(document: &mut Value, lists: &[List]) {
    let mut keys_of_unit: HashMap<(&str, &str), HashSet<&str>> = HashMap::new();
    for list in lists {
        if let Some(key) = list.key.as_deref() {
            let keys = keys_of_unit.entry((list.section, &list.unit)).or_default();
            keys.insert(key);
        }
    }
    let is_empty = |blob: &Value| {
        let blob = blob.as_object();
        blob.is_some_and(|blob| {
            blob.iter().all(|(key, value)| {
                matches!(key.as_str(), "objects" | "classifications")
                    && value.as_array().is_some_and(Vec::is_empty)
            })
        })
    };
    for ((section, unit), keys) in keys_of_unit {
        let unit = document
            .get_mut(section)
            .and_then(|units| units.get_mut(unit));
        let labels = unit.and_then(|unit| unit.get_mut("labels"));
        let Some(labels) = labels.and_then(Value::as_object_mut) else {
            continue;
        };
        if keys.len() == 1 {
            for key in keys {
                if labels.get(key).is_some_and(is_empty) {
                    labels.shift_remove(key);
                }
            }
        } else {
            // One walk, since each removal moves all frames behind it.
            labels.retain(|key, blob| !(keys.contains(key.as_str()) && is_empty(blob)));
        }
    }
}

/// Frames are written in ascending order, what is no frame behind them. Searched from the end, since
/// agents go through a video from its start.
fn place_of_frame(labels: &Map<String, Value>, key: &str) -> usize {
    let number = |key: &str| key.parse::<u32>().unwrap_or(u32::MAX);
    let later = |existing: &&String| number(existing) > number(key);
    labels.len() - labels.keys().rev().take_while(later).count()
}

/// A section of the document, made if it is absent.
pub(super) fn section<'a>(document: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    if !document.is_object() {
        *document = json!({});
    }
    let document = document.as_object_mut().expect("it was made one above");
    object_at(document, key)
}

/// The object at a key. What is no object, such as `null`, has nothing to keep and becomes an empty one.
pub(super) fn object_at<'a>(
    map: &'a mut Map<String, Value>,
    key: &str,
) -> &'a mut Map<String, Value> {
    let value = map.entry(key).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it was made one above")
}
