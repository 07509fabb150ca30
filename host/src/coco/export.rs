//! Label rows to a COCO document.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde_json::{Map, Value};

use super::answers;
use super::format::{Annotation, Attributes, Category, Document, Image, Info};
use super::shape::{POINT, SHAPES, exact, shape_of};
use crate::labels::{
    Answer, ClassificationInstance, DynamicAnswer, FrameRange, Geometry, LabelRow, ObjectInstance,
    Ontology, OntologyObject,
};
use crate::pixels::{Size, edges};

/// Rows whose units are images.
const IMAGES: [&str; 2] = ["image", "img_group"];
/// Rows with frames that have a size.
const FRAMES: [&str; 3] = ["video", "dicom", "nifti"];

/// Collects label rows.
#[derive(Debug)]
pub(crate) struct Exporter {
    categories: HashMap<String, u32>,
    document: Document,
    tracks: u32,
    left_out: LeftOut,
}

/// What COCO has no place for: what it is, and how often.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct LeftOut(BTreeMap<String, usize>);

impl LeftOut {
    fn add(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (what, count)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{what} ({count})")?;
        }
        Ok(())
    }
}

/// An image of the document while its row is gone through.
struct Page {
    /// In data groups.
    space: Option<String>,
    frame: u32,
    id: u32,
    size: Size,
    annotations: Vec<Annotation>,
}

/// An image of a row.
struct Picture<'a> {
    space: Option<&'a str>,
    hash: &'a str,
    title: &'a str,
    file: Option<&'a str>,
    size: Option<Size>,
    frame: u32,
}

/// A video of a row.
struct Film<'a> {
    space: Option<&'a str>,
    hash: &'a str,
    title: &'a str,
    size: Option<Size>,
    frames: u32,
}

impl Exporter {
    /// `title` is the project's.
    pub(crate) fn new(title: &str, ontology: &Ontology) -> Self {
        let drawn = ontology.objects().iter();
        let drawn = drawn.filter(|object| SHAPES.contains(&object.shape.as_str()));
        let categories: Vec<_> = (1..)
            .zip(drawn)
            .map(|(id, object)| category(id, object, edges(ontology, object)))
            .collect();
        Self {
            categories: categories
                .iter()
                .map(|category| (category.encord_feature_hash.clone(), category.id))
                .collect(),
            document: Document {
                info: Info {
                    description: title.to_owned(),
                },
                licenses: [],
                categories,
                images: Vec::new(),
                annotations: Vec::new(),
            },
            tracks: 0,
            left_out: LeftOut::default(),
        }
    }

    /// Adds the images of a row, and what is labelled on them. Of a video only the frames with labels become images.
    pub(crate) fn add(&mut self, row: &LabelRow) {
        let mut pages = match row.data_type() {
            kind if IMAGES.contains(&kind) => self.images(row),
            kind if FRAMES.contains(&kind) => {
                let film = Film {
                    space: None,
                    hash: row.data_hash(),
                    title: row.data_title(),
                    size: size(row.width(), row.height()),
                    frames: row.number_of_frames(),
                };
                self.frames(row, &film)
            }
            "group" => self.parts(row),
            _ => Vec::new(),
        };
        for object in row.objects() {
            self.object(&object, &mut pages);
        }
        for classification in row.classifications() {
            self.classification(&classification, &pages);
        }
        for mut page in pages {
            for mut annotation in page.annotations.drain(..) {
                annotation.id = next(self.document.annotations.len());
                self.document.annotations.push(annotation);
            }
        }
    }

    /// The document, and what is not in it. Files of one name get that of the folder, which is the data hash.
    pub(crate) fn finish(mut self) -> (Document, LeftOut) {
        let mut names: HashMap<String, BTreeSet<String>> = HashMap::new();
        for image in &self.document.images {
            let hashes = names.entry(image.file_name.clone()).or_default();
            hashes.insert(image.encord_data_hash.clone());
        }
        for image in &mut self.document.images {
            if names[&image.file_name].len() > 1 {
                image.file_name = format!("{}/{}", image.encord_data_hash, image.file_name);
            }
        }
        (self.document, self.left_out)
    }

    fn images(&mut self, row: &LabelRow) -> Vec<Page> {
        let document = row.to_document();
        let mut pages = Vec::new();
        for unit in row.data_units() {
            let link = document
                .get("data_units")
                .and_then(|units| units.get(&unit.data_hash)?.get("data_link")?.as_str());
            let picture = Picture {
                space: None,
                hash: &unit.data_hash,
                title: &unit.title,
                file: link,
                size: size(unit.width, unit.height),
                frame: unit.sequence,
            };
            pages.extend(self.image(&picture));
        }
        pages
    }

    /// The parts of a data group that are images or videos.
    fn parts(&mut self, row: &LabelRow) -> Vec<Page> {
        let mut pages = Vec::new();
        for space in row.spaces() {
            let title = space
                .file_name()
                .or_else(|| space.layout_key())
                .unwrap_or_else(|| space.id());
            let size = size(space.width(), space.height());
            match space.space_type() {
                "image" => pages.extend(self.image(&Picture {
                    space: Some(space.id()),
                    hash: space.id(),
                    title,
                    file: None,
                    size,
                    frame: 0,
                })),
                "video" | "image_sequence" => {
                    let film = Film {
                        space: Some(space.id()),
                        hash: space.id(),
                        title,
                        size,
                        frames: space.number_of_frames().unwrap_or(0),
                    };
                    pages.extend(self.frames(row, &film));
                }
                _ => {}
            }
        }
        pages
    }

    fn image(&mut self, picture: &Picture<'_>) -> Option<Page> {
        let Some(size) = picture.size else {
            self.left_out.add("images without a size");
            return None;
        };
        let page = self.page(picture.space, picture.frame, size);
        self.document.images.push(Image {
            id: page.id,
            file_name: file_name(picture.title, picture.file),
            width: size.width,
            height: size.height,
            image_title: Some(picture.title.to_owned()),
            video_title: None,
            encord_data_hash: picture.hash.to_owned(),
            encord_frame: picture.frame,
            classifications: Map::new(),
        });
        Some(page)
    }

    fn frames(&mut self, row: &LabelRow, film: &Film<'_>) -> Vec<Page> {
        let objects = row.objects().flat_map(|object| match film.space {
            Some(space) => object.frames_in(space),
            None => object.frames(),
        });
        let classifications = row.classifications();
        let classified = classifications.flat_map(|found| match film.space {
            Some(space) => found.frames_in(space),
            None => found.frames(),
        });
        let last = film.frames.saturating_sub(1);
        let frames: BTreeSet<u32> = objects
            .chain(classified)
            // A row may say anything, and a range of it stand for four billion frames.
            .flat_map(|FrameRange { start, end }| start..=end.min(last))
            .collect();
        let Some(size) = film.size else {
            if !frames.is_empty() {
                self.left_out.add("videos without a size");
            }
            return Vec::new();
        };
        let mut pages = Vec::new();
        for frame in frames {
            let page = self.page(film.space, frame, size);
            self.document.images.push(Image {
                id: page.id,
                file_name: format!("{}/{frame}.jpg", film.title),
                width: size.width,
                height: size.height,
                image_title: None,
                video_title: Some(film.title.to_owned()),
                encord_data_hash: film.hash.to_owned(),
                encord_frame: frame,
                classifications: Map::new(),
            });
            pages.push(page);
        }
        pages
    }

    fn page(&self, space: Option<&str>, frame: u32, size: Size) -> Page {
        Page {
            space: space.map(str::to_owned),
            frame,
            id: next(self.document.images.len()),
            size,
            annotations: Vec::new(),
        }
    }

    fn object(&mut self, object: &ObjectInstance<'_>, pages: &mut [Page]) {
        let category = self.categories.get(object.feature_hash()).copied();
        let (Some(category_id), Some(ontology_object)) = (category, object.ontology_object())
        else {
            self.left_out
                .add(format!("objects of shape `{}`", object.shape()));
            return;
        };
        let (answers, dynamic) = (object.answers(), object.dynamic_answers());
        let mut found = false;
        let mut is_deleted = false;
        for page in pages {
            let annotation = match &page.space {
                Some(space) => object.annotation_in(space, page.frame),
                None => object.annotation(page.frame),
            };
            let Some(annotation) = annotation else {
                continue;
            };
            if annotation.is_deleted {
                is_deleted = true;
                continue;
            }
            let shape = match shape_of(&annotation.geometry, ontology_object, page.size) {
                Ok(Some(shape)) => shape,
                Ok(None) => continue,
                Err(_) => {
                    self.left_out.add("bitmasks that cannot be read");
                    found = true;
                    continue;
                }
            };
            found = true;
            let rotation = match &annotation.geometry {
                Geometry::RotatableBoundingBox(found) => Some(found.theta),
                _ => None,
            };
            page.annotations.push(Annotation {
                // Set when all of the row's are known, so that they are in the order of the images.
                id: 0,
                image_id: page.id,
                category_id,
                shape,
                iscrowd: 0,
                attributes: Attributes {
                    track_id: self.tracks,
                    encord_track_uuid: object.object_hash().to_owned(),
                    rotation,
                    classifications: answers_on(ontology_object, &answers, &dynamic, page.frame),
                    manual_annotation: annotation.manual_annotation,
                    confidence: annotation.confidence,
                    encord_geometry: exact(&annotation.geometry),
                },
            });
        }
        if found {
            self.tracks = self.tracks.saturating_add(1);
        } else if !is_deleted {
            self.left_out
                .add(format!("objects of shape `{}`", object.shape()));
        }
    }

    /// On each of its frames; a global one on all.
    fn classification(&mut self, classification: &ClassificationInstance<'_>, pages: &[Page]) {
        let frames = classification.frames();
        let spaces = classification.spaces();
        let known = classification.ontology_classification();
        let on = pages.iter().filter(|page| {
            let placed = match &page.space {
                Some(space) if spaces.contains(&space.as_str()) => classification.frames_in(space),
                // Of the whole group, or of other parts of it.
                Some(_) => return spaces.is_empty() && frames.is_empty(),
                None => frames.clone(),
            };
            placed.is_empty() || placed.iter().any(|range| range.contains(page.frame))
        });
        let on: Vec<u32> = on.map(|page| page.id).collect();
        let Some(known) = known.filter(|_| !on.is_empty()) else {
            self.left_out.add("classifications without an image");
            return;
        };
        let value = answers::of_classification(known, &classification.answers());
        for id in on {
            // Identifiers are positions from 1.
            if let Some(image) = self.document.images.get_mut(id as usize - 1) {
                image
                    .classifications
                    .insert(known.title.clone(), value.clone());
            }
        }
    }
}

fn category(id: u32, object: &OntologyObject, edges: Vec<[usize; 2]>) -> Category {
    let template = object.template.iter().map(|point| point.name.clone());
    let keypoints = match object.shape.as_str() {
        "point" => Some(vec![POINT.to_owned()]),
        "skeleton" => Some(template.collect()),
        _ => None,
    };
    Category {
        id,
        name: object.name.clone(),
        supercategory: object.shape.clone(),
        skeleton: keypoints.as_ref().map(|_| {
            let from_1 = edges.iter().map(|edge| edge.map(|position| position + 1));
            from_1.collect()
        }),
        keypoints,
        encord_feature_hash: object.feature_hash.clone(),
    }
}

/// The answers that hold on a frame.
fn answers_on(
    object: &OntologyObject,
    answers: &[Answer],
    dynamic: &[DynamicAnswer],
    frame: u32,
) -> Map<String, Value> {
    let here = dynamic
        .iter()
        .filter(|answer| answer.frames.iter().any(|range| range.contains(frame)));
    let here = here.map(|answer| answer.answer.clone());
    let all: Vec<_> = answers.iter().cloned().chain(here).collect();
    answers::of_object(&object.attributes, &all)
}

/// A file to look for: the title if it has the form of a file's name, otherwise the file's name where it is known.
fn file_name(title: &str, link: Option<&str>) -> String {
    let has_extension = |name: &str| {
        name.rsplit_once('.')
            .is_some_and(|(stem, extension)| !stem.is_empty() && (2..=5).contains(&extension.len()))
    };
    let file = link
        .and_then(|link| link.rsplit('/').next())
        .filter(|file| has_extension(file) && !file.contains('?'));
    match file {
        Some(file) if !has_extension(title) => file.to_owned(),
        _ => title.to_owned(),
    }
}

fn size(width: Option<u32>, height: Option<u32>) -> Option<Size> {
    Size::new(width?, height?)
}

/// The identifier of what comes next in a list.
fn next(length: usize) -> u32 {
    u32::try_from(length + 1).unwrap_or(u32::MAX)
}
