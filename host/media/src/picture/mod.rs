//! Pictures in memory.

mod decode;
mod encode;
mod measure;
mod message;
mod resize;

use std::fmt;
use std::path::Path;

use bytes::Bytes;

use crate::error::MediaError;

pub use encode::Format;
pub use message::{MessageShape, base64, message};

/// Pictures of more pixels are refused: one needs three bytes for each.
pub const MOST_PIXELS: u64 = 1 << 27;
/// In pixels, of one side.
const MOST_SIDE: u32 = 1 << 16;
/// Bytes of a pixel.
const CHANNELS: usize = 3;

/// A picture: RGB, 8 bits each, rows from the top, without gaps. A clone is the same memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Bytes,
}

impl Picture {
    /// A picture of what is in memory: three bytes a pixel.
    ///
    /// Errors: [`crate::MediaErrorKind::Invalid`] if the bytes are not those of `width` × `height` pixels, or a side is 0;
    /// [`crate::MediaErrorKind::TooLarge`] over 65 536 pixels a side or [`MOST_PIXELS`] together.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, MediaError> {
        Self::of_bytes(width, height, rgb.into())
    }

    pub(crate) fn of_bytes(width: u32, height: u32, rgb: Bytes) -> Result<Self, MediaError> {
        let expected = byte_size(width, height)?;
        if rgb.len() != expected {
            return Err(MediaError::invalid(format!(
                "expected {expected} bytes for {width} × {height} pixels, found {}",
                rgb.len()
            )));
        }
        Ok(Self { width, height, rgb })
    }

    /// Reads a file that is in memory: JPEG, PNG, GIF (its first image), WebP, BMP or TIFF. What can be seen through is
    /// put on white.
    ///
    /// `size` is the size that Encord has measured: the picture is turned as its EXIF data say only if that makes its size
    /// this one, so that labels fit. Without, it is always turned, as OpenCV's `imread` does.
    ///
    /// It takes milliseconds to seconds of processor time: call it off the threads that wait for others.
    ///
    /// Errors: [`crate::MediaErrorKind::Unsupported`] for other formats, `Invalid` for damaged files, `TooLarge` over the
    /// limits of [`Picture::new`].
    pub fn decode(bytes: &[u8], size: Option<(u32, u32)>) -> Result<Self, MediaError> {
        decode::of_bytes(bytes, size)
    }

    /// [`Picture::decode`] of a file on disk.
    ///
    /// Errors: [`crate::MediaErrorKind::NotFound`] also, if there is none.
    pub fn decode_file(path: &Path, size: Option<(u32, u32)>) -> Result<Self, MediaError> {
        decode::of_file(path, size)
    }

    /// In pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// In pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Three bytes a pixel, rows from the top.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// How much memory it takes, in bytes.
    pub fn byte_size(&self) -> u64 {
        self.rgb.len() as u64
    }

    /// A part of the picture, in pixels from the upper left corner.
    ///
    /// Errors: [`crate::MediaErrorKind::Invalid`] if it is empty or not within the picture.
    pub fn crop(&self, x: u32, y: u32, width: u32, height: u32) -> Result<Self, MediaError> {
        let within = |from: u32, length: u32, whole: u32| {
            length > 0 && from.checked_add(length).is_some_and(|to| to <= whole)
        };
        if !within(x, width, self.width) || !within(y, height, self.height) {
            return Err(MediaError::invalid(format!(
                "expected a part of the {} × {} pixels of the picture, found {width} × {height} pixels from ({x}, {y})",
                self.width, self.height
            )));
        }
        let row = self.width as usize * CHANNELS;
        let columns = x as usize * CHANNELS..(x + width) as usize * CHANNELS;
        let mut rgb = Vec::with_capacity(byte_size(width, height)?);
        for line in self
            .rgb
            .chunks_exact(row)
            .skip(y as usize)
            .take(height as usize)
        {
            rgb.extend_from_slice(&line[columns.clone()]);
        }
        Self::new(width, height, rgb)
    }

    /// The picture in another size (Lanczos with three lobes; where it shrinks, all pixels count).
    ///
    /// Errors: as in [`Picture::new`] for the size asked for.
    pub fn resize(&self, width: u32, height: u32) -> Result<Self, MediaError> {
        resize::resized(self, width, height)
    }

    /// The picture as a file. `quality` is for JPEG, from 1 to 100; 95 if absent, as in OpenCV. WebP is without loss.
    ///
    /// Errors: [`crate::MediaErrorKind::Invalid`] for another quality, or a quality for another format; `TooLarge` for a
    /// side that the format does not have (65 535 pixels in JPEG, 16 384 in WebP).
    pub fn encode(&self, format: Format, quality: Option<u8>) -> Result<Vec<u8>, MediaError> {
        encode::encoded(self, format, quality)
    }

    /// How bright it is: the mean of its luma, from 0 (black) to 255 (white). Luma is rounded as in OpenCV's
    /// `cvtColor(…, COLOR_RGB2GRAY)`: 0.299 R + 0.587 G + 0.114 B.
    pub fn brightness(&self) -> f64 {
        measure::brightness(self)
    }

    /// How sharp it is: the variance of the Laplacian of its luma, 0 or more, as
    /// `cv2.Laplacian(gray, cv2.CV_64F).var()` has it (the four neighbours less four times the pixel; the border mirrors
    /// the picture without its outermost pixels). Blurred pictures have lower values; how low depends on size and subject.
    pub fn sharpness(&self) -> f64 {
        measure::sharpness(self)
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({} × {})", self.width, self.height)
    }
}

/// Bytes of a picture of this size. Errors: it is too large, or empty.
pub(crate) fn byte_size(width: u32, height: u32) -> Result<usize, MediaError> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(MediaError::invalid(format!(
            "expected a picture, found {width} × {height} pixels"
        )));
    }
    if width > MOST_SIDE || height > MOST_SIDE || pixels > MOST_PIXELS {
        return Err(MediaError::too_large(format!(
            "expected a picture of at most {MOST_SIDE} pixels a side and {} million together, found {width} × {height}",
            MOST_PIXELS / 1_000_000
        )));
    }
    Ok(pixels as usize * CHANNELS)
}
