//! What a label row draws, in the pixels of its frame: outlines and masks.
//!
//! Coordinates are in pixels from the upper left corner of the frame; the centre of its first pixel is at (0.5, 0.5).

mod contour;
mod mask;
mod outline;
mod skeleton;

pub(crate) use mask::Mask;
pub(crate) use outline::{Outline, RotatedBox};
pub(crate) use skeleton::{edges, point_of};

/// Frames and masks of more pixels are refused: a frame needs four bytes for each.
pub(crate) const MOST_PIXELS: u64 = 1 << 27;

/// A point.
pub(crate) type Dot = [f64; 2];
/// Points that are joined in order.
pub(crate) type Line = Vec<Dot>;
/// An outline and its holes. The last point of each is joined to its first.
pub(crate) type Area = Vec<Line>;

/// Of a frame. Neither is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Size {
    /// None if the frame has no size, or is too large to be drawn.
    pub(crate) fn new(width: u32, height: u32) -> Option<Self> {
        let pixels = u64::from(width) * u64::from(height);
        (1..=MOST_PIXELS)
            .contains(&pixels)
            .then_some(Self { width, height })
    }

    pub(crate) fn pixels(self) -> usize {
        self.width as usize * self.height as usize
    }
}

/// What an upright box around points covers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Bounds {
    /// None if there are no points.
    pub(crate) fn around<'a>(points: impl IntoIterator<Item = &'a Dot>) -> Option<Self> {
        let mut points = points.into_iter();
        let first = *points.next()?;
        let (least, most) = points.fold((first, first), |(least, most), point| {
            (
                [least[0].min(point[0]), least[1].min(point[1])],
                [most[0].max(point[0]), most[1].max(point[1])],
            )
        });
        Some(Self {
            x: least[0],
            y: least[1],
            width: most[0] - least[0],
            height: most[1] - least[1],
        })
    }
}

/// The area within a line whose last point is joined to its first.
pub(crate) fn area_within(line: &[Dot]) -> f64 {
    let next = line.iter().cycle().skip(1);
    let twice: f64 = line
        .iter()
        .zip(next)
        .map(|(a, b)| a[0] * b[1] - b[0] * a[1])
        .sum();
    twice.abs() / 2.0
}

#[cfg(test)]
mod tests;
