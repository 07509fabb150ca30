//! Objects that are not in the row yet.

use std::sync::Arc;

use crate::bindings::runner::stage::labels as wit;
use crate::shape::Marked;
use crate::{
    Answer, Drawing, Error, IntoAnswers, IntoFrames, LabelRow, ObjectInstance, Ranges, Result,
};

/// An object to add: made by [`LabelRow::add`] or [`Space::add`](crate::Space::add), added by `.on(frames)` if it is
/// drawn, and by `.add()` if it marks ranges.
///
/// ```no_run
/// # use runner_sdk::prelude::*;
/// # fn agent(row: LabelRow) -> Result<()> {
/// row.add("Car", BoundingBox::new(0.1, 0.2, 0.3, 0.4)).on(0)?;
/// row.add("Road", Polygon::new([(0.0, 1.0), (0.4, 0.5), (0.6, 0.5), (1.0, 1.0)]))
///     .confidence(0.8)
///     .answer([Answer::option("Asphalt").to("Surface"), Answer::number(2.0).to("Lanes")])
///     .on([0..=9, 20..=29])?;
/// row.add("Speech", [0..=250, 400..=999]).answer(Answer::option("Ada")).add()?;
/// # Ok(())
/// # }
/// ```
///
/// All or nothing: if it cannot be added just as it is described, it is not added.
#[derive(Clone, Debug)]
#[must_use = "nothing is added before `.on(frames)`, or `.add()` for ranges"]
pub struct NewObject<Shape> {
    place: Place,
    feature: String,
    shape: Shape,
    details: Details,
}

/// What is set once the object is there.
#[derive(Clone, Debug, Default)]
struct Details {
    confidence: Option<f64>,
    manual_annotation: bool,
    answers: Vec<Answer>,
}

/// Where objects are added.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Row(LabelRow),
    Space(LabelRow, Arc<wit::Space>),
}

impl<Shape> NewObject<Shape> {
    pub(crate) fn new(place: Place, feature: &str, shape: Shape) -> Self {
        Self {
            place,
            feature: feature.to_owned(),
            shape,
            details: Details::default(),
        }
    }

    /// How sure the agent is, from 0 to 1. Not called: 1.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.details.confidence = Some(confidence);
        self
    }

    /// True if it is to count as made by a person. Not called: false, since an agent makes it.
    pub fn manual(mut self, manual_annotation: bool) -> Self {
        self.details.manual_annotation = manual_annotation;
        self
    }

    /// Answers to its attributes; those to dynamic ones hold wherever it is. Called again, further answers. Which
    /// attribute an answer is to says [`Answer::to`], unless there is one only.
    pub fn answer(mut self, answers: impl IntoAnswers) -> Self {
        self.details.answers.extend(answers.into_answers());
        self
    }
}

impl NewObject<Drawing> {
    /// Adds it, drawn alike on these frames: `0`, `0..=9`, `[0, 4]`, `[0..=9, 20..=29]`, … A single image is frame
    /// 0.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the feature is unknown, ambiguous, archived or of another shape, if there are no
    /// frames, if one does not exist, if the shape is not valid (what is drawn has to be within the frame; each
    /// [`Geometry`](crate::Geometry) says more), if the confidence is not in 0..1, or if an answer does not fit, as
    /// [`ObjectInstance::set_answer`] says; [`Error::Unsupported`] if the type of data has no such objects, or if the
    /// row has several spaces: then it is for the space to add.
    pub fn on(self, frames: impl IntoFrames) -> Result<ObjectInstance, Error> {
        let (frames, feature) = (frames.into_frames(), &self.feature);
        let geometry = self
            .shape
            .geometry(self.place.row(), || vec![feature.clone()])?;
        let added = match &self.place {
            Place::Row(row) => row.handle().add_object(feature, &geometry, &frames)?,
            Place::Space(_, space) => space.add_object(feature, &geometry, &frames)?,
        };
        self.details
            .set_on(ObjectInstance::new(self.place.row(), added))
    }
}

impl NewObject<Ranges> {
    /// Adds it.
    ///
    /// # Errors
    /// As [`on`](NewObject::on); [`Error::InvalidArgument`] if there are no ranges, if one ends before it starts, or
    /// after the end of the data where that is known, or if the path of an HTML range is empty.
    pub fn add(self) -> Result<ObjectInstance, Error> {
        let feature = &self.feature;
        let added = match (&self.place, &self.shape.0) {
            (Place::Row(row), Marked::Frames(ranges)) => {
                row.handle().add_range_object(feature, ranges)?
            }
            (Place::Row(row), Marked::Html(ranges)) => {
                row.handle().add_html_object(feature, ranges)?
            }
            (Place::Space(_, space), Marked::Frames(ranges)) => {
                space.add_range_object(feature, ranges)?
            }
            (Place::Space(_, space), Marked::Html(ranges)) => {
                space.add_html_object(feature, ranges)?
            }
        };
        self.details
            .set_on(ObjectInstance::new(self.place.row(), added))
    }
}

impl Details {
    /// Sets all of it on what was just added, or takes that out again.
    fn set_on(self, object: ObjectInstance) -> Result<ObjectInstance, Error> {
        let set = self.set_all(&object);
        if set.is_err() {
            object.remove();
        }
        set.map(|()| object)
    }

    fn set_all(self, object: &ObjectInstance) -> Result<(), Error> {
        if let Some(confidence) = self.confidence {
            object.set_confidence(confidence)?;
        }
        if self.manual_annotation {
            object.set_manual_annotation(true);
        }
        if !self.answers.is_empty() {
            object.set_answer(self.answers)?;
        }
        Ok(())
    }
}

impl Place {
    pub(crate) fn row(&self) -> &LabelRow {
        match self {
            Self::Row(row) | Self::Space(row, _) => row,
        }
    }
}
