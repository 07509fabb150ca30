//! The answers that an agent gives to attributes: checked against the ontology, and written as Encord
//! keeps them.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::error::{LabelError, listed};
use super::ontology::{Attribute, AttributeOption};

/// An answer to give.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeAnswer {
    /// Feature hash of the attribute or its exact name. None for the only attribute of the first level: the
    /// root attribute of a classification.
    pub attribute: Option<String>,
    /// The answer.
    pub value: GivenAnswer,
}

/// What to answer.
#[derive(Debug, Clone, PartialEq)]
pub enum GivenAnswer {
    /// For a `text` attribute.
    Text(String),
    /// For a `numeric` attribute. Must be finite.
    Number(f64),
    /// For a `radio` or `checklist`: feature hashes, exact labels or values of the options, looked up in
    /// this order. A radio takes exactly one, a checklist any number.
    Options(Vec<String>),
}

/// The JSON of an answer and, of a radio, the option that it chooses.
pub(super) fn written<'a>(
    attribute: &'a Attribute,
    value: &GivenAnswer,
) -> Result<(Value, Option<&'a AttributeOption>), LabelError> {
    let name = &attribute.name;
    match (attribute.kind.as_str(), value) {
        ("text", GivenAnswer::Text(text)) => Ok((Value::from(text.as_str()), None)),
        ("numeric", GivenAnswer::Number(number)) if number.is_finite() => {
            Ok((Value::from(*number), None))
        }
        ("numeric", GivenAnswer::Number(number)) => Err(LabelError::InvalidArgument(format!(
            "expected a finite number for `{name}`, found {number}"
        ))),
        ("radio", GivenAnswer::Options(wanted)) => {
            let [wanted] = wanted.as_slice() else {
                return Err(LabelError::InvalidArgument(format!(
                    "expected exactly one option for the radio `{name}`, found {}",
                    wanted.len()
                )));
            };
            let option = option(attribute, wanted)?;
            Ok((Value::Array(vec![option_json(option)]), Some(option)))
        }
        ("checklist", GivenAnswer::Options(wanted)) => {
            if wanted.len() > attribute.options.len() {
                return Err(LabelError::InvalidArgument(format!(
                    "expected at most the {} options of the checklist `{name}`, found {}",
                    attribute.options.len(),
                    wanted.len()
                )));
            }
            let mut ticked = HashSet::new();
            for wanted in wanted {
                ticked.insert(&option(attribute, wanted)?.feature_hash);
            }
            // In the order of the ontology, each once, as the Python SDK writes them.
            let options = attribute.options.iter();
            let ticked = options.filter(|option| ticked.contains(&option.feature_hash));
            Ok((ticked.map(option_json).collect(), None))
        }
        (kind @ ("text" | "numeric" | "radio" | "checklist"), _) => {
            let (expected, found) = (answer_of(kind), kind_of(value));
            Err(LabelError::InvalidArgument(format!(
                "expected {expected} for `{name}`, which is of kind `{kind}`, found {found}"
            )))
        }
        (kind, _) => Err(LabelError::Unsupported(format!(
            "expected a `radio`, `checklist`, `text` or `numeric` attribute to answer, found `{name}` of \
             kind `{kind}`"
        ))),
    }
}

fn option<'a>(attribute: &'a Attribute, wanted: &str) -> Result<&'a AttributeOption, LabelError> {
    let options = &attribute.options;
    let name = &attribute.name;
    let archived = || {
        LabelError::InvalidArgument(format!(
            "expected an option in use for `{name}`, found `{wanted}`, which is archived"
        ))
    };
    if let Some(option) = options.iter().find(|option| option.feature_hash == wanted) {
        return if option.archived {
            Err(archived())
        } else {
            Ok(option)
        };
    }
    let mut has_archived = false;
    for text in [
        |option: &AttributeOption| option.label.clone(),
        |option: &AttributeOption| option.value.clone(),
    ] {
        let named = options.iter().filter(|option| text(option) == wanted);
        let (gone, live): (Vec<_>, Vec<_>) = named.partition(|option| option.archived);
        has_archived |= !gone.is_empty();
        match live.as_slice() {
            [] => {}
            [option] => return Ok(option),
            several => {
                return Err(LabelError::InvalidArgument(format!(
                    "expected one option `{wanted}` of `{name}`, found several: {}\n\
                     help: name it by its feature hash",
                    listed(several.iter().map(|option| option.feature_hash.as_str()))
                )));
            }
        }
    }
    if has_archived {
        return Err(archived());
    }
    let live = options.iter().filter(|option| !option.archived);
    Err(LabelError::InvalidArgument(format!(
        "expected an option of `{name}`, found `{wanted}`; it has {}",
        listed(live.map(|option| option.label.as_str()))
    )))
}

fn option_json(option: &AttributeOption) -> Value {
    let mut json = Map::new();
    json.insert("name".to_owned(), Value::from(option.label.as_str()));
    json.insert("value".to_owned(), Value::from(option.value.as_str()));
    let hash = Value::from(option.feature_hash.as_str());
    json.insert("featureHash".to_owned(), hash);
    Value::Object(json)
}

fn answer_of(kind: &str) -> &'static str {
    match kind {
        "text" => "text",
        "numeric" => "a number",
        "radio" => "one option",
        _ => "options",
    }
}

fn kind_of(value: &GivenAnswer) -> &'static str {
    match value {
        GivenAnswer::Text(_) => "text",
        GivenAnswer::Number(_) => "a number",
        GivenAnswer::Options(_) => "options",
    }
}
