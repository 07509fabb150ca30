//! Files behind signed URLs, on disk; pictures and frames of videos out of them.
//!
//! [`Store`] downloads a file once, keeps it until its room is needed, and knows neither who signs the URLs nor what the
//! files are for. [`Picture`] is an image in memory, and [`Frames`] reads a video frame by frame with FFmpeg, in a process
//! of its own. Both treat what is in a file as hostile: size, memory and time have limits.

mod budget;
mod error;
mod fetch;
mod picture;
mod store;
mod suffix;
mod video;

#[cfg(test)]
mod tests;

pub use budget::{Budget, Share};
pub use error::{MediaError, MediaErrorKind};
pub use fetch::{FetchOptions, Source};
pub use picture::{Format, MOST_PIXELS, MessageShape, Picture, base64, message};
pub use store::{AttemptFolder, Counters, FileKey, MediaFile, Store};
pub use suffix::suffix;
pub use video::{Frame, Frames, Selection, VideoLimits};
