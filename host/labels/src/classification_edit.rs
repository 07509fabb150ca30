//! Edits of classifications: adding and removing them, their answers, and where they hold.

use std::sync::Arc;

use serde_json::Value;

use super::answering::{self, Order, checked_ranges};
use super::classification::{ClassificationInstance, ROOT_SPACE};
use super::edit::check_confidence;
use super::error::{LabelError, listed};
use super::frames::{self, FrameRange};
use super::given::AttributeAnswer;
use super::ontology::{Ontology, OntologyClassification};
use super::questions::Questions;
use super::row::{LabelRow, sequence};
use super::write::section;

impl LabelRow {
    /// Adds a classification and returns its hash. `feature` is the feature hash of an ontology
    /// classification or its exact title. `answers` has the answer to the root attribute and, if wanted,
    /// to those that its options open, in any order. `frames` is where it holds; none means frame 0 for
    /// data with frames and everything otherwise. A global classification takes none. `space` is the id of
    /// a space; none is the row itself.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if a feature or option is unknown, ambiguous or archived, if an
    /// answer is of another kind than its attribute or answers one that is not open, if the root
    /// attribute has no answer, nor one behind it that is required, if frames do not exist, or if the place
    /// already has this classification on one of the frames; [`LabelError::NotFound`] if there is no such
    /// space; [`LabelError::Unsupported`] if the type of data has no classifications outside of its parts.
    pub fn add_classification(
        &mut self,
        feature: &str,
        answers: &[AttributeAnswer],
        frames: Option<&[FrameRange]>,
        space: Option<&str>,
    ) -> Result<String, LabelError> {
        let ontology = Arc::clone(&self.ontology);
        let classification = ontology.classification_feature(feature)?;
        let place = self.place(space)?;
        let frames = self.frames_of(classification, frames, place)?;
        self.refuse_second(classification, &frames, place)?;
        let questions = Questions::of_classification(classification);
        let checked = questions.check_new(answers)?;
        let mut list = Vec::new();
        answering::put(&questions, checked, &mut list, place.order());
        refuse_missing(&questions, classification, &list)?;

        let feature_hash = &classification.feature_hash;
        let hash = self.new_hash();
        let entry = place.entry(classification, &hash, list, &frames);
        let (document, placed) = self.classifying_mut();
        section(document, "classification_answers").insert(hash.clone(), entry);
        if let Some(placed) = placed {
            placed.add(feature_hash, place.id(), &hash, &frames);
        }
        Ok(hash)
    }

    /// Answers attributes of a classification, in any order; each takes the place of the answer that
    /// there was. Answers to attributes that are no longer asked go away: those behind an option that is
    /// not chosen any more.
    ///
    /// # Errors
    /// [`LabelError::NotFound`] if the row has no such classification; [`LabelError::InvalidArgument`] if
    /// an attribute or option is unknown, ambiguous or archived, or if an answer is of another kind than
    /// its attribute or answers one that is not asked.
    pub fn set_classification_answers(
        &mut self,
        classification_hash: &str,
        answers: &[AttributeAnswer],
    ) -> Result<(), LabelError> {
        let ontology = Arc::clone(&self.ontology);
        let classification = self.answerable_classification(&ontology, classification_hash)?;
        let questions = Questions::of_classification(classification);
        let held = self.classification_list(classification_hash);
        let checked = questions.check(answers, held)?;
        let mut list = held.to_vec();
        let order = self.order_of(classification_hash);
        answering::put(&questions, checked, &mut list, order);
        self.set_classification_list(classification_hash, list);
        Ok(())
    }

    /// Takes the answer to an attribute of a classification back, and those behind it. `attribute` is a
    /// feature hash or an exact name. Without an answer, nothing changes.
    ///
    /// # Errors
    /// [`LabelError::NotFound`] if the row has no such classification; [`LabelError::InvalidArgument`] if
    /// the attribute is unknown or ambiguous, or the root attribute, without which there is no
    /// classification.
    pub fn clear_classification_answer(
        &mut self,
        classification_hash: &str,
        attribute: &str,
    ) -> Result<(), LabelError> {
        let ontology = Arc::clone(&self.ontology);
        let classification = self.answerable_classification(&ontology, classification_hash)?;
        let questions = Questions::of_classification(classification);
        let held = self.classification_list(classification_hash);
        let question = questions.find(attribute, held)?;
        if question == 0 {
            return Err(LabelError::InvalidArgument(format!(
                "expected an attribute behind `{0}`, found `{0}` itself, without which there is no \
                 classification\n\
                 help: remove the classification, or give another answer",
                classification.title
            )));
        }
        let mut list = held.to_vec();
        answering::take(&questions, question, &mut list);
        self.set_classification_list(classification_hash, list);
        Ok(())
    }

    /// A classification holds on these frames, too; without frames, where a new one would. `space` is the id
    /// of a space, into which one of another space comes, too; none is where it is.
    ///
    /// # Errors
    /// [`LabelError::NotFound`] if the row has no such classification or space;
    /// [`LabelError::InvalidArgument`] if it is global and frames are given, if a frame does not exist, if
    /// the place has another classification of its feature there, or if it is in several spaces and none
    /// is named.
    pub fn add_classification_to_frames(
        &mut self,
        classification_hash: &str,
        frames: Option<&[FrameRange]>,
        space: Option<&str>,
    ) -> Result<(), LabelError> {
        let ontology = Arc::clone(&self.ontology);
        let classification = self.answerable_classification(&ontology, classification_hash)?;
        let space = match space {
            Some(space) => Some(space.to_owned()),
            None => self.only_place(classification_hash)?.map(str::to_owned),
        };
        let place = self.place(space.as_deref())?;
        let frames = self.frames_of(classification, frames, place)?;
        let (mut held, mut is_there) = (Vec::new(), false);
        if let Some(instance) = self.classification(classification_hash) {
            held = instance.frames_in(place.id());
            is_there = instance.is_in(place.id());
            // The root layer is a space beside others, the row itself is not.
            if place.id() != ROOT_SPACE && instance.spaces().is_empty() {
                return Err(LabelError::InvalidArgument(format!(
                    "expected a classification of a space, found that `{classification_hash}` is on the row \
                     itself\n\
                     help: add another one to the space",
                )));
            }
        }
        let new = frames::difference(&frames, &held);
        if is_there && new.is_empty() {
            return Ok(());
        }
        self.refuse_second(classification, &new, place)?;

        let all = frames::merged(held.into_iter().chain(new.iter().copied()).collect());
        let (document, placed) = self.classifying_mut();
        let entry = section(document, "classification_answers").get_mut(classification_hash);
        if let Some(entry) = entry {
            place.write(entry, &all);
        }
        if let Some(placed) = placed {
            let feature_hash = &classification.feature_hash;
            placed.add(feature_hash, place.id(), classification_hash, &new);
        }
        Ok(())
    }

    /// A classification holds on these frames no longer; without frames, nowhere in that place. Frames on which
    /// it did not hold are passed over. One that is nowhere any more is removed. `space` is the id of a space;
    /// none is where it is.
    ///
    /// # Errors
    /// [`LabelError::NotFound`] if the row has no such classification or space;
    /// [`LabelError::InvalidArgument`] if frames are given and it is global or holds for the whole of a space
    /// without frames, if a range ends before it starts, or if it is in several spaces and none is named.
    pub fn remove_classification_from_frames(
        &mut self,
        classification_hash: &str,
        frames: Option<&[FrameRange]>,
        space: Option<&str>,
    ) -> Result<(), LabelError> {
        let instance = self.instance(classification_hash)?;
        let space = match space {
            Some(space) => Some(space),
            None => self.only_place(classification_hash)?,
        };
        if let Some(space) = space {
            self.space_json(space)?;
        }
        let id = space.unwrap_or(ROOT_SPACE).to_owned();
        let is_there = instance.is_in(&id);
        let held = instance.frames_in(&id);
        let rest = match frames {
            None => Vec::new(),
            Some(frames) => {
                let global = instance
                    .ontology_classification()
                    .is_some_and(|classification| classification.global);
                if global || (is_there && held.is_empty()) {
                    return Err(LabelError::InvalidArgument(format!(
                        "expected a classification that holds on frames, found `{classification_hash}`, \
                         which holds for all of the data\n\
                         help: remove it as a whole",
                    )));
                }
                frames::difference(&held, &checked_ranges(frames)?)
            }
        };
        if !is_there || (frames.is_some() && rest == held) {
            return Ok(());
        }
        let on_row = id != ROOT_SPACE && instance.is_on_row();
        let elsewhere = on_row || instance.spaces().iter().any(|space| *space != id);
        if rest.is_empty() && !elsewhere {
            self.remove_classification(classification_hash);
            return Ok(());
        }
        let feature_hash = instance.feature_hash().to_owned();
        let gone = frames::difference(&held, &rest);
        let kept = (!rest.is_empty()).then_some(rest.as_slice());
        let (document, placed) = self.classifying_mut();
        let entry = section(document, "classification_answers").get_mut(classification_hash);
        if let Some(entry) = entry {
            remove_from(entry, &id, kept);
        }
        if id == ROOT_SPACE {
            forget_on_frames(document, classification_hash, &gone);
        }
        if let Some(placed) = placed {
            placed.keep(&feature_hash, &id, classification_hash, kept);
        }
        Ok(())
    }

    /// Removes a classification from the row. False if there was none.
    pub fn remove_classification(&mut self, classification_hash: &str) -> bool {
        let Some(instance) = self.classification(classification_hash) else {
            return false;
        };
        let feature_hash = instance.feature_hash().to_owned();
        let ranges = instance.frames_in(ROOT_SPACE);
        let spaces = instance.spaces().into_iter().map(str::to_owned);
        let spaces: Vec<_> = spaces.chain([ROOT_SPACE.to_owned()]).collect();
        let (document, placed) = self.classifying_mut();
        section(document, "classification_answers").shift_remove(classification_hash);
        forget_on_frames(document, classification_hash, &ranges);
        if let Some(placed) = placed {
            for space in &spaces {
                placed.keep(&feature_hash, space, classification_hash, None);
            }
        }
        true
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

    /// The space of the row's own labels, where an image has several layers.
    pub(super) fn root_layer(&self) -> Option<&Value> {
        self.document.get("spaces")?.get(ROOT_SPACE)
    }

    fn instance(&self, hash: &str) -> Result<ClassificationInstance<'_>, LabelError> {
        let instance = self.classification(hash);
        instance.ok_or_else(|| self.not_in_row("a classification", hash))
    }

    /// The ontology's feature of a classification that is to be answered or placed.
    fn answerable_classification<'o>(
        &self,
        ontology: &'o Ontology,
        hash: &str,
    ) -> Result<&'o OntologyClassification, LabelError> {
        let feature_hash = self.instance(hash)?.feature_hash();
        ontology.classification(feature_hash).ok_or_else(|| {
            LabelError::InvalidArgument(format!(
                "expected a classification of a feature that the ontology has, found `{hash}` of the \
                 feature `{feature_hash}`, which is not in it"
            ))
        })
    }

    /// The space that a classification is in; none if it is on the row itself.
    fn only_place(&self, hash: &str) -> Result<Option<&str>, LabelError> {
        let instance = self.instance(hash)?;
        match instance.spaces().as_slice() {
            [] => Ok(None),
            [space] => Ok(Some(*space)),
            several => Err(LabelError::InvalidArgument(format!(
                "expected a classification in one space, found `{hash}` in several: {}\n\
                 help: use the function of the space that is meant",
                listed(several.iter().copied())
            ))),
        }
    }

    fn classification_list(&self, hash: &str) -> &[Value] {
        let entries = self.document.get("classification_answers");
        let entry = entries.and_then(|entries| entries.get(hash));
        answering::list(entry.and_then(|entry| entry.get("classifications")))
    }

    fn set_classification_list(&mut self, hash: &str, list: Vec<Value>) {
        if list == self.classification_list(hash) {
            return;
        }
        let (document, _) = self.classifying_mut();
        let entry = section(document, "classification_answers").get_mut(hash);
        if let Some(Value::Object(entry)) = entry {
            entry.insert("classifications".to_owned(), Value::Array(list));
        }
    }

    /// The order of the answers of a classification.
    fn order_of(&self, hash: &str) -> Order {
        let instance = self.classification(hash);
        let spaces = instance.map(|instance| instance.spaces());
        let first = spaces.and_then(|spaces| spaces.first().copied());
        let place = first.and_then(|space| self.place(Some(space)).ok());
        place.map_or(Order::DeepestFirst, |place| place.order())
    }

    fn set_on_classification(
        &mut self,
        hash: &str,
        key: &str,
        value: Value,
        is_set: impl Fn(&Value) -> bool,
    ) -> Result<(), LabelError> {
        if self.classification(hash).is_none() {
            return Err(self.not_in_row("a classification", hash));
        }
        let entries = self.document.get("classification_answers");
        let entry = entries.and_then(|entries| entries.get(hash));
        if entry.is_none_or(is_set) {
            return Ok(());
        }
        let (document, _) = self.classifying_mut();
        let entry = section(document, "classification_answers").get_mut(hash);
        if let Some(Value::Object(entry)) = entry {
            entry.insert(key.to_owned(), value);
        }
        Ok(())
    }
}

/// An attribute behind the root one can be required. It is to be answered with it, since nothing would
/// tell later that it is not.
fn refuse_missing(
    questions: &Questions<'_>,
    classification: &OntologyClassification,
    list: &[Value],
) -> Result<(), LabelError> {
    let missing = questions.missing(list);
    if missing.is_empty() {
        return Ok(());
    }
    Err(LabelError::InvalidArgument(format!(
        "expected an answer to each required attribute of `{}`, found none to {}\n\
         help: give the answers to the root attribute and to those that it asks in one call",
        classification.title,
        missing.join(", ")
    )))
}

/// Writes where in a place a classification still is; none takes it out of the place.
fn remove_from(entry: &mut Value, space: &str, rest: Option<&[FrameRange]>) {
    if space == ROOT_SPACE {
        let rest = frames::to_json(rest.unwrap_or_default());
        if let Some(entry) = entry.as_object_mut() {
            entry.insert("range".to_owned(), rest);
        }
        return;
    }
    let Some(Value::Object(spaces)) = entry.get_mut("spaces") else {
        return;
    };
    let Some(rest) = rest else {
        spaces.shift_remove(space);
        return;
    };
    if let Some(Value::Object(place)) = spaces.get_mut(space) {
        place.insert("range".to_owned(), frames::to_json(rest));
    }
}

/// Older rows list the classifications of a frame beside its objects. One that is not there any more is
/// not listed either.
fn forget_on_frames(document: &mut Value, hash: &str, ranges: &[FrameRange]) {
    let Some(Value::Object(units)) = document.get_mut("data_units") else {
        return;
    };
    let forget = |list: &mut Value| {
        if let Some(Value::Array(classifications)) = list.get_mut("classifications") {
            classifications.retain(|listed| {
                listed.get("classificationHash").and_then(Value::as_str) != Some(hash)
            });
        }
    };
    for unit in units.values_mut() {
        let frame = sequence(unit);
        let Some(labels) = unit.get_mut("labels") else {
            continue;
        };
        if labels.get("classifications").is_some_and(Value::is_array) {
            if ranges.is_empty() || ranges.iter().any(|range| range.contains(frame)) {
                forget(labels);
            }
            continue;
        }
        let Some(labels) = labels.as_object_mut() else {
            continue;
        };
        for range in ranges {
            // Whichever is less: the frames of the range, or those that have labels.
            if u64::from(range.end - range.start) < labels.len() as u64 {
                for frame in range.start..=range.end {
                    if let Some(list) = labels.get_mut(&frame.to_string()) {
                        forget(list);
                    }
                }
                continue;
            }
            for (key, list) in labels.iter_mut() {
                if key.parse().is_ok_and(|frame| range.contains(frame)) {
                    forget(list);
                }
            }
        }
    }
}
