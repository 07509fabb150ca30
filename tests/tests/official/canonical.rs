//! What a label row says, read from the host's own library. `tests/python/canonical.py` makes the same of the SDK's
//! objects, so that the two can be compared.

use std::fmt::Write as _;
use std::sync::Arc;

use runner_host::encord::{Client, LabelRowMetadata, MetadataOptions, ReadOptions};
use runner_host::labels::{
    Annotation, Answer, AnswerValue, BoundingBox, ClassificationInstance, FrameRange, Geometry,
    HtmlNode, HtmlRange, LabelRow, ObjectInstance, Ontology, Point, RowFacts,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The ontology of a project.
pub(crate) async fn ontology(client: &Client, project: Uuid) -> Arc<Ontology> {
    let described = client.project(project).await.unwrap();
    let ontology = client.ontology(described.ontology_uuid).await.unwrap();
    let ontology = Ontology::parse(
        &ontology.uuid.to_string(),
        &ontology.title,
        &ontology.description,
        &ontology.editor,
    );
    Arc::new(ontology.unwrap())
}

/// All rows of a project that exist on a branch, with what is listed of them.
pub(crate) async fn rows(
    client: &Client,
    project: Uuid,
    units: &[Uuid],
) -> Vec<(LabelRowMetadata, LabelRow)> {
    let ontology = ontology(client, project).await;
    let options = MetadataOptions {
        include_client_metadata: true,
        ..MetadataOptions::default()
    };
    let listed = client
        .label_row_metadata(project, units, &options)
        .await
        .unwrap();
    let hashes: Vec<_> = listed.iter().filter_map(|row| row.label_hash).collect();
    let documents = client
        .read_label_rows(project, &hashes, &ReadOptions::default())
        .await
        .unwrap();
    let mut rows = Vec::new();
    for metadata in listed {
        let Some(hash) = metadata.label_hash else {
            continue;
        };
        let (_, document) = documents.iter().find(|(found, _)| *found == hash).unwrap();
        let facts = RowFacts {
            data_type: metadata.data_type.clone(),
            number_of_frames: metadata.number_of_frames,
            width: metadata.width,
            height: metadata.height,
            partial: false,
        };
        let document = Arc::new(document.clone());
        let row = LabelRow::open(document, facts, Arc::clone(&ontology)).unwrap();
        rows.push((metadata, row));
    }
    rows
}

/// The canonical form of a row.
pub(crate) fn label_row(row: &LabelRow) -> Value {
    let objects = row.objects();
    let objects: Map<_, _> = objects
        .map(|instance| (instance.object_hash().to_owned(), object(&instance)))
        .collect();
    let classifications = row.classifications();
    let classifications: Map<_, _> = classifications
        .map(|instance| {
            (
                instance.classification_hash().to_owned(),
                classification(&instance),
            )
        })
        .collect();
    json!({
        "title": row.data_title(),
        "data_type": row.data_type(),
        "branch": row.branch_name(),
        "objects": objects,
        "classifications": classifications,
    })
}

fn object(instance: &ObjectInstance<'_>) -> Value {
    let dynamic = instance.dynamic_answers();
    let mut by_attribute: Map<String, Value> = Map::new();
    for given in &dynamic {
        let parts = by_attribute
            .entry(given.answer.feature_hash.clone())
            .or_insert_with(|| json!([]));
        let part = json!([ranges(&given.frames), value(&given.answer)]);
        parts.as_array_mut().unwrap().push(part);
    }
    for parts in by_attribute.values_mut() {
        let parts = parts.as_array_mut().unwrap();
        parts.sort_by_key(|part| part[0][0][0].as_u64());
    }
    let spaces = instance.spaces();
    let placed: Map<_, _> = if spaces.is_empty() {
        let frames = instance.frames();
        let drawn = |frame| instance.annotation(frame);
        let place = place(instance, &frames, drawn, instance.html_ranges());
        [("".to_owned(), place)].into_iter().collect()
    } else {
        let spaces = spaces.into_iter();
        let placed = spaces.map(|space| {
            let frames = instance.frames_in(space);
            let drawn = |frame| instance.annotation_in(space, frame);
            let place = place(instance, &frames, drawn, instance.html_ranges_in(space));
            (space.to_owned(), place)
        });
        placed.collect()
    };
    json!({
        "feature": instance.feature_hash(),
        "name": instance.name(),
        "shape": instance.shape(),
        "number": instance.object_number(),
        "answers": answers(&instance.answers()),
        "dynamic": by_attribute,
        "placed": placed,
    })
}

/// Where an object is in the row or in a space of it.
fn place(
    instance: &ObjectInstance<'_>,
    frames: &[FrameRange],
    drawn: impl Fn(u32) -> Option<Annotation>,
    html: Vec<HtmlRange>,
) -> Value {
    let each = frames.iter().flat_map(|range| range.start..=range.end);
    let annotations: Map<_, _> = each
        .filter_map(|frame| Some((frame.to_string(), annotation(&drawn(frame)?))))
        .collect();
    let whole = annotations.is_empty().then(|| {
        json!({
            "confidence": instance.confidence(),
            "manual": instance.manual_annotation(),
            "created_by": instance.created_by(),
        })
    });
    let node = |node: &HtmlNode| json!({ "xpath": node.xpath, "offset": node.offset });
    let range = |range: &HtmlRange| json!({ "start": node(&range.start), "end": node(&range.end) });
    let html = (!html.is_empty()).then(|| html.iter().map(range).collect::<Value>());
    json!({
        "frames": ranges(frames),
        "html": html,
        "annotations": annotations,
        "whole": whole,
    })
}

fn annotation(of: &Annotation) -> Value {
    json!({
        "geometry": geometry(&of.geometry),
        "confidence": of.confidence,
        "manual": of.manual_annotation,
        "created_at": of.created_at,
        "created_by": of.created_by,
        "last_edited_at": of.last_edited_at,
        "last_edited_by": of.last_edited_by,
    })
}

fn classification(instance: &ClassificationInstance<'_>) -> Value {
    let mut spaces = instance.spaces();
    spaces.sort_unstable();
    json!({
        "feature": instance.feature_hash(),
        "title": instance.title(),
        "frames": ranges(&instance.frames()),
        "spaces": spaces,
        "answers": answers(&instance.answers()),
        "confidence": instance.confidence(),
        "manual": instance.manual_annotation(),
        "created_at": instance.created_at(),
        "created_by": instance.created_by(),
        "last_edited_at": instance.last_edited_at(),
        "last_edited_by": instance.last_edited_by(),
    })
}

fn geometry(geometry: &Geometry) -> Value {
    match geometry {
        Geometry::BoundingBox(BoundingBox {
            x,
            y,
            width,
            height,
        }) => {
            json!({ "box": [x, y, width, height] })
        }
        Geometry::RotatableBoundingBox(shape) => {
            json!({ "box": [shape.x, shape.y, shape.width, shape.height], "theta": shape.theta })
        }
        Geometry::Polygon(areas) => {
            let ring = |ring: &Vec<Point>| points(ring);
            let area = |area: &Vec<Vec<Point>>| area.iter().map(ring).collect::<Value>();
            json!({ "areas": areas.iter().map(area).collect::<Value>() })
        }
        Geometry::Polyline(line) => json!({ "line": points(line) }),
        Geometry::Point(at) => json!({ "point": point(at) }),
        Geometry::Skeleton(joints) => {
            let joint = joints.iter().map(|joint| {
                json!({
                    "at": [joint.x, joint.y],
                    "name": joint.name,
                    "feature": joint.feature_hash,
                    "visibility": joint.visibility,
                })
            });
            json!({ "joints": joint.collect::<Value>() })
        }
        Geometry::Bitmask(mask) => {
            json!({ "mask": [mask.top, mask.left, mask.width, mask.height], "rle": mask.rle })
        }
        Geometry::Circle(shape) => {
            json!({ "circle": [shape.x, shape.y, shape.radius, shape.stretch, shape.theta] })
        }
        Geometry::Ellipse(shape) => {
            json!({ "ellipse": [shape.x, shape.y, shape.radius_x, shape.radius_y, shape.theta] })
        }
        Geometry::Cuboid(shape) => {
            json!({ "cuboid": [shape.position, shape.orientation, shape.size] })
        }
        // The frame's object as it stands: of it, the coordinates.
        Geometry::Other(text) => {
            let object: Value = serde_json::from_str(text).unwrap();
            json!({ "other": { "cuboid_2d": object["cuboid_2d"] } })
        }
    }
}

fn points(points: &[Point]) -> Value {
    points.iter().map(point).collect()
}

fn point(point: &Point) -> Value {
    match point.z {
        None => json!([point.x, point.y]),
        Some(z) => json!([point.x, point.y, z]),
    }
}

fn ranges(ranges: &[FrameRange]) -> Value {
    ranges
        .iter()
        .map(|range| json!([range.start, range.end]))
        .collect()
}

fn answers(answers: &[Answer]) -> Value {
    let entry = |answer: &Answer| (answer.feature_hash.clone(), value(answer));
    answers.iter().map(entry).collect()
}

fn value(answer: &Answer) -> Value {
    match &answer.value {
        AnswerValue::Text(text) => json!(text),
        AnswerValue::Number(number) => json!(number),
        AnswerValue::Options(options) => {
            let mut hashes: Vec<_> = options.iter().map(|option| &option.feature_hash).collect();
            hashes.sort();
            json!(hashes)
        }
        AnswerValue::Other(text) => panic!("no answer of this kind was given: {text}"),
    }
}

/// Where two values differ, a line for each place. Numbers are equal if their values are, however they are written.
pub(crate) fn differences(found: &Value, expected: &Value) -> String {
    let mut lines = String::new();
    compare("", found, expected, &mut lines);
    lines
}

fn compare(place: &str, found: &Value, expected: &Value, lines: &mut String) {
    match (found, expected) {
        (Value::Object(one), Value::Object(other)) => {
            let further = one.keys().filter(|key| !other.contains_key(*key));
            for key in other.keys().chain(further) {
                let part =
                    |of: &Map<String, Value>| of.get(key).cloned().unwrap_or("nothing".into());
                compare(&format!("{place}/{key}"), &part(one), &part(other), lines);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                compare(&format!("{place}/{index}"), one, other, lines);
            }
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => {}
        _ if found == expected => {}
        _ => {
            let _ = writeln!(lines, "{place}:\n  expected {expected}\n  found    {found}");
        }
    }
}
