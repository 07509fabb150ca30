//! The JSON document of a label row: how it begins, what a save changes about it, and how it is read.
//!
//! What the server knows by itself (hashes, titles, statuses, times) is not kept in the document but put in front
//! of it when it is read, so a change of status does not rewrite documents.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::clock;
use super::manifest::{StageKind, Workflow};
use super::media::MediaKind;
use super::sent_row::{self, Fields};
use super::store::{DataUnit, Item, LabelRow, Labels};

/// The first fields of a label row, none of which a client decides.
#[derive(Debug, Serialize)]
struct Head<'row> {
    label_hash: &'row str,
    branch_name: &'row str,
    created_at: String,
    last_edited_at: String,
    dataset_hash: &'row str,
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

/// What the server knows of a row's data units and spaces, without the labels.
#[derive(Debug)]
pub(super) struct Skeleton {
    data_units: Map<String, Value>,
    spaces: Map<String, Value>,
}

impl Skeleton {
    /// `parts` are those of the data unit, in their order.
    pub(super) fn new(unit: &DataUnit, parts: &[DataUnit]) -> Self {
        let mut data_units = Map::new();
        if unit.item.kind == MediaKind::ImageGroup {
            for (place, part) in parts.iter().enumerate() {
                // A text here, a number for all other kinds.
                let fields = data_unit(part, &[], place.to_string().into());
                data_units.insert(part.hash.clone(), fields);
            }
        } else {
            let fields = data_unit(unit, parts, 0.into());
            data_units.insert(unit.hash.clone(), fields);
        }
        Self {
            data_units,
            spaces: spaces(unit.item.kind, parts),
        }
    }

    /// The document of a row that has no labels yet.
    pub(super) fn empty(self, kind: MediaKind) -> String {
        let with_labels = |mut fields: Map<String, Value>, labels: &Value| {
            for (_, value) in &mut fields {
                value["labels"] = labels.clone();
            }
            fields
        };
        // What is one picture has one set of labels, the others have one for each frame that has any.
        let labels = match kind {
            MediaKind::Image | MediaKind::ImageGroup | MediaKind::Group => {
                json!({ "objects": [], "classifications": [] })
            }
            _ => json!({}),
        };
        json!({
            "data_units": with_labels(self.data_units, &labels),
            "object_answers": {},
            "classification_answers": {},
            "object_actions": {},
            "spaces": with_labels(self.spaces, &json!({})),
        })
        .to_string()
    }

    /// What is kept of a row that a client saves: every field that it sent, known or not, except those that the
    /// server knows better, and those of [`Head`]. Authors that it left open become the account.
    pub(super) fn document_of_save(self, sent: &Fields<'_>) -> Result<String, serde_json::Error> {
        let known = [("data_units", self.data_units), ("spaces", self.spaces)];
        sent_row::kept(sent, &HEAD, known)
    }
}

/// A data unit without its labels.
fn data_unit(unit: &DataUnit, parts: &[DataUnit], sequence: Value) -> Value {
    let item = &unit.item;
    let properties = &item.properties;
    let mut fields = json!({ "data_hash": unit.hash, "data_title": item.title });
    match item.kind {
        MediaKind::Group => {}
        MediaKind::DicomSeries => {
            let links = parts.iter().filter_map(|part| part.item.path.as_deref());
            fields["data_links"] = links.collect();
        }
        _ => fields["data_link"] = item.path.clone().into(),
    }
    fields["data_type"] = match item.kind {
        MediaKind::Group => item.kind.data_type().into(),
        _ => item.mime_type.clone().into(),
    };
    fields["data_sequence"] = sequence;
    match item.kind {
        MediaKind::Image | MediaKind::DicomSeries | MediaKind::DicomFile | MediaKind::Nifti => {
            fields["width"] = properties.width.into();
            fields["height"] = properties.height.into();
        }
        MediaKind::Video | MediaKind::ImageSequence => {
            fields["width"] = properties.width.into();
            fields["height"] = properties.height.into();
            fields["data_fps"] = properties.fps.into();
            fields["data_duration"] = properties.duration.into();
        }
        MediaKind::Audio => {
            fields["audio_codec"] = properties.audio_codec.clone().into();
            fields["audio_sample_rate"] = properties.audio_sample_rate.into();
            fields["audio_bit_depth"] = properties.audio_bit_depth.into();
            fields["audio_num_channels"] = properties.audio_channels.into();
            fields["data_duration"] = properties.duration.into();
        }
        MediaKind::Pdf => {
            fields["width"] = 0.into();
            fields["height"] = 0.into();
            fields["data_fps"] = 0.into();
        }
        MediaKind::Text | MediaKind::ImageGroup | MediaKind::Group => {}
    }
    fields
}

/// The parts of a data group, as spaces without labels. Nothing else has any.
pub(super) fn spaces(kind: MediaKind, parts: &[DataUnit]) -> Map<String, Value> {
    if kind != MediaKind::Group {
        return Map::new();
    }
    let space = |part: &DataUnit| {
        let item = &part.item;
        let properties = &item.properties;
        let html = item.mime_type.as_deref() == Some("text/html");
        let mut fields = match item.kind {
            MediaKind::Image => json!({ "space_type": "image" }),
            MediaKind::Video => json!({
                "space_type": "video",
                "number_of_frames": number_of_frames(item, 0),
                "data_duration": properties.duration,
                "data_fps": properties.fps,
            }),
            MediaKind::ImageSequence => json!({
                "space_type": "image_sequence",
                "number_of_frames": number_of_frames(item, 0),
                "frames": [],
            }),
            MediaKind::Audio => json!({
                "space_type": "audio",
                "duration_ms": number_of_frames(item, 0),
            }),
            MediaKind::Pdf => json!({
                "space_type": "pdf",
                "number_of_pages": number_of_frames(item, 0),
            }),
            MediaKind::DicomSeries | MediaKind::DicomFile | MediaKind::Nifti => json!({
                "space_type": "medical_file",
                "number_of_frames": number_of_frames(item, 0),
            }),
            MediaKind::Text if html => json!({ "space_type": "html" }),
            MediaKind::Text | MediaKind::ImageGroup | MediaKind::Group => {
                json!({ "space_type": "text" })
            }
        };
        if let (Some(width), Some(height)) = (properties.width, properties.height) {
            fields["width"] = width.into();
            fields["height"] = height.into();
        }
        fields["child_info"] = json!({
            "layout_key": part.layout_key.as_deref().unwrap_or(&item.title),
            "file_name": item.title,
            "data_link": item.path,
        });
        (part.hash.clone(), fields)
    };
    parts.iter().map(space).collect()
}

/// Frames of a video, images of a group, pages of a PDF, milliseconds of audio, 1 for everything else.
pub(super) fn number_of_frames(item: &Item, parts: usize) -> u64 {
    match item.kind {
        // A duration is finite and not negative, and a cast of too large a number saturates.
        MediaKind::Audio => (item.properties.duration.unwrap_or(0.0) * 1000.0).round() as u64,
        MediaKind::ImageGroup => parts as u64,
        _ => item.properties.frames.unwrap_or(1).into(),
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
    /// Takes the place of `data_link`, by data hash.
    pub(super) data_links: HashMap<String, String>,
}

impl ReadFilter {
    fn takes_all(&self) -> bool {
        self.object_features.is_none() && self.classification_features.is_none()
    }
}

/// The row as a client reads it: JSON text.
pub(super) fn read(
    row: &LabelRow,
    labels: &Labels,
    workflow: &Workflow,
    filter: &ReadFilter,
) -> Result<String, serde_json::Error> {
    let kind = workflow.stage_named(&row.stage).map(|stage| stage.kind);
    let item = &row.unit.item;
    let head = serde_json::to_string(&Head {
        label_hash: &labels.label_hash,
        branch_name: &labels.branch,
        created_at: clock::plain(labels.created_at),
        last_edited_at: clock::plain(labels.edited_at),
        dataset_hash: &row.dataset_hash,
        dataset_title: &row.dataset_title,
        data_title: &item.title,
        data_hash: &row.unit.hash,
        data_type: item.kind.data_type(),
        is_image_sequence: item.kind == MediaKind::ImageSequence,
        label_status: &labels.status,
        annotation_task_status: annotation_task_status(kind, &row.task_status),
        is_shadow_data: false,
        is_valid: true,
    })?;
    let mut document = Cow::from(&labels.document);
    if !filter.takes_all() {
        let mut sifted: Value = serde_json::from_str(&document)?;
        apply(filter, &mut sifted);
        document = sifted.to_string().into();
    }
    if !filter.data_links.is_empty() {
        document = sent_row::with_links(&document, &filter.data_links)?.into();
    }
    // Two objects become one text: the common case needs no parsing.
    let fields = document.strip_prefix('{').unwrap_or(&document);
    Ok(match (head.strip_suffix('}'), fields) {
        (Some(head), fields) if fields != "}" => format!("{head},{fields}"),
        _ => head,
    })
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
