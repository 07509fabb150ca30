//! Reading the shapes of a label row, in every form in which they occur.

use serde_json::Value;

use super::{
    Bitmask, BoundingBox, Circle, Cuboid, Ellipse, Geometry, Point, RotatableBoundingBox,
    SkeletonPoint,
};

impl Geometry {
    /// Reads the geometry of a frame's object.
    pub fn read(object: &Value) -> Self {
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

/// All numbers of a geometry that has points, with how many there are of what: equal for all forms of one
/// geometry. None if it is not of a form that is known.
pub(crate) fn coordinates(key: &str, object: &Value) -> Option<Vec<f64>> {
    let mut numbers = Vec::new();
    let mut note = |points: &[Point]| {
        numbers.push(points.len() as f64);
        for point in points {
            numbers.extend([point.x, point.y]);
            match point.z {
                Some(z) => numbers.extend([1.0, z]),
                None => numbers.push(0.0),
            }
        }
    };
    match key {
        "polygon" | "polygons" => {
            let areas = polygon(object)?;
            areas.iter().flatten().for_each(|ring| note(ring));
            numbers.extend(areas.iter().map(|rings| rings.len() as f64));
        }
        "skeleton" => {
            let points: Option<Vec<_>> = keyed(object.get(key)?).into_iter().map(point).collect();
            note(&points?);
        }
        _ => note(&points(object.get(key))?),
    }
    Some(numbers)
}

/// The values of an object whose keys are their positions, by these.
pub(crate) fn keyed(json: &Value) -> Vec<&Value> {
    let members = json.as_object().into_iter().flatten();
    let mut members: Vec<_> = members.collect();
    members.sort_by_key(|(key, _)| (key.parse().unwrap_or(u32::MAX), *key));
    members.into_iter().map(|(_, value)| value).collect()
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
pub(super) fn ring(json: &Value) -> Option<Vec<Point>> {
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

pub(super) fn point(json: &Value) -> Option<Point> {
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

/// How much of a skeleton's point can be seen.
pub(crate) fn visibility(json: &Value) -> Option<String> {
    // The editor writes a flag, the Python SDK the word. Where both stand the flag is the newer one.
    let flags = ["invisible", "occluded", "selfOccluded", "visible"];
    let flag = flags
        .into_iter()
        .find(|flag| json.get(flag).and_then(Value::as_bool) == Some(true));
    flag.map(str::to_owned).or_else(|| text(json, "visibility"))
}

fn skeleton_point(json: &Value) -> Option<SkeletonPoint> {
    Some(SkeletonPoint {
        x: number(json, "x")?,
        y: number(json, "y")?,
        name: text(json, "name").unwrap_or_default(),
        feature_hash: text(json, "featureHash").unwrap_or_default(),
        visibility: visibility(json),
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

pub(super) fn number(json: &Value, key: &str) -> Option<f64> {
    json.get(key)?.as_f64()
}

fn pixels(json: &Value, key: &str) -> Option<u32> {
    u32::try_from(json.get(key)?.as_u64()?).ok()
}

fn text(json: &Value, key: &str) -> Option<String> {
    json.get(key)?.as_str().map(str::to_owned)
}
