//! Empties one stage: fetches batches of its tasks, runs attempts, and hands decisions to be committed.
//!
//! Four parts run side by side. The fetcher lists tasks and resolves what they declare, one batch ahead. The downloader
//! brings their files, within a budget. Attempts run as many at a time as there are slots. The committer bundles
//! decisions. Each part waits for the next one, so that what is in memory does not depend on the length of the queue.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use runner_media::{Budget, Share};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument;
use uuid::Uuid;

use super::admission::InQuarantine;
use super::attempts::{Member, Way};
use super::breaker::{Breaker, FIRST_PAUSE};
use super::bundles::{DECIDED_BYTES, LARGEST_BUNDLE};
use super::dependencies::Dependencies;
use super::files::{self, DOWNLOADS_AT_A_TIME, Order};
use super::held::Holding;
use super::outage::{Asked, Patience};
use super::plan::Served;
use super::prefetch::Ahead;
use super::rows::RowBudget;
use super::source::Source;
use super::summary::{StageSummary, TaskFailure};
use super::undeclared::Undeclareds;
use super::{Event, RunError, RunOptions, Shared};
use crate::encord::{self, Task, TaskFilter, TaskListing};

/// How long commits may take once the run is to end, after the attempts had their time. What is not confirmed by then is
/// left to the next start.
pub(crate) const COMMITS_GRACE: Duration = Duration::from_secs(4);

/// How long services of the run may take to end after that.
pub(crate) const SERVICES_GRACE: Duration = Duration::from_secs(1);

/// What the parts of one drain share.
pub(super) struct Drain {
    pub(super) shared: Arc<Shared>,
    pub(super) served: Served,
    pub(super) options: RunOptions,
    pub(super) holding: Holding,
    pub(super) breaker: Arc<Breaker>,
    /// Tasks whose commits are open: they are decided, and are not taken again.
    pub(super) open: HashSet<Uuid>,
    pub(super) quarantine: Mutex<InQuarantine>,
    /// Of label rows that wait to be saved.
    pub(super) decisions: Budget,
    /// Calls that are under way.
    calls: TaskTracker,
    /// Ends them.
    abort: CancellationToken,
    /// Ends commits that are under way: they are then resumed at the next start.
    pub(super) cut: CancellationToken,
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

/// Empties the stage once. Adds what became of its tasks to `summary`.
///
/// # Errors
/// If tasks can no longer be listed, or the journal can no longer be written to. What was decided before
/// that is carried out as far as possible.
pub(super) async fn drain(
    shared: &Arc<Shared>,
    served: &Served,
    options: &RunOptions,
    mut summary: StageSummary,
    shutdown: &CancellationToken,
) -> (StageSummary, Result<(), RunError>) {
    let started = Instant::now();
    // Ends the fetcher when the drain ends for whatever reason.
    let stop = shutdown.child_token();
    let _stop_fetching = stop.clone().drop_guard();
    let (project, stage) = (shared.project.hash, served.stage.uuid);
    let open = match shared.committer.journal.open_tasks(project, stage).await {
        Ok(open) => open,
        Err(error) => return (summary, Err(error.into())),
    };
    let breaker = Breaker::new(
        options.pause_after as u64,
        FIRST_PAUSE,
        std::mem::take(&mut summary.paused),
        stop.clone(),
    );
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
        holding: shared.holding[&stage].clone(),
        breaker,
        open,
        quarantine: Mutex::default(),
        decisions: Budget::new(DECIDED_BYTES),
        calls: TaskTracker::new(),
        abort: CancellationToken::new(),
        cut: CancellationToken::new(),
        source: Arc::new(source),
        summary: Mutex::new(summary),
        told_of_unsaved: AtomicBool::new(false),
        told_of_missing: AtomicBool::new(false),
        running: AtomicU64::new(0),
        under_way: TaskTracker::new(),
    });
    let result = drain.run(stop, shutdown).await;
    drain
        .tidy_quarantine(result.as_ref().is_ok_and(|complete| *complete))
        .await;
    let mut summary = drain.lock().clone();
    summary.paused = drain.breaker.has_given_up();
    summary.elapsed += started.elapsed();
    summary.add_undeclared(drain.source.undeclared.all());
    (summary, result.map(drop))
}

impl Drain {
    pub(super) fn lock(&self) -> MutexGuard<'_, StageSummary> {
        // Counters are good whatever happened.
        self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether all tasks of the stage were listed.
    async fn run(
        self: &Arc<Self>,
        stop: CancellationToken,
        shutdown: &CancellationToken,
    ) -> Result<bool, RunError> {
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
        'batches: while let Some(units) = batches.recv().await {
            for unit in units {
                // A unit is not larger than a batch, and there are as many places as a batch has tasks.
                let many = u32::try_from(unit.tasks.len()).unwrap_or(u32::MAX);
                let mut places = tokio::select! {
                    () = stop.cancelled() => break 'batches,
                    places = Arc::clone(&places).acquire_many_owned(many) => places.expect("never closed"),
                };
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
                self.begin(members, unit.files, way.clone());
            }
        }
        drop(way);
        let committed = self.wait(committer, shutdown).await;
        drop(batches);
        let fetched = join(fetcher).await;
        join(downloader).await;
        committed?;
        fetched
    }

    /// Starts the calls for tasks, once their files are there.
    pub(super) fn begin(
        self: &Arc<Self>,
        members: Vec<Member>,
        files: Option<oneshot::Receiver<Share>>,
        way: Way,
    ) {
        let tasks: Vec<Arc<Task>> = members
            .iter()
            .map(|member| Arc::clone(&member.dependencies.task))
            .collect();
        let drain = Arc::clone(self);
        let work = async move {
            let _share = match files {
                // Fails only if the run is to end, and then nothing begins.
                Some(files) => files.await.ok(),
                None => None,
            };
            let calls = AssertUnwindSafe(drain.attempts(members, &way)).catch_unwind();
            if calls.await.is_ok() {
                return;
            }
            // What panicked was logged. The task is not to vanish from the summary.
            for task in tasks {
                drain.lock().fail(TaskFailure {
                    task: task.uuid,
                    data_title: task.data_title.clone(),
                    kind: "fault of runner-host",
                    message: "runner-host failed at this task; please report this, with the log"
                        .to_owned(),
                    attempts: 1,
                });
            }
        };
        let work = self.abort.clone().run_until_cancelled_owned(work);
        self.calls.spawn(work.in_current_span());
    }

    /// Waits until all attempts and commits have ended: the committer ends once nobody can send it a decision any more. Once
    /// the run is to end, no longer than was announced.
    async fn wait(
        &self,
        mut committer: JoinHandle<Result<(), RunError>>,
        shutdown: &CancellationToken,
    ) -> Result<(), RunError> {
        tokio::select! {
            ended = &mut committer => return joined(ended),
            () = shutdown.cancelled() => {}
        }
        if let Ok(ended) = tokio::time::timeout(self.options.grace, &mut committer).await {
            return joined(ended);
        }
        let left = self.running.load(Ordering::Relaxed);
        self.abort.cancel();
        if left > 0 {
            self.lock().stopped += left;
            tracing::warn!(
                "attempts at {left} tasks did not end in time and were stopped; their tasks stay at the stage"
            );
        }
        if let Ok(ended) = tokio::time::timeout(COMMITS_GRACE, &mut committer).await {
            return joined(ended);
        }
        self.cut.cancel();
        joined(committer.await)
    }

    /// The next page of tasks, asked for again while Encord cannot be reached.
    async fn next_page(&self, listing: &mut TaskListing) -> Result<Option<Vec<Task>>, RunError> {
        let mut patience =
            Patience::new(&self.shared.outage, Asked::Listing, self.options.patience);
        loop {
            match listing.next_page().await {
                Ok(page) => {
                    drop(patience);
                    self.shared.outage.worked(Asked::Listing);
                    return Ok(page);
                }
                Err(error) if error.is_transient() => {
                    let why = error.to_string();
                    if !patience.wait(&why, error.retry_after()).await {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
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
    ) -> Result<bool, RunError> {
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
                () = stop.cancelled() => return Ok(false),
                page = self.next_page(&mut listing) => page?,
            };
            let ended = page.is_none();
            let page = page.unwrap_or_default();
            let round_ended = page.is_empty();
            let mut new = self.admitted(page).await?;
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
                        () = stop.cancelled() => return Ok(false),
                        part = ahead.next() => part,
                    };
                    let Some(part) = part else { break };
                    if batches.send(self.units(part, &orders)).await.is_err() {
                        return Ok(false);
                    }
                }
            }
            if last {
                return Ok(ended);
            }
            if round_ended {
                self.under_way.close();
                tokio::select! {
                    () = stop.cancelled() => return Ok(false),
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
}

/// What a spawned part returned; its panic is this one's.
async fn join<T>(handle: JoinHandle<T>) -> T {
    joined(handle.await)
}

fn joined<T>(ended: Result<T, JoinError>) -> T {
    match ended {
        Ok(value) => value,
        Err(join) => std::panic::resume_unwind(join.into_panic()),
    }
}
