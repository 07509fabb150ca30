//! Replacing the whole document of a row by another, after checking what is new in it.
//!
//! What stands in the row already is not questioned: the web editor and other programs write what is not
//! accepted here, and an agent that leaves it alone is not to be blamed for it. Everything else has to be
//! something that the functions for edits would have accepted.

mod answered;
mod classified;
mod drawn;

use std::sync::Arc;

use serde_json::Value;

use super::error::LabelError;
use super::frames::{self, FrameRange};
use super::index::members;
use super::ontology::kind_of;
use super::row::LabelRow;
use super::time;

/// Of a text, so many characters are shown in a message.
const MOST_SHOWN: usize = 80;
/// What a row keeps its labels in. The other keys that it has are Encord's, and stay as they are.
const OF_LABELS: [&str; 5] = [
    "data_units",
    "spaces",
    "object_answers",
    "object_actions",
    "classification_answers",
];
/// The sections that a row has. A document without one would be taken for a row that lost its labels.
const SECTIONS: [&str; 4] = [
    "data_units",
    "object_answers",
    "object_actions",
    "classification_answers",
];

impl LabelRow {
    /// Replaces the whole row by a document as [`Self::to_document`] gives it. Keys that are not known
    /// stay as they are.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if it is no label row, if it is that of another row, if a data unit
    /// or a space is not what it was but for its labels, or if something in it could not have been added by
    /// the functions for edits, unless it stands in the row already. The message has the place.
    pub fn set_document(&mut self, document: Value) -> Result<(), LabelError> {
        if document == *self.document {
            return Ok(());
        }
        self.check_identity(&document)?;
        let mut new = self.clone();
        new.replace_document(Arc::new(document));
        Check {
            old: [&self.document, self.original()],
            row: self,
            new: &new,
        }
        .everything()?;
        *self = new;
        Ok(())
    }

    fn check_identity(&self, document: &Value) -> Result<(), LabelError> {
        if !document.is_object() {
            return Err(wrong("an object as the label row", Some(document)));
        }
        for section in SECTIONS {
            let (old, new) = (self.document.get(section), document.get(section));
            if !new.is_some_and(Value::is_object) && !is_same(old, new) {
                return Err(wrong(&format!("an object at `{section}`"), new));
            }
        }
        if let Some(spaces) = document.get("spaces").filter(|spaces| !spaces.is_object())
            && !is_same(self.document.get("spaces"), Some(spaces))
        {
            return Err(wrong("an object at `spaces`", Some(spaces)));
        }
        let keys = self
            .document
            .as_object()
            .into_iter()
            .flat_map(|own| own.keys());
        for key in keys.filter(|key| !OF_LABELS.contains(&key.as_str())) {
            let (old, new) = (self.document.get(key), document.get(key));
            if !is_same(old, new) {
                return Err(wrong(&format!("{} at `{key}`", shown(old)), new));
            }
        }
        for section in ["data_units", "spaces"] {
            let new = document.get(section);
            for (id, unit) in members(&self.document, section) {
                let place = format!("{section}.{id}");
                let Some(Value::Object(other)) = new.and_then(|new| new.get(id)) else {
                    let found = new.and_then(|new| new.get(id));
                    return Err(wrong(&format!("the row's own part at `{place}`"), found));
                };
                let own = unit.as_object().into_iter().flatten();
                for (key, value) in own.filter(|(key, _)| *key != "labels") {
                    if !is_same(other.get(key), Some(value)) {
                        let expected = format!("{} at `{place}.{key}`", shown(Some(value)));
                        return Err(wrong(&expected, other.get(key)));
                    }
                }
            }
            let has = |id: &str| {
                self.document
                    .get(section)
                    .is_some_and(|old| old.get(id).is_some())
            };
            if let Some((id, part)) = members(document, section).find(|(id, _)| !has(id)) {
                return Err(wrong(&format!("nothing at `{section}.{id}`"), Some(part)));
            }
        }
        Ok(())
    }
}

struct Check<'a> {
    row: &'a LabelRow,
    /// With the edits so far, and as it was read.
    old: [&'a Value; 2],
    new: &'a LabelRow,
}

impl<'a> Check<'a> {
    fn everything(&self) -> Result<(), LabelError> {
        self.drawn()?;
        self.object_answers()?;
        self.object_actions()?;
        self.classifications()
    }

    /// What may be said of anything: how sure its author is, whether that is a person, and when it was.
    fn statements(&self, json: &Value, place: &str) -> Result<(), LabelError> {
        for key in ["createdAt", "lastEditedAt"] {
            match json.get(key) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) if time::rfc3339(text).is_some() => {}
                other => return Err(wrong(&format!("a time at `{place}.{key}`"), other)),
            }
        }
        for key in ["createdBy", "lastEditedBy"] {
            if let Some(other) = json.get(key).filter(|by| !by.is_null() && !by.is_string()) {
                return Err(wrong(&format!("text at `{place}.{key}`"), Some(other)));
            }
        }
        if let Some(confidence) = json.get("confidence") {
            let number = confidence.as_f64();
            if !number.is_some_and(|number| (0.0..=1.0).contains(&number)) {
                let expected = format!("a number from 0 to 1 at `{place}.confidence`");
                return Err(wrong(&expected, Some(confidence)));
            }
        }
        match json.get("manualAnnotation") {
            None | Some(Value::Bool(_)) => Ok(()),
            other => Err(wrong(
                &format!("true or false at `{place}.manualAnnotation`"),
                other,
            )),
        }
    }

    /// An entry of a section of the row as it is, and as it was read.
    fn old_entry(&self, section: &str, hash: &str) -> Vec<&'a Value> {
        let entries = self.old.into_iter().map(|old| old.get(section)?.get(hash));
        entries.flatten().collect()
    }

    /// True if an entry stands in the row.
    fn stood(&self, entry: &Value, old: &[&Value]) -> bool {
        old.iter().any(|old| same(old, entry))
    }

    fn same_hash(
        &self,
        entry: &Value,
        key: &str,
        hash: &str,
        place: &str,
    ) -> Result<(), LabelError> {
        if entry.get(key).and_then(Value::as_str) == Some(hash) {
            return Ok(());
        }
        Err(wrong(
            &format!("`{hash}` at `{place}.{key}`"),
            entry.get(key),
        ))
    }

    fn unchanged(
        &self,
        entry: &Value,
        old: &[&Value],
        key: &str,
        place: &str,
    ) -> Result<(), LabelError> {
        if old.iter().any(|old| is_same(old.get(key), entry.get(key))) {
            return Ok(());
        }
        Err(LabelError::InvalidArgument(format!(
            "expected no new answers of a feature that the ontology does not have, found some, at \
             `{place}.{key}`"
        )))
    }
}

/// `[[0, 9], [20, 29]]`, read strictly. Numbers beyond 32 bits (nanoseconds) become the largest.
fn read_ranges(json: &Value, place: &str) -> Result<Vec<FrameRange>, LabelError> {
    let Value::Array(pairs) = json else {
        return Err(wrong(&format!("a list of ranges at `{place}`"), Some(json)));
    };
    for (position, pair) in pairs.iter().enumerate() {
        let number = |at: usize| pair.get(at).and_then(Value::as_u64);
        let is_pair = pair.as_array().is_some_and(|pair| pair.len() == 2);
        match (number(0), number(1)) {
            (Some(start), Some(end)) if is_pair && start <= end => {}
            _ => {
                return Err(LabelError::InvalidArgument(format!(
                    "expected two whole numbers, the second not less than the first, found {pair}, at \
                     `{place}[{position}]`"
                )));
            }
        }
    }
    Ok(frames::from_json(Some(json)))
}

fn required<'v>(json: &'v Value, key: &str, place: &str) -> Result<&'v str, LabelError> {
    match json.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        other => Err(wrong(&format!("text at `{place}.{key}`"), other)),
    }
}

/// True if two values mean the same: numbers are compared as numbers, since languages differ in whether they
/// write `1` or `1.0`.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64().is_some_and(|one| other.as_f64() == Some(one))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_in = |(key, value)| other.get(key).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(is_in)
        }
        _ => one == other,
    }
}

fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => same(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// An error with the place in the document, at the end of its sentence.
fn at(place: &str, error: LabelError) -> LabelError {
    let message = error.to_string();
    let (sentence, help) = match message.split_once('\n') {
        Some((sentence, help)) => (sentence, format!("\n{help}")),
        None => (message.as_str(), String::new()),
    };
    LabelError::InvalidArgument(format!("{sentence}, at `{place}`{help}"))
}

fn wrong(expected: &str, found: Option<&Value>) -> LabelError {
    LabelError::InvalidArgument(format!("expected {expected}, found {}", shown(found)))
}

/// What was found: numbers and short texts themselves, of others what they are.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) if text.chars().count() <= MOST_SHOWN => format!("`{text}`"),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => format!("`{value}`"),
        Some(other) => kind_of(other).to_owned(),
    }
}
