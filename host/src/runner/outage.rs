//! Times in which Encord cannot be used: told once, and waited for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::encord::{Error, ErrorKind};

/// Pauses between, with jitter: they double from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A pause that Encord asks for is no longer than this.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

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
    /// What waits at the moment.
    waiting: u64,
    /// When it was told, until nothing waits and something got through.
    told: Option<Instant>,
}

impl State {
    /// One begins to wait. Whether that is to be told.
    fn begins(&mut self) -> bool {
        self.waiting += 1;
        let is_news = self.told.is_none();
        self.told.get_or_insert_with(Instant::now);
        is_news
    }

    /// One got through. When it was told that some wait, if none does any more.
    fn worked(&mut self) -> Option<Instant> {
        match self.waiting {
            0 => self.told.take(),
            _ => None,
        }
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

    /// One got through. If no other waits, the outage is over.
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

/// The patience with one thing that Encord is asked for. Once it has waited, it counts among those that wait until it is dropped.
#[derive(Debug)]
pub(super) struct Patience<'a> {
    outage: &'a Outage,
    asked: Asked,
    /// How long it is asked for again and again. The client's own retries, of seconds, come on top.
    longest: Duration,
    since: Option<Instant>,
    pauses: u32,
}

impl Drop for Patience<'_> {
    fn drop(&mut self) {
        if self.since.is_some() {
            self.outage.lock(self.asked).waiting -= 1;
        }
    }
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

    /// Waits before it is asked for again, at least as long as Encord said, up to a minute. False if it was asked for long enough.
    pub(super) async fn wait(&mut self, why: &str, retry_after: Option<Duration>) -> bool {
        let since = match self.since {
            Some(since) => since,
            None => {
                if self.outage.lock(self.asked).begins() {
                    match self.asked {
                        Asked::Listing => tracing::error!("tasks cannot be listed for now: {why}"),
                        Asked::Commit => {
                            tracing::error!("decisions cannot be sent for now, and wait: {why}");
                        }
                    }
                }
                *self.since.insert(Instant::now())
            }
        };
        if since.elapsed() >= self.longest {
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

    #[test]
    fn an_outage_is_told_once_and_is_over_once_nothing_waits() {
        let mut state = State::default();
        assert_eq!(state.worked(), None);
        assert!(state.begins());
        assert!(!state.begins(), "it was told");
        // Another one got through, as beside what Encord cannot cope with.
        assert_eq!(state.worked(), None);
        state.waiting -= 1;
        assert_eq!(state.worked(), None, "one waits still");
        state.waiting -= 1;
        // The stage is paused, and one is tried on its own.
        assert!(!state.begins(), "nothing got through since it was told");
        state.waiting -= 1;
        assert!(state.worked().is_some());
        assert_eq!(state.worked(), None);
        assert!(state.begins(), "the next outage is told too");
    }

    #[tokio::test]
    async fn patience_has_an_end_and_counts_as_waiting_until_it_is_dropped() {
        let outage = Outage::default();
        let waiting = |asked| outage.lock(asked).waiting;
        let mut short = Patience::new(&outage, Asked::Commit, Duration::from_millis(300));
        assert_eq!(waiting(Asked::Commit), 0, "nothing has failed yet");
        assert!(short.wait("", None).await);
        assert!(
            !short.wait("", None).await,
            "it waited for half a second at least"
        );
        let mut none = Patience::new(&outage, Asked::Commit, Duration::ZERO);
        assert!(!none.wait("", None).await);
        assert_eq!((waiting(Asked::Commit), waiting(Asked::Listing)), (2, 0));
        drop((short, none));
        assert_eq!(waiting(Asked::Commit), 0);
    }
}
