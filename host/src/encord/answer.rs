//! What an answer's bytes say, in either version of the API: the value that was asked for, or why not.

use bytes::Bytes;
use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::excerpt;
use super::wire::Envelope;

/// Answers above this many bytes are decoded off the async threads.
pub(super) const LARGE_ANSWER: usize = 256 * 1024;

/// Reads the bytes of a version 2 answer.
pub(super) type Decode<T> = fn(&[u8]) -> Result<T, serde_json::Error>;

/// Why an answer is not the value that was asked for.
#[derive(Debug)]
pub(super) enum Refusal {
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
pub(super) async fn decode_off_thread<T, D>(
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

/// The usual reader.
pub(super) fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(body)
}

pub(super) fn decode_version1<T: DeserializeOwned>(
    status: StatusCode,
    body: &[u8],
) -> Result<T, Refusal> {
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

pub(super) fn decode_version2<T>(
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
