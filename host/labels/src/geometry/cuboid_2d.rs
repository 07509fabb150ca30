//! Boxes in perspective on a picture. They are newer than the variants of [`Geometry`], in which they
//! are JSON text.

use serde_json::{Value, json};

use super::read::{number, ring};
use super::{Geometry, Point, write};

/// A box in perspective, on a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Cuboid2d {
    /// The corners of the front face, in order; four as a rule. None has a `z`.
    pub front: Vec<Point>,
    /// Where the back face is.
    pub projection: Projection,
}

/// Where the back face of a [`Cuboid2d`] is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Projection {
    /// Towards a point at which parallels meet.
    Perspective(Perspective),
    /// Of the front's size, and shifted by this much.
    Isometric(Point),
}

/// A projection in which parallels meet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Perspective {
    /// Relative to the frame; it may be outside of it.
    pub vanishing_point: Point,
    /// Size of the back face relative to the front, 0 or more.
    pub scale_ratio: f64,
}

impl Cuboid2d {
    /// The cuboid in a geometry that was read, or that [`Self::to_geometry`] has made. None if it is
    /// another shape, or in a form that is not known.
    pub fn of(geometry: &Geometry) -> Option<Self> {
        let Geometry::Other(json) = geometry else {
            return None;
        };
        if geometry.shape() != "cuboid_2d" {
            return None;
        }
        let json: Value = serde_json::from_str(json).ok()?;
        let json = json.get("cuboid_2d")?;
        let projection = match json.get("vanishingPoint") {
            Some(place) => Projection::Perspective(Perspective {
                vanishing_point: flat_point(place)?,
                scale_ratio: number(json, "scaleRatio")?,
            }),
            None => Projection::Isometric(flat_point(json.get("offset")?)?),
        };
        Some(Self {
            front: ring(json.get("front")?)?,
            projection,
        })
    }

    /// As a geometry, to draw it.
    pub fn to_geometry(&self) -> Geometry {
        let json = json!({ "shape": "cuboid_2d", "cuboid_2d": self.to_json() });
        Geometry::Other(json.to_string())
    }

    pub(super) fn to_json(&self) -> Value {
        let place = |point: &Point| json!({ "x": point.x, "y": point.y });
        let front = write::flat(&self.front);
        match &self.projection {
            Projection::Perspective(perspective) => json!({
                "front": front,
                "vanishingPoint": place(&perspective.vanishing_point),
                "scaleRatio": perspective.scale_ratio,
            }),
            Projection::Isometric(offset) => json!({ "front": front, "offset": place(offset) }),
        }
    }
}

fn flat_point(json: &Value) -> Option<Point> {
    Some(Point {
        x: number(json, "x")?,
        y: number(json, "y")?,
        z: None,
    })
}
