//! The document that is written. What COCO does not define is under `attributes`, or begins with `encord_`.

use serde::Serialize;
use serde_json::{Map, Value};

/// A COCO document.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    pub(super) info: Info,
    /// Readers expect the key.
    pub(super) licenses: [(); 0],
    pub(super) categories: Vec<Category>,
    pub(super) images: Vec<Image>,
    pub(super) annotations: Vec<Annotation>,
}

impl Document {
    /// How many there are.
    pub(crate) fn images(&self) -> usize {
        self.images.len()
    }

    /// How many there are.
    pub(crate) fn annotations(&self) -> usize {
        self.annotations.len()
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Info {
    /// The project's title.
    pub(super) description: String,
}

/// An object of the ontology.
#[derive(Debug, Serialize)]
pub(super) struct Category {
    /// From 1, since 0 is the background in masks.
    pub(super) id: u32,
    pub(super) name: String,
    /// Encord's name of the shape.
    pub(super) supercategory: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keypoints: Option<Vec<String>>,
    /// Which keypoints are joined, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) skeleton: Option<Vec<[usize; 2]>>,
    pub(super) encord_feature_hash: String,
}

/// An image, or a frame.
#[derive(Debug, Serialize)]
pub(super) struct Image {
    pub(super) id: u32,
    pub(super) file_name: String,
    pub(super) width: u32,
    pub(super) height: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image_title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) video_title: Option<String>,
    /// Of the image, or of the video; in a data group that of the part.
    pub(super) encord_data_hash: String,
    /// Of the label row or of the part; the position of an image in its group.
    pub(super) encord_frame: u32,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) classifications: Map<String, Value>,
}

/// An object on an image or frame.
#[derive(Debug, Serialize)]
pub(super) struct Annotation {
    /// From 1: `pycocotools` takes 0 for "none".
    pub(super) id: u32,
    pub(super) image_id: u32,
    pub(super) category_id: u32,
    #[serde(flatten)]
    pub(super) shape: Shape,
    /// 0 also for masks: what is 1 is left out of evaluation and training.
    pub(super) iscrowd: u8,
    pub(super) attributes: Attributes,
}

/// What is drawn, in pixels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Shape {
    /// Left, top, width, height. Of a turned box, those before the rotation.
    pub(super) bbox: [f64; 4],
    pub(super) area: f64,
    pub(super) segmentation: Segmentation,
    /// x, y and visibility of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keypoints: Option<Vec<Value>>,
    /// Those that are labelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) num_keypoints: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Segmentation {
    /// x and y in turn, for each area.
    Polygons(Vec<Vec<f64>>),
    Mask {
        /// Height, then width.
        size: [u32; 2],
        /// Column by column.
        counts: String,
    },
}

/// As Encord's own exporter names them, with what it leaves out.
#[derive(Debug, Serialize)]
pub(super) struct Attributes {
    /// The same on all frames of an object.
    pub(super) track_id: u32,
    /// The object hash.
    pub(super) encord_track_uuid: String,
    /// In degrees, clockwise as seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rotation: Option<f64>,
    /// Name of the attribute to answer; of a checklist, label of the option to whether it is ticked.
    pub(super) classifications: Map<String, Value>,
    pub(super) manual_annotation: bool,
    pub(super) confidence: f64,
    /// What the label row has, where the shape above is an approximation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) encord_geometry: Option<Value>,
}
