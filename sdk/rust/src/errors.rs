use std::error::Error as StdError;
use std::fmt;

/// What an agent returns if it does not say otherwise: `Result<Pathway>` is
/// `Result<Pathway, AgentError>`.
pub type Result<T, E = AgentError> = std::result::Result<T, E>;

/// Why something was not done. The text is a sentence for people that says what was expected and what
/// was found.
///
/// The host gives all but the last two. With `?` it becomes an [`AgentError`] of the same kind: only
/// [`Error::Unavailable`] leads to another attempt, since the host would answer the other calls in the
/// same way again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It does not exist, or no longer: a deleted asset, an object hash that is not in the row.
    NotFound(String),
    /// Encord refused it to the account that the host runs as.
    Forbidden(String),
    /// The call itself was wrong: a coordinate outside of 0..1, a frame that the data does not have,
    /// a feature that the ontology does not know. Nothing was changed.
    InvalidArgument(String),
    /// It has no meaning for this type of data.
    Unsupported(String),
    /// Encord or the network failed. The host had already retried; a later attempt may work.
    Unavailable(String),
    /// It is over one of the host's limits, which the text names.
    TooLarge(String),
    /// None of the above.
    Other(String),
    /// Only from an agent: another attempt may work. Made by [`AgentError::retry`].
    Retryable(String),
    /// Only from an agent: another attempt would fail in the same way. Made by [`AgentError::fatal`].
    Fatal(String),
}

impl Error {
    /// The sentence, without the kind of error before it.
    pub fn message(&self) -> &str {
        match self {
            Self::NotFound(message)
            | Self::Forbidden(message)
            | Self::InvalidArgument(message)
            | Self::Unsupported(message)
            | Self::Unavailable(message)
            | Self::TooLarge(message)
            | Self::Other(message)
            | Self::Retryable(message)
            | Self::Fatal(message) => message,
        }
    }

    /// Makes another error of the same kind.
    fn kind(&self) -> fn(String) -> Self {
        match self {
            Self::NotFound(_) => Self::NotFound,
            Self::Forbidden(_) => Self::Forbidden,
            Self::InvalidArgument(_) => Self::InvalidArgument,
            Self::Unsupported(_) => Self::Unsupported,
            Self::Unavailable(_) => Self::Unavailable,
            Self::TooLarge(_) => Self::TooLarge,
            Self::Other(_) => Self::Other,
            Self::Retryable(_) => Self::Retryable,
            Self::Fatal(_) => Self::Fatal,
        }
    }

    /// True if another attempt may work.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Retryable(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::NotFound(_) => "not found: ",
            Self::Forbidden(_) => "forbidden: ",
            Self::InvalidArgument(_) => "invalid argument: ",
            Self::Unsupported(_) => "unsupported: ",
            Self::Unavailable(_) => "unavailable: ",
            Self::TooLarge(_) => "too large: ",
            Self::Other(_) | Self::Retryable(_) | Self::Fatal(_) => "",
        };
        write!(formatter, "{kind}{}", self.message())
    }
}

impl StdError for Error {}

/// The agent could not decide. Nothing of the attempt is kept, and the text is shown to people.
///
/// Every error that implements [`std::error::Error`] becomes one by `?`. One that is or was caused by an
/// [`Error`] of the host reaches the host as that same kind of error, which says whether a retry can
/// help. (`source` has to lead to it; thiserror's `#[error(transparent)]` hides it.) Any other is
/// retryable, since nothing is known of it. Say [`AgentError::fatal`] where you know that a retry
/// cannot help:
///
/// ```
/// use runner_sdk::{AgentError, Result};
///
/// fn threshold(text: &str) -> Result<f64> {
///     let value: f64 = text
///         .parse()
///         .map_err(|_| AgentError::fatal(format!("expected a number as the threshold, found {text:?}")))?;
///     Ok(value)
/// }
/// assert!(!threshold("high").unwrap_err().is_retryable());
/// ```
///
/// Like `anyhow::Error` it does not implement [`std::error::Error`] itself; otherwise it could not be
/// made from all that do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentError(Error);

impl AgentError {
    /// Another attempt may work. The host makes up to its `--num-retries` of them, each in a fresh
    /// instance of the plugin and on labels as they were before the first.
    pub fn retry(message: impl Into<String>) -> Self {
        Self(Error::Retryable(message.into()))
    }

    /// Another attempt would fail in the same way. The host makes none.
    pub fn fatal(message: impl Into<String>) -> Self {
        Self(Error::Fatal(message.into()))
    }

    /// What people are told, without the kind of error before it.
    pub fn message(&self) -> &str {
        self.0.message()
    }

    /// True if the host is to try again.
    pub fn is_retryable(&self) -> bool {
        self.0.is_retryable()
    }
}

impl fmt::Display for AgentError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl<E: StdError + 'static> From<E> for AgentError {
    fn from(error: E) -> Self {
        let mut next: Option<&(dyn StdError + 'static)> = Some(&error);
        let mut message = String::new();
        let mut kind: fn(String) -> Error = Error::Retryable;
        while let Some(cause) = next {
            let text = match cause.downcast_ref::<Error>() {
                Some(error) => {
                    kind = error.kind();
                    // The kind goes along with the message, and need not be in it.
                    error.message().to_owned()
                }
                None => cause.to_string(),
            };
            if message.is_empty() {
                message = text;
            } else if !message.contains(&text) {
                // Many errors already say what caused them.
                message.push_str(": ");
                message.push_str(&text);
            }
            next = cause.source();
        }
        Self(kind(message))
    }
}

impl From<AgentError> for Error {
    fn from(error: AgentError) -> Self {
        error.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Wrapper(Error);

    impl fmt::Display for Wrapper {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("the row could not be read")
        }
    }

    impl StdError for Wrapper {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    fn with_question_mark(error: impl StdError + 'static) -> AgentError {
        fn fails(error: impl StdError + 'static) -> Result<()> {
            Err(error)?
        }
        fails(error).expect_err("it was given an error")
    }

    #[test]
    fn a_plain_error_is_retryable() {
        let error = with_question_mark("x".parse::<f64>().expect_err("x is no number"));
        assert_eq!(error, AgentError::retry("invalid float literal"));
    }

    /// Each kind of error that there is.
    fn every_kind(message: &str) -> [Error; 9] {
        let message = || message.to_owned();
        [
            Error::NotFound(message()),
            Error::Forbidden(message()),
            Error::InvalidArgument(message()),
            Error::Unsupported(message()),
            Error::Unavailable(message()),
            Error::TooLarge(message()),
            Error::Other(message()),
            Error::Retryable(message()),
            Error::Fatal(message()),
        ]
    }

    #[test]
    fn what_the_host_gave_goes_back_as_it_is() {
        for error in every_kind("Encord said so") {
            let returned = with_question_mark(error.clone());
            assert_eq!(returned.to_string(), error.to_string());
            assert_eq!(Error::from(returned), error);
        }
    }

    #[test]
    fn a_retry_helps_where_the_error_says_so() {
        let retryable: Vec<_> = every_kind("a")
            .into_iter()
            .filter(|error| with_question_mark(error.clone()).is_retryable())
            .collect();
        assert_eq!(
            retryable,
            [Error::Unavailable("a".into()), Error::Retryable("a".into())]
        );
    }

    #[test]
    fn what_the_author_decided_reaches_the_host() {
        assert_eq!(
            Error::from(AgentError::retry("a")),
            Error::Retryable("a".into())
        );
        assert_eq!(
            Error::from(AgentError::fatal("a")),
            Error::Fatal("a".into())
        );
    }

    #[test]
    fn causes_are_told_and_heeded() {
        let wrapped = every_kind("no row").map(Wrapper).map(with_question_mark);
        assert_eq!(
            wrapped.map(Error::from),
            every_kind("the row could not be read: no row")
        );
    }
}
