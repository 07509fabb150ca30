//! How fast the client may ask. Encord says when it was too fast (429), never how fast it may be, so the
//! client learns it: unlimited at first, halved with each 429, and a little faster with each answer since.
//!
//! [`Rate`] decides and is told the time; [`Limiter`] waits. What Encord asks one request to wait, all
//! requests of the client wait. After such a pause they leave one after another, in the order in which they
//! came back, so that those who waited together do not arrive together.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::retry::LONGEST_WAIT;

/// What is left of the rate after a 429.
const CUT: f64 = 0.5;
/// How much the rate grows while it is used to the full, in requests per second per second.
const GROWTH: f64 = 0.5;
/// A few requests say little about the limit, so that less than this was not the reason, in requests per
/// second. Further 429s go below.
const FEW: f64 = 20.0;
/// The lowest rate, in requests per second.
const LEAST: f64 = 0.2;
/// A rate that has grown to this, in requests per second, limits nothing and is forgotten.
const PLENTY: f64 = 200.0;
/// The pause if Encord does not say how long.
const UNSAID_PAUSE: Duration = Duration::from_secs(1);
/// How far back the rate is measured.
const WINDOW: Duration = Duration::from_secs(5);

/// The times at which requests may be sent.
#[derive(Debug, Default)]
struct Rate {
    /// Requests per second. Absent until the first 429.
    limit: Option<f64>,
    /// The next free slot.
    next: Option<Instant>,
    /// The end of the latest pause.
    paused_until: Option<Instant>,
    /// The last time the rate was cut. A 429 to what was sent before says nothing about the new rate.
    cut_at: Option<Instant>,
    /// Counts the times that all slots given out were taken back.
    plan: u64,
    /// When the latest requests were sent, as far back as the window.
    recent: VecDeque<Instant>,
}

/// Leave to send one request at a time, unless the plan changes before.
#[derive(Clone, Copy, Debug)]
struct Slot {
    at: Instant,
    plan: u64,
}

impl Rate {
    /// Gives out the next slot.
    fn reserve(&mut self, now: Instant) -> Slot {
        let at = self.next.map_or(now, |next| next.max(now));
        if let Some(limit) = self.limit {
            self.next = Some(at + Duration::from_secs_f64(1.0 / limit));
        }
        Slot {
            at,
            plan: self.plan,
        }
    }

    /// Whether the slot still holds. If so, the request counts as sent.
    fn begins(&mut self, slot: Slot, now: Instant) -> bool {
        let holds = slot.plan == self.plan;
        if holds {
            self.forget_old(now);
            self.recent.push_back(now);
        }
        holds
    }

    /// A request was answered with something else than a 429.
    fn answered(&mut self) {
        if let Some(limit) = &mut self.limit {
            *limit += GROWTH / *limit;
            if *limit >= PLENTY {
                self.limit = None;
                self.next = self.paused_until;
            }
        }
    }

    /// A request that was sent at `sent` was answered with a 429 that asked to wait, or did not say how long.
    /// Returns the new plan if there is one: the pause, and the rate after it.
    fn limited(
        &mut self,
        sent: Instant,
        now: Instant,
        asked: Option<Duration>,
    ) -> Option<(Duration, f64)> {
        let pause = asked.unwrap_or(UNSAID_PAUSE).min(LONGEST_WAIT);
        let until = now + pause;
        let is_news = self.cut_at.is_none_or(|cut| sent > cut);
        let is_longer = self.paused_until.is_none_or(|paused| until > paused);
        if is_news {
            let base = self.observed(now).max(FEW);
            let base = self.limit.map_or(base, |limit| limit.min(base));
            self.limit = Some((base * CUT).max(LEAST));
            self.cut_at = Some(now);
        }
        // What was asked last may be shorter than what was asked before, which then still holds.
        if is_longer {
            self.paused_until = Some(until);
        }
        if !is_news && !is_longer {
            return None;
        }
        self.plan += 1;
        self.next = self.paused_until;
        Some((pause, self.limit.unwrap_or(PLENTY)))
    }

    /// Requests per second, over the window.
    fn observed(&mut self, now: Instant) -> f64 {
        self.forget_old(now);
        match self.recent.front() {
            // Of a burst, no more is known than that it was sent within a second.
            Some(first) => self.recent.len() as f64 / (now - *first).as_secs_f64().max(1.0),
            None => 0.0,
        }
    }

    fn forget_old(&mut self, now: Instant) {
        while self
            .recent
            .front()
            .is_some_and(|sent| now.saturating_duration_since(*sent) > WINDOW)
        {
            self.recent.pop_front();
        }
    }
}

/// What all requests of a client go through before they are sent.
#[derive(Debug, Default)]
pub(super) struct Limiter(Mutex<Rate>);

impl Limiter {
    /// Waits until a request may be sent, and returns the time of that. A future that is dropped leaves its
    /// slot empty.
    pub(super) async fn turn(&self) -> Instant {
        loop {
            let now = Instant::now();
            let slot = self.lock().reserve(now);
            if slot.at > now {
                tokio::time::sleep_until(slot.at).await;
            }
            let now = Instant::now();
            if self.lock().begins(slot, now) {
                return now;
            }
        }
    }

    /// A request was answered with something else than a 429.
    pub(super) fn answered(&self) {
        self.lock().answered();
    }

    /// A request that was sent at `sent` was answered with a 429.
    pub(super) fn limited(&self, sent: Instant, asked: Option<Duration>) {
        let plan = self.lock().limited(sent, Instant::now(), asked);
        if let Some((pause, rate)) = plan {
            tracing::info!(
                "Encord limits how often it can be asked: no request for {:.1} s, then at most {rate:.1} a second",
                pause.as_secs_f64()
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Rate> {
        // Each change is complete or not begun, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "rate_tests.rs"]
mod tests;
