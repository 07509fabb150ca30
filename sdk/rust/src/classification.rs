use std::sync::Arc;

use crate::bindings::runner::stage::labels as wit;
use crate::{
    Answered, Error, ExistingAnswer, FrameRange, IntoAnswers, IntoFrames, LabelRow, Result,
};

/// One classification: the weather on frames 0 to 9.
///
/// A clone is another handle of the same classification; two handles see each other's edits. Once it was
/// [removed](Self::remove), its handles still say which classification it was, and edits give [`Error::NotFound`].
///
/// Frames are those of the row. In rows with several spaces, they are those of the space that the classification is in.
/// Of one that is in several, edits of frames give [`Error::InvalidArgument`]: [`Space`](crate::Space) has a method for
/// each.
#[derive(Clone, Debug)]
pub struct ClassificationInstance {
    row: LabelRow,
    classification: Arc<wit::ClassificationInstance>,
}

impl ClassificationInstance {
    pub(crate) fn new(row: &LabelRow, classification: wit::ClassificationInstance) -> Self {
        Self {
            row: row.clone(),
            classification: Arc::new(classification),
        }
    }

    pub(crate) fn handle(&self) -> &wit::ClassificationInstance {
        &self.classification
    }

    /// 8 characters, unique in the row.
    pub fn classification_hash(&self) -> String {
        self.classification.classification_hash()
    }

    /// The feature hash of its ontology classification.
    pub fn feature_hash(&self) -> String {
        self.classification.feature_hash()
    }

    /// The title of its ontology classification.
    pub fn classification_name(&self) -> String {
        self.classification.classification_name()
    }

    /// Where it holds, in ascending order. Empty for a global one.
    pub fn frames(&self) -> Vec<FrameRange> {
        self.classification.frames()
    }

    /// In rows with several spaces (data groups), the ids of those that it is in.
    pub fn spaces(&self) -> Vec<String> {
        self.classification.spaces()
    }

    /// From 0 to 1.
    pub fn confidence(&self) -> f64 {
        self.classification.confidence()
    }

    /// True if a person made it.
    pub fn manual_annotation(&self) -> bool {
        self.classification.manual_annotation()
    }

    /// RFC 3339 in UTC, where the row says so.
    pub fn created_at(&self) -> Option<String> {
        self.classification.created_at()
    }

    /// E-mail address of who made it. Absent in what this attempt added.
    pub fn created_by(&self) -> Option<String> {
        self.classification.created_by()
    }

    /// RFC 3339 in UTC, where the row says so.
    pub fn last_edited_at(&self) -> Option<String> {
        self.classification.last_edited_at()
    }

    /// E-mail address of who edited it last. Absent in what this attempt added.
    pub fn last_edited_by(&self) -> Option<String> {
        self.classification.last_edited_by()
    }

    /// Sets how sure the agent is, from 0 to 1. New classifications have 1.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is not in 0..1; [`Error::NotFound`] if the classification was removed.
    pub fn set_confidence(&self, confidence: f64) -> Result<(), Error> {
        self.classification.set_confidence(confidence)
    }

    /// Sets whether a person made it. Of new classifications that is false, since an agent made them.
    pub fn set_manual_annotation(&self, manual: bool) {
        self.classification.set_manual_annotation(manual);
    }

    /// All of its answers: the one to its root attribute, and those that this one opens.
    pub fn answers(&self) -> Vec<ExistingAnswer> {
        self.classification.answers()
    }

    /// The answer to an attribute, given by feature hash or exact name. The title of a classification is the name of
    /// its root attribute.
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn agent(row: LabelRow) -> Result<()> {
    /// for weather in row.classifications().of("Weather")? {
    ///     if weather.answer("Weather")?.is("Rain") {
    ///         info!("{:?} mm", weather.answer("Millimetres")?.number());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if its ontology classification has no such attribute, or if several of the name have
    /// an answer. An attribute without an answer is no error.
    pub fn answer(&self, attribute: &str) -> Result<Answered, Error> {
        Answered::find(self.answers(), attribute, || {
            let ontology = self.row.ontology();
            let classification = ontology.find_classification(&self.feature_hash());
            classification
                .map(|classification| vec![classification.attribute()])
                .unwrap_or_default()
        })
    }

    /// Answers attributes, in any order; each takes the place of the answer that there was. Answers to attributes that
    /// are no longer asked go away: those behind an option that is not chosen any more.
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn agent(row: LabelRow) -> Result<()> {
    /// let weather = row.add_classification_on("Weather", Answer::option("Sunny"), [0..=9])?;
    /// weather.set_answer([Answer::option("Rain"), Answer::number(2.5).to("Millimetres")])?;
    /// weather.add_to(10..=19)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if an attribute or option is unknown, ambiguous or archived, or if an answer is of
    /// another kind than its attribute, answers one that is not asked, or opens a required attribute that stays without
    /// an answer; [`Error::NotFound`] if the classification was
    /// removed. Nothing is changed then.
    pub fn set_answer(&self, answers: impl IntoAnswers) -> Result<(), Error> {
        self.classification.set_answers(&answers.into_answers())
    }

    /// Takes an answer back, and those behind it. Without an answer, nothing changes.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the attribute is unknown or ambiguous, or the root attribute, without which there
    /// is no classification; [`Error::NotFound`] if the classification was removed.
    pub fn clear_answer(&self, attribute: &str) -> Result<(), Error> {
        self.classification.clear_answer(attribute)
    }

    /// It holds on these frames, too.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is global, if a frame does not exist, or if the row has another classification
    /// of its feature there; [`Error::NotFound`] if it was removed.
    pub fn add_to(&self, frames: impl IntoFrames) -> Result<(), Error> {
        self.classification.add_to_frames(&frames.into_frames())
    }

    /// It holds on these frames no longer. Those on which it did not are passed over. One that is nowhere any more is
    /// removed.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is global, or if a range ends before it starts; [`Error::NotFound`] if it was
    /// removed.
    pub fn remove_from(&self, frames: impl IntoFrames) -> Result<(), Error> {
        self.classification
            .remove_from_frames(&frames.into_frames())
    }

    /// Removes it from the row. Doing it again changes nothing.
    pub fn remove(&self) {
        self.classification.remove();
    }

    /// Its entry of `classification_answers`, as JSON text.
    pub fn to_json(&self) -> String {
        self.classification.to_json()
    }
}
