//! A store that has files, as a test wants it.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, Uri};
use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{FetchOptions, FileKey, MediaError, Source, Store};

/// A request that came.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// How many came before.
    pub(super) number: usize,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().expect("a text"))
    }
}

/// A server on a free port, until it is dropped.
pub(super) struct Peer {
    pub(super) port: u16,
    received: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Peer {
    pub(super) async fn start(
        answer: impl Fn(&Request) -> Response<Body> + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let received: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (seen, answer) = (received.clone(), Arc::new(answer));
        let app = Router::new().fallback(move |uri: Uri, headers: HeaderMap| {
            let request = {
                let mut seen = seen.lock().expect("a lock");
                let number = seen.len();
                seen.push(Request {
                    number,
                    uri,
                    headers,
                });
                seen[number].clone()
            };
            let response = answer(&request);
            async move { response }
        });
        let task = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("a server");
        });
        Self {
            port,
            received,
            task,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(super) fn received(&self) -> Vec<Request> {
        self.received.lock().expect("a lock").clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// URLs that are given out one after another, the last again and again.
pub(super) struct Urls {
    urls: Vec<String>,
    asked: AtomicUsize,
    pub(super) expired: AtomicUsize,
}

impl Urls {
    pub(super) fn new<const N: usize>(urls: [String; N]) -> Self {
        Self {
            urls: urls.into(),
            asked: AtomicUsize::new(0),
            expired: AtomicUsize::new(0),
        }
    }
}

impl Source for Urls {
    fn url(&self, expired: bool) -> BoxFuture<'_, Result<String, MediaError>> {
        let at = self
            .asked
            .fetch_add(1, Ordering::Relaxed)
            .min(self.urls.len() - 1);
        self.expired
            .fetch_add(usize::from(expired), Ordering::Relaxed);
        let url = self.urls[at].clone();
        Box::pin(async { Ok(url) })
    }
}

pub(super) fn whole(bytes: impl Into<Bytes>) -> Response<Body> {
    answer(200, &[], Body::from(bytes.into()))
}

pub(super) fn status(status: u16) -> Response<Body> {
    answer(status, &[], Body::empty())
}

pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: Body) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body).expect("a response")
}

/// An answer that promises `length` bytes and breaks off after `bytes`.
pub(super) fn cut(
    status: u16,
    headers: &[(&str, &str)],
    length: usize,
    bytes: &[u8],
) -> Response<Body> {
    let bytes = Bytes::copy_from_slice(bytes);
    let parts = stream::iter([Ok::<_, std::io::Error>(bytes)])
        // So that what came before is on its way when the connection is given up.
        .chain(stream::once(async {
            tokio::task::yield_now().await;
            Err(std::io::Error::other("cut"))
        }));
    let mut response = answer(status, headers, Body::from_stream(parts));
    response
        .headers_mut()
        .insert("content-length", length.into());
    response
}

/// An answer that promises `length` bytes and falls silent after `bytes`.
pub(super) fn silent(length: usize, bytes: &[u8]) -> Response<Body> {
    let bytes = Bytes::copy_from_slice(bytes);
    let parts = stream::iter([Ok::<_, Infallible>(bytes)]).chain(stream::pending());
    let mut response = answer(200, &[], Body::from_stream(parts));
    response
        .headers_mut()
        .insert("content-length", length.into());
    response
}

/// Options for a server on this machine, that do not wait between repeats.
pub(super) fn options() -> FetchOptions {
    FetchOptions {
        local: true,
        backoff: Duration::ZERO,
        ..FetchOptions::default()
    }
}

pub(super) fn open(capacity: u64) -> (TempDir, Store) {
    let folder = TempDir::new().expect("a folder");
    let store = Store::open(folder.path(), capacity, options()).expect("a store");
    (folder, store)
}

pub(super) fn key(number: u128) -> FileKey {
    FileKey {
        item: Uuid::from_u128(number),
        size: None,
        suffix: ".bin".to_owned(),
    }
}

/// Bytes that are the same nowhere.
pub(super) fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}
