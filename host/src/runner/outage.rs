//! Times in which Encord cannot be used: told once, and waited for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::encord::{Error, ErrorKind};

/// Pauses between, with jitter: they double from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A pause that Encord asks for is no longer than this.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// Commits that fail for less than this, with none that gets through, are no outage.
const NO_OUTAGE: Duration = Duration::from_secs(1);

/// Whether what Encord answered to an agent or to a commit may be another answer later: the network, a 5xx, too many requests,
/// or a key that is refused, which a person has to mend. A listing with such a key ends the run.
pub(super) fn is_for_now(error: &Error) -> bool {
    error.is_transient() || error.kind() == ErrorKind::Authentication
}

/// Whether listings or commits wait for Encord. One for all parts of a run, so that each outage is told once.
#[derive(Debug, Default)]
pub(super) struct Outage {
    listings: Mutex<State>,
    commits: Mutex<State>,
}

/// What Encord is asked for again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Listing,
    Commit,
}

#[derive(Debug, Default)]
struct State {
    /// When one failed first, and last, if none got through since.
    failing: Option<(Instant, Instant)>,
    /// It was told.
    told: bool,
}

impl State {
    /// One failed. Returns since when they do, as long as there are further ones within `longest`.
    fn failed(&mut self, now: Instant, longest: Duration) -> Instant {
        let still = |(_, last): &(Instant, Instant)| now.duration_since(*last) <= longest;
        let first = self.failing.filter(still).map_or(now, |(first, _)| first);
        self.failing = Some((first, now));
        first
    }

    /// Whether it is to be told now.
    fn is_news(&mut self) -> bool {
        !std::mem::replace(&mut self.told, true)
    }

    /// One got through. Returns since when they had failed, if that was told.
    fn worked(&mut self) -> Option<Instant> {
        let failing = self.failing.take();
        let told = std::mem::take(&mut self.told);
        failing.filter(|_| told).map(|(first, _)| first)
    }
}

impl Outage {
    fn lock(&self, asked: Asked) -> MutexGuard<'_, State> {
        let state = match asked {
            Asked::Listing => &self.listings,
            Asked::Commit => &self.commits,
        };
        // A panic in between leaves nothing worse than a message too many.
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One got through: those that fail next have all of their time.
    pub(super) fn worked(&self, asked: Asked) {
        if let Some(began) = self.lock(asked).worked() {
            let what = match asked {
                Asked::Listing => "tasks can be listed again",
                Asked::Commit => "decisions can be sent again",
            };
            tracing::warn!("{what}, after {:.0} s", began.elapsed().as_secs_f64());
        }
    }
}

/// The patience with one thing that Encord is asked for.
#[derive(Debug)]
pub(super) struct Patience<'a> {
    outage: &'a Outage,
    asked: Asked,
    /// How long it is asked for again and again. The client's own retries, of seconds, come on top. As long as no commit gets
    /// through, all share one time: one after another would take as many times as long.
    longest: Duration,
    since: Option<Instant>,
    pauses: u32,
}

impl<'a> Patience<'a> {
    pub(super) fn new(outage: &'a Outage, asked: Asked, longest: Duration) -> Self {
        Self {
            outage,
            asked,
            longest,
            since: None,
            pauses: 0,
        }
    }

    /// It failed. Returns since when there is patience with it, and whether that is to be told.
    fn failed(&mut self, now: Instant) -> (Instant, bool) {
        let own = *self.since.get_or_insert(now);
        let mut state = self.outage.lock(self.asked);
        let all = state.failed(now, self.longest);
        let (since, certain) = match self.asked {
            Asked::Listing => (own, true),
            // One that Encord cannot cope with, beside others that get through, says nothing about those.
            Asked::Commit => (own.min(all), now.duration_since(all) >= NO_OUTAGE),
        };
        (since, certain && state.is_news())
    }

    /// Waits before it is asked for again, at least as long as Encord said, up to a minute. False if it was asked for long
    /// enough, at once if commits have failed for so long already.
    pub(super) async fn wait(&mut self, why: &str, retry_after: Option<Duration>) -> bool {
        let now = Instant::now();
        let (since, tell) = self.failed(now);
        if tell {
            match self.asked {
                Asked::Listing => tracing::error!("tasks cannot be listed for now: {why}"),
                Asked::Commit => {
                    tracing::error!("decisions cannot be sent for now, and wait: {why}");
                }
            }
        }
        if now.duration_since(since) >= self.longest {
            return false;
        }
        let doubled = FIRST_PAUSE
            .saturating_mul(1 << self.pauses.min(8))
            .min(LONGEST_PAUSE);
        self.pauses += 1;
        let pause = doubled.mul_f64(rand::random_range(0.5..=1.0));
        let asked = retry_after.unwrap_or_default().min(LONGEST_ASKED);
        tokio::time::sleep(pause.max(asked)).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn what_fails_shares_one_time_until_something_gets_through() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut state = State::default();
        for seconds in [0, 30, 60, 90, 150] {
            assert_eq!(state.failed(after(seconds), MINUTE), start);
            assert_eq!(state.is_news(), seconds == 0, "it is told once");
        }
        assert_eq!(state.worked(), Some(start));
        assert_eq!(state.worked(), None);

        assert_eq!(state.failed(after(160), MINUTE), after(160));
        assert!(state.is_news(), "the next outage is told too");
        // Nothing was sent for some time, so that nobody knows how long it lasted.
        assert_eq!(state.failed(after(221), MINUTE), after(221));
    }

    #[tokio::test]
    async fn a_commit_has_no_patience_if_others_failed_for_as_long() {
        let outage = &Outage::default();
        let longest = Duration::from_millis(100);
        let mut first = Patience::new(outage, Asked::Commit, longest);
        assert!(
            first.wait("", None).await,
            "it waits for half a second at least"
        );
        let ago = Instant::now()
            .checked_sub(longest)
            .expect("the machine is up");
        outage.lock(Asked::Commit).failing = Some((ago, Instant::now()));
        let began = Instant::now();
        let wait =
            |asked| async move { Patience::new(outage, asked, longest).wait("", None).await };
        assert!(!wait(Asked::Commit).await);
        assert!(began.elapsed() < FIRST_PAUSE / 2, "at once");
        // Listings fail by themselves.
        assert!(wait(Asked::Listing).await);
    }
}
