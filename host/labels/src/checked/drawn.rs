//! Drawn objects of a document that is to be set.

use std::collections::HashMap;

use serde_json::Value;

use super::{Check, at, required, same, wrong};
use crate::error::LabelError;
use crate::frames::FrameRange;
use crate::geometry::Geometry;
use crate::index::{ROW, members, scene_key};
use crate::ontology::OntologyObject;
use crate::part::{Holds, Part};
use crate::rle;
use crate::row::sequence;

/// A list of drawn objects in the document.
struct Spot<'p> {
    section: &'static str,
    unit: &'p str,
    /// None if the unit has one list.
    key: Option<&'p str>,
    /// Absent where only the document says what it is.
    frame: Option<u32>,
    /// The id of the space; none for the row itself.
    space: Option<&'p str>,
    /// The place of the list.
    place: String,
}

impl<'a> Check<'a> {
    /// The lists of drawn objects.
    pub(super) fn drawn(&self) -> Result<(), LabelError> {
        for section in ["data_units", "spaces"] {
            for (unit, json) in members(&self.new.document, section) {
                self.unit(section, unit, json)?;
            }
        }
        Ok(())
    }

    fn unit(&self, section: &'static str, unit: &str, json: &'a Value) -> Result<(), LabelError> {
        let place = format!("{section}.{unit}.labels");
        let labels = match json.get("labels") {
            None => return Ok(()),
            Some(Value::Object(labels)) => labels,
            other => return Err(wrong(&format!("an object at `{place}`"), other)),
        };
        let old = |key: &str| {
            let labels = self
                .old
                .map(|old| old.get(section)?.get(unit)?.get("labels"));
            labels.map(|labels| labels?.get(key))
        };
        let own_space = (section == "spaces").then_some(unit);
        if let Some(objects) = labels.get("objects") {
            let spot = Spot {
                section,
                unit,
                key: None,
                frame: Some(own_space.map_or_else(|| sequence(json), |_| 0)),
                space: own_space,
                place: format!("{place}.objects"),
            };
            return self.list(objects, old("objects"), &spot);
        }
        for (key, blob) in labels {
            let old = old(key);
            if old.into_iter().flatten().any(|old| same(old, blob)) {
                continue;
            }
            let place = format!("{place}.{key}");
            if !blob.is_object() {
                return Err(wrong(&format!("an object at `{place}`"), Some(blob)));
            }
            let Some(objects) = blob.get("objects") else {
                return Err(wrong(&format!("a list at `{place}.objects`"), None));
            };
            let frame = key
                .parse()
                .ok()
                .filter(|frame: &u32| frame.to_string() == *key);
            let scene = match frame {
                None => self.scene_space(key),
                Some(_) => None,
            };
            if frame.is_none() && scene.is_none() && old == [None, None] {
                return Err(LabelError::InvalidArgument(format!(
                    "expected the number of a frame, found `{key}`, at `{place}`"
                )));
            }
            let spot = Spot {
                section,
                unit,
                key: Some(key),
                frame: frame.or(scene.map(|_| 0)),
                space: own_space.or(scene),
                place: format!("{place}.objects"),
            };
            let old = old.map(|blob| blob?.get("objects"));
            self.list(objects, old, &spot)?;
        }
        Ok(())
    }

    fn list(
        &self,
        objects: &'a Value,
        old: [Option<&'a Value>; 2],
        spot: &Spot<'_>,
    ) -> Result<(), LabelError> {
        if old.into_iter().flatten().any(|old| same(old, objects)) {
            return Ok(());
        }
        let Value::Array(objects) = objects else {
            return Err(wrong(&format!("a list at `{}`", spot.place), Some(objects)));
        };
        let part = match spot.space {
            Some(id) => self.new.part(Some(id)),
            None => self.new.part_of_number(ROW),
        };
        if let (Ok(part), Some(frame), [None, None]) = (&part, spot.frame, old)
            && !objects.is_empty()
        {
            self.is_in_place(spot, part, frame)?;
        }
        // Programs have been seen to list an object twice on a frame.
        let mut known: HashMap<&str, Vec<&Value>> = HashMap::new();
        let mut listed: HashMap<&str, usize> = HashMap::new();
        for old in old.into_iter().flatten().filter_map(Value::as_array) {
            let mut times: HashMap<&str, usize> = HashMap::new();
            for object in old {
                if let Some(hash) = hash_of(object) {
                    known.entry(hash).or_default().push(object);
                    *times.entry(hash).or_default() += 1;
                }
            }
            for (hash, times) in times {
                let most = listed.entry(hash).or_default();
                *most = times.max(*most);
            }
        }
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for (position, object) in objects.iter().enumerate() {
            let place = format!("{}[{position}]", spot.place);
            let hash = hash_of(object).unwrap_or_default();
            let times = seen.entry(hash).or_default();
            *times += 1;
            if *times > listed.get(hash).copied().unwrap_or(0).max(1) && !hash.is_empty() {
                return Err(LabelError::InvalidArgument(format!(
                    "expected each object once on a frame, found `{hash}` again, at `{place}`"
                )));
            }
            let old = known.get(hash).map_or(&[][..], Vec::as_slice);
            if old.iter().any(|old| same(old, object)) {
                continue;
            }
            let part = part.as_ref().map_err(|error| at(&place, error.clone()))?;
            self.drawing(object, old, &place, part, spot.frame)?;
        }
        Ok(())
    }

    /// A new list has to be where the list of its frame is looked for.
    fn is_in_place(&self, spot: &Spot<'_>, part: &Part<'_>, frame: u32) -> Result<(), LabelError> {
        if !matches!(part.holds, Holds::Frames(_) | Holds::Points) {
            return Ok(());
        }
        let list = self.new.list_of_frame(part, frame);
        let found = (spot.section, spot.unit, spot.key);
        if (list.section, &*list.unit, list.key.as_deref()) == found {
            return Ok(());
        }
        let key = list.key.map_or(String::new(), |key| format!(".{key}"));
        Err(LabelError::InvalidArgument(format!(
            "expected the objects of frame {frame} at `{}.{}.labels{key}.objects`, found some at `{}`",
            list.section, list.unit, spot.place
        )))
    }

    /// An object on a frame.
    fn drawing(
        &self,
        json: &'a Value,
        old: &[&Value],
        place: &str,
        part: &Part<'_>,
        frame: Option<u32>,
    ) -> Result<(), LabelError> {
        if !json.is_object() {
            return Err(wrong(&format!("an object at `{place}`"), Some(json)));
        }
        let hash = required(json, "objectHash", place)?;
        let feature_hash = required(json, "featureHash", place)?;
        let object = self.object_feature(hash, feature_hash, place)?;
        self.statements(json, place)?;
        if let Some(frame) = frame.filter(|_| matches!(part.holds, Holds::Frames(_))) {
            let frames = [FrameRange::single(frame)];
            let checked = self.new.check_frames_of(part, &frames);
            checked.map_err(|error| at(place, error))?;
        }
        // Other keys of a drawing may be changed without that its geometry is questioned.
        let is_same = |old: &&Value| {
            let geometry = Geometry::read(json);
            !matches!(geometry, Geometry::Other(_)) && Geometry::read(old) == geometry
        };
        if old.iter().any(is_same) {
            return Ok(());
        }
        match part.holds {
            Holds::Points => {
                let place = format!("{place}.segmentation");
                if object.shape != "segmentation" {
                    return Err(wrong_shape(object, "segmentation", &place));
                }
                let Some(Value::String(points)) = json.get("segmentation") else {
                    let found = json.get("segmentation");
                    return Err(wrong(&format!("text at `{place}`"), found));
                };
                rle::to_ranges(points).map_err(|error| at(&place, error))?;
                Ok(())
            }
            Holds::Frames(_) => {
                let geometry = Geometry::read(json);
                let size = frame.and_then(|frame| self.new.size_in(part, frame));
                let checked = geometry.check(object, size);
                checked.map_err(|error| at(&place_of_geometry(json, place, &error), error))
            }
            Holds::Ranges { .. } | Holds::Html => Err(LabelError::InvalidArgument(format!(
                "expected no drawn objects in data without frames, found one, at `{place}`"
            ))),
        }
    }

    /// The ontology's feature of an object, which it keeps for all its life.
    pub(super) fn object_feature(
        &self,
        hash: &str,
        feature_hash: &str,
        place: &str,
    ) -> Result<&'a OntologyObject, LabelError> {
        let place = format!("{place}.featureHash");
        let Some(object) = self.new.ontology.object(feature_hash) else {
            return Err(LabelError::InvalidArgument(format!(
                "expected the feature hash of an object of the ontology, found `{feature_hash}`, at `{place}`"
            )));
        };
        let earlier = self.row.object(hash);
        if object.archived && earlier.is_none() {
            return Err(LabelError::InvalidArgument(format!(
                "expected an object of the ontology that is in use, found `{}`, which is archived, at \
                 `{place}`",
                object.name
            )));
        }
        for other in [earlier, self.new.object(hash)].into_iter().flatten() {
            if other.feature_hash() != feature_hash {
                return Err(LabelError::InvalidArgument(format!(
                    "expected `{}`, the feature of `{hash}` elsewhere, found `{feature_hash}`, at `{place}`",
                    other.feature_hash()
                )));
            }
        }
        Ok(object)
    }

    /// The space of a scene's image whose labels stand under `key` of the data unit.
    fn scene_space(&self, key: &str) -> Option<&'a str> {
        let mut spaces = members(&self.new.document, "spaces");
        let (id, _) = spaces.find(|(id, space)| {
            let named = |number| scene_key(space, number);
            let keys = [named("start_frame"), named("event_index")];
            id.as_str() == key || keys.into_iter().flatten().any(|named| named == key)
        })?;
        Some(id)
    }
}

/// The place of what a message about a geometry is about: a number of it, if the message names one.
fn place_of_geometry(json: &Value, place: &str, error: &LabelError) -> String {
    let Some(key) = GEOMETRIES.into_iter().find(|key| json.get(key).is_some()) else {
        return place.to_owned();
    };
    let message = error.to_string();
    let named = message.split('`').nth(1).unwrap_or_default();
    let number = match named {
        "width" if key != "bitmask" => "w",
        "height" if key != "bitmask" => "h",
        "radius" => "r",
        "radius_x" => "rx",
        "radius_y" => "ry",
        other => other,
    };
    if json
        .get(key)
        .is_some_and(|geometry| geometry.get(number).is_some())
    {
        format!("{place}.{key}.{number}")
    } else {
        format!("{place}.{key}")
    }
}

/// Keys of geometries.
const GEOMETRIES: [&str; 11] = [
    "boundingBox",
    "rotatableBoundingBox",
    "polygons",
    "polygon",
    "polyline",
    "point",
    "skeleton",
    "bitmask",
    "circle",
    "ellipse",
    "cuboid",
];

fn wrong_shape(object: &OntologyObject, expected: &str, place: &str) -> LabelError {
    LabelError::InvalidArgument(format!(
        "expected an object of shape `{expected}`, found `{}` of shape `{}`, at `{place}`",
        object.name, object.shape
    ))
}

fn hash_of(object: &Value) -> Option<&str> {
    object.get("objectHash")?.as_str()
}
