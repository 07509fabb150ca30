//! Calls of Encord's API that are made from outside: what has no method of its own. They are signed, held back and
//! repeated like all others; what they may touch is for the caller to decide.

use bytes::Bytes;
use reqwest::{Method, StatusCode};
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;
use url::form_urlencoded;
use uuid::Uuid;

use super::answer::{Refusal, decode_version1};
use super::client::{Client, json};
use super::error::Error;
use super::operation::{self, Operation};

/// The longest answer that such a call may have, in bytes.
const LONGEST_ANSWER: usize = 64 << 20;

/// POST and PATCH requests of the REST API of which this crate knows that a repeat leaves the same state: they look up, or
/// set what the request holds. `*` stands for any one part of the path. See `operation` for the reasons.
const REPEATABLE: [(Method, &str); 6] = [
    (Method::POST, "storage/items/get-bulk"),
    (Method::POST, "projects/*/label-rows/classifications"),
    (Method::POST, "projects/*/priorities"),
    (Method::PATCH, "storage/items/patch-bulk"),
    (Method::PATCH, "storage/items/*"),
    (Method::PATCH, "storage/folders/*/items/*"),
];

impl Client {
    /// Calls the REST API, whatever it is asked for: `path` is what comes after `/v2/public/`, `query` is encoded here,
    /// `body` is JSON text. Returns JSON text, `null` if the answer is empty.
    ///
    /// A request of which nobody knows whether it was carried out is repeated only if a repeat does no harm: all of
    /// `GET`, and what this crate knows of the rest.
    ///
    /// Errors: [`super::ErrorKind::InvalidArguments`], with nothing sent, if the method is none of `GET`, `POST`, `PUT`,
    /// `PATCH` and `DELETE`, if the path could lead elsewhere, or if the body is no JSON;
    /// [`super::ErrorKind::AnswerTooLarge`] if the answer has more than 64 MiB; whatever Encord answers.
    pub async fn call_rest(
        &self,
        method: &str,
        path: &str,
        query: &[(String, String)],
        body: Option<&str>,
    ) -> Result<String, Error> {
        let invalid =
            |reason: String| Error::invalid(self.transport.context(&operation::CALL_ONCE), reason);
        let known = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ];
        let method = known.into_iter().find(|known| known.as_str() == method);
        let method = method.ok_or_else(|| {
            invalid("expected the method GET, POST, PUT, PATCH or DELETE".to_owned())
        })?;
        check_path(path).map_err(invalid)?;
        if let Some(body) = body {
            serde_json::from_str::<IgnoredAny>(body)
                .map_err(|error| invalid(format!("the body is no JSON: {error}")))?;
        }
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        let operation = operation_of(&method, path);
        let body = body.map(|body| Bytes::copy_from_slice(body.as_bytes()));
        let body = body.unwrap_or_default();
        self.transport
            .call_version2(
                operation,
                method,
                (path, &query),
                body,
                LONGEST_ANSWER,
                read_rest,
            )
            .await
    }

    /// Calls the older API: `resource_type` is `project` or `dataset`, `query_type` for example `labelrow`,
    /// `query_method` `GET`, `POST`, `PUT` or `DELETE`. Returns what Encord's answer has under `response`, as JSON text;
    /// `null` if there is nothing.
    ///
    /// Repeated as for [`Client::call_rest`]. Errors: likewise.
    pub async fn call_query(
        &self,
        resource_type: &'static str,
        resource: Uuid,
        query_type: &str,
        query_method: &str,
        uid: &Value,
        payload: &Value,
    ) -> Result<String, Error> {
        if !["GET", "POST", "PUT", "DELETE"].contains(&query_method) {
            return Err(Error::invalid(
                self.transport.context(&operation::CALL_ONCE),
                format!(
                    "expected the query method GET, POST, PUT or DELETE, found `{query_method}`"
                ),
            ));
        }
        let operation = match (query_type, query_method) {
            // Overwrites whole rows with what the request holds.
            (_, "GET") | ("labelrow", "POST") => &operation::CALL,
            _ => &operation::CALL_ONCE,
        };
        let body = json(&serde_json::json!({
            "query_type": query_type,
            "query_method": query_method,
            "values": { "uid": uid, "payload": payload },
        }));
        self.transport
            .call_version1(
                operation,
                (resource_type, resource),
                body,
                LONGEST_ANSWER,
                read_query,
            )
            .await
    }
}

/// Refuses what a URL could take for anything but the path that it seems to be: a scheme, a way up, an empty part, a
/// query, or something that is encoded.
fn check_path(path: &str) -> Result<(), String> {
    let expected = "expected a path below `/v2/public/` without a leading slash, such as `storage/items/get-bulk`";
    if path.len() > 2000 {
        return Err(format!(
            "{expected}, found one of {} characters",
            path.len()
        ));
    }
    let fits = |part: &str| {
        !part.is_empty()
            && !matches!(part, "." | "..")
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte))
    };
    if path.split('/').all(fits) {
        Ok(())
    } else {
        Err(format!("{expected}, found `{path}`"))
    }
}

fn operation_of(method: &Method, path: &str) -> &'static Operation {
    let fits = |pattern: &str| {
        let mut parts = path.split('/');
        let all = pattern.split('/').all(|wanted| {
            parts
                .next()
                .is_some_and(|part| wanted == "*" || wanted == part)
        });
        all && parts.next().is_none()
    };
    let repeatable = REPEATABLE
        .iter()
        .any(|(known, pattern)| known == method && fits(pattern));
    if *method == Method::GET || repeatable {
        &operation::CALL
    } else {
        &operation::CALL_ONCE
    }
}

/// What has no method of its own may be answered with any status of success.
fn read_rest(status: StatusCode, body: &[u8]) -> Result<String, Refusal> {
    if !status.is_success() {
        return Err(Refusal::Status);
    }
    if body.is_empty() {
        return Ok("null".to_owned());
    }
    let unreadable = |error: serde_json::Error| Refusal::Unreadable(error.to_string());
    let text: &RawValue = serde_json::from_slice(body).map_err(unreadable)?;
    Ok(text.get().to_owned())
}

fn read_query(status: StatusCode, body: &[u8]) -> Result<String, Refusal> {
    match decode_version1::<Box<RawValue>>(status, body) {
        Ok(response) => Ok(response.get().to_owned()),
        Err(Refusal::Nothing) => Ok("null".to_owned()),
        Err(refusal) => Err(refusal),
    }
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
