//! What Encord says, as the rest of the host sees it. Values of enumerations are Encord's own spelling, so
//! that one which Encord adds later arrives unchanged. Timestamps are RFC 3339 in UTC where Encord's form
//! of them is known, otherwise as Encord wrote them.

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

/// A project.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// The project hash.
    pub hash: Uuid,
    /// `workflow`, or `manual_qa` for projects of the old kind.
    pub project_type: String,
    /// Its name.
    pub title: String,
    /// Empty if there is none.
    pub description: String,
    /// Timestamp.
    pub created_at: String,
    /// Timestamp.
    pub last_edited_at: String,
    /// The ontology that it labels with.
    pub ontology_uuid: Uuid,
    /// The stages of its workflow, of every type that Encord lists. Empty without a workflow.
    pub stages: Vec<Stage>,
}

impl Project {
    /// Whether tasks move through stages.
    pub fn is_workflow(&self) -> bool {
        self.project_type == "workflow"
    }

    /// The stages at which agents decide, in the order of the workflow.
    pub fn agent_stages(&self) -> impl Iterator<Item = &Stage> {
        self.stages.iter().filter(|stage| stage.is_agent())
    }
}

/// A stage of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its identifier.
    pub uuid: Uuid,
    /// Its name.
    pub title: String,
    /// `ANNOTATION`, `REVIEW`, `AGENT`, `CONSENSUS_ANNOTATION`, `CONSENSUS_REVIEW`, `USER_ROUTER`,
    /// `PERCENTAGE_ROUTER`, `DONE`, …
    pub stage_type: String,
    /// The ways on, in the order of the workflow editor. Only agent stages have any.
    pub pathways: Vec<Pathway>,
}

impl Stage {
    /// Whether agents decide here.
    pub fn is_agent(&self) -> bool {
        self.stage_type == "AGENT"
    }
}

/// A way from an agent stage to another stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pathway {
    /// Its identifier.
    pub uuid: Uuid,
    /// Its name. Encord's wire calls it the title.
    pub name: String,
    /// The stage that it leads to, where Encord says so.
    pub destination: Option<Uuid>,
}

/// A task at a stage of any type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// Its identifier.
    pub uuid: Uuid,
    /// Timestamp.
    pub created_at: String,
    /// Timestamp.
    pub updated_at: String,
    /// `NEW`, `ASSIGNED`, `RELEASED`, `SKIPPED`, `REOPENED`, `COMPLETED`, …; empty if Encord gives none.
    pub status: String,
    /// The data unit that it is about.
    pub data_hash: Uuid,
    /// The data unit's name.
    pub data_title: String,
    /// The branch whose labels it is about; `main` if Encord gives none.
    pub label_branch_name: String,
    /// E-mail address of whom it is assigned to.
    pub assignee: Option<String>,
    /// E-mail address of who acted on it last.
    pub last_actioned_by: Option<String>,
    /// The annotators' own tasks, at stages of the type `CONSENSUS_ANNOTATION`. Empty elsewhere.
    pub subtasks: Vec<Task>,
    /// The labels to choose from, at stages of the type `CONSENSUS_REVIEW`. Empty elsewhere.
    pub options: Vec<ConsensusOption>,
}

/// One annotator's labels, in a consensus review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsensusOption {
    /// The annotator's e-mail address.
    pub annotator: String,
    /// The branch that the labels are on.
    pub label_branch_name: String,
    /// The label row; absent until it is created.
    pub label_hash: Option<Uuid>,
}

/// Which tasks of a stage to list. An empty list, and what is absent, lets all through. Encord ignores what
/// means nothing for the type of the stage (the statuses of tasks that are done).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// E-mail addresses of whom they are assigned to.
    pub user_emails: Vec<String>,
    /// Their data units.
    pub data_hashes: Vec<Uuid>,
    /// The datasets that their data units are in.
    pub dataset_hashes: Vec<Uuid>,
    /// A part of their data units' names.
    pub data_title_contains: Option<String>,
    /// Their statuses in Encord's spelling, see [`Task::status`].
    pub statuses: Vec<String>,
}

/// What is done to a task. Which actions fit depends on the type of the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskAction {
    /// At an agent stage: move on along a pathway.
    Follow {
        /// The way.
        pathway: PathwayChoice,
    },
    /// At an annotation stage: submit.
    Submit {
        /// E-mail address of whom it is assigned to at the next stage.
        assignee: Option<String>,
        /// Whether whom it is assigned to keeps it. Means nothing with an assignee.
        retain_assignee: bool,
        /// Whether the reviews of its labels count as resolved. Encord's own SDK sends `true`.
        resolve_label_reviews: bool,
    },
    /// At a review stage: approve.
    Approve {
        /// E-mail address of whom it is assigned to at the next stage.
        assignee: Option<String>,
        /// Whether whom it is assigned to keeps it. Means nothing with an assignee.
        retain_assignee: bool,
        /// Whether the reviews of its labels are approved too. Encord's own SDK sends `true` at stages of the
        /// type `REVIEW`, and nothing at those of the type `CONSENSUS_REVIEW`.
        approve_label_reviews: Option<bool>,
    },
    /// At a review stage: reject.
    Reject {
        /// E-mail address of whom it is assigned to at the next stage.
        assignee: Option<String>,
        /// Whether whom it is assigned to keeps it. Means nothing with an assignee.
        retain_assignee: bool,
        /// Whether the reviews of its labels are rejected too. Sent as for [`TaskAction::Approve`].
        reject_label_reviews: Option<bool>,
    },
    /// At an annotation or review stage: give it to someone.
    Assign {
        /// E-mail address of whom.
        assignee: String,
    },
    /// At an annotation or review stage: take it from whom it is assigned to.
    Release,
}

/// A pathway of an agent stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathwayChoice {
    /// By its identifier.
    Uuid(Uuid),
    /// By its name, which Encord looks up.
    Name(String),
}

/// Some of the tasks of a stage. Encord chooses how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskPage {
    /// In Encord's order.
    pub tasks: Vec<Task>,
    /// What to ask the next page with; absent on the last one.
    pub next_page: Option<String>,
}

/// An ontology.
#[derive(Clone, Debug, PartialEq)]
pub struct OntologyDocument {
    /// Its identifier.
    pub uuid: Uuid,
    /// Its name.
    pub title: String,
    /// Empty if there is none.
    pub description: String,
    /// The structure: an object with `objects`, `classifications`, …
    pub editor: Value,
}

/// What Encord lists of a label row without its labels.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelRowMetadata {
    /// The label row; absent until it is created.
    pub label_hash: Option<Uuid>,
    /// The data unit.
    pub data_hash: Uuid,
    /// The dataset that the data unit is in.
    pub dataset_hash: Uuid,
    /// The dataset's name.
    pub dataset_title: String,
    /// The data unit's name.
    pub data_title: String,
    /// In lower case: `image`, `video`, `img_group`, `audio`, `plain_text`, `pdf`, …
    pub data_type: String,
    /// The branch of this row.
    pub branch_name: String,
    /// `NOT_LABELLED`, `LABEL_IN_PROGRESS`, `LABELLED`, …
    pub label_status: String,
    /// `QUEUED`, `ASSIGNED`, `IN_REVIEW`, `RETURNED`, `COMPLETED`, …
    pub annotation_task_status: Option<String>,
    /// 1 for an image.
    pub number_of_frames: u32,
    /// Of videos.
    pub frames_per_second: Option<f64>,
    /// In seconds; of videos and audio.
    pub duration: Option<f64>,
    /// In pixels.
    pub width: Option<u32>,
    /// In pixels.
    pub height: Option<u32>,
    /// From 0 to 1; absent once the task is complete.
    pub priority: Option<f64>,
    /// Absent unless it was asked for, see [`MetadataOptions::include_client_metadata`].
    pub client_metadata: Option<Value>,
    /// The storage item behind the data unit.
    pub backing_item_uuid: Option<Uuid>,
    /// Timestamp; absent until the row is created.
    pub created_at: Option<String>,
    /// Timestamp; absent until the row is created.
    pub last_edited_at: Option<String>,
    /// The group that the data unit is a child of, see [`MetadataOptions::include_children`].
    pub group_hash: Option<Uuid>,
    /// Where Encord keeps the file: no URL. Absent for image groups and DICOM series.
    pub data_link: Option<String>,
    /// For example `image/jpeg`.
    pub file_type: Option<String>,
    /// Whether it was labelled against benchmark data.
    pub is_shadow_data: bool,
    /// Whether Encord finds nothing wrong with the labels, see [`super::Client::validation_state`].
    pub is_valid: bool,
    /// In hertz; of audio.
    pub audio_sample_rate: Option<u32>,
    /// Of audio.
    pub audio_codec: Option<String>,
    /// In bits; of audio.
    pub audio_bit_depth: Option<u32>,
    /// Of audio.
    pub audio_num_channels: Option<u32>,
    /// The images of a group. Absent unless it was asked for, see [`MetadataOptions::include_images_data`].
    pub images_data: Option<Value>,
    /// Of data groups, layered data and scenes: what Encord says of each space, by its identifier.
    pub spaces: Map<String, Value>,
    /// The task about it.
    pub task_uuid: Option<Uuid>,
    /// The stage that the task is at.
    pub stage: Option<StageReference>,
    /// E-mail address of whom the task is assigned to.
    pub assigned_user_email: Option<String>,
    /// E-mail address of who acted on the task last.
    pub last_actioned_by_user_email: Option<String>,
}

/// A stage, named by something that belongs to it. Encord calls it the workflow graph node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageReference {
    /// Its identifier.
    pub uuid: Uuid,
    /// Its name.
    pub title: String,
}

/// Which label rows of a project to list. What is absent lets all through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelRowFilter {
    /// Last edited before.
    pub edited_before: Option<Timestamp>,
    /// Last edited after.
    pub edited_after: Option<Timestamp>,
    /// Statuses in Encord's spelling, see [`LabelRowMetadata::annotation_task_status`].
    pub label_statuses: Option<Vec<String>>,
    /// Whether of benchmark data.
    pub shadow_data: Option<ShadowData>,
    /// Their data units. An empty list lets nothing through.
    pub data_hashes: Option<Vec<Uuid>>,
    /// Their label hashes. An empty list lets nothing through.
    pub label_hashes: Option<Vec<Uuid>>,
    /// The data unit's name.
    pub data_title_eq: Option<String>,
    /// A pattern that the data unit's name matches, with `%` for any text.
    pub data_title_like: Option<String>,
    /// The name of the stage that the task is at.
    pub stage_title_eq: Option<String>,
    /// A pattern that the name of the stage matches, with `%` for any text.
    pub stage_title_like: Option<String>,
}

/// Label rows of benchmark projects: those of real data, or those that annotators are measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShadowData {
    /// Both.
    All,
    /// Only those that annotators are measured by.
    Only,
    /// Only those of real data.
    None,
}

impl ShadowData {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            ShadowData::All => "ALL_DATA",
            ShadowData::Only => "SHADOW_DATA",
            ShadowData::None => "NOT_SHADOW_DATA",
        }
    }
}

/// What to list of label rows, and on which branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataOptions {
    /// Default: `main`.
    pub branch_name: Option<String>,
    /// Whether to list the rows of all branches. Default: no.
    pub include_all_label_branches: bool,
    /// Whether to fill in [`LabelRowMetadata::client_metadata`]. Default: no.
    pub include_client_metadata: bool,
    /// Whether to fill in [`LabelRowMetadata::images_data`]. Default: no.
    pub include_images_data: bool,
    /// Whether to list the rows of the data units in groups too. Default: no.
    pub include_children: bool,
}

/// How to create label rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateOptions {
    /// Default: `main`.
    pub branch_name: Option<String>,
    /// Whether each data unit of the document says where its file can be read for a limited time, under
    /// `data_link`. Default: no.
    pub include_signed_url: bool,
}

/// What to read of label rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Only objects of these features. Default: all.
    pub include_object_feature_hashes: Option<Vec<String>>,
    /// Only classifications of these features. Default: all.
    pub include_classification_feature_hashes: Option<Vec<String>>,
    /// Whether to include the reviews of each object. Default: no.
    pub include_reviews: bool,
    /// Whether each data unit of the document says where its file can be read for a limited time, under
    /// `data_link`. Default: no.
    pub include_signed_url: bool,
    /// The longest answer to one request, in bytes; a longer one is [`super::ErrorKind::AnswerTooLarge`] for all rows that
    /// were asked for in it and after it. Default: any.
    pub longest_answer: Option<usize>,
}

/// What Encord finds wrong with a label row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationState {
    /// The label row.
    pub label_hash: Uuid,
    /// Its branch.
    pub branch_name: String,
    /// Counts the times that the row was saved, where Encord says so.
    pub version: Option<u64>,
    /// Whether nothing is wrong.
    pub is_valid: bool,
    /// What is wrong, in Encord's words.
    pub errors: Vec<String>,
}

/// The answers to the classifications of a label row.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelClassifications {
    /// The label row.
    pub label_hash: Uuid,
    /// The data unit.
    pub data_hash: Uuid,
    /// The data unit's name; empty if Encord gives none.
    pub data_title: String,
    /// The branch of the row.
    pub branch_name: String,
    /// By classification hash: what a label row has under `classification_answers`, in Encord's JSON of
    /// version 2 (`featureHash`, `classifications`, `range`, …).
    pub answers: Map<String, Value>,
}

/// A dataset that a project takes its data from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectDataset {
    /// The dataset hash.
    pub hash: Uuid,
    /// Its name.
    pub title: String,
    /// Empty if there is none.
    pub description: String,
}

/// A file in Encord's storage. What Encord does not know, or what means nothing for the type, is absent.
#[derive(Clone, Debug, PartialEq)]
pub struct StorageItem {
    /// Its identifier.
    pub uuid: Uuid,
    /// The file's name.
    pub name: String,
    /// Empty if there is none.
    pub description: String,
    /// `image`, `video`, `imageGroup`, `audio`, `plainText`, `pdf`, …
    pub item_type: String,
    /// For example `image/jpeg`.
    pub mime_type: Option<String>,
    /// In bytes.
    pub file_size: Option<u64>,
    /// In pixels.
    pub width: Option<u32>,
    /// In pixels.
    pub height: Option<u32>,
    /// Frames per second.
    pub fps: Option<f64>,
    /// In seconds.
    pub duration: Option<f64>,
    /// Of videos and image sequences.
    pub frame_count: Option<u32>,
    /// Timestamp.
    pub created_at: String,
    /// Timestamp.
    pub last_edited_at: String,
    /// The folder that it is in.
    pub parent: Option<Uuid>,
    /// `encord`, `gcp`, `s3`, `azure`, …
    pub storage_location: String,
    /// JSON text of an object.
    pub client_metadata: Option<String>,
    /// Where the file can be read for a limited time, if it was asked for and the type is one file.
    pub signed_url: Option<String>,
    /// Everything that Encord said of it.
    pub raw: Value,
}

/// A change of a storage item. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StorageItemUpdate {
    /// A new name.
    pub name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// New client metadata. Encord does not document whether keys that it does not have are kept.
    pub client_metadata: Option<Map<String, Value>>,
}
