//! Run-length encodings as Encord writes them.
//!
//! Runs of what is not in a mask and of what is follow each other, the first being of what is not. From
//! the fourth on, a run is written as its difference to the last but one. Each number is in groups of 5
//! bits, the lowest first, 32 added to all but its last, and each group is a character from `0` on. That
//! is the compressed form of COCO; but Encord goes through a picture row by row, COCO column by column.
//!
//! Texts come from label rows and from plugins. Nothing here takes more memory than the text's length or
//! the stated number of pixels justifies, and a text that is no encoding is refused.

use std::ops::Range;

use super::error::LabelError;
use super::frames::{self, FrameRange};

/// So many pixels a mask may have to be taken apart into bytes: a square of 16,384. A text of a few
/// characters can stand for any number.
pub const MOST_PIXELS: u64 = 1 << 28;

/// The character of the group 0.
const FIRST: u8 = b'0';
/// Bits of a group that are of the number.
const BITS: u32 = 5;
/// Set in a group that is not the last of its number.
const MORE: u8 = 1 << BITS;
/// So many groups a number may have: the difference of two of 32 bits has 33.
const MOST_GROUPS: u32 = 7;

/// The runs of an encoding, in order. After an error there is no next.
#[derive(Debug, Clone)]
pub struct Runs<'a> {
    text: &'a [u8],
    at: usize,
    count: usize,
    /// The last run but one, and the last.
    before: [u32; 2],
}

/// The lengths of the runs of an encoding, without taking memory for them.
///
/// Each is an error instead if the text is no encoding there: a character that is not in use, a number
/// that is not ended, negative or over 32 bits.
pub fn runs(text: &str) -> Runs<'_> {
    Runs {
        text: text.as_bytes(),
        at: 0,
        count: 0,
        before: [0; 2],
    }
}

impl Iterator for Runs<'_> {
    type Item = Result<u32, LabelError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.text.len() {
            return None;
        }
        let run = self.read();
        if run.is_err() {
            self.at = self.text.len();
        }
        Some(run)
    }
}

impl Runs<'_> {
    fn read(&mut self) -> Result<u32, LabelError> {
        let mut number = 0_i64;
        let mut shift = 0;
        loop {
            let Some(&character) = self.text.get(self.at) else {
                return Err(invalid(format!(
                    "expected the end of run {} of a run-length encoding, found the end of its text",
                    self.count
                )));
            };
            let group = character.wrapping_sub(FIRST);
            if group >= MORE << 1 {
                return Err(self.strange());
            }
            if shift >= MOST_GROUPS * BITS {
                return Err(self.not_a_length("a number of more than 32 bits"));
            }
            self.at += 1;
            number |= i64::from(group & (MORE - 1)) << shift;
            shift += BITS;
            if group & MORE == 0 {
                // The highest bit of the last group is the sign.
                if group & (MORE >> 1) != 0 {
                    number -= 1 << shift;
                }
                break;
            }
        }
        if self.count > 2 {
            number += i64::from(self.before[0]);
        }
        let run = u32::try_from(number).map_err(|_| self.not_a_length(&number.to_string()))?;
        self.count += 1;
        self.before = [self.before[1], run];
        Ok(run)
    }

    fn strange(&self) -> LabelError {
        // All before are characters of one byte, so a character starts here.
        let rest = self.text.get(self.at..).unwrap_or_default();
        let found = String::from_utf8_lossy(rest).chars().next();
        invalid(format!(
            "expected a run-length encoding, of the characters from `0` to `o`, found {:?} at position {}",
            found.unwrap_or_default(),
            self.at
        ))
    }

    fn not_a_length(&self, found: &str) -> LabelError {
        invalid(format!(
            "expected a length from 0 to {} for run {} of a run-length encoding, found {found}",
            u32::MAX,
            self.count
        ))
    }
}

/// Refuses a text that is not an encoding of exactly so many pixels.
///
/// # Errors
/// [`LabelError::InvalidArgument`].
pub fn check(text: &str, pixels: u64) -> Result<(), LabelError> {
    let mut sum = 0_u64;
    for run in runs(text) {
        // Of a text that fits into memory, no sum of 32 bits a character is over 64 bits.
        sum += u64::from(run?);
    }
    if sum == pixels {
        return Ok(());
    }
    Err(invalid(format!(
        "expected a run-length encoding of {pixels} pixels, found one of {sum}"
    )))
}

/// The encoding of runs.
pub fn of_runs(runs: &[u32]) -> String {
    let mut encoder = Encoder::default();
    for run in runs {
        encoder.push(*run);
    }
    encoder.text
}

/// The encoding of a mask of one byte a pixel: 0 is not in it, anything else is.
pub fn of_mask(mask: &[u8]) -> String {
    let mut encoder = Encoder::default();
    let mut rest = mask;
    let mut is_in = false;
    while !rest.is_empty() {
        let run = leading(rest, is_in);
        encoder.push_long(run as u64);
        rest = rest.get(run..).unwrap_or_default();
        is_in = !is_in;
    }
    encoder.text
}

/// One byte a pixel: 1 is in the mask, 0 is not.
///
/// # Errors
/// [`LabelError::InvalidArgument`] if the text is not an encoding of exactly so many pixels, or if they
/// are more than [`MOST_PIXELS`].
pub fn to_mask(text: &str, pixels: u64) -> Result<Vec<u8>, LabelError> {
    let mut mask = room(text, pixels)?;
    for range in marked(text) {
        if let Some(pixels) = mask.get_mut(range) {
            pixels.fill(1);
        }
    }
    Ok(mask)
}

/// The encoding of positions, as a segmentation of a point cloud has it. Ranges may be in any order, and
/// may overlap; one that ends before it starts has no positions. What comes after the last is left out.
pub fn of_ranges(ranges: &[FrameRange]) -> String {
    let mut encoder = Encoder::default();
    let mut at = 0;
    let ranges = ranges.iter().filter(|range| range.start <= range.end);
    for range in frames::merged(ranges.copied().collect()) {
        let (start, end) = (u64::from(range.start), u64::from(range.end) + 1);
        encoder.push_long(start - at);
        encoder.push_long(end - start);
        at = end;
    }
    encoder.text
}

/// The positions that are in an encoding, in ascending order, neighbours merged.
///
/// # Errors
/// [`LabelError::InvalidArgument`] if the text is no encoding, or if a position is over 32 bits.
pub fn to_ranges(text: &str) -> Result<Vec<FrameRange>, LabelError> {
    let mut ranges: Vec<FrameRange> = Vec::new();
    let mut at = 0_u64;
    for (number, run) in runs(text).enumerate() {
        let run = u64::from(run?);
        let end = at + run;
        if number % 2 == 1 && run > 0 {
            let position = |position: u64| {
                u32::try_from(position).map_err(|_| {
                    invalid(format!(
                        "expected positions up to {} in a run-length encoding, found {position}",
                        u32::MAX
                    ))
                })
            };
            let range = FrameRange {
                start: position(at)?,
                end: position(end - 1)?,
            };
            match ranges.last_mut() {
                // A run of nothing is between them.
                Some(last) if last.end.checked_add(1) == Some(range.start) => last.end = range.end,
                _ => ranges.push(range),
            }
        }
        at = end;
    }
    Ok(ranges)
}

/// The encoding of COCO, column by column, of a mask in Encord's.
///
/// # Errors
/// [`LabelError::InvalidArgument`] if the text is not an encoding of width times height pixels, or if they
/// are more than [`MOST_PIXELS`].
pub fn to_coco(text: &str, width: u32, height: u32) -> Result<String, LabelError> {
    turned(text, width, height)
}

/// Encord's encoding, row by row, of a mask in COCO's.
///
/// # Errors
/// As [`to_coco`].
pub fn of_coco(text: &str, width: u32, height: u32) -> Result<String, LabelError> {
    turned(text, height, width)
}

/// The encoding of a mask of rows of `width`, with rows and columns exchanged.
fn turned(text: &str, width: u32, height: u32) -> Result<String, LabelError> {
    let mut mask = room(text, u64::from(width) * u64::from(height))?;
    // They fit, since a mask of their product was made; of an empty one none is reached.
    let (width, height) = (width as usize, height as usize);
    for range in marked(text) {
        let mut at = range.start;
        while at < range.end {
            let (row, column) = (at / width, at % width);
            let last = (width - column).min(range.end - at) + column;
            let from = mask.get_mut(column * height + row..).unwrap_or_default();
            let pixels = from.iter_mut().step_by(height);
            pixels.take(last - column).for_each(|pixel| *pixel = 1);
            at += last - column;
        }
    }
    Ok(of_mask(&mask))
}

/// A mask of so many pixels, none of them in it, for a text that is an encoding of it.
fn room(text: &str, pixels: u64) -> Result<Vec<u8>, LabelError> {
    check(text, pixels)?;
    match usize::try_from(pixels) {
        Ok(length) if pixels <= MOST_PIXELS => Ok(vec![0; length]),
        _ => Err(invalid(format!(
            "expected a mask of up to {MOST_PIXELS} pixels, found one of {pixels}"
        ))),
    }
}

/// The runs that are in the mask of a text that was checked.
fn marked(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0_usize;
    let ranges = runs(text).map_while(Result::ok).map(move |run| {
        let start = at;
        at += run as usize;
        start..at
    });
    ranges.skip(1).step_by(2)
}

/// How many pixels from the start on are in the mask, or are not.
fn leading(mask: &[u8], is_in: bool) -> usize {
    /// So many are compared at once, which the compiler turns into a few instructions.
    const AT_ONCE: usize = 64;
    let (blocks, _) = mask.as_chunks::<AT_ONCE>();
    let same = |pixel: &u8| (*pixel != 0) == is_in;
    let whole = |block: &&[u8; AT_ONCE]| block.iter().fold(true, |all, pixel| all & same(pixel));
    let start = blocks.iter().take_while(whole).count() * AT_ONCE;
    let rest = mask.get(start..).unwrap_or_default();
    start + rest.iter().take_while(|pixel| same(pixel)).count()
}

#[derive(Default)]
struct Encoder {
    text: String,
    count: usize,
    /// The last run but one, and the last.
    before: [u32; 2],
}

impl Encoder {
    fn push(&mut self, run: u32) {
        let mut number = i64::from(run);
        if self.count > 2 {
            number -= i64::from(self.before[0]);
        }
        self.count += 1;
        self.before = [self.before[1], run];
        loop {
            // The lowest 5 bits are not negative.
            let group = (number & i64::from(MORE - 1)) as u8;
            number >>= BITS;
            let sign = if group & (MORE >> 1) == 0 { 0 } else { -1 };
            let more = if number == sign { 0 } else { MORE };
            self.text.push(char::from(FIRST + (group | more)));
            if more == 0 {
                return;
            }
        }
    }

    /// A run of more than 32 bits is several, with runs of nothing between them.
    fn push_long(&mut self, run: u64) {
        let mut rest = run;
        while rest > u64::from(u32::MAX) {
            self.push(u32::MAX);
            self.push(0);
            rest -= u64::from(u32::MAX);
        }
        // The remainder has 32 bits.
        self.push(rest as u32);
    }
}

fn invalid(message: String) -> LabelError {
    LabelError::InvalidArgument(message)
}
