//! What can go wrong between the host and Encord, in words for people.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::domain::Domain;
use super::operation::Operation;

/// A request that failed. `Display` is a sentence that names what was tried and what Encord, or the
/// network, said; [`Error::help`] says what to do about it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Error(Box<Details>);

/// The kinds of failure that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Encord does not know the key.
    Authentication,
    /// The account may not do this.
    Authorisation,
    /// It does not exist.
    NotFound,
    /// Encord, or the client before sending, refused what was asked.
    InvalidArguments,
    /// The task is no longer at the stage.
    TaskGone,
    /// Too many requests, and still so after the retries.
    RateLimited,
    /// The request was larger than Encord accepts.
    PayloadTooLarge,
    /// The answer was larger than the client accepts.
    AnswerTooLarge,
    /// Encord failed, and still did after the retries.
    Server,
    /// No answer: no connection, a broken one, or silence past the time limit.
    Transport,
    /// An answer that is not in Encord's protocol.
    Protocol,
    /// Anything else that Encord answered.
    Other,
}

#[derive(Debug, Clone)]
struct Details {
    kind: ErrorKind,
    operation: &'static Operation,
    /// Encord's words, or the network's.
    message: Option<String>,
    status: Option<u16>,
    code: Option<String>,
    trace_id: Option<String>,
    domain: String,
    retry_after: Option<Duration>,
    /// The answer may be about one entry of a bundle, so that the others can pass without it.
    about_entry: bool,
    may_have_been_applied: bool,
}

impl Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the same request may work later, without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::RateLimited | ErrorKind::Server | ErrorKind::Transport
        )
    }

    /// Encord's own words, where it said any; for [`ErrorKind::Transport`], the system's.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The HTTP status. Absent if there was no answer, and 200 for failures that version 1 of the API
    /// reports inside a successful answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Version 1's name of the error, for example `RESOURCE_NOT_FOUND_ERROR`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The identifier under which Encord finds the request in its logs: 32 hexadecimal digits.
    pub fn trace_id(&self) -> Option<&str> {
        self.0.trace_id.as_deref()
    }

    /// The API that was asked, for example `https://api.encord.com`.
    pub fn domain(&self) -> &str {
        &self.0.domain
    }

    /// How long Encord asked to wait before the next request, where it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether Encord may have carried the request out although it failed: an answer was lost on the way,
    /// in this attempt or in an earlier one of the same request.
    ///
    /// With [`ErrorKind::TaskGone`] it means that the task may have left the stage because this host moved
    /// it.
    pub fn may_have_been_applied(&self) -> bool {
        self.0.may_have_been_applied
    }

    /// What to do about it. Absent where nothing better can be said than the error itself.
    pub fn help(&self) -> Option<String> {
        let domain = &self.0.domain;
        match self.0.kind {
            ErrorKind::Authentication => Some(format!(
                "register the key's public half with the Encord account, and set ENCORD_DOMAIN to the \
                 region of that account: `https://api.encord.com` (EU) or `https://api.us.encord.com` \
                 (US); it is {domain} now"
            )),
            ErrorKind::Authorisation if self.0.operation.name == "get-project" => Some(format!(
                "give the account of this key access to the project, or use the key of an account that \
                 has it; if the project is in another region, set ENCORD_DOMAIN: \
                 `https://api.encord.com` (EU) or `https://api.us.encord.com` (US); it is {domain} now"
            )),
            ErrorKind::Authorisation => Some(
                "give the account of this key access to the project (and to the data in it), or use \
                 the key of an account that has it"
                    .to_owned(),
            ),
            ErrorKind::NotFound if self.0.operation.name == "get-project" => Some(format!(
                "check the project hash, and that the project is in the region of {domain}"
            )),
            ErrorKind::InvalidArguments if self.0.operation.name == "get-project" => {
                Some("check that the project hash is the UUID of a project".to_owned())
            }
            ErrorKind::Other if self.0.operation.name == "set-up" => Some(
                "install the system's CA certificates (the package `ca-certificates`), or set \
                 SSL_CERT_FILE to a file of them"
                    .to_owned(),
            ),
            ErrorKind::RateLimited => Some("try again later, or ask for less at a time".to_owned()),
            ErrorKind::PayloadTooLarge => Some("send fewer entries per request".to_owned()),
            ErrorKind::AnswerTooLarge => Some("ask for less at a time".to_owned()),
            ErrorKind::Server => Some(match &self.0.trace_id {
                Some(trace) => {
                    format!("try again later; Encord's support finds the request by its trace {trace}")
                }
                None => "try again later".to_owned(),
            }),
            ErrorKind::Transport => Some(format!(
                "check that the server at {domain} is up and can be reached from here (network, proxy), \
                 or set ENCORD_DOMAIN to another"
            )),
            ErrorKind::Protocol => Some(format!(
                "check that {domain} is Encord's API, and not a proxy's or a website's page"
            )),
            ErrorKind::TaskGone | ErrorKind::InvalidArguments | ErrorKind::NotFound | ErrorKind::Other => {
                None
            }
        }
    }

    /// Whether the answer may be due to one entry of the bundle, so that a smaller bundle may pass.
    pub(super) fn about_entry(&self) -> bool {
        self.0.about_entry
    }

    /// The client cannot even be built.
    pub(super) fn set_up(context: Context<'_>, message: String) -> Error {
        Error::new(ErrorKind::Other, context, Some(message))
    }

    /// No answer came. `sent` tells whether Encord may have got the request.
    pub(super) fn transport(context: Context<'_>, message: String, sent: bool) -> Error {
        let mut error = Error::new(ErrorKind::Transport, context, Some(message));
        error.0.may_have_been_applied = sent;
        error
    }

    /// An answer that cannot be read.
    pub(super) fn protocol(context: Context<'_>, status: u16, message: String) -> Error {
        let mut error = Error::new(ErrorKind::Protocol, context, Some(message));
        error.0.status = Some(status);
        error
    }

    /// An answer of more bytes than can be taken. The request was carried out.
    pub(super) fn answer_too_large(context: Context<'_>, most: usize) -> Error {
        let message = format!("expected an answer of at most {most} bytes, found a larger one");
        let mut error = Error::new(ErrorKind::AnswerTooLarge, context, Some(message));
        error.0.may_have_been_applied = true;
        error
    }

    /// Something was asked that Encord's answer does not hold.
    pub(super) fn absent(context: Context<'_>, message: String) -> Error {
        let mut error = Error::new(ErrorKind::NotFound, context, Some(message));
        error.0.about_entry = true;
        error
    }

    /// The client itself refuses an entry of a bundle.
    pub(super) fn invalid(context: Context<'_>, message: String) -> Error {
        let mut error = Error::new(ErrorKind::InvalidArguments, context, Some(message));
        error.0.about_entry = true;
        error
    }

    /// An answer whose HTTP status is not one of success. `body` is read for Encord's words.
    pub(super) fn http(
        context: Context<'_>,
        status: u16,
        body: &[u8],
        retry_after: Option<Duration>,
    ) -> Error {
        let (kind, about_entry) = match status {
            400 | 422 => (ErrorKind::InvalidArguments, true),
            401 => (ErrorKind::Authentication, false),
            403 => (ErrorKind::Authorisation, true),
            404 => (ErrorKind::NotFound, true),
            409 => (ErrorKind::Other, true),
            413 => (ErrorKind::PayloadTooLarge, true),
            429 => (ErrorKind::RateLimited, false),
            408 | 500..=599 => (ErrorKind::Server, false),
            200..=399 => (ErrorKind::Protocol, false),
            _ => (ErrorKind::Other, false),
        };
        let mut error = Error::new(kind, context, words(body));
        error.0.status = Some(status);
        error.0.retry_after = retry_after;
        error.0.about_entry = about_entry;
        error.0.may_have_been_applied = kind == ErrorKind::Server;
        error
    }

    /// A failure that version 1 reports in its envelope, by its code.
    pub(super) fn envelope(
        context: Context<'_>,
        status: u16,
        code: &str,
        payload: &Value,
    ) -> Error {
        let (kind, about_entry) = match code {
            "AUTHENTICATION_ERROR" | "SSH_KEY_NOT_FOUND_ERROR" | "DUPLICATE_SSH_KEY_ERROR" => {
                (ErrorKind::Authentication, false)
            }
            "AUTHORISATION_ERROR" | "OPERATION_NOT_ALLOWED" => (ErrorKind::Authorisation, true),
            "RATE_LIMIT_ERROR" => (ErrorKind::RateLimited, false),
            "RESOURCE_NOT_FOUND_ERROR" => (ErrorKind::NotFound, true),
            "MULTI_LABEL_LIMIT_ERROR" => (ErrorKind::PayloadTooLarge, true),
            // About the project or the request's form, so the same for every entry.
            "WRONG_PROJECT_TYPE_ERROR" => (ErrorKind::InvalidArguments, false),
            "METHOD_NOT_ALLOWED_ERROR" => (ErrorKind::Other, false),
            "ANSWER_DICTIONARY_ERROR"
            | "CORRUPTED_LABEL_ERROR"
            | "FEATURE_DOES_NOT_EXIST_ERROR"
            | "DETECTION_RANGE_INVALID_ERROR"
            | "INVALID_DATE_FORMAT_ERROR"
            | "INVALID_ARGUMENTS_ERROR"
            | "FILE_TYPE_NOT_SUPPORTED_ERROR"
            | "FILE_SIZE_NOT_SUPPORTED_ERROR" => (ErrorKind::InvalidArguments, true),
            // Encord's code failed on the request: perhaps on one entry of it, so the others are tried.
            "UNKNOWN_ERROR" => (ErrorKind::Server, true),
            _ => (ErrorKind::Other, true),
        };
        let message = match payload {
            Value::Null => None,
            Value::String(text) => excerpt(text),
            other => excerpt(&match other.get("maximum_labels_allowed") {
                Some(limit) => format!("at most {limit} label rows per request"),
                None => other.to_string(),
            }),
        };
        let mut error = Error::new(kind, context, message);
        error.0.status = Some(status);
        error.0.code = Some(code.to_owned());
        error.0.about_entry = about_entry;
        error.0.may_have_been_applied = kind == ErrorKind::Server;
        error
    }

    /// The same failure, after an attempt of the same request whose fate is unknown.
    pub(super) fn after_lost_answer(mut self) -> Error {
        self.0.may_have_been_applied = true;
        self
    }

    /// The refusal of one task's move, if that is what it is: Encord says so with a plain 400.
    pub(super) fn into_task_gone(mut self) -> Error {
        if self.0.status == Some(400) {
            self.0.kind = ErrorKind::TaskGone;
        }
        self
    }

    fn new(kind: ErrorKind, context: Context<'_>, message: Option<String>) -> Error {
        Error(Box::new(Details {
            kind,
            operation: context.operation,
            message,
            status: None,
            code: None,
            trace_id: context.trace_id.map(str::to_owned),
            domain: context.domain.to_string(),
            retry_after: None,
            about_entry: false,
            may_have_been_applied: false,
        }))
    }

    fn sentence(&self) -> String {
        let details = &self.0;
        let reason = match (details.kind, details.status) {
            (ErrorKind::TaskGone, _) if details.may_have_been_applied => {
                "the task has already left the stage, perhaps by an earlier attempt of this host whose answer was lost"
                    .to_owned()
            }
            (ErrorKind::TaskGone, _) => "the task has already left the stage".to_owned(),
            (ErrorKind::Transport, _) => format!("no answer from {}", details.domain),
            (ErrorKind::Protocol, Some(status)) => format!(
                "expected an answer of Encord's API, found one that it does not give (HTTP {status})"
            ),
            (_, None) => return format!("cannot {}{}", details.operation.doing, Said(details)),
            (_, Some(status)) => match &details.code {
                Some(code) => format!("Encord answered {code}"),
                None => format!("Encord answered {}", Status(status)),
            },
        };
        format!(
            "cannot {}: {reason}{}",
            details.operation.doing,
            Said(details)
        )
    }
}

/// What an error knows of the request beside what went wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) operation: &'static Operation,
    pub(super) domain: &'a Domain,
    pub(super) trace_id: Option<&'a str>,
}

/// Encord's words with a colon before them, if there are any.
struct Said<'a>(&'a Details);

impl fmt::Display for Said<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.message {
            Some(message) => write!(formatter, ": {message}"),
            None => Ok(()),
        }
    }
}

/// A status with its name, where it has one.
struct Status(u16);

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        match reqwest::StatusCode::from_u16(self.0)
            .ok()
            .and_then(|status| status.canonical_reason())
        {
            Some(name) => write!(formatter, " {name}"),
            None => Ok(()),
        }
    }
}

/// Encord's words in the body of a failure: `message`, or `detail` (text, or a list of what is wrong with
/// the request). A page of a proxy in between has none.
fn words(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let said = body
        .get("message")
        .filter(|message| !message.is_null())
        .or_else(|| body.get("detail"))?;
    match said {
        Value::Null => None,
        Value::String(text) => excerpt(text),
        Value::Array(problems) => {
            let problems: Vec<_> = problems.iter().map(problem).collect();
            excerpt(&problems.join("; "))
        }
        other => excerpt(&other.to_string()),
    }
}

/// One entry of a validation failure: where, and what.
fn problem(entry: &Value) -> String {
    let Some(what) = entry.get("msg").and_then(Value::as_str) else {
        return entry.to_string();
    };
    let place: Vec<_> = entry
        .get("loc")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|part| {
            part.as_str()
                .map_or_else(|| part.to_string(), str::to_owned)
        })
        .collect();
    if place.is_empty() {
        what.to_owned()
    } else {
        format!("{}: {what}", place.join("."))
    }
}

/// A text on one line and short enough for a terminal. Absent if nothing is left.
pub(super) fn excerpt(text: &str) -> Option<String> {
    const LIMIT: usize = 300;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        None
    } else if line.chars().count() > LIMIT {
        Some(line.chars().take(LIMIT).chain(['…']).collect())
    } else {
        Some(line)
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
