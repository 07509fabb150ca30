//! What is asked about an object or a classification, and which of it an agent answers.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::error::{LabelError, listed};
use super::given::{AttributeAnswer, written};
use super::ontology::{Attribute, AttributeOption, OntologyClassification, OntologyObject};

/// All attributes of an object or a classification, each before those behind its options.
pub(super) struct Questions<'a> {
    /// What they are asked about, for messages.
    about: &'static str,
    title: &'a str,
    nodes: Vec<Node<'a>>,
}

/// An attribute.
struct Node<'a> {
    attribute: &'a Attribute,
    /// What has to be chosen for it to be asked: the position of the question, and the option.
    behind: Option<(usize, &'a AttributeOption)>,
}

/// An answer that fits its attribute.
pub(super) struct Checked<'a> {
    /// Position of the attribute among the questions.
    pub(super) question: usize,
    pub(super) attribute: &'a Attribute,
    /// As in a label row.
    pub(super) answers: Value,
    /// What a radio chooses.
    pub(super) option: Option<&'a AttributeOption>,
}

/// A given answer whose attribute is told by its name.
struct Named<'g> {
    answer: &'g AttributeAnswer,
    /// The questions of that name that are asked.
    matching: Vec<usize>,
    used: bool,
}

/// What became of given answers.
struct Resolved<'a, 'g> {
    checked: Vec<Checked<'a>>,
    /// Those to what is not asked.
    left: Vec<&'g AttributeAnswer>,
}

impl<'a> Questions<'a> {
    pub(super) fn of_object(object: &'a OntologyObject) -> Self {
        let mut questions = Self {
            about: "object",
            title: &object.name,
            nodes: Vec::new(),
        };
        for attribute in &object.attributes {
            questions.collect(attribute, None);
        }
        questions
    }

    pub(super) fn of_classification(classification: &'a OntologyClassification) -> Self {
        let mut questions = Self {
            about: "classification",
            title: &classification.title,
            nodes: Vec::new(),
        };
        questions.collect(&classification.attribute, None);
        questions
    }

    /// Checks answers that are to be added to those that an instance has.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if an attribute or option is unknown, ambiguous or archived, or if an
    /// answer is of another kind than its attribute or answers one that is not asked;
    /// [`LabelError::Unsupported`] if the attribute is of a kind that is not known.
    pub(super) fn check(
        &self,
        given: &[AttributeAnswer],
        held: &[Value],
    ) -> Result<Vec<Checked<'a>>, LabelError> {
        let Resolved { checked, left } = self.resolve(given, held)?;
        match left.first() {
            Some(answer) => Err(self.unusable(answer, &checked)),
            None => Ok(checked),
        }
    }

    /// Checks all the answers of a new classification.
    ///
    /// # Errors
    /// As [`Self::check`], and if the root attribute has no answer.
    pub(super) fn check_new(
        &self,
        given: &[AttributeAnswer],
    ) -> Result<Vec<Checked<'a>>, LabelError> {
        let Resolved { checked, left } = self.resolve(given, &[])?;
        if !checked.iter().any(|answer| answer.question == 0) {
            return Err(LabelError::InvalidArgument(format!(
                "expected an answer to `{}`, the root attribute of the classification, found none",
                self.title
            )));
        }
        match left.first() {
            Some(answer) => Err(self.unusable(answer, &checked)),
            None => Ok(checked),
        }
    }

    /// The position of the attribute that is to be cleared, by feature hash or name.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if it is unknown, or if several have the name and not just one of
    /// them is asked.
    pub(super) fn find(&self, wanted: &str, held: &[Value]) -> Result<usize, LabelError> {
        if let Some(question) = self.position(wanted) {
            return Ok(question);
        }
        let named = |archived: bool| {
            let nodes = self.nodes.iter().enumerate();
            let named = nodes.filter(move |(_, node)| {
                node.attribute.name == wanted && node.attribute.archived == archived
            });
            named.map(|(question, _)| question).collect::<Vec<_>>()
        };
        let mut named: Vec<usize> = match named(false) {
            live if live.is_empty() => named(true),
            live => live,
        };
        if named.len() > 1 {
            let asked = self.asked(held);
            let some_asked = named.iter().any(|question| asked.contains(question));
            named.retain(|question| !some_asked || asked.contains(question));
        }
        match named.as_slice() {
            [question] => Ok(*question),
            [] => Err(self.unknown(wanted)),
            several => Err(self.ambiguous(wanted, several)),
        }
    }

    /// The position of the attribute with this feature hash.
    pub(super) fn position(&self, feature_hash: &str) -> Option<usize> {
        let mut nodes = self.nodes.iter();
        nodes.position(|node| node.attribute.feature_hash == feature_hash)
    }

    pub(super) fn attribute(&self, question: usize) -> Option<&'a Attribute> {
        Some(self.nodes.get(question)?.attribute)
    }

    /// The option of `ancestor` that leads to `question`; none if that is not behind it.
    pub(super) fn way(&self, ancestor: usize, question: usize) -> Option<&'a AttributeOption> {
        let mut node = self.nodes.get(question)?;
        loop {
            let (behind, option) = node.behind?;
            if behind == ancestor {
                return Some(option);
            }
            node = self.nodes.get(behind)?;
        }
    }

    /// The required attributes that are asked and have no answer, with what asks them, as parts of a
    /// sentence. The root attribute of a classification is not among them. An empty text and a checklist
    /// without a tick are no answers here.
    pub(super) fn missing(&self, held: &[Value]) -> Vec<String> {
        let asked = self.asked(held);
        let nodes = self.nodes.iter().enumerate();
        let missing = nodes.filter(|(question, node)| {
            let attribute = node.attribute;
            let is_root = self.about == "classification" && *question == 0;
            let wanted = attribute.required && !attribute.archived && !attribute.dynamic;
            wanted && !is_root && asked.contains(question) && !is_answered(attribute, held)
        });
        let described = missing.map(|(_, node)| {
            let attribute = node.attribute;
            let options = attribute.options.iter().filter(|option| !option.archived);
            let options: Vec<_> = options.map(|option| option.label.as_str()).collect();
            let kind = match attribute.kind.as_str() {
                "radio" => format!(" (one of {})", listed(options.into_iter())),
                "checklist" => format!(" (any of {})", listed(options.into_iter())),
                kind => format!(" ({kind})"),
            };
            let asked = node.behind.and_then(|(behind, option)| {
                let behind = self.nodes.get(behind)?.attribute;
                let (question, option) = (&behind.name, &option.label);
                Some(format!(", as `{question}` is answered with `{option}`"))
            });
            let asked = asked.unwrap_or_default();
            format!("`{}`{kind}{asked}", attribute.name)
        });
        described.collect()
    }

    fn collect(&mut self, attribute: &'a Attribute, behind: Option<(usize, &'a AttributeOption)>) {
        let question = self.nodes.len();
        self.nodes.push(Node { attribute, behind });
        for option in &attribute.options {
            for nested in &option.attributes {
                self.collect(nested, Some((question, option)));
            }
        }
    }

    /// Finds the attribute of each answer, level by level: the answers of one level decide what is asked
    /// on the next. Thus they may be given in any order.
    fn resolve<'g>(
        &self,
        given: &'g [AttributeAnswer],
        held: &[Value],
    ) -> Result<Resolved<'a, 'g>, LabelError> {
        if given.len() > self.nodes.len() {
            return Err(LabelError::InvalidArgument(format!(
                "expected at most one answer for each of the {} attributes of `{}`, found {} answers",
                self.nodes.len(),
                self.title,
                given.len()
            )));
        }
        let mut exact: BTreeMap<usize, &AttributeAnswer> = BTreeMap::new();
        let mut named: Vec<Named<'g>> = Vec::new();
        for answer in given {
            let question = match &answer.attribute {
                None => Some(self.only_root()?),
                Some(wanted) => self.position(wanted),
            };
            match question {
                Some(question) => {
                    if exact.insert(question, answer).is_some() {
                        return Err(several_answers(self.wanted(answer)));
                    }
                }
                None => named.push(Named {
                    answer,
                    matching: Vec::new(),
                    used: false,
                }),
            }
        }
        let mut checked = Vec::new();
        let mut level = self.roots();
        while !level.is_empty() {
            let answers: Vec<_> = level
                .iter()
                .map(|question| self.answer_to(*question, &mut exact, &mut named))
                .collect();
            if let Some(named) = named.iter().find(|named| named.matching.len() > 1) {
                return Err(self.ambiguous(self.wanted(named.answer), &named.matching));
            }
            let mut next = Vec::new();
            for (question, answer) in level.into_iter().zip(answers) {
                let Some(attribute) = self.attribute(question) else {
                    continue;
                };
                let option = match answer {
                    None => held_option(attribute, held),
                    Some(answer) => {
                        let (answers, option) = written(attribute, &answer.value)?;
                        checked.push(Checked {
                            question,
                            attribute,
                            answers,
                            option,
                        });
                        option
                    }
                };
                next.extend(self.opened(question, option));
            }
            level = next;
        }
        checked.sort_by_key(|answer| answer.question);
        let unused = named.into_iter().filter(|named| !named.used);
        let left = exact.into_values().chain(unused.map(|named| named.answer));
        Ok(Resolved {
            checked,
            left: left.collect(),
        })
    }

    /// The answer to a question that is asked. One that is told by the feature hash leaves those with
    /// the name of the attribute to others of that name.
    fn answer_to<'g>(
        &self,
        question: usize,
        exact: &mut BTreeMap<usize, &'g AttributeAnswer>,
        named: &mut [Named<'g>],
    ) -> Option<&'g AttributeAnswer> {
        let attribute = self.attribute(question)?;
        if attribute.archived {
            return None;
        }
        if let Some(answer) = exact.remove(&question) {
            return Some(answer);
        }
        let mut found = None;
        for named in named {
            if named.answer.attribute.as_ref() != Some(&attribute.name) {
                continue;
            }
            named.matching.push(question);
            if found.is_none() && !named.used {
                named.used = true;
                found = Some(named.answer);
            }
        }
        found
    }

    /// The questions that an instance with these answers is asked.
    fn asked(&self, held: &[Value]) -> HashSet<usize> {
        let mut asked = HashSet::new();
        let mut level = self.roots();
        while !level.is_empty() {
            let mut next = Vec::new();
            for question in level {
                asked.insert(question);
                if let Some(attribute) = self.attribute(question) {
                    next.extend(self.opened(question, held_option(attribute, held)));
                }
            }
            level = next;
        }
        asked
    }

    fn roots(&self) -> Vec<usize> {
        let nodes = self.nodes.iter().enumerate();
        let roots = nodes.filter(|(_, node)| node.behind.is_none());
        roots.map(|(question, _)| question).collect()
    }

    /// What an option asks. Encord keeps no answers behind a dynamic attribute, and none that are dynamic
    /// behind another.
    fn opened(&self, question: usize, option: Option<&AttributeOption>) -> Vec<usize> {
        let dynamic = self.attribute(question).is_some_and(|asks| asks.dynamic);
        let Some(option) = option.filter(|_| !dynamic) else {
            return Vec::new();
        };
        let nodes = self.nodes.iter().enumerate().skip(question);
        let opened = nodes.filter(|(_, node)| {
            let behind = |(behind, by): (usize, &AttributeOption)| {
                behind == question && std::ptr::eq(by, option)
            };
            node.behind.is_some_and(behind) && !node.attribute.dynamic
        });
        opened.map(|(question, _)| question).collect()
    }

    /// The attribute of an answer that does not say which.
    fn only_root(&self) -> Result<usize, LabelError> {
        let mut roots = self.roots();
        if roots.len() > 1 {
            roots.retain(|root| self.attribute(*root).is_some_and(|root| !root.archived));
        }
        match roots.as_slice() {
            [root] => Ok(*root),
            [] => Err(LabelError::InvalidArgument(format!(
                "expected an attribute of `{}` that is in use, found that all are archived",
                self.title
            ))),
            several => Err(LabelError::InvalidArgument(format!(
                "expected the attribute of each answer to be named, found one without a name, and that \
                 `{}` has {}",
                self.title,
                self.names(several)
            ))),
        }
    }

    fn wanted<'g>(&self, answer: &'g AttributeAnswer) -> &'g str
    where
        'a: 'g,
    {
        match &answer.attribute {
            Some(wanted) => wanted,
            None => self.nodes.first().map_or("", |node| &node.attribute.name),
        }
    }

    /// Why an answer was not taken.
    fn unusable(&self, answer: &AttributeAnswer, checked: &[Checked<'_>]) -> LabelError {
        let wanted = self.wanted(answer);
        let is = |node: &&Node<'_>| {
            node.attribute.feature_hash == wanted || node.attribute.name == wanted
        };
        let matching: Vec<_> = self.nodes.iter().filter(is).collect();
        let is_answered = |node: &&Node<'_>| {
            let mut hashes = checked.iter().map(|answer| &answer.attribute.feature_hash);
            hashes.any(|hash| *hash == node.attribute.feature_hash)
        };
        if matching.is_empty() {
            return self.unknown(wanted);
        }
        if matching.iter().all(|node| node.attribute.archived) {
            return LabelError::InvalidArgument(format!(
                "expected an attribute in use, found `{wanted}`, which is archived"
            ));
        }
        if matching.iter().any(is_answered) {
            return several_answers(wanted);
        }
        let behind = matching.iter().find_map(|node| {
            let (behind, option) = node.behind?;
            Some((*node, self.nodes.get(behind)?.attribute, option))
        });
        let Some((node, question, option)) = behind else {
            return self.unknown(wanted);
        };
        if node.attribute.dynamic || question.dynamic {
            return LabelError::InvalidArgument(format!(
                "expected an attribute that Encord keeps answers to, found `{wanted}`: it is behind \
                 `{}`, and dynamic attributes are neither behind others nor have others behind them",
                question.name
            ));
        }
        LabelError::InvalidArgument(format!(
            "expected an answer only to what is asked, found one to `{wanted}`, which is asked if `{}` is \
             answered with `{}`",
            question.name, option.label
        ))
    }

    fn unknown(&self, wanted: &str) -> LabelError {
        let live = self.nodes.iter().filter(|node| !node.attribute.archived);
        LabelError::InvalidArgument(format!(
            "expected an attribute of the {}, found `{wanted}`; it has {}",
            self.about,
            listed(live.map(|node| node.attribute.name.as_str()))
        ))
    }

    fn ambiguous(&self, wanted: &str, questions: &[usize]) -> LabelError {
        let attributes = questions.iter().filter_map(|one| self.attribute(*one));
        LabelError::InvalidArgument(format!(
            "expected one attribute named `{wanted}`, found several: {}\n\
             help: name it by its feature hash",
            listed(attributes.map(|attribute| attribute.feature_hash.as_str()))
        ))
    }

    fn names(&self, questions: &[usize]) -> String {
        let attributes = questions.iter().filter_map(|one| self.attribute(*one));
        listed(attributes.map(|attribute| attribute.name.as_str()))
    }
}

fn several_answers(wanted: &str) -> LabelError {
    LabelError::InvalidArgument(format!("expected one answer to `{wanted}`, found several"))
}

/// The entries of a list of answers that are for an attribute.
fn entries<'l>(attribute: &Attribute, held: &'l [Value]) -> impl Iterator<Item = &'l Value> {
    let answers = held.iter().filter(|entry| {
        let hash = entry.get("featureHash").and_then(Value::as_str);
        hash == Some(attribute.feature_hash.as_str())
    });
    answers.filter_map(|entry| entry.get("answers"))
}

/// What a radio of a row has chosen. Of several entries, the Python SDK takes the last.
fn held_option<'a>(attribute: &'a Attribute, held: &[Value]) -> Option<&'a AttributeOption> {
    if attribute.kind != "radio" {
        return None;
    }
    let chosen =
        entries(attribute, held).filter_map(|answers| match answers.as_array()?.as_slice() {
            [option] => option.get("featureHash")?.as_str(),
            _ => None,
        });
    let chosen = chosen.last()?;
    let mut options = attribute.options.iter();
    options.find(|option| option.feature_hash == chosen)
}

fn is_answered(attribute: &Attribute, held: &[Value]) -> bool {
    entries(attribute, held).any(|answers| match answers {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(options) => !options.is_empty(),
        _ => true,
    })
}
