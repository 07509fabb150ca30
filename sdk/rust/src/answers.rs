//! Answers: those that agents give, and those that a row has.

use crate::bindings::runner::stage::labels::GivenAnswer;
use crate::{Answer, AnswerValue, Attribute, Error, ExistingAnswer, Result};

impl Answer {
    /// The answer to a `text` attribute.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            attribute: None,
            value: GivenAnswer::Text(text.into()),
        }
    }

    /// The answer to a `numeric` attribute. Must be finite.
    pub fn number(number: f64) -> Self {
        Self {
            attribute: None,
            value: GivenAnswer::Number(number),
        }
    }

    /// One option of a `radio` or `checklist` attribute: its feature hash, its exact label or its
    /// value, looked up in this order.
    pub fn option(option: impl Into<String>) -> Self {
        Self::options([option])
    }

    /// The options of a `checklist` that are ticked, named as for [`option`](Self::option).
    pub fn options<I>(options: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let options = options.into_iter().map(Into::into).collect();
        Self {
            attribute: None,
            value: GivenAnswer::Options(options),
        }
    }

    /// Makes it the answer to this attribute (feature hash or exact name) rather than to the root
    /// attribute of a classification or the only attribute of an object.
    #[must_use]
    pub fn to(mut self, attribute: impl Into<String>) -> Self {
        self.attribute = Some(attribute.into());
        self
    }
}

/// One or more answers: an [`Answer`], or an array or `Vec` of them.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` is not an answer",
    label = "does not say what kind of answer it is",
    note = "write `Answer::option(..)`, `Answer::options([..])`, `Answer::text(..)` or \
            `Answer::number(..)`, or an array of those"
)]
pub trait IntoAnswers {
    /// The answers, in any order.
    fn into_answers(self) -> Vec<Answer>;
}

impl IntoAnswers for Answer {
    fn into_answers(self) -> Vec<Answer> {
        vec![self]
    }
}

impl IntoAnswers for Vec<Answer> {
    fn into_answers(self) -> Vec<Answer> {
        self
    }
}

impl<const N: usize> IntoAnswers for [Answer; N] {
    fn into_answers(self) -> Vec<Answer> {
        self.into()
    }
}

impl ExistingAnswer {
    /// The label of the chosen option of a `radio`, or of a `checklist` in which one is ticked. Absent for
    /// any other answer.
    pub fn option(&self) -> Option<&str> {
        match &self.value {
            AnswerValue::Options(options) => match options.as_slice() {
                [option] => Some(&option.name),
                _ => None,
            },
            _ => None,
        }
    }

    /// The labels of the options that are chosen or ticked. Empty for other kinds of answer.
    pub fn options(&self) -> Vec<&str> {
        match &self.value {
            AnswerValue::Options(options) => {
                options.iter().map(|option| option.name.as_str()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// True if this option is chosen or ticked. It is given by feature hash, exact label or value.
    pub fn is(&self, option: &str) -> bool {
        match &self.value {
            AnswerValue::Options(options) => options
                .iter()
                .flat_map(|chosen| [&chosen.feature_hash, &chosen.name, &chosen.value])
                .any(|known| known == option),
            _ => false,
        }
    }

    /// The answer to a `text` attribute. Absent for any other.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            AnswerValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The answer to a `numeric` attribute. Absent for any other.
    pub fn number(&self) -> Option<f64> {
        match self.value {
            AnswerValue::Number(number) => Some(number),
            _ => None,
        }
    }
}

/// What was found when an attribute was looked up: its answer, or that it has none. Of an attribute without an
/// answer, and of an answer of another kind, all functions say that there is nothing.
///
/// ```no_run
/// # use runner_sdk::prelude::*;
/// # fn agent(row: LabelRow) -> Result<()> {
/// for car in row.objects().of("Car")? {
///     if car.answer("Colour")?.is("Red") && car.answer("Doors")?.number() > Some(3.0) {
///         info!("a red family car: {:?}", car.answer("Plate")?.text());
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answered {
    answer: Option<ExistingAnswer>,
}

impl Answered {
    /// False if the attribute has no answer.
    pub fn is_given(&self) -> bool {
        self.answer.is_some()
    }

    /// The label of the chosen option of a `radio`, or of a `checklist` in which one is ticked.
    pub fn option(&self) -> Option<String> {
        self.answer.as_ref()?.option().map(str::to_owned)
    }

    /// The labels of the options that are chosen or ticked.
    pub fn options(&self) -> Vec<String> {
        let options = self.answer.iter().flat_map(ExistingAnswer::options);
        options.map(str::to_owned).collect()
    }

    /// True if this option is chosen or ticked. It is given by feature hash, exact label or value.
    pub fn is(&self, option: &str) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.is(option))
    }

    /// The answer to a `text` attribute.
    pub fn text(&self) -> Option<String> {
        self.answer.as_ref()?.text().map(str::to_owned)
    }

    /// The answer to a `numeric` attribute.
    pub fn number(&self) -> Option<f64> {
        self.answer.as_ref()?.number()
    }

    /// All of the answer.
    pub fn existing(&self) -> Option<&ExistingAnswer> {
        self.answer.as_ref()
    }

    /// Finds the answer to `attribute`. Only if there is none are the `attributes` looked at, which says whether
    /// there could be one: a name that is misspelt is no attribute without an answer.
    pub(crate) fn find(
        answers: Vec<ExistingAnswer>,
        attribute: &str,
        attributes: impl FnOnce() -> Vec<Attribute>,
    ) -> Result<Self, Error> {
        if let Some(answer) = pick(answers, attribute)? {
            return Ok(Self {
                answer: Some(answer),
            });
        }
        let mut names = Vec::new();
        if has_attribute(attributes(), attribute, &mut names) {
            return Ok(Self::default());
        }
        let mut unknown =
            format!("expected the feature hash or name of an attribute, found {attribute:?}");
        if !names.is_empty() {
            unknown.push_str(&format!("\nhelp: there are {}", names.join(", ")));
        }
        Err(Error::InvalidArgument(unknown))
    }
}

/// True if the attribute is one of these or behind one of their options. Notes the names of all that it passes.
fn has_attribute(attributes: Vec<Attribute>, wanted: &str, names: &mut Vec<String>) -> bool {
    attributes.into_iter().any(|attribute| {
        let name = attribute.name();
        if name == wanted || attribute.feature_hash() == wanted {
            return true;
        }
        names.push(name);
        let options = attribute.options();
        options
            .iter()
            .any(|option| has_attribute(option.attributes(), wanted, names))
    })
}

/// The answer to an attribute: the one of this feature hash or, if there is none, of this name.
fn pick(answers: Vec<ExistingAnswer>, attribute: &str) -> Result<Option<ExistingAnswer>, Error> {
    let by_hash = answers
        .iter()
        .position(|answer| answer.feature_hash == attribute);
    if let Some(position) = by_hash {
        return Ok(answers.into_iter().nth(position));
    }
    let mut named = answers
        .into_iter()
        .filter(|answer| answer.name == attribute);
    let found = named.next();
    match named.next() {
        None => Ok(found),
        Some(_) => Err(Error::InvalidArgument(format!(
            "expected one attribute {attribute:?}, found several of that name\nhelp: give its feature hash"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ChosenOption;

    #[test]
    fn answers_are_to_the_root_attribute_unless_told_otherwise() {
        let answers = [
            Answer::option("Road"),
            Answer::options(["Car", "Bus"]).to("Vehicles"),
            Answer::number(3.0).to("Lanes"),
            Answer::text("wet").to("Remark"),
        ];
        let expected = [
            (None, GivenAnswer::Options(vec!["Road".into()])),
            (
                Some("Vehicles"),
                GivenAnswer::Options(vec!["Car".into(), "Bus".into()]),
            ),
            (Some("Lanes"), GivenAnswer::Number(3.0)),
            (Some("Remark"), GivenAnswer::Text("wet".into())),
        ];
        for (answer, (attribute, value)) in answers.into_answers().into_iter().zip(expected) {
            assert_eq!(answer.attribute.as_deref(), attribute);
            assert_eq!(answer.value, value);
        }
    }

    fn existing(feature_hash: &str, name: &str, value: AnswerValue) -> ExistingAnswer {
        ExistingAnswer {
            feature_hash: feature_hash.into(),
            name: name.into(),
            value,
            manual_annotation: false,
        }
    }

    fn chosen(labels: &[&str]) -> AnswerValue {
        let option = |label: &&str| ChosenOption {
            feature_hash: format!("hash{label}"),
            name: (*label).into(),
            value: label.to_lowercase(),
        };
        AnswerValue::Options(labels.iter().map(option).collect())
    }

    fn find(answers: Vec<ExistingAnswer>, attribute: &str) -> Answered {
        let no_ontology = || unreachable!("it has an answer");
        Answered::find(answers, attribute, no_ontology).unwrap()
    }

    #[test]
    fn an_answer_is_read_as_what_it_is() {
        let answers = || {
            vec![
                existing("colour00", "Colour", chosen(&["Red"])),
                existing("marks000", "Marks", chosen(&["Dots", "Lines"])),
                existing("count000", "Count", AnswerValue::Number(2.5)),
                existing("note0000", "Note", AnswerValue::Text("wet".into())),
            ]
        };
        let colour = find(answers(), "Colour");
        assert_eq!(colour.option().as_deref(), Some("Red"));
        assert!(colour.is("Red") && colour.is("red") && colour.is("hashRed") && !colour.is("Blue"));
        assert_eq!((colour.text(), colour.number()), (None, None));

        let marks = find(answers(), "marks000");
        assert_eq!(marks.options(), ["Dots", "Lines"]);
        assert_eq!(marks.option(), None);
        assert!(marks.is("lines"));

        assert_eq!(find(answers(), "Count").number(), Some(2.5));
        assert_eq!(find(answers(), "Note").text().as_deref(), Some("wet"));
        let note = find(answers(), "Note");
        assert!(!note.is("wet"));
        assert_eq!(note.existing(), answers().last());
    }

    #[test]
    fn a_feature_hash_wins_over_a_name_and_a_name_of_two_is_refused() {
        let answers = || {
            vec![
                existing("first000", "Size", AnswerValue::Number(1.0)),
                existing("second00", "Size", AnswerValue::Number(2.0)),
                existing("third000", "first000", AnswerValue::Number(3.0)),
            ]
        };
        assert_eq!(find(answers(), "first000").number(), Some(1.0));
        assert_eq!(find(answers(), "second00").number(), Some(2.0));
        let error = Answered::find(answers(), "Size", Vec::new).unwrap_err();
        assert!(error.message().contains("found several"), "{error}");
    }

    #[test]
    fn an_attribute_that_is_nowhere_is_a_mistake() {
        let error = Answered::find(Vec::new(), "Colr", Vec::new).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument(_)), "{error}");
    }
}
