//! A COCO document that is read. Other programs write it too, so that all but the essence may be missing.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// What a document holds.
#[derive(Debug)]
pub(crate) struct Found {
    pub(super) images: Vec<FoundImage>,
    pub(super) categories: Vec<FoundCategory>,
    pub(super) annotations: Vec<FoundAnnotation>,
    /// Of each annotation, the positions of its image and its category.
    pub(super) places: Vec<(usize, usize)>,
}

/// Why a file is no COCO document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotCoco(String);

#[derive(Debug, Deserialize)]
struct Document {
    images: Vec<FoundImage>,
    categories: Vec<FoundCategory>,
    annotations: Vec<FoundAnnotation>,
}

/// A number as a rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(untagged, expecting = "expected an identifier: a whole number or text")]
pub(super) enum Id {
    Number(i64),
    Text(String),
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "`{text}`"),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct FoundImage {
    pub(super) id: Id,
    pub(super) file_name: Option<String>,
    pub(super) width: Option<f64>,
    pub(super) height: Option<f64>,
    pub(super) image_title: Option<String>,
    pub(super) video_title: Option<String>,
    pub(super) encord_data_hash: Option<String>,
    pub(super) encord_frame: Option<u32>,
    pub(super) classifications: Option<Map<String, Value>>,
}

impl FoundImage {
    /// What a person would call it.
    pub(super) fn name(&self) -> String {
        let names = [&self.file_name, &self.image_title, &self.video_title];
        let name = names.into_iter().flatten().find(|name| !name.is_empty());
        name.cloned()
            .unwrap_or_else(|| format!("image {}", self.id))
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct FoundCategory {
    id: Id,
    pub(super) name: String,
    pub(super) supercategory: Option<String>,
    /// Encord's own exporter writes text for points.
    #[serde(default, deserialize_with = "names")]
    pub(super) keypoints: Vec<String>,
    pub(super) encord_feature_hash: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FoundAnnotation {
    image_id: Id,
    category_id: Id,
    #[serde(default, deserialize_with = "four")]
    pub(super) bbox: Option<[f64; 4]>,
    pub(super) segmentation: Option<FoundSegmentation>,
    pub(super) keypoints: Option<Vec<f64>>,
    attributes: Option<Map<String, Value>>,
    /// Of detections.
    score: Option<f64>,
}

impl FoundAnnotation {
    /// None if it is absent or `null`.
    pub(super) fn attribute(&self, name: &str) -> Option<&Value> {
        let value = self.attributes.as_ref()?.get(name)?;
        (!value.is_null()).then_some(value)
    }

    /// From 0 to 1.
    pub(super) fn confidence(&self) -> Option<f64> {
        let stated = self.attribute("confidence").and_then(Value::as_f64);
        stated.or(self.score)
    }

    /// In degrees.
    pub(super) fn rotation(&self) -> Option<f64> {
        self.attribute("rotation").and_then(Value::as_f64)
    }

    /// The answers to attributes: in an object of their own, or among the attributes, as CVAT has them.
    pub(super) fn answers(&self) -> Option<&Map<String, Value>> {
        match self.attribute("classifications") {
            Some(Value::Object(answers)) => Some(answers),
            _ => self.attributes.as_ref(),
        }
    }

    /// What is the same on all frames of an object.
    pub(super) fn track(&self) -> Option<String> {
        let track = self
            .attribute("encord_track_uuid")
            .or_else(|| self.attribute("track_id"))?;
        Some(track.to_string())
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a segmentation: a list of polygons, or a run-length encoding with `size` and `counts`"
)]
pub(super) enum FoundSegmentation {
    Polygons(Vec<Vec<f64>>),
    Mask { size: [u32; 2], counts: Counts },
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    untagged,
    expecting = "expected the runs of an encoding: text, or a list of numbers"
)]
pub(super) enum Counts {
    Compressed(String),
    Plain(Vec<u32>),
}

impl Found {
    /// Reads a document.
    ///
    /// Errors: it is no JSON, lacks one of the lists, something in it is not what it has to be, or an annotation is of an
    /// image or a category that the document does not have.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, NotCoco> {
        if text.trim_ascii_start().starts_with(b"[") {
            return Err(NotCoco(
                "expected an object with the lists `images`, `categories` and `annotations`, found a list, as of \
                 detections"
                    .to_owned(),
            ));
        }
        let document: Document =
            serde_json::from_slice(text).map_err(|error| NotCoco(error.to_string()))?;
        let images = positions("image", document.images.iter().map(|image| &image.id))?;
        let categories = positions(
            "category",
            document.categories.iter().map(|category| &category.id),
        )?;
        let places = document.annotations.iter().enumerate();
        let places = places.map(|(number, annotation)| {
            let missing = |what: &str, id: &Id| {
                NotCoco(format!(
                    "expected the {what} of annotation {number} in the document, found none with the id {id}"
                ))
            };
            let image = images
                .get(&annotation.image_id)
                .ok_or_else(|| missing("image", &annotation.image_id))?;
            let category = categories
                .get(&annotation.category_id)
                .ok_or_else(|| missing("category", &annotation.category_id))?;
            Ok((*image, *category))
        });
        let places = places.collect::<Result<_, _>>()?;
        Ok(Self {
            images: document.images,
            categories: document.categories,
            annotations: document.annotations,
            places,
        })
    }
}

fn positions<'a>(
    what: &str,
    ids: impl Iterator<Item = &'a Id>,
) -> Result<HashMap<Id, usize>, NotCoco> {
    let mut positions = HashMap::new();
    for (position, id) in ids.enumerate() {
        if positions.insert(id.clone(), position).is_some() {
            return Err(NotCoco(format!(
                "expected one {what} for each id, found several with the id {id}"
            )));
        }
    }
    Ok(positions)
}

fn names<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a list of names")]
    enum Names {
        List(Vec<String>),
        One(String),
    }
    Ok(match Option::<Names>::deserialize(from)? {
        Some(Names::List(names)) => names,
        Some(Names::One(name)) => vec![name],
        None => Vec::new(),
    })
}

/// An empty list says as much as none.
fn four<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<[f64; 4]>, D::Error> {
    let numbers = Option::<Vec<f64>>::deserialize(from)?.unwrap_or_default();
    match <[f64; 4]>::try_from(numbers.as_slice()) {
        Ok(bbox) => Ok(Some(bbox)),
        Err(_) if numbers.is_empty() => Ok(None),
        Err(_) => Err(serde::de::Error::invalid_length(
            numbers.len(),
            &"a box of four numbers",
        )),
    }
}
