//! Labels in the terms of another ontology.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::error::listed;
use crate::matching::{Attributes, Found, OfAttribute};
use crate::ontology::OntologyObject;
use crate::template::TemplatePoint;
use crate::write::snake_case;

/// Replaces the attributes and options of answers by those of the target, and says what was left out.
/// `feature` is the name of what they are about.
pub(super) fn answers(
    answers: &mut Value,
    attributes: &Attributes<'_>,
    feature: &str,
) -> Vec<String> {
    let mut left_out = Vec::new();
    let Value::Array(answers) = answers else {
        return left_out;
    };
    // Which attribute of the source an attribute of the target comes from.
    let mut origins: HashMap<String, String> = HashMap::new();
    answers.retain_mut(|answer| {
        let source = text(answer, "featureHash").to_owned();
        let name = text(answer, "name").to_owned();
        let matched = match attributes.get(source.as_str()) {
            Some(Found::Match(matched)) => matched,
            Some(Found::LeftOut(sentence)) => {
                left_out.push(sentence.clone());
                return false;
            }
            // Behind an option that is left out; that is told with the option.
            Some(Found::Unwanted) => return false,
            None => {
                left_out.push(format!("{} of `{feature}`", unknown("attribute", &name, &source)));
                return false;
            }
        };
        let target = &matched.target.feature_hash;
        let origin = origins.entry(target.clone()).or_insert_with(|| source.clone());
        if *origin != source {
            left_out.push(format!(
                "the attribute `{name}` of `{feature}` was left out: another attribute has become `{}`",
                matched.target.name
            ));
            return false;
        }
        answer_of(answer, matched, &mut left_out)
    });
    left_out
}

/// False if nothing is left of the answer.
fn answer_of(answer: &mut Value, matched: &OfAttribute<'_>, left_out: &mut Vec<String>) -> bool {
    if let Some(Value::Array(options)) = answer.get_mut("answers") {
        let before = options.len();
        let mut chosen = HashSet::new();
        options.retain_mut(|option| {
            let sentence = match matched.options.get(text(option, "featureHash")) {
                Some(Found::Match(other)) => {
                    set(option, "name", &other.label);
                    set(option, "value", &other.value);
                    set(option, "featureHash", &other.feature_hash);
                    // Two options may become one.
                    return chosen.insert(&other.feature_hash);
                }
                Some(Found::LeftOut(sentence)) => sentence.clone(),
                Some(Found::Unwanted) => return false,
                None => unknown("option", text(option, "name"), text(option, "featureHash")),
            };
            left_out.push(sentence);
            false
        });
        if options.is_empty() && before > 0 {
            return false;
        }
    }
    let attribute = matched.target;
    set(answer, "name", &attribute.name);
    set(answer, "value", &snake_case(&attribute.name));
    set(answer, "featureHash", &attribute.feature_hash);
    true
}

pub(super) fn unknown(what: &str, name: &str, feature_hash: &str) -> String {
    format!(
        "the {what} `{name}` was left out: the source's ontology has no feature `{feature_hash}`"
    )
}

/// What an object has of its feature. The shape is the same on both sides.
pub(super) fn put_feature(json: &mut Map<String, Value>, object: &OntologyObject) {
    put(json, "name", &object.name);
    put(json, "color", &object.color);
    put(json, "value", &snake_case(&object.name));
    put(json, "featureHash", &object.feature_hash);
}

/// Writes a text; most stand there already.
pub(super) fn put(json: &mut Map<String, Value>, key: &str, text: &str) {
    match json.get_mut(key) {
        Some(Value::String(old)) if old == text => {}
        Some(old) => *old = Value::from(text),
        None => {
            json.insert(key.to_owned(), Value::from(text));
        }
    }
}

pub(super) fn text<'v>(json: &'v Value, key: &str) -> &'v str {
    json.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn set(json: &mut Value, key: &str, text: &str) {
    if let Value::Object(members) = json {
        put(members, key, text);
    }
}

/// Why a skeleton cannot be copied.
pub(super) enum Misfit {
    /// The template has no such point.
    Point(String),
    /// The template has more points.
    Number(usize),
}

impl Misfit {
    pub(super) fn of(&self, object: &OntologyObject) -> String {
        let template = object.template.iter().map(|point| point.name.as_str());
        let template = listed(template);
        match self {
            Self::Point(name) => format!(
                "its skeleton has the point `{name}`, the template of the row's ontology has {template}"
            ),
            Self::Number(number) => format!(
                "its skeleton has {number} points, the template of the row's ontology has {template}"
            ),
        }
    }
}

/// The points of a skeleton as those of a template, by feature hash or name, and in its order: the edges
/// between them are by position.
pub(super) fn on_template(skeleton: &Value, template: &[TemplatePoint]) -> Result<Value, Misfit> {
    let points = skeleton.as_object().map_or(0, Map::len);
    let mut places: Vec<Option<Value>> = vec![None; template.len()];
    for point in skeleton.as_object().into_iter().flat_map(Map::values) {
        let (hash, name) = (text(point, "featureHash"), text(point, "name"));
        let by_hash = template.iter().position(|one| one.feature_hash == hash);
        let place = by_hash.filter(|_| !hash.is_empty());
        let place = place.or_else(|| template.iter().position(|one| one.name == name));
        let found = place.and_then(|place| Some((places.get_mut(place)?, template.get(place)?)));
        let Some((place, named)) = found.filter(|(place, _)| place.is_none()) else {
            return Err(Misfit::Point(name.to_owned()));
        };
        let mut point = point.clone();
        for (key, text) in [
            ("name", &named.name),
            ("color", &named.color),
            ("featureHash", &named.feature_hash),
            ("value", &named.value),
        ] {
            if !text.is_empty() {
                set(&mut point, key, text);
            }
        }
        *place = Some(point);
    }
    if points < template.len() {
        return Err(Misfit::Number(points));
    }
    let numbered = places.into_iter().flatten().enumerate();
    Ok(Value::Object(
        numbered
            .map(|(position, point)| (position.to_string(), point))
            .collect(),
    ))
}
