//! Faults on demand, for tests and demonstrations: what a client must survive happens when it is asked for.
//!
//! A [`FaultPlan`] is a list of rules. It comes from a file (`runner-host dev --faults faults.toml`), over HTTP (see
//! `admin`), or from a test ([`Server::faults`](super::Server::faults)):
//!
//! ```toml
//! seed = 7                         # of `probability` and of ranges; 0 if absent
//!
//! [[rules]]                        # everything takes 20 to 200 ms longer
//! latency = [20, 200]
//!
//! [[rules]]                        # the first three bundles of pathways are turned away
//! operation = "actions"
//! status = 429
//! retry-after = 2
//! times = 3
//!
//! [[rules]]                        # each fifth save is carried out, but nobody learns of it
//! operation = "labelrow.POST"
//! drop-after = true
//! every = 5
//!
//! [[rules]]                        # a tenth of the downloads break off in the middle
//! operation = "media"
//! truncate-body = true
//! probability = 0.1
//! ```
//!
//! | key | meaning |
//! |---|---|
//! | `method` | only requests with this method of HTTP |
//! | `path` | only this path; `*` is any one segment, `**` at the end the rest |
//! | `operation` | only this operation: `projects`, `project`, `branches`, `datasets`, `priorities`, `issues`, `delete-issues`, `classifications`, `copy-branch`, `validation-state`, `tasks`, `actions`, `move-tasks`, `ontologies`, `ontology`, `get-bulk`, `patch-bulk`, `item`, `folders`, `folder`, `folder-items`, `patch-item`, `child-items`, `media`, or of the older API `<query type>.<query method>`, such as `labelrowmetadata.GET` |
//! | `skip` | the first so many are left alone; 0 |
//! | `every` | of those after them, only each n-th meets the fault; 1 |
//! | `probability` | or only this share of them, above 0 and up to 1; 1 |
//! | `times` | at most so many meet it; no limit |
//! | `latency` | milliseconds to wait before anything else, up to 600000; or a range of them |
//! | `status` | this answer, 400 to 599, instead of any effect |
//! | `retry-after` | seconds for the header of that answer, up to 86400 |
//! | `drop-before` | the connection is closed without an answer, and nothing has happened |
//! | `drop-after` | the request is carried out, then the connection is closed without an answer |
//! | `expire-urls` | media URLs are refused as if they had expired: 403 |
//! | `slow-body` | the answer's body comes at so many bytes in a second |
//! | `truncate-body` | the connection is closed after half of the answer's body |
//!
//! A rule may ask for `latency` beside anything else, and for `slow-body` and `truncate-body` beside each other and
//! beside `status`. Rules that ask for latency only always have a say, and their latencies add up; of the others, the
//! first that fires decides, and later ones do not count the request.
//!
//! Faults come before signatures are checked, as those of a proxy would. A status is told as Encord tells it: the older
//! API puts it into an answer whose own status is 200, except for 408, 413, 429 and 5xx, which a proxy gives in its
//! place.

mod admin;
mod connection;
mod inject;
mod operation;
mod plan;
mod read;
mod written;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{Router, middleware};

pub(super) use self::connection::{CuttableListener, Peer};
use self::operation::Asked;
use self::plan::Verdict;
pub use self::plan::{FaultPlan, RuleCount};
pub use self::read::FaultPlanError;

/// The faults of a running server: its plan, and how often each rule of it fired. Clones are about the same server.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    plan: FaultPlan,
    /// One for each rule of the plan.
    counts: Vec<RuleCount>,
}

impl Faults {
    /// Puts a plan in the place of the one before. All counts begin at 0. Requests that met a fault already are not
    /// touched.
    pub fn set(&self, plan: FaultPlan) {
        let counts = vec![RuleCount::default(); plan.len()];
        *self.state() = State { plan, counts };
    }

    /// Nothing goes wrong any more.
    pub fn clear(&self) {
        self.set(FaultPlan::default());
    }

    /// The plan that is in force.
    #[must_use]
    pub fn plan(&self) -> FaultPlan {
        self.state().plan.clone()
    }

    /// One for each rule of the plan, in its order.
    #[must_use]
    pub fn counts(&self) -> Vec<RuleCount> {
        self.state().counts.clone()
    }

    fn decide(&self, asked: &Asked<'_>) -> Verdict {
        let state = &mut *self.state();
        state.plan.decide(&mut state.counts, asked)
    }

    // No code that holds the lock can leave half a change behind.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the requests of a router meet the faults, and adds the admin calls if they are wanted. Those meet none.
pub(super) fn install<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    faults: &Faults,
    admin: bool,
) -> Router<S> {
    let inject = middleware::from_fn_with_state(faults.clone(), inject::inject);
    let router = router.layer(inject);
    if admin {
        router.merge(admin::routes(faults.clone()))
    } else {
        router
    }
}
