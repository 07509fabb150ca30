//! The form of an answer that a language model gives to features of the ontology: its keys and its names.
//!
//! The schema is written from it and answers are read by it, so that the two cannot differ. Keys and names
//! are those of `OntologyDataModel` in Encord's Python package for agents, so that its prompts, and the
//! answers to them, serve here as well. The form differs where that has none:
//!
//! - Numeric attributes are asked as a number; there they raise.
//! - Objects may be of any shape; there only boxes, polygons and bitmasks are asked.
//! - Keys and names that fall together are told apart by a suffix. The first in order keeps what it has
//!   there, where the last would take the place of all, or the model is refused.
//! - What has no letter and no digit in its name has its feature hash as the key.
//! - Archived attributes and options are not asked.
//! - Dynamic attributes are not asked, since an answer says nothing of frames; there the answer to one
//!   holds on no frame and is lost.
//! - What is of a kind that is not known, and a radio without options in use, is not asked.

use std::collections::HashSet;

use super::error::{LabelError, listed};
use super::ontology::{
    Attribute, AttributeOption, Ontology, OntologyClassification, OntologyObject,
};
use super::write::snake_case;

/// The key under which an answer repeats which feature it is for.
pub(super) const HASH: &str = "feature_node_hash";
/// The key of what is chosen.
pub(super) const CHOICE: &str = "choice";
/// The key of a text or a number.
pub(super) const VALUE: &str = "value";
/// The key under which an option that asks nothing repeats its label.
pub(super) const TITLE: &str = "title";

/// What an answer to some features looks like.
#[derive(Debug)]
pub(super) enum Form<'a> {
    /// An answer to each.
    Classifications(Vec<(&'a OntologyClassification, Question<'a>)>),
    /// The choice of one, with the answers to its attributes.
    Objects(Choice<'a>),
}

/// An attribute to answer.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// Unique beside the others.
    pub(super) key: String,
    pub(super) attribute: &'a Attribute,
    pub(super) kind: Kind<'a>,
}

/// How an attribute is answered.
#[derive(Debug)]
pub(super) enum Kind<'a> {
    Text,
    Number,
    /// A flag for each option, by its key.
    Checklist(Vec<(String, &'a AttributeOption)>),
    Radio(Choice<'a>),
}

/// A choice of one out of several options or objects.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    /// True if its name is all that is answered, since nothing to choose has attributes.
    pub(super) flat: bool,
    pub(super) branches: Vec<Branch<'a>>,
}

/// Something to choose.
#[derive(Debug)]
pub(super) struct Branch<'a> {
    pub(super) feature_hash: &'a str,
    /// What people read.
    pub(super) label: &'a str,
    /// The label; if an earlier branch has the same, with the feature hash.
    pub(super) name: String,
    /// What the answer repeats under [`TITLE`], for an option that asks nothing.
    pub(super) title: Option<String>,
    pub(super) questions: Vec<Question<'a>>,
}

impl Ontology {
    /// The form of an answer to classifications, or to objects, by feature hash or exact name. What is
    /// named twice is asked once.
    pub(super) fn form(&self, features: &[String]) -> Result<Form<'_>, LabelError> {
        let mut classifications: Vec<&OntologyClassification> = Vec::new();
        let mut objects: Vec<&OntologyObject> = Vec::new();
        for feature in features {
            match self.feature(feature)? {
                Feature::Classification(classification) => {
                    if !classifications.contains(&classification) {
                        classifications.push(classification);
                    }
                }
                Feature::Object(object) => {
                    if !objects.contains(&object) {
                        objects.push(object);
                    }
                }
            }
        }
        match (classifications.first(), objects.first()) {
            (Some(classification), Some(object)) => Err(LabelError::InvalidArgument(format!(
                "expected either classifications or objects, found the classification `{}` beside the \
                 object `{}`",
                classification.title, object.name
            ))),
            (None, None) => Err(LabelError::InvalidArgument(
                "expected the feature hash or the name of at least one classification or object, found \
                 an empty list"
                    .to_owned(),
            )),
            (Some(_), None) => of_classifications(&classifications),
            (None, Some(_)) => Ok(of_objects(&objects)),
        }
    }

    fn feature(&self, feature: &str) -> Result<Feature<'_>, LabelError> {
        let classification = || {
            let found = self.classification_feature(feature)?;
            Ok(Feature::Classification(found))
        };
        let object = || Ok(Feature::Object(self.object_of_any_shape(feature)?));
        if self.classification(feature).is_some() {
            return classification();
        }
        if self.object(feature).is_some() {
            return object();
        }
        let titled = || {
            let all = self.classifications().iter();
            all.filter(|class| class.title == feature)
        };
        let named = || {
            self.objects()
                .iter()
                .filter(|object| object.name == feature)
        };
        match (
            titled().any(|class| !class.archived),
            named().any(|object| !object.archived),
        ) {
            (true, true) => Err(LabelError::InvalidArgument(format!(
                "expected the name of one feature, found `{feature}`, which a classification and an \
                 object have\n\
                 help: name it by its feature hash"
            ))),
            (true, false) => classification(),
            (false, true) => object(),
            (false, false) if titled().next().is_some() => classification(),
            (false, false) if named().next().is_some() => object(),
            (false, false) => {
                let titles = self.classifications().iter();
                let titles = titles.filter(|class| !class.archived);
                let names = self.objects().iter().filter(|object| !object.archived);
                Err(LabelError::InvalidArgument(format!(
                    "expected the feature hash or the name of a classification or an object of the \
                     ontology, found `{feature}`; it has the classifications {}, and the objects {}",
                    listed(titles.map(|class| class.title.as_str())),
                    listed(names.map(|object| object.name.as_str()))
                )))
            }
        }
    }
}

enum Feature<'a> {
    Classification(&'a OntologyClassification),
    Object(&'a OntologyObject),
}

fn of_classifications<'a>(
    classifications: &[&'a OntologyClassification],
) -> Result<Form<'a>, LabelError> {
    let mut keys = Names::default();
    let asked = classifications.iter().map(|classification| {
        let attribute = &classification.attribute;
        let Some(kind) = kind(attribute) else {
            return Err(LabelError::InvalidArgument(format!(
                "expected a classification that can be answered, found `{}` of kind `{}` with {} options \
                 in use",
                classification.title,
                attribute.kind,
                attribute
                    .options
                    .iter()
                    .filter(|option| !option.archived)
                    .count()
            )));
        };
        let key = keys.key(&attribute_key(&attribute.name), &attribute.feature_hash);
        let question = Question {
            key,
            attribute,
            kind,
        };
        Ok((*classification, question))
    });
    Ok(Form::Classifications(asked.collect::<Result<_, _>>()?))
}

fn of_objects<'a>(objects: &[&'a OntologyObject]) -> Form<'a> {
    let mut names = Names::default();
    let branch = |object: &&'a OntologyObject| Branch {
        feature_hash: &object.feature_hash,
        label: &object.name,
        name: names.label(&object.name, &object.feature_hash),
        // The peer means to have one, and loses it.
        title: None,
        questions: questions(&object.attributes),
    };
    Form::Objects(Choice {
        flat: objects.iter().all(|object| object.attributes.is_empty()),
        branches: objects.iter().map(branch).collect(),
    })
}

/// How an attribute is answered; none if it cannot be.
fn kind(attribute: &Attribute) -> Option<Kind<'_>> {
    let live = attribute.options.iter().filter(|option| !option.archived);
    match attribute.kind.as_str() {
        "text" => Some(Kind::Text),
        "numeric" => Some(Kind::Number),
        "checklist" => {
            let mut keys = Names::reserving(HASH);
            let keyed = live.map(|option| {
                let key = safe(&option.value).replace(' ', "_");
                (keys.key(&key, &option.feature_hash), option)
            });
            Some(Kind::Checklist(keyed.collect()))
        }
        "radio" => {
            let mut names = Names::default();
            // What is archived counts, as in the peer: the form does not change when it is.
            let flat = attribute
                .options
                .iter()
                .all(|option| option.attributes.is_empty());
            let branches = live.map(|option| {
                let questions = questions(&option.attributes);
                Branch {
                    feature_hash: &option.feature_hash,
                    label: &option.label,
                    name: names.label(&option.label, &option.feature_hash),
                    title: questions.is_empty().then(|| safe(&option.label)),
                    questions,
                }
            });
            let branches: Vec<_> = branches.collect();
            (!branches.is_empty()).then_some(Kind::Radio(Choice { flat, branches }))
        }
        _ => None,
    }
}

/// The attributes that are asked of a list.
fn questions(attributes: &[Attribute]) -> Vec<Question<'_>> {
    let mut keys = Names::reserving(HASH);
    let asked = attributes
        .iter()
        .filter(|attribute| !attribute.archived && !attribute.dynamic);
    let question = |attribute| {
        let kind = kind(attribute)?;
        let key = keys.key(&attribute_key(&attribute.name), &attribute.feature_hash);
        Some(Question {
            key,
            attribute,
            kind,
        })
    };
    asked.filter_map(question).collect()
}

fn attribute_key(name: &str) -> String {
    snake_case(&safe(name))
}

/// Letters, digits, underscores and blanks of a name, as the peer keeps them.
fn safe(name: &str) -> String {
    let kept: String = name
        .chars()
        .filter(|character| is_alphanumeric(*character) || matches!(character, '_' | ' '))
        .collect();
    kept.trim_matches(' ').to_owned()
}

/// What Python's `str.isalnum` is true for: letters and numbers. Rust's `is_alphanumeric` has the vowel signs
/// of many scripts in addition. An identifier starts with a letter, but for those listed here.
fn is_alphanumeric(character: char) -> bool {
    match character {
        '\u{e33}' | '\u{eb3}' | '\u{37a}' | '\u{ff9e}' | '\u{ff9f}' => true,
        '\u{2118}' | '\u{212e}' | '\u{1885}' | '\u{1886}' => false,
        other => other.is_numeric() || unicode_ident::is_xid_start(other),
    }
}

/// Names that are taken.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    fn reserving(name: &str) -> Self {
        Self(HashSet::from([name.to_owned()]))
    }

    /// The key itself or, if it is taken, the first of `key_2`, `key_3`, … that is not.
    fn key(&mut self, key: &str, feature_hash: &str) -> String {
        let key = if key.is_empty() { feature_hash } else { key };
        let mut free = key.to_owned();
        let mut number = 2_usize;
        while !self.0.insert(free.clone()) {
            free = format!("{key}_{number}");
            number += 1;
        }
        free
    }

    /// The label itself or, if it is taken, the label with the feature hash.
    fn label(&mut self, label: &str, feature_hash: &str) -> String {
        let mut free = label.to_owned();
        while !self.0.insert(free.clone()) {
            free = format!("{free} ({feature_hash})");
        }
        free
    }
}
