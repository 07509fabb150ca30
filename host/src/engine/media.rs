//! `runner:stage/media`: files, and what of them an attempt holds. Pictures are in `media/frame.rs`, sequences of them in
//! `media/sequence.rs`.

mod frame;
mod sequence;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runner_media::{
    AttemptFolder, Frames, MediaError, MediaErrorKind, MediaFile, Selection, VideoLimits,
};
use wasmtime::component::Resource;

use super::bindings::runner::stage::media::{Host, HostAsset};
use super::bindings::runner::stage::types::Error;
use super::handles::{
    AssetHandle, FrameHandle, FrameIteratorHandle, StorageItemHandle, VideoSamplerHandle,
};
use super::state::{State, forget};
use crate::encord::StorageItem;
use frame::Held;
use sequence::{Opened, Sampler, Sequence};

type Result<T> = wasmtime::Result<T>;
type Answered<T> = std::result::Result<T, Error>;

/// Where a plugin finds the files that it asked the path of.
pub(super) const ASSETS: &str = "/assets";

/// What an attempt holds of files and pictures.
#[derive(Default)]
pub(super) struct Media {
    assets: Vec<Arc<MediaFile>>,
    /// A folder of the attempt's own, made when a component that asks for paths first looks at its file system.
    folder: Option<AttemptFolder>,
    frames: HashMap<u32, Held>,
    /// Of the pictures in it, in bytes.
    frame_bytes: u64,
    sequences: HashMap<u32, Opened>,
    samplers: HashMap<u32, Sampler>,
    /// The last key that was given out.
    last_key: u32,
}

impl Media {
    fn next_key(&mut self) -> u32 {
        self.last_key += 1;
        self.last_key
    }
}

impl From<MediaError> for Error {
    fn from(error: MediaError) -> Self {
        let message = match error.help() {
            Some(help) => format!("{error}\nhelp: {help}"),
            None => error.to_string(),
        };
        match error.kind() {
            MediaErrorKind::NotFound => Self::NotFound(message),
            MediaErrorKind::Forbidden => Self::Forbidden(message),
            MediaErrorKind::Unavailable => Self::Unavailable(message),
            MediaErrorKind::Unsupported => Self::Unsupported(message),
            MediaErrorKind::Invalid => Self::InvalidArgument(message),
            MediaErrorKind::TooLarge => Self::TooLarge(message),
            _ => Self::Other(message),
        }
    }
}

/// Unwraps an answer of the host to itself, or gives its error to the guest.
macro_rules! answered {
    ($answer:expr) => {
        match $answer {
            Ok(value) => value,
            Err(error) => return Ok(Err(error.into())),
        }
    };
}
use answered;

/// How items are made of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One picture.
    Picture,
    /// One file of many frames.
    Film,
    /// Children of one picture each.
    Group,
}

impl Form {
    fn of(item: &StorageItem, what: &str) -> Answered<Self> {
        match normalised(&item.item_type).as_str() {
            "image" => Ok(Self::Picture),
            "video" | "imagesequence" => Ok(Self::Film),
            "imagegroup" => Ok(Self::Group),
            _ => Err(Error::Unsupported(format!(
                "expected an image, a video, an image sequence or an image group to {what}, found the {} \"{}\"",
                item.item_type, item.name
            ))),
        }
    }
}

/// Encord's own spelling differs between its APIs: `imageGroup`, `IMAGE_GROUP`, `img_group`.
fn normalised(item_type: &str) -> String {
    item_type.replace(['_', '-'], "").to_lowercase()
}

/// Types that are not one file.
fn is_one_file(item: &StorageItem) -> bool {
    let of_many = ["imagegroup", "group", "dicomseries", "scene"];
    !of_many.contains(&normalised(&item.item_type).as_str())
}

impl State {
    /// The folder that is to be seen as [`ASSETS`], for a component that asks for paths.
    pub(super) fn assets_folder(&mut self) -> Option<PathBuf> {
        // Where there are no files, there is nothing to see.
        let has_files = self
            .resolver(0)
            .is_ok_and(|resolver| resolver.store().is_some());
        if !self.program.asks_for_paths() || !has_files {
            return None;
        }
        match self.open_folder() {
            Ok(folder) => Some(folder.path().to_owned()),
            Err(error) => {
                tracing::warn!("no folder for assets: {error}");
                None
            }
        }
    }

    fn open_folder(&mut self) -> Answered<&AttemptFolder> {
        if self.media.folder.is_none() {
            let store = self.resolver(0).ok();
            let store = store.as_ref().and_then(|resolver| resolver.store());
            let Some(store) = store else {
                return Err(Error::Unsupported("there are no files here".to_owned()));
            };
            let folder = store.attempt_folder()?;
            return Ok(self.media.folder.insert(folder));
        }
        let folder = self.media.folder.as_ref();
        folder.ok_or_else(|| Error::Other("the folder of assets is missing".to_owned()))
    }

    async fn file(
        &mut self,
        task: u32,
        item: &Arc<StorageItem>,
    ) -> Result<Answered<Arc<MediaFile>>> {
        let resolver = self.resolver(task)?;
        Ok(resolver.file(item).await.map_err(Into::into))
    }

    async fn children_of(
        &mut self,
        task: u32,
        item: &Arc<StorageItem>,
    ) -> Result<Answered<Vec<Arc<StorageItem>>>> {
        let resolver = self.resolver(task)?;
        Ok(resolver.children(item).await.map_err(Into::into))
    }

    fn video_limits(&self) -> VideoLimits {
        // The time of the attempt ends a decoder in any case, since it ends with the attempt.
        VideoLimits::default()
    }

    /// Starts decoding.
    async fn film(&mut self, file: Arc<MediaFile>, selection: Selection) -> Answered<Frames> {
        Ok(Frames::open(file, selection, &self.video_limits()).await?)
    }
}

impl Host for State {
    async fn open_asset(
        &mut self,
        handle: Resource<StorageItemHandle>,
    ) -> Result<Answered<Resource<AssetHandle>>> {
        let (task, item) = self.item_of(&handle)?;
        if !is_one_file(&item) {
            return Ok(Err(Error::Unsupported(format!(
                "expected an item that is one file, found the {} \"{}\"\n\
                 help: its children have files",
                item.item_type, item.name
            ))));
        }
        let file = answered!(self.file(task, &item).await?);
        let assets = &mut self.media.assets;
        let known = assets.iter().position(|known| Arc::ptr_eq(known, &file));
        let at = known.unwrap_or_else(|| {
            assets.push(file);
            assets.len() - 1
        });
        Ok(Ok(Resource::new_own(at as u32)))
    }

    async fn read_single_frame(
        &mut self,
        handle: Resource<StorageItemHandle>,
    ) -> Result<Answered<Resource<FrameHandle>>> {
        let (task, item) = self.item_of(&handle)?;
        let mut sequence = match answered!(Form::of(&item, "read its first frame")) {
            Form::Film => {
                let file = answered!(self.file(task, &item).await?);
                Sequence::Film(Box::new(answered!(self.film(file, Selection::First).await)))
            }
            Form::Picture => Sequence::of_pictures(vec![(0, item.clone())]),
            Form::Group => {
                let children = answered!(self.children_of(task, &item).await?);
                Sequence::of_pictures(
                    children
                        .into_iter()
                        .take(1)
                        .map(|child| (0, child))
                        .collect(),
                )
            }
        };
        let Some(frame) = answered!(self.next_of(task, &mut sequence).await?) else {
            return Ok(Err(Error::NotFound(format!(
                "expected a frame in the {} \"{}\", found none",
                item.item_type, item.name
            ))));
        };
        Ok(self.hold(frame))
    }

    async fn iterate_video(
        &mut self,
        handle: Resource<StorageItemHandle>,
    ) -> Result<Answered<Resource<FrameIteratorHandle>>> {
        let (task, item) = self.item_of(&handle)?;
        let sampler = answered!(self.sampler(task, item).await?);
        self.iterate(&sampler, Selection::All).await
    }

    async fn sample_video(
        &mut self,
        handle: Resource<StorageItemHandle>,
    ) -> Result<Answered<Resource<VideoSamplerHandle>>> {
        let (task, item) = self.item_of(&handle)?;
        let sampler = answered!(self.sampler(task, item).await?);
        let key = self.media.next_key();
        self.media.samplers.insert(key, sampler);
        Ok(Ok(Resource::new_own(key)))
    }
}

impl State {
    fn asset(&self, handle: &Resource<AssetHandle>) -> Result<&Arc<MediaFile>> {
        self.media
            .assets
            .get(handle.rep() as usize)
            .ok_or_else(|| wasmtime::format_err!("the handle {} was never given out", handle.rep()))
    }
}

impl HostAsset for State {
    fn size(&mut self, handle: Resource<AssetHandle>) -> Result<u64> {
        Ok(self.asset(&handle)?.size())
    }

    fn file_name(&mut self, handle: Resource<AssetHandle>) -> Result<String> {
        Ok(self.asset(&handle)?.name())
    }

    async fn path(&mut self, handle: Resource<AssetHandle>) -> Result<Answered<String>> {
        let file = Arc::clone(self.asset(&handle)?);
        let folder = answered!(self.open_folder());
        answered!(folder.add(&file));
        let path = Path::new(ASSETS).join(file.name());
        Ok(Ok(path.to_string_lossy().into_owned()))
    }

    async fn read(
        &mut self,
        handle: Resource<AssetHandle>,
        offset: u64,
        length: u32,
    ) -> Result<Answered<Vec<u8>>> {
        let file = Arc::clone(self.asset(&handle)?);
        Ok(file.read(offset, length).await.map_err(Into::into))
    }

    fn drop(&mut self, handle: Resource<AssetHandle>) -> Result<()> {
        forget(handle)
    }
}
