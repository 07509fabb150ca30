//! Commits that an earlier run did not bring to their end.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::commit::{Committed, finish};
use crate::encord::{Client, Error, MetadataOptions, ReadOptions};
use crate::journal::{Entry, Journal, JournalError};

/// Commits that are looked at together.
const BUNDLE: usize = 100;

/// What came of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resumed {
    pub(super) finished: u64,
    pub(super) dropped: u64,
}

/// Brings open commits to their end, before any agent runs.
///
/// Labels are sent only if the row is still as the agent read it, or already as the agent left it: what
/// somebody else edited meanwhile is not overwritten. Such a decision is dropped, and the task goes to its
/// agent again like any other.
///
/// # Errors
/// If the journal or Encord cannot be used. The commits then stay open.
pub(super) async fn resume(
    client: &Client,
    journal: &Journal,
    project: Uuid,
) -> Result<Resumed, ResumeError> {
    let mut resumed = Resumed::default();
    loop {
        let entries = journal.open_entries(project, BUNDLE).await?;
        if entries.is_empty() {
            return Ok(resumed);
        }
        let mut stages: HashMap<Uuid, Vec<Entry>> = HashMap::new();
        for entry in entries {
            stages.entry(entry.stage).or_default().push(entry);
        }
        for (stage, entries) in stages {
            let overtaken = overtaken(client, project, &entries).await?;
            let (dropped, kept): (Vec<_>, Vec<_>) = entries
                .into_iter()
                .partition(|entry| overtaken.contains(&entry.task));
            for entry in &dropped {
                tracing::warn!(
                    task = %entry.task,
                    "the labels of \"{}\" were edited after a commit had been interrupted; the decision is dropped",
                    entry.data_title
                );
            }
            resumed.dropped += dropped.len() as u64;
            journal
                .close(
                    project,
                    stage,
                    dropped.iter().map(|entry| entry.task).collect(),
                )
                .await?;
            for (entry, committed) in finish(client, journal, kept).await? {
                match committed {
                    Committed::Done => resumed.finished += 1,
                    Committed::Gone => {
                        tracing::info!(task = %entry.task, "\"{}\" has already left its stage", entry.data_title);
                        resumed.finished += 1;
                    }
                    Committed::Refused(reason) => {
                        tracing::warn!(task = %entry.task, "an interrupted commit cannot be resumed: {reason}");
                        resumed.dropped += 1;
                    }
                    Committed::Unsent(reason) => return Err(ResumeError::Unsent(reason)),
                }
            }
        }
    }
}

/// The tasks whose label row is neither as it was read nor as it was to be saved.
async fn overtaken(
    client: &Client,
    project: Uuid,
    entries: &[Entry],
) -> Result<HashSet<Uuid>, ResumeError> {
    let with_labels: Vec<(&Entry, Uuid)> = entries
        .iter()
        .filter_map(|entry| {
            entry
                .labels
                .as_ref()
                .map(|labels| (entry, labels.label_hash))
        })
        .collect();
    if with_labels.is_empty() {
        return Ok(HashSet::new());
    }
    let mut edited_at: HashMap<Uuid, Option<String>> = HashMap::new();
    let mut branches: HashMap<String, Vec<Uuid>> = HashMap::new();
    for (entry, _) in &with_labels {
        let document = entry.labels.as_ref().map(|labels| &*labels.document);
        let branch = document
            .and_then(|document| document.get("branch_name")?.as_str())
            .unwrap_or("main");
        branches
            .entry(branch.to_owned())
            .or_default()
            .push(entry.data_hash);
    }
    for (branch, hashes) in branches {
        let options = MetadataOptions {
            branch_name: Some(branch),
            ..MetadataOptions::default()
        };
        for row in client
            .label_row_metadata(project, &hashes, &options)
            .await?
        {
            if let Some(label_hash) = row.label_hash {
                edited_at.insert(label_hash, row.last_edited_at);
            }
        }
    }
    let changed: Vec<(&Entry, Uuid)> = with_labels
        .into_iter()
        .filter(|(entry, hash)| {
            let read = entry
                .labels
                .as_ref()
                .and_then(|labels| labels.read_edited_at.clone());
            edited_at.get(hash) != Some(&read)
        })
        .collect();
    let hashes: Vec<Uuid> = changed.iter().map(|(_, hash)| *hash).collect();
    let rows = client
        .read_label_rows_each(project, &hashes, &ReadOptions::default())
        .await;
    let mut overtaken = HashSet::new();
    for ((entry, _), row) in changed.into_iter().zip(rows) {
        let ours = entry.labels.as_ref().map(|labels| &*labels.document);
        let new = entry
            .labels
            .as_ref()
            .is_some_and(|labels| labels.read_edited_at.is_none());
        match row {
            // The row was made when the agent's copy was read, and nothing was put into it since.
            Ok(theirs) if new && is_empty(&theirs) => {}
            Ok(theirs) if ours.is_some_and(|ours| same_labels(ours, &theirs)) => {}
            Ok(_) => drop(overtaken.insert(entry.task)),
            Err(error) if error.is_transient() => {
                return Err(ResumeError::Unsent(error.to_string()));
            }
            Err(_) => drop(overtaken.insert(entry.task)),
        }
    }
    Ok(overtaken)
}

/// Whether nothing is labelled in a document.
fn is_empty(document: &Value) -> bool {
    ["object_answers", "classification_answers"]
        .iter()
        .all(|part| {
            let entries = document.get(part).and_then(Value::as_object);
            entries.is_none_or(serde_json::Map::is_empty)
        })
}

/// Whether two documents have the same objects and classifications: all that a save by the host adds or
/// changes is among the hashes of these.
fn same_labels(ours: &Value, theirs: &Value) -> bool {
    ["object_answers", "classification_answers"]
        .iter()
        .all(|part| {
            let keys = |document: &Value| -> HashSet<String> {
                let entries = document.get(part).and_then(Value::as_object);
                entries
                    .map(|entries| entries.keys().cloned().collect())
                    .unwrap_or_default()
            };
            keys(ours) == keys(theirs)
        })
}

/// Why open commits stay open.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Encord refused to say what it has.
    #[error("commits of an earlier run cannot be resumed: {0}")]
    Encord(#[from] Error),
    /// Encord could not be reached.
    #[error("commits of an earlier run cannot be resumed: {0}")]
    Unsent(String),
}
