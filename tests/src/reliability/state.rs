//! What a server says of every task, in a form in which two projects can be compared.

use std::collections::BTreeMap;

use runner_host::encord::{Client, LabelRowFilter, MetadataOptions, ReadOptions};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Result;
use super::model::{Counts, Number, Stage};
use super::world::PROJECT;

/// What of a document is random or a time.
const NOISE: [&str; 12] = [
    "label_hash",
    "objectHash",
    "classificationHash",
    "createdAt",
    "lastEditedAt",
    "created_at",
    "last_edited_at",
    "createdBy",
    "lastEditedBy",
    "data_link",
    "data_hash",
    "dataset_hash",
];

/// One task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskState {
    /// Of the task; equal in no two projects, and so not compared.
    pub task: Uuid,
    /// Where it is.
    pub stage: Stage,
    /// From 0 to 1.
    pub priority: Option<f64>,
    /// Of its storage item.
    pub client_metadata: Value,
    /// Of its label row.
    pub label_status: String,
    /// Its labels without hashes and times; null without a row.
    pub labels: Value,
}

impl TaskState {
    /// What can be counted on it.
    pub fn counts(&self) -> Counts {
        let objects = self.labels["objects"].as_array();
        let boxes = objects.into_iter().flatten();
        let boxes = boxes.filter(|object| object["name"] == "Box").count();
        let classifications = self.labels["classifications"].as_array();
        let passes = classifications
            .into_iter()
            .flatten()
            .filter(|found| found["name"] == "Passes")
            .map(|found| number_in(&found["answers"]).unwrap_or(-1.0));
        let passes: Vec<f64> = passes.collect();
        Counts {
            passes: match passes.as_slice() {
                [] => 0,
                // No number, or two of them, is no count that is expected of any task.
                [one] if *one >= 0.0 => *one as u64,
                _ => u64::MAX,
            },
            seen: self.client_metadata["seen"].as_u64().unwrap_or(0),
            boxes: boxes as u64,
        }
    }

    /// What differs from what is expected, in words; none if nothing does.
    pub fn difference(&self, expected: &Self) -> Option<String> {
        let mut found = Vec::new();
        let mut compare = |what: &str, expected: String, is: String| {
            if expected != is {
                found.push(format!("{what}: expected {expected}\n      found {is}"));
            }
        };
        let stage = |state: &Self| state.stage.title().to_owned();
        compare("stage", stage(expected), stage(self));
        let priority = |state: &Self| format!("{:?}", state.priority);
        compare("priority", priority(expected), priority(self));
        let metadata = |state: &Self| state.client_metadata.to_string();
        compare("client metadata", metadata(expected), metadata(self));
        let status = |state: &Self| state.label_status.clone();
        compare("label status", status(expected), status(self));
        let labels = |state: &Self| state.labels.to_string();
        compare("labels", labels(expected), labels(self));
        (!found.is_empty()).then(|| found.join("\n    "))
    }
}

/// Every task of the project, by its number. Ask a server without faults.
///
/// # Errors
/// If it cannot be read, or is not the project that it was.
pub async fn read(client: &Client) -> Result<BTreeMap<Number, TaskState>> {
    let options = MetadataOptions {
        include_client_metadata: true,
        ..MetadataOptions::default()
    };
    let listed = client
        .list_label_rows(PROJECT, &LabelRowFilter::default(), &options)
        .await?;
    let hashes: Vec<Uuid> = listed.iter().filter_map(|row| row.label_hash).collect();
    let documents = client
        .read_label_rows(PROJECT, &hashes, &ReadOptions::default())
        .await?;
    let mut documents: BTreeMap<Uuid, Value> = documents.into_iter().collect();
    let mut states = BTreeMap::new();
    for row in listed {
        let title = &row.data_title;
        let number = Number::of(title).ok_or_else(|| format!("a title of no task: {title}"))?;
        let stage = row.stage.as_ref().map(|stage| stage.title.as_str());
        let stage = stage
            .and_then(Stage::titled)
            .ok_or_else(|| format!("{title} is at no stage that is known: {stage:?}"))?;
        let document = row.label_hash.and_then(|hash| documents.remove(&hash));
        let state = TaskState {
            task: row.task_uuid.ok_or("a row without a task")?,
            stage,
            priority: row.priority,
            client_metadata: row.client_metadata.unwrap_or_default(),
            label_status: row.label_status,
            labels: document.map_or(Value::Null, |document| labels_of(&document)),
        };
        if states.insert(number, state).is_some() {
            return Err(format!("there are two tasks on {title}").into());
        }
    }
    Ok(states)
}

/// All objects and classifications of a document with their frames and answers, without hashes and times and in an order
/// of their own, beside what else the document says.
pub fn labels_of(document: &Value) -> Value {
    let answers = |part: &str, hash: &Value| {
        let entry = &document[part][hash.as_str().unwrap_or_default()];
        cleaned(&entry["classifications"])
    };
    let mut objects = Vec::new();
    let mut classifications = Vec::new();
    let mut units = Vec::new();
    let none = Map::new();
    for unit in document["data_units"].as_object().unwrap_or(&none).values() {
        let mut rest = unit.clone();
        rest["labels"].take();
        units.push(cleaned(&rest));
        // Of a picture by frame, of a text at once.
        let labels = &unit["labels"];
        let mut frames: Vec<(Value, &Value)> = vec![(Value::Null, labels)];
        let of_frames = labels.as_object().unwrap_or(&none).iter();
        frames.extend(of_frames.map(|(frame, labels)| (frame.as_str().into(), labels)));
        for (frame, labels) in frames {
            let parts = [
                ("objects", "object_answers", "objectHash", &mut objects),
                (
                    "classifications",
                    "classification_answers",
                    "classificationHash",
                    &mut classifications,
                ),
            ];
            for (part, answered, hash, found) in parts {
                for one in labels[part].as_array().into_iter().flatten() {
                    let mut entry = cleaned(one);
                    entry["frame"] = frame.clone();
                    entry["answers"] = answers(answered, &one[hash]);
                    found.push(entry);
                }
            }
        }
    }
    // All answers a second time: those that belong to nothing would not show above.
    let all_answers = |part: &str| {
        let entries = document[part].as_object().unwrap_or(&none).values();
        in_order(entries.map(cleaned).collect())
    };
    let mut rest = cleaned(document);
    for taken in ["data_units", "object_answers", "classification_answers"] {
        rest[taken].take();
    }
    serde_json::json!({
        "objects": in_order(objects),
        "classifications": in_order(classifications_of_texts(classifications, document)),
        "object_answers": all_answers("object_answers"),
        "classification_answers": all_answers("classification_answers"),
        "units": in_order(units),
        "rest": rest,
    })
}

/// Classifications of texts are among the answers alone.
fn classifications_of_texts(mut found: Vec<Value>, document: &Value) -> Vec<Value> {
    if found.is_empty() {
        let entries = document["classification_answers"].as_object();
        for entry in entries.into_iter().flatten().map(|(_, entry)| entry) {
            let answers = cleaned(&entry["classifications"]);
            let name = answers[0]["name"].clone();
            found.push(serde_json::json!({ "name": name, "answers": answers }));
        }
    }
    found
}

fn in_order(mut values: Vec<Value>) -> Vec<Value> {
    values.sort_by_cached_key(Value::to_string);
    values
}

/// Without what is random or a time.
fn cleaned(value: &Value) -> Value {
    match value {
        Value::Object(entries) => entries
            .iter()
            .filter(|(key, _)| !NOISE.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), cleaned(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(values) => values.iter().map(cleaned).collect(),
        other => other.clone(),
    }
}

/// The answer to a numeric question.
fn number_in(answers: &Value) -> Option<f64> {
    let answer = &answers[0]["answers"];
    answer.as_f64().or_else(|| answer.as_str()?.parse().ok())
}
