//! Objects of a label row, to read.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::answers::{self, Answer, DynamicAnswer};
use super::frames::{self, FrameRange};
use super::geometry::Geometry;
use super::html::{self, HtmlRange};
use super::index::{Drawn, Indexed, frames_of};
use super::ontology::OntologyObject;
use super::rle;
use super::row::LabelRow;
use super::time;

/// One object: a box around one particular car, on one or more frames.
#[derive(Debug, Clone, Copy)]
pub struct ObjectInstance<'a> {
    pub(super) row: &'a LabelRow,
    pub(super) indexed: &'a Indexed,
}

/// An object on one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// How it is drawn.
    pub geometry: Geometry,
    /// From 0 to 1.
    pub confidence: f64,
    /// True if a person made it.
    pub manual_annotation: bool,
    /// True if it was deleted and is kept as a record.
    pub is_deleted: bool,
    /// RFC 3339 in UTC.
    pub created_at: Option<String>,
    /// E-mail address. Absent in what was added since the row was read.
    pub created_by: Option<String>,
    /// RFC 3339 in UTC.
    pub last_edited_at: Option<String>,
    /// E-mail address.
    pub last_edited_by: Option<String>,
}

impl<'a> ObjectInstance<'a> {
    /// 8 characters, unique in the row, the same on every frame.
    pub fn object_hash(&self) -> &'a str {
        &self.indexed.hash
    }

    /// Of its ontology object.
    pub fn feature_hash(&self) -> &'a str {
        self.own_text("featureHash").unwrap_or_default()
    }

    /// The name of its ontology object.
    pub fn name(&self) -> &'a str {
        match self.ontology_object() {
            Some(object) => &object.name,
            None => self.own_text("name").unwrap_or_default(),
        }
    }

    /// Encord's name of its shape.
    pub fn shape(&self) -> &'a str {
        match self.ontology_object() {
            Some(object) => &object.shape,
            None => self.own_text("shape").unwrap_or_default(),
        }
    }

    /// The number that people see, where Encord gave one.
    pub fn object_number(&self) -> Option<u32> {
        let number = |json: &Value| frames::frame(json.get("objectNumber")?);
        self.answer_entry()
            .and_then(number)
            .or_else(|| number(self.first_drawn()?))
    }

    /// In rows with several spaces, the space that it is in; the first if it is in several.
    pub fn space(&self) -> Option<&'a str> {
        self.spaces().into_iter().next()
    }

    /// In rows with several spaces, the spaces that it is in; empty in other rows.
    pub fn spaces(&self) -> Vec<&'a str> {
        let index = self.row.index();
        let drawn = self.indexed.drawn_spaces();
        let mut spaces: Vec<&str> = drawn.filter_map(|number| index.space_id(number)).collect();
        for placed in self.row.placed_spaces(&self.indexed.hash) {
            if !spaces.contains(&placed) {
                spaces.push(placed);
            }
        }
        spaces
    }

    /// Where it is drawn, in ascending order, neighbours merged. For audio and text the ranges that it
    /// marks, in milliseconds or characters, for segmentations the positions of its points. Empty for HTML.
    /// In rows with several spaces, those of all its spaces together.
    pub fn frames(&self) -> Vec<FrameRange> {
        let drawn = self.indexed.drawn_spaces();
        let mut all: Vec<FrameRange> = drawn.flat_map(|number| self.drawn_in(number)).collect();
        all.extend(self.ranges_in(None));
        for space in self.row.placed_spaces(&self.indexed.hash) {
            all.extend(self.ranges_in(Some(space)));
        }
        frames::merged(all)
    }

    /// As [`frames`](Self::frames), in one space. Empty if it is not in it.
    pub fn frames_in(&self, space: &str) -> Vec<FrameRange> {
        let number = self.row.index().space(space);
        let mut all = number.map_or_else(Vec::new, |number| self.drawn_in(number));
        all.extend(self.ranges_in(Some(space)));
        frames::merged(all)
    }

    /// The text that it marks in an HTML document; empty for all others.
    pub fn html_ranges(&self) -> Vec<HtmlRange> {
        let own = self
            .answer_entry()
            .and_then(|entry| entry.get("range_html"));
        let mut all = html::from_json(own);
        for space in self.row.placed_spaces(&self.indexed.hash) {
            all.extend(self.html_ranges_in(space));
        }
        all
    }

    /// As [`html_ranges`](Self::html_ranges), in one space.
    pub fn html_ranges_in(&self, space: &str) -> Vec<HtmlRange> {
        let ranges = self.row.ranges_json(&self.indexed.hash, Some(space));
        html::from_json(ranges)
    }

    /// How it is drawn on a frame. Absent if it is not on that frame, or if it is not drawn. In rows with
    /// several spaces, that of the first space that has the frame.
    pub fn annotation(&self, frame: u32) -> Option<Annotation> {
        self.annotation_of(self.indexed.on_frame(frame)?)
    }

    /// How it is drawn on a frame of one space.
    pub fn annotation_in(&self, space: &str, frame: u32) -> Option<Annotation> {
        let number = self.row.index().space(space)?;
        self.annotation_of(self.indexed.on_frame_in(number, frame)?)
    }

    /// The geometry of [`annotation`](Self::annotation) alone, which costs less.
    pub fn geometry(&self, frame: u32) -> Option<Geometry> {
        let drawn = self.indexed.on_frame(frame)?;
        let json = self.row.index().resolve(&self.row.document, drawn)?;
        Some(Geometry::read(json))
    }

    /// From 0 to 1, of the first frame that it is on, or of the ranges that it marks.
    pub fn confidence(&self) -> f64 {
        self.own_json().map_or(1.0, confidence)
    }

    /// True if a person made it; of the first frame that it is on, or of the ranges that it marks.
    pub fn manual_annotation(&self) -> bool {
        self.own_json().is_some_and(answers::manual_annotation)
    }

    /// RFC 3339 in UTC, of the first frame that it is on, or of the ranges that it marks.
    pub fn created_at(&self) -> Option<String> {
        moment(self.own_json()?, "createdAt")
    }

    /// E-mail address; likewise. Absent in what was added since the row was read.
    pub fn created_by(&self) -> Option<String> {
        text(self.own_json()?, "createdBy")
    }

    /// RFC 3339 in UTC; likewise.
    pub fn last_edited_at(&self) -> Option<String> {
        moment(self.own_json()?, "lastEditedAt")
    }

    /// E-mail address; likewise.
    pub fn last_edited_by(&self) -> Option<String> {
        text(self.own_json()?, "lastEditedBy")
    }

    /// What reviewers said of it, as JSON text of a list: of all its frames, what is alike once. Absent if
    /// there is none, or if the row was read without.
    pub fn reviews(&self) -> Option<String> {
        let drawn = self.indexed.drawings().iter();
        let drawn = drawn.filter_map(|drawn| self.row.index().resolve(&self.row.document, *drawn));
        let lists = self.answer_entry().into_iter().chain(drawn);
        let mut all: Vec<&Value> = Vec::new();
        let mut seen = HashSet::new();
        for list in lists.filter_map(|json| json.get("reviews")?.as_array()) {
            all.extend(list.iter().filter(|review| seen.insert(review.to_string())));
        }
        (!all.is_empty()).then(|| {
            serde_json::to_string(&all).expect("JSON values with text as keys can be written")
        })
    }

    /// The answers to its attributes that hold for all frames.
    pub fn answers(&self) -> Vec<Answer> {
        let list = self
            .answer_entry()
            .and_then(|entry| entry.get("classifications"));
        answers::read(list, &self.row.ontology)
    }

    /// The answers to its dynamic attributes, each with its frames.
    pub fn dynamic_answers(&self) -> Vec<DynamicAnswer> {
        answers::read_dynamic(self.actions(), &self.row.ontology)
    }

    /// Everything that the row has on it, as JSON text: `answer` (its entry of `object_answers`),
    /// `actions` (of `object_actions`), both `null` if there is none, and `frames` (frame number to
    /// drawn object).
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Everything<'a> {
            answer: Option<&'a Value>,
            actions: Option<&'a Value>,
            frames: Map<String, Value>,
        }
        let mut by_frame = Map::new();
        for drawn in self.indexed.drawings() {
            if let Some(json) = self.row.index().resolve(&self.row.document, *drawn) {
                by_frame
                    .entry(drawn.frame.to_string())
                    .or_insert_with(|| json.clone());
            }
        }
        let everything = Everything {
            answer: self.answer_entry(),
            actions: self.actions(),
            frames: by_frame,
        };
        serde_json::to_string(&everything).expect("JSON values with text as keys can be written")
    }

    /// The ontology object that it is an instance of, unless the ontology no longer has it.
    pub fn ontology_object(&self) -> Option<&'a OntologyObject> {
        self.row.ontology.object(self.feature_hash())
    }

    fn answer_entry(&self) -> Option<&'a Value> {
        let entries = self.row.document.get("object_answers")?;
        entries.get(&*self.indexed.hash)
    }

    fn actions(&self) -> Option<&'a Value> {
        let entries = self.row.document.get("object_actions")?;
        entries.get(&*self.indexed.hash)?.get("actions")
    }

    /// True if it is drawn in a space, or marks ranges there.
    pub(super) fn is_in(&self, space: &str) -> bool {
        let number = self.row.index().space(space);
        number.is_some_and(|number| !self.indexed.drawings_in(number).is_empty())
            || self
                .row
                .placed_spaces(&self.indexed.hash)
                .any(|placed| placed == space)
    }

    /// True if it is on a frame, or marks that position.
    pub(super) fn is_on(&self, frame: u32) -> bool {
        let is_drawn = !self.indexed.drawings().is_empty() && self.shape() != "segmentation";
        if is_drawn {
            self.indexed.on_frame(frame).is_some()
        } else {
            self.frames().iter().any(|range| range.contains(frame))
        }
    }

    /// The frames that it is drawn on in a space. Of a segmentation, which is drawn on none, the positions
    /// of its points; none if they cannot be read.
    fn drawn_in(&self, number: u32) -> Vec<FrameRange> {
        let drawings = self.indexed.drawings_in(number);
        if drawings.is_empty() || self.shape() != "segmentation" {
            return frames_of(drawings);
        }
        let points = self.row.segmentation_of(&self.indexed.hash, number);
        points
            .and_then(|(_, text)| rle::to_ranges(text).ok())
            .unwrap_or_default()
    }

    fn ranges_in(&self, space: Option<&str>) -> Vec<FrameRange> {
        frames::from_json(self.row.ranges_json(&self.indexed.hash, space))
    }

    fn annotation_of(&self, drawn: Drawn) -> Option<Annotation> {
        let json = self.row.index().resolve(&self.row.document, drawn)?;
        Some(Annotation {
            geometry: Geometry::read(json),
            confidence: confidence(json),
            manual_annotation: answers::manual_annotation(json),
            is_deleted: json
                .get("isDeleted")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            created_at: moment(json, "createdAt"),
            created_by: text(json, "createdBy"),
            last_edited_at: moment(json, "lastEditedAt"),
            last_edited_by: text(json, "lastEditedBy"),
        })
    }

    fn first_drawn(&self) -> Option<&'a Value> {
        let drawn = self.indexed.drawings().first()?;
        self.row.index().resolve(&self.row.document, *drawn)
    }

    /// What stands on the drawn object or, if it is not drawn, on its answers.
    fn own_json(&self) -> Option<&'a Value> {
        self.first_drawn().or_else(|| self.answer_entry())
    }

    fn own_text(&self, key: &str) -> Option<&'a str> {
        self.own_json()?.get(key)?.as_str()
    }
}

/// `confidence` of anything in a row: 1 if absent.
pub(super) fn confidence(json: &Value) -> f64 {
    let confidence = json.get("confidence").and_then(Value::as_f64);
    confidence.unwrap_or(1.0)
}

pub(super) fn moment(json: &Value, key: &str) -> Option<String> {
    time::rfc3339(json.get(key)?.as_str()?)
}

pub(super) fn text(json: &Value, key: &str) -> Option<String> {
    json.get(key)?.as_str().map(str::to_owned)
}
