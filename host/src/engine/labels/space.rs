//! `runner:stage/labels.space`

use wasmtime::component::Resource;

use super::super::bindings::runner::stage::labels::{
    Annotation, AttributeAnswer, Geometry, HostSpace, HtmlRange,
};
use super::super::bindings::runner::stage::types::{Error, FrameRange};
use super::super::handles::{ClassificationInstanceHandle, ObjectInstanceHandle, SpaceHandle};
use super::super::state::{State, forget};
use super::row::html_bytes;
use super::{Answered, Result, absent, each, with_room};
use crate::labels::{self, Space};

impl State {
    fn space(&self, handle: &Resource<SpaceHandle>) -> Result<Space<'_>> {
        let (row, id) = self.space_of(handle)?;
        let row = self.rows.get(row as usize).ok_or_else(absent)?;
        // Spaces are of the data, so that no edit removes one.
        row.row.space(id).ok_or_else(absent)
    }

    fn owned_space(&self, handle: &Resource<SpaceHandle>) -> Result<(u32, String)> {
        let (row, id) = self.space_of(handle)?;
        Ok((row, id.to_owned()))
    }

    /// The id of the space, if the object is of the same row.
    fn space_for_object(
        &self,
        handle: &Resource<SpaceHandle>,
        object: &Resource<ObjectInstanceHandle>,
    ) -> Result<Answered<String>> {
        let (row, id) = self.space_of(handle)?;
        let (instance, _) = self.object_of(object)?;
        Ok(same_row(row == instance.row, "an object", id))
    }

    fn space_for_classification(
        &self,
        handle: &Resource<SpaceHandle>,
        classification: &Resource<ClassificationInstanceHandle>,
    ) -> Result<Answered<String>> {
        let (row, id) = self.space_of(handle)?;
        let (instance, _) = self.classification_of(classification)?;
        Ok(same_row(row == instance.row, "a classification", id))
    }
}

fn same_row(is: bool, what: &str, id: &str) -> Answered<String> {
    if is {
        return Ok(id.to_owned());
    }
    Err(Error::InvalidArgument(format!(
        "expected {what} of the label row that the space `{id}` is in, found one of another row"
    )))
}

/// Goes on with the space's id, or returns the error.
macro_rules! of_same_row {
    ($answered:expr) => {
        match $answered? {
            Ok(id) => id,
            Err(error) => return Ok(Err(error)),
        }
    };
}

impl HostSpace for State {
    fn id(&mut self, handle: Resource<SpaceHandle>) -> Result<String> {
        Ok(self.space_of(&handle)?.1.to_owned())
    }

    fn space_type(&mut self, handle: Resource<SpaceHandle>) -> Result<String> {
        Ok(self.space(&handle)?.space_type().to_owned())
    }

    fn layout_key(&mut self, handle: Resource<SpaceHandle>) -> Result<Option<String>> {
        Ok(self.space(&handle)?.layout_key().map(str::to_owned))
    }

    fn file_name(&mut self, handle: Resource<SpaceHandle>) -> Result<Option<String>> {
        Ok(self.space(&handle)?.file_name().map(str::to_owned))
    }

    fn width(&mut self, handle: Resource<SpaceHandle>) -> Result<Option<u32>> {
        Ok(self.space(&handle)?.width())
    }

    fn height(&mut self, handle: Resource<SpaceHandle>) -> Result<Option<u32>> {
        Ok(self.space(&handle)?.height())
    }

    fn number_of_frames(&mut self, handle: Resource<SpaceHandle>) -> Result<Option<u32>> {
        Ok(self.space(&handle)?.number_of_frames())
    }

    fn duration_ms(&mut self, handle: Resource<SpaceHandle>) -> Result<Option<u64>> {
        Ok(self.space(&handle)?.duration_ms())
    }

    fn objects(
        &mut self,
        handle: Resource<SpaceHandle>,
    ) -> Result<Vec<Resource<ObjectInstanceHandle>>> {
        let (row, _) = self.space_of(&handle)?;
        let objects = self.space(&handle)?.objects();
        let hashes = objects.iter().map(|object| object.object_hash().to_owned());
        let hashes = hashes.collect();
        self.object_handles(row, hashes)
    }

    fn classifications(
        &mut self,
        handle: Resource<SpaceHandle>,
    ) -> Result<Vec<Resource<ClassificationInstanceHandle>>> {
        let (row, _) = self.space_of(&handle)?;
        let all = self.space(&handle)?.classifications();
        let hashes = all.iter().map(|one| one.classification_hash().to_owned());
        let hashes = hashes.collect();
        self.classification_handles(row, hashes)
    }

    fn frames(
        &mut self,
        handle: Resource<SpaceHandle>,
        object: Resource<ObjectInstanceHandle>,
    ) -> Result<Vec<FrameRange>> {
        let Ok(id) = self.space_for_object(&handle, &object)? else {
            return Ok(Vec::new());
        };
        let object = self.object_instance(&object)?;
        Ok(object.map_or_else(Vec::new, |object| each(object.frames_in(&id))))
    }

    fn annotation(
        &mut self,
        handle: Resource<SpaceHandle>,
        object: Resource<ObjectInstanceHandle>,
        frame: u32,
    ) -> Result<Option<Annotation>> {
        let Ok(id) = self.space_for_object(&handle, &object)? else {
            return Ok(None);
        };
        let object = self.object_instance(&object)?;
        Ok(object
            .and_then(|object| object.annotation_in(&id, frame))
            .map(Into::into))
    }

    fn add_object(
        &mut self,
        handle: Resource<SpaceHandle>,
        feature: String,
        geometry: Geometry,
        frames: Vec<FrameRange>,
    ) -> Result<Answered<Resource<ObjectInstanceHandle>>> {
        let (row, id) = self.owned_space(&handle)?;
        self.add_object_to(row, &feature, geometry, frames, Some(&id))
    }

    fn add_range_object(
        &mut self,
        handle: Resource<SpaceHandle>,
        feature: String,
        ranges: Vec<FrameRange>,
    ) -> Result<Answered<Resource<ObjectInstanceHandle>>> {
        let (row, id) = self.owned_space(&handle)?;
        self.add_ranges_to(row, &feature, ranges, Some(&id))
    }

    fn add_html_object(
        &mut self,
        handle: Resource<SpaceHandle>,
        feature: String,
        ranges: Vec<HtmlRange>,
    ) -> Result<Answered<Resource<ObjectInstanceHandle>>> {
        let (row, id) = self.owned_space(&handle)?;
        self.add_html_ranges_to(row, &feature, ranges, Some(&id))
    }

    fn add_classification(
        &mut self,
        handle: Resource<SpaceHandle>,
        feature: String,
        answers: Vec<AttributeAnswer>,
        frames: Option<Vec<FrameRange>>,
    ) -> Result<Answered<Resource<ClassificationInstanceHandle>>> {
        let (row, id) = self.owned_space(&handle)?;
        self.add_classification_to(row, &feature, answers, frames, Some(&id))
    }

    fn draw(
        &mut self,
        handle: Resource<SpaceHandle>,
        object: Resource<ObjectInstanceHandle>,
        geometry: Geometry,
        frames: Vec<FrameRange>,
    ) -> Result<Answered<()>> {
        let id = of_same_row!(self.space_for_object(&handle, &object));
        let geometry = labels::Geometry::from(geometry);
        let frames: Vec<_> = each(frames);
        with_room!(self.reserve_drawings(&geometry, &frames));
        self.edit_object(&object, |row, hash| {
            row.draw(hash, &geometry, &frames, Some(&id))
        })
    }

    fn set_ranges(
        &mut self,
        handle: Resource<SpaceHandle>,
        object: Resource<ObjectInstanceHandle>,
        ranges: Vec<FrameRange>,
    ) -> Result<Answered<()>> {
        let id = of_same_row!(self.space_for_object(&handle, &object));
        with_room!(self.reserve_ranges(ranges.len()));
        let ranges: Vec<_> = each(ranges);
        self.edit_object(&object, |row, hash| {
            row.set_ranges(hash, &ranges, Some(&id))
        })
    }

    fn set_html_ranges(
        &mut self,
        handle: Resource<SpaceHandle>,
        object: Resource<ObjectInstanceHandle>,
        ranges: Vec<HtmlRange>,
    ) -> Result<Answered<()>> {
        let id = of_same_row!(self.space_for_object(&handle, &object));
        with_room!(self.reserve(html_bytes(&ranges)));
        let ranges: Vec<_> = each(ranges);
        self.edit_object(&object, |row, hash| {
            row.set_html_ranges(hash, &ranges, Some(&id))
        })
    }

    fn remove_object(
        &mut self,
        handle: Resource<SpaceHandle>,
        object: Resource<ObjectInstanceHandle>,
        frames: Option<Vec<FrameRange>>,
    ) -> Result<Answered<()>> {
        let id = of_same_row!(self.space_for_object(&handle, &object));
        let frames: Option<Vec<_>> = frames.map(each);
        self.edit_object(&object, |row, hash| {
            row.remove_from_frames(hash, frames.as_deref(), Some(&id))
        })
    }

    fn place_classification(
        &mut self,
        handle: Resource<SpaceHandle>,
        classification: Resource<ClassificationInstanceHandle>,
        frames: Option<Vec<FrameRange>>,
    ) -> Result<Answered<()>> {
        let id = of_same_row!(self.space_for_classification(&handle, &classification));
        let frames: Option<Vec<_>> = frames.map(each);
        self.edit_classification(&classification, |row, hash| {
            row.add_classification_to_frames(hash, frames.as_deref(), Some(&id))
        })
    }

    fn remove_classification(
        &mut self,
        handle: Resource<SpaceHandle>,
        classification: Resource<ClassificationInstanceHandle>,
        frames: Option<Vec<FrameRange>>,
    ) -> Result<Answered<()>> {
        let id = of_same_row!(self.space_for_classification(&handle, &classification));
        let frames: Option<Vec<_>> = frames.map(each);
        self.edit_classification(&classification, |row, hash| {
            row.remove_classification_from_frames(hash, frames.as_deref(), Some(&id))
        })
    }

    fn drop(&mut self, handle: Resource<SpaceHandle>) -> Result<()> {
        forget(handle)
    }
}
