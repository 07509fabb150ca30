//! What Encord says, as the rest of the host sees it. Values of enumerations are Encord's own spelling, so
//! that one which Encord adds later arrives unchanged. Timestamps are RFC 3339 in UTC where Encord's form
//! of them is known, otherwise as Encord wrote them.

use serde_json::Value;
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
    /// `AGENT`, `ANNOTATION`, `REVIEW`, `DONE`, …
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

/// A task that waits at a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

/// What to list of label rows, and on which branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataOptions {
    /// Default: `main`.
    pub branch_name: Option<String>,
    /// Whether to fill in [`LabelRowMetadata::client_metadata`]. Default: no.
    pub include_client_metadata: bool,
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
