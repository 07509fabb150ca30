//! `runner:stage/labels.label-row`

use serde_json::Value;
use wasmtime::component::Resource;

use super::super::bindings::runner::stage::labels::{
    AttributeAnswer, BoundingBox, CopiedLabels, Geometry, HostLabelRow, HtmlRange, WorkflowNode,
};
use super::super::bindings::runner::stage::types::{Error, FrameRange};
use super::super::handles::{
    ClassificationInstanceHandle, DataUnitHandle, LabelRowHandle, ObjectInstanceHandle,
    OntologyHandle, SpaceHandle,
};
use super::super::state::{State, forget};
use super::{Answered, PART_BYTES, Result, absent, document_bytes, each, narrow, with_room};
use crate::encord::LabelRowMetadata;
use crate::labels::{self, LabelError, LabelRow};

impl State {
    fn metadata(&mut self, handle: &Resource<LabelRowHandle>) -> Result<&LabelRowMetadata> {
        Ok(&self.open_row(handle)?.input.metadata)
    }

    /// The handle of an object that an edit adds.
    fn added_object(
        &mut self,
        row: u32,
        add: impl FnOnce(&mut LabelRow) -> std::result::Result<String, LabelError>,
    ) -> Result<Answered<Resource<ObjectInstanceHandle>>> {
        match add(&mut self.row_at(row)?.row) {
            Ok(hash) => Ok(Ok(self.object_handle(row, &hash)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    /// The handle of a classification that an edit adds.
    fn added_classification(
        &mut self,
        row: u32,
        add: impl FnOnce(&mut LabelRow) -> std::result::Result<String, LabelError>,
    ) -> Result<Answered<Resource<ClassificationInstanceHandle>>> {
        match add(&mut self.row_at(row)?.row) {
            Ok(hash) => Ok(Ok(self.classification_handle(row, &hash)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    pub(super) fn add_object_to(
        &mut self,
        row: u32,
        feature: &str,
        geometry: Geometry,
        frames: Vec<FrameRange>,
        space: Option<&str>,
    ) -> Result<Answered<Resource<ObjectInstanceHandle>>> {
        let geometry = labels::Geometry::from(geometry);
        let frames: Vec<_> = each(frames);
        with_room!(self.reserve_drawings(&geometry, &frames));
        self.added_object(row, |row| {
            row.add_object(feature, &geometry, &frames, space)
        })
    }

    pub(super) fn add_ranges_to(
        &mut self,
        row: u32,
        feature: &str,
        ranges: Vec<FrameRange>,
        space: Option<&str>,
    ) -> Result<Answered<Resource<ObjectInstanceHandle>>> {
        with_room!(self.reserve_ranges(ranges.len()));
        let ranges: Vec<_> = each(ranges);
        self.added_object(row, |row| row.add_ranges(feature, &ranges, space))
    }

    pub(super) fn add_html_ranges_to(
        &mut self,
        row: u32,
        feature: &str,
        ranges: Vec<HtmlRange>,
        space: Option<&str>,
    ) -> Result<Answered<Resource<ObjectInstanceHandle>>> {
        with_room!(self.reserve(html_bytes(&ranges)));
        let ranges: Vec<_> = each(ranges);
        self.added_object(row, |row| row.add_html_ranges(feature, &ranges, space))
    }

    pub(super) fn add_classification_to(
        &mut self,
        row: u32,
        feature: &str,
        answers: Vec<AttributeAnswer>,
        frames: Option<Vec<FrameRange>>,
        space: Option<&str>,
    ) -> Result<Answered<Resource<ClassificationInstanceHandle>>> {
        let answers: Vec<_> = each(answers);
        with_room!(self.reserve_answers(&answers));
        let frames: Option<Vec<_>> = frames.map(each);
        with_room!(self.reserve_ranges(frames.as_ref().map_or(0, Vec::len)));
        self.added_classification(row, |row| {
            row.add_classification(feature, &answers, frames.as_deref(), space)
        })
    }
}

impl HostLabelRow for State {
    fn label_hash(&mut self, handle: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.open_row(&handle)?.input.label_hash.to_string())
    }

    fn branch_name(&mut self, handle: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.metadata(&handle)?.branch_name.clone())
    }

    fn label_status(&mut self, handle: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.metadata(&handle)?.label_status.clone())
    }

    fn created_at(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<String>> {
        Ok(self.label_row(&handle)?.created_at())
    }

    fn last_edited_at(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<String>> {
        Ok(self.label_row(&handle)?.last_edited_at())
    }

    fn data_hash(&mut self, handle: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.metadata(&handle)?.data_hash.to_string())
    }

    fn data_title(&mut self, handle: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.metadata(&handle)?.data_title.clone())
    }

    fn data_type(&mut self, handle: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.metadata(&handle)?.data_type.clone())
    }

    fn dataset_hash(&mut self, handle: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.metadata(&handle)?.dataset_hash.to_string())
    }

    fn dataset_title(&mut self, handle: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.metadata(&handle)?.dataset_title.clone())
    }

    fn backing_item_uuid(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<String>> {
        let uuid = self.metadata(&handle)?.backing_item_uuid;
        Ok(uuid.map(|uuid| uuid.to_string()))
    }

    fn width(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<u32>> {
        Ok(self.metadata(&handle)?.width)
    }

    fn height(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<u32>> {
        Ok(self.metadata(&handle)?.height)
    }

    fn number_of_frames(&mut self, handle: Resource<LabelRowHandle>) -> Result<u32> {
        Ok(self.metadata(&handle)?.number_of_frames)
    }

    fn fps(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<f64>> {
        Ok(self.metadata(&handle)?.frames_per_second)
    }

    fn duration(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<f64>> {
        Ok(self.metadata(&handle)?.duration)
    }

    fn priority(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<f64>> {
        let row = self.open_row(&handle)?;
        Ok(row.priority.or(row.input.metadata.priority))
    }

    fn client_metadata(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<String>> {
        // Encord also says "nothing" with an empty object.
        let metadata = self.metadata(&handle)?.client_metadata.as_ref();
        Ok(metadata
            .map(ToString::to_string)
            .filter(|text| text != "{}"))
    }

    fn data_units(
        &mut self,
        handle: Resource<LabelRowHandle>,
    ) -> Result<Vec<Resource<DataUnitHandle>>> {
        let row = handle.rep();
        let count = narrow(self.open_row(&handle)?.data_units().len());
        // They are numbered in one go, so the first tells where the others are.
        let first = self.data_units.iter().position(|unit| *unit == (row, 0));
        let first = first.unwrap_or_else(|| {
            let first = self.data_units.len();
            self.data_units.extend((0..count).map(|at| (row, at)));
            first
        });
        let first = narrow(first);
        let handles = first..first + count;
        Ok(handles.map(Resource::new_own).collect())
    }

    fn objects(
        &mut self,
        handle: Resource<LabelRowHandle>,
    ) -> Result<Vec<Resource<ObjectInstanceHandle>>> {
        let objects = self.label_row(&handle)?.objects();
        let hashes = objects.map(|object| object.object_hash().to_owned());
        let hashes = hashes.collect();
        self.object_handles(handle.rep(), hashes)
    }

    fn find_object(
        &mut self,
        handle: Resource<LabelRowHandle>,
        hash: String,
    ) -> Result<Option<Resource<ObjectInstanceHandle>>> {
        if self.label_row(&handle)?.object(&hash).is_none() {
            return Ok(None);
        }
        self.object_handle(handle.rep(), &hash).map(Some)
    }

    fn classifications(
        &mut self,
        handle: Resource<LabelRowHandle>,
    ) -> Result<Vec<Resource<ClassificationInstanceHandle>>> {
        let all = self.label_row(&handle)?.classifications();
        let hashes = all.map(|one| one.classification_hash().to_owned());
        let hashes = hashes.collect();
        self.classification_handles(handle.rep(), hashes)
    }

    fn find_classification(
        &mut self,
        handle: Resource<LabelRowHandle>,
        hash: String,
    ) -> Result<Option<Resource<ClassificationInstanceHandle>>> {
        if self.label_row(&handle)?.classification(&hash).is_none() {
            return Ok(None);
        }
        self.classification_handle(handle.rep(), &hash).map(Some)
    }

    fn add_bounding_box(
        &mut self,
        handle: Resource<LabelRowHandle>,
        feature: String,
        bounding_box: BoundingBox,
        frame: u32,
    ) -> Result<Answered<Resource<ObjectInstanceHandle>>> {
        with_room!(self.reserve(PART_BYTES));
        self.added_object(handle.rep(), |row| {
            row.add_bounding_box(&feature, bounding_box.into(), frame)
        })
    }

    fn add_classification(
        &mut self,
        handle: Resource<LabelRowHandle>,
        feature: String,
        answers: Vec<AttributeAnswer>,
        frames: Option<Vec<FrameRange>>,
    ) -> Result<Answered<Resource<ClassificationInstanceHandle>>> {
        self.add_classification_to(handle.rep(), &feature, answers, frames, None)
    }

    fn set_priority(
        &mut self,
        handle: Resource<LabelRowHandle>,
        priority: f64,
    ) -> Result<Answered<()>> {
        if !(0.0..=1.0).contains(&priority) {
            return Ok(Err(Error::InvalidArgument(format!(
                "expected a priority from 0 to 1, found {priority}"
            ))));
        }
        if let Some(error) = self.decides_nothing("set the priority of a task") {
            return Ok(Err(error));
        }
        let row = self.open_row(&handle)?;
        if row.twin_of.is_some() {
            return Ok(Err(of_another_project("set the priority of a task")));
        }
        row.priority = Some(priority);
        Ok(Ok(()))
    }

    fn save(&mut self, handle: Resource<LabelRowHandle>) -> Result<Answered<()>> {
        if let Some(error) = self.decides_nothing("save labels") {
            return Ok(Err(error));
        }
        let row = self.open_row(&handle)?;
        if row.twin_of.is_some() {
            return Ok(Err(of_another_project("save labels")));
        }
        if let Err(error) = row.row.check_savable() {
            return Ok(Err(error.into()));
        }
        row.save = true;
        Ok(Ok(()))
    }

    fn is_edited(&mut self, handle: Resource<LabelRowHandle>) -> Result<bool> {
        Ok(self.label_row(&handle)?.is_edited())
    }

    fn to_json(&mut self, handle: Resource<LabelRowHandle>) -> Result<String> {
        Ok(self.label_row(&handle)?.to_document().to_string())
    }

    fn missing_answers(&mut self, handle: Resource<LabelRowHandle>) -> Result<Vec<String>> {
        Ok(self.label_row(&handle)?.missing_answers())
    }

    fn ontology(&mut self, handle: Resource<LabelRowHandle>) -> Result<Resource<OntologyHandle>> {
        Ok(Resource::new_own(self.open_row(&handle)?.ontology))
    }

    fn file_type(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<String>> {
        Ok(self.metadata(&handle)?.file_type.clone())
    }

    fn data_link(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<String>> {
        let row = self.open_row(&handle)?;
        // The document has the signed URL, where one was asked for.
        if let [unit] = row.data_units()
            && let Some(link) = &unit.data_link
        {
            return Ok(Some(link.clone()));
        }
        Ok(row.input.metadata.data_link.clone())
    }

    fn audio_codec(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<String>> {
        Ok(self.metadata(&handle)?.audio_codec.clone())
    }

    fn audio_sample_rate(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<u32>> {
        Ok(self.metadata(&handle)?.audio_sample_rate)
    }

    fn audio_bit_depth(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<u32>> {
        Ok(self.metadata(&handle)?.audio_bit_depth)
    }

    fn audio_num_channels(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<u32>> {
        Ok(self.metadata(&handle)?.audio_num_channels)
    }

    fn annotation_task_status(
        &mut self,
        handle: Resource<LabelRowHandle>,
    ) -> Result<Option<String>> {
        Ok(self.metadata(&handle)?.annotation_task_status.clone())
    }

    fn workflow_node(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<WorkflowNode>> {
        let stage = self.metadata(&handle)?.stage.as_ref();
        Ok(stage.map(|stage| WorkflowNode {
            uuid: stage.uuid.to_string(),
            title: stage.title.clone(),
        }))
    }

    fn task_uuid(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<String>> {
        let uuid = self.metadata(&handle)?.task_uuid;
        Ok(uuid.map(|uuid| uuid.to_string()))
    }

    fn assigned_user_email(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<String>> {
        Ok(self.metadata(&handle)?.assigned_user_email.clone())
    }

    fn last_actioned_by_user_email(
        &mut self,
        handle: Resource<LabelRowHandle>,
    ) -> Result<Option<String>> {
        Ok(self.metadata(&handle)?.last_actioned_by_user_email.clone())
    }

    fn is_valid(&mut self, handle: Resource<LabelRowHandle>) -> Result<Option<bool>> {
        Ok(Some(self.metadata(&handle)?.is_valid))
    }

    fn spaces(&mut self, handle: Resource<LabelRowHandle>) -> Result<Vec<Resource<SpaceHandle>>> {
        let spaces = self.label_row(&handle)?.spaces();
        let ids: Vec<_> = spaces.iter().map(|space| space.id().to_owned()).collect();
        let ids = ids.iter();
        Ok(ids.map(|id| self.space_handle(handle.rep(), id)).collect())
    }

    fn find_space(
        &mut self,
        handle: Resource<LabelRowHandle>,
        id_or_name: String,
    ) -> Result<Option<Resource<SpaceHandle>>> {
        let space = self.label_row(&handle)?.find_space(&id_or_name);
        let Some(id) = space.map(|space| space.id().to_owned()) else {
            return Ok(None);
        };
        Ok(Some(self.space_handle(handle.rep(), &id)))
    }

    fn objects_of(
        &mut self,
        handle: Resource<LabelRowHandle>,
        feature: String,
    ) -> Result<Answered<Vec<Resource<ObjectInstanceHandle>>>> {
        let hashes = match self.label_row(&handle)?.objects_of(&feature) {
            Ok(objects) => objects
                .iter()
                .map(|object| object.object_hash().to_owned())
                .collect(),
            Err(error) => return Ok(Err(error.into())),
        };
        self.object_handles(handle.rep(), hashes).map(Ok)
    }

    fn objects_on(
        &mut self,
        handle: Resource<LabelRowHandle>,
        frame: u32,
    ) -> Result<Vec<Resource<ObjectInstanceHandle>>> {
        let objects = self.label_row(&handle)?.objects_on(frame);
        let hashes = objects.iter().map(|object| object.object_hash().to_owned());
        let hashes = hashes.collect();
        self.object_handles(handle.rep(), hashes)
    }

    fn classifications_of(
        &mut self,
        handle: Resource<LabelRowHandle>,
        feature: String,
    ) -> Result<Answered<Vec<Resource<ClassificationInstanceHandle>>>> {
        let hashes = match self.label_row(&handle)?.classifications_of(&feature) {
            Ok(all) => all
                .iter()
                .map(|one| one.classification_hash().to_owned())
                .collect(),
            Err(error) => return Ok(Err(error.into())),
        };
        self.classification_handles(handle.rep(), hashes).map(Ok)
    }

    fn classifications_on(
        &mut self,
        handle: Resource<LabelRowHandle>,
        frame: u32,
    ) -> Result<Vec<Resource<ClassificationInstanceHandle>>> {
        let all = self.label_row(&handle)?.classifications_on(frame);
        let hashes = all.iter().map(|one| one.classification_hash().to_owned());
        let hashes = hashes.collect();
        self.classification_handles(handle.rep(), hashes)
    }

    fn add_object(
        &mut self,
        handle: Resource<LabelRowHandle>,
        feature: String,
        geometry: Geometry,
        frames: Vec<FrameRange>,
    ) -> Result<Answered<Resource<ObjectInstanceHandle>>> {
        self.add_object_to(handle.rep(), &feature, geometry, frames, None)
    }

    fn add_range_object(
        &mut self,
        handle: Resource<LabelRowHandle>,
        feature: String,
        ranges: Vec<FrameRange>,
    ) -> Result<Answered<Resource<ObjectInstanceHandle>>> {
        self.add_ranges_to(handle.rep(), &feature, ranges, None)
    }

    fn add_html_object(
        &mut self,
        handle: Resource<LabelRowHandle>,
        feature: String,
        ranges: Vec<HtmlRange>,
    ) -> Result<Answered<Resource<ObjectInstanceHandle>>> {
        self.add_html_ranges_to(handle.rep(), &feature, ranges, None)
    }

    fn add_classifications_from_json(
        &mut self,
        handle: Resource<LabelRowHandle>,
        features: Vec<String>,
        answer: String,
        frames: Option<Vec<FrameRange>>,
    ) -> Result<Answered<Vec<Resource<ClassificationInstanceHandle>>>> {
        let frames: Option<Vec<_>> = frames.map(each);
        with_room!(self.reserve(PART_BYTES + 4 * answer.len() as u64));
        let row = self.label_row(&handle)?;
        match row.add_classifications_from_json(&features, &answer, frames.as_deref()) {
            Ok(hashes) => self.classification_handles(handle.rep(), hashes).map(Ok),
            Err(error) => Ok(Err(error.into())),
        }
    }

    fn add_object_from_json(
        &mut self,
        handle: Resource<LabelRowHandle>,
        features: Vec<String>,
        answer: String,
        geometry: Geometry,
        frames: Vec<FrameRange>,
    ) -> Result<Answered<Resource<ObjectInstanceHandle>>> {
        let geometry = labels::Geometry::from(geometry);
        let frames: Vec<_> = each(frames);
        with_room!(self.reserve_drawings(&geometry, &frames));
        self.added_object(handle.rep(), |row| {
            row.add_object_from_json(&features, &answer, &geometry, &frames)
        })
    }

    fn copy_labels(
        &mut self,
        handle: Resource<LabelRowHandle>,
        source: Resource<LabelRowHandle>,
        features: Option<Vec<(String, String)>>,
    ) -> Result<Answered<CopiedLabels>> {
        let document = self.label_row(&source)?.to_document();
        with_room!(self.reserve(document_bytes(&document)));
        let (target, source) = (handle.rep() as usize, source.rep() as usize);
        let copied = if target == source {
            let source = self.rows.get(source).ok_or_else(absent)?.row.clone();
            let target = self.rows.get_mut(target).ok_or_else(absent)?;
            target.row.copy_labels(&source, features.as_deref())
        } else {
            let rows = self.rows.get_disjoint_mut([target, source]);
            let [target, source] = rows.map_err(|_| absent())?;
            target.row.copy_labels(&source.row, features.as_deref())
        };
        Ok(copied.map(Into::into).map_err(Into::into))
    }

    fn set_json(
        &mut self,
        handle: Resource<LabelRowHandle>,
        document: String,
    ) -> Result<Answered<()>> {
        let document: Value = match serde_json::from_str(&document) {
            Ok(document) => document,
            Err(error) => {
                return Ok(Err(Error::InvalidArgument(format!(
                    "expected a label row as JSON text, found that it is none: {error}"
                ))));
            }
        };
        with_room!(self.reserve(document_bytes(&document)));
        self.edit_row(handle.rep(), |row| row.set_document(document))
    }

    fn discard_edits(&mut self, handle: Resource<LabelRowHandle>) -> Result<()> {
        self.open_row(&handle)?.save = false;
        let discarded = self.edit_row(handle.rep(), |row| {
            row.discard_edits();
            Ok(())
        })?;
        discarded.map_err(|_| absent())
    }

    fn drop(&mut self, handle: Resource<LabelRowHandle>) -> Result<()> {
        forget(handle)
    }
}

/// What ranges of an HTML document take.
pub(super) fn html_bytes(ranges: &[HtmlRange]) -> u64 {
    let each = ranges
        .iter()
        .map(|range| (range.start.xpath.len() + range.end.xpath.len()) as u64 + PART_BYTES / 2);
    each.fold(PART_BYTES, u64::saturating_add)
}

fn of_another_project(what: &str) -> Error {
    Error::Unsupported(format!(
        "expected the label row of the task to {what}, found that of another project, which is to read and \
         to copy from"
    ))
}
