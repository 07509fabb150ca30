//! Which features of one ontology stand for which of another, when labels go from a row to another.

use std::collections::{HashMap, HashSet};

use super::error::{LabelError, listed};
use super::ontology::{
    Attribute, AttributeOption, Ontology, OntologyClassification, OntologyObject,
};

/// The features of a source and what they become in a target.
pub(super) struct Matching<'a> {
    objects: HashMap<&'a str, Found<OfObject<'a>>>,
    classifications: HashMap<&'a str, Found<OfClassification<'a>>>,
}

/// What was found for a feature.
pub(super) enum Found<T> {
    Match(T),
    /// A sentence says why there is none.
    LeftOut(String),
    /// It goes without saying: the caller does not want it, or what it depends on is left out.
    Unwanted,
}

/// An object of the target, with the attributes of the source's.
pub(super) struct OfObject<'a> {
    pub(super) target: &'a OntologyObject,
    pub(super) attributes: Attributes<'a>,
}

/// A classification of the target, with the attributes of the source's.
pub(super) struct OfClassification<'a> {
    pub(super) target: &'a OntologyClassification,
    pub(super) attributes: Attributes<'a>,
}

/// Attributes of one feature, those behind options among them, by feature hash in the source.
pub(super) type Attributes<'a> = HashMap<&'a str, Found<OfAttribute<'a>>>;

/// An attribute of the target, with the options of the source's by feature hash.
pub(super) struct OfAttribute<'a> {
    pub(super) target: &'a Attribute,
    pub(super) options: HashMap<&'a str, Found<&'a AttributeOption>>,
}

impl<'a> Matching<'a> {
    /// Without pairs, a feature stands for the one of its feature hash and shape or, if there is none, for
    /// the one of its name and shape that is not archived; attributes and options likewise. With pairs,
    /// objects and classifications are those in a pair, and attributes and options are found as without,
    /// unless they are in one.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if a pair names what is not there, or several, or joins what is not
    /// of one shape, or if a feature of the source is in several pairs.
    pub(super) fn of(
        source: &'a Ontology,
        target: &'a Ontology,
        pairs: Option<&[(String, String)]>,
    ) -> Result<Self, LabelError> {
        let Some(pairs) = pairs else {
            return Ok(Self::by_hash_and_name(source, target));
        };
        let pairs = Pairs::read(source, target, pairs)?;
        let object = |object: &'a OntologyObject| {
            let found = pairs.objects.get(object.feature_hash.as_str());
            let found = found.map_or(Found::Unwanted, |target| {
                Found::Match(of_object(object, target, &pairs))
            });
            (object.feature_hash.as_str(), found)
        };
        let classification = |class: &'a OntologyClassification| {
            let found = pairs.classifications.get(class.feature_hash.as_str());
            let found = found.map_or(Found::Unwanted, |target| {
                Found::Match(of_classification(class, target, &pairs))
            });
            (class.feature_hash.as_str(), found)
        };
        Ok(Self {
            objects: source.objects().iter().map(object).collect(),
            classifications: source
                .classifications()
                .iter()
                .map(classification)
                .collect(),
        })
    }

    fn by_hash_and_name(source: &'a Ontology, target: &'a Ontology) -> Self {
        let pairs = Pairs::default();
        let object = |object: &'a OntologyObject| {
            let fits = |other: &&OntologyObject| other.shape == object.shape;
            let by_hash = target.object(&object.feature_hash).filter(fits);
            let named = target
                .objects()
                .iter()
                .filter(|other| other.name == object.name && !other.archived && fits(other));
            let found = by_hash_or_name(by_hash, named, |other| &other.feature_hash);
            let found = match found {
                Ok(other) => Found::Match(of_object(object, other, &pairs)),
                Err(reason) => Found::LeftOut(format!(
                    "the object `{}` was left out: {}",
                    object.name,
                    reason.of(&format!(
                        "object of that name with the shape `{}`",
                        object.shape
                    ))
                )),
            };
            (object.feature_hash.as_str(), found)
        };
        let classification = |class: &'a OntologyClassification| {
            let fits = |other: &&OntologyClassification| {
                other.global == class.global && is_alike(&other.attribute, &class.attribute)
            };
            let by_hash = target.classification(&class.feature_hash).filter(fits);
            let named = target
                .classifications()
                .iter()
                .filter(|other| other.title == class.title && !other.archived && fits(other));
            let found = by_hash_or_name(by_hash, named, |other| &other.feature_hash);
            let found = match found {
                Ok(other) => Found::Match(of_classification(class, other, &pairs)),
                Err(reason) => Found::LeftOut(format!(
                    "the classification `{}` was left out: {}",
                    class.title,
                    reason.of(&format!(
                        "classification of that title that is {} and of kind `{}`",
                        level(class),
                        class.attribute.kind
                    ))
                )),
            };
            (class.feature_hash.as_str(), found)
        };
        Self {
            objects: source.objects().iter().map(object).collect(),
            classifications: source
                .classifications()
                .iter()
                .map(classification)
                .collect(),
        }
    }

    /// What an object of the source becomes; none if the source does not have it.
    pub(super) fn object(&self, feature_hash: &str) -> Option<&Found<OfObject<'a>>> {
        self.objects.get(feature_hash)
    }

    /// What a classification of the source becomes; none if the source does not have it.
    pub(super) fn classification(
        &self,
        feature_hash: &str,
    ) -> Option<&Found<OfClassification<'a>>> {
        self.classifications.get(feature_hash)
    }
}

/// Why nothing was found.
enum Reason {
    None,
    Several(Vec<String>),
}

impl Reason {
    fn of(&self, what: &str) -> String {
        match self {
            Self::None => format!("the row's ontology has no {what}"),
            Self::Several(hashes) => format!(
                "the row's ontology has more than one {what}: {}",
                listed(hashes.iter().map(String::as_str))
            ),
        }
    }
}

fn by_hash_or_name<'a, T>(
    by_hash: Option<&'a T>,
    named: impl Iterator<Item = &'a T>,
    hash: impl Fn(&T) -> &String,
) -> Result<&'a T, Reason> {
    if let Some(found) = by_hash {
        return Ok(found);
    }
    let named: Vec<&T> = named.collect();
    match named.as_slice() {
        [] => Err(Reason::None),
        [found] => Ok(found),
        several => Err(Reason::Several(
            several.iter().map(|found| hash(found).clone()).collect(),
        )),
    }
}

fn of_object<'a>(
    source: &'a OntologyObject,
    target: &'a OntologyObject,
    pairs: &Pairs<'a>,
) -> OfObject<'a> {
    let mut attributes = Attributes::new();
    level_of(
        &source.attributes,
        &target.attributes,
        &source.name,
        pairs,
        &mut attributes,
    );
    OfObject { target, attributes }
}

fn of_classification<'a>(
    source: &'a OntologyClassification,
    target: &'a OntologyClassification,
    pairs: &Pairs<'a>,
) -> OfClassification<'a> {
    let mut attributes = Attributes::new();
    // Of root attributes there is one each, whatever their names are.
    let (root, other) = (&source.attribute, &target.attribute);
    let found = of_attribute(root, other, &source.title, pairs, &mut attributes);
    attributes.insert(&root.feature_hash, Found::Match(found));
    OfClassification { target, attributes }
}

/// Attributes that are asked together. `place` is the name of the feature, for messages.
fn level_of<'a>(
    sources: &'a [Attribute],
    targets: &'a [Attribute],
    place: &str,
    pairs: &Pairs<'a>,
    into: &mut Attributes<'a>,
) {
    for source in sources {
        let fits = |other: &&Attribute| is_alike(other, source);
        let found = match pairs.attributes.get(source.feature_hash.as_str()) {
            Some(paired) => {
                let is_it = |other: &&Attribute| paired.contains(other.feature_hash.as_str());
                let named = targets.iter().filter(|other| is_it(other) && fits(other));
                by_hash_or_name(None, named, |other| &other.feature_hash)
            }
            None => {
                let is_it = |other: &&Attribute| other.feature_hash == source.feature_hash;
                let by_hash = targets.iter().find(|other| is_it(other) && fits(other));
                let named = targets
                    .iter()
                    .filter(|other| other.name == source.name && !other.archived && fits(other));
                by_hash_or_name(by_hash, named, |other| &other.feature_hash)
            }
        };
        let found = match found {
            Ok(target) => Found::Match(of_attribute(source, target, place, pairs, into)),
            Err(reason) => {
                for option in &source.options {
                    leave_behind(&option.attributes, into);
                }
                let dynamic = if source.dynamic { "dynamic " } else { "" };
                Found::LeftOut(format!(
                    "the attribute `{}` of `{place}` was left out: {}",
                    source.name,
                    reason.of(&format!(
                        "{dynamic}attribute of kind `{}` in its place",
                        source.kind
                    ))
                ))
            }
        };
        into.insert(&source.feature_hash, found);
    }
}

fn of_attribute<'a>(
    source: &'a Attribute,
    target: &'a Attribute,
    place: &str,
    pairs: &Pairs<'a>,
    into: &mut Attributes<'a>,
) -> OfAttribute<'a> {
    let mut options = HashMap::new();
    for option in &source.options {
        let found = match pairs.options.get(option.feature_hash.as_str()) {
            Some(paired) => {
                let all = target.options.iter();
                let named = all.filter(|other| paired.contains(other.feature_hash.as_str()));
                by_hash_or_name(None, named, |other| &other.feature_hash)
            }
            None => {
                let mut all = target.options.iter();
                let by_hash = all.find(|other| other.feature_hash == option.feature_hash);
                let all = target.options.iter();
                let named = all.filter(|other| other.label == option.label && !other.archived);
                by_hash_or_name(by_hash, named, |other| &other.feature_hash)
            }
        };
        let found = match found {
            Ok(other) => {
                level_of(&option.attributes, &other.attributes, place, pairs, into);
                Found::Match(other)
            }
            Err(reason) => {
                leave_behind(&option.attributes, into);
                Found::LeftOut(format!(
                    "the option `{}` of `{}` of `{place}` was left out: {}",
                    option.label,
                    source.name,
                    reason.of("option in its place")
                ))
            }
        };
        options.insert(option.feature_hash.as_str(), found);
    }
    OfAttribute { target, options }
}

/// What is behind something that is left out is not told on its own.
fn leave_behind<'a>(attributes: &'a [Attribute], into: &mut Attributes<'a>) {
    for attribute in attributes {
        attribute.visit(&mut |attribute| {
            into.insert(&attribute.feature_hash, Found::Unwanted);
        });
    }
}

/// True if an answer to one can be the answer to the other.
fn is_alike(one: &Attribute, other: &Attribute) -> bool {
    one.kind == other.kind && one.dynamic == other.dynamic
}

fn level(classification: &OntologyClassification) -> &'static str {
    if classification.global {
        "global"
    } else {
        "not global"
    }
}

/// Pairs that a caller gave: feature hashes of the source, and what each stands for.
#[derive(Default)]
struct Pairs<'a> {
    objects: HashMap<&'a str, &'a OntologyObject>,
    classifications: HashMap<&'a str, &'a OntologyClassification>,
    /// A name may be that of attributes of several features; each finds the one in its place.
    attributes: HashMap<&'a str, HashSet<&'a str>>,
    options: HashMap<&'a str, HashSet<&'a str>>,
}

impl<'a> Pairs<'a> {
    fn read(
        source: &'a Ontology,
        target: &'a Ontology,
        pairs: &[(String, String)],
    ) -> Result<Self, LabelError> {
        let mut read = Self::default();
        for (from, to) in pairs {
            let sources = Named::of(source, from);
            let targets = Named::of(target, to);
            for (named, wanted, whose) in [
                (&sources, from, "the source's ontology"),
                (&targets, to, "the row's ontology"),
            ] {
                if named.is_empty() {
                    return Err(LabelError::InvalidArgument(format!(
                        "expected the feature hash or the name of a feature of {whose} that is in use, \
                         found `{wanted}`"
                    )));
                }
            }
            read.join(&sources, &targets, from, to)?;
        }
        Ok(read)
    }

    fn join(
        &mut self,
        sources: &Named<'a>,
        targets: &Named<'a>,
        from: &str,
        to: &str,
    ) -> Result<(), LabelError> {
        let objects = combined(&sources.objects, &targets.objects, |one, other| {
            one.shape == other.shape
        });
        let classes = combined(
            &sources.classifications,
            &targets.classifications,
            |one, other| one.global == other.global && is_alike(&one.attribute, &other.attribute),
        );
        match (objects.as_slice(), classes.as_slice()) {
            ([], []) => {}
            ([(one, other)], []) => {
                let earlier = self.objects.insert(&one.feature_hash, other);
                return once(earlier.is_none_or(|earlier| earlier == *other), from);
            }
            ([], [(one, other)]) => {
                let earlier = self.classifications.insert(&one.feature_hash, other);
                return once(earlier.is_none_or(|earlier| earlier == *other), from);
            }
            _ => {
                return Err(LabelError::InvalidArgument(format!(
                    "expected the names of one feature each, found `{from}` and `{to}`, which several have\n\
                     help: name them by their feature hashes"
                )));
            }
        }
        // Several attributes may have the name: each finds the one that is in its place.
        let attributes = combined(&sources.attributes, &targets.attributes, |one, other| {
            is_alike(one, other)
        });
        for (one, other) in &attributes {
            let paired = self.attributes.entry(&one.feature_hash).or_default();
            paired.insert(other.feature_hash.as_str());
        }
        if !attributes.is_empty() {
            return Ok(());
        }
        let options = combined(&sources.options, &targets.options, |_, _| true);
        for (one, other) in &options {
            let paired = self.options.entry(&one.feature_hash).or_default();
            paired.insert(other.feature_hash.as_str());
        }
        if !options.is_empty() {
            return Ok(());
        }
        Err(LabelError::InvalidArgument(format!(
            "expected a pair of features of one kind and shape, found `{from}`, {}, and `{to}`, {}",
            sources.described(),
            targets.described()
        )))
    }
}

fn once(is_first: bool, from: &str) -> Result<(), LabelError> {
    if is_first {
        return Ok(());
    }
    Err(LabelError::InvalidArgument(format!(
        "expected one pair for `{from}`, found several"
    )))
}

fn combined<'a, T>(
    sources: &[&'a T],
    targets: &[&'a T],
    fits: impl Fn(&T, &T) -> bool,
) -> Vec<(&'a T, &'a T)> {
    let all = sources
        .iter()
        .flat_map(|one| targets.iter().map(move |other| (*one, *other)));
    all.filter(|(one, other)| fits(one, other)).collect()
}

/// Everything in an ontology that has a feature hash or, if nothing has it, a name, and is in use.
#[derive(Default)]
struct Named<'a> {
    objects: Vec<&'a OntologyObject>,
    classifications: Vec<&'a OntologyClassification>,
    attributes: Vec<&'a Attribute>,
    options: Vec<&'a AttributeOption>,
}

impl<'a> Named<'a> {
    fn of(ontology: &'a Ontology, wanted: &str) -> Self {
        let by_hash = Self::where_it(ontology, |hash, _, _| hash == wanted);
        if !by_hash.is_empty() {
            return by_hash;
        }
        Self::where_it(ontology, |_, name, archived| name == wanted && !archived)
    }

    /// `is` is asked with the feature hash, the name and whether it is archived.
    fn where_it(ontology: &'a Ontology, is: impl Fn(&str, &str, bool) -> bool) -> Self {
        let mut named = Self::default();
        let mut visit = |attribute: &'a Attribute, is_root: bool| {
            // The root attribute of a classification stands for it, and finds the other's on its own.
            if !is_root && is(&attribute.feature_hash, &attribute.name, attribute.archived) {
                named.attributes.push(attribute);
            }
            let options = attribute.options.iter();
            named.options.extend(
                options.filter(|option| is(&option.feature_hash, &option.label, option.archived)),
            );
        };
        for object in ontology.objects() {
            for attribute in &object.attributes {
                attribute.visit(&mut |attribute| visit(attribute, false));
            }
        }
        for classification in ontology.classifications() {
            let root = &classification.attribute;
            root.visit(&mut |attribute| visit(attribute, std::ptr::eq(attribute, root)));
        }
        let objects = ontology.objects().iter();
        named.objects = objects
            .filter(|object| is(&object.feature_hash, &object.name, object.archived))
            .collect();
        let classifications = ontology.classifications().iter();
        named.classifications = classifications
            .filter(|class| {
                is(&class.feature_hash, &class.title, class.archived)
                    || is(&class.attribute.feature_hash, &class.title, class.archived)
            })
            .collect();
        named
    }

    fn is_empty(&self) -> bool {
        self.objects.is_empty()
            && self.classifications.is_empty()
            && self.attributes.is_empty()
            && self.options.is_empty()
    }

    /// What the first of them is, for a message.
    fn described(&self) -> String {
        if let Some(object) = self.objects.first() {
            return format!("an object of shape `{}`", object.shape);
        }
        if let Some(class) = self.classifications.first() {
            let (level, kind) = (level(class), &class.attribute.kind);
            return format!("a classification that is {level} and of kind `{kind}`");
        }
        if let Some(attribute) = self.attributes.first() {
            let dynamic = if attribute.dynamic { "a dynamic" } else { "an" };
            return format!("{dynamic} attribute of kind `{}`", attribute.kind);
        }
        "an option".to_owned()
    }
}
