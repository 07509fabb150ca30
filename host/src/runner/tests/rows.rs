use std::collections::VecDeque;

use futures::FutureExt;
use serde_json::Value;
use uuid::Uuid;

use super::{Feed, PROJECT, TWIN, prefetch};
use crate::encord::{CreateOptions, Task};
use crate::engine::{Declaration, Resolver, TwinNeeds};
use crate::runner::prefetch::Ahead;
use crate::runner::rows::size;

/// Of the text in each large row.
const LARGE: usize = 400_000;

/// Counts how often rows are read and created.
const COUNTERS: &str = "
    [[rules]]
    operation = 'labelrow.GET'
    latency = 0
    [[rules]]
    operation = 'labelrow.PUT'
    latency = 0
    ";

/// The row, and that of the twin.
fn both() -> Declaration {
    Declaration {
        needs_label_row: true,
        twins: vec![TwinNeeds {
            project: TWIN,
            label_row: true,
            task: false,
        }],
        ..Declaration::default()
    }
}

/// Makes label rows, each with one answer of so many bytes.
async fn fill(feed: &Feed, project: Uuid, tasks: &[Task], bytes: usize) {
    let hashes: Vec<_> = tasks.iter().map(|task| task.data_hash).collect();
    let options = CreateOptions::default();
    let made = feed.client.create_label_rows(project, &hashes, &options);
    let mut rows = Vec::new();
    for (_, mut document) in made.await.expect("they can be made") {
        document["object_answers"]["long"] = Value::from("x".repeat(bytes));
        let label_hash = document["label_hash"].as_str().expect("it has a hash");
        rows.push((label_hash.parse().expect("a UUID"), document));
    }
    let rows: Vec<_> = rows.iter().map(|(hash, row)| (*hash, row)).collect();
    let saved = feed.client.save_label_rows(project, &rows);
    saved.await.expect("they can be saved");
}

/// A feed of so many tasks, whose rows are large here and there.
async fn of_large_rows(count: usize) -> (Feed, Vec<Task>) {
    let feed = Feed::of_texts(&vec![10; count]).await;
    let mut tasks = feed.tasks().await;
    tasks.truncate(count);
    for project in [PROJECT, TWIN] {
        fill(&feed, project, &tasks, LARGE).await;
    }
    (feed, tasks)
}

#[tokio::test(flavor = "multi_thread")]
async fn large_rows_come_one_after_another_within_the_budget() {
    let (feed, tasks) = of_large_rows(30).await;
    // Of ten tasks and a half.
    let budget = 21 * (LARGE as u64 + 10_000);
    let source = feed.source_within(both(), budget);
    feed.set_faults(COUNTERS);
    let mut ahead = Ahead::new(&source, tasks.clone());
    let mut held = VecDeque::new();
    for task in &tasks {
        let mut next = Box::pin(ahead.next());
        if held.len() == 10 {
            let requests = feed.client.requests();
            assert!((&mut next).now_or_never().is_none(), "the budget is out");
            assert_eq!(feed.client.requests(), requests, "nothing is asked for");
            held.pop_front();
        }
        let part = next.await.expect("there are more");
        let [one] = &*part else {
            panic!("expected one task, found {}", part.len());
        };
        assert_eq!(one.task.uuid, task.uuid, "in the order of the tasks");
        let documents = one.documents();
        let bytes: u64 = documents.iter().map(|document| size(document)).sum();
        assert!(documents.len() == 2 && bytes >= 2 * LARGE as u64);
        held.push_back((one.take_share().expect("it holds one"), bytes));
        let together: u64 = held.iter().map(|(_, bytes)| bytes).sum();
        assert!(together <= budget, "{together} bytes of {budget}");
    }
    assert!(ahead.next().await.is_none());
    // Two answers were too long, here and there, and 30 were not.
    assert_eq!(feed.counts(), [2 * (2 + 30), 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_over_the_budget_comes_alone() {
    let (feed, tasks) = of_large_rows(5).await;
    let source = feed.source_within(both(), 1);
    let mut ahead = Ahead::new(&source, tasks);
    for _ in 0..5 {
        let part = ahead.next().await.expect("there are more");
        assert_eq!(part.len(), 1);
        assert_eq!(part[0].documents().len(), 2);
        let share = part[0].take_share();
        let mut next = Box::pin(ahead.next());
        if let Some(other) = (&mut next).now_or_never() {
            assert!(other.is_none(), "nothing comes beside it");
        }
        drop(share);
    }
    assert!(ahead.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn small_rows_come_in_one_request_once_that_is_known() {
    let feed = Feed::of_texts(&[10; 60]).await;
    let tasks = feed.tasks().await;
    for project in [PROJECT, TWIN] {
        feed.label(project, &tasks).await;
    }
    let source = feed.source(both());
    feed.set_faults(COUNTERS);
    let mut ahead = Ahead::new(&source, tasks.clone());
    let mut parts = Vec::new();
    while let Some(part) = ahead.next().await {
        parts.push(part.len());
    }
    assert_eq!(parts, [25, 36]);
    assert_eq!(feed.counts(), [4, 0]);
    let mut ahead = Ahead::new(&source, tasks);
    assert_eq!(ahead.next().await.map(|part| part.len()), Some(61));
    assert_eq!(feed.counts(), [6, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_several_tasks_are_filled_where_the_budget_lets_them() {
    let feed = Feed::of_texts(&[10; 39]).await;
    let tasks = feed.tasks().await;
    feed.label(PROJECT, &tasks).await;
    let declaration = Declaration {
        batches: Some(30),
        ..both()
    };
    let source = feed.source(declaration);
    let mut ahead = Ahead::new(&source, tasks);
    for expected in [30, 10] {
        assert_eq!(ahead.next().await.map(|part| part.len()), Some(expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_created_beside_too_large_ones_are_not_created_again() {
    let feed = Feed::of_texts(&[10; 20]).await;
    let tasks = feed.tasks().await;
    let (large, new) = tasks.split_at(15);
    fill(&feed, PROJECT, large, LARGE).await;
    let declaration = Declaration {
        needs_label_row: true,
        ..Declaration::default()
    };
    let source = feed.source_within(declaration, 8 * LARGE as u64);
    feed.set_faults(COUNTERS);
    let batch = prefetch(&source, tasks.clone()).await;
    assert_eq!(batch.len(), 21);
    for one in &batch {
        one.label_row().await.unwrap();
    }
    assert_eq!((new.len(), feed.counts()[1]), (6, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_not_declared_are_not_kept_for_another_attempt() {
    let feed = Feed::of_texts(&[10]).await;
    let task = feed.tasks().await.remove(0);
    feed.label(TWIN, std::slice::from_ref(&task)).await;
    for (declaration, kept) in [(Declaration::default(), 0), (both(), 2)] {
        let source = feed.source(declaration);
        let batch = prefetch(&source, vec![task.clone()]).await;
        let one = &batch[0];
        for _ in 0..2 {
            one.label_row().await.unwrap();
            assert!(one.twin_label_row(TWIN).await.unwrap().is_some());
            assert_eq!(one.documents().len(), 2);
            one.forget_errors();
            assert_eq!(one.documents().len(), kept);
        }
    }
}
