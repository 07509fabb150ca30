//! Answers of objects and classifications, set and cleared step by step.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::*;
use super::golden::{CAR, Golden, answer, text};
use super::{open, options, range, refused};

fn given(value: &Value) -> GivenAnswer {
    match value {
        Value::String(text) => GivenAnswer::Text(text.clone()),
        Value::Number(number) => GivenAnswer::Number(number.as_f64().expect("a number")),
        value => {
            let options = value.as_array().expect("a list").iter();
            let hash = |option: &Value| option.as_str().expect("text").to_owned();
            GivenAnswer::Options(options.map(hash).collect())
        }
    }
}

fn ranges(value: &Value) -> Option<Vec<FrameRange>> {
    let frame = |value: &Value| u32::try_from(value.as_u64().expect("a number")).expect("a frame");
    let ranges = value.as_array()?.iter();
    Some(
        ranges
            .map(|pair| range(frame(&pair[0]), frame(&pair[1])))
            .collect(),
    )
}

/// Takes a step of a golden case. `keys` has the hashes of the classifications by their key there.
fn step(row: &mut LabelRow, step: &Value, keys: &mut BTreeMap<String, String>) {
    let frames = ranges(&step["frames"]);
    let frames = frames.as_deref();
    let space = step["space"].as_str();
    let of = step["of"].as_str().unwrap_or_default();
    let classification = keys.get(of).cloned();
    let attribute = step["attribute"].as_str().unwrap_or_default();
    match (step["do"].as_str().expect("text"), classification) {
        ("answer", None) => {
            let answers = [answer(attribute, given(&step["value"]))];
            row.set_object_answers(of, &answers, frames)
        }
        ("answer", Some(hash)) => {
            let answers = [answer(attribute, given(&step["value"]))];
            row.set_classification_answers(&hash, &answers)
        }
        ("clear", None) => row.clear_object_answer(of, attribute, frames),
        ("clear", Some(hash)) => row.clear_classification_answer(&hash, attribute),
        ("add", _) => {
            let answers = step["answers"].as_array().expect("a list").iter();
            let answers =
                answers.map(|pair| answer(pair[0].as_str().expect("text"), given(&pair[1])));
            let answers: Vec<_> = answers.collect();
            let feature = step["feature"].as_str().expect("text");
            let hash = row.add_classification(feature, &answers, frames, space);
            let key = step["key"].as_str().expect("text").to_owned();
            hash.map(|hash| {
                keys.insert(key, hash);
            })
        }
        ("place", Some(hash)) => row.add_classification_to_frames(&hash, frames, space),
        ("take", Some(hash)) => row.remove_classification_from_frames(&hash, frames, space),
        ("remove", Some(hash)) => {
            assert!(row.remove_classification(&hash));
            Ok(())
        }
        other => panic!("a step that is not known: {other:?}"),
    }
    .expect("a valid step");
}

/// Without times, and without who made it.
fn comparable(mut value: Value) -> Value {
    fn forget(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    if matches!(
                        key.as_str(),
                        "createdAt" | "lastEditedAt" | "manualAnnotation"
                    ) {
                        *value = Value::Null;
                    }
                    forget(value);
                }
            }
            Value::Array(list) => list.iter_mut().for_each(forget),
            _ => {}
        }
    }
    forget(&mut value);
    value
}

#[test]
fn what_is_written_is_what_the_python_sdk_writes() {
    let golden = Golden::read();
    assert!(golden.cases.len() > 10);
    for case in &golden.cases {
        let mut row = golden.open(case["row"].clone());
        let mut keys = BTreeMap::new();
        for each in case["steps"].as_array().expect("a list") {
            step(&mut row, each, &mut keys);
        }
        let mut written = Map::new();
        for section in ["object_answers", "object_actions", "classification_answers"] {
            written.insert(section.to_owned(), row.to_document()[section].clone());
        }
        let mut written = comparable(Value::Object(written)).to_string();
        for (key, hash) in &keys {
            let json = Value::from(hash.as_str()).to_string();
            written = written.replace(&json, &format!("\"{key}\""));
        }
        let expected = comparable(case["written"].clone()).to_string();
        assert_eq!(written, expected, "{}", case["name"]);
        reads_equal_when_opened_again(&golden, &row);
    }
}

pub(super) fn reads_equal_when_opened_again(golden: &Golden, row: &LabelRow) {
    let again = golden.open((*row.to_document()).clone());
    assert_eq!(row.objects().count(), again.objects().count());
    for (one, other) in row.objects().zip(again.objects()) {
        assert_eq!(one.answers(), other.answers());
        assert_eq!(one.dynamic_answers(), other.dynamic_answers());
    }
    let (ours, theirs) = (row.classifications(), again.classifications());
    let read = |each: ClassificationInstance<'_>| {
        let spaces = each.spaces().into_iter();
        let spaces: Vec<_> = spaces
            .map(|space| (space.to_owned(), each.frames_in(space)))
            .collect();
        let hash = each.classification_hash().to_owned();
        (hash, each.answers(), each.frames(), spaces)
    };
    assert_eq!(
        ours.map(read).collect::<Vec<_>>(),
        theirs.map(read).collect::<Vec<_>>()
    );
}

#[test]
fn answers_may_come_in_any_order() {
    let golden = Golden::read();
    let all = [
        answer("atDepth1", GivenAnswer::Number(0.25)),
        answer("Colour", options(&["Red"])),
        answer("Lamps", options(&["Rear"])),
        answer("Finish", options(&["matt"])),
        answer("Note", text("dented")),
        answer("Speed", GivenAnswer::Number(2.0)),
    ];
    let mut written = Vec::new();
    for turn in 0..all.len() {
        let mut row = golden.row("static");
        // What was there before is no matter for the order either.
        let blue = [
            answer("Colour", options(&["Blue"])),
            answer("Tone", options(&["Dark"])),
        ];
        row.set_object_answers(CAR, &blue, None).expect("valid");
        let mut answers = all.to_vec();
        answers.rotate_left(turn);
        if turn % 2 == 1 {
            answers.reverse();
        }
        row.set_object_answers(CAR, &answers, None).expect("valid");
        let document = row.to_document();
        written.push([
            document["object_answers"].to_string(),
            document["object_actions"].to_string(),
        ]);
    }
    written.dedup();
    let [[answers, actions]] = written.as_slice() else {
        panic!("one way to write it, found {written:?}");
    };
    assert!(!answers.contains("atTone01"), "{answers}");
    let at = |text: &str, hash: &str| text.find(hash).expect(hash);
    assert!(at(answers, "atNote01") < at(answers, "atDepth1"));
    assert!(at(answers, "atDepth1") < at(answers, "atFinish"));
    assert!(at(answers, "atFinish") < at(answers, "atColour"));
    assert!(at(actions, "atSpeed1") < at(actions, "atLamps1"));
    assert!(!answers.contains("true"), "an agent gave them");
}

#[test]
fn an_answer_of_an_object_that_does_not_fit_is_refused() {
    let golden = Golden::read();
    let red = || answer("Colour", options(&["Red"]));
    let here = [range(0, 2)];
    let off = [range(0, 5)];
    let none: &[AttributeAnswer] = &[];
    for (answers, frames, expected) in [
        (
            vec![answer("Colours", text("x"))],
            None,
            "found `Colours`; it has `Colour`, `Shade`, ",
        ),
        (
            vec![AttributeAnswer {
                attribute: None,
                value: text("x"),
            }],
            None,
            "found one without a name, and that `Car` has `Colour`, `Visible`, `Parts of it`, ",
        ),
        (
            vec![answer("Shade", text("x"))],
            None,
            "found one to `Shade`, which is asked if `Colour` is answered with `Red`",
        ),
        (
            vec![
                answer("Colour", options(&["Blue"])),
                answer("atShade1", text("x")),
            ],
            None,
            "which is asked if `Colour`",
        ),
        (
            vec![red(), red()],
            None,
            "expected one answer to `Colour`, found several",
        ),
        (
            vec![red(), answer("atColour", options(&["Blue"]))],
            None,
            "expected one answer to `Colour`, found several",
        ),
        (
            vec![answer("Speed", text("x"))],
            None,
            "expected a number for `Speed`",
        ),
        (
            vec![answer("Speed", GivenAnswer::Number(f64::NAN))],
            None,
            "expected a finite number",
        ),
        (
            vec![answer("Visible", options(&["Yes", "No"]))],
            None,
            "expected exactly one option",
        ),
        (
            vec![red(), answer("Visible", options(&["Yes"]))],
            Some(&here[..]),
            "expected no frames for `Colour`, which is answered once for all frames of an object",
        ),
        (
            vec![red(), answer("Visible", options(&["Maybe"]))],
            None,
            "found `Maybe`; it has `Yes`, `No`",
        ),
        (
            vec![answer("Visible", options(&["Yes"]))],
            Some(&off[..]),
            "expected frames that the object is on, found 5, which `Car00001` is not on",
        ),
        (
            vec![answer("Visible", options(&["Yes"]))],
            Some(&[FrameRange { start: 3, end: 1 }][..]),
            "not to be before its start, found 3 to 1",
        ),
        (
            vec![answer("Visible", options(&["Yes"]))],
            Some(&[][..]),
            "found an empty list\nhelp: ",
        ),
        (
            vec![red(); 20],
            None,
            "expected at most one answer for each of the 12 attributes of `Car`",
        ),
    ] {
        let mut row = golden.row("static");
        let result = row.set_object_answers(CAR, &answers, frames);
        let message = refused(&row, result);
        assert!(
            message.contains(expected),
            "{message}\n  is not\n{expected}"
        );
    }
    let mut row = golden.row("static");
    let result = row.clear_object_answer(CAR, "Colour", Some(&here));
    assert!(refused(&row, result).contains("expected no frames for `Colour`"));
    let result = row.clear_object_answer(CAR, "Colours", None);
    assert!(refused(&row, result).contains("found `Colours`"));
    for result in [
        row.set_object_answers("Car00002", none, None),
        row.clear_object_answer("Car00002", "Colour", None),
    ] {
        assert!(matches!(result, Err(LabelError::NotFound(_))), "{result:?}");
    }
    // What was not there cannot be taken back, and is no edit.
    row.clear_object_answer(CAR, "Shade", None).expect("valid");
    row.clear_object_answer(CAR, "Visible", Some(&off))
        .expect("valid");
    assert!(!row.is_edited());
}

#[test]
fn a_name_that_several_attributes_have_is_taken_for_the_one_that_is_asked() {
    let mut row = open("image");
    let rain = [
        answer("Sky", options(&["Rain"])),
        answer("Comment", text("wet")),
    ];
    let hash = row
        .add_classification("Sky", &rain, None, None)
        .expect("valid");
    let comments = |row: &LabelRow| {
        let answers = row.classification(&hash).expect("in the row").answers();
        let comments = answers
            .into_iter()
            .filter(|answer| answer.name == "Comment");
        comments
            .map(|answer| (answer.feature_hash, answer.value))
            .collect::<Vec<_>>()
    };
    let value = |text: &str| AnswerValue::Text(text.to_owned());
    assert_eq!(comments(&row), [("attRain2".to_owned(), value("wet"))]);
    let snow = [
        answer("Comment", text("soft")),
        answer("Sky", options(&["Snow"])),
    ];
    row.set_classification_answers(&hash, &snow).expect("valid");
    assert_eq!(comments(&row), [("attSnow1".to_owned(), value("soft"))]);
    row.clear_classification_answer(&hash, "Comment")
        .expect("the one that is asked");
    assert_eq!(comments(&row), []);
    row.set_classification_answers(&hash, &[answer("Sky", options(&["twin_1"]))])
        .expect("valid");
    let before = row.to_document();
    let result = row.clear_classification_answer(&hash, "Comment");
    let Err(LabelError::InvalidArgument(message)) = result else {
        panic!("none of them is asked, found {result:?}");
    };
    assert!(message.contains("`attRain2`, `attSnow1`"), "{message}");
    assert_eq!(before, row.to_document());
}

#[test]
fn what_is_not_touched_stays_as_it_was() {
    let golden = Golden::read();
    let mut document = (*golden.row("static").to_document()).clone();
    let ticked = |hash: &str| {
        json!({
            "name": "Parts of it", "value": "parts_of_it", "answers": [{ "featureHash": hash }],
            "featureHash": "atParts1", "manualAnnotation": true, "later": 1,
        })
    };
    let future = json!({ "featureHash": "atNew001", "answers": { "x": 1 } });
    let note = json!({ "featureHash": "atNote01", "answers": "old", "later": [2], "manualAnnotation": true });
    document["object_answers"][CAR] = json!({
        "classifications": [ticked("opDoor01"), future, note, ticked("opRoof01")],
        "objectHash": CAR, "objectNumber": 3,
    });
    let other = json!({ "featureHash": "atNew002", "range": [["1", 9]], "answers": "x" });
    let yes = json!({
        "name": "Visible", "value": "visible", "featureHash": "atVisib1", "answers": [{ "featureHash": "opYes001" }],
        "manualAnnotation": true, "dynamic": true, "range": [[0, 4]], "shouldPropagate": true, "spaceId": "s",
    });
    document["object_actions"][CAR] =
        json!({ "actions": [other, yes], "objectHash": CAR, "later": 3 });

    let mut row = golden.open(document);
    let answers = [
        answer("Parts of it", options(&["Wheel"])),
        answer("Count", GivenAnswer::Number(1.0)),
        answer("Note", text("new")),
    ];
    row.set_object_answers(CAR, &answers, None).expect("valid");
    let no = [answer("Visible", options(&["No"]))];
    row.set_object_answers(CAR, &no, Some(&[range(1, 2)]))
        .expect("valid");
    let document = row.to_document();
    let entry = &document["object_answers"][CAR];
    assert_eq!(entry["objectNumber"], 3);
    let list = entry["classifications"].as_array().expect("a list");
    let hashes: Vec<_> = list
        .iter()
        .map(|entry| entry["featureHash"].as_str())
        .collect();
    // The count stands before what comes before it in the ontology; two of one checklist become one.
    let expected = ["atCount1", "atParts1", "atNew001", "atNote01"];
    assert_eq!(hashes, expected.map(Some));
    assert_eq!(list[1]["later"], 1);
    assert_eq!(list[1]["answers"][0]["featureHash"], "opWheel1");
    assert_eq!(list[1]["manualAnnotation"], false);
    assert_eq!(
        list[3].to_string(),
        concat!(
            r#"{"featureHash":"atNote01","answers":"new","later":[2],"manualAnnotation":false,"#,
            r#""name":"Note","value":"note"}"#
        )
    );
    let actions = &document["object_actions"][CAR];
    assert_eq!(actions["later"], 3);
    assert_eq!(actions["actions"][1].to_string(), other.to_string());
    let mut rest = yes.clone();
    rest["range"] = json!([[0, 0], [3, 4]]);
    assert_eq!(actions["actions"][2].to_string(), rest.to_string());

    // An equal answer joins the one that there is.
    let yes = [answer("Visible", options(&["Yes"]))];
    row.set_object_answers(CAR, &yes, Some(&[range(2, 2), range(6, 6)]))
        .expect("valid");
    let document = row.to_document();
    rest["range"] = json!([[0, 0], [2, 4], [6, 6]]);
    let actions = document["object_actions"][CAR]["actions"]
        .as_array()
        .expect("a list");
    assert_eq!(actions[2].to_string(), rest.to_string());
    assert_eq!(actions.len(), 3);
}

#[test]
fn a_checklist_of_the_web_editor_is_cut_entry_by_entry() {
    let golden = Golden::read();
    let mut document = (*golden.row("dynamic").to_document()).clone();
    let ticked = |hash: &str, range: Value| {
        json!({
            "name": "Lamps", "value": "lamps", "featureHash": "atLamps1", "answers": [{ "featureHash": hash }],
            "manualAnnotation": true, "dynamic": true, "range": range, "shouldPropagate": false,
        })
    };
    document["object_actions"][CAR] = json!({ "objectHash": CAR, "actions": [
        ticked("opFront1", json!([[0, 4]])), ticked("opRear01", json!([[3, 4]])),
    ]});
    let mut row = golden.open(document);
    let rear = [answer("Lamps", options(&["opRear01"]))];
    row.set_object_answers(CAR, &rear, Some(&[range(4, 4), range(0, 0)]))
        .expect("valid");
    let answers = row.object(CAR).expect("in the row").dynamic_answers();
    let read: Vec<_> = answers
        .iter()
        .map(|answer| {
            let AnswerValue::Options(options) = &answer.answer.value else {
                panic!("options, found {answer:?}");
            };
            let hashes = options.iter().map(|option| option.feature_hash.as_str());
            (hashes.collect::<Vec<_>>(), answer.frames.clone())
        })
        .collect();
    let expected = [
        (vec!["opRear01"], vec![range(0, 0), range(4, 4)]),
        (vec!["opFront1"], vec![range(1, 2)]),
        (vec!["opFront1", "opRear01"], vec![range(3, 3)]),
    ];
    assert_eq!(read, expected);
    row.clear_object_answer(CAR, "Lamps", None).expect("valid");
    assert_eq!(row.to_document()["object_actions"], json!({}));
}

#[test]
fn dynamic_answers_end_where_the_object_ends() {
    let golden = Golden::read();
    let mut row = golden.row("dynamic");
    let answers = [
        answer("Visible", options(&["Yes"])),
        answer("Plate", text("AB")),
    ];
    row.set_object_answers(CAR, &answers, None).expect("valid");
    let no = [answer("Visible", options(&["No"]))];
    row.set_object_answers(CAR, &no, Some(&[range(1, 1)]))
        .expect("valid");
    let mut document = (*row.to_document()).clone();
    super::super::answering::clip(&mut document, CAR, &[range(2, 3)]);
    let row = golden.open(document.clone());
    let answers = row.object(CAR).expect("in the row").dynamic_answers();
    let read: Vec<_> = answers
        .iter()
        .map(|answer| (answer.answer.name.as_str(), answer.frames.as_slice()))
        .collect();
    let held = [range(2, 3)];
    assert_eq!(read, [("Plate", &held[..]), ("Visible", &held[..])]);
    super::super::answering::clip(&mut document, CAR, &[]);
    assert_eq!(document["object_actions"], json!({}));
}

#[test]
fn only_a_drawn_object_in_one_place_has_dynamic_answers() {
    let golden = Golden::read();
    let changed = golden.row_with("static", |editor| {
        editor["objects"][1]["attributes"][0]["dynamic"] = true.into();
    });
    let mut document = (*changed.to_document()).clone();
    document["object_answers"]["Speech01"] = json!({
        "classifications": [], "objectHash": "Speech01", "featureHash": "objAud01", "range": [[0, 9]],
    });
    let mut row = golden.open_with(document, Arc::clone(changed.ontology()));
    let someone = [AttributeAnswer {
        attribute: None,
        value: text("someone"),
    }];
    let result = row.set_object_answers("Speech01", &someone, None);
    let Err(LabelError::Unsupported(message)) = result else {
        panic!("it is not drawn, found {result:?}");
    };
    assert!(message.contains("`Speech01` marks ranges"), "{message}");
    assert!(!row.is_edited());

    let mut document = (*golden.row("dynamic in a space").to_document()).clone();
    let mut second = document["spaces"]["video"].clone();
    second["child_info"]["layout_key"] = "second".into();
    document["spaces"]["second"] = second;
    let mut row = golden.open(document);
    let yes = [answer("Visible", options(&["Yes"]))];
    let result = row.set_object_answers(CAR, &yes, None);
    assert!(refused(&row, result).contains("`Car00001` in several"));
    row.set_object_answers(CAR, &[answer("Note", text("x"))], None)
        .expect("the others hold everywhere");
}

#[test]
fn what_reaches_beyond_32_bits_is_not_cut() {
    let golden = Golden::read();
    let far = json!([[0, 1_000_000_000_000_u64]]);
    let mut document = (*golden.row("classifications").to_document()).clone();
    document["object_actions"][CAR] = json!({ "objectHash": CAR, "actions": [{
        "name": "Plate", "value": "plate", "featureHash": "atPlate1", "answers": "AB", "dynamic": true,
        "range": far,
    }]});
    document["classification_answers"]["CLS00001"] = json!({
        "classifications": [], "classificationHash": "CLS00001", "featureHash": "clsSky01", "spaces": {},
        "range": far,
    });
    let mut row = golden.open(document);
    let here = [range(0, 0)];
    let both = [answer("Note", text("x")), answer("Plate", text("CD"))];
    for result in [
        row.set_object_answers(CAR, &both[1..], Some(&here)),
        row.set_object_answers(CAR, &both, None),
        row.clear_object_answer(CAR, "Plate", Some(&here)),
        row.add_classification_to_frames("CLS00001", Some(&here), None),
        row.remove_classification_from_frames("CLS00001", Some(&here), None),
    ] {
        let Err(LabelError::Unsupported(message)) = result else {
            panic!("it would be lost, found {result:?}");
        };
        assert!(
            message.contains("the rest of it would be lost"),
            "{message}"
        );
    }
    assert!(!row.is_edited());
    row.clear_object_answer(CAR, "Plate", None)
        .expect("all of it");
    assert!(row.remove_classification("CLS00001"));
}
