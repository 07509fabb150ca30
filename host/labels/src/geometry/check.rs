//! What may be drawn: the geometry of the right shape, with values that have a meaning.

use std::fmt;

use super::{
    Bitmask, BoundingBox, Circle, Cuboid, Cuboid2d, Ellipse, Geometry, Point, Projection,
    RotatableBoundingBox, skeleton,
};
use crate::error::LabelError;
use crate::ontology::OntologyObject;
use crate::rle;

/// By so much may a coordinate be outside of the frame: two numbers that add up to 1 on paper need not do
/// so here.
const ROUNDING: f64 = 1e-6;

type Result<T = ()> = std::result::Result<T, LabelError>;

impl Geometry {
    /// Refuses what cannot be drawn as `object`. `size` is the width and height of the frame in pixels,
    /// which a bitmask has to have.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if it is of another shape, or if a value has no meaning;
    /// [`LabelError::Unsupported`] for a bitmask where the size of the frame is not known.
    pub(crate) fn check(&self, object: &OntologyObject, size: Option<(u32, u32)>) -> Result {
        if self.shape() != object.shape {
            let found = match self.shape() {
                "" => "JSON text without a shape".to_owned(),
                shape => format!("one of shape `{shape}`"),
            };
            return Err(invalid(format!(
                "expected a geometry of shape `{}` for `{}`, found {found}",
                object.shape, object.name
            )));
        }
        match self {
            Self::BoundingBox(bounds) => bounding_box(bounds),
            Self::RotatableBoundingBox(bounds) => rotatable_box(bounds),
            Self::Polygon(areas) => polygon(areas),
            Self::Polyline(points) => polyline(points),
            Self::Point(point) => single_point(point),
            Self::Skeleton(points) => {
                for (number, point) in points.iter().enumerate() {
                    let of = format_args!("point {number} of a skeleton");
                    within("x", of, point.x)?;
                    within("y", of, point.y)?;
                }
                skeleton::aligned(points, object).map(|_| ())
            }
            Self::Bitmask(mask) => bitmask(mask, size),
            Self::Circle(circle) => circular(circle),
            Self::Ellipse(ellipse) => elliptic(ellipse),
            Self::Cuboid(cuboid) => spatial(cuboid),
            Self::Other(json) => other(self, json),
        }
    }
}

fn bounding_box(bounds: &BoundingBox) -> Result {
    let BoundingBox {
        x,
        y,
        width,
        height,
    } = *bounds;
    let of = format_args!("a bounding box");
    for (name, value) in [("x", x), ("y", y), ("width", width), ("height", height)] {
        within(name, of, value)?;
    }
    for (name, value) in [("width", width), ("height", height)] {
        over_zero(name, of, value)?;
    }
    for (name, sum) in [("x + width", x + width), ("y + height", y + height)] {
        if sum > 1.0 + ROUNDING {
            return Err(outside(name, of, "up to 1", sum));
        }
    }
    Ok(())
}

/// Turned, its corners may reach over the frame, but its centre may not.
fn rotatable_box(bounds: &RotatableBoundingBox) -> Result {
    let RotatableBoundingBox {
        x,
        y,
        width,
        height,
        theta,
    } = *bounds;
    let of = format_args!("a rotatable bounding box");
    for (name, value) in [("x", x), ("y", y), ("theta", theta)] {
        finite(name, of, value)?;
    }
    over_zero("width", of, width)?;
    over_zero("height", of, height)?;
    within("x + width / 2", of, x + width / 2.0)?;
    within("y + height / 2", of, y + height / 2.0)
}

fn polygon(areas: &[Vec<Vec<Point>>]) -> Result {
    if areas.is_empty() {
        return Err(invalid(
            "expected a polygon of at least one area, found one of none".to_owned(),
        ));
    }
    for (number, rings) in areas.iter().enumerate() {
        if rings.is_empty() {
            return Err(invalid(format!(
                "expected an outline for area {number} of a polygon, found no ring"
            )));
        }
        for (ring_number, ring) in rings.iter().enumerate() {
            let of = format_args!("ring {ring_number} of area {number} of a polygon");
            enough(of, 3, ring.len())?;
            for (position, point) in ring.iter().enumerate() {
                flat(format_args!("point {position} of {of}"), point)?;
            }
        }
    }
    Ok(())
}

fn polyline(points: &[Point]) -> Result {
    let of = format_args!("a polyline");
    enough(of, 2, points.len())?;
    let spatial = points.iter().filter(|point| point.z.is_some()).count();
    if spatial != 0 && spatial != points.len() {
        return Err(invalid(format!(
            "expected all points of a polyline to have a `z` or none, found that {spatial} of {} have \
             one",
            points.len()
        )));
    }
    for (position, point) in points.iter().enumerate() {
        flat_or_spatial(format_args!("point {position} of {of}"), point)?;
    }
    Ok(())
}

fn single_point(point: &Point) -> Result {
    flat_or_spatial(format_args!("a point"), point)
}

fn bitmask(mask: &Bitmask, size: Option<(u32, u32)>) -> Result {
    let Bitmask {
        top,
        left,
        width,
        height,
        ..
    } = *mask;
    let Some((frame_width, frame_height)) = size else {
        return Err(LabelError::Unsupported(format!(
            "expected a frame whose width and height are known, which a bitmask has to have, found a \
             bitmask of {width} x {height} for a frame of unknown size"
        )));
    };
    if (width, height) != (frame_width, frame_height) {
        return Err(invalid(format!(
            "expected a bitmask of the size of the frame, {frame_width} x {frame_height} pixels, found \
             one of {width} x {height}"
        )));
    }
    if (top, left) != (0, 0) {
        return Err(invalid(format!(
            "expected `top` and `left` of a bitmask to be 0, found {top} and {left}\n\
             help: a bitmask has the size of the frame; what is not in it is 0"
        )));
    }
    rle::check(&mask.rle, u64::from(width) * u64::from(height))
}

fn circular(circle: &Circle) -> Result {
    let of = format_args!("a circle");
    within("x", of, circle.x)?;
    within("y", of, circle.y)?;
    over_zero("radius", of, circle.radius)?;
    over_zero("stretch", of, circle.stretch)?;
    finite("theta", of, circle.theta)
}

fn elliptic(ellipse: &Ellipse) -> Result {
    let of = format_args!("an ellipse");
    within("x", of, ellipse.x)?;
    within("y", of, ellipse.y)?;
    over_zero("radius_x", of, ellipse.radius_x)?;
    over_zero("radius_y", of, ellipse.radius_y)?;
    finite("theta", of, ellipse.theta)
}

fn spatial(cuboid: &Cuboid) -> Result {
    let of = format_args!("a cuboid");
    for value in cuboid.position {
        finite("position", of, value)?;
    }
    for value in cuboid.orientation {
        finite("orientation", of, value)?;
    }
    for value in cuboid.size {
        over_zero("size", of, value)?;
    }
    Ok(())
}

/// Of the shapes that are given as JSON, only the two-dimensional cuboid can be drawn.
fn other(geometry: &Geometry, json: &str) -> Result {
    match geometry.shape() {
        "cuboid_2d" => {}
        // A shape that has a form of its own is JSON text only if it could not be read.
        known @ ("bounding_box"
        | "rotatable_bounding_box"
        | "polygon"
        | "polyline"
        | "point"
        | "skeleton"
        | "bitmask"
        | "circle"
        | "ellipse"
        | "cuboid") => {
            return Err(invalid(format!(
                "expected the coordinates of a `{known}` as Encord keeps them, found that something of them is \
                 missing or of another type"
            )));
        }
        shape => {
            return Err(invalid(format!(
                "expected a geometry that can be drawn, found the JSON text of a `{shape}`\n\
                 help: of the geometries that are JSON text, only `cuboid_2d` can be drawn"
            )));
        }
    }
    let Some(cuboid) = Cuboid2d::of(geometry) else {
        return Err(invalid(format!(
            "expected a `cuboid_2d` with `front`, a flat list of finite coordinates, and either \
             `vanishingPoint` and `scaleRatio` or `offset`, found {json}"
        )));
    };
    let of = format_args!("the front of a cuboid_2d");
    enough(of, 3, cuboid.front.len())?;
    for (position, point) in cuboid.front.iter().enumerate() {
        flat(format_args!("point {position} of {of}"), point)?;
    }
    // The back may be out of sight, and the point at which parallels meet usually is. JSON has no
    // numbers that are not finite, so both are places.
    match cuboid.projection {
        Projection::Perspective(perspective) if perspective.scale_ratio < 0.0 => {
            Err(invalid(format!(
                "expected the scale ratio of a cuboid_2d to be 0 or more, found {}",
                perspective.scale_ratio
            )))
        }
        Projection::Perspective(_) | Projection::Isometric(_) => Ok(()),
    }
}

/// A point on a picture.
fn flat(of: fmt::Arguments<'_>, point: &Point) -> Result {
    if let Some(z) = point.z {
        return Err(invalid(format!("expected no `z` of {of}, found {z}")));
    }
    within("x", of, point.x)?;
    within("y", of, point.y)
}

/// A point on a picture, or of a scene, whose coordinates are in its own unit.
fn flat_or_spatial(of: fmt::Arguments<'_>, point: &Point) -> Result {
    let Some(z) = point.z else {
        return flat(of, point);
    };
    for (name, value) in [("x", point.x), ("y", point.y), ("z", z)] {
        finite(name, of, value)?;
    }
    Ok(())
}

fn enough(of: fmt::Arguments<'_>, least: usize, found: usize) -> Result {
    if found >= least {
        return Ok(());
    }
    Err(invalid(format!(
        "expected at least {least} points in {of}, found {found}"
    )))
}

fn within(name: &str, of: fmt::Arguments<'_>, value: f64) -> Result {
    // Not a number is in no range.
    if (-ROUNDING..=1.0 + ROUNDING).contains(&value) {
        return Ok(());
    }
    Err(outside(name, of, "from 0 to 1", value))
}

fn over_zero(name: &str, of: fmt::Arguments<'_>, value: f64) -> Result {
    finite(name, of, value)?;
    if value > 0.0 {
        return Ok(());
    }
    Err(invalid(format!(
        "expected `{name}` of {of} to be over 0, found {value}"
    )))
}

fn finite(name: &str, of: fmt::Arguments<'_>, value: f64) -> Result {
    if value.is_finite() {
        return Ok(());
    }
    Err(invalid(format!(
        "expected `{name}` of {of} to be a finite number, found {value}"
    )))
}

fn outside(name: &str, of: fmt::Arguments<'_>, expected: &str, found: f64) -> LabelError {
    invalid(format!(
        "expected `{name}` of {of} to be {expected}, found {found}\n\
         help: coordinates are relative to the frame; divide pixels by its width or height"
    ))
}

fn invalid(message: String) -> LabelError {
    LabelError::InvalidArgument(message)
}
