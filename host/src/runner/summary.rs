//! What a run came to.

use std::collections::HashSet;
use std::time::Duration;

use uuid::Uuid;

use crate::encord::Stage;

/// Failed tasks of which the details are kept, per stage. All are counted, and all are logged.
const FAILURES_KEPT: usize = 1_000;

/// What a run came to, stage by stage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// One for each stage that was served, in order. Passes are added up.
    pub stages: Vec<StageSummary>,
    /// Passes over all stages.
    pub passes: u64,
    /// Commits of an earlier run that were brought to their end.
    pub resumed: u64,
    /// Those that Encord refused.
    pub refused: u64,
    /// True if the run ended because it was asked to.
    pub interrupted: bool,
    /// Wall-clock time of the whole run.
    pub elapsed: Duration,
}

impl Summary {
    /// Tasks that failed, over all stages.
    pub fn failed(&self) -> u64 {
        self.stages.iter().map(|stage| stage.failed).sum()
    }

    /// Tasks that were left alone since they are in quarantine, over all stages.
    pub fn quarantined(&self) -> u64 {
        self.stages.iter().map(|stage| stage.quarantined).sum()
    }

    /// Decided tasks whose commit is still open, over all stages.
    pub fn unsent(&self) -> u64 {
        self.stages.iter().map(|stage| stage.unsent).sum()
    }

    /// Whether every task that was taken ended as its agent decided or was gone, and none was left in quarantine.
    pub fn is_clean(&self) -> bool {
        let paused = self.stages.iter().any(|stage| stage.paused);
        self.failed() + self.stopped() + self.quarantined() + self.unsent() + self.refused == 0
            && !paused
    }

    /// Whether all tasks that were taken failed.
    pub fn is_hopeless(&self) -> bool {
        let done: u64 = self.stages.iter().map(StageSummary::done).sum();
        let others = |stage: &StageSummary| stage.gone + stage.stopped + stage.unsent;
        let others: u64 = self.stages.iter().map(others).sum();
        self.failed() > 0 && done + others == 0
    }

    /// Tasks whose attempt was stopped, over all stages.
    pub fn stopped(&self) -> u64 {
        self.stages.iter().map(|stage| stage.stopped).sum()
    }
}

/// What became of the tasks of one stage.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StageSummary {
    /// The stage.
    pub uuid: Uuid,
    /// Its title.
    pub title: String,
    /// Pathways of the stage, in its order, with the number of tasks that went along each.
    pub pathways: Vec<(String, u64)>,
    /// Tasks that the agent left where they are.
    pub stayed: u64,
    /// Tasks that failed for good: the agent came to no decision, or Encord refused it.
    pub failed: u64,
    /// Tasks that were left alone, since they failed in an earlier run under the same plugin and configuration.
    pub quarantined: u64,
    /// Decided tasks whose commit is still open: Encord could not be reached. The next start brings them to their end.
    pub unsent: u64,
    /// True if the stage was paused when the run ended, since every task failed.
    pub paused: bool,
    /// Tasks that had left the stage before they could be moved, by somebody else's doing, or whose data unit was removed.
    pub gone: u64,
    /// Tasks whose attempt was stopped because the run had to end. They stay at the stage.
    pub stopped: u64,
    /// Attempts beyond the first, over all tasks.
    pub retries: u64,
    /// Decisions that were void, since somebody had edited the same labels: the agent decided anew.
    pub overtaken: u64,
    /// What agents asked for although the stage does not declare it, and so had to wait for.
    pub undeclared: Vec<Undeclared>,
    /// Time from the first request to the last answer.
    pub elapsed: Duration,
    /// The first 1,000 of the failed tasks.
    pub failures: Vec<TaskFailure>,
    /// The first 1,000 of the tasks that were gone, in quarantine, or not sent.
    pub others: Vec<OtherTask>,
    /// Tasks that failed or were left alone, so that no pass counts them again.
    counted: HashSet<Uuid>,
}

/// A task that neither failed nor ended as its agent decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherTask {
    /// The task.
    pub task: Uuid,
    /// The title of its data unit.
    pub data_title: String,
    /// Which kind it is.
    pub kind: Other,
}

/// Why a task neither failed nor ended as its agent decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// See [`StageSummary::gone`].
    Gone,
    /// See [`StageSummary::quarantined`].
    Quarantined,
    /// See [`StageSummary::unsent`].
    Unsent,
}

/// A dependency that was fetched when an agent asked for it, task by task. If the stage declared it, it would come with the
/// batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undeclared {
    /// What it is, for example `label row`.
    pub dependency: String,
    /// How the plugin would declare it: what a function of the contract's `declaration` is called.
    pub declaration: &'static str,
    /// Tasks that asked for it.
    pub tasks: u64,
    /// How long they waited, all together.
    pub waited: Duration,
}

/// A task that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFailure {
    /// The task.
    pub task: Uuid,
    /// The title of its data unit.
    pub data_title: String,
    /// What it ended in, for example `trap` or `unknown pathway`.
    pub kind: &'static str,
    /// The whole story: the plugin's own message and, for a trap, the backtrace.
    pub message: String,
    /// Attempts that were made.
    pub attempts: u32,
}

impl StageSummary {
    pub(super) fn new(stage: &Stage) -> Self {
        Self {
            uuid: stage.uuid,
            title: stage.title.clone(),
            pathways: stage
                .pathways
                .iter()
                .map(|pathway| (pathway.name.clone(), 0))
                .collect(),
            stayed: 0,
            failed: 0,
            quarantined: 0,
            unsent: 0,
            paused: false,
            gone: 0,
            stopped: 0,
            retries: 0,
            overtaken: 0,
            undeclared: Vec::new(),
            elapsed: Duration::ZERO,
            failures: Vec::new(),
            others: Vec::new(),
            counted: HashSet::new(),
        }
    }

    /// Tasks that moved or were left on purpose.
    pub fn done(&self) -> u64 {
        self.moved() + self.stayed
    }

    /// Tasks that went along a pathway.
    pub fn moved(&self) -> u64 {
        self.pathways.iter().map(|(_, count)| count).sum()
    }

    /// Tasks that ended in any way, per second.
    pub fn tasks_per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 {
            (self.done() + self.failed + self.gone) as f64 / seconds
        } else {
            0.0
        }
    }

    pub(super) fn add_undeclared(&mut self, more: Vec<Undeclared>) {
        for one in more {
            let known = self.undeclared.iter_mut().find(|known| {
                (&known.dependency, known.declaration) == (&one.dependency, one.declaration)
            });
            match known {
                Some(known) => {
                    known.tasks += one.tasks;
                    known.waited += one.waited;
                }
                None => self.undeclared.push(one),
            }
        }
    }

    /// Counts a task that is in quarantine, unless it was counted in an earlier pass, or came there in this run.
    pub(super) fn leave_alone(&mut self, task: Uuid, data_title: &str) {
        if self.counted.insert(task) {
            self.add_other(Other::Quarantined, task, data_title);
        }
    }

    /// Whether a task was counted as failed, or as in quarantine.
    pub(super) fn is_counted(&self, task: Uuid) -> bool {
        self.counted.contains(&task)
    }

    /// Counts a task of this kind, and names it.
    pub(super) fn add_other(&mut self, kind: Other, task: Uuid, data_title: &str) {
        match kind {
            Other::Gone => self.gone += 1,
            Other::Quarantined => self.quarantined += 1,
            Other::Unsent => self.unsent += 1,
        }
        let named = self.others.iter().filter(|other| other.kind == kind);
        if named.count() < FAILURES_KEPT {
            self.others.push(OtherTask {
                task,
                data_title: data_title.to_owned(),
                kind,
            });
        }
    }

    pub(super) fn fail(&mut self, failure: TaskFailure) {
        // One that failed in an earlier pass too was counted then.
        if !self.counted.insert(failure.task) {
            return;
        }
        self.failed += 1;
        if self.failures.len() < FAILURES_KEPT {
            self.failures.push(failure);
        }
    }
}
