//! The JSON of Encord's API, as it travels. What is sent is strict; what is read forgives: only the
//! identifiers without which an answer means nothing are required, and a value of an unexpected type is
//! read as absent.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::time::normalise;
use super::types::{
    LabelRowMetadata, OntologyDocument, Pathway, Project, Stage, StorageItem, Task, TaskPage,
};

// ---- Version 1: the envelope -------------------------------------------------------------------------

/// A version 1 request.
#[derive(Serialize)]
pub(super) struct Query<'a, P> {
    pub(super) query_type: &'static str,
    pub(super) query_method: &'static str,
    pub(super) values: QueryValues<'a, P>,
}

#[derive(Serialize)]
pub(super) struct QueryValues<'a, P> {
    pub(super) uid: Option<&'a [Uuid]>,
    pub(super) payload: P,
}

/// A version 1 answer.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(default)]
    pub(super) status: Value,
    #[serde(borrow)]
    pub(super) response: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) payload: Value,
}

/// Lists label rows. Encord wants every key, null where nothing is asked.
#[derive(Serialize)]
pub(super) struct LabelRowsQuery<'a> {
    edited_before: Option<()>,
    edited_after: Option<()>,
    label_statuses: Option<()>,
    shadow_data_state: Option<()>,
    include_uninitialised_labels: bool,
    data_hashes: &'a [Uuid],
    label_hashes: Option<()>,
    data_title_eq: Option<()>,
    data_title_like: Option<()>,
    workflow_graph_node_title_eq: Option<()>,
    workflow_graph_node_title_like: Option<()>,
    include_client_metadata: bool,
    include_images_data: bool,
    include_children: bool,
    include_workflow_graph_node: bool,
    include_all_label_branches: bool,
    branch_name: Option<&'a str>,
    client_metadata_as_signed_url: bool,
}

impl<'a> LabelRowsQuery<'a> {
    pub(super) fn new(
        data_hashes: &'a [Uuid],
        branch_name: Option<&'a str>,
        include_client_metadata: bool,
    ) -> Self {
        LabelRowsQuery {
            edited_before: None,
            edited_after: None,
            label_statuses: None,
            shadow_data_state: None,
            include_uninitialised_labels: true,
            data_hashes,
            label_hashes: None,
            data_title_eq: None,
            data_title_like: None,
            workflow_graph_node_title_eq: None,
            workflow_graph_node_title_like: None,
            include_client_metadata,
            include_images_data: false,
            include_children: false,
            include_workflow_graph_node: true,
            include_all_label_branches: false,
            branch_name,
            client_metadata_as_signed_url: false,
        }
    }
}

/// Creates label rows, by data hash.
#[derive(Serialize)]
pub(super) struct CreateRows<'a> {
    pub(super) multi_request: bool,
    pub(super) get_signed_url: bool,
    pub(super) branch_name: &'a str,
}

/// Reads label rows, by label hash.
#[derive(Serialize)]
pub(super) struct ReadRows<'a> {
    pub(super) get_signed_url: bool,
    pub(super) multi_request: bool,
    pub(super) include_object_feature_hashes: Option<&'a [String]>,
    pub(super) include_classification_feature_hashes: Option<&'a [String]>,
    pub(super) include_reviews: bool,
    pub(super) include_export_history: bool,
    pub(super) include_archived: bool,
}

/// Overwrites label rows; the documents are in the order of the label hashes.
#[derive(Serialize)]
pub(super) struct SaveRows<'a, D: ?Sized> {
    pub(super) multi_request: bool,
    pub(super) labels: Vec<&'a D>,
    pub(super) validate_before_saving: bool,
}

#[derive(Deserialize)]
pub(super) struct WireMetadata {
    #[serde(default, deserialize_with = "lenient::maybe_uuid")]
    label_hash: Option<Uuid>,
    data_hash: Uuid,
    dataset_hash: Uuid,
    #[serde(default, deserialize_with = "lenient::text")]
    dataset_title: String,
    #[serde(default, deserialize_with = "lenient::text")]
    data_title: String,
    #[serde(default, deserialize_with = "lenient::text")]
    data_type: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    branch_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    label_status: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    annotation_task_status: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_count")]
    number_of_frames: Option<u32>,
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    frames_per_second: Option<f64>,
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    duration: Option<f64>,
    #[serde(default, deserialize_with = "lenient::maybe_count")]
    width: Option<u32>,
    #[serde(default, deserialize_with = "lenient::maybe_count")]
    height: Option<u32>,
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    priority: Option<f64>,
    client_metadata: Option<Value>,
    #[serde(default, deserialize_with = "lenient::maybe_uuid")]
    backing_item_uuid: Option<Uuid>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    created_at: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    last_edited_at: Option<String>,
}

impl From<WireMetadata> for LabelRowMetadata {
    fn from(wire: WireMetadata) -> Self {
        LabelRowMetadata {
            label_hash: wire.label_hash,
            data_hash: wire.data_hash,
            dataset_hash: wire.dataset_hash,
            dataset_title: wire.dataset_title,
            data_title: wire.data_title,
            // Upper case here, lower case in the label row itself.
            data_type: wire.data_type.to_lowercase(),
            branch_name: wire.branch_name.unwrap_or_else(|| "main".to_owned()),
            label_status: wire.label_status,
            annotation_task_status: wire.annotation_task_status,
            number_of_frames: wire.number_of_frames.unwrap_or(0),
            frames_per_second: wire.frames_per_second,
            duration: wire.duration,
            width: wire.width,
            height: wire.height,
            priority: wire.priority,
            client_metadata: wire.client_metadata,
            backing_item_uuid: wire.backing_item_uuid,
            created_at: wire.created_at.as_deref().map(normalise),
            last_edited_at: wire.last_edited_at.as_deref().map(normalise),
        }
    }
}

// ---- Version 2 ---------------------------------------------------------------------------------------

#[derive(Serialize)]
pub(super) struct SetPriorities<'a> {
    pub(super) priorities: &'a [(Uuid, f64)],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PathwayAction {
    task_uuid: Uuid,
    action: &'static str,
    pathway_uuid: Uuid,
}

impl From<&(Uuid, Uuid)> for PathwayAction {
    fn from((task_uuid, pathway_uuid): &(Uuid, Uuid)) -> Self {
        PathwayAction {
            task_uuid: *task_uuid,
            action: "PATHWAY_ACTION",
            pathway_uuid: *pathway_uuid,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GetItems<'a> {
    pub(super) item_uuids: &'a [Uuid],
    pub(super) sign_urls: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: Deserialize<'de>")]
pub(super) struct Page<T> {
    pub(super) results: Vec<T>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    pub(super) next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireProject {
    project_hash: Uuid,
    #[serde(default, deserialize_with = "lenient::text")]
    project_type: String,
    #[serde(default, deserialize_with = "lenient::text")]
    title: String,
    #[serde(default, deserialize_with = "lenient::text")]
    description: String,
    #[serde(default, deserialize_with = "lenient::text")]
    created_at: String,
    #[serde(default, deserialize_with = "lenient::text")]
    last_edited_at: String,
    ontology_hash: Uuid,
    workflow: Option<WireWorkflow>,
}

#[derive(Deserialize)]
struct WireWorkflow {
    /// Stages of types that nobody has seen yet may look different, so each is read for itself.
    #[serde(default)]
    stages: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStage {
    uuid: Uuid,
    #[serde(default, deserialize_with = "lenient::text")]
    title: String,
    #[serde(default, deserialize_with = "lenient::text")]
    stage_type: String,
    pathways: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePathway {
    uuid: Uuid,
    #[serde(default, deserialize_with = "lenient::text")]
    title: String,
    #[serde(default, deserialize_with = "lenient::maybe_uuid")]
    destination_uuid: Option<Uuid>,
}

impl From<WireProject> for Project {
    fn from(wire: WireProject) -> Self {
        Project {
            hash: wire.project_hash,
            project_type: wire.project_type,
            title: wire.title,
            description: wire.description,
            created_at: normalise(&wire.created_at),
            last_edited_at: normalise(&wire.last_edited_at),
            ontology_uuid: wire.ontology_hash,
            stages: wire
                .workflow
                .map(|workflow| readable::<WireStage, _>("stage", workflow.stages, Stage::from))
                .unwrap_or_default(),
        }
    }
}

impl From<WireStage> for Stage {
    fn from(wire: WireStage) -> Self {
        Stage {
            uuid: wire.uuid,
            title: wire.title,
            stage_type: wire.stage_type,
            pathways: readable(
                "pathway",
                wire.pathways.unwrap_or_default(),
                |pathway: WirePathway| Pathway {
                    uuid: pathway.uuid,
                    name: pathway.title,
                    destination: pathway.destination_uuid,
                },
            ),
        }
    }
}

/// Those of the values that can be read. The others are named in the log: they are of no use to a host that
/// does not know them, and no reason to refuse the project.
fn readable<W, T>(what: &str, values: Vec<Value>, into: impl Fn(W) -> T) -> Vec<T>
where
    W: for<'de> Deserialize<'de>,
{
    values
        .into_iter()
        .filter_map(|value| match W::deserialize(&value) {
            Ok(wire) => Some(into(wire)),
            Err(error) => {
                tracing::warn!(%error, "left out a {what} of the workflow that cannot be read: {value}");
                None
            }
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireOntology {
    ontology_uuid: Uuid,
    #[serde(default, deserialize_with = "lenient::text")]
    title: String,
    #[serde(default, deserialize_with = "lenient::text")]
    description: String,
    editor: Value,
}

impl From<WireOntology> for OntologyDocument {
    fn from(wire: WireOntology) -> Self {
        OntologyDocument {
            uuid: wire.ontology_uuid,
            title: wire.title,
            description: wire.description,
            editor: wire.editor,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireTask {
    uuid: Uuid,
    #[serde(default, deserialize_with = "lenient::text")]
    created_at: String,
    #[serde(default, deserialize_with = "lenient::text")]
    updated_at: String,
    #[serde(default, deserialize_with = "lenient::text")]
    status: String,
    data_hash: Uuid,
    #[serde(default, deserialize_with = "lenient::text")]
    data_title: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    label_branch_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    assignee: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    last_actioned_by: Option<String>,
}

impl From<WireTask> for Task {
    fn from(wire: WireTask) -> Self {
        Task {
            uuid: wire.uuid,
            created_at: normalise(&wire.created_at),
            updated_at: normalise(&wire.updated_at),
            status: wire.status,
            data_hash: wire.data_hash,
            data_title: wire.data_title,
            label_branch_name: wire.label_branch_name.unwrap_or_else(|| "main".to_owned()),
            assignee: wire.assignee,
            last_actioned_by: wire.last_actioned_by,
        }
    }
}

impl From<Page<WireTask>> for TaskPage {
    fn from(page: Page<WireTask>) -> Self {
        TaskPage {
            tasks: page.results.into_iter().map(Task::from).collect(),
            next_page: page.next_page_token,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireItem {
    uuid: Uuid,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    description: String,
    #[serde(default, deserialize_with = "lenient::text")]
    item_type: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    mime_type: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_size")]
    file_size: Option<u64>,
    #[serde(default, deserialize_with = "lenient::maybe_count")]
    width: Option<u32>,
    #[serde(default, deserialize_with = "lenient::maybe_count")]
    height: Option<u32>,
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    fps: Option<f64>,
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    duration: Option<f64>,
    #[serde(default, deserialize_with = "lenient::maybe_count")]
    frame_count: Option<u32>,
    #[serde(default, deserialize_with = "lenient::text")]
    created_at: String,
    #[serde(default, deserialize_with = "lenient::text")]
    last_edited_at: String,
    #[serde(default, deserialize_with = "lenient::maybe_uuid")]
    parent: Option<Uuid>,
    #[serde(default, deserialize_with = "lenient::text")]
    storage_location: String,
    /// JSON text; an object is taken too, since that is what is sent.
    client_metadata: Option<Value>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    signed_url: Option<String>,
}

/// Reads a storage item and keeps all that was said of it.
pub(super) fn storage_item(raw: Value) -> Result<StorageItem, serde_json::Error> {
    let wire = WireItem::deserialize(&raw)?;
    Ok(StorageItem {
        uuid: wire.uuid,
        name: wire.name,
        description: wire.description,
        item_type: wire.item_type,
        mime_type: wire.mime_type,
        file_size: wire.file_size,
        width: wire.width,
        height: wire.height,
        fps: wire.fps,
        duration: wire.duration,
        frame_count: wire.frame_count,
        created_at: normalise(&wire.created_at),
        last_edited_at: normalise(&wire.last_edited_at),
        parent: wire.parent,
        storage_location: wire.storage_location,
        client_metadata: wire.client_metadata.map(|metadata| match metadata {
            Value::String(text) => text,
            other => other.to_string(),
        }),
        signed_url: wire.signed_url,
        raw,
    })
}

/// Readers of single values for which anything unexpected is absent.
mod lenient {
    use super::{Deserialize, Deserializer, Uuid, Value};

    pub(super) fn maybe_text<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }

    pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        Ok(maybe_text(deserializer)?.unwrap_or_default())
    }

    pub(super) fn maybe_uuid<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Uuid>, D::Error> {
        Ok(maybe_text(deserializer)?.and_then(|text| text.parse().ok()))
    }

    pub(super) fn maybe_number<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<f64>, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        })
    }

    pub(super) fn maybe_size<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        // Floats appear where a number went through a language without integers. Up to 2^53 they are
        // exact, which is more than any file has bytes.
        Ok(maybe_number(deserializer)?
            .filter(|number| (0.0..9_007_199_254_740_992.0).contains(number))
            .map(|number| number as u64))
    }

    pub(super) fn maybe_count<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u32>, D::Error> {
        Ok(maybe_size(deserializer)?.and_then(|number| number.try_into().ok()))
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
