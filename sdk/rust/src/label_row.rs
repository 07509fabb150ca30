use crate::bindings::runner::stage::labels as wit;
use crate::{
    BoundingBox, ClassificationInstance, DataUnit, Error, FrameRange, IntoAnswers, ObjectInstance,
    Result,
};

/// The label row of the task: what is labelled on its data unit.
///
/// Edits are made on the attempt's own copy. [`save`](Self::save) marks it for saving; the host saves
/// it once the agent has returned an outcome, before the task moves, and also if the task stays. Of an
/// attempt that fails nothing is saved. Two handles of one row see each other's edits.
///
/// Features may be given by feature hash or by exact name. A name means the feature that is not archived;
/// if several have it, it is refused as ambiguous.
///
/// Coordinates are relative to the frame: x and width to its width, y and height to its height, from 0
/// to 1, the origin in the upper left corner, unless stated otherwise.
#[derive(Debug)]
pub struct LabelRow {
    row: wit::LabelRow,
}

impl LabelRow {
    pub(crate) fn new(row: wit::LabelRow) -> Self {
        Self { row }
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

    /// All objects, in the order in which the row lists them.
    pub fn objects(&self) -> Vec<ObjectInstance> {
        self.row.objects()
    }

    /// The object with this hash.
    pub fn find_object(&self, object_hash: &str) -> Option<ObjectInstance> {
        self.row.find_object(object_hash)
    }

    /// All classifications, in the order in which the row lists them.
    pub fn classifications(&self) -> Vec<ClassificationInstance> {
        self.row.classifications()
    }

    /// The classification with this hash.
    pub fn find_classification(&self, classification_hash: &str) -> Option<ClassificationInstance> {
        self.row.find_classification(classification_hash)
    }

    /// Adds a bounding box on one frame, counted from 0.
    ///
    /// `feature` is the feature hash of an ontology object or its exact name; its shape must be
    /// `bounding_box`. Only rows of images, image groups and videos can have one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the feature is unknown, ambiguous, archived or of another shape,
    /// if the frame does not exist, or if the box is not within the frame (by more than 1e-6, which is
    /// taken for rounding) or has no area; [`Error::Unsupported`] if the type of data has no boxes.
    pub fn add_bounding_box(
        &self,
        feature: &str,
        bounding_box: BoundingBox,
        frame: u32,
    ) -> Result<ObjectInstance, Error> {
        self.row.add_bounding_box(feature, bounding_box, frame)
    }

    /// Adds a classification. It holds on frame 0 only where the data has frames (also for a video!), for
    /// everything otherwise, and for the whole data unit if the ontology says that it is global.
    ///
    /// `feature` is the feature hash of an ontology classification or its exact title. One answer is
    /// the one to its root attribute; an array of answers can go on to the attributes that it opens:
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn agent(row: LabelRow) -> Result<()> {
    /// row.add_classification("Weather", Answer::option("Rain"))?;
    /// row.add_classification(
    ///     "Scene",
    ///     [Answer::option("Road"), Answer::number(3.0).to("Number of lanes")],
    /// )?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if a feature or option is unknown, ambiguous or archived, if an
    /// answer is of another kind than its attribute or answers one that is not open, if the root
    /// attribute has no answer, or if the row already has this classification there.
    pub fn add_classification(
        &self,
        feature: &str,
        answers: impl IntoAnswers,
    ) -> Result<ClassificationInstance, Error> {
        self.row
            .add_classification(feature, &answers.into_answers(), None)
    }

    /// Adds a classification on these frames, which may overlap. A range is a frame, `first..=last`, or a
    /// [`FrameRange`]:
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn agent(row: LabelRow) -> Result<()> {
    /// row.add_classification_on("Weather", Answer::option("Sunny"), [0..=9, 20..=29])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`add_classification`](Self::add_classification); also if frames do not exist, or if the
    /// classification is global.
    pub fn add_classification_on<R>(
        &self,
        feature: &str,
        answers: impl IntoAnswers,
        ranges: R,
    ) -> Result<ClassificationInstance, Error>
    where
        R: IntoIterator,
        R::Item: Into<FrameRange>,
    {
        let ranges: Vec<FrameRange> = ranges.into_iter().map(Into::into).collect();
        self.row
            .add_classification(feature, &answers.into_answers(), Some(&ranges))
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
    /// remove the others.
    pub fn save(&self) -> Result<(), Error> {
        self.row.save()
    }

    /// True if the row differs from what was read.
    pub fn is_edited(&self) -> bool {
        self.row.is_edited()
    }

    /// The whole row as the JSON document that Encord keeps, with the edits so far. Fields that no
    /// method here shows are in it.
    pub fn to_json(&self) -> String {
        self.row.to_json()
    }
}
