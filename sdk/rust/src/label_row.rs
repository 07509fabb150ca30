use std::sync::Arc;

use crate::bindings::runner::stage::labels as wit;
use crate::{DataUnit, Error, Ontology, Result, WorkflowNode};

/// The label row of the task: what is labelled on its data unit.
///
/// Edits are made on the attempt's own copy. [`save`](Self::save) marks it for saving; the host saves
/// it once the agent has returned an outcome, before the task moves, and also if the task stays. Of an
/// attempt that fails nothing is saved. A clone is another handle of the same row; two handles of one row see
/// each other's edits.
///
/// Features may be given by feature hash or by exact name. A name means the feature that is not archived;
/// if several have it, it is refused as ambiguous.
///
/// Coordinates are relative to the frame: x and width to its width, y and height to its height, from 0
/// to 1, the origin in the upper left corner, unless stated otherwise.
///
/// What is labelled:
///
/// | to | |
/// |---|---|
/// | read | [`objects`](Self::objects), [`classifications`](Self::classifications), [`spaces`](Self::spaces) |
/// | add | [`add`](Self::add), [`add_classification`](Self::add_classification) and [`…_on`](Self::add_classification_on) |
/// | edit, remove | the methods of [`ObjectInstance`](crate::ObjectInstance) and [`ClassificationInstance`](crate::ClassificationInstance) |
/// | copy from another row | [`copy_labels`](Self::copy_labels) |
/// | fill in from a language model | [`add_classifications_from_json`](Self::add_classifications_from_json), [`add_object_from_json`](Self::add_object_from_json) |
/// | keep | [`save`](Self::save), or [`discard_edits`](Self::discard_edits) |
#[derive(Clone, Debug)]
pub struct LabelRow {
    row: Arc<wit::LabelRow>,
}

impl LabelRow {
    pub(crate) fn new(row: wit::LabelRow) -> Self {
        Self { row: Arc::new(row) }
    }

    pub(crate) fn handle(&self) -> &wit::LabelRow {
        &self.row
    }

    /// The UUID of the label row.
    pub fn label_hash(&self) -> String {
        self.row.label_hash()
    }

    /// The branch that these labels are on.
    pub fn branch_name(&self) -> String {
        self.row.branch_name()
    }

    /// `NOT_LABELLED`, `LABEL_IN_PROGRESS`, `LABELLED`, `REVIEW_IN_PROGRESS`, `REVIEWED`, …
    pub fn label_status(&self) -> String {
        self.row.label_status()
    }

    /// RFC 3339 in UTC. Absent if Encord did not say.
    pub fn created_at(&self) -> Option<String> {
        self.row.created_at()
    }

    /// RFC 3339 in UTC. Absent if Encord did not say.
    pub fn last_edited_at(&self) -> Option<String> {
        self.row.last_edited_at()
    }

    /// The UUID of the data unit.
    pub fn data_hash(&self) -> String {
        self.row.data_hash()
    }

    /// The title of the data unit.
    pub fn data_title(&self) -> String {
        self.row.data_title()
    }

    /// `image`, `video`, `img_group`, `audio`, `plain_text`, `pdf`, `dicom`, `nifti`, `group`, …
    pub fn data_type(&self) -> String {
        self.row.data_type()
    }

    /// The UUID of the dataset that the data unit is in.
    pub fn dataset_hash(&self) -> String {
        self.row.dataset_hash()
    }

    /// The title of the dataset that the data unit is in.
    pub fn dataset_title(&self) -> String {
        self.row.dataset_title()
    }

    /// The UUID of the storage item behind the row.
    pub fn backing_item_uuid(&self) -> Option<String> {
        self.row.backing_item_uuid()
    }

    /// In pixels; absent where the data has none (audio, text) or more than one (image groups).
    pub fn width(&self) -> Option<u32> {
        self.row.width()
    }

    /// In pixels; absent where the data has none (audio, text) or more than one (image groups).
    pub fn height(&self) -> Option<u32> {
        self.row.height()
    }

    /// 1 for an image. For data without frames what Encord says, usually 1.
    pub fn number_of_frames(&self) -> u32 {
        self.row.number_of_frames()
    }

    /// In frames per second.
    pub fn fps(&self) -> Option<f64> {
        self.row.fps()
    }

    /// In seconds.
    pub fn duration(&self) -> Option<f64> {
        self.row.duration()
    }

    /// From 0 to 1; absent once the task is complete. What [`set_priority`](Self::set_priority) set is
    /// read back.
    pub fn priority(&self) -> Option<f64> {
        self.row.priority()
    }

    /// What was noted on the storage item, as JSON text of an object. Absent unless the stage has the
    /// option `client_metadata`, or if nothing was noted.
    /// [`StorageItem::client_metadata`](crate::StorageItem::client_metadata) gives the same without that.
    pub fn client_metadata(&self) -> Option<String> {
        self.row.client_metadata()
    }

    /// The parts of the row: one for an image or a video, one per image of an image group.
    pub fn data_units(&self) -> Vec<DataUnit> {
        self.row.data_units()
    }

    /// The ontology of the row's project.
    pub fn ontology(&self) -> Ontology {
        Ontology::new(self.row.ontology())
    }

    /// MIME type of the data, for example `video/mp4`, where Encord says so.
    pub fn file_type(&self) -> Option<String> {
        self.row.file_type()
    }

    /// Where Encord keeps the file. A URL that can be read if the stage has the option `signed_url`. Absent for rows of
    /// several files.
    pub fn data_link(&self) -> Option<String> {
        self.row.data_link()
    }

    /// For example `mp3`; absent for data other than audio.
    pub fn audio_codec(&self) -> Option<String> {
        self.row.audio_codec()
    }

    /// In samples per second; absent for data other than audio.
    pub fn audio_sample_rate(&self) -> Option<u32> {
        self.row.audio_sample_rate()
    }

    /// In bits per sample; absent for data other than audio.
    pub fn audio_bit_depth(&self) -> Option<u32> {
        self.row.audio_bit_depth()
    }

    /// Absent for data other than audio.
    pub fn audio_num_channels(&self) -> Option<u32> {
        self.row.audio_num_channels()
    }

    /// `QUEUED`, `ASSIGNED`, `IN_REVIEW`, `RETURNED`, `COMPLETED`, where Encord says so.
    pub fn annotation_task_status(&self) -> Option<String> {
        self.row.annotation_task_status()
    }

    /// The stage at which the row's task waits, as Encord listed it.
    pub fn workflow_node(&self) -> Option<WorkflowNode> {
        self.row.workflow_node()
    }

    /// The UUID of the row's task, where it has one.
    pub fn task_uuid(&self) -> Option<String> {
        self.row.task_uuid()
    }

    /// E-mail address of whom the task is assigned to.
    pub fn assigned_user_email(&self) -> Option<String> {
        self.row.assigned_user_email()
    }

    /// E-mail address of who acted on the task last.
    pub fn last_actioned_by_user_email(&self) -> Option<String> {
        self.row.last_actioned_by_user_email()
    }

    /// False if Encord found the labels not to fit the ontology.
    pub fn is_valid(&self) -> Option<bool> {
        self.row.is_valid()
    }

    /// Sets the priority of the task, from 0 (last) to 1 (first). Saved even if [`save`](Self::save)
    /// is not called, provided that the attempt succeeds. A priority in the outcome wins over it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is not in 0..1.
    pub fn set_priority(&self, priority: f64) -> Result<(), Error> {
        self.row.set_priority(priority)
    }

    /// Marks the row for saving, with all edits up to the end of the attempt. Calling it again changes
    /// nothing. A row that is edited and not marked is not saved, and the log says so. One without edits
    /// is not sent: there would be nothing to save.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the stage had only some features read, since saving the row would
    /// remove the others, and for rows of other projects, which are there to be read.
    pub fn save(&self) -> Result<(), Error> {
        self.row.save()
    }

    /// True if the row differs from what was read.
    pub fn is_edited(&self) -> bool {
        self.row.is_edited()
    }

    /// What this attempt added or edited and that lacks the answer to a required attribute: a sentence for each. Such
    /// labels are saved all the same, for people to complete, and the log says so.
    pub fn missing_answers(&self) -> Vec<String> {
        self.row.missing_answers()
    }

    /// The whole row as the JSON document that Encord keeps, with the edits so far. Fields that no
    /// method here shows are in it.
    pub fn to_json(&self) -> String {
        self.row.to_json()
    }

    /// Replaces the whole row by a document as [`to_json`](Self::to_json) gives it. Keys that are not known stay as they
    /// are. Handles of objects and classifications that are gone answer as after they were removed.
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn agent(row: LabelRow) -> Result<()> {
    /// let document = row.to_json().replace("\"confidence\":0.5", "\"confidence\":0.75");
    /// row.set_json(&document)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is no JSON or no label row, if it is that of another row, or if something in it
    /// could not have been added by the methods here, unless it stands in the row already. The message has the place.
    pub fn set_json(&self, document: &str) -> Result<(), Error> {
        self.row.set_json(document)
    }

    /// Takes all edits back: the row is as it was read, and not marked for saving. A priority that was set stays.
    pub fn discard_edits(&self) {
        self.row.discard_edits();
    }
}
