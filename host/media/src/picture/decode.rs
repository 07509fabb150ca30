//! Reading images. What a file says of itself is not believed: size and memory have limits.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Seek};
use std::path::Path;

use image::error::{ImageError, LimitErrorKind};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use super::{MOST_SIDE, Picture, byte_size};
use crate::error::{MediaError, MediaErrorKind};

/// That a decoder may take, in bytes: an image of the most pixels with four channels of eight bits, and as much again.
const MOST_MEMORY: u64 = 1 << 30;

pub(super) fn of_file(path: &Path, size: Option<(u32, u32)>) -> Result<Picture, MediaError> {
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => MediaError::new(
            MediaErrorKind::NotFound,
            format!("expected an image at `{}`, found no file", path.display()),
        ),
        _ => MediaError::disk("read", path, &error),
    })?;
    decode(BufReader::new(file), size)
}

pub(super) fn of_bytes(bytes: &[u8], size: Option<(u32, u32)>) -> Result<Picture, MediaError> {
    decode(Cursor::new(bytes), size)
}

fn decode(file: impl BufRead + Seek, size: Option<(u32, u32)>) -> Result<Picture, MediaError> {
    let mut reader = ImageReader::new(file)
        .with_guessed_format()
        .map_err(|error| unreadable(&error.to_string()))?;
    if reader.format().is_none() {
        return Err(MediaError::unsupported(
            "expected an image (JPEG, PNG, GIF, WebP, BMP or TIFF), found another kind of file",
        ));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    byte_size(width, height)?;
    // A picture without a legible orientation is shown as it is stored.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    // Labels are relative to the picture that the platform has measured. Where it has not turned the picture by its
    // EXIF data, the labels are on the picture as it is stored.
    let is_turned = size.is_none_or(|size| (width, height) != size && (height, width) == size);
    if is_turned {
        image.apply_orientation(orientation);
    }
    let (width, height) = (image.width(), image.height());
    Picture::new(width, height, on_white(image))
}

/// What can be seen through is white, as in the label editor.
fn on_white(image: DynamicImage) -> Vec<u8> {
    if !image.color().has_alpha() {
        return image.into_rgb8().into_raw();
    }
    let image = image.into_rgba8();
    let mut rgb = Vec::with_capacity(image.as_raw().len() / 4 * 3);
    for pixel in image.pixels() {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        // At most 255 again.
        rgb.extend([red, green, blue].map(|own| ((own * alpha + 255 * (255 - alpha)) / 255) as u8));
    }
    rgb
}

fn refused(error: ImageError) -> MediaError {
    match error {
        ImageError::Limits(error) => match error.kind() {
            LimitErrorKind::Unsupported { .. } => unreadable(&error.to_string()),
            _ => MediaError::too_large(format!(
                "expected an image of at most {MOST_SIDE} pixels a side and {} MiB of memory, found a larger one",
                MOST_MEMORY >> 20
            )),
        },
        ImageError::Unsupported(error) => MediaError::unsupported(format!(
            "expected an image (JPEG, PNG, GIF, WebP, BMP or TIFF), found one that cannot be read: {error}"
        )),
        error => unreadable(&error.to_string()),
    }
}

fn unreadable(reason: &str) -> MediaError {
    MediaError::invalid(format!(
        "expected an image, found one that cannot be read: {reason}"
    ))
}
