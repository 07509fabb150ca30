//! Pictures in another size.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::{Picture, byte_size};
use crate::error::MediaError;

pub(super) fn resized(picture: &Picture, width: u32, height: u32) -> Result<Picture, MediaError> {
    byte_size(width, height)?;
    if (width, height) == (picture.width, picture.height) {
        return Ok(picture.clone());
    }
    let failed = |error: &dyn std::error::Error| {
        MediaError::other(format!("cannot resize the picture: {error}"))
    };
    let from = ImageRef::new(
        picture.width,
        picture.height,
        picture.rgb(),
        PixelType::U8x3,
    )
    .map_err(|error| failed(&error))?;
    let mut into = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new()
        .resize(&from, &mut into, &options)
        .map_err(|error| failed(&error))?;
    Picture::new(width, height, into.into_vec())
}
