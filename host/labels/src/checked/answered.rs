//! Answers of a document that is to be set.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Check, at, is_same, read_ranges, required, same, wrong};
use crate::answering;
use crate::error::LabelError;
use crate::frames::{self, FrameRange};
use crate::given::{AttributeAnswer, GivenAnswer};
use crate::html;
use crate::index::{ROW, is_range, members};
use crate::part::Holds;
use crate::questions::{Checked, Questions};
use crate::row::LabelRow;

impl Check<'_> {
    pub(super) fn object_answers(&self) -> Result<(), LabelError> {
        let new = self.new;
        for object in new.objects() {
            let hash = object.object_hash();
            let has = |document: &Value| {
                let entries = document.get("object_answers");
                entries.is_some_and(|entries| entries.get(hash).is_some())
            };
            let old_had_none = self.row.object(hash).is_some() && !self.old.into_iter().any(has);
            if !has(&new.document) && !old_had_none {
                return Err(LabelError::InvalidArgument(format!(
                    "expected an entry for the object `{hash}`, found none, at `object_answers.{hash}`"
                )));
            }
        }
        for (hash, entry) in members(&new.document, "object_answers") {
            let place = format!("object_answers.{hash}");
            let old = self.old_entry("object_answers", hash);
            if new.object(hash).is_none() {
                // The remains of a deleted object may stay where they are.
                let remained = self.row.object(hash).is_none() && self.stood(entry, &old);
                if remained {
                    continue;
                }
                return Err(LabelError::InvalidArgument(format!(
                    "expected the answers of an object that is in the row, found that none of the hash \
                     `{hash}` is, at `{place}`"
                )));
            }
            if self.stood(entry, &old) {
                continue;
            }
            self.same_hash(entry, "objectHash", hash, &place)?;
            if is_range(entry) {
                let is_drawn = new
                    .index()
                    .object(hash)
                    .is_some_and(|one| !one.drawings().is_empty());
                if !is_drawn && !new.is_placed(hash) {
                    return Err(LabelError::InvalidArgument(format!(
                        "expected an object that marks something, found that `{hash}` marks nothing, at \
                         `{place}`"
                    )));
                }
                self.range_object(hash, entry, &old, &place)?;
            }
            let Some(object) = new.object(hash).and_then(|object| object.ontology_object()) else {
                // Its feature is gone from the ontology: nothing can be answered any more.
                self.unchanged(entry, &old, "classifications", &place)?;
                continue;
            };
            let questions = Questions::of_object(object);
            self.answers(&questions, entry, &old, &place)?;
        }
        Ok(())
    }

    /// An object that stands in `object_answers` as a whole.
    fn range_object(
        &self,
        hash: &str,
        entry: &Value,
        old: &[&Value],
        place: &str,
    ) -> Result<(), LabelError> {
        let feature_hash = required(entry, "featureHash", place)?;
        let object = self.object_feature(hash, feature_hash, place)?;
        self.statements(entry, place)?;
        let same = |key: &str| old.iter().any(|old| is_same(old.get(key), entry.get(key)));
        let shape = object.shape.as_str();
        let spaces = entry.get("spaces").and_then(Value::as_object);
        let spaces = spaces.into_iter().flatten();
        let spaces = spaces.map(|(id, json)| (Some(id.as_str()), json, "range"));
        let own = ["range", "range_html"].map(|key| (None, entry, key));
        for (space, json, key) in own.into_iter().chain(spaces) {
            let place = match space {
                Some(id) => format!("{place}.spaces.{id}.{key}"),
                None => format!("{place}.{key}"),
            };
            let is_empty = |ranges: &Value| ranges.as_array().is_some_and(Vec::is_empty);
            let Some(ranges) = json.get(key).filter(|ranges| !is_empty(ranges)) else {
                continue;
            };
            if same(if space.is_some() { "spaces" } else { key }) {
                continue;
            }
            let part = match space {
                Some(id) => self.new.part(Some(id)),
                None => self.new.part_of_number(ROW),
            };
            let part = part.map_err(|error| at(&place, error))?;
            match part.holds {
                Holds::Html if shape == "text" => {
                    let read = html::from_json(Some(ranges));
                    if Some(read.len()) != ranges.as_array().map(Vec::len) {
                        let expected = format!("a list of ranges of an HTML document at `{place}`");
                        return Err(wrong(&expected, Some(ranges)));
                    }
                    html::check(&read).map_err(|error| at(&place, error))?;
                }
                Holds::Ranges { shapes, .. } if shapes.contains(&shape) && key == "range" => {
                    let ranges = read_ranges(ranges, &place)?;
                    let checked = self.new.check_frames_of(&part, &ranges);
                    checked.map_err(|error| at(&place, error))?;
                }
                // The points are on the list of the cloud.
                Holds::Points if shape == "segmentation" => {}
                _ => {
                    return Err(LabelError::InvalidArgument(format!(
                        "expected data of which an object of shape `{shape}` can mark ranges, found other \
                         data, at `{place}`"
                    )));
                }
            }
        }
        Ok(())
    }

    /// A list of answers: those that are new are checked, the others have to be asked still.
    pub(super) fn answers(
        &self,
        questions: &Questions<'_>,
        entry: &Value,
        old: &[&Value],
        place: &str,
    ) -> Result<(), LabelError> {
        let place = format!("{place}.classifications");
        let list = match entry.get("classifications") {
            Some(Value::Array(list)) => list,
            other => return Err(wrong(&format!("a list at `{place}`"), other)),
        };
        let old = old
            .iter()
            .map(|old| answering::list(old.get("classifications")));
        let old: Vec<&[Value]> = old.collect();
        if old.iter().any(|old| same_list(old, list)) {
            return Ok(());
        }
        let mut answered = HashSet::new();
        for (position, answer) in list.iter().enumerate() {
            let place = format!("{place}[{position}]");
            let hash = answer
                .get("featureHash")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let several = !answered.insert(hash);
            let stood = old.iter().find(|old| has(old, answer));
            let Some(question) = questions.position(hash) else {
                if stood.is_some() {
                    continue;
                }
                return Err(LabelError::InvalidArgument(format!(
                    "expected the feature hash of an attribute, found `{hash}`, at `{place}.featureHash`"
                )));
            };
            if let Some(stood) = stood {
                if questions.is_asked(question, list) || !questions.is_asked(question, stood) {
                    continue;
                }
                return Err(LabelError::InvalidArgument(format!(
                    "expected an answer only to what is asked, found one behind an option that is not \
                     chosen any more, at `{place}`"
                )));
            }
            let checked = self.answer(questions, answer, list, &place)?;
            if checked.attribute.dynamic {
                return Err(LabelError::InvalidArgument(format!(
                    "expected the answer to the dynamic attribute `{}` among the object's actions, with \
                     its frames, found it at `{place}`",
                    checked.attribute.name
                )));
            }
            // The web editor has an entry for each option of a checklist.
            if several && checked.attribute.kind != "checklist" {
                return Err(LabelError::InvalidArgument(format!(
                    "expected one answer to `{}`, found several, at `{place}`",
                    checked.attribute.name
                )));
            }
        }
        Ok(())
    }

    /// An answer, among those that decide whether it is asked.
    fn answer<'q>(
        &self,
        questions: &Questions<'q>,
        answer: &Value,
        held: &[Value],
        place: &str,
    ) -> Result<Checked<'q>, LabelError> {
        self.statements(answer, place)?;
        let hash = required(answer, "featureHash", place)?;
        let place = format!("{place}.answers");
        let value = match answer.get("answers") {
            Some(Value::String(text)) => Some(GivenAnswer::Text(text.clone())),
            Some(Value::Number(number)) => number.as_f64().map(GivenAnswer::Number),
            Some(Value::Array(options)) => {
                let hashes = options
                    .iter()
                    .map(|option| option.get("featureHash")?.as_str());
                let hashes = hashes.map(|hash| hash.map(str::to_owned));
                hashes.collect::<Option<_>>().map(GivenAnswer::Options)
            }
            _ => None,
        };
        let Some(value) = value else {
            let expected = format!("text, a number or options with feature hashes at `{place}`");
            return Err(wrong(&expected, answer.get("answers")));
        };
        let given = [AttributeAnswer {
            attribute: Some(hash.to_owned()),
            value,
        }];
        let checked = questions.check(&given, held);
        let checked = checked.map_err(|error| at(&place, error))?;
        checked.into_iter().next().ok_or_else(|| {
            LabelError::InvalidArgument(format!(
                "expected an answer that is asked, found none, at `{place}`"
            ))
        })
    }

    pub(super) fn object_actions(&self) -> Result<(), LabelError> {
        let new = self.new;
        for (hash, entry) in members(&new.document, "object_actions") {
            let place = format!("object_actions.{hash}");
            let old = self.old_entry("object_actions", hash);
            let object = new.object(hash);
            if self.stood(entry, &old) && (object.is_some() || self.row.object(hash).is_none()) {
                self.still_there(hash, entry, &place)?;
                continue;
            }
            let Some(object) = object else {
                return Err(LabelError::InvalidArgument(format!(
                    "expected the actions of an object that is in the row, found that none of the hash \
                     `{hash}` is, at `{place}`"
                )));
            };
            self.same_hash(entry, "objectHash", hash, &place)?;
            let Some(feature) = object.ontology_object() else {
                self.unchanged(entry, &old, "actions", &place)?;
                continue;
            };
            let questions = Questions::of_object(feature);
            let actions = match entry.get("actions") {
                Some(Value::Array(actions)) => actions,
                other => return Err(wrong(&format!("a list at `{place}.actions`"), other)),
            };
            let answers = new
                .document
                .get("object_answers")
                .and_then(|all| all.get(hash));
            let held = answering::list(answers.and_then(|entry| entry.get("classifications")));
            let stood = |action: &Value| {
                let mut lists = old.iter().map(|old| answering::list(old.get("actions")));
                lists.any(|list| has(list, action))
            };
            // Where attributes are answered: first by what stood, then by what is new.
            let mut answered: HashMap<&str, Vec<FrameRange>> = HashMap::new();
            for action in actions.iter().filter(|action| stood(action)) {
                let frames = answered.entry(hash_of(action)).or_default();
                frames.extend(frames::from_json(action.get("range")));
                *frames = frames::merged(std::mem::take(frames));
            }
            for (position, action) in actions.iter().enumerate() {
                let place = format!("{place}.actions[{position}]");
                if stood(action) {
                    continue;
                }
                let ranges = frames::from_json(action.get("range"));
                let earlier = answered.entry(hash_of(action)).or_default();
                let common = frames::intersection(&ranges, earlier);
                earlier.extend(&ranges);
                *earlier = frames::merged(std::mem::take(earlier));
                let checked = self.answer(&questions, action, held, &place)?;
                let attribute = checked.attribute;
                if !attribute.dynamic {
                    return Err(LabelError::InvalidArgument(format!(
                        "expected a dynamic attribute, found `{}`, which is not, at `{place}`",
                        attribute.name
                    )));
                }
                if let Some(range) = common.first().filter(|_| attribute.kind != "checklist") {
                    return Err(LabelError::InvalidArgument(format!(
                        "expected one answer to `{}` on a frame, found several on frames {range}, at \
                         `{place}.range`",
                        attribute.name
                    )));
                }
            }
            self.still_there(object.object_hash(), entry, &place)?;
        }
        Ok(())
    }

    /// An object's answers hold where it is. Where they held before without it, they may go on to.
    fn still_there(&self, hash: &str, entry: &Value, place: &str) -> Result<(), LabelError> {
        let held = |row: &LabelRow| {
            row.object(hash)
                .map_or(Vec::new(), |object| object.frames())
        };
        let (now, before) = (held(self.new), held(self.row));
        let actions = answering::list(entry.get("actions"));
        for (position, action) in actions.iter().enumerate() {
            let place = format!("{place}.actions[{position}].range");
            let old = self.old_entry("object_actions", hash);
            let stood = old
                .iter()
                .any(|old| has(answering::list(old.get("actions")), action));
            let ranges = if stood {
                // What was beside the object already is not questioned.
                let ranges = frames::from_json(action.get("range"));
                frames::intersection(&ranges, &before)
            } else {
                let json = action.get("range").unwrap_or(&Value::Null);
                let ranges = read_ranges(json, &place)?;
                if ranges.is_empty() {
                    return Err(LabelError::InvalidArgument(format!(
                        "expected at least one range of frames, found an empty list, at `{place}`"
                    )));
                }
                ranges
            };
            if let Some(range) = frames::difference(&ranges, &now).first() {
                return Err(LabelError::InvalidArgument(format!(
                    "expected frames that `{hash}` is on, found {range}, at `{place}`"
                )));
            }
        }
        Ok(())
    }
}

fn has(list: &[Value], entry: &Value) -> bool {
    list.iter().any(|one| same(one, entry))
}

fn same_list(one: &[Value], other: &[Value]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
}

fn hash_of(action: &Value) -> &str {
    let hash = action.get("featureHash").and_then(Value::as_str);
    hash.unwrap_or_default()
}
