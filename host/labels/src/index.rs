//! Where in a label row document its objects are.
//!
//! The document lists objects by frame, readers ask for them by hash. The index is made once, when the
//! first object is asked for, and kept up to date by edits.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::frames::{self, FrameRange};
use super::write;

/// The number of the row itself, where spaces have numbers from 1.
pub(super) const ROW: u32 = 0;

/// All objects of a row, in its order.
#[derive(Debug, Clone)]
pub(super) struct Index {
    /// None where one was removed, so that the positions of the others stay.
    objects: Vec<Option<Indexed>>,
    position_of_hash: HashMap<Arc<str>, usize>,
    places: Vec<Place>,
    /// The place of a frame, by the number of the space and the frame.
    place_of_frame: HashMap<(u32, u32), u32>,
    spaces: Spaces,
    /// Keys of the data units that are one frame each, by that frame.
    unit_of_frame: HashMap<u32, Arc<str>>,
}

/// One object.
#[derive(Debug, Clone)]
pub(super) struct Indexed {
    pub(super) hash: Arc<str>,
    /// Where it is drawn, by space and frame.
    drawn: Vec<Drawn>,
}

/// One drawing of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Drawn {
    /// The number of its space.
    pub(super) space: u32,
    pub(super) frame: u32,
    /// A position in `Index::places`.
    place: u32,
    /// A position in the list of objects there, counted with those that were removed from it.
    slot: u32,
}

/// A list of objects in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    list: List,
    /// The slots of objects that were removed, in ascending order. Those behind them moved up.
    removed: Vec<u32>,
}

/// How to get to a list of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    pub(super) section: &'static str,
    pub(super) unit: Arc<str>,
    /// None if the unit has one list, not one for each frame.
    pub(super) key: Option<Box<str>>,
}

impl Index {
    pub(super) fn build(document: &Value) -> Self {
        let objects = document.get("object_answers").and_then(Value::as_object);
        let mut found = Found {
            places: Vec::new(),
            place_of_frame: HashMap::new(),
            drawn: HashMap::with_capacity(objects.map_or(0, Map::len)),
        };
        let spaces = Spaces::of(document);
        let mut unit_of_frame = HashMap::new();
        for (unit, json) in members(document, "data_units") {
            let frame = json.get("data_sequence").and_then(frames::frame);
            let frame = frame.unwrap_or(0);
            let unit: Arc<str> = unit.as_str().into();
            unit_of_frame
                .entry(frame)
                .or_insert_with(|| Arc::clone(&unit));
            found.unit(&spaces, "data_units", unit, ROW, json, frame);
        }
        for ((_, json), number) in members(document, "spaces").zip(1..) {
            if let Some(id) = spaces.id(number) {
                found.unit(&spaces, "spaces", Arc::clone(id), number, json, 0);
            }
        }
        let mut drawn = found.drawn;
        let mut index = Self {
            objects: Vec::with_capacity(drawn.len()),
            position_of_hash: HashMap::with_capacity(drawn.len()),
            places: found.places,
            place_of_frame: found.place_of_frame,
            spaces,
            unit_of_frame,
        };
        for (hash, answer) in members(document, "object_answers") {
            match drawn.remove(hash.as_str()) {
                Some((_, drawings)) => index.add_object(hash, drawings),
                // Audio and text objects are not drawn. Others that are not were deleted, and what is
                // left is an answer without an object.
                None if is_range(answer) => index.add_object(hash, Vec::new()),
                None => {}
            }
        }
        let mut unanswered: Vec<_> = drawn.into_iter().collect();
        unanswered.sort_unstable_by_key(|(_, (order, _))| *order);
        for (hash, (_, drawings)) in unanswered {
            index.add_object(hash, drawings);
        }
        index
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = &Indexed> {
        self.objects.iter().flatten()
    }

    pub(super) fn object(&self, hash: &str) -> Option<&Indexed> {
        self.objects
            .get(*self.position_of_hash.get(hash)?)?
            .as_ref()
    }

    /// The number of a space.
    pub(super) fn space(&self, id: &str) -> Option<u32> {
        self.spaces.number_of_id.get(id).copied()
    }

    /// The id of a space; none for the row itself.
    pub(super) fn space_id(&self, number: u32) -> Option<&str> {
        self.spaces.id(number).map(|id| &**id)
    }

    /// The key of the data unit that is one frame.
    pub(super) fn unit_of_frame(&self, frame: u32) -> Option<&Arc<str>> {
        self.unit_of_frame.get(&frame)
    }

    /// How many data units there are that are one frame each.
    pub(super) fn number_of_units(&self) -> usize {
        self.unit_of_frame.len()
    }

    /// The frame's object in the document.
    pub(super) fn resolve<'a>(&self, document: &'a Value, drawn: Drawn) -> Option<&'a Value> {
        let place = self.places.get(drawn.place as usize)?;
        let labels = document
            .get(place.list.section)?
            .get(&*place.list.unit)?
            .get("labels")?;
        let list = match &place.list.key {
            Some(key) => labels.get(&**key)?,
            None => labels,
        };
        list.get("objects")?.get(place.position(drawn.slot))
    }

    /// The frame's object in the document, to change.
    pub(super) fn resolve_mut<'a>(
        &self,
        document: &'a mut Value,
        drawn: Drawn,
    ) -> Option<&'a mut Value> {
        let place = self.places.get(drawn.place as usize)?;
        let objects = write::list_mut(document, &place.list)?;
        objects.get_mut(place.position(drawn.slot))
    }

    /// Appends an object to the list of a frame, and returns where that is. `list` says where the list is
    /// to be if the frame has none yet. The caller notes the drawing with its object.
    pub(super) fn append(
        &mut self,
        document: &mut Value,
        space: u32,
        frame: u32,
        list: impl FnOnce() -> List,
        json: Value,
    ) -> Drawn {
        let place = match self.place_of_frame.get(&(space, frame)) {
            Some(place) => *place,
            None => {
                let number = narrow(self.places.len());
                self.places.push(Place {
                    list: list(),
                    removed: Vec::new(),
                });
                self.place_of_frame.insert((space, frame), number);
                number
            }
        };
        let list = &self.places[place as usize];
        let position = write::append(document, &list.list, json);
        let slot = narrow(position + list.removed.len());
        Drawn {
            space,
            frame,
            place,
            slot,
        }
    }

    /// Notes an object that was added.
    pub(super) fn add_object(&mut self, hash: &str, mut drawn: Vec<Drawn>) {
        let hash: Arc<str> = hash.into();
        // Stable, so that of two drawings on one frame the first in the document stays the first.
        drawn.sort_by_key(Drawn::order);
        self.position_of_hash
            .insert(Arc::clone(&hash), self.objects.len());
        self.objects.push(Some(Indexed { hash, drawn }));
    }

    /// Notes drawings that were added to an object.
    pub(super) fn add_drawings(&mut self, hash: &str, drawn: Vec<Drawn>) {
        if let Some(object) = self.object_mut(hash) {
            object.drawn.extend(drawn);
            object.drawn.sort_by_key(Drawn::order);
        }
    }

    /// Takes drawings of an object, in their order, out of the document and forgets them. Frames that have
    /// nothing left go, too.
    pub(super) fn take(&mut self, document: &mut Value, hash: &str, drawn: &[Drawn]) {
        let mut emptied: Vec<List> = Vec::new();
        for drawing in drawn {
            let Some(place) = self.places.get_mut(drawing.place as usize) else {
                continue;
            };
            let position = place.position(drawing.slot);
            let Some(objects) = write::list_mut(document, &place.list) else {
                continue;
            };
            if position >= objects.len() {
                continue;
            }
            objects.remove(position);
            if objects.is_empty() {
                place.removed.clear();
                emptied.push(place.list.clone());
            } else {
                let before = place.removed.partition_point(|slot| *slot < drawing.slot);
                place.removed.insert(before, drawing.slot);
            }
        }
        write::drop_empty(document, &emptied);
        if let Some(object) = self.object_mut(hash) {
            let mut taken = drawn.iter().peekable();
            object
                .drawn
                .retain(|held| taken.next_if_eq(&held).is_none());
        }
    }

    /// Forgets an object, whose drawings were taken before.
    pub(super) fn remove_object(&mut self, hash: &str) {
        if let Some(position) = self.position_of_hash.remove(hash)
            && let Some(object) = self.objects.get_mut(position)
        {
            *object = None;
        }
    }

    fn object_mut(&mut self, hash: &str) -> Option<&mut Indexed> {
        let position = *self.position_of_hash.get(hash)?;
        self.objects.get_mut(position)?.as_mut()
    }
}

impl Indexed {
    /// Its drawings, by space and frame.
    pub(super) fn drawings(&self) -> &[Drawn] {
        &self.drawn
    }

    /// Its drawings in one space, by frame.
    pub(super) fn drawings_in(&self, space: u32) -> &[Drawn] {
        let start = self.drawn.partition_point(|drawn| drawn.space < space);
        let end = self.drawn.partition_point(|drawn| drawn.space <= space);
        &self.drawn[start..end]
    }

    /// The numbers of the spaces that it is drawn in, the row itself among them.
    pub(super) fn drawn_spaces(&self) -> impl Iterator<Item = u32> {
        let groups = self.drawn.chunk_by(|one, other| one.space == other.space);
        groups.filter_map(|group| Some(group.first()?.space))
    }

    /// Its drawing on a frame of a space.
    pub(super) fn on_frame_in(&self, space: u32, frame: u32) -> Option<Drawn> {
        let drawn = self.drawings_in(space);
        let first = drawn.partition_point(|drawn| drawn.frame < frame);
        drawn
            .get(first)
            .filter(|drawn| drawn.frame == frame)
            .copied()
    }

    /// Its drawing on a frame of the first space that has one.
    pub(super) fn on_frame(&self, frame: u32) -> Option<Drawn> {
        self.drawn_spaces()
            .find_map(|space| self.on_frame_in(space, frame))
    }
}

impl Drawn {
    fn order(&self) -> (u32, u32) {
        (self.space, self.frame)
    }
}

/// The frames of drawings, neighbours merged.
pub(super) fn frames_of(drawn: &[Drawn]) -> Vec<FrameRange> {
    let frames = drawn.iter().map(|drawn| FrameRange::single(drawn.frame));
    frames::merged(frames.collect())
}

impl Place {
    /// Where a slot is in the list as it is now.
    fn position(&self, slot: u32) -> usize {
        let before = self.removed.partition_point(|removed| *removed < slot);
        (slot as usize).saturating_sub(before)
    }
}

/// The spaces of a row, numbered from 1 in its order.
#[derive(Debug, Clone, Default)]
struct Spaces {
    ids: Vec<Arc<str>>,
    number_of_id: HashMap<Arc<str>, u32>,
    /// The images of a scene have their labels in a data unit, under `<stream>#<frame or event>`.
    number_of_image: HashMap<String, u32>,
}

impl Spaces {
    fn of(document: &Value) -> Self {
        let mut spaces = Self::default();
        for ((id, space), number) in members(document, "spaces").zip(1..) {
            let id: Arc<str> = id.as_str().into();
            spaces.number_of_id.insert(Arc::clone(&id), number);
            spaces.ids.push(id);
            // The frame wins over the event of another image, as in the Python SDK.
            if let Some(key) = scene_key(space, "start_frame") {
                spaces.number_of_image.insert(key, number);
            }
        }
        for ((_, space), number) in members(document, "spaces").zip(1..) {
            if let Some(key) = scene_key(space, "event_index") {
                spaces.number_of_image.entry(key).or_insert(number);
            }
        }
        spaces
    }

    fn id(&self, number: u32) -> Option<&Arc<str>> {
        self.ids.get((number as usize).checked_sub(1)?)
    }

    /// The space of a scene's image whose labels stand under `key`.
    fn of_scene_key(&self, key: &str) -> Option<u32> {
        let number = self.number_of_id.get(key);
        number.or_else(|| self.number_of_image.get(key)).copied()
    }
}

/// The key under which a data unit has the labels of a scene's image: `<stream>#<number>`, where the
/// number is that of its frame or of its event.
pub(super) fn scene_key(space: &Value, number: &str) -> Option<String> {
    let info = space.get("scene_info")?;
    let stream = info.get("stream_id")?.as_str()?;
    match info.get(number)? {
        Value::String(number) => Some(format!("{stream}#{number}")),
        Value::Number(number) => Some(format!("{stream}#{number}")),
        _ => None,
    }
}

/// What a walk through the document found.
struct Found<'a> {
    places: Vec<Place>,
    place_of_frame: HashMap<(u32, u32), u32>,
    /// By object hash: its order of appearance, and its drawings.
    drawn: HashMap<&'a str, (usize, Vec<Drawn>)>,
}

impl<'a> Found<'a> {
    /// Reads a data unit or a space. `frame` is that of a unit that has one list.
    fn unit(
        &mut self,
        spaces: &Spaces,
        section: &'static str,
        unit: Arc<str>,
        space: u32,
        json: &'a Value,
        frame: u32,
    ) {
        let Some(labels) = json.get("labels").and_then(Value::as_object) else {
            return;
        };
        if let Some(objects) = labels.get("objects").and_then(Value::as_array)
            && !objects.is_empty()
        {
            let list = List {
                section,
                unit: Arc::clone(&unit),
                key: None,
            };
            self.list(list, space, frame, objects);
        }
        for (key, list) in labels {
            let Some(objects) = list.get("objects").and_then(Value::as_array) else {
                continue;
            };
            let (space, frame) = match key.parse() {
                // Frames without objects need no place; they may be many.
                Ok(_) if objects.is_empty() => continue,
                Ok(frame) => (space, frame),
                Err(_) => (spaces.of_scene_key(key).unwrap_or(space), 0),
            };
            let list = List {
                section,
                unit: Arc::clone(&unit),
                key: Some(key.as_str().into()),
            };
            self.list(list, space, frame, objects);
        }
    }

    fn list(&mut self, list: List, space: u32, frame: u32, objects: &'a [Value]) {
        let place = narrow(self.places.len());
        self.places.push(Place {
            list,
            removed: Vec::new(),
        });
        self.place_of_frame.entry((space, frame)).or_insert(place);
        for (slot, object) in objects.iter().enumerate() {
            let Some(hash) = object.get("objectHash").and_then(Value::as_str) else {
                continue;
            };
            let order = self.drawn.len();
            let (_, drawings) = self.drawn.entry(hash).or_insert((order, Vec::new()));
            drawings.push(Drawn {
                space,
                frame,
                place,
                slot: narrow(slot),
            });
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
pub(super) fn is_range(answer: &Value) -> bool {
    let has = |key| answer.get(key).is_some_and(|value| !value.is_null());
    has("featureHash") && (has("range") || has("range_html") || has("spaces"))
}

fn narrow(position: usize) -> u32 {
    u32::try_from(position).expect("a document that fits into memory has fewer than 2^32 objects")
}
