//! Empties one stage: fetches batches of its tasks, runs attempts, and hands decisions to be committed.
//!
//! Four parts run side by side. The fetcher lists tasks and resolves what they declare, one batch ahead. The downloader
//! brings their files, within a budget. Attempts run as many at a time as there are slots. The committer bundles
//! decisions. Each part waits for the next one, so that what is in memory does not depend on the length of the queue.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use runner_media::Share;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument;

use super::attempts::{Member, Way};
use super::commit::{Committed, commit};
use super::dependencies::Dependencies;
use super::files::{self, DOWNLOADS_AT_A_TIME, Order};
use super::plan::Served;
use super::prefetch::Ahead;
use super::rows::RowBudget;
use super::source::Source;
use super::summary::{StageSummary, TaskFailure};
use super::undeclared::Undeclareds;
use super::{Event, RunError, RunOptions, Shared};
use crate::encord::{self, TaskFilter};
use crate::journal::{Entry, JournalError};

/// Encord takes at most this many updates in one request here, as in its own runner.
const LARGEST_BUNDLE: usize = 100;

/// How long a bundle that is not full waits for more.
const LINGER: Duration = Duration::from_millis(10);

/// Bundles under way at a time, so that latency does not add up.
const BUNDLES_AT_A_TIME: usize = 4;

/// What the parts of one drain share.
pub(super) struct Drain {
    pub(super) shared: Arc<Shared>,
    pub(super) served: Served,
    pub(super) options: RunOptions,
    source: Arc<Source>,
    summary: Mutex<StageSummary>,
    /// Its author was told that edits without `save` are lost.
    pub(super) told_of_unsaved: AtomicBool,
    /// Likewise that saved labels lack required answers.
    pub(super) told_of_missing: AtomicBool,
    /// Tasks of calls that are under way.
    pub(super) running: AtomicU64,
    /// Tasks that were handed out and have not ended.
    under_way: TaskTracker,
}

/// Tasks that go into one call of the agent, with what keeps the listing from being repeated too soon.
struct Unit {
    tasks: Vec<(Arc<Dependencies>, TaskTrackerToken)>,
    /// Gives their share of the budget when their files are there; none if they need none.
    files: Option<oneshot::Receiver<Share>>,
}

/// What a task holds until it has ended.
pub(super) struct Held {
    /// Its place in the batch.
    _place: OwnedSemaphorePermit,
    /// Of the budget of label rows.
    _rows: Option<Share>,
    _under_way: TaskTrackerToken,
}

/// A decision on its way to the committer, with what its task holds until it is carried out.
pub(super) struct Decided {
    pub(super) entry: Entry,
    pub(super) attempts: u32,
    pub(super) _held: Held,
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
    let source = Source {
        client: shared.client.clone(),
        project: shared.project.hash,
        declaration: served.declaration.clone(),
        twins: Arc::clone(&shared.twins),
        store: shared.store.clone(),
        undeclared: Undeclareds::default(),
        row_budget: RowBudget::new(options.row_bytes),
    };
    let drain = Arc::new(Drain {
        shared: Arc::clone(shared),
        served: served.clone(),
        options: options.clone(),
        source: Arc::new(source),
        summary: Mutex::new(summary),
        told_of_unsaved: AtomicBool::new(false),
        told_of_missing: AtomicBool::new(false),
        running: AtomicU64::new(0),
        under_way: TaskTracker::new(),
    });
    let result = drain.run(shutdown).await;
    let mut summary = drain.lock().clone();
    summary.elapsed += started.elapsed();
    summary.add_undeclared(drain.source.undeclared.all());
    (summary, result)
}

impl Drain {
    pub(super) fn lock(&self) -> MutexGuard<'_, StageSummary> {
        // Counters are good whatever happened.
        self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(self: &Arc<Self>, shutdown: &CancellationToken) -> Result<(), RunError> {
        // Ends the fetcher when the drain ends for whatever reason.
        let stop = shutdown.child_token();
        let _stop_fetching = stop.clone().drop_guard();
        // Not bounded itself, but filled by the fetcher, which is.
        let (orders_in, orders) = mpsc::unbounded_channel();
        let turns = Arc::new(Semaphore::new(DOWNLOADS_AT_A_TIME));
        let download = files::download(orders, self.shared.budget.clone(), turns);
        let downloader = tokio::spawn(
            stop.clone()
                .run_until_cancelled_owned(download)
                .in_current_span(),
        );
        let (batches_in, mut batches) = mpsc::channel(1);
        let fetcher = tokio::spawn(
            Arc::clone(self)
                .fetch(batches_in, orders_in, stop.clone())
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
        let way = Way {
            slots: Arc::new(Semaphore::new(self.options.concurrency.max(1))),
            decided: decided_in,
            stop: stop.clone(),
        };
        let mut attempts = JoinSet::new();
        'batches: while let Some(units) = batches.recv().await {
            for unit in units {
                // A unit is not larger than a batch, and there are as many places as a batch has tasks.
                let many = u32::try_from(unit.tasks.len()).unwrap_or(u32::MAX);
                let mut places = tokio::select! {
                    () = stop.cancelled() => break 'batches,
                    places = Arc::clone(&places).acquire_many_owned(many) => places.expect("never closed"),
                };
                while attempts.try_join_next().is_some() {}
                let hold = |(dependencies, under_way): (Arc<Dependencies>, _)| {
                    let place = places.split(1).expect("there is one for each task");
                    let held = Held {
                        _place: place,
                        _rows: dependencies.take_share(),
                        _under_way: under_way,
                    };
                    Member::new(dependencies, held)
                };
                let members: Vec<_> = unit.tasks.into_iter().map(hold).collect();
                let (drain, way) = (Arc::clone(self), way.clone());
                let work = async move {
                    let _share = match unit.files {
                        // Fails only if the run is to end, and then nothing begins.
                        Some(files) => files.await.ok(),
                        None => None,
                    };
                    drain.attempts(members, &way).await;
                };
                attempts.spawn(work.in_current_span());
            }
        }
        drop(way);
        self.wait(&mut attempts, shutdown).await;
        drop(batches);
        let committed = join(committer).await;
        let fetched = join(fetcher).await;
        join(downloader).await;
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
            let left = self.running.load(Ordering::Relaxed);
            attempts.shutdown().await;
            self.lock().stopped += left;
            tracing::warn!(
                "attempts at {left} tasks did not end in time and were stopped; their tasks stay at the stage"
            );
        }
    }

    /// Lists the stage's tasks and resolves what they declare, a batch at a time.
    ///
    /// Before a listing is repeated to be sure that it was complete, the tasks given so far end: then nothing
    /// of this host's moves while it is read.
    async fn fetch(
        self: Arc<Self>,
        batches: mpsc::Sender<Vec<Unit>>,
        orders: mpsc::UnboundedSender<Order>,
        stop: CancellationToken,
    ) -> Result<(), RunError> {
        let project = self.shared.project.hash;
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
                let mut ahead = Ahead::new(&self.source, batch);
                // What has its rows goes on before the next ones are waited for.
                loop {
                    let part = tokio::select! {
                        () = stop.cancelled() => return Ok(()),
                        part = ahead.next() => part,
                    };
                    let Some(part) = part else { break };
                    if batches.send(self.units(part, &orders)).await.is_err() {
                        return Ok(());
                    }
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

    /// Cuts a batch into what goes into one call each, single tasks or as many as the agent takes, and orders their files.
    fn units(
        &self,
        batch: Vec<Arc<Dependencies>>,
        orders: &mpsc::UnboundedSender<Order>,
    ) -> Vec<Unit> {
        let most = self.served.declaration.batches.unwrap_or(1).max(1) as usize;
        let files: Vec<_> = batch.iter().map(|one| one.declared_files()).collect();
        let sizes: Vec<u64> = files.iter().map(|files| files::size_of(files)).collect();
        let calls = files::cut(&sizes, most, self.options.prefetch_bytes);
        let mut left = batch.into_iter().zip(files);
        let unit = |tasks: usize| {
            let mut unit = Unit {
                tasks: Vec::with_capacity(tasks),
                files: None,
            };
            let mut wanted = Vec::new();
            for (one, files) in left.by_ref().take(tasks) {
                wanted.extend(files.into_iter().map(|item| (Arc::clone(&one), item)));
                unit.tasks.push((one, self.under_way.token()));
            }
            if !wanted.is_empty() {
                let (there, files) = oneshot::channel();
                unit.files = Some(files);
                // Fails only if the run is to end.
                let _ = orders.send(Order {
                    files: wanted,
                    there,
                });
            }
            unit
        };
        calls.into_iter().map(unit).collect()
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
