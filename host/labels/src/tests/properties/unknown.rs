//! Keys that are not known here survive every edit, wherever in a document they stand. They go only with
//! what an edit takes away or replaces.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use super::super::{SAMPLES, bounds, document, open_document, options, range, root};
use super::cases;
use crate::{AttributeAnswer, FrameRange, Geometry, GivenAnswer, LabelError, LabelRow};

/// What an edit may take unknown keys with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    /// Geometries and answers of the thing that is edited, which are written anew.
    Values,
    /// Anything of the thing that is edited.
    Anything,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    AddObject,
    AddRanges,
    AddClassification,
    Draw,
    Copy,
    Move,
    SetRanges,
    Confidence,
    ConfidenceOn,
    Manual,
    Answer,
    ClearAnswer,
    RemoveFromFrames,
    RemoveObject,
    AnswerClassification,
    ClassificationConfidence,
    ClassificationToFrames,
    ClassificationFromFrames,
    RemoveClassification,
}

use Kind::*;

const KINDS: [Kind; 19] = [
    AddObject,
    AddRanges,
    AddClassification,
    Draw,
    Copy,
    Move,
    SetRanges,
    Confidence,
    ConfidenceOn,
    Manual,
    Answer,
    ClearAnswer,
    RemoveFromFrames,
    RemoveObject,
    AnswerClassification,
    ClassificationConfidence,
    ClassificationToFrames,
    ClassificationFromFrames,
    RemoveClassification,
];

#[derive(Debug, Clone)]
pub(super) struct Edit {
    kind: Kind,
    /// Which object, classification or feature.
    which: Index,
    /// Which space, if the row has some.
    space: Option<Index>,
    frames: FrameRange,
    frame: u32,
    /// Whether frames are given where they need not be.
    given: bool,
}

/// A key that was put into a document.
struct Unknown {
    key: String,
    /// Hash of the object or classification that it is in; empty if in neither.
    owner: String,
    /// Whether it is in a geometry or in an answer.
    in_value: bool,
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn unknown_keys_survive_every_edit(
        (row, ..) in select(SAMPLES.as_slice()),
        places in vec(any::<Index>(), 1..12),
        edits in vec(any_edit(), 1..12),
    ) {
        let mut document = document(row);
        let unknown = put_in(&mut document, &places);
        let mut row = open_document(row, document);
        let mut there = found_in(&row.to_document());
        prop_assert_eq!(there.len(), unknown.len());
        for edit in &edits {
            let (touched, takes) = make(edit, &mut row);
            let after = found_in(&row.to_document());
            for key in &unknown {
                let Some(before) = there.get(&key.key) else { continue };
                let may_go = key.owner == touched
                    && match takes {
                        Takes::Nothing => false,
                        Takes::Values => key.in_value,
                        Takes::Anything => true,
                    };
                match after.get(&key.key) {
                    Some(after) => prop_assert_eq!(before, after),
                    None => prop_assert!(may_go, "{} of `{}` is lost by {:?}", key.key, key.owner, edit),
                }
            }
            there = after;
        }
    }
}

pub(super) fn any_edit() -> impl Strategy<Value = Edit> {
    let operands = (
        any::<Index>(),
        any::<Option<Index>>(),
        0..6_u32,
        0..3_u32,
        0..6_u32,
        any::<bool>(),
    );
    (select(KINDS.as_slice()), operands).prop_map(
        |(kind, (which, space, start, length, frame, given))| Edit {
            kind,
            which,
            space,
            frames: range(start, start + length),
            frame,
            given,
        },
    )
}

/// Makes an edit if the row has what it needs; whether it is refused is none of this test's matter. What it
/// was made to, and what may go with it.
pub(super) fn make(edit: &Edit, row: &mut LabelRow) -> (String, Takes) {
    let Edit {
        kind,
        which,
        frames,
        frame,
        ..
    } = edit;
    let frames = [*frames];
    let optional = edit.given.then_some(frames.as_slice());
    let spaces: Vec<String> = row
        .spaces()
        .iter()
        .map(|space| space.id().to_owned())
        .collect();
    let space = edit.space.filter(|_| !spaces.is_empty());
    let space = space.map(|space| space.get(&spaces).as_str());
    let geometry = Geometry::BoundingBox(bounds(0.0, 0.5, 0.25, 0.125));
    let objects: Vec<String> = row
        .objects()
        .map(|object| object.object_hash().to_owned())
        .collect();
    let classes = row
        .classifications()
        .map(|class| class.classification_hash().to_owned());
    let classes: Vec<String> = classes.collect();
    let hashes = match kind {
        AddObject | AddRanges | AddClassification => &[String::new()],
        AnswerClassification
        | ClassificationConfidence
        | ClassificationToFrames
        | ClassificationFromFrames
        | RemoveClassification => classes.as_slice(),
        _ => objects.as_slice(),
    };
    if hashes.is_empty() {
        return (String::new(), Takes::Nothing);
    }
    let hash = which.get(hashes);
    let takes = match kind {
        Draw | Move | SetRanges | Answer | ClearAnswer | AnswerClassification => Takes::Values,
        Copy
        | RemoveFromFrames
        | RemoveObject
        | ClassificationFromFrames
        | RemoveClassification => Takes::Anything,
        _ => Takes::Nothing,
    };
    let done: Result<(), LabelError> = match kind {
        AddObject => row
            .add_object("PXFZO2ra", &geometry, &frames, space)
            .map(drop),
        AddRanges => {
            let feature = which.get(&["Speech", "Entity", "Span", "Segment"]);
            row.add_ranges(feature, &frames, space).map(drop)
        }
        AddClassification => {
            let answer = GivenAnswer::Text("said".to_owned());
            row.add_classification("Caption", &root(answer), optional, space)
                .map(drop)
        }
        Draw => row.draw(hash, &geometry, &frames, space),
        Copy => row.copy_to_frames(hash, *frame, &frames),
        Move => row.move_to_frame(hash, *frame, frames[0].start),
        SetRanges => row.set_ranges(hash, &frames, space),
        Confidence => row.set_object_confidence(hash, 0.25),
        ConfidenceOn => row.set_object_confidence_on(hash, 0.75, &frames),
        Manual => row.set_object_manual_annotation(hash, edit.given),
        Answer => {
            let (attribute, option) =
                which.get(&[("Colour", "Blue"), ("Colour", "Red"), ("Visible", "No")]);
            let answer = AttributeAnswer {
                attribute: Some((*attribute).to_owned()),
                value: options(&[option]),
            };
            row.set_object_answers(
                hash,
                &[answer],
                optional.filter(|_| *attribute == "Visible"),
            )
        }
        ClearAnswer => {
            let attribute: &&str = which.get(&["Colour", "Count", "Visible"]);
            row.clear_object_answer(hash, attribute, None)
        }
        RemoveFromFrames => row.remove_from_frames(hash, optional, space),
        RemoveObject => {
            row.remove_object(hash);
            Ok(())
        }
        AnswerClassification => {
            let answer = which
                .get(&[options(&["Sunny"]), GivenAnswer::Text("other".to_owned())])
                .clone();
            row.set_classification_answers(hash, &root(answer))
        }
        ClassificationConfidence => row.set_classification_confidence(hash, 0.5),
        ClassificationToFrames => row.add_classification_to_frames(hash, optional, space),
        ClassificationFromFrames => row.remove_classification_from_frames(hash, optional, space),
        RemoveClassification => {
            row.remove_classification(hash);
            Ok(())
        }
    };
    (
        hash.clone(),
        if done.is_ok() { takes } else { Takes::Nothing },
    )
}

/// Puts a key at each of the places, of which any object of the document is one.
fn put_in(document: &mut Value, places: &[Index]) -> Vec<Unknown> {
    let mut count = 0;
    visit(document, "", false, &mut |_, _, _| count += 1);
    let places: Vec<usize> = places.iter().map(|place| place.index(count)).collect();
    let (mut unknown, mut position) = (Vec::new(), 0);
    visit(document, "", false, &mut |map, owner, in_value| {
        for (number, _) in places
            .iter()
            .enumerate()
            .filter(|(_, place)| **place == position)
        {
            let key = format!("unknown-{number}");
            map.insert(key.clone(), json!([number, null, { "deep": 0.5 }]));
            unknown.push(Unknown {
                key,
                owner: owner.to_owned(),
                in_value,
            });
        }
        position += 1;
    });
    unknown
}

/// The unknown keys of a document. What was copied has them twice, and alike.
fn found_in(document: &Value) -> Map<String, Value> {
    let mut document = document.clone();
    let mut found = Map::new();
    visit(&mut document, "", false, &mut |map, _, _| {
        for (key, value) in map.iter().filter(|(key, _)| key.starts_with("unknown-")) {
            let earlier = found.insert(key.clone(), value.clone());
            assert!(earlier.is_none_or(|earlier| earlier == *value), "{key}");
        }
    });
    found
}

/// Takes an object, the hash of what it belongs to, and whether it is in a geometry or in an answer.
type Visitor<'a> = dyn FnMut(&mut Map<String, Value>, &str, bool) + 'a;

/// Calls with each object of a document.
fn visit(json: &mut Value, owner: &str, in_value: bool, with: &mut Visitor<'_>) {
    const GEOMETRIES: [&str; 10] = [
        "boundingBox",
        "rotatableBoundingBox",
        "polygon",
        "polyline",
        "point",
        "skeleton",
        "bitmask",
        "circle",
        "ellipse",
        "cuboid_2d",
    ];
    const BY_HASH: [&str; 3] = ["object_answers", "object_actions", "classification_answers"];
    let map = match json {
        Value::Array(list) => {
            for element in list {
                visit(element, owner, in_value, with);
            }
            return;
        }
        Value::Object(map) => map,
        _ => return,
    };
    let hash = map
        .get("objectHash")
        .or_else(|| map.get("classificationHash"));
    let hash = hash.and_then(Value::as_str).map(str::to_owned);
    let owner = hash.unwrap_or_else(|| owner.to_owned());
    with(map, &owner, in_value);
    for (key, value) in map
        .iter_mut()
        .filter(|(key, _)| !key.starts_with("unknown-"))
    {
        let is_answer = matches!(key.as_str(), "classifications" | "actions") && !owner.is_empty();
        let in_value = in_value || is_answer || GEOMETRIES.contains(&key.as_str());
        match value {
            Value::Object(entries) if BY_HASH.contains(&key.as_str()) => {
                with(entries, &owner, in_value);
                for (hash, entry) in entries
                    .iter_mut()
                    .filter(|(key, _)| !key.starts_with("unknown-"))
                {
                    visit(entry, hash, false, with);
                }
            }
            _ => visit(value, &owner, in_value, with),
        }
    }
}
