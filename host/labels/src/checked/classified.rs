//! Classifications of a document that is to be set.

use serde_json::Value;

use super::{Check, at, is_same, read_ranges, required};
use crate::answering;
use crate::classification::{ROOT_SPACE, is_in_spaces, places};
use crate::error::LabelError;
use crate::frames;
use crate::frames::FrameRange;
use crate::index::members;
use crate::ontology::OntologyClassification;
use crate::placed::Placed;
use crate::questions::Questions;

impl Check<'_> {
    pub(super) fn classifications(&self) -> Result<(), LabelError> {
        let new = self.new;
        // Where classifications hold that are not questioned: what is new must hold somewhere else.
        let (mut held, mut fresh) = (Placed::default(), Vec::new());
        for (hash, entry) in members(&new.document, "classification_answers") {
            let old = self.old_entry("classification_answers", hash);
            let stays = old.iter().any(|old| is_where(old, entry));
            if stays {
                held.add_entry(hash, entry);
            }
            if !self.stood(entry, &old) {
                fresh.push((hash, entry, stays));
            }
        }
        for (hash, entry, stays) in fresh {
            let place = format!("classification_answers.{hash}");
            let old = self.old_entry("classification_answers", hash);
            self.same_hash(entry, "classificationHash", hash, &place)?;
            if new.object(hash).is_some() {
                return Err(LabelError::InvalidArgument(format!(
                    "expected a hash that no object has, found `{hash}`, at `{place}`"
                )));
            }
            self.statements(entry, &place)?;
            let feature_hash = required(entry, "featureHash", &place)?;
            let Some(class) = new.ontology.classification(feature_hash) else {
                return Err(LabelError::InvalidArgument(format!(
                    "expected the feature hash of a classification of the ontology, found \
                     `{feature_hash}`, at `{place}.featureHash`"
                )));
            };
            let same_feature =
                |old: &&Value| is_same(old.get("featureHash"), entry.get("featureHash"));
            if class.archived && !old.iter().any(same_feature) {
                return Err(LabelError::InvalidArgument(format!(
                    "expected a classification of the ontology that is in use, found `{}`, which is \
                     archived, at `{place}.featureHash`",
                    class.title
                )));
            }
            if !old.is_empty() && !old.iter().any(same_feature) {
                return Err(LabelError::InvalidArgument(format!(
                    "expected the feature that `{hash}` has in the row, found `{feature_hash}`, at \
                     `{place}.featureHash`"
                )));
            }
            let questions = Questions::of_classification(class);
            self.answers(&questions, entry, &old, &place)?;
            let answers = answering::list(entry.get("classifications"));
            let root = class.attribute.feature_hash.as_str();
            let is_root =
                |answer: &Value| answer.get("featureHash").and_then(Value::as_str) == Some(root);
            if !answers.iter().any(is_root) {
                return Err(LabelError::InvalidArgument(format!(
                    "expected an answer to `{}`, the root attribute, found none, at \
                     `{place}.classifications`",
                    class.title
                )));
            }
            let missing = questions.missing(answers);
            if old.is_empty() && !missing.is_empty() {
                return Err(LabelError::InvalidArgument(format!(
                    "expected an answer to each required attribute of `{}`, found none to {}, at \
                     `{place}.classifications`",
                    class.title,
                    missing.join(", ")
                )));
            }
            if !stays {
                self.placed(entry, class, &held, &place)?;
                held.add_entry(hash, entry);
            }
        }
        Ok(())
    }

    /// Where a classification holds: the frames exist, and no other of its feature holds there.
    fn placed(
        &self,
        entry: &Value,
        class: &OntologyClassification,
        held: &Placed,
        place: &str,
    ) -> Result<(), LabelError> {
        let mut all: Vec<(String, &str, &Value)> = Vec::new();
        let own = entry.get("range").unwrap_or(&Value::Null);
        if !frames::from_json(Some(own)).is_empty() || !is_in_spaces(entry) {
            all.push((format!("{place}.range"), ROOT_SPACE, own));
        }
        for (id, json) in places(entry) {
            let ranges = json.get("range").unwrap_or(&Value::Null);
            all.push((format!("{place}.spaces.{id}.range"), id, ranges));
        }
        for (place, space, json) in all {
            let mut ranges = read_ranges(json, &place)?;
            if class.global && ranges == [FrameRange::single(0)] {
                // What the Python SDK writes for a global one that was put on frames.
                ranges.clear();
            }
            let of_row = space == ROOT_SPACE;
            let target = self.new.place((!of_row).then_some(space));
            let target = target.map_err(|error| at(&place, error))?;
            let is_nowhere = ranges.is_empty() && !class.global && of_row;
            let asked = (!ranges.is_empty() || is_nowhere).then_some(ranges.as_slice());
            let frames = self.new.frames_of(class, asked, target);
            // Without frames it holds for the whole of a space, if that has none.
            if frames.map_err(|error| at(&place, error))? != ranges {
                return Err(LabelError::InvalidArgument(format!(
                    "expected at least one range of frames for `{}`, found an empty list, at `{place}`",
                    class.title
                )));
            }
            let feature_hash = &class.feature_hash;
            let taken = if ranges.is_empty() {
                let is_in = held.is_in(feature_hash, space);
                is_in.then(|| "everything".to_owned())
            } else {
                let common = held.common(feature_hash, space, &ranges);
                common.map(|range| format!("frames {range}"))
            };
            if let Some(taken) = taken {
                return Err(LabelError::InvalidArgument(format!(
                    "expected `{}` once on a frame, found that another holds on {taken}, at `{place}`",
                    class.title
                )));
            }
        }
        Ok(())
    }
}

/// True if a classification is where it was.
fn is_where(old: &Value, entry: &Value) -> bool {
    let same = |key: &str| is_same(old.get(key), entry.get(key));
    same("featureHash") && same("range") && same("spaces")
}
