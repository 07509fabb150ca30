//! Which data unit an image of a document is, and which object of the ontology a category.

use std::collections::HashMap;

use super::found::{FoundAnnotation, FoundCategory, FoundImage, FoundSegmentation};
use super::shape::SHAPES;
use crate::labels::{Ontology, OntologyObject};
use crate::pixels::Size;

/// An image of the project, or a video with its frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which of the rows it is in; a group has several.
    pub(crate) row: usize,
    /// Which part of a data group it is.
    pub(crate) space: Option<String>,
    pub(crate) data_hash: String,
    pub(crate) title: String,
    /// The name of its file, where it is known.
    pub(crate) file: Option<String>,
    pub(crate) size: Option<Size>,
    pub(crate) frames: Frames,
}

/// Where a place is in its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frames {
    /// The one frame that an image is.
    One(u32),
    /// A video of so many frames.
    Many(u32),
}

/// The places of a project by what they may be called.
pub(super) struct Places<'a> {
    places: &'a [Place],
    by_hash: HashMap<&'a str, usize>,
    by_name: HashMap<&'a str, Vec<usize>>,
    by_stem: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(places: &'a [Place]) -> Self {
        let mut found = Self {
            places,
            by_hash: HashMap::new(),
            by_name: HashMap::new(),
            by_stem: HashMap::new(),
        };
        for (number, place) in places.iter().enumerate() {
            found.by_hash.insert(&place.data_hash, number);
            let mut names = vec![place.title.as_str()];
            names.extend(place.file.as_deref().filter(|file| *file != place.title));
            for name in names {
                found.by_name.entry(name).or_default().push(number);
                found.by_stem.entry(stem(name)).or_default().push(number);
            }
        }
        found
    }

    /// The place of an image, and its frame there.
    ///
    /// Errors: a sentence that says what was not found.
    pub(super) fn find(&self, image: &FoundImage) -> Result<(usize, u32), String> {
        let path = image.file_name.as_deref().unwrap_or_default();
        let path = path.replace('\\', "/");
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let number = self.place(image, &parts)?;
        let place = &self.places[number];
        let frame = match place.frames {
            Frames::One(frame) => return Ok((number, frame)),
            Frames::Many(_) => image
                .encord_frame
                .or_else(|| number_at_end(stem(parts.last().copied().unwrap_or_default()))),
        };
        match (frame, place.frames) {
            (Some(frame), Frames::Many(frames)) if frame < frames => Ok((number, frame)),
            (Some(frame), Frames::Many(frames)) => Err(format!(
                "expected a frame of `{}` from 0 to {}, found {frame}",
                place.title,
                frames.saturating_sub(1)
            )),
            _ => Err(format!(
                "expected the number of a frame of `{}` at the end of the file's name, found `{}`",
                place.title,
                image.name()
            )),
        }
    }

    fn place(&self, image: &FoundImage, parts: &[&str]) -> Result<usize, String> {
        // Encord's own exporter names files by their data hashes.
        let hashes = image.encord_data_hash.as_deref().into_iter();
        let hashes = hashes.chain(parts.iter().flat_map(|part| [*part, stem(part)]));
        if let Some(place) = hashes.filter_map(|hash| self.by_hash.get(hash)).next() {
            return Ok(*place);
        }
        let (file, folder) = match parts {
            [.., folder, file] => (Some(*file), Some(*folder)),
            [file] => (Some(*file), None),
            [] => (None, None),
        };
        let titles = [&image.image_title, &image.video_title];
        let titles = titles.into_iter().flatten().map(String::as_str);
        let by_name = |name: &str| self.by_name.get(name).cloned().unwrap_or_default();
        let by_stem = |name: &str| self.by_stem.get(stem(name)).cloned().unwrap_or_default();
        let videos = |mut found: Vec<usize>| {
            found.retain(|place| matches!(self.places[*place].frames, Frames::Many(_)));
            found
        };
        // The first that gives any; more than one is not to be guessed at.
        let mut ways = file
            .map(by_name)
            .into_iter()
            .chain(folder.map(|folder| videos(by_name(folder))))
            .chain(titles.map(by_name))
            .chain(file.map(by_stem))
            .chain(folder.map(|folder| videos(by_stem(folder))));
        let found = ways.find(|found| !found.is_empty()).unwrap_or_default();
        match found.as_slice() {
            [place] => Ok(*place),
            [] => Err(format!("no data unit is called `{}`", image.name())),
            several => Err(format!(
                "{} data units are called `{}`",
                several.len(),
                image.name()
            )),
        }
    }
}

/// The objects of the ontology that a category may stand for: of its name and, if that is one, its shape.
pub(super) fn objects_of<'a>(
    category: &FoundCategory,
    ontology: &'a Ontology,
) -> Vec<&'a OntologyObject> {
    let shape = category
        .supercategory
        .as_deref()
        .filter(|shape| SHAPES.contains(shape));
    let usable = |object: &&OntologyObject| {
        !object.archived
            && SHAPES.contains(&object.shape.as_str())
            && shape.is_none_or(|shape| object.shape == shape)
    };
    let hash = category.encord_feature_hash.as_deref();
    if let Some(object) = hash
        .and_then(|hash| ontology.object(hash))
        .filter(|object| usable(object) && object.name == category.name)
    {
        return vec![object];
    }
    let objects = || ontology.objects().iter().filter(usable);
    let exact: Vec<_> = objects()
        .filter(|object| object.name == category.name)
        .collect();
    if !exact.is_empty() {
        return exact;
    }
    let name = category.name.to_lowercase();
    objects()
        .filter(|object| object.name.to_lowercase() == name)
        .collect()
}

/// The one whose shape fits best to what an annotation has.
///
/// Errors: a sentence if two of the same shape are as good.
pub(super) fn choose<'a>(
    annotation: &FoundAnnotation,
    objects: &[&'a OntologyObject],
) -> Result<&'a OntologyObject, String> {
    let has_keypoints = annotation
        .keypoints
        .as_ref()
        .is_some_and(|keypoints| !keypoints.is_empty());
    let shapes: &[&str] = match &annotation.segmentation {
        _ if has_keypoints => &["skeleton", "point"],
        Some(FoundSegmentation::Mask { .. }) => &["bitmask", "polygon", "bounding_box"],
        _ if annotation
            .rotation()
            .is_some_and(|rotation| rotation != 0.0) =>
        {
            &["rotatable_bounding_box", "polygon"]
        }
        Some(FoundSegmentation::Polygons(polygons)) if !polygons.is_empty() => &[
            "polygon",
            "bitmask",
            "bounding_box",
            "rotatable_bounding_box",
        ],
        _ => &["bounding_box", "rotatable_bounding_box", "polygon"],
    };
    let rank = |object: &OntologyObject| {
        let place = shapes.iter().position(|shape| *shape == object.shape);
        place.unwrap_or(shapes.len())
    };
    let best = objects.iter().map(|object| rank(object)).min();
    let mut best = objects.iter().filter(|object| Some(rank(object)) == best);
    match (best.next(), best.next()) {
        (Some(object), None) => Ok(object),
        (Some(object), Some(_)) => Err(format!(
            "several objects of the ontology are called `{}`",
            object.name
        )),
        (None, _) => Err("no object of the ontology has its name and shape".to_owned()),
    }
}

/// A file's name without its extension.
fn stem(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

/// The frame of `frame_000012`.
fn number_at_end(name: &str) -> Option<u32> {
    let digits = name.rsplit(|character: char| !character.is_ascii_digit());
    digits.into_iter().next()?.parse().ok()
}
