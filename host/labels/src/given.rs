//! The answers that an agent gives to the attributes of a classification: checked against the ontology,
//! and written as Encord keeps them.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::error::{LabelError, listed};
use super::ontology::{Attribute, AttributeOption, OntologyClassification};
use super::write::snake_case;

/// An answer to give.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeAnswer {
    /// Feature hash of the attribute or its exact name. None for the root attribute.
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

/// The entries of `classifications` for the answers, in the order in which the Python SDK writes them:
/// the deepest attribute first.
pub(super) fn check(
    classification: &OntologyClassification,
    given: &[AttributeAnswer],
) -> Result<Vec<Value>, LabelError> {
    let tree = Tree::of(&classification.attribute);
    if given.len() > tree.nodes.len() {
        return Err(LabelError::InvalidArgument(format!(
            "expected at most one answer for each of the {} attributes of `{}`, found {} answers",
            tree.nodes.len(),
            classification.title,
            given.len()
        )));
    }
    let mut answered: HashMap<&str, Value> = HashMap::new();
    let mut open: Vec<&Attribute> = vec![&classification.attribute];
    let mut waiting: Vec<&AttributeAnswer> = given.iter().collect();
    // Each round answers what is open and thereby opens the next level, so that answers may be given in
    // any order.
    loop {
        let (mut later, mut opened) = (Vec::new(), Vec::new());
        for answer in &waiting {
            let Some(attribute) = tree.addressed(answer, &open, &answered)? else {
                later.push(*answer);
                continue;
            };
            let (value, chosen) = written(attribute, &answer.value)?;
            answered.insert(&attribute.feature_hash, value);
            opened.extend(chosen.into_iter().flat_map(|option| &option.attributes));
        }
        let stuck = later.len() == waiting.len();
        waiting = later;
        open.extend(opened);
        if stuck || waiting.is_empty() {
            break;
        }
    }
    let root = &classification.attribute;
    if !answered.contains_key(root.feature_hash.as_str()) {
        return Err(LabelError::InvalidArgument(format!(
            "expected an answer to `{}`, the root attribute of the classification, found none",
            root.name
        )));
    }
    if let Some(answer) = waiting.first() {
        return Err(tree.unusable(answer, &answered));
    }
    let in_order = tree.nodes.iter().rev();
    let entry = |node: &Node<'_>| {
        let answers = answered.remove(node.attribute.feature_hash.as_str())?;
        Some(json!({
            "name": node.attribute.name,
            "value": snake_case(&node.attribute.name),
            "answers": answers,
            "featureHash": node.attribute.feature_hash,
            "manualAnnotation": false,
        }))
    };
    Ok(in_order.filter_map(entry).collect())
}

/// All attributes of a classification, each before those behind its options.
struct Tree<'a> {
    nodes: Vec<Node<'a>>,
}

struct Node<'a> {
    attribute: &'a Attribute,
    /// What has to be chosen for it to be asked.
    behind: Option<(&'a Attribute, &'a AttributeOption)>,
}

impl<'a> Tree<'a> {
    fn of(root: &'a Attribute) -> Self {
        let mut tree = Self { nodes: Vec::new() };
        tree.collect(root, None);
        tree
    }

    fn collect(
        &mut self,
        attribute: &'a Attribute,
        behind: Option<(&'a Attribute, &'a AttributeOption)>,
    ) {
        self.nodes.push(Node { attribute, behind });
        for option in &attribute.options {
            for nested in &option.attributes {
                self.collect(nested, Some((attribute, option)));
            }
        }
    }

    /// The attribute that an answer is for; none if it is not open, or not open yet.
    fn addressed(
        &self,
        answer: &AttributeAnswer,
        open: &[&'a Attribute],
        answered: &HashMap<&str, Value>,
    ) -> Result<Option<&'a Attribute>, LabelError> {
        let is_answered = |attribute: &&Attribute| {
            let hash = attribute.feature_hash.as_str();
            answered.contains_key(hash)
        };
        let Some(wanted) = &answer.attribute else {
            let root = self.nodes.first().map(|node| node.attribute);
            return Ok(root.filter(|root| !is_answered(root)));
        };
        let hash_exists = |node: &Node<'_>| node.attribute.feature_hash == *wanted;
        let by_hash = self.nodes.iter().any(hash_exists);
        let matches = |attribute: &&Attribute| {
            let wanted_is = if by_hash {
                &attribute.feature_hash
            } else {
                &attribute.name
            };
            wanted_is == wanted && !attribute.archived && !is_answered(attribute)
        };
        let mut matching = open.iter().copied().filter(matches);
        let first = matching.next();
        let others: Vec<_> = matching.collect();
        if let (Some(first), false) = (first, others.is_empty()) {
            let all = [first].into_iter().chain(others);
            return Err(LabelError::InvalidArgument(format!(
                "expected one attribute named `{wanted}`, found several: {}\n\
                 help: name it by its feature hash",
                listed(all.map(|attribute| attribute.feature_hash.as_str()))
            )));
        }
        Ok(first)
    }

    /// Why an answer was not taken.
    fn unusable(&self, answer: &AttributeAnswer, answered: &HashMap<&str, Value>) -> LabelError {
        let root = self.nodes.first().map(|node| node.attribute.name.as_str());
        let wanted = answer.attribute.as_deref().or(root).unwrap_or_default();
        let is = |node: &&Node<'_>| {
            node.attribute.feature_hash == wanted || node.attribute.name == wanted
        };
        let matching: Vec<_> = self.nodes.iter().filter(is).collect();
        let message = if matching.is_empty() {
            let live = self.nodes.iter().filter(|node| !node.attribute.archived);
            format!(
                "expected an attribute of the classification, found `{wanted}`; it has {}",
                listed(live.map(|node| node.attribute.name.as_str()))
            )
        } else if matching.iter().all(|node| node.attribute.archived) {
            format!("expected an attribute in use, found `{wanted}`, which is archived")
        } else if matching
            .iter()
            .any(|node| answered.contains_key(node.attribute.feature_hash.as_str()))
        {
            format!("expected one answer to `{wanted}`, found several")
        } else {
            let behind = matching.iter().find_map(|node| node.behind);
            let (question, option) = behind.map_or(("", ""), |(attribute, option)| {
                (&attribute.name, &option.label)
            });
            format!(
                "expected an answer only to what is asked, found one to `{wanted}`, which is asked if \
                 `{question}` is answered with `{option}`"
            )
        };
        LabelError::InvalidArgument(message)
    }
}

/// The JSON of an answer, and the options that it chooses.
fn written<'a>(
    attribute: &'a Attribute,
    value: &GivenAnswer,
) -> Result<(Value, Vec<&'a AttributeOption>), LabelError> {
    let name = &attribute.name;
    match (attribute.kind.as_str(), value) {
        ("text", GivenAnswer::Text(text)) => Ok((Value::from(text.as_str()), Vec::new())),
        ("numeric", GivenAnswer::Number(number)) if number.is_finite() => {
            Ok((Value::from(*number), Vec::new()))
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
            Ok((Value::Array(vec![option_json(option)]), vec![option]))
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
            Ok((ticked.map(option_json).collect(), Vec::new()))
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
