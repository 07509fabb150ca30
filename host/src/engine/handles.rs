//! What a guest's handles stand for.
//!
//! A handle is a number. For the things of which an attempt has one (its task, its label row), the
//! number means nothing. For the many (objects, attributes), it is a position in a list that belongs
//! to the attempt and in which each thing stands once. So dropping a handle frees nothing, a guest
//! that keeps every handle costs the host no more than the document it reads, and no table is searched.

use std::collections::HashMap;
use std::hash::Hash;

use wasmtime::component::Resource;

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        // The generated bindings re-export them, so they must be `pub`, though no other module sees them.
        $($(#[$doc])* #[derive(Debug)] #[allow(unreachable_pub)] pub struct $name;)*
    };
}

handles! {
    /// `ontology.ontology`: a position among the ontologies that were handed out.
    OntologyHandle,
    /// `ontology.ontology-object`: a position in [`Positions`] of paths.
    OntologyObjectHandle,
    /// `ontology.ontology-classification`: likewise.
    OntologyClassificationHandle,
    /// `ontology.attribute`: likewise.
    AttributeHandle,
    /// `ontology.attribute-option`: likewise.
    AttributeOptionHandle,
    /// `workflow.project`
    ProjectHandle,
    /// `workflow.agent-stage`
    AgentStageHandle,
    /// `workflow.task`: a position among the tasks of the attempt and those of its twins.
    TaskHandle,
    /// `storage.storage-item`: a position among the items that were handed out.
    StorageItemHandle,
    /// `labels.label-row`: a position among the rows that were opened.
    LabelRowHandle,
    /// `labels.data-unit`: a position among the data units that were handed out.
    DataUnitHandle,
    /// `labels.space`: likewise of spaces.
    SpaceHandle,
    /// `labels.object-instance`: a position among the objects that were handed out.
    ObjectInstanceHandle,
    /// `labels.classification-instance`: likewise of classifications.
    ClassificationInstanceHandle,
    /// `context.context`: a position among the tasks of the attempt.
    ContextHandle,
    /// `context.twin`: a position among the twins that were handed out.
    TwinHandle,
    /// `context.run-context`
    RunContextHandle,
    /// `values.value`: a position among the values that were handed out.
    ValueHandle,
    /// `media.asset`: a position among the files that were handed out.
    AssetHandle,
    /// `media.frame`: a key of what is freed when the handle is dropped, since pictures are large.
    FrameHandle,
    /// `media.frame-iterator`: likewise, since a process is behind it.
    FrameIteratorHandle,
    /// `media.video-sampler`: a position among the samplers that were handed out.
    VideoSamplerHandle,
    /// `declaration.declaration`: a position among the declarations that were constructed.
    DeclarationHandle,
}

/// The handle of a thing of which an attempt has one.
pub(super) fn only<T: 'static>() -> Resource<T> {
    Resource::new_own(0)
}

/// Things in the order in which they were first handed out, each once.
#[derive(Debug)]
pub(super) struct Positions<K> {
    things: Vec<K>,
    position: HashMap<K, u32>,
}

impl<K> Default for Positions<K> {
    fn default() -> Self {
        Self {
            things: Vec::new(),
            position: HashMap::new(),
        }
    }
}

impl<K: Clone + Eq + Hash> Positions<K> {
    /// The handle of `thing`, the same for equal things.
    pub(super) fn handle<T: 'static>(&mut self, thing: K) -> Resource<T> {
        let things = &mut self.things;
        let position = *self.position.entry(thing.clone()).or_insert_with(|| {
            things.push(thing);
            u32::try_from(things.len() - 1).expect("a document has fewer than 2^32 parts")
        });
        Resource::new_own(position)
    }

    /// What `handle` stands for.
    pub(super) fn get<T: 'static>(&self, handle: &Resource<T>) -> wasmtime::Result<&K> {
        // wasmtime gives us only numbers that we gave it, so this is a defect of the host.
        self.things
            .get(handle.rep() as usize)
            .ok_or_else(|| wasmtime::format_err!("the handle {} was never given out", handle.rep()))
    }
}
