//! Edits of a label row. Each leaves the document as it was if it fails, and changes nothing but what
//! it is for: fields that are not known here stay.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::classification::ROOT_SPACE;
use super::error::LabelError;
use super::frames::{self, FrameRange};
use super::given::{self, AttributeAnswer};
use super::index::{is_range, members};
use super::ontology::OntologyClassification;
use super::row::LabelRow;
use super::time;
use super::write::section;

impl LabelRow {
    /// Adds a classification and returns its hash. `feature` is the feature hash of an ontology
    /// classification or its exact title. `answers` has the answer to the root attribute and, if wanted,
    /// to those that its options open, in any order. `frames` is where it holds; none means frame 0 for
    /// data with frames and everything otherwise. A global classification takes none.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if a feature or option is unknown, ambiguous or archived, if an
    /// answer is of another kind than its attribute or answers one that is not open, if the root
    /// attribute has no answer, if frames do not exist, or if the row already has this classification
    /// on one of the frames; [`LabelError::Unsupported`] if the type of data has no classifications
    /// outside of its parts.
    pub fn add_classification(
        &mut self,
        feature: &str,
        answers: &[AttributeAnswer],
        frames: Option<&[FrameRange]>,
    ) -> Result<String, LabelError> {
        self.refuse_layers()?;
        let classification = self.ontology.classification_feature(feature)?;
        let frames = self.frames_of(classification, frames)?;
        self.refuse_second(classification, &frames)?;
        let answers = given::check(classification, answers)?;
        let feature_hash = classification.feature_hash.clone();
        let hash = self.new_hash();
        let now = time::long_form(Timestamp::now());
        let entry = json!({
            "classifications": answers,
            "classificationHash": hash,
            "featureHash": feature_hash,
            "spaces": {},
            "range": frames::to_json(&frames),
            "createdBy": null,
            "createdAt": now,
            "lastEditedBy": null,
            "lastEditedAt": now,
            "confidence": 1.0,
            "manualAnnotation": false,
        });
        self.insert_classification(&hash, entry, &feature_hash, &frames);
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

    /// Sets how sure the author of a classification is, from 0 to 1.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if it is not in 0..1, [`LabelError::NotFound`] if the row has no
    /// such classification.
    pub fn set_classification_confidence(
        &mut self,
        classification_hash: &str,
        confidence: f64,
    ) -> Result<(), LabelError> {
        check_confidence(confidence)?;
        let value = Value::from(confidence);
        self.set_on_classification(classification_hash, "confidence", value, |json| {
            super::object::confidence(json) == confidence
        })
    }

    /// Sets whether a person made a classification.
    ///
    /// # Errors
    /// [`LabelError::NotFound`] if the row has no such classification.
    pub fn set_classification_manual_annotation(
        &mut self,
        classification_hash: &str,
        manual: bool,
    ) -> Result<(), LabelError> {
        let value = Value::from(manual);
        self.set_on_classification(classification_hash, "manualAnnotation", value, |json| {
            super::answers::manual_annotation(json) == manual
        })
    }

    /// True for data without frames, whose ranges are milliseconds or characters.
    pub(super) fn is_range_data(&self) -> bool {
        matches!(self.data_type(), "audio" | "time_series" | "plain_text")
    }

    /// An image of several layers keeps everything in its spaces, which cannot be chosen here.
    fn refuse_layers(&self) -> Result<(), LabelError> {
        let mut spaces = members(&self.document, "spaces");
        if spaces.any(|(space, _)| space == ROOT_SPACE) {
            return Err(LabelError::Unsupported(format!(
                "expected a row without layers, found that `{}` has a root layer with labels of its own",
                self.data_title()
            )));
        }
        Ok(())
    }

    /// Where a classification is to hold: what was asked for, checked, or what is meant without it.
    fn frames_of(
        &self,
        classification: &OntologyClassification,
        frames: Option<&[FrameRange]>,
    ) -> Result<Vec<FrameRange>, LabelError> {
        if classification.global {
            return match frames {
                None | Some([]) => Ok(Vec::new()),
                Some([first, ..]) => Err(LabelError::InvalidArgument(format!(
                    "expected no frames for the global classification `{}`, which holds for the whole \
                     data unit, found frames {first}",
                    classification.title
                ))),
            };
        }
        let last = self.last_position()?;
        let frames = match frames {
            Some(frames) => frames,
            None => return Ok(vec![self.everything(last)]),
        };
        if frames.is_empty() {
            return Err(LabelError::InvalidArgument(format!(
                "expected at least one range of frames for `{}`, found an empty list",
                classification.title
            )));
        }
        for range in frames {
            if range.start > range.end {
                return Err(LabelError::InvalidArgument(format!(
                    "expected the end of a range of frames not to be before its start, found {range}"
                )));
            }
            match last {
                Some(last) if range.end > last && self.is_range_data() => {
                    return Err(LabelError::InvalidArgument(format!(
                        "expected a range within 0 to {last}, the length of the data, found {range}"
                    )));
                }
                Some(last) if range.end > last => {
                    return Err(no_frame(self.number_of_frames(), range.end));
                }
                _ => {}
            }
        }
        Ok(frames::merged(frames.to_vec()))
    }

    /// The last frame, or millisecond, that a range may end in; none if it is not known.
    fn last_position(&self) -> Result<Option<u32>, LabelError> {
        match self.data_type() {
            "image" | "img_group" | "video" | "pdf" | "nifti" => {
                Ok(Some(self.number_of_frames().saturating_sub(1)))
            }
            // Encord does not say how many slices a series has in the end.
            "dicom" => Ok(None),
            // Whole milliseconds; the end itself is allowed, as it is in the editor.
            "audio" => Ok(self.duration().map(|seconds| (seconds * 1000.0) as u32)),
            "time_series" | "plain_text" => Ok(None),
            other => Err(LabelError::Unsupported(format!(
                "expected a row with frames of its own for a classification that is not global, found \
                 a row of type `{other}`"
            ))),
        }
    }

    /// Frame 0 of data with frames. Of audio, every millisecond; of text, which has no known length, the
    /// range that the Python SDK writes for the whole file.
    fn everything(&self, last: Option<u32>) -> FrameRange {
        match (self.data_type(), last) {
            ("audio", Some(last)) => FrameRange {
                start: 0,
                end: last.saturating_sub(1),
            },
            _ => FrameRange::single(0),
        }
    }

    /// A classification may be given once per frame, a global one once.
    fn refuse_second(
        &self,
        classification: &OntologyClassification,
        frames: &[FrameRange],
    ) -> Result<(), LabelError> {
        let feature_hash = &classification.feature_hash;
        let Some(held) = self.placed().of(feature_hash) else {
            return Ok(());
        };
        let place = if classification.global {
            "the whole data unit".to_owned()
        } else {
            match frames.iter().find_map(|range| held.common(*range)) {
                Some(range) => format!("frames {range}"),
                None => return Ok(()),
            }
        };
        Err(LabelError::InvalidArgument(format!(
            "expected `{}` not to be given yet on {place}, found that the label row has it there",
            classification.title
        )))
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
            let is_taken = self.index().object(&hash).is_some() || self.is_retired(&hash);
            if !is_taken && !sections.iter().any(in_section) {
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
        Ok(())
    }

    fn set_on_classification(
        &mut self,
        hash: &str,
        key: &str,
        value: Value,
        is_set: impl Fn(&Value) -> bool,
    ) -> Result<(), LabelError> {
        if self.classification(hash).is_none() {
            return Err(not_in_row("a classification", hash, self.data_title()));
        }
        let entries = self.document.get("classification_answers");
        let entry = entries.and_then(|entries| entries.get(hash));
        if entry.is_none_or(is_set) {
            return Ok(());
        }
        let (document, _) = self.parts_mut();
        let entry = section(document, "classification_answers").get_mut(hash);
        if let Some(Value::Object(entry)) = entry {
            entry.insert(key.to_owned(), value);
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

fn no_frame(number_of_frames: u32, found: impl fmt::Display) -> LabelError {
    let expected = match number_of_frames.checked_sub(1) {
        Some(last) => format!("from 0 to {last}"),
        None => "of the data, which has none".to_owned(),
    };
    LabelError::InvalidArgument(format!("expected a frame {expected}, found {found}"))
}

pub(super) fn not_in_row(what: &str, hash: &str, title: &str) -> LabelError {
    LabelError::NotFound(format!(
        "expected {what} of the label row of `{title}`, found no `{hash}` in it"
    ))
}
