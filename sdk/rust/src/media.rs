//! The files behind storage items, and the frames of videos.

use std::path::PathBuf;

use crate::bindings::runner::stage::media as wit;
use crate::{Context, Declaration, Error, Frame, FromContext, Result, StorageItem};

/// How much of a file is read at a time.
const PART: u32 = 1 << 20;

/// The file behind the task's data unit, downloaded by the host.
///
/// Of what is not one file (an image group, a data group) there is none, and the parameter fails with
/// [`Error::Unsupported`]; its [`children`](StorageItem::children) have files.
///
/// ```
/// use runner_sdk::prelude::*;
///
/// #[stage("Count lines")]
/// fn count(asset: Asset) -> Result<&'static str> {
///     let text = std::fs::read_to_string(asset.path()?)?;
///     Ok(if text.lines().count() > 100 { "Long" } else { "Short" })
/// }
/// ```
#[derive(Debug)]
pub struct Asset {
    asset: wit::Asset,
}

impl Asset {
    /// In bytes.
    pub fn size(&self) -> u64 {
        self.asset.size()
    }

    /// Its UUID and an ending that fits its type, for example `….jpg`.
    pub fn file_name(&self) -> String {
        self.asset.file_name()
    }

    /// Where [`std::fs`] can open the file for reading, until the attempt ends.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and its like, if it cannot be put there.
    pub fn path(&self) -> Result<PathBuf, Error> {
        self.asset.path().map(PathBuf::from)
    }

    /// A part of the file, shorter at its end, empty behind it.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        self.asset.read(offset, length)
    }

    /// All of the file. It counts towards the plugin's memory: read large files in parts.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.size()).unwrap_or(0));
        loop {
            let part = self.read(bytes.len() as u64, PART)?;
            if part.is_empty() {
                return Ok(bytes);
            }
            bytes.extend_from_slice(&part);
        }
    }
}

/// All frames of a video or an image sequence, one after another; of an image group, its images; of an image, the one.
///
/// The host decodes ahead, and a frame takes memory of the attempt until it is dropped.
///
/// ```
/// use runner_sdk::prelude::*;
///
/// #[stage("Find the dark")]
/// fn find(video: VideoIterator, row: LabelRow) -> Result<()> {
///     for frame in video {
///         let frame = frame?;
///         if frame.brightness() < 20.0 {
///             row.add_classification_on("Dark", Answer::option("Yes"), [frame.index()])?;
///         }
///     }
///     row.save()?;
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct VideoIterator {
    // Absent once it came to its end, or failed.
    frames: Option<wit::FrameIterator>,
}

impl VideoIterator {
    fn new(frames: wit::FrameIterator) -> Self {
        Self {
            frames: Some(frames),
        }
    }
}

impl Iterator for VideoIterator {
    type Item = Result<Frame, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.frames.as_ref()?.next().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.frames = None;
        }
        next.map(|frame| frame.map(Frame::new))
    }
}

impl std::iter::FusedIterator for VideoIterator {}

/// Chooses frames of a video.
///
/// ```
/// use runner_sdk::prelude::*;
///
/// #[stage("Look here and there")]
/// fn look(video: VideoSampler) -> Result<&'static str> {
///     let mut darkest = f64::INFINITY;
///     for frame in video.sample_rate(0.2)? {
///         darkest = darkest.min(frame?.brightness()); // Of each fifth frame.
///     }
///     let chosen = video.sample_frames([1, 2, 3])?.collect::<Result<Vec<_>, _>>()?;
///     Ok(if darkest < 20.0 || chosen.is_empty() { "Dark" } else { "Light" })
/// }
/// ```
#[derive(Debug)]
pub struct VideoSampler {
    sampler: wit::VideoSampler,
}

impl VideoSampler {
    /// How many frames there are, as Encord counted them. Absent if it did not.
    pub fn frame_count(&self) -> Option<u32> {
        self.sampler.frame_count()
    }

    /// A part of the frames. `rate` is over 0 and at most 1: 0.2 gives the frames 0, 5, 10, …
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is out of range.
    pub fn sample_rate(&self, rate: f64) -> Result<VideoIterator, Error> {
        self.sampler.sample_rate(rate).map(VideoIterator::new)
    }

    /// The frames of these numbers, from 0, in ascending order; one that is given twice comes twice. One behind the end
    /// of the video is an error when its turn comes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for more than 1,000,000.
    pub fn sample_frames(
        &self,
        indices: impl IntoIterator<Item = u32>,
    ) -> Result<VideoIterator, Error> {
        let indices: Vec<_> = indices.into_iter().collect();
        self.sampler.sample_frames(&indices).map(VideoIterator::new)
    }
}

/// What there is to see and read of it. `children` have it too: the images of an image group, for example.
impl StorageItem {
    /// Its file.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for what is not one file; [`Error::NotFound`], [`Error::Forbidden`],
    /// [`Error::Unavailable`], [`Error::TooLarge`].
    pub fn open_asset(&self) -> Result<Asset, Error> {
        wit::open_asset(self).map(|asset| Asset { asset })
    }

    /// The first frame of an image, a video, an image sequence or an image group.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for other types; [`Error::NotFound`], [`Error::Forbidden`], [`Error::Unavailable`],
    /// [`Error::TooLarge`]; [`Error::Other`] if it cannot be decoded.
    pub fn read_single_frame(&self) -> Result<Frame, Error> {
        wit::read_single_frame(self).map(Frame::new)
    }

    /// All frames of the same types.
    ///
    /// # Errors
    /// As for [`read_single_frame`](Self::read_single_frame).
    pub fn iterate_video(&self) -> Result<VideoIterator, Error> {
        wit::iterate_video(self).map(VideoIterator::new)
    }

    /// Chosen frames of the same types.
    ///
    /// # Errors
    /// As for [`read_single_frame`](Self::read_single_frame).
    pub fn sample_video(&self) -> Result<VideoSampler, Error> {
        wit::sample_video(self).map(|sampler| VideoSampler { sampler })
    }
}

impl FromContext for Asset {
    fn declare(declaration: &mut Declaration) {
        declaration.needs_asset();
    }

    fn resolve(context: &Context) -> Result<Self> {
        Ok(context.storage_item()?.open_asset()?)
    }
}

impl FromContext for VideoIterator {
    fn declare(declaration: &mut Declaration) {
        declaration.needs_video();
    }

    fn resolve(context: &Context) -> Result<Self> {
        Ok(context.storage_item()?.iterate_video()?)
    }
}

impl FromContext for VideoSampler {
    fn declare(declaration: &mut Declaration) {
        declaration.needs_video();
    }

    fn resolve(context: &Context) -> Result<Self> {
        Ok(context.storage_item()?.sample_video()?)
    }
}
