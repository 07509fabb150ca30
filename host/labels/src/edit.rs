//! Edits of a label row. Each leaves the document as it was if it fails, and changes nothing but what
//! it is for: fields that are not known here stay.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::error::LabelError;
use super::geometry::{BoundingBox, Geometry};
use super::index::{Index, members};
use super::row::{LabelRow, sequence};
use super::write::{frame_object, insert_drawn, section};

impl LabelRow {
    /// Adds a bounding box on one frame and returns its object hash. `feature` is the feature hash of an
    /// ontology object or its exact name. Its confidence is 1, and it is not marked as made by a person.
    ///
    /// A name that several objects share is taken for the one in use that has the right shape.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if the feature is unknown, ambiguous, archived or of another
    /// shape, if the frame does not exist, or if the box is not within the frame;
    /// [`LabelError::Unsupported`] if the type of data has no boxes.
    pub fn add_bounding_box(
        &mut self,
        feature: &str,
        bounds: BoundingBox,
        frame: u32,
    ) -> Result<String, LabelError> {
        if !matches!(self.data_type(), "image" | "img_group" | "video") {
            return Err(LabelError::Unsupported(format!(
                "expected a row of type `image`, `img_group` or `video` for a bounding box, found `{}`",
                self.data_type()
            )));
        }
        self.refuse_layers()?;
        let object = self.ontology.box_feature(feature)?;
        let geometry = Geometry::BoundingBox(bounds);
        geometry.check(object, None)?;
        let unit = self.unit_of_frame(frame)?.to_owned();
        let hash = self.new_hash();
        let drawn = frame_object(object, &geometry, &hash);
        let key = (self.data_type() == "video").then(|| frame.to_string());

        let (document, index) = self.parts_mut();
        let slot = insert_drawn(document, &unit, key.as_deref(), drawn);
        let answers = section(document, "object_answers");
        answers.insert(
            hash.clone(),
            json!({ "classifications": [], "objectHash": hash }),
        );
        index.add(&hash, &unit, key.as_deref(), frame, slot);
        Ok(hash)
    }

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

    /// An image of several layers keeps everything in its spaces, which cannot be chosen here.
    pub(super) fn refuse_layers(&self) -> Result<(), LabelError> {
        if self.root_layer().is_some() {
            return Err(LabelError::Unsupported(format!(
                "expected a row without layers, found that `{}` has a root layer with labels of its own",
                self.data_title()
            )));
        }
        Ok(())
    }

    /// The key of the data unit that has a frame.
    fn unit_of_frame(&self, frame: u32) -> Result<&str, LabelError> {
        let mut units = members(&self.document, "data_units");
        let unit = match self.data_type() {
            "video" if frame < self.number_of_frames() => units.next(),
            "video" => None,
            _ => units.find(|(_, unit)| sequence(unit) == frame),
        };
        match unit {
            Some((key, _)) => Ok(key),
            None => Err(no_frame(self.number_of_frames(), frame)),
        }
    }

    /// A hash that neither an object nor a classification of the row has, or has had.
    pub(super) fn new_hash(&self) -> String {
        let sections = ["object_answers", "object_actions", "classification_answers"];
        loop {
            let hash = STANDARD.encode(rand::random::<[u8; 6]>());
            let in_section = |section: &&str| {
                let section = self.document.get(section);
                section.is_some_and(|section| section.get(&hash).is_some())
            };
            if self.index().object(&hash).is_none() && !sections.iter().any(in_section) {
                return hash;
            }
        }
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
        let object = self.index().object(hash);
        let object = object.ok_or_else(|| self.not_in_row("an object", hash))?;
        let drawings: Vec<_> = Index::all_drawings(object).collect();
        let differs = |json: Option<&Value>| json.is_some_and(|json| !is_set(json));
        if drawings.is_empty() {
            let entries = self.document.get("object_answers");
            if !differs(entries.and_then(|entries| entries.get(hash))) {
                return Ok(());
            }
            let (document, _) = self.parts_mut();
            if let Some(Value::Object(entry)) = section(document, "object_answers").get_mut(hash) {
                entry.insert(key.to_owned(), value.clone());
            }
            return Ok(());
        }
        for drawn in drawings {
            if !differs(self.index().resolve(&self.document, drawn)) {
                continue;
            }
            let (document, index) = self.parts_mut();
            if let Some(Value::Object(json)) = index.resolve_mut(document, drawn) {
                json.insert(key.to_owned(), value.clone());
            }
        }
        Ok(())
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

pub(super) fn no_frame(number_of_frames: u32, found: impl fmt::Display) -> LabelError {
    let expected = match number_of_frames.checked_sub(1) {
        Some(last) => format!("from 0 to {last}"),
        None => "of the data, which has none".to_owned(),
    };
    LabelError::InvalidArgument(format!("expected a frame {expected}, found {found}"))
}
