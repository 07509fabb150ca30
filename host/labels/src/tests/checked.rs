//! Setting the document of a row as a whole.

use serde_json::{Value, json};

use super::super::*;
use super::transfer::{empty, readings, without_labels};
use super::{SAMPLES, bounds, document, open, open_document, options, range, refused, root};

/// The members of the row's only data unit, by their path in it.
fn unit(document: &mut Value) -> &mut Value {
    let units = document["data_units"].as_object_mut().expect("units");
    units.values_mut().next().expect("one")
}

/// As programs in other languages write numbers: those that are whole without a fraction.
fn rewritten(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 => Value::from(float as i64),
            _ => value.clone(),
        },
        Value::Array(list) => list.iter().map(rewritten).collect(),
        Value::Object(map) => {
            let members = map
                .iter()
                .map(|(key, value)| (key.clone(), rewritten(value)));
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}

#[test]
fn what_the_python_sdk_writes_is_taken() {
    for (name, ..) in SAMPLES {
        // All of it is new to a row without labels.
        let mut row = empty(name);
        row.set_document(document(name)).expect(name);
        assert_eq!(*row.to_document(), document(name));
        assert_eq!(readings(&row), readings(&open(name)));
        // And all may go.
        row.set_document((*empty(name).to_document()).clone())
            .expect(name);
        assert!(!row.is_edited());
        assert_eq!(row.objects().count() + row.classifications().count(), 0);
    }
}

#[test]
fn spaces_of_every_type_are_copied_and_set() {
    for text in [
        include_str!("../testdata/spaces.json"),
        include_str!("../testdata/scene.json"),
        include_str!("../testdata/layers.json"),
    ] {
        let document: Value = serde_json::from_str(text).expect("testdata is JSON");
        let source = super::spaces::open(document.clone());
        let mut row = super::spaces::open(without_labels(document.clone()));
        row.set_document(document).expect("the Python SDK wrote it");
        assert_eq!(readings(&row), readings(&source));
        row.discard_edits();
        assert_eq!(row.objects().count(), 0);
        let mut row = super::spaces::open((*row.to_document()).clone());
        let copied = row.copy_labels(&source, None).expect("the same row");
        assert_eq!(copied.left_out, Vec::<String>::new());
        assert_eq!(readings(&row), readings(&source));
    }
}

#[test]
fn what_stands_in_the_row_is_not_questioned() {
    let mut odd = document("video");
    let drawn = &mut unit(&mut odd)["labels"]["0"]["objects"];
    drawn[0]["boundingBox"]["x"] = json!(-3.0);
    drawn[0]["confidence"] = json!("high");
    let again = drawn[1].clone();
    drawn.as_array_mut().expect("a list").push(again);
    drawn[2]["featureHash"] = "gone".into();
    drawn[2]["shape"] = "hologram".into();
    odd["object_answers"]["remains"] = json!({ "classifications": [1], "objectHash": "other" });
    odd["object_actions"]["remains"] = json!({ "actions": [{ "range": [[7, 9]] }] });
    odd["classification_answers"]["old"] = json!({ "featureHash": "clsRad01", "range": [[0, 99]] });
    odd["classification_answers"]["remains"] = json!({});
    let mut row = open_document("video", odd.clone());

    let mut edited = rewritten(&odd);
    unit(&mut edited)["labels"]["0"]["objects"][3]["confidence"] = json!(0.5);
    edited["newer"] = json!({ "key": 1 });
    row.set_document(edited.clone())
        .expect("only one confidence is new");
    assert_eq!(*row.to_document(), edited);
    // A key beside a geometry that would be refused may change, too.
    unit(&mut edited)["labels"]["0"]["objects"][0]["confidence"] = json!(1);
    row.set_document(edited.clone())
        .expect("the box is as it was");
    unit(&mut edited)["labels"]["0"]["objects"][0]["boundingBox"]["y"] = json!(0.25);
    let message = match row.set_document(edited) {
        Err(LabelError::InvalidArgument(message)) => message,
        other => panic!("refused, found {other:?}"),
    };
    assert!(
        message.starts_with("expected `x` of a bounding box"),
        "{message}"
    );
    row.discard_edits();
    assert_eq!(*row.to_document(), odd);
}

#[test]
fn what_edits_make_is_taken() {
    for name in ["image", "img_group", "img_sequence", "video"] {
        let mut edited = open(name);
        let square = Geometry::BoundingBox(bounds(0.0, 0.0, 0.5, 0.5));
        let last = edited.number_of_frames() - 1;
        let on = [range(0, last)];
        let hash = edited.add_object("Box", &square, &on, None).expect("valid");
        let answers = |names: &[(&str, GivenAnswer)]| {
            let answer = |(name, value): &(&str, GivenAnswer)| AttributeAnswer {
                attribute: Some((*name).to_owned()),
                value: value.clone(),
            };
            names.iter().map(answer).collect::<Vec<_>>()
        };
        let fixed = answers(&[
            ("Shade", GivenAnswer::Text("dark".to_owned())),
            ("Colour", options(&["Red"])),
            ("Count", GivenAnswer::Number(2.0)),
        ]);
        edited
            .set_object_answers(&hash, &fixed, None)
            .expect("valid");
        let dynamic = answers(&[("Visible", options(&["Yes"]))]);
        edited
            .set_object_answers(&hash, &dynamic, Some(&on))
            .expect("valid");
        edited
            .add_classification("Sky", &root(options(&["Twin_no"])), None, None)
            .expect_err("no such option");
        edited
            .add_classification("Sky", &root(options(&["twin_1"])), Some(&on), None)
            .expect("valid");
        let mut row = open(name);
        row.set_document((*edited.to_document()).clone())
            .expect(name);
        assert_eq!(readings(&row), readings(&edited));
        assert!(row.remove_object(&hash), "the row can be edited on");
    }
}

#[test]
fn handles_of_what_is_gone_find_nothing() {
    let mut row = open("video");
    let hashes: Vec<_> = row
        .objects()
        .map(|one| one.object_hash().to_owned())
        .collect();
    row.set_document((*empty("video").to_document()).clone())
        .expect("valid");
    assert!(hashes.iter().all(|hash| row.object(hash).is_none()));
    assert!(matches!(
        row.set_object_confidence(&hashes[0], 0.5),
        Err(LabelError::NotFound(_))
    ));
}

#[test]
fn another_row_is_refused() {
    let change = |with: &dyn Fn(&mut Value)| {
        let mut changed = document("video");
        with(&mut changed);
        changed
    };
    let mut row = open("video");
    let hash = document("video")["data_hash"]
        .as_str()
        .expect("text")
        .to_owned();
    for (changed, expected) in [
        (
            json!([]),
            "expected an object as the label row, found a list".to_owned(),
        ),
        (
            json!({}),
            "expected an object at `data_units`, found nothing".to_owned(),
        ),
        (
            change(&|row| row["label_hash"] = "x".into()),
            "at `label_hash`, found `x`".to_owned(),
        ),
        (
            change(&|row| row["data_hash"] = Value::Null),
            "at `data_hash`, found null".to_owned(),
        ),
        (
            change(&|row| row["object_actions"] = json!([])),
            "expected an object at `object_actions`, found a list".to_owned(),
        ),
        (
            change(&|row| row["data_units"] = json!({})),
            format!("expected the row's own part at `data_units.{hash}`, found nothing"),
        ),
        (
            change(&|row| row["data_units"]["more"] = json!({})),
            "expected nothing at `data_units.more`, found an object".to_owned(),
        ),
        (
            change(&|row| row["spaces"]["more"] = json!({})),
            "expected nothing at `spaces.more`, found an object".to_owned(),
        ),
        (
            change(&|row| unit(row)["width"] = 7.into()),
            format!("at `data_units.{hash}.width`, found `7`"),
        ),
        (
            change(&|row| unit(row)["labels"] = json!(7)),
            format!("expected an object at `data_units.{hash}.labels`, found `7`"),
        ),
        (
            change(&|row| row["spaces"] = json!("none")),
            "expected an object at `spaces`, found `none`".to_owned(),
        ),
        (
            change(&|row| row["data_title"] = json!(7)),
            "at `data_title`, found `7`".to_owned(),
        ),
    ] {
        let result = row.set_document(changed);
        let message = refused(&row, result);
        assert!(
            message.contains(&expected),
            "{message}\n  is not\n{expected}"
        );
    }
}

/// Changes a sample in one place and gives the message with which it is refused. `U` stands for the data unit.
fn refusal(name: &str, with: impl FnOnce(&mut Value)) -> String {
    let mut row = open(name);
    let mut changed = document(name);
    with(&mut changed);
    let result = row.set_document(changed);
    let message = refused(&row, result);
    let document = document(name);
    let key = document["data_units"]
        .as_object()
        .expect("units")
        .keys()
        .next()
        .expect("one");
    message.replace(key.as_str(), "U")
}

#[test]
fn a_drawing_that_could_not_be_drawn_says_where_it_is() {
    let objects = |row: &mut Value, with: &dyn Fn(&mut Value)| {
        with(&mut unit(row)["labels"]["0"]["objects"]);
    };
    let drawn = |with: &dyn Fn(&mut Value)| refusal("video", |row| objects(row, with));
    let at = "`data_units.U.labels.0.objects[0]";
    for (message, expected) in [
        (
            drawn(&|list| list[0]["boundingBox"]["w"] = json!(2)),
            format!("expected `width` of a bounding box to be from 0 to 1, found 2, at {at}.boundingBox.w`"),
        ),
        (
            drawn(&|list| list[0]["boundingBox"]["x"] = json!(0.9)),
            format!("found 1.15, at {at}.boundingBox`"),
        ),
        (
            drawn(&|list| list[0]["boundingBox"] = json!([])),
            format!("expected the coordinates of a `bounding_box` as Encord keeps them, found that something of them is missing \
                 or of another type, at {at}.boundingBox`"),
        ),
        (
            drawn(&|list| list[0]["confidence"] = json!(1.5)),
            format!("expected a number from 0 to 1 at {at}.confidence`, found `1.5`"),
        ),
        (
            drawn(&|list| list[0]["manualAnnotation"] = json!(1)),
            format!("expected true or false at {at}.manualAnnotation`, found `1`"),
        ),
        (
            drawn(&|list| list[0]["featureHash"] = json!("nothing")),
            format!("expected the feature hash of an object of the ontology, found `nothing`, at {at}.featureHash`"),
        ),
        (
            drawn(&|list| list[0]["featureHash"] = json!("objShar2")),
            format!("the feature of `2Tb1WZQ6` elsewhere, found `objShar2`, at {at}.featureHash`"),
        ),
        (
            drawn(&|list| list[0]["objectHash"] = json!(7)),
            format!("expected text at {at}.objectHash`, found `7`"),
        ),
        (
            drawn(&|list| list[0] = json!("box")),
            format!("expected an object at {at}`, found `box`"),
        ),
        (
            drawn(&|list| *list = json!({})),
            "expected a list at `data_units.U.labels.0.objects`, found an object".to_owned(),
        ),
        (
            drawn(&|list| {
                let first = list[0].clone();
                list.as_array_mut().expect("a list").insert(1, first);
            }),
            "expected each object once on a frame, found `2Tb1WZQ6` again, at `data_units.U.labels.0.objects[1]`"
                .to_owned(),
        ),
        (
            refusal("video", |row| {
                let first = unit(row)["labels"]["0"].clone();
                unit(row)["labels"]["30"] = first;
            }),
            "expected a frame from 0 to 29, found 30, at `data_units.U.labels.30.objects[0]`".to_owned(),
        ),
        (
            refusal("video", |row| {
                let first = unit(row)["labels"]["0"].clone();
                unit(row)["labels"]["07"] = first;
            }),
            "expected the number of a frame, found `07`, at `data_units.U.labels.07`".to_owned(),
        ),
        (
            refusal("video", |row| unit(row)["labels"]["3"] = json!(7)),
            "expected an object at `data_units.U.labels.3`, found `7`".to_owned(),
        ),
        (
            refusal("video", |row| {
                let first = unit(row)["labels"]["0"]["objects"].take();
                unit(row)["labels"] = json!({ "objects": first });
            }),
            "expected the objects of frame 0 at `data_units.U.labels.0.objects`, found some at \
             `data_units.U.labels.objects`"
                .to_owned(),
        ),
        (
            refusal("image", |row| {
                let objects = unit(row)["labels"]["objects"].as_array_mut().expect("a list");
                let mut first = objects[0].clone();
                first["objectHash"] = "new00000".into();
                first["featureHash"] = "objOld01".into();
                objects.push(first);
            }),
            "expected an object of the ontology that is in use, found `Old`, which is archived".to_owned(),
        ),
        (
            refusal("image", |row| {
                let objects = unit(row)["labels"]["objects"].as_array_mut().expect("a list");
                let mut first = objects[0].clone();
                first["objectHash"] = "new00000".into();
                objects.push(first);
            }),
            "expected an entry for the object `new00000`, found none, at `object_answers.new00000`".to_owned(),
        ),
        (
            refusal("image", |row| {
                unit(row)["labels"]["objects"][0]["featureHash"] = "objShar1".into();
                let hash = unit(row)["labels"]["objects"][0]["objectHash"].take();
                unit(row)["labels"]["objects"][0]["objectHash"] = "new00000".into();
                let entries = row["object_answers"].as_object_mut().expect("an object");
                entries.remove(hash.as_str().expect("text"));
            }),
            "of shape `polygon` for `Shared`, found one of shape `bounding_box`, at \
             `data_units.U.labels.objects[0].boundingBox`"
                .to_owned(),
        ),
        // What the Python SDK could not read.
        (
            drawn(&|list| list[0]["createdAt"] = json!("yesterday")),
            format!("expected a time at {at}.createdAt`, found `yesterday`"),
        ),
        (
            drawn(&|list| list[0]["lastEditedAt"] = json!(7)),
            format!("expected a time at {at}.lastEditedAt`, found `7`"),
        ),
        (
            refusal("video", |row| unit(row)["labels"]["3"] = json!({})),
            "expected a list at `data_units.U.labels.3.objects`, found nothing".to_owned(),
        ),
        (
            refusal("audio", |row| {
                let first = unit(&mut document("image"))["labels"]["objects"][0].take();
                unit(row)["labels"] = json!({ "0": { "objects": [first] } });
            }),
            "expected no drawn objects in data without frames, found one".to_owned(),
        ),
    ] {
        assert!(message.contains(&expected), "{message}\n  is not\n{expected}");
    }
}

#[test]
fn answers_that_could_not_be_given_say_where_they_are() {
    let colour = |option: &str| {
        json!({
            "name": "Colour", "value": "colour", "featureHash": "attrRad1", "manualAnnotation": true,
            "answers": [{ "name": "?", "value": "?", "featureHash": option }],
        })
    };
    let shade =
        json!({ "name": "Shade", "value": "shade", "featureHash": "attrTxt1", "answers": "dark" });
    let answers = |list: Value| {
        refusal("video", |row| {
            row["object_answers"]["2Tb1WZQ6"]["classifications"] = list
        })
    };
    let action = |with: &dyn Fn(&mut Value)| {
        refusal("video", |row| with(&mut row["object_actions"]["2Tb1WZQ6"]))
    };
    let place = "object_answers.2Tb1WZQ6.classifications";
    let actions = "object_actions.2Tb1WZQ6.actions";
    for (message, expected) in [
        (
            answers(json!([colour("optGreen")])),
            format!("expected an option of `Colour`, found `optGreen`; it has `Red`, `Blue`, at `{place}[0].answers`"),
        ),
        (
            answers(json!([colour("optRed01"), colour("optBlu01")])),
            format!("expected one answer to `Colour`, found several, at `{place}[1]`"),
        ),
        (
            answers(json!([shade, colour("optBlu01")])),
            format!("is answered with `Red`, at `{place}[0].answers`"),
        ),
        (
            answers(json!([{ "featureHash": "attrNum1", "answers": "three" }])),
            format!("expected a number for `Count`, which is of kind `numeric`, found text, at `{place}[0].answers`"),
        ),
        (
            answers(json!([{ "featureHash": "attrNum1", "answers": null }])),
            format!("expected text, a number or options with feature hashes at `{place}[0].answers`, found null"),
        ),
        (
            answers(json!([{ "featureHash": "attrDyn1", "answers": [{ "featureHash": "optYes01" }] }])),
            format!("`Visible` among the object's actions, with its frames, found it at `{place}[0]`"),
        ),
        (
            answers(json!([{ "featureHash": "nothing", "answers": 1 }])),
            format!("expected the feature hash of an attribute, found `nothing`, at `{place}[0].featureHash`"),
        ),
        (answers(json!({})), format!("expected a list at `{place}`, found an object")),
        (
            refusal("video", |row| row["object_answers"]["2Tb1WZQ6"]["objectHash"] = "x".into()),
            "expected `2Tb1WZQ6` at `object_answers.2Tb1WZQ6.objectHash`, found `x`".to_owned(),
        ),
        (
            refusal("video", |row| {
                row["object_answers"]["new00000"] = json!({ "classifications": [], "objectHash": "new00000" });
            }),
            "expected the answers of an object that is in the row, found that none of the hash `new00000` is, at \
             `object_answers.new00000`"
                .to_owned(),
        ),
        (
            refusal("video", |row| {
                row["object_actions"]["new00000"] = json!({ "actions": [], "objectHash": "new00000" });
            }),
            "found that none of the hash `new00000` is, at `object_actions.new00000`".to_owned(),
        ),
        (
            action(&|entry| entry["actions"][0]["range"] = json!([[5, 7]])),
            format!("expected frames that `2Tb1WZQ6` is on, found 7, at `{actions}[0].range`"),
        ),
        (
            action(&|entry| entry["actions"][0]["range"] = json!([[6, 5]])),
            format!(
                "expected two whole numbers, the second not less than the first, found [6,5], at `{actions}[0].range[0]`"
            ),
        ),
        (
            action(&|entry| entry["actions"][0]["range"] = json!([[1, 1]])),
            "expected one answer to `Visible` on a frame, found several on frames 1".to_owned(),
        ),
        (
            action(&|entry| entry["actions"][0]["range"] = json!([])),
            format!("expected at least one range of frames, found an empty list, at `{actions}[0].range`"),
        ),
        (
            action(&|entry| entry["actions"][0]["answers"] = json!([])),
            format!("expected exactly one option for the radio `Visible`, found 0, at `{actions}[0].answers`"),
        ),
        (
            action(&|entry| entry["actions"][0] = shade.clone()),
            format!("`{actions}[0].answers`"),
        ),
        (
            action(&|entry| entry["actions"] = json!({})),
            format!("expected a list at `{actions}`, found an object"),
        ),
        (
            // Its answers went on where it is no longer.
            refusal("video", |row| {
                let objects = &mut unit(row)["labels"]["5"]["objects"];
                let is_other = |one: &Value| one["objectHash"] != "2Tb1WZQ6";
                objects.as_array_mut().expect("a list").retain(is_other);
            }),
            "expected frames that `2Tb1WZQ6` is on, found 5, at `object_actions.2Tb1WZQ6.actions[0].range`"
                .to_owned(),
        ),
    ] {
        assert!(message.contains(&expected), "{message}\n  is not\n{expected}");
    }

    // What was answered stays only as long as it is asked.
    let mut answered = document("video");
    answered["object_answers"]["2Tb1WZQ6"]["classifications"] = json!([shade, colour("optRed01")]);
    let mut row = open_document("video", answered.clone());
    answered["object_answers"]["2Tb1WZQ6"]["classifications"][1] = colour("optBlu01");
    let result = row.set_document(answered.clone());
    assert!(refused(&row, result).contains("behind an option that is not chosen any more"));
    answered["object_answers"]["2Tb1WZQ6"]["classifications"] = json!([colour("optBlu01")]);
    row.set_document(answered).expect("valid");
}

#[test]
fn ranges_that_could_not_be_marked_say_where_they_are() {
    let hash = "TJ+SoYw5";
    let audio =
        |with: &dyn Fn(&mut Value)| refusal("audio", |row| with(&mut row["object_answers"][hash]));
    let html = |with: &dyn Fn(&mut Value)| {
        refusal("html", |row| with(&mut row["object_answers"]["YWJ+ULkH"]))
    };
    let place = format!("object_answers.{hash}");
    for (message, expected) in [
        (
            audio(&|entry| entry["range"] = json!([[100, 1001]])),
            format!("expected a range within 0 to 1000, the length of the data, found 100 to 1001, at `{place}.range`"),
        ),
        (
            audio(&|entry| entry["range"] = json!([[100]])),
            format!("found [100], at `{place}.range[0]`"),
        ),
        (
            audio(&|entry| entry["range"] = json!([])),
            format!("expected an object that marks something, found that `{hash}` marks nothing, at `{place}`"),
        ),
        (
            audio(&|entry| entry["featureHash"] = json!("objTxt01")),
            format!("expected `objAud01`, the feature of `{hash}` elsewhere, found `objTxt01`, at `{place}.featureHash`"),
        ),
        (
            html(&|entry| entry["range_html"][0]["start"]["xpath"] = json!("")),
            "expected the XPath of an element as the start of range 0 of an HTML document, found an empty text, \
             at `object_answers.YWJ+ULkH.range_html`"
                .to_owned(),
        ),
        (
            html(&|entry| entry["range_html"][0] = json!([])),
            "expected a list of ranges of an HTML document at `object_answers.YWJ+ULkH.range_html`".to_owned(),
        ),
        (
            refusal("group", |row| {
                let place = &mut row["object_answers"]["fZuoQA8j"]["spaces"];
                let entry = place.as_object_mut().expect("spaces").values_mut().next().expect("one");
                entry["range"] = json!([[0, 2000]]);
            }),
            "expected a range within 0 to 1000, the length of the data, found 0 to 2000, at \
             `object_answers.fZuoQA8j.spaces.2c295fbf-34bc-5d19-818a-9e2a39376710.range`"
                .to_owned(),
        ),
        (
            refusal("group", |row| {
                row["object_answers"]["fZuoQA8j"]["spaces"] = json!({ "x": { "range": [[0, 1]] } });
            }),
            "found `x`, at `object_answers.fZuoQA8j.spaces.x.range`".to_owned(),
        ),
        (
            refusal("video", |row| {
                let mut whole = document("audio")["object_answers"][hash].clone();
                whole["objectHash"] = "new00000".into();
                row["object_answers"]["new00000"] = whole;
            }),
            "expected data of which an object of shape `audio` can mark ranges, found other data, at \
             `object_answers.new00000.range`"
                .to_owned(),
        ),
    ] {
        assert!(message.contains(&expected), "{message}\n  is not\n{expected}");
    }
}

#[test]
fn classifications_that_could_not_be_added_say_where_they_are() {
    let weather = |with: &dyn Fn(&mut Value)| {
        refusal("video", |row| {
            with(&mut row["classification_answers"]["teeI8mys"])
        })
    };
    let added = |with: &dyn Fn(&mut Value)| {
        refusal("video", |row| {
            let mut new = row["classification_answers"]["teeI8mys"].clone();
            new["classificationHash"] = "new00000".into();
            new["range"] = json!([[10, 12]]);
            with(&mut new);
            row["classification_answers"]["new00000"] = new;
        })
    };
    let new = "classification_answers.new00000";
    for (message, expected) in [
        (
            added(&|entry| entry["range"] = json!([[9, 12]])),
            format!(
                "expected `Weather` once on a frame, found that another holds on frames 9, at `{new}.range`"
            ),
        ),
        (
            weather(&|entry| entry["range"] = json!([[0, 30]])),
            "expected a frame from 0 to 29, found 30, at `classification_answers.teeI8mys.range`"
                .to_owned(),
        ),
        (
            added(&|entry| entry["range"] = json!([])),
            format!(
                "expected at least one range of frames for `Weather`, found an empty list, at `{new}.range`"
            ),
        ),
        (
            added(&|entry| entry["range"] = Value::Null),
            format!("expected a list of ranges at `{new}.range`, found null"),
        ),
        (
            added(&|entry| entry["spaces"] = json!({ "x": { "range": [], "type": "frame" } })),
            "found `x`; it has none, at `classification_answers.new00000.spaces.x.range`"
                .to_owned(),
        ),
        (
            added(&|entry| entry["featureHash"] = "PXFZO2ra".into()),
            format!(
                "expected the feature hash of a classification of the ontology, found `PXFZO2ra`, at `{new}.featureHash`"
            ),
        ),
        (
            added(&|entry| entry["featureHash"] = "clsOld01".into()),
            format!("found `Old`, which is archived, at `{new}.featureHash`"),
        ),
        (
            weather(&|entry| entry["featureHash"] = "clsChk01".into()),
            "expected the feature that `teeI8mys` has in the row, found `clsChk01`".to_owned(),
        ),
        (
            added(&|entry| entry["classificationHash"] = "x".into()),
            format!("expected `new00000` at `{new}.classificationHash`, found `x`"),
        ),
        (
            added(&|entry| entry["classifications"] = json!([])),
            format!(
                "expected an answer to `Weather`, the root attribute, found none, at `{new}.classifications`"
            ),
        ),
        (
            added(&|entry| entry["classifications"][0]["answers"][0]["featureHash"] = "x".into()),
            format!("found `x`; it has `Sunny`, `Rainy`, at `{new}.classifications[0].answers`"),
        ),
        (
            added(&|entry| entry["confidence"] = json!(-1)),
            format!("expected a number from 0 to 1 at `{new}.confidence`, found `-1`"),
        ),
        (
            refusal("video", |row| {
                let mut twin = row["classification_answers"]["teeI8mys"].clone();
                twin["range"] = json!([[10, 12]]);
                twin["classificationHash"] = "2Tb1WZQ6".into();
                row["classification_answers"]["2Tb1WZQ6"] = twin;
            }),
            "expected a hash that no object has, found `2Tb1WZQ6`".to_owned(),
        ),
        (
            refusal("video", |row| {
                let mut twin = row["classification_answers"]["iIu23Inr"].clone();
                twin["classificationHash"] = "new00000".into();
                row["classification_answers"]["new00000"] = twin;
            }),
            format!(
                "expected `Quality` once on a frame, found that another holds on everything, at `{new}.range`"
            ),
        ),
    ] {
        assert!(
            message.contains(&expected),
            "{message}\n  is not\n{expected}"
        );
    }

    // Two may change places.
    let mut row = open("video");
    let mut changed = document("video");
    let mut other = changed["classification_answers"]["teeI8mys"].clone();
    other["classificationHash"] = "new00000".into();
    changed["classification_answers"]["new00000"] = other;
    changed["classification_answers"]["teeI8mys"]["range"] = json!([[10, 19]]);
    row.set_document(changed)
        .expect("they do not hold on one frame");
}
