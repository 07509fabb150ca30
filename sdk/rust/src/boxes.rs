//! Boxes: made, measured, compared.

use crate::{Bitmask, BoundingBox, Circle, Ellipse, Error, Geometry, Point, RotatableBoundingBox};

impl BoundingBox {
    /// A box from its upper left corner and its size, all from 0 to 1.
    pub const fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// A box from its edges, all from 0 to 1.
    pub const fn from_edges(left: f64, top: f64, right: f64, bottom: f64) -> Self {
        Self::new(left, top, right - left, bottom - top)
    }

    /// A box in pixels, of a frame of `frame_width` by `frame_height` pixels.
    ///
    /// ```
    /// use runner_sdk::BoundingBox;
    ///
    /// let bounds = BoundingBox::from_pixels(160.0, 120.0, 320.0, 60.0, 640, 480);
    /// assert_eq!(bounds, BoundingBox::new(0.25, 0.25, 0.5, 0.125));
    /// assert_eq!(bounds.to_pixels(640, 480), (160.0, 120.0, 320.0, 60.0));
    /// ```
    pub fn from_pixels(
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        frame_width: u32,
        frame_height: u32,
    ) -> Self {
        let (across, down) = (f64::from(frame_width), f64::from(frame_height));
        Self::new(x / across, y / down, width / across, height / down)
    }

    /// In pixels of a frame of that size: x and y of the upper left corner, width, height.
    pub fn to_pixels(&self, frame_width: u32, frame_height: u32) -> (f64, f64, f64, f64) {
        let (across, down) = (f64::from(frame_width), f64::from(frame_height));
        (
            self.x * across,
            self.y * down,
            self.width * across,
            self.height * down,
        )
    }

    /// The smallest box with all of these points in it. Absent if there are none.
    pub fn around(points: impl IntoIterator<Item = Point>) -> Option<Self> {
        let mut points = points.into_iter();
        let first = points.next()?;
        let edges = (first.x, first.y, first.x, first.y);
        let (left, top, right, bottom) = points.fold(edges, |(left, top, right, bottom), point| {
            (
                left.min(point.x),
                top.min(point.y),
                right.max(point.x),
                bottom.max(point.y),
            )
        });
        Some(Self::from_edges(left, top, right, bottom))
    }

    /// The right edge, from 0 to 1.
    pub const fn right(&self) -> f64 {
        self.x + self.width
    }

    /// The lower edge, from 0 to 1.
    pub const fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// The point in the middle.
    pub const fn centre(&self) -> Point {
        Point::new(self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    /// The share of the frame that it covers.
    pub const fn area(&self) -> f64 {
        self.width * self.height
    }

    /// What two boxes have in common. Absent if they only touch.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (left, top) = (self.x.max(other.x), self.y.max(other.y));
        let (right, bottom) = (
            self.right().min(other.right()),
            self.bottom().min(other.bottom()),
        );
        (left < right && top < bottom).then(|| Self::from_edges(left, top, right, bottom))
    }

    /// Intersection over union: 1 for two equal boxes, 0 for two that have nothing in common. The same in
    /// pixels, whatever the shape of the frame.
    ///
    /// ```
    /// use runner_sdk::BoundingBox;
    ///
    /// let drawn = BoundingBox::new(0.0, 0.0, 0.5, 0.5);
    /// let predicted = BoundingBox::new(0.25, 0.0, 0.5, 0.5);
    /// assert!((drawn.iou(&predicted) - 1.0 / 3.0).abs() < 1e-12);
    /// ```
    pub fn iou(&self, other: &Self) -> f64 {
        let Some(common) = self.intersection(other) else {
            return 0.0;
        };
        common.area() / (self.area() + other.area() - common.area())
    }

    /// Turned by `theta` degrees about its centre, clockwise as seen.
    pub const fn rotated(self, theta: f64) -> RotatableBoundingBox {
        RotatableBoundingBox {
            x: self.x,
            y: self.y,
            width: self.width,
            height: self.height,
            theta,
        }
    }
}

impl RotatableBoundingBox {
    /// The box before its rotation by `theta` degrees, clockwise as seen, about its centre.
    pub const fn new(x: f64, y: f64, width: f64, height: f64, theta: f64) -> Self {
        BoundingBox::new(x, y, width, height).rotated(theta)
    }

    /// The box before its rotation.
    pub const fn upright(&self) -> BoundingBox {
        BoundingBox::new(self.x, self.y, self.width, self.height)
    }
}

impl Geometry {
    /// The smallest upright box around the shape, on a frame of `frame_width` by `frame_height` pixels, which
    /// say how rotation looks in relative coordinates. What reaches out of the frame is not cut off.
    ///
    /// Absent for shapes that are not on a picture, for a [`Bitmask`], which has a
    /// [function of its own](Bitmask::bounding_box), and for [`Geometry::Other`].
    ///
    /// ```
    /// use runner_sdk::{BoundingBox, Geometry, Polygon};
    ///
    /// let triangle = Geometry::Polygon(Polygon::new([(0.25, 0.25), (0.75, 0.25), (0.5, 0.75)]));
    /// assert_eq!(triangle.bounding_box(640, 480), Some(BoundingBox::new(0.25, 0.25, 0.5, 0.5)));
    /// ```
    pub fn bounding_box(&self, frame_width: u32, frame_height: u32) -> Option<BoundingBox> {
        let frame = (f64::from(frame_width), f64::from(frame_height));
        match self {
            Self::BoundingBox(upright) => Some(*upright),
            Self::RotatableBoundingBox(turned) => Some(around_turned(turned, frame)),
            Self::Polygon(polygon) => {
                BoundingBox::around(polygon.areas.iter().flatten().flatten().copied())
            }
            Self::Polyline(points) => BoundingBox::around(points.iter().copied()),
            Self::Point(point) => BoundingBox::around([*point]),
            Self::Skeleton(points) => {
                BoundingBox::around(points.iter().map(|point| Point::new(point.x, point.y)))
            }
            Self::Circle(circle) => Some(around_circle(circle, frame)),
            Self::Ellipse(ellipse) => Some(around_ellipse(ellipse, frame)),
            Self::Bitmask(_) | Self::Cuboid(_) | Self::Other(_) => None,
        }
    }
}

impl Bitmask {
    /// The smallest box around the mask. Absent if it is empty.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes).
    pub fn bounding_box(&self) -> Result<Option<BoundingBox>, Error> {
        Ok(around_pixels(&self.to_bytes()?, self.width, self.height))
    }
}

fn around_pixels(bytes: &[u8], width: u32, height: u32) -> Option<BoundingBox> {
    let mut edges: Option<(usize, usize, usize, usize)> = None;
    let rows = bytes.chunks_exact((width as usize).max(1));
    for (y, row) in rows.enumerate() {
        let Some(first) = row.iter().position(|pixel| *pixel != 0) else {
            continue;
        };
        let last = row.iter().rposition(|pixel| *pixel != 0).unwrap_or(first);
        edges = Some(match edges {
            None => (first, y, last, y),
            Some((left, top, right, _)) => (left.min(first), top, right.max(last), y),
        });
    }
    let (left, top, right, bottom) = edges?;
    Some(BoundingBox::from_pixels(
        left as f64,
        top as f64,
        (right - left + 1) as f64,
        (bottom - top + 1) as f64,
        width,
        height,
    ))
}

/// The frame is in pixels, in which a rotation is one.
fn around_turned(turned: &RotatableBoundingBox, (across, down): (f64, f64)) -> BoundingBox {
    let (sine, cosine) = turned.theta.to_radians().sin_cos();
    let (half_width, half_height) = (turned.width * across / 2.0, turned.height * down / 2.0);
    let reach = (
        half_width * cosine.abs() + half_height * sine.abs(),
        half_width * sine.abs() + half_height * cosine.abs(),
    );
    about(turned.upright().centre(), reach, (across, down))
}

fn around_circle(circle: &Circle, frame: (f64, f64)) -> BoundingBox {
    let radius = circle.radius * frame.0;
    let reach = reach_of_ellipse(radius, radius * circle.stretch, circle.theta);
    about(Point::new(circle.x, circle.y), reach, frame)
}

fn around_ellipse(ellipse: &Ellipse, frame: (f64, f64)) -> BoundingBox {
    let (radius_x, radius_y) = (ellipse.radius_x * frame.0, ellipse.radius_y * frame.1);
    let reach = reach_of_ellipse(radius_x, radius_y, ellipse.theta);
    about(Point::new(ellipse.x, ellipse.y), reach, frame)
}

/// How far an ellipse about the origin reaches along x and along y.
fn reach_of_ellipse(radius_x: f64, radius_y: f64, theta: f64) -> (f64, f64) {
    let (sine, cosine) = theta.to_radians().sin_cos();
    (
        (radius_x * cosine).hypot(radius_y * sine),
        (radius_x * sine).hypot(radius_y * cosine),
    )
}

/// The box about a centre in relative coordinates, with a reach to each side in pixels.
fn about(centre: Point, reach: (f64, f64), (across, down): (f64, f64)) -> BoundingBox {
    let (reach_x, reach_y) = (reach.0 / across, reach.1 / down);
    BoundingBox::new(
        centre.x - reach_x,
        centre.y - reach_y,
        2.0 * reach_x,
        2.0 * reach_y,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Polygon, Polyline, Skeleton};

    fn assert_close(found: Option<BoundingBox>, expected: (f64, f64, f64, f64)) {
        let found = found.expect("a box");
        let expected = BoundingBox::new(expected.0, expected.1, expected.2, expected.3);
        let pairs = [
            (found.x, expected.x),
            (found.y, expected.y),
            (found.width, expected.width),
            (found.height, expected.height),
        ];
        for (found_value, expected_value) in pairs {
            assert!(
                (found_value - expected_value).abs() < 1e-12,
                "expected {expected:?}, found {found:?}"
            );
        }
    }

    #[test]
    fn overlap_is_measured() {
        let first = BoundingBox::new(0.0, 0.0, 0.5, 0.5);
        let inner = BoundingBox::new(0.25, 0.25, 0.25, 0.25);
        let beside = BoundingBox::new(0.5, 0.0, 0.5, 0.5);
        assert_eq!(first.iou(&first), 1.0);
        assert_eq!(first.iou(&inner), 0.25);
        assert_eq!(inner.iou(&first), 0.25);
        assert_eq!(first.intersection(&inner), Some(inner));
        assert_eq!(
            (first.iou(&beside), first.intersection(&beside)),
            (0.0, None)
        );
        assert_eq!(first.iou(&BoundingBox::new(0.1, 0.1, 0.0, 0.0)), 0.0);
        assert_eq!(
            (first.area(), first.centre()),
            (0.25, Point::new(0.25, 0.25))
        );
        assert_eq!((beside.right(), beside.bottom()), (1.0, 0.5));
    }

    #[test]
    fn shapes_of_points_are_bounded_by_their_points() {
        let ring = [(0.25, 0.5), (0.75, 0.125), (0.5, 0.625)];
        let expected = (0.25, 0.125, 0.5, 0.5);
        let polygon = Polygon::new(ring).with_hole([(0.5, 0.5), (0.6, 0.5), (0.5, 0.6)]);
        let skeleton = Skeleton::new(ring.map(|(x, y)| ("joint", x, y)));
        let shapes = [
            Geometry::Polygon(polygon),
            Geometry::Polyline(Polyline::new(ring).into()),
            Geometry::Skeleton(skeleton.into()),
        ];
        for shape in shapes {
            assert_close(shape.bounding_box(10, 10), expected);
        }
        assert_close(
            Geometry::Point(Point::new(0.5, 0.25)).bounding_box(10, 10),
            (0.5, 0.25, 0.0, 0.0),
        );
        assert_eq!(Geometry::Polyline(Vec::new()).bounding_box(10, 10), None);
    }

    #[test]
    fn a_rotation_is_one_in_pixels() {
        // 80 x 40 pixels about the middle of 400 x 100; upright on its side it is 40 x 80.
        let lying = BoundingBox::new(0.4, 0.3, 0.2, 0.4);
        let turned =
            |theta| Geometry::RotatableBoundingBox(lying.rotated(theta)).bounding_box(400, 100);
        assert_close(turned(0.0), (0.4, 0.3, 0.2, 0.4));
        assert_close(turned(90.0), (0.45, 0.1, 0.1, 0.8));
        // A square with a diagonal of 100 pixels.
        let side = 100.0 / 2.0_f64.sqrt();
        let square = BoundingBox::from_pixels(0.0, 0.0, side, side, 200, 100).rotated(45.0);
        let found = Geometry::RotatableBoundingBox(square)
            .bounding_box(200, 100)
            .unwrap();
        assert!((found.width - 0.5).abs() < 1e-12 && (found.height - 1.0).abs() < 1e-12);
    }

    #[test]
    fn round_shapes_are_as_wide_as_they_are_drawn() {
        let circle = Geometry::Circle(Circle::new(0.5, 0.5, 0.125));
        assert_close(circle.bounding_box(400, 100), (0.375, 0.0, 0.25, 1.0));
        let stretched = Geometry::Circle(Circle::new(0.5, 0.5, 0.125).stretched(0.5).rotated(90.0));
        assert_close(stretched.bounding_box(400, 100), (0.4375, 0.0, 0.125, 1.0));
        let ellipse = Geometry::Ellipse(Ellipse::new(0.5, 0.5, 0.1, 0.2));
        assert_close(ellipse.bounding_box(400, 100), (0.4, 0.3, 0.2, 0.4));
        let turned = Geometry::Ellipse(Ellipse::new(0.5, 0.5, 0.1, 0.2).rotated(90.0));
        assert_close(turned.bounding_box(400, 100), (0.45, 0.1, 0.1, 0.8));
    }

    #[test]
    fn a_mask_is_bounded_by_its_pixels() {
        #[rustfmt::skip]
        let bytes = [
            0, 0, 0, 0,
            0, 0, 9, 0,
            0, 1, 0, 0,
            0, 0, 0, 0,
        ];
        assert_eq!(
            around_pixels(&bytes, 4, 4),
            Some(BoundingBox::new(0.25, 0.25, 0.5, 0.5))
        );
        assert_eq!(around_pixels(&[0; 16], 4, 4), None);
    }
}
