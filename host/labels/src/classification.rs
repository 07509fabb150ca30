//! Classifications of a label row, to read.

use serde_json::Value;

use super::answers::{self, Answer};
use super::error::LabelError;
use super::frames::{self, FrameRange};
use super::index::members;
use super::object::{confidence, moment, text};
use super::ontology::OntologyClassification;
use super::row::LabelRow;

/// The space of what belongs to the row itself, where a row has spaces.
pub(super) const ROOT_SPACE: &str = "root";

/// One classification: the weather on frames 0 to 9.
#[derive(Debug, Clone, Copy)]
pub struct ClassificationInstance<'a> {
    row: &'a LabelRow,
    hash: &'a str,
    entry: &'a Value,
}

/// An entry of `classification_answers`, unless it is the remains of a deleted one: without a feature
/// hash, or on no frame although it needs one.
pub(super) fn instance<'a>(
    row: &'a LabelRow,
    hash: &'a str,
    entry: &'a Value,
) -> Option<ClassificationInstance<'a>> {
    let feature_hash = entry.get("featureHash")?.as_str()?;
    let instance = ClassificationInstance { row, hash, entry };
    let global = match row.ontology.classification(feature_hash) {
        Some(classification) => classification.global,
        // What the ontology no longer has is shown as it stands.
        None => true,
    };
    let placed =
        global || row.is_range_data() || is_in_spaces(entry) || !instance.frames().is_empty();
    (!feature_hash.is_empty() && placed).then_some(instance)
}

impl LabelRow {
    /// The classifications of one feature, in the order in which the row lists them. `feature` is a feature
    /// hash or an exact title.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if the ontology has no such classification, or several of the title.
    pub fn classifications_of(
        &self,
        feature: &str,
    ) -> Result<Vec<ClassificationInstance<'_>>, LabelError> {
        let feature_hash = &self.ontology.classification_to_read(feature)?.feature_hash;
        let all = self.classifications();
        Ok(all
            .filter(|classification| classification.feature_hash() == feature_hash)
            .collect())
    }

    /// The classifications that hold on a frame, in the order in which the row lists them. Global ones are
    /// among them; in rows with several spaces, those that are on that frame of any.
    pub fn classifications_on(&self, frame: u32) -> Vec<ClassificationInstance<'_>> {
        let all = self.classifications();
        all.filter(|classification| classification.is_on(frame))
            .collect()
    }
}

impl<'a> ClassificationInstance<'a> {
    /// 8 characters, unique in the row.
    pub fn classification_hash(&self) -> &'a str {
        self.hash
    }

    /// Of its ontology classification.
    pub fn feature_hash(&self) -> &'a str {
        let hash = self.entry.get("featureHash").and_then(Value::as_str);
        hash.unwrap_or_default()
    }

    /// The title of its ontology classification. If the ontology no longer has it, the name of the
    /// attribute that was answered.
    pub fn title(&self) -> &'a str {
        if let Some(classification) = self.ontology_classification() {
            return &classification.title;
        }
        // The root attribute stands last.
        let answers = self.entry.get("classifications").and_then(Value::as_array);
        let root = answers.and_then(|answers| answers.last());
        let name = root.and_then(|root| root.get("name")?.as_str());
        name.unwrap_or_default()
    }

    /// Where it holds, in ascending order, neighbours merged. Empty for a global one, and for one that
    /// holds for the whole of a space without frames. In rows with several spaces, those of all its spaces
    /// together.
    pub fn frames(&self) -> Vec<FrameRange> {
        let mut ranges = frames::from_json(self.entry.get("range"));
        let spaces = places(self.entry);
        ranges.extend(spaces.flat_map(|(_, placed)| frames::from_json(placed.get("range"))));
        frames::merged(ranges)
    }

    /// In rows with several spaces, the spaces that it is in.
    pub fn spaces(&self) -> Vec<&'a str> {
        let on_root = self.row.root_layer().is_some() && self.is_on_row();
        let root = on_root.then_some(ROOT_SPACE);
        let spaces = places(self.entry).map(|(space, _)| space.as_str());
        root.into_iter().chain(spaces).collect()
    }

    /// Where it holds in a space, as [`Self::frames`]; empty if it is not in it.
    pub fn frames_in(&self, space: &str) -> Vec<FrameRange> {
        if space == ROOT_SPACE {
            return frames::from_json(self.entry.get("range"));
        }
        let mut places = places(self.entry);
        let place = places.find(|(id, _)| *id == space);
        frames::from_json(place.and_then(|(_, place)| place.get("range")))
    }

    /// True if it is on the row itself, or on its root layer.
    pub(super) fn is_on_row(&self) -> bool {
        let own = frames::from_json(self.entry.get("range"));
        !own.is_empty() || !is_in_spaces(self.entry)
    }

    /// True if it is in a space; [`ROOT_SPACE`] is the row itself.
    pub(super) fn is_in(&self, space: &str) -> bool {
        let mut places = places(self.entry);
        (space == ROOT_SPACE && self.is_on_row()) || places.any(|(id, _)| id == space)
    }

    /// True if it holds on a frame of the row, or of one of its spaces.
    fn is_on(&self, frame: u32) -> bool {
        let mut spaces = self.spaces().into_iter();
        let frames = self.frames();
        let whole = |space: &str| self.frames_in(space).is_empty();
        frames.is_empty() || frames.iter().any(|range| range.contains(frame)) || spaces.any(whole)
    }

    /// The answers to its attributes.
    pub fn answers(&self) -> Vec<Answer> {
        answers::read(self.entry.get("classifications"), &self.row.ontology)
    }

    /// From 0 to 1.
    pub fn confidence(&self) -> f64 {
        confidence(self.entry)
    }

    /// True if a person made it.
    pub fn manual_annotation(&self) -> bool {
        answers::manual_annotation(self.entry)
    }

    /// RFC 3339 in UTC.
    pub fn created_at(&self) -> Option<String> {
        moment(self.entry, "createdAt")
    }

    /// E-mail address. Absent in what was added since the row was read.
    pub fn created_by(&self) -> Option<String> {
        text(self.entry, "createdBy")
    }

    /// RFC 3339 in UTC.
    pub fn last_edited_at(&self) -> Option<String> {
        moment(self.entry, "lastEditedAt")
    }

    /// E-mail address.
    pub fn last_edited_by(&self) -> Option<String> {
        text(self.entry, "lastEditedBy")
    }

    /// Its entry of `classification_answers`, as JSON text.
    pub fn to_json(&self) -> String {
        self.entry.to_string()
    }

    /// The ontology classification that it is an instance of, unless the ontology no longer has it.
    pub fn ontology_classification(&self) -> Option<&'a OntologyClassification> {
        self.row.ontology.classification(self.feature_hash())
    }
}

/// True if a space other than the row itself has the classification.
pub(super) fn is_in_spaces(entry: &Value) -> bool {
    places(entry).next().is_some()
}

/// The spaces that have a classification, and where in them it holds. What is on the root layer stands
/// beside them; a space of that name says nothing.
pub(super) fn places(entry: &Value) -> impl Iterator<Item = (&String, &Value)> {
    members(entry, "spaces").filter(|(space, _)| *space != ROOT_SPACE)
}
