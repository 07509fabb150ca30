//! From the geometry of a label row to pixels.

use std::f64::consts::TAU;

use super::{Area, Bounds, Dot, Line, Mask, Size, area_within};
use crate::labels::{
    Cuboid2d, Geometry, LabelError, Perspective, Point, Projection, RotatableBoundingBox,
};

/// Curves become this many straight lines, as many as make the largest deviation a thousandth of the radius.
const POINTS_OF_ELLIPSE: u32 = 72;

/// What is drawn on a frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outline {
    /// Filled.
    pub(crate) areas: Vec<Area>,
    /// Not closed, not filled.
    pub(crate) lines: Vec<Line>,
    pub(crate) points: Vec<Dot>,
    pub(crate) mask: Option<Mask>,
}

impl Outline {
    /// None if the shape has no place on a picture: cuboids of a scene, points with depth, shapes that are not known.
    ///
    /// Errors: a bitmask whose encoding is broken.
    pub(crate) fn of(geometry: &Geometry, size: Size) -> Result<Option<Self>, LabelError> {
        let on_frame = |point: &Point| at(size, point.x, point.y);
        let flat = |points: &[Point]| points.iter().all(|point| point.z.is_none());
        Ok(Some(match geometry {
            Geometry::BoundingBox(found) => {
                let [x, y] = at(size, found.x, found.y);
                let [width, height] = at(size, found.width, found.height);
                Self::area(vec![rectangle(x, y, width, height)])
            }
            Geometry::RotatableBoundingBox(found) => {
                Self::area(vec![RotatedBox::new(found, size).corners()])
            }
            Geometry::Polygon(areas) => Self {
                areas: areas
                    .iter()
                    .map(|rings| {
                        let ring = |ring: &Vec<Point>| ring.iter().map(on_frame).collect();
                        rings.iter().map(ring).collect()
                    })
                    .collect(),
                ..Self::default()
            },
            Geometry::Polyline(points) if flat(points) => Self {
                lines: vec![points.iter().map(on_frame).collect()],
                ..Self::default()
            },
            Geometry::Point(point) if point.z.is_none() => Self {
                points: vec![on_frame(point)],
                ..Self::default()
            },
            Geometry::Skeleton(points) => Self {
                points: points
                    .iter()
                    .map(|point| at(size, point.x, point.y))
                    .collect(),
                ..Self::default()
            },
            Geometry::Bitmask(bitmask) => Self {
                mask: Some(Mask::of_bitmask(size, bitmask)?),
                ..Self::default()
            },
            Geometry::Circle(circle) => {
                let radius = circle.radius * f64::from(size.width);
                let radii = [radius, radius * circle.stretch];
                Self::area(vec![ellipse(
                    at(size, circle.x, circle.y),
                    radii,
                    circle.theta,
                )])
            }
            Geometry::Ellipse(found) => {
                let radii = at(size, found.radius_x, found.radius_y);
                Self::area(vec![ellipse(
                    at(size, found.x, found.y),
                    radii,
                    found.theta,
                )])
            }
            Geometry::Other(_) => match Cuboid2d::of(geometry) {
                Some(cuboid) => cuboid_2d(&cuboid, size),
                None => return Ok(None),
            },
            Geometry::Polyline(_) | Geometry::Point(_) | Geometry::Cuboid(_) => return Ok(None),
        }))
    }

    fn area(area: Area) -> Self {
        Self {
            areas: vec![area],
            ..Self::default()
        }
    }

    /// None if nothing is drawn.
    pub(crate) fn bounds(&self) -> Option<Bounds> {
        if let Some(mask) = &self.mask {
            return mask.bounds();
        }
        let areas = self.areas.iter().flatten().flatten();
        let lines = self.lines.iter().flatten();
        Bounds::around(areas.chain(lines).chain(&self.points))
    }

    /// In pixels, those of holes taken away.
    pub(crate) fn area_in_pixels(&self) -> f64 {
        if let Some(mask) = &self.mask {
            return mask.area() as f64;
        }
        let area = |area: &Area| {
            let mut rings = area.iter().map(|ring| area_within(ring));
            let outline = rings.next().unwrap_or(0.0);
            (outline - rings.sum::<f64>()).max(0.0)
        };
        // Not `sum`, which is -0 for none.
        self.areas
            .iter()
            .map(area)
            .fold(0.0, |all, area| all + area)
    }
}

/// A box before its rotation, in pixels, and the rotation about its centre in degrees, clockwise as seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RotatedBox {
    pub(crate) bounds: Bounds,
    pub(crate) theta: f64,
}

impl RotatedBox {
    pub(crate) fn new(found: &RotatableBoundingBox, size: Size) -> Self {
        let [x, y] = at(size, found.x, found.y);
        let [width, height] = at(size, found.width, found.height);
        Self {
            bounds: Bounds {
                x,
                y,
                width,
                height,
            },
            theta: found.theta,
        }
    }

    /// From the one that was the upper left, clockwise.
    fn corners(&self) -> Line {
        let Bounds {
            x,
            y,
            width,
            height,
        } = self.bounds;
        let centre = [x + width / 2.0, y + height / 2.0];
        rectangle(x, y, width, height)
            .into_iter()
            .map(|corner| turned(corner, centre, self.theta))
            .collect()
    }
}

fn at(size: Size, x: f64, y: f64) -> Dot {
    [x * f64::from(size.width), y * f64::from(size.height)]
}

fn rectangle(x: f64, y: f64, width: f64, height: f64) -> Line {
    vec![
        [x, y],
        [x + width, y],
        [x + width, y + height],
        [x, y + height],
    ]
}

/// Turned about a centre by degrees, clockwise as seen, since y points down.
fn turned(point: Dot, centre: Dot, degrees: f64) -> Dot {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (x, y) = (point[0] - centre[0], point[1] - centre[1]);
    [centre[0] + x * cos - y * sin, centre[1] + x * sin + y * cos]
}

fn ellipse(centre: Dot, radii: Dot, degrees: f64) -> Line {
    let point = |step: u32| {
        let (sin, cos) = (TAU * f64::from(step) / f64::from(POINTS_OF_ELLIPSE)).sin_cos();
        let point = [centre[0] + radii[0] * cos, centre[1] + radii[1] * sin];
        turned(point, centre, degrees)
    };
    (0..POINTS_OF_ELLIPSE).map(point).collect()
}

/// Its edges, and the area that they enclose.
fn cuboid_2d(cuboid: &Cuboid2d, size: Size) -> Outline {
    let back = |corner: &Point| match &cuboid.projection {
        Projection::Isometric(offset) => at(size, corner.x + offset.x, corner.y + offset.y),
        Projection::Perspective(Perspective {
            vanishing_point: far,
            scale_ratio,
        }) => at(
            size,
            far.x + (corner.x - far.x) * scale_ratio,
            far.y + (corner.y - far.y) * scale_ratio,
        ),
    };
    let front: Line = cuboid
        .front
        .iter()
        .map(|corner| at(size, corner.x, corner.y))
        .collect();
    let back: Line = cuboid.front.iter().map(back).collect();
    let closed = |face: &Line| face.iter().chain(face.first()).copied().collect::<Line>();
    let mut lines = vec![closed(&front), closed(&back)];
    lines.extend(front.iter().zip(&back).map(|(a, b)| vec![*a, *b]));
    Outline {
        areas: vec![vec![hull(front.into_iter().chain(back).collect())]],
        lines,
        ..Outline::default()
    }
}

/// The smallest convex area around points.
fn hull(mut points: Line) -> Line {
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let half = |points: &mut dyn Iterator<Item = Dot>| {
        let mut line: Line = Vec::new();
        for point in points {
            while let [.., a, b] = line.as_slice()
                && (b[0] - a[0]) * (point[1] - a[1]) <= (b[1] - a[1]) * (point[0] - a[0])
            {
                line.pop();
            }
            line.push(point);
        }
        // The last is the first of the other half.
        line.pop();
        line
    };
    let mut around = half(&mut points.iter().copied());
    around.extend(half(&mut points.iter().rev().copied()));
    around
}
