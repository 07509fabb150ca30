//! How much may be on disk or on its way ahead of the tasks that need it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Shares are rounded up to so many bytes, so that budgets of terabytes can be counted.
const UNIT: u64 = 4096;

/// Bytes that are taken in turn: who asks first is served first, so that a large share is never starved by small ones.
#[derive(Debug, Clone)]
pub struct Budget {
    units: Arc<Semaphore>,
    whole: u32,
}

/// A part of a [`Budget`], given back on drop.
#[derive(Debug)]
pub struct Share {
    units: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// A budget of so many bytes, at most 16 TiB.
    pub fn new(bytes: u64) -> Self {
        let whole = u32::try_from(bytes.div_ceil(UNIT).max(1)).unwrap_or(u32::MAX);
        Self {
            // Within the most permits of a semaphore also where `usize` has 32 bits.
            units: Arc::new(Semaphore::new((whole as usize).min(Semaphore::MAX_PERMITS))),
            whole,
        }
    }

    /// Waits for a share. One over the whole is cut to the whole: it waits until nothing else is out.
    pub async fn take(&self, bytes: u64) -> Share {
        let units = u32::try_from(bytes.div_ceil(UNIT))
            .unwrap_or(u32::MAX)
            .min(self.whole);
        // The semaphore is never closed; if it were, waiting would be the worse answer.
        let units = self.units.clone().acquire_many_owned(units).await.ok();
        Share { units }
    }
}

impl Share {
    /// A part of this share as one of its own, which is given back by itself. No more than is left of this one.
    pub fn split(&mut self, bytes: u64) -> Share {
        let split = |units: &mut OwnedSemaphorePermit| {
            let wanted = usize::try_from(bytes.div_ceil(UNIT)).unwrap_or(usize::MAX);
            units.split(wanted.min(units.num_permits()))
        };
        Share {
            units: self.units.as_mut().and_then(split),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn shares_are_given_in_turn_and_cut_to_the_whole() {
        let budget = Budget::new(10 * UNIT);
        let small = budget.take(1).await;
        let mut all = Box::pin(budget.take(u64::MAX));
        assert!((&mut all).now_or_never().is_none(), "one unit is out");
        let mut late = Box::pin(budget.take(1));
        assert!((&mut late).now_or_never().is_none(), "it is not its turn");
        drop(small);
        let all = all.now_or_never().expect("everything is back");
        assert!((&mut late).now_or_never().is_none());
        drop(all);
        late.now_or_never().expect("its turn");
        assert_eq!(budget.units.available_permits(), 10);
    }

    #[tokio::test]
    async fn parts_of_a_share_are_given_back_by_themselves() {
        let budget = Budget::new(10 * UNIT);
        let mut whole = budget.take(7 * UNIT).await;
        let first = whole.split(2 * UNIT);
        let rest = whole.split(u64::MAX);
        let none = whole.split(UNIT);
        drop(whole);
        assert_eq!(budget.units.available_permits(), 3);
        drop(first);
        assert_eq!(budget.units.available_permits(), 5);
        drop((rest, none));
        assert_eq!(budget.units.available_permits(), 10);
    }

    #[tokio::test]
    async fn an_empty_budget_still_lets_one_pass() {
        let budget = Budget::new(0);
        let first = budget.take(5).await;
        assert!(budget.take(5).now_or_never().is_none());
        drop(first);
        budget.take(0).await;
    }
}
