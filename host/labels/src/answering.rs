//! The dynamic answers of objects, when the frames change that an object is on.

use serde_json::Value;

use super::frames::{self, FrameRange};

/// Clips the dynamic answers of an object to the frames that it is still on, in ascending order and
/// merged. Answers that hold on none of them go.
pub(super) fn clip(document: &mut Value, object_hash: &str, held: &[FrameRange]) {
    let Some(Value::Object(objects)) = document.get_mut("object_actions") else {
        return;
    };
    let Some(entry) = objects.get_mut(object_hash) else {
        return;
    };
    let Some(Value::Array(actions)) = entry.get_mut("actions") else {
        return;
    };
    actions.retain_mut(|action| {
        let Some(range @ Value::Array(_)) = action.get_mut("range") else {
            return true;
        };
        // What is beyond 32 bits would be lost.
        if !frames::fits(Some(range)) {
            return true;
        }
        let before = frames::from_json(Some(range));
        let after = frames::common(&before, held);
        // What stays as it is keeps its form.
        if after != before {
            *range = frames::to_json(&after);
        }
        !after.is_empty()
    });
    if actions.is_empty() {
        objects.shift_remove(object_hash);
    }
}

/// Gives frames that an object is new on the dynamic answers that it has on another.
pub(super) fn carry(document: &mut Value, object_hash: &str, source: u32, targets: &[u32]) {
    if targets.is_empty() {
        return;
    }
    let entry = document
        .get_mut("object_actions")
        .and_then(|objects| objects.get_mut(object_hash));
    let actions = entry.and_then(|entry| entry.get_mut("actions"));
    let actions = actions.and_then(Value::as_array_mut);
    for action in actions.into_iter().flatten() {
        let range = action.get("range");
        let mut ranges = frames::from_json(range);
        if !frames::fits(range) || !ranges.iter().any(|range| range.contains(source)) {
            continue;
        }
        ranges.extend(targets.iter().map(|frame| FrameRange::single(*frame)));
        action["range"] = frames::to_json(&frames::merged(ranges));
    }
}
