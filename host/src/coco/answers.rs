//! Answers to attributes, as a JSON object of names.

use serde_json::{Map, Value};

use crate::labels::{
    Answer, AnswerValue, Attribute, AttributeAnswer, GivenAnswer, OntologyClassification,
};

/// The answers of an object in the form of Encord's own exporter: a radio is the label of its option, a checklist has
/// an entry for each of its options, and what is not answered is `null` or `false`. Attributes behind an option, which
/// that leaves out, follow if they are answered.
pub(super) fn of_object(attributes: &[Attribute], answers: &[Answer]) -> Map<String, Value> {
    let mut flat = Map::new();
    for attribute in attributes {
        let answer = answers
            .iter()
            .find(|answer| answer.feature_hash == attribute.feature_hash);
        if attribute.kind == "checklist" {
            for option in &attribute.options {
                let ticked = answer.is_some_and(|answer| match &answer.value {
                    AnswerValue::Options(ticked) => ticked
                        .iter()
                        .any(|ticked| ticked.feature_hash == option.feature_hash),
                    _ => false,
                });
                flat.insert(option.label.clone(), ticked.into());
            }
        } else {
            let value = answer.map_or(Value::Null, |answer| plain(&answer.value, false));
            flat.insert(attribute.name.clone(), value);
        }
    }
    let roots: Vec<_> = attributes
        .iter()
        .map(|attribute| attribute.feature_hash.as_str())
        .collect();
    for answer in answers {
        if !roots.contains(&answer.feature_hash.as_str()) && !flat.contains_key(&answer.name) {
            let is_list =
                matches!(&answer.value, AnswerValue::Options(options) if options.len() != 1);
            flat.insert(answer.name.clone(), plain(&answer.value, is_list));
        }
    }
    flat
}

/// The answer of a classification: that of the root attribute or, if others are answered too, all by their names.
pub(super) fn of_classification(
    classification: &OntologyClassification,
    answers: &[Answer],
) -> Value {
    let root = &classification.attribute;
    let value = |answer: &Answer| {
        let is_root = answer.feature_hash == root.feature_hash;
        let is_list = match &answer.value {
            AnswerValue::Options(_) if is_root => root.kind == "checklist",
            AnswerValue::Options(options) => options.len() != 1,
            _ => false,
        };
        plain(&answer.value, is_list)
    };
    match answers {
        [only] if only.feature_hash == root.feature_hash => value(only),
        // The root stands last.
        several => several
            .iter()
            .rev()
            .map(|answer| (answer.name.clone(), value(answer)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

fn plain(value: &AnswerValue, is_list: bool) -> Value {
    match value {
        AnswerValue::Text(text) => text.as_str().into(),
        AnswerValue::Number(number) => (*number).into(),
        AnswerValue::Options(options) if is_list => {
            options.iter().map(|option| option.name.as_str()).collect()
        }
        AnswerValue::Options(options) => options
            .first()
            .map_or(Value::Null, |option| option.name.as_str().into()),
        AnswerValue::Other(json) => serde_json::from_str(json).unwrap_or(Value::Null),
    }
}

/// The answers to attributes that are in an object of names, those behind chosen options among them. `unknown` is called
/// with what stands for no answer.
pub(super) fn given(
    attributes: &[Attribute],
    flat: &Map<String, Value>,
    unknown: &mut dyn FnMut(String),
) -> Vec<AttributeAnswer> {
    let mut answers = Vec::new();
    for attribute in attributes.iter().filter(|attribute| !attribute.archived) {
        let name = &attribute.name;
        let found = flat.get(name).filter(|value| !value.is_null());
        let mut refuse = |value: &Value| {
            unknown(format!("`{name}` has no answer {value}"));
            None
        };
        let value = match (attribute.kind.as_str(), found) {
            ("checklist", found) => ticked(attribute, found, flat, &mut refuse),
            (_, None) => None,
            ("text", Some(Value::String(text))) => Some(GivenAnswer::Text(text.clone())),
            ("numeric", Some(value)) => match value.as_f64() {
                Some(number) => Some(GivenAnswer::Number(number)),
                None => refuse(value),
            },
            ("radio", Some(value)) => {
                let options = attribute.options.iter().filter(|option| !option.archived);
                let chosen = options
                    .clone()
                    .find(|option| *value == option.label)
                    .or_else(|| options.clone().find(|option| *value == option.value));
                match chosen {
                    Some(option) => {
                        answers.push(AttributeAnswer {
                            attribute: Some(attribute.feature_hash.clone()),
                            value: GivenAnswer::Options(vec![option.feature_hash.clone()]),
                        });
                        answers.extend(given(&option.attributes, flat, unknown));
                        continue;
                    }
                    None => refuse(value),
                }
            }
            (_, Some(value)) => refuse(value),
        };
        answers.extend(value.map(|value| AttributeAnswer {
            attribute: Some(attribute.feature_hash.clone()),
            value,
        }));
    }
    answers
}

/// A list of labels under the checklist's name, or `true` under the labels. Nothing ticked is no answer.
fn ticked(
    checklist: &Attribute,
    found: Option<&Value>,
    flat: &Map<String, Value>,
    refuse: &mut dyn FnMut(&Value) -> Option<GivenAnswer>,
) -> Option<GivenAnswer> {
    let live = checklist.options.iter().filter(|option| !option.archived);
    let listed: Vec<&Value> = match found {
        Some(Value::Array(labels)) => labels.iter().collect(),
        Some(label @ Value::String(_)) => vec![label],
        _ => Vec::new(),
    };
    for label in &listed {
        if !live.clone().any(|option| **label == option.label) {
            refuse(label);
        }
    }
    let is_ticked = |label: &String| {
        listed.iter().any(|listed| *listed == label)
            || found.is_none() && flat.get(label) == Some(&Value::Bool(true))
    };
    let hashes: Vec<_> = live
        .filter(|option| is_ticked(&option.label))
        .map(|option| option.feature_hash.clone())
        .collect();
    (!hashes.is_empty()).then_some(GivenAnswer::Options(hashes))
}
