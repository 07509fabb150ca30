//! Files that clients bring: URLs to upload to, the uploads themselves, and the jobs that make storage items of them.

mod find;
mod job;
mod prepare;
mod request;
mod sequence;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Bytes;
use axum::extract::{Path as UrlPath, RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use futures::StreamExt;
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::json;
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;
use url::form_urlencoded;
use uuid::Uuid;

pub(super) use self::job::{Target, find, get, link, post, start};
pub(super) use self::request::StartJob;
use super::auth::header_text;
use super::media::Purpose;
use super::reply::{self, ApiError, Page, Reply, ok, parse};
use super::scope::uuid;
use super::{Service, Shared};
use crate::local::UPLOADS;
use crate::local::init::{NEW_FILE, new_file_in};
use crate::local::media::MediaKind;
use crate::local::store;
use crate::local::workspace::Workspace;

/// The largest file that is taken, in bytes. As much as a cloud store takes in one request.
const MAX_UPLOAD: u64 = 5 * 1024 * 1024 * 1024;
/// URLs that are given at once.
const MAX_URLS: usize = 10_000;
/// An upload that was cut off by the end of the process is removed when it is this old.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// Of what a client says about a file, in bytes.
const MAX_CONTENT_TYPE: usize = 255;

/// By what jobs name an upload.
fn object_key(uuid: &str) -> String {
    format!("{UPLOADS}/{uuid}")
}

/// URLs for a client that has no folder yet: `GET /v2/public/presigned-urls`.
pub(super) async fn presigned_urls(
    State(service): Shared,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Reply {
    let (mut count, mut item_type) = (1, String::new());
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*key {
            "count" => {
                count = value.parse().map_err(|_| {
                    ApiError::unprocessable(format!(
                        "expected a number as `count`, found `{value}`"
                    ))
                })?;
            }
            "uploadItemType" => item_type = value.into_owned(),
            _ => {}
        }
    }
    give_urls(
        &service,
        service.first_workspace()?,
        &headers,
        count,
        &item_type,
    )
    .await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UrlsWanted {
    item_type: String,
    count: usize,
}

/// URLs for files of a folder: `POST /v2/public/storage/folders/{folder}/upload-signed-urls`.
pub(super) async fn signed_urls(
    State(service): Shared,
    UrlPath(folder): UrlPath<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let wanted: UrlsWanted = parse(&body)?;
    let (workspace, _) = service.workspace_of_folder(&folder).await?;
    give_urls(
        &service,
        &workspace,
        &headers,
        wanted.count,
        &wanted.item_type,
    )
    .await
}

async fn give_urls(
    service: &Service,
    workspace: &Arc<Workspace>,
    headers: &HeaderMap,
    count: usize,
    item_type: &str,
) -> Reply {
    if !(1..=MAX_URLS).contains(&count) {
        return Err(ApiError::invalid(format!(
            "expected a `count` from 1 to {MAX_URLS}, found {count}"
        )));
    }
    match MediaKind::from_item_type(item_type) {
        Some(kind) if !kind.has_parts() => {}
        _ => {
            return Err(ApiError::invalid(format!(
                "expected the type of a file that this local server can hold, found `{item_type}`"
            )));
        }
    }
    let uuids: Vec<_> = (0..count).map(|_| Uuid::new_v4().to_string()).collect();
    let noted = uuids.clone();
    reply::write(workspace, move |connection, _| {
        Ok(store::insert_uploads(connection, &noted)?)
    })
    .await?;
    let base = service.base(headers.get(header::HOST));
    let urls = uuids.iter().map(|uuid| {
        json!({
            "itemUuid": uuid,
            "objectKey": object_key(uuid),
            "signedUrl": service.signer.sign_upload(&base, uuid),
            "uploadHeaders": {},
        })
    });
    ok(&Page::whole(urls.collect()))
}

impl Service {
    /// The workspace with a storage folder, and the folder's UUID in its usual form.
    pub(super) async fn workspace_of_folder(
        &self,
        folder: &str,
    ) -> Result<(Arc<Workspace>, String), ApiError> {
        let folder = uuid(folder, "the UUID of a storage folder")?.to_string();
        let sought = folder.clone();
        let has = move |connection: &Connection| {
            Ok(!store::folders(connection, Some(&sought))?.is_empty())
        };
        match self.workspace_with(has).await? {
            Some(workspace) => Ok((workspace, folder)),
            None => Err(ApiError::not_found(format!(
                "there is no storage folder {folder}"
            ))),
        }
    }
}

/// Takes a file: `PUT /uploads/{uuid}` with a signed URL. It is there as a whole, and safe, once this is answered.
pub(super) async fn receive(
    State(service): Shared,
    UrlPath(upload): UrlPath<String>,
    request: Request,
) -> Reply {
    let query = request.uri().query().unwrap_or_default();
    service.signer.check(Purpose::Upload, &upload, query)?;
    let upload = uuid(&upload, "the UUID of an upload")?.to_string();
    let stated = header_text(request.headers(), header::CONTENT_LENGTH.as_str());
    if stated.is_some_and(|length| length.parse().is_ok_and(|length: u64| length > MAX_UPLOAD)) {
        return Err(too_large());
    }
    let sought = upload.clone();
    let has = move |connection: &Connection| Ok(store::find_upload(connection, &sought)?.is_some());
    let workspace = service.workspace_with(has).await?;
    let workspace =
        workspace.ok_or_else(|| ApiError::not_found(format!("there is no upload {upload}")))?;
    let content_type = header_text(request.headers(), header::CONTENT_TYPE.as_str())
        .filter(|text| text.len() <= MAX_CONTENT_TYPE)
        .map(str::to_owned);
    let written = write_down(&workspace, request).await?;
    reply::write(&workspace, move |connection, workspace| {
        let before = store::find_upload(connection, &upload)?;
        if before.is_some_and(|before| before.used) {
            // What was labelled must not change.
            return Err(ApiError {
                status: StatusCode::CONFLICT,
                ..ApiError::invalid(
                    "expected a new upload, found one that is a storage item by now",
                )
            });
        }
        keep(workspace, written, &upload)?;
        let path = object_key(&upload);
        Ok(store::receive(
            connection,
            &upload,
            &path,
            content_type.as_deref(),
        )?)
    })
    .await?;
    Ok(StatusCode::OK.into_response())
}

fn too_large() -> ApiError {
    ApiError::too_large(format!("expected a file of at most {MAX_UPLOAD} bytes"))
}

/// Writes the body into a file without a name that lasts: it goes with the returned path, unless it is kept.
async fn write_down(workspace: &Arc<Workspace>, request: Request) -> Result<TempPath, ApiError> {
    let folder = workspace.folder().join(UPLOADS);
    let made = reply::blocking(move || {
        std::fs::create_dir_all(&folder)
            .and_then(|()| new_file_in(&folder))
            .map_err(|error| no_room(&folder, &error))
    });
    let (file, path) = made.await?.into_parts();
    let failed = |error: std::io::Error| no_room(&path, &error);
    let mut file = tokio::fs::File::from_std(file);
    let mut body = request.into_body().into_data_stream();
    let mut size = 0;
    while let Some(bytes) = body.next().await {
        let bytes = bytes
            .map_err(|error| ApiError::invalid(format!("the body cannot be read: {error}")))?;
        size += bytes.len() as u64;
        if size > MAX_UPLOAD {
            return Err(too_large());
        }
        file.write_all(&bytes).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    file.sync_all().await.map_err(failed)?;
    Ok(path)
}

fn no_room(path: &Path, error: &std::io::Error) -> ApiError {
    ApiError::internal(format!("cannot write `{}`: {error}", path.display()))
}

/// Gives a complete file its name.
fn keep(workspace: &Workspace, written: TempPath, upload: &str) -> Result<PathBuf, ApiError> {
    let folder = workspace.folder().join(UPLOADS);
    let path = folder.join(upload);
    written
        .persist(&path)
        .map_err(|error| no_room(&path, &error.error))?;
    std::fs::File::open(&folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| no_room(&folder, &error))?;
    Ok(path)
}

/// Removes what uploads left that the end of a process cut off. Those under way in other processes are younger.
pub(super) fn sweep(workspace: &Workspace) {
    let Ok(entries) = std::fs::read_dir(workspace.folder().join(UPLOADS)) else {
        return;
    };
    for entry in entries.flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.map(|modified| SystemTime::now().duration_since(modified));
        let stale = age.is_ok_and(|age| age.is_ok_and(|age| age > STALE));
        if stale && entry.file_name().to_string_lossy().starts_with(NEW_FILE) {
            let path = entry.path();
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "the file cannot be removed");
            }
        }
    }
}
