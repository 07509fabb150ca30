//! What the Python package `encord-agents` does and this host must not, as far as no other test shows it. The table in
//! `host/RELIABILITY.md` has all of it.

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::{Duration, Instant};

use runner_host::encord::{MetadataOptions, ReadOptions};
use runner_host::{CancellationToken, RunOptions, StageSummary};
use runner_tests::dev::Dev;
use runner_tests::ran::run_in;
use runner_tests::{AGENT, SECOND, Served, TestProject, program};
use serde_json::Value;
use uuid::Uuid;

use crate::set_up::{item, runner, set_faults};

/// What became of the first stage, and how long the run took without its start.
async fn run(
    project: &TestProject,
    served: &Served,
    plugin: &str,
    options: RunOptions,
) -> (StageSummary, Duration) {
    let runner = runner(project, served, plugin, options).build().await;
    let runner = runner.expect("it can run");
    let began = Instant::now();
    // Plugins that serve a second stage would move the tasks on.
    let ran = runner.run_stage("Agent", CancellationToken::new()).await;
    let mut summary = ran.expect("it runs");
    (summary.stages.remove(0), began.elapsed())
}

/// How many boxes the row of the only task at a stage has, its priority, and the client metadata of its item.
async fn left(served: &Served, stage: Uuid) -> (usize, Option<f64>, Value) {
    let client = &served.client;
    let page = client.tasks_page(served.hash, stage, None).await.unwrap();
    let [task] = &page.tasks[..] else {
        panic!("expected one task, found {}", page.tasks.len());
    };
    let (hashes, options) = ([task.data_hash], MetadataOptions::default());
    let listed = client.label_row_metadata(served.hash, &hashes, &options);
    let listed = listed.await.unwrap().remove(0);
    let (hashes, options) = ([listed.label_hash.unwrap()], ReadOptions::default());
    let read = client.read_label_rows(served.hash, &hashes, &options);
    let (_, row) = read.await.unwrap().remove(0);
    let item = listed.backing_item_uuid.unwrap();
    let item = client.storage_item(item, false).await.unwrap();
    let metadata = item.client_metadata.as_deref().unwrap_or("{}");
    (
        row["object_answers"]
            .as_object()
            .map_or(0, serde_json::Map::len),
        listed.priority,
        serde_json::from_str(metadata).unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asset_that_is_forbidden_costs_its_task_alone() {
    let project = TestProject::of_texts(&["a", "b", "c", "d", "e"]);
    let served = project.serve().await;
    let item = item(&served, "c.txt").await;
    set_faults(
        &served,
        &format!("[[rules]]\npath = '/media/{item}/**'\nstatus = 403"),
    );
    let (stage, _) = run(&project, &served, "bench_asset", RunOptions::default()).await;
    assert_eq!((stage.moved(), stage.failed), (4, 1));
    assert_eq!(stage.failures[0].data_title, "c.txt");
    assert_eq!(served.waiting(AGENT).await, ["c.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attempt_begins_anew_and_nothing_is_left_of_one_that_failed() {
    let project = TestProject::of_pictures(&["third", "never"]);
    let ran = run_in(&project, "again", &["--num-retries", "2"]);
    assert_eq!(ran.code, Some(1), "{ran}");
    // Two tasks with three attempts each, and each has a row, an item and a dependency of its own.
    assert_eq!(ran.count("found 0 objects, noted null"), 6, "{ran}");
    for attempt in 0..3 {
        for what in ["made", "closed"] {
            let text = format!("{what} in attempt {attempt}");
            assert_eq!(ran.count(&text), 2, "{text} in {ran}");
        }
    }
    let served = project.serve().await;
    let moved = left(&served, SECOND).await;
    assert_eq!(moved, (1, Some(0.0), serde_json::json!({ "attempt": 2 })));
    // The priority is that which every task begins with.
    let failed = left(&served, AGENT).await;
    assert_eq!(failed, (0, Some(0.5), serde_json::json!({})));
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_wait_longer_each_time() {
    let project = TestProject::of_texts(&["never"]);
    let served = project.serve().await;
    let options = RunOptions {
        num_retries: 3,
        ..RunOptions::default()
    };
    let (stage, took) = run(&project, &served, "outcomes", options).await;
    assert_eq!((stage.failed, stage.retries), (1, 3));
    // Half of 0.2, 0.4 and 0.8 s at least.
    assert!(took >= Duration::from_millis(700), "{took:?}");
}

#[test]
fn a_run_in_which_all_fail_says_so_and_names_each() {
    let names = ["fatal-1", "fatal-2", "panic", "unknown"];
    let project = TestProject::of_texts(&names);
    let ran = run_in(&project, "outcomes", &[]);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(
        ran.summary.contains("every task that was taken failed"),
        "{ran}"
    );
    for name in names {
        assert!(ran.summary.contains(&format!("\"{name}.txt\"")), "{ran}");
    }
}

#[test]
fn a_run_in_which_all_moves_are_refused_says_so_and_names_each() {
    let names = ["next-1", "next-2", "next-3"];
    let project = TestProject::of_texts(&names);
    let faults = project.scratch().join("faults.toml");
    std::fs::write(&faults, "[[rules]]\noperation = 'actions'\nstatus = 403\n").unwrap();
    let dev = Dev::start(&project, &["--faults", faults.to_str().unwrap()]);
    let mut command = dev.host(Command::new(program()), &project, "outcomes");
    let output = command.output().unwrap();
    let summary = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{summary}");
    assert!(
        summary.contains("every task that was taken failed"),
        "{summary}"
    );
    for name in names {
        assert!(summary.contains(&format!("\"{name}.txt\"")), "{summary}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_tasks_of_a_stage_are_no_multiple_of_the_batch() {
    let project = TestProject::of_texts(&["a", "b", "c", "d", "e", "f", "g", "h"]);
    let served = project.serve().await;
    let options = RunOptions {
        max_tasks_per_stage: Some(4),
        task_batch_size: 3,
        ..RunOptions::default()
    };
    let (stage, _) = run(&project, &served, "empty", options).await;
    assert_eq!(stage.moved(), 4);
    assert_eq!(served.waiting(AGENT).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_run_beside_one_another() {
    let project = TestProject::of_pictures(&["a", "b", "c", "d", "e", "f", "g", "h"]);
    let served = project.serve().await;
    // The plugin asks for its row undeclared, so that each attempt waits a second for it.
    set_faults(
        &served,
        "[[rules]]\noperation = 'labelrow.PUT'\nlatency = 1000",
    );
    let options = RunOptions {
        concurrency: 8,
        ..RunOptions::default()
    };
    let (stage, took) = run(&project, &served, "reader", options).await;
    assert_eq!((stage.stayed, stage.failed), (8, 0));
    assert_eq!(served.server.faults().counts()[0].matched, 8);
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_dependencies_on_one_file_download_it_once() {
    let project = TestProject::of_everything();
    let served = project.serve().await;
    // The plugin wants it as a file, as a frame, and as a video.
    let item = item(&served, "small.png").await;
    set_faults(
        &served,
        &format!("[[rules]]\npath = '/media/{item}/**'\nlatency = 0"),
    );
    let (stage, _) = run(&project, &served, "undeclared", RunOptions::default()).await;
    assert!(stage.moved() > 0, "{stage:?}");
    assert_eq!(served.server.faults().counts()[0].matched, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_for_several_tasks_sets_their_priorities_though_one_breaks_it() {
    let project = TestProject::of_texts(&["a", "bb", "poison", "dddd"]);
    let served = project.serve().await;
    let (stage, _) = run(&project, &served, "batch", RunOptions::default()).await;
    assert_eq!((stage.moved(), stage.failed), (3, 1));
    let (filter, options) = (Default::default(), MetadataOptions::default());
    let rows = served
        .client
        .list_label_rows(served.hash, &filter, &options);
    let rows = rows.await.unwrap().into_iter();
    let mut priorities: Vec<_> = rows.map(|row| (row.data_title, row.priority)).collect();
    priorities.sort_by(|one, other| one.0.cmp(&other.0));
    // A hundredth for each letter of the title; the one that failed has what it began with.
    let expected = [
        ("a.txt", 0.05),
        ("bb.txt", 0.06),
        ("dddd.txt", 0.08),
        ("poison.txt", 0.5),
    ];
    let expected = expected.map(|(title, priority)| (title.to_owned(), Some(priority)));
    assert_eq!(priorities, expected);
}

#[test]
fn a_large_file_is_not_held_in_memory() {
    const SIZE: u64 = 400 << 20;
    let project = TestProject::of_media(|media| {
        // It takes no room before it is downloaded.
        let file = std::fs::File::create(media.join("large.txt")).unwrap();
        file.set_len(SIZE).unwrap();
    });
    // The host is held up at its end, when the highest value of its memory is what it is.
    let faults = project.scratch().join("faults.toml");
    std::fs::write(
        &faults,
        "[[rules]]\noperation = 'actions'\nlatency = 600000\n",
    )
    .unwrap();
    let dev = Dev::start(&project, &["--faults", faults.to_str().unwrap()]);
    let mut command = dev.host(Command::new(program()), &project, "bench_asset");
    command.args(["--log", "warn,runner_host=debug"]);
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    while !log
        .next()
        .expect("it moves the task")
        .unwrap()
        .contains("committing")
    {}
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
    let peak: u64 = peak.expect("Linux tells it").parse().unwrap();
    assert!(peak * 1024 < SIZE * 3 / 4, "{peak} kB");
}
