//! Writing shapes in the form in which the Python SDK writes them, its order of keys included.

use serde_json::{Map, Value, json};

use super::{Cuboid2d, Geometry, Point, skeleton};
use crate::ontology::OntologyObject;

impl Geometry {
    /// Writes the keys of the geometry into a frame's object, in place of what stands there. The shape
    /// itself is not among them.
    ///
    /// The caller has checked it against `object` with [`Self::check`].
    pub(crate) fn write(&self, object: &OntologyObject, into: &mut Map<String, Value>) {
        let mut insert = |key: &str, value: Value| into.insert(key.to_owned(), value);
        match self {
            Self::BoundingBox(bounds) => insert(
                "boundingBox",
                json!({ "h": bounds.height, "w": bounds.width, "x": bounds.x, "y": bounds.y }),
            ),
            Self::RotatableBoundingBox(bounds) => insert(
                "rotatableBoundingBox",
                json!({
                    "h": bounds.height,
                    "w": bounds.width,
                    "x": bounds.x,
                    "y": bounds.y,
                    "theta": bounds.theta,
                }),
            ),
            Self::Polygon(areas) => {
                // Readers from before holes take the first outline for the whole.
                let outline = areas.first().and_then(|rings| rings.first());
                insert("polygon", numbered(outline.map_or(&[], Vec::as_slice)));
                let area = |rings: &Vec<Vec<Point>>| -> Value {
                    rings.iter().map(|ring| flat(ring)).collect()
                };
                insert("polygons", areas.iter().map(area).collect())
            }
            Self::Polyline(points) => insert("polyline", numbered(points)),
            Self::Point(point) => insert("point", numbered(std::slice::from_ref(point))),
            Self::Skeleton(points) => insert("skeleton", skeleton::to_json(points, object)),
            Self::Bitmask(mask) => insert(
                "bitmask",
                json!({
                    "top": mask.top,
                    "left": mask.left,
                    "height": mask.height,
                    "width": mask.width,
                    "rleString": mask.rle,
                }),
            ),
            Self::Circle(circle) => insert(
                "circle",
                json!({
                    "x": circle.x,
                    "y": circle.y,
                    "r": circle.radius,
                    "stretch": circle.stretch,
                    "theta": circle.theta,
                }),
            ),
            Self::Ellipse(ellipse) => insert(
                "ellipse",
                json!({
                    "x": ellipse.x,
                    "y": ellipse.y,
                    "rx": ellipse.radius_x,
                    "ry": ellipse.radius_y,
                    "theta": ellipse.theta,
                }),
            ),
            Self::Cuboid(cuboid) => insert(
                "cuboid",
                json!({
                    "position": cuboid.position,
                    "orientation": cuboid.orientation,
                    "size": cuboid.size,
                }),
            ),
            Self::Other(_) => match Cuboid2d::of(self) {
                Some(cuboid) => insert("cuboid_2d", cuboid.to_json()),
                None => None,
            },
        };
    }
}

/// Points as an object whose keys are their positions.
fn numbered(points: &[Point]) -> Value {
    let keyed = points.iter().enumerate();
    Value::Object(
        keyed
            .map(|(position, point)| (position.to_string(), point_to_json(point)))
            .collect(),
    )
}

fn point_to_json(point: &Point) -> Value {
    match point.z {
        Some(z) => json!({ "x": point.x, "y": point.y, "z": z }),
        None => json!({ "x": point.x, "y": point.y }),
    }
}

/// Points as one list of coordinates.
pub(super) fn flat(points: &[Point]) -> Value {
    let coordinates = points.iter().flat_map(|point| [point.x, point.y]);
    coordinates.map(Value::from).collect()
}
