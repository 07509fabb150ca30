//! Makes storage items of uploads: reads what the files are, and says of each item what is wrong with it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;
use uuid::Uuid;

use super::find::{self, Found, UploadedFile};
use super::request::Entry;
use super::sequence::{self, Frame};
use super::{Service, keep};
use crate::local::UPLOADS;
use crate::local::collect::{Maker, NewItem};
use crate::local::init::new_file_in;
use crate::local::media::{MediaFile, MediaKind};
use crate::local::probe::{self, Properties};
use crate::local::server::reply::ApiError;
use crate::local::store::Item;
use crate::local::workspace::Workspace;

/// An item that can be added.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) item: NewItem,
    /// Numbers of the items that it is made of and that are there already.
    pub(super) known: Vec<i64>,
    /// UUIDs of the uploads that it is made of.
    pub(super) uploads: Vec<String>,
}

/// Prepares all entries, in their order. Waits for files and for FFmpeg, so it is no work for an async thread.
pub(super) fn all(
    service: &Service,
    workspace: &Arc<Workspace>,
    maker: &Maker<'_>,
    entries: &[Entry],
) -> Result<Vec<Result<Prepared, String>>, ApiError> {
    let found = find::all(service, workspace, entries)?;
    let of_files = |found: &Result<Found, String>| match found {
        Ok(Found::Files(files)) => files.iter().map(|file| file.media.clone()).collect(),
        _ => Vec::new(),
    };
    let media: Vec<MediaFile> = found.iter().flat_map(of_files).collect();
    let mut probed = probe::probe_each(&media).into_iter();
    let mut prepared = Vec::new();
    for (entry, found) in entries.iter().zip(found) {
        prepared.push(match found {
            Err(problem) => Err(problem),
            Ok(Found::Items(items)) => of_items(workspace, maker, entry, items),
            Ok(Found::Files(files)) => {
                // All of them are taken from the list, whether or not one is broken.
                let properties: Vec<_> = probed.by_ref().take(files.len()).collect();
                let named = files.iter().map(|file| file.media.title.clone());
                let good = named
                    .zip(properties)
                    .map(|(title, result)| result.map_err(|problem| format!("{title}: {problem}")));
                let good = good.collect::<Result<Vec<_>, _>>();
                good.and_then(|good| of_uploads(workspace, maker, entry, files, good))
            }
        });
    }
    Ok(prepared)
}

fn of_items(
    workspace: &Workspace,
    maker: &Maker<'_>,
    entry: &Entry,
    items: Vec<Item>,
) -> Result<Prepared, String> {
    let item = match entry.kind {
        MediaKind::ImageSequence => video(workspace, maker, &items.iter().collect::<Vec<_>>())?,
        kind => {
            let sizes = items.iter().map(|item| item.properties.size);
            maker.whole(kind, sizes, Uuid::new_v4().to_string())
        }
    };
    Ok(Prepared {
        item: NewItem::single(with_entry(item, entry)),
        known: items.iter().map(|item| item.id).collect(),
        uploads: Vec::new(),
    })
}

fn of_uploads(
    workspace: &Workspace,
    maker: &Maker<'_>,
    entry: &Entry,
    files: Vec<UploadedFile>,
    properties: Vec<Properties>,
) -> Result<Prepared, String> {
    let uploads = files.iter().map(|file| file.upload.clone()).collect();
    let made = files.into_iter().zip(properties);
    let mut singles: Vec<_> = made
        .map(|(file, found)| single(maker, file, found))
        .collect();
    let mut parts = Vec::new();
    let item = match entry.kind {
        MediaKind::ImageSequence => {
            let item = video(workspace, maker, &singles.iter().collect::<Vec<_>>())?;
            parts = singles;
            item
        }
        kind if kind.has_parts() => {
            let sizes = singles.iter().map(|item| item.properties.size);
            let item = maker.whole(kind, sizes, Uuid::new_v4().to_string());
            parts = singles;
            item
        }
        // One file: that it is not none was seen before.
        _ => singles.swap_remove(0),
    };
    Ok(Prepared {
        item: NewItem {
            parts: parts.into_iter().map(NewItem::single).collect(),
            ..NewItem::single(with_entry(item, entry))
        },
        known: Vec::new(),
        uploads,
    })
}

fn with_entry(item: Item, entry: &Entry) -> Item {
    let title = match (&entry.title, item.title.is_empty()) {
        (Some(title), _) => title.clone(),
        (None, false) => item.title,
        (None, true) => {
            let word = match entry.kind {
                MediaKind::DicomSeries => "dicom-series",
                MediaKind::ImageSequence => "image-sequence",
                _ => "image-group",
            };
            format!("{word}-{}", item.uuid.split('-').next().unwrap_or_default())
        }
    };
    Item {
        title,
        client_metadata: entry.client_metadata.clone(),
        ..item
    }
}

fn single(maker: &Maker<'_>, file: UploadedFile, properties: Properties) -> Item {
    let known = properties.mime_type.is_some();
    let mut item = maker.single(&file.media, properties, file.item);
    if !known {
        item.mime_type = Some(mime_type(&file.media, file.content_type.as_deref()));
    }
    item
}

/// An image sequence, without title, and its file.
fn video(workspace: &Workspace, maker: &Maker<'_>, images: &[&Item]) -> Result<Item, String> {
    let sizes: HashSet<_> = images
        .iter()
        .map(|image| (image.properties.width, image.properties.height))
        .collect();
    let size = match sizes.into_iter().collect::<Vec<_>>().as_slice() {
        [(Some(width), Some(height))] => (*width, *height),
        _ => return Err("expected images of one size, found several".to_owned()),
    };
    let frames = images.iter().map(|image| {
        let path = workspace.file_of(image);
        Some(Frame {
            path: path?,
            mime_type: image.mime_type.clone()?,
        })
    });
    let frames = frames.collect::<Option<Vec<_>>>();
    let frames = frames.ok_or("expected images that are files, found one that is not")?;
    let folder = workspace.folder().join(UPLOADS);
    let failed = |error: &dyn std::fmt::Display| format!("the video cannot be written: {error}");
    let path = std::fs::create_dir_all(&folder)
        .and_then(|()| new_file_in(&folder))
        .map_err(|error| failed(&error))?
        .into_temp_path();
    // FFmpeg is waited for here, where waiting holds up nobody.
    Handle::current().block_on(sequence::encode(&frames, size, &path))?;
    std::fs::File::open(&path)
        .and_then(|file| file.sync_all())
        .map_err(|error| failed(&error))?;
    let uuid = Uuid::new_v4().to_string();
    let path = keep(workspace, path, &uuid)
        .map_err(|error| failed(error.detail.as_ref().unwrap_or(&error.message)))?;
    let file = MediaFile {
        path: path.clone(),
        title: String::new(),
        kind: MediaKind::ImageSequence,
        mime_type: "video/mp4",
    };
    let found = probe::probe_each(std::slice::from_ref(&file)).pop();
    let found = found.unwrap_or_else(|| Ok(Properties::default()));
    match found {
        Ok(properties) if properties.frames.map(|frames| frames as usize) == Some(images.len()) => {
            Ok(maker.single(&file, properties, uuid))
        }
        other => {
            remove(&path);
            Err(match other {
                Ok(found) => format!(
                    "expected a video of {} frames, found one of {}",
                    images.len(),
                    found.frames.unwrap_or_default()
                ),
                Err(problem) => problem.to_string(),
            })
        }
    }
}

impl Prepared {
    /// Removes the file that was made for it, if it is not to be added after all.
    pub(super) fn forget(&self, workspace: &Workspace) {
        let item = &self.item.item;
        if item.kind == MediaKind::ImageSequence
            && let Some(path) = workspace.file_of(item)
        {
            remove(&path);
        }
    }
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "the file cannot be removed");
    }
}

/// What a file is of which its content does not say it by itself: as the client said if that says anything, as its
/// name says, as its first bytes look, or what is usual.
fn mime_type(file: &MediaFile, content_type: Option<&str>) -> String {
    let said = content_type.and_then(|said| said.split(';').next());
    let says = |said: &&str| match file.kind {
        MediaKind::Text => {
            said.starts_with("text/") || ["application/json", "application/xml"].contains(said)
        }
        MediaKind::Image => said.starts_with("image/"),
        MediaKind::Video => said.starts_with("video/"),
        MediaKind::Audio => said.starts_with("audio/"),
        _ => false,
    };
    if let Some(said) = said.map(str::trim).filter(says) {
        return said.to_owned();
    }
    if !file.mime_type.is_empty() {
        return file.mime_type.to_owned();
    }
    let header = probe::first_bytes(&file.path).unwrap_or_default();
    let audio = file.kind == MediaKind::Audio;
    let looks_like = match header.as_slice() {
        [_, _, _, _, b'f', b't', b'y', b'p', b'q', b't', ..] if !audio => "video/quicktime",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] if audio => "audio/mp4",
        [0x1a, 0x45, 0xdf, 0xa3, ..] if !audio => "video/x-matroska",
        [b'R', b'I', b'F', b'F', ..] if audio => "audio/wav",
        [b'R', b'I', b'F', b'F', ..] => "video/x-msvideo",
        [b'f', b'L', b'a', b'C', ..] => "audio/flac",
        [b'O', b'g', b'g', b'S', ..] if audio => "audio/ogg",
        _ => match file.kind {
            MediaKind::Text => "text/plain",
            MediaKind::Pdf => "application/pdf",
            MediaKind::Video => "video/mp4",
            MediaKind::Audio => "audio/mpeg",
            _ => "application/octet-stream",
        },
    };
    looks_like.to_owned()
}
