//! The project and its ontology.

use std::sync::Arc;

use crate::bindings::runner::stage::ontology as wit;
use crate::bindings::runner::stage::workflow;
use crate::{
    Attribute, AttributeOption, Error, OntologyClassification, OntologyObject, Result,
    WorkflowStage,
};

/// The project that a task belongs to.
#[derive(Debug)]
pub struct Project {
    project: workflow::Project,
}

impl Project {
    pub(crate) fn new(project: workflow::Project) -> Self {
        Self { project }
    }

    /// The UUID in the project's address.
    pub fn project_hash(&self) -> String {
        self.project.project_hash()
    }

    /// What people call it.
    pub fn title(&self) -> String {
        self.project.title()
    }

    /// What people wrote about it.
    pub fn description(&self) -> String {
        self.project.description()
    }

    /// RFC 3339 in UTC.
    pub fn created_at(&self) -> String {
        self.project.created_at()
    }

    /// RFC 3339 in UTC.
    pub fn last_edited_at(&self) -> String {
        self.project.last_edited_at()
    }

    /// The stages of the workflow that Encord lists, of every type.
    pub fn stages(&self) -> Vec<WorkflowStage> {
        self.project.stages()
    }

    /// What may be labelled in it.
    pub fn ontology(&self) -> Ontology {
        Ontology::new(self.project.ontology())
    }
}

/// What may be labelled in a project, and with which attributes. Every list is in the order of the ontology editor.
/// A clone is another handle of the same ontology.
#[derive(Clone, Debug)]
pub struct Ontology {
    ontology: Arc<wit::Ontology>,
}

impl Ontology {
    pub(crate) fn new(ontology: wit::Ontology) -> Self {
        Self {
            ontology: Arc::new(ontology),
        }
    }

    /// The UUID of the ontology.
    pub fn ontology_hash(&self) -> String {
        self.ontology.ontology_hash()
    }

    /// What people call it.
    pub fn title(&self) -> String {
        self.ontology.title()
    }

    /// What people wrote about it.
    pub fn description(&self) -> String {
        self.ontology.description()
    }

    /// All objects, archived ones included.
    pub fn objects(&self) -> Vec<OntologyObject> {
        self.ontology.objects()
    }

    /// All classifications, archived ones included.
    pub fn classifications(&self) -> Vec<OntologyClassification> {
        self.ontology.classifications()
    }

    /// The object with this feature hash or, if no hash is equal, the one of exactly this name that is not archived.
    /// Absent if there is none; the first in order if several share the name.
    pub fn find_object(&self, feature_hash_or_name: &str) -> Option<OntologyObject> {
        self.ontology.find_object(feature_hash_or_name)
    }

    /// The classification with this feature hash or, if no hash is equal, the one of exactly this title that is not
    /// archived. Absent if there is none; the first in order if several share the title.
    pub fn find_classification(
        &self,
        feature_hash_or_title: &str,
    ) -> Option<OntologyClassification> {
        self.ontology.find_classification(feature_hash_or_title)
    }

    /// A JSON Schema (draft 2020-12), as JSON text, of answers to these features, for a language model to answer in.
    /// Features are given by feature hash or exact name, either classifications or objects: of classifications an
    /// answer has one of each, of objects it chooses one. Dynamic and archived attributes are left out.
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn ask(schema: String) -> String { schema }
    /// # fn agent(row: LabelRow, ontology: Ontology) -> Result<()> {
    /// let features = ["Weather", "Time of day"];
    /// let answer = ask(ontology.json_schema(features)?);
    /// row.add_classifications_from_json(features, &answer)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are none, if one is unknown, ambiguous or archived, or if both kinds are
    /// mixed.
    pub fn json_schema<I>(&self, features: I) -> Result<String, Error>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let features: Vec<String> = features.into_iter().map(Into::into).collect();
        self.ontology.json_schema(&features)
    }

    /// The structure as Encord sends it, as JSON text: keys `objects`, `classifications`, …
    pub fn to_json(&self) -> String {
        self.ontology.to_json()
    }
}

impl OntologyObject {
    /// The attribute with this feature hash or, if no hash is equal, of exactly this name; of the first level, and not
    /// archived unless given by its hash. Absent if there is none; the first in order if several share the name.
    pub fn find_attribute(&self, feature_hash_or_name: &str) -> Option<Attribute> {
        find_attribute(self.attributes(), feature_hash_or_name)
    }
}

impl Attribute {
    /// The option with this feature hash or, if no hash is equal, of exactly this label, or of this value; not
    /// archived unless given by its hash. Absent if there is none.
    ///
    /// ```no_run
    /// # use runner_sdk::prelude::*;
    /// # fn agent(ontology: Ontology) -> Option<()> {
    /// let colour = ontology.find_object("Car")?.find_attribute("Colour")?;
    /// let shade = colour.find_option("Red")?.find_attribute("Shade")?;
    /// info!("{} is a question for {}", shade.name(), shade.property_type());
    /// # Some(())
    /// # }
    /// ```
    pub fn find_option(&self, feature_hash_label_or_value: &str) -> Option<AttributeOption> {
        let mut options = self.options();
        let wanted = feature_hash_label_or_value;
        let position = options
            .iter()
            .position(|option| option.feature_hash() == wanted);
        let position = position.or_else(|| {
            let open = |option: &AttributeOption| !option.archived();
            let by_label = |option: &AttributeOption| option.label() == wanted && open(option);
            let by_value = |option: &AttributeOption| option.value() == wanted && open(option);
            let labelled = options.iter().position(by_label);
            labelled.or_else(|| options.iter().position(by_value))
        });
        Some(options.swap_remove(position?))
    }
}

impl AttributeOption {
    /// The attribute that choosing it asks, with this feature hash or, if no hash is equal, of exactly this name; not
    /// archived unless given by its hash. Absent if there is none; the first in order if several share the name.
    pub fn find_attribute(&self, feature_hash_or_name: &str) -> Option<Attribute> {
        find_attribute(self.attributes(), feature_hash_or_name)
    }
}

fn find_attribute(mut attributes: Vec<Attribute>, wanted: &str) -> Option<Attribute> {
    let position = attributes
        .iter()
        .position(|attribute| attribute.feature_hash() == wanted);
    let position = position.or_else(|| {
        attributes
            .iter()
            .position(|attribute| attribute.name() == wanted && !attribute.archived())
    });
    Some(attributes.swap_remove(position?))
}
