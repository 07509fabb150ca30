//! What the server has, before something of it is overwritten: whether somebody edited it since the agent read it.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::encord::{
    Client, Error, ErrorKind, LabelRowMetadata, MetadataOptions, ReadOptions, StorageItem,
    StorageItemUpdate, Task, TaskFilter,
};
use crate::journal::{Entry, EntryItem, EntryLabels};
use crate::labels::{Edits, Onto};
use crate::off_thread::off_thread;

/// What is to be done about the label row of a decision.
#[derive(Debug)]
pub(super) enum RowCheck {
    /// Nobody edited it: it is saved as the agent left it.
    AsRead,
    /// What is on the server is not known to be what the agent read: `row` is saved, which has what both did.
    Merged {
        row: Value,
        /// Whether somebody edited labels of it, rather than nobody or something else.
        edited: bool,
    },
    /// It has all that the agent did already.
    Saved,
    /// The task has left the stage, so nothing is saved for it any more.
    Gone,
    /// Somebody edited what the agent edited: why the decision is void.
    Overtaken(String),
    /// It could not be found out.
    Failed(Error),
}

/// Looks at the rows of decisions of one stage; one answer for each, in order. That takes one listing for each branch and,
/// of the rows that somebody may have edited, one reading.
///
/// `again` says that the decisions were sent before, and may have been saved. `in_doubt` says that the time of the last edit
/// proves nothing for a row.
pub(super) async fn rows(
    client: &Client,
    project: Uuid,
    stage: Uuid,
    entries: &[(&Entry, &EntryLabels)],
    again: bool,
    in_doubt: impl Fn(Uuid) -> bool,
) -> Vec<RowCheck> {
    let listed = match list(client, project, entries).await {
        Ok(listed) => listed,
        Err(error) => {
            let failed = |_| RowCheck::Failed(error.clone());
            return entries.iter().map(failed).collect();
        }
    };
    let elsewhere = |(entry, labels): &&(&Entry, &EntryLabels)| {
        let row = listed.get(&labels.label_hash);
        let at = row.and_then(|row| row.stage.as_ref());
        at.filter(|at| at.uuid != stage).map(|_| entry.data_hash)
    };
    let data_hashes: Vec<Uuid> = entries.iter().filter_map(|one| elsewhere(&one)).collect();
    let waiting = match waiting(client, project, stage, data_hashes.clone()).await {
        Ok(waiting) => waiting,
        Err(error) => {
            let failed = |_| RowCheck::Failed(error.clone());
            return entries.iter().map(failed).collect();
        }
    };
    let moved: HashSet<Uuid> = data_hashes.into_iter().collect();
    let mut checks = Vec::with_capacity(entries.len());
    let mut edited = Vec::new();
    for (at, (entry, labels)) in entries.iter().enumerate() {
        let gone = moved.contains(&entry.data_hash) && !waiting.contains(&entry.task);
        checks.push(if gone {
            RowCheck::Gone
        } else {
            RowCheck::AsRead
        });
        let row = listed.get(&labels.label_hash);
        let now = row.and_then(|row| row.last_edited_at.as_ref());
        let proven = labels.read_edited_at.is_some() && labels.read_edited_at.as_ref() == now;
        // A row that is not listed is left to the save, which says what is wrong with it.
        if !gone && row.is_some() && (!proven || in_doubt(labels.label_hash)) {
            edited.push(at);
        }
    }
    let hashes: Vec<Uuid> = edited.iter().map(|&at| entries[at].1.label_hash).collect();
    if hashes.is_empty() {
        return checks;
    }
    let options = ReadOptions::default();
    let read = client
        .read_label_rows_each(project, &hashes, &options)
        .await;
    for (at, theirs) in edited.into_iter().zip(read) {
        checks[at] = match theirs {
            Ok(theirs) => {
                let labels = entries[at].1.clone();
                off_thread(move || onto(&labels, again, &theirs)).await
            }
            Err(error) if error.kind() == ErrorKind::NotFound => RowCheck::AsRead,
            Err(error) => RowCheck::Failed((*error).clone()),
        };
    }
    checks
}

fn onto(labels: &EntryLabels, again: bool, theirs: &Value) -> RowCheck {
    let Some(edits) = &labels.edits else {
        return RowCheck::Overtaken("the labels were edited since the agent read them".to_owned());
    };
    if again && edits.was_saved(theirs) {
        return RowCheck::Saved;
    }
    match edits.onto(&labels.document, theirs) {
        Ok(Onto::Saved) => RowCheck::Saved,
        Ok(Onto::Merged(row)) => RowCheck::Merged {
            edited: !Edits::between(&labels.document, &row).is_empty(),
            row,
        },
        Err(conflict) => RowCheck::Overtaken(conflict.to_string()),
    }
}

/// What the project lists of the rows, by label hash.
async fn list(
    client: &Client,
    project: Uuid,
    entries: &[(&Entry, &EntryLabels)],
) -> Result<HashMap<Uuid, LabelRowMetadata>, Error> {
    let mut branches: HashMap<&str, Vec<Uuid>> = HashMap::new();
    for (entry, labels) in entries {
        let branch = labels.document.get("branch_name").and_then(Value::as_str);
        let hashes = branches.entry(branch.unwrap_or("main")).or_default();
        hashes.push(entry.data_hash);
    }
    let mut listed = HashMap::new();
    for (branch, hashes) in branches {
        let options = MetadataOptions {
            branch_name: Some(branch.to_owned()),
            ..MetadataOptions::default()
        };
        let rows = client.label_row_metadata(project, &hashes, &options);
        for row in rows.await? {
            if let Some(label_hash) = row.label_hash {
                listed.insert(label_hash, row);
            }
        }
    }
    Ok(listed)
}

/// The tasks of these data units that wait at the stage.
pub(super) async fn waiting(
    client: &Client,
    project: Uuid,
    stage: Uuid,
    data_hashes: Vec<Uuid>,
) -> Result<HashSet<Uuid>, Error> {
    if data_hashes.is_empty() {
        return Ok(HashSet::new());
    }
    let filter = TaskFilter {
        data_hashes,
        ..TaskFilter::default()
    };
    let mut listing = client.tasks(project, stage, filter);
    let mut waiting = HashSet::new();
    while let Some(page) = listing.next_page().await? {
        waiting.extend(page.iter().map(|task: &Task| task.uuid));
    }
    Ok(waiting)
}

/// The client metadata that items have now, as far as it could be read.
#[derive(Debug, Default)]
pub(super) struct Items(HashMap<Uuid, Result<Map<String, Value>, Error>>);

/// What is to be done about the client metadata of storage items.
#[derive(Debug, Default)]
pub(super) struct ItemChecks {
    /// What each item is to have, where that is something else than it has.
    pub(super) updates: Vec<(Uuid, StorageItemUpdate)>,
    /// Decisions that are void, by task, and why: somebody changed the same keys.
    pub(super) overtaken: HashMap<Uuid, String>,
    /// Items that could not be read.
    pub(super) failed: Vec<(Uuid, Error)>,
}

impl Items {
    /// Reads all items that decisions change, at once.
    pub(super) async fn read(client: &Client, entries: &[&Entry]) -> Self {
        let changed = entries.iter().flat_map(|entry| &entry.items);
        let mut uuids: Vec<Uuid> = changed.map(|change| change.item).collect();
        uuids.sort_unstable();
        uuids.dedup();
        if uuids.is_empty() {
            return Self::default();
        }
        let read = client.storage_items_each(&uuids, false).await;
        let read = read.into_iter().map(|item| match item {
            Ok(item) => Ok(metadata_of(&item)),
            Err(error) => Err((*error).clone()),
        });
        Self(uuids.into_iter().zip(read).collect())
    }

    /// Brings the changes of decisions onto what the items have. Changes of different keys are merged, of several decisions
    /// too; a decision that is void changes nothing.
    pub(super) fn check(&self, entries: &[&Entry]) -> ItemChecks {
        let mut checks = ItemChecks::default();
        loop {
            let void = checks.overtaken.len();
            checks.updates.clear();
            checks.failed.clear();
            for (uuid, read) in &self.0 {
                match read {
                    Ok(before) => self.check_one(*uuid, before, entries, &mut checks),
                    Err(error) => checks.failed.push((*uuid, error.clone())),
                }
            }
            // What a void decision would have changed is not in the way of others.
            if checks.overtaken.len() == void {
                return checks;
            }
        }
    }

    fn check_one(
        &self,
        item: Uuid,
        before: &Map<String, Value>,
        entries: &[&Entry],
        checks: &mut ItemChecks,
    ) {
        let mut now = before.clone();
        for entry in entries {
            for change in entry.items.iter().filter(|change| change.item == item) {
                if checks.overtaken.contains_key(&entry.task) {
                    continue;
                }
                match merged(change, &now) {
                    Ok(merged) => now = merged,
                    // A part of the decision was carried out: what somebody did since then stays.
                    Err(_) if entry.begun => {}
                    Err(key) => {
                        let why = format!(
                            "the key \"{key}\" of the client metadata was changed since the agent read it"
                        );
                        checks.overtaken.insert(entry.task, why);
                    }
                }
            }
        }
        if now != *before {
            let update = StorageItemUpdate {
                client_metadata: Some(now),
                ..StorageItemUpdate::default()
            };
            checks.updates.push((item, update));
        }
    }
}

fn metadata_of(item: &StorageItem) -> Map<String, Value> {
    let text = item.client_metadata.as_deref();
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

/// What an item is to have that has `now`. Errors: a key that somebody else changed, and the agent too.
fn merged(change: &EntryItem, now: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let ours = &change.client_metadata;
    let Some(read) = change.read.as_ref().filter(|read| *read != now) else {
        return Ok(ours.clone());
    };
    let mut merged = now.clone();
    let removed = read.keys().filter(|key| !ours.contains_key(*key));
    for key in ours.keys().chain(removed) {
        let (read, ours, now) = (read.get(key), ours.get(key), now.get(key));
        if read == ours || now == ours {
            continue;
        }
        if now != read {
            return Err(key.clone());
        }
        match ours {
            Some(value) => drop(merged.insert(key.clone(), value.clone())),
            None => drop(merged.remove(key)),
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn changes_of_different_keys_are_merged() {
        let change = |read: Value, ours: Value| EntryItem {
            item: Uuid::nil(),
            client_metadata: object(ours),
            read: Some(object(read)),
        };
        let read = json!({ "a": 1, "b": 2, "c": 3 });
        let ours = json!({ "a": 1, "b": 5, "d": 6 });
        let onto = |now: Value| merged(&change(read.clone(), ours.clone()), &object(now));
        assert_eq!(onto(read.clone()), Ok(object(ours.clone())));
        assert_eq!(
            onto(ours.clone()),
            Ok(object(ours.clone())),
            "it was sent before"
        );
        assert_eq!(
            onto(json!({ "a": 9, "b": 2, "c": 3, "e": 7 })),
            Ok(object(json!({ "a": 9, "b": 5, "d": 6, "e": 7 })))
        );
        assert_eq!(onto(json!({ "a": 1, "b": 4, "c": 3 })), Err("b".to_owned()));
        assert_eq!(
            onto(json!({ "a": 1, "b": 2, "c": 4 })),
            Err("c".to_owned()),
            "it was removed"
        );
        assert_eq!(
            onto(json!({ "a": 1, "b": 2 })),
            Ok(object(ours.clone())),
            "both removed it"
        );
    }
}
