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
use super::bundles::Decided;
use super::dependencies::Dependencies;
use super::drain::{Drain, Held};
use super::plan::find_pathway;
use super::rows::size;
use crate::engine::{AttemptLog, Decision, Failure, Inputs, Retries};
use crate::journal::{Entry, EntryItem, EntryLabels};
use crate::labels::Edits;
use crate::off_thread::off_thread;

/// Pause before the first retry; it doubles with each further one, up to `LONGEST_BACKOFF`. Of each pause,
/// a random part between a half and all is waited.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// Times that a task is given back to its agent because somebody edited the same labels meanwhile.
const MOST_OVERTAKEN: u32 = 5;

/// A task whose agent has not decided yet, or whose decision is on its way.
pub(super) struct Member {
    pub(super) dependencies: Arc<Dependencies>,
    /// Its place in the batch, until it has ended.
    _held: Held,
    pub(super) span: Span,
    /// How often its decision was void, since somebody edited the same labels.
    overtaken: u32,
    /// Attempts that were made for such decisions.
    pub(super) before: u32,
    /// The breaker knows that it failed.
    counted: bool,
    /// What the last attempt ended in, if there is to be another.
    pub(super) last: Option<Failure>,
}

impl Member {
    pub(super) fn new(dependencies: Arc<Dependencies>, held: Held) -> Self {
        let task = &dependencies.task;
        let span = tracing::error_span!("task", task = %task.uuid, title = %task.data_title);
        Self {
            dependencies,
            _held: held,
            span,
            overtaken: 0,
            before: 0,
            counted: false,
            last: None,
        }
    }

    /// The same task with nothing fetched for it; none if that was done too often.
    /// `attempts` were made so far; those that follow are counted anew.
    pub(super) fn afresh(self, attempts: u32) -> Option<Self> {
        (self.overtaken < MOST_OVERTAKEN).then(|| Self {
            dependencies: Arc::new(self.dependencies.afresh()),
            overtaken: self.overtaken + 1,
            before: attempts,
            counted: false,
            last: None,
            ..self
        })
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
            let begin = async {
                let slot = way.slots.acquire().await.expect("never closed");
                Some((slot, self.breaker.enter().await?))
            };
            let begun = tokio::select! {
                biased;
                // What has not begun is left to the next run.
                () = way.stop.cancelled() => None,
                begun = begin => begun,
            };
            let Some((slot, pass)) = begun else {
                self.leave(members, attempt);
                return (Vec::new(), attempt);
            };
            if self.breaker.was_paused() {
                // A task that is tried asks Encord itself, whatever went wrong with its batch.
                for member in &members {
                    member.dependencies.forget_errors();
                }
            }
            let mut running = Running::new(&self.running, members.len() as u64);
            let (answers, log) = self.call(&members, attempt).await;
            let apart = go_apart(&answers);
            let first = members.iter().all(|member| !member.counted);
            let mut any_decided = false;
            let mut told: Option<Failure> = None;
            let mut again = Vec::new();
            for (member, answer) in members.into_iter().zip(answers) {
                let entry = match answer {
                    Ok(decision) => {
                        let entry = self.entry(&member.dependencies, decision);
                        entry.instrument(member.span.clone()).await
                    }
                    Err(failure) => Err(failure),
                };
                let failure = match entry {
                    Ok((entry, bytes)) => {
                        any_decided = true;
                        let attempts = member.before + attempt + 1;
                        let pass = pass.clone();
                        let way = way.clone();
                        self.decided(Decided {
                            entry,
                            attempts,
                            member,
                            pass,
                            way,
                            bytes,
                            _share: None,
                        })
                        .await;
                        running.one_less();
                        continue;
                    }
                    Err(failure) => failure,
                };
                told.get_or_insert_with(|| failure.clone());
                let most = most_retries(&failure, &member.dependencies, self.options.num_retries);
                // Whose fault it is, is found by calls of their own, which count as no retry.
                if (apart && failure.retries() != Retries::None) || attempt < most {
                    again.push((member, failure, most));
                } else {
                    let attempts = member.before + attempt + 1;
                    self.failed_or_gone(&member, &failure, attempts, &log).await;
                }
                running.one_less();
            }
            // A call for several tasks that fails as a whole is the fault of one of them.
            if let Some(failure) = told.filter(|_| !any_decided && !apart) {
                pass.failed(first, failure.kind(), &failure.to_string());
                for (member, ..) in &mut again {
                    member.counted = true;
                }
            }
            drop(pass);
            // Until here, so that no more decisions are made than can wait.
            drop(slot);
            if again.is_empty() {
                return (Vec::new(), attempt);
            }
            if apart {
                let alone = again.into_iter().map(|(mut member, failure, _)| {
                    member.dependencies.forget_errors();
                    let log = || log_apart(&failure);
                    member.span.in_scope(log);
                    member.last = Some(failure);
                    member
                });
                return (alone.collect(), attempt);
            }
            attempt += 1;
            // What Encord asked for holds for attempts too, since they ask it again.
            let pause = backoff(attempt).max(self.shared.client.asked_to_wait());
            self.lock().retries += again.len() as u64;
            members = again
                .into_iter()
                .map(|(mut member, failure, most)| {
                    member.dependencies.forget_errors();
                    let log = || log_retry(&failure, attempt, most, pause);
                    member.span.in_scope(log);
                    member.last = Some(failure);
                    member
                })
                .collect();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // The tasks stay as they are, and the next run begins with them anew.
                () = way.stop.cancelled() => {
                    self.leave(members, attempt);
                    return (Vec::new(), attempt);
                }
            }
        }
    }

    /// One call. The answers are in the order of the tasks; with them comes what the plugin logged.
    async fn call(
        &self,
        members: &[Member],
        attempt: u32,
    ) -> (Vec<Result<Decision, Failure>>, AttemptLog) {
        let log = AttemptLog::default();
        let inputs = members.iter().map(|member| Inputs {
            project: Arc::clone(&self.shared.project),
            ontology: Arc::clone(&self.shared.ontology),
            stage: Arc::clone(&self.served.stage),
            task: Arc::clone(&member.dependencies.task),
            attempt,
            log: log.clone(),
            resolver: Arc::<Dependencies>::clone(&member.dependencies),
        });
        let mut inputs: Vec<Inputs> = inputs.collect();
        let span = match members {
            [member] => member.span.clone(),
            several => tracing::error_span!("call", tasks = several.len()),
        };
        let (engine, declaration) = (&self.shared.engine, &self.served.declaration);
        let (program, stage) = (&self.served.plugin.program, &declaration.stage);
        let answers = match (declaration.batches, inputs.pop()) {
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
        };
        (answers, log)
    }

    /// Hands a decision to the committer, if there is something to commit.
    async fn decided(&self, mut decided: Decided) {
        if decided.entry.is_empty() {
            decided.pass.worked();
            self.stayed(&decided.entry);
            return;
        }
        // Those who have a share wait for nobody but Encord. Once the run is to end, nothing waits with a decision.
        let share = self.decisions.take(decided.bytes);
        decided._share = decided.way.stop.run_until_cancelled(share).await;
        // What did not come with the batch has no share of a budget, and is not needed any more.
        decided.member.dependencies.forget_late();
        // Fails only if the committer is gone, which the drain reports.
        let committer = decided.way.decided.clone();
        let _ = committer.send(decided).await;
    }

    fn stayed(&self, entry: &Entry) {
        self.lock().stayed += 1;
        self.settle(entry.task);
        self.shared.emit(&Event::TaskEnded { failed: false });
    }

    /// What is to be carried out, and what its label row takes in memory, in bytes.
    async fn entry(
        &self,
        dependencies: &Dependencies,
        decision: Decision,
    ) -> Result<(Entry, u64), Failure> {
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
            .transpose()
            .map_err(Failure::UnknownPathway)?;
        let (labels, bytes) = match decision.labels {
            Some(row) => {
                let read = dependencies.row_document();
                let read_edited_at = dependencies.row_edited_at();
                let look = move || {
                    let edits = read.map(|read| Edits::between(&read, &row.document));
                    let bytes = size(&row.document);
                    (
                        EntryLabels {
                            label_hash: row.label_hash,
                            document: row.document,
                            read_edited_at,
                            edits,
                        },
                        bytes,
                    )
                };
                let (labels, bytes) = off_thread(look).await;
                (Some(labels), bytes)
            }
            None => (None, 0),
        };
        let items = decision.items.into_iter();
        let entry = Entry {
            project: self.shared.project.hash,
            stage: self.served.stage.uuid,
            task: task.uuid,
            data_hash: task.data_hash,
            data_title: task.data_title.clone(),
            labels,
            items: items
                .map(|item| EntryItem {
                    item: item.item,
                    client_metadata: item.client_metadata,
                    read: Some(item.read),
                })
                .collect(),
            priority: decision.priority,
            pathway,
            digest: self.served.plugin.digest.to_string(),
            begun: false,
        };
        Ok((entry, bytes))
    }
}

/// Tasks of a call that is under way, until each is with the committer or has failed.
struct Running<'a> {
    all: &'a AtomicU64,
    tasks: u64,
}

impl<'a> Running<'a> {
    fn new(all: &'a AtomicU64, tasks: u64) -> Self {
        all.fetch_add(tasks, Ordering::Relaxed);
        Self { all, tasks }
    }

    /// One of them is.
    fn one_less(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
        self.tasks -= 1;
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

/// How many further attempts a failure is worth. A plugin that fell over what it could not get may work next time.
fn most_retries(failure: &Failure, dependencies: &Dependencies, num_retries: u32) -> u32 {
    match failure.retries() {
        Retries::All => num_retries,
        Retries::One if dependencies.was_something_unavailable() => num_retries,
        Retries::One => num_retries.min(1),
        Retries::None => 0,
    }
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
