use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::labels::{FrameRange, Geometry, LabelRow, Ontology, RowFacts};
use crate::pixels::Size;

fn ontology() -> Arc<Ontology> {
    let object = |hash: &str, name: &str, shape: &str| json!({ "id": "1", "name": name, "color": "#D33115", "shape": shape, "featureNodeHash": hash });
    let mut skeleton = object("stick000", "Stick", "skeleton");
    skeleton["attributes"] = json!([]);
    let point =
        |name: &str, hash: &str| json!({ "name": name, "x": 0.5, "y": 0.5, "featureHash": hash });
    let editor = json!({
        "objects": [
            object("carBox00", "Car", "bounding_box"),
            object("carArea0", "Car", "polygon"),
            object("carMask0", "Car", "bitmask"),
            object("twin0000", "Twin", "bounding_box"),
            object("twin0001", "Twin", "bounding_box"),
            object("ball0000", "Ball", "circle"),
            skeleton,
        ],
        "classifications": [],
        "skeleton_templates": [{ "template": {
            "name": "Stick",
            "feature_node_hash": "stick000",
            "skeleton": { "0": point("head", "head0000"), "1": point("foot", "foot0000") },
            "skeletonEdges": { "0": { "1": { "color": "#000000" } } },
        } }],
    });
    Arc::new(Ontology::parse("", "Test", "", &editor).expect("it is one"))
}

fn row() -> LabelRow {
    let document = json!({
        "label_hash": "l", "data_hash": "d", "data_title": "a.png", "data_type": "image",
        "data_units": { "d": {
            "data_hash": "d", "data_title": "a.png", "data_type": "image/png", "data_sequence": 0,
            "width": 100, "height": 50, "labels": { "objects": [], "classifications": [] },
        } },
        "object_answers": {}, "classification_answers": {}, "object_actions": {},
    });
    let facts = RowFacts {
        data_type: "image".to_owned(),
        number_of_frames: 1,
        width: Some(100),
        height: Some(50),
        partial: false,
    };
    LabelRow::open(Arc::new(document), facts, ontology()).expect("it is one")
}

fn place(title: &str, hash: &str, frames: Frames) -> Place {
    Place {
        row: 0,
        space: None,
        data_hash: hash.to_owned(),
        title: title.to_owned(),
        file: None,
        size: Size::new(100, 50),
        frames,
    }
}

/// A document of one image and these annotations, all of one category.
fn parsed(image: Value, category: Value, annotations: &[Value]) -> Found {
    let mut all = annotations.to_vec();
    for annotation in &mut all {
        annotation["image_id"] = 1.into();
        annotation["category_id"] = 1.into();
    }
    let (mut image, mut category) = (image, category);
    image["id"] = 1.into();
    category["id"] = 1.into();
    let text = json!({ "images": [image], "categories": [category], "annotations": all });
    Found::parse(text.to_string().as_bytes()).expect("it is a document")
}

fn imported(found: &Found, row: &mut LabelRow) -> Report {
    let places = [place("a.png", "d", Frames::One(0))];
    let mut report = Report::default();
    let plan = Plan::new(found, &places, &mut report);
    plan.apply(0, row, &mut report);
    report
}

fn exported(row: &LabelRow) -> Value {
    let mut exporter = Exporter::new("Test", &ontology());
    exporter.add(row);
    let (document, left_out) = exporter.finish();
    assert!(left_out.is_empty(), "{left_out}");
    serde_json::to_value(&document).expect("it has text keys")
}

#[test]
fn images_are_found_by_hash_file_title_and_frame() {
    let many = Frames::Many(20);
    let places = [
        place("a.png", "hash-a", Frames::One(0)),
        place("b.png", "hash-b", Frames::One(3)),
        place("clip.mp4", "hash-c", many),
        place("twice.png", "hash-d", Frames::One(0)),
        place("twice.png", "hash-e", Frames::One(0)),
    ];
    let find = |image: Value| {
        let found = parsed(
            image,
            json!({ "name": "Car" }),
            &[json!({ "bbox": [1, 1, 1, 1] })],
        );
        let mut report = Report::default();
        let plan = Plan::new(&found, &places, &mut report);
        match report.failures() {
            [] => Ok(plan.first_place().expect("it has one")),
            [(message, 1)] => Err(message.clone()),
            other => panic!("{other:?}"),
        }
    };
    let file = |name: &str| find(json!({ "file_name": name }));
    assert_eq!(file("a.png"), Ok((0, 0)));
    assert_eq!(file("some/where/b.png"), Ok((1, 3)));
    assert_eq!(file("C:\\data\\b.png"), Ok((1, 3)));
    assert_eq!(file("b.jpeg"), Ok((1, 3)), "without the extension");
    assert_eq!(
        file("images/hash-b.png"),
        Ok((1, 3)),
        "as Encord's exporter names it"
    );
    assert_eq!(file("videos/hash-c/7.jpg"), Ok((2, 7)));
    assert_eq!(file("clip.mp4/7.jpg"), Ok((2, 7)));
    assert_eq!(file("clip/frame_000007.jpg"), Ok((2, 7)));
    assert_eq!(file("hash-e/twice.png"), Ok((4, 0)));
    assert_eq!(find(json!({ "image_title": "a.png" })), Ok((0, 0)));
    let framed = json!({ "file_name": "x.jpg", "video_title": "clip.mp4", "encord_frame": 9 });
    assert_eq!(find(framed), Ok((2, 9)));
    let moved = json!({ "file_name": "a.png", "encord_data_hash": "hash-b" });
    assert_eq!(find(moved), Ok((1, 3)), "a hash says more than a name");
    for (name, reason) in [
        ("c.png", "no data unit is called `c.png`"),
        ("twice.png", "2 data units are called `twice.png`"),
        (
            "clip/20.jpg",
            "expected a frame of `clip.mp4` from 0 to 19, found 20",
        ),
        (
            "clip/last.jpg",
            "expected the number of a frame of `clip.mp4` at the end of the file's name, found `clip/last.jpg`",
        ),
        ("", "no data unit is called `image 1`"),
    ] {
        assert_eq!(file(name), Err(reason.to_owned()));
    }
}

#[test]
fn a_category_is_the_object_of_its_name_with_the_shape_that_fits() {
    let polygon = json!({ "bbox": [1, 1, 2, 2], "segmentation": [[1, 1, 9, 1, 9, 9]] });
    let mask = json!({ "segmentation": { "size": [50, 100], "counts": [60, 20, 4920] } });
    let bounds = json!({ "bbox": [1, 1, 2, 2], "segmentation": [] });
    let shape = |category: Value, annotation: &Value| {
        let found = parsed(
            json!({ "file_name": "a.png" }),
            category,
            std::slice::from_ref(annotation),
        );
        let mut row = row();
        let report = imported(&found, &mut row);
        match report.failures() {
            [] => row
                .objects()
                .next()
                .expect("it was added")
                .shape()
                .to_owned(),
            [(message, _)] => message.clone(),
            other => panic!("{other:?}"),
        }
    };
    let car = json!({ "name": "Car" });
    assert_eq!(shape(car.clone(), &polygon), "polygon");
    assert_eq!(shape(car.clone(), &mask), "bitmask");
    assert_eq!(shape(car, &bounds), "bounding_box");
    let lower = json!({ "name": "car", "supercategory": "vehicle" });
    assert_eq!(shape(lower, &bounds), "bounding_box");
    let stated = |shape: &str| json!({ "name": "Car", "supercategory": shape });
    assert_eq!(shape(stated("polygon"), &mask), "polygon");
    assert_eq!(shape(stated("bitmask"), &polygon), "bitmask");
    assert_eq!(shape(stated("polygon"), &bounds), "polygon");
    assert_eq!(
        shape(stated("ellipse"), &bounds),
        "`Car` on `a.png`: no object of the ontology has its name and shape"
    );
    assert_eq!(
        shape(json!({ "name": "Twin" }), &bounds),
        "`Twin` on `a.png`: several objects of the ontology are called `Twin`"
    );
    let twin = json!({ "name": "Twin", "supercategory": "bounding_box", "encord_feature_hash": "twin0001" });
    assert_eq!(shape(twin, &bounds), "bounding_box");
}

#[test]
fn keypoints_are_matched_by_their_names() {
    let category = json!({ "name": "Stick", "keypoints": ["foot", "head"] });
    let annotation = json!({ "keypoints": [10, 20, 1, 30, 40, 2], "num_keypoints": 2 });
    let found = parsed(json!({ "file_name": "a.png" }), category, &[annotation]);
    let mut row = row();
    assert_eq!(imported(&found, &mut row).failures(), []);
    let exported = exported(&row);
    assert_eq!(
        exported["annotations"][0]["keypoints"],
        json!([30.0, 40.0, 2, 10.0, 20.0, 1])
    );
    let categories = exported["categories"].as_array().expect("a list");
    let stick = categories.last().expect("the last of the ontology");
    assert_eq!(stick["keypoints"], json!(["head", "foot"]));
    assert_eq!(stick["skeleton"], json!([[1, 2]]));
}

#[test]
fn an_exact_geometry_counts_only_as_long_as_nobody_has_changed_the_rest() {
    let mut first = row();
    let circle = Geometry::read(&json!({
        "shape": "circle", "circle": { "x": 0.5, "y": 0.5, "r": 0.1, "stretch": 1.0, "theta": 0.0 },
    }));
    first
        .add_object("Ball", &circle, &[FrameRange::single(0)], None)
        .expect("it can be added");
    let document = exported(&first);
    let read = |document: &Value| {
        let found = Found::parse(document.to_string().as_bytes()).expect("it is one");
        let mut row = row();
        let report = imported(&found, &mut row);
        let object = row.objects().next();
        let geometry = object.and_then(|object| object.geometry(0));
        (geometry, report.failures().to_vec())
    };
    assert_eq!(read(&document), (Some(circle), Vec::new()));
    let mut moved = document.clone();
    moved["annotations"][0]["bbox"][0] = json!(7.0);
    let (geometry, failures) = read(&moved);
    assert_eq!(geometry, None);
    assert_eq!(
        failures,
        [(
            "`Ball` on `a.png`: a `circle` is imported only with an `encord_geometry` that fits the rest".to_owned(),
            1
        )]
    );
}

#[test]
fn what_has_no_meaning_is_told_and_the_rest_is_imported() {
    let annotations = [
        json!({ "segmentation": { "size": [50, 100], "counts": [1, 2] } }),
        json!({ "segmentation": { "size": [50, 100], "counts": "~" } }),
        json!({ "segmentation": { "size": [4_000_000_000_u32, 4_000_000_000_u32], "counts": "0" } }),
        json!({ "segmentation": { "size": [10, 10], "counts": [40, 60] } }),
        json!({ "segmentation": [[1, 1, 9, 1, 9]] }),
        json!({ "bbox": [90, 1, 20, 2] }),
        json!({ "bbox": [10, 10, 20, 20], "segmentation": null, "attributes": null, "score": 0.5 }),
    ];
    let found = parsed(
        json!({ "file_name": "a.png", "width": 100, "height": 50 }),
        json!({ "name": "Car" }),
        &annotations,
    );
    let mut row = row();
    let report = imported(&found, &mut row);
    assert_eq!(
        (report.annotations, report.failed()),
        (1, 6),
        "{:?}",
        report.failures()
    );
    assert_eq!(row.objects().count(), 1);
    let object = row.objects().next().expect("one was imported");
    assert_eq!(object.confidence(), 0.5);
}

#[test]
fn annotations_of_a_track_are_one_object_and_two_on_a_frame_are_two() {
    let annotation = json!({ "bbox": [1, 1, 2, 2], "attributes": { "track_id": 4 } });
    let found = parsed(
        json!({ "file_name": "a.png" }),
        json!({ "name": "Car" }),
        &[annotation.clone(), annotation],
    );
    let report = imported(&found, &mut row());
    assert_eq!((report.annotations, report.objects), (2, 2));
}
