//! The journal, opened in a folder.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::Map;
use uuid::Uuid;

use super::*;
use crate::labels::Edits;

fn entry(task: u128) -> Entry {
    Entry {
        project: Uuid::from_u128(1),
        stage: Uuid::from_u128(2),
        task: Uuid::from_u128(task),
        data_hash: Uuid::from_u128(3),
        data_title: "cat.jpg".to_owned(),
        labels: Some(EntryLabels {
            label_hash: Uuid::from_u128(4),
            document: Arc::new(serde_json::json!({ "b": 1, "a": [0.1, "ä"] })),
            read_edited_at: Some("2025-01-15T09:30:00Z".to_owned()),
            edits: Some(Edits::between(
                &serde_json::json!({ "b": 1 }),
                &serde_json::json!({ "b": 2 }),
            )),
        }),
        items: vec![EntryItem {
            item: Uuid::from_u128(6),
            client_metadata: Map::from_iter([("b".to_owned(), 1.5.into())]),
            read: Some(Map::new()),
        }],
        priority: Some(0.25),
        pathway: Some(Uuid::from_u128(5)),
        digest: "ab".repeat(32),
        begun: false,
    }
}

#[tokio::test]
async fn what_was_recorded_survives_until_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let project = Uuid::from_u128(1);
    let journal = Journal::open(folder.path()).unwrap();
    journal.record(vec![entry(10), entry(11)]).await.unwrap();
    drop(journal);

    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(
        journal
            .open_entries(project, 10, &HashSet::new())
            .await
            .unwrap(),
        [entry(10), entry(11)]
    );
    journal
        .close(project, Uuid::from_u128(2), vec![Uuid::from_u128(10)])
        .await
        .unwrap();
    assert_eq!(
        journal
            .open_entries(project, 10, &HashSet::new())
            .await
            .unwrap(),
        [entry(11)]
    );
    let begun = journal.begun(project, Uuid::from_u128(2), vec![Uuid::from_u128(11)]);
    begun.await.unwrap();
    let open = journal.open_entries(project, 10, &HashSet::new()).await;
    assert!(open.unwrap()[0].begun);
    assert_eq!(
        journal
            .open_entries(Uuid::from_u128(9), 10, &HashSet::new())
            .await
            .unwrap(),
        []
    );
}

#[test]
fn a_second_host_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = Journal::open(folder.path()).unwrap();
    assert!(matches!(
        Journal::open(folder.path()),
        Err(JournalError::InUse { holder, .. }) if holder.contains(&std::process::id().to_string())
    ));
    drop(first);
    assert!(Journal::open(folder.path()).is_ok());
}

#[tokio::test]
async fn decisions_of_an_older_host_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.sqlite");
    let old = Connection::open(&file).unwrap();
    old.execute_batch(SCHEMA).unwrap();
    let insert = "INSERT INTO decision (project, stage, task, data_hash, data_title, digest)
                  VALUES (?1, ?2, ?3, ?4, 'cat.jpg', ?5)";
    let uuid = |number| Uuid::from_u128(number).to_string();
    let digest = "ab".repeat(32);
    old.execute(insert, [uuid(1), uuid(2), uuid(10), uuid(3), digest])
        .unwrap();
    drop(old);

    let project = Uuid::from_u128(1);
    let expected = Entry {
        labels: None,
        items: Vec::new(),
        priority: None,
        pathway: None,
        ..entry(10)
    };
    for _ in 0..2 {
        let journal = Journal::open(folder.path()).unwrap();
        let open = journal
            .open_entries(project, 10, &HashSet::new())
            .await
            .unwrap();
        assert_eq!(open, std::slice::from_ref(&expected));
    }
    let journal = Journal::open(folder.path()).unwrap();
    journal.record(vec![entry(11)]).await.unwrap();
    let open = journal
        .open_entries(project, 10, &HashSet::new())
        .await
        .unwrap();
    assert_eq!(open, [expected, entry(11)]);
}

#[test]
fn the_journal_of_a_later_host_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(Journal::open(folder.path()).unwrap());
    let later = Connection::open(folder.path().join("journal.sqlite")).unwrap();
    later.pragma_update(None, "user_version", FORM + 1).unwrap();
    let error = Journal::open(folder.path()).unwrap_err();
    assert!(matches!(error, JournalError::Later { found, .. } if found == FORM + 1));
    assert!(error.help().is_some());
}

fn failed(task: u128, configuration: &str) -> Quarantined {
    Quarantined {
        project: Uuid::from_u128(1),
        stage: Uuid::from_u128(2),
        stage_title: "Triage".to_owned(),
        task: Uuid::from_u128(task),
        data_title: "cat.jpg".to_owned(),
        digest: "ab".repeat(32),
        configuration: configuration.to_owned(),
        kind: "trap".to_owned(),
        message: "unreachable\n  0: run".to_owned(),
        log: " INFO looking\n".to_owned(),
        inputs: "cd".repeat(32),
        attempts: 2,
        failures: 1,
        failed_at: Timestamp::from_second(1_700_000_000).unwrap(),
        until: None,
    }
}

#[tokio::test]
async fn failed_tasks_stay_in_quarantine_until_they_are_released() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Quarantine::open(folder.path()).unwrap().is_none());
    let (project, stage) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let journal = Journal::open(folder.path()).unwrap();
    for task in 10..14 {
        journal
            .quarantine(failed(task, "old"), false)
            .await
            .unwrap();
    }
    // A command works while the host has the journal open.
    let mut command = Quarantine::open(folder.path()).unwrap().unwrap();
    let listed = command.list(Some(project)).unwrap();
    assert_eq!(
        listed,
        (10..14).map(|task| failed(task, "old")).collect::<Vec<_>>()
    );
    assert!(command.list(Some(stage)).unwrap().is_empty());
    assert_eq!(command.list(None).unwrap().len(), 4);
    assert_eq!(command.release(&listed[..1]).unwrap(), 1);
    assert_eq!(command.release(&listed[..1]).unwrap(), 0);

    let among = |tasks: &[u128]| {
        let tasks = tasks.iter().map(|task| Uuid::from_u128(*task)).collect();
        journal.quarantined_among(project, stage, tasks)
    };
    let found = among(&[10, 11, 99]).await.unwrap();
    assert_eq!(found, [(Uuid::from_u128(11), None)].into());
    journal.quarantine(failed(20, "new"), false).await.unwrap();
    let released = journal.release_others(project, stage, "new".to_owned());
    assert_eq!(released.await.unwrap(), 3);
    assert_eq!(among(&[11, 12, 13, 20]).await.unwrap().len(), 1);
    let waiting = HashSet::from([Uuid::from_u128(21)]);
    journal.quarantine(failed(21, "new"), false).await.unwrap();
    journal
        .keep_quarantined(project, stage, waiting)
        .await
        .unwrap();
    assert_eq!(among(&[20, 21]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_may_pass_is_tried_again_later_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let until = async |configuration| {
        journal
            .quarantine(failed(10, configuration), true)
            .await
            .unwrap();
        let one = Quarantine::open(folder.path())
            .unwrap()
            .unwrap()
            .list(None)
            .unwrap()
            .remove(0);
        let pause = one.until.unwrap().duration_since(one.failed_at);
        (one.failures, pause.as_secs())
    };
    let minute = 60;
    assert_eq!(until("a").await, (1, minute));
    assert_eq!(until("a").await, (2, 2 * minute));
    assert_eq!(until("a").await, (3, 4 * minute));
    for _ in 4..=9 {
        until("a").await;
    }
    assert_eq!(until("a").await, (10, 60 * minute));
    assert_eq!(
        until("b").await,
        (1, minute),
        "another configuration begins anew"
    );
}

#[tokio::test]
async fn large_documents_come_a_few_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    let large = Arc::new(serde_json::json!("x".repeat(20 << 20)));
    let entries: Vec<_> = (10..13)
        .map(|task| {
            let mut entry = entry(task);
            entry.labels.as_mut().unwrap().document = Arc::clone(&large);
            entry
        })
        .collect();
    journal.record(entries.clone()).await.unwrap();
    let project = Uuid::from_u128(1);
    let mut seen = HashSet::new();
    for expected in &entries {
        let open = journal.open_entries(project, 10, &seen).await.unwrap();
        assert_eq!(open, std::slice::from_ref(expected));
        seen.insert(expected.task);
    }
    let open = journal
        .open_tasks(project, Uuid::from_u128(2))
        .await
        .unwrap();
    assert_eq!(open, seen);
}

#[tokio::test]
async fn room_is_asked_for_and_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path()).unwrap();
    for _ in 0..3 {
        journal.check_room().await.unwrap();
    }
}
