//! Which label rows and storage items are being written, so that two commits of this host never do it at once.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use uuid::Uuid;

/// Rows of which is remembered that this host saved them.
const REMEMBERED: usize = 10_000;

/// Rows and items by their UUIDs.
#[derive(Debug, Default)]
pub(super) struct Written {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Under way now.
    held: HashSet<Uuid>,
    /// Saved lately, the last one at the back.
    saved: VecDeque<Uuid>,
    known: HashSet<Uuid>,
}

/// The right to write some of them; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    of: &'a Written,
    ids: HashSet<Uuid>,
}

impl Written {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Sets of identifiers are good whatever panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody writes any of these, and takes all of them at once, so that nobody waits in a circle.
    pub(super) async fn take(&self, ids: HashSet<Uuid>) -> Writing<'_> {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // From here on nothing that is freed is missed.
            freed.as_mut().enable();
            {
                let mut state = self.lock();
                if state.held.is_disjoint(&ids) {
                    state.held.extend(&ids);
                    return Writing { of: self, ids };
                }
            }
            freed.await;
        }
    }

    /// Remembers that this host saved a row.
    pub(super) fn remember(&self, row: Uuid) {
        let mut state = self.lock();
        if !state.known.insert(row) {
            return;
        }
        state.saved.push_back(row);
        if state.saved.len() > REMEMBERED
            && let Some(oldest) = state.saved.pop_front()
        {
            state.known.remove(&oldest);
        }
    }

    /// Whether this host saved a row lately.
    pub(super) fn was_saved(&self, row: Uuid) -> bool {
        self.lock().known.contains(&row)
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let mut state = self.of.lock();
        for id in &self.ids {
            state.held.remove(id);
        }
        drop(state);
        self.of.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Poll;

    use futures::poll;

    use super::*;

    fn ids(numbers: &[u128]) -> HashSet<Uuid> {
        numbers
            .iter()
            .map(|number| Uuid::from_u128(*number))
            .collect()
    }

    #[tokio::test]
    async fn nobody_writes_what_another_writes() {
        let written = Arc::new(Written::default());
        let first = written.take(ids(&[1, 2])).await;
        let mut second = Box::pin(written.take(ids(&[2, 3])));
        assert!(poll!(&mut second).is_pending());
        let third = written.take(ids(&[3])).await;
        drop(first);
        assert!(poll!(&mut second).is_pending(), "3 is still being written");
        drop(third);
        let Poll::Ready(second) = poll!(&mut second) else {
            panic!("all is free");
        };
        let mut fourth = Box::pin(written.take(ids(&[3])));
        assert!(poll!(&mut fourth).is_pending());
        drop(second);
        assert!(poll!(&mut fourth).is_ready());
    }

    #[test]
    fn the_rows_saved_last_are_remembered() {
        let written = Written::default();
        let most = REMEMBERED as u128;
        for number in 0..=most {
            written.remember(Uuid::from_u128(number));
            written.remember(Uuid::from_u128(number));
        }
        assert!(!written.was_saved(Uuid::from_u128(0)));
        assert!(written.was_saved(Uuid::from_u128(1)) && written.was_saved(Uuid::from_u128(most)));
        assert_eq!(written.lock().known.len(), REMEMBERED);
    }
}
