//! What agents ask for although their stage does not declare it: it works, one task at a time, and the summary says what
//! that costs.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::summary::Undeclared;

/// Different things that are counted for a stage. An agent that asks about projects at random has no more lines in the
/// summary.
const MOST_NEEDS: usize = 100;

/// Something that a stage can declare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Need {
    LabelRow,
    StorageItem,
    Children,
    File,
    /// The data in this project; likewise the next two.
    Twin(Uuid),
    TwinLabelRow(Uuid),
    TwinTask(Uuid),
}

impl Need {
    fn dependency(self) -> String {
        match self {
            Need::LabelRow => "label row".to_owned(),
            Need::StorageItem => "storage item".to_owned(),
            Need::Children => "images of an image group".to_owned(),
            Need::File => "file".to_owned(),
            Need::Twin(project) => format!("twin in the project {project}"),
            Need::TwinLabelRow(project) => format!("twin's label row in the project {project}"),
            Need::TwinTask(project) => format!("twin's task in the project {project}"),
        }
    }

    /// How it would be declared: the name of the function in `declaration`.
    fn declaration(self) -> &'static str {
        match self {
            Need::LabelRow => "needs-label-row",
            Need::StorageItem => "needs-storage-item",
            Need::Children => "needs-single-frame or needs-video",
            Need::File => "needs-asset, needs-single-frame or needs-video",
            Need::Twin(_) => "needs-twin",
            Need::TwinLabelRow(_) => "needs-twin-label-row",
            Need::TwinTask(_) => "needs-twin with its task",
        }
    }
}

/// What was asked for by the tasks of a stage.
#[derive(Debug, Default)]
pub(super) struct Undeclareds(Mutex<BTreeMap<Need, (u64, Duration)>>);

impl Undeclareds {
    /// For the summary.
    pub(super) fn all(&self) -> Vec<Undeclared> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = counts.iter();
        counts
            .map(|(need, (tasks, waited))| Undeclared {
                dependency: need.dependency(),
                declaration: need.declaration(),
                tasks: *tasks,
                waited: *waited,
            })
            .collect()
    }

    fn add(&self, need: Need, tasks: u64, waited: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() < MOST_NEEDS || counts.contains_key(&need) {
            let count = counts.entry(need).or_default();
            count.0 += tasks;
            count.1 += waited;
        }
    }
}

/// What one task has asked for. A task that asks again, in another attempt, waits again and is no other task.
#[derive(Debug, Default)]
pub(super) struct Asked(Mutex<HashSet<Need>>);

impl Asked {
    /// Counts the time until the answer is dropped.
    pub(super) fn waits<'a>(&self, counts: &'a Undeclareds, need: Need) -> Waiting<'a> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Waiting {
            counts,
            need,
            is_first: asked.insert(need),
            since: Instant::now(),
        }
    }
}

/// Somebody waits. Counted when it ends, also if the time limit of the attempt ends it.
pub(super) struct Waiting<'a> {
    counts: &'a Undeclareds,
    need: Need,
    is_first: bool,
    since: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let tasks = u64::from(self.is_first);
        self.counts.add(self.need, tasks, self.since.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_counted_once_and_waits_each_time() {
        let counts = Undeclareds::default();
        let (first, second) = (Asked::default(), Asked::default());
        for asked in [&first, &second, &first] {
            drop(asked.waits(&counts, Need::LabelRow));
        }
        drop(first.waits(&counts, Need::Twin(Uuid::nil())));
        let all = counts.all();
        let all: Vec<_> = all
            .iter()
            .map(|one| (&*one.dependency, one.declaration, one.tasks))
            .collect();
        let twin = "twin in the project 00000000-0000-0000-0000-000000000000";
        assert_eq!(
            all,
            [("label row", "needs-label-row", 2), (twin, "needs-twin", 1)]
        );
    }

    #[test]
    fn what_is_asked_for_at_random_ends_somewhere() {
        let counts = Undeclareds::default();
        let asked = Asked::default();
        for number in 0..1000 {
            drop(asked.waits(&counts, Need::Twin(Uuid::from_u128(number))));
        }
        assert_eq!(counts.all().len(), MOST_NEEDS);
    }
}
