//! `runner:stage/labels`: the rows of an attempt, and what its handles stand for. One file for each resource.

mod classification;
mod convert;
mod free;
mod object;
mod row;
mod space;
mod unit;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use uuid::Uuid;
use wasmtime::component::Resource;

use super::bindings::runner::stage::types::Error;
use super::handles::{
    ClassificationInstanceHandle, LabelRowHandle, ObjectInstanceHandle, SpaceHandle,
};
use super::inputs::{Decision, LabelRowInput, SavedRow};
use super::state::State;
use crate::labels::{
    AttributeAnswer, ClassificationInstance, DataUnit, FrameRange, Geometry, GivenAnswer,
    LabelError, LabelRow, ObjectInstance, Ontology, RowFacts,
};

type Result<T> = wasmtime::Result<T>;
type Answered<T> = std::result::Result<T, Error>;

/// The attempt's own copy of a label row.
pub(super) struct OpenRow {
    input: LabelRowInput,
    row: LabelRow,
    /// Whose task it is about: a position among the tasks of the attempt.
    task: u32,
    /// The project that it is the twin of the task's row in; none for the task's own.
    twin_of: Option<Uuid>,
    /// A position in [`State::ontologies`].
    ontology: u32,
    pub(super) priority: Option<f64>,
    save: bool,
    /// Listed when first asked for. Edits do not change them.
    data_units: OnceLock<Vec<DataUnit>>,
    objects: Instances,
    classifications: Instances,
}

/// Instances of a row that were handed out: the number of each in the attempt's list, by hash.
type Instances = HashMap<Arc<str>, u32>;

/// An object or classification that was handed out.
#[derive(Debug)]
pub(super) struct Instance {
    /// A position in the attempt's list of rows.
    row: u32,
    hash: Arc<str>,
    /// What its handles still say, once the row no longer has it.
    gone: Option<Gone>,
}

/// What is left of an object or classification that was removed.
#[derive(Debug)]
struct Gone {
    feature_hash: String,
    name: String,
    shape: String,
}

impl OpenRow {
    fn open(
        input: LabelRowInput,
        ontology: (u32, &Arc<Ontology>),
        task: u32,
        twin_of: Option<Uuid>,
    ) -> Answered<Self> {
        let metadata = &input.metadata;
        let facts = RowFacts {
            data_type: metadata.data_type.clone(),
            number_of_frames: metadata.number_of_frames,
            width: metadata.width,
            height: metadata.height,
            partial: input.partial,
        };
        let row = LabelRow::open(Arc::clone(&input.document), facts, Arc::clone(ontology.1))?;
        Ok(Self {
            input,
            row,
            task,
            twin_of,
            ontology: ontology.0,
            priority: None,
            save: false,
            data_units: OnceLock::new(),
            objects: HashMap::new(),
            classifications: HashMap::new(),
        })
    }

    fn data_units(&self) -> &[DataUnit] {
        self.data_units.get_or_init(|| self.row.data_units())
    }

    /// Adds what became of the task's row to the decision. A row without a difference is not sent: there is
    /// nothing to save, and sending it could only undo what somebody else did meanwhile.
    pub(super) fn conclude(self, decision: &mut Decision) {
        let edited = self.row.is_edited();
        if edited && self.save {
            decision.missing_answers = self.row.missing_answers();
            decision.labels = Some(SavedRow {
                label_hash: self.input.label_hash,
                document: self.row.to_document(),
            });
        }
        decision.unsaved_edits = edited && !self.save;
    }
}

impl State {
    /// Opens a task's row, and returns its handle.
    pub(super) fn open_task_row(
        &mut self,
        task: u32,
        input: LabelRowInput,
    ) -> Result<Answered<Resource<LabelRowHandle>>> {
        let ontology = Arc::clone(&self.scene()?.ontology);
        let at = self.ontology_position(&ontology);
        Ok(self.keep_row(OpenRow::open(input, (at, &ontology), task, None)))
    }

    /// Opens the row of a task's data in another project, and returns its handle.
    pub(super) fn open_twin_row(
        &mut self,
        task: u32,
        input: LabelRowInput,
        ontology: &Arc<Ontology>,
        project: Uuid,
    ) -> Answered<Resource<LabelRowHandle>> {
        let at = self.ontology_position(ontology);
        self.keep_row(OpenRow::open(input, (at, ontology), task, Some(project)))
    }

    fn keep_row(&mut self, row: Answered<OpenRow>) -> Answered<Resource<LabelRowHandle>> {
        self.rows.push(row?);
        Ok(Resource::new_own(narrow(self.rows.len() - 1)))
    }

    /// The handle of a task's row, or of that of its twin in a project, once it is open.
    pub(super) fn known_row(
        &self,
        task: u32,
        twin_of: Option<Uuid>,
    ) -> Option<Resource<LabelRowHandle>> {
        let is = |row: &OpenRow| row.task == task && row.twin_of == twin_of;
        let at = self.rows.iter().position(is)?;
        Some(Resource::new_own(narrow(at)))
    }

    /// The rows of the tasks that were asked for, each with the position of its task.
    pub(super) fn take_task_rows(&mut self) -> impl Iterator<Item = (u32, OpenRow)> {
        let own = |row: &OpenRow| row.twin_of.is_none();
        let rows = std::mem::take(&mut self.rows).into_iter().filter(own);
        rows.map(|row| (row.task, row))
    }

    fn open_row(&mut self, handle: &Resource<LabelRowHandle>) -> Result<&mut OpenRow> {
        self.row_at(handle.rep())
    }

    fn row_at(&mut self, at: u32) -> Result<&mut OpenRow> {
        self.rows.get_mut(at as usize).ok_or_else(absent)
    }

    fn label_row(&mut self, handle: &Resource<LabelRowHandle>) -> Result<&mut LabelRow> {
        Ok(&mut self.open_row(handle)?.row)
    }

    /// The handle of an object of a row.
    fn object_handle(&mut self, row: u32, hash: &str) -> Result<Resource<ObjectInstanceHandle>> {
        let open = self.rows.get_mut(row as usize).ok_or_else(absent)?;
        let at = handed_out(&mut open.objects, &mut self.objects, row, hash);
        Ok(Resource::new_own(at))
    }

    /// The handle of a classification of a row.
    fn classification_handle(
        &mut self,
        row: u32,
        hash: &str,
    ) -> Result<Resource<ClassificationInstanceHandle>> {
        let open = self.rows.get_mut(row as usize).ok_or_else(absent)?;
        let at = handed_out(
            &mut open.classifications,
            &mut self.classifications,
            row,
            hash,
        );
        Ok(Resource::new_own(at))
    }

    fn object_handles(
        &mut self,
        row: u32,
        hashes: Vec<String>,
    ) -> Result<Vec<Resource<ObjectInstanceHandle>>> {
        let hashes = hashes.iter();
        hashes.map(|hash| self.object_handle(row, hash)).collect()
    }

    fn classification_handles(
        &mut self,
        row: u32,
        hashes: Vec<String>,
    ) -> Result<Vec<Resource<ClassificationInstanceHandle>>> {
        let hashes = hashes.iter();
        hashes
            .map(|hash| self.classification_handle(row, hash))
            .collect()
    }

    /// What an object's handle stands for: the object, or what is left of it.
    fn object_of(
        &self,
        handle: &Resource<ObjectInstanceHandle>,
    ) -> Result<(&Instance, Option<ObjectInstance<'_>>)> {
        let instance = self.objects.get(handle.rep() as usize);
        let instance = instance.ok_or_else(absent)?;
        let row = self.rows.get(instance.row as usize).ok_or_else(absent)?;
        Ok((instance, row.row.object(&instance.hash)))
    }

    /// The object, unless it was removed.
    fn object_instance(
        &self,
        handle: &Resource<ObjectInstanceHandle>,
    ) -> Result<Option<ObjectInstance<'_>>> {
        let (_, object) = self.object_of(handle)?;
        Ok(object)
    }

    fn classification_of(
        &self,
        handle: &Resource<ClassificationInstanceHandle>,
    ) -> Result<(&Instance, Option<ClassificationInstance<'_>>)> {
        let instance = self.classifications.get(handle.rep() as usize);
        let instance = instance.ok_or_else(absent)?;
        let row = self.rows.get(instance.row as usize).ok_or_else(absent)?;
        Ok((instance, row.row.classification(&instance.hash)))
    }

    fn classification_instance(
        &self,
        handle: &Resource<ClassificationInstanceHandle>,
    ) -> Result<Option<ClassificationInstance<'_>>> {
        let (_, classification) = self.classification_of(handle)?;
        Ok(classification)
    }

    /// The row that a space is in, and its id.
    fn space_of(&self, handle: &Resource<SpaceHandle>) -> Result<(u32, &str)> {
        let (row, id) = self.spaces.get(handle.rep() as usize).ok_or_else(absent)?;
        Ok((*row, id))
    }

    fn space_handle(&mut self, row: u32, id: &str) -> Resource<SpaceHandle> {
        let mut known = self.spaces.iter();
        let at = known.position(|(of, known)| *of == row && known == id);
        let at = at.unwrap_or_else(|| {
            self.spaces.push((row, id.to_owned()));
            self.spaces.len() - 1
        });
        Resource::new_own(narrow(at))
    }

    /// Counts what labels will take in the host's memory, as an estimate: a few bytes from a guest can stand for
    /// millions of frames, and the guest's own limit does not see them.
    fn reserve(&mut self, bytes: u64) -> Answered<()> {
        let all = self.label_bytes.saturating_add(bytes);
        let limit = self.meter.memory_limit();
        if all > limit as u64 {
            return Err(Error::TooLarge(format!(
                "expected labels that fit into {} MiB in one attempt, the memory that it may use, found more\n\
                 help: add less at a time, or raise --memory",
                limit >> 20
            )));
        }
        self.label_bytes = all;
        Ok(())
    }

    /// Likewise of drawings that are alike on frames.
    fn reserve_drawings(&mut self, geometry: &Geometry, frames: &[FrameRange]) -> Answered<()> {
        let each = geometry_bytes(geometry);
        let all = frames.iter().map(|range| {
            let frames = u64::from(range.end.saturating_sub(range.start)) + 1;
            frames.saturating_mul(each)
        });
        self.reserve(all.fold(0, u64::saturating_add))
    }

    /// Likewise of ranges.
    fn reserve_ranges(&mut self, count: usize) -> Answered<()> {
        self.reserve(PART_BYTES + RANGE_BYTES * count as u64)
    }

    /// Likewise of answers.
    fn reserve_answers(&mut self, answers: &[AttributeAnswer]) -> Answered<()> {
        let each = answers.iter().map(|answer| match &answer.value {
            GivenAnswer::Text(text) => text.len() as u64,
            GivenAnswer::Number(_) => 0,
            GivenAnswer::Options(options) => PART_BYTES / 8 * options.len() as u64,
        });
        self.reserve(each.fold(PART_BYTES, u64::saturating_add))
    }

    /// Edits an object by its hash. What the row no longer has afterwards is noted.
    fn edit_object<T>(
        &mut self,
        handle: &Resource<ObjectInstanceHandle>,
        edit: impl FnOnce(&mut LabelRow, &str) -> std::result::Result<T, LabelError>,
    ) -> Result<Answered<T>> {
        let instance = self.objects.get_mut(handle.rep() as usize);
        let instance = instance.ok_or_else(absent)?;
        let open = self
            .rows
            .get_mut(instance.row as usize)
            .ok_or_else(absent)?;
        let row = &mut open.row;
        let before = row.object(&instance.hash).map(Gone::of_object);
        let edited = edit(row, &instance.hash);
        if before.is_some() && row.object(&instance.hash).is_none() {
            instance.gone = before;
        }
        Ok(edited.map_err(Into::into))
    }

    fn edit_classification<T>(
        &mut self,
        handle: &Resource<ClassificationInstanceHandle>,
        edit: impl FnOnce(&mut LabelRow, &str) -> std::result::Result<T, LabelError>,
    ) -> Result<Answered<T>> {
        let instance = self.classifications.get_mut(handle.rep() as usize);
        let instance = instance.ok_or_else(absent)?;
        let open = self
            .rows
            .get_mut(instance.row as usize)
            .ok_or_else(absent)?;
        let row = &mut open.row;
        let before = row
            .classification(&instance.hash)
            .map(Gone::of_classification);
        let edited = edit(row, &instance.hash);
        if before.is_some() && row.classification(&instance.hash).is_none() {
            instance.gone = before;
        }
        Ok(edited.map_err(Into::into))
    }

    /// Edits a whole row, after which any of its objects and classifications may be gone.
    fn edit_row<T>(
        &mut self,
        at: u32,
        edit: impl FnOnce(&mut LabelRow) -> std::result::Result<T, LabelError>,
    ) -> Result<Answered<T>> {
        let row = &mut self.rows.get_mut(at as usize).ok_or_else(absent)?.row;
        let of_row = |instance: &&mut Instance| instance.row == at && instance.gone.is_none();
        for object in self.objects.iter_mut().filter(of_row) {
            object.gone = row.object(&object.hash).map(Gone::of_object);
        }
        for classification in self.classifications.iter_mut().filter(of_row) {
            let found = row.classification(&classification.hash);
            classification.gone = found.map(Gone::of_classification);
        }
        // Those that the row still has are found in it first, whatever is noted.
        Ok(edit(row).map_err(Into::into))
    }
}

impl Gone {
    fn of_object(object: ObjectInstance<'_>) -> Self {
        Self {
            feature_hash: object.feature_hash().to_owned(),
            name: object.name().to_owned(),
            shape: object.shape().to_owned(),
        }
    }

    fn of_classification(classification: ClassificationInstance<'_>) -> Self {
        Self {
            feature_hash: classification.feature_hash().to_owned(),
            name: classification.title().to_owned(),
            shape: String::new(),
        }
    }
}

/// What an object, its drawing on a frame, or a classification takes as a tree of JSON, as measured.
const PART_BYTES: u64 = 4 << 10;
/// What a range takes.
const RANGE_BYTES: u64 = 256;

/// What a drawing takes, as measured: a point of a polygon stands there twice, once as an object of its own.
fn geometry_bytes(geometry: &Geometry) -> u64 {
    let points = match geometry {
        Geometry::Polygon(areas) => areas.iter().flatten().map(Vec::len).sum(),
        Geometry::Polyline(points) => points.len(),
        Geometry::Skeleton(points) => 2 * points.len(),
        Geometry::Bitmask(mask) => mask.rle.len() >> 10,
        Geometry::Other(json) => json.len() >> 5,
        _ => 0,
    };
    PART_BYTES + (points as u64).saturating_mul(1 << 10)
}

/// What a document takes, by its size as text: its parts are many and small.
fn document_bytes(document: &Value) -> u64 {
    match document {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| 96 + key.len() as u64 + document_bytes(value))
            .sum(),
        Value::Array(entries) => entries.iter().map(|entry| 32 + document_bytes(entry)).sum(),
        Value::String(text) => text.len() as u64 + 16,
        _ => 0,
    }
}

fn handed_out(of_row: &mut Instances, all: &mut Vec<Instance>, row: u32, hash: &str) -> u32 {
    if let Some(at) = of_row.get(hash) {
        return *at;
    }
    let hash: Arc<str> = hash.into();
    let at = narrow(all.len());
    all.push(Instance {
        row,
        hash: Arc::clone(&hash),
        gone: None,
    });
    of_row.insert(hash, at);
    at
}

fn narrow(position: usize) -> u32 {
    u32::try_from(position).expect("a document that fits into memory has fewer than 2^32 parts")
}

fn absent() -> wasmtime::Error {
    // wasmtime gives us only handles that we gave out, so this is a defect of the host.
    wasmtime::format_err!("a handle leads to nothing in the label row")
}

/// Goes on if there is room, or returns the error.
macro_rules! with_room {
    ($reserved:expr) => {
        if let Err(error) = $reserved {
            return Ok(Err(error));
        }
    };
}
use with_room;

/// Values of the contract from those of the documents.
fn each<T, U: From<T>>(values: impl IntoIterator<Item = T>) -> Vec<U> {
    values.into_iter().map(Into::into).collect()
}
