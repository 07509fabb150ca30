//! A JSON Schema of answers to features of the ontology, for a language model to answer in.
//!
//! It is written for the strict modes of the models' interfaces: every object is closed, all its properties are
//! required, and of several forms of an answer each has a constant of its own. The peer's schema (see
//! `form`) leaves objects open, which those modes refuse; has its parts in `$defs`, which says nothing more
//! and is longer; names the discriminator, which is not JSON Schema; and limits texts to 1,000 characters,
//! which Encord does not. It does not ask for `title`, which strict modes need: an answer may lack it here too.

use serde_json::{Map, Value, json};

use super::error::LabelError;
use super::form::{Branch, CHOICE, Choice, Form, HASH, Kind, Question, TITLE, VALUE};
use super::ontology::Ontology;

impl Ontology {
    /// A JSON Schema (draft 2020-12) of answers to features, by feature hash or exact name: of
    /// classifications an answer has one of each, of objects it chooses one.
    /// [`LabelRow::add_classifications_from_json`] and [`LabelRow::add_object_from_json`] take the answers.
    /// Dynamic and archived attributes are left out.
    ///
    /// [`LabelRow::add_classifications_from_json`]: super::LabelRow::add_classifications_from_json
    /// [`LabelRow::add_object_from_json`]: super::LabelRow::add_object_from_json
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if there are no features, if one is unknown, ambiguous, archived or
    /// cannot be answered, or if classifications and objects are mixed.
    pub fn json_schema(&self, features: &[String]) -> Result<Value, LabelError> {
        let body = match self.form(features)? {
            Form::Classifications(asked) => {
                let properties = asked.iter().map(|(_, question)| keyed(question));
                object("Classifications", None, properties)
            }
            Form::Objects(objects) => {
                let described = "The kind of object that it is: exactly one of these.";
                let choice = (CHOICE.to_owned(), choice(&objects, described));
                object("Object", None, [choice])
            }
        };
        let mut schema = Map::new();
        let draft = "https://json-schema.org/draft/2020-12/schema";
        schema.insert("$schema".to_owned(), Value::from(draft));
        schema.extend(body);
        Ok(Value::Object(schema))
    }
}

fn keyed(question: &Question<'_>) -> (String, Value) {
    (question.key.clone(), Value::Object(answer(question)))
}

/// The answer to an attribute.
fn answer(question: &Question<'_>) -> Map<String, Value> {
    let name = question.attribute.name.as_str();
    let hash = feature_hash(&question.attribute.feature_hash);
    let value = |schema| (VALUE.to_owned(), schema);
    match &question.kind {
        Kind::Text => {
            let text = json!({
                "type": "string",
                "description": format!("Text that answers `{name}` as exactly as possible."),
            });
            object(name, Some("A text."), [hash, value(text)])
        }
        Kind::Number => {
            let number = json!({
                "type": "number",
                "description": format!("The number that answers `{name}`."),
            });
            object(name, Some("A number."), [hash, value(number)])
        }
        Kind::Checklist(options) => {
            let flag = |(key, option): &(String, &super::ontology::AttributeOption)| {
                let described = format!("True if `{}` applies, false if not.", option.label);
                (
                    key.clone(),
                    json!({ "type": "boolean", "description": described }),
                )
            };
            let described = "A checklist: any number of these may apply.";
            let flags = options.iter().map(flag);
            object(name, Some(described), [hash].into_iter().chain(flags))
        }
        Kind::Radio(options) => {
            let described = format!("The answer to `{name}`: exactly one of these.");
            let choice = (CHOICE.to_owned(), choice(options, &described));
            object(name, Some("A choice of one."), [hash, choice])
        }
    }
}

fn choice(choice: &Choice<'_>, description: &str) -> Value {
    if choice.flat {
        let names = choice.branches.iter().map(|branch| branch.name.as_str());
        return json!({
            "type": "string",
            "enum": names.collect::<Vec<_>>(),
            "description": description,
        });
    }
    let branches = choice.branches.iter().map(branch);
    json!({ "anyOf": branches.collect::<Vec<_>>(), "description": description })
}

fn branch(branch: &Branch<'_>) -> Value {
    let title = branch.title.iter().map(|title| {
        let title = json!({
            "type": "string",
            "const": title,
            "description": "A constant, to be repeated as it is.",
        });
        (TITLE.to_owned(), title)
    });
    let questions = branch.questions.iter().map(keyed);
    let hash = [feature_hash(branch.feature_hash)];
    let described = format!("To be given if it is `{}`.", branch.label);
    let properties = hash.into_iter().chain(title).chain(questions);
    Value::Object(object(branch.label, Some(&described), properties))
}

fn feature_hash(hash: &str) -> (String, Value) {
    let schema = json!({
        "type": "string",
        "const": hash,
        "description": "A constant that says what is answered, to be repeated as it is.",
    });
    (HASH.to_owned(), schema)
}

/// A closed object that has all of these properties.
fn object(
    title: &str,
    description: Option<&str>,
    properties: impl IntoIterator<Item = (String, Value)>,
) -> Map<String, Value> {
    let properties: Map<String, Value> = properties.into_iter().collect();
    let required = properties.keys().map(String::as_str).map(Value::from);
    let required: Vec<Value> = required.collect();
    let mut schema = Map::new();
    schema.insert("title".to_owned(), Value::from(title));
    if let Some(description) = description {
        schema.insert("description".to_owned(), Value::from(description));
    }
    schema.insert("type".to_owned(), Value::from("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("required".to_owned(), Value::Array(required));
    schema.insert("additionalProperties".to_owned(), Value::from(false));
    schema
}
