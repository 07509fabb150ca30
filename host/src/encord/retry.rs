//! When a request is sent again, and how long the client waits before.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::operation::Repeat;

/// Attempts of one request, the first included. Encord's own SDK makes as many.
pub(super) const ATTEMPTS: u32 = 4;

/// The longest wait that Encord can ask for and get. If it asks for more, the request fails, and whoever
/// scheduled it decides.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The same for a request that was turned away by the rate limit: it did nothing, and the client slows down
/// with each of them.
const TURNED_AWAY: u32 = 8;

const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// How an attempt ended, as far as retries care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// There was no connection, so Encord never saw the request.
    NotSent,
    /// The request was on its way and no answer came.
    NoAnswer,
    /// An answer with this HTTP status, and the wait that it asked for.
    Answered {
        status: u16,
        retry_after: Option<Duration>,
    },
}

impl Failure {
    /// Whether Encord may have carried the request out all the same.
    pub(super) fn may_have_been_applied(self) -> bool {
        match self {
            Failure::NotSent => false,
            Failure::NoAnswer => true,
            Failure::Answered { status, .. } => status == 408 || status >= 500,
        }
    }
}

/// How long to wait before the next attempt, or `None` to give up.
///
/// `attempt` counts those that were made, from 1. `jitter` is random, from 0 to 1: the wait is that part of
/// 1, 2, 4, 8 seconds, so that hosts that failed together do not come back together.
pub(super) fn wait(
    repeat: Repeat,
    failure: Failure,
    attempt: u32,
    jitter: f64,
) -> Option<Duration> {
    let turned_away = matches!(failure, Failure::Answered { status: 429, .. });
    if attempt >= if turned_away { TURNED_AWAY } else { ATTEMPTS } {
        return None;
    }
    let asked = match failure {
        Failure::NotSent => None,
        Failure::NoAnswer if repeat == Repeat::Always => None,
        // Turned away before it was carried out, whatever the operation.
        Failure::Answered {
            status: 429,
            retry_after,
        } => retry_after,
        Failure::Answered {
            status: 408 | 500 | 502 | 503 | 504,
            retry_after,
        } if repeat == Repeat::Always => retry_after,
        // "Too large" without a time to come back means too large for ever: the bundle is to be split.
        Failure::Answered {
            status: 413,
            retry_after: Some(after),
        } => Some(after),
        Failure::NoAnswer | Failure::Answered { .. } => return None,
    };
    match asked {
        Some(asked) => (asked <= LONGEST_WAIT).then_some(asked),
        None => {
            let ceiling = FIRST_BACKOFF * 2u32.pow(attempt.saturating_sub(1).min(3));
            Some(ceiling.mul_f64(jitter.clamp(0.0, 1.0)))
        }
    }
}

/// Reads a header `Retry-After`: seconds, or the date at which to come back. A date in the past is no wait.
pub(super) fn parse_retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new()
        .parse_timestamp(header)
        .ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16) -> Failure {
        Failure::Answered {
            status,
            retry_after: None,
        }
    }

    #[test]
    fn retry_after_in_seconds_and_as_a_date() {
        let now: Timestamp = "2025-01-15T09:30:00Z".parse().expect("timestamp");
        for (header, expected) in [
            ("0", Some(0)),
            (" 17 ", Some(17)),
            ("Wed, 15 Jan 2025 09:30:42 GMT", Some(42)),
            ("Wed, 15 Jan 2025 09:29:00 GMT", Some(0)),
            ("soon", None),
            ("-3", None),
            ("1.5", None),
            ("", None),
        ] {
            assert_eq!(
                parse_retry_after(header, now),
                expected.map(Duration::from_secs),
                "{header}"
            );
        }
    }

    #[test]
    fn only_what_can_be_repeated_is_repeated() {
        use Repeat::{Always, IfNotCarriedOut};
        for (repeat, failure, retried) in [
            (Always, Failure::NotSent, true),
            (Always, Failure::NoAnswer, true),
            (Always, answered(429), true),
            (Always, answered(500), true),
            (Always, answered(502), true),
            (Always, answered(503), true),
            (Always, answered(504), true),
            (Always, answered(400), false),
            (Always, answered(401), false),
            (Always, answered(403), false),
            (Always, answered(413), false),
            (Always, answered(501), false),
            (IfNotCarriedOut, Failure::NotSent, true),
            (IfNotCarriedOut, answered(429), true),
            (IfNotCarriedOut, Failure::NoAnswer, false),
            (IfNotCarriedOut, answered(500), false),
            (IfNotCarriedOut, answered(503), false),
        ] {
            let found = wait(repeat, failure, 1, 0.5).is_some();
            assert_eq!(found, retried, "{repeat:?} {failure:?}");
        }
    }

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<_> = (1..=ATTEMPTS)
            .map(|attempt| wait(Repeat::Always, answered(503), attempt, 1.0))
            .collect();
        assert_eq!(
            waits,
            [1, 2, 4]
                .map(|seconds| Some(Duration::from_secs(seconds)))
                .into_iter()
                .chain([None])
                .collect::<Vec<_>>()
        );
        let turned_away = |attempt| wait(Repeat::IfNotCarriedOut, answered(429), attempt, 1.0);
        assert_eq!(turned_away(7), Some(Duration::from_secs(8)));
        assert_eq!(turned_away(8), None);
        assert_eq!(
            wait(Repeat::Always, answered(503), 3, 0.0),
            Some(Duration::ZERO)
        );
    }

    #[test]
    fn encord_says_when_to_come_back() {
        let asked = |status, seconds| Failure::Answered {
            status,
            retry_after: Some(Duration::from_secs(seconds)),
        };
        for status in [413, 429, 503] {
            assert_eq!(
                wait(Repeat::Always, asked(status, 7), 1, 0.1),
                Some(Duration::from_secs(7))
            );
            assert_eq!(wait(Repeat::Always, asked(status, 61), 1, 0.1), None);
        }
    }

    #[test]
    fn which_failures_leave_doubt() {
        assert!(!Failure::NotSent.may_have_been_applied());
        assert!(Failure::NoAnswer.may_have_been_applied());
        assert!(answered(502).may_have_been_applied());
        assert!(!answered(429).may_have_been_applied());
    }
}
