//! `runner:stage/ontology`

use std::sync::Arc;

use wasmtime::component::Resource;

use super::bindings::runner::stage::ontology::{
    Host, HostAttribute, HostAttributeOption, HostOntology, HostOntologyClassification,
    HostOntologyObject, TemplatePoint,
};
use super::bindings::runner::stage::types::Error;
use super::handles::{
    AttributeHandle, AttributeOptionHandle, OntologyClassificationHandle, OntologyHandle,
    OntologyObjectHandle,
};
use super::state::{State, forget};
use crate::labels::{Attribute, AttributeOption, Ontology, OntologyClassification, OntologyObject};

type Result<T> = wasmtime::Result<T>;

/// Where something stands in an ontology: the object or classification, then positions, by turns of an
/// attribute and of an option. Its length tells which of them it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct NodePath {
    /// A position in [`State::ontologies`].
    ontology: u32,
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
            ontology: self.ontology,
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
            ontology: self.ontology,
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
    /// The number of an ontology among those that were handed out.
    pub(super) fn ontology_position(&mut self, ontology: &Arc<Ontology>) -> u32 {
        let known = &mut self.ontologies;
        let position = known.iter().position(|one| Arc::ptr_eq(one, ontology));
        position.unwrap_or_else(|| {
            known.push(Arc::clone(ontology));
            known.len() - 1
        }) as u32
    }

    /// The handle of the ontology of the run's project.
    pub(super) fn project_ontology(&mut self) -> Result<Resource<OntologyHandle>> {
        let ontology = Arc::clone(&self.scene()?.ontology);
        Ok(Resource::new_own(self.ontology_position(&ontology)))
    }

    fn ontology(&self, position: u32) -> Result<&Ontology> {
        let ontology = self.ontologies.get(position as usize);
        ontology.map(|ontology| &**ontology).ok_or_else(absent)
    }

    fn object(&self, handle: &Resource<OntologyObjectHandle>) -> Result<&OntologyObject> {
        let node = self.nodes.get(handle)?;
        let Root::Object(at) = node.root else {
            return Err(absent());
        };
        let objects = self.ontology(node.ontology)?.objects();
        objects.get(at as usize).ok_or_else(absent)
    }

    fn classification(
        &self,
        handle: &Resource<OntologyClassificationHandle>,
    ) -> Result<&OntologyClassification> {
        let node = self.nodes.get(handle)?;
        let Root::Classification(at) = node.root else {
            return Err(absent());
        };
        let classifications = self.ontology(node.ontology)?.classifications();
        classifications.get(at as usize).ok_or_else(absent)
    }

    fn attribute(&self, handle: &Resource<AttributeHandle>) -> Result<&Attribute> {
        let node = self.nodes.get(handle)?;
        let ontology = self.ontology(node.ontology)?;
        node.attribute(ontology).ok_or_else(absent)
    }

    fn option(&self, handle: &Resource<AttributeOptionHandle>) -> Result<&AttributeOption> {
        let node = self.nodes.get(handle)?;
        let ontology = self.ontology(node.ontology)?;
        node.option(ontology).ok_or_else(absent)
    }

    /// The handle of an object or classification.
    fn root<T: 'static>(&mut self, ontology: u32, root: Root) -> Resource<T> {
        self.nodes.handle(NodePath {
            ontology,
            root,
            positions: Vec::new(),
        })
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
    fn ontology_hash(&mut self, handle: Resource<OntologyHandle>) -> Result<String> {
        Ok(self.ontology(handle.rep())?.uuid().to_owned())
    }

    fn title(&mut self, handle: Resource<OntologyHandle>) -> Result<String> {
        Ok(self.ontology(handle.rep())?.title().to_owned())
    }

    fn description(&mut self, handle: Resource<OntologyHandle>) -> Result<String> {
        Ok(self.ontology(handle.rep())?.description().to_owned())
    }

    fn objects(
        &mut self,
        handle: Resource<OntologyHandle>,
    ) -> Result<Vec<Resource<OntologyObjectHandle>>> {
        let count = self.ontology(handle.rep())?.objects().len() as u32;
        let roots = (0..count).map(Root::Object);
        Ok(roots.map(|root| self.root(handle.rep(), root)).collect())
    }

    fn classifications(
        &mut self,
        handle: Resource<OntologyHandle>,
    ) -> Result<Vec<Resource<OntologyClassificationHandle>>> {
        let count = self.ontology(handle.rep())?.classifications().len() as u32;
        let roots = (0..count).map(Root::Classification);
        Ok(roots.map(|root| self.root(handle.rep(), root)).collect())
    }

    fn find_object(
        &mut self,
        handle: Resource<OntologyHandle>,
        feature: String,
    ) -> Result<Option<Resource<OntologyObjectHandle>>> {
        let objects = self.ontology(handle.rep())?.objects();
        let position = objects
            .iter()
            .position(|object| object.feature_hash == feature)
            .or_else(|| {
                objects
                    .iter()
                    .position(|object| !object.archived && object.name == feature)
            });
        let root = position.map(|at| Root::Object(at as u32));
        Ok(root.map(|root| self.root(handle.rep(), root)))
    }

    fn find_classification(
        &mut self,
        handle: Resource<OntologyHandle>,
        feature: String,
    ) -> Result<Option<Resource<OntologyClassificationHandle>>> {
        let classifications = self.ontology(handle.rep())?.classifications();
        let position = classifications
            .iter()
            .position(|class| class.feature_hash == feature)
            .or_else(|| {
                classifications
                    .iter()
                    .position(|class| !class.archived && class.title == feature)
            });
        let root = position.map(|at| Root::Classification(at as u32));
        Ok(root.map(|root| self.root(handle.rep(), root)))
    }

    fn to_json(&mut self, handle: Resource<OntologyHandle>) -> Result<String> {
        Ok(self.ontology(handle.rep())?.raw().to_string())
    }

    fn json_schema(
        &mut self,
        handle: Resource<OntologyHandle>,
        features: Vec<String>,
    ) -> Result<std::result::Result<String, Error>> {
        let schema = self.ontology(handle.rep())?.json_schema(&features);
        Ok(schema.map(|schema| schema.to_string()).map_err(Into::into))
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
        let parent = self.nodes.get(&handle)?.clone();
        Ok(self.children(&parent, count))
    }

    fn skeleton_template(
        &mut self,
        handle: Resource<OntologyObjectHandle>,
    ) -> Result<Vec<TemplatePoint>> {
        let template = self.object(&handle)?.template.iter();
        let point = template.map(|point| TemplatePoint {
            name: point.name.clone(),
            feature_hash: point.feature_hash.clone(),
            x: point.x,
            y: point.y,
        });
        Ok(point.collect())
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
        let classification = self.nodes.get(&handle)?;
        // The one root attribute has the position 0.
        let attribute = classification.child(0);
        Ok(self.nodes.handle(attribute))
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
