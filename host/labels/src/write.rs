//! Writing into a label row document, in the form in which the Python SDK writes.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::geometry::Geometry;
use super::ontology::OntologyObject;
use super::time;

/// `value` of a name: how Encord makes one for programs from one for people.
pub(super) fn snake_case(name: &str) -> String {
    name.to_lowercase().replace(' ', "_")
}

/// A frame's object, its keys in the order in which the Python SDK writes them. The caller has checked the
/// geometry.
pub(super) fn frame_object(object: &OntologyObject, geometry: &Geometry, hash: &str) -> Value {
    let now = time::long_form(Timestamp::now());
    let mut drawn = Map::new();
    let mut insert = |key: &str, value: Value| drawn.insert(key.to_owned(), value);
    insert("name", json!(object.name));
    insert("color", json!(object.color));
    insert("shape", json!(object.shape));
    insert("value", json!(snake_case(&object.name)));
    insert("createdAt", json!(now));
    insert("createdBy", Value::Null);
    insert("confidence", json!(1.0));
    insert("objectHash", json!(hash));
    insert("featureHash", json!(object.feature_hash));
    insert("manualAnnotation", json!(false));
    insert("lastEditedAt", json!(now));
    geometry.write(object, &mut drawn);
    Value::Object(drawn)
}

/// Appends a drawn object to the list of its frame, which is made if need be, and returns its position.
pub(super) fn insert_drawn(
    document: &mut Value,
    unit: &str,
    key: Option<&str>,
    drawn: Value,
) -> usize {
    let unit = object_at(section(document, "data_units"), unit);
    let labels = object_at(unit, "labels");
    let list = match key {
        None => labels,
        Some(key) => {
            if !labels.contains_key(key) {
                labels.shift_insert(place_of_frame(labels, key), key.to_owned(), json!({}));
            }
            object_at(labels, key)
        }
    };
    let objects = list.entry("objects").or_insert_with(|| json!([]));
    if !objects.is_array() {
        *objects = json!([]);
    }
    let slot = match objects {
        Value::Array(objects) => {
            objects.push(drawn);
            objects.len() - 1
        }
        _ => 0,
    };
    list.entry("classifications").or_insert_with(|| json!([]));
    slot
}

/// Frames are written in ascending order. Searched from the end, since agents go through a video from
/// its start.
fn place_of_frame(labels: &Map<String, Value>, key: &str) -> usize {
    let number = |key: &str| key.parse::<u32>().ok();
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
fn object_at<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let value = map.entry(key).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it was made one above")
}
