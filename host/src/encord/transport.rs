//! One request to Encord: signed, sent over a kept-alive connection, repeated where that is safe, its answer
//! decoded or turned into an [`Error`].

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use tracing::Instrument as _;
use url::{Position, Url};
use uuid::Uuid;

use super::answer::{
    Decode, Refusal, decode_off_thread, decode_version1, decode_version2, from_json,
};
use super::clock::Clock;
use super::domain::Domain;
use super::error::{Context, Error, excerpt};
use super::key::Key;
use super::operation::{self, Operation};
use super::rate::Limiter;
use super::retry::{self, Failure};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest silence of a connection. Encord's own SDK waits as long for saves of large label rows.
const READ_TIMEOUT: Duration = Duration::from_secs(180);
/// The longest answer that is read for the words of a refusal, in bytes.
const LONGEST_REFUSAL: usize = 1 << 20;

/// The connections to one domain, for one account.
pub(super) struct Transport {
    http: reqwest::Client,
    domain: Domain,
    key: Key,
    limiter: Limiter,
    requests: AtomicU64,
    clock: Clock,
}

/// A request before it is signed.
struct Request {
    operation: &'static Operation,
    method: Method,
    url: Url,
    body: Bytes,
    dialect: Dialect,
    /// The longest answer that is taken, in bytes.
    most: usize,
}

#[derive(Clone, Copy)]
enum Dialect {
    /// The envelope, for one resource.
    Version1 {
        /// `project` or `dataset`.
        resource_type: &'static str,
        resource: Uuid,
    },
    /// The signed REST API.
    Version2,
}

impl Transport {
    pub(super) fn new(domain: Domain, key: Key) -> Result<Transport, Error> {
        install_crypto_provider();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("runner-host/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .tcp_nodelay(true)
            // A signature covers the path, so what it was moved to could not verify it.
            .redirect(reqwest::redirect::Policy::none())
            // Repeats are decided here, where it is known what can be repeated.
            .retry(reqwest::retry::never());
        if domain.is_loopback() {
            // A proxy's own loopback is another machine's.
            builder = builder.no_proxy();
        }
        if !domain.is_https() {
            // The system's certificates would be loaded for nothing, and a system without any is refused.
            builder = builder.tls_certs_only([]);
        }
        match builder.build() {
            Ok(http) => Ok(Transport {
                http,
                domain,
                key,
                limiter: Limiter::default(),
                requests: AtomicU64::new(0),
                clock: Clock::default(),
            }),
            Err(error) => {
                let context = Context {
                    operation: &operation::SET_UP,
                    domain: &domain,
                    trace_id: None,
                };
                Err(Error::set_up(context, root_cause(&error)))
            }
        }
    }

    pub(super) fn domain(&self) -> &Domain {
        &self.domain
    }

    /// HTTP requests sent so far, repeats included.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// What is known of Encord's clock.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Asks a store for a file. The URL is signed by Encord, so that the request needs no signature, and is shown
    /// none.
    pub(super) async fn get_file(&self, url: Url) -> Result<Response, reqwest::Error> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.http.get(url).send().await
    }

    /// For errors that the client finds itself.
    pub(super) fn context(&self, operation: &'static Operation) -> Context<'_> {
        Context {
            operation,
            domain: &self.domain,
            trace_id: None,
        }
    }

    /// A version 1 query on a project. `body` is its JSON.
    pub(super) async fn version1<T>(
        &self,
        operation: &'static Operation,
        project: Uuid,
        body: Vec<u8>,
    ) -> Result<T, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.version1_up_to(operation, project, body, usize::MAX)
            .await
    }

    /// The same, with the longest answer in bytes.
    pub(super) async fn version1_up_to<T>(
        &self,
        operation: &'static Operation,
        project: Uuid,
        body: Vec<u8>,
        most: usize,
    ) -> Result<T, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let request = Request {
            operation,
            method: Method::POST,
            url: self.domain.url("public", ""),
            body: body.into(),
            dialect: Dialect::Version1 {
                resource_type: "project",
                resource: project,
            },
            most,
        };
        self.send(&request, decode_version1::<T>).await
    }

    /// A version 1 query that is made from outside: the type and the UUID of what it is about, its JSON, and the
    /// longest answer in bytes.
    pub(super) async fn call_version1<T: Send + 'static>(
        &self,
        operation: &'static Operation,
        (resource_type, resource): (&'static str, Uuid),
        body: Vec<u8>,
        most: usize,
        decode: fn(StatusCode, &[u8]) -> Result<T, Refusal>,
    ) -> Result<T, Error> {
        let request = Request {
            operation,
            method: Method::POST,
            url: self.domain.url("public", ""),
            body: body.into(),
            dialect: Dialect::Version1 {
                resource_type,
                resource,
            },
            most,
        };
        self.send(&request, decode).await
    }

    /// A version 2 request that is made from outside: path and query as for [`Transport::get`], the body's JSON, which
    /// may be empty, and the longest answer in bytes.
    pub(super) async fn call_version2<T: Send + 'static>(
        &self,
        operation: &'static Operation,
        method: Method,
        (path, query): (&str, &str),
        body: Bytes,
        most: usize,
        decode: fn(StatusCode, &[u8]) -> Result<T, Refusal>,
    ) -> Result<T, Error> {
        let request = Request {
            operation,
            method,
            url: self.domain.url(&format!("v2/public/{path}"), query),
            body,
            dialect: Dialect::Version2,
            most,
        };
        self.send(&request, decode).await
    }

    /// A version 2 request without a body. `path` is below `/v2/public/`, `query` is encoded already.
    pub(super) async fn get<T>(
        &self,
        operation: &'static Operation,
        path: &str,
        query: &str,
    ) -> Result<T, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.get_with(operation, path, query, from_json).await
    }

    /// The same for an answer with a reader of its own.
    pub(super) async fn get_with<T>(
        &self,
        operation: &'static Operation,
        path: &str,
        query: &str,
        decode: Decode<T>,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
    {
        let url = self.domain.url(&format!("v2/public/{path}"), query);
        self.version2(operation, Method::GET, url, Bytes::new(), decode)
            .await
    }

    /// A version 2 request with JSON in its body.
    pub(super) async fn post<T>(
        &self,
        operation: &'static Operation,
        path: &str,
        body: Vec<u8>,
        decode: Decode<T>,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
    {
        let url = self.domain.url(&format!("v2/public/{path}"), "");
        self.version2(operation, Method::POST, url, body.into(), decode)
            .await
    }

    /// A version 2 request that changes something, with JSON in its body.
    pub(super) async fn patch<T>(
        &self,
        operation: &'static Operation,
        path: &str,
        body: Vec<u8>,
        decode: Decode<T>,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
    {
        let url = self.domain.url(&format!("v2/public/{path}"), "");
        self.version2(operation, Method::PATCH, url, body.into(), decode)
            .await
    }

    async fn version2<T>(
        &self,
        operation: &'static Operation,
        method: Method,
        url: Url,
        body: Bytes,
        decode: Decode<T>,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
    {
        let request = Request {
            operation,
            method,
            url,
            body,
            dialect: Dialect::Version2,
            most: usize::MAX,
        };
        self.send(&request, move |status, body| {
            decode_version2(status, body, decode)
        })
        .await
    }

    /// Sends a request until it is answered for good.
    async fn send<T, D>(&self, request: &Request, decode: D) -> Result<T, Error>
    where
        T: Send + 'static,
        D: Fn(StatusCode, &[u8]) -> Result<T, Refusal> + Copy + Send + 'static,
    {
        let mut answer_was_lost = false;
        let mut attempt = 1;
        loop {
            let sent = self.limiter.turn().await;
            let trace_id = Uuid::new_v4().simple().to_string();
            let span = tracing::debug_span!(
                "request",
                operation = request.operation.name,
                attempt,
                trace_id
            );
            let (failure, error) = match self
                .attempt(request, &trace_id, decode)
                .instrument(span)
                .await
            {
                Ok(value) => {
                    self.limiter.answered();
                    return Ok(value);
                }
                Err(failed) => failed,
            };
            match failure {
                Failure::Answered {
                    status: 429,
                    retry_after,
                } => self.limiter.limited(sent, retry_after),
                Failure::Answered { .. } => self.limiter.answered(),
                Failure::NotSent | Failure::NoAnswer => {}
            }
            answer_was_lost |= failure.may_have_been_applied();
            let wait = retry::wait(
                request.operation.repeat,
                failure,
                attempt,
                rand::random_range(0.0..=1.0),
            );
            match wait {
                Some(wait) => {
                    tracing::info!("{error}; trying again in {:.1} s", wait.as_secs_f64());
                    tokio::time::sleep(wait).await;
                    attempt += 1;
                }
                None if answer_was_lost => return Err(error.after_lost_answer()),
                None => return Err(error),
            }
        }
    }

    /// Sends a request once, signed anew.
    async fn attempt<T, D>(
        &self,
        request: &Request,
        trace_id: &str,
        decode: D,
    ) -> Result<T, (Failure, Error)>
    where
        T: Send + 'static,
        D: FnOnce(StatusCode, &[u8]) -> Result<T, Refusal> + Send + 'static,
    {
        let context = Context {
            operation: request.operation,
            domain: &self.domain,
            trace_id: Some(trace_id),
        };
        let no_answer = |error: reqwest::Error| {
            let failure = if error.is_connect() || error.is_builder() {
                Failure::NotSent
            } else {
                Failure::NoAnswer
            };
            let sent = failure == Failure::NoAnswer;
            let error = Error::transport(context, root_cause(&error), sent);
            tracing::debug!(%error, "no answer");
            (failure, error)
        };

        let started = Instant::now();
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut response = self
            .sign(request, trace_id)
            .send()
            .await
            .map_err(no_answer)?;
        let status = response.status();
        let retry_after = header(&response, RETRY_AFTER.as_str())
            .and_then(|value| retry::parse_retry_after(value, Timestamp::now()));
        if let Some(wait) = retry_after {
            self.clock.come_back_in(wait);
        }
        if let Some(date) = header(&response, DATE.as_str()) {
            self.clock.read(date, Timestamp::now());
        }
        let location = header(&response, LOCATION.as_str()).map(str::to_owned);
        let body = if request.most == usize::MAX && status.is_success() {
            response.bytes().await.map_err(no_answer)?
        } else {
            let most = if status.is_success() {
                request.most
            } else {
                LONGEST_REFUSAL
            };
            match up_to(most, &mut response).await.map_err(no_answer)? {
                Some(body) => body,
                // Words of that length are none that anybody reads.
                None if !status.is_success() => Bytes::new(),
                None => {
                    let failure = Failure::Answered {
                        status: status.as_u16(),
                        retry_after: None,
                    };
                    return Err((failure, Error::answer_too_large(context, request.most)));
                }
            }
        };
        tracing::debug!(
            status = status.as_u16(),
            duration_ms = started.elapsed().as_millis(),
            bytes = body.len(),
            "answered"
        );

        let code = status.as_u16();
        let (refusal, body) = match decode_off_thread(status, body, decode).await {
            (Ok(value), _) => return Ok(value),
            (Err(refusal), body) => (refusal, body),
        };
        let mut failure = Failure::Answered {
            status: code,
            retry_after,
        };
        let error = match refusal {
            Refusal::Envelope {
                code: name,
                payload,
            } => {
                if name == "RATE_LIMIT_ERROR" {
                    failure = Failure::Answered {
                        status: 429,
                        retry_after,
                    };
                }
                Error::envelope(context, code, &name, &payload)
            }
            Refusal::Nothing => Error::absent(context, "Encord's answer holds nothing".to_owned()),
            Refusal::Unreadable(reason) => Error::protocol(context, code, reason),
            Refusal::Status if status.is_redirection() => {
                let to = location.and_then(|to| excerpt(&to));
                let to = to.unwrap_or_else(|| "nowhere".to_owned());
                Error::protocol(context, code, format!("it redirects to {to}"))
            }
            Refusal::Status => Error::http(context, code, &body, retry_after),
        };
        Err((failure, error))
    }

    fn sign(&self, request: &Request, trace_id: &str) -> RequestBuilder {
        let mut builder = self
            .http
            .request(request.method.clone(), request.url.clone())
            .header("X-Cloud-Trace-Context", format!("{trace_id}/1;o=1"));
        if !request.body.is_empty() {
            builder = builder
                .header(CONTENT_TYPE, "application/json")
                .body(request.body.clone());
        }
        match request.dialect {
            Dialect::Version1 {
                resource_type,
                resource,
            } => builder
                .header(ACCEPT, "application/json")
                .header("ResourceType", resource_type)
                .header("ResourceID", resource.to_string())
                .header(AUTHORIZATION, self.key.authorization(&request.body)),
            Dialect::Version2 => {
                let signature = self.key.sign_message(
                    request.method.as_str(),
                    &request.url[Position::BeforePath..Position::AfterQuery],
                    &request.body,
                    Timestamp::now().as_second(),
                );
                builder
                    .header("Content-Digest", signature.content_digest)
                    .header("Signature-Input", signature.signature_input)
                    .header("Signature", signature.signature)
            }
        }
    }
}

/// The body of an answer, unless it has more bytes.
async fn up_to(most: usize, response: &mut Response) -> Result<Option<Bytes>, reqwest::Error> {
    let announced = response.content_length().map(usize::try_from);
    let room = match announced {
        Some(Ok(bytes)) if bytes <= most => bytes,
        // Not even begun.
        Some(_) => return Ok(None),
        None => 0,
    };
    let mut body = BytesMut::with_capacity(room);
    while let Some(part) = response.chunk().await? {
        if body.len() + part.len() > most {
            return Ok(None);
        }
        body.extend_from_slice(&part);
    }
    Ok(Some(body.freeze()))
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// The innermost cause, which is the one that says something ("Connection refused").
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return if error.is_connect() {
            format!("no connection within {} s", CONNECT_TIMEOUT.as_secs())
        } else {
            format!("silence for {} s", READ_TIMEOUT.as_secs())
        };
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    excerpt(&cause.to_string()).unwrap_or_else(|| "unknown reason".to_owned())
}

fn install_crypto_provider() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // Fails only if one is installed already, which is then as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
