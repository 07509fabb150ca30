//! Drawn objects: on which frames they are, and what stands there.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::*;
use super::{bounds, document, open, open_document, range, refused};

/// Rows with frames of their own.
const WITH_FRAMES: [&str; 5] = ["image", "img_group", "img_sequence", "pdf", "video"];

const FIRST: BoundingBox = BoundingBox {
    x: 0.1,
    y: 0.2,
    width: 0.25,
    height: 0.5,
};
const SECOND: BoundingBox = BoundingBox {
    x: 0.5,
    y: 0.5,
    width: 0.1,
    height: 0.1,
};

fn first() -> Geometry {
    Geometry::BoundingBox(FIRST)
}

fn second() -> Geometry {
    Geometry::BoundingBox(SECOND)
}

/// An equal row, from its document.
fn reopened(name: &str, row: &LabelRow) -> LabelRow {
    open_document(name, (*row.to_document()).clone())
}

/// What a row has of an object on a frame, in the document.
fn drawn(row: &LabelRow, hash: &str, frame: u32) -> Value {
    let text = row.object(hash).expect("in the row").to_json();
    let json: Value = serde_json::from_str(&text).expect("JSON");
    json["frames"][frame.to_string()].clone()
}

#[test]
fn an_object_is_drawn_on_every_type_of_data_with_frames() {
    for name in WITH_FRAMES {
        let mut row = open(name);
        let last = row.number_of_frames() - 1;
        let frames = [range(last, last), range(0, last)];
        let hash = row
            .add_object("Box", &first(), &frames, None)
            .expect("valid");
        for row in [&row, &reopened(name, &row)] {
            let object = row.object(&hash).expect("in the row");
            assert_eq!(object.frames(), [range(0, last)], "{name}");
            assert_eq!((object.name(), object.spaces()), ("Box", Vec::new()));
            for frame in 0..=last {
                assert_eq!(object.geometry(frame), Some(first()));
            }
            assert_eq!(object.geometry(last + 1), None);
        }
        let document = row.to_document();
        assert_eq!(
            document["object_answers"][&hash].to_string(),
            format!(r#"{{"classifications":[],"objectHash":"{hash}"}}"#)
        );
        assert!(row.remove_object(&hash));
        assert!(!row.is_edited(), "{name}: it is as it was read");
        assert!(row.object(&hash).is_none());
        assert!(!row.remove_object(&hash));
    }
}

#[test]
fn every_shape_is_taken_where_its_feature_is_meant() {
    let point = |x: f64, y: f64| Point { x, y, z: None };
    let corners = || vec![point(0.1, 0.1), point(0.2, 0.1), point(0.2, 0.3)];
    let turned = RotatableBoundingBox {
        x: 0.1,
        y: 0.1,
        width: 0.2,
        height: 0.1,
        theta: 30.0,
    };
    let circle = Circle {
        x: 0.5,
        y: 0.5,
        radius: 0.1,
        stretch: 1.0,
        theta: 0.0,
    };
    let shapes = [
        ("Poly", Geometry::Polygon(vec![vec![corners()]])),
        ("Line", Geometry::Polyline(corners())),
        ("Dot", Geometry::Point(point(0.5, 0.5))),
        ("Rot box", Geometry::RotatableBoundingBox(turned)),
        ("Circle", Geometry::Circle(circle)),
    ];
    for name in WITH_FRAMES {
        for (feature, geometry) in &shapes {
            let mut row = open(name);
            let hash = row
                .add_object(feature, geometry, &[range(0, 0)], None)
                .expect("valid");
            let again = reopened(name, &row);
            let object = again.object(&hash).expect("in the row");
            assert_eq!(object.geometry(0).as_ref(), Some(geometry));
            assert_eq!(object.shape(), geometry.shape());
        }
        let mut row = open(name);
        let result = row.add_object("Poly", &first(), &[range(0, 0)], None);
        assert_eq!(
            refused(&row, result),
            "expected an ontology object of shape `bounding_box`, found `Poly` of shape `polygon`"
        );
        let result = row.add_object("Speech", &first(), &[range(0, 0)], None);
        assert!(refused(&row, result).contains("found `Speech` of shape `audio`"));
    }
}

#[test]
fn a_mask_has_the_size_of_its_frame() {
    let mask = |width, height| {
        let bytes = vec![1; (width * height) as usize];
        Geometry::Bitmask(Bitmask::of_bytes(width, height, &bytes).expect("a mask"))
    };
    let mut document = document("img_group");
    for (number, unit) in document["data_units"]
        .as_object_mut()
        .expect("an object")
        .values_mut()
        .enumerate()
    {
        unit["width"] = (if number < 2 { 4 } else { 5 }).into();
        unit["height"] = 6.into();
    }
    let mut row = open_document("img_group", document);
    assert_eq!(super::frame_size(&row, 0, None), Some((4, 6)));
    assert_eq!(super::frame_size(&row, 2, None), Some((5, 6)));
    assert_eq!(super::frame_size(&row, 3, None), None);
    let result = row.add_object("Mask", &mask(4, 6), &[range(0, 2)], None);
    refused(&row, result);
    let hash = row
        .add_object("Mask", &mask(4, 6), &[range(0, 0)], None)
        .expect("valid");
    row.copy_to_frames(&hash, 0, &[range(1, 1)]).expect("alike");
    let before = row.to_document();
    let result = row.copy_to_frames(&hash, 0, &[range(1, 2)]);
    assert!(matches!(result, Err(LabelError::InvalidArgument(_))));
    let result = row.move_to_frame(&hash, 0, 2);
    assert!(matches!(result, Err(LabelError::InvalidArgument(_))));
    assert_eq!(row.to_document(), before);
    // Encord does not say what size a page has.
    let mut pdf = open("pdf");
    let result = pdf.add_object("Mask", &mask(4, 6), &[range(0, 0)], None);
    assert!(matches!(result, Err(LabelError::Unsupported(_))));
    assert!(!pdf.is_edited());
}

#[test]
fn frames_have_to_exist() {
    for (name, last) in [("image", 0), ("img_group", 2), ("pdf", 1), ("video", 29)] {
        let mut row = open(name);
        let beyond = [range(0, last), range(last + 1, u32::MAX)];
        let message = format!("expected a frame from 0 to {last}, found {}", last + 1);
        let result = row.add_object("Box", &first(), &beyond, None);
        assert_eq!(refused(&row, result), message, "{name}");
        let result = row.add_object("Box", &first(), &[], None);
        assert!(refused(&row, result).contains("found an empty list"));
        let result = row.add_object("Box", &first(), &[range(1, 0)], None);
        assert!(refused(&row, result).contains("found 1 to 0"));
        assert_eq!(
            row.part(None)
                .and_then(|part| row.check_frames_of(&part, &[range(last, last), range(0, 0)])),
            Ok(frames::merged(vec![range(0, 0), range(last, last)]))
        );
    }
}

#[test]
fn series_and_scenes_have_no_known_end() {
    for data_type in ["DICOM", "SCENE"] {
        let mut document = document("video");
        document["scene"] = json!({ "isContinuous": false });
        let open = |document: Value| {
            let facts = RowFacts {
                data_type: data_type.to_owned(),
                number_of_frames: 1,
                width: None,
                height: None,
                partial: false,
            };
            LabelRow::open(std::sync::Arc::new(document), facts, super::ontology()).expect("a row")
        };
        let mut row = open(document.clone());
        let hash = row
            .add_object("Box", &first(), &[range(1000, 1001)], None)
            .expect("valid");
        let frames = row.object(&hash).map(|object| object.frames());
        assert_eq!(frames, Some(vec![range(1000, 1001)]));
        row.discard_edits();
        let result = row.add_object("Box", &first(), &[range(0, u32::MAX)], None);
        assert!(refused(&row, result).contains("expected at most 100000 frames at once"));
        document["scene"] = json!({ "isContinuous": true });
        let mut row = open(document);
        let result = row.add_object("Box", &first(), &[range(0, 0)], None);
        assert_eq!(
            matches!(result, Err(LabelError::Unsupported(_))),
            data_type == "SCENE"
        );
    }
}

#[test]
fn drawing_anew_keeps_what_else_stands_there() {
    let mut document = document("video");
    let unit = document["data_hash"].as_str().expect("text").to_owned();
    let object = &mut document["data_units"][&unit]["labels"]["1"]["objects"][0];
    let hash = object["objectHash"].as_str().expect("text").to_owned();
    assert_eq!(object["shape"], "bounding_box");
    object["confidence"] = 0.25.into();
    object["createdBy"] = "someone@example.com".into();
    object["newer"] = json!([1, { "kept": null }]);
    let mut expected = object.clone();
    let mut row = open_document("video", document);
    let held = row.object(&hash).expect("there").frames();
    row.draw(&hash, &second(), &[range(1, 1), range(20, 21)], None)
        .expect("valid");
    let found = drawn(&row, &hash, 1);
    assert_ne!(found["lastEditedAt"], expected["lastEditedAt"]);
    for key in ["lastEditedAt", "boundingBox"] {
        expected[key] = found[key].clone();
    }
    assert_eq!(found.to_string(), expected.to_string());
    let new = drawn(&row, &hash, 20);
    assert_eq!(
        (&new["confidence"], &new["createdBy"]),
        (&json!(1.0), &Value::Null)
    );
    for row in [&row, &reopened("video", &row)] {
        let object = row.object(&hash).expect("there");
        let mut frames = held.clone();
        frames.push(range(20, 21));
        assert_eq!(object.frames(), frames);
        for frame in [1, 20, 21] {
            assert_eq!(object.geometry(frame), Some(second()));
        }
        assert_ne!(object.geometry(2), Some(second()));
    }
}

#[test]
fn copies_and_moves_take_all_that_stands_there() {
    let mut document = document("video");
    let unit = document["data_hash"].as_str().expect("text").to_owned();
    let object = &mut document["data_units"][&unit]["labels"]["1"]["objects"][0];
    let hash = object["objectHash"].as_str().expect("text").to_owned();
    object["newer"] = json!({ "kept": true });
    let source = object.clone();
    document["object_actions"][&hash] = json!({ "objectHash": hash, "actions": [
        { "name": "Visible", "dynamic": true, "range": [[0, 2]] },
        { "name": "Visible", "dynamic": true, "range": [[5, 5]] },
    ]});
    let mut row = open_document("video", document);
    row.copy_to_frames(&hash, 1, &[range(0, 2), range(10, 11)])
        .expect("valid");
    for frame in [0, 1, 2, 10, 11] {
        assert_eq!(drawn(&row, &hash, frame), source);
    }
    let actions = |row: &LabelRow| row.to_document()["object_actions"][&hash]["actions"].clone();
    assert_eq!(actions(&row)[0]["range"], json!([[0, 2], [10, 11]]));
    row.move_to_frame(&hash, 10, 29).expect("valid");
    assert_eq!(drawn(&row, &hash, 29), source);
    assert_eq!(drawn(&row, &hash, 10), Value::Null);
    assert_eq!(
        actions(&row)[0]["range"],
        json!([[0, 2], [11, 11], [29, 29]])
    );
    assert!(
        row.to_document()["data_units"][&unit]["labels"]
            .get("10")
            .is_none()
    );
    let before = row.to_document();
    let refused = [
        row.move_to_frame(&hash, 0, 1),
        row.move_to_frame(&hash, 0, 30),
        row.copy_to_frames(&hash, 0, &[range(1, 30)]),
        row.copy_to_frames(&hash, 0, &[]),
    ];
    for result in refused {
        assert!(
            matches!(result, Err(LabelError::InvalidArgument(_))),
            "{result:?}"
        );
    }
    let missing = [
        row.move_to_frame(&hash, 10, 12),
        row.copy_to_frames(&hash, 10, &[range(12, 12)]),
        row.copy_to_frames("nothing0", 0, &[range(12, 12)]),
        row.draw("nothing0", &first(), &[range(0, 0)], None),
        row.remove_from_frames("nothing0", None, None),
    ];
    for result in missing {
        assert!(matches!(result, Err(LabelError::NotFound(_))), "{result:?}");
    }
    assert_eq!(row.to_document(), before);
    let again = reopened("video", &row);
    assert_eq!(
        again.object(&hash).map(|object| object.frames()),
        row.object(&hash).map(|object| object.frames())
    );
}

#[test]
fn removing_from_frames_takes_dynamic_answers_along() {
    let mut document = document("video");
    let unit = document["data_hash"].as_str().expect("text").to_owned();
    let hash = "2Tb1WZQ6";
    document["object_actions"] = json!({ hash: { "objectHash": hash, "actions": [
        { "name": "Visible", "dynamic": true, "range": [[0, 2]], "kept": 1 },
        { "name": "Visible", "dynamic": true, "range": [["5", 6.0]] },
    ]}});
    document["data_units"][&unit]["labels"]["5"]["metadata"] = json!({ "a": "b" });
    let mut row = open_document("video", document);
    assert_eq!(
        row.object(hash).map(|o| o.frames()),
        Some(vec![range(0, 2), range(5, 6)])
    );
    row.remove_from_frames(hash, Some(&[range(20, 25)]), None)
        .expect("passed over");
    assert!(!row.is_edited());
    let result = row.remove_from_frames(hash, Some(&[range(3, 1)]), None);
    refused(&row, result);

    row.remove_from_frames(hash, Some(&[range(1, 1), range(10, u32::MAX)]), None)
        .expect("valid");
    let actions = |row: &LabelRow| row.to_document()["object_actions"][hash]["actions"].clone();
    assert_eq!(
        actions(&row).to_string(),
        r#"[{"name":"Visible","dynamic":true,"range":[[0,0],[2,2]],"kept":1},{"name":"Visible","dynamic":true,"range":[["5",6.0]]}]"#
    );
    row.remove_from_frames(hash, Some(&[range(0, 2)]), None)
        .expect("valid");
    assert_eq!(actions(&row).as_array().map(Vec::len), Some(1));
    let object = row.object(hash).expect("there");
    assert_eq!(object.frames(), [range(5, 6)]);
    let result = row.set_object_confidence_on(hash, 0.5, &[range(5, 7)]);
    assert!(matches!(result, Err(LabelError::InvalidArgument(_))));
    let result = row.set_object_confidence_on(hash, 1.5, &[range(5, 5)]);
    assert!(matches!(result, Err(LabelError::InvalidArgument(_))));
    row.set_object_confidence_on(hash, 0.5, &[range(6, 6)])
        .expect("valid");
    row.set_object_manual_annotation_on(hash, true, &[range(6, 6)])
        .expect("valid");
    let object = row.object(hash).expect("there");
    let set = |frame| {
        let annotation = object.annotation(frame).expect("drawn");
        (annotation.confidence, annotation.manual_annotation)
    };
    assert_eq!((set(5).0, set(6)), (1.0, (0.5, true)));

    row.remove_from_frames(hash, Some(&[range(0, 29)]), None)
        .expect("valid");
    assert!(row.object(hash).is_none());
    let after = row.to_document();
    assert!(after["object_answers"].get(hash).is_none());
    assert!(after["object_actions"].get(hash).is_none());
    let labels = &after["data_units"][&unit]["labels"];
    assert!(!labels.to_string().contains(hash));
    // What is not known here keeps its frame.
    assert_eq!(labels["5"]["metadata"], json!({ "a": "b" }));
}

#[test]
fn objects_are_found_by_feature_and_frame() {
    let row = open("video");
    let hashes = |objects: Vec<ObjectInstance<'_>>| -> Vec<String> {
        let hashes = objects.iter().map(|object| object.object_hash().to_owned());
        hashes.collect()
    };
    let boxes = hashes(row.objects_of("Box").expect("a feature"));
    assert_eq!(
        boxes,
        hashes(row.objects_of("PXFZO2ra").expect("a feature"))
    );
    assert!(boxes.contains(&"2Tb1WZQ6".to_owned()));
    assert_eq!(
        hashes(row.objects_of("Old").expect("archived")),
        Vec::<String>::new()
    );
    let shapes: HashSet<_> = row.objects().map(|object| object.feature_hash()).collect();
    assert!(shapes.len() > 1 && boxes.len() < row.objects().count());
    let result = row.objects_of("Twin Box");
    assert!(refused(&row, result).contains("which several have: `objTwin1`, `objTwin2`"));
    let result = row.objects_of("Boat");
    assert!(
        refused(&row, result).starts_with("expected the feature hash or the name of an ontology")
    );
    for frame in [0, 6, 29] {
        let expected: Vec<String> = row
            .objects()
            .filter(|object| object.frames().iter().any(|range| range.contains(frame)))
            .map(|object| object.object_hash().to_owned())
            .collect();
        assert_eq!(hashes(row.objects_on(frame)), expected);
    }
    let audio = open("audio");
    assert_eq!(audio.objects_on(400).len(), 1);
    assert_eq!(audio.objects_on(401).len(), 0);
}

#[test]
fn an_object_says_who_made_it() {
    let mut document = document("video");
    let unit = document["data_hash"].as_str().expect("text").to_owned();
    let labels = &mut document["data_units"][&unit]["labels"];
    let hash = labels["0"]["objects"][0]["objectHash"].clone();
    let hash = hash.as_str().expect("text");
    labels["0"]["objects"][0]["createdBy"] = "someone@example.com".into();
    labels["0"]["objects"][0]["lastEditedBy"] = "other@example.com".into();
    labels["0"]["objects"][0]["confidence"] = 0.5.into();
    labels["0"]["objects"][0]["reviews"] = json!([{ "comment": "good" }]);
    labels["1"]["objects"][0]["reviews"] = json!([{ "comment": "good" }, { "comment": "thin" }]);
    assert_eq!(labels["1"]["objects"][0]["objectHash"], hash);
    let row = open_document("video", document);
    let object = row.object(hash).expect("there");
    let annotation = object.annotation(0).expect("drawn");
    assert_eq!(object.created_by().as_deref(), Some("someone@example.com"));
    assert_eq!(
        object.last_edited_by().as_deref(),
        Some("other@example.com")
    );
    assert_eq!(object.created_at(), annotation.created_at);
    assert_eq!(object.last_edited_at(), annotation.last_edited_at);
    assert_eq!(object.confidence(), 0.5);
    assert_eq!(object.manual_annotation(), annotation.manual_annotation);
    assert_eq!(
        object.reviews().as_deref(),
        Some(r#"[{"comment":"good"},{"comment":"thin"}]"#)
    );
    let others = row.objects().filter(|other| other.object_hash() != hash);
    assert!(others.into_iter().all(|other| other.reviews().is_none()));
}

#[test]
fn discarded_edits_leave_no_trace_but_their_hashes() {
    let mut row = open("video");
    row.discard_edits();
    let hash = row
        .add_object("Box", &first(), &[range(0, 3)], None)
        .expect("valid");
    assert!(row.remove_object("2Tb1WZQ6"));
    assert!(row.is_retired("2Tb1WZQ6") && !row.is_retired(&hash));
    row.discard_edits();
    assert!(!row.is_edited());
    assert!(row.object("2Tb1WZQ6").is_some() && row.object(&hash).is_none());
    assert!(row.is_retired(&hash));
    assert_eq!(*row.to_document(), document("video"));
    assert!(row.remove_classification("teeI8mys") && row.is_retired("teeI8mys"));
}

/// A row of boxes, on the first frames of a video.
fn many(objects: usize, frames: u32) -> LabelRow {
    let mut row = open("video");
    let facts = RowFacts {
        number_of_frames: frames,
        ..row.facts.clone()
    };
    row = LabelRow::open(row.to_document(), facts, super::ontology()).expect("a row");
    for number in 0..objects {
        let frame = u32::try_from(number).expect("few") % frames;
        row.add_bounding_box("Box", bounds(0.1, 0.1, 0.2, 0.2), frame)
            .expect("valid");
    }
    row
}

#[test]
fn many_are_removed_one_by_one() {
    for frames in [1, 30, 10_000] {
        let mut row = many(10_000, frames);
        let hashes: Vec<String> = row
            .objects()
            .map(|object| object.object_hash().to_owned())
            .collect();
        let started = Instant::now();
        for hash in hashes.iter().step_by(10) {
            assert!(row.remove_object(hash));
        }
        let taken = started.elapsed();
        assert!(taken < Duration::from_secs(1), "{taken:?}, {frames} frames");
        let left: Vec<&String> = hashes
            .iter()
            .enumerate()
            .filter(|(position, _)| position % 10 != 0)
            .map(|(_, hash)| hash)
            .collect();
        let again = LabelRow::open(row.to_document(), row.facts.clone(), super::ontology());
        for row in [&row, &again.expect("a row")] {
            assert_eq!(row.objects().count(), left.len());
            for (object, hash) in row.objects().zip(&left) {
                assert_eq!(object.object_hash(), *hash);
                assert_eq!(
                    object.created_at().is_some(),
                    object.geometry(object.frames()[0].start).is_some()
                );
                assert!(!object.frames().is_empty());
            }
        }
    }
}
