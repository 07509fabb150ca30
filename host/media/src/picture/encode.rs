//! Writing images.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _};

use super::Picture;
use crate::error::MediaError;

/// Of a JPEG file, if none is asked for: OpenCV's.
const QUALITY: u8 = 95;
const MOST_SIDE_OF_JPEG: u32 = u16::MAX as u32;
const MOST_SIDE_OF_WEBP: u32 = 1 << 14;

/// What a picture can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Small, with loss.
    Jpeg,
    /// Without loss.
    Png,
    /// Without loss, and mostly smaller than PNG.
    Webp,
}

impl Format {
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

pub(super) fn encoded(
    picture: &Picture,
    format: Format,
    quality: Option<u8>,
) -> Result<Vec<u8>, MediaError> {
    match quality {
        Some(_) if format != Format::Jpeg => {
            return Err(MediaError::invalid(format!(
                "expected no quality for {}, which is without loss, found one",
                format.media_type()
            )));
        }
        Some(quality) if !(1..=100).contains(&quality) => {
            return Err(MediaError::invalid(format!(
                "expected a quality from 1 to 100, found {quality}"
            )));
        }
        _ => {}
    }
    let most = match format {
        Format::Jpeg => MOST_SIDE_OF_JPEG,
        Format::Png => u32::MAX,
        Format::Webp => MOST_SIDE_OF_WEBP,
    };
    if picture.width > most || picture.height > most {
        return Err(MediaError::too_large(format!(
            "expected at most {most} pixels a side for {}, found {} × {}",
            format.media_type(),
            picture.width,
            picture.height
        )));
    }
    let mut bytes = Vec::new();
    let (rgb, width, height) = (picture.rgb(), picture.width, picture.height);
    let colour = ExtendedColorType::Rgb8;
    let written = match format {
        Format::Jpeg => JpegEncoder::new_with_quality(&mut bytes, quality.unwrap_or(QUALITY))
            .write_image(rgb, width, height, colour),
        Format::Png => PngEncoder::new(&mut bytes).write_image(rgb, width, height, colour),
        Format::Webp => {
            WebPEncoder::new_lossless(&mut bytes).write_image(rgb, width, height, colour)
        }
    };
    written.map_err(|error| {
        MediaError::other(format!("cannot write {}: {error}", format.media_type()))
    })?;
    Ok(bytes)
}
