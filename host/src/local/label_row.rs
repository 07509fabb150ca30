//! The JSON document of a label row: how it begins, what a save changes about it, and how it is read.
//!
//! What the server knows by itself (hashes, titles, statuses, times) is not kept in the document but put in front
//! of it when it is read, so a change of status does not rewrite documents.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::manifest::{Definition, StageKind};
use super::media::MediaKind;
use super::store::{Item, LabelRow};
use super::{ACCOUNT, clock};

/// The first fields of a label row, none of which a client decides.
#[derive(Debug, Serialize)]
struct Head<'row> {
    label_hash: &'row str,
    branch_name: &'row str,
    created_at: String,
    last_edited_at: String,
    dataset_hash: String,
    dataset_title: &'row str,
    data_title: &'row str,
    data_hash: &'row str,
    data_type: &'static str,
    is_image_sequence: bool,
    label_status: &'row str,
    annotation_task_status: &'static str,
    is_shadow_data: bool,
    is_valid: bool,
}

/// The names of [`Head`]'s fields.
const HEAD: [&str; 14] = [
    "label_hash",
    "branch_name",
    "created_at",
    "last_edited_at",
    "dataset_hash",
    "dataset_title",
    "data_title",
    "data_hash",
    "data_type",
    "is_image_sequence",
    "label_status",
    "annotation_task_status",
    "is_shadow_data",
    "is_valid",
];

/// The document of a row that has no labels yet.
pub(super) fn empty(item: &Item) -> String {
    let properties = &item.properties;
    let mut unit = Map::new();
    let mut put = |key: &str, value: Value| unit.insert(key.to_owned(), value);
    put("data_hash", item.data_hash.as_str().into());
    put("data_title", item.title.as_str().into());
    put("data_link", item.path.as_str().into());
    put("data_type", item.mime_type.as_str().into());
    put("data_sequence", 0.into());
    match item.kind {
        MediaKind::Image => {
            put("width", properties.width.into());
            put("height", properties.height.into());
        }
        MediaKind::Video => {
            put("width", properties.width.into());
            put("height", properties.height.into());
            put("data_fps", properties.fps.into());
            put("data_duration", properties.duration.into());
        }
        MediaKind::Audio => {
            put("audio_codec", properties.audio_codec.clone().into());
            put("audio_sample_rate", properties.audio_sample_rate.into());
            put("audio_bit_depth", properties.audio_bit_depth.into());
            put("audio_num_channels", properties.audio_channels.into());
            put("data_duration", properties.duration.into());
        }
        MediaKind::Text | MediaKind::Pdf => {}
    }
    // Images have one set of labels, the other kinds one for each frame that has any.
    let labels = match item.kind {
        MediaKind::Image => json!({ "objects": [], "classifications": [] }),
        _ => json!({}),
    };
    put("labels", labels);
    json!({
        "data_units": { item.data_hash.as_str(): unit },
        "object_answers": {},
        "classification_answers": {},
        "object_actions": {},
        "spaces": {},
    })
    .to_string()
}

/// What is kept of a row that a client saves: every field that it sent, known or not, except those of [`Head`].
/// Authors that it left open become the account.
pub(super) fn document_of_save(mut sent: Map<String, Value>) -> String {
    sent.retain(|key, _| !HEAD.contains(&key.as_str()));
    for unit in values_mut(sent.get_mut("data_units")) {
        fill_authors_of_labels(unit.get_mut("labels"));
    }
    for space in values_mut(sent.get_mut("spaces")) {
        fill_authors_of_labels(space.get_mut("labels"));
    }
    for answers in ["object_answers", "classification_answers"] {
        values_mut(sent.get_mut(answers)).for_each(fill_authors);
    }
    Value::Object(sent).to_string()
}

/// Either one set of labels, or one for each frame.
fn fill_authors_of_labels(labels: Option<&mut Value>) {
    let Some(Value::Object(labels)) = labels else {
        return;
    };
    for (key, value) in labels {
        match value {
            Value::Array(entries) if is_label_list(key) => {
                entries.iter_mut().for_each(fill_authors)
            }
            Value::Object(frame) => {
                for (key, entries) in frame {
                    if let (true, Value::Array(entries)) = (is_label_list(key), entries) {
                        entries.iter_mut().for_each(fill_authors);
                    }
                }
            }
            _ => {}
        }
    }
}

fn is_label_list(key: &str) -> bool {
    key == "objects" || key == "classifications"
}

fn fill_authors(entry: &mut Value) {
    for key in ["createdBy", "lastEditedBy"] {
        if let Some(author @ Value::Null) = entry.get_mut(key) {
            *author = ACCOUNT.into();
        }
    }
}

fn values_mut(object: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    object
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|map| map.iter_mut().map(|(_, value)| value))
}

/// What of a row is read; absent means all.
#[derive(Debug, Default)]
pub(super) struct ReadFilter {
    pub(super) object_features: Option<HashSet<String>>,
    pub(super) classification_features: Option<HashSet<String>>,
    /// Takes the place of `data_link` in the data unit.
    pub(super) data_link: Option<String>,
}

impl ReadFilter {
    fn is_all(&self) -> bool {
        self.object_features.is_none()
            && self.classification_features.is_none()
            && self.data_link.is_none()
    }
}

/// The row as a client reads it.
pub(super) fn read(
    row: &LabelRow,
    item: &Item,
    definition: &Definition,
    filter: &ReadFilter,
) -> Result<Box<RawValue>, serde_json::Error> {
    let kind = definition
        .stages
        .iter()
        .find(|stage| stage.uuid.to_string() == row.stage)
        .map(|stage| stage.kind);
    let head = serde_json::to_string(&Head {
        label_hash: &row.label_hash,
        branch_name: &row.branch,
        created_at: clock::plain(row.created_at),
        last_edited_at: clock::plain(row.edited_at),
        dataset_hash: definition.dataset_hash.to_string(),
        dataset_title: &definition.dataset_title,
        data_title: &item.title,
        data_hash: &item.data_hash,
        data_type: item.kind.data_type(),
        is_image_sequence: false,
        label_status: &row.status,
        annotation_task_status: annotation_task_status(kind, &row.task_status),
        is_shadow_data: false,
        is_valid: true,
    })?;
    let filtered;
    let document = if filter.is_all() {
        row.document.as_str()
    } else {
        let mut document: Value = serde_json::from_str(&row.document)?;
        apply(filter, &mut document);
        filtered = document.to_string();
        &filtered
    };
    // Two objects become one text: the common case needs no parsing.
    let fields = document.strip_prefix('{').unwrap_or(document);
    let text = match (head.strip_suffix('}'), fields) {
        (Some(head), fields) if fields != "}" => format!("{head},{fields}"),
        _ => head,
    };
    RawValue::from_string(text)
}

fn apply(filter: &ReadFilter, document: &mut Value) {
    let mut removed = HashSet::new();
    let keep =
        |features: &Option<HashSet<String>>, entry: &Value| match (features, &entry["featureHash"])
        {
            (Some(features), Value::String(feature)) => features.contains(feature),
            _ => true,
        };
    let mut sift = |list: &mut Value, features: &Option<HashSet<String>>, hash: &str| {
        let Value::Array(entries) = list else { return };
        entries.retain(|entry| {
            let kept = keep(features, entry);
            if let (false, Some(hash)) = (kept, entry[hash].as_str()) {
                removed.insert(hash.to_owned());
            }
            kept
        });
    };
    let mut sift_blob = |blob: &mut Value| {
        if let Some(objects) = blob.get_mut("objects") {
            sift(objects, &filter.object_features, "objectHash");
        }
        if let Some(classifications) = blob.get_mut("classifications") {
            sift(
                classifications,
                &filter.classification_features,
                "classificationHash",
            );
        }
    };
    for key in ["data_units", "spaces"] {
        for unit in values_mut(document.get_mut(key)) {
            if let (Some(link), Some(place)) = (&filter.data_link, unit.get_mut("data_link")) {
                *place = link.as_str().into();
            }
            let Some(labels) = unit.get_mut("labels") else {
                continue;
            };
            if labels.get("objects").is_some_and(Value::is_array) {
                sift_blob(labels);
            } else {
                values_mut(Some(labels)).for_each(&mut sift_blob);
            }
        }
    }
    for (key, features) in [
        ("object_answers", &filter.object_features),
        ("classification_answers", &filter.classification_features),
    ] {
        if let Some(Value::Object(answers)) = document.get_mut(key) {
            answers.retain(|hash, entry| {
                let kept = keep(features, entry) && !removed.contains(hash);
                if !kept {
                    removed.insert(hash.clone());
                }
                kept
            });
        }
    }
    if let Some(Value::Object(actions)) = document.get_mut("object_actions") {
        actions.retain(|hash, _| !removed.contains(hash));
    }
}

/// How far the work on a data unit is, in Encord's words.
pub(super) fn annotation_task_status(kind: Option<StageKind>, task_status: &str) -> &'static str {
    match (kind, task_status) {
        (Some(StageKind::Complete), _) => "COMPLETED",
        (Some(StageKind::Review), _) => "IN_REVIEW",
        (_, "ASSIGNED") => "ASSIGNED",
        (_, "REOPENED") => "RETURNED",
        _ => "QUEUED",
    }
}

/// The status of a row when its task goes from one stage to another; `None` if it stays.
pub(super) fn label_status_after(from: StageKind, to: StageKind) -> Option<&'static str> {
    match (from, to) {
        (StageKind::Review, StageKind::Complete) => Some("REVIEWED"),
        (_, StageKind::Complete | StageKind::Review) => Some("LABELLED"),
        (StageKind::Complete | StageKind::Review, _) => Some("LABEL_IN_PROGRESS"),
        _ => None,
    }
}

/// The status of a row that is created while its task is at a stage.
pub(super) fn label_status_at(kind: Option<StageKind>) -> &'static str {
    match kind {
        Some(StageKind::Complete) => "LABELLED",
        _ => "LABEL_IN_PROGRESS",
    }
}

/// The feature hashes of objects and classifications in a row that the ontology does not have.
pub(super) fn unknown_features(sent: &Map<String, Value>, editor: &Value) -> Vec<String> {
    let known: HashSet<&str> = ["objects", "classifications"]
        .iter()
        .filter_map(|list| editor[*list].as_array())
        .flatten()
        .filter_map(|feature| feature["featureNodeHash"].as_str())
        .collect();
    let mut used = Vec::new();
    for unit in ["data_units", "spaces"]
        .iter()
        .filter_map(|key| sent.get(*key)?.as_object())
        .flat_map(Map::values)
    {
        let blobs = std::iter::once(&unit["labels"])
            .chain(unit["labels"].as_object().into_iter().flat_map(Map::values));
        used.extend(
            blobs
                .filter_map(|blob| blob.get("objects")?.as_array())
                .flatten(),
        );
    }
    let answers = ["object_answers", "classification_answers"];
    used.extend(
        answers
            .iter()
            .filter_map(|key| sent.get(*key)?.as_object())
            .flat_map(Map::values),
    );
    let unknown = used
        .iter()
        .filter_map(|entry| entry["featureHash"].as_str())
        .filter(|hash| !known.contains(hash));
    let mut unknown: Vec<_> = unknown.map(str::to_owned).collect();
    unknown.sort();
    unknown.dedup();
    unknown
}
