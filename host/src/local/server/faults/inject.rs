//! Carries out what the plan decides.

use std::io;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use serde::Deserialize;

use super::Faults;
use super::connection::Peer;
use super::operation::Asked;
use super::plan::{BodyFault, Ending};
use crate::local::server::auth::collect;
use crate::local::server::reply::{ApiError, LoggedError};
use crate::local::server::v1;

/// Pieces of a slow body in a second. Slower than as many bytes, each byte is a piece.
const PIECES: u64 = 20;

pub(super) async fn inject(
    State(faults): State<Faults>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let older_api = path == "/public" || path == "/public/user";
    let mut query = None;
    if older_api && faults.state().plan.asks_for_the_query() {
        (request, query) = match read_query(request).await {
            Ok(read) => read,
            Err(error) => return error.into_response(),
        };
    }
    let method = request.method().clone();
    let verdict = faults.decide(&Asked {
        method: method.as_str(),
        path: &path,
        query: query
            .as_ref()
            .map(|query| (query.query_type.as_str(), query.query_method.as_str())),
    });
    if verdict.rules.is_empty() {
        return next.run(request).await;
    }
    let rules = &verdict.rules;
    tracing::info!(%method, path, ?rules, "a fault that was asked for");
    if !verdict.latency.is_zero() {
        tokio::time::sleep(verdict.latency).await;
    }
    let response = match verdict.ending {
        None => next.run(request).await,
        Some(Ending::DropBefore) => return cut(&peer),
        Some(Ending::DropAfter) => {
            next.run(request).await;
            return cut(&peer);
        }
        Some(Ending::Expired) => refusal(StatusCode::FORBIDDEN, "the URL has expired", false),
        Some(Ending::Status {
            status,
            retry_after,
        }) => {
            let status = StatusCode::from_u16(status).expect("the plan was checked");
            let mut response = refusal(status, "a fault that was asked for", older_api);
            if let Some(seconds) = retry_after {
                let headers = response.headers_mut();
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    };
    spoil(response, verdict.body, &peer)
}

/// What a request to the older API asks for.
#[derive(Debug, Deserialize)]
struct Query {
    query_type: String,
    query_method: String,
}

/// The request is whole again afterwards. A body that names no operation is the handler's to refuse.
async fn read_query(request: Request) -> Result<(Request, Option<Query>), ApiError> {
    let (parts, body) = request.into_parts();
    let body = collect(body).await?;
    let query = serde_json::from_slice(&body).ok();
    Ok((Request::from_parts(parts, Body::from(body)), query))
}

/// What is returned is never sent.
fn cut(peer: &Peer) -> Response {
    peer.cut();
    Response::default()
}

fn refusal(status: StatusCode, message: &str, older_api: bool) -> Response {
    let error = ApiError {
        status,
        ..ApiError::forbidden(message)
    };
    let from_a_proxy = status.is_server_error() || [408, 413, 429].contains(&status.as_u16());
    let mut response = if older_api && !from_a_proxy {
        v1::refusal(error)
    } else {
        error.into_response()
    };
    // It is in the log already, and nobody's failure.
    response.extensions_mut().remove::<LoggedError>();
    response
}

/// Lets the body come slowly, or in part.
fn spoil(response: Response, fault: BodyFault, peer: &Peer) -> Response {
    if fault == BodyFault::default() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let stated = parts.headers.get(header::CONTENT_LENGTH);
    let stated = stated.and_then(|length| length.to_str().ok()?.parse().ok());
    // Said even if only a part will come: that is how the client can tell.
    let length = stated.or_else(|| body.size_hint().exact());
    if let Some(length) = length {
        let length = HeaderValue::from(length);
        parts.headers.insert(header::CONTENT_LENGTH, length);
    }
    let mut left = u64::MAX;
    if fault.truncated {
        left = length.unwrap_or_default() / 2;
        if left == 0 {
            return cut(peer);
        }
    }
    let spoiled = Spoiled {
        body: body.into_data_stream(),
        pending: Bytes::new(),
        left,
        bytes_per_second: fault.bytes_per_second,
    };
    let body = Body::from_stream(stream::unfold(spoiled, Spoiled::next));
    Response::from_parts(parts, body)
}

struct Spoiled {
    body: BodyDataStream,
    /// Read and not passed on yet.
    pending: Bytes,
    /// Bytes to be passed on until the connection breaks.
    left: u64,
    bytes_per_second: Option<u64>,
}

impl Spoiled {
    async fn next(mut self) -> Option<(Result<Bytes, axum::Error>, Self)> {
        if self.left == 0 {
            // hyper drops what it has not written when a body fails, so it gets a turn to write before.
            tokio::task::yield_now().await;
            let broken = io::Error::from(io::ErrorKind::ConnectionAborted);
            return Some((Err(axum::Error::new(broken)), self));
        }
        while self.pending.is_empty() {
            match self.body.next().await? {
                Ok(bytes) => self.pending = bytes,
                Err(error) => return Some((Err(error), self)),
            }
        }
        let mut size = self.left.min(self.pending.len() as u64);
        if let Some(rate) = self.bytes_per_second {
            size = size.min((rate / PIECES).max(1));
            tokio::time::sleep(Duration::from_secs_f64(size as f64 / rate as f64)).await;
        }
        self.left -= size;
        let piece = usize::try_from(size).expect("it is no more than is pending");
        let piece = self.pending.split_to(piece);
        Some((Ok(piece), self))
    }
}
