//! Any geometry that can be drawn reads as what was written.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::super::shapes::object_of;
use super::cases;
use crate::{
    Bitmask, BoundingBox, Circle, Cuboid, Cuboid2d, Ellipse, Geometry, Perspective, Point,
    Projection, RotatableBoundingBox, SkeletonPoint,
};

/// The frame of bitmasks, in pixels.
const SIZE: (u32, u32) = (7, 5);

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn any_geometry_reads_as_it_was_written(geometry in any_geometry()) {
        let object = object_of(geometry.shape());
        prop_assert_eq!(geometry.check(&object, Some(SIZE)), Ok(()));
        let mut drawn = Map::new();
        drawn.insert("shape".to_owned(), geometry.shape().into());
        geometry.write(&object, &mut drawn);
        // Through text, as it is sent.
        let text = Value::Object(drawn).to_string();
        let read = Geometry::read(&serde_json::from_str(&text).expect("it was written as JSON"));
        match Cuboid2d::of(&geometry) {
            Some(cuboid) => prop_assert_eq!(Cuboid2d::of(&read), Some(cuboid)),
            None => prop_assert_eq!(read, geometry),
        }
    }
}

fn any_geometry() -> impl Strategy<Value = Geometry> {
    let ring = || vec(flat(), 3..6);
    let turned = (relative(), relative(), size(), size(), finite());
    let circle = (relative(), relative(), size(), size(), finite());
    let ellipse = (relative(), relative(), size(), size(), finite());
    let coordinates = || [finite(), finite(), finite()];
    let cuboid = (coordinates(), coordinates(), [size(), size(), size()]);
    let mask = vec(any::<bool>(), (SIZE.0 * SIZE.1) as usize);
    let joints = (flat(), visibility(), flat(), visibility());
    prop_oneof![
        upright().prop_map(Geometry::BoundingBox),
        turned.prop_map(|(x, y, width, height, theta)| {
            // Given by its centre, which has to be in the frame.
            let (x, y) = (x - width / 2.0, y - height / 2.0);
            Geometry::RotatableBoundingBox(RotatableBoundingBox {
                x,
                y,
                width,
                height,
                theta,
            })
        }),
        vec(vec(ring(), 1..3), 1..3).prop_map(Geometry::Polygon),
        vec(flat(), 2..6).prop_map(Geometry::Polyline),
        vec(spatial(), 2..6).prop_map(Geometry::Polyline),
        prop_oneof![flat(), spatial()].prop_map(Geometry::Point),
        joints.prop_map(|(head, seen, foot, also_seen)| {
            let joints = [
                ("head", "skPtHead", head, seen),
                ("foot", "skPtFoot", foot, also_seen),
            ];
            Geometry::Skeleton(joints.into_iter().map(joint).collect())
        }),
        mask.prop_map(|mask| {
            let mask: Vec<u8> = mask.into_iter().map(u8::from).collect();
            Geometry::Bitmask(Bitmask::of_bytes(SIZE.0, SIZE.1, &mask).expect("a byte a pixel"))
        }),
        circle.prop_map(|(x, y, radius, stretch, theta)| {
            Geometry::Circle(Circle {
                x,
                y,
                radius,
                stretch,
                theta,
            })
        }),
        ellipse.prop_map(|(x, y, radius_x, radius_y, theta)| {
            Geometry::Ellipse(Ellipse {
                x,
                y,
                radius_x,
                radius_y,
                theta,
            })
        }),
        cuboid.prop_map(|(position, orientation, size)| {
            Geometry::Cuboid(Cuboid {
                position,
                orientation,
                size,
            })
        }),
        (ring(), projection())
            .prop_map(|(front, projection)| { Cuboid2d { front, projection }.to_geometry() }),
    ]
}

fn upright() -> impl Strategy<Value = BoundingBox> {
    let edge = || (relative(), size());
    (edge(), edge()).prop_map(|((x, width), (y, height))| BoundingBox {
        x: x * (1.0 - width),
        y: y * (1.0 - height),
        width,
        height,
    })
}

fn projection() -> impl Strategy<Value = Projection> {
    let place = || (finite(), finite()).prop_map(|(x, y)| Point { x, y, z: None });
    let perspective = (place(), relative()).prop_map(|(vanishing_point, scale_ratio)| {
        Projection::Perspective(Perspective {
            vanishing_point,
            scale_ratio,
        })
    });
    prop_oneof![perspective, place().prop_map(Projection::Isometric)]
}

fn joint((name, hash, point, visibility): (&str, &str, Point, Option<&str>)) -> SkeletonPoint {
    SkeletonPoint {
        x: point.x,
        y: point.y,
        name: name.to_owned(),
        feature_hash: hash.to_owned(),
        visibility: visibility.map(str::to_owned),
    }
}

fn visibility() -> impl Strategy<Value = Option<&'static str>> {
    const WORDS: [&str; 4] = ["visible", "invisible", "occluded", "selfOccluded"];
    proptest::option::of(proptest::sample::select(WORDS.as_slice()))
}

fn flat() -> impl Strategy<Value = Point> {
    (relative(), relative()).prop_map(|(x, y)| Point { x, y, z: None })
}

fn spatial() -> impl Strategy<Value = Point> {
    (finite(), finite(), finite()).prop_map(|(x, y, z)| Point { x, y, z: Some(z) })
}

fn relative() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 0.0..=1.0, 1 => Just(0.0), 1 => Just(1.0)]
}

/// Over 0.
fn size() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 1e-9..=1.0, 1 => Just(1.0)]
}

/// Any number that JSON has.
fn finite() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    NORMAL | SUBNORMAL | ZERO | NEGATIVE | POSITIVE
}
