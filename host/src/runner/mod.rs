//! The loop: polls stages, runs attempts, retries, commits.

mod admission;
mod attempts;
mod breaker;
mod builder;
mod bundles;
mod calls;
mod check;
mod commit;
mod dependencies;
mod drain;
mod error;
mod failing;
mod files;
mod graph;
mod held;
mod outage;
mod plan;
mod prefetch;
mod resume;
mod rows;
mod slot;
mod source;
mod summary;
mod twins;
mod undeclared;
mod written;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use runner_media::{Budget, MediaError, Store};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

pub use builder::RunnerBuilder;
pub use error::{Aborted, RunError};
pub use graph::GraphError;
pub use summary::{Other, OtherTask, StageSummary, Summary, TaskFailure, Undeclared};

use crate::encord::{Client, Project};
use crate::engine::Engine;
use crate::journal::JournalError;
use crate::labels::Ontology;
use crate::plugin::Plugin;
use commit::Committer;
use held::Holding;
use outage::Outage;
use plan::Served;
use resume::resume;

/// How a run goes. The first four are those of the Python runner, with its names and defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOptions {
    /// A new pass starts this long after the last one started. Default: none, the run ends when the queues
    /// are empty.
    pub refresh_every: Option<Duration>,
    /// Further attempts at a task whose attempt failed. Default 3.
    pub num_retries: u32,
    /// Tasks whose dependencies are fetched together, and the most that are worked on at a time. Default 300.
    pub task_batch_size: usize,
    /// Tasks that are taken from a stage in one pass. Default: none, all of them.
    pub max_tasks_per_stage: Option<usize>,
    /// Attempts that run at the same time. Default: twice the number of processors.
    pub concurrency: usize,
    /// Bytes of files that are downloaded ahead of the attempts that need them. What one task, or one call of a batch
    /// agent, needs can be more: it then comes alone. A file of which Encord does not know the size counts as 16 MiB.
    /// Default 512 MiB.
    pub prefetch_bytes: u64,
    /// Bytes of memory of the label rows of all tasks that are worked on or fetched ahead; in memory a row takes 3 to 6 times
    /// its length. A larger one comes alone. What an agent asks for undeclared, and the copies of attempts that edit, are
    /// not counted. Default 512 MiB.
    pub row_bytes: u64,
    /// Bytes of files that are kept on disk after they were used; 0 keeps nothing. Default 4 GiB.
    pub media_cache_bytes: u64,
    /// How long running attempts may take to end once the run was asked to end; commits then have 5 s more. Default 10 s.
    pub grace: Duration,
    /// How long a listing or a commit is asked for again and again, beyond the client's own retries, if Encord cannot be used.
    /// After that the listing ends the run or the pass, and the commit is left for the next. Default 60 s.
    pub patience: Duration,
    /// Failed tasks in a row after which a stage is paused: one task at a time is then tried until one works, for half a
    /// minute, and after that the rest of the stage is left for the next pass or run. 0: never. Default 20.
    pub pause_after: usize,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            refresh_every: None,
            num_retries: 3,
            task_batch_size: 300,
            max_tasks_per_stage: None,
            concurrency: 2 * std::thread::available_parallelism().map_or(1, usize::from),
            prefetch_bytes: 512 << 20,
            row_bytes: 512 << 20,
            media_cache_bytes: 4096 << 20,
            grace: Duration::from_secs(10),
            patience: Duration::from_secs(60),
            pause_after: 20,
        }
    }
}

impl RunOptions {
    /// How long it takes at most until a run that was asked to end has ended.
    pub fn longest_end(&self) -> Duration {
        self.grace + drain::COMMITS_GRACE + drain::SERVICES_GRACE
    }
}

/// What happens in a run, for a display.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A stage is about to be emptied.
    StageStarted {
        /// Its title.
        title: String,
    },
    /// Tasks of the current stage were found.
    TasksListed {
        /// How many.
        count: u64,
    },
    /// A task of the current stage has ended.
    TaskEnded {
        /// Whether it failed.
        failed: bool,
    },
    /// The current stage is empty.
    StageEnded,
    /// The pass is over; the next one starts after this time.
    Waiting(Duration),
}

/// Sees the events of a run.
type OnEvent = Box<dyn Fn(&Event) + Send + Sync>;

/// What all stages of a run share.
struct Shared {
    client: Client,
    project: Arc<Project>,
    ontology: Arc<Ontology>,
    /// Other projects that agents ask about.
    twins: Arc<twins::Twins>,
    engine: Arc<Engine>,
    committer: Committer,
    /// Of each stage that is served.
    holding: HashMap<Uuid, Holding>,
    outage: Outage,
    /// That open commits cannot be sent, which is told at the first of several passes.
    told_of_unsent: AtomicBool,
    /// Where files are kept, or why that cannot be.
    store: Result<Store, MediaError>,
    /// Of files ahead of the attempts that need them.
    budget: Budget,
    on_event: Option<OnEvent>,
}

impl Shared {
    fn emit(&self, event: &Event) {
        if let Some(on_event) = &self.on_event {
            on_event(event);
        }
    }
}

/// Runs plugins on the tasks of a project. See [`Runner::builder`].
pub struct Runner {
    shared: Arc<Shared>,
    served: Vec<Served>,
    plugins: Vec<Arc<Plugin>>,
    options: RunOptions,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner")
            .field("project", &self.shared.project.hash)
            .field("plugins", &self.plugins)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Runner {
    /// Starts the description of a runner.
    pub fn builder() -> RunnerBuilder {
        RunnerBuilder::default()
    }

    /// The project that the runner works on.
    pub fn project(&self) -> &Project {
        &self.shared.project
    }

    /// The plugins, in the order in which they were given.
    pub fn plugins(&self) -> &[Arc<Plugin>] {
        &self.plugins
    }

    /// Empties the stages in order, once or, with [`RunOptions::refresh_every`], until `shutdown` is
    /// cancelled. A task that one stage sends to a later one is found in the same pass.
    ///
    /// Failed tasks are no error: the summary tells of them.
    ///
    /// # Errors
    /// If Encord can no longer be asked for tasks, or the journal can no longer be written to. With `refresh_every`, what
    /// may pass ends the pass only. What was done until then is in the error's summary.
    pub async fn run(self, shutdown: CancellationToken) -> Result<Summary, Box<Aborted>> {
        let stages: Vec<_> = self.served.iter().collect();
        self.passes(&stages, &shutdown).await
    }

    /// Empties one stage once: by its title, its UUID, or the name under which its plugin declared it.
    ///
    /// # Errors
    /// If no plugin serves that stage; else as [`Runner::run`].
    pub async fn run_stage(
        &self,
        stage: &str,
        shutdown: CancellationToken,
    ) -> Result<Summary, Box<Aborted>> {
        let is_meant = |served: &&Served| {
            served.stage.title == stage
                || Uuid::try_parse(stage).is_ok_and(|uuid| served.stage.uuid == uuid)
                || served.declaration.stage == stage
        };
        let Some(served) = self.served.iter().find(is_meant) else {
            let served = self.served.iter().map(|one| one.stage.title.clone());
            return Err(Box::new(Aborted {
                error: RunError::NotServed {
                    stage: stage.to_owned(),
                    served: served.collect(),
                },
                summary: Summary::default(),
            }));
        };
        let once = Self {
            shared: Arc::clone(&self.shared),
            served: Vec::new(),
            plugins: Vec::new(),
            options: RunOptions {
                refresh_every: None,
                ..self.options.clone()
            },
        };
        once.passes(&[served], &shutdown).await
    }

    async fn passes(
        &self,
        stages: &[&Served],
        shutdown: &CancellationToken,
    ) -> Result<Summary, Box<Aborted>> {
        let started = Instant::now();
        let mut summary = Summary {
            stages: stages
                .iter()
                .map(|served| StageSummary::new(&served.stage))
                .collect(),
            ..Summary::default()
        };
        let ended = self.all_passes(stages, &mut summary, shutdown).await;
        // Nobody waits longer for the last words of a service than for the rest.
        let patience = match shutdown.is_cancelled() {
            true => drain::SERVICES_GRACE,
            false => self.options.longest_end(),
        };
        let _ = tokio::time::timeout(patience, self.shared.engine.end_run()).await;
        if let Err(error) = self.count_unsent(stages, &mut summary).await {
            tracing::warn!("what was not sent cannot be counted: {error}");
        }
        summary.interrupted = shutdown.is_cancelled();
        summary.elapsed = started.elapsed();
        match ended {
            Ok(()) => Ok(summary),
            Err(error) => Err(Box::new(Aborted { error, summary })),
        }
    }

    async fn all_passes(
        &self,
        stages: &[&Served],
        summary: &mut Summary,
        shutdown: &CancellationToken,
    ) -> Result<(), RunError> {
        self.release(stages).await?;
        // What kept the last pass from its end, as long as it is the same: it is told once.
        let mut trouble: Option<String> = None;
        while !shutdown.is_cancelled() {
            let next = tokio::time::Instant::now() + self.options.refresh_every.unwrap_or_default();
            let result = self
                .pass(stages, summary, trouble.is_some(), shutdown)
                .await;
            summary.passes += 1;
            match result {
                Ok(()) => {
                    if trouble.take().is_some() {
                        tracing::warn!("the run goes on");
                    }
                }
                Err(error) if self.options.refresh_every.is_some() && error.may_pass() => {
                    let text = error.to_string();
                    if trouble.as_ref() != Some(&text) {
                        tracing::error!(
                            "{text}; no tasks are taken until a later pass finds this mended"
                        );
                    }
                    trouble = Some(text);
                }
                Err(error) => return Err(error),
            }
            if self.options.refresh_every.is_none() {
                break;
            }
            self.shared.emit(&Event::Waiting(
                next.saturating_duration_since(tokio::time::Instant::now()),
            ));
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = shutdown.cancelled() => {}
            }
        }
        Ok(())
    }

    /// Releases tasks that failed under another plugin, or another configuration.
    async fn release(&self, stages: &[&Served]) -> Result<(), RunError> {
        let project = self.shared.project.hash;
        for served in stages {
            let stage = served.stage.uuid;
            let configuration = self.shared.holding[&stage].configuration.clone();
            let journal = &self.shared.committer.journal;
            let released = journal
                .release_others(project, stage, configuration)
                .await?;
            if released > 0 {
                tracing::info!(
                    stage = %served.stage.title,
                    "the plugin or its configuration has changed: {released} tasks are released from quarantine"
                );
            }
        }
        Ok(())
    }

    /// Brings open commits to their end, before any agent runs.
    async fn resume(&self, summary: &mut Summary) -> Result<(), RunError> {
        // Whoever starts a run does not want to wait for what would be tried again by itself.
        let now = match self.options.refresh_every {
            Some(_) => Timestamp::now(),
            None => Timestamp::MAX,
        };
        let (project, holding) = (self.shared.project.hash, &self.shared.holding);
        let told = self.shared.told_of_unsent.load(Ordering::Relaxed);
        let resumed = resume(&self.shared.committer, project, holding, now, !told).await?;
        self.shared
            .told_of_unsent
            .store(resumed.unsent > 0, Ordering::Relaxed);
        if resumed != resume::Resumed::default() {
            tracing::info!(
                "open commits: {} were brought to their end, {} were void, {} were refused, {} are still open",
                resumed.finished,
                resumed.dropped,
                resumed.refused,
                resumed.unsent
            );
        }
        if resumed.finished + resumed.dropped + resumed.refused > 0 {
            self.shared.outage.worked(outage::Asked::Commit);
        }
        summary.resumed += resumed.finished;
        summary.refused = resumed.refused;
        Ok(())
    }

    /// Counts and names the decided tasks whose commits are open, unless they were counted as failed or in quarantine.
    async fn count_unsent(
        &self,
        stages: &[&Served],
        summary: &mut Summary,
    ) -> Result<(), JournalError> {
        let (project, journal) = (self.shared.project.hash, &self.shared.committer.journal);
        for (served, stage) in stages.iter().zip(&mut summary.stages) {
            for (task, title) in journal.open_titles(project, served.stage.uuid).await? {
                if !stage.is_counted(task) {
                    stage.add_other(Other::Unsent, task, &title);
                }
            }
        }
        Ok(())
    }

    async fn pass(
        &self,
        stages: &[&Served],
        summary: &mut Summary,
        after_trouble: bool,
        shutdown: &CancellationToken,
    ) -> Result<(), RunError> {
        if after_trouble {
            self.shared.committer.journal.check_room().await?;
        }
        match shutdown.run_until_cancelled(self.resume(summary)).await {
            Some(resumed) => resumed?,
            None => return Ok(()),
        }
        let mut trouble = None;
        for (served, kept) in stages.iter().zip(&mut summary.stages) {
            if shutdown.is_cancelled() {
                break;
            }
            self.shared.emit(&Event::StageStarted {
                title: served.stage.title.clone(),
            });
            // Spans are of the highest level, so that no filter takes the task away from a line of the log.
            let span = tracing::error_span!("stage", stage = %served.stage.title);
            let so_far = kept.clone();
            let (sum, result) = drain::drain(&self.shared, served, &self.options, so_far, shutdown)
                .instrument(span)
                .await;
            *kept = sum;
            self.shared.emit(&Event::StageEnded);
            match result {
                Ok(()) => {}
                // What keeps one stage from being served need not keep the others.
                Err(RunError::Encord(error)) if self.options.refresh_every.is_some() => {
                    trouble.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        trouble.map_or(Ok(()), |error| Err(error.into()))
    }
}
