//! Carries decisions out: labels, then client metadata, then priority, then pathway, in bundles. What was decided is in the
//! journal before the first request, and leaves it when the server has confirmed the last one.

use std::collections::HashMap;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::encord::{Client, Error, ErrorKind, StorageItemUpdate, Task, TaskFilter};
use crate::journal::{Entry, Journal, JournalError};

/// What became of one task's commit.
#[derive(Debug, Clone)]
pub(super) enum Committed {
    /// All of it was confirmed.
    Done,
    /// The task had left the stage by somebody else's doing.
    Gone,
    /// Encord refused a part of it for good. The task stays where it is.
    Refused(String),
    /// Encord could not be reached. The commit stays in the journal, and is resumed at the next start.
    Unsent(String),
}

/// Carries out the decisions of one stage: up to a bundle of them, in one request for each step.
///
/// # Errors
/// If the journal cannot be written to; then nothing was sent.
pub(super) async fn commit(
    client: &Client,
    journal: &Journal,
    entries: Vec<Entry>,
) -> Result<Vec<(Entry, Committed)>, JournalError> {
    journal.record(entries.clone()).await?;
    finish(client, journal, entries).await
}

/// The part of [`commit`] after recording: also what resumes an interrupted commit.
pub(super) async fn finish(
    client: &Client,
    journal: &Journal,
    entries: Vec<Entry>,
) -> Result<Vec<(Entry, Committed)>, JournalError> {
    let Some(first) = entries.first() else {
        return Ok(Vec::new());
    };
    let (project, stage) = (first.project, first.stage);
    let mut states: Vec<(Entry, Option<Committed>)> =
        entries.into_iter().map(|entry| (entry, None)).collect();

    save_labels(client, project, &mut states).await;
    update_items(client, &mut states).await;
    set_priorities(client, project, &mut states).await;
    follow_pathways(client, project, stage, &mut states).await;

    let ended: Vec<(Entry, Committed)> = states
        .into_iter()
        .map(|(entry, committed)| (entry, committed.unwrap_or(Committed::Done)))
        .collect();
    let closed = ended
        .iter()
        .filter(|(_, committed)| !matches!(committed, Committed::Unsent(_)))
        .map(|(entry, _)| entry.task)
        .collect();
    if let Err(error) = journal.close(project, stage, closed).await {
        // The server has them; the next start will find that out.
        tracing::warn!("{error}");
    }
    Ok(ended)
}

type States = [(Entry, Option<Committed>)];

async fn save_labels(client: &Client, project: Uuid, states: &mut States) {
    let mut rows = Vec::new();
    let mut at = Vec::new();
    for (position, (entry, committed)) in states.iter().enumerate() {
        if let (Some(labels), None) = (&entry.labels, committed) {
            rows.push((labels.label_hash, &*labels.document));
            at.push(position);
        }
    }
    if rows.is_empty() {
        return;
    }
    let saved = client.save_label_rows_each(project, &rows).await;
    for (position, saved) in at.into_iter().zip(saved) {
        if let Err(error) = saved {
            states[position].1 = Some(refused("saving the labels", &error));
        }
    }
}

async fn update_items(client: &Client, states: &mut States) {
    // Several tasks may be about one item; the last decision counts. What all of them are refused for is the same.
    let mut last: HashMap<Uuid, &Map<String, Value>> = HashMap::new();
    for (entry, committed) in states.iter() {
        if committed.is_none() {
            let items = entry.items.iter();
            last.extend(items.map(|item| (item.item, &item.client_metadata)));
        }
    }
    if last.is_empty() {
        return;
    }
    let updates: Vec<(Uuid, StorageItemUpdate)> = last
        .into_iter()
        .map(|(item, metadata)| {
            let update = StorageItemUpdate {
                client_metadata: Some(metadata.clone()),
                ..StorageItemUpdate::default()
            };
            (item, update)
        })
        .collect();
    let updated = client.update_storage_items_each(&updates).await;
    for ((item, _), updated) in updates.iter().zip(updated) {
        let Err(error) = updated else { continue };
        for (entry, committed) in states.iter_mut() {
            if committed.is_none() && entry.items.iter().any(|changed| changed.item == *item) {
                *committed = Some(refused("updating the storage item", &error));
            }
        }
    }
}

async fn set_priorities(client: &Client, project: Uuid, states: &mut States) {
    // Encord keys priorities by data unit; of several tasks on one, the last decision counts.
    let mut priorities: HashMap<Uuid, f64> = HashMap::new();
    for (entry, committed) in states.iter() {
        if let (Some(priority), None) = (entry.priority, committed) {
            priorities.insert(entry.data_hash, priority);
        }
    }
    if priorities.is_empty() {
        return;
    }
    let priorities: Vec<(Uuid, f64)> = priorities.into_iter().collect();
    let set = client.set_priorities_each(project, &priorities).await;
    for ((data_hash, _), set) in priorities.iter().zip(set) {
        let Err(error) = set else { continue };
        for (entry, committed) in states.iter_mut() {
            if entry.data_hash == *data_hash && entry.priority.is_some() && committed.is_none() {
                *committed = Some(refused("setting the priority", &error));
            }
        }
    }
}

async fn follow_pathways(client: &Client, project: Uuid, stage: Uuid, states: &mut States) {
    let mut moves = Vec::new();
    let mut data_hashes = Vec::new();
    let mut at = Vec::new();
    for (position, (entry, committed)) in states.iter().enumerate() {
        if let (Some(pathway), None) = (entry.pathway, committed) {
            moves.push((entry.task, pathway));
            data_hashes.push(entry.data_hash);
            at.push(position);
        }
    }
    let error = match client.follow_pathways(project, stage, &moves).await {
        Ok(()) => return,
        Err(error) => error,
    };
    if error.is_transient() {
        for position in at {
            states[position].1 = Some(refused("moving the task", &error));
        }
        return;
    }
    // All tasks of a bundle move, or none. If its answer was lost, its repeat is refused although it was carried out;
    // one listing tells that sooner than asking for each task.
    let mut in_doubt = error.may_have_been_applied();
    if in_doubt {
        match all_have_left(client, project, stage, &moves, data_hashes).await {
            Ok(true) => return,
            Ok(false) => in_doubt = false,
            Err(error) => tracing::debug!(%error, "each task is asked for"),
        }
    }
    let moved = client.follow_pathways_each(project, stage, &moves).await;
    for (position, moved) in at.into_iter().zip(moved) {
        match moved {
            Err(error) if in_doubt && error.kind() == ErrorKind::TaskGone => {}
            Err(error) => states[position].1 = Some(refused("moving the task", &error)),
            Ok(()) => {}
        }
    }
}

/// Whether none of the tasks waits at the stage.
async fn all_have_left(
    client: &Client,
    project: Uuid,
    stage: Uuid,
    moves: &[(Uuid, Uuid)],
    data_hashes: Vec<Uuid>,
) -> Result<bool, Error> {
    let filter = TaskFilter {
        data_hashes,
        ..TaskFilter::default()
    };
    let mut listing = client.tasks(project, stage, filter);
    while let Some(page) = listing.next_page().await? {
        let waits = |task: &Task| moves.iter().any(|(moved, _)| *moved == task.uuid);
        if page.iter().any(waits) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn refused(step: &str, error: &Error) -> Committed {
    if error.kind() == ErrorKind::TaskGone && error.may_have_been_applied() {
        // An earlier try of the same request had got through, and only its answer was lost.
        Committed::Done
    } else if error.kind() == ErrorKind::TaskGone {
        Committed::Gone
    } else if error.is_transient() || error.kind() == ErrorKind::Authentication {
        Committed::Unsent(format!("{step} failed: {error}"))
    } else {
        Committed::Refused(format!("{step} was refused: {error}"))
    }
}
