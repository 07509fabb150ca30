//! Constructors for the plain values that agents make themselves.

use std::ops::RangeInclusive;

use crate::bindings::runner::stage::labels::GivenAnswer;
use crate::{Answer, BoundingBox, FrameRange, Point};

impl BoundingBox {
    /// A box from its upper left corner and its size, all from 0 to 1.
    pub const fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }
}

impl Point {
    /// A point in the plane, from 0 to 1.
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y, z: None }
    }
}

impl FrameRange {
    /// Frames `start` to `end`, both included, counted from 0.
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }
}

impl From<u32> for FrameRange {
    fn from(frame: u32) -> Self {
        Self::new(frame, frame)
    }
}

impl From<RangeInclusive<u32>> for FrameRange {
    fn from(range: RangeInclusive<u32>) -> Self {
        Self::new(*range.start(), *range.end())
    }
}

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
    /// attribute.
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn ranges_include_both_ends() {
        assert_eq!(FrameRange::from(7), FrameRange { start: 7, end: 7 });
        assert_eq!(FrameRange::from(0..=9), FrameRange { start: 0, end: 9 });
    }
}
