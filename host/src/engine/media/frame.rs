//! `runner:stage/media.frame`

use std::sync::{Arc, LazyLock};

use runner_media::{Format, Frame, MediaError, MediaFile, MessageShape, Picture};
use tokio::sync::Semaphore;
use wasmtime::component::Resource;

use super::super::bindings::runner::stage::labels::Geometry;
use super::super::bindings::runner::stage::media::{HostFrame, ImageFormat};
use super::super::bindings::runner::stage::types::Error;
use super::super::handles::FrameHandle;
use super::super::state::State;
use super::{Answered, Result, answered};
use crate::labels;
use crate::pixels::{Outline, Size};

/// A picture that a guest holds.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) index: u32,
    pub(super) timestamp: Option<f64>,
    pub(super) picture: Picture,
}

impl From<Frame> for Held {
    fn from(frame: Frame) -> Self {
        Self {
            index: frame.index,
            timestamp: frame.timestamp,
            picture: frame.picture,
        }
    }
}

impl State {
    /// Hands a picture out, if there is room for it.
    pub(super) fn hold(&mut self, frame: impl Into<Held>) -> Answered<Resource<FrameHandle>> {
        let frame = frame.into();
        let bytes = frame.picture.byte_size();
        let limit = self.limits().memory as u64;
        let media = &mut self.media;
        let all = media.frame_bytes.saturating_add(bytes);
        if all > limit {
            return Err(no_room(limit));
        }
        media.frame_bytes = all;
        let key = media.next_key();
        media.frames.insert(key, frame);
        Ok(Resource::new_own(key))
    }

    /// Whether a picture of this size could be handed out: asked before it is made.
    fn has_room(&self, width: u32, height: u32) -> Answered<()> {
        let bytes = 3 * u64::from(width) * u64::from(height);
        let limit = self.limits().memory as u64;
        if self.media.frame_bytes.saturating_add(bytes) > limit {
            return Err(no_room(limit));
        }
        Ok(())
    }

    /// Likewise of the picture in a file, as its header says.
    pub(super) fn has_room_for_file(&self, file: &MediaFile) -> Answered<()> {
        match imagesize::size(file.path()) {
            Ok(size) => {
                let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
                self.has_room(side(size.width), side(size.height))
            }
            // The decoder says what is wrong with it.
            Err(_) => Ok(()),
        }
    }

    fn held(&self, handle: &Resource<FrameHandle>) -> Result<&Held> {
        self.media
            .frames
            .get(&handle.rep())
            .ok_or_else(|| wasmtime::format_err!("the handle {} was never given out", handle.rep()))
    }

    /// Another picture of the same frame.
    fn derived(
        &mut self,
        handle: &Resource<FrameHandle>,
        picture: std::result::Result<Picture, MediaError>,
    ) -> Result<Answered<Resource<FrameHandle>>> {
        let picture = answered!(picture);
        let held = self.held(handle)?;
        let derived = Held {
            picture,
            ..held.clone()
        };
        Ok(self.hold(derived))
    }

    /// Works on a picture where it does not hold up other attempts.
    async fn work<T: Send + 'static>(
        &mut self,
        handle: &Resource<FrameHandle>,
        work: impl FnOnce(&Picture) -> T + Send + 'static,
    ) -> Result<T> {
        let picture = self.held(handle)?.picture.clone();
        off_thread(move || work(&picture)).await
    }

    async fn message(
        &mut self,
        handle: &Resource<FrameHandle>,
        shape: MessageShape,
        format: ImageFormat,
        quality: Option<u32>,
    ) -> Result<Answered<String>> {
        let quality = answered!(checked(quality));
        let format = format.into();
        let message = self
            .work(handle, move |picture| {
                let file = picture.encode(format, quality)?;
                Ok::<_, MediaError>(runner_media::message(&file, format, shape))
            })
            .await?;
        Ok(message.map_err(Into::into))
    }
}

fn no_room(limit: u64) -> Error {
    Error::TooLarge(format!(
        "expected pictures that fit into {} MiB in one attempt, the memory that it may use, found more\n\
         help: drop frames that are not needed any more (Python: `with frame:`, JavaScript: \
         `frame[Symbol.dispose]()`), or raise --memory",
        limit >> 20
    ))
}

/// Pictures that are worked on at once: more would take memory and no time off. Work that nobody waits for any more counts
/// until it has ended.
static WORKING: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new(processors))
});

/// Decoding and encoding take milliseconds.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let turn = Arc::clone(&WORKING).acquire_owned().await?;
    let work = move || {
        let _turn = turn;
        work()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(join) if join.is_panic() => std::panic::resume_unwind(join.into_panic()),
        Err(join) => wasmtime::bail!("the work on a picture was stopped: {join}"),
    }
}

/// The quality of a JPEG, from 1 to 100.
fn checked(quality: Option<u32>) -> Answered<Option<u8>> {
    let checked = |quality: u32| {
        let fits = u8::try_from(quality).ok();
        fits.filter(|quality| (1..=100).contains(quality))
            .ok_or_else(|| {
                Error::InvalidArgument(format!("expected a quality from 1 to 100, found {quality}"))
            })
    };
    quality.map(checked).transpose()
}

impl From<ImageFormat> for Format {
    fn from(format: ImageFormat) -> Self {
        match format {
            ImageFormat::Jpeg => Self::Jpeg,
            ImageFormat::Png => Self::Png,
            ImageFormat::Webp => Self::Webp,
        }
    }
}

/// The pixels of the box around a shape, rounded as `encord_agents.core.vision.crop_to_bbox` does: x, y, width, height.
fn pixels_around(geometry: &labels::Geometry, picture: &Picture) -> Answered<[u32; 4]> {
    let (width, height) = (picture.width(), picture.height());
    let outside = || {
        Error::InvalidArgument(format!(
            "expected a shape that covers pixels of the picture of {width} by {height}, found one that covers none"
        ))
    };
    let size = Size::new(width, height).ok_or_else(outside)?;
    let outline = Outline::of(geometry, size)?;
    let outline = outline.ok_or_else(|| {
        Error::Unsupported(
            "expected a shape that has a place on a picture, found another".to_owned(),
        )
    })?;
    let bounds = outline.bounds().ok_or_else(outside)?;
    let span = |start: f64, length: f64, whole: u32| {
        let start = (start + 0.5).floor();
        let end = start + (length + 0.5).floor();
        let (start, end) = (
            start.clamp(0.0, f64::from(whole)),
            end.clamp(0.0, f64::from(whole)),
        );
        // Both are whole and within a picture.
        (start as u32, (end - start).max(0.0) as u32)
    };
    let (x, wide) = span(bounds.x, bounds.width, width);
    let (y, high) = span(bounds.y, bounds.height, height);
    if wide == 0 || high == 0 {
        return Err(outside());
    }
    Ok([x, y, wide, high])
}

impl HostFrame for State {
    fn index(&mut self, handle: Resource<FrameHandle>) -> Result<u32> {
        Ok(self.held(&handle)?.index)
    }

    fn timestamp(&mut self, handle: Resource<FrameHandle>) -> Result<Option<f64>> {
        Ok(self.held(&handle)?.timestamp)
    }

    fn width(&mut self, handle: Resource<FrameHandle>) -> Result<u32> {
        Ok(self.held(&handle)?.picture.width())
    }

    fn height(&mut self, handle: Resource<FrameHandle>) -> Result<u32> {
        Ok(self.held(&handle)?.picture.height())
    }

    fn rgb(&mut self, handle: Resource<FrameHandle>) -> Result<Vec<u8>> {
        Ok(self.held(&handle)?.picture.rgb().to_vec())
    }

    fn crop(
        &mut self,
        handle: Resource<FrameHandle>,
        shape: Geometry,
    ) -> Result<Answered<Resource<FrameHandle>>> {
        let picture = &self.held(&handle)?.picture;
        let [x, y, width, height] = answered!(pixels_around(&shape.into(), picture));
        let cropped = picture.crop(x, y, width, height);
        self.derived(&handle, cropped)
    }

    fn crop_pixels(
        &mut self,
        handle: Resource<FrameHandle>,
        x: u32,
        y: u32,
        width: u32,
        height: u32,
    ) -> Result<Answered<Resource<FrameHandle>>> {
        let cropped = self.held(&handle)?.picture.crop(x, y, width, height);
        self.derived(&handle, cropped)
    }

    async fn resize(
        &mut self,
        handle: Resource<FrameHandle>,
        width: u32,
        height: u32,
    ) -> Result<Answered<Resource<FrameHandle>>> {
        answered!(self.has_room(width, height));
        let resized = self
            .work(&handle, move |picture| picture.resize(width, height))
            .await?;
        self.derived(&handle, resized)
    }

    async fn encode(
        &mut self,
        handle: Resource<FrameHandle>,
        format: ImageFormat,
        quality: Option<u32>,
    ) -> Result<Answered<Vec<u8>>> {
        let quality = answered!(checked(quality));
        let encoded = self
            .work(&handle, move |picture| {
                picture.encode(format.into(), quality)
            })
            .await?;
        Ok(encoded.map_err(Into::into))
    }

    async fn base64(
        &mut self,
        handle: Resource<FrameHandle>,
        format: ImageFormat,
        quality: Option<u32>,
    ) -> Result<Answered<String>> {
        self.message(&handle, MessageShape::Raw, format, quality)
            .await
    }

    async fn data_url(
        &mut self,
        handle: Resource<FrameHandle>,
        format: ImageFormat,
        quality: Option<u32>,
    ) -> Result<Answered<String>> {
        self.message(&handle, MessageShape::Url, format, quality)
            .await
    }

    async fn openai_content(
        &mut self,
        handle: Resource<FrameHandle>,
        format: ImageFormat,
        quality: Option<u32>,
    ) -> Result<Answered<String>> {
        self.message(&handle, MessageShape::OpenAi, format, quality)
            .await
    }

    async fn anthropic_content(
        &mut self,
        handle: Resource<FrameHandle>,
        format: ImageFormat,
        quality: Option<u32>,
    ) -> Result<Answered<String>> {
        self.message(&handle, MessageShape::Anthropic, format, quality)
            .await
    }

    async fn gemini_content(
        &mut self,
        handle: Resource<FrameHandle>,
        format: ImageFormat,
        quality: Option<u32>,
    ) -> Result<Answered<String>> {
        self.message(&handle, MessageShape::Gemini, format, quality)
            .await
    }

    async fn brightness(&mut self, handle: Resource<FrameHandle>) -> Result<f64> {
        self.work(&handle, Picture::brightness).await
    }

    async fn sharpness(&mut self, handle: Resource<FrameHandle>) -> Result<f64> {
        self.work(&handle, Picture::sharpness).await
    }

    fn drop(&mut self, handle: Resource<FrameHandle>) -> Result<()> {
        if let Some(held) = self.media.frames.remove(&handle.rep()) {
            self.media.frame_bytes -= held.picture.byte_size();
        }
        Ok(())
    }
}
