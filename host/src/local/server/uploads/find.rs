//! Finds what the entries of a job are to be made of.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use uuid::Uuid;

use super::request::{Entry, File, Source};
use super::{Service, keep, object_key};
use crate::local::UPLOADS;
use crate::local::init::new_file_in;
use crate::local::media::{self, MediaFile, MediaKind};
use crate::local::server::reply::ApiError;
use crate::local::store::{self, Item, Upload};
use crate::local::workspace::Workspace;

/// What each entry is to be made of, in their order, or why it cannot be made.
pub(super) fn all(
    service: &Service,
    workspace: &Arc<Workspace>,
    entries: &[Entry],
) -> Result<Vec<Result<Found, String>>, ApiError> {
    let wanted = adopt(service, workspace, entries)?;
    workspace.store.read(|connection| {
        let mut finder = Finder {
            connection,
            workspace,
            wanted,
            taken: HashSet::new(),
        };
        entries.iter().map(|entry| finder.entry(entry)).collect()
    })
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
pub(super) enum Found {
    Files(Vec<UploadedFile>),
    Items(Vec<Item>),
}

pub(super) struct UploadedFile {
    /// With an empty MIME type if its name says nothing.
    pub(super) media: MediaFile,
    /// As the client said.
    pub(super) content_type: Option<String>,
    /// UUID of the upload.
    pub(super) upload: String,
    /// UUID of its item.
    pub(super) item: String,
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

/// What the name says, if it says anything about a file of this kind.
fn named_type(kind: MediaKind, name: &str) -> Option<&'static str> {
    match (kind, media::recognise(Path::new(name))) {
        (MediaKind::DicomFile, _) => Some("application/dicom"),
        (kind, Some((named, mime_type))) if named == kind => Some(mime_type),
        _ => None,
    }
}
