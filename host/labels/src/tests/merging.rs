//! Bringing an edit onto a row that somebody else edited meanwhile.

use serde_json::{Value, json};

use super::{bounds, document, open, open_document, options, range, root};
use crate::{Edits, Geometry, GivenAnswer, LabelRow, Onto};

/// The row with an edit brought onto `theirs`.
pub(super) fn merged(before: &Value, after: &Value, theirs: &Value) -> Value {
    let onto = Edits::between(before, after).onto(after, theirs);
    match onto.expect("nothing is in conflict") {
        Onto::Merged(row) => row,
        Onto::Saved => panic!("expected something to save"),
    }
}

pub(super) fn conflict(before: &Value, after: &Value, theirs: &Value) -> String {
    let onto = Edits::between(before, after).onto(after, theirs);
    onto.expect_err("something is in conflict").to_string()
}

/// The row after an edit.
pub(super) fn edited(name: &str, edit: impl FnOnce(&mut LabelRow)) -> Value {
    let mut row = open(name);
    edit(&mut row);
    (*row.to_document()).clone()
}

pub(super) fn hashes(name: &str) -> (Vec<String>, Vec<String>) {
    let row = open(name);
    let objects = row.objects().map(|object| object.object_hash().to_owned());
    let classes = row.classifications();
    let classes = classes.map(|class| class.classification_hash().to_owned());
    (objects.collect(), classes.collect())
}

pub(super) fn add_box(row: &mut LabelRow, frame: u32) -> String {
    let geometry = Geometry::BoundingBox(bounds(0.25, 0.5, 0.25, 0.125));
    row.add_object("Box", &geometry, &[range(frame, frame)], None)
        .expect("a box")
}

#[test]
fn both_edits_of_one_object_are_a_conflict_unless_they_are_alike() {
    let before = document("image");
    let (objects, _) = hashes("image");
    let confidence = |confidence: f64, of: &[String]| {
        edited("image", |row| {
            for hash in of {
                row.set_object_confidence(hash, confidence)
                    .expect("an object");
            }
        })
    };
    let (one, other) = (
        confidence(0.25, &objects[..1]),
        confidence(0.5, &objects[..1]),
    );
    let name = open("image").object(&objects[0]).unwrap().name().to_owned();
    assert_eq!(
        conflict(&before, &one, &other),
        format!(
            "expected what was edited to be as it was when the label row was read, found that somebody else edited \
             1 object, `{name}` (`{}`) meanwhile",
            objects[0]
        )
    );
    assert_eq!(
        Edits::between(&before, &one)
            .onto(&one, &one.clone())
            .unwrap(),
        Onto::Saved
    );
    let many = conflict(
        &before,
        &confidence(0.25, &objects),
        &confidence(0.5, &objects),
    );
    assert!(
        many.contains(&format!("{} objects, ", objects.len())),
        "{many}"
    );
    assert!(
        many.contains(&format!("and {} more meanwhile", objects.len() - 3)),
        "{many}"
    );
    // Removed by one, edited by the other.
    let gone = edited("image", |row| assert!(row.remove_object(&objects[0])));
    conflict(&before, &one, &gone);
    conflict(&before, &gone, &one);
}

#[test]
fn part_of_an_edit_may_be_there_already() {
    let before = document("image");
    let (objects, _) = hashes("image");
    let after = edited("image", |row| {
        for hash in &objects {
            row.set_object_confidence(hash, 0.25).expect("an object");
        }
    });
    let part = edited("image", |row| {
        row.set_object_confidence(&objects[1], 0.25)
            .expect("an object");
    });
    let row = merged(&before, &after, &part);
    assert!(Edits::between(&after, &row).is_empty());
}

#[test]
fn an_edit_of_an_object_is_all_of_it() {
    let before = document("video");
    let (objects, _) = hashes("video");
    let answered = objects.iter().find(|hash| {
        let mut row = open("video");
        let visible = crate::AttributeAnswer {
            attribute: Some("Visible".to_owned()),
            value: options(&["No"]),
        };
        row.set_object_answers(hash, &[visible], Some(&[range(0, 0)]))
            .is_ok()
            && row.is_edited()
    });
    let hash = answered.expect("an object with a dynamic attribute");
    let answer = |option: &str| {
        edited("video", |row| {
            let visible = crate::AttributeAnswer {
                attribute: Some("Visible".to_owned()),
                value: options(&[option]),
            };
            row.set_object_answers(hash, &[visible], Some(&[range(0, 0)]))
                .expect("an answer");
        })
    };
    let moved = edited("video", |row| {
        row.set_object_confidence(hash, 0.5).expect("an object");
    });
    // One answers what holds for a frame, the other one changes a drawing.
    for theirs in [answer("No"), answer("Yes")] {
        if theirs != before {
            conflict(&before, &moved, &theirs);
            conflict(&before, &theirs, &moved);
        }
    }
}

#[test]
fn a_frame_gets_one_classification_of_a_feature() {
    let before = edited("video", |row| {
        let all: Vec<_> = row
            .classifications()
            .map(|class| class.classification_hash().to_owned())
            .collect();
        all.iter()
            .for_each(|hash| assert!(row.remove_classification(hash)));
    });
    let said = |text: &str, feature: &str, frames: &[(u32, u32)]| {
        let mut row = open_document("video", before.clone());
        let frames: Vec<_> = frames
            .iter()
            .map(|(start, end)| range(*start, *end))
            .collect();
        let answer = match feature {
            "Caption" => GivenAnswer::Text(text.to_owned()),
            _ => options(&[text]),
        };
        row.add_classification(feature, &root(answer), Some(&frames), None)
            .expect("a classification");
        (*row.to_document()).clone()
    };
    let one = said("Sunny", "Weather", &[(0, 4), (10, 12)]);
    let refused = conflict(
        &before,
        &one,
        &said("Sunny", "Weather", &[(6, 8), (12, 14)]),
    );
    assert!(refused.contains("1 classification"), "{refused}");
    let apart = said("Rainy", "Weather", &[(6, 8), (13, 14)]);
    let row = open_document("video", merged(&before, &one, &apart));
    assert_eq!(row.classifications().count(), 2);
    let row = open_document(
        "video",
        merged(&before, &said("a", "Caption", &[(0, 4)]), &one),
    );
    assert_eq!(row.classifications().count(), 2);
    // One widens what was there, the other one adds beside it.
    let mut wider = open_document("video", apart.clone());
    let hash = wider
        .classifications()
        .next()
        .unwrap()
        .classification_hash()
        .to_owned();
    wider
        .add_classification_to_frames(&hash, Some(&[range(9, 10)]), None)
        .unwrap();
    let mut beside = open_document("video", apart.clone());
    beside
        .add_classification(
            "Weather",
            &root(options(&["Sunny"])),
            Some(&[range(10, 11)]),
            None,
        )
        .unwrap();
    let (wider, beside) = (wider.to_document(), beside.to_document());
    conflict(&apart, &wider, &beside);
    conflict(&apart, &beside, &wider);
}

#[test]
fn frames_are_made_in_their_order_and_empty_ones_go() {
    let before = edited("video", |row| {
        let (objects, _) = hashes("video");
        objects
            .iter()
            .for_each(|hash| assert!(row.remove_object(hash)));
        [4, 9, 20]
            .into_iter()
            .for_each(|frame| drop(add_box(row, frame)));
    });
    let frames = |row: &Value| -> Vec<String> {
        let unit = row["data_units"]
            .as_object()
            .unwrap()
            .values()
            .next()
            .unwrap();
        unit["labels"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(frames(&before), ["4", "9", "20"]);
    let mut row = open_document("video", before.clone());
    [2, 4, 11, 10, 25]
        .into_iter()
        .for_each(|frame| drop(add_box(&mut row, frame)));
    let gone = row.objects_on(9)[0].object_hash().to_owned();
    row.remove_object(&gone);
    let after = row.to_document();
    let mut row = open_document("video", before.clone());
    add_box(&mut row, 12);
    let theirs = row.to_document();
    assert_eq!(
        frames(&merged(&before, &after, &theirs)),
        ["2", "4", "10", "11", "12", "20", "25"]
    );
    // The other way round.
    assert_eq!(
        frames(&merged(&before, &theirs, &after)),
        ["2", "4", "10", "11", "12", "20", "25"]
    );
}

#[test]
fn other_keys_are_taken_one_by_one() {
    let mut before = document("image");
    before["notes"] = json!({ "a": 1, "b": { "c": "x" }, "list": [1] });
    let with = |edit: fn(&mut Value)| {
        let mut row = before.clone();
        edit(&mut row["notes"]);
        row
    };
    let after = with(|notes| {
        notes["a"] = 2.into();
        notes["b"]["new"] = json!({ "deep": true });
        notes.as_object_mut().unwrap().shift_remove("list");
    });
    let theirs = with(|notes| notes["b"]["c"] = "y".into());
    let notes = json!({ "a": 2, "b": { "c": "y", "new": { "deep": true } } });
    assert_eq!(merged(&before, &after, &theirs)["notes"], notes);
    let same = with(|notes| notes["a"] = 2.0.into());
    assert_eq!(merged(&before, &after, &same)["notes"]["a"], 2.0);
    let refused = conflict(&before, &after, &with(|notes| notes["a"] = 3.into()));
    assert!(refused.contains("1 key, notes/a meanwhile"), "{refused}");
    conflict(&before, &after, &with(|notes| notes["b"] = 3.into()));
    // What the service decides is never the agent's.
    let mut decided = before.clone();
    decided["label_status"] = "LABELLED".into();
    decided["reviews"] = json!([1]);
    assert!(Edits::between(&before, &decided).is_empty());
}

#[test]
fn labels_of_a_space_that_is_gone_are_a_conflict() {
    let before = document("media");
    let after = edited("media", |row| {
        let geometry = Geometry::BoundingBox(bounds(0.25, 0.5, 0.25, 0.125));
        row.add_object("Box", &geometry, &[range(3, 3)], Some("s-video"))
            .expect("a box");
    });
    let mut theirs = before.clone();
    theirs["spaces"]
        .as_object_mut()
        .unwrap()
        .shift_remove("s-video");
    conflict(&before, &after, &theirs);
    let mut theirs = before.clone();
    theirs["spaces"]
        .as_object_mut()
        .unwrap()
        .shift_remove("s-audio");
    let row = merged(&before, &after, &theirs);
    assert!(row["spaces"].get("s-audio").is_none());
}

#[test]
fn a_space_gets_one_classification_of_a_feature() {
    let before = edited("media", |row| {
        let all: Vec<_> = row
            .classifications()
            .map(|class| class.classification_hash().to_owned())
            .collect();
        all.iter()
            .for_each(|hash| assert!(row.remove_classification(hash)));
    });
    let said = |space: &str| {
        let mut row = open_document("media", before.clone());
        let answer = root(GivenAnswer::Text("said".to_owned()));
        row.add_classification("Caption", &answer, None, Some(space))
            .expect("a classification");
        (*row.to_document()).clone()
    };
    conflict(&before, &said("s-audio"), &said("s-audio"));
    let row = merged(&before, &said("s-audio"), &said("s-text"));
    assert_eq!(open_document("media", row).classifications().count(), 2);
}

#[test]
fn edits_are_written_and_read() {
    let before = document("image");
    let (objects, classes) = hashes("image");
    let after = edited("image", |row| {
        assert!(row.remove_object(&objects[0]));
        add_box(row, 0);
        assert!(row.remove_classification(&classes[0]));
    });
    let edits = Edits::between(&before, &after);
    let written = serde_json::to_value(&edits).unwrap();
    let touched = written["objects"].as_object().unwrap();
    assert_eq!(touched.len(), 2);
    assert_eq!(touched[&objects[0]].as_str().unwrap().len(), 22);
    assert_eq!(
        serde_json::from_value::<Edits>(written.clone()).unwrap(),
        edits
    );
    let mut broken = written;
    broken["objects"][&objects[0]] = "AAAA".into();
    let error = serde_json::from_value::<Edits>(broken).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected 16 or 32 bytes in Base64, found `AAAA`"
    );
    assert_eq!(serde_json::to_value(Edits::default()).unwrap(), json!({}));
}
