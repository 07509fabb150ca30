//! Objects of a label row, to read.

use serde::Serialize;
use serde_json::{Map, Value};

use super::answers::{self, Answer, DynamicAnswer};
use super::frames::{self, FrameRange};
use super::geometry::Geometry;
use super::index::{Index, Indexed};
use super::ontology::OntologyObject;
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
        if let Some(space) = self.row.index().space(self.indexed) {
            return Some(space);
        }
        let (space, _) = self.placement()?;
        Some(space)
    }

    /// Where it is drawn in its space, in ascending order, neighbours merged. For audio and text the
    /// ranges that it marks, in milliseconds or characters. Empty for HTML.
    pub fn frames(&self) -> Vec<FrameRange> {
        if !Index::drawings(self.indexed).is_empty() {
            return Index::frames(self.indexed);
        }
        let Some(entry) = self.answer_entry() else {
            return Vec::new();
        };
        let own = frames::from_json(entry.get("range"));
        match self.placement() {
            Some((_, placed)) if own.is_empty() => frames::from_json(placed.get("range")),
            _ => own,
        }
    }

    /// How it is drawn on a frame of its space. Absent if it is not on that frame, or if it is not drawn.
    pub fn annotation(&self, frame: u32) -> Option<Annotation> {
        let drawn = Index::on_frame(self.indexed, frame)?;
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
        for drawn in Index::drawings(self.indexed) {
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

    fn first_drawn(&self) -> Option<&'a Value> {
        let drawn = Index::drawings(self.indexed).first()?;
        self.row.index().resolve(&self.row.document, *drawn)
    }

    /// What stands on the drawn object or, if it is not drawn, on its answers.
    fn own_text(&self, key: &str) -> Option<&'a str> {
        let json = self.first_drawn().or_else(|| self.answer_entry())?;
        json.get(key)?.as_str()
    }

    /// The first entry of `spaces` of an object that is not drawn.
    fn placement(&self) -> Option<(&'a str, &'a Value)> {
        let spaces = self.answer_entry()?.get("spaces")?.as_object()?;
        let (space, placed) = spaces.iter().next()?;
        Some((space, placed))
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
