//! Random answers and places, from fixed seeds: whatever is set and cleared in whatever order, the row reads as a
//! table of frames and answers does, and so does the document when it is opened again.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::super::*;
use super::answering::reads_equal_when_opened_again;
use super::golden::{CAR, Golden, answer};
use super::{options, range};

/// Where the car of the golden rows is.
const ON: [u32; 6] = [0, 1, 2, 3, 4, 6];

/// Answers as text, by attribute.
type Table<K> = BTreeMap<K, BTreeMap<&'static str, String>>;

fn some_ranges(random: &mut SmallRng) -> Vec<FrameRange> {
    let count = random.random_range(1..4);
    let ranges = (0..count).map(|_| {
        let start = random.random_range(0..10);
        range(start, random.random_range(start..10))
    });
    ranges.collect()
}

fn frames_of(ranges: &[FrameRange]) -> BTreeSet<u32> {
    ranges
        .iter()
        .flat_map(|range| range.start..=range.end)
        .collect()
}

/// An answer to one of the attributes, and how the table writes it.
fn some_answer(attribute: &'static str, random: &mut SmallRng) -> (GivenAnswer, String) {
    let number = random.random_range(0..3_u8);
    let ticked = |names: [&'static str; 2]| {
        let ticked: Vec<_> = names
            .into_iter()
            .enumerate()
            .filter(|(place, _)| (number + 1) & (1 << place) != 0)
            .map(|(_, name)| name)
            .collect();
        (options(&ticked), ticked.join(" "))
    };
    let one = |names: [&'static str; 2]| {
        let name = names[usize::from(number % 2)];
        (options(&[name]), name.to_owned())
    };
    match attribute {
        "Visible" => one(["opYes001", "opNo0001"]),
        "Colour" => one(["opRed001", "opBlue01"]),
        "Finish" => one(["opMatt01", "opGloss1"]),
        "Lamps" => ticked(["opFront1", "opRear01"]),
        "Tone" => ticked(["opLight1", "opDark01"]),
        "Speed" | "Depth" => {
            let number = f64::from(number);
            (GivenAnswer::Number(number), number.to_string())
        }
        _ => {
            let text = number.to_string();
            (GivenAnswer::Text(text.clone()), text)
        }
    }
}

fn as_text(value: &AnswerValue) -> String {
    match value {
        AnswerValue::Text(text) | AnswerValue::Other(text) => text.clone(),
        AnswerValue::Number(number) => number.to_string(),
        AnswerValue::Options(options) => {
            let hashes = options.iter().map(|option| option.feature_hash.as_str());
            hashes.collect::<Vec<_>>().join(" ")
        }
    }
}

#[test]
fn dynamic_answers_read_as_a_table_of_frames() {
    let golden = Golden::read();
    for (case, in_space) in [("dynamic", false), ("dynamic in a space", true)] {
        for seed in 0..60 {
            let mut random = SmallRng::seed_from_u64(seed);
            let mut row = golden.row(case);
            let mut table: Table<u32> = BTreeMap::new();
            for _ in 0..random.random_range(1..40) {
                let attributes = ["Visible", "Lamps", "Speed", "Plate"];
                let attribute = attributes[random.random_range(0..attributes.len())];
                let ranges = random.random_bool(0.8).then(|| some_ranges(&mut random));
                let frames = ranges.as_deref().map_or(ON.into(), frames_of);
                if random.random_bool(0.3) {
                    row.clear_object_answer(CAR, attribute, ranges.as_deref())
                        .expect("valid");
                    for frame in &frames {
                        table.entry(*frame).or_default().remove(attribute);
                    }
                    continue;
                }
                let (value, text) = some_answer(attribute, &mut random);
                let before = row.to_document();
                let result =
                    row.set_object_answers(CAR, &[answer(attribute, value)], ranges.as_deref());
                if !frames.iter().all(|frame| ON.contains(frame)) {
                    assert!(matches!(result, Err(LabelError::InvalidArgument(_))));
                    assert_eq!(row.to_document(), before);
                    continue;
                }
                result.expect("valid");
                for frame in &frames {
                    let answers = table.entry(*frame).or_default();
                    answers.insert(attribute, text.clone());
                }
            }
            let mut read: Table<u32> = BTreeMap::new();
            let object = row.object(CAR).expect("in the row");
            assert_eq!(object.space().is_some(), in_space);
            for dynamic in object.dynamic_answers() {
                for frame in frames_of(&dynamic.frames) {
                    let attribute = ["Visible", "Lamps", "Speed", "Plate"]
                        .into_iter()
                        .find(|name| *name == dynamic.answer.name)
                        .expect("one of them");
                    let answers = read.entry(frame).or_default();
                    let earlier = answers.insert(attribute, as_text(&dynamic.answer.value));
                    assert_eq!(earlier, None, "one answer on a frame");
                }
            }
            table.retain(|_, answers| !answers.is_empty());
            assert_eq!(read, table, "{case}, seed {seed}");
            let document = row.to_document();
            let actions = document["object_actions"][CAR]["actions"].as_array();
            let entries = actions.into_iter().flatten().map(|action| {
                let answers = action["answers"].to_string();
                (action["featureHash"].to_string(), answers)
            });
            let entries: Vec<_> = entries.collect();
            let distinct: BTreeSet<_> = entries.iter().collect();
            assert_eq!(entries.len(), distinct.len(), "equal answers are one entry");
            reads_equal_when_opened_again(&golden, &row);
        }
    }
}

/// What has to be answered for an attribute to be asked.
fn way_to(attribute: &str) -> &'static [(&'static str, &'static str)] {
    match attribute {
        "Shade" | "Finish" => &[("Colour", "opRed001")],
        "Depth" => &[("Colour", "opRed001"), ("Finish", "opMatt01")],
        "Tone" => &[("Colour", "opBlue01")],
        _ => &[],
    }
}

#[test]
fn static_answers_read_as_the_questions_that_are_asked() {
    let golden = Golden::read();
    let attributes = ["Colour", "Shade", "Finish", "Depth", "Tone", "Note"];
    for seed in 0..100 {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut row = golden.row("static");
        let mut held: BTreeMap<&'static str, String> = BTreeMap::new();
        for _ in 0..random.random_range(1..30) {
            if random.random_bool(0.2) {
                let attribute = attributes[random.random_range(0..attributes.len())];
                row.clear_object_answer(CAR, attribute, None)
                    .expect("valid");
                held.remove(attribute);
                drop_what_is_not_asked(&mut held);
                continue;
            }
            let mut wanted = held.clone();
            let mut answers = Vec::new();
            let mut given = BTreeSet::new();
            for _ in 0..random.random_range(1..4) {
                let attribute = attributes[random.random_range(0..attributes.len())];
                if given.insert(attribute) {
                    let (value, text) = some_answer(attribute, &mut random);
                    answers.push(answer(attribute, value));
                    wanted.insert(attribute, text);
                }
            }
            let fits = given.iter().all(|attribute| {
                let mut way = way_to(attribute).iter();
                way.all(|(name, option)| wanted.get(name).is_some_and(|held| held == option))
            });
            let before = row.to_document();
            let result = row.set_object_answers(CAR, &answers, None);
            if fits {
                result.expect("valid");
                held = wanted;
                drop_what_is_not_asked(&mut held);
            } else {
                assert!(matches!(result, Err(LabelError::InvalidArgument(_))));
                assert_eq!(row.to_document(), before);
            }
        }
        let answers = row.object(CAR).expect("in the row").answers();
        let read: BTreeMap<_, _> = answers
            .iter()
            .map(|answer| (answer.name.as_str(), as_text(&answer.value)))
            .collect();
        assert_eq!(answers.len(), read.len(), "one answer to an attribute");
        assert_eq!(read, held, "seed {seed}");
        let order: Vec<_> = answers
            .iter()
            .map(|answer| attributes.iter().position(|name| *name == answer.name))
            .collect();
        assert!(order.is_sorted_by(|one, next| one > next), "{order:?}");
        reads_equal_when_opened_again(&golden, &row);
    }
}

fn drop_what_is_not_asked(held: &mut BTreeMap<&'static str, String>) {
    // From the first level to the last.
    for attribute in ["Shade", "Finish", "Tone", "Depth"] {
        let mut way = way_to(attribute).iter();
        if !way.all(|(name, option)| held.get(name).is_some_and(|held| held == option)) {
            held.remove(attribute);
        }
    }
}

#[test]
fn classifications_hold_where_a_table_of_places_says() {
    let golden = Golden::read();
    for seed in 0..60 {
        let mut random = SmallRng::seed_from_u64(seed);
        // Two spaces with frames and the row itself, by the same steps.
        let (case, spaces) = if seed % 2 == 0 {
            ("classifications", [None, None])
        } else {
            ("several spaces", [Some("video"), Some("image")])
        };
        let mut row = golden.row(case);
        let mut table: BTreeMap<(Option<&str>, u32), String> = BTreeMap::new();
        let mut hashes: Vec<String> = Vec::new();
        for _ in 0..random.random_range(1..40) {
            let space = spaces[random.random_range(0..2)];
            let last = if space == Some("image") { 0 } else { 9 };
            let ranges = some_ranges(&mut random);
            let frames = frames_of(&ranges);
            let exist = frames.iter().all(|frame| *frame <= last);
            let before = row.to_document();
            let known = (!hashes.is_empty()).then(|| random.random_range(0..hashes.len()));
            match (random.random_range(0..6), known) {
                (0..=1, _) | (_, None) => {
                    let free = frames
                        .iter()
                        .all(|frame| !table.contains_key(&(space, *frame)));
                    let sun = [answer("Sky", options(&["Sun"]))];
                    let result = row.add_classification("Sky", &sun, Some(&ranges), space);
                    assert_eq!(result.is_ok(), exist && free, "{result:?}");
                    match result {
                        Ok(hash) => {
                            let frames = frames.iter();
                            table.extend(frames.map(|frame| ((space, *frame), hash.clone())));
                            hashes.push(hash);
                        }
                        Err(_) => assert_eq!(row.to_document(), before),
                    }
                }
                (2..=3, Some(known)) => {
                    let hash = &hashes[known];
                    let free = frames.iter().all(|frame| {
                        let held = table.get(&(space, *frame));
                        held.is_none_or(|held| held == hash)
                    });
                    let result = row.add_classification_to_frames(hash, Some(&ranges), space);
                    assert_eq!(result.is_ok(), exist && free, "{result:?}");
                    if result.is_ok() {
                        let frames = frames.iter();
                        table.extend(frames.map(|frame| ((space, *frame), hash.clone())));
                    } else {
                        assert_eq!(row.to_document(), before);
                    }
                }
                (4, Some(known)) => {
                    let whole = random.random_bool(0.1);
                    let ranges = (!whole).then_some(ranges.as_slice());
                    row.remove_classification_from_frames(&hashes[known], ranges, space)
                        .expect("valid");
                    table.retain(|(place, frame), hash| {
                        *hash != hashes[known]
                            || *place != space
                            || !(whole || frames.contains(frame))
                    });
                }
                (_, Some(known)) => {
                    assert!(row.remove_classification(&hashes[known]));
                    assert!(!row.remove_classification(&hashes[known]));
                    table.retain(|_, hash| *hash != hashes[known]);
                }
            }
            // One that is nowhere any more is gone.
            hashes.retain(|hash| {
                let held = table.values().any(|held| held == hash);
                assert_eq!(row.classification(hash).is_some(), held);
                held
            });
        }
        let mut read = BTreeMap::new();
        for classification in row.classifications() {
            let hash = classification.classification_hash();
            for space in BTreeSet::from(spaces) {
                let frames = classification.frames_in(space.unwrap_or("root"));
                for frame in frames_of(&frames) {
                    let earlier = read.insert((space, frame), hash.to_owned());
                    assert_eq!(earlier, None, "one on a frame");
                }
            }
        }
        assert_eq!(read, table, "{case}, seed {seed}");
        for frame in 0..10 {
            let on: BTreeSet<_> = row
                .classifications_on(frame)
                .iter()
                .map(|each| each.classification_hash().to_owned())
                .collect();
            let expected: BTreeSet<_> = table
                .iter()
                .filter(|((_, at), _)| *at == frame)
                .map(|(_, hash)| hash.clone())
                .collect();
            assert_eq!(on, expected);
        }
        reads_equal_when_opened_again(&golden, &row);
    }
}
