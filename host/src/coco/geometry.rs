//! From what COCO has of an object to the geometry of a label row.

use serde_json::Value;

use super::format::{Segmentation, Shape};
use super::found::{Counts, FoundAnnotation, FoundCategory, FoundSegmentation};
use super::shape::{shape_of, visibility_of};
use crate::labels::{
    BoundingBox, Geometry, OntologyObject, Point, RotatableBoundingBox, SkeletonPoint, rle,
};
use crate::pixels::{Bounds, Dot, Line, Mask, Size};

/// Numbers of files differ by so much, in pixels, and mean the same.
const SAME: f64 = 0.01;

/// The geometry of an object of the ontology. `size` is that of the image in the document.
///
/// Errors: a sentence that says what of it is missing or has no meaning.
pub(super) fn geometry_of(
    annotation: &FoundAnnotation,
    category: &FoundCategory,
    object: &OntologyObject,
    size: Size,
) -> Result<Geometry, String> {
    if let Some(exact) = exact(annotation, object, size) {
        return Ok(exact);
    }
    match object.shape.as_str() {
        "bounding_box" => bounding_box(bounds(annotation)?, size),
        "rotatable_bounding_box" => {
            let [x, y, width, height] = annotation.bbox.ok_or("it has no `bbox`")?;
            Ok(Geometry::RotatableBoundingBox(RotatableBoundingBox {
                x: x / f64::from(size.width),
                y: y / f64::from(size.height),
                width: width / f64::from(size.width),
                height: height / f64::from(size.height),
                theta: annotation.rotation().unwrap_or(0.0),
            }))
        }
        "polygon" => polygon(annotation, size),
        "polyline" => match &annotation.segmentation {
            Some(FoundSegmentation::Polygons(lines)) if lines.len() == 1 => {
                let line = forth(dots(&lines[0])?);
                Ok(Geometry::Polyline(
                    line.iter().map(|dot| point(*dot, size)).collect(),
                ))
            }
            _ => Err("its `segmentation` is not one line".to_owned()),
        },
        "point" => Ok(Geometry::Point(point(single(annotation)?, size))),
        "skeleton" => skeleton(annotation, category, object, size),
        "bitmask" => {
            let mask = match &annotation.segmentation {
                Some(FoundSegmentation::Mask { size, counts }) => mask(*size, counts)?,
                Some(FoundSegmentation::Polygons(polygons)) if !polygons.is_empty() => {
                    let areas = polygons.iter().map(|polygon| Ok(vec![dots(polygon)?]));
                    let mut mask = Mask::new(size);
                    mask.fill(&areas.collect::<Result<Vec<_>, String>>()?);
                    mask
                }
                _ => return Err("it has no `segmentation`".to_owned()),
            };
            let bitmask = mask.to_bitmask().map_err(|error| error.to_string())?;
            Ok(Geometry::Bitmask(bitmask))
        }
        other => Err(format!(
            "a `{other}` is imported only with an `encord_geometry` that fits the rest"
        )),
    }
}

/// What an export wrote beside an approximation, unless somebody has changed that since.
fn exact(annotation: &FoundAnnotation, object: &OntologyObject, size: Size) -> Option<Geometry> {
    let geometry = Geometry::read(annotation.attribute("encord_geometry")?);
    if geometry.shape() != object.shape {
        return None;
    }
    let shape = shape_of(&geometry, object, size).ok()??;
    is_same(&shape, annotation).then_some(geometry)
}

fn is_same(shape: &Shape, annotation: &FoundAnnotation) -> bool {
    let same = |a: &[f64], b: &[f64]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < SAME)
    };
    let segmentation = match (&shape.segmentation, &annotation.segmentation) {
        (Segmentation::Polygons(ours), Some(FoundSegmentation::Polygons(theirs))) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b))
        }
        (
            Segmentation::Mask { size, counts },
            Some(FoundSegmentation::Mask {
                size: other_size,
                counts: Counts::Compressed(other),
            }),
        ) => size == other_size && counts == other,
        _ => false,
    };
    let ours: Vec<f64> = shape
        .keypoints
        .iter()
        .flatten()
        .filter_map(Value::as_f64)
        .collect();
    let theirs = annotation.keypoints.as_deref().unwrap_or_default();
    let bbox = annotation.bbox.unwrap_or(shape.bbox);
    segmentation && same(&shape.bbox, &bbox) && same(&ours, theirs)
}

/// Left, top, width, height: stated, or around what is drawn.
fn bounds(annotation: &FoundAnnotation) -> Result<[f64; 4], String> {
    if let Some(bbox) = annotation.bbox {
        return Ok(bbox);
    }
    let found = match &annotation.segmentation {
        Some(FoundSegmentation::Polygons(polygons)) => {
            let lines = polygons.iter().map(|polygon| dots(polygon));
            let lines = lines.collect::<Result<Vec<_>, _>>()?;
            Bounds::around(lines.iter().flatten())
        }
        Some(FoundSegmentation::Mask { size, counts }) => mask(*size, counts)?.bounds(),
        None => None,
    };
    let found = found.ok_or("it has neither a `bbox` nor a `segmentation`")?;
    Ok([found.x, found.y, found.width, found.height])
}

fn bounding_box([x, y, width, height]: [f64; 4], size: Size) -> Result<Geometry, String> {
    let along = |start: f64, length: f64, whole: u32| {
        let whole = f64::from(whole);
        let (from, to) = (start / whole, (start + length) / whole);
        let (inner, outer) = (within(from, whole), within(to, whole));
        // As it is written unless an edge has to be moved, so that nothing is lost by rounding.
        if (inner, outer) == (from, to) {
            (from, length / whole)
        } else {
            (inner, outer - inner)
        }
    };
    let (left, width) = along(x, width, size.width);
    let (top, height) = along(y, height, size.height);
    Ok(Geometry::BoundingBox(BoundingBox {
        x: left,
        y: top,
        width,
        height,
    }))
}

fn polygon(annotation: &FoundAnnotation, size: Size) -> Result<Geometry, String> {
    let areas = match &annotation.segmentation {
        Some(FoundSegmentation::Polygons(polygons)) if !polygons.is_empty() => {
            let area = |polygon: &Vec<f64>| Ok(vec![dots(polygon)?]);
            polygons
                .iter()
                .map(area)
                .collect::<Result<Vec<_>, String>>()?
        }
        Some(FoundSegmentation::Mask { size, counts }) => mask(*size, counts)?.areas(),
        _ => {
            let [x, y, width, height] = bounds(annotation)?;
            vec![vec![vec![
                [x, y],
                [x + width, y],
                [x + width, y + height],
                [x, y + height],
            ]]]
        }
    };
    let ring = |line: &Line| line.iter().map(|dot| point(*dot, size)).collect();
    let area = |rings: &Vec<Line>| rings.iter().map(ring).collect();
    Ok(Geometry::Polygon(areas.iter().map(area).collect()))
}

/// The point itself, wherever it is written.
fn single(annotation: &FoundAnnotation) -> Result<Dot, String> {
    let keypoint = annotation.keypoints.as_deref();
    if let Some([x, y, ..]) = keypoint {
        return Ok([*x, *y]);
    }
    if let Some(FoundSegmentation::Polygons(polygons)) = &annotation.segmentation
        && let [polygon] = polygons.as_slice()
        && let [x, y] = polygon.as_slice()
    {
        return Ok([*x, *y]);
    }
    match annotation.bbox {
        Some([x, y, width, height]) => Ok([x + width / 2.0, y + height / 2.0]),
        None => Err("it has no `keypoints`".to_owned()),
    }
}

/// The category names the keypoints; without names they are in the order of the template.
fn skeleton(
    annotation: &FoundAnnotation,
    category: &FoundCategory,
    object: &OntologyObject,
    size: Size,
) -> Result<Geometry, String> {
    let numbers = annotation.keypoints.as_deref().unwrap_or_default();
    let (triples, rest) = numbers.as_chunks::<3>();
    if triples.is_empty() || !rest.is_empty() {
        return Err("its `keypoints` are not x, y and visibility of each".to_owned());
    }
    let points = triples.iter().enumerate().map(|(number, [x, y, seen])| {
        let name = category
            .keypoints
            .get(number)
            .or_else(|| Some(&object.template.get(number)?.name));
        let name = name.cloned().unwrap_or_else(|| number.to_string());
        let named = object.template.iter().find(|point| point.name == name);
        let at = point([*x, *y], size);
        SkeletonPoint {
            x: at.x,
            y: at.y,
            feature_hash: named.map_or_else(String::new, |point| point.feature_hash.clone()),
            name,
            visibility: Some(visibility_of(*seen).to_owned()),
        }
    });
    Ok(Geometry::Skeleton(points.collect()))
}

fn mask([height, width]: [u32; 2], counts: &Counts) -> Result<Mask, String> {
    let size = Size::new(width, height).ok_or("its mask has no pixels, or too many")?;
    let text = match counts {
        Counts::Compressed(text) => text.clone(),
        Counts::Plain(runs) => rle::of_runs(runs),
    };
    Mask::of_coco(size, &text).map_err(|error| error.to_string())
}

fn dots(numbers: &[f64]) -> Result<Line, String> {
    let (pairs, rest) = numbers.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.to_vec())
    } else {
        Err("a polygon of its `segmentation` has an odd number of coordinates".to_owned())
    }
}

/// A line that goes back on itself is meant once.
fn forth(mut line: Line) -> Line {
    if line.len() >= 4 && line.len().is_multiple_of(2) && line.iter().eq(line.iter().rev()) {
        line.truncate(line.len() / 2);
    }
    line
}

fn point(dot: Dot, size: Size) -> Point {
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    Point {
        x: within(dot[0] / width, width),
        y: within(dot[1] / height, height),
        z: None,
    }
}

/// Other programs count pixels from their centres, or round: what is a pixel outside is meant to be at the edge.
fn within(share: f64, pixels: f64) -> f64 {
    let pixel = 1.0 / pixels;
    if (-pixel..=1.0 + pixel).contains(&share) {
        share.clamp(0.0, 1.0)
    } else {
        share
    }
}
