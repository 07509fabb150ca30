//! Times in which Encord cannot be used: told once, and waited for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::encord::{Error, ErrorKind};

/// Pauses between, with jitter: they double from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A pause that Encord asks for is no longer than this.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// Commits that fail for less than this, each beside others that get through, are no outage.
const NO_OUTAGE: Duration = Duration::from_secs(1);

/// Whether an error says that Encord cannot be used for now, whatever it is asked for: the network, a 5xx, too many requests,
/// or a key that is refused, which a person has to mend.
pub(super) fn is_for_now(error: &Error) -> bool {
    error.is_transient() || error.kind() == ErrorKind::Authentication
}

/// Whether Encord cannot be used. One for all parts of a run, so that each outage is told once.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When it was told.
    told: Option<Instant>,
    /// Since when listings fail, and commits, without one that got through.
    failing: [Option<Instant>; 2],
    /// Since when commits that fail share their patience.
    sharing: Option<Instant>,
}

/// What Encord is asked for again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Listing = 0,
    Commit = 1,
}

impl State {
    /// It failed at `now`, for the first time at `since`. Returns since when there is patience with it, and whether the
    /// outage is to be told.
    fn failed(&mut self, asked: Asked, since: Instant, now: Instant) -> (Instant, bool) {
        let failing = *self.failing[asked as usize].get_or_insert(now);
        let (since, certain) = match asked {
            Asked::Listing => (since, true),
            // One that Encord cannot cope with says nothing about the others.
            Asked::Commit => (
                since.min(*self.sharing.get_or_insert(now)),
                now.duration_since(failing) >= NO_OUTAGE,
            ),
        };
        let tell = certain && self.told.is_none();
        if tell {
            self.told = Some(failing);
        }
        (since, tell)
    }

    /// It got through. Returns when the outage began, if it is over and was told.
    fn worked(&mut self, asked: Asked) -> Option<Instant> {
        self.failing[asked as usize] = None;
        if asked == Asked::Commit {
            self.sharing = None;
        }
        match self.failing {
            [None, None] => self.told.take(),
            _ => None,
        }
    }
}

impl Outage {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in between leaves nothing worse than a message too many.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something got through: commits that fail next have all of their time.
    pub(super) fn worked(&self, asked: Asked) {
        if let Some(began) = self.lock().worked(asked) {
            tracing::warn!(
                "Encord answers again, after {:.0} s",
                began.elapsed().as_secs_f64()
            );
        }
    }

    /// Commits that fail from now on have all of their time, whatever came before.
    pub(super) fn begin_anew(&self) {
        self.lock().sharing = None;
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

    /// Waits before it is asked for again, at least as long as Encord said, up to a minute. False if it was asked for long
    /// enough, at once if commits have failed for so long already.
    pub(super) async fn wait(&mut self, why: &str, retry_after: Option<Duration>) -> bool {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        let (since, tell) = self.outage.lock().failed(self.asked, since, now);
        if tell {
            tracing::error!("Encord cannot be used for now, what is to be done waits: {why}");
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

    /// So many seconds later.
    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn commits_share_their_patience_as_long_as_none_gets_through() {
        let start = Instant::now();
        let mut state = State::default();
        let first = state.failed(Asked::Commit, start, start);
        assert_eq!(first, (start, false), "perhaps it is this one only");
        let (since, tell) = state.failed(Asked::Commit, start, after(start, 1));
        assert_eq!((since, tell), (start, true));
        // Another one that fails much later has no more patience than the first, and nothing is told again.
        let late = after(start, 90);
        assert_eq!(state.failed(Asked::Commit, late, late), (start, false));

        assert_eq!(state.worked(Asked::Commit), Some(start));
        let next = after(start, 100);
        assert_eq!(state.failed(Asked::Commit, next, next), (next, false));
        let told = state.failed(Asked::Commit, next, after(start, 101));
        assert_eq!(told, (next, true), "the next outage is told too");
    }

    #[test]
    fn one_commit_that_fails_beside_others_is_no_outage_and_has_an_end() {
        let start = Instant::now();
        let mut state = State::default();
        for second in 0..60 {
            let now = after(start, second);
            assert_eq!(state.failed(Asked::Commit, start, now), (start, false));
            assert_eq!(state.worked(Asked::Commit), None);
        }
    }

    #[test]
    fn listings_have_a_patience_of_their_own() {
        let start = Instant::now();
        let mut state = State::default();
        state.failed(Asked::Commit, start, start);
        let late = after(start, 70);
        assert_eq!(state.failed(Asked::Listing, late, late), (late, true));
        // It is over once both work.
        assert_eq!(state.worked(Asked::Listing), None);
        assert_eq!(state.worked(Asked::Commit), Some(late));
        assert_eq!(state.worked(Asked::Commit), None);
    }

    #[test]
    fn the_patience_of_an_earlier_stage_is_no_matter() {
        let (start, outage) = (Instant::now(), Outage::default());
        outage.lock().failed(Asked::Commit, start, start);
        outage.begin_anew();
        let late = after(start, 70);
        let (since, _) = outage.lock().failed(Asked::Commit, late, late);
        assert_eq!(since, late);
    }
}
