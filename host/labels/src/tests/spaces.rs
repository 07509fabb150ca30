//! Objects in the spaces of data groups, scenes and images with layers, on documents that Encord's Python
//! SDK wrote (`spaces`, `scene`, `layers`), with what the server adds to a space.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::*;
use super::range;

pub(super) const SPACES: &str = include_str!("../testdata/spaces.json");
const SCENE: &str = include_str!("../testdata/scene.json");
const LAYERS: &str = include_str!("../testdata/layers.json");

pub(super) const BOX: Geometry = Geometry::BoundingBox(BoundingBox {
    x: 0.1,
    y: 0.2,
    width: 0.25,
    height: 0.5,
});
pub(super) const OTHER: Geometry = Geometry::BoundingBox(BoundingBox {
    x: 0.5,
    y: 0.5,
    width: 0.1,
    height: 0.1,
});

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("testdata is JSON")
}

pub(super) fn open(document: Value) -> LabelRow {
    let facts = RowFacts {
        data_type: document["data_type"].as_str().expect("text").to_owned(),
        number_of_frames: 1,
        width: None,
        height: None,
        partial: false,
    };
    LabelRow::open(Arc::new(document), facts, super::ontology()).expect("a label row")
}

/// The row without its objects, which are removed one by one.
pub(super) fn emptied(text: &str) -> LabelRow {
    let mut row = open(parsed(text));
    let hashes: Vec<String> = row
        .objects()
        .map(|object| object.object_hash().to_owned())
        .collect();
    assert!(!hashes.is_empty());
    for hash in hashes {
        assert!(row.remove_object(&hash));
    }
    assert_eq!(row.objects().count(), 0);
    row
}

/// A document without what differs between two that were written at different times.
fn comparable(document: &Value) -> Value {
    let mut document = document.clone();
    strip(&mut document);
    document
}

fn strip(json: &mut Value) {
    match json {
        Value::Object(map) => {
            for key in [
                "createdAt",
                "lastEditedAt",
                "manualAnnotation",
                "confidence",
            ] {
                if let Some(value) = map.get_mut(key) {
                    *value = Value::Null;
                }
            }
            map.shift_remove("createdBy");
            map.values_mut().for_each(strip);
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}

/// The text of a document, in which objects that were added have the hashes of those that the Python SDK
/// added.
fn with_hashes(document: &Value, hashes: &[(String, &str)]) -> String {
    let text = comparable(document).to_string();
    hashes
        .iter()
        .fold(text, |text, (ours, theirs)| text.replace(ours, theirs))
}

fn html() -> HtmlRange {
    let node = |offset| HtmlNode {
        xpath: "/html[1]/p[1]".to_owned(),
        offset,
    };
    HtmlRange {
        start: node(0),
        end: node(4),
    }
}

#[test]
fn a_group_is_written_as_the_python_sdk_writes_it() {
    let mut row = emptied(SPACES);
    let empty = row.to_document();
    assert_eq!(empty["object_answers"], json!({}));
    for space in empty["spaces"].as_object().expect("an object").values() {
        assert_eq!(space["labels"], json!({}));
    }
    let mut hashes: Vec<(String, &str)> = Vec::new();
    let mut drawn = |row: &mut LabelRow, theirs, frames: &[FrameRange], space| {
        let hash = row.add_object("Box", &BOX, frames, Some(space));
        let hash = hash.expect("valid");
        hashes.push((hash.clone(), theirs));
        hash
    };
    let shared = drawn(
        &mut row,
        "grpBox01",
        &[range(0, 2), range(5, 5)],
        "space-video",
    );
    row.draw(&shared, &BOX, &[range(0, 0)], Some("space-image"))
        .expect("valid");
    drawn(&mut row, "grpBox02", &[range(1, 1)], "space-sequence");
    let marked = |row: &mut LabelRow, theirs, feature, ranges: &[FrameRange], space| {
        let hash = row.add_ranges(feature, ranges, Some(space));
        (hash.expect("valid"), theirs)
    };
    let others = [
        marked(
            &mut row,
            "grpAud01",
            "Speech",
            &[range(0, 100), range(300, 400)],
            "space-audio",
        ),
        marked(&mut row, "grpTim01", "Span", &[range(5, 9)], "space-series"),
        marked(&mut row, "grpTxt01", "Entity", &[range(3, 8)], "space-text"),
    ];
    let hash = row.add_html_ranges("Entity", &[html()], Some("space-html"));
    let others = others
        .into_iter()
        .chain([(hash.expect("valid"), "grpHtm01")]);
    drawn(&mut row, "grpBox03", &[range(4, 4)], "space-file");
    drawn(&mut row, "grpBox04", &[range(0, 1)], "space-stack");
    drawn(&mut row, "grpBox05", &[range(1, 1)], "space-pdf");
    hashes.extend(others);
    assert_eq!(
        with_hashes(&row.to_document(), &hashes),
        comparable(&parsed(SPACES)).to_string()
    );
}

#[test]
fn a_scene_is_written_as_the_python_sdk_writes_it() {
    let mut row = emptied(SCENE);
    let unit = row.data_hash().to_owned();
    assert_eq!(row.to_document()["data_units"][&unit]["labels"], json!({}));
    let cuboid = Geometry::Cuboid(Cuboid {
        position: [1.0, 2.0, 3.0],
        orientation: [0.0, 0.0, 0.5],
        size: [1.0, 1.0, 1.0],
    });
    let cube = row.add_object("Cuboid", &cuboid, &[range(0, 1)], None);
    let points = row.add_ranges("Segment", &[range(2, 5), range(9, 9)], Some("space-cloud"));
    let drawn = row.add_object("Box", &BOX, &[range(0, 0)], Some("space-left"));
    let hashes = [
        (cube.expect("valid"), "scnCub01"),
        (points.expect("valid"), "scnSeg01"),
        (drawn.expect("valid"), "scnBox01"),
    ];
    let mut expected = parsed(SCENE);
    // Whole numbers are written as such there.
    for frame in ["0", "1"] {
        let labels = &mut expected["data_units"][&unit]["labels"];
        let cuboid = &mut labels[frame]["objects"][0]["cuboid"];
        *cuboid = json!({ "position": [1.0, 2.0, 3.0], "orientation": [0.0, 0.0, 0.5], "size": [1.0, 1.0, 1.0] });
    }
    assert_eq!(
        with_hashes(&row.to_document(), &hashes),
        comparable(&expected).to_string()
    );
    // The first that is drawn on an image of a scene gets the key of its event, if it has no frame.
    row.add_object("Box", &BOX, &[range(0, 0)], Some("space-right"))
        .expect("valid");
    let labels = &row.to_document()["data_units"][&unit]["labels"];
    let keys: Vec<_> = labels.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["0", "1", "left#3", "right#2"]);
}

#[test]
fn a_cuboid_is_in_no_space() {
    // With one, the Python SDK does not read the row.
    let mut row = open(parsed(SCENE));
    let geometry = row.object("scnCub01").and_then(|cube| cube.geometry(0));
    let geometry = geometry.expect("drawn");
    for space in ["space-left", "space-right"] {
        let result = row.add_object("Cuboid", &geometry, &[range(0, 0)], Some(space));
        assert!(matches!(result, Err(LabelError::Unsupported(_))));
        let result = row.draw("scnCub01", &geometry, &[range(0, 0)], Some(space));
        assert!(matches!(result, Err(LabelError::Unsupported(_))));
    }
    assert!(!row.is_edited());
}

#[test]
fn the_layers_of_an_image_are_spaces() {
    let mut row = emptied(LAYERS);
    let hash = row
        .add_object("Box", &BOX, &[range(0, 0)], None)
        .expect("the root layer");
    row.draw(&hash, &BOX, &[range(0, 0)], Some("layer-depth"))
        .expect("valid");
    assert_eq!(
        with_hashes(&row.to_document(), &[(hash.clone(), "layBox01")]),
        comparable(&parsed(LAYERS)).to_string()
    );
    let object = row.object(&hash).expect("in the row");
    assert_eq!(object.spaces(), ["root", "layer-depth"]);
}

#[test]
fn spaces_describe_themselves() {
    let row = open(parsed(SPACES));
    let described: Vec<_> = row
        .spaces()
        .iter()
        .map(|space| {
            let size = (space.width(), space.height());
            let length = (space.number_of_frames(), space.duration_ms());
            (space.id(), space.space_type(), size, length)
        })
        .collect();
    let (wide, none) = ((Some(64), Some(48)), (None, None));
    assert_eq!(
        described,
        [
            ("space-video", "video", wide, (Some(30), Some(3000))),
            ("space-image", "image", (Some(4), Some(6)), (Some(1), None)),
            ("space-sequence", "image_sequence", wide, (Some(3), None)),
            ("space-audio", "audio", none, (None, Some(1000))),
            ("space-series", "time_series", none, (None, None)),
            ("space-text", "text", none, (None, None)),
            ("space-html", "html", none, (None, None)),
            ("space-file", "medical_file", wide, (Some(5), None)),
            ("space-stack", "medical_stack", none, (Some(2), None)),
            ("space-pdf", "pdf", none, (Some(2), None)),
        ]
    );
    let space = row.find_space("audio").expect("by layout key");
    assert_eq!(
        (space.id(), space.layout_key()),
        ("space-audio", Some("audio"))
    );
    assert_eq!(
        row.find_space("text.bin").map(|s| s.id()),
        Some("space-text")
    );
    assert_eq!(
        row.find_space("space-pdf").map(|s| s.id()),
        Some("space-pdf")
    );
    assert!(row.find_space("nothing").is_none());
    let mut twice = parsed(SPACES);
    twice["spaces"]["space-text"]["child_info"]["layout_key"] = "audio".into();
    assert!(open(twice).find_space("audio").is_none());
    let scene = open(parsed(SCENE));
    let cloud = scene
        .find_space("cloud.pcd")
        .expect("by the name of the file");
    assert_eq!(cloud.id(), "space-cloud");
    assert_eq!(
        cloud
            .objects()
            .iter()
            .map(|o| o.object_hash())
            .collect::<Vec<_>>(),
        ["scnSeg01"]
    );
    assert_eq!(
        super::frame_size(&row, 1, Some("space-stack")),
        Some((5, 6))
    );
    assert_eq!(
        super::frame_size(&row, 29, Some("space-video")),
        Some((64, 48))
    );
    assert_eq!(super::frame_size(&row, 0, Some("space-pdf")), None);
    assert_eq!(super::frame_size(&row, 0, Some("nothing")), None);
    let group = super::open("group");
    let text = group
        .space("5c2e9461-a398-5d11-aff1-60e411973eef")
        .expect("there");
    assert_eq!(text.classifications().len(), 1);
    assert!(text.objects().is_empty());
    let audio = group
        .space("2c295fbf-34bc-5d19-818a-9e2a39376710")
        .expect("there");
    assert_eq!(
        (audio.classifications().len(), audio.objects().len()),
        (0, 1)
    );
}

#[test]
fn an_object_is_in_several_spaces() {
    let mut row = open(parsed(SPACES));
    let hash = "grpBox01";
    let read = |row: &LabelRow| {
        let object = row.object(hash).expect("there");
        let spaces: Vec<String> = object.spaces().iter().map(|id| (*id).to_owned()).collect();
        (spaces, object.frames())
    };
    let (both, frames) = (
        vec!["space-video".to_owned(), "space-image".to_owned()],
        vec![range(0, 2), range(5, 5)],
    );
    assert_eq!(read(&row), (both, frames));
    let object = row.object(hash).expect("there");
    assert_eq!(object.frames_in("space-image"), [range(0, 0)]);
    assert_eq!(object.frames_in("space-pdf"), []);
    let in_image = object.annotation_in("space-image", 0).expect("drawn");
    assert_eq!(in_image.confidence, 0.5);
    assert_eq!(object.annotation(0).map(|a| a.confidence), Some(1.0));

    let before = row.to_document();
    let one = [range(0, 0)];
    let refused = [
        row.draw(hash, &OTHER, &one, None),
        row.copy_to_frames(hash, 0, &one),
        row.move_to_frame(hash, 0, 3),
        row.remove_from_frames(hash, Some(&one), None),
        row.set_object_confidence_on(hash, 0.1, &one),
    ];
    for result in refused {
        match result {
            Err(LabelError::InvalidArgument(message)) => assert!(
                message.contains("in several: `space-video`, `space-image`"),
                "{message}"
            ),
            other => panic!("expected a refusal, found {other:?}"),
        }
    }
    let result = row.draw(hash, &OTHER, &one, Some("space-none"));
    assert!(matches!(result, Err(LabelError::NotFound(_))));
    let result = row.draw(hash, &OTHER, &[range(0, 1)], Some("space-image"));
    assert!(matches!(result, Err(LabelError::InvalidArgument(_))));
    let result = row.draw(hash, &OTHER, &one, Some("space-audio"));
    assert!(matches!(result, Err(LabelError::Unsupported(_))));
    let result = row.set_ranges(hash, &one, Some("space-audio"));
    assert!(matches!(result, Err(LabelError::InvalidArgument(_))));
    assert_eq!(row.to_document(), before);

    row.draw(hash, &OTHER, &[range(2, 3)], Some("space-video"))
        .expect("valid");
    let object = row.object(hash).expect("there");
    assert_eq!(object.frames_in("space-video"), [range(0, 3), range(5, 5)]);
    assert_eq!(object.geometry(3), Some(OTHER));
    row.remove_from_frames(hash, Some(&[range(1, 9)]), Some("space-video"))
        .expect("valid");
    row.remove_from_frames(hash, None, Some("space-image"))
        .expect("valid");
    assert_eq!(
        read(&row),
        (vec!["space-video".to_owned()], vec![range(0, 0)])
    );
    row.move_to_frame(hash, 0, 29).expect("in one space now");
    row.copy_to_frames(hash, 29, &[range(7, 8)]).expect("valid");
    let again = open((*row.to_document()).clone());
    for row in [&row, &again] {
        assert_eq!(
            read(row),
            (
                vec!["space-video".to_owned()],
                vec![range(7, 8), range(29, 29)]
            )
        );
    }
    assert_eq!(
        row.to_document()["spaces"]["space-image"]["labels"],
        json!({})
    );
    row.remove_from_frames(hash, None, None).expect("valid");
    assert!(row.object(hash).is_none());
    assert!(row.to_document()["object_answers"].get(hash).is_none());
}

#[test]
fn ranges_are_in_several_spaces() {
    let mut document = parsed(SPACES);
    document["spaces"]["space-more"] = json!({
        "space_type": "audio", "duration_ms": 50, "labels": {}, "newer": true });
    let mut row = open(document);
    let hash = "grpAud01";
    row.set_ranges(hash, &[range(10, 20)], Some("space-more"))
        .expect("valid");
    let object = row.object(hash).expect("there");
    assert_eq!(object.spaces(), ["space-audio", "space-more"]);
    assert_eq!(object.frames_in("space-more"), [range(10, 20)]);
    assert_eq!(object.frames(), [range(0, 100), range(300, 400)]);
    let result = row.set_ranges(hash, &[range(0, 51)], Some("space-more"));
    assert!(matches!(result, Err(LabelError::InvalidArgument(_))));
    let result = row.remove_from_frames(hash, Some(&[range(0, 1)]), None);
    assert!(matches!(result, Err(LabelError::InvalidArgument(_))));
    row.remove_from_frames(hash, Some(&[range(50, 350)]), Some("space-audio"))
        .expect("valid");
    let entry = row.to_document()["object_answers"][hash].clone();
    assert_eq!(
        entry["spaces"],
        json!({
            "space-audio": { "range": [[0, 49], [351, 400]], "type": "frame" },
            "space-more": { "range": [[10, 20]], "type": "frame" },
        })
    );
    assert_eq!(entry["range"], json!([]));
    row.remove_from_frames(hash, Some(&[range(0, 400)]), Some("space-audio"))
        .expect("valid");
    assert_eq!(
        row.object(hash).map(|o| o.spaces()),
        Some(vec!["space-more"])
    );
    row.set_ranges(hash, &[range(0, 5)], None)
        .expect("in one space now");
    assert_eq!(
        row.object(hash).map(|o| o.frames()),
        Some(vec![range(0, 5)])
    );
    row.remove_from_frames(hash, None, None).expect("valid");
    assert!(row.object(hash).is_none());

    let mut other = html();
    other.end.offset = 9;
    row.set_html_ranges("grpHtm01", &[other.clone()], None)
        .expect("valid");
    let object = row.object("grpHtm01").expect("there");
    assert_eq!(object.html_ranges(), [other.clone()]);
    assert_eq!(object.html_ranges_in("space-html"), [other]);
    assert!(object.html_ranges_in("space-text").is_empty());
    assert_eq!(object.frames(), []);
    row.remove_from_frames("grpHtm01", None, Some("space-html"))
        .expect("valid");
    assert!(row.object("grpHtm01").is_none());
}

#[test]
fn points_of_a_cloud_are_marked() {
    let mut row = open(parsed(SCENE));
    let hash = "scnSeg01";
    let object = row.object(hash).expect("there");
    assert_eq!(object.frames(), [range(2, 5), range(9, 9)]);
    assert_eq!(object.frames_in("space-cloud"), [range(2, 5), range(9, 9)]);
    assert_eq!(
        (object.shape(), object.spaces()),
        ("segmentation", vec!["space-cloud"])
    );
    assert_eq!(row.objects_on(9).len(), 1);
    row.set_ranges(hash, &[range(0, 3), range(1_000_000, 1_000_001)], None)
        .expect("valid");
    row.remove_from_frames(hash, Some(&[range(1, 1)]), None)
        .expect("valid");
    row.set_object_confidence(hash, 0.5).expect("valid");
    row.set_object_manual_annotation(hash, false)
        .expect("valid");
    let again = open((*row.to_document()).clone());
    for row in [&row, &again] {
        let object = row.object(hash).expect("there");
        let expected = [range(0, 0), range(2, 3), range(1_000_000, 1_000_001)];
        assert_eq!(object.frames(), expected);
        assert_eq!(
            (object.confidence(), object.manual_annotation()),
            (0.5, false)
        );
    }
    let entry = row.to_document()["object_answers"][hash].clone();
    assert_eq!(entry["manualAnnotation"], false);
    assert!(entry.get("confidence").is_none());
    for feature in ["Box", "Speech"] {
        let result = row.add_ranges(feature, &[range(0, 1)], Some("space-cloud"));
        assert!(matches!(result, Err(LabelError::InvalidArgument(_))));
    }
    let result = row.add_object("Box", &BOX, &[range(0, 0)], Some("space-cloud"));
    assert!(matches!(result, Err(LabelError::Unsupported(_))));
    row.remove_from_frames(hash, Some(&[range(0, u32::MAX)]), None)
        .expect("valid");
    assert!(row.object(hash).is_none());
    let document = row.to_document();
    assert!(document["object_answers"].get(hash).is_none());
    assert_eq!(
        document["spaces"]["space-cloud"]["labels"],
        json!({ "objects": [], "classifications": [] })
    );
}

#[test]
fn what_is_not_known_of_a_space_stays() {
    let mut document = parsed(SPACES);
    document["spaces"]["space-video"]["labels"]["5"]["metadata"] = json!({ "a": [1, 2.50] });
    document["spaces"]["space-new"] = json!({ "space_type": "hologram", "labels": { "beam": 1 } });
    document["object_answers"]["grpAud01"]["spaces"]["space-audio"]["newer"] = true.into();
    let mut row = open(document.clone());
    let result = row.add_object("Box", &BOX, &[range(0, 0)], Some("space-new"));
    assert!(matches!(result, Err(LabelError::Unsupported(_))));
    assert!(!row.is_edited());
    row.set_ranges("grpAud01", &[range(0, 1)], None)
        .expect("valid");
    row.remove_object("grpBox01");
    let after = row.to_document();
    assert_eq!(
        after["object_answers"]["grpAud01"]["spaces"]["space-audio"],
        json!({ "range": [[0, 1]], "type": "frame", "newer": true })
    );
    assert_eq!(
        after["spaces"]["space-video"]["labels"],
        json!({ "5": { "objects": [], "classifications": [], "metadata": { "a": [1, 2.50] } } })
    );
    assert_eq!(
        after["spaces"]["space-new"],
        document["spaces"]["space-new"]
    );
}

#[test]
fn a_group_itself_has_no_objects() {
    let mut row = open(parsed(SPACES));
    let result = row.add_object("Box", &BOX, &[range(0, 0)], None);
    match result {
        Err(LabelError::Unsupported(message)) => {
            assert!(message.contains("help: add objects to one of its spaces"));
        }
        other => panic!("expected a refusal, found {other:?}"),
    }
    assert!(!row.is_edited());
}
