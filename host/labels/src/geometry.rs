//! How an object is drawn on a frame.
//!
//! Coordinates are relative to the frame, from 0 to 1, the origin in the upper left corner, unless
//! stated otherwise.

mod bitmask;
mod check;
mod cuboid_2d;
mod read;
mod skeleton;
mod write;

use serde::Deserialize;

pub use cuboid_2d::{Cuboid2d, Perspective, Projection};
pub(crate) use read::{coordinates, keyed, visibility};

/// A shape with its coordinates.
#[derive(Debug, Clone, PartialEq)]
pub enum Geometry {
    /// An upright box.
    BoundingBox(BoundingBox),
    /// A box that can be turned.
    RotatableBoundingBox(RotatableBoundingBox),
    /// One or more areas. In each, the first ring is the outline and further rings are holes.
    Polygon(Vec<Vec<Vec<Point>>>),
    /// Points joined in order.
    Polyline(Vec<Point>),
    /// One point.
    Point(Point),
    /// Named points.
    Skeleton(Vec<SkeletonPoint>),
    /// A mask of the frame's size.
    Bitmask(Bitmask),
    /// A circle.
    Circle(Circle),
    /// An ellipse.
    Ellipse(Ellipse),
    /// A box in a three-dimensional scene.
    Cuboid(Cuboid),
    /// Any other shape, or one of these in a form that is not known: the frame's object as JSON text.
    /// [`Cuboid2d`] reads and makes those of shape `cuboid_2d`, the only ones that can be drawn.
    Other(String),
}

/// `x` and `y` are the upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    /// Of the left edge.
    pub x: f64,
    /// Of the upper edge.
    pub y: f64,
    /// Relative to the width of the frame.
    pub width: f64,
    /// Relative to the height of the frame.
    pub height: f64,
}

/// The box before its rotation by `theta` degrees, clockwise as seen, about its centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RotatableBoundingBox {
    /// Of the left edge.
    pub x: f64,
    /// Of the upper edge.
    pub y: f64,
    /// Relative to the width of the frame.
    pub width: f64,
    /// Relative to the height of the frame.
    pub height: f64,
    /// In degrees, clockwise as seen.
    pub theta: f64,
}

/// `z` only in three-dimensional data, in its own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Relative to the width.
    pub x: f64,
    /// Relative to the height.
    pub y: f64,
    /// In the unit of the data.
    pub z: Option<f64>,
}

/// A joint of a skeleton.
#[derive(Debug, Clone, PartialEq)]
pub struct SkeletonPoint {
    /// Relative to the width.
    pub x: f64,
    /// Relative to the height.
    pub y: f64,
    /// As in the skeleton's template.
    pub name: String,
    /// As in the skeleton's template; empty where the row has none.
    pub feature_hash: String,
    /// `visible`, `invisible`, `occluded` or `selfOccluded`, where stated.
    pub visibility: Option<String>,
}

/// A mask in pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmask {
    /// Of the mask within the frame.
    pub top: u32,
    /// Of the mask within the frame.
    pub left: u32,
    /// Of the mask.
    pub width: u32,
    /// Of the mask.
    pub height: u32,
    /// The run-length encoding of COCO in row-major order, as Encord sends it.
    pub rle: String,
}

/// `x` and `y` are the centre, `radius` is relative to the width; stretched, it is an ellipse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circle {
    /// Of the centre, relative to the width.
    pub x: f64,
    /// Of the centre, relative to the height.
    pub y: f64,
    /// Relative to the width.
    pub radius: f64,
    /// The ratio of the axes; 1 for a true circle.
    pub stretch: f64,
    /// In degrees.
    pub theta: f64,
}

/// `x` and `y` are the centre, `theta` is in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ellipse {
    /// Of the centre, relative to the width.
    pub x: f64,
    /// Of the centre, relative to the height.
    pub y: f64,
    /// Relative to the width.
    pub radius_x: f64,
    /// Relative to the height.
    pub radius_y: f64,
    /// In degrees, clockwise as seen.
    pub theta: f64,
}

/// In the units of the scene, `orientation` in radians.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cuboid {
    /// Of the centre, along x, y and z.
    pub position: [f64; 3],
    /// Euler angles, in radians.
    pub orientation: [f64; 3],
    /// Along x, y and z.
    pub size: [f64; 3],
}

impl Geometry {
    /// Encord's name of the shape; of [`Self::Other`] what its JSON says, empty if that says nothing.
    pub fn shape(&self) -> &str {
        match self {
            Self::BoundingBox(_) => "bounding_box",
            Self::RotatableBoundingBox(_) => "rotatable_bounding_box",
            Self::Polygon(_) => "polygon",
            Self::Polyline(_) => "polyline",
            Self::Point(_) => "point",
            Self::Skeleton(_) => "skeleton",
            Self::Bitmask(_) => "bitmask",
            Self::Circle(_) => "circle",
            Self::Ellipse(_) => "ellipse",
            Self::Cuboid(_) => "cuboid",
            Self::Other(json) => shape_in(json),
        }
    }
}

/// The `shape` of a frame's object. Names of shapes need no escapes in JSON, so it can be borrowed.
fn shape_in(json: &str) -> &str {
    #[derive(Deserialize)]
    struct Shaped<'a> {
        shape: &'a str,
    }
    serde_json::from_str(json).map_or("", |Shaped { shape }| shape)
}
