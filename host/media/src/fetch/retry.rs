//! How often a download is tried, and how long it waits before.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// Requests in a row that brought nothing, the first included.
const FRUITLESS: u32 = 4;
/// Requests of one download, however much each brings: a file that comes in crumbs never ends otherwise.
const MOST_REQUESTS: u32 = 200;
/// Fresh URLs in a row that brought nothing.
const MOST_FRESH: u32 = 2;
/// The longest wait that a store can ask for and get.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What one download has tried so far.
#[derive(Debug)]
pub(super) struct Tries {
    backoff: Duration,
    fruitless: u32,
    requests: u32,
    fresh: u32,
    started_over: bool,
}

impl Tries {
    /// `backoff` is the longest wait before the first repeat.
    pub(super) fn new(backoff: Duration) -> Self {
        Self {
            backoff,
            fruitless: 0,
            requests: 0,
            fresh: 0,
            started_over: false,
        }
    }

    /// A request brought a part of the file.
    pub(super) fn progressed(&mut self) {
        self.fruitless = 0;
        self.fresh = 0;
    }

    /// Whether a fresh URL may be asked for.
    pub(super) fn may_ask_again(&mut self) -> bool {
        self.requests += 1;
        self.fresh += 1;
        self.fresh <= MOST_FRESH && self.requests < MOST_REQUESTS
    }

    /// Whether a file that came damaged may be downloaded again: once.
    pub(super) fn may_start_over(&mut self) -> bool {
        self.requests += 1;
        !std::mem::replace(&mut self.started_over, true)
    }

    /// How long to wait before the next request, or `None` to give up. `jitter` is random, from 0 to 1: the wait is that
    /// part of the longest, so that downloads that failed together do not come back together.
    pub(super) fn wait(&mut self, asked: Option<Duration>, jitter: f64) -> Option<Duration> {
        self.requests += 1;
        self.fruitless += 1;
        if self.fruitless >= FRUITLESS || self.requests >= MOST_REQUESTS {
            return None;
        }
        match asked {
            Some(asked) => (asked <= LONGEST_WAIT).then_some(asked),
            None => {
                let longest = self.backoff * 2_u32.pow(self.fruitless - 1);
                Some(longest.mul_f64(jitter.clamp(0.0, 1.0)))
            }
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
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(parse_retry_after(header, now), expected, "{header}");
        }
    }

    #[test]
    fn waits_grow_and_end_unless_something_comes() {
        let second = Duration::from_secs(1);
        let mut tries = Tries::new(second);
        assert_eq!(tries.wait(None, 1.0), Some(second));
        assert_eq!(tries.wait(None, 0.5), Some(second));
        tries.progressed();
        assert_eq!(tries.wait(None, 1.0), Some(second));
        assert_eq!(tries.wait(None, 1.0), Some(2 * second));
        assert_eq!(tries.wait(None, 1.0), Some(4 * second));
        assert_eq!(tries.wait(None, 1.0), None);
    }

    #[test]
    fn the_store_says_when_to_come_back() {
        let asked = Duration::from_secs(7);
        assert_eq!(Tries::new(asked).wait(Some(asked), 0.0), Some(asked));
        let asked = Duration::from_secs(61);
        assert_eq!(Tries::new(asked).wait(Some(asked), 0.0), None);
    }

    #[test]
    fn crumbs_end() {
        let mut tries = Tries::new(Duration::ZERO);
        let mut requests = 0;
        while tries.wait(None, 1.0).is_some() {
            tries.progressed();
            requests += 1;
        }
        assert_eq!(requests, MOST_REQUESTS - 1);
    }

    #[test]
    fn two_fresh_urls_in_a_row_and_one_new_start() {
        let mut tries = Tries::new(Duration::ZERO);
        assert!(tries.may_ask_again() && tries.may_ask_again() && !tries.may_ask_again());
        tries.progressed();
        assert!(tries.may_ask_again());
        assert!(tries.may_start_over() && !tries.may_start_over());
    }
}
