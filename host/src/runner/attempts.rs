//! Calls agents, one task or several at a time, until each task is decided or has failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use rand::RngExt;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use super::Event;
use super::dependencies::Dependencies;
use super::drain::{Decided, Drain, Held};
use super::plan::find_pathway;
use super::summary::TaskFailure;
use crate::encord::{Task, TaskFilter};
use crate::engine::{Decision, Failure, Inputs};
use crate::journal::{Entry, EntryItem, EntryLabels};

/// Pause before the first retry; it doubles with each further one, up to `LONGEST_BACKOFF`. Of each pause,
/// a random part between a half and all is waited.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// A task whose agent has not decided yet.
pub(super) struct Member {
    dependencies: Arc<Dependencies>,
    held: Held,
    span: Span,
}

impl Member {
    pub(super) fn new(dependencies: Arc<Dependencies>, held: Held) -> Self {
        let task = &dependencies.task;
        let span = tracing::error_span!("task", task = %task.uuid, title = %task.data_title);
        Self {
            dependencies,
            held,
            span,
        }
    }
}

/// What attempts need of the drain that is running.
#[derive(Clone)]
pub(super) struct Way {
    /// A call holds one.
    pub(super) slots: Arc<Semaphore>,
    pub(super) decided: mpsc::Sender<Decided>,
    pub(super) stop: CancellationToken,
}

impl Drain {
    /// Everything for tasks that go into one call, up to their decisions. A call that fails as a whole is the fault of one
    /// of its tasks, so each of them gets calls of its own from then on.
    pub(super) async fn attempts(&self, members: Vec<Member>, way: &Way) {
        let (alone, attempt) = self.calls(members, 0, way).await;
        let alone = alone
            .into_iter()
            .map(|member| self.calls(vec![member], attempt, way));
        join_all(alone).await;
    }

    /// Calls the agent until each of these tasks is decided or has failed. Returns those that are to go on alone, and the
    /// number of their next attempt.
    async fn calls(
        &self,
        mut members: Vec<Member>,
        mut attempt: u32,
        way: &Way,
    ) -> (Vec<Member>, u32) {
        loop {
            let slot = tokio::select! {
                biased;
                // What has not begun is left to the next run.
                () = way.stop.cancelled() => return (Vec::new(), attempt),
                slot = way.slots.acquire() => slot.expect("never closed"),
            };
            let answers = self.call(&members, attempt).await;
            drop(slot);
            let apart = go_apart(&answers);
            let mut again = Vec::new();
            for (member, answer) in members.into_iter().zip(answers) {
                match answer {
                    Ok(decision) => self.decided(member, decision, attempt + 1, way).await,
                    // Whose fault it is, is found by calls of their own, which count as no retry.
                    Err(failure) if apart && failure.is_retryable() => {
                        again.push((member, failure))
                    }
                    Err(failure) if is_tried_again(&failure, attempt, &self.options) => {
                        again.push((member, failure));
                    }
                    Err(failure) => {
                        let (kind, message) = (failure.kind(), failure.to_string());
                        self.failed_or_gone(&member, kind, message, attempt + 1)
                            .await;
                    }
                }
            }
            if again.is_empty() {
                return (Vec::new(), attempt);
            }
            if apart {
                let alone = again.into_iter().map(|(member, failure)| {
                    member.dependencies.forget_errors();
                    let log = || log_apart(&failure);
                    member.span.in_scope(log);
                    member
                });
                return (alone.collect(), attempt);
            }
            attempt += 1;
            let pause = backoff(attempt);
            self.lock().retries += again.len() as u64;
            members = again
                .into_iter()
                .map(|(member, failure)| {
                    member.dependencies.forget_errors();
                    let most = self.options.num_retries;
                    let log = || log_retry(&failure, attempt, most, pause);
                    member.span.in_scope(log);
                    member
                })
                .collect();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // The tasks stay as they are, and the next run begins with them anew.
                () = way.stop.cancelled() => return (Vec::new(), attempt),
            }
        }
    }

    /// One call. The answers are in the order of the tasks.
    async fn call(&self, members: &[Member], attempt: u32) -> Vec<Result<Decision, Failure>> {
        let inputs = members.iter().map(|member| Inputs {
            project: Arc::clone(&self.shared.project),
            ontology: Arc::clone(&self.shared.ontology),
            stage: Arc::clone(&self.served.stage),
            task: Arc::clone(&member.dependencies.task),
            attempt,
            resolver: Arc::<Dependencies>::clone(&member.dependencies),
        });
        let mut inputs: Vec<Inputs> = inputs.collect();
        let span = match members {
            [member] => member.span.clone(),
            several => tracing::error_span!("call", tasks = several.len()),
        };
        let _running = Running::new(&self.running, members.len() as u64);
        let (engine, declaration) = (&self.shared.engine, &self.served.declaration);
        let (program, stage) = (&self.served.plugin.program, &declaration.stage);
        match (declaration.batches, inputs.pop()) {
            (None, Some(input)) if inputs.is_empty() => {
                vec![engine.attempt(program, stage, input).instrument(span).await]
            }
            (_, last) => {
                inputs.extend(last);
                let asked = inputs.len();
                let call = engine.attempt_batch(program, stage, inputs);
                let answers = call.instrument(span).await;
                assert_eq!(answers.len(), asked, "the engine answers for each task");
                answers
            }
        }
    }

    /// Hands a decision to the committer, if there is something to commit.
    async fn decided(&self, member: Member, decision: Decision, attempts: u32, way: &Way) {
        let dependencies = &member.dependencies;
        let entry = member.span.in_scope(|| self.entry(dependencies, decision));
        let entry = match entry {
            Ok(entry) => entry,
            Err(message) => {
                let fail = || self.failed(&dependencies.task, "unknown pathway", message, attempts);
                return member.span.in_scope(fail);
            }
        };
        if entry.is_empty() {
            self.lock().stayed += 1;
            self.shared.emit(&Event::TaskEnded { failed: false });
            return;
        }
        // Fails only if the committer is gone, which the drain reports.
        let _ = way
            .decided
            .send(Decided {
                entry,
                attempts,
                _held: member.held,
            })
            .await;
    }

    fn entry(&self, dependencies: &Dependencies, decision: Decision) -> Result<Entry, String> {
        if decision.unsaved_edits && !self.told_of_unsaved.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the agent edited the label row and did not call `save`, so the edits are dropped (said once \
                 per stage)"
            );
        }
        if let Some(first) = decision.missing_answers.first()
            && !self.told_of_missing.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "saved labels lack answers to required attributes ({} in this row, said once per stage): {first}",
                decision.missing_answers.len()
            );
        }
        let task = &dependencies.task;
        let pathway = decision
            .pathway
            .map(|name| find_pathway(&self.served.stage, &name))
            .transpose()?;
        let items = decision.items.into_iter();
        Ok(Entry {
            project: self.shared.project.hash,
            stage: self.served.stage.uuid,
            task: task.uuid,
            data_hash: task.data_hash,
            data_title: task.data_title.clone(),
            labels: decision.labels.map(|row| EntryLabels {
                label_hash: row.label_hash,
                document: row.document,
                read_edited_at: dependencies.row_edited_at(),
            }),
            items: items
                .map(|item| EntryItem {
                    item: item.item,
                    client_metadata: item.client_metadata,
                })
                .collect(),
            priority: decision.priority,
            pathway,
            digest: self.served.plugin.digest.to_string(),
        })
    }

    /// A task that has failed for good. If something of it did not exist, it may be that the data unit was removed, and
    /// the task with it: that is nobody's failure.
    async fn failed_or_gone(
        &self,
        member: &Member,
        kind: &'static str,
        message: String,
        attempts: u32,
    ) {
        let task = &member.dependencies.task;
        if !member.dependencies.may_be_gone() || !self.has_left(task).await {
            let fail = || self.failed(task, kind, message, attempts);
            return member.span.in_scope(fail);
        }
        member.span.in_scope(|| {
            tracing::info!(
                "the task has left the stage, and its data unit may be removed: {message}"
            );
        });
        self.lock().gone += 1;
        self.shared.emit(&Event::TaskEnded { failed: false });
    }

    /// Whether the task no longer waits at the stage. If that cannot be found out, it does.
    async fn has_left(&self, task: &Task) -> bool {
        let filter = TaskFilter {
            data_hashes: vec![task.data_hash],
            ..TaskFilter::default()
        };
        let (project, stage) = (self.shared.project.hash, self.served.stage.uuid);
        let mut listing = self.shared.client.tasks(project, stage, filter);
        loop {
            match listing.next_page().await {
                Ok(None) => return true,
                Ok(Some(page)) if page.iter().any(|waits| waits.uuid == task.uuid) => return false,
                Ok(Some(_)) => {}
                Err(_) => return false,
            }
        }
    }

    fn failed(&self, task: &Task, kind: &'static str, message: String, attempts: u32) {
        tracing::error!("failed ({kind}): {message}");
        self.lock().fail(TaskFailure {
            task: task.uuid,
            data_title: task.data_title.clone(),
            kind,
            message,
            attempts,
        });
        self.shared.emit(&Event::TaskEnded { failed: true });
    }
}

/// Tasks of a call that is under way.
struct Running<'a> {
    all: &'a AtomicU64,
    tasks: u64,
}

impl<'a> Running<'a> {
    fn new(all: &'a AtomicU64, tasks: u64) -> Self {
        all.fetch_add(tasks, Ordering::Relaxed);
        Self { all, tasks }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(self.tasks, Ordering::Relaxed);
    }
}

/// Whether the tasks of a call go on in calls of their own: it failed as a whole, by the fault of one of several.
fn go_apart(answers: &[Result<Decision, Failure>]) -> bool {
    let is_of_the_call = |answer: &Result<Decision, Failure>| {
        matches!(
            answer,
            Err(Failure::Trap { .. } | Failure::Timeout(_) | Failure::OutOfMemory(_))
        )
    };
    answers.len() > 1 && answers.iter().any(is_of_the_call)
}

fn is_tried_again(failure: &Failure, attempt: u32, options: &super::RunOptions) -> bool {
    failure.is_retryable() && attempt < options.num_retries
}

fn log_apart(failure: &Failure) {
    let text = failure.to_string();
    let first = text.lines().next().unwrap_or_default();
    tracing::warn!(
        "{} of a call for several tasks, each is called alone: {first}",
        failure.kind()
    );
}

fn log_retry(failure: &Failure, attempt: u32, most: u32, pause: Duration) {
    // The whole story is told once, if no attempt works.
    let failure_text = failure.to_string();
    let first = failure_text.lines().next().unwrap_or_default();
    tracing::warn!(
        "{}, retry {attempt} of {most} in {pause:.1?}: {first}",
        failure.kind()
    );
}

/// Exponential, with jitter: see [`FIRST_BACKOFF`].
fn backoff(attempt: u32) -> Duration {
    let doubled = FIRST_BACKOFF.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    doubled
        .min(LONGEST_BACKOFF)
        .mul_f64(rand::rng().random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision() -> Result<Decision, Failure> {
        Ok(Decision {
            pathway: None,
            priority: None,
            labels: None,
            items: Vec::new(),
            unsaved_edits: false,
            missing_answers: Vec::new(),
        })
    }

    #[test]
    fn only_several_tasks_whose_call_failed_as_a_whole_go_apart() {
        let trap = || {
            Err(Failure::Trap {
                message: String::new(),
                backtrace: String::new(),
            })
        };
        let timeout = || Err(Failure::Timeout(Duration::ZERO));
        let retryable = || Err(Failure::Retryable(String::new()));
        let fatal = || Err(Failure::Fatal(String::new()));
        assert!(go_apart(&[trap(), trap()]));
        assert!(go_apart(&[timeout(), timeout()]));
        assert!(go_apart(&[
            Err(Failure::OutOfMemory(1)),
            Err(Failure::OutOfMemory(1))
        ]));
        assert!(!go_apart(&[trap()]));
        assert!(!go_apart(&[retryable(), decision(), fatal()]));
    }

    #[test]
    fn backoff_doubles_with_jitter_and_has_an_end() {
        for (attempt, nominal) in [
            (1, 200),
            (2, 400),
            (3, 800),
            (8, 25_600),
            (9, 30_000),
            (60, 30_000),
        ] {
            let nominal = Duration::from_millis(nominal);
            for _ in 0..50 {
                let pause = backoff(attempt);
                assert!(
                    pause >= nominal / 2 && pause <= nominal,
                    "{attempt}: {pause:?}"
                );
            }
        }
    }
}
