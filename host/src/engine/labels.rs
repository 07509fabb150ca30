//! `runner:stage/labels`

mod convert;

use std::sync::{Arc, OnceLock};

use wasmtime::component::Resource;

use super::bindings::runner::stage::labels::{
    Annotation, Answer, AttributeAnswer, BoundingBox, DynamicAnswer, Host,
    HostClassificationInstance, HostDataUnit, HostLabelRow, HostObjectInstance,
};
use super::bindings::runner::stage::types::{Error, FrameRange};
use super::handles::{
    ClassificationInstanceHandle, DataUnitHandle, LabelRowHandle, ObjectInstanceHandle,
};
use super::inputs::{Decision, LabelRowInput, SavedRow};
use super::state::{State, forget};
use crate::labels::{
    ClassificationInstance, DataUnit, LabelRow, ObjectInstance, Ontology, RowFacts,
};

type Result<T> = wasmtime::Result<T>;
type Answered<T> = std::result::Result<T, Error>;

/// The attempt's own copy of the label row.
pub(super) struct OpenRow {
    input: LabelRowInput,
    row: LabelRow,
    pub(super) priority: Option<f64>,
    save: bool,
    /// Listed when first asked for. Edits do not change them.
    data_units: OnceLock<Vec<DataUnit>>,
}

impl OpenRow {
    pub(super) fn open(input: LabelRowInput, ontology: &Arc<Ontology>) -> Answered<Self> {
        let metadata = &input.metadata;
        let facts = RowFacts {
            data_type: metadata.data_type.clone(),
            number_of_frames: metadata.number_of_frames,
            width: metadata.width,
            height: metadata.height,
            partial: input.partial,
        };
        let row = LabelRow::open(Arc::clone(&input.document), facts, Arc::clone(ontology))?;
        Ok(Self {
            input,
            row,
            priority: None,
            save: false,
            data_units: OnceLock::new(),
        })
    }

    fn data_units(&self) -> &[DataUnit] {
        self.data_units.get_or_init(|| self.row.data_units())
    }

    /// Adds what became of the row to the decision. A row without a difference is not sent: there is
    /// nothing to save, and sending it could only undo what somebody else did meanwhile.
    pub(super) fn conclude(self, decision: &mut Decision) {
        let edited = self.row.is_edited();
        if edited && self.save {
            decision.labels = Some(SavedRow {
                label_hash: self.input.label_hash,
                document: self.row.to_document(),
            });
        }
        decision.unsaved_edits = edited && !self.save;
    }
}

impl State {
    fn open_row(&mut self) -> Result<&mut OpenRow> {
        // `context.label-row` gives the handle out only once the row is here.
        self.row
            .as_mut()
            .ok_or_else(|| wasmtime::format_err!("the label row was not resolved"))
    }

    fn label_row(&mut self) -> Result<&mut LabelRow> {
        Ok(&mut self.open_row()?.row)
    }

    fn instance(&self, handle: &Resource<ObjectInstanceHandle>) -> Result<ObjectInstance<'_>> {
        let hash = self.object_hashes.get(handle)?;
        self.row
            .as_ref()
            .and_then(|row| row.row.object(hash))
            .ok_or_else(absent)
    }

    fn classified(
        &self,
        handle: &Resource<ClassificationInstanceHandle>,
    ) -> Result<ClassificationInstance<'_>> {
        let hash = self.classification_hashes.get(handle)?;
        self.row
            .as_ref()
            .and_then(|row| row.row.classification(hash))
            .ok_or_else(absent)
    }
}

fn absent() -> wasmtime::Error {
    // Handles are made only of what the row has, and nothing removes it; so this is a defect of the host.
    wasmtime::format_err!("a handle leads to nothing in the label row")
}

impl Host for State {}

impl HostLabelRow for State {
    fn label_hash(&mut self, _: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.open_row()?.input.label_hash.to_string())
    }

    fn branch_name(&mut self, _: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.open_row()?.input.metadata.branch_name.clone())
    }

    fn label_status(&mut self, _: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.open_row()?.input.metadata.label_status.clone())
    }

    fn created_at(&mut self, _: Resource<LabelRowHandle>) -> Result<Option<String>> {
        Ok(self.label_row()?.created_at())
    }

    fn last_edited_at(&mut self, _: Resource<LabelRowHandle>) -> Result<Option<String>> {
        Ok(self.label_row()?.last_edited_at())
    }

    fn data_hash(&mut self, _: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.open_row()?.input.metadata.data_hash.to_string())
    }

    fn data_title(&mut self, _: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.open_row()?.input.metadata.data_title.clone())
    }

    fn data_type(&mut self, _: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.open_row()?.input.metadata.data_type.clone())
    }

    fn dataset_hash(&mut self, _: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.open_row()?.input.metadata.dataset_hash.to_string())
    }

    fn dataset_title(&mut self, _: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.open_row()?.input.metadata.dataset_title.clone())
    }

    fn backing_item_uuid(&mut self, _: Resource<LabelRowHandle>) -> Result<Option<String>> {
        Ok(self
            .open_row()?
            .input
            .metadata
            .backing_item_uuid
            .map(|uuid| uuid.to_string()))
    }

    fn width(&mut self, _: Resource<LabelRowHandle>) -> Result<Option<u32>> {
        Ok(self.open_row()?.input.metadata.width)
    }

    fn height(&mut self, _: Resource<LabelRowHandle>) -> Result<Option<u32>> {
        Ok(self.open_row()?.input.metadata.height)
    }

    fn number_of_frames(&mut self, _: Resource<LabelRowHandle>) -> Result<u32> {
        Ok(self.open_row()?.input.metadata.number_of_frames)
    }

    fn fps(&mut self, _: Resource<LabelRowHandle>) -> Result<Option<f64>> {
        Ok(self.open_row()?.input.metadata.frames_per_second)
    }

    fn duration(&mut self, _: Resource<LabelRowHandle>) -> Result<Option<f64>> {
        Ok(self.open_row()?.input.metadata.duration)
    }

    fn priority(&mut self, _: Resource<LabelRowHandle>) -> Result<Option<f64>> {
        let row = self.open_row()?;
        Ok(row.priority.or(row.input.metadata.priority))
    }

    fn client_metadata(&mut self, _: Resource<LabelRowHandle>) -> Result<Option<String>> {
        // Encord also says "nothing" with an empty object.
        let metadata = self.open_row()?.input.metadata.client_metadata.as_ref();
        Ok(metadata
            .map(ToString::to_string)
            .filter(|text| text != "{}"))
    }

    fn data_units(&mut self, _: Resource<LabelRowHandle>) -> Result<Vec<Resource<DataUnitHandle>>> {
        let count = self.open_row()?.data_units().len();
        Ok((0..count).map(|at| Resource::new_own(at as u32)).collect())
    }

    fn objects(
        &mut self,
        _: Resource<LabelRowHandle>,
    ) -> Result<Vec<Resource<ObjectInstanceHandle>>> {
        let objects = self.label_row()?.objects();
        let hashes: Vec<_> = objects
            .map(|object| object.object_hash().to_owned())
            .collect();
        Ok(hashes
            .into_iter()
            .map(|hash| self.object_hashes.handle(hash))
            .collect())
    }

    fn find_object(
        &mut self,
        _: Resource<LabelRowHandle>,
        hash: String,
    ) -> Result<Option<Resource<ObjectInstanceHandle>>> {
        let known = self.label_row()?.object(&hash).is_some();
        Ok(known.then(|| self.object_hashes.handle(hash)))
    }

    fn classifications(
        &mut self,
        _: Resource<LabelRowHandle>,
    ) -> Result<Vec<Resource<ClassificationInstanceHandle>>> {
        let all = self.label_row()?.classifications();
        let hashes: Vec<_> = all
            .map(|one| one.classification_hash().to_owned())
            .collect();
        Ok(hashes
            .into_iter()
            .map(|hash| self.classification_hashes.handle(hash))
            .collect())
    }

    fn find_classification(
        &mut self,
        _: Resource<LabelRowHandle>,
        hash: String,
    ) -> Result<Option<Resource<ClassificationInstanceHandle>>> {
        let known = self.label_row()?.classification(&hash).is_some();
        Ok(known.then(|| self.classification_hashes.handle(hash)))
    }

    fn add_bounding_box(
        &mut self,
        _: Resource<LabelRowHandle>,
        feature: String,
        bounding_box: BoundingBox,
        frame: u32,
    ) -> Result<Answered<Resource<ObjectInstanceHandle>>> {
        let added = self
            .label_row()?
            .add_bounding_box(&feature, bounding_box.into(), frame);
        Ok(match added {
            Ok(hash) => Ok(self.object_hashes.handle(hash)),
            Err(error) => Err(error.into()),
        })
    }

    fn add_classification(
        &mut self,
        _: Resource<LabelRowHandle>,
        feature: String,
        answers: Vec<AttributeAnswer>,
        frames: Option<Vec<FrameRange>>,
    ) -> Result<Answered<Resource<ClassificationInstanceHandle>>> {
        let answers: Vec<_> = answers.into_iter().map(Into::into).collect();
        let frames: Option<Vec<_>> =
            frames.map(|frames| frames.into_iter().map(Into::into).collect());
        let added =
            self.label_row()?
                .add_classification(&feature, &answers, frames.as_deref(), None);
        Ok(match added {
            Ok(hash) => Ok(self.classification_hashes.handle(hash)),
            Err(error) => Err(error.into()),
        })
    }

    fn set_priority(&mut self, _: Resource<LabelRowHandle>, priority: f64) -> Result<Answered<()>> {
        if !(0.0..=1.0).contains(&priority) {
            return Ok(Err(Error::InvalidArgument(format!(
                "expected a priority from 0 to 1, found {priority}"
            ))));
        }
        self.open_row()?.priority = Some(priority);
        Ok(Ok(()))
    }

    fn save(&mut self, _: Resource<LabelRowHandle>) -> Result<Answered<()>> {
        let row = self.open_row()?;
        if let Err(error) = row.row.check_savable() {
            return Ok(Err(error.into()));
        }
        row.save = true;
        Ok(Ok(()))
    }

    fn is_edited(&mut self, _: Resource<LabelRowHandle>) -> Result<bool> {
        Ok(self.label_row()?.is_edited())
    }

    fn to_json(&mut self, _: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.label_row()?.to_document().to_string())
    }

    fn drop(&mut self, handle: Resource<LabelRowHandle>) -> Result<()> {
        forget(handle)
    }
}

impl State {
    fn data_unit(&mut self, handle: &Resource<DataUnitHandle>) -> Result<&DataUnit> {
        self.open_row()?
            .data_units()
            .get(handle.rep() as usize)
            .ok_or_else(absent)
    }
}

impl HostDataUnit for State {
    fn data_hash(&mut self, handle: Resource<DataUnitHandle>) -> Result<String> {
        Ok(self.data_unit(&handle)?.data_hash.clone())
    }

    fn data_title(&mut self, handle: Resource<DataUnitHandle>) -> Result<String> {
        Ok(self.data_unit(&handle)?.title.clone())
    }

    fn file_type(&mut self, handle: Resource<DataUnitHandle>) -> Result<String> {
        Ok(self.data_unit(&handle)?.data_type.clone())
    }

    fn sequence(&mut self, handle: Resource<DataUnitHandle>) -> Result<u32> {
        Ok(self.data_unit(&handle)?.sequence)
    }

    fn width(&mut self, handle: Resource<DataUnitHandle>) -> Result<Option<u32>> {
        Ok(self.data_unit(&handle)?.width)
    }

    fn height(&mut self, handle: Resource<DataUnitHandle>) -> Result<Option<u32>> {
        Ok(self.data_unit(&handle)?.height)
    }

    fn drop(&mut self, handle: Resource<DataUnitHandle>) -> Result<()> {
        forget(handle)
    }
}

impl HostObjectInstance for State {
    fn object_hash(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<String> {
        Ok(self.object_hashes.get(&handle)?.clone())
    }

    fn feature_hash(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<String> {
        Ok(self.instance(&handle)?.feature_hash().to_owned())
    }

    fn object_name(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<String> {
        Ok(self.instance(&handle)?.name().to_owned())
    }

    fn shape(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<String> {
        Ok(self.instance(&handle)?.shape().to_owned())
    }

    fn object_number(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<Option<u32>> {
        Ok(self.instance(&handle)?.object_number())
    }

    fn spaces(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<Vec<String>> {
        Ok(self
            .instance(&handle)?
            .space()
            .map(str::to_owned)
            .into_iter()
            .collect())
    }

    fn frames(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<Vec<FrameRange>> {
        Ok(self
            .instance(&handle)?
            .frames()
            .into_iter()
            .map(Into::into)
            .collect())
    }

    fn annotation(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        frame: u32,
    ) -> Result<Option<Annotation>> {
        Ok(self.instance(&handle)?.annotation(frame).map(Into::into))
    }

    fn answers(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<Vec<Answer>> {
        Ok(self
            .instance(&handle)?
            .answers()
            .into_iter()
            .map(Into::into)
            .collect())
    }

    fn dynamic_answers(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
    ) -> Result<Vec<DynamicAnswer>> {
        Ok(self
            .instance(&handle)?
            .dynamic_answers()
            .into_iter()
            .map(Into::into)
            .collect())
    }

    fn set_confidence(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        confidence: f64,
    ) -> Result<Answered<()>> {
        let hash = self.object_hashes.get(&handle)?.clone();
        Ok(self
            .label_row()?
            .set_object_confidence(&hash, confidence)
            .map_err(Into::into))
    }

    fn set_manual_annotation(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        manual: bool,
    ) -> Result<()> {
        let hash = self.object_hashes.get(&handle)?.clone();
        self.label_row()?
            .set_object_manual_annotation(&hash, manual)
            .map_err(|_| absent())
    }

    fn to_json(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<String> {
        Ok(self.instance(&handle)?.to_json())
    }

    fn drop(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<()> {
        forget(handle)
    }
}

impl HostClassificationInstance for State {
    fn classification_hash(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<String> {
        Ok(self.classification_hashes.get(&handle)?.clone())
    }

    fn feature_hash(&mut self, handle: Resource<ClassificationInstanceHandle>) -> Result<String> {
        Ok(self.classified(&handle)?.feature_hash().to_owned())
    }

    fn classification_name(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<String> {
        Ok(self.classified(&handle)?.title().to_owned())
    }

    fn frames(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<Vec<FrameRange>> {
        Ok(self
            .classified(&handle)?
            .frames()
            .into_iter()
            .map(Into::into)
            .collect())
    }

    fn spaces(&mut self, handle: Resource<ClassificationInstanceHandle>) -> Result<Vec<String>> {
        Ok(self
            .classified(&handle)?
            .spaces()
            .into_iter()
            .map(str::to_owned)
            .collect())
    }

    fn answers(&mut self, handle: Resource<ClassificationInstanceHandle>) -> Result<Vec<Answer>> {
        Ok(self
            .classified(&handle)?
            .answers()
            .into_iter()
            .map(Into::into)
            .collect())
    }

    fn confidence(&mut self, handle: Resource<ClassificationInstanceHandle>) -> Result<f64> {
        Ok(self.classified(&handle)?.confidence())
    }

    fn manual_annotation(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<bool> {
        Ok(self.classified(&handle)?.manual_annotation())
    }

    fn created_at(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<Option<String>> {
        Ok(self.classified(&handle)?.created_at())
    }

    fn created_by(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<Option<String>> {
        Ok(self.classified(&handle)?.created_by())
    }

    fn last_edited_at(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<Option<String>> {
        Ok(self.classified(&handle)?.last_edited_at())
    }

    fn last_edited_by(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<Option<String>> {
        Ok(self.classified(&handle)?.last_edited_by())
    }

    fn set_confidence(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
        confidence: f64,
    ) -> Result<Answered<()>> {
        let hash = self.classification_hashes.get(&handle)?.clone();
        Ok(self
            .label_row()?
            .set_classification_confidence(&hash, confidence)
            .map_err(Into::into))
    }

    fn set_manual_annotation(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
        manual: bool,
    ) -> Result<()> {
        let hash = self.classification_hashes.get(&handle)?.clone();
        self.label_row()?
            .set_classification_manual_annotation(&hash, manual)
            .map_err(|_| absent())
    }

    fn to_json(&mut self, handle: Resource<ClassificationInstanceHandle>) -> Result<String> {
        Ok(self.classified(&handle)?.to_json())
    }

    fn drop(&mut self, handle: Resource<ClassificationInstanceHandle>) -> Result<()> {
        forget(handle)
    }
}
