//! Classifications of a label row, to read.

use serde_json::Value;

use super::answers::{self, Answer};
use super::frames::{self, FrameRange};
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

    /// Where it holds, in ascending order, neighbours merged. Empty for a global one.
    pub fn frames(&self) -> Vec<FrameRange> {
        let own = frames::from_json(self.entry.get("range"));
        if !own.is_empty() {
            return own;
        }
        let spaces = self.entry.get("spaces").and_then(Value::as_object);
        let spaces = spaces.into_iter().flat_map(|spaces| spaces.values());
        let ranges = spaces.flat_map(|placed| frames::from_json(placed.get("range")));
        frames::merged(ranges.collect())
    }

    /// In rows with several spaces, the spaces that it is in.
    pub fn spaces(&self) -> Vec<&'a str> {
        let spaces = self.entry.get("spaces").and_then(Value::as_object);
        let spaces = spaces.into_iter().flat_map(|spaces| spaces.keys());
        spaces.map(String::as_str).collect()
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
    let spaces = entry.get("spaces").and_then(Value::as_object);
    spaces.is_some_and(|spaces| spaces.keys().any(|space| space != ROOT_SPACE))
}
