use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Feed, NOWHERE, PROJECT, STAGE};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::encord::{ReadOptions, StorageItemUpdate, Task};
use crate::journal::{Entry, EntryItem, EntryLabels, Journal};
use crate::labels::Edits;
use crate::runner::commit::{Committed, Committer};
use crate::runner::resume::{Resumed, resume};
use crate::runner::written::Written;

const NEXT: Uuid = Uuid::from_u128(0x33333333_3333_4333_8333_000000000001);

/// A decision to move the task on and to note something on items.
fn entry(task: &Task, items: &[(Uuid, Value)]) -> Entry {
    let items = items.iter().map(|(item, metadata)| EntryItem {
        item: *item,
        client_metadata: metadata.as_object().cloned().unwrap_or_else(Map::new),
        read: None,
    });
    Entry {
        project: PROJECT,
        stage: STAGE,
        task: task.uuid,
        data_hash: task.data_hash,
        data_title: task.data_title.clone(),
        labels: None,
        items: items.collect(),
        priority: None,
        pathway: Some(NEXT),
        digest: String::new(),
        begun: false,
    }
}

impl Feed {
    async fn item(&self, task: &Task) -> Uuid {
        let listed = self.metadata(task).await;
        listed.backing_item_uuid.expect("each has one")
    }

    async fn noted(&self, item: Uuid) -> Value {
        let item = self.client.storage_item(item, false).await;
        let noted = item.expect("it is there").client_metadata;
        serde_json::from_str(&noted.expect("the server says it")).expect("it is JSON")
    }

    /// The row of a data unit as the server has it.
    async fn row(&self, task: &Task) -> Value {
        let listed = self.metadata(task).await;
        let hashes = [listed.label_hash.expect("it has been made")];
        let options = ReadOptions::default();
        let read = self.client.read_label_rows(PROJECT, &hashes, &options);
        read.await.expect("it can be read").remove(0).1
    }

    /// An edit of that row, as an attempt that reads it now leaves it.
    async fn edited(&self, task: &Task, edit: impl FnOnce(&mut Value)) -> EntryLabels {
        let listed = self.metadata(task).await;
        let before = self.row(task).await;
        let mut after = before.clone();
        edit(&mut after);
        EntryLabels {
            label_hash: listed.label_hash.expect("it has been made"),
            edits: Some(Edits::between(&before, &after)),
            document: Arc::new(after),
            read_edited_at: listed.last_edited_at,
        }
    }

    fn committer(&self) -> Committer {
        let folder = self.folder.path().join("run");
        Committer {
            client: self.client.clone(),
            journal: Journal::open(&folder).expect("the folder is ours"),
            written: Written::default(),
        }
    }
}

impl Committer {
    async fn commit(&self, entries: Vec<Entry>) -> Vec<(Entry, Committed)> {
        let recorded = self.journal.record(entries.clone()).await;
        recorded.expect("there is room");
        self.finish(entries, false).await
    }

    async fn open(&self) -> Vec<Entry> {
        let none = HashSet::new();
        let open = self.journal.open_entries(PROJECT, 10, &none).await;
        open.expect("it can be read")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn client_metadata_is_replaced_in_one_request_for_the_bundle() {
    let feed = Feed::of_texts(&[10; 4]).await;
    let tasks = feed.tasks().await;
    let (a, b) = (feed.item(&tasks[0]).await, feed.item(&tasks[1]).await);
    let committer = feed.committer();
    feed.set_faults("[[rules]]\noperation = 'patch-bulk'\nlatency = 0");
    let entries = vec![
        entry(
            &tasks[0],
            &[(a, json!({ "by": 0 })), (b, json!({ "by": 0 }))],
        ),
        entry(
            &tasks[1],
            &[(b, json!({ "by": 1, "nested": { "list": [1.5] } }))],
        ),
        entry(&tasks[2], &[]),
        entry(&tasks[3], &[(b, json!({ "by": 3 })), (a, json!({}))]),
    ];
    let ended = committer.commit(entries).await;
    assert!(ended.iter().all(|(_, one)| matches!(one, Committed::Done)));
    assert_eq!(feed.counts(), [1]);
    // Of several decisions about an item the last one counts.
    assert_eq!(feed.noted(a).await, json!({}));
    assert_eq!(feed.noted(b).await, json!({ "by": 3 }));
    assert_eq!(feed.tasks().await.len(), 1);
    assert_eq!(committer.open().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_is_refused_keeps_its_task_alone_where_it_is() {
    let feed = Feed::of_texts(&[10; 5]).await;
    let tasks = feed.tasks().await;
    let mut entries = Vec::new();
    for (number, task) in tasks[..5].iter().enumerate() {
        let item = feed.item(task).await;
        let mut items = vec![(item, json!({ "number": number }))];
        if number == 2 {
            items.push((NOWHERE, json!({})));
        }
        entries.push(entry(task, &items));
    }
    let ended = feed.committer().commit(entries).await;
    for (number, (_, committed)) in ended.iter().enumerate() {
        match committed {
            Committed::Refused { message, .. } if number == 2 => {
                assert!(message.contains("storage item"), "{message}");
            }
            Committed::Done if number != 2 => {}
            other => panic!("{number}: {other:?}"),
        }
    }
    let waiting = feed.tasks().await;
    let waiting: Vec<_> = waiting.iter().map(|task| &*task.data_title).collect();
    assert_eq!(waiting, ["002.txt", "group"]);
    assert_eq!(
        feed.noted(feed.item(&tasks[4]).await).await,
        json!({ "number": 4 })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_refused_keeps_its_task_alone_where_it_is() {
    let feed = Feed::of_texts(&[10; 5]).await;
    let tasks = feed.tasks().await;
    feed.label(PROJECT, &tasks).await;
    let mut entries = Vec::new();
    for (number, task) in tasks[..5].iter().enumerate() {
        let mut labels = feed.edited(task, |row| row["note"] = number.into()).await;
        if number == 2 {
            labels.label_hash = NOWHERE;
        }
        let labels = Some(labels);
        entries.push(Entry {
            labels,
            ..entry(task, &[])
        });
    }
    let ended = feed.committer().commit(entries).await;
    for (number, (_, committed)) in ended.iter().enumerate() {
        match committed {
            Committed::Refused { begun: false, .. } if number == 2 => {}
            Committed::Done if number != 2 => {
                assert_eq!(feed.row(&tasks[number]).await["note"], number);
            }
            other => panic!("{number}: {other:?}"),
        }
    }
    let waiting = feed.tasks().await;
    let waiting: Vec<_> = waiting.iter().map(|task| &*task.data_title).collect();
    assert_eq!(waiting, ["002.txt", "group"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_about_one_row_are_all_in_it() {
    let feed = Feed::of_texts(&[10; 2]).await;
    let group = feed.task("group").await;
    let others = feed.tasks().await;
    feed.label(PROJECT, std::slice::from_ref(&group)).await;
    let mut entries = Vec::new();
    // Three tasks whose data unit is the group: each adds an object to the row as it is now.
    for task in &others {
        let hash = task.data_title.clone();
        let add = |row: &mut Value| {
            let units = row["data_units"].as_object_mut().expect("it has images");
            let unit = units.values_mut().next().expect("there are two");
            let place = json!({ "x": 0.1, "y": 0.2, "w": 0.3, "h": 0.4 });
            unit["labels"]["objects"] =
                json!([{ "objectHash": hash, "name": "Box", "boundingBox": place }]);
            row["object_answers"][&hash] = json!({ "objectHash": hash, "classifications": [] });
        };
        let labels = Some(feed.edited(&group, add).await);
        let about = Task {
            data_hash: group.data_hash,
            ..task.clone()
        };
        entries.push(Entry {
            labels,
            ..entry(&about, &[])
        });
    }
    let ended = feed.committer().commit(entries).await;
    assert!(
        ended.iter().all(|(_, one)| matches!(one, Committed::Done)),
        "{ended:?}"
    );
    let row = feed.row(&group).await;
    let unit = row["data_units"]
        .as_object()
        .and_then(|units| units.values().next());
    let objects = unit.and_then(|unit| unit["labels"]["objects"].as_array());
    let mut hashes: Vec<_> = objects
        .expect("there are some")
        .iter()
        .filter_map(|object| object["objectHash"].as_str())
        .collect();
    hashes.sort_unstable();
    assert_eq!(hashes, ["000.txt", "001.txt", "group"], "{row}");
    assert_eq!(feed.tasks().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_sent_is_sent_at_the_next_start() {
    let feed = Feed::of_texts(&[10; 2]).await;
    let tasks = feed.tasks().await;
    let item = feed.item(&tasks[0]).await;
    let entries = vec![
        entry(&tasks[0], &[(item, json!({ "a": 1 }))]),
        entry(&tasks[1], &[]),
    ];
    let committer = feed.committer();
    feed.set_faults("[[rules]]\noperation = 'patch-bulk'\nstatus = 503\nretry-after = 0");
    let ended = committer.commit(entries).await;
    assert!(
        matches!(ended[0].1, Committed::Unsent { .. }),
        "{:?}",
        ended[0].1
    );
    assert!(matches!(ended[1].1, Committed::Done));
    assert_eq!(feed.noted(item).await, json!({}));
    drop(committer);

    // The host was ended; what it had sent may have arrived all the same.
    let committer = feed.committer();
    feed.set_faults("[[rules]]\noperation = 'patch-bulk'\ndrop-after = true\ntimes = 1");
    let none = HashMap::new();
    let resumed = resume(&committer, PROJECT, &none, Timestamp::now(), true).await;
    let resumed = resumed.unwrap();
    let expected = Resumed {
        finished: 1,
        dropped: 0,
        refused: 0,
        unsent: 0,
    };
    assert_eq!(resumed, expected);
    assert_eq!(feed.noted(item).await, json!({ "a": 1 }));
    assert_eq!(feed.tasks().await.len(), 1);
    assert_eq!(committer.open().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_together_is_sent_one_by_one() {
    let feed = Feed::of_texts(&[10; 3]).await;
    let tasks = feed.tasks().await;
    let committer = feed.committer();
    let entries: Vec<_> = tasks.iter().map(|task| entry(task, &[])).collect();
    let recorded = committer.journal.record(entries.clone()).await;
    recorded.expect("there is room");
    // As often as the client tries the bundle.
    feed.set_faults("[[rules]]\noperation = 'actions'\nstatus = 500\nretry-after = 0\ntimes = 4");
    let ended = committer.finish_apart(entries).await;
    assert_eq!(ended.len(), tasks.len());
    assert!(ended.iter().all(|(_, one)| matches!(one, Committed::Done)));
    assert_eq!(feed.tasks().await.len(), 0);
    assert_eq!(committer.open().await, []);
    assert_eq!(feed.counts(), [4 + tasks.len() as u64]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_cannot_be_is_not_taken_for_a_task_that_is_gone() {
    let feed = Feed::of_texts(&[10; 2]).await;
    let tasks = feed.tasks().await;
    let committer = feed.committer();
    let mut nowhere = entry(&tasks[0], &[]);
    nowhere.pathway = Some(NOWHERE);
    let ended = committer.commit(vec![nowhere, entry(&tasks[1], &[])]).await;
    for (entry, committed) in ended {
        match committed {
            Committed::Refused { begun: false, .. } if entry.task == tasks[0].uuid => {}
            Committed::Done if entry.task == tasks[1].uuid => {}
            other => panic!("{}: {other:?}", entry.data_title),
        }
    }
    assert_eq!(feed.tasks().await.len(), tasks.len() - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_is_brought_to_its_end_whatever_others_did_since() {
    let feed = Feed::of_texts(&[10]).await;
    let task = feed.tasks().await.remove(0);
    let item = feed.item(&task).await;
    let mut decision = entry(&task, &[(item, json!({ "a": 1 }))]);
    decision.items[0].read = Some(Map::new());
    let committer = feed.committer();
    feed.set_faults("[[rules]]\noperation = 'actions'\nstatus = 503\nretry-after = 0");
    let ended = committer.commit(vec![decision]).await;
    assert!(
        matches!(ended[0].1, Committed::Unsent { .. }),
        "{:?}",
        ended[0].1
    );
    feed.set_faults("");
    // Somebody changes what the agent set.
    let other = StorageItemUpdate {
        client_metadata: Some(Map::from_iter([("a".to_owned(), json!(2))])),
        ..StorageItemUpdate::default()
    };
    let changed = feed.client.update_storage_items(&[(item, other)]).await;
    changed.expect("it can be changed");
    let open = committer.open().await;
    assert!(open[0].begun, "it is in the journal");
    let ended = committer.finish_apart(open).await;
    assert!(matches!(ended[0].1, Committed::Done), "{:?}", ended[0].1);
    assert_eq!(feed.noted(item).await, json!({ "a": 2 }));
    assert_eq!(committer.open().await, []);
}
