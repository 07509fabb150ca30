//! What agents depend on, through whole runs: files ahead of the attempts, calls of several tasks, client metadata, and
//! what becomes of it when something goes wrong.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use runner_host::encord::{MetadataOptions, StorageItem};
use runner_host::local::FaultPlan;
use runner_host::runner::Event;
use runner_host::{
    CancellationToken, PluginRef, RunOptions, Runner, RunnerBuilder, StageSummary, Summary,
};
use runner_tests::{AGENT, SECOND, Served, TestProject, guest};
use serde_json::{Value, json};
use uuid::Uuid;

fn builder(project: &TestProject, served: &Served, path: PathBuf) -> RunnerBuilder {
    builder_of(project, served, PluginRef { stage: None, path })
}

fn builder_of(project: &TestProject, served: &Served, plugin: PluginRef) -> RunnerBuilder {
    Runner::builder()
        .client(served.client.clone())
        .project_hash(served.hash)
        .plugin(plugin)
        .state_dir(project.scratch().join("run"))
        .cache_dir(project.scratch().join("cache"))
        .media_cache(project.scratch().join("files"))
}

async fn run(builder: RunnerBuilder) -> Summary {
    let runner = builder.build().await.expect("it can run");
    runner.run(CancellationToken::new()).await.expect("it runs")
}

/// The first stage of a run of one plugin.
async fn run_plugin(project: &TestProject, served: &Served, plugin: &str) -> StageSummary {
    run(builder(project, served, guest(plugin)))
        .await
        .stages
        .remove(0)
}

fn set_faults(served: &Served, plan: &str) {
    let plan = FaultPlan::from_toml(plan).expect("the plan has no mistakes");
    served.server.faults().set(plan);
}

/// For each rule how many requests it was about.
fn counts(served: &Served) -> Vec<u64> {
    let counts = served.server.faults().counts().into_iter();
    counts.map(|count| count.matched).collect()
}

/// How the failed tasks ended, and after how many attempts.
fn failures(stage: &StageSummary) -> Vec<(&str, &str, u32)> {
    let failures = stage.failures.iter();
    let mut failures: Vec<_> = failures
        .map(|one| (&*one.data_title, one.kind, one.attempts))
        .collect();
    failures.sort_unstable();
    failures
}

/// The data unit of a title: its data hash, its dataset, its storage item.
async fn unit(served: &Served, title: &str) -> (Uuid, Uuid, Uuid) {
    let options = MetadataOptions::default();
    let filter = Default::default();
    let rows = served
        .client
        .list_label_rows(served.hash, &filter, &options);
    let rows = rows.await.unwrap();
    let row = rows.iter().find(|row| row.data_title == title).unwrap();
    (
        row.data_hash,
        row.dataset_hash,
        row.backing_item_uuid.unwrap(),
    )
}

async fn item(served: &Served, title: &str) -> StorageItem {
    let (_, _, item) = unit(served, title).await;
    served.client.storage_item(item, false).await.unwrap()
}

/// All files in a folder, with all that is in it.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_in(&path));
        } else {
            files.push(path);
        }
    }
    files
}

const TEN: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

#[tokio::test(flavor = "multi_thread")]
async fn each_file_is_downloaded_once_and_kept_for_the_next_run() {
    let project = TestProject::of_texts(&TEN);
    let served = project.serve().await;
    set_faults(
        &served,
        "[[rules]]\noperation = 'media'\nlatency = 0\n[[rules]]\noperation = 'get-bulk'\nlatency = 0",
    );
    let stage = run_plugin(&project, &served, "bench_asset").await;
    assert_eq!((stage.moved(), stage.failed, stage.retries), (10, 0, 0));
    assert_eq!(counts(&served), [10, 1]);
    assert_eq!(stage.undeclared, []);

    // The next run is on the same data at the next stage.
    let again = PluginRef {
        stage: Some("Second".to_owned()),
        path: guest("bench_asset"),
    };
    let summary = run(builder_of(&project, &served, again)).await;
    assert_eq!(summary.stages[0].moved(), 10);
    assert_eq!(counts(&served), [10, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_had_fails_its_task_alone() {
    let project = TestProject::of_texts(&TEN);
    let served = project.serve().await;
    let (_, _, missing) = unit(&served, "c.txt").await;
    let (_, _, failing) = unit(&served, "e.txt").await;
    set_faults(
        &served,
        &format!(
            "[[rules]]\npath = '/media/{missing}/**'\nstatus = 404\n\
             [[rules]]\npath = '/media/{failing}/**'\nstatus = 403\ntimes = 1"
        ),
    );
    let stage = run_plugin(&project, &served, "bench_asset").await;
    assert_eq!(failures(&stage), [("c.txt", "fatal error", 1)]);
    let message = &stage.failures[0].message;
    assert!(message.contains("c.txt"), "{message}");
    // The URL of the other was refused, and a fresh one was not.
    assert_eq!((stage.moved(), stage.retries), (9, 0));
    assert_eq!(served.waiting(AGENT).await, ["c.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_files_than_the_budget_pass_through_it_and_nothing_is_kept() {
    let names: Vec<_> = (0..40).map(|number| format!("{number:02}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let project = TestProject::of_pictures(&names);
    let served = project.serve().await;
    // Each alone is over the budget, and a batch is by far.
    let options = RunOptions {
        prefetch_bytes: 1,
        media_cache_bytes: 0,
        task_batch_size: 16,
        ..RunOptions::default()
    };
    let summary = run(builder(&project, &served, guest("bench_asset")).options(options)).await;
    let stage = &summary.stages[0];
    assert_eq!((stage.moved(), stage.failed), (40, 0));
    let kept = files_in(&project.scratch().join("files"));
    let kept: Vec<_> = kept
        .iter()
        .filter(|path| path.to_string_lossy().ends_with(".gif"))
        .collect();
    assert!(kept.is_empty(), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_starts_when_its_own_files_are_there_and_the_end_of_the_run_ends_downloads() {
    let project = TestProject::of_texts(&["a", "b", "c"]);
    let served = project.serve().await;
    let (_, _, slow) = unit(&served, "a.txt").await;
    // Ten minutes are longer than anybody waits.
    set_faults(
        &served,
        &format!("[[rules]]\npath = '/media/{slow}/**'\nlatency = 600000"),
    );
    let runner = builder(&project, &served, guest("bench_asset"));
    let runner = runner.build().await.unwrap();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(runner.run(shutdown.clone()));
    while served.waiting(SECOND).await != ["b.txt", "c.txt"] {
        assert!(!running.is_finished());
        tokio::task::yield_now().await;
    }
    shutdown.cancel();
    let summary = running.await.unwrap().unwrap();
    assert!(summary.interrupted);
    let stage = &summary.stages[0];
    assert_eq!((stage.moved(), stage.failed, stage.stopped), (2, 0, 0));
    assert_eq!(served.waiting(AGENT).await, ["a.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_unit_that_was_removed_meanwhile_is_gone_and_no_failure() {
    let project = TestProject::of_texts(&["a", "b", "c"]);
    let served = project.serve().await;
    let (data_hash, dataset, _) = unit(&served, "b.txt").await;
    let client = served.client.clone();
    let removed = Arc::new(Mutex::new(false));
    let once = Arc::clone(&removed);
    let remove = move |event: &Event| {
        let mut done = once.lock().unwrap();
        if *done || !matches!(event, Event::TasksListed { count: 3 }) {
            return;
        }
        *done = true;
        let uid = json!([data_hash]);
        let delete = client.call_query("dataset", dataset, "video", "DELETE", &uid, &Value::Null);
        let wait = || tokio::runtime::Handle::current().block_on(delete);
        tokio::task::block_in_place(wait).expect("it can be removed");
    };
    let summary = run(builder(&project, &served, guest("bench_asset")).on_event(remove)).await;
    assert!(*removed.lock().unwrap());
    let stage = &summary.stages[0];
    assert_eq!((stage.moved(), stage.failed, stage.gone), (2, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_call_for_several_tasks_each_fails_for_itself() {
    // In this order, four in a call.
    let names = ["a", "e", "f", "fail-c", "late-d", "stay"];
    let project = TestProject::of_texts(&names);
    let served = project.serve().await;
    let options = RunOptions {
        num_retries: 1,
        ..RunOptions::default()
    };
    let summary = run(builder(&project, &served, guest("batch")).options(options)).await;
    let stage = &summary.stages[0];
    let expected = [
        ("fail-c.txt", "fatal error", 1),
        ("late-d.txt", "retryable error", 2),
    ];
    assert_eq!(failures(stage), expected);
    assert_eq!((stage.moved(), stage.stayed, stage.retries), (3, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_task_that_breaks_a_call_for_several_breaks_it_alone_the_next_time() {
    // In this order, four in a call.
    let names = ["m", "n", "poison", "q", "r", "s"];
    let project = TestProject::of_texts(&names);
    let served = project.serve().await;
    let options = RunOptions {
        num_retries: 2,
        ..RunOptions::default()
    };
    let summary = run(builder(&project, &served, guest("batch")).options(options)).await;
    let stage = &summary.stages[0];
    assert_eq!(failures(stage), [("poison.txt", "trap", 2)]);
    // To call each of the four alone is no retry.
    assert_eq!((stage.moved(), stage.retries), (5, 1));
    assert_eq!(served.waiting(AGENT).await, ["poison.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_retries_a_broken_call_fails_the_task_at_fault() {
    let project = TestProject::of_texts(&["m", "n", "poison", "q", "r"]);
    let served = project.serve().await;
    let options = RunOptions {
        num_retries: 0,
        ..RunOptions::default()
    };
    let summary = run(builder(&project, &served, guest("batch")).options(options)).await;
    let stage = &summary.stages[0];
    assert_eq!(failures(stage), [("poison.txt", "trap", 1)]);
    assert_eq!((stage.moved(), stage.retries), (4, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn client_metadata_goes_with_the_outcome_and_not_with_a_failure() {
    let project = TestProject::of_texts(&["a", "b", "failing"]);
    let served = project.serve().await;
    set_faults(&served, "[[rules]]\noperation = 'patch-bulk'\nlatency = 0");
    let stage = run_plugin(&project, &served, "metadata").await;
    assert_eq!((stage.moved(), stage.failed), (2, 1));
    let noted = async |title| -> Value {
        let noted = item(&served, title).await.client_metadata.unwrap();
        serde_json::from_str(&noted).unwrap()
    };
    for title in ["a.txt", "b.txt"] {
        assert_eq!(noted(title).await["seen"], 1, "{title}");
    }
    assert_eq!(noted("failing.txt").await, json!({}));
    assert!((1..=2).contains(&counts(&served)[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_undeclared_is_told() {
    let project = TestProject::of_everything();
    let served = project.serve().await;
    let stage = run_plugin(&project, &served, "metadata").await;
    let undeclared: Vec<_> = stage
        .undeclared
        .iter()
        .map(|one| (&*one.dependency, one.declaration, one.tasks))
        .collect();
    let files = "needs-asset, needs-single-frame or needs-video";
    let images = "needs-single-frame or needs-video";
    let expected = [("images of an image group", images, 1), ("file", files, 1)];
    assert_eq!(undeclared, expected);
    assert!(stage.undeclared.iter().all(|one| !one.waited.is_zero()));
}
