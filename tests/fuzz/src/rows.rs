//! The captured rows and the ontology that the targets start from.

use std::sync::{Arc, OnceLock};

use libfuzzer_sys::arbitrary::Unstructured;
use runner_labels::{Ontology, RowFacts};
use serde_json::Value;

macro_rules! testdata {
    ($($name:literal),*) => {
        [$(include_str!(concat!("../../../host/labels/src/testdata/", $name, ".json"))),*]
    };
}

const ROWS: [&str; 15] = testdata!(
    "audio",
    "dicom",
    "group",
    "html",
    "image",
    "img_group",
    "img_sequence",
    "layers",
    "media",
    "nifti",
    "pdf",
    "scene",
    "shared_layers",
    "text",
    "video"
);
const ONTOLOGY: [&str; 1] = testdata!("ontology");
/// Questions behind options, features that several share or that are archived: the captured ontology has
/// none.
const FURTHER: &str = include_str!("further.json");

/// As Encord spells them; the last is none.
const DATA_TYPES: [&str; 12] = [
    "image",
    "img_group",
    "video",
    "audio",
    "plain_text",
    "pdf",
    "dicom",
    "nifti",
    "group",
    "time_series",
    "scene",
    "hologram",
];

/// The captured rows.
pub fn captured() -> &'static [Value] {
    static PARSED: OnceLock<Vec<Value>> = OnceLock::new();
    PARSED.get_or_init(|| ROWS.into_iter().map(parse).collect())
}

/// The structure of the captured ontology, with further features.
pub fn editor() -> &'static Value {
    static EDITOR: OnceLock<Value> = OnceLock::new();
    EDITOR.get_or_init(|| {
        let [text] = ONTOLOGY;
        let (mut ontology, mut further) = (parse(text), parse(FURTHER));
        let mut editor = ontology["editor"].take();
        for section in ["objects", "classifications"] {
            let features = editor[section].as_array_mut().expect("a list");
            features.append(further[section].as_array_mut().expect("a list"));
        }
        editor
    })
}

/// The ontology of all rows.
pub fn ontology() -> Arc<Ontology> {
    static ONTOLOGY: OnceLock<Arc<Ontology>> = OnceLock::new();
    let parse = || Ontology::parse("uuid", "title", "", editor()).expect("the captured ontology");
    Arc::clone(ONTOLOGY.get_or_init(|| Arc::new(parse())))
}

/// What Encord would say of a row beside its document, or something else.
pub fn facts(document: &Value, bytes: &mut Unstructured<'_>) -> RowFacts {
    let said = document.get("data_type").and_then(Value::as_str);
    let choice = bytes.arbitrary::<u8>().unwrap_or(0);
    // Half of the choices leave the document its own type.
    let data_type = DATA_TYPES.get(usize::from(choice)).copied().or(said);
    let number_of_frames = bytes.arbitrary::<u8>().map_or(0, u32::from);
    let size = |byte: u8| (byte > 0).then(|| u32::from(byte) * 16);
    RowFacts {
        data_type: data_type.unwrap_or_default().to_owned(),
        number_of_frames,
        width: size(bytes.arbitrary().unwrap_or(0)),
        height: size(bytes.arbitrary().unwrap_or(0)),
        partial: false,
    }
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("testdata is JSON")
}
