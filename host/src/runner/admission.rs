//! Which of the tasks that wait at a stage are taken: not those that are decided already, and not those in quarantine.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use jiff::Timestamp;
use uuid::Uuid;

use super::RunError;
use super::drain::Drain;
use crate::encord::Task;

/// What a drain sees of the tasks in quarantine.
#[derive(Default)]
pub(super) struct InQuarantine {
    /// Those that wait at the stage.
    waiting: HashSet<Uuid>,
    /// Those that were tried all the same, and decided.
    settled: Vec<Uuid>,
}

impl Drain {
    /// A task came into quarantine.
    pub(super) fn hold(&self, task: Uuid) {
        self.quarantine().waiting.insert(task);
    }

    /// A task that was decided is no longer in quarantine.
    pub(super) fn settle(&self, task: Uuid) {
        let mut quarantine = self.quarantine();
        if quarantine.waiting.remove(&task) {
            quarantine.settled.push(task);
        }
    }

    fn quarantine(&self) -> MutexGuard<'_, InQuarantine> {
        // Sets of identifiers are good whatever panicked.
        self.quarantine
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes out of quarantine what was decided and, after a complete listing, what no longer waits.
    pub(super) async fn tidy_quarantine(&self, complete: bool) {
        let InQuarantine { waiting, settled } = std::mem::take(&mut *self.quarantine());
        let (project, stage) = (self.shared.project.hash, self.served.stage.uuid);
        let journal = &self.shared.committer.journal;
        let mut tidied = journal.forget_quarantined(project, stage, settled).await;
        if complete {
            tidied = tidied.and(journal.keep_quarantined(project, stage, waiting).await);
        }
        if let Err(error) = tidied {
            tracing::debug!(%error, "tasks stay listed in the quarantine");
        }
    }

    /// Those of a page's tasks that are neither decided already nor in quarantine.
    pub(super) async fn admitted(&self, mut page: Vec<Task>) -> Result<Vec<Task>, RunError> {
        let (project, stage) = (self.shared.project.hash, self.served.stage.uuid);
        let journal = &self.shared.committer.journal;
        let asked = page.iter().map(|task| task.uuid).collect();
        let held = journal.quarantined_among(project, stage, asked).await?;
        if held.is_empty() {
            page.retain(|task| !self.open.contains(&task.uuid));
            return Ok(page);
        }
        self.quarantine().waiting.extend(held.keys());
        let now = Timestamp::now();
        // Whoever starts a run does not want to wait for what would be tried again by itself.
        let repeats = self.options.refresh_every.is_some();
        let mut left_alone = Vec::new();
        page.retain(|task| {
            let tried = match held.get(&task.uuid) {
                None => true,
                Some(None) => false,
                Some(Some(until)) => !repeats || *until <= now,
            };
            if !tried {
                left_alone.push((task.uuid, task.data_title.clone()));
            }
            tried && !self.open.contains(&task.uuid)
        });
        let mut summary = self.lock();
        for (task, title) in left_alone {
            summary.leave_alone(task, &title);
        }
        Ok(page)
    }
}
