//! Random edits, from fixed seeds: whatever valid edits are made in whatever order, the row reads as
//! what was put into it, and so does the document when it is opened again.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use super::super::*;
use super::{bounds, document, open_document, range};

/// What the row should have, by the simplest means.
#[derive(Default)]
struct Expected {
    /// Box, confidence and origin on each frame, by object hash.
    boxes: BTreeMap<String, BTreeMap<u32, (BoundingBox, f64, bool)>>,
    /// Hashes of objects that were removed.
    removed: BTreeSet<String>,
    /// Feature hash, frames, confidence and origin by classification hash.
    classifications: BTreeMap<String, (String, Vec<u32>, f64, bool)>,
}

#[test]
fn any_sequence_of_edits_keeps_the_row_consistent() {
    for name in ["image", "img_group", "img_sequence", "pdf", "video"] {
        for seed in 0..40 {
            let mut random = SmallRng::seed_from_u64(seed);
            let before = document(name);
            let mut row = open_document(name, before.clone());
            let objects = row.objects().count();
            let classifications = row.classifications().count();
            let mut expected = Expected::default();
            for _ in 0..random.random_range(1..100) {
                step(&mut row, &mut expected, &mut random);
            }
            for row in [&row, &open_document(name, (*row.to_document()).clone())] {
                assert_eq!(row.objects().count(), objects + expected.boxes.len());
                let count = row.classifications().count();
                assert_eq!(count, classifications + expected.classifications.len());
                check(row, &expected);
            }
            let after = taken_back((*row.to_document()).clone(), &before, &expected);
            assert_eq!(after.to_string(), before.to_string(), "{name}, seed {seed}");
        }
    }
}

fn step(row: &mut LabelRow, expected: &mut Expected, random: &mut SmallRng) {
    let frames = row.number_of_frames();
    match random.random_range(0..12) {
        0..=2 => {
            let bounds = some_box(random);
            let geometry = Geometry::BoundingBox(bounds);
            let asked = some_frames(frames, random);
            let hash = row
                .add_object("Box", &geometry, &asked, None)
                .expect("a valid box");
            assert!(
                !expected.removed.contains(&hash),
                "hashes are not used again"
            );
            let drawn = held(&asked).map(|frame| (frame, (bounds, 1.0, false)));
            let earlier = expected.boxes.insert(hash, drawn.collect());
            assert!(earlier.is_none(), "hashes are unique");
        }
        6 => {
            let bounds = some_box(random);
            let asked = some_frames(frames, random);
            let Some((hash, drawn)) = pick(&mut expected.boxes, random) else {
                return;
            };
            row.draw(hash, &Geometry::BoundingBox(bounds), &asked, None)
                .expect("valid");
            for frame in held(&asked) {
                drawn.entry(frame).or_insert((bounds, 1.0, false)).0 = bounds;
            }
        }
        7 => {
            let source = random.random_range(0..frames);
            let asked = some_frames(frames, random);
            let Some((hash, drawn)) = pick(&mut expected.boxes, random) else {
                return;
            };
            let result = row.copy_to_frames(hash, source, &asked);
            let Some(copied) = drawn.get(&source).copied() else {
                assert!(matches!(result, Err(LabelError::NotFound(_))));
                return;
            };
            result.expect("valid");
            drawn.extend(held(&asked).map(|frame| (frame, copied)));
        }
        8 => {
            let source = random.random_range(0..frames);
            let target = random.random_range(0..frames);
            let Some((hash, drawn)) = pick(&mut expected.boxes, random) else {
                return;
            };
            let result = row.move_to_frame(hash, source, target);
            match (drawn.get(&source).copied(), drawn.contains_key(&target)) {
                (None, _) => assert!(matches!(result, Err(LabelError::NotFound(_)))),
                (_, true) => assert!(matches!(result, Err(LabelError::InvalidArgument(_)))),
                (Some(moved), false) => {
                    result.expect("valid");
                    drawn.remove(&source);
                    drawn.insert(target, moved);
                }
            }
        }
        9 => {
            let asked = some_frames(frames + 3, random);
            let Some((hash, drawn)) = pick(&mut expected.boxes, random) else {
                return;
            };
            row.remove_from_frames(hash, Some(&asked), None)
                .expect("valid");
            for frame in held(&asked) {
                drawn.remove(&frame);
            }
            if drawn.is_empty() {
                let hash = hash.clone();
                expected.boxes.remove(&hash);
                expected.removed.insert(hash);
            }
        }
        10 => {
            let Some((hash, _)) = pick(&mut expected.boxes, random) else {
                return;
            };
            let hash = hash.clone();
            assert!(row.remove_object(&hash));
            expected.boxes.remove(&hash);
            expected.removed.insert(hash);
        }
        11 => {
            let confidence = random.random_range(0.0..=1.0);
            let asked = some_frames(frames, random);
            let Some((hash, drawn)) = pick(&mut expected.boxes, random) else {
                return;
            };
            let result = row.set_object_confidence_on(hash, confidence, &asked);
            if held(&asked).any(|frame| !drawn.contains_key(&frame)) {
                assert!(matches!(result, Err(LabelError::InvalidArgument(_))));
                return;
            }
            result.expect("valid");
            for frame in held(&asked) {
                drawn.get_mut(&frame).expect("there").1 = confidence;
            }
        }
        3 => {
            let (feature, attribute) = if random.random() {
                ("Speed", GivenAnswer::Number(random.random_range(-1e6..1e6)))
            } else {
                ("Sky", GivenAnswer::Options(vec!["Rain".to_owned()]))
            };
            let start = random.random_range(0..frames);
            let end = random.random_range(start..frames);
            let asked = [range(start, end)];
            let answers = [AttributeAnswer {
                attribute: None,
                value: attribute,
            }];
            let feature_hash = row.ontology().find_classification(feature).expect("there");
            let feature_hash = feature_hash.feature_hash.clone();
            let taken = expected.classifications.values().any(|(hash, held, ..)| {
                *hash == feature_hash && held.iter().any(|frame| asked[0].contains(*frame))
            });
            let result = row.add_classification(feature, &answers, Some(&asked), None);
            if taken {
                assert!(matches!(result, Err(LabelError::InvalidArgument(_))));
                return;
            }
            let hash = result.expect("the frames are free");
            let held = (start..=end).collect();
            expected
                .classifications
                .insert(hash, (feature_hash, held, 1.0, false));
        }
        4 => {
            let (confidence, manual) = (random.random_range(0.0..=1.0), random.random());
            let Some((hash, entry)) = pick(&mut expected.boxes, random) else {
                return;
            };
            row.set_object_confidence(hash, confidence).expect("valid");
            row.set_object_manual_annotation(hash, manual)
                .expect("valid");
            for drawn in entry.values_mut() {
                (drawn.1, drawn.2) = (confidence, manual);
            }
        }
        _ => {
            let (confidence, manual) = (random.random_range(0.0..=1.0), random.random());
            let Some((hash, entry)) = pick(&mut expected.classifications, random) else {
                return;
            };
            row.set_classification_confidence(hash, confidence)
                .expect("valid");
            row.set_classification_manual_annotation(hash, manual)
                .expect("valid");
            (entry.2, entry.3) = (confidence, manual);
        }
    }
}

fn some_box(random: &mut SmallRng) -> BoundingBox {
    let (x, y) = (random.random_range(0.0..0.9), random.random_range(0.0..0.9));
    let width = random.random_range(0.001..=1.0 - x);
    bounds(x, y, width, random.random_range(0.001..=1.0 - y))
}

/// One or two ranges, which may overlap.
fn some_frames(frames: u32, random: &mut SmallRng) -> Vec<FrameRange> {
    let mut ranges = Vec::new();
    for _ in 0..random.random_range(1..3) {
        let start = random.random_range(0..frames);
        ranges.push(range(
            start,
            random.random_range(start..frames.min(start + 4)),
        ));
    }
    ranges
}

fn held(ranges: &[FrameRange]) -> impl Iterator<Item = u32> {
    ranges.iter().flat_map(|range| range.start..=range.end)
}

fn pick<'a, T>(
    from: &'a mut BTreeMap<String, T>,
    random: &mut SmallRng,
) -> Option<(&'a String, &'a mut T)> {
    if from.is_empty() {
        return None;
    }
    let position = random.random_range(0..from.len());
    from.iter_mut().nth(position)
}

fn check(row: &LabelRow, expected: &Expected) {
    for (hash, drawn) in &expected.boxes {
        let object = row.object(hash).expect("it was added");
        let frames = object.frames();
        assert!(held(&frames).eq(drawn.keys().copied()), "{frames:?}");
        for (frame, (bounds, confidence, manual)) in drawn {
            let annotation = object.annotation(*frame).expect("drawn");
            assert_eq!(annotation.geometry, Geometry::BoundingBox(*bounds));
            assert_eq!(
                (annotation.confidence, annotation.manual_annotation),
                (*confidence, *manual)
            );
        }
    }
    for hash in &expected.removed {
        assert!(row.object(hash).is_none());
        assert!(!row.to_document().to_string().contains(hash.as_str()));
    }
    for (hash, (feature_hash, frames, confidence, manual)) in &expected.classifications {
        let classification = row.classification(hash).expect("it was added");
        assert_eq!(classification.feature_hash(), feature_hash);
        assert!(held(&classification.frames()).eq(frames.iter().copied()));
        assert_eq!(classification.confidence(), *confidence);
        assert_eq!(classification.manual_annotation(), *manual);
    }
    let listed = row.objects().map(|object| object.object_hash());
    let found = listed.filter(|hash| row.object(hash).is_some()).count();
    assert_eq!(found, row.objects().count());
}

/// The document without what was added, to be equal to the one before.
fn taken_back(mut document: Value, before: &Value, expected: &Expected) -> Value {
    for (section, hashes) in [
        ("object_answers", expected.boxes.keys().collect::<Vec<_>>()),
        (
            "classification_answers",
            expected.classifications.keys().collect(),
        ),
    ] {
        let section = document[section].as_object_mut().expect("an object");
        for hash in hashes {
            section.shift_remove(hash).expect("it was added");
        }
    }
    let units = document["data_units"].as_object_mut().expect("an object");
    for (unit, json) in units {
        let labels = json["labels"].as_object_mut().expect("an object");
        let keep = |list: &mut Value| {
            let objects = list.as_array_mut().expect("a list");
            objects.retain(|object| {
                let hash = object["objectHash"].as_str().expect("text");
                !expected.boxes.contains_key(hash)
            });
        };
        if let Some(objects) = labels.get_mut("objects") {
            keep(objects);
            continue;
        }
        let old = &before["data_units"][unit]["labels"];
        for list in labels.values_mut() {
            keep(&mut list["objects"]);
        }
        labels.retain(|frame, _| old.get(frame).is_some());
    }
    document
}
