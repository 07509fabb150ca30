//! Tasks that failed: counted, named, put into quarantine; or gone, which is nobody's failure.

use tracing::Instrument;

use super::Event;
use super::attempts::Member;
use super::check;
use super::drain::Drain;
use super::summary::{Other, TaskFailure};
use crate::encord::Task;
use crate::engine::{AttemptLog, Failure, Retries};

/// A task that failed, with what is kept of it.
pub(super) struct Failed {
    pub(super) failure: TaskFailure,
    /// What the plugin logged in the last attempt.
    pub(super) log: String,
    /// What the last attempt was given.
    pub(super) inputs: String,
    /// It can work by itself later.
    pub(super) may_pass: bool,
}

impl Drain {
    /// Tasks to which no attempt is made any more. Those that have failed before are failures if the stage is given up; if the
    /// run is to end, the next one begins with them anew. They are not in quarantine: nobody knows what another attempt
    /// would have brought.
    pub(super) fn leave(&self, members: Vec<Member>, attempts: u32) {
        if !self.breaker.has_given_up() {
            return;
        }
        for member in members {
            let (task, Some(failure)) = (&member.dependencies.task, member.last) else {
                continue;
            };
            self.lock().fail(TaskFailure {
                task: task.uuid,
                data_title: task.data_title.clone(),
                kind: failure.kind(),
                message: failure.to_string(),
                attempts: member.before + attempts,
            });
            self.shared.emit(&Event::TaskEnded { failed: true });
        }
    }

    /// A task that has failed for good. If something of it did not exist, it may be that the data unit was removed, and
    /// the task with it: that is nobody's failure.
    pub(super) async fn failed_or_gone(
        &self,
        member: &Member,
        failure: &Failure,
        attempts: u32,
        log: &AttemptLog,
    ) {
        let dependencies = &member.dependencies;
        let task = &dependencies.task;
        if !dependencies.may_be_gone() || !self.has_left(task).await {
            let may_pass = failure.retries() == Retries::All
                || dependencies.was_something_unavailable()
                || dependencies.was_something_forbidden();
            let failed = Failed {
                failure: TaskFailure {
                    task: task.uuid,
                    data_title: task.data_title.clone(),
                    kind: failure.kind(),
                    message: failure.to_string(),
                    attempts,
                },
                log: log.text(),
                inputs: dependencies.inputs_digest(),
                may_pass,
            };
            return self.failed(failed).instrument(member.span.clone()).await;
        }
        member.span.in_scope(|| {
            tracing::info!(
                "the task has left the stage, and its data unit may be removed: {failure}"
            );
        });
        self.lock()
            .add_other(Other::Gone, task.uuid, &task.data_title);
        self.settle(task.uuid);
        self.shared.emit(&Event::TaskEnded { failed: false });
    }

    /// Whether the task no longer waits at the stage. If that cannot be found out, it does.
    async fn has_left(&self, task: &Task) -> bool {
        let (project, stage) = (self.shared.project.hash, self.served.stage.uuid);
        let hashes = vec![task.data_hash];
        let waiting = check::waiting(&self.shared.client, project, stage, hashes).await;
        waiting.is_ok_and(|waiting| !waiting.contains(&task.uuid))
    }

    /// Counts a task that has failed, and puts it into quarantine.
    pub(super) async fn failed(&self, failed: Failed) {
        let failure = &failed.failure;
        tracing::error!("failed ({}): {}", failure.kind, failure.message);
        let held = self.holding.failed(
            &self.shared.committer.journal,
            failure,
            failed.log,
            failed.inputs,
            failed.may_pass,
        );
        match held.await {
            Ok(()) => self.hold(failure.task),
            Err(error) => tracing::warn!("the task could not be put into quarantine: {error}"),
        }
        self.lock().fail(failed.failure);
        self.shared.emit(&Event::TaskEnded { failed: true });
    }
}
