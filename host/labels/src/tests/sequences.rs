//! Random edits, from fixed seeds: whatever valid edits are made in whatever order, the row reads as
//! what was put into it, and so does the document when it is opened again.

use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use super::super::*;
use super::{bounds, document, open_document, range};

/// What the row should have, by the simplest means.
#[derive(Default)]
struct Expected {
    /// Frame, box, confidence and origin by object hash.
    boxes: BTreeMap<String, (u32, BoundingBox, f64, bool)>,
    /// Feature hash, frames, confidence and origin by classification hash.
    classifications: BTreeMap<String, (String, Vec<u32>, f64, bool)>,
}

#[test]
fn any_sequence_of_edits_keeps_the_row_consistent() {
    for name in ["image", "img_group", "img_sequence", "video"] {
        for seed in 0..40 {
            let mut random = SmallRng::seed_from_u64(seed);
            let before = document(name);
            let mut row = open_document(name, before.clone());
            let objects = row.objects().count();
            let classifications = row.classifications().count();
            let mut expected = Expected::default();
            for _ in 0..random.random_range(1..60) {
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
    match random.random_range(0..6) {
        0..=2 => {
            let (x, y) = (random.random_range(0.0..0.9), random.random_range(0.0..0.9));
            let width = random.random_range(0.001..=1.0 - x);
            let bounds = bounds(x, y, width, random.random_range(0.001..=1.0 - y));
            let frame = random.random_range(0..frames);
            let hash = row
                .add_bounding_box("Box", bounds, frame)
                .expect("a valid box");
            let earlier = expected.boxes.insert(hash, (frame, bounds, 1.0, false));
            assert!(earlier.is_none(), "hashes are unique");
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
            (entry.2, entry.3) = (confidence, manual);
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
    for (hash, (frame, bounds, confidence, manual)) in &expected.boxes {
        let object = row.object(hash).expect("it was added");
        assert_eq!(object.frames(), [range(*frame, *frame)]);
        let annotation = object.annotation(*frame).expect("drawn");
        assert_eq!(annotation.geometry, Geometry::BoundingBox(*bounds));
        assert_eq!(
            (annotation.confidence, annotation.manual_annotation),
            (*confidence, *manual)
        );
    }
    for (hash, (feature_hash, frames, confidence, manual)) in &expected.classifications {
        let classification = row.classification(hash).expect("it was added");
        assert_eq!(classification.feature_hash(), feature_hash);
        let held = classification
            .frames()
            .into_iter()
            .flat_map(|r| r.start..=r.end);
        assert_eq!(held.collect::<Vec<_>>(), *frames);
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
