//! A COCO document into label rows.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde_json::{Map, Value};

use super::answers;
use super::found::{Found, FoundAnnotation};
use super::geometry::geometry_of;
use super::matching::{Place, Places, choose, objects_of};
use crate::labels::{
    FrameRange, LabelError, LabelRow, Ontology, OntologyClassification, OntologyObject,
};
use crate::pixels::Size;

/// What of a document goes into which row.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    found: &'a Found,
    places: &'a [Place],
    /// For each row, in order.
    rows: BTreeMap<usize, RowPlan>,
}

#[derive(Debug, Default)]
struct RowPlan {
    /// Positions of annotations, with their place and frame.
    annotations: Vec<(usize, usize, u32)>,
    /// Positions of images that are classified, with their place and frame.
    images: Vec<(usize, usize, u32)>,
}

/// What was imported, and what was not.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) annotations: usize,
    pub(crate) objects: usize,
    pub(crate) classifications: usize,
    /// Rows that have changed.
    pub(crate) rows: usize,
    /// Sentences, and how often each is true, in the order in which they came up.
    failures: Vec<(String, usize)>,
    number_of_failure: HashMap<String, usize>,
}

impl Report {
    fn fail(&mut self, message: String, count: usize) {
        match self.number_of_failure.get(&message) {
            Some(number) => self.failures[*number].1 += count,
            None => {
                let number = self.failures.len();
                self.number_of_failure.insert(message.clone(), number);
                self.failures.push((message, count));
            }
        }
    }

    /// What was not imported: a reason, and how many labels it was the reason for.
    pub(crate) fn failures(&self) -> &[(String, usize)] {
        &self.failures
    }

    /// How many labels were not.
    pub(crate) fn failed(&self) -> usize {
        self.failures.iter().map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} annotations as {} objects and {} classifications, in {} label rows",
            self.annotations, self.objects, self.classifications, self.rows
        )
    }
}

impl<'a> Plan<'a> {
    /// Finds the data unit of every image that has labels. What has none is in the report.
    pub(crate) fn new(found: &'a Found, places: &'a [Place], report: &mut Report) -> Self {
        let index = Places::new(places);
        let mut labels = vec![0_usize; found.images.len()];
        for (image, _) in &found.places {
            labels[*image] += 1;
        }
        let mut rows: BTreeMap<usize, RowPlan> = BTreeMap::new();
        let mut place_of_image = vec![None; found.images.len()];
        for (position, image) in found.images.iter().enumerate() {
            let classified = image.classifications.as_ref().map_or(0, Map::len);
            if labels[position] + classified == 0 {
                continue;
            }
            match index.find(image) {
                Ok((place, frame)) => {
                    place_of_image[position] = Some((place, frame));
                    if classified > 0 {
                        let row = rows.entry(places[place].row).or_default();
                        row.images.push((position, place, frame));
                    }
                }
                Err(reason) => report.fail(reason, labels[position] + classified),
            }
        }
        for (annotation, (image, _)) in found.places.iter().enumerate() {
            if let Some((place, frame)) = place_of_image[*image] {
                let row = rows.entry(places[place].row).or_default();
                row.annotations.push((annotation, place, frame));
            }
        }
        Self {
            found,
            places,
            rows,
        }
    }

    /// The rows that something goes into, in order.
    pub(crate) fn rows(&self) -> Vec<usize> {
        self.rows.keys().copied().collect()
    }

    #[cfg(test)]
    pub(super) fn first_place(&self) -> Option<(usize, u32)> {
        let row = self.rows.values().next()?;
        let (_, place, frame) = row.annotations.first()?;
        Some((*place, *frame))
    }

    /// Adds what belongs to a row. What cannot be added is in the report.
    pub(crate) fn apply(&self, number: usize, row: &mut LabelRow, report: &mut Report) {
        let Some(plan) = self.rows.get(&number) else {
            return;
        };
        let ontology = row.ontology().clone();
        // The object of each track. Those of other categories, and of other parts of a group, may count from the start
        // again.
        let mut objects: HashMap<(usize, Option<&str>, String), String> = HashMap::new();
        for (position, place, frame) in &plan.annotations {
            let annotation = &self.found.annotations[*position];
            let (image, category) = self.found.places[*position];
            let space = self.places[*place].space.as_deref();
            let track = annotation.track().map(|track| (category, space, track));
            let known = track.as_ref().and_then(|track| objects.get(track)).cloned();
            // Two of a track on one frame are two objects.
            let known = known.filter(|hash| {
                let object = row.object(hash);
                object.is_some_and(|object| object.annotation(*frame).is_none())
            });
            let added = Adding {
                found: self.found,
                image,
                category,
                annotation,
                place: &self.places[*place],
                frame: *frame,
            };
            match added.add(row, &ontology, known, report) {
                Ok((hash, is_new)) => {
                    report.annotations += 1;
                    report.objects += usize::from(is_new);
                    if let Some(track) = track {
                        objects.insert(track, hash);
                    }
                }
                Err(reason) => {
                    let category = &self.found.categories[category].name;
                    let image = self.found.images[image].name();
                    report.fail(format!("`{category}` on `{image}`: {reason}"), 1);
                }
            }
        }
        self.classify(plan, row, &ontology, report);
        report.rows += usize::from(row.is_edited());
    }

    /// Images that say the same of a classification become one, with all their frames.
    fn classify(
        &self,
        plan: &RowPlan,
        row: &mut LabelRow,
        ontology: &Ontology,
        report: &mut Report,
    ) {
        let mut all: Vec<Said<'_>> = Vec::new();
        for (image, place, frame) in &plan.images {
            let space = self.places[*place].space.as_deref();
            for (title, answer) in self.found.images[*image].classifications.iter().flatten() {
                let same = all.iter_mut().find(|said| {
                    said.title == title && said.answer == answer && said.space == space
                });
                match same {
                    Some(said) => said.frames.push(FrameRange::single(*frame)),
                    None => all.push(Said {
                        title,
                        answer,
                        space,
                        frames: vec![FrameRange::single(*frame)],
                        image: *image,
                    }),
                }
            }
        }
        for said in all {
            let images = said.frames.len();
            let title = said.title;
            let mut known = ontology.classifications().iter();
            let known = known.find(|known| known.title == *title && !known.archived);
            let Some(known) = known else {
                let message = format!("no classification of the ontology is called `{title}`");
                report.fail(message, images);
                continue;
            };
            match said.add(known, row, report) {
                Ok(()) => report.classifications += 1,
                Err(reason) => {
                    let name = self.found.images[said.image].name();
                    report.fail(format!("`{title}` on `{name}`: {reason}"), images);
                }
            }
        }
    }
}

/// What images say of a classification.
struct Said<'a> {
    title: &'a str,
    answer: &'a Value,
    space: Option<&'a str>,
    frames: Vec<FrameRange>,
    /// The first of them.
    image: usize,
}

impl Said<'_> {
    fn add(
        &self,
        known: &OntologyClassification,
        row: &mut LabelRow,
        report: &mut Report,
    ) -> Result<(), String> {
        let root = &known.attribute;
        let flat = match self.answer {
            Value::Object(flat) => flat.clone(),
            answer => Map::from_iter([(root.name.clone(), answer.clone())]),
        };
        let mut failures = Vec::new();
        let attributes = std::slice::from_ref(root);
        let answers = answers::given(attributes, &flat, &mut |failure| failures.push(failure));
        if answers.is_empty() {
            let reason = failures.into_iter().next();
            return Err(reason.unwrap_or_else(|| "it has no answer".to_owned()));
        }
        let (frames, space) = if known.global {
            (None, None)
        } else {
            (Some(self.frames.as_slice()), self.space)
        };
        row.add_classification(&known.feature_hash, &answers, frames, space)
            .map_err(|error| reason(&error))?;
        for failure in failures {
            report.fail(format!("an answer of `{}`: {failure}", known.title), 1);
        }
        Ok(())
    }
}

/// An annotation, and where it goes.
struct Adding<'a> {
    found: &'a Found,
    image: usize,
    category: usize,
    annotation: &'a FoundAnnotation,
    place: &'a Place,
    frame: u32,
}

impl Adding<'_> {
    /// Adds it, to an object that is known or as a new one: its hash, and whether it is new.
    ///
    /// Errors: a sentence that says why it is not added.
    fn add(
        &self,
        row: &mut LabelRow,
        ontology: &Ontology,
        known: Option<String>,
        report: &mut Report,
    ) -> Result<(String, bool), String> {
        let category = &self.found.categories[self.category];
        let objects = objects_of(category, ontology);
        let object = choose(self.annotation, &objects)?;
        let geometry = geometry_of(self.annotation, category, object, self.size()?)?;
        let frames = [FrameRange::single(self.frame)];
        let space = self.place.space.as_deref();
        let is_new = known.is_none();
        let hash = match known {
            Some(hash) => row.draw(&hash, &geometry, &frames, space).map(|()| hash),
            None => row.add_object(&object.feature_hash, &geometry, &frames, space),
        };
        let hash = hash.map_err(|error| reason(&error))?;
        if let Some(confidence) = self.annotation.confidence() {
            let confidence = confidence.clamp(0.0, 1.0);
            row.set_object_confidence_on(&hash, confidence, &frames)
                .map_err(|error| reason(&error))?;
        }
        if self.annotation.attribute("manual_annotation") == Some(&Value::Bool(true)) {
            row.set_object_manual_annotation_on(&hash, true, &frames)
                .map_err(|error| reason(&error))?;
        }
        self.answer(row, object, &hash, &frames, report);
        Ok((hash, is_new))
    }

    /// That the document states, or that of the data unit.
    fn size(&self) -> Result<Size, String> {
        let image = &self.found.images[self.image];
        let pixels = |number: Option<f64>| {
            // A cast of what is negative or too large saturates.
            number.map_or(0, |number| number.round() as u32)
        };
        Size::new(pixels(image.width), pixels(image.height))
            .or(self.place.size)
            .ok_or_else(|| {
                "neither the file nor the project says how large the image is".to_owned()
            })
    }

    /// An answer that is not understood does not keep the object from being imported.
    fn answer(
        &self,
        row: &mut LabelRow,
        object: &OntologyObject,
        hash: &str,
        frames: &[FrameRange],
        report: &mut Report,
    ) {
        let Some(flat) = self.annotation.answers() else {
            return;
        };
        let (dynamic, fixed): (Vec<_>, Vec<_>) = object
            .attributes
            .iter()
            .cloned()
            .partition(|attribute| attribute.dynamic);
        for (attributes, frames) in [(fixed, None), (dynamic, Some(frames))] {
            let mut failures = Vec::new();
            let answers = answers::given(&attributes, flat, &mut |failure| failures.push(failure));
            if !answers.is_empty()
                && let Err(error) = row.set_object_answers(hash, &answers, frames)
            {
                failures.push(reason(&error));
            }
            for failure in failures {
                report.fail(format!("an answer of `{}`: {failure}", object.name), 1);
            }
        }
    }
}

/// Without the advice, which is for those who call the function.
fn reason(error: &LabelError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
