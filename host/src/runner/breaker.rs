//! Pauses a stage at which everything fails, and tries one task at a time until one works.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Pause before the first task is tried on its own; it doubles with each that fails.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Tasks that are tried on their own before the rest of the stage is left for later: with the pauses, half a minute.
const PROBES: u32 = 5;

/// Of one stage, for one drain of it.
#[derive(Debug)]
pub(super) struct Breaker {
    state: Mutex<State>,
    changed: Notify,
    /// Failed tasks in a row after which the stage is paused.
    most: u64,
    /// See [`FIRST_PAUSE`].
    first_pause: Duration,
    /// Cancelled once the rest of the stage is left for later.
    given_up: CancellationToken,
    /// The stage was paused at some time.
    was_paused: AtomicBool,
}

#[derive(Debug)]
enum State {
    /// Attempts begin. So many tasks failed since the last one that worked.
    Closed {
        failing: u64,
    },
    /// One attempt at a time.
    Open {
        /// Tasks that were tried on their own, and failed.
        probes: u32,
        /// One may be tried now.
        next: Instant,
        /// One is being tried.
        probing: bool,
    },
    GivenUp,
}

/// The right to make attempts at one task, and the way to tell how that went. Dropped without a word, it went neither way.
#[derive(Debug, Clone)]
pub(super) struct Pass(Arc<PassInner>);

#[derive(Debug)]
struct PassInner {
    breaker: Arc<Breaker>,
    /// The stage is paused, and this is the one task that is tried.
    probe: bool,
    /// How the probe went was told.
    told: AtomicBool,
}

impl Breaker {
    /// `most` of 0: never. A stage that was paused before begins with one task on its own.
    pub(super) fn new(
        most: u64,
        first_pause: Duration,
        was_paused: bool,
        given_up: CancellationToken,
    ) -> Arc<Self> {
        let state = if was_paused && most > 0 {
            State::Open {
                probes: PROBES - 1,
                next: Instant::now(),
                probing: false,
            }
        } else {
            State::Closed { failing: 0 }
        };
        Arc::new(Self {
            state: Mutex::new(state),
            changed: Notify::new(),
            most,
            first_pause,
            given_up,
            was_paused: AtomicBool::new(was_paused),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change of it is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the stage was paused at some time: what could not be had with a batch may be there by now.
    pub(super) fn was_paused(&self) -> bool {
        self.was_paused.load(Ordering::Relaxed)
    }

    /// Whether the rest of the stage was left for later.
    pub(super) fn has_given_up(&self) -> bool {
        matches!(*self.lock(), State::GivenUp)
    }

    /// Waits until an attempt may begin. None once the rest of the stage is left for later; the caller sees to it that it
    /// does not wait beyond the end of the run.
    pub(super) async fn enter(self: &Arc<Self>) -> Option<Pass> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            let pass = |probe| {
                Some(Pass(Arc::new(PassInner {
                    breaker: Arc::clone(self),
                    probe,
                    told: AtomicBool::new(false),
                })))
            };
            let at = match &mut *self.lock() {
                State::Closed { .. } => return pass(false),
                State::GivenUp => return None,
                State::Open { probing: true, .. } => None,
                State::Open { next, probing, .. } if *next <= Instant::now() => {
                    *probing = true;
                    return pass(true);
                }
                State::Open { next, .. } => Some(*next),
            };
            match at {
                Some(at) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(at) => {}
                },
                None => changed.await,
            }
        }
    }
}

impl Pass {
    /// Whether the stage is paused, and this is the one task that is tried.
    pub(super) fn is_probe(&self) -> bool {
        self.0.probe
    }

    /// A task was decided, and that was carried out.
    pub(super) fn worked(&self) {
        let breaker = &self.0.breaker;
        let mut state = breaker.lock();
        let was_open = matches!(*state, State::Open { .. });
        if !matches!(*state, State::GivenUp) {
            *state = State::Closed { failing: 0 };
        }
        drop(state);
        if was_open {
            tracing::warn!("a task worked again: the stage goes on");
            breaker.changed.notify_waiters();
        }
    }

    /// An attempt failed, or what was decided could not be carried out. `first` says that the task had not failed before.
    pub(super) fn failed(&self, first: bool, kind: &str, message: &str) {
        let breaker = &self.0.breaker;
        let mut state = breaker.lock();
        let line = message.lines().next().unwrap_or_default();
        match &mut *state {
            State::Closed { failing } => {
                *failing += u64::from(first);
                if breaker.most == 0 || *failing < breaker.most {
                    return;
                }
                let failed = *failing;
                breaker.was_paused.store(true, Ordering::Relaxed);
                *state = State::Open {
                    probes: 0,
                    next: Instant::now() + breaker.first_pause,
                    probing: false,
                };
                drop(state);
                tracing::error!(
                    "the stage is paused, since {failed} tasks failed in a row, the last one like this ({kind}): {line}\n\
                     One task at a time is tried until one works; the others wait."
                );
            }
            State::Open {
                probes,
                next,
                probing,
            } if self.0.probe && !self.0.told.swap(true, Ordering::Relaxed) => {
                *probes += 1;
                if *probes >= PROBES {
                    *state = State::GivenUp;
                    drop(state);
                    tracing::error!(
                        "the stage stays paused, its other tasks are left for later: every task fails, lately like this \
                         ({kind}): {line}"
                    );
                    breaker.given_up.cancel();
                } else {
                    *next = Instant::now() + breaker.first_pause * 2u32.pow(*probes);
                    *probing = false;
                }
            }
            // It began before the stage was paused.
            State::Open { .. } | State::GivenUp => return,
        }
        breaker.changed.notify_waiters();
    }
}

impl Drop for PassInner {
    fn drop(&mut self) {
        if !self.probe || self.told.load(Ordering::Relaxed) {
            return;
        }
        // Of a probe that told nothing, another one follows at once.
        if let State::Open { probing, .. } = &mut *self.breaker.lock() {
            *probing = false;
        }
        self.breaker.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures::poll;

    use super::*;

    const PAUSE: Duration = Duration::from_millis(2);

    fn breaker(most: u64, was_paused: bool) -> (Arc<Breaker>, CancellationToken) {
        let given_up = CancellationToken::new();
        let breaker = Breaker::new(most, PAUSE, was_paused, given_up.clone());
        (breaker, given_up)
    }

    async fn pass(breaker: &Arc<Breaker>) -> Pass {
        breaker.enter().await.expect("it has not given up")
    }

    fn trap(pass: &Pass, first: bool) {
        pass.failed(first, "trap", "unreachable");
    }

    #[tokio::test]
    async fn a_stage_at_which_everything_fails_is_paused_and_goes_on_when_a_task_works() {
        let (breaker, _) = breaker(3, false);
        let (kept, other) = (pass(&breaker).await, pass(&breaker).await);
        trap(&kept, true);
        trap(&kept, false);
        trap(&other, true);
        kept.worked();
        for _ in 0..2 {
            trap(&pass(&breaker).await, true);
        }
        assert!(matches!(*breaker.lock(), State::Closed { failing: 2 }));
        trap(&pass(&breaker).await, true);

        let paused = Instant::now();
        let probe = pass(&breaker).await;
        assert!(probe.0.probe && paused.elapsed() >= PAUSE);
        let mut second = Box::pin(breaker.enter());
        assert!(poll!(&mut second).is_pending(), "one at a time");
        // One that began before the pause is no probe.
        trap(&other, true);
        assert!(poll!(&mut second).is_pending());
        // A probe without a result costs no pause.
        drop(probe);
        let probe = second.await.expect("it has not given up");
        trap(&probe, false);
        assert!(matches!(
            *breaker.lock(),
            State::Open {
                probes: 1,
                probing: false,
                ..
            }
        ));
        let probe = pass(&breaker).await;
        assert!(paused.elapsed() >= 3 * PAUSE);
        let mut waiting = Box::pin(breaker.enter());
        assert!(poll!(&mut waiting).is_pending());
        probe.worked();
        assert!(waiting.await.is_some_and(|pass| !pass.0.probe));
    }

    #[tokio::test]
    async fn after_some_probes_the_rest_is_left_for_later() {
        let (first, given_up) = breaker(1, false);
        let started = Instant::now();
        trap(&pass(&first).await, true);
        for probe in 0..PROBES {
            assert!(!given_up.is_cancelled() && !first.has_given_up(), "{probe}");
            trap(&pass(&first).await, true);
        }
        assert!(given_up.is_cancelled() && first.has_given_up());
        assert!(first.enter().await.is_none());
        assert!(started.elapsed() >= PAUSE * (1 + 2 + 4 + 8 + 16));

        let (later, given_up) = breaker(1, true);
        let probe = pass(&later).await;
        let mut second = Box::pin(later.enter());
        assert!(poll!(&mut second).is_pending());
        trap(&probe, true);
        assert!(second.await.is_none() && given_up.is_cancelled());
    }

    #[tokio::test]
    async fn zero_means_never() {
        let (breaker, _) = breaker(0, true);
        for _ in 0..1_000 {
            trap(&pass(&breaker).await, true);
        }
        assert!(matches!(*breaker.lock(), State::Closed { .. }));
    }
}
