//! A label row: the document with what is known beside it, and what can be read from it.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::classification::{self, ClassificationInstance};
use super::error::LabelError;
use super::frames;
use super::index::{Index, members};
use super::object::ObjectInstance;
use super::ontology::{Ontology, kind_of};
use super::placed::Placed;
use super::time;

/// What Encord says of a row beside its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFacts {
    /// `image`, `video`, …; upper case, as in lists of rows, is accepted.
    pub data_type: String,
    /// At least 1 for data with frames.
    pub number_of_frames: u32,
    /// In pixels; absent or 0 where the data has none.
    pub width: Option<u32>,
    /// In pixels; absent or 0 where the data has none.
    pub height: Option<u32>,
    /// True if some features were left out when reading, so that saving the row would remove them.
    pub partial: bool,
}

/// A label row: one data unit (an image, a video, a group of images, …) on one branch.
///
/// Opening one copies nothing: the document is shared until the first edit, which is made on a copy.
#[derive(Debug, Clone)]
pub struct LabelRow {
    original: Arc<Value>,
    pub(super) document: Arc<Value>,
    pub(super) facts: RowFacts,
    pub(super) ontology: Arc<Ontology>,
    index: OnceLock<Index>,
    placed: OnceLock<Placed>,
    /// Hashes of objects and classifications that were removed. No new one gets them, so that what still
    /// has a hash of old does not find another object under it.
    retired: HashSet<String>,
}

/// A part of a label row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataUnit {
    /// Its UUID.
    pub data_hash: String,
    /// Its title.
    pub title: String,
    /// MIME type, for example `image/jpeg`.
    pub data_type: String,
    /// Position in the row, from 0: in an image group the number of the frame.
    pub sequence: u32,
    /// In pixels; absent where the data has none.
    pub width: Option<u32>,
    /// In pixels; absent where the data has none.
    pub height: Option<u32>,
}

impl LabelRow {
    /// Opens a row that was read.
    ///
    /// # Errors
    /// [`LabelError::Document`] if the document is not a label row.
    pub fn open(
        document: Arc<Value>,
        mut facts: RowFacts,
        ontology: Arc<Ontology>,
    ) -> Result<Self, LabelError> {
        let expect = |key: &str, is: fn(&Value) -> bool, what: &str| match document.get(key) {
            Some(value) if is(value) => Ok(()),
            other => Err(LabelError::Document(format!(
                "expected {what} at `{key}` of a label row, found {}",
                other.map_or("nothing", kind_of)
            ))),
        };
        expect("label_hash", Value::is_string, "text")?;
        expect("data_hash", Value::is_string, "text")?;
        expect("data_units", Value::is_object, "an object")?;
        facts.data_type.make_ascii_lowercase();
        Ok(Self {
            original: Arc::clone(&document),
            document,
            facts,
            ontology,
            index: OnceLock::new(),
            placed: OnceLock::new(),
            retired: HashSet::new(),
        })
    }

    /// The row's UUID.
    pub fn label_hash(&self) -> &str {
        self.text("label_hash")
    }

    /// `main`, unless the project has branches.
    pub fn branch_name(&self) -> &str {
        self.text("branch_name")
    }

    /// `NOT_LABELLED`, `LABEL_IN_PROGRESS`, `LABELLED`, …
    pub fn label_status(&self) -> &str {
        self.text("label_status")
    }

    /// RFC 3339 in UTC.
    pub fn created_at(&self) -> Option<String> {
        time::rfc3339(self.text("created_at"))
    }

    /// RFC 3339 in UTC. Edits made here do not change it; the server does when it saves them.
    pub fn last_edited_at(&self) -> Option<String> {
        time::rfc3339(self.text("last_edited_at"))
    }

    /// UUID of the data.
    pub fn data_hash(&self) -> &str {
        self.text("data_hash")
    }

    /// Title of the data.
    pub fn data_title(&self) -> &str {
        self.text("data_title")
    }

    /// `image`, `video`, `img_group`, …; always in lower case.
    pub fn data_type(&self) -> &str {
        &self.facts.data_type
    }

    /// UUID of the dataset.
    pub fn dataset_hash(&self) -> &str {
        self.text("dataset_hash")
    }

    /// Title of the dataset.
    pub fn dataset_title(&self) -> &str {
        self.text("dataset_title")
    }

    /// In pixels; absent where the data has none, and for image groups, whose images may differ.
    pub fn width(&self) -> Option<u32> {
        let facts = self.facts.width.filter(|width| *width > 0);
        facts.or_else(|| pixels(self.only_unit()?, "width"))
    }

    /// In pixels; absent where the data has none, and for image groups, whose images may differ.
    pub fn height(&self) -> Option<u32> {
        let facts = self.facts.height.filter(|height| *height > 0);
        facts.or_else(|| pixels(self.only_unit()?, "height"))
    }

    /// As Encord lists it.
    pub fn number_of_frames(&self) -> u32 {
        self.facts.number_of_frames
    }

    /// In frames per second, where the document has it.
    pub fn fps(&self) -> Option<f64> {
        let fps = self.only_unit()?.get("data_fps")?.as_f64()?;
        (fps > 0.0).then_some(fps)
    }

    /// In seconds, where the document has it.
    pub fn duration(&self) -> Option<f64> {
        self.only_unit()?.get("data_duration")?.as_f64()
    }

    /// The parts of the row, by their sequence.
    pub fn data_units(&self) -> Vec<DataUnit> {
        let unit = |(key, json): (&String, &Value)| DataUnit {
            data_hash: text(json, "data_hash").unwrap_or(key).to_owned(),
            title: text(json, "data_title").unwrap_or_default().to_owned(),
            data_type: text(json, "data_type").unwrap_or_default().to_owned(),
            sequence: sequence(json),
            width: pixels(json, "width"),
            height: pixels(json, "height"),
        };
        let mut units: Vec<_> = members(&self.document, "data_units").map(unit).collect();
        units.sort_by_key(|unit| unit.sequence);
        units
    }

    /// All objects, in the order in which the row lists them.
    pub fn objects(&self) -> impl Iterator<Item = ObjectInstance<'_>> {
        let objects = self.index().objects();
        objects.map(|indexed| ObjectInstance { row: self, indexed })
    }

    /// The object with this hash. Takes constant time.
    pub fn object(&self, object_hash: &str) -> Option<ObjectInstance<'_>> {
        let indexed = self.index().object(object_hash)?;
        Some(ObjectInstance { row: self, indexed })
    }

    /// The objects of one feature, by feature hash or exact name, in the order in which the row lists them.
    /// An archived feature is found, too, unless one in use has its name.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if the ontology has no such object, or several of the name.
    pub fn objects_of(&self, feature: &str) -> Result<Vec<ObjectInstance<'_>>, LabelError> {
        let feature_hash = &self.ontology.any_object_feature(feature)?.feature_hash;
        let objects = self.objects();
        Ok(objects
            .filter(|object| object.feature_hash() == feature_hash)
            .collect())
    }

    /// The objects that are on a frame (millisecond of audio, character of text), in the order in which the
    /// row lists them. In rows with several spaces, those that are on that frame of any.
    pub fn objects_on(&self, frame: u32) -> Vec<ObjectInstance<'_>> {
        let objects = self.objects();
        objects.filter(|object| object.is_on(frame)).collect()
    }

    /// All classifications, in the order in which the row lists them.
    pub fn classifications(&self) -> impl Iterator<Item = ClassificationInstance<'_>> {
        let entries = members(&self.document, "classification_answers");
        entries.filter_map(|(hash, entry)| classification::instance(self, hash, entry))
    }

    /// The classification with this hash. Takes constant time.
    pub fn classification(&self, classification_hash: &str) -> Option<ClassificationInstance<'_>> {
        let entries = self.document.get("classification_answers")?.as_object()?;
        let (hash, entry) = entries.get_key_value(classification_hash)?;
        classification::instance(self, hash, entry)
    }

    /// True if the row differs from what was read. Takes time in proportion to the document if it was
    /// edited, none if not.
    pub fn is_edited(&self) -> bool {
        !Arc::ptr_eq(&self.original, &self.document) && self.original != self.document
    }

    /// Whether the row may be saved.
    ///
    /// # Errors
    /// [`LabelError::Unsupported`] if the row was read in part.
    pub fn check_savable(&self) -> Result<(), LabelError> {
        if !self.facts.partial {
            return Ok(());
        }
        Err(LabelError::Unsupported(format!(
            "expected a label row that was read as a whole, found that only some features of `{}` were: \
             saving it would remove the others\n\
             help: declare no feature hashes to include for this stage",
            self.data_title()
        )))
    }

    /// The whole row with the edits so far, as Encord keeps it.
    pub fn to_document(&self) -> Arc<Value> {
        Arc::clone(&self.document)
    }

    /// Takes all edits back: the row is as it was read.
    pub fn discard_edits(&mut self) {
        self.replace_document(Arc::clone(&self.original));
    }

    /// The project's ontology.
    pub fn ontology(&self) -> &Arc<Ontology> {
        &self.ontology
    }

    pub(super) fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::build(&self.document))
    }

    pub(super) fn placed(&self) -> &Placed {
        self.placed.get_or_init(|| Placed::build(&self.document))
    }

    /// The document as it was read.
    pub(super) fn original(&self) -> &Value {
        &self.original
    }

    /// The document and where it has classifications, to change both. The latter is absent as long as
    /// nobody has asked for it.
    pub(super) fn classifying_mut(&mut self) -> (&mut Value, Option<&mut Placed>) {
        (Arc::make_mut(&mut self.document), self.placed.get_mut())
    }

    /// Puts another document of the same row in place of this one. What it no longer has counts as removed.
    pub(super) fn replace_document(&mut self, document: Arc<Value>) {
        if Arc::ptr_eq(&self.document, &document) {
            return;
        }
        for name in ["object_answers", "classification_answers"] {
            let hashes = members(&self.document, name).map(|(hash, _)| hash.clone());
            self.retired.extend(hashes);
        }
        let drawn = self.index.get().into_iter().flat_map(Index::objects);
        self.retired
            .extend(drawn.map(|object| object.hash.to_string()));
        self.document = document;
        self.index = OnceLock::new();
        self.placed = OnceLock::new();
    }

    /// Notes that an object or classification of this hash was removed.
    pub(super) fn retire(&mut self, hash: &str) {
        self.retired.insert(hash.to_owned());
    }

    /// True if the row had this hash and has it no longer, or if it has it after all.
    pub(super) fn is_retired(&self, hash: &str) -> bool {
        self.retired.contains(hash)
    }

    /// The document and the index, to change both.
    pub(super) fn parts_mut(&mut self) -> (&mut Value, &mut Index) {
        self.index();
        let index = self.index.get_mut().expect("it was made in the line above");
        // Copies the document at the first edit, since the original is kept to compare with.
        (Arc::make_mut(&mut self.document), index)
    }

    /// The data unit, unless there are several.
    pub(super) fn only_unit(&self) -> Option<&Value> {
        let mut units = members(&self.document, "data_units");
        let (_, unit) = units.next()?;
        units.next().is_none().then_some(unit)
    }

    fn text(&self, key: &str) -> &str {
        text(&self.document, key).unwrap_or_default()
    }
}

/// Which frame a data unit is.
pub(super) fn sequence(unit: &Value) -> u32 {
    let sequence = unit.get("data_sequence").and_then(frames::frame);
    sequence.unwrap_or(0)
}

fn text<'a>(json: &'a Value, key: &str) -> Option<&'a str> {
    json.get(key)?.as_str()
}

fn pixels(json: &Value, key: &str) -> Option<u32> {
    frames::frame(json.get(key)?).filter(|pixels| *pixels > 0)
}
