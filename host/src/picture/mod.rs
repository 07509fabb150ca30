//! Pictures: an image, or a frame of a video, with what is labelled on it.

mod decode;
mod draw;
mod film;
mod text;

use std::path::PathBuf;
use std::time::Duration;

pub(crate) use decode::{of_bytes, of_file};
pub(crate) use draw::{Canvas, Colour, Labelled};
pub(crate) use film::frame;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    #[error(
        "expected an image (JPEG, PNG, GIF, WebP, BMP or TIFF), found one that cannot be read: {0}"
    )]
    Image(String),
    #[error("expected an image of at most {} million pixels, found more", crate::pixels::MOST_PIXELS / 1_000_000)]
    TooLarge,
    #[error("expected the program `ffmpeg` to read a frame of the video, found none on the PATH")]
    NoFfmpeg,
    #[error("ffmpeg cannot read frame {frame} of the video: {said}")]
    Film { frame: u32, said: String },
    #[error("expected frame {frame} of the video, found fewer frames")]
    NoFrame { frame: u32 },
    #[error("expected frame {frame} of the video within {} s, found that ffmpeg takes longer", limit.as_secs())]
    Slow { frame: u32, limit: Duration },
    #[error("cannot read `{}`: {source}", file.display())]
    File {
        file: PathBuf,
        source: std::io::Error,
    },
}

impl PictureError {
    /// What to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::NoFfmpeg => Some("install FFmpeg; images need no program".to_owned()),
            Self::NoFrame { .. } => Some("frames count from 0".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
