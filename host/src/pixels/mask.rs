//! Masks: which pixels of a frame something covers.

use super::{Area, Bounds, Size, contour};
use crate::labels::{Bitmask, LabelError, rle};

/// Which pixels of a frame are covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mask {
    size: Size,
    /// Row by row, one for each pixel: 0 is not covered.
    bytes: Vec<u8>,
}

impl Mask {
    /// A mask that covers nothing.
    pub(crate) fn new(size: Size) -> Self {
        Self {
            size,
            bytes: vec![0; size.pixels()],
        }
    }

    /// From COCO's encoding.
    ///
    /// Errors: it is none, or one of another size.
    pub(crate) fn of_coco(size: Size, text: &str) -> Result<Self, LabelError> {
        let text = rle::of_coco(text, size.width, size.height)?;
        let bytes = rle::to_mask(&text, size.pixels() as u64)?;
        Ok(Self { size, bytes })
    }

    /// From a bitmask, whose upper left corner is somewhere in the frame. What is outside of the frame is cut off.
    ///
    /// Errors: its encoding is none, or one of another size.
    pub(crate) fn of_bitmask(frame: Size, bitmask: &Bitmask) -> Result<Self, LabelError> {
        let bytes = bitmask.to_bytes()?;
        if (bitmask.width, bitmask.height) == (frame.width, frame.height)
            && (bitmask.left, bitmask.top) == (0, 0)
        {
            return Ok(Self { size: frame, bytes });
        }
        let mut mask = Self::new(frame);
        let (left, width) = (bitmask.left as usize, bitmask.width as usize);
        let seen = (frame.width as usize).saturating_sub(left).min(width);
        if seen == 0 {
            return Ok(mask);
        }
        let rows = mask.bytes.chunks_mut(frame.width as usize);
        let own = bytes.chunks(width);
        for (row, own) in rows.skip(bitmask.top as usize).zip(own) {
            row[left..left + seen].copy_from_slice(&own[..seen]);
        }
        Ok(mask)
    }

    /// In COCO's encoding.
    ///
    /// Errors: it has more pixels than a label row may have.
    pub(crate) fn to_coco(&self) -> Result<String, LabelError> {
        let text = rle::of_mask(&self.bytes);
        rle::to_coco(&text, self.size.width, self.size.height)
    }

    /// As a label row has it.
    ///
    /// Errors: never, since there is one byte for each pixel.
    pub(crate) fn to_bitmask(&self) -> Result<Bitmask, LabelError> {
        Bitmask::of_bytes(self.size.width, self.size.height, &self.bytes)
    }

    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// Nothing outside of the frame is covered.
    pub(crate) fn covers(&self, x: u32, y: u32) -> bool {
        let place = y as usize * self.size.width as usize + x as usize;
        x < self.size.width && y < self.size.height && self.bytes[place] != 0
    }

    /// From the top; 0 is not covered.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks(self.size.width as usize)
    }

    /// In pixels.
    pub(crate) fn area(&self) -> usize {
        self.bytes.iter().filter(|byte| **byte != 0).count()
    }

    /// Around all pixels that are covered; none if there are none.
    pub(crate) fn bounds(&self) -> Option<Bounds> {
        let mut corners = Vec::new();
        for (y, row) in self.rows().enumerate() {
            let first = row.iter().position(|byte| *byte != 0);
            let last = row.iter().rposition(|byte| *byte != 0);
            if let (Some(first), Some(last)) = (first, last) {
                corners.push([first as f64, y as f64]);
                corners.push([(last + 1) as f64, (y + 1) as f64]);
            }
        }
        Bounds::around(&corners)
    }

    /// Covers the pixels whose centres are within one of the areas and in none of its holes.
    pub(crate) fn fill(&mut self, areas: &[Area]) {
        let width = self.size.width as usize;
        for area in areas {
            let Some(bounds) = Bounds::around(area.iter().flatten()) else {
                continue;
            };
            // A cast of what is below 0 or too large saturates.
            let first = (bounds.y - 0.5).floor().max(0.0) as usize;
            let last = ((bounds.y + bounds.height).ceil().max(0.0) as usize)
                .min(self.size.height as usize);
            for y in first..last {
                let row = &mut self.bytes[y * width..(y + 1) * width];
                for pair in crossings(area, y as f64 + 0.5).chunks_exact(2) {
                    let from = ((pair[0] - 0.5).ceil().max(0.0) as usize).min(width);
                    let to = ((pair[1] - 0.5).ceil().max(0.0) as usize).min(width);
                    if from < to {
                        row[from..to].fill(1);
                    }
                }
            }
        }
    }

    /// The areas that are covered, along the edges of their pixels: filling them gives the mask again. Pixels that
    /// touch at a corner only are areas of their own.
    pub(crate) fn areas(&self) -> Vec<Area> {
        contour::trace(self)
    }
}

/// Where the edges of an area cross a row, from left to right. Between the first and the second is inside, between the
/// second and the third outside, and so on.
fn crossings(area: &Area, y: f64) -> Vec<f64> {
    let mut crossings = Vec::new();
    for line in area {
        let next = line.iter().cycle().skip(1);
        for (a, b) in line.iter().zip(next) {
            // Half-open, so that a corner on the row counts once.
            if (a[1] <= y) != (b[1] <= y) {
                crossings.push(a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]));
            }
        }
    }
    crossings.sort_by(f64::total_cmp);
    crossings
}
