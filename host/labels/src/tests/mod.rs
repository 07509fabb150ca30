//! Tests of the module as its users see it, on rows that Encord's Python SDK wrote.

mod answering;
mod answers_at_random;
mod checked;
mod classifying;
mod classifying_places;
mod editing;
mod golden;
mod merging;
mod merging_rows;
mod ontology;
mod placing;
mod properties;
mod ranges;
mod reading;
mod requiring;
mod rle;
mod sequences;
mod shapes;
mod shapes_refused;
mod spaces;
mod spaces_sequences;
mod structured;
mod transfer;

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    AttributeAnswer, BoundingBox, FrameRange, GivenAnswer, LabelError, LabelRow, Ontology, RowFacts,
};

/// The rows of `testdata`: name, document, data type and number of frames as Encord lists them.
pub(super) const SAMPLES: [(&str, &str, &str, u32); 14] = [
    ("audio", include_str!("../testdata/audio.json"), "AUDIO", 1),
    ("dicom", include_str!("../testdata/dicom.json"), "DICOM", 12),
    ("group", include_str!("../testdata/group.json"), "GROUP", 1),
    (
        "html",
        include_str!("../testdata/html.json"),
        "PLAIN_TEXT",
        1,
    ),
    ("image", include_str!("../testdata/image.json"), "IMAGE", 1),
    (
        "img_group",
        include_str!("../testdata/img_group.json"),
        "IMG_GROUP",
        3,
    ),
    (
        "img_sequence",
        include_str!("../testdata/img_sequence.json"),
        "VIDEO",
        3,
    ),
    ("media", include_str!("../testdata/media.json"), "GROUP", 1),
    ("nifti", include_str!("../testdata/nifti.json"), "NIFTI", 12),
    ("pdf", include_str!("../testdata/pdf.json"), "PDF", 2),
    ("scene", include_str!("../testdata/scene.json"), "SCENE", 5),
    (
        "shared_layers",
        include_str!("../testdata/shared_layers.json"),
        "IMAGE",
        1,
    ),
    (
        "text",
        include_str!("../testdata/text.json"),
        "PLAIN_TEXT",
        1,
    ),
    ("video", include_str!("../testdata/video.json"), "VIDEO", 30),
];

pub(super) fn document(name: &str) -> Value {
    let (_, text, ..) = sample(name);
    serde_json::from_str(text).expect("testdata is JSON")
}

pub(super) fn open(name: &str) -> LabelRow {
    open_document(name, document(name))
}

/// Opens a document with the facts of a sample.
pub(super) fn open_document(name: &str, document: Value) -> LabelRow {
    let (_, _, data_type, number_of_frames) = sample(name);
    let facts = RowFacts {
        data_type: data_type.to_owned(),
        number_of_frames,
        width: None,
        height: None,
        partial: false,
    };
    LabelRow::open(Arc::new(document), facts, ontology()).expect("a label row")
}

fn sample(name: &str) -> (&'static str, &'static str, &'static str, u32) {
    let mut samples = SAMPLES.into_iter();
    samples.find(|sample| sample.0 == name).expect("a sample")
}

/// The captured ontology, with features that it does not have: nested questions, archived ones, names
/// that several share.
pub(super) fn ontology() -> Arc<Ontology> {
    let captured: Value =
        serde_json::from_str(include_str!("../testdata/ontology.json")).expect("testdata is JSON");
    let mut editor = captured["editor"].clone();
    let attribute = |hash: &str, name: &str, kind: &str, options: Value| {
        json!({
            "id": "9.1", "name": name, "type": kind, "featureNodeHash": hash, "required": false,
            "options": options,
        })
    };
    let option = |hash: &str, label: &str, value: &str, behind: Value| {
        json!({
            "id": "9.1.1", "label": label, "value": value, "featureNodeHash": hash,
            "options": behind,
        })
    };
    let rain = json!([
        attribute("attRain1", "How much", "numeric", json!([])),
        attribute("attRain2", "Comment", "text", json!([])),
        attribute(
            "attRain3",
            "Effects",
            "checklist",
            json!([
                option("optWet01", "Wet road", "wet_road", json!([])),
                option("optFog01", "Fog", "fog", json!([])),
            ])
        ),
    ]);
    let snow = json!([
        attribute("attSnow1", "Comment", "text", json!([])),
        attribute(
            "attSnow2",
            "Depth",
            "radio",
            json!([
                option(
                    "optDeep1",
                    "Deep",
                    "deep",
                    json!([attribute("attDeep1", "In cm", "numeric", json!([])),])
                ),
                option("optFlat1", "Thin", "thin", json!([])),
            ])
        ),
    ]);
    let mut gone = option("optHail1", "Hail", "hail", json!([]));
    gone["archived"] = true.into();
    let sky = attribute(
        "attSky01",
        "Sky",
        "radio",
        json!([
            option("optRain2", "Rain", "rain", rain),
            option("optSnow1", "Snow", "snow", snow),
            option("optTwin1", "Twin", "twin_1", json!([])),
            option("optTwin2", "Twin", "twin_2", json!([])),
            gone,
        ]),
    );
    let object = |hash: &str, name: &str, shape: &str, archived: bool| {
        json!({
            "id": "90", "name": name, "color": "#000000", "shape": shape,
            "featureNodeHash": hash, "archived": archived,
        })
    };
    let objects = editor["objects"].as_array_mut().expect("a list");
    objects.extend([
        object("objShar1", "Shared", "polygon", false),
        object("objShar2", "Shared", "bounding_box", false),
        object("objShar3", "Shared", "bounding_box", true),
        object("objTwin1", "Twin Box", "bounding_box", false),
        object("objTwin2", "Twin Box", "bounding_box", false),
        object("objOld01", "Old", "bounding_box", true),
        object("objNew01", "Later", "hologram", false),
    ]);
    let mut old = json!({ "id": "91", "featureNodeHash": "clsOld01", "attributes": [
        attribute("attOld01", "Old", "text", json!([])),
    ]});
    old["attributes"][0]["archived"] = true.into();
    let classifications = editor["classifications"].as_array_mut().expect("a list");
    classifications.extend([
        json!({ "id": "92", "featureNodeHash": "clsSky01", "attributes": [sky] }),
        json!({ "id": "93", "featureNodeHash": "clsNum01", "attributes": [
            attribute("attNum01", "Speed", "numeric", json!([])),
        ]}),
        json!({ "id": "94", "featureNodeHash": "clsNone1", "attributes": [] }),
        old,
    ]);
    Arc::new(Ontology::parse("uuid", "title", "", &editor).expect("an ontology"))
}

pub(super) fn range(start: u32, end: u32) -> FrameRange {
    FrameRange { start, end }
}

/// The size of a frame in pixels; none if there is no such place.
pub(super) fn frame_size(row: &LabelRow, frame: u32, space: Option<&str>) -> Option<(u32, u32)> {
    row.size_in(&row.part(space).ok()?, frame)
}

pub(super) fn bounds(x: f64, y: f64, width: f64, height: f64) -> BoundingBox {
    BoundingBox {
        x,
        y,
        width,
        height,
    }
}

/// The answer to the root attribute alone.
pub(super) fn root(value: GivenAnswer) -> Vec<AttributeAnswer> {
    vec![AttributeAnswer {
        attribute: None,
        value,
    }]
}

pub(super) fn options(names: &[&str]) -> GivenAnswer {
    GivenAnswer::Options(names.iter().map(|name| (*name).to_owned()).collect())
}

/// The message of an invalid argument, after checking that nothing was changed.
pub(super) fn refused<T: std::fmt::Debug>(row: &LabelRow, result: Result<T, LabelError>) -> String {
    assert!(!row.is_edited());
    match result {
        Err(LabelError::InvalidArgument(message)) => message,
        other => panic!("expected an invalid argument, found {other:?}"),
    }
}
