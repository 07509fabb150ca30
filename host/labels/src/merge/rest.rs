//! What a document has beside objects and classifications, key by key.

use serde_json::{Map, Value, json};

use super::print::Print;
use super::units::{ENTRIES, Kind, SECTIONS, same};

/// Keys of a row that the service decides.
const OF_ROW: [&str; 20] = [
    "label_hash",
    "branch_name",
    "created_at",
    "last_edited_at",
    "dataset_hash",
    "dataset_title",
    "data_title",
    "data_hash",
    "data_link",
    "data_type",
    "is_image_sequence",
    "label_status",
    "annotation_task_status",
    "is_shadow_data",
    "is_valid",
    "export_hash",
    "exported_at",
    "export_history",
    "reviews",
    "client_metadata",
];

/// Keys of a data unit, or of a space, that the service decides: they say what the data is.
const OF_UNIT: [&str; 26] = [
    "data_hash",
    "data_title",
    "data_link",
    "data_links",
    "data_type",
    "data_sequence",
    "data_fps",
    "data_duration",
    "width",
    "height",
    "audio_codec",
    "audio_sample_rate",
    "audio_bit_depth",
    "audio_num_channels",
    "space_type",
    "number_of_frames",
    "number_of_pages",
    "duration_ms",
    "frames",
    "child_info",
    "root_info",
    "scene_info",
    "file_type",
    "file_size",
    "storage_item_uuid",
    "signed_url",
];

/// A key of the document, from the outermost to the innermost.
pub(super) type Path = Vec<String>;

/// The keys that differ between two documents, each with what was there before.
pub(super) fn changed(before: &Value, after: &Value) -> Vec<(Path, Option<Print>)> {
    let mut found = Vec::new();
    compare(&mut Vec::new(), Some(before), Some(after), &mut found);
    let owned = |path: Vec<&str>| path.into_iter().map(str::to_owned).collect();
    found
        .into_iter()
        .map(|(path, print)| (owned(path), print))
        .collect()
}

fn compare<'a>(
    path: &mut Vec<&'a str>,
    before: Option<&'a Value>,
    after: Option<&'a Value>,
    found: &mut Vec<(Vec<&'a str>, Option<Print>)>,
) {
    let (one, other) = (
        before.and_then(Value::as_object),
        after.and_then(Value::as_object),
    );
    let is_absent = |value: Option<&Value>| value.is_none_or(Value::is_null);
    // What is absent is as good as an object without keys.
    let objects = match (one, other) {
        (Some(_), Some(_)) => true,
        (Some(_), None) => is_absent(after),
        (None, Some(_)) => is_absent(before),
        (None, None) => false,
    };
    if !objects {
        if before
            .zip(after)
            .is_some_and(|(before, after)| same(before, after))
        {
            return;
        }
        let print = Print::of_value(before);
        if print != Print::of_value(after) {
            found.push((path.clone(), print));
        }
        return;
    }
    for (key, value) in one.into_iter().flatten() {
        if !is_elsewhere(path, key, value) {
            path.push(key);
            compare(
                path,
                Some(value),
                other.and_then(|other| other.get(key)),
                found,
            );
            path.pop();
        }
    }
    for (key, value) in other.into_iter().flatten() {
        let is_known = one.is_some_and(|one| one.contains_key(key));
        if !is_known && !is_elsewhere(path, key, value) {
            path.push(key);
            compare(path, None, Some(value), found);
            path.pop();
        }
    }
}

/// True for what belongs to objects and classifications, and for what the service decides.
fn is_elsewhere(path: &[&str], key: &str, value: &Value) -> bool {
    let is_list = || value.is_array() && Kind::ALL.iter().any(|kind| kind.list() == key);
    match path {
        [] => OF_ROW.contains(&key) || ENTRIES.iter().any(|(section, _)| *section == key),
        [section, _] if SECTIONS.contains(section) => OF_UNIT.contains(&key),
        [section, _, "labels"] | [section, _, "labels", _] if SECTIONS.contains(section) => {
            is_list()
        }
        _ => false,
    }
}

/// What is at a path. Fails if there can be nothing, since what is above it is no object, or is a data unit or
/// a space that the document does not have.
pub(super) fn at<'a>(document: &'a Value, path: &[String]) -> Result<Option<&'a Value>, NoPlace> {
    let mut value = document;
    for (depth, key) in path.iter().enumerate() {
        match value.get(key) {
            None | Some(Value::Null) => {
                let in_section = path
                    .first()
                    .is_some_and(|key| SECTIONS.contains(&key.as_str()));
                let is_last = depth + 1 == path.len();
                let is_lost = in_section && depth < 2 && !is_last;
                return if is_lost { Err(NoPlace) } else { Ok(None) };
            }
            Some(inner) => value = inner,
        }
        if depth + 1 < path.len() && !value.is_object() {
            return Err(NoPlace);
        }
    }
    Ok(Some(value))
}

/// A path for which a document has no place.
#[derive(Debug)]
pub(super) struct NoPlace;

/// Puts a value at a path, or takes away what is there.
pub(super) fn put(document: &mut Value, path: &[String], value: Option<&Value>) {
    let Some((last, above)) = path.split_last() else {
        return;
    };
    let mut map = document;
    for key in above {
        if value.is_none() && map.get(key).is_none() {
            return;
        }
        let Value::Object(members) = map else { return };
        let inner = members.entry(key.as_str()).or_insert_with(|| json!({}));
        if inner.is_null() {
            *inner = Value::Object(Map::new());
        }
        map = inner;
    }
    let Value::Object(members) = map else { return };
    match value {
        Some(value) => {
            members.insert(last.clone(), value.clone());
        }
        None => {
            members.shift_remove(last);
        }
    }
}
