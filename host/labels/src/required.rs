//! Which required attributes an attempt has left without an answer.

use serde_json::Value;

use super::index::members;
use super::questions::Questions;
use super::row::LabelRow;

impl LabelRow {
    /// The required attributes without an answer, of the objects and classifications that were added or
    /// answered since the row was read: a sentence for each of those. Attributes that are archived, that are
    /// dynamic, or that the answers so far do not ask are not needed. An empty text and a checklist without a
    /// tick are no answers.
    ///
    /// What stood in the row before and was not answered anew is not looked at, since the agent cannot know
    /// of it. Takes time in proportion to the number of objects and classifications.
    pub fn missing_answers(&self) -> Vec<String> {
        let objects = self.changed("object_answers");
        let objects = objects.filter_map(|(hash, entry)| {
            let object = self.object(hash)?;
            let questions = Questions::of_object(object.ontology_object()?);
            let missing = questions.missing(answers(entry));
            sentence("object", object.name(), hash, &missing)
        });
        let classifications = self.changed("classification_answers");
        let classifications = classifications.filter_map(|(hash, entry)| {
            let classification = self.classification(hash)?;
            let feature = classification.ontology_classification()?;
            let missing = Questions::of_classification(feature).missing(answers(entry));
            sentence("classification", &feature.title, hash, &missing)
        });
        objects.chain(classifications).collect()
    }

    /// The entries of a section whose answers are not what they were when the row was read.
    fn changed<'a>(
        &'a self,
        section: &'static str,
    ) -> impl Iterator<Item = (&'a String, &'a Value)> {
        let (original, now) = (self.original(), &*self.document);
        let before = original.get(section);
        // The document is shared until the first edit.
        let is_edited = !std::ptr::eq(original, now);
        let entries = members(now, section).filter(move |_| is_edited);
        entries.filter(move |(hash, entry)| {
            let earlier = before.and_then(|entries| entries.get(hash.as_str()));
            earlier.is_none_or(|earlier| answers(earlier) != answers(entry))
        })
    }
}

fn answers(entry: &Value) -> &[Value] {
    let answers = entry.get("classifications").and_then(Value::as_array);
    answers.map(Vec::as_slice).unwrap_or_default()
}

fn sentence(what: &str, name: &str, hash: &str, missing: &[String]) -> Option<String> {
    let missing = missing.join(", ");
    (!missing.is_empty()).then(|| {
        format!(
            "expected an answer to each required attribute of the {what} `{name}` (`{hash}`), found none to \
             {missing}"
        )
    })
}
