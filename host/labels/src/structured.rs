//! Answers of a language model in the schema of `schema`, read and put into a row.
//!
//! They are read as strictly as the schema is: what lacks and what is too much is an error that names its
//! place. Two things are taken although the schema does not have them: Markdown's code fences, into which
//! models like to put JSON, and the absence of `title`, for which prompts of the peer do not ask.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::{LabelError, listed};
use super::form::{Branch, CHOICE, Choice, Form, HASH, Kind, Question, TITLE, VALUE};
use super::frames::FrameRange;
use super::geometry::Geometry;
use super::given::{AttributeAnswer, GivenAnswer};
use super::ontology::{Ontology, kind_of};
use super::row::LabelRow;

/// Of a text in an answer, so many characters are shown in a message.
const MOST_SHOWN: usize = 80;

/// A feature hash with the answers to the attributes of its feature, each by feature hash.
type Answered = (String, Vec<AttributeAnswer>);

impl Ontology {
    /// The classifications of an answer, in the order of `features`.
    fn classifications_in(
        &self,
        features: &[String],
        answer: &str,
    ) -> Result<Vec<Answered>, LabelError> {
        let Form::Classifications(asked) = self.form(features)? else {
            return Err(LabelError::InvalidArgument(format!(
                "expected classifications of the ontology, found the objects {}",
                listed(features.iter().map(String::as_str))
            )));
        };
        let json = parse(answer)?;
        let keys = asked.iter().map(|(_, question)| question.key.as_str());
        let members = closed(&json, "", keys, None)?;
        let classification = |(classification, question): &(&super::OntologyClassification, _)| {
            let mut answers = Vec::new();
            attribute(members, "", question, &mut answers)?;
            Ok((classification.feature_hash.clone(), answers))
        };
        asked.iter().map(classification).collect()
    }

    /// The object that an answer chooses.
    fn object_in(&self, features: &[String], answer: &str) -> Result<Answered, LabelError> {
        let Form::Objects(objects) = self.form(features)? else {
            return Err(LabelError::InvalidArgument(format!(
                "expected objects of the ontology, found the classifications {}",
                listed(features.iter().map(String::as_str))
            )));
        };
        let json = parse(answer)?;
        let members = closed(&json, "", [CHOICE].into_iter(), None)?;
        let mut answers = Vec::new();
        let branch = chosen(members, "", &objects, &mut answers)?;
        Ok((branch.feature_hash.to_owned(), answers))
    }
}

impl LabelRow {
    /// Adds classifications from an answer to the schema that [`Ontology::json_schema`] gives for the same
    /// features, and returns their hashes in the order of `features`. `frames` as in
    /// [`Self::add_classification`], for those that are not global. Nothing is added unless all can be.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if the text is no JSON, or not in the schema, with the place in it;
    /// otherwise as [`Self::add_classification`].
    pub fn add_classifications_from_json(
        &mut self,
        features: &[String],
        answer: &str,
        frames: Option<&[FrameRange]>,
    ) -> Result<Vec<String>, LabelError> {
        let ontology = Arc::clone(&self.ontology);
        let answered = ontology.classifications_in(features, answer)?;
        let mut hashes = Vec::with_capacity(answered.len());
        for (feature_hash, answers) in answered {
            let global = ontology
                .classification(&feature_hash)
                .is_some_and(|classification| classification.global);
            let frames = frames.filter(|_| !global);
            match self.add_classification(&feature_hash, &answers, frames, None) {
                Ok(hash) => hashes.push(hash),
                Err(error) => {
                    for hash in &hashes {
                        self.remove_classification(hash);
                    }
                    return Err(error);
                }
            }
        }
        Ok(hashes)
    }

    /// Adds an object of the feature that an answer to the schema of the same features has chosen, with
    /// the answers to its attributes, drawn as `geometry` on each of the frames, and returns its hash.
    ///
    /// # Errors
    /// As [`Self::add_classifications_from_json`] and [`Self::add_object`].
    pub fn add_object_from_json(
        &mut self,
        features: &[String],
        answer: &str,
        geometry: &Geometry,
        frames: &[FrameRange],
    ) -> Result<String, LabelError> {
        let ontology = Arc::clone(&self.ontology);
        let (feature_hash, answers) = ontology.object_in(features, answer)?;
        let hash = self.add_object(&feature_hash, geometry, frames, None)?;
        if let Err(error) = self.set_object_answers(&hash, &answers, None) {
            self.remove_object(&hash);
            return Err(error);
        }
        Ok(hash)
    }
}

/// The JSON of an answer, out of its code fence if it is in one.
fn parse(answer: &str) -> Result<Value, LabelError> {
    let text = unfenced(answer.trim());
    serde_json::from_str(text).map_err(|error| {
        LabelError::InvalidArgument(format!(
            "expected an answer in JSON, found `{}`: {error}",
            shown(text)
        ))
    })
}

/// What stands between ```` ```json ```` and ```` ``` ````; the text itself without them.
fn unfenced(text: &str) -> &str {
    let inner = text
        .strip_prefix("```")
        .and_then(|rest| rest.strip_suffix("```"))
        .and_then(|rest| rest.split_once('\n'));
    match inner {
        // The rest of the first line is the name of the language.
        Some((language, inner)) if language.trim().chars().all(char::is_alphanumeric) => inner,
        _ => text,
    }
}

/// The members of an object that has all of `keys`, and nothing else but `optional`.
fn closed<'v, 'k>(
    json: &'v Value,
    place: &str,
    keys: impl Iterator<Item = &'k str> + Clone,
    optional: Option<&str>,
) -> Result<&'v Map<String, Value>, LabelError> {
    let Value::Object(members) = json else {
        return Err(wrong(place, "an object", json));
    };
    if let Some(missing) = keys.clone().find(|key| !members.contains_key(*key)) {
        return Err(LabelError::InvalidArgument(format!(
            "expected an answer at `{}`, found nothing there; {} has {}",
            at(place, missing),
            named(place),
            listed(members.keys().map(String::as_str))
        )));
    }
    let is_known = |key: &str| keys.clone().any(|known| known == key) || optional == Some(key);
    if let Some((extra, value)) = members.iter().find(|(key, _)| !is_known(key)) {
        return Err(LabelError::InvalidArgument(format!(
            "expected nothing at `{}`, found {}; what is asked of {} is {}",
            at(place, extra),
            found(value),
            named(place),
            listed(keys)
        )));
    }
    Ok(members)
}

/// Reads the answer to an attribute, and those to the attributes behind what it chooses.
fn attribute(
    members: &Map<String, Value>,
    place: &str,
    question: &Question<'_>,
    answers: &mut Vec<AttributeAnswer>,
) -> Result<(), LabelError> {
    let place = at(place, &question.key);
    let json = member(members, &question.key);
    let mut nested = Vec::new();
    let value = match &question.kind {
        Kind::Text => {
            let members = answered(json, &place, question, [VALUE].into_iter())?;
            match member(members, VALUE) {
                Value::String(text) => GivenAnswer::Text(text.clone()),
                other => return Err(wrong(&at(&place, VALUE), "text", other)),
            }
        }
        Kind::Number => {
            let members = answered(json, &place, question, [VALUE].into_iter())?;
            let value = member(members, VALUE);
            match value.as_f64() {
                Some(number) => GivenAnswer::Number(number),
                None => return Err(wrong(&at(&place, VALUE), "a number", value)),
            }
        }
        Kind::Checklist(options) => {
            let keys = options.iter().map(|(key, _)| key.as_str());
            let members = answered(json, &place, question, keys)?;
            let mut ticked = Vec::new();
            for (key, option) in options {
                match member(members, key) {
                    Value::Bool(true) => ticked.push(option.feature_hash.clone()),
                    Value::Bool(false) => {}
                    other => return Err(wrong(&at(&place, key), "true or false", other)),
                }
            }
            GivenAnswer::Options(ticked)
        }
        Kind::Radio(options) => {
            let members = answered(json, &place, question, [CHOICE].into_iter())?;
            let option = chosen(members, &place, options, &mut nested)?;
            GivenAnswer::Options(vec![option.feature_hash.to_owned()])
        }
    };
    answers.push(AttributeAnswer {
        attribute: Some(question.attribute.feature_hash.clone()),
        value,
    });
    answers.append(&mut nested);
    Ok(())
}

/// The members of an answer to an attribute, which repeats the attribute's feature hash.
fn answered<'v, 'k>(
    json: &'v Value,
    place: &str,
    question: &Question<'_>,
    keys: impl Iterator<Item = &'k str> + Clone,
) -> Result<&'v Map<String, Value>, LabelError> {
    let members = closed(json, place, [HASH].into_iter().chain(keys), None)?;
    repeated(members, place, HASH, &question.attribute.feature_hash)?;
    Ok(members)
}

/// What is chosen at `choice`, and the answers to its attributes.
fn chosen<'f, 'a>(
    members: &Map<String, Value>,
    place: &str,
    choice: &'f Choice<'a>,
    answers: &mut Vec<AttributeAnswer>,
) -> Result<&'f Branch<'a>, LabelError> {
    let place = at(place, CHOICE);
    let json = member(members, CHOICE);
    let branches = &choice.branches;
    if choice.flat {
        let names = || listed(branches.iter().map(|branch| branch.name.as_str()));
        let is_it = |branch: &&Branch<'_>| json.as_str() == Some(&branch.name);
        let branch = branches.iter().find(is_it);
        return branch.ok_or_else(|| wrong(&place, &format!("one of {}", names()), json));
    }
    let Value::Object(members) = json else {
        return Err(wrong(&place, "an object", json));
    };
    let hash = members.get(HASH).unwrap_or(&Value::Null);
    let is_it = |branch: &&Branch<'_>| hash.as_str() == Some(branch.feature_hash);
    let branch = branches.iter().find(is_it).ok_or_else(|| {
        let hashes = branches.iter().map(|branch| branch.feature_hash);
        wrong(
            &at(&place, HASH),
            &format!("one of {}", listed(hashes)),
            hash,
        )
    })?;
    let keys = branch
        .questions
        .iter()
        .map(|question| question.key.as_str());
    let optional = branch.title.as_ref().map(|_| TITLE);
    closed(json, &place, [HASH].into_iter().chain(keys), optional)?;
    if let Some(title) = branch
        .title
        .as_deref()
        .filter(|_| members.contains_key(TITLE))
    {
        repeated(members, &place, TITLE, title)?;
    }
    for question in &branch.questions {
        attribute(members, &place, question, answers)?;
    }
    Ok(branch)
}

/// Checks a constant that the answer repeats.
fn repeated(
    members: &Map<String, Value>,
    place: &str,
    key: &str,
    constant: &str,
) -> Result<(), LabelError> {
    let value = member(members, key);
    if value.as_str() == Some(constant) {
        return Ok(());
    }
    Err(wrong(&at(place, key), &format!("`{constant}`"), value))
}

/// A member that is known to be there.
fn member<'v>(members: &'v Map<String, Value>, key: &str) -> &'v Value {
    members.get(key).unwrap_or(&Value::Null)
}

fn at(place: &str, key: &str) -> String {
    if place.is_empty() {
        key.to_owned()
    } else {
        format!("{place}.{key}")
    }
}

fn named(place: &str) -> String {
    if place.is_empty() {
        "the answer".to_owned()
    } else {
        format!("`{place}`")
    }
}

fn wrong(place: &str, expected: &str, value: &Value) -> LabelError {
    let place = if place.is_empty() {
        "as the answer".to_owned()
    } else {
        format!("at `{place}`")
    };
    LabelError::InvalidArgument(format!(
        "expected {expected} {place}, found {}",
        found(value)
    ))
}

/// What was found: texts and numbers themselves, of others what they are.
fn found(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => format!("`{}`", shown(text)),
        Value::Number(_) | Value::Bool(_) => format!("`{value}`"),
        other => kind_of(other).to_owned(),
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
