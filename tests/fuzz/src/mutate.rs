//! A mutator of JSON: small changes at random places, which keep most of a document as it was.

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use serde_json::{Map, Number, Value, json};

/// So many changes are made to one document.
const MOST_CHANGES: u8 = 12;

/// Keys that mean something in a row or in an ontology; a new key is one of them, or none that is known.
const KEYS: [&str; 60] = [
    "answers",
    "archived",
    "actions",
    "attributes",
    "bitmask",
    "boundingBox",
    "branch_name",
    "circle",
    "classificationHash",
    "classification_answers",
    "classifications",
    "confidence",
    "createdAt",
    "cuboid",
    "cuboid_2d",
    "data_fps",
    "data_duration",
    "data_hash",
    "data_sequence",
    "data_type",
    "data_units",
    "dynamic",
    "featureHash",
    "featureNodeHash",
    "feature_node_hash",
    "height",
    "isDeleted",
    "label",
    "label_hash",
    "labels",
    "lastEditedAt",
    "level",
    "manualAnnotation",
    "name",
    "objectHash",
    "objectNumber",
    "object_actions",
    "object_answers",
    "objects",
    "options",
    "point",
    "polygon",
    "polygons",
    "polyline",
    "range",
    "range_html",
    "required",
    "rleString",
    "root",
    "rotatableBoundingBox",
    "scene_info",
    "shape",
    "skeleton",
    "skeleton_templates",
    "spaces",
    "template",
    "type",
    "value",
    "width",
    "0",
];

/// Changes a document as the bytes say; `donor` is another one, to take parts of.
pub fn mutate(document: &mut Value, donor: &Value, bytes: &mut Unstructured<'_>) -> Result<()> {
    for _ in 0..bytes.int_in_range(1..=MOST_CHANGES)? {
        let replacement = match bytes.int_in_range(0..=3_u8)? {
            0 => somewhere(donor, bytes)?.clone(),
            1 => somewhere(document, bytes)?.clone(),
            _ => scalar(bytes)?,
        };
        change(somewhere_mut(document, bytes)?, replacement, bytes)?;
    }
    Ok(())
}

fn change(place: &mut Value, with: Value, bytes: &mut Unstructured<'_>) -> Result<()> {
    match place {
        Value::Object(map) if !map.is_empty() => {
            let position = bytes.choose_index(map.len())?;
            let key = map.keys().nth(position).cloned().unwrap_or_default();
            match bytes.int_in_range(0..=5_u8)? {
                0 => {
                    map.shift_remove(&key);
                }
                1 => {
                    let value = map.get(&key).cloned().unwrap_or_default();
                    map.insert(new_key(bytes)?, value);
                }
                2 => {
                    map.insert(new_key(bytes)?, with);
                }
                3 => turn(map),
                _ => {
                    map.insert(key, with);
                }
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let position = bytes.choose_index(list.len())?;
            match bytes.int_in_range(0..=4_u8)? {
                0 => {
                    list.remove(position);
                }
                1 => list.insert(position, with),
                2 => {
                    let element = list.get(position).cloned().unwrap_or_default();
                    list.push(element);
                }
                3 => list.reverse(),
                _ => {
                    if let Some(element) = list.get_mut(position) {
                        *element = with;
                    }
                }
            }
        }
        _ => *place = with,
    }
    Ok(())
}

/// The same members in the opposite order.
fn turn(map: &mut Map<String, Value>) {
    let members = std::mem::take(map);
    *map = members.into_iter().rev().collect();
}

fn new_key(bytes: &mut Unstructured<'_>) -> Result<String> {
    match bytes.int_in_range(0..=2_u8)? {
        0 => Ok(bytes.arbitrary::<String>()?.chars().take(16).collect()),
        1 => Ok(bytes.arbitrary::<u32>()?.to_string()),
        _ => Ok((*bytes.choose(&KEYS)?).to_owned()),
    }
}

fn scalar(bytes: &mut Unstructured<'_>) -> Result<Value> {
    const NUMBERS: [f64; 12] = [
        -1.0,
        -0.0,
        0.5,
        1.0,
        1.000_001,
        3.5,
        1e9,
        4_294_967_295.0,
        4_294_967_296.0,
        1e19,
        -1e300,
        1e300,
    ];
    Ok(match bytes.int_in_range(0..=9_u8)? {
        0 => Value::Null,
        1 => json!(bytes.arbitrary::<bool>()?),
        2 => json!({}),
        3 => json!([]),
        4 => Number::from_f64(*bytes.choose(&NUMBERS)?).map_or(Value::Null, Value::Number),
        5 => json!(bytes.arbitrary::<i64>()?),
        6 => json!(bytes.arbitrary::<u8>()?),
        7 => json!(bytes.arbitrary::<u16>()?.to_string()),
        8 => json!(*bytes.choose(&KEYS)?),
        _ => json!(
            bytes
                .arbitrary::<String>()?
                .chars()
                .take(40)
                .collect::<String>()
        ),
    })
}

/// A place in a document, by a walk from its root that may end anywhere.
fn somewhere<'a>(document: &'a Value, bytes: &mut Unstructured<'_>) -> Result<&'a Value> {
    let mut place = document;
    while bytes.ratio(7, 8)? {
        let next = match place {
            Value::Object(map) if !map.is_empty() => {
                map.values().nth(bytes.choose_index(map.len())?)
            }
            Value::Array(list) if !list.is_empty() => list.get(bytes.choose_index(list.len())?),
            _ => None,
        };
        match next {
            Some(next) => place = next,
            None => break,
        }
    }
    Ok(place)
}

fn somewhere_mut<'a>(
    document: &'a mut Value,
    bytes: &mut Unstructured<'_>,
) -> Result<&'a mut Value> {
    let mut place = document;
    loop {
        let length = match place {
            Value::Object(map) => map.len(),
            Value::Array(list) => list.len(),
            _ => 0,
        };
        if length == 0 || bytes.ratio(1, 8)? {
            return Ok(place);
        }
        let position = bytes.choose_index(length)?;
        let next = match place {
            Value::Object(map) => map.values_mut().nth(position),
            Value::Array(list) => list.get_mut(position),
            _ => None,
        };
        place = next.expect("the position is within its length");
    }
}
