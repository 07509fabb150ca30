//! How an object is drawn on a frame.
//!
//! Coordinates are relative to the frame, from 0 to 1, the origin in the upper left corner, unless
//! stated otherwise.

use serde_json::Value;

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
    /// Any other shape, or one of these in a form that is not known: the frame's
    /// object as JSON text.
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
    /// Reads the geometry of a frame's object.
    pub(super) fn read(object: &Value) -> Self {
        let shape = object.get("shape").and_then(Value::as_str);
        let known = match shape.unwrap_or_default() {
            "bounding_box" => bounding_box(object).map(Self::BoundingBox),
            "rotatable_bounding_box" => rotatable_box(object).map(Self::RotatableBoundingBox),
            "polygon" => polygon(object).map(Self::Polygon),
            "polyline" => points(object.get("polyline")).map(Self::Polyline),
            "point" => single_point(object).map(Self::Point),
            "skeleton" => skeleton(object).map(Self::Skeleton),
            "bitmask" => bitmask(object).map(Self::Bitmask),
            "circle" => circle(object).map(Self::Circle),
            "ellipse" => ellipse(object).map(Self::Ellipse),
            "cuboid" => cuboid(object).map(Self::Cuboid),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Other(object.to_string()))
    }
}

fn bounding_box(object: &Value) -> Option<BoundingBox> {
    let json = object.get("boundingBox")?;
    Some(BoundingBox {
        x: number(json, "x")?,
        y: number(json, "y")?,
        width: number(json, "w")?,
        height: number(json, "h")?,
    })
}

fn rotatable_box(object: &Value) -> Option<RotatableBoundingBox> {
    let json = object.get("rotatableBoundingBox")?;
    Some(RotatableBoundingBox {
        x: number(json, "x")?,
        y: number(json, "y")?,
        width: number(json, "w")?,
        height: number(json, "h")?,
        theta: number(json, "theta")?,
    })
}

/// `polygons` has everything; rows from before it have only `polygon`, the first outline.
fn polygon(object: &Value) -> Option<Vec<Vec<Vec<Point>>>> {
    let areas = object.get("polygons").and_then(Value::as_array);
    if let Some(areas) = areas.filter(|areas| !areas.is_empty()) {
        let area = |area: &Value| area.as_array()?.iter().map(ring).collect();
        return areas.iter().map(area).collect();
    }
    Some(vec![vec![points(object.get("polygon"))?]])
}

/// A ring is a flat list of coordinates, or a list of points.
fn ring(json: &Value) -> Option<Vec<Point>> {
    let elements = json.as_array()?;
    if elements.iter().all(Value::is_number) {
        let (pairs, rest) = elements.as_chunks::<2>();
        let pair = |[x, y]: &[Value; 2]| {
            let z = None;
            Some(Point {
                x: x.as_f64()?,
                y: y.as_f64()?,
                z,
            })
        };
        return if rest.is_empty() {
            pairs.iter().map(pair).collect()
        } else {
            None
        };
    }
    elements.iter().map(point).collect()
}

/// Points as a list, or as an object whose keys are their positions.
fn points(json: Option<&Value>) -> Option<Vec<Point>> {
    match json? {
        Value::Array(elements) => elements.iter().map(point).collect(),
        Value::Object(elements) => {
            let keyed = |(key, value): (&String, &Value)| Some((key.parse().ok()?, point(value)?));
            let mut keyed: Vec<(u32, Point)> = elements.iter().map(keyed).collect::<Option<_>>()?;
            keyed.sort_by_key(|(position, _)| *position);
            Some(keyed.into_iter().map(|(_, point)| point).collect())
        }
        _ => None,
    }
}

fn single_point(object: &Value) -> Option<Point> {
    points(object.get("point"))?.into_iter().next()
}

fn point(json: &Value) -> Option<Point> {
    Some(Point {
        x: number(json, "x")?,
        y: number(json, "y")?,
        z: number(json, "z"),
    })
}

fn skeleton(object: &Value) -> Option<Vec<SkeletonPoint>> {
    let points = object.get("skeleton")?.as_object()?;
    points.values().map(skeleton_point).collect()
}

fn skeleton_point(json: &Value) -> Option<SkeletonPoint> {
    // The editor writes a flag, the Python SDK the word. Where both stand the flag is the newer one.
    let flags = ["invisible", "occluded", "selfOccluded", "visible"];
    let flag = flags
        .into_iter()
        .find(|flag| json.get(flag).and_then(Value::as_bool) == Some(true));
    Some(SkeletonPoint {
        x: number(json, "x")?,
        y: number(json, "y")?,
        name: text(json, "name").unwrap_or_default(),
        feature_hash: text(json, "featureHash").unwrap_or_default(),
        visibility: flag.map(str::to_owned).or_else(|| text(json, "visibility")),
    })
}

fn bitmask(object: &Value) -> Option<Bitmask> {
    let json = object.get("bitmask")?;
    Some(Bitmask {
        top: pixels(json, "top")?,
        left: pixels(json, "left")?,
        width: pixels(json, "width")?,
        height: pixels(json, "height")?,
        rle: text(json, "rleString")?,
    })
}

fn circle(object: &Value) -> Option<Circle> {
    let json = object.get("circle")?;
    Some(Circle {
        x: number(json, "x")?,
        y: number(json, "y")?,
        radius: number(json, "r")?,
        stretch: number(json, "stretch").unwrap_or(1.0),
        theta: number(json, "theta").unwrap_or(0.0),
    })
}

fn ellipse(object: &Value) -> Option<Ellipse> {
    let json = object.get("ellipse")?;
    Some(Ellipse {
        x: number(json, "x")?,
        y: number(json, "y")?,
        radius_x: number(json, "rx")?,
        radius_y: number(json, "ry")?,
        theta: number(json, "theta").unwrap_or(0.0),
    })
}

fn cuboid(object: &Value) -> Option<Cuboid> {
    let json = object.get("cuboid")?;
    let three = |key| {
        let numbers = json.get(key)?.as_array()?.iter().map(Value::as_f64);
        <[f64; 3]>::try_from(numbers.collect::<Option<Vec<_>>>()?).ok()
    };
    Some(Cuboid {
        position: three("position")?,
        orientation: three("orientation")?,
        size: three("size")?,
    })
}

fn number(json: &Value, key: &str) -> Option<f64> {
    json.get(key)?.as_f64()
}

fn pixels(json: &Value, key: &str) -> Option<u32> {
    u32::try_from(json.get(key)?.as_u64()?).ok()
}

fn text(json: &Value, key: &str) -> Option<String> {
    json.get(key)?.as_str().map(str::to_owned)
}
