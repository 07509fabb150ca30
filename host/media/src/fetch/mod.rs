//! Downloading: one file from the store that has it, however often that takes.

mod address;
mod body;
mod checks;
mod client;
mod encoding;
mod retry;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, HeaderMap, RETRY_AFTER};
use tempfile::NamedTempFile;
use tokio::sync::Semaphore;
use url::Url;

use crate::error::{MediaError, MediaErrorKind};
use body::{Body, Refill};
use client::{Clients, shown};
use retry::Tries;

/// Who knows the URL of a file.
pub trait Source: Send + Sync {
    /// A URL of the file. It is trusted, whatever address it has. It is asked for again with `expired` when the store that
    /// has the file refuses the one before (400, 401, 403 or 410).
    fn url(&self, expired: bool) -> BoxFuture<'_, Result<String, MediaError>>;
}

/// How files are downloaded.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// Whether the platform is on loopback: then redirects may lead to private addresses, and no proxy is used. Default:
    /// no.
    pub local: bool,
    /// Of one file. Default: 64 GiB.
    pub most_bytes: u64,
    /// How long a connection may take. Default: 30 s.
    pub connect: Duration,
    /// The longest silence of a connection. Default: 60 s.
    pub silence: Duration,
    /// The longest wait before the first repeat, doubled for each that follows. Default: 1 s.
    pub backoff: Duration,
    /// Downloads that run at a time; the others wait. Default: 16.
    pub at_once: usize,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            local: false,
            most_bytes: 64 << 30,
            connect: Duration::from_secs(30),
            silence: Duration::from_secs(60),
            backoff: Duration::from_secs(1),
            at_once: 16,
        }
    }
}

/// Downloads files over kept-alive connections.
#[derive(Debug)]
pub(crate) struct Fetcher {
    clients: Clients,
    options: FetchOptions,
    running: Semaphore,
    bytes: AtomicU64,
}

/// Why one request did not bring the rest of the file.
enum Failure {
    /// The URL is refused. A fresh one may not be.
    Refused(StatusCode),
    /// Another request may bring it.
    Passing {
        error: MediaError,
        retry_after: Option<Duration>,
    },
    /// What came is not what the store says it sent.
    Damaged(MediaError),
    Final(MediaError),
}

impl Fetcher {
    pub(crate) fn new(options: FetchOptions) -> Result<Self, MediaError> {
        Ok(Self {
            clients: Clients::new(&options)?,
            running: Semaphore::new(options.at_once.clamp(1, Semaphore::MAX_PERMITS)),
            bytes: AtomicU64::new(0),
            options,
        })
    }

    /// Bytes that came so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Downloads a file into `into`, and returns it whole and checked.
    pub(crate) async fn fetch(
        &self,
        source: &(dyn Source + '_),
        into: NamedTempFile,
    ) -> Result<NamedTempFile, MediaError> {
        // Only closed semaphores fail, and this one never is.
        let _permit = self.running.acquire().await.ok();
        let mut body = Body::new(into, self.options.most_bytes);
        let mut url = self.url(source, false).await?;
        let mut tries = Tries::new(self.options.backoff);
        loop {
            let (before, reached) = (body.received(), body.furthest());
            let outcome = self.request(&url, &mut body).await;
            self.bytes
                .fetch_add(body.received() - before, Ordering::Relaxed);
            // The same part of the file once more is none.
            if body.furthest() > reached {
                tries.progressed();
            }
            match outcome {
                Ok(()) => break,
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Refused(status)) => {
                    if !tries.may_ask_again() {
                        return Err(refused(&url, status));
                    }
                    tracing::debug!(url = shown(&url), %status, "asking for a fresh URL");
                    url = self.url(source, true).await?;
                }
                Err(Failure::Damaged(error)) => {
                    if !tries.may_start_over() {
                        return Err(error);
                    }
                    tracing::info!("{error}; trying again from the start");
                    body.start_over().await?;
                }
                Err(Failure::Passing { error, retry_after }) => {
                    let Some(wait) = tries.wait(retry_after, rand::random_range(0.0..=1.0)) else {
                        return Err(error);
                    };
                    tracing::info!("{error}; trying again in {:.1} s", wait.as_secs_f64());
                    tokio::time::sleep(wait).await;
                }
            }
        }
        encoding::decoded(body.into_file()?, self.options.most_bytes).await
    }

    async fn url(&self, source: &(dyn Source + '_), expired: bool) -> Result<Url, MediaError> {
        let url = source.url(expired).await?;
        self.clients.named(&url)
    }

    /// Asks for what is missing, and reads it.
    async fn request(&self, url: &Url, body: &mut Body) -> Result<(), Failure> {
        let range = body.refill().await.map_err(Failure::Final)?;
        if range
            .as_ref()
            .is_some_and(|range| Some(range.from) == range.whole)
        {
            // It broke off after its last byte.
            return body.finish(&shown(url)).await;
        }
        let mut response = self.clients.get(url, range.as_ref()).await?;
        let status = response.status();
        match (status, &range) {
            (StatusCode::OK, _) => body
                .begin(response.headers(), response.content_length(), &shown(url))
                .await
                .map_err(Failure::Final)?,
            (StatusCode::PARTIAL_CONTENT, Some(range)) => {
                continues(response.headers(), range, url)?;
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => {
                return Err(Failure::Damaged(MediaError::unavailable(format!(
                    "expected the rest of {}, found that the store has no such part",
                    shown(url)
                ))));
            }
            _ => return Err(failure(url, status, response.headers())),
        }
        loop {
            match response.chunk().await {
                Ok(Some(bytes)) => body.push(&bytes).await.map_err(Failure::Final)?,
                Ok(None) => break,
                Err(error) => {
                    return Err(self.clients.no_answer(url, &error));
                }
            }
        }
        body.finish(&shown(url)).await
    }
}

/// Whether a part is the one that was asked for. Another one would be put together to a wrong file.
fn continues(headers: &HeaderMap, range: &Refill, url: &Url) -> Result<(), Failure> {
    let found = headers
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("none");
    let parsed = found.strip_prefix("bytes ").and_then(|rest| {
        let (part, whole) = rest.split_once('/')?;
        let (first, _) = part.split_once('-')?;
        Some((
            first.trim().parse::<u64>().ok()?,
            whole.trim().parse::<u64>().ok(),
        ))
    });
    let fits = parsed.is_some_and(|(first, whole)| {
        first == range.from && (whole.is_none() || range.whole.is_none() || whole == range.whole)
    });
    if fits {
        return Ok(());
    }
    Err(Failure::Damaged(MediaError::unavailable(format!(
        "expected the bytes of {} from {}, found `Content-Range: {found}`",
        shown(url),
        range.from
    ))))
}

/// Of an answer that is not the file.
fn failure(url: &Url, status: StatusCode, headers: &HeaderMap) -> Failure {
    let shown = shown(url);
    match status.as_u16() {
        400 | 401 | 403 | 410 => Failure::Refused(status),
        404 => Failure::Final(MediaError::new(
            MediaErrorKind::NotFound,
            format!(
                "expected a file at {shown}, found none: the store that has the files answers {status}"
            ),
        )),
        408 | 425 | 429 | 500..=599 => Failure::Passing {
            error: MediaError::unavailable(format!(
                "expected the file {shown}, found that the store answers {status}"
            )),
            retry_after: headers
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok())
                .and_then(|value| retry::parse_retry_after(value, jiff::Timestamp::now())),
        },
        _ => Failure::Final(MediaError::other(format!(
            "expected the file {shown}, found that the store answers {status}"
        ))),
    }
}

fn refused(url: &Url, status: StatusCode) -> MediaError {
    MediaError::new(
        MediaErrorKind::Forbidden,
        format!(
            "expected the file {}, found that the store refuses it ({status}), also with a fresh URL",
            shown(url)
        ),
    )
    .with_help(
        "check that the integration of the storage folder may still read the bucket, and that the file is there",
    )
}
