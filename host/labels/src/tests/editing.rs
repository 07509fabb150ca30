//! Boxes, and what is set on objects and classifications.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::*;
use super::{bounds, document, open, open_document, options, range, refused, root};

const SMALL: BoundingBox = BoundingBox {
    x: 0.1,
    y: 0.2,
    width: 0.25,
    height: 0.5,
};

#[test]
fn a_box_is_written_as_the_python_sdk_writes_it() {
    let mut row = open("image");
    let hash = row.add_bounding_box("Box", SMALL, 0).expect("valid");
    let document = row.to_document();
    let objects =
        &document["data_units"]["ce99df93-e802-5296-aeca-09c4dac8aeb6"]["labels"]["objects"];
    let objects = objects.as_array().expect("a list");
    let mut written = objects.last().expect("an object").clone();
    // The captured box of the same place, but for what differs by design.
    let mut captured = objects[0].clone();
    assert_eq!(written["createdAt"], written["lastEditedAt"]);
    for key in ["createdAt", "lastEditedAt", "objectHash", "confidence"] {
        written[key] = Value::Null;
        captured[key] = Value::Null;
    }
    assert_eq!(written.to_string(), captured.to_string());
    let entries = document["object_answers"].as_object().expect("an object");
    let (key, entry) = entries.iter().next_back().expect("an entry");
    assert_eq!(key, &hash);
    assert_eq!(
        entry.to_string(),
        format!(r#"{{"classifications":[],"objectHash":"{hash}"}}"#)
    );
    assert_eq!(hash.len(), 8);

    let object = row.object(&hash).expect("in the row");
    let annotation = object.annotation(0).expect("drawn");
    assert_eq!(annotation.geometry, Geometry::BoundingBox(SMALL));
    assert_eq!(
        (annotation.confidence, annotation.manual_annotation),
        (1.0, false)
    );
    assert_eq!(annotation.created_by, None);
    assert!(annotation.created_at.is_some());
    assert_eq!((object.name(), object.frames()), ("Box", vec![range(0, 0)]));
    assert_eq!(
        row.objects().last().map(|last| last.object_hash()),
        Some(hash.as_str())
    );
    assert!(row.is_edited());
}

#[test]
fn an_edit_is_made_on_a_copy() {
    let shared = Arc::new(document("image"));
    let facts = open("image").facts.clone();
    let mut row = LabelRow::open(Arc::clone(&shared), facts, super::ontology()).expect("a row");
    row.add_bounding_box("Box", SMALL, 0).expect("valid");
    assert_eq!(*shared, document("image"));
    let first = row.to_document();
    row.add_bounding_box("Box", SMALL, 0).expect("valid");
    assert_eq!(
        first["object_answers"].as_object().map(|o| o.len()),
        Some(13)
    );
    assert_eq!(
        row.to_document()["object_answers"]
            .as_object()
            .map(|o| o.len()),
        Some(14)
    );
}

#[test]
fn nothing_but_the_edit_changes() {
    let mut before = document("video");
    before["newer"] = json!({ "kept": [1, 2.50, null] });
    let unit = before["data_hash"].as_str().expect("text").to_owned();
    before["data_units"][&unit]["labels"]["1"]["metadata"] = json!({ "a": "b" });
    before["data_units"][&unit]["labels"]["1"]["objects"][0]["reviews"] = json!([{ "x": 1 }]);
    let mut row = open_document("video", before.clone());
    let hash = row.add_bounding_box("Box", SMALL, 1).expect("valid");
    let class = row
        .add_classification("Tags", &root(options(&["Day"])), None, None)
        .expect("valid");
    let mut after = (*row.to_document()).clone();
    let remove = |json: &mut Value, key: &str| {
        json.as_object_mut()
            .expect("an object")
            .shift_remove(key)
            .expect("it was added");
    };
    remove(&mut after["object_answers"], &hash);
    remove(&mut after["classification_answers"], &class);
    let objects = after["data_units"][&unit]["labels"]["1"]["objects"].as_array_mut();
    objects.expect("a list").pop();
    assert_eq!(after.to_string(), before.to_string());
}

#[test]
fn a_new_frame_of_a_video_stands_in_order() {
    let mut row = open("video");
    for frame in [29, 3, 10, 3] {
        row.add_bounding_box("PXFZO2ra", SMALL, frame)
            .expect("valid");
    }
    let document = row.to_document();
    let unit = &document["data_units"]["b3a6a247-b06a-574f-92a5-95fd9263a457"];
    let frames: Vec<_> = unit["labels"]
        .as_object()
        .expect("an object")
        .keys()
        .collect();
    assert_eq!(frames, ["0", "1", "2", "3", "5", "6", "10", "29"]);
    let keys: Vec<_> = unit["labels"]["3"]
        .as_object()
        .expect("an object")
        .keys()
        .collect();
    assert_eq!(keys, ["objects", "classifications"]);
    assert_eq!(
        unit["labels"]["3"]["objects"].as_array().map(Vec::len),
        Some(2)
    );
    let frames = row.objects().skip(12).flat_map(|object| object.frames());
    assert_eq!(
        frames.collect::<Vec<_>>(),
        [range(29, 29), range(3, 3), range(10, 10), range(3, 3)]
    );
}

#[test]
fn a_box_goes_to_the_image_of_its_frame() {
    let mut row = open("img_group");
    let hash = row.add_bounding_box("Box", SMALL, 1).expect("valid");
    let document = row.to_document();
    let unit = &document["data_units"]["cf2378ee-b547-5149-a8ec-9000b3fc5f67"];
    assert_eq!(unit["labels"]["objects"][0]["objectHash"], hash);
    assert_eq!(
        row.object(&hash).expect("in the row").frames(),
        [range(1, 1)]
    );
}

#[test]
fn a_row_that_was_never_labelled_takes_edits() {
    let mut fresh = document("image");
    let unit = fresh["data_hash"].as_str().expect("text").to_owned();
    fresh["data_units"][&unit]["labels"] = json!({});
    let map = fresh.as_object_mut().expect("an object");
    for section in [
        "object_answers",
        "classification_answers",
        "object_actions",
        "spaces",
    ] {
        map.remove(section);
    }
    let mut row = open_document("image", fresh);
    assert_eq!(
        (row.objects().count(), row.classifications().count()),
        (0, 0)
    );
    let hash = row.add_bounding_box("Box", SMALL, 0).expect("valid");
    row.add_classification("Quality", &root(options(&["good"])), None, None)
        .expect("valid");
    let again = open_document("image", (*row.to_document()).clone());
    assert_eq!(
        again.objects().map(|o| o.object_hash()).collect::<Vec<_>>(),
        [hash.as_str()]
    );
    assert_eq!(again.classifications().count(), 1);
    assert_eq!(
        again.to_document()["data_units"][&unit]["labels"]["classifications"],
        json!([])
    );
}

#[test]
fn a_feature_that_cannot_be_meant_is_refused() {
    let mut row = open("image");
    for (feature, expected) in [
        (
            "Car",
            "expected the feature hash or the name of an ontology object of shape `bounding_box`, \
                 found `Car`; the ontology has `Box`, `Shared`, `Twin Box`, `Twin Box`",
        ),
        (
            "Poly",
            "expected an ontology object of shape `bounding_box`, found `Poly` of shape `polygon`",
        ),
        (
            "objShar1",
            "expected an ontology object of shape `bounding_box`, found `Shared` of shape `polygon`",
        ),
        (
            "Old",
            "expected an object of the ontology that is in use, found `Old`, which is archived",
        ),
        (
            "objShar3",
            "expected an object of the ontology that is in use, found `Shared`, which is archived",
        ),
        (
            "Twin Box",
            "expected the name of an object of the ontology, found `Twin Box`, which several \
                      have: `objTwin1`, `objTwin2`\nhelp: name it by its feature hash",
        ),
    ] {
        let result = row.add_bounding_box(feature, SMALL, 0);
        assert_eq!(refused(&row, result), expected);
    }
    // Of three that share a name, one is in use and a box.
    let hash = row.add_bounding_box("Shared", SMALL, 0).expect("valid");
    assert_eq!(
        row.object(&hash).expect("in the row").feature_hash(),
        "objShar2"
    );
    row.add_bounding_box("objTwin2", SMALL, 0).expect("valid");
}

#[test]
fn a_box_outside_of_the_frame_is_refused() {
    let mut row = open("image");
    for (outside, named) in [
        (
            bounds(-0.1, 0.0, 0.5, 0.5),
            "`x` of a bounding box to be from 0 to 1, found -0.1",
        ),
        (bounds(0.0, 1.5, 0.5, 0.5), "`y`"),
        (bounds(0.0, 0.0, 640.0, 0.5), "`width`"),
        (
            bounds(0.0, 0.0, 0.5, f64::NAN),
            "`height` of a bounding box to be from 0 to 1, found NaN",
        ),
        (bounds(0.0, 0.0, f64::INFINITY, 0.5), "`width`"),
        (
            bounds(0.0, 0.0, 0.0, 0.5),
            "`width` of a bounding box to be over 0, found 0",
        ),
        (
            bounds(0.0, 0.0, 0.5, 0.0),
            "`height` of a bounding box to be over 0",
        ),
        (
            bounds(0.75, 0.0, 0.5, 0.5),
            "`x + width` of a bounding box to be up to 1, found 1.25",
        ),
        (bounds(0.0, 0.5, 0.5, 0.500_002), "`y + height`"),
    ] {
        let result = row.add_bounding_box("Box", outside, 0);
        let message = refused(&row, result);
        assert!(message.contains(named), "{message}");
    }
    for inside in [
        bounds(0.0, 0.0, 1.0, 1.0),
        bounds(0.5, 0.5, 0.500_000_5, 0.5),
        bounds(0.7, 0.9, 0.3, 0.1),
    ] {
        row.add_bounding_box("Box", inside, 0)
            .expect("within rounding");
    }
}

#[test]
fn a_frame_that_does_not_exist_is_refused() {
    for (name, frame, expected) in [
        ("image", 1, "expected a frame from 0 to 0, found 1"),
        ("img_group", 3, "expected a frame from 0 to 2, found 3"),
        ("video", 30, "expected a frame from 0 to 29, found 30"),
    ] {
        let mut row = open(name);
        let result = row.add_bounding_box("Box", SMALL, frame);
        assert_eq!(refused(&row, result), expected);
        let result =
            row.add_classification("Tags", &root(options(&[])), Some(&[range(0, frame)]), None);
        assert_eq!(refused(&row, result), expected);
    }
    let mut row = open("video");
    let result = row.add_classification("Tags", &root(options(&[])), Some(&[range(3, 1)]), None);
    assert!(refused(&row, result).contains("found 3 to 1"));
    let result = row.add_classification("Tags", &root(options(&[])), Some(&[]), None);
    assert!(refused(&row, result).contains("an empty list"));
}

#[test]
fn data_without_boxes_has_none() {
    for name in ["audio", "text", "html", "group"] {
        let result = open(name).add_bounding_box("Box", SMALL, 0);
        assert!(
            matches!(result, Err(LabelError::Unsupported(_))),
            "{name}: {result:?}"
        );
    }
}

#[test]
fn confidence_and_origin_are_set_on_every_frame() {
    let mut row = open("video");
    row.set_object_confidence("2Tb1WZQ6", 0.25).expect("valid");
    row.set_object_manual_annotation("2Tb1WZQ6", true)
        .expect("valid");
    for frame in [0, 1, 2, 5, 6] {
        let annotation = row
            .object("2Tb1WZQ6")
            .and_then(|o| o.annotation(frame))
            .expect("drawn");
        assert_eq!(
            (annotation.confidence, annotation.manual_annotation),
            (0.25, true)
        );
        let other = row.object("bk1+0760").and_then(|o| o.annotation(frame));
        assert!(other.is_none_or(|other| other.confidence == 1.0));
    }
    row.set_classification_confidence("teeI8mys", 0.5)
        .expect("valid");
    row.set_classification_manual_annotation("teeI8mys", false)
        .expect("valid");
    let weather = row.classification("teeI8mys").expect("in the row");
    assert_eq!(
        (weather.confidence(), weather.manual_annotation()),
        (0.5, false)
    );

    let mut audio = open("audio");
    audio.set_object_confidence("TJ+SoYw5", 0.5).expect("valid");
    audio
        .set_object_manual_annotation("TJ+SoYw5", false)
        .expect("valid");
    let entry = &audio.to_document()["object_answers"]["TJ+SoYw5"];
    assert_eq!(
        (&entry["confidence"], &entry["manualAnnotation"]),
        (&json!(0.5), &json!(false))
    );
}

#[test]
fn setting_what_is_set_is_no_edit() {
    let mut row = open("video");
    row.set_object_confidence("bk1+0760", 1.0).expect("valid");
    row.set_object_manual_annotation("bk1+0760", true)
        .expect("valid");
    row.set_classification_confidence("teeI8mys", 1.0)
        .expect("valid");
    row.set_classification_manual_annotation("teeI8mys", true)
        .expect("valid");
    assert!(!row.is_edited());
    row.set_object_confidence("bk1+0760", 0.5).expect("valid");
    assert!(row.is_edited());
    row.set_object_confidence("bk1+0760", 1.0).expect("valid");
    assert!(!row.is_edited(), "it is as it was read");
    let mut audio = open("audio");
    audio.set_object_confidence("TJ+SoYw5", 1.0).expect("valid");
    assert!(!audio.is_edited(), "absent means 1");
}

#[test]
fn what_cannot_be_set_is_refused() {
    let mut row = open("video");
    for confidence in [-0.1, 1.1, f64::NAN] {
        let result = row.set_object_confidence("2Tb1WZQ6", confidence);
        assert!(refused(&row, result).contains("expected a confidence from 0 to 1"));
        let result = row.set_classification_confidence("teeI8mys", confidence);
        assert!(refused(&row, result).contains("expected a confidence from 0 to 1"));
    }
    let missing = LabelError::NotFound(
        "expected an object of the label row of `video_4`, found no `teeI8mys` in it, or no longer"
            .to_owned(),
    );
    assert_eq!(
        row.set_object_confidence("teeI8mys", 0.5),
        Err(missing.clone())
    );
    assert_eq!(
        row.set_object_manual_annotation("teeI8mys", true),
        Err(missing)
    );
    assert!(matches!(
        row.set_classification_confidence("x", 0.5),
        Err(LabelError::NotFound(_))
    ));
    assert!(matches!(
        row.set_classification_manual_annotation("x", true),
        Err(LabelError::NotFound(_))
    ));
}
