//! What is to be written when labels are copied, after checking that it can be.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::relabel::{self, put, put_feature, text, unknown};
use crate::answering;
use crate::classification::{ROOT_SPACE, is_in_spaces, places};
use crate::error::{LabelError, listed};
use crate::frames::{self, FrameRange};
use crate::index::{ROW, members};
use crate::matching::{Attributes, Found, Matching, OfObject};
use crate::ontology::{OntologyClassification, OntologyObject};
use crate::part::{Frames, Holds, size};
use crate::placed::Placed;
use crate::row::LabelRow;

/// What is to be written.
#[derive(Default)]
pub(super) struct Copies {
    pub(super) objects: Vec<ObjectCopy>,
    pub(super) drawn: Vec<Drawing>,
    pub(super) classifications: Vec<ClassificationCopy>,
    pub(super) left_out: Vec<String>,
}

pub(super) struct ObjectCopy {
    pub(super) hash: String,
    pub(super) answers: Value,
    pub(super) actions: Option<Value>,
}

pub(super) struct Drawing {
    /// A position in the list of objects.
    pub(super) object: usize,
    /// The number of the space in the target.
    pub(super) space: u32,
    pub(super) frame: u32,
    pub(super) json: Value,
}

pub(super) struct ClassificationCopy {
    pub(super) hash: String,
    pub(super) feature_hash: String,
    pub(super) entry: Value,
    /// Where it holds, by space; [`ROOT_SPACE`] is the row itself.
    pub(super) places: Vec<(String, Vec<FrameRange>)>,
}

/// Makes the copies. Nothing is written yet.
pub(super) struct Plan<'a> {
    source: &'a LabelRow,
    target: &'a LabelRow,
    matching: &'a Matching<'a>,
    /// Hashes that a copy may not have: those that earlier copies have.
    taken: HashSet<String>,
    /// Spaces of the target by those of the source, as far as they were looked up.
    spaces: HashMap<String, String>,
    /// Sentences that are told already.
    told: HashSet<String>,
    /// Where the copies hold.
    placed: Placed,
    written: Copies,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        source: &'a LabelRow,
        target: &'a LabelRow,
        matching: &'a Matching<'a>,
    ) -> Self {
        Self {
            source,
            target,
            matching,
            taken: HashSet::new(),
            spaces: HashMap::new(),
            told: HashSet::new(),
            placed: Placed::default(),
            written: Copies::default(),
        }
    }

    /// Everything that is to be written.
    pub(super) fn copies(mut self) -> Result<Copies, LabelError> {
        self.objects()?;
        self.classifications()?;
        Ok(self.written)
    }

    fn objects(&mut self) -> Result<(), LabelError> {
        let source = self.source;
        let mut held: HashMap<u32, Vec<FrameRange>> = HashMap::new();
        for object in source.objects() {
            let (name, feature_hash) = (object.name(), object.feature_hash());
            let matched = match self.matching.object(feature_hash) {
                Some(Found::Match(matched)) => matched,
                Some(Found::Unwanted) => continue,
                Some(Found::LeftOut(sentence)) => {
                    self.tell(sentence);
                    continue;
                }
                None => {
                    self.tell(&unknown("object", name, feature_hash));
                    continue;
                }
            };
            let hash = self.new_hash(object.object_hash());
            let mut drawings = Vec::new();
            for drawn in object.indexed.drawings() {
                let Some(json) = source.index().resolve(&source.document, *drawn) else {
                    continue;
                };
                let space = self.number_of_space(drawn.space)?;
                let json = match self.drawing(json, matched.target, &hash) {
                    Ok(json) => json,
                    Err(point) => {
                        self.tell(&format!(
                            "the object `{name}` was left out: {}",
                            point.of(matched.target)
                        ));
                        drawings.clear();
                        break;
                    }
                };
                self.check_size(&json, space, drawn.frame)?;
                drawings.push(Drawing {
                    object: self.written.objects.len(),
                    space,
                    frame: drawn.frame,
                    json,
                });
            }
            if drawings.is_empty() && !object.indexed.drawings().is_empty() {
                continue;
            }
            for drawing in &drawings {
                let held = held.entry(drawing.space).or_default();
                held.push(FrameRange::single(drawing.frame));
            }
            let copy = self.object(object.object_hash(), matched, hash)?;
            self.written.objects.push(copy);
            self.written.drawn.append(&mut drawings);
        }
        // In ascending order of spaces, so that of several errors it is always the same.
        let mut held: Vec<_> = held.into_iter().collect();
        held.sort_unstable_by_key(|(space, _)| *space);
        for (space, held) in held {
            let part = self.target.part_of_number(space)?;
            if matches!(part.holds, Holds::Frames(Frames::Count(_) | Frames::Units)) {
                self.target.check_frames_of(&part, &held)?;
            }
        }
        Ok(())
    }

    /// An object's entries of `object_answers` and `object_actions`.
    fn object(
        &mut self,
        source_hash: &str,
        matched: &OfObject<'_>,
        hash: String,
    ) -> Result<ObjectCopy, LabelError> {
        let object = matched.target;
        let entry = |section: &str| {
            self.source
                .document
                .get(section)?
                .get(source_hash)?
                .as_object()
        };
        let (answers, actions) = (entry("object_answers"), entry("object_actions"));
        let mut copy = answers.cloned().unwrap_or_else(|| {
            let entry = [("classifications".to_owned(), json!([]))];
            entry.into_iter().collect()
        });
        copy.shift_remove("objectNumber");
        copy.shift_remove("reviews");
        put(&mut copy, "objectHash", &hash);
        if let Some(answers) = copy.get_mut("classifications") {
            self.answers(answers, &matched.attributes, &object.name);
        }
        // The whole object stands here if it is not drawn.
        if copy.get("featureHash").is_some_and(Value::is_string) {
            put_feature(&mut copy, object);
            self.check_marks(&copy)?;
        }
        if let Some(Value::Object(spaces)) = copy.get_mut("spaces") {
            *spaces = self.renamed(std::mem::take(spaces))?;
        }
        let actions = actions.cloned().map(|mut copy| {
            put(&mut copy, "objectHash", &hash);
            if let Some(actions) = copy.get_mut("actions") {
                self.answers(actions, &matched.attributes, &object.name);
            }
            copy
        });
        // An object without answers to dynamic attributes has no actions.
        let is_full = |copy: &Map<String, Value>| match copy.get("actions") {
            Some(Value::Array(actions)) => !actions.is_empty(),
            _ => true,
        };
        let mut actions = actions.filter(is_full);
        let listed = actions.as_mut().and_then(|copy| copy.get_mut("actions"));
        for action in listed.and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(Value::String(space)) = action.get_mut("spaceId") else {
                continue;
            };
            *space = self.space(space)?;
        }
        Ok(ObjectCopy {
            hash,
            answers: Value::Object(copy),
            actions: actions.map(Value::Object),
        })
    }

    /// An object on a frame. Fails with the point of a skeleton that has no counterpart.
    fn drawing(
        &self,
        json: &Value,
        object: &OntologyObject,
        hash: &str,
    ) -> Result<Value, relabel::Misfit> {
        let mut copy = json.as_object().cloned().unwrap_or_default();
        put_feature(&mut copy, object);
        put(&mut copy, "objectHash", hash);
        copy.shift_remove("objectNumber");
        copy.shift_remove("reviews");
        if let Some(skeleton) = copy
            .get_mut("skeleton")
            .filter(|_| !object.template.is_empty())
        {
            *skeleton = relabel::on_template(skeleton, &object.template)?;
        }
        Ok(Value::Object(copy))
    }

    fn classifications(&mut self) -> Result<(), LabelError> {
        let source = self.source;
        for (source_hash, entry) in members(&source.document, "classification_answers") {
            let Some(instance) = source.classification(source_hash) else {
                continue;
            };
            let feature_hash = instance.feature_hash();
            let matched = match self.matching.classification(feature_hash) {
                Some(Found::Match(matched)) => matched,
                Some(Found::Unwanted) => continue,
                Some(Found::LeftOut(sentence)) => {
                    self.tell(sentence);
                    continue;
                }
                None => {
                    self.tell(&unknown("classification", instance.title(), feature_hash));
                    continue;
                }
            };
            let Value::Object(entry) = entry else {
                continue;
            };
            let classification = matched.target;
            let mut copy = entry.clone();
            if let Some(answers) = copy.get_mut("classifications") {
                self.answers(answers, &matched.attributes, &classification.title);
            }
            let root = classification.attribute.feature_hash.as_str();
            let answers = answering::list(copy.get("classifications"));
            // Of what was chosen nothing is left; that was told.
            if !answers
                .iter()
                .any(|answer| text(answer, "featureHash") == root)
            {
                continue;
            }
            let hash = self.new_hash(source_hash);
            copy.shift_remove("reviews");
            copy.insert("classificationHash".to_owned(), Value::from(hash.as_str()));
            let own = Value::from(classification.feature_hash.as_str());
            copy.insert("featureHash".to_owned(), own);
            if let Some(Value::Object(spaces)) = copy.get_mut("spaces") {
                *spaces = self.renamed(std::mem::take(spaces))?;
            }
            let copy = Value::Object(copy);
            let places = self.places(&copy, classification, &hash)?;
            self.written.classifications.push(ClassificationCopy {
                hash,
                feature_hash: classification.feature_hash.clone(),
                entry: copy,
                places,
            });
        }
        Ok(())
    }

    /// Where the copy of a classification holds, after checking that it can.
    fn places(
        &mut self,
        copy: &Value,
        classification: &OntologyClassification,
        hash: &str,
    ) -> Result<Vec<(String, Vec<FrameRange>)>, LabelError> {
        let mut all = Vec::new();
        let own = frames::from_json(copy.get("range"));
        if !own.is_empty() || !is_in_spaces(copy) {
            all.push((ROOT_SPACE, own));
        }
        for (space, place) in places(copy) {
            all.push((space.as_str(), frames::from_json(place.get("range"))));
        }
        let feature_hash = &classification.feature_hash;
        for (space, ranges) in &all {
            let place = (*space != ROOT_SPACE).then_some(*space);
            let place = self.target.place(place)?;
            if !ranges.is_empty() && !classification.global {
                self.target.frames_of(classification, Some(ranges), place)?;
            }
            self.target.refuse_second(classification, ranges, place)?;
            let common = self.placed.common(feature_hash, space, ranges);
            let whole = ranges.is_empty() && self.placed.is_in(feature_hash, space);
            if common.is_some() || whole {
                return Err(LabelError::InvalidArgument(format!(
                    "expected `{}` once in each place, found that two classifications of the source \
                     become it on {}",
                    classification.title,
                    common.map_or("the whole data unit".to_owned(), |range| format!(
                        "frames {range}"
                    ))
                )));
            }
        }
        let all = all
            .into_iter()
            .map(|(space, ranges)| (space.to_owned(), ranges));
        let all: Vec<_> = all.collect();
        for (space, ranges) in &all {
            self.placed.add(feature_hash, space, hash, ranges);
        }
        Ok(all)
    }

    /// The number of a space of the target, by that of the source.
    fn number_of_space(&mut self, number: u32) -> Result<u32, LabelError> {
        let Some(id) = self.source.index().space_id(number).map(str::to_owned) else {
            return Ok(ROW);
        };
        let target = self.space(&id)?;
        Ok(self.target.index().space(&target).unwrap_or(ROW))
    }

    /// The id of a space of the target, by that of the source.
    fn space(&mut self, id: &str) -> Result<String, LabelError> {
        if let Some(known) = self.spaces.get(id) {
            return Ok(known.clone());
        }
        let layout_key = self.source.space(id).and_then(|space| space.layout_key());
        let found = match self.target.space(id) {
            Some(space) => Some(space),
            None => {
                let mut spaces = self.target.spaces().into_iter();
                spaces.find(|space| layout_key.is_some() && space.layout_key() == layout_key)
            }
        };
        let Some(found) = found else {
            let named =
                layout_key.map_or(String::new(), |key| format!(" or the layout key `{key}`"));
            let spaces = self.target.spaces();
            return Err(LabelError::InvalidArgument(format!(
                "expected a row with a space of the id `{id}`{named}, as the source has, found that `{}` \
                 has {}",
                self.target.data_title(),
                listed(
                    spaces
                        .iter()
                        .map(|space| space.layout_key().unwrap_or(space.id()))
                )
            )));
        };
        let kind = self.source.space(id).map(|space| space.space_type());
        if let Some(kind) = kind.filter(|kind| *kind != found.space_type()) {
            return Err(LabelError::InvalidArgument(format!(
                "expected a space of type `{kind}` in place of `{id}`, found `{}` of type `{}`",
                found.id(),
                found.space_type()
            )));
        }
        let found = found.id().to_owned();
        self.spaces.insert(id.to_owned(), found.clone());
        Ok(found)
    }

    /// The entries of `spaces` under the ids of the target.
    fn renamed(&mut self, spaces: Map<String, Value>) -> Result<Map<String, Value>, LabelError> {
        let renamed = spaces.into_iter().map(|(id, place)| {
            let is_layer = id == ROOT_SPACE && self.source.space(ROOT_SPACE).is_none();
            Ok((if is_layer { id } else { self.space(&id)? }, place))
        });
        renamed.collect()
    }

    /// A bitmask has to have the size of its frame.
    fn check_size(&self, json: &Value, space: u32, frame: u32) -> Result<(), LabelError> {
        let Some(mask) = json.get("bitmask") else {
            return Ok(());
        };
        let part = self.target.part_of_number(space)?;
        let (Some(size), Some(own)) = (self.target.size_in(&part, frame), size(mask)) else {
            return Ok(());
        };
        if size == own {
            return Ok(());
        }
        Err(LabelError::InvalidArgument(format!(
            "expected frame {frame} of {} x {} pixels, as the bitmask of `{}` has, found one of {} x {}",
            own.0,
            own.1,
            text(json, "objectHash"),
            size.0,
            size.1
        )))
    }

    /// Ranges end where the data do.
    fn check_marks(&mut self, entry: &Map<String, Value>) -> Result<(), LabelError> {
        let own = frames::from_json(entry.get("range"));
        let mut all = vec![(None, own)];
        let spaces = entry.get("spaces").and_then(Value::as_object);
        for (id, place) in spaces.into_iter().flatten() {
            all.push((Some(self.space(id)?), frames::from_json(place.get("range"))));
        }
        for (space, ranges) in all {
            if ranges.is_empty() {
                continue;
            }
            let part = self.target.part(space.as_deref())?;
            if matches!(part.holds, Holds::Ranges { .. }) {
                self.target.check_frames_of(&part, &ranges)?;
            }
        }
        Ok(())
    }

    /// The hash of a copy: its own, unless the row or another copy has it.
    fn new_hash(&mut self, own: &str) -> String {
        let mut hash = own.to_owned();
        while self.target.has_hash(&hash) || !self.taken.insert(hash.clone()) {
            hash = self.target.new_hash();
        }
        hash
    }

    /// As [`relabel::answers`], and tells what is left out.
    fn answers(&mut self, answers: &mut Value, attributes: &Attributes<'_>, feature: &str) {
        let left_out = relabel::answers(answers, attributes, feature);
        for sentence in left_out {
            self.tell(&sentence);
        }
    }

    fn tell(&mut self, sentence: &str) {
        if self.told.insert(sentence.to_owned()) {
            self.written.left_out.push(sentence.to_owned());
        }
    }
}
