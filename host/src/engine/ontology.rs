//! `runner:stage/ontology`

use std::sync::Arc;

use wasmtime::component::Resource;

use super::bindings::runner::stage::ontology::{
    Host, HostAttribute, HostAttributeOption, HostOntology, HostOntologyClassification,
    HostOntologyObject,
};
use super::handles::{
    AttributeHandle, AttributeOptionHandle, OntologyClassificationHandle, OntologyHandle,
    OntologyObjectHandle,
};
use super::state::{State, forget};
use crate::labels::{Attribute, AttributeOption, Ontology, OntologyClassification, OntologyObject};

type Result<T> = wasmtime::Result<T>;

/// Where an attribute or option stands: the object or classification, then positions, by turns of an
/// attribute and of an option. Its length tells which of the two it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct NodePath {
    root: Root,
    positions: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Root {
    Object(u32),
    Classification(u32),
}

impl NodePath {
    fn child(&self, position: usize) -> Self {
        let mut positions = self.positions.clone();
        positions.push(position as u32);
        Self {
            root: self.root,
            positions,
        }
    }

    fn attribute<'a>(&self, ontology: &'a Ontology) -> Option<&'a Attribute> {
        let (mut positions, mut attribute) = match self.root {
            Root::Object(at) => {
                let (first, rest) = self.positions.split_first()?;
                (
                    rest,
                    ontology
                        .objects()
                        .get(at as usize)?
                        .attributes
                        .get(*first as usize)?,
                )
            }
            Root::Classification(at) => {
                // The one root attribute has the position 0.
                let (_, rest) = self.positions.split_first()?;
                (
                    rest,
                    &ontology.classifications().get(at as usize)?.attribute,
                )
            }
        };
        while let [option, next, rest @ ..] = positions {
            attribute = attribute
                .options
                .get(*option as usize)?
                .attributes
                .get(*next as usize)?;
            positions = rest;
        }
        Some(attribute)
    }

    fn option<'a>(&self, ontology: &'a Ontology) -> Option<&'a AttributeOption> {
        let (last, attribute) = self.positions.split_last()?;
        let attribute = Self {
            root: self.root,
            positions: attribute.to_vec(),
        };
        attribute.attribute(ontology)?.options.get(*last as usize)
    }
}

fn absent() -> wasmtime::Error {
    // Handles are made only of what the ontology has, so this is a defect of the host.
    wasmtime::format_err!("a handle leads to nothing in the ontology")
}

impl State {
    fn ontology(&self) -> Result<&Arc<Ontology>> {
        Ok(&self.inputs()?.ontology)
    }

    fn object(&self, handle: &Resource<OntologyObjectHandle>) -> Result<&OntologyObject> {
        self.ontology()?
            .objects()
            .get(handle.rep() as usize)
            .ok_or_else(absent)
    }

    fn classification(
        &self,
        handle: &Resource<OntologyClassificationHandle>,
    ) -> Result<&OntologyClassification> {
        self.ontology()?
            .classifications()
            .get(handle.rep() as usize)
            .ok_or_else(absent)
    }

    fn attribute(&self, handle: &Resource<AttributeHandle>) -> Result<&Attribute> {
        self.nodes
            .get(handle)?
            .attribute(self.ontology()?)
            .ok_or_else(absent)
    }

    fn option(&self, handle: &Resource<AttributeOptionHandle>) -> Result<&AttributeOption> {
        self.nodes
            .get(handle)?
            .option(self.ontology()?)
            .ok_or_else(absent)
    }

    /// Handles of the parts of a node.
    fn children<T: 'static>(&mut self, parent: &NodePath, count: usize) -> Vec<Resource<T>> {
        (0..count)
            .map(|at| self.nodes.handle(parent.child(at)))
            .collect()
    }
}

impl Host for State {}

impl HostOntology for State {
    fn ontology_hash(&mut self, _: Resource<OntologyHandle>) -> Result<String> {
        Ok(self.ontology()?.uuid().to_owned())
    }

    fn title(&mut self, _: Resource<OntologyHandle>) -> Result<String> {
        Ok(self.ontology()?.title().to_owned())
    }

    fn description(&mut self, _: Resource<OntologyHandle>) -> Result<String> {
        Ok(self.ontology()?.description().to_owned())
    }

    fn objects(
        &mut self,
        _: Resource<OntologyHandle>,
    ) -> Result<Vec<Resource<OntologyObjectHandle>>> {
        Ok((0..self.ontology()?.objects().len())
            .map(|at| Resource::new_own(at as u32))
            .collect())
    }

    fn classifications(
        &mut self,
        _: Resource<OntologyHandle>,
    ) -> Result<Vec<Resource<OntologyClassificationHandle>>> {
        Ok((0..self.ontology()?.classifications().len())
            .map(|at| Resource::new_own(at as u32))
            .collect())
    }

    fn find_object(
        &mut self,
        _: Resource<OntologyHandle>,
        feature: String,
    ) -> Result<Option<Resource<OntologyObjectHandle>>> {
        let objects = self.ontology()?.objects();
        let position = objects
            .iter()
            .position(|object| object.feature_hash == feature)
            .or_else(|| {
                objects
                    .iter()
                    .position(|object| !object.archived && object.name == feature)
            });
        Ok(position.map(|at| Resource::new_own(at as u32)))
    }

    fn find_classification(
        &mut self,
        _: Resource<OntologyHandle>,
        feature: String,
    ) -> Result<Option<Resource<OntologyClassificationHandle>>> {
        let classifications = self.ontology()?.classifications();
        let position = classifications
            .iter()
            .position(|class| class.feature_hash == feature)
            .or_else(|| {
                classifications
                    .iter()
                    .position(|class| !class.archived && class.title == feature)
            });
        Ok(position.map(|at| Resource::new_own(at as u32)))
    }

    fn to_json(&mut self, _: Resource<OntologyHandle>) -> Result<String> {
        Ok(self.ontology()?.raw().to_string())
    }

    fn drop(&mut self, handle: Resource<OntologyHandle>) -> Result<()> {
        forget(handle)
    }
}

impl HostOntologyObject for State {
    fn feature_hash(&mut self, handle: Resource<OntologyObjectHandle>) -> Result<String> {
        Ok(self.object(&handle)?.feature_hash.clone())
    }

    fn name(&mut self, handle: Resource<OntologyObjectHandle>) -> Result<String> {
        Ok(self.object(&handle)?.name.clone())
    }

    fn shape(&mut self, handle: Resource<OntologyObjectHandle>) -> Result<String> {
        Ok(self.object(&handle)?.shape.clone())
    }

    fn color(&mut self, handle: Resource<OntologyObjectHandle>) -> Result<String> {
        Ok(self.object(&handle)?.color.clone())
    }

    fn required(&mut self, handle: Resource<OntologyObjectHandle>) -> Result<bool> {
        Ok(self.object(&handle)?.required)
    }

    fn archived(&mut self, handle: Resource<OntologyObjectHandle>) -> Result<bool> {
        Ok(self.object(&handle)?.archived)
    }

    fn attributes(
        &mut self,
        handle: Resource<OntologyObjectHandle>,
    ) -> Result<Vec<Resource<AttributeHandle>>> {
        let count = self.object(&handle)?.attributes.len();
        let parent = NodePath {
            root: Root::Object(handle.rep()),
            positions: Vec::new(),
        };
        Ok(self.children(&parent, count))
    }

    fn drop(&mut self, handle: Resource<OntologyObjectHandle>) -> Result<()> {
        forget(handle)
    }
}

impl HostOntologyClassification for State {
    fn feature_hash(&mut self, handle: Resource<OntologyClassificationHandle>) -> Result<String> {
        Ok(self.classification(&handle)?.feature_hash.clone())
    }

    fn title(&mut self, handle: Resource<OntologyClassificationHandle>) -> Result<String> {
        Ok(self.classification(&handle)?.title.clone())
    }

    fn is_global(&mut self, handle: Resource<OntologyClassificationHandle>) -> Result<bool> {
        Ok(self.classification(&handle)?.global)
    }

    fn required(&mut self, handle: Resource<OntologyClassificationHandle>) -> Result<bool> {
        Ok(self.classification(&handle)?.required)
    }

    fn archived(&mut self, handle: Resource<OntologyClassificationHandle>) -> Result<bool> {
        Ok(self.classification(&handle)?.archived)
    }

    fn attribute(
        &mut self,
        handle: Resource<OntologyClassificationHandle>,
    ) -> Result<Resource<AttributeHandle>> {
        let root = Root::Classification(handle.rep());
        Ok(self.nodes.handle(NodePath {
            root,
            positions: vec![0],
        }))
    }

    fn drop(&mut self, handle: Resource<OntologyClassificationHandle>) -> Result<()> {
        forget(handle)
    }
}

impl HostAttribute for State {
    fn feature_hash(&mut self, handle: Resource<AttributeHandle>) -> Result<String> {
        Ok(State::attribute(self, &handle)?.feature_hash.clone())
    }

    fn name(&mut self, handle: Resource<AttributeHandle>) -> Result<String> {
        Ok(State::attribute(self, &handle)?.name.clone())
    }

    fn property_type(&mut self, handle: Resource<AttributeHandle>) -> Result<String> {
        Ok(State::attribute(self, &handle)?.kind.clone())
    }

    fn required(&mut self, handle: Resource<AttributeHandle>) -> Result<bool> {
        Ok(State::attribute(self, &handle)?.required)
    }

    fn archived(&mut self, handle: Resource<AttributeHandle>) -> Result<bool> {
        Ok(State::attribute(self, &handle)?.archived)
    }

    fn dynamic(&mut self, handle: Resource<AttributeHandle>) -> Result<bool> {
        Ok(State::attribute(self, &handle)?.dynamic)
    }

    fn options(
        &mut self,
        handle: Resource<AttributeHandle>,
    ) -> Result<Vec<Resource<AttributeOptionHandle>>> {
        let count = State::attribute(self, &handle)?.options.len();
        let parent = self.nodes.get(&handle)?.clone();
        Ok(self.children(&parent, count))
    }

    fn drop(&mut self, handle: Resource<AttributeHandle>) -> Result<()> {
        forget(handle)
    }
}

impl HostAttributeOption for State {
    fn feature_hash(&mut self, handle: Resource<AttributeOptionHandle>) -> Result<String> {
        Ok(self.option(&handle)?.feature_hash.clone())
    }

    fn label(&mut self, handle: Resource<AttributeOptionHandle>) -> Result<String> {
        Ok(self.option(&handle)?.label.clone())
    }

    fn value(&mut self, handle: Resource<AttributeOptionHandle>) -> Result<String> {
        Ok(self.option(&handle)?.value.clone())
    }

    fn archived(&mut self, handle: Resource<AttributeOptionHandle>) -> Result<bool> {
        Ok(self.option(&handle)?.archived)
    }

    fn attributes(
        &mut self,
        handle: Resource<AttributeOptionHandle>,
    ) -> Result<Vec<Resource<AttributeHandle>>> {
        let count = self.option(&handle)?.attributes.len();
        let parent = self.nodes.get(&handle)?.clone();
        Ok(self.children(&parent, count))
    }

    fn drop(&mut self, handle: Resource<AttributeOptionHandle>) -> Result<()> {
        forget(handle)
    }
}
