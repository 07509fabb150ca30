//! Which feature of the ontology an agent means.

use super::error::{LabelError, listed};
use super::ontology::{Ontology, OntologyClassification, OntologyObject};

impl Ontology {
    /// The ontology object that an agent means, by feature hash or name, of one of some shapes.
    pub(super) fn object_feature(
        &self,
        feature: &str,
        shapes: &[&str],
    ) -> Result<&OntologyObject, LabelError> {
        let fits = |object: &&OntologyObject| shapes.contains(&object.shape.as_str());
        let found = self.resolve_object(feature, fits);
        match found {
            Resolved::One(object) => Ok(object),
            Resolved::Archived(object) => Err(archived("an object", &object.name)),
            Resolved::Unfit(object) => Err(LabelError::InvalidArgument(format!(
                "expected an ontology object of shape {}, found `{}` of shape `{}`",
                shapes_listed(shapes),
                object.name,
                object.shape
            ))),
            Resolved::Several(objects) => Err(ambiguous(
                "an object",
                feature,
                objects.iter().map(|object| object.feature_hash.as_str()),
            )),
            Resolved::None => {
                let fitting = self.objects().iter().filter(fits);
                let fitting = fitting.filter(|object| !object.archived);
                Err(LabelError::InvalidArgument(format!(
                    "expected the feature hash or the name of an ontology object of shape {}, found \
                     `{feature}`; the ontology has {}",
                    shapes_listed(shapes),
                    listed(fitting.map(|object| object.name.as_str()))
                )))
            }
        }
    }

    /// The ontology object whose instances an agent looks for. One that is archived can have some.
    pub(super) fn any_object_feature(&self, feature: &str) -> Result<&OntologyObject, LabelError> {
        match self.resolve_object(feature, |_| true) {
            Resolved::One(object) | Resolved::Unfit(object) | Resolved::Archived(object) => {
                Ok(object)
            }
            Resolved::Several(objects) => Err(ambiguous(
                "an object",
                feature,
                objects.iter().map(|object| object.feature_hash.as_str()),
            )),
            Resolved::None => Err(LabelError::InvalidArgument(format!(
                "expected the feature hash or the name of an ontology object, found `{feature}`; the \
                 ontology has {}",
                listed(self.objects().iter().map(|object| object.name.as_str()))
            ))),
        }
    }

    fn resolve_object(
        &self,
        feature: &str,
        fits: impl Fn(&&OntologyObject) -> bool,
    ) -> Resolved<'_, OntologyObject> {
        resolve(
            self.object(feature),
            self.objects().iter(),
            |object| object.name == feature,
            |object| !object.archived,
            fits,
        )
    }

    /// An ontology classification that is in use, by feature hash or title.
    pub(super) fn classification_feature(
        &self,
        feature: &str,
    ) -> Result<&OntologyClassification, LabelError> {
        match self.classification_to_read(feature)? {
            class if class.archived => Err(archived("a classification", &class.title)),
            class => Ok(class),
        }
    }

    /// An ontology classification, by feature hash or title. One that is archived is taken if none in use
    /// has the title.
    pub(super) fn classification_to_read(
        &self,
        feature: &str,
    ) -> Result<&OntologyClassification, LabelError> {
        let found = resolve(
            self.classification(feature),
            self.classifications().iter(),
            |class| class.title == feature,
            |class| !class.archived,
            |_| true,
        );
        match found {
            Resolved::One(class) | Resolved::Unfit(class) | Resolved::Archived(class) => Ok(class),
            Resolved::Several(classes) => Err(ambiguous(
                "a classification",
                feature,
                classes.iter().map(|class| class.feature_hash.as_str()),
            )),
            Resolved::None => {
                let classes = self.classifications().iter();
                let classes = classes.filter(|class| !class.archived);
                Err(LabelError::InvalidArgument(format!(
                    "expected the feature hash or the title of an ontology classification, found \
                     `{feature}`; the ontology has {}",
                    listed(classes.map(|class| class.title.as_str()))
                )))
            }
        }
    }
}

/// What a feature hash or a name stands for.
enum Resolved<'a, T> {
    One(&'a T),
    Several(Vec<&'a T>),
    Archived(&'a T),
    /// In use, but not what is needed.
    Unfit(&'a T),
    None,
}

/// A feature by its hash or, if there is none, by its name. One that is in use and fits goes before the
/// others of its name.
fn resolve<'a, T>(
    by_hash: Option<&'a T>,
    all: impl Iterator<Item = &'a T>,
    is_named: impl Fn(&T) -> bool,
    is_live: impl Fn(&T) -> bool,
    fits: impl Fn(&&T) -> bool,
) -> Resolved<'a, T> {
    let candidates: Vec<&T> = match by_hash {
        Some(feature) => vec![feature],
        None => all.filter(|feature| is_named(feature)).collect(),
    };
    let (live, gone): (Vec<&T>, Vec<&T>) =
        candidates.into_iter().partition(|feature| is_live(feature));
    let fitting: Vec<&T> = live
        .iter()
        .copied()
        .filter(|feature| fits(feature))
        .collect();
    match (fitting.as_slice(), live.first(), gone.first()) {
        ([feature], ..) => Resolved::One(feature),
        ([_, _, ..], ..) => Resolved::Several(fitting),
        ([], Some(unfit), _) => Resolved::Unfit(unfit),
        ([], None, Some(archived)) => Resolved::Archived(archived),
        ([], None, None) => Resolved::None,
    }
}

/// Shapes between backticks, for a message.
pub(super) fn shapes_listed(shapes: &[&str]) -> String {
    let shapes: Vec<String> = shapes.iter().map(|shape| format!("`{shape}`")).collect();
    shapes.join(" or ")
}

fn archived(what: &str, name: &str) -> LabelError {
    LabelError::InvalidArgument(format!(
        "expected {what} of the ontology that is in use, found `{name}`, which is archived"
    ))
}

fn ambiguous<'a>(what: &str, name: &str, hashes: impl Iterator<Item = &'a str>) -> LabelError {
    LabelError::InvalidArgument(format!(
        "expected the name of {what} of the ontology, found `{name}`, which several have: {}\n\
         help: name it by its feature hash",
        listed(hashes)
    ))
}
