//! One request to Encord: signed, sent over a kept-alive connection, repeated where that is safe, its answer
//! decoded or turned into an [`Error`].

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::Instrument as _;
use url::{Position, Url};
use uuid::Uuid;

use super::domain::Domain;
use super::error::{Context, Error, excerpt};
use super::key::Key;
use super::operation::{self, Operation};
use super::retry::{self, Failure};
use super::wire::Envelope;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest silence of a connection. Encord's own SDK waits as long for saves of large label rows.
const READ_TIMEOUT: Duration = Duration::from_secs(180);
/// Answers above this many bytes are decoded off the async threads.
const LARGE_ANSWER: usize = 256 * 1024;

/// The connections to one domain, for one account.
pub(super) struct Transport {
    http: reqwest::Client,
    domain: Domain,
    key: Key,
    requests: AtomicU64,
}

/// A request before it is signed.
struct Request {
    operation: &'static Operation,
    method: Method,
    url: Url,
    body: Bytes,
    dialect: Dialect,
}

#[derive(Clone, Copy)]
enum Dialect {
    /// The envelope, for one project.
    Version1 { project: Uuid },
    /// The signed REST API.
    Version2,
}

/// Reads the bytes of a version 2 answer.
pub(super) type Decode<T> = fn(&[u8]) -> Result<T, serde_json::Error>;

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
                requests: AtomicU64::new(0),
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
        let request = Request {
            operation,
            method: Method::POST,
            url: self.domain.url("public", ""),
            body: body.into(),
            dialect: Dialect::Version1 { project },
        };
        self.send(&request, decode_version1::<T>).await
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
        let url = self.domain.url(&format!("v2/public/{path}"), query);
        let request = Request {
            operation,
            method: Method::GET,
            url,
            body: Bytes::new(),
            dialect: Dialect::Version2,
        };
        self.send(&request, |status, body| {
            decode_version2(status, body, |body| serde_json::from_slice(body))
        })
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
        let request = Request {
            operation,
            method: Method::POST,
            url: self.domain.url(&format!("v2/public/{path}"), ""),
            body: body.into(),
            dialect: Dialect::Version2,
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
                Ok(value) => return Ok(value),
                Err(failed) => failed,
            };
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
        let response = self
            .sign(request, trace_id)
            .send()
            .await
            .map_err(no_answer)?;
        let status = response.status();
        let retry_after = header(&response, RETRY_AFTER.as_str())
            .and_then(|value| retry::parse_retry_after(value, Timestamp::now()));
        let location = header(&response, LOCATION.as_str()).map(str::to_owned);
        let body = response.bytes().await.map_err(no_answer)?;
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
                let to = location.unwrap_or_else(|| "nowhere".to_owned());
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
            Dialect::Version1 { project } => builder
                .header(ACCEPT, "application/json")
                .header("ResourceType", "project")
                .header("ResourceID", project.to_string())
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

/// Why an answer is not the value that was asked for.
#[derive(Debug)]
enum Refusal {
    /// Version 1's own report.
    Envelope { code: String, payload: Value },
    /// Version 1 found nothing.
    Nothing,
    /// Not what Encord sends.
    Unreadable(String),
    /// The HTTP status says it.
    Status,
}

/// Decodes where it holds up nobody. The body comes back for its words, should it be a refusal.
async fn decode_off_thread<T, D>(
    status: StatusCode,
    body: Bytes,
    decode: D,
) -> (Result<T, Refusal>, Bytes)
where
    T: Send + 'static,
    D: FnOnce(StatusCode, &[u8]) -> Result<T, Refusal> + Send + 'static,
{
    if body.len() <= LARGE_ANSWER {
        return (decode(status, &body), body);
    }
    let shared = body.clone();
    match tokio::task::spawn_blocking(move || decode(status, &shared)).await {
        Ok(decoded) => (decoded, body),
        Err(error) => (
            Err(Refusal::Unreadable(format!("decoding it failed: {error}"))),
            body,
        ),
    }
}

fn decode_version1<T: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<T, Refusal> {
    // These come from before the part of Encord that writes envelopes.
    if status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::PAYLOAD_TOO_LARGE
    {
        return Err(Refusal::Status);
    }
    let envelope: Envelope<'_> = match serde_json::from_slice(body) {
        Ok(envelope) => envelope,
        Err(_) if !status.is_success() => return Err(Refusal::Status),
        Err(error) => return Err(unreadable(&error, body)),
    };
    let succeeded = envelope.status.as_u64() == Some(200);
    match envelope.response {
        Some(response) if succeeded && status.is_success() => {
            serde_json::from_str(response.get()).map_err(|error| unreadable(&error, body))
        }
        None if succeeded && status.is_success() => Err(Refusal::Nothing),
        response => match response.and_then(error_code) {
            Some(code) => Err(Refusal::Envelope {
                code,
                payload: envelope.payload,
            }),
            None if !status.is_success() => Err(Refusal::Status),
            None => Err(Refusal::Unreadable(
                "an envelope without an error code".to_owned(),
            )),
        },
    }
}

/// The code in the `response` of a failure: `["CODE"]`, or the bare text.
fn error_code(response: &serde_json::value::RawValue) -> Option<String> {
    match serde_json::from_str(response.get()).ok()? {
        Value::String(code) => Some(code),
        Value::Array(codes) => codes.first()?.as_str().map(str::to_owned),
        _ => None,
    }
}

fn decode_version2<T>(
    status: StatusCode,
    body: &[u8],
    decode: impl FnOnce(&[u8]) -> Result<T, serde_json::Error>,
) -> Result<T, Refusal> {
    if status != StatusCode::OK && status != StatusCode::NO_CONTENT {
        return Err(Refusal::Status);
    }
    decode(body).map_err(|error| unreadable(&error, body))
}

fn unreadable(error: &serde_json::Error, body: &[u8]) -> Refusal {
    let start = String::from_utf8_lossy(&body[..body.len().min(80)]);
    Refusal::Unreadable(match excerpt(&start) {
        Some(start) => format!("{error}; it starts with `{start}`"),
        None => "it is empty".to_owned(),
    })
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// The innermost cause, which is the one that says something ("Connection refused").
fn root_cause(error: &reqwest::Error) -> String {
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
