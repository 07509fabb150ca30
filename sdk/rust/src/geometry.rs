//! Constructors of the shapes that are not boxes.

use crate::bindings::runner::stage::labels as wit;
use crate::{
    Bitmask, Circle, Cuboid, Cuboid2d, Ellipse, Error, Geometry, HtmlNode, HtmlRange, Perspective,
    Point, Polygon, Projection, SkeletonPoint,
};

impl Point {
    /// A point in the plane, from 0 to 1.
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y, z: None }
    }

    /// A point in three-dimensional data, `z` in its own unit.
    pub const fn with_depth(x: f64, y: f64, z: f64) -> Self {
        Self { x, y, z: Some(z) }
    }

    /// A point in pixels, of a frame of `frame_width` by `frame_height` pixels.
    pub fn from_pixels(x: f64, y: f64, frame_width: u32, frame_height: u32) -> Self {
        Self::new(x / f64::from(frame_width), y / f64::from(frame_height))
    }

    /// In pixels of a frame of that size.
    pub fn to_pixels(&self, frame_width: u32, frame_height: u32) -> (f64, f64) {
        (
            self.x * f64::from(frame_width),
            self.y * f64::from(frame_height),
        )
    }
}

impl From<(f64, f64)> for Point {
    fn from((x, y): (f64, f64)) -> Self {
        Self::new(x, y)
    }
}

impl From<(f64, f64, f64)> for Point {
    fn from((x, y, z): (f64, f64, f64)) -> Self {
        Self::with_depth(x, y, z)
    }
}

impl Polygon {
    /// One area, from the points of its outline: three at least, the last of which is joined to the first.
    ///
    /// ```
    /// use runner_sdk::Polygon;
    ///
    /// let island = Polygon::new([(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)])
    ///     .with_hole([(0.4, 0.4), (0.6, 0.4), (0.5, 0.6)])
    ///     .with_area([(0.92, 0.92), (0.98, 0.92), (0.95, 0.98)]);
    /// assert_eq!(island.areas.len(), 2);
    /// ```
    pub fn new<I>(outline: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Point>,
    {
        Self { areas: Vec::new() }.with_area(outline)
    }

    /// With a hole in the area that came last.
    #[must_use]
    pub fn with_hole<I>(mut self, outline: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Point>,
    {
        // A polygon made from its fields may have no area yet; the host refuses one without.
        match self.areas.last_mut() {
            Some(area) => area.push(points(outline)),
            None => self.areas.push(vec![points(outline)]),
        }
        self
    }

    /// With another area.
    #[must_use]
    pub fn with_area<I>(mut self, outline: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Point>,
    {
        self.areas.push(vec![points(outline)]);
        self
    }
}

/// A line through points.
#[derive(Clone, Debug, PartialEq)]
pub struct Polyline {
    /// Two at least.
    pub points: Vec<Point>,
}

impl Polyline {
    /// A line through these points, in the plane or, in three-dimensional data, in space.
    ///
    /// ```
    /// use runner_sdk::Polyline;
    ///
    /// let lane = Polyline::new([(0.1, 0.9), (0.4, 0.5), (0.45, 0.1)]);
    /// let vessel = Polyline::new([(0.1, 0.9, 12.0), (0.4, 0.5, 13.5)]);
    /// # assert_ne!(lane, vessel);
    /// ```
    pub fn new<I>(line: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Point>,
    {
        Self {
            points: points(line),
        }
    }
}

impl From<Polyline> for Vec<Point> {
    fn from(line: Polyline) -> Self {
        line.points
    }
}

/// The points of a skeleton, as its template in the ontology names them.
#[derive(Clone, Debug, PartialEq)]
pub struct Skeleton {
    /// In any order.
    pub points: Vec<SkeletonPoint>,
}

impl Skeleton {
    /// A skeleton of points by the names in its template, with x and y: each point of the template once. One that is
    /// not in the picture is given as [`Visibility::Invisible`].
    ///
    /// ```
    /// use runner_sdk::{Skeleton, SkeletonPoint, Visibility};
    ///
    /// let standing = Skeleton::new([("head", 0.5, 0.1), ("hip", 0.5, 0.5), ("foot", 0.45, 0.9)]);
    /// let covered = Skeleton::new([
    ///     SkeletonPoint::new("head", 0.5, 0.1),
    ///     SkeletonPoint::new("hip", 0.5, 0.5),
    ///     SkeletonPoint::new("foot", 0.45, 0.9).seen(Visibility::Occluded),
    /// ]);
    /// # assert_ne!(standing, covered);
    /// ```
    pub fn new<I>(points: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<SkeletonPoint>,
    {
        Self {
            points: points.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Skeleton> for Vec<SkeletonPoint> {
    fn from(skeleton: Skeleton) -> Self {
        skeleton.points
    }
}

impl SkeletonPoint {
    /// A point by its name in the skeleton's template, x and y from 0 to 1. Its feature hash is looked up when
    /// it is drawn.
    pub fn new(name: impl Into<String>, x: f64, y: f64) -> Self {
        Self {
            x,
            y,
            name: name.into(),
            feature_hash: String::new(),
            visibility: None,
        }
    }

    /// Says how well it is seen. Not called: that stays open.
    #[must_use]
    pub fn seen(mut self, visibility: Visibility) -> Self {
        self.visibility = Some(visibility.name().into());
        self
    }
}

impl From<(&str, f64, f64)> for SkeletonPoint {
    fn from((name, x, y): (&str, f64, f64)) -> Self {
        Self::new(name, x, y)
    }
}

/// How well a point of a skeleton is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// It is in the picture.
    Visible,
    /// It is not.
    Invisible,
    /// Something is before it.
    Occluded,
    /// The thing itself is before it.
    SelfOccluded,
}

impl Visibility {
    /// As Encord spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::Invisible => "invisible",
            Self::Occluded => "occluded",
            Self::SelfOccluded => "selfOccluded",
        }
    }
}

impl Bitmask {
    /// The mask of a picture from one byte a pixel, row by row: 0 is not in it, anything else is.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are not `width` times `height` bytes, or none.
    pub fn from_bytes(width: u32, height: u32, bytes: &[u8]) -> Result<Self, Error> {
        wit::bitmask_of_bytes(width, height, bytes)
    }

    /// The mask of a picture from one `bool` a pixel, row by row.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes).
    pub fn from_bools(width: u32, height: u32, pixels: &[bool]) -> Result<Self, Error> {
        let bytes: Vec<u8> = pixels.iter().copied().map(u8::from).collect();
        Self::from_bytes(width, height, &bytes)
    }

    /// One byte a pixel, row by row: 1 is in the mask, 0 is not.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `rle` is not an encoding of `width` times `height` pixels;
    /// [`Error::TooLarge`] if that is over the host's limit.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        wit::bytes_of_bitmask(self)
    }
}

impl Circle {
    /// A true circle about a centre. `radius` is relative to the width of the frame.
    pub const fn new(x: f64, y: f64, radius: f64) -> Self {
        Self {
            x,
            y,
            radius,
            stretch: 1.0,
            theta: 0.0,
        }
    }

    /// With a second axis that is `stretch` times as long as the first.
    #[must_use]
    pub const fn stretched(mut self, stretch: f64) -> Self {
        self.stretch = stretch;
        self
    }

    /// Turned by `theta` degrees about its centre.
    #[must_use]
    pub const fn rotated(mut self, theta: f64) -> Self {
        self.theta = theta;
        self
    }
}

impl Ellipse {
    /// An upright ellipse about a centre. `radius_x` is relative to the width, `radius_y` to the height.
    pub const fn new(x: f64, y: f64, radius_x: f64, radius_y: f64) -> Self {
        Self {
            x,
            y,
            radius_x,
            radius_y,
            theta: 0.0,
        }
    }

    /// Turned by `theta` degrees about its centre.
    #[must_use]
    pub const fn rotated(mut self, theta: f64) -> Self {
        self.theta = theta;
        self
    }
}

impl Cuboid {
    /// A box in space: its centre and its size along x, y and z in the units of the scene, and its orientation
    /// about them in radians.
    pub const fn new(
        position: (f64, f64, f64),
        orientation: (f64, f64, f64),
        size: (f64, f64, f64),
    ) -> Self {
        Self {
            position,
            orientation,
            size,
        }
    }
}

impl Cuboid2d {
    /// A box in perspective: the corners of its front, and the point in which its edges towards the back would meet.
    /// `scale_ratio` is the size of its back relative to the front, 0 or more.
    pub fn perspective<I>(front: I, vanishing_point: impl Into<Point>, scale_ratio: f64) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Point>,
    {
        Self {
            front: points(front),
            projection: Projection::Perspective(Perspective {
                vanishing_point: vanishing_point.into(),
                scale_ratio,
            }),
        }
    }

    /// A box whose back is as large as its front, and `offset` away from it.
    pub fn isometric<I>(front: I, offset: impl Into<Point>) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Point>,
    {
        Self {
            front: points(front),
            projection: Projection::Isometric(offset.into()),
        }
    }

    /// The two-dimensional cuboid in a geometry that was read. Absent if it is another shape.
    pub fn from_geometry(geometry: &Geometry) -> Option<Self> {
        wit::cuboid_2d_of_geometry(geometry)
    }
}

impl HtmlRange {
    /// Text from one place of an HTML document to another.
    pub const fn new(start: HtmlNode, end: HtmlNode) -> Self {
        Self { start, end }
    }

    /// Text within one element, from one character to another, counted from 0.
    pub fn within(xpath: impl Into<String>, start: u32, end: u32) -> Self {
        let xpath = xpath.into();
        Self::new(
            HtmlNode::new(xpath.clone(), start),
            HtmlNode::new(xpath, end),
        )
    }
}

impl HtmlNode {
    /// A place in an HTML document: the path of an element, as XPath, and a character of its text, counted from
    /// 0.
    pub fn new(xpath: impl Into<String>, offset: u32) -> Self {
        Self {
            xpath: xpath.into(),
            offset,
        }
    }
}

fn points<I>(points: I) -> Vec<Point>
where
    I: IntoIterator,
    I::Item: Into<Point>,
{
    points.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_in_the_last_area() {
        let ring = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)];
        let polygon = Polygon::new(ring).with_hole(ring).with_area(ring);
        let rings: Vec<_> = polygon.areas.iter().map(Vec::len).collect();
        assert_eq!(rings, [2, 1]);
        let hole_of_nothing = Polygon { areas: Vec::new() }.with_hole(ring);
        assert_eq!(hole_of_nothing, Polygon::new(ring));
    }

    #[test]
    fn points_are_relative_to_the_frame() {
        let point = Point::from_pixels(160.0, 120.0, 640, 480);
        assert_eq!(point, Point::new(0.25, 0.25));
        assert_eq!(point.to_pixels(64, 48), (16.0, 12.0));
        assert_eq!(Point::from((0.5, 0.25, 7.0)).z, Some(7.0));
    }
}
