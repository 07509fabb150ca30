//! Labels to and from COCO, and drawn over pictures.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use image::{Rgb, RgbImage};
use runner_host::encord::{CreateOptions, LabelRowFilter, LabelRowMetadata, MetadataOptions};
use runner_host::labels::{
    AttributeAnswer, Bitmask, BoundingBox, Circle, Cuboid2d, Ellipse, FrameRange, Geometry,
    GivenAnswer, LabelRow, Ontology, Point, Projection, RotatableBoundingBox, RowFacts,
    SkeletonPoint,
};
use runner_tests::{Served, TestProject, program, root};
use serde_json::{Value, json};
use uuid::Uuid;

/// The second project of `tests/projects/everything`.
const TWIN: &str = "e0000000-0000-4000-8000-000000000002";

fn runner_host(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("RUNNER_HOST_") || name.starts_with("ENCORD_") {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1");
    command
}

/// Runs `runner-host labels` on the project in a folder.
fn labels(folder: &Path, arguments: &[&str]) -> Output {
    let mut all = vec!["labels"];
    all.extend(arguments);
    all.extend(["--local", "project"]);
    runner_host(&all).current_dir(folder).output().unwrap()
}

/// What a user sees.
fn seen(output: &Output) -> String {
    format!(
        "exit code {}\n-- standard output\n{}-- standard error\n{}",
        output.status.code().unwrap(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn export(folder: &Path, arguments: &[&str]) -> Value {
    let mut all = vec!["export"];
    all.extend(arguments);
    let output = labels(folder, &all);
    assert_eq!(output.status.code(), Some(0), "{}", seen(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The rows of a project by title, made if they do not exist.
async fn rows(served: &Served, project: Uuid) -> BTreeMap<String, (LabelRowMetadata, LabelRow)> {
    let client = &served.client;
    let described = client.project(project).await.unwrap();
    let found = client.ontology(described.ontology_uuid).await.unwrap();
    let uuid = found.uuid.to_string();
    let ontology = Ontology::parse(&uuid, &found.title, &found.description, &found.editor);
    let ontology = Arc::new(ontology.unwrap());
    let (filter, options) = (LabelRowFilter::default(), MetadataOptions::default());
    let listed = client.list_label_rows(project, &filter, &options).await;
    let listed = listed.unwrap();
    let hashes: Vec<_> = listed.iter().map(|row| row.data_hash).collect();
    let made = client
        .create_label_rows(project, &hashes, &CreateOptions::default())
        .await
        .unwrap();
    let mut rows = BTreeMap::new();
    for (hash, document) in made {
        let metadata = listed.iter().find(|row| row.data_hash == hash).unwrap();
        let facts = RowFacts {
            data_type: metadata.data_type.clone(),
            number_of_frames: metadata.number_of_frames,
            width: metadata.width,
            height: metadata.height,
            partial: false,
        };
        let row = LabelRow::open(Arc::new(document), facts, Arc::clone(&ontology)).unwrap();
        rows.insert(metadata.data_title.clone(), (metadata.clone(), row));
    }
    rows
}

async fn save(served: &Served, project: Uuid, row: &LabelRow) {
    let document = row.to_document();
    let hash = row.label_hash().parse().unwrap();
    let rows = [(hash, &*document)];
    served.client.save_label_rows(project, &rows).await.unwrap();
}

fn point(x: f64, y: f64) -> Point {
    Point { x, y, z: None }
}

/// One geometry for each shape that has a place on a picture of 64 x 48 pixels.
fn geometries() -> Vec<(&'static str, Geometry)> {
    let joint = |name: &str, x, y, visibility: &str| SkeletonPoint {
        x,
        y,
        name: name.to_owned(),
        feature_hash: String::new(),
        visibility: Some(visibility.to_owned()),
    };
    let square = |from: f64, to: f64| {
        vec![
            point(from, from),
            point(to, from),
            point(to, to),
            point(from, to),
        ]
    };
    let mut mask = vec![0; 64 * 48];
    for y in 10..20 {
        mask[y * 64 + 5..y * 64 + 30].fill(1);
    }
    vec![
        (
            "Box",
            Geometry::BoundingBox(BoundingBox {
                x: 0.1,
                y: 0.2,
                width: 0.3,
                height: 0.4,
            }),
        ),
        (
            "Turned box",
            Geometry::RotatableBoundingBox(RotatableBoundingBox {
                x: 0.4,
                y: 0.4,
                width: 0.2,
                height: 0.1,
                theta: 33.5,
            }),
        ),
        // Two areas, the first with a hole.
        (
            "Area",
            Geometry::Polygon(vec![
                vec![square(0.1, 0.5), square(0.2, 0.4)],
                vec![square(0.6, 0.9)],
            ]),
        ),
        (
            "Line",
            Geometry::Polyline(vec![point(0.1, 0.1), point(0.5, 0.9), point(0.7, 0.3)]),
        ),
        ("Spot", Geometry::Point(point(0.3, 0.7))),
        (
            "Stick",
            Geometry::Skeleton(vec![
                joint("head", 0.5, 0.1, "visible"),
                joint("hip", 0.5, 0.5, "selfOccluded"),
                joint("foot", 0.4, 0.9, "invisible"),
            ]),
        ),
        (
            "Mask",
            Geometry::Bitmask(Bitmask::of_bytes(64, 48, &mask).unwrap()),
        ),
        (
            "Brick",
            Cuboid2d {
                front: square(0.2, 0.4),
                projection: Projection::Isometric(point(0.1, -0.1)),
            }
            .to_geometry(),
        ),
        (
            "Ball",
            Geometry::Circle(Circle {
                x: 0.5,
                y: 0.5,
                radius: 0.1,
                stretch: 1.0,
                theta: 0.0,
            }),
        ),
        (
            "Egg",
            Geometry::Ellipse(Ellipse {
                x: 0.5,
                y: 0.5,
                radius_x: 0.2,
                radius_y: 0.1,
                theta: 20.0,
            }),
        ),
    ]
}

fn answer(attribute: &str, value: GivenAnswer) -> AttributeAnswer {
    AttributeAnswer {
        attribute: Some(attribute.to_owned()),
        value,
    }
}

fn options(labels: &[&str]) -> GivenAnswer {
    GivenAnswer::Options(labels.iter().map(|label| (*label).to_owned()).collect())
}

/// Labels of every kind on an image, a group, a video, and the parts of a data group.
async fn label_everything(served: &Served) {
    let mut rows = rows(served, served.hash).await;
    let (_, image) = rows.get_mut("image.png").unwrap();
    for (name, geometry) in geometries() {
        image
            .add_object(name, &geometry, &[FrameRange::single(0)], None)
            .unwrap();
    }
    let first = image.objects().next().unwrap().object_hash().to_owned();
    image.set_object_confidence(&first, 0.25).unwrap();
    image.set_object_manual_annotation(&first, true).unwrap();
    let answers = [
        answer("Colour", options(&["Red"])),
        answer("Shade", GivenAnswer::Text("dark".to_owned())),
        answer("Tags", options(&["First", "Third"])),
        answer("Count", GivenAnswer::Number(2.5)),
    ];
    image.set_object_answers(&first, &answers, None).unwrap();
    let weather = [
        answer("Weather", options(&["Wet"])),
        answer("Remark", GivenAnswer::Text("puddles".to_owned())),
    ];
    image
        .add_classification("Weather", &weather, None, None)
        .unwrap();
    let whole = [answer("Whole", options(&["Good"]))];
    image
        .add_classification("Whole", &whole, None, None)
        .unwrap();

    let (_, group) = rows.get_mut("pictures").unwrap();
    for (name, geometry) in geometries().into_iter().filter(|(name, _)| *name != "Mask") {
        group
            .add_object(name, &geometry, &[FrameRange { start: 0, end: 1 }], None)
            .unwrap();
    }

    let (_, video) = rows.get_mut("video.mp4").unwrap();
    let frames = [
        FrameRange { start: 2, end: 4 },
        FrameRange { start: 7, end: 7 },
    ];
    for (name, geometry) in geometries() {
        video.add_object(name, &geometry, &frames, None).unwrap();
    }
    let first = video.objects().next().unwrap().object_hash().to_owned();
    let visible = [answer("Visible", options(&["Yes"]))];
    let some = [FrameRange { start: 3, end: 4 }];
    video
        .set_object_answers(&first, &visible, Some(&some))
        .unwrap();
    let seen = [answer("Seen", options(&["People", "Trees"]))];
    let some = [FrameRange { start: 1, end: 3 }];
    video
        .add_classification("Seen", &seen, Some(&some), None)
        .unwrap();

    let (_, together) = rows.get_mut("together").unwrap();
    for (part, last) in [
        ("e5000000-0000-4000-8000-0000000000a3", 0),
        ("e5000000-0000-4000-8000-0000000000a4", 5),
    ] {
        let frames = [FrameRange::single(last)];
        let (name, geometry) = geometries().swap_remove(0);
        together
            .add_object(name, &geometry, &frames, Some(part))
            .unwrap();
    }

    let (_, sound) = rows.get_mut("sound.wav").unwrap();
    let range = [FrameRange { start: 0, end: 99 }];
    sound.add_ranges("Voice", &range, None).unwrap();
    for (_, row) in rows.values().filter(|(_, row)| row.is_edited()) {
        save(served, served.hash, row).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_and_imported_is_the_same() {
    let project = TestProject::of_everything();
    let folder = project.scratch();
    let served = project.serve().await;
    label_everything(&served).await;
    served.server.stop().await;

    let output = labels(folder, &["export", "--output", "labels.json"]);
    insta::assert_snapshot!("exported", seen(&output));
    let text = std::fs::read_to_string(folder.join("labels.json")).unwrap();
    let exported: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        exported,
        export(folder, &[]),
        "standard output has the same"
    );
    let of_image: Vec<_> = exported["annotations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|annotation| annotation["image_id"] == 1)
        .map(|annotation| serde_json::to_string_pretty(&shortened(annotation)).unwrap())
        .collect();
    insta::with_settings!({ filters => vec![
        (r#""encord_track_uuid": "[^"]{8}""#, r#""encord_track_uuid": "[HASH]""#),
    ] }, { insta::assert_snapshot!("annotations", of_image.join("\n")) });
    insta::assert_snapshot!(
        "images",
        serde_json::to_string_pretty(&exported["images"]).unwrap()
    );
    checked_by_the_official_package(folder);

    let arguments = ["import", "labels.json", "--project-hash", TWIN];
    let before = export(folder, &["--project-hash", TWIN]);
    let dry = labels(folder, &[&arguments[..], &["--dry-run"]].concat());
    insta::assert_snapshot!("imported_dry", seen(&dry));
    assert_eq!(before, export(folder, &["--project-hash", TWIN]));
    let output = labels(folder, &arguments);
    insta::assert_snapshot!("imported", seen(&output));
    let again = by_image(&export(folder, &["--project-hash", TWIN]));
    let mut expected = by_image(&exported);
    // Rows on which nothing is labelled are not made by an import, and are no images then.
    expected.retain(|key, (_, annotations)| !annotations.is_empty() || again.contains_key(key));
    let keys = |images: &ByImage| images.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&again), keys(&expected));
    for (key, (image, annotations)) in &expected {
        let (found_image, found) = &again[key];
        assert_eq!(found_image, image, "{key}");
        assert_eq!(found.len(), annotations.len(), "{key}");
        for (found, annotation) in found.iter().zip(annotations) {
            close(found, annotation, key);
        }
    }
}

/// Each image with its annotations.
type ByImage = BTreeMap<String, (Value, Vec<Value>)>;

/// What a document says, without what may differ between two projects: numbers, hashes of objects, and which names are
/// taken twice.
fn by_image(document: &Value) -> ByImage {
    let mut all = BTreeMap::new();
    let annotations = document["annotations"].as_array().unwrap();
    for image in document["images"].as_array().unwrap() {
        let key = format!("{} {}", image["encord_data_hash"], image["encord_frame"]);
        let of_image = annotations
            .iter()
            .filter(|annotation| annotation["image_id"] == image["id"]);
        let plain = of_image.map(|annotation| {
            let mut plain = annotation.clone();
            for key in ["id", "image_id"] {
                plain[key].take();
            }
            for key in ["track_id", "encord_track_uuid"] {
                plain["attributes"][key].take();
            }
            plain
        });
        let annotations = plain.collect();
        let mut image = image.clone();
        for key in ["id", "file_name"] {
            image[key].take();
        }
        all.insert(key, (image, annotations));
    }
    all
}

/// Equal, numbers up to rounding.
fn close(found: &Value, expected: &Value, place: &str) {
    match (found, expected) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            assert!((one - other).abs() < 1e-9, "{place}: {one} and {other}");
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (one, other) in one.iter().zip(other) {
                close(one, other, place);
            }
        }
        (Value::Object(one), Value::Object(other)) if one.len() == other.len() => {
            for (key, other) in other {
                close(&one[key], other, &format!("{place}.{key}"));
            }
        }
        _ => assert_eq!(found, expected, "{place}"),
    }
}

/// Numbers of three decimals, and no more of a list than its start.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            json!((number.as_f64().unwrap() * 1000.0).round() / 1000.0)
        }
        Value::Array(list) if list.len() > 16 => {
            let mut start: Vec<_> = list.iter().take(4).map(shortened).collect();
            start.push(format!("… {} in all", list.len()).into());
            start.into()
        }
        Value::Array(list) => list.iter().map(shortened).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), shortened(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// Encord's own reader of COCO documents takes the export, and its masks cover as many pixels as is said.
fn checked_by_the_official_package(folder: &Path) {
    let python = root().join("target/python/bin/python");
    assert!(
        python.is_file(),
        "run `bash tests/setup.sh python` first: it installs the official packages"
    );
    let output = Command::new(python)
        .arg(root().join("tests/python/read_coco.py"))
        .arg("labels.json")
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", seen(&output));
}

/// A document over pictures of 8 x 6 pixels that are called `a.gif`, `b.gif`, …
fn document(annotations: Value) -> String {
    json!({
        "images": [
            { "id": 7, "file_name": "train/a.gif", "width": 8, "height": 6 },
            { "id": 8, "file_name": "C:\\data\\b.gif", "width": 800, "height": 600 },
            { "id": 9, "file_name": "elsewhere.jpg", "width": 8, "height": 6 },
        ],
        "categories": [
            { "id": 1, "name": "box" },
            { "id": 2, "name": "Box", "supercategory": "polygon" },
        ],
        "annotations": annotations,
    })
    .to_string()
}

#[test]
fn documents_of_other_programs() {
    let project = TestProject::of_pictures(&["a", "b"]);
    let folder = project.scratch();
    let annotations = json!([
        { "id": 1, "image_id": 7, "category_id": 1, "bbox": [2, 1, 4, 3], "iscrowd": 0, "area": 12, "segmentation": [] },
        // Larger than the picture by rounding, with the confidence of a detection.
        { "id": 2, "image_id": 8, "category_id": 1, "bbox": [-0.5, 300, 800.7, 300.2], "score": 0.5 },
        // Covers columns 2 and 3, from a run-length encoding that is not compressed.
        { "id": 3, "image_id": 7, "category_id": 1, "segmentation": { "size": [6, 8], "counts": [12, 12, 24] } },
        { "id": 4, "image_id": 9, "category_id": 1, "bbox": [1, 1, 1, 1] },
        { "id": 5, "image_id": 9, "category_id": 1, "bbox": [1, 1, 1, 1] },
        { "id": 6, "image_id": 7, "category_id": 2, "bbox": [1, 1, 1, 1] },
        { "id": 7, "image_id": 7, "category_id": 1, "bbox": [1, 1, 99, 1] },
        { "id": 8, "image_id": 7, "category_id": 1 },
    ]);
    std::fs::write(folder.join("labels.json"), document(annotations)).unwrap();
    let output = labels(folder, &["import", "labels.json"]);
    insta::assert_snapshot!("imported_in_part", seen(&output));
    let exported = export(folder, &[]);
    let boxes: Vec<_> = exported["annotations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| (found["image_id"].clone(), found["bbox"].clone()))
        .collect();
    assert_eq!(
        boxes,
        [
            (json!(1), json!([2.0, 1.0, 4.0, 3.0])),
            (json!(1), json!([2.0, 0.0, 2.0, 6.0])),
            (json!(2), json!([0.0, 3.0, 8.0, 3.0])),
        ]
    );
    assert_eq!(exported["annotations"][2]["attributes"]["confidence"], 0.5);
}

#[test]
fn files_that_are_no_coco_documents_change_nothing() {
    let project = TestProject::of_pictures(&["a"]);
    let folder = project.scratch();
    let first = json!({ "image_id": 7, "category_id": 1, "bbox": [2, 1, 4, 3] });
    let with = |change: Value| document(json!([first, change]));
    let before = export(folder, &[]);
    for (name, text) in [
        ("not_json", "labels".to_owned()),
        ("detections_only", json!([first]).to_string()),
        ("lists_missing", json!({ "images": [] }).to_string()),
        (
            "image_unknown",
            with(json!({ "image_id": 70, "category_id": 1 })),
        ),
        (
            "category_unknown",
            with(json!({ "image_id": 7, "category_id": 10 })),
        ),
        (
            "box_of_three",
            with(json!({ "image_id": 7, "category_id": 1, "bbox": [1, 2, 3] })),
        ),
        (
            "segmentation_of_text",
            with(json!({ "image_id": 7, "category_id": 1, "segmentation": "all" })),
        ),
    ] {
        std::fs::write(folder.join("labels.json"), text).unwrap();
        let output = labels(folder, &["import", "labels.json"]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        insta::assert_snapshot!(format!("wrong_{name}"), seen(&output));
    }
    let output = labels(folder, &["import", "missing.json"]);
    insta::assert_snapshot!("wrong_missing", seen(&output));
    assert_eq!(export(folder, &[]), before);
}

fn shown(folder: &Path, file: &str) -> RgbImage {
    image::open(folder.join(file)).unwrap().into_rgb8()
}

fn near(found: &Rgb<u8>, expected: [u8; 3], by: u8) -> bool {
    let pairs = found.0.iter().zip(expected);
    pairs
        .into_iter()
        .all(|(found, expected)| found.abs_diff(expected) <= by)
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_drawn_over_an_image() {
    let project = TestProject::of_pictures(&["a"]);
    // A grey picture, large enough for the label not to cover everything.
    let grey = RgbImage::from_pixel(200, 100, Rgb([100; 3]));
    let media = project.scratch().join("more");
    std::fs::create_dir(&media).unwrap();
    grey.save(media.join("grey.png")).unwrap();
    project.init(&[&media]);
    let folder = project.scratch();
    let served = project.serve().await;
    let mut rows = rows(&served, served.hash).await;
    let (metadata, row) = rows.get_mut("grey.png").unwrap();
    let bounds = BoundingBox {
        x: 0.25,
        y: 0.5,
        width: 0.5,
        height: 0.4,
    };
    row.add_bounding_box("Box", bounds, 0).unwrap();
    save(&served, served.hash, row).await;
    let (task, data) = (metadata.task_uuid.unwrap(), metadata.data_hash);
    served.server.stop().await;

    let output = labels(folder, &["show", "grey.png"]);
    insta::assert_snapshot!("shown", seen(&output));
    let picture = shown(folder, "grey.labels.png");
    assert_eq!(picture.dimensions(), (200, 100));
    // The first colour of `local::manifest`: its line, the same over grey, and a label above the box.
    let colour = [0xd3, 0x31, 0x15];
    assert!(near(picture.get_pixel(50, 70), colour, 2));
    assert!(near(picture.get_pixel(149, 70), colour, 2));
    let mixed = colour.map(|over| ((u32::from(over) * 102 + 100 * 153) / 255) as u8);
    assert!(
        near(picture.get_pixel(100, 70), mixed, 2),
        "{:?}",
        picture.get_pixel(100, 70)
    );
    assert_eq!(picture.get_pixel(20, 70), &Rgb([100; 3]));
    assert_eq!(picture.get_pixel(180, 20), &Rgb([100; 3]));
    assert!(near(picture.get_pixel(50, 41), colour, 2), "the label");
    for name in [task.to_string(), data.to_string()] {
        let output = labels(folder, &["show", &name, "--output", "other.png"]);
        assert_eq!(output.status.code(), Some(0), "{}", seen(&output));
        assert_eq!(shown(folder, "other.png"), picture);
    }
    insta::assert_snapshot!("show_unknown", seen(&labels(folder, &["show", "b.png"])));
    let frame = labels(folder, &["show", "grey.png", "--frame", "1"]);
    insta::assert_snapshot!("show_no_frame", seen(&frame));
    // A label row was made for it above, but its file is gone.
    std::fs::write(folder.join("media/a.gif"), "no picture").unwrap();
    insta::assert_snapshot!("show_no_picture", seen(&labels(folder, &["show", "a.gif"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shape_is_drawn_over_the_frame_that_was_asked_for() {
    let project = TestProject::of_everything();
    let folder = project.scratch();
    // Frame n has the brightness 20 n.
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i"])
        .arg("nullsrc=size=64x48:rate=10:duration=1,geq=lum=20*N:cb=128:cr=128")
        .args(["-c:v", "mpeg4", "-q:v", "1", "-pix_fmt", "yuv420p"])
        .arg(folder.join("grey.mp4"))
        .status()
        .unwrap();
    assert!(made.success());
    project.init(&[&folder.join("grey.mp4")]);
    let served = project.serve().await;
    let mut rows = rows(&served, served.hash).await;
    let (_, row) = rows.get_mut("grey.mp4").unwrap();
    for (name, geometry) in geometries() {
        row.add_object(name, &geometry, &[FrameRange::single(5)], None)
            .unwrap();
    }
    save(&served, served.hash, row).await;
    served.server.stop().await;

    // The first frame with an object.
    let output = labels(folder, &["show", "grey.mp4"]);
    insta::assert_snapshot!("shown_frame", seen(&output));
    let five = shown(folder, "grey.5.labels.png");
    assert_eq!(five.dimensions(), (64, 48));
    let output = labels(folder, &["show", "grey.mp4", "--frame", "8"]);
    insta::assert_snapshot!("shown_empty_frame", seen(&output));
    let eight = shown(folder, "grey.8.labels.png");
    // Full range from 16 to 235: (20 n - 16) * 255 / 219.
    let brightness = |frame: u32| ((20 * frame - 16) * 255 / 219) as u8;
    assert!(near(eight.get_pixel(32, 24), [brightness(8); 3], 6));
    assert!(
        near(five.get_pixel(62, 46), [brightness(5); 3], 6),
        "{:?}",
        five.get_pixel(62, 46)
    );
    // What the shapes cover is not grey any more.
    let coloured = five
        .pixels()
        .filter(|pixel| !near(pixel, [brightness(5); 3], 12));
    assert!(coloured.count() > 500);

    let output = labels(folder, &["show", "grey.mp4", "--frame", "10"]);
    insta::assert_snapshot!("show_no_frame_of_video", seen(&output));
    let mut command = runner_host(&["labels", "show", "grey.mp4", "--local", "project"]);
    let output = command.current_dir(folder).env("PATH", folder).output();
    insta::assert_snapshot!("show_without_ffmpeg", seen(&output.unwrap()));
    insta::assert_snapshot!("show_sound", seen(&labels(folder, &["show", "sound.wav"])));
}
