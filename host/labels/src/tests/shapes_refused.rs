//! Shapes that cannot be drawn.

use serde_json::json;

use super::super::*;
use super::bounds;
use super::shapes::{
    circle, cuboid, ellipse, isometric, joint, joints, mask, object_of, perspective, point,
    rotatable, spatial, square, triangle,
};

/// The message of a refusal by an object of the geometry's own shape, on a frame of 6 x 4 pixels.
fn refused(geometry: &Geometry) -> String {
    refused_by(geometry, &object_of(geometry.shape()))
}

fn refused_by(geometry: &Geometry, object: &OntologyObject) -> String {
    match geometry.check(object, Some((6, 4))) {
        Err(LabelError::InvalidArgument(message)) => message,
        other => panic!("expected {geometry:?} to be refused, found {other:?}"),
    }
}

#[test]
fn a_shape_of_another_feature_is_refused() {
    let square = Geometry::BoundingBox(bounds(0.0, 0.0, 0.5, 0.5));
    assert_eq!(
        refused_by(&square, &object_of("polygon")),
        "expected a geometry of shape `polygon` for `Poly`, found one of shape `bounding_box`"
    );
    for (json, found) in [
        ("{}", "JSON text without a shape"),
        ("not JSON", "JSON text without a shape"),
        (r#"{"shape":7}"#, "JSON text without a shape"),
        (r#"{"shape":"circle"}"#, "one of shape `circle`"),
    ] {
        let other = Geometry::Other(json.to_owned());
        assert_eq!(
            refused_by(&other, &object_of("polygon")),
            format!("expected a geometry of shape `polygon` for `Poly`, found {found}")
        );
    }
}

#[test]
fn what_is_outside_of_the_frame_is_refused() {
    let help =
        "\nhelp: coordinates are relative to the frame; divide pixels by its width or height";
    let mut ring = triangle();
    ring[2].y = 480.0;
    let with_hole = Geometry::Polygon(vec![vec![square(1.0)], vec![square(0.5), ring]]);
    let line = Geometry::Polyline(vec![point(0.0, 0.0), point(f64::NAN, 0.0)]);
    let skeleton = joints([
        joint("head", "", 0.1, 0.1, None),
        joint("foot", "", 0.1, -0.1, None),
    ]);
    let mut front = square(0.1);
    front[1].x = 1.5;
    for (geometry, expected) in [
        (
            with_hole,
            "`y` of point 2 of ring 1 of area 1 of a polygon to be from 0 to 1, found 480",
        ),
        (
            line,
            "`x` of point 1 of a polyline to be from 0 to 1, found NaN",
        ),
        (
            Geometry::Point(point(0.0, f64::INFINITY)),
            "`y` of a point to be from 0 to 1, found inf",
        ),
        (
            Geometry::Point(point(-0.000_002, 0.0)),
            "`x` of a point to be from 0 to 1, found -0.000002",
        ),
        (
            skeleton,
            "`y` of point 1 of a skeleton to be from 0 to 1, found -0.1",
        ),
        (
            rotatable(0.9, 0.3, 0.2, 0.0),
            "`x + width / 2` of a rotatable bounding box to be from 0 to 1, found 1.05",
        ),
        (
            rotatable(0.1, 0.3, 300.0, 0.0),
            "`y + height / 2` of a rotatable bounding box to be from 0 to 1, found 150.2",
        ),
        (
            circle(1.5, 0.5, 0.1, 1.0, 0.0),
            "`x` of a circle to be from 0 to 1, found 1.5",
        ),
        (
            circle(0.5, 1.5, 0.1, 1.0, 0.0),
            "`y` of a circle to be from 0 to 1, found 1.5",
        ),
        (
            ellipse(1.5, 0.1, 0.1, 0.0),
            "`x` of an ellipse to be from 0 to 1, found 1.5",
        ),
        (
            isometric(front, point(0.0, 0.0)),
            "`x` of point 1 of the front of a cuboid_2d to be from 0 to 1, found 1.5",
        ),
    ] {
        assert_eq!(refused(&geometry), format!("expected {expected}{help}"));
    }
    for geometry in [
        Geometry::Point(point(-0.000_000_5, 1.000_000_5)),
        Geometry::BoundingBox(bounds(-0.000_000_5, 0.0, 1.000_000_5, 1.0)),
        rotatable(-0.5, 1.5, 1.25, 400.0),
        circle(0.0, 1.0, 2.0, 3.0, -90.0),
        isometric(square(0.1), point(-4.0, 4.0)),
        perspective(square(0.1), point(-4.0, 4.0), 0.0),
    ] {
        let object = object_of(geometry.shape());
        assert_eq!(geometry.check(&object, None), Ok(()), "{geometry:?}");
    }
}

#[test]
fn a_size_or_an_angle_that_is_none_is_refused() {
    let (origin, size) = ([0.0; 3], [1.0; 3]);
    for (geometry, expected) in [
        (
            rotatable(0.1, 0.0, 0.2, 0.0),
            "`width` of a rotatable bounding box to be over 0, found 0",
        ),
        (
            rotatable(0.1, 0.3, -0.2, 0.0),
            "`height` of a rotatable bounding box to be over 0, found -0.2",
        ),
        (
            rotatable(0.1, 0.3, 0.2, f64::NAN),
            "`theta` of a rotatable bounding box to be a finite number, found NaN",
        ),
        (
            rotatable(f64::NEG_INFINITY, 0.3, 0.2, 0.0),
            "`x` of a rotatable bounding box to be a finite number, found -inf",
        ),
        (
            circle(0.5, 0.5, 0.0, 1.0, 0.0),
            "`radius` of a circle to be over 0, found 0",
        ),
        (
            circle(0.5, 0.5, 0.1, -1.0, 0.0),
            "`stretch` of a circle to be over 0, found -1",
        ),
        (
            circle(0.5, 0.5, 0.1, f64::INFINITY, 0.0),
            "`stretch` of a circle to be a finite number, found inf",
        ),
        (
            circle(0.5, 0.5, 0.1, 1.0, f64::NAN),
            "`theta` of a circle to be a finite number, found NaN",
        ),
        (
            ellipse(0.5, 0.0, 0.1, 0.0),
            "`radius_x` of an ellipse to be over 0, found 0",
        ),
        (
            ellipse(0.5, 0.1, f64::NAN, 0.0),
            "`radius_y` of an ellipse to be a finite number, found NaN",
        ),
        (
            ellipse(0.5, 0.1, 0.1, f64::INFINITY),
            "`theta` of an ellipse to be a finite number, found inf",
        ),
        (
            cuboid([0.0, f64::NAN, 0.0], origin, size),
            "`position` of a cuboid to be a finite number, found NaN",
        ),
        (
            cuboid(origin, [0.0, 0.0, f64::INFINITY], size),
            "`orientation` of a cuboid to be a finite number, found inf",
        ),
        (
            cuboid(origin, origin, [1.0, 0.0, 1.0]),
            "`size` of a cuboid to be over 0, found 0",
        ),
        (
            Geometry::Point(spatial(0.0, 0.0, f64::NAN)),
            "`z` of a point to be a finite number, found NaN",
        ),
        (
            Geometry::Polyline(vec![
                spatial(0.0, f64::INFINITY, 1.0),
                spatial(0.0, 0.0, 1.0),
            ]),
            "`y` of point 0 of a polyline to be a finite number, found inf",
        ),
        (
            perspective(square(0.1), point(0.0, 0.0), -0.5),
            "the scale ratio of a cuboid_2d to be 0 or more, found -0.5",
        ),
    ] {
        assert_eq!(refused(&geometry), format!("expected {expected}"));
    }
}

#[test]
fn too_few_points_or_of_the_wrong_kind_are_refused() {
    let line = triangle()[..2].to_vec();
    let mut deep = triangle();
    deep[1].z = Some(2.0);
    for (geometry, expected) in [
        (
            Geometry::Polygon(Vec::new()),
            "expected a polygon of at least one area, found one of none",
        ),
        (
            Geometry::Polygon(vec![vec![triangle()], Vec::new()]),
            "expected an outline for area 1 of a polygon, found no ring",
        ),
        (
            Geometry::Polygon(vec![vec![triangle(), line.clone()]]),
            "expected at least 3 points in ring 1 of area 0 of a polygon, found 2",
        ),
        (
            Geometry::Polygon(vec![vec![deep.clone()]]),
            "expected no `z` of point 1 of ring 0 of area 0 of a polygon, found 2",
        ),
        (
            Geometry::Polyline(vec![point(0.0, 0.0)]),
            "expected at least 2 points in a polyline, found 1",
        ),
        (
            Geometry::Polyline(deep),
            "expected all points of a polyline to have a `z` or none, found that 1 of 3 have one",
        ),
        (
            isometric(line, point(0.0, 0.0)),
            "expected at least 3 points in the front of a cuboid_2d, found 2",
        ),
    ] {
        assert_eq!(refused(&geometry), expected);
    }
}

#[test]
fn a_bitmask_has_the_size_of_the_frame() {
    let object = object_of("bitmask");
    let shifted = Bitmask {
        left: 1,
        ..mask(6, 4, "83304")
    };
    for (mask, expected) in [
        (
            mask(4, 6, "83304"),
            "expected a bitmask of the size of the frame, 6 x 4 pixels, found one of 4 x 6",
        ),
        (
            shifted,
            "expected `top` and `left` of a bitmask to be 0, found 0 and 1\n\
             help: a bitmask has the size of the frame; what is not in it is 0",
        ),
        (
            mask(6, 4, "83303"),
            "expected a run-length encoding of 24 pixels, found one of 23",
        ),
        (
            mask(6, 4, "8 "),
            "expected a run-length encoding, of the characters from `0` to `o`, found ' ' at position 1",
        ),
    ] {
        assert_eq!(refused(&Geometry::Bitmask(mask)), expected);
    }
    let unknown = LabelError::Unsupported(
        "expected a frame whose width and height are known, which a bitmask has to have, found a bitmask \
         of 6 x 4 for a frame of unknown size"
            .to_owned(),
    );
    let mask = Geometry::Bitmask(mask(6, 4, "83304"));
    assert_eq!(mask.check(&object, None), Err(unknown));
}

#[test]
fn points_that_are_not_those_of_the_template_are_refused() {
    let head = || joint("head", "", 0.1, 0.1, None);
    let foot = |hash: &str, visibility| joint("foot", hash, 0.1, 0.1, visibility);
    for (points, expected) in [
        (
            vec![head()],
            "expected every point of the skeleton `Stick`, found none for `foot`\n\
             help: a point that cannot be seen is given with the visibility `invisible`",
        ),
        (
            vec![],
            "expected every point of the skeleton `Stick`, found none for `head`, `foot`\n\
             help: a point that cannot be seen is given with the visibility `invisible`",
        ),
        (
            vec![head(), foot("", None), head()],
            "expected each point of the skeleton `Stick` once, found the name `head` again",
        ),
        (
            vec![foot("skPtFoot", None), foot("skPtFoot", None)],
            "expected each point of the skeleton `Stick` once, found the feature hash `skPtFoot` again",
        ),
        (
            vec![head(), joint("hand", "", 0.1, 0.1, None)],
            "expected the name of a point of the skeleton `Stick`, found `hand`; its template has `head`, \
             `foot`",
        ),
        (
            vec![head(), foot("skPtHand", None)],
            "expected the feature hash of a point of the skeleton `Stick`, found `skPtHand`; its template \
             has `skPtHead`, `skPtFoot`",
        ),
        (
            vec![head(), foot("", Some("hidden"))],
            "expected the visibility of a skeleton's point to be one of `visible`, `invisible`, \
             `occluded`, `selfOccluded`, found `hidden`",
        ),
    ] {
        assert_eq!(refused(&Geometry::Skeleton(points)), expected);
    }
    let mut object = object_of("skeleton");
    object.template.clear();
    let nameless = Geometry::Skeleton(vec![head(), joint("", "skPtFoot", 0.1, 0.1, None)]);
    assert_eq!(
        refused_by(&nameless, &object),
        "expected a name for each point of the skeleton `Stick`, which has no template, found none for \
         point 1"
    );
    assert_eq!(
        refused_by(&Geometry::Skeleton(Vec::new()), &object),
        "expected at least one point of the skeleton `Stick`, found none"
    );
}

#[test]
fn of_json_text_only_a_cuboid_2d_can_be_drawn() {
    let segmentation =
        Geometry::Other(r#"{"shape":"segmentation","segmentation":"55"}"#.to_owned());
    assert_eq!(
        refused(&segmentation),
        "expected a geometry that can be drawn, found the JSON text of a `segmentation`\n\
         help: of the geometries that are JSON text, only `cuboid_2d` can be drawn"
    );
    // A known shape in a form that is not known.
    let box_without_size =
        Geometry::Other(r#"{"shape":"bounding_box","boundingBox":{}}"#.to_owned());
    assert_eq!(
        refused(&box_without_size),
        "expected the coordinates of a `bounding_box` as Encord keeps them, found that something of them is \
         missing or of another type"
    );
    let front = json!([0.0, 0.0, 0.1, 0.0, 0.1, 0.1]);
    for cuboid in [
        json!(null),
        json!({ "front": front }),
        json!({ "front": front, "vanishingPoint": { "x": 0.5, "y": 0.5 } }),
        json!({ "front": front, "offset": { "x": 0.5 } }),
        json!({ "front": [0.0, 0.0, 0.1], "offset": { "x": 0.5, "y": 0.5 } }),
        json!({ "offset": { "x": 0.5, "y": 0.5 } }),
    ] {
        let json = json!({ "shape": "cuboid_2d", "cuboid_2d": cuboid }).to_string();
        let geometry = Geometry::Other(json.clone());
        assert_eq!(Cuboid2d::of(&geometry), None);
        assert_eq!(
            refused(&geometry),
            format!(
                "expected a `cuboid_2d` with `front`, a flat list of finite coordinates, and either \
                 `vanishingPoint` and `scaleRatio` or `offset`, found {json}"
            )
        );
    }
    let not_finite = perspective(square(0.1), point(f64::NAN, 0.0), 1.0);
    assert!(refused(&not_finite).contains("finite coordinates"));
    assert_eq!(Cuboid2d::of(&Geometry::Point(point(0.0, 0.0))), None);
    let other = Geometry::Other(r#"{"shape":"hologram","cuboid_2d":{}}"#.to_owned());
    assert_eq!(Cuboid2d::of(&other), None);
}
