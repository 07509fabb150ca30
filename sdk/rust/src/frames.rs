//! Frames, as authors write them.

use std::ops::{Range, RangeInclusive};

use crate::FrameRange;

impl FrameRange {
    /// Frames `start` to `end`, both included, counted from 0.
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The range of a sound between two moments in seconds, as the milliseconds in which Encord counts, to the
    /// nearest. Moments before the start are the start.
    ///
    /// ```
    /// use runner_sdk::FrameRange;
    ///
    /// assert_eq!(FrameRange::from_seconds(0.25, 1.5), FrameRange::new(250, 1500));
    /// ```
    pub fn from_seconds(start: f64, end: f64) -> Self {
        // The conversion saturates: what is no moment of the sound stays none, and is refused by the host.
        let milliseconds = |seconds: f64| (seconds * 1000.0).round() as u32;
        Self::new(milliseconds(start), milliseconds(end))
    }

    /// True if this frame is in it.
    pub const fn contains(&self, frame: u32) -> bool {
        self.start <= frame && frame <= self.end
    }
}

impl From<u32> for FrameRange {
    fn from(frame: u32) -> Self {
        Self::new(frame, frame)
    }
}

impl From<RangeInclusive<u32>> for FrameRange {
    fn from(range: RangeInclusive<u32>) -> Self {
        Self::new(*range.start(), *range.end())
    }
}

/// Frames: one (`7`), some in a row (`0..=9`, or `0..10` without the last), a [`FrameRange`], or an array, slice or
/// `Vec` of frames or ranges. They may overlap.
///
/// In audio rows the unit is milliseconds, in text rows characters, in PDFs pages.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` does not say which frames",
    label = "not a frame, and no range of frames",
    note = "write a frame `7`, a range `0..=9`, or an array or `Vec` of those; frames are counted in `u32`"
)]
pub trait IntoFrames {
    /// The ranges, in any order.
    fn into_frames(self) -> Vec<FrameRange>;
}

impl IntoFrames for u32 {
    fn into_frames(self) -> Vec<FrameRange> {
        vec![self.into()]
    }
}

impl IntoFrames for FrameRange {
    fn into_frames(self) -> Vec<FrameRange> {
        vec![self]
    }
}

impl IntoFrames for RangeInclusive<u32> {
    fn into_frames(self) -> Vec<FrameRange> {
        vec![self.into()]
    }
}

impl IntoFrames for Range<u32> {
    fn into_frames(self) -> Vec<FrameRange> {
        if self.is_empty() {
            return Vec::new();
        }
        vec![FrameRange::new(self.start, self.end - 1)]
    }
}

impl<T: Into<FrameRange>, const N: usize> IntoFrames for [T; N] {
    fn into_frames(self) -> Vec<FrameRange> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<T: Into<FrameRange>> IntoFrames for Vec<T> {
    fn into_frames(self) -> Vec<FrameRange> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<T: Clone + Into<FrameRange>> IntoFrames for &[T] {
    fn into_frames(self) -> Vec<FrameRange> {
        self.iter().cloned().map(Into::into).collect()
    }
}

impl<T: Clone + Into<FrameRange>> IntoFrames for &Vec<T> {
    fn into_frames(self) -> Vec<FrameRange> {
        self.as_slice().into_frames()
    }
}

/// True if one of the ranges has the frame.
pub(crate) fn any_contains(ranges: &[FrameRange], frame: u32) -> bool {
    ranges.iter().any(|range| range.contains(frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_include_both_ends() {
        assert_eq!(FrameRange::from(7), FrameRange { start: 7, end: 7 });
        assert_eq!(FrameRange::from(0..=9), FrameRange { start: 0, end: 9 });
        let range = FrameRange::new(3, 5);
        let held: Vec<u32> = (0..9).filter(|frame| range.contains(*frame)).collect();
        assert_eq!(held, [3, 4, 5]);
    }

    #[test]
    fn frames_are_said_in_many_ways() {
        let ranges = |pairs: &[(u32, u32)]| -> Vec<FrameRange> {
            pairs
                .iter()
                .map(|&(start, end)| FrameRange { start, end })
                .collect()
        };
        assert_eq!(7.into_frames(), ranges(&[(7, 7)]));
        assert_eq!((0..=9).into_frames(), ranges(&[(0, 9)]));
        assert_eq!((0..9).into_frames(), ranges(&[(0, 8)]));
        assert_eq!([0, 4].into_frames(), ranges(&[(0, 0), (4, 4)]));
        assert_eq!([0..=1, 4..=9].into_frames(), ranges(&[(0, 1), (4, 9)]));
        let stored = vec![FrameRange::new(2, 3)];
        assert_eq!(stored.as_slice().into_frames(), stored);
        assert_eq!((&stored).into_frames(), stored);
        assert_eq!(stored.clone().into_frames(), stored);
        assert_eq!(stored[0].into_frames(), stored);
    }

    #[test]
    fn no_frames_are_no_range() {
        assert_eq!((0..0).into_frames(), []);
        assert_eq!(Vec::<u32>::new().into_frames(), []);
    }

    #[test]
    fn seconds_are_counted_in_milliseconds() {
        assert_eq!(
            FrameRange::from_seconds(0.0004, 2.0006),
            FrameRange::new(0, 2001)
        );
        assert_eq!(
            FrameRange::from_seconds(-1.0, 1e9),
            FrameRange::new(0, u32::MAX)
        );
    }
}
