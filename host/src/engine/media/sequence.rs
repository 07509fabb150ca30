//! `runner:stage/media.frame-iterator` and `.video-sampler`: frames, one after another.

use std::collections::VecDeque;
use std::sync::Arc;

use runner_media::{Frames, MediaFile, Picture, Selection};
use wasmtime::component::Resource;

use super::super::bindings::runner::stage::media::{HostFrameIterator, HostVideoSampler};
use super::super::bindings::runner::stage::types::Error;
use super::super::handles::{FrameHandle, FrameIteratorHandle, VideoSamplerHandle};
use super::super::state::State;
use super::frame::{Held, off_thread};
use super::{Answered, Form, Result, answered};
use crate::encord::StorageItem;

/// Of one task at a time: a process is behind each.
const MOST_SEQUENCES: usize = 8;
/// Numbers of frames in one list.
const MOST_INDICES: usize = 1_000_000;

/// What frames come from.
pub(super) enum Sequence {
    /// A decoder.
    Film(Box<Frames>),
    /// Pictures that are still to be read, each with its position.
    Pictures {
        left: VecDeque<(u32, Arc<StorageItem>)>,
        /// What was asked for behind the end, told after all others.
        missing: Option<Error>,
    },
}

impl Sequence {
    pub(super) fn of_pictures(pictures: Vec<(u32, Arc<StorageItem>)>) -> Self {
        Self::Pictures {
            left: pictures.into(),
            missing: None,
        }
    }
}

/// What frames can be chosen from.
#[derive(Clone)]
pub(super) struct Sampler {
    task: u32,
    item: Arc<StorageItem>,
    source: Source,
}

#[derive(Clone)]
enum Source {
    Film(Arc<MediaFile>),
    Pictures(Arc<[Arc<StorageItem>]>),
}

/// The task that a sequence was opened for, with the sequence.
pub(super) struct Opened {
    task: u32,
    sequence: Sequence,
    /// A frame for which there was no room: it comes again.
    waiting: Option<Held>,
}

impl State {
    /// Gets at an item's file or children.
    pub(super) async fn sampler(
        &mut self,
        task: u32,
        item: Arc<StorageItem>,
    ) -> Result<Answered<Sampler>> {
        let source = match answered!(Form::of(&item, "read its frames")) {
            Form::Film => Source::Film(answered!(self.file(task, &item).await?)),
            Form::Picture => Source::Pictures([Arc::clone(&item)].into()),
            Form::Group => Source::Pictures(answered!(self.children_of(task, &item).await?).into()),
        };
        Ok(Ok(Sampler { task, item, source }))
    }

    /// Starts giving frames.
    pub(super) async fn iterate(
        &mut self,
        sampler: &Sampler,
        selection: Selection,
    ) -> Result<Answered<Resource<FrameIteratorHandle>>> {
        let of_task = |opened: &&Opened| opened.task == sampler.task;
        if self.media.sequences.values().filter(of_task).count() >= MOST_SEQUENCES {
            return Ok(Err(Error::TooLarge(format!(
                "expected at most {MOST_SEQUENCES} frame iterators of a task at a time, found one more\n\
                 help: drop those that are not needed any more"
            ))));
        }
        let sequence = match &sampler.source {
            Source::Film(file) => {
                let film = answered!(self.film(Arc::clone(file), selection).await);
                Sequence::Film(Box::new(film))
            }
            Source::Pictures(pictures) => chosen(&sampler.item, pictures, selection),
        };
        let key = self.media.next_key();
        let opened = Opened {
            task: sampler.task,
            sequence,
            waiting: None,
        };
        self.media.sequences.insert(key, opened);
        Ok(Ok(Resource::new_own(key)))
    }

    /// The next frame of a sequence.
    pub(super) async fn next_of(
        &mut self,
        task: u32,
        sequence: &mut Sequence,
    ) -> Result<Answered<Option<Held>>> {
        match sequence {
            Sequence::Film(film) => {
                let frame = answered!(film.next().await);
                Ok(Ok(frame.map(Held::from)))
            }
            Sequence::Pictures { left, missing } => {
                let Some((index, item)) = left.front().cloned() else {
                    return Ok(missing.take().map_or(Ok(None), Err));
                };
                let file = answered!(self.file(task, &item).await?);
                // Left where it is if there is no room now.
                answered!(self.has_room_for_file(&file));
                left.pop_front();
                let size = item.width.zip(item.height);
                let picture = off_thread(move || Picture::decode_file(file.path(), size)).await?;
                Ok(Ok(Some(Held {
                    index,
                    timestamp: None,
                    picture: answered!(picture),
                })))
            }
        }
    }
}

/// The pictures of a selection.
fn chosen(item: &StorageItem, pictures: &[Arc<StorageItem>], selection: Selection) -> Sequence {
    let count = pictures.len() as u32;
    let mut missing = None;
    let indices: Vec<u32> = match selection {
        Selection::All => (0..count).collect(),
        Selection::First => (0..count.min(1)).collect(),
        Selection::Indices(indices) => {
            let beyond = indices.iter().find(|index| **index >= count);
            missing = beyond.map(|index| {
                Error::NotFound(format!(
                    "expected the number of a frame of the {} \"{}\", which has {count}, found {index}",
                    item.item_type, item.name
                ))
            });
            indices.into_iter().filter(|index| *index < count).collect()
        }
        Selection::Rate { rate, .. } => (0..count)
            .map(|k| (f64::from(k) / rate) as u32)
            .take_while(|index| *index < count)
            .collect(),
    };
    let left = indices
        .into_iter()
        .map(|index| (index, Arc::clone(&pictures[index as usize])))
        .collect();
    Sequence::Pictures { left, missing }
}

impl HostFrameIterator for State {
    async fn next(
        &mut self,
        handle: Resource<FrameIteratorHandle>,
    ) -> Result<Answered<Option<Resource<FrameHandle>>>> {
        // Taken out, since reading a file borrows the rest. An attempt that gives up is gone as a whole.
        let Some(mut opened) = self.media.sequences.remove(&handle.rep()) else {
            wasmtime::bail!("the handle {} was never given out", handle.rep());
        };
        let next = match opened.waiting.take() {
            Some(frame) => Ok(Ok(Some(frame))),
            None => self.next_of(opened.task, &mut opened.sequence).await,
        };
        let held = match next {
            Ok(Ok(Some(frame))) => match self.hold(frame.clone()) {
                Ok(handle) => Ok(Some(handle)),
                Err(error) => {
                    opened.waiting = Some(frame);
                    Err(error)
                }
            },
            Ok(Ok(None)) => Ok(None),
            Ok(Err(error)) => Err(error),
            Err(fault) => return Err(fault),
        };
        self.media.sequences.insert(handle.rep(), opened);
        Ok(held)
    }

    fn drop(&mut self, handle: Resource<FrameIteratorHandle>) -> Result<()> {
        self.media.sequences.remove(&handle.rep());
        Ok(())
    }
}

impl State {
    fn sampler_of(&self, handle: &Resource<VideoSamplerHandle>) -> Result<&Sampler> {
        self.media
            .samplers
            .get(&handle.rep())
            .ok_or_else(|| wasmtime::format_err!("the handle {} was never given out", handle.rep()))
    }
}

impl HostVideoSampler for State {
    fn frame_count(&mut self, handle: Resource<VideoSamplerHandle>) -> Result<Option<u32>> {
        let sampler = self.sampler_of(&handle)?;
        Ok(match &sampler.source {
            Source::Film(_) => frame_count(&sampler.item),
            Source::Pictures(pictures) => Some(pictures.len() as u32),
        })
    }

    async fn sample_rate(
        &mut self,
        handle: Resource<VideoSamplerHandle>,
        rate: f64,
    ) -> Result<Answered<Resource<FrameIteratorHandle>>> {
        if !(rate > 0.0 && rate <= 1.0) {
            return Ok(Err(Error::InvalidArgument(format!(
                "expected a sampling rate over 0 and at most 1, found {rate}"
            ))));
        }
        let sampler = self.sampler_of(&handle)?.clone();
        let frames = frame_count(&sampler.item);
        self.iterate(&sampler, Selection::Rate { rate, frames })
            .await
    }

    async fn sample_frames(
        &mut self,
        handle: Resource<VideoSamplerHandle>,
        mut indices: Vec<u32>,
    ) -> Result<Answered<Resource<FrameIteratorHandle>>> {
        if indices.len() > MOST_INDICES {
            return Ok(Err(Error::TooLarge(format!(
                "expected at most {MOST_INDICES} numbers of frames, found {}",
                indices.len()
            ))));
        }
        indices.sort_unstable();
        let sampler = self.sampler_of(&handle)?.clone();
        self.iterate(&sampler, Selection::Indices(indices)).await
    }

    fn drop(&mut self, handle: Resource<VideoSamplerHandle>) -> Result<()> {
        self.media.samplers.remove(&handle.rep());
        Ok(())
    }
}

/// As `encord_agents.core.utils.get_frame_count`.
fn frame_count(item: &StorageItem) -> Option<u32> {
    let counted = item.duration.zip(item.fps);
    item.frame_count
        .or_else(|| counted.map(|(duration, fps)| (duration * fps) as u32))
}
