//! `runner:stage/labels.object-instance`
//!
//! Handles of an object that was removed still answer: with what it was, and with nothing where it was.

use wasmtime::component::Resource;

use super::super::bindings::runner::stage::labels::{
    Annotation, Answer, AttributeAnswer, DynamicAnswer, Geometry, HostObjectInstance, HtmlRange,
};
use super::super::bindings::runner::stage::types::FrameRange;
use super::super::handles::ObjectInstanceHandle;
use super::super::state::{State, forget};
use super::row::html_bytes;
use super::{Answered, Gone, Instance, Result, each, with_room};
use crate::labels::{self, ObjectInstance};

impl State {
    /// What can be read of an object; the default once it was removed.
    fn read_object<T: Default>(
        &self,
        handle: &Resource<ObjectInstanceHandle>,
        read: impl FnOnce(ObjectInstance<'_>) -> T,
    ) -> Result<T> {
        Ok(self.object_instance(handle)?.map(read).unwrap_or_default())
    }

    /// What an object is, whether it was removed or not.
    fn object_identity(
        &self,
        handle: &Resource<ObjectInstanceHandle>,
        now: impl FnOnce(ObjectInstance<'_>) -> String,
        before: impl FnOnce(&Gone) -> String,
    ) -> Result<String> {
        let (Instance { gone, .. }, object) = self.object_of(handle)?;
        Ok(match (object, gone) {
            (Some(object), _) => now(object),
            (None, Some(gone)) => before(gone),
            (None, None) => String::new(),
        })
    }
}

impl HostObjectInstance for State {
    fn object_hash(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<String> {
        let (instance, _) = self.object_of(&handle)?;
        Ok((*instance.hash).to_owned())
    }

    fn feature_hash(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<String> {
        self.object_identity(
            &handle,
            |object| object.feature_hash().to_owned(),
            |gone| gone.feature_hash.clone(),
        )
    }

    fn object_name(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<String> {
        self.object_identity(
            &handle,
            |object| object.name().to_owned(),
            |gone| gone.name.clone(),
        )
    }

    fn shape(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<String> {
        self.object_identity(
            &handle,
            |object| object.shape().to_owned(),
            |gone| gone.shape.clone(),
        )
    }

    fn object_number(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<Option<u32>> {
        self.read_object(&handle, |object| object.object_number())
    }

    fn spaces(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<Vec<String>> {
        let owned = |spaces: Vec<&str>| spaces.into_iter().map(str::to_owned).collect();
        self.read_object(&handle, |object| owned(object.spaces()))
    }

    fn frames(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<Vec<FrameRange>> {
        self.read_object(&handle, |object| each(object.frames()))
    }

    fn annotation(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        frame: u32,
    ) -> Result<Option<Annotation>> {
        self.read_object(&handle, |object| object.annotation(frame).map(Into::into))
    }

    fn answers(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<Vec<Answer>> {
        self.read_object(&handle, |object| each(object.answers()))
    }

    fn dynamic_answers(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
    ) -> Result<Vec<DynamicAnswer>> {
        self.read_object(&handle, |object| each(object.dynamic_answers()))
    }

    fn set_confidence(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        confidence: f64,
    ) -> Result<Answered<()>> {
        self.edit_object(&handle, |row, hash| {
            row.set_object_confidence(hash, confidence)
        })
    }

    fn set_manual_annotation(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        manual: bool,
    ) -> Result<()> {
        // Of an object that was removed there is nothing to set, and no error to give.
        let _ = self.edit_object(&handle, |row, hash| {
            row.set_object_manual_annotation(hash, manual)
        })?;
        Ok(())
    }

    fn to_json(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<String> {
        let json = self
            .object_instance(&handle)?
            .map(|object| object.to_json());
        Ok(json.unwrap_or_else(|| r#"{"answer":null,"actions":null,"frames":{}}"#.to_owned()))
    }

    fn geometry(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        frame: u32,
    ) -> Result<Option<Geometry>> {
        self.read_object(&handle, |object| object.geometry(frame).map(Into::into))
    }

    fn html_ranges(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<Vec<HtmlRange>> {
        self.read_object(&handle, |object| each(object.html_ranges()))
    }

    fn confidence(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<f64> {
        self.read_object(&handle, |object| object.confidence())
    }

    fn manual_annotation(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<bool> {
        self.read_object(&handle, |object| object.manual_annotation())
    }

    fn created_at(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<Option<String>> {
        self.read_object(&handle, |object| object.created_at())
    }

    fn created_by(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<Option<String>> {
        self.read_object(&handle, |object| object.created_by())
    }

    fn last_edited_at(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<Option<String>> {
        self.read_object(&handle, |object| object.last_edited_at())
    }

    fn last_edited_by(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<Option<String>> {
        self.read_object(&handle, |object| object.last_edited_by())
    }

    fn reviews(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<Option<String>> {
        self.read_object(&handle, |object| object.reviews())
    }

    fn draw(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        geometry: Geometry,
        frames: Vec<FrameRange>,
    ) -> Result<Answered<()>> {
        let geometry = labels::Geometry::from(geometry);
        let frames: Vec<_> = each(frames);
        with_room!(self.reserve_drawings(&geometry, &frames));
        self.edit_object(&handle, |row, hash| {
            row.draw(hash, &geometry, &frames, None)
        })
    }

    fn copy_to_frames(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        source: u32,
        frames: Vec<FrameRange>,
    ) -> Result<Answered<()>> {
        let frames: Vec<_> = each(frames);
        let copied = self.object_instance(&handle)?;
        if let Some(geometry) = copied.and_then(|object| object.geometry(source)) {
            with_room!(self.reserve_drawings(&geometry, &frames));
        }
        self.edit_object(&handle, |row, hash| {
            row.copy_to_frames(hash, source, &frames)
        })
    }

    fn move_to_frame(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        source: u32,
        target: u32,
    ) -> Result<Answered<()>> {
        self.edit_object(&handle, |row, hash| row.move_to_frame(hash, source, target))
    }

    fn remove_from_frames(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        frames: Vec<FrameRange>,
    ) -> Result<Answered<()>> {
        let frames: Vec<_> = each(frames);
        self.edit_object(&handle, |row, hash| {
            row.remove_from_frames(hash, Some(&frames), None)
        })
    }

    fn set_ranges(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        ranges: Vec<FrameRange>,
    ) -> Result<Answered<()>> {
        with_room!(self.reserve_ranges(ranges.len()));
        let ranges: Vec<_> = each(ranges);
        self.edit_object(&handle, |row, hash| row.set_ranges(hash, &ranges, None))
    }

    fn set_html_ranges(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        ranges: Vec<HtmlRange>,
    ) -> Result<Answered<()>> {
        with_room!(self.reserve(html_bytes(&ranges)));
        let ranges: Vec<_> = each(ranges);
        self.edit_object(&handle, |row, hash| {
            row.set_html_ranges(hash, &ranges, None)
        })
    }

    fn remove(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<()> {
        let _ = self.edit_object(&handle, |row, hash| Ok(row.remove_object(hash)))?;
        Ok(())
    }

    fn set_confidence_on(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        confidence: f64,
        frames: Vec<FrameRange>,
    ) -> Result<Answered<()>> {
        let frames: Vec<_> = each(frames);
        self.edit_object(&handle, |row, hash| {
            row.set_object_confidence_on(hash, confidence, &frames)
        })
    }

    fn set_manual_annotation_on(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        manual: bool,
        frames: Vec<FrameRange>,
    ) -> Result<Answered<()>> {
        let frames: Vec<_> = each(frames);
        self.edit_object(&handle, |row, hash| {
            row.set_object_manual_annotation_on(hash, manual, &frames)
        })
    }

    fn set_answers(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        answers: Vec<AttributeAnswer>,
        frames: Option<Vec<FrameRange>>,
    ) -> Result<Answered<()>> {
        let answers: Vec<_> = each(answers);
        with_room!(self.reserve_answers(&answers));
        let frames: Option<Vec<_>> = frames.map(each);
        with_room!(self.reserve_ranges(frames.as_ref().map_or(0, Vec::len)));
        self.edit_object(&handle, |row, hash| {
            row.set_object_answers(hash, &answers, frames.as_deref())
        })
    }

    fn clear_answer(
        &mut self,
        handle: Resource<ObjectInstanceHandle>,
        attribute: String,
        frames: Option<Vec<FrameRange>>,
    ) -> Result<Answered<()>> {
        let frames: Option<Vec<_>> = frames.map(each);
        self.edit_object(&handle, |row, hash| {
            row.clear_object_answer(hash, &attribute, frames.as_deref())
        })
    }

    fn drop(&mut self, handle: Resource<ObjectInstanceHandle>) -> Result<()> {
        forget(handle)
    }
}
