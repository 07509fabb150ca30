//! The JSON of Encord's API, as it travels. What is sent is strict; what is read forgives: only the
//! identifiers without which an answer means nothing are required, and a value of an unexpected type is
//! read as absent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::lenient::{self, readable};
use super::time::{normalise, with_offset};
use super::types::{
    ConsensusOption, LabelRowFilter, LabelRowMetadata, MetadataOptions, OntologyDocument, Pathway,
    Project, Stage, StageReference, Task, TaskPage,
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

pub(super) fn query<'a, P: Serialize>(
    query_type: &'static str,
    query_method: &'static str,
    uid: Option<&'a [Uuid]>,
    payload: P,
) -> Query<'a, P> {
    Query {
        query_type,
        query_method,
        values: QueryValues { uid, payload },
    }
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
    edited_before: Option<String>,
    edited_after: Option<String>,
    label_statuses: Option<&'a [String]>,
    shadow_data_state: Option<&'static str>,
    include_uninitialised_labels: bool,
    data_hashes: Option<&'a [Uuid]>,
    label_hashes: Option<&'a [Uuid]>,
    data_title_eq: Option<&'a str>,
    data_title_like: Option<&'a str>,
    workflow_graph_node_title_eq: Option<&'a str>,
    workflow_graph_node_title_like: Option<&'a str>,
    include_client_metadata: bool,
    include_images_data: bool,
    include_children: bool,
    include_workflow_graph_node: bool,
    include_all_label_branches: bool,
    branch_name: Option<&'a str>,
    client_metadata_as_signed_url: bool,
}

impl<'a> LabelRowsQuery<'a> {
    /// The hashes are parts of those of the filter.
    pub(super) fn new(
        data_hashes: Option<&'a [Uuid]>,
        label_hashes: Option<&'a [Uuid]>,
        filter: &'a LabelRowFilter,
        options: &'a MetadataOptions,
    ) -> Self {
        let moment = |moment: &Option<Timestamp>| moment.as_ref().map(with_offset);
        LabelRowsQuery {
            edited_before: moment(&filter.edited_before),
            edited_after: moment(&filter.edited_after),
            label_statuses: filter.label_statuses.as_deref(),
            shadow_data_state: filter.shadow_data.map(|state| state.as_str()),
            include_uninitialised_labels: true,
            data_hashes,
            label_hashes,
            data_title_eq: filter.data_title_eq.as_deref(),
            data_title_like: filter.data_title_like.as_deref(),
            workflow_graph_node_title_eq: filter.stage_title_eq.as_deref(),
            workflow_graph_node_title_like: filter.stage_title_like.as_deref(),
            include_client_metadata: options.include_client_metadata,
            include_images_data: options.include_images_data,
            include_children: options.include_children,
            include_workflow_graph_node: true,
            include_all_label_branches: options.include_all_label_branches,
            branch_name: options.branch_name.as_deref(),
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
    #[serde(default, deserialize_with = "lenient::maybe_uuid")]
    group_hash: Option<Uuid>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    data_link: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    file_type: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_bool")]
    is_shadow_data: Option<bool>,
    #[serde(default, deserialize_with = "lenient::maybe_bool")]
    is_valid: Option<bool>,
    #[serde(default, deserialize_with = "lenient::maybe_count")]
    audio_sample_rate: Option<u32>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    audio_codec: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_count")]
    audio_bit_depth: Option<u32>,
    #[serde(default, deserialize_with = "lenient::maybe_count")]
    audio_num_channels: Option<u32>,
    images_data: Option<Value>,
    #[serde(default, deserialize_with = "lenient::object")]
    spaces: Map<String, Value>,
    #[serde(default, deserialize_with = "lenient::maybe_uuid")]
    task_uuid: Option<Uuid>,
    workflow_graph_node: Option<Value>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    assigned_user_email: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    last_actioned_by_user_email: Option<String>,
}

#[derive(Deserialize)]
struct WireGraphNode {
    uuid: Uuid,
    #[serde(default, deserialize_with = "lenient::text")]
    title: String,
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
            group_hash: wire.group_hash,
            data_link: wire.data_link,
            file_type: wire.file_type,
            is_shadow_data: wire.is_shadow_data.unwrap_or(false),
            is_valid: wire.is_valid.unwrap_or(true),
            audio_sample_rate: wire.audio_sample_rate,
            audio_codec: wire.audio_codec,
            audio_bit_depth: wire.audio_bit_depth,
            audio_num_channels: wire.audio_num_channels,
            images_data: wire.images_data,
            spaces: wire.spaces,
            task_uuid: wire.task_uuid,
            stage: wire
                .workflow_graph_node
                .and_then(|node| WireGraphNode::deserialize(node).ok())
                .map(|node| StageReference {
                    uuid: node.uuid,
                    title: node.title,
                }),
            assigned_user_email: wire.assigned_user_email,
            last_actioned_by_user_email: wire.last_actioned_by_user_email,
        }
    }
}

// ---- Version 2 ---------------------------------------------------------------------------------------

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
                .map(|workflow| {
                    readable::<WireStage, _>("stage of the workflow", workflow.stages, Stage::from)
                })
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
                "pathway of the workflow",
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
    #[serde(default, deserialize_with = "lenient::list")]
    subtasks: Vec<Value>,
    #[serde(default, deserialize_with = "lenient::list")]
    options: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireOption {
    #[serde(default, deserialize_with = "lenient::text")]
    annotator: String,
    label_branch_name: String,
    #[serde(default, deserialize_with = "lenient::maybe_uuid")]
    label_hash: Option<Uuid>,
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
            subtasks: readable("subtask", wire.subtasks, |wire: WireTask| Task::from(wire)),
            options: readable("consensus option", wire.options, |option: WireOption| {
                ConsensusOption {
                    annotator: option.annotator,
                    label_branch_name: option.label_branch_name,
                    label_hash: option.label_hash,
                }
            }),
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

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
