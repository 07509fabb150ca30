//! Times in which Encord cannot be used: told once, and waited for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Pauses between, with jitter: they double from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A pause that Encord asks for is no longer than this.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// Whether Encord cannot be used. One for all parts of a run, so that each outage is told once.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When it was told.
    told: Option<Instant>,
    /// Since when commits fail, without one that got through.
    commits: Option<Instant>,
}

impl Outage {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change of it is one assignment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A commit got through: those that fail next have all of their time.
    pub(super) fn commits_work(&self) {
        self.lock().commits = None;
    }

    fn began(&self, why: &str) {
        let told = &mut self.lock().told;
        if told.is_none() {
            *told = Some(Instant::now());
            tracing::error!("Encord cannot be used for now, what is to be done waits: {why}");
        }
    }

    fn over(&self) {
        if let Some(began) = self.lock().told.take() {
            tracing::warn!(
                "Encord answers again, after {:.0} s",
                began.elapsed().as_secs_f64()
            );
        }
    }
}

/// The patience with one thing that Encord is asked for.
#[derive(Debug)]
pub(super) struct Patience<'a> {
    outage: &'a Outage,
    /// How long it is asked for again and again. The client's own retries, of seconds, come on top.
    longest: Duration,
    is_commit: bool,
    since: Option<Instant>,
    pauses: u32,
}

impl<'a> Patience<'a> {
    pub(super) fn new(outage: &'a Outage, longest: Duration) -> Self {
        Self {
            outage,
            longest,
            is_commit: false,
            since: None,
            pauses: 0,
        }
    }

    /// For a commit. As long as none gets through, all share one time: one after another would take as many times as long.
    pub(super) fn of_commit(outage: &'a Outage, longest: Duration) -> Self {
        Self {
            is_commit: true,
            ..Self::new(outage, longest)
        }
    }

    /// It worked.
    pub(super) fn over(&self) {
        if self.since.is_some() {
            self.outage.over();
        }
    }

    /// Waits before it is asked for again, at least as long as Encord said, up to a minute. False if it was asked for long enough.
    pub(super) async fn wait(&mut self, why: &str, retry_after: Option<Duration>) -> bool {
        let now = Instant::now();
        let own = *self.since.get_or_insert(now);
        let since = match self.is_commit {
            true => own.min(*self.outage.lock().commits.get_or_insert(now)),
            false => own,
        };
        self.outage.began(why);
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
