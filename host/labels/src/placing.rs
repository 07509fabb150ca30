//! Where drawn objects are: adding them, drawing them on frames, copying, moving and removing them.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answering;
use super::edit::check_confidence;
use super::error::{LabelError, listed};
use super::frames::FrameRange;
use super::geometry::{BoundingBox, Geometry};
use super::index::{Drawn, Indexed, ROW, frames_of};
use super::ontology::OntologyObject;
use super::part::{Holds, Part, in_order};
use super::row::LabelRow;
use super::time;
use super::write::{frame_object, section, space_object};

impl LabelRow {
    /// Adds a bounding box on one frame and returns its object hash. As [`add_object`](Self::add_object).
    ///
    /// # Errors
    /// As [`add_object`](Self::add_object).
    pub fn add_bounding_box(
        &mut self,
        feature: &str,
        bounds: BoundingBox,
        frame: u32,
    ) -> Result<String, LabelError> {
        let geometry = Geometry::BoundingBox(bounds);
        self.add_object(feature, &geometry, &[FrameRange::single(frame)], None)
    }

    /// Adds an object, draws it alike on each of the frames and returns its object hash. `feature` is the
    /// feature hash of an ontology object or its exact name. Its confidence is 1, and it is not marked as
    /// made by a person. `space` is the id of a space; none is the row itself, of an image with layers the
    /// root layer.
    ///
    /// A name that several objects share is taken for the one in use that has the right shape.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if the feature is unknown, ambiguous, archived or of another
    /// shape, if there are no frames, if one does not exist, or if the geometry is not one;
    /// [`LabelError::Unsupported`] if the type of data has no drawn objects, and for the row itself of a
    /// data group; [`LabelError::NotFound`] if there is no such space.
    pub fn add_object(
        &mut self,
        feature: &str,
        geometry: &Geometry,
        frames: &[FrameRange],
        space: Option<&str>,
    ) -> Result<String, LabelError> {
        let part = self.part_with_frames(space)?;
        if let Geometry::Other(_) = geometry
            && geometry.shape().is_empty()
        {
            return Err(LabelError::InvalidArgument(
                "expected the JSON text of a geometry with its `shape`, found text without one\n\
                 help: of the geometries that are JSON text, only `cuboid_2d` can be drawn"
                    .to_owned(),
            ));
        }
        let object = self.ontology.object_feature(feature, &[geometry.shape()])?;
        let frames = self.check_frames_of(&part, frames)?;
        self.check_on_frames(&part, geometry, object, &frames)?;
        let hash = self.new_hash();
        let drawn = new_drawing(&part, object, geometry, &hash);
        let number = part.number;

        let drawings = self.append_on(number, frames.iter().flat_map(|f| f.start..=f.end), drawn);
        let (document, index) = self.parts_mut();
        let answers = section(document, "object_answers");
        answers.insert(
            hash.clone(),
            json!({ "classifications": [], "objectHash": hash }),
        );
        index.add_object(&hash, drawings);
        Ok(hash)
    }

    /// Draws an object on frames, alike on each; where it was drawn already, anew. There its confidence,
    /// its author and unknown fields stay. An object of another space comes into `space`, too; none is
    /// where the object is.
    ///
    /// # Errors
    /// As [`add_object`](Self::add_object); [`LabelError::NotFound`] if the row has no such object;
    /// [`LabelError::InvalidArgument`] if no space is given and it is in several.
    pub fn draw(
        &mut self,
        object_hash: &str,
        geometry: &Geometry,
        frames: &[FrameRange],
        space: Option<&str>,
    ) -> Result<(), LabelError> {
        let indexed = self.indexed(object_hash)?;
        let part = match space {
            Some(_) => self.part(space)?,
            None => self.part_of(indexed)?,
        };
        self.refuse_without_frames(&part)?;
        let object = self.ontology_object_of(indexed)?;
        let frames = self.check_frames_of(&part, frames)?;
        self.check_on_frames(&part, geometry, object, &frames)?;
        let fresh = new_drawing(&part, object, geometry, object_hash);
        let number = part.number;

        let mut shape = Map::new();
        geometry.write(object, &mut shape);
        let now = fresh.get("lastEditedAt").cloned().unwrap_or_default();
        shape.insert("lastEditedAt".to_owned(), now);
        let (held, missing) = split(indexed, number, &frames);
        let (document, index) = self.parts_mut();
        for drawn in held {
            if let Some(Value::Object(json)) = index.resolve_mut(document, drawn) {
                json.extend(shape.clone());
            }
        }
        let drawings = self.append_on(number, missing.into_iter(), fresh);
        let (_, index) = self.parts_mut();
        index.add_drawings(object_hash, drawings);
        Ok(())
    }

    /// Draws an object on further frames as it is on the frame `source`, with all that stands there.
    /// Where it is drawn already, that is replaced; where it is new, its dynamic answers come along.
    ///
    /// # Errors
    /// [`LabelError::NotFound`] if the row has no such object, or if it is not on `source`; otherwise as
    /// [`draw`](Self::draw).
    pub fn copy_to_frames(
        &mut self,
        object_hash: &str,
        source: u32,
        frames: &[FrameRange],
    ) -> Result<(), LabelError> {
        let (number, drawn) = self.source(object_hash, source)?;
        let part = self.part_of_number(number)?;
        let frames = self.check_frames_of(&part, frames)?;
        let indexed = self.indexed(object_hash)?;
        let Some(Value::Object(json)) = self.index().resolve(&self.document, drawn) else {
            return Err(self.not_on(indexed, source));
        };
        self.check_copy(&part, indexed, json, &frames)?;
        let json = json.clone();
        let (held, missing) = split(indexed, number, &frames);

        let (document, index) = self.parts_mut();
        for other in held.into_iter().filter(|other| *other != drawn) {
            if let Some(place) = index.resolve_mut(document, other) {
                *place = Value::Object(json.clone());
            }
        }
        answering::carry(document, object_hash, source, &missing);
        let drawings = self.append_on(number, missing.into_iter(), json);
        let (_, index) = self.parts_mut();
        index.add_drawings(object_hash, drawings);
        Ok(())
    }

    /// Takes an object from the frame `source` to the frame `target`, with all that stands there.
    ///
    /// # Errors
    /// [`LabelError::NotFound`] if the row has no such object, or if it is not on `source`;
    /// [`LabelError::InvalidArgument`] if it is on `target` already, if that does not exist, or if the
    /// object is in several spaces.
    pub fn move_to_frame(
        &mut self,
        object_hash: &str,
        source: u32,
        target: u32,
    ) -> Result<(), LabelError> {
        let (number, drawn) = self.source(object_hash, source)?;
        let indexed = self.indexed(object_hash)?;
        let part = self.part_of_number(number)?;
        self.check_frames_of(&part, &[FrameRange::single(target)])?;
        if indexed.on_frame_in(number, target).is_some() {
            return Err(LabelError::InvalidArgument(format!(
                "expected a frame that `{object_hash}` is not on, found {target}"
            )));
        }
        let Some(Value::Object(json)) = self.index().resolve(&self.document, drawn) else {
            return Err(self.not_on(indexed, source));
        };
        self.check_copy(&part, indexed, json, &[FrameRange::single(target)])?;
        let json = json.clone();

        let (document, index) = self.parts_mut();
        answering::carry(document, object_hash, source, &[target]);
        index.take(document, object_hash, &[drawn]);
        let drawings = self.append_on(number, [target].into_iter(), json);
        let (_, index) = self.parts_mut();
        index.add_drawings(object_hash, drawings);
        self.clip_answers(object_hash);
        Ok(())
    }

    /// Takes an object from frames (of range objects: from ranges), or from all of them, and its dynamic
    /// answers there with it. Frames that it is not on are passed over. An object that is nowhere any more
    /// is removed. `space` is where; none is where the object is.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if a range ends before it starts, or if no space is given and it is
    /// in several; [`LabelError::Unsupported`] for a part of the text of an HTML document;
    /// [`LabelError::NotFound`] if the row has no such object or space.
    pub fn remove_from_frames(
        &mut self,
        object_hash: &str,
        frames: Option<&[FrameRange]>,
        space: Option<&str>,
    ) -> Result<(), LabelError> {
        let indexed = self.indexed(object_hash)?;
        let part = match space {
            Some(_) => self.part(space)?,
            None => self.part_of(indexed)?,
        };
        let frames = frames.map(in_order).transpose()?;
        let (number, holds) = (part.number, part.holds);
        if !matches!(holds, Holds::Frames(_)) {
            return self.remove_ranges(object_hash, number, holds, frames.as_deref());
        }
        let drawn = indexed.drawings_in(number);
        let drawn: Vec<Drawn> = match &frames {
            None => drawn.to_vec(),
            Some(frames) => {
                let is_meant = |drawn: &&Drawn| {
                    let behind = frames.partition_point(|range| range.end < drawn.frame);
                    frames
                        .get(behind)
                        .is_some_and(|range| range.contains(drawn.frame))
                };
                drawn.iter().filter(is_meant).copied().collect()
            }
        };
        if drawn.is_empty() {
            return Ok(());
        }
        if drawn.len() == indexed.drawings().len() && !self.is_placed(object_hash) {
            self.remove_object(object_hash);
            return Ok(());
        }
        let (document, index) = self.parts_mut();
        index.take(document, object_hash, &drawn);
        self.clip_answers(object_hash);
        Ok(())
    }

    /// Removes an object from the row, with its answers. False if there was none.
    pub fn remove_object(&mut self, object_hash: &str) -> bool {
        let Some(indexed) = self.index().object(object_hash) else {
            return false;
        };
        let (hash, drawn) = (Arc::clone(&indexed.hash), indexed.drawings().to_vec());
        let (document, index) = self.parts_mut();
        index.take(document, &hash, &drawn);
        index.remove_object(&hash);
        for name in ["object_answers", "object_actions"] {
            if let Some(Value::Object(entries)) = document.get_mut(name) {
                entries.shift_remove(&*hash);
            }
        }
        self.retire(&hash);
        true
    }

    /// Sets how sure the author of an object is, from 0 to 1, on some frames of where it is.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if it is not in 0..1, if the object is not on one of the frames, or
    /// if it is in several spaces; [`LabelError::NotFound`] if the row has no such object.
    pub fn set_object_confidence_on(
        &mut self,
        object_hash: &str,
        confidence: f64,
        frames: &[FrameRange],
    ) -> Result<(), LabelError> {
        check_confidence(confidence)?;
        let value = Value::from(confidence);
        self.set_on_frames(object_hash, "confidence", &value, frames, |json| {
            super::object::confidence(json) == confidence
        })
    }

    /// Sets whether a person made an object, on some frames of where it is.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if the object is not on one of the frames, or if it is in several
    /// spaces; [`LabelError::NotFound`] if the row has no such object.
    pub fn set_object_manual_annotation_on(
        &mut self,
        object_hash: &str,
        manual: bool,
        frames: &[FrameRange],
    ) -> Result<(), LabelError> {
        let value = Value::from(manual);
        self.set_on_frames(object_hash, "manualAnnotation", &value, frames, |json| {
            super::answers::manual_annotation(json) == manual
        })
    }

    fn set_on_frames(
        &mut self,
        hash: &str,
        key: &str,
        value: &Value,
        frames: &[FrameRange],
        is_set: impl Fn(&Value) -> bool,
    ) -> Result<(), LabelError> {
        let indexed = self.indexed(hash)?;
        let part = self.part_of(indexed)?;
        if !matches!(part.holds, Holds::Frames(_)) {
            return Err(LabelError::InvalidArgument(format!(
                "expected an object that is drawn on frames, found that `{hash}` marks ranges\n\
                 help: set it for all of them at once"
            )));
        }
        let drawn = self.drawn_on(indexed, part.number, &in_order(frames)?)?;
        self.set_on_drawings(drawn, key, value, is_set);
        Ok(())
    }

    /// The drawings of an object on frames, on each of which it has to be.
    fn drawn_on(
        &self,
        indexed: &Indexed,
        number: u32,
        frames: &[FrameRange],
    ) -> Result<Vec<Drawn>, LabelError> {
        let mut drawn = Vec::new();
        // Ends at the first frame that it is not on.
        for frame in frames.iter().flat_map(|range| range.start..=range.end) {
            match indexed.on_frame_in(number, frame) {
                Some(on_frame) => drawn.push(on_frame),
                None => {
                    let message = self.not_on(indexed, frame).to_string();
                    return Err(LabelError::InvalidArgument(message));
                }
            }
        }
        Ok(drawn)
    }

    /// An object of the row.
    pub(super) fn indexed(&self, hash: &str) -> Result<&Indexed, LabelError> {
        let object = self.index().object(hash);
        object.ok_or_else(|| self.not_in_row("an object", hash))
    }

    /// Where an object is, if that is one place.
    pub(super) fn part_of(&self, indexed: &Indexed) -> Result<Part<'_>, LabelError> {
        let mut numbers: Vec<u32> = indexed.drawn_spaces().collect();
        for space in self.placed_spaces(&indexed.hash) {
            numbers.extend(self.index().space(space));
        }
        numbers.sort_unstable();
        numbers.dedup();
        match numbers.as_slice() {
            // One that is not drawn belongs to the row itself.
            [] => self.part_of_number(ROW),
            [number] => self.part_of_number(*number),
            several => {
                let ids = several.iter().filter_map(|id| self.index().space_id(*id));
                Err(LabelError::InvalidArgument(format!(
                    "expected an object that is in one space, found that `{}` is in several: {}\n\
                     help: use the function of the space that is meant",
                    indexed.hash,
                    listed(ids)
                )))
            }
        }
    }

    /// The ontology object of an object of the row.
    pub(super) fn ontology_object_of<'a>(
        &'a self,
        indexed: &'a Indexed,
    ) -> Result<&'a OntologyObject, LabelError> {
        let instance = super::object::ObjectInstance { row: self, indexed };
        instance.ontology_object().ok_or_else(|| {
            LabelError::InvalidArgument(format!(
                "expected an object of a feature that the ontology has, found `{}` of feature `{}`",
                indexed.hash,
                instance.feature_hash()
            ))
        })
    }

    /// Clips the dynamic answers of an object to where it still is.
    pub(super) fn clip_answers(&mut self, hash: &str) {
        let actions = self.document.get("object_actions");
        let has_answers = actions.is_some_and(|actions| actions.get(hash).is_some());
        let Some(object) = self.object(hash).filter(|_| has_answers) else {
            return;
        };
        let held = object.frames();
        let (document, _) = self.parts_mut();
        answering::clip(document, hash, &held);
    }

    fn part_with_frames(&self, space: Option<&str>) -> Result<Part<'_>, LabelError> {
        let part = self.part(space)?;
        self.refuse_without_frames(&part)?;
        Ok(part)
    }

    fn refuse_without_frames(&self, part: &Part<'_>) -> Result<(), LabelError> {
        let help = match part.holds {
            Holds::Frames(_) => return Ok(()),
            Holds::Ranges { .. } => "mark ranges",
            Holds::Html => "mark ranges of the HTML document",
            Holds::Points => "mark ranges of points",
        };
        Err(LabelError::Unsupported(format!(
            "expected data with frames to draw on, found {}\n\
             help: its objects {help}",
            self.described(part)
        )))
    }

    /// What stands in a message for a part.
    pub(super) fn described(&self, part: &Part<'_>) -> String {
        match part.space {
            Some(space) => format!("a space of type `{}`", space.space_type()),
            None => format!("a row of type `{}`", self.data_type()),
        }
    }

    /// Refuses a geometry that cannot be drawn on one of the frames. Only of masks does the frame's size
    /// matter.
    fn check_on_frames(
        &self,
        part: &Part<'_>,
        geometry: &Geometry,
        object: &OntologyObject,
        frames: &[FrameRange],
    ) -> Result<(), LabelError> {
        // The Python SDK cannot read a row that has one.
        if let (Some(space), Geometry::Cuboid(_)) = (part.space, geometry) {
            return Err(LabelError::Unsupported(format!(
                "expected a shape of two dimensions in the space `{}`, found a `cuboid`\n\
                 help: cuboids belong to the row of a scene itself",
                space.id()
            )));
        }
        if !matches!(geometry, Geometry::Bitmask(_)) {
            return geometry.check(object, None);
        }
        let mut checked = None;
        for frame in frames.iter().flat_map(|range| range.start..=range.end) {
            let size = self.size_in(part, frame);
            if checked != Some(size) {
                geometry.check(object, size)?;
                checked = Some(size);
            }
        }
        Ok(())
    }

    /// Refuses to put a mask on a frame of another size. What is not drawn right on its frame stays so on
    /// others.
    fn check_copy(
        &self,
        part: &Part<'_>,
        indexed: &Indexed,
        json: &Map<String, Value>,
        frames: &[FrameRange],
    ) -> Result<(), LabelError> {
        if !json.contains_key("bitmask") {
            return Ok(());
        }
        let geometry = Geometry::read(&Value::Object(json.clone()));
        self.check_on_frames(part, &geometry, self.ontology_object_of(indexed)?, frames)
    }

    /// The drawing that is to be copied or moved, and the number of its space.
    fn source(&self, hash: &str, frame: u32) -> Result<(u32, Drawn), LabelError> {
        let indexed = self.indexed(hash)?;
        let part = self.part_of(indexed)?;
        self.refuse_without_frames(&part)?;
        let drawn = indexed.on_frame_in(part.number, frame);
        let drawn = drawn.ok_or_else(|| self.not_on(indexed, frame))?;
        Ok((part.number, drawn))
    }

    fn not_on(&self, indexed: &Indexed, frame: u32) -> LabelError {
        let ranges = frames_of(indexed.drawings());
        let frames: Vec<String> = ranges.iter().map(FrameRange::to_string).collect();
        let found = match frames.as_slice() {
            [] => "none".to_owned(),
            frames => frames.join(", "),
        };
        LabelError::NotFound(format!(
            "expected frames that `{}` is on, which are {found}; found {frame}",
            indexed.hash
        ))
    }

    /// Puts a drawing on frames that do not have the object yet. The caller notes the drawings.
    fn append_on(
        &mut self,
        number: u32,
        frames: impl Iterator<Item = u32>,
        json: Map<String, Value>,
    ) -> Vec<Drawn> {
        let lists: Vec<_> = match self.part_of_number(number) {
            Ok(part) => frames
                .map(|frame| (frame, self.list_of_frame(&part, frame)))
                .collect(),
            // The callers have looked the part up.
            Err(_) => Vec::new(),
        };
        let (document, index) = self.parts_mut();
        // Most drawings are on one frame, and need no copy.
        let copies = std::iter::repeat_n(json, lists.len());
        let append = |((frame, list), json)| {
            index.append(document, number, frame, || list, Value::Object(json))
        };
        lists.into_iter().zip(copies).map(append).collect()
    }
}

/// A new drawing, in the form in which the Python SDK writes it in that place.
fn new_drawing(
    part: &Part<'_>,
    object: &OntologyObject,
    geometry: &Geometry,
    hash: &str,
) -> Map<String, Value> {
    let now = time::long_form(Timestamp::now());
    if part.space.is_none() {
        let mut json = frame_object(object, hash, &now);
        geometry.write(object, &mut json);
        return json;
    }
    let mut json = space_object(object, hash, &now);
    geometry.write(object, &mut json);
    json.insert("shape".to_owned(), Value::from(object.shape.as_str()));
    json
}

/// The drawings of an object on frames, and the frames that it is not on.
fn split(indexed: &Indexed, number: u32, frames: &[FrameRange]) -> (Vec<Drawn>, Vec<u32>) {
    let (mut held, mut missing) = (Vec::new(), Vec::new());
    for frame in frames.iter().flat_map(|range| range.start..=range.end) {
        match indexed.on_frame_in(number, frame) {
            Some(drawn) => held.push(drawn),
            None => missing.push(frame),
        }
    }
    (held, missing)
}
