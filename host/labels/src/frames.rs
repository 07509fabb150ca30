//! Ranges of frames.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// Frames, both ends included, counted from 0. In audio rows the unit is milliseconds, in text rows
/// characters, in PDFs pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameRange {
    /// The first frame.
    pub start: u32,
    /// The last frame, not less than `start`.
    pub end: u32,
}

impl FrameRange {
    /// The range of one frame.
    pub fn single(frame: u32) -> Self {
        Self {
            start: frame,
            end: frame,
        }
    }

    /// True if `frame` is within it.
    pub fn contains(&self, frame: u32) -> bool {
        (self.start..=self.end).contains(&frame)
    }
}

impl fmt::Display for FrameRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.start == self.end {
            write!(f, "{}", self.start)
        } else {
            write!(f, "{} to {}", self.start, self.end)
        }
    }
}

/// The same frames in ascending order, with ranges that overlap or touch made one.
pub(super) fn merged(mut ranges: Vec<FrameRange>) -> Vec<FrameRange> {
    ranges.sort_unstable();
    let mut merged: Vec<FrameRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(1) => {
                last.end = last.end.max(range.end);
            }
            _ => merged.push(range),
        }
    }
    merged
}

/// The frames of some ranges that are in none of others. Both are merged, and so is the result.
pub(super) fn difference(ranges: &[FrameRange], without: &[FrameRange]) -> Vec<FrameRange> {
    let mut rest = Vec::with_capacity(ranges.len());
    let mut without = without.iter().peekable();
    for range in ranges {
        // The first frame that is not decided yet; none past the last that there can be.
        let mut start = Some(range.start);
        while let (Some(from), Some(cut)) = (start, without.peek()) {
            if cut.start > range.end {
                break;
            }
            if cut.end >= from {
                if cut.start > from {
                    rest.push(FrameRange {
                        start: from,
                        end: cut.start - 1,
                    });
                }
                start = cut.end.checked_add(1).filter(|next| *next <= range.end);
            }
            // One that reaches further may cut the next range as well.
            if cut.end > range.end {
                break;
            }
            without.next();
        }
        if let Some(from) = start {
            rest.push(FrameRange {
                start: from,
                end: range.end,
            });
        }
    }
    rest
}

/// The frames that two lists of ranges have in common. Both are merged, and so is the result.
pub(super) fn intersection(ranges: &[FrameRange], others: &[FrameRange]) -> Vec<FrameRange> {
    difference(ranges, &difference(ranges, others))
}

/// A set of frames to which ranges are added one by one.
#[derive(Debug, Clone, Default)]
pub(super) struct FrameSet {
    /// The last frame of each range, by its first. No two overlap or touch.
    ends: BTreeMap<u32, u32>,
}

impl FrameSet {
    /// Adds a range. Takes logarithmic time, but for those that it swallows.
    pub(super) fn insert(&mut self, range: FrameRange) {
        let FrameRange { mut start, mut end } = range;
        while let Some((&first, &last)) = self.ends.range(..=end.saturating_add(1)).next_back()
            && last.saturating_add(1) >= start
        {
            self.ends.remove(&first);
            start = start.min(first);
            end = end.max(last);
        }
        self.ends.insert(start, end);
    }

    /// Takes a range out. Takes logarithmic time, but for those that it swallows.
    pub(super) fn remove(&mut self, range: FrameRange) {
        while let Some((&first, &last)) = self.ends.range(..=range.end).next_back()
            && last >= range.start
        {
            self.ends.remove(&first);
            if last > range.end {
                self.ends.insert(range.end + 1, last);
            }
            if first < range.start {
                self.ends.insert(first, range.start - 1);
            }
        }
    }

    /// Frames that are in the set and in a range; none if there are none in common.
    pub(super) fn common(&self, range: FrameRange) -> Option<FrameRange> {
        let (&first, &last) = self.ends.range(..=range.end).next_back()?;
        let (start, end) = (first.max(range.start), last.min(range.end));
        (start <= end).then_some(FrameRange { start, end })
    }
}

/// A `range` of a label row, `[[0, 9], [20, 29]]`, in ascending order and merged. What is not a pair of
/// numbers in ascending order is left out; numbers beyond 32 bits (nanoseconds) become the largest.
pub(super) fn from_json(range: Option<&Value>) -> Vec<FrameRange> {
    let pairs = range.and_then(Value::as_array).into_iter().flatten();
    let ranges = pairs.filter_map(|pair| {
        let start = frame(pair.get(0)?)?;
        let end = frame(pair.get(1)?)?;
        (start <= end).then_some(FrameRange { start, end })
    });
    merged(ranges.collect())
}

/// True if no number of a `range` is beyond 32 bits, so that [`from_json`] reads all of it.
pub(super) fn fits(range: Option<&Value>) -> bool {
    let pairs = range.and_then(Value::as_array).into_iter().flatten();
    let mut numbers = pairs.filter_map(Value::as_array).flatten();
    numbers.all(|number| {
        let number = number
            .as_f64()
            .or_else(|| number.as_str()?.parse::<f64>().ok());
        number.is_none_or(|number| number <= f64::from(u32::MAX))
    })
}

/// As a `range` of a label row.
pub(super) fn to_json(ranges: &[FrameRange]) -> Value {
    let pairs = ranges.iter().map(|range| json!([range.start, range.end]));
    Value::Array(pairs.collect())
}

/// A whole number as older writers left it: as a number or as text.
pub(super) fn frame(value: &Value) -> Option<u32> {
    match value {
        // The conversion from floating point stops at both ends of what fits.
        Value::Number(number) => number.as_f64().map(|number| number as u32),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u32, end: u32) -> FrameRange {
        FrameRange { start, end }
    }

    #[test]
    fn neighbours_become_one_range() {
        let ranges = vec![
            range(7, 9),
            range(0, 2),
            range(3, 3),
            range(1, 2),
            range(11, 12),
        ];
        let expected = [range(0, 3), range(7, 9), range(11, 12)];
        assert_eq!(merged(ranges), expected);
        let whole = range(0, u32::MAX);
        assert_eq!(merged(vec![whole, range(5, 5)]), [whole]);
    }

    #[test]
    fn ranges_are_cut_by_others() {
        let held = [range(0, 9), range(20, 29), range(40, u32::MAX)];
        let cut = [range(3, 4), range(9, 20), range(29, 50)];
        let both = [
            range(3, 4),
            range(9, 9),
            range(20, 20),
            range(29, 29),
            range(40, 50),
        ];
        assert_eq!(intersection(&held, &cut), both);
        assert_eq!(intersection(&cut, &held), both);
        let left = [range(0, 2), range(5, 8), range(21, 28), range(51, u32::MAX)];
        assert_eq!(difference(&held, &cut), left);
        assert_eq!(difference(&held, &[range(0, u32::MAX)]), []);
        assert_eq!(difference(&held, &[]), held);
        assert_eq!(intersection(&held, &[]), []);
    }

    #[test]
    fn numbers_beyond_32_bits_are_told() {
        assert!(fits(Some(&json!([[0, 4_294_967_295_u32], ["7", 8.0]]))));
        assert!(fits(None));
        assert!(!fits(Some(&json!([[0, 4_294_967_296_u64]]))));
        assert!(!fits(Some(&json!([[0, "4294967296"]]))));
    }

    #[test]
    fn a_range_in_json_may_be_of_any_order_and_kind() {
        let json = json!([
            [20, 29],
            ["0", 9.0],
            [3, 1],
            [1],
            null,
            [10, 10],
            [40, 1e12]
        ]);
        let last = range(40, u32::MAX);
        assert_eq!(from_json(Some(&json)), [range(0, 10), range(20, 29), last]);
        assert_eq!(from_json(None), []);
        assert_eq!(
            to_json(&[range(0, 10), range(20, 29)]),
            json!([[0, 10], [20, 29]])
        );
    }

    #[test]
    fn difference_and_intersection_agree_with_the_frames_one_by_one() {
        let mut numbers = 11_u32;
        let mut number = |below: u32| {
            numbers = numbers.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (numbers >> 16) % below
        };
        for _ in 0..500 {
            let mut some = || {
                let count = number(6);
                let ranges = (0..count).map(|_| {
                    let start = number(40);
                    range(start, start + number(6))
                });
                merged(ranges.collect())
            };
            let (ranges, others) = (some(), some());
            let is_in = |ranges: &[FrameRange], frame| ranges.iter().any(|r| r.contains(frame));
            let expected = |wanted: bool| {
                let frames = (0..64).filter(|frame| is_in(&ranges, *frame));
                let frames = frames.filter(|frame| is_in(&others, *frame) == wanted);
                merged(frames.map(FrameRange::single).collect())
            };
            assert_eq!(difference(&ranges, &others), expected(false));
            assert_eq!(intersection(&ranges, &others), expected(true));
        }
        let all = range(0, u32::MAX);
        assert_eq!(difference(&[all], &[all]), []);
        let middle = [range(5, u32::MAX - 1)];
        let ends = [range(0, 4), range(u32::MAX, u32::MAX)];
        assert_eq!(difference(&[all], &middle), ends);
        assert_eq!(intersection(&[all], &middle), middle);
    }

    #[test]
    fn a_frame_set_agrees_with_the_frames_one_by_one() {
        let mut numbers = 7_u32;
        let mut number = |below: u32| {
            numbers = numbers.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (numbers >> 16) % below
        };
        for _ in 0..200 {
            let mut set = FrameSet::default();
            let mut frames = [false; 64];
            for _ in 0..12 {
                let (start, length) = (number(50), number(8));
                let added = range(start, start + length);
                let asked = range(number(60), 63);
                let expected = (asked.start..=asked.end).any(|frame| frames[frame as usize]);
                assert_eq!(set.common(asked).is_some(), expected);
                if let Some(found) = set.common(asked) {
                    assert!(asked.start <= found.start && found.end <= asked.end);
                    assert!((found.start..=found.end).all(|frame| frames[frame as usize]));
                }
                set.insert(added);
                frames[added.start as usize..=added.end as usize].fill(true);
                let start = number(60);
                let removed = range(start, start + number(4));
                set.remove(removed);
                frames[removed.start as usize..=removed.end as usize].fill(false);
            }
            let listed = set.ends.iter().map(|(start, end)| range(*start, *end));
            let singles = (0..64_u32).filter(|frame| frames[*frame as usize]);
            let expected = merged(singles.map(FrameRange::single).collect());
            assert_eq!(listed.collect::<Vec<_>>(), expected);
        }
    }
}
