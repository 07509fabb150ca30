//! Times in which Encord cannot be reached: told once, and waited for.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one thing is asked for again and again while Encord cannot be reached. The client's own retries, of seconds,
/// come on top.
const LONGEST: Duration = Duration::from_secs(60);

/// Pauses between, with jitter: they double from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Whether Encord cannot be reached. One for all parts of a run, so that each outage is told once.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<Option<Instant>>);

impl Outage {
    fn began(&self, why: &str) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_none() {
            *since = Some(Instant::now());
            tracing::error!("Encord cannot be used for now, what is to be done waits: {why}");
        }
    }

    fn over(&self) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(began) = since.take() {
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
    since: Option<Instant>,
    pauses: u32,
}

impl<'a> Patience<'a> {
    pub(super) fn new(outage: &'a Outage) -> Self {
        Self {
            outage,
            since: None,
            pauses: 0,
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
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() >= LONGEST {
            return false;
        }
        self.outage.began(why);
        let doubled = FIRST_PAUSE
            .saturating_mul(1 << self.pauses.min(8))
            .min(LONGEST_PAUSE);
        self.pauses += 1;
        let pause = doubled.mul_f64(rand::random_range(0.5..=1.0));
        tokio::time::sleep(pause.max(retry_after.unwrap_or_default().min(LONGEST))).await;
        true
    }
}
