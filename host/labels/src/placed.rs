//! Where a label row has classifications, so that none is given twice on a frame.

use std::collections::HashMap;

use serde_json::Value;

use super::classification::{ROOT_SPACE, is_in_spaces, places};
use super::frames::{self, FrameRange, FrameSet};
use super::index::members;

/// The frames of a row's classifications, by feature hash and space; [`ROOT_SPACE`] is the row itself. It is
/// made when the first classification is added, since readers have no use for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Placed(HashMap<String, HashMap<String, Held>>);

/// The classifications of one feature in one space.
#[derive(Debug, Clone, Default)]
struct Held {
    frames: FrameSet,
    /// By classification hash, merged. Empty if it holds for the whole space.
    ranges: HashMap<String, Vec<FrameRange>>,
}

impl Placed {
    pub(super) fn build(document: &Value) -> Self {
        let mut placed = Self::default();
        for (hash, entry) in members(document, "classification_answers") {
            let Some(feature_hash) = entry.get("featureHash").and_then(Value::as_str) else {
                continue;
            };
            let own = frames::from_json(entry.get("range"));
            if !own.is_empty() || !is_in_spaces(entry) {
                placed.add(feature_hash, ROOT_SPACE, hash, &own);
            }
            for (space, place) in places(entry) {
                let ranges = frames::from_json(place.get("range"));
                placed.add(feature_hash, space, hash, &ranges);
            }
        }
        placed
    }

    /// True if a space has a classification of a feature, on whatever frames.
    pub(super) fn is_in(&self, feature_hash: &str, space: &str) -> bool {
        self.of(feature_hash, space).is_some()
    }

    /// The first frames among some on which a space has a classification of a feature.
    pub(super) fn common(
        &self,
        feature_hash: &str,
        space: &str,
        ranges: &[FrameRange],
    ) -> Option<FrameRange> {
        let held = self.of(feature_hash, space)?;
        ranges.iter().find_map(|range| held.frames.common(*range))
    }

    /// Notes a classification on further frames, or in the whole of a space.
    pub(super) fn add(
        &mut self,
        feature_hash: &str,
        space: &str,
        hash: &str,
        ranges: &[FrameRange],
    ) {
        let spaces = self.0.entry(feature_hash.to_owned()).or_default();
        let held = spaces.entry(space.to_owned()).or_default();
        for range in ranges {
            held.frames.insert(*range);
        }
        let own = held.ranges.entry(hash.to_owned()).or_default();
        let all = std::mem::take(own)
            .into_iter()
            .chain(ranges.iter().copied());
        *own = frames::merged(all.collect());
    }

    /// Notes that a classification is in a space only on these frames any more; none if it left it.
    pub(super) fn keep(
        &mut self,
        feature_hash: &str,
        space: &str,
        hash: &str,
        rest: Option<&[FrameRange]>,
    ) {
        let Some(spaces) = self.0.get_mut(feature_hash) else {
            return;
        };
        let Some(held) = spaces.get_mut(space) else {
            return;
        };
        let Some(own) = held.ranges.remove(hash) else {
            return;
        };
        let gone = frames::difference(&own, rest.unwrap_or_default());
        for range in &gone {
            held.frames.remove(*range);
        }
        if let Some(rest) = rest {
            held.ranges.insert(hash.to_owned(), rest.to_vec());
        }
        // Rows of other writers may have two on a frame. The other still holds there.
        for others in held.ranges.values() {
            for range in frames::intersection(&gone, others) {
                held.frames.insert(range);
            }
        }
        if held.ranges.is_empty() {
            spaces.remove(space);
        }
    }

    fn of(&self, feature_hash: &str, space: &str) -> Option<&Held> {
        self.0.get(feature_hash)?.get(space)
    }
}
