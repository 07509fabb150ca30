//! Where in a label row document its objects are.
//!
//! The document lists objects by frame, readers ask for them by hash. The index is made once, when the
//! first object is asked for, and kept up to date by edits.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::frames::{self, FrameRange};

/// All objects of a row, in its order.
#[derive(Debug, Clone)]
pub(super) struct Index {
    objects: Vec<Indexed>,
    position_of_hash: HashMap<Arc<str>, usize>,
    places: Vec<Place>,
}

/// One object.
#[derive(Debug, Clone)]
pub(super) struct Indexed {
    pub(super) hash: Arc<str>,
    /// Where it is drawn in its space, by frame.
    drawn: Vec<Drawn>,
    /// Where it is drawn in other spaces. Readers are shown one space, edits reach all.
    elsewhere: Vec<Drawn>,
}

/// One drawing of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn {
    pub(super) frame: u32,
    /// A position in `Index::places`.
    place: u32,
    /// A position in the list of objects there.
    slot: u32,
}

/// A list of objects in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    section: &'static str,
    unit: Arc<str>,
    /// None if the unit has one list, not one for each frame.
    key: Option<Box<str>>,
    space: Option<Arc<str>>,
}

impl Index {
    pub(super) fn build(document: &Value) -> Self {
        let objects = document.get("object_answers").and_then(Value::as_object);
        let mut found = Found {
            places: Vec::new(),
            drawn: HashMap::with_capacity(objects.map_or(0, Map::len)),
        };
        for (unit, json) in members(document, "data_units") {
            let frame = json.get("data_sequence").and_then(frames::frame);
            found.unit(document, "data_units", unit, json, frame.unwrap_or(0));
        }
        for (unit, json) in members(document, "spaces") {
            found.unit(document, "spaces", unit, json, 0);
        }
        let mut drawn = found.drawn;
        let mut index = Self {
            objects: Vec::with_capacity(drawn.len()),
            position_of_hash: HashMap::with_capacity(drawn.len()),
            places: found.places,
        };
        for (hash, answer) in members(document, "object_answers") {
            match drawn.remove(hash.as_str()) {
                Some((_, drawings)) => index.push(hash, drawings),
                // Audio and text objects are not drawn. Others that are not were deleted, and what is
                // left is an answer without an object.
                None if is_range(answer) => index.push(hash, Vec::new()),
                None => {}
            }
        }
        let mut unanswered: Vec<_> = drawn.into_iter().collect();
        unanswered.sort_unstable_by_key(|(_, (order, _))| *order);
        for (hash, (_, drawings)) in unanswered {
            index.push(hash, drawings);
        }
        index
    }

    pub(super) fn objects(&self) -> &[Indexed] {
        &self.objects
    }

    pub(super) fn object(&self, hash: &str) -> Option<&Indexed> {
        self.objects.get(*self.position_of_hash.get(hash)?)
    }

    /// The frames of an object in its space, neighbours merged.
    pub(super) fn frames(object: &Indexed) -> Vec<FrameRange> {
        let frames = object.drawn.iter();
        frames::merged(
            frames
                .map(|drawn| FrameRange::single(drawn.frame))
                .collect(),
        )
    }

    /// The drawing of an object on a frame of its space.
    pub(super) fn on_frame(object: &Indexed, frame: u32) -> Option<Drawn> {
        let position = object
            .drawn
            .binary_search_by_key(&frame, |drawn| drawn.frame);
        object.drawn.get(position.ok()?).copied()
    }

    /// The drawings of an object in its space, by frame.
    pub(super) fn drawings(object: &Indexed) -> &[Drawn] {
        &object.drawn
    }

    /// The drawings of an object in every space.
    pub(super) fn all_drawings(object: &Indexed) -> impl Iterator<Item = Drawn> {
        object.drawn.iter().chain(&object.elsewhere).copied()
    }

    pub(super) fn space<'a>(&'a self, object: &Indexed) -> Option<&'a str> {
        let first = object.drawn.first()?;
        self.places.get(first.place as usize)?.space.as_deref()
    }

    /// The frame's object in the document.
    pub(super) fn resolve<'a>(&self, document: &'a Value, drawn: Drawn) -> Option<&'a Value> {
        let place = self.places.get(drawn.place as usize)?;
        let labels = document
            .get(place.section)?
            .get(&*place.unit)?
            .get("labels")?;
        let list = match &place.key {
            Some(key) => labels.get(&**key)?,
            None => labels,
        };
        list.get("objects")?.get(drawn.slot as usize)
    }

    /// The frame's object in the document, to change.
    pub(super) fn resolve_mut<'a>(
        &self,
        document: &'a mut Value,
        drawn: Drawn,
    ) -> Option<&'a mut Value> {
        let place = self.places.get(drawn.place as usize)?;
        let unit = document.get_mut(place.section)?.get_mut(&*place.unit)?;
        let labels = unit.get_mut("labels")?;
        let list = match &place.key {
            Some(key) => labels.get_mut(&**key)?,
            None => labels,
        };
        list.get_mut("objects")?.get_mut(drawn.slot as usize)
    }

    /// Notes an object that was added to a data unit.
    pub(super) fn add(
        &mut self,
        hash: &str,
        unit: &str,
        key: Option<&str>,
        frame: u32,
        slot: usize,
    ) {
        let place = Place {
            section: "data_units",
            unit: unit.into(),
            key: key.map(Into::into),
            space: None,
        };
        // Boxes come by the frame as a rule, so that the last place is often the same again.
        if self.places.last() != Some(&place) {
            self.places.push(place);
        }
        let place = narrow(self.places.len() - 1);
        let slot = narrow(slot);
        self.push(hash, vec![Drawn { frame, place, slot }]);
    }

    fn push(&mut self, hash: &str, drawings: Vec<Drawn>) {
        let hash: Arc<str> = hash.into();
        let space = |drawn: &Drawn| {
            let place = self.places.get(drawn.place as usize);
            place.and_then(|place| place.space.clone())
        };
        let own = drawings.first().and_then(space);
        let (mut drawn, elsewhere): (Vec<_>, Vec<_>) =
            drawings.into_iter().partition(|drawn| space(drawn) == own);
        // Stable, so that of two drawings on one frame the first in the document stays the first.
        drawn.sort_by_key(|drawn| drawn.frame);
        self.position_of_hash
            .insert(hash.clone(), self.objects.len());
        self.objects.push(Indexed {
            hash,
            drawn,
            elsewhere,
        });
    }
}

/// What a walk through the document found.
struct Found<'a> {
    places: Vec<Place>,
    /// By object hash: its order of appearance, and its drawings.
    drawn: HashMap<&'a str, (usize, Vec<Drawn>)>,
}

impl<'a> Found<'a> {
    /// Reads a data unit or a space. `frame` is that of a unit that has one list.
    fn unit(
        &mut self,
        document: &Value,
        section: &'static str,
        unit: &str,
        json: &'a Value,
        frame: u32,
    ) {
        let unit: Arc<str> = unit.into();
        let own_space = (section == "spaces").then(|| unit.clone());
        let Some(labels) = json.get("labels").and_then(Value::as_object) else {
            return;
        };
        if let Some(objects) = labels.get("objects").and_then(Value::as_array) {
            let place = Place {
                section,
                unit,
                key: None,
                space: own_space,
            };
            return self.list(place, frame, objects);
        }
        for (key, list) in labels {
            let Some(objects) = list.get("objects").and_then(Value::as_array) else {
                continue;
            };
            let (frame, space) = match key.parse() {
                Ok(frame) => (frame, own_space.clone()),
                // The images of a scene have their labels here, by stream and event.
                Err(_) => (0, scene_space(document, key)),
            };
            let place = Place {
                section,
                unit: unit.clone(),
                key: Some(key.as_str().into()),
                space,
            };
            self.list(place, frame, objects);
        }
    }

    fn list(&mut self, place: Place, frame: u32, objects: &'a [Value]) {
        if objects.is_empty() {
            return;
        }
        self.places.push(place);
        let place = narrow(self.places.len() - 1);
        for (slot, object) in objects.iter().enumerate() {
            let Some(hash) = object.get("objectHash").and_then(Value::as_str) else {
                continue;
            };
            let order = self.drawn.len();
            let slot = narrow(slot);
            let (_, drawings) = self.drawn.entry(hash).or_insert((order, Vec::new()));
            drawings.push(Drawn { frame, place, slot });
        }
    }
}

/// The members of an object in the document; none if it is absent.
pub(super) fn members<'a>(
    document: &'a Value,
    section: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let members = document.get(section).and_then(Value::as_object);
    members.into_iter().flat_map(Map::iter)
}

/// True for an entry of `object_answers` that is a whole object (audio, text), not the answers of a drawn one.
fn is_range(answer: &Value) -> bool {
    let has = |key| answer.get(key).is_some_and(|value| !value.is_null());
    has("featureHash") && (has("range") || has("range_html") || has("spaces"))
}

/// The space of a scene's image whose labels stand under `key`, `<stream>#<frame or event>`.
fn scene_space(document: &Value, key: &str) -> Option<Arc<str>> {
    let (stream, number) = key.rsplit_once('#')?;
    let mut spaces = members(document, "spaces");
    let (space, _) = spaces.find(|(_, space)| {
        let info = space.get("scene_info");
        let is = |name, expected: &str| match info.and_then(|info| info.get(name)) {
            Some(Value::String(text)) => text == expected,
            Some(Value::Number(found)) => found.to_string() == expected,
            _ => false,
        };
        is("stream_id", stream) && (is("start_frame", number) || is("event_index", number))
    })?;
    Some(space.as_str().into())
}

fn narrow(position: usize) -> u32 {
    u32::try_from(position).expect("a document that fits into memory has fewer than 2^32 objects")
}
