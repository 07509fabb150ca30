//! From the geometry of a label row to what COCO has of it.

use serde_json::{Map, Value, json};

use super::format::{Segmentation, Shape};
use crate::labels::{Geometry, LabelError, OntologyObject, Point, SkeletonPoint};
use crate::pixels::{Bounds, Mask, Outline, RotatedBox, Size, point_of};

/// What the one keypoint of a point is called, as Encord's own exporter does.
pub(super) const POINT: &str = "keypoint";

/// Shapes that have a place on an image.
pub(super) const SHAPES: [&str; 10] = [
    "bounding_box",
    "rotatable_bounding_box",
    "polygon",
    "polyline",
    "point",
    "skeleton",
    "bitmask",
    "circle",
    "ellipse",
    "cuboid_2d",
];

/// Of labels that are there, and of points that are not hidden.
const VISIBLE: u8 = 2;
const HIDDEN: u8 = 1;
const NOT_LABELLED: u8 = 0;

/// None if the geometry has no place on an image.
///
/// Errors: a bitmask whose encoding is broken.
pub(super) fn shape_of(
    geometry: &Geometry,
    object: &OntologyObject,
    size: Size,
) -> Result<Option<Shape>, LabelError> {
    let Some(outline) = Outline::of(geometry, size)? else {
        return Ok(None);
    };
    let bounds = match geometry {
        Geometry::RotatableBoundingBox(found) => Some(RotatedBox::new(found, size).bounds),
        _ => outline.bounds(),
    };
    let bounds = bounds.map_or(
        [0.0; 4],
        |Bounds {
             x,
             y,
             width,
             height,
         }| [x, y, width, height],
    );
    let keypoints = match geometry {
        Geometry::Point(_) => outline
            .points
            .first()
            .map(|[x, y]| vec![json!(x), json!(y), json!(VISIBLE)]),
        Geometry::Skeleton(points) => Some(keypoints(points, object, size)),
        _ => None,
    };
    let labelled = keypoints.as_ref().map(|keypoints| {
        let visibilities = keypoints.iter().skip(2).step_by(3);
        let labelled = visibilities.filter(|visibility| **visibility != json!(NOT_LABELLED));
        u32::try_from(labelled.count()).unwrap_or(u32::MAX)
    });
    Ok(Some(Shape {
        bbox: bounds,
        area: outline.area_in_pixels(),
        segmentation: segmentation(&outline, size)?,
        keypoints,
        num_keypoints: labelled,
    }))
}

/// The geometry as a label row has it, if it cannot be had again from what [`shape_of`] makes of it.
pub(super) fn exact(geometry: &Geometry) -> Option<Value> {
    let (key, value) = match geometry {
        Geometry::Polygon(areas) if areas.iter().any(|rings| rings.len() != 1) => {
            let flat =
                |ring: &Vec<Point>| ring.iter().flat_map(|point| [point.x, point.y]).collect();
            let rings = |rings: &Vec<Vec<Point>>| rings.iter().map(flat).collect::<Vec<Vec<f64>>>();
            (
                "polygons",
                json!(areas.iter().map(rings).collect::<Vec<_>>()),
            )
        }
        Geometry::Skeleton(points) => {
            let point = |(number, point): (usize, &SkeletonPoint)| {
                let mut json = json!({ "x": point.x, "y": point.y, "name": point.name, "featureHash": point.feature_hash });
                if let Some(visibility) = &point.visibility {
                    json["visibility"] = visibility.as_str().into();
                }
                (number.to_string(), json)
            };
            let points: Map<_, _> = points.iter().enumerate().map(point).collect();
            ("skeleton", points.into())
        }
        Geometry::Circle(circle) => (
            "circle",
            json!({ "x": circle.x, "y": circle.y, "r": circle.radius, "stretch": circle.stretch, "theta": circle.theta }),
        ),
        Geometry::Ellipse(ellipse) => (
            "ellipse",
            json!({ "x": ellipse.x, "y": ellipse.y, "rx": ellipse.radius_x, "ry": ellipse.radius_y, "theta": ellipse.theta }),
        ),
        Geometry::Other(text) => {
            let mut json: Value = serde_json::from_str(text).ok()?;
            ("cuboid_2d", json.get_mut("cuboid_2d")?.take())
        }
        _ => return None,
    };
    Some(json!({ "shape": geometry.shape(), key: value }))
}

fn segmentation(outline: &Outline, size: Size) -> Result<Segmentation, LabelError> {
    let flat = |line: &[[f64; 2]]| line.iter().flatten().copied().collect::<Vec<f64>>();
    let mask = |mask: &Mask| {
        Ok(Segmentation::Mask {
            size: [size.height, size.width],
            counts: mask.to_coco()?,
        })
    };
    if let Some(found) = &outline.mask {
        return mask(found);
    }
    if outline.areas.iter().any(|rings| rings.len() > 1) {
        // COCO's polygons have no holes.
        let mut filled = Mask::new(size);
        filled.fill(&outline.areas);
        return mask(&filled);
    }
    if !outline.areas.is_empty() {
        let outlines = outline.areas.iter().flatten();
        return Ok(Segmentation::Polygons(
            outlines.map(|line| flat(line)).collect(),
        ));
    }
    // COCO has no lines. One that goes back on itself is a polygon without an area.
    let there_and_back = |line: &Vec<[f64; 2]>| {
        let back: Vec<_> = line.iter().rev().copied().collect();
        flat(&[line.as_slice(), &back].concat())
    };
    Ok(Segmentation::Polygons(
        outline.lines.iter().map(there_and_back).collect(),
    ))
}

/// In the order of the template, which is that of the category's names.
fn keypoints(points: &[SkeletonPoint], object: &OntologyObject, size: Size) -> Vec<Value> {
    let triple = |point: Option<&SkeletonPoint>| match point {
        Some(point) => [
            json!(point.x * f64::from(size.width)),
            json!(point.y * f64::from(size.height)),
            json!(visibility(point)),
        ],
        None => [json!(0), json!(0), json!(NOT_LABELLED)],
    };
    if object.template.is_empty() {
        return points
            .iter()
            .flat_map(|point| triple(Some(point)))
            .collect();
    }
    let named = object
        .template
        .iter()
        .map(|named| points.get(point_of(points, named)?));
    named.flat_map(triple).collect()
}

fn visibility(point: &SkeletonPoint) -> u8 {
    match point.visibility.as_deref() {
        Some("invisible") => NOT_LABELLED,
        Some("occluded" | "selfOccluded") => HIDDEN,
        _ => VISIBLE,
    }
}

/// What a keypoint's visibility means in a label row.
pub(super) fn visibility_of(number: f64) -> &'static str {
    if number >= f64::from(VISIBLE) {
        "visible"
    } else if number >= f64::from(HIDDEN) {
        "occluded"
    } else {
        "invisible"
    }
}
