//! What becomes of commits, and of the requests of which they consist.

use std::time::Duration;

use crate::encord::{Error, ErrorKind};
use crate::journal::Entry;
use crate::runner::outage::is_for_now;

/// What became of one task's commit.
#[derive(Debug, Clone)]
pub(in crate::runner) enum Committed {
    /// All of it was confirmed.
    Done,
    /// The task had left the stage by somebody else's doing.
    Gone,
    /// Somebody edited what the agent edited, after the agent had read it. Nothing of the decision had been carried out.
    Overtaken(String),
    /// Encord refused a part of it for good. The task stays where it is.
    Refused {
        /// What was refused, and Encord's words.
        message: String,
        /// Whether it is a matter of rights, which others can mend.
        may_pass: bool,
        /// Whether labels or client metadata were saved before: then the commit stays in the journal, and is what is to be
        /// brought to its end rather than the agent to be called again.
        begun: bool,
    },
    /// Encord could not be reached. The commit stays in the journal.
    Unsent {
        /// What failed, and why.
        message: String,
        /// How long Encord asked to wait.
        retry_after: Option<Duration>,
        /// Whether the task may have moved all the same.
        may_have_moved: bool,
    },
}

impl Committed {
    /// The same, after an earlier request that may have moved the task.
    pub(super) fn may_have_moved_before(&mut self, before: bool) {
        if let Self::Unsent { may_have_moved, .. } = self {
            *may_have_moved |= before;
        }
    }

    pub(super) fn stays_open(&self) -> bool {
        matches!(
            self,
            Self::Unsent { .. } | Self::Refused { begun: true, .. }
        )
    }
}

/// A step of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Check,
    Save,
    Update,
    Priority,
    Move,
    /// After a move that was refused: whether the task still waits.
    Look,
}

impl Step {
    /// What is being done in it.
    pub(super) fn doing(self) -> &'static str {
        match self {
            Self::Check => "checking what was edited meanwhile",
            Self::Save => "saving the labels",
            Self::Update => "updating the storage item",
            Self::Priority => "setting the priority",
            Self::Move => "moving the task",
            Self::Look => "listing the task after its move was refused",
        }
    }
}

/// What a refusal of a step means for its decision.
pub(super) fn refused(step: Step, entry: &Entry, error: &Error) -> Committed {
    let doing = step.doing();
    if error.kind() == ErrorKind::TaskGone && error.may_have_been_applied() {
        // An earlier try of the same request had got through, and only its answer was lost.
        Committed::Done
    } else if error.kind() == ErrorKind::TaskGone {
        Committed::Gone
    } else if is_for_now(error) {
        // Only a person can mend a key that is refused.
        let help = error.help().filter(|_| !error.is_transient());
        let help = help.map(|help| format!("\nhelp: {help}"));
        Committed::Unsent {
            message: format!("{doing} failed: {error}{}", help.unwrap_or_default()),
            retry_after: error.retry_after(),
            may_have_moved: step == Step::Move && error.may_have_been_applied(),
        }
    } else {
        Committed::Refused {
            message: format!("{doing} was refused: {error}"),
            may_pass: error.kind() == ErrorKind::Authorisation,
            begun: entry.begun,
        }
    }
}
