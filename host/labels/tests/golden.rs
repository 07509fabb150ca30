//! Everything that is read from a row of each type of data and from an ontology, as text: a change of
//! what is read shows here. The rows are those that Encord's Python SDK wrote.

#[path = "golden/reading.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets need it in their crate")]
mod reading;

use std::sync::Arc;

use runner_labels::{LabelRow, Ontology, RowFacts};
use serde_json::Value;

/// Opens a row of `testdata` as Encord lists it.
fn open(text: &str, number_of_frames: u32) -> LabelRow {
    let document: Value = serde_json::from_str(text).expect("testdata is JSON");
    let data_type = document["data_type"].as_str().expect("text");
    let facts = RowFacts {
        data_type: data_type.to_uppercase(),
        number_of_frames,
        width: None,
        height: None,
        partial: false,
    };
    LabelRow::open(Arc::new(document), facts, Arc::new(ontology())).expect("a label row")
}

fn ontology() -> Ontology {
    let captured: Value = serde_json::from_str(include_str!("../src/testdata/ontology.json"))
        .expect("testdata is JSON");
    let text = |key: &str| captured[key].as_str().expect("text");
    Ontology::parse(
        text("ontologyUuid"),
        text("title"),
        text("description"),
        &captured["editor"],
    )
    .expect("an ontology")
}

macro_rules! golden {
    ($($name:ident: $frames:literal,)*) => {
        $(
            #[test]
            fn $name() {
                let text = include_str!(concat!("../src/testdata/", stringify!($name), ".json"));
                let row = open(text, $frames);
                insta::assert_snapshot!(stringify!($name), reading::of_row(&row));
            }
        )*
    };
}

golden! {
    audio: 1,
    dicom: 12,
    group: 1,
    html: 1,
    image: 1,
    img_group: 3,
    img_sequence: 3,
    layers: 1,
    media: 1,
    nifti: 12,
    pdf: 2,
    scene: 5,
    shared_layers: 1,
    spaces: 1,
    text: 1,
    video: 30,
}

#[test]
fn features() {
    insta::assert_snapshot!("ontology", reading::of_ontology(&ontology()));
}
