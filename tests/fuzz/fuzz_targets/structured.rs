//! Answers of language models: what is in the schema of features is taken, what is not is refused and
//! changes nothing.

#![no_main]

use fuzz::{edits, mutate, rows};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use runner_labels::{BoundingBox, FrameRange, Geometry, LabelRow, Ontology, RowFacts};
use serde_json::{Map, Value, json};
use std::sync::Arc;

fuzz_target!(|bytes: &[u8]| {
    // Where the bytes end, the run does.
    let _ = run(&mut Unstructured::new(bytes));
});

fn run(bytes: &mut Unstructured<'_>) -> Result<()> {
    let mut editor = rows::editor().clone();
    if bytes.arbitrary()? {
        let donor = bytes.choose(rows::captured())?;
        mutate::mutate(&mut editor, donor, bytes)?;
    }
    let Ok(ontology) = Ontology::parse("uuid", "title", "", &editor) else {
        return Ok(());
    };
    let ontology = Arc::new(ontology);
    let objects = bytes.arbitrary()?;
    let hashes: Vec<String> = if objects {
        let boxes = ontology
            .objects()
            .iter()
            .filter(|object| object.shape == "bounding_box");
        boxes.map(|object| object.feature_hash.clone()).collect()
    } else {
        let classes = ontology.classifications().iter();
        classes.map(|class| class.feature_hash.clone()).collect()
    };
    let mut features = Vec::new();
    // What is an object and a classification at once is asked as the latter.
    let is_both =
        |hash: &String| ontology.object(hash).is_some() && ontology.classification(hash).is_some();
    for hash in hashes.into_iter().filter(|hash| !is_both(hash)) {
        if bytes.ratio(1, 3)? && !features.contains(&hash) {
            features.push(hash);
        }
    }
    let schema = match ontology.json_schema(&features) {
        Ok(schema) => schema,
        Err(error) => {
            edits::check_message(&error);
            return Ok(());
        }
    };
    let mut answer = answer(&schema, bytes)?;
    let mut row = empty(&ontology);
    if let Err(error) = add(&mut row, &features, &answer, objects) {
        // The schema allows an empty text and a checklist without a tick, which are no answers to what has to be
        // answered.
        let unanswered = error.to_string().contains("required attribute");
        assert!(
            unanswered,
            "an answer in the schema is refused: {error}\n{answer:#}\n{schema:#}"
        );
    }
    mutate::mutate(&mut answer, &schema, bytes)?;
    let mut row = empty(&ontology);
    if let Err(error) = add(&mut row, &features, &answer, objects) {
        edits::check_message(&error);
        assert!(!row.is_edited(), "refused, and yet changed: {error}");
    }
    Ok(())
}

fn add(
    row: &mut LabelRow,
    features: &[String],
    answer: &Value,
    objects: bool,
) -> std::result::Result<(), runner_labels::LabelError> {
    let answer = answer.to_string();
    if objects {
        let bounds = BoundingBox {
            x: 0.0,
            y: 0.0,
            width: 0.5,
            height: 0.5,
        };
        let geometry = Geometry::BoundingBox(bounds);
        let frames = [FrameRange::single(0)];
        row.add_object_from_json(features, &answer, &geometry, &frames)
            .map(drop)
    } else {
        let added = row.add_classifications_from_json(features, &answer, None)?;
        assert_eq!(added.len(), features.len());
        Ok(())
    }
}

/// Something that a schema allows.
fn answer(schema: &Value, bytes: &mut Unstructured<'_>) -> Result<Value> {
    if let Some(constant) = schema.get("const") {
        return Ok(constant.clone());
    }
    for key in ["enum", "anyOf"] {
        if let Some(choices) = schema.get(key).and_then(Value::as_array) {
            let choice = bytes.choose(choices)?;
            return if key == "enum" {
                Ok(choice.clone())
            } else {
                answer(choice, bytes)
            };
        }
    }
    Ok(match schema["type"].as_str().expect("a type") {
        "string" => json!(bytes.arbitrary::<String>()?),
        "boolean" => json!(bytes.arbitrary::<bool>()?),
        "number" => json!(bytes.arbitrary::<i32>()?),
        "object" => {
            let mut members = Map::new();
            for (key, schema) in schema["properties"].as_object().expect("properties") {
                members.insert(key.clone(), answer(schema, bytes)?);
            }
            Value::Object(members)
        }
        other => panic!("a schema of type {other}"),
    })
}

/// An image without labels.
fn empty(ontology: &Arc<Ontology>) -> LabelRow {
    let image = rows::captured()
        .iter()
        .find(|row| row["data_type"] == "image");
    let mut document = image.expect("an image is captured").clone();
    for section in ["object_answers", "object_actions", "classification_answers"] {
        document[section] = json!({});
    }
    let units = document["data_units"].as_object_mut().expect("an object");
    for unit in units.values_mut() {
        unit["labels"] = json!({ "objects": [], "classifications": [] });
    }
    let facts = RowFacts {
        data_type: "image".to_owned(),
        number_of_frames: 1,
        width: Some(640),
        height: Some(480),
        partial: false,
    };
    LabelRow::open(Arc::new(document), facts, Arc::clone(ontology)).expect("a label row")
}
