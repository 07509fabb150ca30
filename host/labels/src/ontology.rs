//! The ontology: what may be labelled, and with which attributes.

use std::collections::HashMap;

use serde_json::Value;

use super::error::OntologyError;
use super::template::{Template, TemplatePoint};

/// A project's ontology. Every list is in the order of the ontology editor.
#[derive(Debug, Clone)]
pub struct Ontology {
    uuid: String,
    title: String,
    description: String,
    objects: Vec<OntologyObject>,
    classifications: Vec<OntologyClassification>,
    raw: Value,
    object_of_hash: HashMap<String, usize>,
    classification_of_hash: HashMap<String, usize>,
    kind_of_attribute: HashMap<String, String>,
}

/// A kind of thing that can be drawn or marked.
#[derive(Debug, Clone, PartialEq)]
pub struct OntologyObject {
    /// 8 characters, unique in the ontology.
    pub feature_hash: String,
    /// What people read. Several objects may share a name.
    pub name: String,
    /// Encord's name of the shape, `bounding_box` for example; kept as spelled if it is a new one.
    pub shape: String,
    /// As `#RRGGBB`; empty if there was none.
    pub color: String,
    /// True if every data unit needs at least one.
    pub required: bool,
    /// True if it is no longer offered.
    pub archived: bool,
    /// Attributes of the first level.
    pub attributes: Vec<Attribute>,
    /// The points of a skeleton's template, in its order. Empty for other shapes, and if there is none.
    pub template: Vec<TemplatePoint>,
}

/// A statement about frames or about the whole data unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OntologyClassification {
    /// 8 characters, unique in the ontology.
    pub feature_hash: String,
    /// The name of the root attribute.
    pub title: String,
    /// True if it holds for the whole data unit rather than for frames.
    pub global: bool,
    /// True if every data unit needs it.
    pub required: bool,
    /// True if it is no longer offered.
    pub archived: bool,
    /// The one root attribute.
    pub attribute: Attribute,
}

/// A question with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// 8 characters.
    pub feature_hash: String,
    /// What people read.
    pub name: String,
    /// `radio`, `checklist`, `text` or `numeric`; kept as spelled if it is a new one.
    pub kind: String,
    /// True if it must be answered.
    pub required: bool,
    /// True if it is no longer offered.
    pub archived: bool,
    /// True if its answer may differ from frame to frame.
    pub dynamic: bool,
    /// The choices of a radio or checklist; empty for other kinds.
    pub options: Vec<AttributeOption>,
}

/// A choice of a radio or checklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeOption {
    /// 8 characters.
    pub feature_hash: String,
    /// What people read.
    pub label: String,
    /// What programs read.
    pub value: String,
    /// True if it is no longer offered.
    pub archived: bool,
    /// The further questions that choosing it asks; only radio options have any.
    pub attributes: Vec<Attribute>,
}

impl Ontology {
    /// Reads the structure that Encord sends as `editor`.
    ///
    /// Unknown shapes, kinds and keys are kept as they are. A classification without an attribute, which
    /// can neither be shown nor answered, is left out of the lists; [`Self::raw`] still has it.
    ///
    /// # Errors
    /// If `editor` is no object, or if something in it has no name or no feature hash.
    pub fn parse(
        uuid: &str,
        title: &str,
        description: &str,
        editor: &Value,
    ) -> Result<Self, OntologyError> {
        if !editor.is_object() {
            return Err(OntologyError(format!(
                "expected the structure of the ontology `{title}` as a JSON object, found {}",
                kind_of(editor)
            )));
        }
        let mut objects = list(editor, "objects", "", object)?;
        let templates = list(editor, "skeleton_templates", "", Template::read)?;
        let skeletons = objects
            .iter_mut()
            .filter(|object| object.shape == "skeleton");
        for skeleton in skeletons {
            let OntologyObject {
                feature_hash, name, ..
            } = skeleton;
            skeleton.template = Template::points_of(&templates, feature_hash, name);
        }
        let classifications: Vec<_> = list(editor, "classifications", "", classification)?
            .into_iter()
            .flatten()
            .collect();
        let object_of_hash = first_positions(objects.iter().map(|object| &object.feature_hash));
        let classification_of_hash =
            first_positions(classifications.iter().map(|class| &class.feature_hash));
        let mut kind_of_attribute = HashMap::new();
        let roots = objects.iter().flat_map(|object| &object.attributes);
        for root in roots.chain(classifications.iter().map(|class| &class.attribute)) {
            root.visit(&mut |attribute| {
                kind_of_attribute
                    .entry(attribute.feature_hash.clone())
                    .or_insert_with(|| attribute.kind.clone());
            });
        }
        Ok(Self {
            uuid: uuid.to_owned(),
            title: title.to_owned(),
            description: description.to_owned(),
            objects,
            classifications,
            raw: editor.clone(),
            object_of_hash,
            classification_of_hash,
            kind_of_attribute,
        })
    }

    /// The ontology's own UUID.
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// Its title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Its description, often empty.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// All objects, archived ones included.
    pub fn objects(&self) -> &[OntologyObject] {
        &self.objects
    }

    /// All classifications, archived ones included.
    pub fn classifications(&self) -> &[OntologyClassification] {
        &self.classifications
    }

    /// The object with this feature hash or, if no hash is equal, exactly this name; the first in order
    /// if several share the name.
    pub fn find_object(&self, feature_hash_or_name: &str) -> Option<&OntologyObject> {
        self.object(feature_hash_or_name).or_else(|| {
            let mut objects = self.objects.iter();
            objects.find(|object| object.name == feature_hash_or_name)
        })
    }

    /// The classification with this feature hash or, if no hash is equal, exactly this title; the first
    /// in order if several share the title.
    pub fn find_classification(
        &self,
        feature_hash_or_title: &str,
    ) -> Option<&OntologyClassification> {
        self.classification(feature_hash_or_title).or_else(|| {
            let mut classifications = self.classifications.iter();
            classifications.find(|class| class.title == feature_hash_or_title)
        })
    }

    /// The object with this feature hash.
    pub fn object(&self, feature_hash: &str) -> Option<&OntologyObject> {
        let position = self.object_of_hash.get(feature_hash)?;
        self.objects.get(*position)
    }

    /// The classification with this feature hash.
    pub fn classification(&self, feature_hash: &str) -> Option<&OntologyClassification> {
        let position = self.classification_of_hash.get(feature_hash)?;
        self.classifications.get(*position)
    }

    /// The structure as Encord sent it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }

    /// The kind of the attribute with this feature hash, wherever in the ontology it is.
    pub(super) fn kind_of_attribute(&self, feature_hash: &str) -> Option<&str> {
        self.kind_of_attribute.get(feature_hash).map(String::as_str)
    }
}

impl Attribute {
    /// Calls `with` for this attribute and all behind its options, each before those behind it.
    pub(super) fn visit<'a>(&'a self, with: &mut dyn FnMut(&'a Attribute)) {
        with(self);
        for option in &self.options {
            for attribute in &option.attributes {
                attribute.visit(with);
            }
        }
    }
}

fn object(json: &Value, place: &str) -> Result<OntologyObject, OntologyError> {
    Ok(OntologyObject {
        feature_hash: required(json, "featureNodeHash", place)?,
        name: required(json, "name", place)?,
        shape: optional(json, "shape"),
        color: optional(json, "color"),
        required: flag(json, "required"),
        archived: flag(json, "archived"),
        attributes: list(json, "attributes", place, attribute)?,
        template: Vec::new(),
    })
}

fn classification(
    json: &Value,
    place: &str,
) -> Result<Option<OntologyClassification>, OntologyError> {
    let feature_hash = required(json, "featureNodeHash", place)?;
    let roots = list(json, "attributes", place, attribute)?;
    Ok(roots
        .into_iter()
        .next()
        .map(|attribute| OntologyClassification {
            feature_hash,
            title: attribute.name.clone(),
            global: json.get("level").and_then(Value::as_str) == Some("global"),
            // The editor keeps both on the root attribute, newer ones on the classification too.
            required: flag(json, "required") || attribute.required,
            archived: flag(json, "archived") || attribute.archived,
            attribute,
        }))
}

fn attribute(json: &Value, place: &str) -> Result<Attribute, OntologyError> {
    Ok(Attribute {
        feature_hash: required(json, "featureNodeHash", place)?,
        name: required(json, "name", place)?,
        kind: optional(json, "type"),
        required: flag(json, "required"),
        archived: flag(json, "archived"),
        dynamic: flag(json, "dynamic"),
        options: list(json, "options", place, option)?,
    })
}

fn option(json: &Value, place: &str) -> Result<AttributeOption, OntologyError> {
    Ok(AttributeOption {
        feature_hash: required(json, "featureNodeHash", place)?,
        label: required(json, "label", place)?,
        value: optional(json, "value"),
        archived: flag(json, "archived"),
        // Encord calls the questions behind an option `options` as well.
        attributes: list(json, "options", place, attribute)?,
    })
}

/// Reads each element of a list; one that is absent or `null` is empty. `place` is where `json` stands,
/// for messages; empty for the whole structure.
fn list<T>(
    json: &Value,
    key: &str,
    place: &str,
    read: fn(&Value, &str) -> Result<T, OntologyError>,
) -> Result<Vec<T>, OntologyError> {
    let dot = if place.is_empty() { "" } else { "." };
    let elements = match json.get(key) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(elements)) => elements,
        Some(other) => {
            return Err(OntologyError(format!(
                "expected a list at `{place}{dot}{key}` of the ontology, found {}",
                kind_of(other)
            )));
        }
    };
    let read = |(position, element)| read(element, &format!("{place}{dot}{key}[{position}]"));
    elements.iter().enumerate().map(read).collect()
}

fn required(json: &Value, key: &str, place: &str) -> Result<String, OntologyError> {
    match json.get(key) {
        Some(Value::String(text)) => Ok(text.clone()),
        other => Err(OntologyError(format!(
            "expected text at `{place}.{key}` of the ontology, found {}",
            other.map_or("nothing", kind_of)
        ))),
    }
}

fn optional(json: &Value, key: &str) -> String {
    let text = json.get(key).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn flag(json: &Value, key: &str) -> bool {
    json.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn first_positions<'a>(hashes: impl Iterator<Item = &'a String>) -> HashMap<String, usize> {
    let mut positions = HashMap::new();
    for (position, hash) in hashes.enumerate() {
        positions.entry(hash.clone()).or_insert(position);
    }
    positions
}

/// What a JSON value is, for a message.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
