//! Label rows ahead of the attempts that need them. They are read in parts, whose size follows from what the rows before
//! were like, and within a budget of memory: a task holds its share until it has ended. What was read is handed on before
//! more is asked for, so that whoever waits for the budget waits only for tasks that have what they need.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::join_all;
use runner_media::Budget;
use serde_json::Value;

use super::dependencies::Dependencies;
use super::slot::Resolved;
use super::source::Source;
use crate::encord::LabelRowMetadata;
use crate::engine::{LabelRowInput, Unresolved};
use crate::off_thread::off_thread;

/// Tasks of the first part, before anything is known of the rows.
const FIRST_PART: usize = 25;

/// What the rows of one part take, in bytes of memory; with a small budget less. It takes a few parts to fill a budget,
/// so that one can be read while others are worked on.
const LARGEST_PART: u64 = 64 << 20;
const PARTS_OF_A_BUDGET: u64 = 8;

/// How many times its length in JSON a row takes in memory, as long as that was not measured: boxes take 4 to 5 times as
/// much, masks and polygons less.
const USUAL_FACTOR: u64 = 4;

/// The longest answer about one label row, in bytes of JSON, if the budget is not larger.
const LONGEST_ROW: u64 = 256 << 20;

/// The memory that label rows of a stage may take.
#[derive(Debug)]
pub(super) struct RowBudget {
    budget: Budget,
    /// In bytes.
    whole: u64,
    /// What the rows of one task take, own and twins', in bytes; 0 if that is not known yet.
    expected: AtomicU64,
}

impl RowBudget {
    pub(super) fn new(bytes: u64) -> Self {
        Self {
            budget: Budget::new(bytes),
            whole: bytes,
            expected: AtomicU64::new(0),
        }
    }

    /// What the rows of a part are to take.
    fn part(&self) -> u64 {
        (self.whole / PARTS_OF_A_BUDGET).clamp(1, LARGEST_PART)
    }

    /// The longest answer about the rows of so many tasks that is taken. For several it is as long as their rows may
    /// take in memory, which is a few times as much as is aimed at.
    pub(super) fn longest_answer(&self, tasks: usize) -> usize {
        let bytes = match tasks {
            1 => self.whole.max(LONGEST_ROW),
            _ => self.part(),
        };
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// How many tasks go into the next part, if calls of the agent take so many at a time.
    fn tasks(&self, of_a_call: usize) -> usize {
        let tasks = match self.expected.load(Ordering::Relaxed) {
            0 => FIRST_PART.max(of_a_call),
            bytes => usize::try_from(self.part() / bytes).unwrap_or(usize::MAX),
        };
        // Calls are filled if that is possible.
        match tasks {
            tasks if tasks > of_a_call => tasks - tasks % of_a_call,
            tasks => tasks.max(1),
        }
    }

    /// What to expect of so many tasks, in bytes.
    fn expected(&self, tasks: usize) -> u64 {
        match self.expected.load(Ordering::Relaxed) {
            0 => self.part(),
            bytes => bytes.saturating_mul(tasks as u64),
        }
    }

    /// The rows of so many tasks took so much. Larger rows are believed at once, smaller ones by and by.
    fn learn(&self, tasks: usize, bytes: u64) {
        let mean = bytes / tasks.max(1) as u64;
        let before = self.expected.load(Ordering::Relaxed);
        let expected = mean.max(before - before / 4);
        self.expected.store(expected, Ordering::Relaxed);
    }
}

impl Source {
    /// Reads the label rows, own and twins', of the first of these tasks, as many as make up a part, and takes these tasks
    /// out. All of them at once if the stage declares no rows.
    pub(super) async fn rows_ahead(
        &self,
        tasks: &mut Vec<Arc<Dependencies>>,
    ) -> Vec<Arc<Dependencies>> {
        let declaration = &self.declaration;
        if !declaration.needs_label_row && !declaration.twins.iter().any(|twin| twin.label_row) {
            return std::mem::take(tasks);
        }
        let of_a_call = declaration.batches.unwrap_or(1).max(1) as usize;
        let ahead = &self.row_budget;
        let mut many = ahead.tasks(of_a_call).min(tasks.len());
        while many > 0 {
            let reserved = ahead.budget.take(ahead.expected(many)).await;
            let longest = ahead.longest_answer(many);
            let part = &tasks[..many];
            if !self.read_part(part, longest).await && many > 1 {
                let bytes = (longest as u64).saturating_mul(USUAL_FACTOR);
                ahead.learn(many, bytes);
                many = ahead.tasks(1).min(many / 2);
                continue;
            }
            let sizes = sizes(part).await;
            let together = sizes
                .iter()
                .fold(0, |all: u64, size| all.saturating_add(*size));
            ahead.learn(many, together);
            // Nobody else takes shares, so that nothing is lost by asking anew for what is right.
            drop(reserved);
            let mut share = ahead.budget.take(together).await;
            for (one, size) in part.iter().zip(sizes) {
                one.hold(share.split(size));
            }
            break;
        }
        tasks.drain(..many).collect()
    }

    /// Reads the rows of a part. False if an answer would have been longer than that; then only what was created is kept.
    async fn read_part(&self, part: &[Arc<Dependencies>], longest: usize) -> bool {
        let twins = self.declaration.twins.iter().filter(|twin| twin.label_row);
        let twins = twins.map(|twin| async {
            let listed: Vec<_> = part
                .iter()
                .filter_map(|one| {
                    let slots = one.twins.of(twin.project);
                    let metadata = slots.metadata.known()??;
                    Some((slots, metadata))
                })
                .collect();
            let metadata: Vec<_> = listed
                .iter()
                .map(|(_, listed)| Arc::clone(listed))
                .collect();
            let rows = self
                .twins
                .rows(&self.client, twin.project, &metadata, longest);
            let slots = listed.into_iter().map(|(slots, _)| slots);
            slots.zip(rows.await).collect::<Vec<_>>()
        });
        let (own, twins) = tokio::join!(self.own_rows(part, longest), join_all(twins));
        let twins: Vec<_> = twins.into_iter().flatten().collect();
        let fits = !own.iter().any(|(_, _, row)| is_too_large(row))
            && !twins.iter().any(|(_, row)| is_too_large(row));
        let alone = part.len() == 1;
        for (one, metadata, row) in own {
            let was_created = metadata.label_hash.is_none() && row.is_ok();
            if fits || alone || was_created {
                one.row_failed.store(row.is_err(), Ordering::Relaxed);
                one.row.fill(row);
            }
        }
        if fits || alone {
            for (slots, row) in twins {
                slots.row.fill(row);
            }
        }
        fits
    }

    /// The rows of the project itself that are not there yet.
    async fn own_rows<'a>(
        &self,
        part: &'a [Arc<Dependencies>],
        longest: usize,
    ) -> Vec<(
        &'a Arc<Dependencies>,
        Arc<LabelRowMetadata>,
        Resolved<LabelRowInput>,
    )> {
        if !self.declaration.needs_label_row {
            return Vec::new();
        }
        let lacking: Vec<_> = part
            .iter()
            .filter(|one| one.row.known().is_none())
            .filter_map(|one| Some((one, Arc::clone(one.metadata.get()?))))
            .collect();
        let wanted: Vec<_> = lacking
            .iter()
            .map(|(one, metadata)| (&*one.task, Arc::clone(metadata)))
            .collect();
        let rows = self.rows(&wanted, longest).await.into_iter();
        let lacking = lacking.into_iter().zip(rows);
        lacking
            .map(|((one, metadata), row)| (one, metadata, row))
            .collect()
    }
}

fn is_too_large<T>(row: &Result<T, Unresolved>) -> bool {
    matches!(row, Err(Unresolved::TooLarge(_)))
}

/// What the rows of each task take. Looked at where it holds up nobody, for large ones have millions of parts.
async fn sizes(part: &[Arc<Dependencies>]) -> Vec<u64> {
    let documents: Vec<_> = part.iter().map(|one| one.documents()).collect();
    off_thread(move || {
        let sizes = documents
            .iter()
            .map(|of_task| of_task.iter().map(|one| size(one)).sum());
        sizes.collect()
    })
    .await
}

/// What a document takes in memory, in bytes, as `serde_json` and its maps allocate.
pub(super) fn size(value: &Value) -> u64 {
    (size_of::<Value>() + inside(value)) as u64
}

fn inside(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => allocated(text.len()),
        Value::Array(entries) => {
            let slots = if entries.is_empty() {
                0
            } else {
                entries.len().next_power_of_two().max(4)
            };
            slots * size_of::<Value>() + entries.iter().map(inside).sum::<usize>()
        }
        Value::Object(map) => {
            // A table of positions, filled up to seven eighths, beside a list of hash, key and value.
            let buckets = match map.len() {
                0 => 0,
                entries => (entries * 8).div_ceil(7).next_power_of_two().max(4),
            };
            let entry = size_of::<(u64, String, Value)>();
            let entries = map.iter();
            buckets * (size_of::<usize>() + 1)
                + (buckets - buckets.div_ceil(8)) * entry
                + entries
                    .map(|(key, value)| allocated(key.len()) + inside(value))
                    .sum::<usize>()
        }
    }
}

/// Allocators hand out no less than this at a time.
fn allocated(bytes: usize) -> usize {
    bytes.next_multiple_of(16)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn parts_follow_from_what_rows_were_like() {
        let ahead = RowBudget::new(512 * MIB);
        assert_eq!((ahead.tasks(1), ahead.tasks(100)), (25, 100));
        assert_eq!(ahead.expected(25), 64 * MIB);
        ahead.learn(25, 25 * 8192);
        assert_eq!((ahead.tasks(1), ahead.tasks(300)), (8192, 8100));
        // Large ones are believed at once, and small ones after some parts.
        ahead.learn(10, 200 * MIB);
        assert_eq!(
            (ahead.tasks(1), ahead.tasks(2), ahead.tasks(100)),
            (3, 2, 3)
        );
        assert_eq!(ahead.expected(3), 60 * MIB);
        ahead.learn(3, 3 * 8192);
        assert_eq!(ahead.tasks(1), 4);
        ahead.learn(1, 1 << 40);
        assert_eq!(ahead.tasks(1), 1);
    }

    #[test]
    fn answers_about_several_rows_are_bounded_and_one_alone_may_be_longer() {
        let ahead = RowBudget::new(512 * MIB);
        let longest = [ahead.longest_answer(1), ahead.longest_answer(2)];
        assert_eq!(longest, [512 << 20, 64 << 20]);
        let ahead = RowBudget::new(8 * MIB);
        let longest = [ahead.longest_answer(1), ahead.longest_answer(2)];
        assert_eq!(longest, [256 << 20, 1 << 20]);
        assert_eq!(RowBudget::new(0).longest_answer(25), 1);
    }

    #[test]
    fn what_a_document_takes_is_counted_part_by_part() {
        let own = size_of::<Value>() as u64;
        assert_eq!(size(&Value::Null), own);
        assert_eq!(size(&json!(1.5)), own);
        assert_eq!(size(&json!("x".repeat(1000))), own + 1008);
        assert_eq!(size(&json!([1, 2, 3, 4, 5])), own + 8 * own);
        let object = size(&json!({ "a": "b" }));
        let entry = size_of::<(u64, String, Value)>() as u64;
        assert_eq!(object, own + 4 * 9 + 3 * entry + 16 + 16);
        assert_eq!(size(&json!({})), own);
    }
}
