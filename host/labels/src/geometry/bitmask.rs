//! Masks from and to one byte a pixel.

use super::Bitmask;
use crate::error::LabelError;
use crate::rle;

impl Bitmask {
    /// The mask of a picture from one byte a pixel, row by row: 0 is not in it, anything else is.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if there are not width times height bytes, or none.
    pub fn of_bytes(width: u32, height: u32, bytes: &[u8]) -> Result<Self, LabelError> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || u64::try_from(bytes.len()) != Ok(pixels) {
            return Err(LabelError::InvalidArgument(format!(
                "expected one byte for each pixel of a mask of at least one, found {} bytes for {width} x \
                 {height} pixels",
                bytes.len()
            )));
        }
        Ok(Self {
            top: 0,
            left: 0,
            width,
            height,
            rle: rle::of_mask(bytes),
        })
    }

    /// One byte a pixel of the mask, row by row: 1 is in it, 0 is not.
    ///
    /// # Errors
    /// [`LabelError::InvalidArgument`] if `rle` is not an encoding of width times height pixels, or if
    /// these are more than [`rle::MOST_PIXELS`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, LabelError> {
        rle::to_mask(&self.rle, u64::from(self.width) * u64::from(self.height))
    }
}
