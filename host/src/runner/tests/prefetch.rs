use serde_json::{Value, json};

use super::{DATASET, Feed, NOWHERE, PROJECT, TWIN, prefetch, undeclared};
use crate::engine::{Declaration, Platform, PlatformCall, Resolver, TwinNeeds, Unresolved};
use crate::runner::calls::Calls;

fn twin(label_row: bool, task: bool) -> Declaration {
    Declaration {
        twins: vec![TwinNeeds {
            project: TWIN,
            label_row,
            task,
        }],
        ..Declaration::default()
    }
}

/// Counts what is asked for a batch.
const COUNTERS: &str = "
    [[rules]]
    operation = 'labelrowmetadata.GET'
    latency = 0
    [[rules]]
    operation = 'labelrow.GET'
    latency = 0
    [[rules]]
    operation = 'labelrow.PUT'
    latency = 0
    [[rules]]
    operation = 'get-bulk'
    latency = 0
    [[rules]]
    operation = 'child-items'
    latency = 0
    [[rules]]
    operation = 'tasks'
    latency = 0
    [[rules]]
    operation = 'ontology'
    latency = 0
    [[rules]]
    latency = 0
    ";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declared_comes_in_a_few_requests_for_the_whole_batch() {
    let feed = Feed::of_texts(&[10; 24]).await;
    let tasks = feed.tasks().await;
    assert_eq!(tasks.len(), 25);
    feed.label(TWIN, &tasks[..20]).await;
    let source = feed.source(Declaration {
        needs_label_row: true,
        needs_video: true,
        ..twin(true, true)
    });
    feed.set_faults(COUNTERS);
    let batch = prefetch(&source, tasks).await;
    // Rows: listed here and there, made here, read there; the items; the images of the group; the tasks there; the twin
    // itself with its ontology.
    assert_eq!(
        feed.counts(),
        [2, 1, 1, 1, 1, 1, 1, 2 + 1 + 1 + 1 + 1 + 1 + 2]
    );

    let before = feed.client.requests();
    let mut labelled = 0;
    for one in &batch {
        let row = one.label_row().await.unwrap();
        assert_eq!(row.metadata.data_hash, one.task.data_hash);
        let item = one.storage_item().await.unwrap();
        assert_eq!(item.name, one.task.data_title);
        let images = one.children(&item).await.unwrap();
        let names: Vec<_> = images.iter().map(|image| &*image.name).collect();
        if item.name == "group" {
            assert_eq!(names, ["first.gif", "second.gif"]);
        } else {
            assert_eq!(names, [""; 0]);
        }
        let twin = one.twin(TWIN).await.unwrap().unwrap();
        let stage = twin.metadata.stage.as_ref().unwrap();
        assert_eq!((twin.project, &*stage.title), (TWIN, "Compare"));
        let task = one.twin_task(TWIN).await.unwrap().unwrap();
        assert_eq!(Some(task.uuid), twin.metadata.task_uuid);
        assert_ne!(task.uuid, one.task.uuid);
        let row = one.twin_label_row(TWIN).await.unwrap();
        assert_eq!(row.is_some(), twin.metadata.label_hash.is_some());
        labelled += usize::from(row.is_some());
    }
    assert_eq!(labelled, 20);
    assert_eq!(feed.client.requests(), before, "all of it was there");
    assert_eq!(undeclared(&source), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_twin_only_the_rows_of_the_batch_are_listed() {
    let feed = Feed::of_texts(&[1; 400]).await;
    let task = feed.task("200.txt").await;
    feed.label(TWIN, std::slice::from_ref(&task)).await;
    let source = feed.source(twin(true, false));
    // Bytes in a second: one row comes at once, and 400 would take more than a minute.
    feed.set_faults("[[rules]]\noperation = 'labelrowmetadata.GET'\nslow-body = 4000");
    let asked = std::time::Instant::now();
    let batch = prefetch(&source, vec![task]).await;
    assert!(batch[0].twin_label_row(TWIN).await.unwrap().is_some());
    assert!(asked.elapsed() < std::time::Duration::from_secs(20));
    assert_eq!(feed.counts(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_declared_is_fetched_when_it_is_asked_for_and_counted() {
    let feed = Feed::of_texts(&[10, 10]).await;
    let tasks = feed.tasks().await;
    feed.label(TWIN, &tasks[..1]).await;
    let source = feed.source(Declaration::default());
    let before = feed.client.requests();
    let batch = prefetch(&source, tasks).await;
    assert_eq!(feed.client.requests(), before);

    let first = &batch[0];
    let row = first.label_row().await.unwrap();
    assert_eq!(
        first.label_row().await.unwrap().label_hash,
        row.label_hash,
        "fetched once"
    );
    assert!(first.twin_label_row(TWIN).await.unwrap().is_some());
    // It came with the row.
    assert!(first.twin(TWIN).await.unwrap().is_some());
    let second = &batch[1];
    second.label_row().await.unwrap();
    let item = second.storage_item().await.unwrap();
    assert!(second.children(&item).await.unwrap().is_empty());
    assert_eq!(second.file(&item).await.unwrap().size(), 10);
    assert!(second.twin(TWIN).await.unwrap().is_some());
    assert!(second.twin_task(TWIN).await.unwrap().is_some());
    let group = &batch[2];
    let item = group.storage_item().await.unwrap();
    let images = group.children(&item).await.unwrap();
    group.file(&images[1]).await.unwrap();
    let refused = group.file(&item).await.unwrap_err();
    assert!(matches!(refused, Unresolved::Unsupported(_)), "{refused:?}");

    let found = undeclared(&source);
    let found: Vec<_> = found
        .iter()
        .map(|(dependency, _, tasks)| (dependency.split(" in ").next().unwrap(), *tasks))
        .collect();
    let expected = [
        ("label row", 2),
        ("storage item", 2),
        ("images of an image group", 1),
        ("file", 2),
        ("twin", 1),
        ("twin's label row", 1),
        ("twin's task", 1),
    ];
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_is_told_to_the_first_attempt_and_asked_for_again_by_the_next() {
    let feed = Feed::of_texts(&[10, 10]).await;
    let tasks = feed.tasks().await;
    let source = feed.source(Declaration {
        needs_label_row: true,
        needs_storage_item: true,
        ..twin(true, false)
    });
    // Neither here nor there.
    feed.set_faults("[[rules]]\noperation = 'labelrowmetadata.GET'\nstatus = 403\ntimes = 2");
    let batch = prefetch(&source, tasks).await;
    let first = &batch[0];
    for failed in [
        first.label_row().await.map(|_| ()),
        first.storage_item().await.map(|_| ()),
        first.twin(TWIN).await.map(|_| ()),
        first.twin_label_row(TWIN).await.map(|_| ()),
    ] {
        assert!(
            matches!(failed, Err(Unresolved::Forbidden(_))),
            "{failed:?}"
        );
    }
    first.label_row().await.unwrap();
    first.storage_item().await.unwrap();
    first.twin(TWIN).await.unwrap();
    // Another attempt asks for something else first.
    let second = &batch[1];
    second.label_row().await.unwrap_err();
    second.forget_errors();
    second.storage_item().await.unwrap();
    second.twin_label_row(TWIN).await.unwrap();
    assert_eq!(undeclared(&source), [], "all of it was declared");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_unit_that_was_removed_is_told_as_that() {
    let feed = Feed::of_texts(&[10, 10]).await;
    let tasks = feed.tasks().await;
    let removed = json!([tasks[0].data_hash]);
    let delete = feed.client.call_query(
        "dataset",
        DATASET,
        "video",
        "DELETE",
        &removed,
        &Value::Null,
    );
    delete.await.expect("it can be removed");
    let source = feed.source(Declaration {
        needs_label_row: true,
        needs_asset: true,
        ..twin(true, true)
    });
    let batch = prefetch(&source, tasks).await;
    let gone = &batch[0];
    for _ in 0..2 {
        let error = gone.label_row().await.unwrap_err();
        assert!(matches!(&error, Unresolved::NotFound(text) if text.contains("removed")));
        let error = gone.storage_item().await.unwrap_err();
        assert!(matches!(error, Unresolved::NotFound(_)), "{error:?}");
    }
    assert!(gone.may_be_gone());
    assert!(gone.twin(TWIN).await.unwrap().is_none());
    assert!(gone.twin_label_row(TWIN).await.unwrap().is_none());
    assert!(gone.twin_task(TWIN).await.unwrap().is_none());
    assert!(gone.declared_files().is_empty());
    let kept = &batch[1];
    kept.label_row().await.unwrap();
    assert!(!kept.may_be_gone());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_in_a_project_that_there_is_not_is_an_error_of_its_own() {
    let feed = Feed::of_texts(&[10]).await;
    let task = feed.tasks().await.remove(0);
    let mut declaration = twin(true, true);
    declaration.twins[0].project = NOWHERE;
    declaration.needs_label_row = true;
    let source = feed.source(declaration);
    let batch = prefetch(&source, vec![task]).await;
    let only = &batch[0];
    let error = only.twin(NOWHERE).await.unwrap_err();
    assert!(
        matches!(error, Unresolved::Forbidden(_) | Unresolved::NotFound(_)),
        "{error:?}"
    );
    only.label_row().await.unwrap();
    assert!(only.twin(TWIN).await.unwrap().is_some());
    assert!(!only.may_be_gone(), "its own data are there");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_the_api_go_through() {
    let feed = Feed::of_texts(&[10]).await;
    let calls = Calls(feed.client.clone());
    let request = |method, path: &str| PlatformCall::Request {
        method,
        path: path.to_owned(),
        query: Vec::new(),
        body: None,
    };
    let path = format!("projects/{PROJECT}");
    let answer = calls.call(request("GET", &path)).await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["title"], "Feed");
    let refused = calls.call(request("GET", "../projects")).await.unwrap_err();
    assert!(matches!(refused, Unresolved::Invalid(_)), "{refused:?}");
    let missing = format!("storage/items/{NOWHERE}");
    let missing = calls.call(request("GET", &missing)).await.unwrap_err();
    assert!(matches!(missing, Unresolved::NotFound(_)), "{missing:?}");
    let query = PlatformCall::Query {
        resource_type: "project",
        resource: PROJECT,
        query_type: "labelrowmetadata".to_owned(),
        query_method: "GET".to_owned(),
        uid: Value::Null,
        payload: json!({ "include_uninitialised_labels": true }),
    };
    let rows = calls.call(query).await.unwrap();
    let rows: Vec<Value> = serde_json::from_str(&rows).unwrap();
    assert_eq!(rows.len(), 2);
}
