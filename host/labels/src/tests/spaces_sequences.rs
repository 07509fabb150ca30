//! Random edits in the spaces of a data group, from fixed seeds: the row reads as what was put into it, and so
//! does the document when it is opened again.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::super::*;
use super::range;
use super::spaces::{BOX, OTHER, SPACES, emptied, open};

/// The frames of each object in each space, by the simplest means.
type Held = BTreeMap<String, BTreeMap<&'static str, BTreeSet<u32>>>;

/// Spaces whose objects are drawn and those whose objects mark ranges, with their last frame.
const DRAWN: [(&str, u32); 4] = [
    ("space-video", 29),
    ("space-image", 0),
    ("space-stack", 1),
    ("space-pdf", 1),
];
const MARKED: [(&str, u32); 3] = [
    ("space-audio", 40),
    ("space-series", 40),
    ("space-text", 40),
];

#[test]
fn any_sequence_of_edits_keeps_the_spaces_consistent() {
    for seed in 0..40 {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut row = emptied(SPACES);
        let empty = row.to_document();
        let (mut drawn, mut marked) = (Held::new(), Held::new());
        for _ in 0..random.random_range(1..80) {
            if random.random() {
                step(&mut row, &mut drawn, &DRAWN, &mut random);
            } else {
                step(&mut row, &mut marked, &MARKED, &mut random);
            }
        }
        for row in [&row, &open((*row.to_document()).clone())] {
            assert_eq!(row.objects().count(), drawn.len() + marked.len());
            for (hash, spaces) in drawn.iter().chain(&marked) {
                let object = row.object(hash).expect("there");
                let found: BTreeSet<&str> = object.spaces().into_iter().collect();
                assert!(found.iter().eq(spaces.keys()), "{found:?}, seed {seed}");
                let mut all: BTreeSet<u32> = BTreeSet::new();
                for (space, frames) in spaces {
                    assert!(single(&object.frames_in(space)).eq(frames.iter().copied()));
                    let is_drawn = |frame| object.annotation_in(space, frame).is_some();
                    let expected = drawn.contains_key(hash);
                    assert!(frames.iter().all(|frame| is_drawn(*frame) == expected));
                    all.extend(frames);
                    let listed = row.space(space).expect("there").objects();
                    assert!(listed.iter().any(|object| object.object_hash() == hash));
                }
                assert!(single(&object.frames()).eq(all));
            }
        }
        for hash in drawn.keys().chain(marked.keys()) {
            assert!(row.remove_object(hash));
        }
        assert_eq!(row.to_document(), empty, "seed {seed}");
    }
}

fn step(
    row: &mut LabelRow,
    held: &mut Held,
    places: &[(&'static str, u32)],
    random: &mut SmallRng,
) {
    let (space, last) = places[random.random_range(0..places.len())];
    let start = random.random_range(0..=last);
    let frames = [range(
        start,
        random.random_range(start..=last.min(start + 9)),
    )];
    let is_drawn = places == DRAWN;
    let position = random.random_range(0..=held.len() * 2);
    let Some(hash) = held.keys().nth(position).cloned() else {
        let hash = if is_drawn {
            row.add_object("Box", &BOX, &frames, Some(space))
        } else {
            row.add_ranges("Entity", &frames, Some(space))
        };
        let in_space = BTreeMap::from([(space, single(&frames).collect())]);
        assert!(held.insert(hash.expect("valid"), in_space).is_none());
        return;
    };
    let spaces = held.get_mut(&hash).expect("there");
    match random.random_range(0..5) {
        0 | 1 if is_drawn => {
            row.draw(&hash, &OTHER, &frames, Some(space))
                .expect("valid");
            spaces.entry(space).or_default().extend(single(&frames));
        }
        0 | 1 => {
            row.set_ranges(&hash, &frames, Some(space)).expect("valid");
            spaces.insert(space, single(&frames).collect());
        }
        2 => {
            row.remove_from_frames(&hash, Some(&frames), Some(space))
                .expect("valid");
            if let Some(in_space) = spaces.get_mut(space) {
                in_space.retain(|frame| !frames[0].contains(*frame));
            }
        }
        3 => {
            row.remove_from_frames(&hash, None, Some(space))
                .expect("valid");
            spaces.remove(space);
        }
        _ => {
            assert!(row.remove_object(&hash));
            spaces.clear();
        }
    }
    spaces.retain(|_, frames| !frames.is_empty());
    if spaces.is_empty() {
        held.remove(&hash);
    }
}

fn single(ranges: &[FrameRange]) -> impl Iterator<Item = u32> {
    ranges.iter().flat_map(|range| range.start..=range.end)
}
