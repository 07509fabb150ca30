use std::sync::Arc;

use crate::bindings::runner::stage::labels as wit;
use crate::new_object::Place;
use crate::shape::Marked;
use crate::{
    Annotation, ClassificationInstance, Classifications, Drawing, Error, FrameRange, IntoAnswers,
    IntoFrames, IntoShape, LabelRow, NewObject, ObjectInstance, Objects, Ranges, Result,
};

/// A part of a row that has labels of its own: a part of a data group, a layer of an image, a file of a scene. Frames
/// count within it.
///
/// ```no_run
/// # use runner_sdk::prelude::*;
/// # fn agent(row: LabelRow) -> Result<()> {
/// let left = row.space("left")?;
/// let car = left.add("Car", BoundingBox::new(0.1, 0.2, 0.3, 0.4)).on(0)?;
/// // The same car, seen by the other camera.
/// row.space("right")?.draw(&car, BoundingBox::new(0.2, 0.2, 0.3, 0.4), 0)?;
/// left.add_classification("Weather", Answer::option("Rain"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Space {
    row: LabelRow,
    space: Arc<wit::Space>,
}

impl Space {
    pub(crate) fn new(row: &LabelRow, space: wit::Space) -> Self {
        Self {
            row: row.clone(),
            space: Arc::new(space),
        }
    }

    /// Unique in the row.
    pub fn id(&self) -> String {
        self.space.id()
    }

    /// `video`, `image`, `image_sequence`, `audio`, `time_series`, `text`, `html`, `pdf`, `medical_file`,
    /// `medical_stack`, `scene_image`, `point_cloud`. Newer ones appear as Encord spells them.
    pub fn space_type(&self) -> String {
        self.space.space_type()
    }

    /// The name of its place in the layout of a data group.
    pub fn layout_key(&self) -> Option<String> {
        self.space.layout_key()
    }

    /// The name of its file.
    pub fn file_name(&self) -> Option<String> {
        self.space.file_name()
    }

    /// In pixels.
    pub fn width(&self) -> Option<u32> {
        self.space.width()
    }

    /// In pixels.
    pub fn height(&self) -> Option<u32> {
        self.space.height()
    }

    /// Pages of a PDF, slices of a series; 1 for an image. Absent where there are none (sound, text), or if Encord
    /// does not say.
    pub fn number_of_frames(&self) -> Option<u32> {
        self.space.number_of_frames()
    }

    /// In milliseconds.
    pub fn duration_ms(&self) -> Option<u64> {
        self.space.duration_ms()
    }

    /// The objects that are in it.
    pub fn objects(&self) -> Objects {
        Objects::of_place(self.place())
    }

    /// The classifications that are in it.
    pub fn classifications(&self) -> Classifications {
        Classifications::of_place(self.place())
    }

    /// Where in this space an object is, as [`ObjectInstance::frames`]; for a segmentation of a point cloud the
    /// positions of its points. Empty if it is not in it.
    pub fn frames_of(&self, object: &ObjectInstance) -> Vec<FrameRange> {
        self.space.frames(object.handle())
    }

    /// How an object is drawn on a frame of this space. Absent if it is not.
    pub fn annotation_of(&self, object: &ObjectInstance, frame: u32) -> Option<Annotation> {
        self.space.annotation(object.handle(), frame)
    }

    /// An object to add to this space, as [`LabelRow::add`]. In a point cloud, ranges are positions of points.
    pub fn add<S: IntoShape>(&self, feature: &str, shape: S) -> NewObject<S::Shape> {
        NewObject::new(self.place(), feature, shape.into_shape())
    }

    /// Adds a classification to this space, as [`LabelRow::add_classification`].
    ///
    /// # Errors
    /// The same.
    pub fn add_classification(
        &self,
        feature: &str,
        answers: impl IntoAnswers,
    ) -> Result<ClassificationInstance, Error> {
        let answers = answers.into_answers();
        let added = self.space.add_classification(feature, &answers, None)?;
        Ok(ClassificationInstance::new(&self.row, added))
    }

    /// Adds a classification on frames of this space, as [`LabelRow::add_classification_on`].
    ///
    /// # Errors
    /// The same.
    pub fn add_classification_on(
        &self,
        feature: &str,
        answers: impl IntoAnswers,
        frames: impl IntoFrames,
    ) -> Result<ClassificationInstance, Error> {
        let (answers, frames) = (answers.into_answers(), frames.into_frames());
        let added = self
            .space
            .add_classification(feature, &answers, Some(&frames))?;
        Ok(ClassificationInstance::new(&self.row, added))
    }

    /// Draws an object on frames of this space. One of another space comes into this one, too.
    ///
    /// # Errors
    /// As [`ObjectInstance::draw`].
    pub fn draw(
        &self,
        object: &ObjectInstance,
        shape: impl IntoShape<Shape = Drawing>,
        frames: impl IntoFrames,
    ) -> Result<(), Error> {
        let geometry = object.geometry_of(shape)?;
        self.space
            .draw(object.handle(), &geometry, &frames.into_frames())
    }

    /// Replaces the ranges that an object marks in this space. One of another space comes into this one, too.
    ///
    /// # Errors
    /// As [`ObjectInstance::set_ranges`].
    pub fn set_ranges(
        &self,
        object: &ObjectInstance,
        ranges: impl IntoShape<Shape = Ranges>,
    ) -> Result<(), Error> {
        match ranges.into_shape().0 {
            Marked::Frames(ranges) => self.space.set_ranges(object.handle(), &ranges),
            Marked::Html(ranges) => self.space.set_html_ranges(object.handle(), &ranges),
        }
    }

    /// Takes an object from the whole of this space. One that is nowhere any more is removed.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the object was removed.
    pub fn remove_object(&self, object: &ObjectInstance) -> Result<(), Error> {
        self.space.remove_object(object.handle(), None)
    }

    /// Takes an object from frames of this space. One that is nowhere any more is removed.
    ///
    /// # Errors
    /// As [`ObjectInstance::remove_from`].
    pub fn remove_object_from(
        &self,
        object: &ObjectInstance,
        frames: impl IntoFrames,
    ) -> Result<(), Error> {
        let frames = frames.into_frames();
        self.space.remove_object(object.handle(), Some(&frames))
    }

    /// Lets a classification of another space hold in this one, too: for everything, or on frame 0 where the space has
    /// frames.
    ///
    /// # Errors
    /// As [`ClassificationInstance::add_to`].
    pub fn place_classification(
        &self,
        classification: &ClassificationInstance,
    ) -> Result<(), Error> {
        self.space
            .place_classification(classification.handle(), None)
    }

    /// Lets a classification hold on frames of this space, too, whether or not it is in this one already.
    ///
    /// # Errors
    /// As [`ClassificationInstance::add_to`].
    pub fn place_classification_on(
        &self,
        classification: &ClassificationInstance,
        frames: impl IntoFrames,
    ) -> Result<(), Error> {
        let frames = frames.into_frames();
        self.space
            .place_classification(classification.handle(), Some(&frames))
    }

    /// Takes a classification from the whole of this space. One that is nowhere any more is removed.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the classification was removed.
    pub fn remove_classification(
        &self,
        classification: &ClassificationInstance,
    ) -> Result<(), Error> {
        self.space
            .remove_classification(classification.handle(), None)
    }

    /// Takes a classification from frames of this space. One that is nowhere any more is removed.
    ///
    /// # Errors
    /// As [`ClassificationInstance::remove_from`].
    pub fn remove_classification_from(
        &self,
        classification: &ClassificationInstance,
        frames: impl IntoFrames,
    ) -> Result<(), Error> {
        let frames = frames.into_frames();
        self.space
            .remove_classification(classification.handle(), Some(&frames))
    }

    fn place(&self) -> Place {
        Place::Space(self.row.clone(), Arc::clone(&self.space))
    }
}
