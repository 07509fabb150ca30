//! What is fetched once for a task: with the batch, or when it is asked for.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::engine::Unresolved;

pub(super) type Resolved<T> = Result<T, Unresolved>;

/// One value, or what went wrong when the batch was fetched: that is given to the first who asks, so that the next one
/// asks Encord again.
#[derive(Debug)]
pub(super) struct Slot<T> {
    value: Mutex<Arc<OnceCell<T>>>,
    error: Mutex<Option<Unresolved>>,
    /// It was fetched with the batch, whatever came of it.
    prefetched: AtomicBool,
    /// The value is what came of that.
    came: AtomicBool,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            value: Mutex::default(),
            error: Mutex::new(None),
            prefetched: AtomicBool::new(false),
            came: AtomicBool::new(false),
        }
    }
}

impl<T: Clone> Slot<T> {
    /// Keeps what came with the batch, before anybody asks.
    pub(super) fn fill(&self, found: Resolved<T>) {
        self.prefetched.store(true, Ordering::Relaxed);
        match found {
            Ok(value) => {
                let came = self.cell().set(value).is_ok();
                self.came.fetch_or(came, Ordering::Relaxed);
            }
            Err(error) => *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error),
        }
    }

    /// Forgets what went wrong with the batch: who asks now is to ask Encord.
    pub(super) fn forget_error(&self) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Forgets a value that did not come with the batch, so that who asks next asks Encord again.
    pub(super) fn forget_late(&self) {
        if !self.came.load(Ordering::Relaxed) {
            *self.value.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
        }
    }

    fn cell(&self) -> Arc<OnceCell<T>> {
        Arc::clone(&self.value.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The value, if it is there.
    pub(super) fn known(&self) -> Option<T> {
        self.cell().get().cloned()
    }

    /// Whether who asks now has to wait for what did not come with the batch.
    pub(super) fn is_lacking(&self) -> bool {
        !self.prefetched.load(Ordering::Relaxed) && !self.cell().initialized()
    }

    /// The value, fetched if it is not there. Those who ask meanwhile wait for the same.
    pub(super) async fn get<F>(&self, fetch: impl FnOnce() -> F) -> Resolved<T>
    where
        F: Future<Output = Resolved<T>>,
    {
        let error = self.error.lock();
        if let Some(error) = error.unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        self.cell().get_or_try_init(fetch).await.cloned()
    }
}

/// Slots by what they are about, made when they are first looked for.
#[derive(Debug)]
pub(super) struct Slots<K, S>(Mutex<HashMap<K, Arc<S>>>);

impl<K, S> Default for Slots<K, S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, S: Default> Slots<K, S> {
    pub(super) fn of(&self, key: K) -> Arc<S> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key).or_default())
    }

    pub(super) fn for_each(&self, act: impl FnMut(&Arc<S>)) {
        let slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.values().for_each(act);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_went_wrong_with_the_batch_is_told_once() {
        let slot = Slot::default();
        assert!(slot.is_lacking());
        let error = Unresolved::Unavailable("broken".to_owned());
        slot.fill(Err(error.clone()));
        assert!(!slot.is_lacking());
        assert_eq!(slot.get(async || Ok(1)).await, Err(error.clone()));
        assert_eq!(slot.get(async || Err(error.clone())).await, Err(error));
        assert_eq!(slot.get(async || Ok(2)).await, Ok(2));
        assert_eq!(slot.get(async || Ok(3)).await, Ok(2), "fetched once");

        let slot = Slot::default();
        slot.fill(Err(Unresolved::NotFound("gone".to_owned())));
        slot.forget_error();
        assert_eq!(slot.get(async || Ok(1)).await, Ok(1));
    }

    #[tokio::test]
    async fn what_did_not_come_with_the_batch_can_be_forgotten() {
        let slot = Slot::default();
        slot.fill(Err(Unresolved::NotFound("gone".to_owned())));
        slot.forget_error();
        assert_eq!(slot.get(async || Ok(1)).await, Ok(1));
        slot.forget_late();
        assert_eq!(slot.known(), None);
        assert_eq!(slot.get(async || Ok(2)).await, Ok(2));

        let slot = Slot::default();
        slot.fill(Ok(1));
        slot.forget_late();
        assert_eq!(slot.known(), Some(1));
    }

    #[tokio::test]
    async fn what_came_with_the_batch_is_not_fetched() {
        let slots: Slots<&str, Slot<u8>> = Slots::default();
        slots.of("a").fill(Ok(1));
        assert_eq!(slots.of("a").get(async || Ok(2)).await, Ok(1));
        assert_eq!(slots.of("b").get(async || Ok(3)).await, Ok(3));
        assert_eq!(slots.of("b").known(), Some(3));
    }
}
