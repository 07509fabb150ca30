//! Shapes: written as the Python SDK writes them, and read back.

use serde_json::{Map, Value, json};

use super::super::*;
use super::{bounds, document, ontology};

pub(super) fn point(x: f64, y: f64) -> Point {
    Point { x, y, z: None }
}

pub(super) fn spatial(x: f64, y: f64, z: f64) -> Point {
    Point { x, y, z: Some(z) }
}

pub(super) fn joint(
    name: &str,
    hash: &str,
    x: f64,
    y: f64,
    visibility: Option<&str>,
) -> SkeletonPoint {
    SkeletonPoint {
        x,
        y,
        name: name.to_owned(),
        feature_hash: hash.to_owned(),
        visibility: visibility.map(str::to_owned),
    }
}

pub(super) fn joints(joints: [SkeletonPoint; 2]) -> Geometry {
    Geometry::Skeleton(joints.into())
}

pub(super) fn triangle() -> Vec<Point> {
    vec![point(0.125, 0.25), point(0.5, 0.25), point(0.5, 0.75)]
}

pub(super) fn square(side: f64) -> Vec<Point> {
    vec![
        point(0.0, 0.0),
        point(side, 0.0),
        point(side, side),
        point(0.0, side),
    ]
}

pub(super) fn mask(width: u32, height: u32, rle: &str) -> Bitmask {
    Bitmask {
        top: 0,
        left: 0,
        width,
        height,
        rle: rle.to_owned(),
    }
}

pub(super) fn rotatable(x: f64, width: f64, height: f64, theta: f64) -> Geometry {
    Geometry::RotatableBoundingBox(RotatableBoundingBox {
        x,
        y: 0.2,
        width,
        height,
        theta,
    })
}

pub(super) fn circle(x: f64, y: f64, radius: f64, stretch: f64, theta: f64) -> Geometry {
    Geometry::Circle(Circle {
        x,
        y,
        radius,
        stretch,
        theta,
    })
}

pub(super) fn ellipse(x: f64, radius_x: f64, radius_y: f64, theta: f64) -> Geometry {
    Geometry::Ellipse(Ellipse {
        x,
        y: 0.5,
        radius_x,
        radius_y,
        theta,
    })
}

pub(super) fn cuboid(position: [f64; 3], orientation: [f64; 3], size: [f64; 3]) -> Geometry {
    Geometry::Cuboid(Cuboid {
        position,
        orientation,
        size,
    })
}

pub(super) fn perspective(front: Vec<Point>, vanishing_point: Point, scale_ratio: f64) -> Geometry {
    let projection = Projection::Perspective(Perspective {
        vanishing_point,
        scale_ratio,
    });
    Cuboid2d { front, projection }.to_geometry()
}

pub(super) fn isometric(front: Vec<Point>, offset: Point) -> Geometry {
    let projection = Projection::Isometric(offset);
    Cuboid2d { front, projection }.to_geometry()
}

/// The first object of the ontology that has this shape.
pub(super) fn object_of(shape: &str) -> OntologyObject {
    let ontology = ontology();
    let mut objects = ontology.objects().iter();
    let object = objects.find(|object| object.shape == shape);
    object.cloned().expect("the ontology has every shape")
}

fn written(geometry: &Geometry, object: &OntologyObject) -> Value {
    let mut into = Map::new();
    geometry.write(object, &mut into);
    Value::Object(into)
}

/// Reads what stands in a frame's object of a shape.
fn read(shape: &str, keys: &Value) -> Geometry {
    let mut json = keys.clone();
    json["shape"] = shape.into();
    Geometry::read(&json)
}

#[test]
fn every_shape_is_written_as_the_python_sdk_writes_it_and_read_back() {
    let golden: Map<String, Value> =
        serde_json::from_str(include_str!("../testdata/shapes.json")).expect("testdata is JSON");
    let hole = vec![point(0.4, 0.4), point(0.6, 0.4), point(0.6, 0.6)];
    let (visible, unseen) = (Some("visible"), Some("invisible"));
    let cases = [
        (
            "bounding_box",
            Geometry::BoundingBox(bounds(0.1, 0.2, 0.25, 0.5)),
        ),
        ("rotatable_bounding_box", rotatable(-0.1, 0.3, 0.2, 45.0)),
        (
            "polygon",
            Geometry::Polygon(vec![vec![square(1.0), hole], vec![triangle()]]),
        ),
        (
            "polyline",
            Geometry::Polyline(vec![point(0.1, 0.1), point(0.9, 0.9), point(0.5, 1.0)]),
        ),
        (
            "polyline_3d",
            Geometry::Polyline(vec![spatial(-1.5, 2.0, 30.25), spatial(4.0, 5.0, -6.0)]),
        ),
        ("point", Geometry::Point(point(0.25, 0.75))),
        ("point_3d", Geometry::Point(spatial(12.5, -3.0, 1.0))),
        (
            "skeleton",
            joints([
                joint("head", "skPtHead", 0.1, 0.1, visible),
                joint("foot", "skPtFoot", 0.1, 0.9, Some("selfOccluded")),
            ]),
        ),
        (
            "skeleton_unseen",
            joints([
                joint("head", "skPtHead", 0.0, 1.0, None),
                joint("foot", "skPtFoot", 0.5, 0.5, unseen),
            ]),
        ),
        (
            "skeleton_without_template",
            joints([
                joint("tip", "skPtTip1", 0.25, 0.5, None),
                joint("tail", "", 0.5, 0.5, Some("occluded")),
            ]),
        ),
        ("bitmask", Geometry::Bitmask(mask(6, 4, "83304"))),
        ("circle", circle(0.5, 0.5, 0.1, 1.0, 0.0)),
        ("circle_stretched", circle(0.5, 0.25, 0.1, 0.5, 30.0)),
        ("ellipse", ellipse(0.5, 0.1, 0.2, 10.0)),
        (
            "cuboid",
            cuboid([1.0, -2.0, 0.5], [0.0, 0.25, -3.0], [4.0, 2.0, 1.5]),
        ),
        (
            "cuboid_2d_perspective",
            perspective(square(0.1), point(1.4, 0.3), 0.75),
        ),
        (
            "cuboid_2d_isometric",
            isometric(square(0.1), point(0.05, -0.05)),
        ),
    ];
    assert!(cases.iter().map(|(name, _)| name).eq(golden.keys()));
    for (name, geometry) in cases {
        let mut object = object_of(geometry.shape());
        if name == "skeleton_without_template" {
            object.template.clear();
        }
        assert_eq!(geometry.check(&object, Some((6, 4))), Ok(()), "{name}");
        let keys = written(&geometry, &object);
        assert_eq!(keys.to_string(), golden[name].to_string());
        let back = read(geometry.shape(), &keys);
        match Cuboid2d::of(&geometry) {
            None => assert_eq!(back, geometry),
            Some(cuboid) => assert_eq!(Cuboid2d::of(&back), Some(cuboid)),
        }
        assert_eq!(back.shape(), geometry.shape());
    }
}

#[test]
fn captured_shapes_can_be_drawn_as_they_are() {
    let ontology = ontology();
    for (name, size) in [("image", (640, 480)), ("video", (320, 240))] {
        let mut drawn = Vec::new();
        collect_drawn(&document(name)["data_units"], &mut drawn);
        assert!(drawn.len() >= 12);
        for json in drawn {
            let geometry = Geometry::read(&json);
            let object = ontology.object(json["featureHash"].as_str().expect("text"));
            let object = object.expect("in the ontology");
            assert_eq!(geometry.check(object, Some(size)), Ok(()));
            let mut again = json.as_object().cloned().expect("an object");
            geometry.write(object, &mut again);
            // The number 0 stands there in both forms.
            assert!(again.keys().eq(json.as_object().expect("an object").keys()));
            let again = Geometry::read(&Value::Object(again));
            match Cuboid2d::of(&geometry) {
                None => assert_eq!(again, geometry),
                Some(cuboid) => assert_eq!(Cuboid2d::of(&again), Some(cuboid)),
            }
        }
    }
}

fn collect_drawn(json: &Value, drawn: &mut Vec<Value>) {
    match json {
        Value::Object(map) if map.contains_key("objectHash") => drawn.push(json.clone()),
        Value::Object(map) => map.values().for_each(|value| collect_drawn(value, drawn)),
        Value::Array(list) => list.iter().for_each(|value| collect_drawn(value, drawn)),
        _ => {}
    }
}

#[test]
fn a_shape_drawn_anew_keeps_what_is_not_of_it() {
    let mut into = json!({ "x": 1, "boundingBox": null, "y": 2 });
    let map = into.as_object_mut().expect("an object");
    Geometry::BoundingBox(bounds(0.0, 0.0, 0.5, 1.0)).write(&object_of("bounding_box"), map);
    assert_eq!(
        into.to_string(),
        r#"{"x":1,"boundingBox":{"h":1.0,"w":0.5,"x":0.0,"y":0.0},"y":2}"#
    );
}

#[test]
fn points_of_a_skeleton_take_the_places_of_the_template() {
    let object = object_of("skeleton");
    let in_order = joints([
        joint("head", "skPtHead", 0.1, 0.2, Some("visible")),
        joint("foot", "skPtFoot", 0.3, 0.4, None),
    ]);
    let expected = written(&in_order, &object);
    // By name, by hash whatever the name, and in another order.
    for given in [
        joints([
            joint("head", "", 0.1, 0.2, Some("visible")),
            joint("foot", "", 0.3, 0.4, None),
        ]),
        joints([
            joint("", "skPtFoot", 0.3, 0.4, None),
            joint("Top", "skPtHead", 0.1, 0.2, Some("visible")),
        ]),
        joints([
            joint("foot", "", 0.3, 0.4, None),
            joint("head", "skPtHead", 0.1, 0.2, Some("visible")),
        ]),
    ] {
        assert_eq!(given.check(&object, None), Ok(()));
        assert_eq!(written(&given, &object), expected);
    }
}
