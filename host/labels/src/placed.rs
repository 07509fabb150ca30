//! Where a label row has classifications, so that none is given twice on a frame.

use std::collections::HashMap;

use serde_json::Value;

use super::classification::is_in_spaces;
use super::frames::{self, FrameRange, FrameSet};
use super::index::members;

/// The frames of a row's classifications, by feature hash. Those of spaces are not in it. It is made
/// when the first classification is added, since readers have no use for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Placed(HashMap<String, FrameSet>);

impl Placed {
    pub(super) fn build(document: &Value) -> Self {
        let mut placed = Self::default();
        for (_, entry) in members(document, "classification_answers") {
            let feature_hash = entry.get("featureHash").and_then(Value::as_str);
            if let Some(feature_hash) = feature_hash.filter(|_| !is_in_spaces(entry)) {
                placed.add(feature_hash, &frames::from_json(entry.get("range")));
            }
        }
        placed
    }

    /// The frames of a feature's classifications; none if the row has no such classification.
    pub(super) fn of(&self, feature_hash: &str) -> Option<&FrameSet> {
        self.0.get(feature_hash)
    }

    pub(super) fn add(&mut self, feature_hash: &str, frames: &[FrameRange]) {
        let held = self.0.entry(feature_hash.to_owned()).or_default();
        for range in frames {
            held.insert(*range);
        }
    }
}
