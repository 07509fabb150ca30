//! What somebody wrote, in TOML or JSON, with the lines that it stands on.

use std::fmt;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::local::error::Mistake;

/// Reads TOML, or says which lines are none.
pub(super) fn toml(text: &str) -> Result<Keys, Vec<Mistake>> {
    let line_of = |at: usize| {
        let before = text.get(..at).unwrap_or(text);
        before.matches('\n').count() + 1
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(table_of(table.get_ref(), &line_of));
    }
    let mistake = |error: toml::de::Error| Mistake {
        line: error.span().map(|span| line_of(span.start)),
        message: error.message().to_owned(),
    };
    Err(errors.into_iter().map(mistake).collect())
}

/// Reads JSON, or says what is wrong with it. The lines of its values are not known.
pub(super) fn json(text: &[u8]) -> Result<Keys, Vec<Mistake>> {
    let object: Map<String, Value> = serde_json::from_slice(text).map_err(|error| {
        vec![Mistake {
            line: None,
            message: format!("expected a JSON object: {error}"),
        }]
    })?;
    Ok(object_of(&object))
}

/// A value of either format, with the line that it stands on if that is known.
pub(super) struct Written {
    pub(super) line: Option<usize>,
    pub(super) value: Shape,
}

pub(super) enum Shape {
    Table(Vec<(String, Written)>),
    List(Vec<Written>),
    Plain(Value),
}

/// In the order of the text, or by name if it is TOML.
pub(super) type Keys = Vec<(String, Written)>;

fn table_of(table: &DeTable<'_>, line_of: &impl Fn(usize) -> usize) -> Keys {
    let entry = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        (key.get_ref().to_string(), value_of(value, line_of))
    };
    table.iter().map(entry).collect()
}

fn value_of(value: &Spanned<DeValue<'_>>, line_of: &impl Fn(usize) -> usize) -> Written {
    let written = |shape| Written {
        line: Some(line_of(value.span().start)),
        value: shape,
    };
    let plain = match value.get_ref() {
        DeValue::Table(table) => return written(Shape::Table(table_of(table, line_of))),
        DeValue::Array(list) => {
            let list = list.iter().map(|value| value_of(value, line_of));
            return written(Shape::List(list.collect()));
        }
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(value) => Value::from(*value),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::from(number.as_str()), Value::from),
        DeValue::Float(number) => (number.as_str().parse::<f64>())
            .map_or_else(|_| Value::from(number.as_str()), Value::from),
        DeValue::Datetime(time) => Value::from(time.to_string()),
    };
    written(Shape::Plain(plain))
}

fn object_of(object: &Map<String, Value>) -> Keys {
    let shape = |value: &Value| Written {
        line: None,
        value: shape_of(value),
    };
    let entry = |(key, value): (&String, &Value)| (key.clone(), shape(value));
    object.iter().map(entry).collect()
}

fn shape_of(value: &Value) -> Shape {
    match value {
        Value::Object(object) => Shape::Table(object_of(object)),
        Value::Array(list) => {
            let element = |value| Written {
                line: None,
                value: shape_of(value),
            };
            Shape::List(list.iter().map(element).collect())
        }
        plain => Shape::Plain(plain.clone()),
    }
}

impl Written {
    fn to_json(&self) -> Value {
        match &self.value {
            Shape::Plain(value) => value.clone(),
            Shape::List(list) => list.iter().map(Self::to_json).collect(),
            Shape::Table(keys) => Value::Object(json_of(keys)),
        }
    }
}

fn json_of(keys: &Keys) -> Map<String, Value> {
    let entry = |(key, value): &(String, Written)| (key.clone(), value.to_json());
    keys.iter().map(entry).collect()
}

/// A table whose keys are taken out one by one; those that are left are mistakes.
pub(super) struct Table {
    /// Before each message.
    place: String,
    line: Option<usize>,
    keys: Keys,
    mistakes: Vec<Mistake>,
}

impl Table {
    pub(super) fn new(place: String, line: Option<usize>, keys: Keys) -> Self {
        Self {
            place,
            line,
            keys,
            mistakes: Vec::new(),
        }
    }

    /// As it would stand in JSON.
    pub(super) fn to_json(&self) -> Map<String, Value> {
        json_of(&self.keys)
    }

    /// Notes a mistake, in the line of the table if no other is given.
    pub(super) fn note(&mut self, line: Option<usize>, message: impl fmt::Display) {
        self.mistakes.push(Mistake {
            line: line.or(self.line),
            message: format!("{}{message}", self.place),
        });
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<Written> {
        let index = self.keys.iter().position(|(found, _)| found == key)?;
        Some(self.keys.remove(index).1)
    }

    /// `None` if the key is absent, or noted as a mistake.
    pub(super) fn take<T>(
        &mut self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let written = self.remove(key)?;
        let value = written.to_json();
        let read = read(&value);
        if read.is_none() {
            let message = format!("expected `{key}` to be {expected}, found {value}");
            self.note(written.line, message);
        }
        read
    }

    /// Like [`Table::take`], for text.
    pub(super) fn take_text<T>(
        &mut self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.take(key, expected, |value| value.as_str().and_then(read))
    }

    /// Like [`Table::take`], for a whole number.
    pub(super) fn number(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let expected = match (*range.start(), *range.end()) {
            (low, u64::MAX) => format!("a whole number from {low}"),
            (low, high) => format!("a whole number from {low} to {high}"),
        };
        let within = |value: &Value| value.as_u64().filter(|number| range.contains(number));
        self.take(key, &expected, within)
    }

    /// Like [`Table::take`], for what is false unless it is true.
    pub(super) fn switch(&mut self, key: &str) -> bool {
        self.take(key, "true or false", Value::as_bool) == Some(true)
    }

    /// The mistakes, among them the keys that nobody took.
    pub(super) fn finish(mut self, known: &[&str]) -> Vec<Mistake> {
        let known = known.join(", ");
        for (key, written) in std::mem::take(&mut self.keys) {
            let message = format!("expected one of the keys {known}, found `{key}`");
            self.note(written.line, message);
        }
        self.mistakes
    }
}
