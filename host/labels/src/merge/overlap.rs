//! A frame has one classification of a feature. Two edits that touch none in common may give it two.

use std::collections::HashSet;

use serde_json::Value;

use super::units::{Kind, Unit};
use crate::classification::{ROOT_SPACE, is_in_spaces, places};
use crate::frames::{self, FrameRange};
use crate::index::members;
use crate::placed::Placed;

const SECTION: &str = "classification_answers";

/// Which of the classifications that are to be put into `theirs` would get where it has gained another one of
/// their feature. Those that shared a frame before somebody edited the row still may.
pub(super) fn seconds<'a>(
    after: &Value,
    theirs: &Value,
    to_put: &HashSet<Unit<'a>>,
) -> Vec<Unit<'a>> {
    let mut ours = Vec::new();
    for unit in to_put
        .iter()
        .filter(|unit| unit.kind == Kind::Classification)
    {
        let old = entry_of(theirs, unit.hash);
        if let Some(entry) = entry_of(after, unit.hash)
            && let Some(feature) = feature_of(entry)
        {
            let gained = gained(feature, entry, old);
            let gained = gained
                .into_iter()
                .map(|(space, ranges)| (space.to_owned(), ranges));
            ours.push((*unit, feature, gained.collect::<Vec<_>>()));
        }
    }
    let features: HashSet<&str> = ours.iter().map(|(_, feature, _)| *feature).collect();
    let mut placed = Placed::default();
    for (hash, entry) in members(theirs, SECTION) {
        let kind = Kind::Classification;
        let feature = feature_of(entry).filter(|feature| features.contains(feature));
        let Some(feature) = feature.filter(|_| !to_put.contains(&Unit { kind, hash })) else {
            continue;
        };
        for (space, ranges) in gained(feature, entry, entry_of(after, hash)) {
            placed.add(feature, space, hash, &ranges);
        }
    }
    let is_second = |feature: &str, gained: &[(String, Vec<FrameRange>)]| {
        let mut common = gained
            .iter()
            .map(|(space, ranges)| placed.common(feature, space, ranges));
        common.any(|common| common.is_some())
    };
    let seconds = ours
        .iter()
        .filter(|(_, feature, gained)| is_second(feature, gained));
    let mut seconds: Vec<_> = seconds.map(|(unit, ..)| *unit).collect();
    seconds.sort_unstable();
    seconds
}

fn entry_of<'a>(document: &'a Value, hash: &str) -> Option<&'a Value> {
    document.get(SECTION)?.get(hash)
}

fn feature_of(entry: &Value) -> Option<&str> {
    entry.get("featureHash")?.as_str()
}

/// Where a classification is and was not, by space; [`ROOT_SPACE`] is the row itself.
fn gained<'a>(
    feature: &str,
    entry: &'a Value,
    old: Option<&Value>,
) -> Vec<(&'a str, Vec<FrameRange>)> {
    let old = old.filter(|old| feature_of(old) == Some(feature));
    let old = old.map(held).unwrap_or_default();
    let places = held(entry).into_iter().filter_map(|(space, ranges)| {
        let was = old.iter().find(|(held, _)| *held == space);
        let was = was.map(|(_, ranges)| ranges.as_slice());
        let gained = match was {
            // The whole of the space, or what is left where it was removed from all frames.
            None if ranges.is_empty() => vec![FrameRange {
                start: 0,
                end: u32::MAX,
            }],
            _ => frames::difference(&ranges, was.unwrap_or_default()),
        };
        (!gained.is_empty()).then_some((space, gained))
    });
    places.collect()
}

fn held(entry: &Value) -> Vec<(&str, Vec<FrameRange>)> {
    let own = frames::from_json(entry.get("range"));
    let on_row = !own.is_empty() || !is_in_spaces(entry);
    let own = on_row.then_some((ROOT_SPACE, own));
    let in_spaces = places(entry);
    let in_spaces =
        in_spaces.map(|(space, place)| (space.as_str(), frames::from_json(place.get("range"))));
    own.into_iter().chain(in_spaces).collect()
}
