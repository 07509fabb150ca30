use std::sync::Arc;

use crate::bindings::runner::stage::labels as wit;
use crate::frames::any_contains;
use crate::shape::Marked;
use crate::{
    Annotation, Answered, Drawing, DynamicAnswer, Error, ExistingAnswer, FrameRange, Geometry,
    HtmlRange, IntoAnswers, IntoFrames, IntoShape, LabelRow, Ranges, Result,
};

/// One object: a box around one particular car, on one or more frames.
///
/// A clone is another handle of the same object; two handles see each other's edits. Once it was
/// [removed](Self::remove), its handles still say which object it was, and edits give [`Error::NotFound`].
///
/// Frames are those of the row. In rows with several spaces, they are those of the space that the object is in. Of an
/// object that is in several, edits of frames give [`Error::InvalidArgument`]: [`Space`](crate::Space) has a method for
/// each.
#[derive(Clone, Debug)]
pub struct ObjectInstance {
    row: LabelRow,
    object: Arc<wit::ObjectInstance>,
}

impl ObjectInstance {
    pub(crate) fn new(row: &LabelRow, object: wit::ObjectInstance) -> Self {
        Self {
            row: row.clone(),
            object: Arc::new(object),
        }
    }

    pub(crate) fn handle(&self) -> &wit::ObjectInstance {
        &self.object
    }

    /// 8 characters, unique in the row, the same on every frame.
    pub fn object_hash(&self) -> String {
        self.object.object_hash()
    }

    /// The feature hash of its ontology object.
    pub fn feature_hash(&self) -> String {
        self.object.feature_hash()
    }

    /// The name of its ontology object.
    pub fn object_name(&self) -> String {
        self.object.object_name()
    }

    /// Encord's name of its shape: `bounding_box`, `polygon`, `audio`, …
    pub fn shape(&self) -> String {
        self.object.shape()
    }

    /// The number that people see, where Encord gave one.
    pub fn object_number(&self) -> Option<u32> {
        self.object.object_number()
    }

    /// In rows with several spaces (data groups), the ids of those that it is in; empty in other rows.
    pub fn spaces(&self) -> Vec<String> {
        self.object.spaces()
    }

    /// Where it is drawn, in ascending order, neighbours merged. For audio and text the ranges that it marks, in
    /// milliseconds or characters. Empty for HTML, see [`html_ranges`](Self::html_ranges). In rows with several
    /// spaces, those of all its spaces together.
    pub fn frames(&self) -> Vec<FrameRange> {
        self.object.frames()
    }

    /// The text that it marks in an HTML document; empty for all others.
    pub fn html_ranges(&self) -> Vec<HtmlRange> {
        self.object.html_ranges()
    }

    /// How it is drawn on a frame, with its author and its confidence there. Absent if it is not on that frame, or if
    /// it is not drawn (sound, text). In rows with several spaces, that of the first space that has the frame.
    pub fn annotation(&self, frame: u32) -> Option<Annotation> {
        self.object.annotation(frame)
    }

    /// The geometry of [`annotation`](Self::annotation) alone, which costs less.
    pub fn geometry(&self, frame: u32) -> Option<Geometry> {
        self.object.geometry(frame)
    }

    /// From 0 to 1, on the first frame that it is on, or of the ranges that it marks.
    pub fn confidence(&self) -> f64 {
        self.object.confidence()
    }

    /// True if a person made it; of the first frame that it is on, or of the ranges that it marks.
    pub fn manual_annotation(&self) -> bool {
        self.object.manual_annotation()
    }

    /// RFC 3339 in UTC, where the row says so; of the first frame that it is on, or of the ranges that it marks.
    pub fn created_at(&self) -> Option<String> {
        self.object.created_at()
    }

    /// E-mail address of who made it. Absent in what this attempt added.
    pub fn created_by(&self) -> Option<String> {
        self.object.created_by()
    }

    /// RFC 3339 in UTC, where the row says so; of the first frame that it is on, or of the ranges that it marks.
    pub fn last_edited_at(&self) -> Option<String> {
        self.object.last_edited_at()
    }

    /// E-mail address of who edited it last. Absent in what this attempt added.
    pub fn last_edited_by(&self) -> Option<String> {
        self.object.last_edited_by()
    }

    /// What reviewers said of it, as JSON text of a list, if the stage has the option `reviews`. Absent if there is
    /// none.
    pub fn reviews(&self) -> Option<String> {
        self.object.reviews()
    }

    /// Sets how sure the agent is, from 0 to 1, on every frame that it is on.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is not in 0..1; [`Error::NotFound`] if the object was removed.
    pub fn set_confidence(&self, confidence: f64) -> Result<(), Error> {
        self.object.set_confidence(confidence)
    }

    /// As [`set_confidence`](Self::set_confidence), on some frames.
    ///
    /// # Errors
    /// Also [`Error::InvalidArgument`] if it is not on one of the frames.
    pub fn set_confidence_on(&self, confidence: f64, frames: impl IntoFrames) -> Result<(), Error> {
        let frames = frames.into_frames();
        self.object.set_confidence_on(confidence, &frames)
    }

    /// Sets whether a person made it, on every frame that it is on. Of new objects that is false, since an agent made
    /// them.
    pub fn set_manual_annotation(&self, manual: bool) {
        self.object.set_manual_annotation(manual);
    }

    /// As [`set_manual_annotation`](Self::set_manual_annotation), on some frames.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is not on one of the frames; [`Error::NotFound`] if the object was removed.
    pub fn set_manual_annotation_on(
        &self,
        manual: bool,
        frames: impl IntoFrames,
    ) -> Result<(), Error> {
        let frames = frames.into_frames();
        self.object.set_manual_annotation_on(manual, &frames)
    }

    /// Draws it on frames, alike on each; where it was drawn already, anew. There its confidence and its author stay;
    /// on new frames it has the confidence 1.
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn agent(row: LabelRow) -> Result<()> {
    /// let car = row.add("Car", BoundingBox::new(0.1, 0.1, 0.2, 0.2)).on(0..=9)?;
    /// car.draw(BoundingBox::new(0.2, 0.1, 0.2, 0.2), 10..=19)?;
    /// car.copy_to(19, [20, 25])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`NewObject::on`](crate::NewObject::on); [`Error::NotFound`] if the object was removed.
    pub fn draw(
        &self,
        shape: impl IntoShape<Shape = Drawing>,
        frames: impl IntoFrames,
    ) -> Result<(), Error> {
        let geometry = self.geometry_of(shape)?;
        self.object.draw(&geometry, &frames.into_frames())
    }

    /// Draws it on further frames as it is on the frame `source`, with all that stands there.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is not on `source`; otherwise as [`draw`](Self::draw).
    pub fn copy_to(&self, source: u32, frames: impl IntoFrames) -> Result<(), Error> {
        self.object.copy_to_frames(source, &frames.into_frames())
    }

    /// Takes it from the frame `source` to the frame `target`, with all that stands there.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is not on `source`; [`Error::InvalidArgument`] if it is on `target` already, or if
    /// that does not exist.
    pub fn move_to(&self, source: u32, target: u32) -> Result<(), Error> {
        self.object.move_to_frame(source, target)
    }

    /// Takes it from frames (of range objects: from ranges), and its dynamic answers there with it. Frames that it is
    /// not on are passed over. An object that is nowhere any more is removed.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if a range ends before it starts; [`Error::Unsupported`] for HTML;
    /// [`Error::NotFound`] if the object was removed.
    pub fn remove_from(&self, frames: impl IntoFrames) -> Result<(), Error> {
        self.object.remove_from_frames(&frames.into_frames())
    }

    /// Replaces the ranges that it marks: of sound, of text, or of an HTML document.
    ///
    /// # Errors
    /// As [`NewObject::add`](crate::NewObject::add); [`Error::NotFound`] if the object was removed.
    pub fn set_ranges(&self, ranges: impl IntoShape<Shape = Ranges>) -> Result<(), Error> {
        match ranges.into_shape().0 {
            Marked::Frames(ranges) => self.object.set_ranges(&ranges),
            Marked::Html(ranges) => self.object.set_html_ranges(&ranges),
        }
    }

    /// Removes it from the row, with its answers. Doing it again changes nothing.
    pub fn remove(&self) {
        self.object.remove();
    }

    /// The answers to its attributes that hold for all frames.
    pub fn answers(&self) -> Vec<ExistingAnswer> {
        self.object.answers()
    }

    /// The answers to its dynamic attributes, each with its frames.
    pub fn dynamic_answers(&self) -> Vec<DynamicAnswer> {
        self.object.dynamic_answers()
    }

    /// The answers to its dynamic attributes that hold on a frame.
    pub fn answers_on(&self, frame: u32) -> Vec<ExistingAnswer> {
        let dynamic = self.object.dynamic_answers().into_iter();
        dynamic
            .filter(|dynamic| any_contains(&dynamic.frames, frame))
            .map(|dynamic| dynamic.answer)
            .collect()
    }

    /// The answer to an attribute, given by feature hash or exact name, that holds for all frames.
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn agent(row: LabelRow) -> Result<()> {
    /// for car in row.objects().of("Car")? {
    ///     let (colour, doors) = (car.answer("Colour")?.option(), car.answer("Doors")?.number());
    ///     info!("{colour:?}, {doors:?} doors");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if its ontology object has no such attribute, or if several of the name have an
    /// answer. An attribute without an answer is no error.
    pub fn answer(&self, attribute: &str) -> Result<Answered, Error> {
        self.find_answer(self.answers(), attribute)
    }

    /// The answer to a dynamic attribute on a frame.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn answer_on(&self, attribute: &str, frame: u32) -> Result<Answered, Error> {
        self.find_answer(self.answers_on(frame), attribute)
    }

    /// Answers attributes, in any order; each takes the place of the answer that there was. Answers to attributes that
    /// are no longer asked go away: those behind an option that is not chosen any more. An answer to a dynamic
    /// attribute holds wherever the object is now.
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn agent(row: LabelRow) -> Result<()> {
    /// let car = row.add("Car", BoundingBox::new(0.1, 0.1, 0.2, 0.2)).on(0..=9)?;
    /// car.set_answer(Answer::option("Red").to("Colour"))?;
    /// car.set_answer([Answer::text("B-XY 1").to("Plate"), Answer::number(4.0).to("Doors")])?;
    /// car.set_answer_on(Answer::option("Moving").to("State"), 3..=9)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if an attribute or option is unknown, ambiguous or archived, or if an answer is of
    /// another kind than its attribute, answers one that is not asked, opens a required attribute that stays without an
    /// answer, or says no attribute where there are several;
    /// [`Error::NotFound`] if the object was removed. Nothing is changed then.
    pub fn set_answer(&self, answers: impl IntoAnswers) -> Result<(), Error> {
        self.object.set_answers(&answers.into_answers(), None)
    }

    /// Answers dynamic attributes on some frames.
    ///
    /// # Errors
    /// As [`set_answer`](Self::set_answer); [`Error::InvalidArgument`] if an attribute is not dynamic, or if the object
    /// is not on one of the frames.
    pub fn set_answer_on(
        &self,
        answers: impl IntoAnswers,
        frames: impl IntoFrames,
    ) -> Result<(), Error> {
        let frames = frames.into_frames();
        let answers = answers.into_answers();
        self.object.set_answers(&answers, Some(&frames))
    }

    /// Takes an answer back, and those behind it: of a dynamic attribute on all frames. Without an answer, nothing
    /// changes.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the attribute is unknown or ambiguous; [`Error::NotFound`] if the object was
    /// removed.
    pub fn clear_answer(&self, attribute: &str) -> Result<(), Error> {
        self.object.clear_answer(attribute, None)
    }

    /// Takes the answer to a dynamic attribute back on some frames.
    ///
    /// # Errors
    /// As [`clear_answer`](Self::clear_answer); [`Error::InvalidArgument`] if the attribute is not dynamic.
    pub fn clear_answer_on(&self, attribute: &str, frames: impl IntoFrames) -> Result<(), Error> {
        let frames = frames.into_frames();
        self.object.clear_answer(attribute, Some(&frames))
    }

    /// Everything that the row has on it, as JSON text: keys `answer` (its entry of `object_answers`), `actions` (of
    /// `object_actions`) and `frames` (frame number to drawn object).
    pub fn to_json(&self) -> String {
        self.object.to_json()
    }

    /// The geometry that a shape is for this object.
    pub(crate) fn geometry_of(
        &self,
        shape: impl IntoShape<Shape = Drawing>,
    ) -> Result<Geometry, Error> {
        let shape = shape.into_shape();
        shape.geometry(&self.row, || vec![self.feature_hash()])
    }

    fn find_answer(
        &self,
        answers: Vec<ExistingAnswer>,
        attribute: &str,
    ) -> Result<Answered, Error> {
        Answered::find(answers, attribute, || {
            let object = self.row.ontology().find_object(&self.feature_hash());
            object.map(|object| object.attributes()).unwrap_or_default()
        })
    }
}
