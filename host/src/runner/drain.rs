//! Empties one stage: fetches batches of its tasks, runs attempts, and hands decisions to be committed.
//!
//! Three parts run side by side. The fetcher lists tasks and resolves what they declare, one batch ahead.
//! Attempts run as many at a time as there are slots. The committer bundles decisions. Each part waits for
//! the next one, so that what is in memory does not depend on the length of the queue.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::RngExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument;

use super::commit::{Committed, commit};
use super::plan::{Served, find_pathway};
use super::resolve::{Dependencies, Source, prefetch};
use super::summary::{StageSummary, TaskFailure};
use super::{Event, RunError, RunOptions, Shared};
use crate::encord::{self, TaskFilter};
use crate::engine::{Decision, Failure, Inputs};
use crate::journal::{Entry, EntryLabels, JournalError};

/// Encord takes at most this many updates in one request here, as in its own runner.
const LARGEST_BUNDLE: usize = 100;

/// How long a bundle that is not full waits for more.
const LINGER: Duration = Duration::from_millis(10);

/// Bundles under way at a time, so that latency does not add up.
const BUNDLES_AT_A_TIME: usize = 4;

/// Pause before the first retry; it doubles with each further one, up to `LONGEST_BACKOFF`. Of each pause,
/// a random part between a half and all is waited.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// What the parts of one drain share.
struct Drain {
    shared: Arc<Shared>,
    served: Served,
    options: RunOptions,
    summary: Mutex<StageSummary>,
    /// Its author was told that edits without `save` are lost.
    told_of_unsaved: AtomicBool,
    /// Likewise that saved labels lack required answers.
    told_of_missing: AtomicBool,
    /// Tasks that were handed out and have not ended.
    under_way: TaskTracker,
}

/// What a task holds until it has ended.
struct Held {
    /// Its place in the batch.
    _place: OwnedSemaphorePermit,
    _under_way: TaskTrackerToken,
}

/// A decision on its way to the committer, with what its task holds until it is carried out.
struct Decided {
    entry: Entry,
    attempts: u32,
    _held: Held,
}

/// Empties the stage once. Adds what became of its tasks to `summary`.
///
/// # Errors
/// If tasks can no longer be listed, or the journal can no longer be written to. What was decided before
/// that is carried out as far as possible.
pub(super) async fn drain(
    shared: &Arc<Shared>,
    served: &Served,
    options: &RunOptions,
    summary: StageSummary,
    shutdown: &CancellationToken,
) -> (StageSummary, Result<(), RunError>) {
    let started = Instant::now();
    let drain = Arc::new(Drain {
        shared: Arc::clone(shared),
        served: served.clone(),
        options: options.clone(),
        summary: Mutex::new(summary),
        told_of_unsaved: AtomicBool::new(false),
        told_of_missing: AtomicBool::new(false),
        under_way: TaskTracker::new(),
    });
    let result = drain.run(shutdown).await;
    let mut summary = drain.lock().clone();
    summary.elapsed += started.elapsed();
    (summary, result)
}

impl Drain {
    fn lock(&self) -> MutexGuard<'_, StageSummary> {
        // Counters are good whatever happened.
        self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(self: &Arc<Self>, shutdown: &CancellationToken) -> Result<(), RunError> {
        // Ends the fetcher when the drain ends for whatever reason.
        let stop = shutdown.child_token();
        let _stop_fetching = stop.clone().drop_guard();
        let (batches_in, mut batches) = mpsc::channel(1);
        let fetcher = tokio::spawn(
            Arc::clone(self)
                .fetch(batches_in, stop.clone())
                .in_current_span(),
        );

        let bundle = self.options.task_batch_size.clamp(1, LARGEST_BUNDLE);
        let (decided_in, decided) = mpsc::channel(bundle);
        let committer = tokio::spawn(
            Arc::clone(self)
                .commit_bundles(decided, bundle, stop.clone())
                .in_current_span(),
        );

        let places = Arc::new(Semaphore::new(self.options.task_batch_size.max(1)));
        let slots = Arc::new(Semaphore::new(self.options.concurrency.max(1)));
        let mut attempts = JoinSet::new();
        'batches: while let Some(batch) = batches.recv().await {
            for (task, under_way) in batch {
                let place = tokio::select! {
                    () = stop.cancelled() => break 'batches,
                    place = Arc::clone(&places).acquire_owned() => place.expect("never closed"),
                };
                while attempts.try_join_next().is_some() {}
                let held = Held {
                    _place: place,
                    _under_way: under_way,
                };
                let work = Arc::clone(self).task(
                    task,
                    held,
                    Arc::clone(&slots),
                    decided_in.clone(),
                    stop.clone(),
                );
                attempts.spawn(work.in_current_span());
            }
        }
        drop(decided_in);
        self.wait(&mut attempts, shutdown).await;
        drop(batches);
        let committed = join(committer).await;
        let fetched = join(fetcher).await;
        committed?;
        fetched
    }

    /// Waits for the attempts that run. Once the run is to end, no longer than was announced.
    async fn wait(&self, attempts: &mut JoinSet<()>, shutdown: &CancellationToken) {
        let all = async { while attempts.join_next().await.is_some() {} };
        tokio::select! {
            () = all => return,
            () = shutdown.cancelled() => {}
        }
        let rest = async { while attempts.join_next().await.is_some() {} };
        if tokio::time::timeout(self.options.grace, rest)
            .await
            .is_err()
        {
            let left = attempts.len();
            attempts.shutdown().await;
            self.lock().stopped += left as u64;
            tracing::warn!(
                "{left} attempts did not end in time and were stopped; their tasks stay at the stage"
            );
        }
    }

    /// Lists the stage's tasks and resolves what they declare, a batch at a time.
    ///
    /// Before a listing is repeated to be sure that it was complete, the tasks given so far end: then nothing
    /// of this host's moves while it is read.
    async fn fetch(
        self: Arc<Self>,
        batches: mpsc::Sender<Vec<(Arc<Dependencies>, TaskTrackerToken)>>,
        stop: CancellationToken,
    ) -> Result<(), RunError> {
        let project = self.shared.project.hash;
        let source = Arc::new(Source {
            client: self.shared.client.clone(),
            project,
            declaration: self.served.declaration.clone(),
            twins: Arc::clone(&self.shared.twins),
        });
        let size = self.options.task_batch_size.max(1);
        let mut left = self.options.max_tasks_per_stage.unwrap_or(usize::MAX);
        let stage = self.served.stage.uuid;
        let mut listing = self
            .shared
            .client
            .tasks(project, stage, TaskFilter::default());
        let mut waiting: Vec<encord::Task> = Vec::new();
        loop {
            let page = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                page = listing.next_page() => page?,
            };
            let ended = page.is_none();
            let mut new = page.unwrap_or_default();
            let round_ended = new.is_empty();
            new.truncate(left);
            left -= new.len();
            self.shared.emit(&Event::TasksListed {
                count: new.len() as u64,
            });
            waiting.append(&mut new);
            let last = ended || left == 0;
            while waiting.len() >= size || ((round_ended || last) && !waiting.is_empty()) {
                let rest = waiting.split_off(size.min(waiting.len()));
                let batch = std::mem::replace(&mut waiting, rest);
                let resolved = tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    resolved = prefetch(&source, batch) => resolved,
                };
                let tracked = resolved
                    .into_iter()
                    .map(|one| (one, self.under_way.token()))
                    .collect();
                if batches.send(tracked).await.is_err() {
                    return Ok(());
                }
            }
            if last {
                return Ok(());
            }
            if round_ended {
                self.under_way.close();
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = self.under_way.wait() => {}
                }
                self.under_way.reopen();
            }
        }
    }

    /// Everything for one task, up to its decision.
    async fn task(
        self: Arc<Self>,
        dependencies: Arc<Dependencies>,
        held: Held,
        slots: Arc<Semaphore>,
        decided: mpsc::Sender<Decided>,
        stop: CancellationToken,
    ) {
        let task = Arc::clone(&dependencies.task);
        let span = tracing::error_span!("task", task = %task.uuid, title = %task.data_title);
        let mut attempt = 0;
        let decision = loop {
            let inputs = Inputs {
                project: Arc::clone(&self.shared.project),
                ontology: Arc::clone(&self.shared.ontology),
                stage: Arc::clone(&self.served.stage),
                task: Arc::clone(&task),
                attempt,
                resolver: Arc::<Dependencies>::clone(&dependencies),
            };
            let slot = tokio::select! {
                biased;
                // What has not begun is left to the next run.
                () = stop.cancelled() => return,
                slot = slots.acquire() => slot.expect("never closed"),
            };
            let (engine, plugin) = (&self.shared.engine, &self.served.plugin);
            let ended = engine
                .attempt(&plugin.program, &self.served.declaration.stage, inputs)
                .instrument(span.clone())
                .await;
            drop(slot);
            match ended {
                Ok(decision) => break decision,
                Err(failure) if failure.is_retryable() && attempt < self.options.num_retries => {
                    attempt += 1;
                    let pause = backoff(attempt);
                    span.in_scope(|| log_retry(&failure, attempt, self.options.num_retries, pause));
                    self.lock().retries += 1;
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        // The task stays as it is, and the next run begins with it anew.
                        () = stop.cancelled() => return,
                    }
                }
                Err(failure) => {
                    let (kind, message) = (failure.kind(), failure.to_string());
                    return span.in_scope(|| self.failed(&task, kind, message, attempt + 1));
                }
            }
        };
        let entry = match span.in_scope(|| self.entry(&dependencies, decision)) {
            Ok(entry) => entry,
            Err(message) => {
                return span
                    .in_scope(|| self.failed(&task, "unknown pathway", message, attempt + 1));
            }
        };
        if entry.labels.is_none() && entry.priority.is_none() && entry.pathway.is_none() {
            self.lock().stayed += 1;
            self.shared.emit(&Event::TaskEnded { failed: false });
            return;
        }
        // Fails only if the committer is gone, which the drain reports.
        let _ = decided
            .send(Decided {
                entry,
                attempts: attempt + 1,
                _held: held,
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
            priority: decision.priority,
            pathway,
            digest: self.served.plugin.digest.to_string(),
        })
    }

    fn failed(&self, task: &encord::Task, kind: &'static str, message: String, attempts: u32) {
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

    /// Bundles decisions and carries them out, a few bundles at a time.
    async fn commit_bundles(
        self: Arc<Self>,
        mut decided: mpsc::Receiver<Decided>,
        size: usize,
        stop: CancellationToken,
    ) -> Result<(), RunError> {
        let mut bundles: JoinSet<Result<(), JournalError>> = JoinSet::new();
        let mut outcome = Ok(());
        loop {
            let mut bundle = Vec::with_capacity(size);
            if decided.recv_many(&mut bundle, size).await == 0 {
                break;
            }
            let more = async {
                while let Some(room) = size.checked_sub(bundle.len()).filter(|room| *room > 0) {
                    if decided.recv_many(&mut bundle, room).await == 0 {
                        break;
                    }
                }
            };
            // Either it is full, or nothing more came for a while, or nothing more will come.
            let _ = tokio::time::timeout(LINGER, more).await;
            while bundles.len() >= BUNDLES_AT_A_TIME {
                keep_first(&mut outcome, bundles.join_next().await);
            }
            if outcome.is_err() {
                // Nothing can be journaled, so nothing more may be sent or fetched.
                stop.cancel();
                continue;
            }
            bundles.spawn(Arc::clone(&self).commit_bundle(bundle).in_current_span());
        }
        while let Some(joined) = bundles.join_next().await {
            keep_first(&mut outcome, Some(joined));
        }
        outcome.map_err(RunError::from)
    }

    async fn commit_bundle(self: Arc<Self>, bundle: Vec<Decided>) -> Result<(), JournalError> {
        let entries = bundle.iter().map(|decided| decided.entry.clone()).collect();
        let ended = commit(&self.shared.client, &self.shared.journal, entries).await?;
        for ((entry, committed), decided) in ended.into_iter().zip(bundle) {
            let span = tracing::error_span!("task", task = %entry.task, title = %entry.data_title);
            let _entered = span.enter();
            self.committed(&entry, committed, decided.attempts);
        }
        Ok(())
    }

    fn committed(&self, entry: &Entry, committed: Committed, attempts: u32) {
        let failure = |kind, message| TaskFailure {
            task: entry.task,
            data_title: entry.data_title.clone(),
            kind,
            message,
            attempts,
        };
        let mut failed = true;
        let mut summary = self.lock();
        match committed {
            Committed::Done => {
                failed = false;
                let pathways = &self.served.stage.pathways;
                match pathways
                    .iter()
                    .position(|pathway| Some(pathway.uuid) == entry.pathway)
                {
                    Some(at) => summary.pathways[at].1 += 1,
                    None => summary.stayed += 1,
                }
                tracing::debug!(plugin = %entry.digest, "committed");
            }
            Committed::Gone => {
                failed = false;
                summary.gone += 1;
                tracing::info!("the task has already left the stage");
            }
            Committed::Refused(message) => {
                tracing::error!("failed (refused): {message}");
                summary.fail(failure("refused", message));
            }
            Committed::Unsent(message) => {
                tracing::error!("not sent, and kept for the next start: {message}");
                summary.fail(failure("unsent", message));
            }
        }
        drop(summary);
        self.shared.emit(&Event::TaskEnded { failed });
    }
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

/// The first error that a bundle ended in, over all bundles.
fn keep_first(
    outcome: &mut Result<(), JournalError>,
    joined: Option<Result<Result<(), JournalError>, tokio::task::JoinError>>,
) {
    match joined {
        Some(Ok(Err(error))) if outcome.is_ok() => *outcome = Err(error),
        Some(Err(join)) if join.is_panic() => std::panic::resume_unwind(join.into_panic()),
        _ => {}
    }
}

/// What a spawned part returned; its panic is this one's.
async fn join<T>(handle: tokio::task::JoinHandle<T>) -> T {
    match handle.await {
        Ok(value) => value,
        Err(join) => std::panic::resume_unwind(join.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
