//! Answering the attributes of an object. Answers that hold for all its frames stand in
//! `object_answers`, those to dynamic attributes with their frames in `object_actions`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::error::LabelError;
use super::frames::{self, FrameRange};
use super::given::AttributeAnswer;
use super::index::{Indexed, ROW, frames_of};
use super::object::ObjectInstance;
use super::ontology::{Attribute, Ontology, OntologyObject};
use super::part::in_order;
use super::questions::{Checked, Questions};
use super::row::LabelRow;
use super::write::{section, snake_case};

/// The order of a list of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// An attribute after those behind its options. Most lists of answers are in this order.
    DeepestFirst,
    /// An attribute before those behind its options. The Python SDK writes it for classifications in
    /// spaces with frames.
    RootFirst,
}

impl LabelRow {
    /// Answers attributes of an object, in any order; each takes the place of the answer that there was.
    /// Answers to attributes that are no longer asked go away: those behind an option that is not chosen
    /// any more.
    ///
    /// `frames` are for dynamic attributes, whose answer holds there; without them it holds wherever the
    /// object is now.
    ///
    /// # Errors
    /// [`LabelError::NotFound`] if the row has no such object; [`LabelError::InvalidArgument`] if an
    /// attribute or option is unknown, ambiguous or archived, if an answer is of another kind than its
    /// attribute or answers one that is not asked, if frames are given for an attribute that is not
    /// dynamic, if the object is not on one of them, or if it is in several spaces, whose frames an
    /// answer cannot tell apart; [`LabelError::Unsupported`] for dynamic attributes of an object that is
    /// not drawn, or if the row has an answer to one that reaches beyond 32 bits.
    pub fn set_object_answers(
        &mut self,
        object_hash: &str,
        answers: &[AttributeAnswer],
        frames: Option<&[FrameRange]>,
    ) -> Result<(), LabelError> {
        let ontology = Arc::clone(&self.ontology);
        let questions = Questions::of_object(self.answerable(&ontology, object_hash)?);
        let held = self.static_answers(object_hash);
        let checked = questions.check(answers, held)?;
        let (dynamic, fixed): (Vec<_>, Vec<_>) = checked
            .into_iter()
            .partition(|answer| answer.attribute.dynamic);
        if let (Some(_), Some(answer)) = (frames, fixed.first()) {
            return Err(not_dynamic(answer.attribute));
        }
        let frames = if dynamic.is_empty() {
            Vec::new()
        } else {
            self.frames_to_answer(object_hash, frames)?
        };

        let mut list = held.to_vec();
        put(&questions, fixed, &mut list, Order::DeepestFirst);
        let mut actions = self.actions(object_hash).to_vec();
        for answer in &dynamic {
            check_fits(&actions, answer.attribute)?;
        }
        // The SDK keeps them in the order in which they were given and writes those of spaces in this
        // order, the others in reverse.
        let in_space = self.is_in_space(object_hash);
        for answer in &dynamic {
            put_dynamic(answer, &mut actions, &frames, in_space);
        }
        self.set_static_answers(object_hash, list);
        self.set_actions(object_hash, actions);
        Ok(())
    }

    /// Takes the answer to an attribute of an object back, and those behind it. `attribute` is a feature
    /// hash or an exact name. `frames` are for dynamic attributes, whose answer goes there; without them it goes
    /// everywhere. Without an answer there, nothing changes.
    ///
    /// # Errors
    /// [`LabelError::NotFound`] if the row has no such object; [`LabelError::InvalidArgument`] if the
    /// attribute is unknown or ambiguous, if it is not dynamic and frames are given, or if a range ends
    /// before it starts; [`LabelError::Unsupported`] if frames are given and an answer reaches beyond 32 bits.
    pub fn clear_object_answer(
        &mut self,
        object_hash: &str,
        attribute: &str,
        frames: Option<&[FrameRange]>,
    ) -> Result<(), LabelError> {
        let ontology = Arc::clone(&self.ontology);
        let questions = Questions::of_object(self.answerable(&ontology, object_hash)?);
        let held = self.static_answers(object_hash);
        let question = questions.find(attribute, held)?;
        let Some(attribute) = questions.attribute(question) else {
            return Ok(());
        };
        if attribute.dynamic {
            let frames = frames.map(in_order).transpose()?;
            let mut actions = self.actions(object_hash).to_vec();
            let hash = &attribute.feature_hash;
            if frames.is_some() {
                check_fits(&actions, attribute)?;
            }
            actions.retain_mut(|action| {
                !is_for(action, hash)
                    || match &frames {
                        Some(frames) => cut(action, |held| frames::difference(held, frames)),
                        None => false,
                    }
            });
            self.set_actions(object_hash, actions);
            return Ok(());
        }
        if frames.is_some() {
            return Err(not_dynamic(attribute));
        }
        let mut list = held.to_vec();
        take(&questions, question, &mut list);
        self.set_static_answers(object_hash, list);
        Ok(())
    }

    /// The ontology's feature of an object that is to be answered.
    fn answerable<'o>(
        &self,
        ontology: &'o Ontology,
        object_hash: &str,
    ) -> Result<&'o OntologyObject, LabelError> {
        let indexed = self.indexed(object_hash)?;
        let object = ObjectInstance { row: self, indexed };
        let feature_hash = object.feature_hash();
        ontology.object(feature_hash).ok_or_else(|| {
            LabelError::InvalidArgument(format!(
                "expected an object of a feature that the ontology has, found `{object_hash}` of the \
                 feature `{feature_hash}`, which is not in it"
            ))
        })
    }

    /// Where dynamic attributes are to be answered.
    fn frames_to_answer(
        &self,
        object_hash: &str,
        frames: Option<&[FrameRange]>,
    ) -> Result<Vec<FrameRange>, LabelError> {
        let indexed = self.indexed(object_hash)?;
        let object = ObjectInstance { row: self, indexed };
        // The frames of a segmentation are points.
        if indexed.drawings().is_empty() || object.shape() == "segmentation" {
            return Err(LabelError::Unsupported(format!(
                "expected an object on frames for the answer to a dynamic attribute, found that \
                 `{object_hash}` marks ranges"
            )));
        }
        if indexed.drawn_spaces().count() > 1 {
            return Err(LabelError::InvalidArgument(format!(
                "expected an object in one space for the answer to a dynamic attribute, found `{object_hash}` \
                 in several: Encord does not keep to which of them the frames of an answer belong"
            )));
        }
        let held = frames_of(indexed.drawings());
        let Some(frames) = frames else {
            return Ok(held);
        };
        let frames = in_order(frames)?;
        if frames.is_empty() {
            return Err(LabelError::InvalidArgument(
                "expected at least one range of frames for an answer, found an empty list\n\
                 help: without a list, the answer holds wherever the object is"
                    .to_owned(),
            ));
        }
        match frames::difference(&frames, &held).first() {
            None => Ok(frames),
            Some(range) => Err(LabelError::InvalidArgument(format!(
                "expected frames that the object is on, found {range}, which `{object_hash}` is not on"
            ))),
        }
    }

    /// True if an object is in a space other than the row itself.
    fn is_in_space(&self, object_hash: &str) -> bool {
        let object = self.index().object(object_hash);
        let spaces = object.into_iter().flat_map(Indexed::drawn_spaces);
        spaces.into_iter().any(|space| space != ROW)
    }

    fn static_answers(&self, object_hash: &str) -> &[Value] {
        let entries = self.document.get("object_answers");
        let entry = entries.and_then(|entries| entries.get(object_hash));
        list(entry.and_then(|entry| entry.get("classifications")))
    }

    fn actions(&self, object_hash: &str) -> &[Value] {
        let entries = self.document.get("object_actions");
        let entry = entries.and_then(|entries| entries.get(object_hash));
        list(entry.and_then(|entry| entry.get("actions")))
    }

    fn set_static_answers(&mut self, object_hash: &str, list: Vec<Value>) {
        if list == self.static_answers(object_hash) {
            return;
        }
        let (document, _) = self.parts_mut();
        let empty = json!({ "classifications": [], "objectHash": object_hash });
        let entries = section(document, "object_answers");
        let entry = entry_at(entries, object_hash, empty);
        entry.insert("classifications".to_owned(), Value::Array(list));
    }

    fn set_actions(&mut self, object_hash: &str, actions: Vec<Value>) {
        if actions == self.actions(object_hash) {
            return;
        }
        let (document, _) = self.parts_mut();
        write_actions(document, object_hash, actions);
    }

    pub(super) fn not_in_row(&self, what: &str, hash: &str) -> LabelError {
        LabelError::NotFound(format!(
            "expected {what} of the label row of `{}`, found no `{hash}` in it, or no longer",
            self.data_title()
        ))
    }
}

/// Clips the dynamic answers of an object to the frames that it is still on, in ascending order and
/// merged. Answers that hold on none of them go.
pub(super) fn clip(document: &mut Value, object_hash: &str, held: &[FrameRange]) {
    let Some(Value::Object(objects)) = document.get_mut("object_actions") else {
        return;
    };
    let Some(entry) = objects.get_mut(object_hash) else {
        return;
    };
    let Some(Value::Array(actions)) = entry.get_mut("actions") else {
        return;
    };
    actions.retain_mut(|action| cut(action, |range| frames::intersection(range, held)));
    if actions.is_empty() {
        objects.shift_remove(object_hash);
    }
}

/// Gives frames that an object is new on the dynamic answers that it has on another.
pub(super) fn carry(document: &mut Value, object_hash: &str, source: u32, targets: &[u32]) {
    if targets.is_empty() {
        return;
    }
    let entry = document
        .get_mut("object_actions")
        .and_then(|objects| objects.get_mut(object_hash));
    let actions = entry.and_then(|entry| entry.get_mut("actions"));
    let actions = actions.and_then(Value::as_array_mut);
    for action in actions.into_iter().flatten() {
        let range = action.get("range");
        let mut ranges = frames::from_json(range);
        if !frames::fits(range) || !ranges.iter().any(|range| range.contains(source)) {
            continue;
        }
        ranges.extend(targets.iter().map(|frame| FrameRange::single(*frame)));
        action["range"] = frames::to_json(&frames::merged(ranges));
    }
}

/// Puts answers into a list, each in the place of the one that there was, and takes those away that are
/// behind options that are not chosen any more.
pub(super) fn put(
    questions: &Questions<'_>,
    answers: Vec<Checked<'_>>,
    list: &mut Vec<Value>,
    order: Order,
) {
    for answer in answers {
        let question = answer.question;
        if let Some(chosen) = answer.option {
            list.retain(|entry| {
                let other = position(questions, entry).and_then(|at| questions.way(question, at));
                other.is_none_or(|option| std::ptr::eq(option, chosen))
            });
        }
        let attribute = answer.attribute;
        let name = &attribute.name;
        let keys = [
            ("name", Value::from(name.as_str())),
            ("value", Value::from(snake_case(name))),
            ("answers", answer.answers),
            ("featureHash", Value::from(attribute.feature_hash.as_str())),
            ("manualAnnotation", Value::from(false)),
        ];
        let is_own = |entry: &Value| is_for(entry, &attribute.feature_hash);
        let Some(first) = list.iter().position(is_own) else {
            let after = |entry: &Value| {
                position(questions, entry).is_some_and(|at| match order {
                    Order::DeepestFirst => at < question,
                    Order::RootFirst => at > question,
                })
            };
            let place = list.iter().position(after).unwrap_or(list.len());
            let entry = keys.map(|(key, value)| (key.to_owned(), value));
            list.insert(place, Value::Object(Map::from_iter(entry)));
            continue;
        };
        if let Some(Value::Object(entry)) = list.get_mut(first) {
            for (key, value) in keys {
                entry.insert(key.to_owned(), value);
            }
        }
        // The web editor writes an entry for each ticked option of a checklist.
        let mut place = 0_usize;
        list.retain(|entry| {
            place += 1;
            place <= first + 1 || !is_own(entry)
        });
    }
}

/// Takes the answer to a question out of a list, and those behind it.
pub(super) fn take(questions: &Questions<'_>, question: usize, list: &mut Vec<Value>) {
    list.retain(|entry| {
        let at = position(questions, entry);
        at.is_none_or(|at| at != question && questions.way(question, at).is_none())
    });
}

/// Puts the answer to a dynamic attribute into a list of actions. It joins an equal one.
fn put_dynamic(
    answer: &Checked<'_>,
    actions: &mut Vec<Value>,
    frames: &[FrameRange],
    append: bool,
) {
    let attribute = answer.attribute;
    let hash = &attribute.feature_hash;
    actions.retain_mut(|action| {
        !is_for(action, hash) || cut(action, |held| frames::difference(held, frames))
    });
    let equal = actions.iter_mut().find(|action| {
        let held = action.get("answers");
        is_for(action, hash)
            && frames::fits(action.get("range"))
            && held.is_some_and(|held| is_equal(held, &answer.answers))
    });
    if let Some(Value::Object(equal)) = equal {
        let held = frames::from_json(equal.get("range"));
        let both = frames::merged(held.into_iter().chain(frames.iter().copied()).collect());
        equal.insert("range".to_owned(), frames::to_json(&both));
        return;
    }
    let action = json!({
        "name": attribute.name,
        "value": snake_case(&attribute.name),
        "featureHash": hash,
        "answers": answer.answers,
        "manualAnnotation": false,
        "dynamic": true,
        "range": frames::to_json(frames),
        "shouldPropagate": false,
    });
    let place = if append { actions.len() } else { 0 };
    actions.insert(place, action);
}

/// Changes where an action holds; false if that is nowhere any more. One that holds where it did stays
/// as it is written, and so does one of which something beyond 32 bits would be lost.
fn cut(action: &mut Value, change: impl FnOnce(&[FrameRange]) -> Vec<FrameRange>) -> bool {
    let range = action.get("range");
    // What is beyond 32 bits would be lost.
    if !frames::fits(range) {
        return true;
    }
    let held = frames::from_json(range);
    let rest = change(&held);
    if rest != held
        && let Some(action) = action.as_object_mut()
    {
        action.insert("range".to_owned(), frames::to_json(&rest));
    }
    rest == held || !rest.is_empty()
}

/// Refuses to change on some frames what holds on frames whose numbers are beyond 32 bits.
fn check_fits(actions: &[Value], attribute: &Attribute) -> Result<(), LabelError> {
    let mut own = actions
        .iter()
        .filter(|action| is_for(action, &attribute.feature_hash));
    if own.all(|action| frames::fits(action.get("range"))) {
        return Ok(());
    }
    Err(LabelError::Unsupported(format!(
        "expected answers to `{}` on frames of 32 bits, found one in the row that reaches beyond: the rest of \
         it would be lost",
        attribute.name
    )))
}

/// Writes a list of actions; an empty one is not kept.
fn write_actions(document: &mut Value, object_hash: &str, actions: Vec<Value>) {
    let entries = section(document, "object_actions");
    if actions.is_empty() {
        entries.shift_remove(object_hash);
        return;
    }
    let empty = json!({ "actions": [], "objectHash": object_hash });
    let entry = entry_at(entries, object_hash, empty);
    entry.insert("actions".to_owned(), Value::Array(actions));
}

/// The entry of an object, made if there is none.
fn entry_at<'a>(
    entries: &'a mut Map<String, Value>,
    object_hash: &str,
    empty: Value,
) -> &'a mut Map<String, Value> {
    if !entries.get(object_hash).is_some_and(Value::is_object) {
        entries.insert(object_hash.to_owned(), empty);
    }
    let entry = entries.get_mut(object_hash).and_then(Value::as_object_mut);
    entry.expect("one that is no object was replaced above")
}

/// True if two answers to one attribute say the same, in whatever order and with whatever names.
fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            let hash = |option: &Value| option.get("featureHash").cloned();
            let within = |some: &[Value], all: &[Value]| {
                some.iter()
                    .all(|option| all.iter().any(|other| hash(option) == hash(other)))
            };
            within(one, other) && within(other, one)
        }
        _ => one == other,
    }
}

fn is_for(entry: &Value, feature_hash: &str) -> bool {
    entry.get("featureHash").and_then(Value::as_str) == Some(feature_hash)
}

fn position(questions: &Questions<'_>, entry: &Value) -> Option<usize> {
    questions.position(entry.get("featureHash")?.as_str()?)
}

pub(super) fn list(json: Option<&Value>) -> &[Value] {
    let list = json.and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

fn not_dynamic(attribute: &Attribute) -> LabelError {
    LabelError::InvalidArgument(format!(
        "expected no frames for `{}`, which is answered once for all frames of an object, found some\n\
         help: only the answers to dynamic attributes hold on frames",
        attribute.name
    ))
}
