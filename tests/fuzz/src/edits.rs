//! Edits of a row, chosen by bytes: valid ones and such as must be refused.

use std::sync::Arc;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use runner_labels::{
    AttributeAnswer, Bitmask, BoundingBox, Circle, Cuboid, Ellipse, FrameRange, Geometry,
    GivenAnswer, HtmlNode, HtmlRange, LabelError, LabelRow, Point, RotatableBoundingBox,
    SkeletonPoint,
};

type Edit = std::result::Result<(), LabelError>;

/// Makes one edit. One that fails leaves the row as it was, and says why in a sentence.
pub fn one(row: &mut LabelRow, bytes: &mut Unstructured<'_>) {
    let before = row.to_document();
    // Where the bytes end, nothing is edited.
    let Ok(Err(error)) = chosen(row, bytes) else {
        return;
    };
    if !Arc::ptr_eq(&before, &row.to_document()) {
        // As text, so that the order of keys is compared, too.
        let (before, after) = (before.to_string(), row.to_document().to_string());
        assert_eq!(before, after, "refused, and yet changed: {error}");
    }
    check_message(&error);
}

/// An error says what was expected and what was found.
pub fn check_message(error: &LabelError) {
    let message = error.to_string();
    assert!(
        message.starts_with("expected ") && message.contains("found"),
        "{message}"
    );
}

fn chosen(row: &mut LabelRow, bytes: &mut Unstructured<'_>) -> Result<Edit> {
    match bytes.int_in_range(0..=2_u8)? {
        0 => new(row, bytes),
        1 if row.objects().next().is_some() => of_object(row, bytes),
        _ => of_classification(row, bytes),
    }
}

/// Something that the row does not have yet.
fn new(row: &mut LabelRow, bytes: &mut Unstructured<'_>) -> Result<Edit> {
    let space = space(row, bytes)?;
    let space = space.as_deref();
    Ok(match bytes.int_in_range(0..=6_u8)? {
        0 => {
            let (feature, geometry) = drawable(row, bytes)?;
            row.add_object(&feature, &geometry, &ranges(bytes)?, space)
                .map(drop)
        }
        1 => {
            let feature = *bytes.choose(&["Speech", "Entity", "Span", "Segment", "Box"])?;
            row.add_ranges(feature, &ranges(bytes)?, space).map(drop)
        }
        2 => row
            .add_html_ranges("Entity", &html_ranges(bytes)?, space)
            .map(drop),
        3 => {
            let (feature, answers) = (classification_feature(row, bytes)?, answers(bytes)?);
            let frames = optional(bytes, ranges)?;
            row.add_classification(&feature, &answers, frames.as_deref(), space)
                .map(drop)
        }
        4 => {
            let mut source = row.clone();
            if bytes.arbitrary()? {
                source.discard_edits();
            }
            if bytes.arbitrary()? {
                row.discard_edits();
            }
            let pairs = optional(bytes, |bytes| {
                let from = object_feature(&source, bytes)?;
                let to = object_feature(&source, bytes)?;
                Ok(vec![(
                    from.clone(),
                    if bytes.arbitrary()? { to } else { from },
                )])
            })?;
            return Ok(copy(row, &source, pairs.as_deref()));
        }
        5 => {
            let mut document = (*row.to_document()).clone();
            let donor = document.clone();
            crate::mutate::mutate(&mut document, &donor, bytes)?;
            row.set_document(document)
        }
        _ => {
            let (feature, bounds) = (object_feature(row, bytes)?, bounds(bytes)?);
            row.add_bounding_box(&feature, bounds, frame(bytes)?)
                .map(drop)
        }
    })
}

/// As a failed copy leaves a row as it was before it.
fn copy(row: &mut LabelRow, source: &LabelRow, pairs: Option<&[(String, String)]>) -> Edit {
    let before = row.to_document();
    let objects = row.objects().count();
    let copied = row.copy_labels(source, pairs);
    match copied {
        Ok(copied) => {
            assert_eq!(row.objects().count(), objects + copied.objects as usize);
            Ok(())
        }
        Err(error) => {
            check_message(&error);
            assert_eq!(
                before,
                row.to_document(),
                "refused, and yet changed: {error}"
            );
            Ok(())
        }
    }
}

fn of_object(row: &mut LabelRow, bytes: &mut Unstructured<'_>) -> Result<Edit> {
    let (hash, space) = (object(row, bytes)?, space(row, bytes)?);
    let (hash, space) = (hash.as_str(), space.as_deref());
    Ok(match bytes.int_in_range(0..=13_u8)? {
        0 => row.set_object_confidence(hash, number(bytes)?),
        1 => row.set_object_manual_annotation(hash, bytes.arbitrary()?),
        2 => {
            let geometry = geometry(row, hash, bytes)?;
            row.draw(hash, &geometry, &ranges(bytes)?, space)
        }
        3 => row.copy_to_frames(hash, frame_of(row, hash, bytes)?, &ranges(bytes)?),
        4 => row.move_to_frame(hash, frame_of(row, hash, bytes)?, frame(bytes)?),
        5 => row.set_ranges(hash, &ranges(bytes)?, space),
        6 => row.set_html_ranges(hash, &html_ranges(bytes)?, space),
        7 => {
            let frames = optional(bytes, ranges)?;
            row.remove_from_frames(hash, frames.as_deref(), space)
        }
        8 => {
            let was_there = row.object(hash).is_some();
            assert_eq!(row.remove_object(hash), was_there);
            assert!(row.object(hash).is_none());
            Ok(())
        }
        9 => row.set_object_confidence_on(hash, number(bytes)?, &ranges(bytes)?),
        10 => row.set_object_manual_annotation_on(hash, bytes.arbitrary()?, &ranges(bytes)?),
        11 => {
            let frames = optional(bytes, ranges)?;
            let attribute = *bytes.choose(&ATTRIBUTES)?;
            row.clear_object_answer(hash, attribute, frames.as_deref())
        }
        12 => {
            row.discard_edits();
            assert!(!row.is_edited());
            Ok(())
        }
        _ => {
            let frames = optional(bytes, ranges)?;
            row.set_object_answers(hash, &answers(bytes)?, frames.as_deref())
        }
    })
}

fn of_classification(row: &mut LabelRow, bytes: &mut Unstructured<'_>) -> Result<Edit> {
    let (hash, space) = (classification(row, bytes)?, space(row, bytes)?);
    let (hash, space) = (hash.as_str(), space.as_deref());
    Ok(match bytes.int_in_range(0..=6_u8)? {
        0 => row.set_classification_confidence(hash, number(bytes)?),
        1 => row.set_classification_manual_annotation(hash, bytes.arbitrary()?),
        2 => row.set_classification_answers(hash, &answers(bytes)?),
        3 => row.clear_classification_answer(hash, bytes.choose(&ATTRIBUTES)?),
        4 => {
            let frames = optional(bytes, ranges)?;
            row.add_classification_to_frames(hash, frames.as_deref(), space)
        }
        5 => {
            let frames = optional(bytes, ranges)?;
            row.remove_classification_from_frames(hash, frames.as_deref(), space)
        }
        _ => {
            let was_there = row.classification(hash).is_some();
            assert_eq!(row.remove_classification(hash), was_there);
            assert!(row.classification(hash).is_none());
            Ok(())
        }
    })
}

/// The id of a space of the row, if it has some; at times one that it does not have.
fn space(row: &LabelRow, bytes: &mut Unstructured<'_>) -> Result<Option<String>> {
    let spaces: Vec<_> = row
        .spaces()
        .iter()
        .map(|space| space.id().to_owned())
        .collect();
    if spaces.is_empty() {
        return Ok(bytes.ratio(1, 32)?.then(|| "unknown".to_owned()));
    }
    optional(bytes, |bytes| one_of(&spaces, bytes))
}

/// The hash of an object of the row, or one that it does not have.
fn object(row: &LabelRow, bytes: &mut Unstructured<'_>) -> Result<String> {
    let hashes: Vec<_> = row
        .objects()
        .map(|object| object.object_hash().to_owned())
        .collect();
    one_of(&hashes, bytes)
}

fn classification(row: &LabelRow, bytes: &mut Unstructured<'_>) -> Result<String> {
    let hashes = row
        .classifications()
        .map(|class| class.classification_hash().to_owned());
    one_of(&hashes.collect::<Vec<_>>(), bytes)
}

fn object_feature(row: &LabelRow, bytes: &mut Unstructured<'_>) -> Result<String> {
    let objects = row.ontology().objects().iter();
    let features = objects.flat_map(|object| [&object.feature_hash, &object.name]);
    one_of(&features.cloned().collect::<Vec<_>>(), bytes)
}

fn classification_feature(row: &LabelRow, bytes: &mut Unstructured<'_>) -> Result<String> {
    let classes = row.ontology().classifications().iter();
    let features = classes.flat_map(|class| [&class.feature_hash, &class.title]);
    one_of(&features.cloned().collect::<Vec<_>>(), bytes)
}

/// One of the texts; at times another, or if there are none.
fn one_of(texts: &[String], bytes: &mut Unstructured<'_>) -> Result<String> {
    if texts.is_empty() || bytes.ratio(1, 16)? {
        return Ok("unknown".to_owned());
    }
    bytes.choose(texts).cloned()
}

/// A frame that an object is on, or any.
fn frame_of(row: &LabelRow, hash: &str, bytes: &mut Unstructured<'_>) -> Result<u32> {
    let frames = row
        .object(hash)
        .map(|object| object.frames())
        .unwrap_or_default();
    if frames.is_empty() || bytes.ratio(1, 8)? {
        return frame(bytes);
    }
    Ok(bytes.choose(&frames)?.start)
}

/// A feature and, most of the time, a geometry of its shape.
fn drawable(row: &LabelRow, bytes: &mut Unstructured<'_>) -> Result<(String, Geometry)> {
    let object = bytes.choose(row.ontology().objects())?;
    let (feature, shape) = (object.feature_hash.clone(), object.shape.clone());
    Ok((feature, of_shape(&shape, bytes)?))
}

/// A geometry for an object that there is.
fn geometry(row: &LabelRow, hash: &str, bytes: &mut Unstructured<'_>) -> Result<Geometry> {
    let shape = row.object(hash).map(|object| object.shape().to_owned());
    of_shape(&shape.unwrap_or_default(), bytes)
}

fn of_shape(shape: &str, bytes: &mut Unstructured<'_>) -> Result<Geometry> {
    Ok(match shape {
        "bounding_box" => Geometry::BoundingBox(bounds(bytes)?),
        "rotatable_bounding_box" => Geometry::RotatableBoundingBox(RotatableBoundingBox {
            x: number(bytes)?,
            y: number(bytes)?,
            width: number(bytes)?,
            height: number(bytes)?,
            theta: number(bytes)? * 360.0,
        }),
        "polygon" => {
            let ring = points(bytes)?;
            let hole = optional(bytes, points)?;
            Geometry::Polygon(vec![std::iter::once(ring).chain(hole).collect()])
        }
        "polyline" => Geometry::Polyline(points(bytes)?),
        "point" => Geometry::Point(point(bytes)?),
        "skeleton" => Geometry::Skeleton(vec![
            joint("head", bytes)?,
            joint(if bytes.ratio(1, 16)? { "tail" } else { "foot" }, bytes)?,
        ]),
        "bitmask" => {
            let (width, height) = *bytes.choose(&[(4, 6), (320, 240), (640, 480), (3, 0)])?;
            let rle = *bytes.choose(&["83304", "Xf0", "nX6:fc000000000000000000R_o8", "", "P[2"])?;
            Geometry::Bitmask(Bitmask { top: 0, left: 0, width, height, rle: rle.to_owned() })
        }
        "circle" => Geometry::Circle(Circle {
            x: number(bytes)?,
            y: number(bytes)?,
            radius: number(bytes)?,
            stretch: number(bytes)?,
            theta: number(bytes)?,
        }),
        "ellipse" => Geometry::Ellipse(Ellipse {
            x: number(bytes)?,
            y: number(bytes)?,
            radius_x: number(bytes)?,
            radius_y: number(bytes)?,
            theta: number(bytes)?,
        }),
        "cuboid" => Geometry::Cuboid(Cuboid {
            position: [number(bytes)?, number(bytes)?, number(bytes)?],
            orientation: [0.0, number(bytes)?, 0.0],
            size: [number(bytes)?, number(bytes)?, number(bytes)?],
        }),
        "cuboid_2d" => Geometry::Other(
            (*bytes.choose(&[
                r#"{"shape":"cuboid_2d","cuboid_2d":{"front":[0,0,1,0,1,1],"offset":{"x":0.5,"y":0}}}"#,
                r#"{"shape":"cuboid_2d","cuboid_2d":{"front":[0,0,1,0,1,1],"vanishingPoint":{"x":2,"y":-1},"scaleRatio":0.5}}"#,
                r#"{"shape":"cuboid_2d","cuboid_2d":{"front":[]}}"#,
            ])?)
            .to_owned(),
        ),
        _ => Geometry::Other(bytes.arbitrary::<String>()?),
    })
}

fn points(bytes: &mut Unstructured<'_>) -> Result<Vec<Point>> {
    let mut points = Vec::new();
    for _ in 0..bytes.int_in_range(1..=5_u8)? {
        points.push(point(bytes)?);
    }
    Ok(points)
}

fn point(bytes: &mut Unstructured<'_>) -> Result<Point> {
    let z = if bytes.ratio(1, 16)? {
        Some(number(bytes)?)
    } else {
        None
    };
    Ok(Point {
        x: number(bytes)?,
        y: number(bytes)?,
        z,
    })
}

fn joint(name: &str, bytes: &mut Unstructured<'_>) -> Result<SkeletonPoint> {
    let visibility = optional(bytes, |bytes| {
        Ok(
            (*bytes.choose(&["visible", "invisible", "occluded", "selfOccluded", "hidden"])?)
                .to_owned(),
        )
    })?;
    Ok(SkeletonPoint {
        x: number(bytes)?,
        y: number(bytes)?,
        name: name.to_owned(),
        feature_hash: String::new(),
        visibility,
    })
}

const ATTRIBUTES: [&str; 14] = [
    "attSky01", "attRain1", "How much", "Comment", "attRain3", "attSnow1", "attNum01", "Doing",
    "attFast1", "Lights", "Sign", "Colour", "Shade", "Visible",
];
const OPTIONS: [&str; 17] = [
    "Rain", "optRain2", "rain", "Snow", "Twin", "optTwin2", "Hail", "Wet road", "optFog01",
    "Moving", "Standing", "Front", "Back", "Sunny", "Red", "Yes", "Good",
];

fn answers(bytes: &mut Unstructured<'_>) -> Result<Vec<AttributeAnswer>> {
    let mut answers = Vec::new();
    for _ in 0..bytes.int_in_range(0..=4_u8)? {
        let value = match bytes.int_in_range(0..=2_u8)? {
            0 => GivenAnswer::Text(bytes.arbitrary::<String>()?),
            1 => GivenAnswer::Number(number(bytes)?),
            _ => {
                let mut options = Vec::new();
                for _ in 0..bytes.int_in_range(0..=3_u8)? {
                    options.push((*bytes.choose(&OPTIONS)?).to_owned());
                }
                GivenAnswer::Options(options)
            }
        };
        let attribute = optional(bytes, |bytes| Ok((*bytes.choose(&ATTRIBUTES)?).to_owned()))?;
        answers.push(AttributeAnswer { attribute, value });
    }
    Ok(answers)
}

fn bounds(bytes: &mut Unstructured<'_>) -> Result<BoundingBox> {
    Ok(BoundingBox {
        x: number(bytes)? / 2.0,
        y: number(bytes)? / 2.0,
        width: number(bytes)? / 2.0,
        height: number(bytes)? / 2.0,
    })
}

/// Often from 0 to 1, at times any number.
fn number(bytes: &mut Unstructured<'_>) -> Result<f64> {
    if bytes.ratio(1, 32)? {
        return bytes.arbitrary();
    }
    Ok(f64::from(bytes.arbitrary::<u8>()?) / 255.0)
}

fn frame(bytes: &mut Unstructured<'_>) -> Result<u32> {
    match bytes.int_in_range(0..=15_u8)? {
        0 => bytes.arbitrary(),
        1..=7 => bytes.int_in_range(0..=1),
        _ => bytes.int_in_range(0..=31),
    }
}

fn ranges(bytes: &mut Unstructured<'_>) -> Result<Vec<FrameRange>> {
    let mut ranges = Vec::new();
    for _ in 0..bytes.int_in_range(0..=3_u8)? {
        let start = frame(bytes)?;
        let end = if bytes.arbitrary()? {
            start
        } else {
            frame(bytes)?
        };
        ranges.push(FrameRange { start, end });
    }
    Ok(ranges)
}

fn html_ranges(bytes: &mut Unstructured<'_>) -> Result<Vec<HtmlRange>> {
    let mut ranges = Vec::new();
    for _ in 0..bytes.int_in_range(0..=2_u8)? {
        let mut node = || -> Result<HtmlNode> {
            let xpath = *bytes.choose(&["/html[1]/body[1]/p[1]/text()[1]", "/p", ""])?;
            Ok(HtmlNode {
                xpath: xpath.to_owned(),
                offset: bytes.arbitrary()?,
            })
        };
        ranges.push(HtmlRange {
            start: node()?,
            end: node()?,
        });
    }
    Ok(ranges)
}

fn optional<T>(
    bytes: &mut Unstructured<'_>,
    make: impl FnOnce(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Option<T>> {
    if bytes.arbitrary()? {
        make(bytes).map(Some)
    } else {
        Ok(None)
    }
}
