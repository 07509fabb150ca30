//! Files behind signed URLs, as a cloud store has them: media are handed out, and `uploads` takes new ones.

use std::io::ErrorKind;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use tower_http::services::ServeFile;
use url::form_urlencoded;

use super::reply::{self, ApiError, Reply};
use super::{Service, Shared};
use crate::local::clock;
use crate::local::store::{Item, find_items};

/// Of SHA-256, in bytes.
const BLOCK: usize = 64;

/// What a URL may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading the file of the item with the UUID.
    Media,
    /// Writing the file of the upload with the UUID.
    Upload,
}

/// Signs URLs of files with a secret of this process.
#[derive(Debug)]
pub(super) struct UrlSigner {
    secret: [u8; 32],
    /// How long a URL can be used, in seconds.
    lifetime: i64,
}

impl UrlSigner {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self {
            secret: rand::random(),
            lifetime: i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX),
        }
    }

    /// A URL from which the item's file can be read for as long as such URLs can be used, and as long as the server runs.
    pub(super) fn sign(&self, base: &str, item: &Item) -> String {
        let name = item.title.rsplit('/').next().unwrap_or_default();
        let mut url = String::from(base);
        url.push_str("/media/");
        url.push_str(&item.uuid);
        url.push('/');
        url.extend(
            form_urlencoded::byte_serialize(name.as_bytes())
                .map(|part| if part == "+" { "%20" } else { part }),
        );
        url.push_str(&self.query(Purpose::Media, &item.uuid));
        url
    }

    /// A URL to which the file of an upload can be put, for as long as any other.
    pub(super) fn sign_upload(&self, base: &str, upload: &str) -> String {
        format!(
            "{base}/uploads/{upload}{}",
            self.query(Purpose::Upload, upload)
        )
    }

    fn query(&self, purpose: Purpose, uuid: &str) -> String {
        let expires = (clock::now() / 1000).saturating_add(self.lifetime);
        format!(
            "?expires={expires}&sig={}",
            self.signature(purpose, uuid, expires)
        )
    }

    pub(super) fn check(&self, purpose: Purpose, uuid: &str, query: &str) -> Result<(), ApiError> {
        let value = |name: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value)
        };
        let expires: Option<i64> = value("expires").and_then(|expires| expires.parse().ok());
        let (Some(expires), Some(signature)) = (expires, value("sig")) else {
            return Err(ApiError::forbidden("expected a signed URL"));
        };
        let expected = self.signature(purpose, uuid, expires);
        // All bytes are compared, so that the time taken does not tell where they differ.
        let differs = expected
            .bytes()
            .zip(signature.bytes())
            .fold(0, |sum, (one, other)| sum | (one ^ other));
        if differs != 0 || expected.len() != signature.len() {
            return Err(ApiError::forbidden("the URL's signature is wrong"));
        }
        if expires <= clock::now() / 1000 {
            return Err(ApiError::forbidden("the URL has expired"));
        }
        Ok(())
    }

    /// HMAC-SHA256 (RFC 2104), in hexadecimal digits. A URL for one purpose is worth nothing for the other.
    fn signature(&self, purpose: Purpose, uuid: &str, expires: i64) -> String {
        let method = match purpose {
            Purpose::Media => "GET",
            Purpose::Upload => "PUT",
        };
        let pad = |with: u8| {
            let mut block = [with; BLOCK];
            block
                .iter_mut()
                .zip(&self.secret)
                .for_each(|(byte, secret)| *byte ^= secret);
            block
        };
        let inner = Sha256::new()
            .chain_update(pad(0x36))
            .chain_update(format!("{method}\n{uuid}\n{expires}"))
            .finalize();
        let outer = Sha256::new()
            .chain_update(pad(0x5c))
            .chain_update(inner)
            .finalize();
        outer.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Hands out a file, or the ranges of it that are asked for.
pub(super) async fn serve(
    State(service): Shared,
    Path((item, _)): Path<(String, String)>,
    request: Request,
) -> Reply {
    service.signer.check(
        Purpose::Media,
        &item,
        request.uri().query().unwrap_or_default(),
    )?;
    let Some((path, mime_type)) = find(&service, &item).await? else {
        return Err(ApiError::not_found("there is no such storage item"));
    };
    let gone = || ApiError {
        detail: Some(format!("the file `{}` is gone", path.display())),
        ..ApiError::not_found("the file is gone")
    };
    let served = ServeFile::new(&path).try_call(request).await;
    let response = served.map_err(|error| match error.kind() {
        ErrorKind::NotFound => gone(),
        _ => ApiError::internal(error),
    })?;
    if response.status() == StatusCode::NOT_FOUND {
        return Err(gone());
    }
    let mut response: Response = response.map(axum::body::Body::new).into_response();
    if let Some(mime_type) = mime_type.and_then(|mime_type| mime_type.parse().ok()) {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, mime_type);
    }
    Ok(response)
}

async fn find(
    service: &Service,
    item: &str,
) -> Result<Option<(std::path::PathBuf, Option<String>)>, ApiError> {
    for workspace in &service.workspaces {
        let wanted = vec![item.to_owned()];
        let found = reply::read(workspace, move |connection, workspace| {
            let item = find_items(connection, &wanted)?.pop().flatten();
            Ok(item.and_then(|item| Some((workspace.file_of(&item)?, item.mime_type))))
        });
        if let Some(found) = found.await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
