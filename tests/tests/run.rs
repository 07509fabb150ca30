//! Whole runs: the real host over the real server, with real plugins.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runner_host::encord::{MetadataOptions, ReadOptions};
use runner_host::local;
use runner_host::runner::Event;
use runner_host::{
    CancellationToken, Limits, PluginRef, RunError, RunOptions, Runner, RunnerBuilder, Summary,
};
use runner_tests::{AGENT, SECOND, Served, TestProject, example, guest, raw, root, serve};

fn builder(project: &TestProject, served: &Served, plugin: PathBuf) -> RunnerBuilder {
    Runner::builder()
        .client(served.client.clone())
        .project_hash(served.hash)
        .plugin(PluginRef {
            stage: None,
            path: plugin,
        })
        .state_dir(project.scratch().join("run"))
        .cache_dir(project.scratch().join("cache"))
}

async fn run(project: &TestProject, served: &Served, plugin: PathBuf) -> Summary {
    run_with(builder(project, served, plugin)).await
}

async fn run_with(builder: RunnerBuilder) -> Summary {
    let runner = builder.build().await.expect("it can run");
    runner.run(CancellationToken::new()).await.expect("it runs")
}

fn kinds(summary: &Summary) -> Vec<(String, &'static str, u32)> {
    let failures = summary.stages.iter().flat_map(|stage| &stage.failures);
    let mut kinds: Vec<_> = failures
        .map(|failure| (failure.data_title.clone(), failure.kind, failure.attempts))
        .collect();
    kinds.sort();
    kinds
}

#[tokio::test]
async fn each_task_ends_as_its_agent_decided_and_none_costs_another() {
    let names = [
        "next-1", "next-2", "other", "stay", "unknown", "retry", "never", "fatal", "panic", "spin",
        "hog",
    ];
    let project = TestProject::of_texts(&names);
    let served = project.serve().await;
    let limits = Limits {
        time: Duration::from_millis(500),
        memory: 32 << 20,
        ..Limits::default()
    };
    let options = RunOptions {
        num_retries: 2,
        ..RunOptions::default()
    };
    let summary = run_with(
        builder(&project, &served, guest("outcomes"))
            .limits(limits)
            .options(options),
    )
    .await;

    let stage = &summary.stages[0];
    assert_eq!(
        stage.pathways,
        [("Next".to_owned(), 3), ("Other".to_owned(), 1)]
    );
    assert_eq!((stage.stayed, stage.failed, stage.gone), (1, 6, 0));
    // One for each fault of the plugin, and two for what may pass: one works at the third attempt.
    assert_eq!(stage.retries, 4 + 2 + 2);
    let expected = [
        ("fatal.txt", "fatal error", 1),
        ("hog.txt", "out of memory", 2),
        ("never.txt", "retryable error", 3),
        ("panic.txt", "trap", 2),
        ("spin.txt", "timeout", 2),
        ("unknown.txt", "unknown pathway", 2),
    ];
    assert_eq!(
        kinds(&summary),
        expected.map(|(title, kind, attempts)| (title.to_owned(), kind, attempts))
    );
    let unknown = stage
        .failures
        .iter()
        .find(|failure| failure.kind == "unknown pathway")
        .unwrap();
    assert!(
        unknown.message.contains("\"Nowhere\"") && unknown.message.contains("\"Next\""),
        "{}",
        unknown.message
    );
    let trap = stage
        .failures
        .iter()
        .find(|failure| failure.kind == "trap")
        .unwrap();
    assert!(
        trap.message.contains("nothing can be done about panic"),
        "{}",
        trap.message
    );
    assert!(
        trap.message.contains("outcomes::broken"),
        "{}",
        trap.message
    );

    assert_eq!(
        served.waiting(SECOND).await,
        ["next-1.txt", "next-2.txt", "retry.txt"]
    );
    let stayed = [
        "fatal.txt",
        "hog.txt",
        "never.txt",
        "panic.txt",
        "spin.txt",
        "stay.txt",
        "unknown.txt",
    ];
    assert_eq!(served.waiting(AGENT).await, stayed);
}

#[tokio::test]
async fn labels_are_saved_before_the_task_moves_and_not_if_the_attempt_failed() {
    let project = TestProject::of_pictures(&["a", "b", "unsaved", "failing"]);
    let served = project.serve().await;
    let summary = run(&project, &served, guest("labels")).await;
    assert_eq!(
        kinds(&summary),
        [("failing.gif".to_owned(), "fatal error", 1)]
    );
    assert_eq!(
        served.waiting(SECOND).await,
        ["a.gif", "b.gif", "unsaved.gif"]
    );

    let mut boxes = Vec::new();
    for stage in [AGENT, SECOND] {
        let page = served
            .client
            .tasks_page(served.hash, stage, None)
            .await
            .unwrap();
        let hashes: Vec<_> = page.tasks.iter().map(|task| task.data_hash).collect();
        let rows = served
            .client
            .label_row_metadata(served.hash, &hashes, &MetadataOptions::default())
            .await
            .unwrap();
        for row in rows {
            let label_hash = row.label_hash.expect("it was opened");
            let documents = served
                .client
                .read_label_rows(served.hash, &[label_hash], &ReadOptions::default())
                .await
                .unwrap();
            let unit = &documents[0].1["data_units"][row.data_hash.to_string()];
            let objects = unit["labels"]["objects"].as_array().map_or(0, Vec::len);
            let confidence = unit["labels"]["objects"][0]["confidence"].as_f64();
            let classifications = documents[0].1["classification_answers"]
                .as_object()
                .map_or(0, |map| map.len());
            boxes.push((
                row.data_title,
                objects,
                confidence,
                classifications,
                row.priority,
            ));
        }
    }
    boxes.sort_by(|a, b| a.0.cmp(&b.0));
    let untouched = boxes.iter().find(|row| row.0 == "failing.gif").unwrap();
    assert_eq!((untouched.1, untouched.3), (0, 0));
    assert_ne!(
        untouched.4,
        Some(0.75),
        "the priority of a failed attempt is not set"
    );
    for title in ["a.gif", "b.gif"] {
        let row = boxes.iter().find(|row| row.0 == title).unwrap();
        assert_eq!(
            (row.1, row.2, row.3, row.4),
            (1, Some(0.5), 1, Some(0.75)),
            "{title}"
        );
    }
    let unsaved = boxes.iter().find(|row| row.0 == "unsaved.gif").unwrap();
    assert_eq!((unsaved.1, unsaved.3, unsaved.4), (0, 0, Some(0.75)));
}

#[tokio::test]
async fn a_task_that_one_stage_moves_into_the_next_is_found_in_the_same_pass() {
    let project = TestProject::of_texts(&["a", "b", "c"]);
    let served = project.serve().await;
    let second = PluginRef {
        stage: Some("Second".to_owned()),
        path: raw(),
    };
    let summary = run_with(builder(&project, &served, guest("empty")).plugin(second)).await;
    assert_eq!(summary.passes, 1);
    let moved: Vec<_> = summary
        .stages
        .iter()
        .map(|stage| (stage.title.as_str(), stage.moved()))
        .collect();
    assert_eq!(moved, [("Agent", 3), ("Second", 3)]);
    assert!(served.waiting(AGENT).await.is_empty() && served.waiting(SECOND).await.is_empty());
}

#[tokio::test]
async fn many_tasks_in_many_pages_and_batches_all_end_once() {
    let names: Vec<String> = (0..2_300)
        .map(|number| format!("next-{number:04}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let project = TestProject::of_texts(&names);
    let served = project.serve().await;
    let options = RunOptions {
        task_batch_size: 70,
        ..RunOptions::default()
    };
    let summary = run_with(builder(&project, &served, guest("empty")).options(options)).await;
    assert_eq!((summary.stages[0].moved(), summary.failed()), (2_300, 0));
    assert_eq!(served.waiting(SECOND).await.len(), 2_300);
}

#[tokio::test]
async fn no_more_tasks_are_taken_than_was_said() {
    let project = TestProject::of_texts(&["a", "b", "c", "d", "e"]);
    let served = project.serve().await;
    let options = RunOptions {
        max_tasks_per_stage: Some(2),
        task_batch_size: 1,
        ..RunOptions::default()
    };
    let summary = run_with(builder(&project, &served, guest("empty")).options(options)).await;
    assert_eq!(summary.stages[0].moved(), 2);
    assert_eq!(served.waiting(AGENT).await.len(), 3);
}

#[tokio::test]
async fn what_is_not_declared_is_fetched_when_it_is_asked_for() {
    let project = TestProject::of_pictures(&["a"]);
    let served = project.serve().await;
    let summary = run(&project, &served, guest("reader")).await;
    assert_eq!((summary.stages[0].stayed, summary.failed()), (1, 0));
}

#[tokio::test]
async fn one_stage_can_be_run_once() {
    let project = TestProject::of_texts(&["a"]);
    let served = project.serve().await;
    let runner = builder(&project, &served, guest("empty"))
        .build()
        .await
        .unwrap();
    let unknown = runner.run_stage("Third", CancellationToken::new()).await;
    assert!(
        matches!(&unknown, Err(aborted) if matches!(aborted.error, RunError::NotServed { .. })),
        "{unknown:?}"
    );
    let summary = runner
        .run_stage("Agent", CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(summary.stages[0].moved(), 1);
    let again = runner
        .run_stage(&AGENT.to_string(), CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(again.stages[0].moved(), 0);
}

#[tokio::test]
async fn a_check_before_the_run_can_refuse_it() {
    let project = TestProject::of_texts(&["a"]);
    let served = project.serve().await;
    let refused = builder(&project, &served, guest("empty"))
        .before_run(|project, plugins| {
            Err(format!("{} with {} plugin", project.title, plugins.len()))
        })
        .build()
        .await;
    assert!(matches!(refused, Err(RunError::Refused(reason)) if reason == "Test with 1 plugin"));
    assert_eq!(served.waiting(AGENT).await, ["a.txt"]);
}

#[tokio::test]
async fn a_run_that_was_asked_to_end_takes_no_task() {
    let project = TestProject::of_texts(&["a"]);
    let served = project.serve().await;
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    let runner = builder(&project, &served, guest("empty"))
        .build()
        .await
        .unwrap();
    let summary = runner.run(shutdown).await.unwrap();
    assert!(summary.interrupted);
    assert_eq!(served.waiting(AGENT).await, ["a.txt"]);
}

#[tokio::test]
async fn connections_and_requests_are_few() {
    let names: Vec<String> = (0..250).map(|number| format!("next-{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let project = TestProject::of_texts(&names);
    let served = project.serve().await;
    let summary = run(&project, &served, guest("empty")).await;
    assert_eq!(summary.stages[0].moved(), 250);
    // Project, ontology, a page, and at most as many bundles as fill up while others are under way.
    assert!(
        served.client.requests() <= 3 + 25,
        "{} requests",
        served.client.requests()
    );
}

#[tokio::test]
async fn the_example_sorts_the_sample_photographs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("project");
    std::fs::create_dir(&path).unwrap();
    let sample = root().join("examples/sample");
    std::fs::copy(sample.join("project.toml"), path.join("project.toml")).unwrap();
    let options = local::InitOptions {
        media: vec![sample.join("photos")],
        reset: false,
        title: None,
    };
    local::init(&path, options).unwrap();
    let served = serve(local::Workspace::open(&path).unwrap()).await;
    let runner = Runner::builder()
        .client(served.client.clone())
        .project_hash(served.hash)
        .plugin(PluginRef {
            stage: None,
            path: example("triage"),
        })
        .state_dir(folder.path().join("run"))
        .build()
        .await
        .unwrap();
    let check = runner
        .project()
        .stages
        .iter()
        .find(|stage| stage.title == "Crop check")
        .unwrap()
        .uuid;
    let summary = runner.run(CancellationToken::new()).await.unwrap();
    let pathways = [("Crop check", 7), ("Ready", 3), ("Too small", 3)];
    assert_eq!(
        summary.stages[0].pathways,
        pathways.map(|(name, count)| (name.to_owned(), count))
    );
    let page = served
        .client
        .tasks_page(served.hash, check, None)
        .await
        .unwrap();
    let hashes: Vec<_> = page.tasks.iter().map(|task| task.data_hash).collect();
    let rows = served
        .client
        .label_row_metadata(served.hash, &hashes, &MetadataOptions::default())
        .await
        .unwrap();
    let labels: Vec<_> = rows.iter().map(|row| row.label_hash.unwrap()).collect();
    let documents = served
        .client
        .read_label_rows(served.hash, &labels, &ReadOptions::default())
        .await
        .unwrap();
    assert_eq!(documents.len(), 7);
    for (_, document) in documents {
        let unit = document["data_units"]
            .as_object()
            .unwrap()
            .values()
            .next()
            .unwrap();
        let crop = &unit["labels"]["objects"][0];
        assert_eq!(crop["name"], "Centre crop");
        let pixels = |side: &str, relative: &str| {
            unit[side].as_f64().unwrap() * crop["boundingBox"][relative].as_f64().unwrap()
        };
        let (width, height) = (pixels("width", "w"), pixels("height", "h"));
        assert!(
            (width - height).abs() < 0.01,
            "a square, found {width} x {height}"
        );
        assert_eq!(
            document["classification_answers"]
                .as_object()
                .unwrap()
                .len(),
            1
        );
    }
}

#[tokio::test]
async fn with_refresh_every_the_stages_are_looked_at_again_until_the_end_is_asked_for() {
    let project = TestProject::of_texts(&["stay"]);
    let served = project.serve().await;
    let shutdown = CancellationToken::new();
    let (asked, pauses) = (shutdown.clone(), AtomicUsize::new(0));
    let every = Duration::from_millis(20);
    let options = RunOptions {
        refresh_every: Some(every),
        ..RunOptions::default()
    };
    let runner = builder(&project, &served, guest("outcomes"))
        .options(options)
        .on_event(move |event| {
            if let Event::Waiting(pause) = event {
                assert!(
                    *pause <= every,
                    "the pause counts from the start of the pass"
                );
                if pauses.fetch_add(1, Ordering::Relaxed) == 2 {
                    asked.cancel();
                }
            }
        })
        .build()
        .await
        .unwrap();
    let summary = runner.run(shutdown).await.unwrap();
    assert!(summary.interrupted);
    assert_eq!((summary.passes, summary.stages[0].stayed), (3, 3));
}
