//! Edits of a label row. Each leaves the document as it was if it fails, and changes nothing but what
//! it is for: fields that are not known here stay.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::error::LabelError;
use super::index::{Drawn, is_range};
use super::row::LabelRow;
use super::write::section;

impl LabelRow {
    /// Sets how sure the author of an object is, from 0 to 1, on every frame.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if it is not in 0..1, [`LabelError::NotFound`] if the row has no
    /// such object.
    pub fn set_object_confidence(
        &mut self,
        object_hash: &str,
        confidence: f64,
    ) -> Result<(), LabelError> {
        check_confidence(confidence)?;
        self.set_on_object(
            object_hash,
            "confidence",
            &Value::from(confidence),
            |json| super::object::confidence(json) == confidence,
        )
    }

    /// Sets whether a person made an object, on every frame.
    ///
    /// # Errors
    /// [`LabelError::NotFound`] if the row has no such object.
    pub fn set_object_manual_annotation(
        &mut self,
        object_hash: &str,
        manual: bool,
    ) -> Result<(), LabelError> {
        self.set_on_object(
            object_hash,
            "manualAnnotation",
            &Value::from(manual),
            |json| super::answers::manual_annotation(json) == manual,
        )
    }

    /// True for data without frames, whose ranges are milliseconds or characters.
    pub(super) fn is_range_data(&self) -> bool {
        matches!(self.data_type(), "audio" | "time_series" | "plain_text")
    }

    /// A hash that neither an object nor a classification of the row has, or has had.
    pub(super) fn new_hash(&self) -> String {
        loop {
            let hash = STANDARD.encode(rand::random::<[u8; 6]>());
            if !self.has_hash(&hash) {
                return hash;
            }
        }
    }

    /// True if an object or a classification of the row has a hash, or has had it.
    pub(super) fn has_hash(&self, hash: &str) -> bool {
        let sections = ["object_answers", "object_actions", "classification_answers"];
        let in_section = |section: &&str| {
            let section = self.document.get(section);
            section.is_some_and(|section| section.get(hash).is_some())
        };
        let is_taken = self.index().object(hash).is_some() || self.is_retired(hash);
        is_taken || sections.iter().any(in_section)
    }

    /// Sets a key wherever an object is drawn or, if it is not drawn, on its answers. Where it already
    /// means `value`, nothing is written.
    fn set_on_object(
        &mut self,
        hash: &str,
        key: &str,
        value: &Value,
        is_set: impl Fn(&Value) -> bool,
    ) -> Result<(), LabelError> {
        let drawings = self.indexed(hash)?.drawings().to_vec();
        let entry = self.document.get("object_answers");
        let entry = entry.and_then(|entries| entries.get(hash));
        // Of a segmentation both are written, but not every key on each.
        let is_meant =
            |entry: &&Value| drawings.is_empty() || (is_range(entry) && entry.get(key).is_some());
        if entry.filter(is_meant).is_some_and(|entry| !is_set(entry)) {
            let (document, _) = self.parts_mut();
            if let Some(Value::Object(entry)) = section(document, "object_answers").get_mut(hash) {
                entry.insert(key.to_owned(), value.clone());
            }
        }
        self.set_on_drawings(drawings, key, value, is_set);
        Ok(())
    }

    /// Sets a key of drawings. Where it already means `value`, nothing is written.
    pub(super) fn set_on_drawings(
        &mut self,
        drawings: Vec<Drawn>,
        key: &str,
        value: &Value,
        is_set: impl Fn(&Value) -> bool,
    ) {
        for drawn in drawings {
            if self
                .index()
                .resolve(&self.document, drawn)
                .is_none_or(&is_set)
            {
                continue;
            }
            let (document, index) = self.parts_mut();
            if let Some(Value::Object(json)) = index.resolve_mut(document, drawn) {
                json.insert(key.to_owned(), value.clone());
            }
        }
    }
}

pub(super) fn check_confidence(confidence: f64) -> Result<(), LabelError> {
    if (0.0..=1.0).contains(&confidence) {
        return Ok(());
    }
    Err(LabelError::InvalidArgument(format!(
        "expected a confidence from 0 to 1, found {confidence}"
    )))
}
