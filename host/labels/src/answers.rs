//! The answers to attributes, as a row has them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::frames::{self, FrameRange};
use super::ontology::Ontology;

/// The answer to an attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Of the attribute.
    pub feature_hash: String,
    /// Of the attribute.
    pub name: String,
    /// What was answered.
    pub value: AnswerValue,
    /// True if a person gave it.
    pub manual_annotation: bool,
}

/// The answer to a dynamic attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct DynamicAnswer {
    /// The answer.
    pub answer: Answer,
    /// Where it holds, in ascending order, neighbours merged.
    pub frames: Vec<FrameRange>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerValue {
    /// To a `text` attribute.
    Text(String),
    /// To a `numeric` attribute.
    Number(f64),
    /// To a `radio` (one option) or `checklist` (those that are ticked).
    Options(Vec<ChosenOption>),
    /// Anything else, as JSON text.
    Other(String),
}

/// A chosen option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenOption {
    /// Of the option.
    pub feature_hash: String,
    /// The option's label.
    pub name: String,
    /// What programs read.
    pub value: String,
}

/// The answers of a list, in its order.
///
/// The web editor writes an entry for each ticked option of a checklist, the Python SDK one for all:
/// both are read as one answer. An entry whose answer was taken back (`[]` or `null`) is none.
pub(super) fn read(list: Option<&Value>, ontology: &Ontology) -> Vec<Answer> {
    let entries = list.and_then(Value::as_array).into_iter().flatten();
    let mut answers: Vec<Answer> = Vec::new();
    for entry in entries {
        let Some(answer) = one(entry, ontology) else {
            continue;
        };
        if let AnswerValue::Options(options) = &answer.value
            && ontology.kind_of_attribute(&answer.feature_hash) != Some("radio")
            && let Some(earlier) = answers
                .iter_mut()
                .find(|earlier| earlier.feature_hash == answer.feature_hash)
            && let AnswerValue::Options(ticked) = &mut earlier.value
        {
            let new = options.iter().filter(|option| !ticked.contains(option));
            let new: Vec<_> = new.cloned().collect();
            ticked.extend(new);
            continue;
        }
        answers.push(answer);
    }
    answers
}

/// The answers to dynamic attributes of a list of actions, in its order.
///
/// Entries of one checklist may overlap; where they do, all their options are ticked.
pub(super) fn read_dynamic(actions: Option<&Value>, ontology: &Ontology) -> Vec<DynamicAnswer> {
    let entries = actions.and_then(Value::as_array).into_iter().flatten();
    let read = entries.filter_map(|entry| {
        let answer = one(entry, ontology)?;
        let frames = frames::from_json(entry.get("range"));
        Some(DynamicAnswer { answer, frames })
    });
    let mut answers: Vec<DynamicAnswer> = Vec::new();
    let mut checklists: BTreeMap<String, (usize, Vec<DynamicAnswer>)> = BTreeMap::new();
    for read in read {
        let hash = &read.answer.feature_hash;
        if ontology.kind_of_attribute(hash) == Some("checklist") {
            let place = answers.len();
            let (_, entries) = checklists
                .entry(hash.clone())
                .or_insert((place, Vec::new()));
            entries.push(read);
        } else {
            answers.push(read);
        }
    }
    // From the last place to the first, so that those before it keep theirs.
    let mut checklists: Vec<_> = checklists.into_values().collect();
    checklists.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    for (place, entries) in checklists {
        answers.splice(place..place, ticked_by_frame(&entries));
    }
    answers
}

fn one(entry: &Value, ontology: &Ontology) -> Option<Answer> {
    let feature_hash = entry.get("featureHash")?.as_str()?;
    let value = match entry.get("answers")? {
        Value::Null => return None,
        Value::String(text) => AnswerValue::Text(text.clone()),
        Value::Number(number) => AnswerValue::Number(number.as_f64()?),
        Value::Array(list) => {
            let is_radio = ontology.kind_of_attribute(feature_hash) == Some("radio");
            if list.is_empty() && is_radio {
                return None;
            }
            let options: Option<Vec<_>> = list.iter().map(chosen_option).collect();
            match options {
                Some(options) => AnswerValue::Options(options),
                None => AnswerValue::Other(Value::Array(list.clone()).to_string()),
            }
        }
        other => AnswerValue::Other(other.to_string()),
    };
    Some(Answer {
        feature_hash: feature_hash.to_owned(),
        name: text(entry, "name"),
        value,
        manual_annotation: manual_annotation(entry),
    })
}

/// `manualAnnotation` of anything in a row. People were there before agents: absent means true.
pub(super) fn manual_annotation(json: &Value) -> bool {
    let flag = json.get("manualAnnotation").and_then(Value::as_bool);
    flag.unwrap_or(true)
}

fn chosen_option(json: &Value) -> Option<ChosenOption> {
    Some(ChosenOption {
        feature_hash: json.get("featureHash")?.as_str()?.to_owned(),
        name: text(json, "name"),
        value: text(json, "value"),
    })
}

fn text(json: &Value, key: &str) -> String {
    let text = json.get(key).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// One answer for each set of options that is ticked somewhere, from entries of one checklist.
fn ticked_by_frame(entries: &[DynamicAnswer]) -> Vec<DynamicAnswer> {
    // Between two neighbouring bounds the ticked options are the same. 64 bits, since one past the
    // last frame may not fit into 32.
    let mut bounds = BTreeSet::new();
    for range in entries.iter().flat_map(|entry| &entry.frames) {
        bounds.insert(u64::from(range.start));
        bounds.insert(u64::from(range.end) + 1);
    }
    let bounds: Vec<u64> = bounds.into_iter().collect();
    let mut answers: Vec<DynamicAnswer> = Vec::new();
    for pair in bounds.windows(2) {
        let &[start, past] = pair else { continue };
        let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(past - 1)) else {
            continue;
        };
        let here = entries
            .iter()
            .filter(|entry| entry.frames.iter().any(|range| range.contains(start)));
        let mut ticked: Vec<ChosenOption> = Vec::new();
        let mut first = None;
        for entry in here {
            first = first.or(Some(&entry.answer));
            if let AnswerValue::Options(options) = &entry.answer.value {
                for option in options {
                    if !ticked.contains(option) {
                        ticked.push(option.clone());
                    }
                }
            }
        }
        let Some(first) = first else { continue };
        let value = AnswerValue::Options(ticked);
        let frames = FrameRange { start, end };
        match answers
            .iter_mut()
            .find(|answer| answer.answer.value == value)
        {
            Some(answer) => answer.frames.push(frames),
            None => answers.push(DynamicAnswer {
                answer: Answer {
                    value,
                    ..first.clone()
                },
                frames: vec![frames],
            }),
        }
    }
    for answer in &mut answers {
        answer.frames = frames::merged(std::mem::take(&mut answer.frames));
    }
    answers
}
