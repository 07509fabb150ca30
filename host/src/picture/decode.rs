//! Reading images. What a file says of itself is not believed: size and memory have limits.

use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::Path;

use image::error::{ImageError, LimitError, LimitErrorKind};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbImage};

use super::PictureError;
use crate::pixels::Size;

/// In pixels, of one side.
const MOST_WIDTH: u32 = 1 << 16;
/// That a decoder may take, in bytes: an image of the most pixels with four channels of eight bits, and as much again.
const MOST_MEMORY: u64 = 1 << 30;

/// Reads an image. `size` is what the label row says of it.
pub(crate) fn of_file(path: &Path, size: Size) -> Result<RgbImage, PictureError> {
    let file = std::fs::File::open(path).map_err(|source| PictureError::File {
        file: path.to_owned(),
        source,
    })?;
    decode(BufReader::new(file), size)
}

/// [`of_file`] of what was read already.
pub(crate) fn of_bytes(bytes: &[u8], size: Size) -> Result<RgbImage, PictureError> {
    decode(Cursor::new(bytes), size)
}

fn decode(file: impl BufRead + Seek, size: Size) -> Result<RgbImage, PictureError> {
    let mut reader = ImageReader::new(file)
        .with_guessed_format()
        .map_err(|error| PictureError::Image(error.to_string()))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_WIDTH);
    limits.max_image_height = Some(MOST_WIDTH);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    if Size::new(width, height).is_none() {
        return Err(PictureError::TooLarge);
    }
    // A picture without a legible orientation is shown as it is stored.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    // Labels are relative to the picture that the platform has measured. Where it has not turned the picture by its
    // EXIF data, the labels are on the picture as it is stored.
    if (width, height) != (size.width, size.height) && (height, width) == (size.width, size.height)
    {
        image.apply_orientation(orientation);
    }
    Ok(on_white(image))
}

/// What can be seen through is white, as in the label editor.
fn on_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, alpha] = image.get_pixel(x, y).0.map(u32::from);
        // At most 255 again.
        image::Rgb([red, green, blue].map(|own| ((own * alpha + 255 * (255 - alpha)) / 255) as u8))
    })
}

fn refused(error: ImageError) -> PictureError {
    match error {
        ImageError::Limits(error) if is_size(&error) => PictureError::TooLarge,
        error => PictureError::Image(error.to_string()),
    }
}

fn is_size(error: &LimitError) -> bool {
    matches!(
        error.kind(),
        LimitErrorKind::DimensionError | LimitErrorKind::InsufficientMemory
    )
}
