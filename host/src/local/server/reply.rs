//! Answers, and the errors of both APIs.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::local::workspace::Workspace;

/// What the log says of a refused request, which may be more than the client is told.
#[derive(Debug, Clone)]
pub(super) struct LoggedError {
    pub(super) message: String,
    /// True if the server is at fault. The older API has HTTP status 200 even then.
    pub(super) failure: bool,
}

/// Why a request is refused. Each of the APIs has its own way to say so.
#[derive(Debug)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// For the log only.
    pub(super) detail: Option<String>,
}

impl ApiError {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            detail: None,
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(super) fn not_allowed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, message)
    }

    /// A value that cannot be read as what it should be, as a path or a query has it.
    pub(super) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    pub(super) fn internal(detail: impl ToString) -> Self {
        let message = "the local server failed; its log says why";
        Self {
            detail: Some(detail.to_string()),
            ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
        }
    }

    pub(super) fn to_log(&self) -> LoggedError {
        LoggedError {
            message: self.detail.clone().unwrap_or_else(|| self.message.clone()),
            failure: self.status.is_server_error(),
        }
    }
}

impl From<rusqlite::Error> for ApiError {
    fn from(error: rusqlite::Error) -> Self {
        Self::internal(error)
    }
}

impl From<serde_json::Error> for ApiError {
    /// Only for JSON of the server's own; see [`parse`] for that of a client.
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for ApiError {
    /// As the `/v2/` API does it.
    fn into_response(self) -> Response {
        let logged = self.to_log();
        let mut response = (
            self.status,
            json_body(json!({ "message": self.message }).to_string()),
        )
            .into_response();
        response.extensions_mut().insert(logged);
        response
    }
}

pub(super) type Reply = Result<Response, ApiError>;

/// A value as JSON, with status 200.
pub(super) fn ok(value: &impl Serialize) -> Reply {
    Ok(json_body(serde_json::to_vec(value)?).into_response())
}

pub(super) fn json_body(body: impl Into<axum::body::Body>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], body.into())
}

/// A list with the token of the next page, if there is one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    pub(super) results: Vec<T>,
    pub(super) next_page_token: Option<String>,
}

impl<T> Page<T> {
    pub(super) fn whole(results: Vec<T>) -> Self {
        Self {
            results,
            next_page_token: None,
        }
    }
}

/// Entries on one page.
pub(super) const PAGE: usize = 1000;

/// A page of entries with numbers, of which one more was read than fits: it tells whether there is another page.
pub(super) fn page<T, U>(
    mut entries: Vec<T>,
    number: impl Fn(&T) -> i64,
    show: impl Fn(T) -> U,
) -> Page<U> {
    let more = entries.len() > PAGE;
    entries.truncate(PAGE);
    let next_page_token = entries
        .last()
        .filter(|_| more)
        .map(|last| URL_SAFE_NO_PAD.encode(format!("after:{}", number(last))));
    Page {
        results: entries.into_iter().map(show).collect(),
        next_page_token,
    }
}

/// The number that a page begins behind. Tokens are opaque, so that nobody comes to rely on what they are.
pub(super) fn after(token: &str) -> Result<i64, ApiError> {
    let decoded = URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let number = decoded
        .as_deref()
        .and_then(|text| text.strip_prefix("after:")?.parse().ok());
    number.ok_or_else(|| {
        ApiError::invalid("expected the token of a page, as the page before gave it")
    })
}

/// What a client sent, as a typed value.
pub(super) fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|error| ApiError::invalid(format!("the body is not as expected: {error}")))
}

/// Reads from the state of a folder without holding up other requests.
pub(super) async fn read<T: Send + 'static>(
    workspace: &Arc<Workspace>,
    work: impl FnOnce(&rusqlite::Connection, &Workspace) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let workspace = workspace.clone();
    blocking(move || {
        workspace
            .store
            .read(|connection| work(connection, &workspace))
    })
    .await
}

/// Changes the state of a folder: all that `work` does, or nothing.
pub(super) async fn write<T: Send + 'static>(
    workspace: &Arc<Workspace>,
    work: impl FnOnce(&rusqlite::Connection, &Workspace) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let workspace = workspace.clone();
    blocking(move || {
        workspace
            .store
            .write(|connection| work(connection, &workspace))
    })
    .await
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(ApiError::internal(error)),
    }
}
