//! What the client knows of Encord's clock, and when Encord asked it to come back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};

#[derive(Debug, Default)]
pub(super) struct Clock(Mutex<Known>);

#[derive(Debug, Default, Clone, Copy)]
struct Known {
    /// By how much Encord's clock is ahead of this machine's, to the second.
    ahead: Option<SignedDuration>,
    /// When to come back.
    back_at: Option<Instant>,
}

impl Clock {
    fn lock(&self) -> MutexGuard<'_, Known> {
        // Each change is one assignment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns from the header `Date` of an answer.
    pub(super) fn read(&self, date: &str, now: Timestamp) {
        if let Ok(date) = rfc2822::DateTimeParser::new().parse_timestamp(date) {
            self.lock().ahead = Some(date.duration_since(now));
        }
    }

    /// What Encord's clock shows when this machine's shows `now`, to the second; none before the first answer.
    pub(super) fn at(&self, now: Timestamp) -> Option<Timestamp> {
        let ahead = self.lock().ahead?;
        now.checked_add(ahead).ok()
    }

    /// Encord asked not to come back before so long.
    pub(super) fn come_back_in(&self, wait: Duration) {
        let at = Instant::now() + wait;
        let mut known = self.lock();
        known.back_at = Some(known.back_at.map_or(at, |known| known.max(at)));
    }

    /// How long it is until then; zero if it did not ask.
    pub(super) fn left(&self) -> Duration {
        let back_at = self.lock().back_at;
        back_at.map_or(Duration::ZERO, |at| {
            at.saturating_duration_since(Instant::now())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encords_clock_is_known_from_its_answers() {
        let clock = Clock::default();
        let now: Timestamp = "2025-01-15T09:30:00Z".parse().expect("timestamp");
        assert_eq!(clock.at(now), None);
        clock.read("yesterday", now);
        assert_eq!(clock.at(now), None);
        clock.read("Wed, 15 Jan 2025 09:31:30 GMT", now);
        let later = now + Duration::from_secs(10);
        let expected: Timestamp = "2025-01-15T09:31:40Z".parse().expect("timestamp");
        assert_eq!(clock.at(later), Some(expected));
    }

    #[test]
    fn the_longest_wait_counts() {
        let clock = Clock::default();
        assert_eq!(clock.left(), Duration::ZERO);
        clock.come_back_in(Duration::from_secs(1_000));
        clock.come_back_in(Duration::from_secs(1));
        assert!(clock.left() > Duration::from_secs(900));
    }
}
