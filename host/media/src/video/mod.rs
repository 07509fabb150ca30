//! Frames of videos, which FFmpeg reads in a process of its own.

mod child;
mod ffmpeg;
mod ppm;
mod selection;
mod times;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{MediaError, MediaErrorKind};
use crate::picture::Picture;
use crate::store::MediaFile;
use child::{Child, Pulled};
pub use selection::Selection;
use selection::{Passes, Wanted};

/// What FFmpeg may take for one video.
#[derive(Debug, Clone)]
pub struct VideoLimits {
    /// Its address space, in bytes, where the system can limit it (Linux). Default: 4 GiB.
    pub memory: u64,
    /// Processor time of all its threads together, in whole seconds, where the system can limit it (Linux). Default: one
    /// hour.
    pub cpu: Duration,
    /// The longest time in which it reads no frame at all, whether wanted or on the way to one. Default: 60 s.
    pub silence: Duration,
    /// Threads that decode. Default: 2.
    pub threads: u32,
}

impl Default for VideoLimits {
    fn default() -> Self {
        Self {
            memory: 4 << 30,
            cpu: Duration::from_secs(60 * 60),
            silence: Duration::from_secs(60),
            threads: 2,
        }
    }
}

/// A frame of a video.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Counted from 0, in the order in which frames are shown.
    pub index: u32,
    /// When it is shown, in seconds after the first frame of the video. Absent if the file does not say.
    pub timestamp: Option<f64>,
    /// Turned as players turn it. In a video that changes its size, all have that of the first.
    pub picture: Picture,
}

/// A video that is being read. Every frame before a wanted one is decoded, since only that gives exactly this one. On drop
/// FFmpeg is ended.
#[derive(Debug)]
pub struct Frames {
    video: Video,
    wanted: Wanted,
    /// Which frames FFmpeg hands over.
    passes: Passes,
    child: Option<Child>,
    /// The frame that was given last: it may be wanted again.
    last: Option<Frame>,
}

#[derive(Debug)]
struct Video {
    path: PathBuf,
    limits: VideoLimits,
    /// Keeps the file on disk.
    _file: Option<Arc<MediaFile>>,
}

impl Frames {
    /// Starts to read a file of the store.
    ///
    /// Errors: as in [`Frames::open_path`].
    pub async fn open(
        file: Arc<MediaFile>,
        selection: Selection,
        limits: &VideoLimits,
    ) -> Result<Self, MediaError> {
        let path = file.path().to_owned();
        Self::start(&path, Some(file), selection, limits).await
    }

    /// Starts to read a file.
    ///
    /// Errors: [`MediaErrorKind::Invalid`] for a selection that cannot be (see there); [`MediaErrorKind::Other`] without
    /// FFmpeg. What is wrong with the file is found by [`Frames::next`].
    pub async fn open_path(
        path: &Path,
        selection: Selection,
        limits: &VideoLimits,
    ) -> Result<Self, MediaError> {
        Self::start(path, None, selection, limits).await
    }

    async fn start(
        path: &Path,
        file: Option<Arc<MediaFile>>,
        selection: Selection,
        limits: &VideoLimits,
    ) -> Result<Self, MediaError> {
        let path = std::path::absolute(path)
            .map_err(|error| MediaError::disk("find the video", path, &error))?;
        let (wanted, passes) = selection.checked()?;
        let video = Video {
            path,
            limits: limits.clone(),
            _file: file,
        };
        let child = if wanted.is_over() {
            None
        } else {
            Some(Child::start(&video.path, &passes, &video.limits).await?)
        };
        Ok(Self {
            video,
            wanted,
            passes,
            child,
            last: None,
        })
    }

    /// The next frame that is wanted, or `None` after the last. A call that is dropped loses nothing.
    ///
    /// Errors: [`MediaErrorKind::NotFound`] if the video has no frame of an index that was asked for;
    /// [`MediaErrorKind::Unsupported`] or `Invalid` if the file is no video or is damaged; `TooLarge` over a limit; `Other`
    /// if FFmpeg fails otherwise. After an error there are no more frames.
    pub async fn next(&mut self) -> Result<Option<Frame>, MediaError> {
        let outcome = self.advance().await;
        if !matches!(outcome, Ok(Some(_))) {
            self.stop();
        }
        outcome
    }

    async fn advance(&mut self) -> Result<Option<Frame>, MediaError> {
        loop {
            let Some(index) = self.wanted.current() else {
                return Ok(None);
            };
            if let Some(last) = &self.last
                && last.index == index
            {
                let again = last.clone();
                self.given();
                return Ok(Some(again));
            }
            let Some(child) = &mut self.child else {
                return Ok(None);
            };
            match child.pull().await? {
                // It was given before FFmpeg was started again, or lies between wanted ones.
                Pulled::Frame(frame) if frame.index < index => {}
                Pulled::Frame(frame) if frame.index == index => {
                    self.last = Some(frame.clone());
                    self.given();
                    return Ok(Some(frame));
                }
                Pulled::Frame(frame) => {
                    return Err(MediaError::other(format!(
                        "expected frame {index} of the video, found that ffmpeg gives frame {}",
                        frame.index
                    )));
                }
                Pulled::End { frames, said } if self.wanted.is_explicit() => {
                    return Err(no_frame(index, frames, said.as_deref()));
                }
                Pulled::End { .. } => return Ok(None),
                Pulled::Changed => {
                    // From here on FFmpeg counts anew. It hands over everything, and is counted with.
                    tracing::debug!(video = %self.video.path.display(), "the video changes its form");
                    self.passes = Passes::All;
                    self.child = None;
                    self.child = Some(
                        Child::start(&self.video.path, &self.passes, &self.video.limits).await?,
                    );
                }
            }
        }
    }

    /// Goes on to the next wanted frame. After the last, FFmpeg is ended at once.
    fn given(&mut self) {
        self.wanted.advance();
        if self.wanted.is_over() {
            self.child = None;
        }
    }

    fn stop(&mut self) {
        self.child = None;
        self.last = None;
        self.wanted = Wanted::nothing();
    }
}

fn no_frame(index: u32, frames: u64, said: Option<&str>) -> MediaError {
    let said = said
        .map(|said| format!(" (ffmpeg says: {said})"))
        .unwrap_or_default();
    MediaError::new(
        MediaErrorKind::NotFound,
        format!("expected frame {index} of the video, found {frames} frames{said}"),
    )
    .with_help("frames count from 0")
}
