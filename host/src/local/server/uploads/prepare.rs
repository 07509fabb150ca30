//! Makes storage items of uploads: finds the files, reads what they are, and says of each item what is wrong with it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::request::{Entry, File, Source};
use super::sequence::{self, Frame};
use super::{Service, keep, object_key};
use crate::local::UPLOADS;
use crate::local::collect::{Maker, NewItem};
use crate::local::init::new_file_in;
use crate::local::media::{self, MediaFile, MediaKind};
use crate::local::probe::{self, Properties};
use crate::local::server::reply::ApiError;
use crate::local::store::{self, Item, Upload};
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
    let wanted = adopt(service, workspace, entries)?;
    let found: Vec<_> = workspace.store.read(|connection| {
        let mut finder = Finder {
            connection,
            workspace,
            wanted,
            taken: HashSet::new(),
        };
        let found = entries.iter().map(|entry| finder.entry(entry));
        found.collect::<Result<_, ApiError>>()
    })?;
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

/// The uploads that are asked for and are there, by UUID. Those of another workspace are brought here.
fn adopt(
    service: &Service,
    workspace: &Arc<Workspace>,
    entries: &[Entry],
) -> Result<HashMap<String, Upload>, ApiError> {
    let files = entries.iter().flat_map(|entry| match &entry.source {
        Source::Files(files) => files.as_slice(),
        Source::Items(_) => &[],
    });
    let wanted: HashSet<_> = files.filter_map(|file| file.upload().ok()).collect();
    let mut found = HashMap::new();
    // The own ones first: they count, whatever others have.
    let others = service
        .workspaces
        .iter()
        .filter(|other| !Arc::ptr_eq(other, workspace));
    for place in std::iter::once(workspace).chain(others) {
        let missing: Vec<_> = wanted
            .iter()
            .filter(|uuid| !found.contains_key(*uuid))
            .collect();
        if missing.is_empty() {
            break;
        }
        let uploads = place.store.read(|connection| {
            let uploads = missing
                .iter()
                .map(|uuid| store::find_upload(connection, uuid).transpose());
            uploads.flatten().collect::<rusqlite::Result<Vec<_>>>()
        })?;
        for mut upload in uploads.into_iter().filter(|upload| upload.path.is_some()) {
            if !Arc::ptr_eq(place, workspace) {
                bring(place, workspace, &mut upload)?;
            }
            found.insert(upload.uuid.clone(), upload);
        }
    }
    Ok(found)
}

/// Copies an upload into another workspace.
fn bring(from: &Workspace, to: &Workspace, upload: &mut Upload) -> Result<(), ApiError> {
    let folder = to.folder().join(UPLOADS);
    let source = from.folder().join(UPLOADS).join(&upload.uuid);
    let failed = |error: std::io::Error| {
        ApiError::internal(format!("cannot copy `{}`: {error}", source.display()))
    };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let (mut file, path) = new_file_in(&folder).map_err(failed)?.into_parts();
    std::fs::File::open(&source)
        .and_then(|mut source| std::io::copy(&mut source, &mut file))
        .and_then(|_| file.sync_all())
        .map_err(failed)?;
    keep(to, path, &upload.uuid)?;
    let key = object_key(&upload.uuid);
    to.store.write(|connection| {
        store::receive(
            connection,
            &upload.uuid,
            &key,
            upload.content_type.as_deref(),
        )
    })?;
    upload.path = Some(key);
    upload.used = false;
    Ok(())
}

/// What an entry is to be made of.
enum Found {
    Files(Vec<UploadedFile>),
    Items(Vec<Item>),
}

struct UploadedFile {
    media: MediaFile,
    content_type: Option<String>,
    upload: String,
    /// UUID of its item.
    item: String,
}

struct Finder<'state> {
    connection: &'state Connection,
    workspace: &'state Workspace,
    wanted: HashMap<String, Upload>,
    /// UUIDs that items of this job will have.
    taken: HashSet<String>,
}

impl Finder<'_> {
    fn entry(&mut self, entry: &Entry) -> Result<Result<Found, String>, ApiError> {
        match &entry.source {
            Source::Items(uuids) => {
                let items = store::find_items(self.connection, uuids)?;
                Ok(images(uuids, items).map(Found::Items))
            }
            Source::Files(files) if files.is_empty() => {
                Ok(Err("expected at least one file, found none".to_owned()))
            }
            Source::Files(files) => {
                let mut found = Vec::new();
                for file in files {
                    match self.file(part_kind(entry.kind), file)? {
                        Ok(file) => found.push(file),
                        Err(problem) => return Ok(Err(problem)),
                    }
                }
                Ok(Ok(Found::Files(found)))
            }
        }
    }

    fn file(
        &mut self,
        kind: MediaKind,
        file: &File,
    ) -> Result<Result<UploadedFile, String>, ApiError> {
        let uuid = match file.upload() {
            Ok(uuid) => uuid,
            Err(problem) => return Ok(Err(problem)),
        };
        let Some(upload) = self.wanted.get(&uuid) else {
            let found = &file.url;
            return Ok(Err(format!(
                "expected a file that was uploaded, found none for `{found}`"
            )));
        };
        let free = upload.free_uuid(self.connection)?;
        let item = match free.filter(|uuid| self.taken.insert(uuid.clone())) {
            Some(uuid) => uuid,
            // The client counts on this UUID and no other.
            None if file.placeholder_item_uuid.is_some() => {
                return Ok(Err(format!(
                    "expected a new upload, found {uuid}, which is a storage item by now"
                )));
            }
            None => Uuid::new_v4().to_string(),
        };
        let title = file.title.clone().filter(|title| !title.is_empty());
        let title = title.unwrap_or_else(|| uuid.clone());
        Ok(Ok(UploadedFile {
            media: MediaFile {
                path: self.workspace.folder().join(UPLOADS).join(&uuid),
                mime_type: named_type(kind, &title).unwrap_or_default(),
                title,
                kind,
            },
            content_type: upload.content_type.clone(),
            upload: uuid,
            item,
        }))
    }
}

fn images(uuids: &[String], items: Vec<Option<Item>>) -> Result<Vec<Item>, String> {
    if items.is_empty() {
        return Err("expected at least one image, found none".to_owned());
    }
    let mut found = Vec::new();
    for (uuid, item) in uuids.iter().zip(items) {
        match item {
            Some(item) if item.kind == MediaKind::Image => found.push(item),
            Some(item) => {
                return Err(format!(
                    "expected images, found {uuid}, which is of type {}",
                    item.kind.item_type()
                ));
            }
            None => {
                return Err(format!(
                    "expected images, found {uuid}, which is no storage item"
                ));
            }
        }
    }
    Ok(found)
}

/// What the files of an item are.
fn part_kind(kind: MediaKind) -> MediaKind {
    match kind {
        MediaKind::ImageGroup | MediaKind::ImageSequence => MediaKind::Image,
        MediaKind::DicomSeries => MediaKind::DicomFile,
        kind => kind,
    }
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

fn remove(path: &PathBuf) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "the file cannot be removed");
    }
}

/// What the name says, if it says anything about a file of this kind.
fn named_type(kind: MediaKind, name: &str) -> Option<&'static str> {
    match (kind, media::recognise(Path::new(name))) {
        (MediaKind::DicomFile, _) => Some("application/dicom"),
        (kind, Some((named, mime_type))) if named == kind => Some(mime_type),
        _ => None,
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
