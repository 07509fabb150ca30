//! `runner:stage/labels.classification-instance`
//!
//! Handles of a classification that was removed still answer: with what it was, and with nothing where it was.

use wasmtime::component::Resource;

use super::super::bindings::runner::stage::labels::{
    Answer, AttributeAnswer, HostClassificationInstance,
};
use super::super::bindings::runner::stage::types::FrameRange;
use super::super::handles::ClassificationInstanceHandle;
use super::super::state::{State, forget};
use super::{Answered, Gone, Instance, Result, each, with_room};
use crate::labels::ClassificationInstance;

impl State {
    /// What can be read of a classification; the default once it was removed.
    fn read_classification<T: Default>(
        &self,
        handle: &Resource<ClassificationInstanceHandle>,
        read: impl FnOnce(ClassificationInstance<'_>) -> T,
    ) -> Result<T> {
        let found = self.classification_instance(handle)?;
        Ok(found.map(read).unwrap_or_default())
    }

    fn classification_identity(
        &self,
        handle: &Resource<ClassificationInstanceHandle>,
        now: impl FnOnce(ClassificationInstance<'_>) -> String,
        before: impl FnOnce(&Gone) -> String,
    ) -> Result<String> {
        let (Instance { gone, .. }, classification) = self.classification_of(handle)?;
        Ok(match (classification, gone) {
            (Some(classification), _) => now(classification),
            (None, Some(gone)) => before(gone),
            (None, None) => String::new(),
        })
    }
}

impl HostClassificationInstance for State {
    fn classification_hash(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<String> {
        let (instance, _) = self.classification_of(&handle)?;
        Ok((*instance.hash).to_owned())
    }

    fn feature_hash(&mut self, handle: Resource<ClassificationInstanceHandle>) -> Result<String> {
        self.classification_identity(
            &handle,
            |classification| classification.feature_hash().to_owned(),
            |gone| gone.feature_hash.clone(),
        )
    }

    fn classification_name(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<String> {
        self.classification_identity(
            &handle,
            |classification| classification.title().to_owned(),
            |gone| gone.name.clone(),
        )
    }

    fn frames(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<Vec<FrameRange>> {
        self.read_classification(&handle, |one| each(one.frames()))
    }

    fn spaces(&mut self, handle: Resource<ClassificationInstanceHandle>) -> Result<Vec<String>> {
        let owned = |spaces: Vec<&str>| spaces.into_iter().map(str::to_owned).collect();
        self.read_classification(&handle, |one| owned(one.spaces()))
    }

    fn answers(&mut self, handle: Resource<ClassificationInstanceHandle>) -> Result<Vec<Answer>> {
        self.read_classification(&handle, |one| each(one.answers()))
    }

    fn confidence(&mut self, handle: Resource<ClassificationInstanceHandle>) -> Result<f64> {
        self.read_classification(&handle, |one| one.confidence())
    }

    fn manual_annotation(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<bool> {
        self.read_classification(&handle, |one| one.manual_annotation())
    }

    fn created_at(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<Option<String>> {
        self.read_classification(&handle, |one| one.created_at())
    }

    fn created_by(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<Option<String>> {
        self.read_classification(&handle, |one| one.created_by())
    }

    fn last_edited_at(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<Option<String>> {
        self.read_classification(&handle, |one| one.last_edited_at())
    }

    fn last_edited_by(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
    ) -> Result<Option<String>> {
        self.read_classification(&handle, |one| one.last_edited_by())
    }

    fn set_confidence(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
        confidence: f64,
    ) -> Result<Answered<()>> {
        self.edit_classification(&handle, |row, hash| {
            row.set_classification_confidence(hash, confidence)
        })
    }

    fn set_manual_annotation(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
        manual: bool,
    ) -> Result<()> {
        // Of a classification that was removed there is nothing to set, and no error to give.
        let _ = self.edit_classification(&handle, |row, hash| {
            row.set_classification_manual_annotation(hash, manual)
        })?;
        Ok(())
    }

    fn to_json(&mut self, handle: Resource<ClassificationInstanceHandle>) -> Result<String> {
        let json = self.classification_instance(&handle)?;
        let json = json.map(|classification| classification.to_json());
        Ok(json.unwrap_or_else(|| "null".to_owned()))
    }

    fn set_answers(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
        answers: Vec<AttributeAnswer>,
    ) -> Result<Answered<()>> {
        let answers: Vec<_> = each(answers);
        with_room!(self.reserve_answers(&answers));
        self.edit_classification(&handle, |row, hash| {
            row.set_classification_answers(hash, &answers)
        })
    }

    fn clear_answer(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
        attribute: String,
    ) -> Result<Answered<()>> {
        self.edit_classification(&handle, |row, hash| {
            row.clear_classification_answer(hash, &attribute)
        })
    }

    fn add_to_frames(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
        frames: Vec<FrameRange>,
    ) -> Result<Answered<()>> {
        with_room!(self.reserve_ranges(frames.len()));
        let frames: Vec<_> = each(frames);
        self.edit_classification(&handle, |row, hash| {
            row.add_classification_to_frames(hash, Some(&frames), None)
        })
    }

    fn remove_from_frames(
        &mut self,
        handle: Resource<ClassificationInstanceHandle>,
        frames: Vec<FrameRange>,
    ) -> Result<Answered<()>> {
        let frames: Vec<_> = each(frames);
        self.edit_classification(&handle, |row, hash| {
            row.remove_classification_from_frames(hash, Some(&frames), None)
        })
    }

    fn remove(&mut self, handle: Resource<ClassificationInstanceHandle>) -> Result<()> {
        let _ =
            self.edit_classification(&handle, |row, hash| Ok(row.remove_classification(hash)))?;
        Ok(())
    }

    fn drop(&mut self, handle: Resource<ClassificationInstanceHandle>) -> Result<()> {
        forget(handle)
    }
}
