//! Bundles in which one entry is bad: it fails alone, for its own reason.

use std::sync::Arc;

use runner_host::encord::{
    CreateOptions, Error, ErrorKind, PathwayChoice, ReadOptions, StorageItemUpdate, TaskAction,
};
use runner_tests::Served;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::set_up::{
    AGENT, COMPLETE, PROJECT, Platform, TO_ANNOTATE, by_reference, counts, create_noted, rows,
    set_faults, task, tasks,
};

/// Where the bad entry is among the 100.
const BAD: usize = 37;

struct Hundred {
    _platform: Platform,
    served: Served,
    tasks: Vec<Uuid>,
    data_hashes: Vec<Uuid>,
}

/// A project with 100 pictures at its agent stage.
async fn hundred() -> Hundred {
    let titles: Vec<_> = (0..100).map(|number| format!("{number:03}")).collect();
    let titles: Vec<_> = titles.iter().map(String::as_str).collect();
    let platform = Platform::of_pictures(&titles);
    let served = platform.serve().await;
    let tasks = tasks(&served.client, PROJECT, AGENT).await.into_iter();
    let pictures = tasks.filter(|task| task.data_title.ends_with(".gif"));
    let (tasks, data_hashes): (Vec<_>, Vec<_>) =
        pictures.map(|task| (task.uuid, task.data_hash)).unzip();
    assert_eq!(tasks.len(), 100);
    Hundred {
        _platform: platform,
        served,
        tasks,
        data_hashes,
    }
}

/// Only the bad entry failed.
fn only_failure<T: std::fmt::Debug>(results: Vec<Result<T, Arc<Error>>>) -> Arc<Error> {
    assert_eq!(results.len(), 100);
    let mut failed = None;
    for (place, result) in results.into_iter().enumerate() {
        match result {
            Err(error) => {
                assert_eq!(place, BAD, "{error}");
                failed = Some(error);
            }
            Ok(_) => assert_ne!(place, BAD),
        }
    }
    failed.expect("the bad entry was tried")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_label_hash_among_rows_that_are_saved_and_read() {
    let hundred = hundred().await;
    let client = &hundred.served.client;
    let mut rows = create_noted(client, &hundred.data_hashes).await;
    rows[BAD].0 = Uuid::nil();
    let saved = client
        .save_label_rows_each(PROJECT, &by_reference(&rows))
        .await;
    let error = only_failure(saved);
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");

    let hashes: Vec<_> = rows.iter().map(|(hash, _)| *hash).collect();
    let read = client
        .read_label_rows_each(PROJECT, &hashes, &ReadOptions::default())
        .await;
    let saved = |row: &Result<Value, _>| row.as_ref().is_ok_and(|row| row["note"] == "saved");
    assert_eq!(read.iter().filter(|row| saved(row)).count(), 99);
    let error = only_failure(read);
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(
        error.to_string().contains(&Uuid::nil().to_string()),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_unit_of_another_project_among_rows_that_are_created_and_given_priorities() {
    let hundred = hundred().await;
    let client = &hundred.served.client;
    let mut data_hashes = hundred.data_hashes.clone();
    data_hashes[BAD] = Uuid::nil();
    let options = CreateOptions::default();
    let created = client.create_label_rows_each(PROJECT, &data_hashes, &options);
    let error = only_failure(created.await);
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");

    let priorities: Vec<_> = data_hashes.iter().map(|hash| (*hash, 0.125)).collect();
    let error = only_failure(client.set_priorities_each(PROJECT, &priorities).await);
    assert_eq!(error.kind(), ErrorKind::InvalidArguments, "{error}");
    let rows = rows(client, PROJECT, "main").await;
    let set = rows.iter().filter(|row| row.priority == Some(0.125));
    assert_eq!(set.count(), 99);
    assert_eq!(
        rows.iter().filter(|row| row.label_hash.is_some()).count(),
        99
    );

    // This one is not even sent.
    let mut priorities = priorities;
    priorities[BAD] = (hundred.data_hashes[BAD], f64::NAN);
    let error = only_failure(client.set_priorities_each(PROJECT, &priorities).await);
    assert_eq!(error.kind(), ErrorKind::InvalidArguments, "{error}");
    let before = client.requests();
    client
        .set_priorities(PROJECT, &priorities)
        .await
        .unwrap_err();
    assert_eq!(client.requests(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_has_left_among_those_that_are_moved() {
    let hundred = hundred().await;
    let client = &hundred.served.client;
    client
        .move_tasks(PROJECT, AGENT, COMPLETE, &hundred.tasks[BAD..=BAD])
        .await
        .unwrap();
    let moves: Vec<_> = hundred
        .tasks
        .iter()
        .map(|task| (*task, TO_ANNOTATE))
        .collect();
    let plan = "[[rules]]\noperation = 'actions'\nlatency = 0";
    set_faults(&hundred.served.server, plan);
    let error = only_failure(client.follow_pathways_each(PROJECT, AGENT, &moves).await);
    assert_eq!(error.kind(), ErrorKind::TaskGone, "{error}");
    assert!(!error.may_have_been_applied(), "somebody else moved it");
    assert!(!error.is_transient());
    // Seven halvings of a hundred.
    assert!(counts(&hundred.served.server)[0].0 <= 15);
    let all_or_none = client.follow_pathways(PROJECT, AGENT, &moves).await;
    assert_eq!(all_or_none.unwrap_err().kind(), ErrorKind::InvalidArguments);

    let group = task(client, AGENT, "group").await.uuid;
    let moved = [group, hundred.tasks[0]];
    let results = client
        .move_tasks_each(PROJECT, AGENT, COMPLETE, &moved)
        .await;
    assert!(results[0].is_ok(), "{results:?}");
    let error = results[1].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TaskGone, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_that_do_not_fit_fail_alone() {
    let hundred = hundred().await;
    let client = &hundred.served.client;
    let follow = |name: &str| TaskAction::Follow {
        pathway: PathwayChoice::Name(name.to_owned()),
    };
    let mut actions: Vec<_> = hundred
        .tasks
        .iter()
        .map(|task| (*task, follow("Annotate")))
        .collect();
    actions[BAD].1 = TaskAction::Release;
    let error = only_failure(client.act_on_tasks_each(PROJECT, AGENT, &actions).await);
    assert_eq!(error.kind(), ErrorKind::InvalidArguments, "{error}");
    assert!(error.to_string().contains("RELEASE"), "{error}");
    let left = tasks(client, PROJECT, AGENT).await;
    let pictures = left.iter().filter(|task| task.data_title.ends_with(".gif"));
    assert_eq!(pictures.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_item_that_may_not_be_seen_fails_alone() {
    let hundred = hundred().await;
    let client = &hundred.served.client;
    let rows = rows(client, PROJECT, "main").await.into_iter();
    let mut items: Vec<_> = rows
        .filter(|row| row.data_title.ends_with(".gif"))
        .map(|row| row.backing_item_uuid.unwrap())
        .collect();
    items[BAD] = Uuid::nil();
    let error = only_failure(client.storage_items_each(&items, true).await);
    assert_eq!(error.kind(), ErrorKind::Authorisation, "{error}");
    let all = client.storage_items(&items, true).await.unwrap_err();
    assert_eq!(all.kind(), ErrorKind::Authorisation, "{all}");

    let metadata = json!({ "seen": true }).as_object().cloned();
    let update = StorageItemUpdate {
        client_metadata: metadata,
        ..StorageItemUpdate::default()
    };
    let updates: Vec<_> = items.iter().map(|item| (*item, update.clone())).collect();
    let updated = client.update_storage_items_each(&updates).await;
    let written = updated.iter().flatten().filter(|item| {
        let metadata = item.client_metadata.as_deref();
        metadata == Some(r#"{"seen":true}"#)
    });
    assert_eq!(written.count(), 99);
    let error = only_failure(updated);
    assert_eq!(error.kind(), ErrorKind::Authorisation, "{error}");
}
