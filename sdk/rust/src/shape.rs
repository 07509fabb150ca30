//! What objects look like: drawn on frames, or ranges that they mark.

use std::ops::RangeInclusive;

use crate::bindings::runner::stage::labels as wit;
use crate::{
    Bitmask, BoundingBox, Circle, Cuboid, Cuboid2d, Ellipse, Error, FrameRange, Geometry,
    HtmlRange, IntoFrames, LabelRow, Point, Polygon, Polyline, RotatableBoundingBox, Skeleton,
    SkeletonPoint, TemplatePoint,
};

/// What an object can look like.
///
/// | on pictures, frame by frame | in the ontology |
/// |---|---|
/// | [`BoundingBox`] | `bounding_box` |
/// | [`RotatableBoundingBox`] | `rotatable_bounding_box` |
/// | [`Polygon`] | `polygon` |
/// | [`Polyline`] | `polyline` |
/// | [`Point`] | `point` |
/// | [`Skeleton`] | `skeleton` |
/// | [`Bitmask`] | `bitmask` |
/// | [`Circle`], [`Ellipse`] | `circle`, `ellipse` |
/// | [`Cuboid`], [`Cuboid2d`] | `cuboid`, `cuboid_2d` |
/// | [`Geometry`] | any of them, as it was read |
///
/// | ranges | of | in the ontology |
/// |---|---|---|
/// | `0..=250`, [`FrameRange`], an array or `Vec` of them | sound, in milliseconds | `audio` |
/// | the same | text, in characters | `text` |
/// | the same | a time series, in its own unit | `time_range` |
/// | the same | a point cloud, as positions of points | `segmentation` |
/// | [`HtmlRange`], an array or `Vec` of them | an HTML document | `text` |
#[diagnostic::on_unimplemented(
    message = "a `{Self}` is not a shape",
    label = "not something that an object can look like",
    note = "shapes: `BoundingBox`, `RotatableBoundingBox`, `Polygon`, `Polyline`, `Point`, `Skeleton`, `Bitmask`, \
            `Circle`, `Ellipse`, `Cuboid`, `Cuboid2d`, `Geometry`",
    note = "ranges of sound or text: `0..=250`, `FrameRange`, `HtmlRange`, or an array or `Vec` of those"
)]
pub trait IntoShape {
    /// [`Drawing`] or [`Ranges`].
    type Shape;

    /// The shape.
    fn into_shape(self) -> Self::Shape;
}

/// What is drawn on frames, alike on each.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing(Drawn);

#[derive(Clone, Debug, PartialEq)]
enum Drawn {
    Geometry(Geometry),
    // The host makes its geometry, once there is one.
    Cuboid2d(Cuboid2d),
}

impl Drawing {
    /// The geometry for an object that is of one of these features.
    pub(crate) fn geometry(
        self,
        row: &LabelRow,
        features: impl FnOnce() -> Vec<String>,
    ) -> Result<Geometry, Error> {
        match self.0 {
            Drawn::Geometry(Geometry::Skeleton(mut points)) => {
                find_joints(&mut points, || {
                    let ontology = row.ontology();
                    let features = features().into_iter();
                    let objects = features.filter_map(|feature| ontology.find_object(&feature));
                    objects.map(|object| object.skeleton_template()).collect()
                })?;
                Ok(Geometry::Skeleton(points))
            }
            Drawn::Geometry(geometry) => Ok(geometry),
            Drawn::Cuboid2d(cuboid) => Ok(wit::geometry_of_cuboid_2d(&cuboid)),
        }
    }
}

/// Fills in the feature hashes of the points that have none, from the one template that there is. What is no skeleton
/// stays as it is: the host says so.
fn find_joints(
    points: &mut [SkeletonPoint],
    templates: impl FnOnce() -> Vec<Vec<TemplatePoint>>,
) -> Result<(), Error> {
    if points.iter().all(|point| !point.feature_hash.is_empty()) {
        return Ok(());
    }
    let mut templates = templates();
    templates.retain(|template| !template.is_empty());
    let template = match templates.as_slice() {
        [] => return Ok(()),
        [template] => template,
        several => {
            return Err(Error::InvalidArgument(format!(
                "expected points with their feature hashes, since {} of the features are skeletons; found names alone",
                several.len()
            )));
        }
    };
    for point in points {
        if !point.feature_hash.is_empty() {
            continue;
        }
        let Some(joint) = template.iter().find(|joint| joint.name == point.name) else {
            let names: Vec<_> = template.iter().map(|joint| joint.name.as_str()).collect();
            return Err(Error::InvalidArgument(format!(
                "expected a point of the skeleton's template, one of {}; found {:?}",
                names.join(", "),
                point.name
            )));
        };
        point.feature_hash.clone_from(&joint.feature_hash);
    }
    Ok(())
}

/// What an object marks without being drawn: ranges of sound, text, a time series or a point cloud.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranges(pub(crate) Marked);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Marked {
    Frames(Vec<FrameRange>),
    Html(Vec<HtmlRange>),
}

/// `IntoShape` for each type that is drawn, by the geometry that it becomes.
macro_rules! drawn {
    ($($shape:ty => |$value:ident| $drawn:expr;)+) => {$(
        impl IntoShape for $shape {
            type Shape = Drawing;

            fn into_shape(self) -> Drawing {
                let $value = self;
                Drawing($drawn)
            }
        }
    )+};
}

drawn! {
    BoundingBox => |bounds| Drawn::Geometry(Geometry::BoundingBox(bounds));
    RotatableBoundingBox => |bounds| Drawn::Geometry(Geometry::RotatableBoundingBox(bounds));
    Polygon => |polygon| Drawn::Geometry(Geometry::Polygon(polygon));
    Polyline => |line| Drawn::Geometry(Geometry::Polyline(line.points));
    Point => |point| Drawn::Geometry(Geometry::Point(point));
    Skeleton => |skeleton| Drawn::Geometry(Geometry::Skeleton(skeleton.points));
    Bitmask => |mask| Drawn::Geometry(Geometry::Bitmask(mask));
    Circle => |circle| Drawn::Geometry(Geometry::Circle(circle));
    Ellipse => |ellipse| Drawn::Geometry(Geometry::Ellipse(ellipse));
    Cuboid => |cuboid| Drawn::Geometry(Geometry::Cuboid(cuboid));
    Cuboid2d => |cuboid| Drawn::Cuboid2d(cuboid);
    Geometry => |geometry| Drawn::Geometry(geometry);
}

/// `IntoShape` for each type that says ranges.
macro_rules! marked {
    ($([$($generics:tt)*] $ranges:ty;)+) => {$(
        impl<$($generics)*> IntoShape for $ranges {
            type Shape = Ranges;

            fn into_shape(self) -> Ranges {
                Ranges(Marked::Frames(self.into_frames()))
            }
        }
    )+};
}

marked! {
    [] FrameRange;
    [] RangeInclusive<u32>;
    [const N: usize] [FrameRange; N];
    [const N: usize] [RangeInclusive<u32>; N];
    [] Vec<FrameRange>;
    [] Vec<RangeInclusive<u32>>;
    [] &[FrameRange];
}

impl IntoShape for HtmlRange {
    type Shape = Ranges;

    fn into_shape(self) -> Ranges {
        Ranges(Marked::Html(vec![self]))
    }
}

impl<const N: usize> IntoShape for [HtmlRange; N] {
    type Shape = Ranges;

    fn into_shape(self) -> Ranges {
        Ranges(Marked::Html(self.into()))
    }
}

impl IntoShape for Vec<HtmlRange> {
    type Shape = Ranges;

    fn into_shape(self) -> Ranges {
        Ranges(Marked::Html(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Vec<TemplatePoint> {
        let joint = |name: &str, feature_hash: &str| TemplatePoint {
            name: name.into(),
            feature_hash: feature_hash.into(),
            x: 0.0,
            y: 0.0,
        };
        vec![joint("head", "stiHead0"), joint("foot", "stiFoot0")]
    }

    #[test]
    fn joints_are_found_by_name() {
        let mut points = Skeleton::new([("foot", 0.5, 0.9), ("head", 0.5, 0.1)]).points;
        find_joints(&mut points, || vec![Vec::new(), template()]).unwrap();
        let hashes: Vec<_> = points
            .iter()
            .map(|point| point.feature_hash.as_str())
            .collect();
        assert_eq!(hashes, ["stiFoot0", "stiHead0"]);
        // All have one now, so the template is not asked for.
        find_joints(&mut points, || unreachable!("all have their hashes")).unwrap();
    }

    #[test]
    fn a_joint_that_the_template_lacks_is_told() {
        let mut points = Skeleton::new([("nose", 0.5, 0.9)]).points;
        let error = find_joints(&mut points, || vec![Vec::new(), template()]).unwrap_err();
        assert_eq!(
            error.message(),
            "expected a point of the skeleton's template, one of head, foot; found \"nose\""
        );
    }

    #[test]
    fn names_of_two_templates_are_ambiguous() {
        let mut points = Skeleton::new([("head", 0.5, 0.9)]).points;
        let error = find_joints(&mut points, || vec![template(), template()]).unwrap_err();
        assert!(error.message().contains("2 of the features"), "{error}");
    }

    #[test]
    fn what_is_no_skeleton_is_left_to_the_host() {
        let mut points = Skeleton::new([("nose", 0.5, 0.9)]).points;
        let before = points.clone();
        find_joints(&mut points, Vec::new).unwrap();
        find_joints(&mut points, || vec![Vec::new()]).unwrap();
        assert_eq!(points, before);
    }

    #[test]
    fn ranges_are_taken_as_authors_write_them() {
        let two = Ranges(Marked::Frames(vec![
            FrameRange::new(0, 250),
            FrameRange::new(400, 999),
        ]));
        assert_eq!([0..=250, 400..=999].into_shape(), two);
        assert_eq!(vec![0..=250, 400..=999].into_shape(), two);
        assert_eq!(
            [FrameRange::new(0, 250), (400..=999).into()].into_shape(),
            two
        );
        let one = Ranges(Marked::Frames(vec![FrameRange::new(3, 5)]));
        assert_eq!((3..=5).into_shape(), one);
        let text = HtmlRange::within("/html/body/p", 0, 5);
        assert_eq!([text.clone()].into_shape(), text.into_shape());
    }
}
