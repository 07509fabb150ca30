//! Tasks that fail: they are counted and named, left alone, listed, released; and a stage at which all fail is paused.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runner_host::engine::Limits;
use runner_host::runner::{Event, Other, RunOptions};
use runner_host::{CancellationToken, PluginRef, RunnerBuilder};
use runner_tests::accounted::accounted;
use runner_tests::ran::{Ran, run_in};
use runner_tests::{AGENT, SECOND, TestProject, guest, program};

use crate::set_up::{numbered, run, runner, set_faults, unplugged, until};

/// What `runner-host quarantine` prints about a project, and its exit code.
fn quarantine(project: &TestProject, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(program())
        .arg("quarantine")
        .args(arguments)
        .arg("--local")
        .arg(project.path())
        .env_remove("RUNNER_HOST_PROJECT_HASH")
        .env_remove("RUNNER_HOST_STATE_DIR")
        .output()
        .unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&printed).into_owned(),
    )
}

fn run_program(project: &TestProject, arguments: &[&str]) -> Ran {
    run_in(project, "outcomes", arguments)
}

#[test]
fn a_task_that_failed_is_left_alone_until_something_changes() {
    let project = TestProject::of_texts(&["next", "panic", "fatal", "never"]);
    let empty = quarantine(&project, &["list"]);
    assert_eq!(empty, (Some(0), "No task is in quarantine.\n".to_owned()));
    let first = run_program(&project, &["--num-retries", "1"]);
    assert_eq!(first.code, Some(1), "{first}");
    assert_eq!(first.count("failed ("), 3, "{first}");

    // Nothing is tried again but what may pass: whoever starts a run does not want to wait for it.
    let second = run_program(&project, &["--num-retries", "1"]);
    assert_eq!(second.code, Some(1), "{second}");
    assert_eq!(second.count("failed ("), 1, "{second}");
    assert_eq!(second.count("nothing can be done about"), 0, "{second}");
    for text in ["in quarantine", "\"panic.txt\"", "\"fatal.txt\""] {
        assert!(second.summary.contains(text), "{second}");
    }

    let (code, listed) = quarantine(&project, &["list"]);
    assert_eq!(code, Some(0));
    for text in [
        "panic.txt",
        "fatal.txt",
        "never.txt",
        "trap",
        "fatal error",
        "when released",
    ] {
        assert!(listed.contains(text), "{listed}");
    }
    let (code, shown) = quarantine(&project, &["show", "panic.txt"]);
    assert_eq!(code, Some(0));
    for text in [
        "trap, after 2 attempts",
        "nothing can be done about panic",
        "outcomes::broken",
        // What the plugin logged.
        "WARN ",
        "inputs:        sha256:",
        "plugin:        sha256:",
    ] {
        assert!(shown.contains(text), "{text} in {shown}");
    }

    let (_, shown) = quarantine(&project, &["show", "fatal.txt"]);
    assert!(shown.contains("fatal error, after 1 attempt\n"), "{shown}");

    let (code, released) = quarantine(&project, &["release", "fatal.txt"]);
    assert_eq!(code, Some(0), "{released}");
    assert!(released.starts_with("1 task is released"), "{released}");
    let third = run_program(&project, &["--num-retries", "1"]);
    assert_eq!(third.count("this picture cannot be used"), 1, "{third}");
    assert_eq!(third.count("nothing can be done about"), 0, "{third}");

    // Another configuration releases by itself.
    let changed = run_program(&project, &["--num-retries", "1", "--set", "any=thing"]);
    assert_eq!(changed.count("failed ("), 3, "{changed}");
    let (_, released) = quarantine(&project, &["release", "--all"]);
    assert!(released.starts_with("3 tasks are released"), "{released}");
    assert_eq!(quarantine(&project, &["list"]), empty);
}

#[test]
fn what_is_not_in_quarantine_cannot_be_shown_or_released() {
    let project = TestProject::of_texts(&["fatal"]);
    run_program(&project, &[]);
    for arguments in [["show", "other.txt"], ["release", "other.txt"]] {
        let (code, printed) = quarantine(&project, &arguments);
        assert_eq!(code, Some(2), "{printed}");
        assert!(
            printed.contains("found none that is `other.txt`") && printed.contains("help:"),
            "{printed}"
        );
    }
    let (code, printed) = quarantine(&project, &["release"]);
    assert_eq!(code, Some(2), "{printed}");
    let (code, printed) = quarantine(&project, &["release", "--stage", "Nowhere"]);
    assert_eq!(code, Some(2), "{printed}");
    let (code, printed) = quarantine(&project, &["release", "--stage", "Agent"]);
    assert_eq!(
        (code, printed.contains("1 task is released")),
        (Some(0), true),
        "{printed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_task_is_tried_once_and_not_at_each_poll() {
    let project = TestProject::of_texts(&["fatal", "next"]);
    let served = project.serve().await;
    let options = RunOptions {
        refresh_every: Some(Duration::from_millis(50)),
        ..RunOptions::default()
    };
    let shutdown = CancellationToken::new();
    let (ended, passes) = (shutdown.clone(), std::sync::atomic::AtomicU64::new(0));
    let runner = runner(&project, &served, "outcomes", options).on_event(move |event| {
        let waits = matches!(event, runner_host::runner::Event::Waiting(_));
        if waits && passes.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 5 {
            ended.cancel();
        }
    });
    let summary = runner.build().await.unwrap().run(shutdown).await.unwrap();
    assert!(summary.passes >= 6);
    assert_eq!(
        (summary.failed(), summary.quarantined()),
        (1, 0),
        "it is counted once"
    );
    let stage = &summary.stages[0];
    assert_eq!((stage.done(), stage.failures.len()), (1, 1));
}

/// Runs twice: the first run tries the only task again, the second one leaves it alone.
async fn is_released_once(runner: impl Fn() -> RunnerBuilder) {
    let first = run(runner()).await;
    assert_eq!((first.failed(), first.quarantined()), (1, 0), "{first:?}");
    let second = run(runner()).await;
    assert_eq!(
        (second.failed(), second.quarantined()),
        (0, 1),
        "{second:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_plugin_limit_pathway_or_ontology_releases_by_itself() {
    let project = TestProject::of_texts(&["fatal"]);
    let served = project.serve().await;
    let plain = || runner(&project, &served, "outcomes", RunOptions::default());
    is_released_once(plain).await;

    // The same program in another file, with a custom section that says nothing.
    let mut component = std::fs::read(guest("outcomes")).unwrap();
    component.extend(b"\0\x06\x04note1");
    let path = project.scratch().join("rebuilt.wasm");
    std::fs::write(&path, component).unwrap();
    let rebuilt = || {
        let (stage, path) = (None, path.clone());
        unplugged(&project, &served, RunOptions::default()).plugin(PluginRef { stage, path })
    };
    is_released_once(rebuilt).await;
    is_released_once(plain).await;

    let memory = Limits::default().memory * 2;
    let limits = || Limits {
        memory,
        ..Limits::default()
    };
    is_released_once(|| plain().limits(limits())).await;
    is_released_once(plain).await;
    served.server.stop().await;

    let file = project.path().join("project.toml");
    for (before, after) in [("\"Other\"", "\"Elsewhere\""), ("\"Bad\"", "\"Worse\"")] {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(before));
        std::fs::write(&file, text.replace(before, after)).unwrap();
        project.init(&[]);
        let served = project.serve().await;
        is_released_once(|| runner(&project, &served, "outcomes", RunOptions::default())).await;
        served.server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_are_gone_are_named_and_no_failure() {
    let project = TestProject::of_texts(&["next-1", "next-2"]);
    let served = project.serve().await;
    // Somebody moves one of them right before the host does.
    set_faults(&served, "[[rules]]\noperation = 'actions'\nlatency = 1500");
    let run = tokio::spawn(run(runner(
        &project,
        &served,
        "outcomes",
        RunOptions::default(),
    )));
    until(&served, 0, 1).await;
    served.server.faults().clear();
    let tasks = served
        .client
        .tasks_page(served.hash, AGENT, None)
        .await
        .unwrap();
    let other = tasks
        .tasks
        .iter()
        .find(|task| task.data_title == "next-1.txt")
        .unwrap();
    let project_shown = served.client.project(served.hash).await.unwrap();
    let pathway = project_shown
        .stages
        .iter()
        .find(|stage| stage.uuid == AGENT)
        .unwrap()
        .pathways[1]
        .uuid;
    let moves = [(other.uuid, pathway)];
    served
        .client
        .follow_pathways(served.hash, AGENT, &moves)
        .await
        .unwrap();
    let summary = run.await.unwrap();
    let stage = &summary.stages[0];
    assert_eq!(
        (stage.gone, stage.done(), stage.failed),
        (1, 1, 0),
        "{summary:?}"
    );
    assert_eq!(stage.others[0].kind, Other::Gone);
    assert_eq!(stage.others[0].data_title, "next-1.txt");
    assert!(summary.is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_which_every_move_is_refused_says_so() {
    let project = TestProject::of_texts(&["next-1", "next-2", "next-3"]);
    let served = project.serve().await;
    set_faults(&served, "[[rules]]\noperation = 'actions'\nstatus = 403");
    let summary = run(runner(&project, &served, "outcomes", RunOptions::default())).await;
    assert_eq!(
        (summary.failed(), summary.stages[0].done()),
        (3, 0),
        "{summary:?}"
    );
    assert!(!summary.is_clean() && summary.is_hopeless());
    assert!(
        summary.stages[0]
            .failures
            .iter()
            .all(|failure| failure.kind == "refused")
    );
    // It was a matter of rights, so the next start tries them again.
    served.server.faults().clear();
    let summary = run(runner(&project, &served, "outcomes", RunOptions::default())).await;
    assert!(summary.is_clean(), "{summary:?}");
    assert_eq!(served.waiting(SECOND).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_whose_labels_were_saved_is_moved_on_and_not_made_again() {
    let project = TestProject::of_pictures(&["a", "b"]);
    let served = project.serve().await;
    set_faults(&served, "[[rules]]\noperation = 'actions'\nstatus = 403");
    let summary = run(runner(&project, &served, "labels", RunOptions::default())).await;
    assert_eq!(summary.failed(), 2, "{summary:?}");
    served.server.faults().clear();
    let (client, hash) = (served.client.clone(), served.hash);
    let moved = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&moved);
    let see = move |event: &Event| {
        if matches!(event, Event::StageStarted { .. }) {
            let page = client.tasks_page(hash, SECOND, None);
            let wait = || tokio::runtime::Handle::current().block_on(page);
            let page = tokio::task::block_in_place(wait).unwrap();
            counted.store(page.tasks.len(), Ordering::Relaxed);
        }
    };
    let next = runner(&project, &served, "labels", RunOptions::default());
    let summary = run(next.on_event(see)).await;
    assert!(summary.is_clean(), "{summary:?}");
    assert_eq!(moved.load(Ordering::Relaxed), 2, "before any agent runs");
    assert_eq!(
        (summary.resumed, summary.stages[0].done()),
        (2, 0),
        "no agent ran again"
    );
    assert_eq!(served.waiting(SECOND).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_at_which_everything_fails_is_paused_and_goes_on_once_it_works() {
    let project = numbered(40);
    let served = project.serve().await;
    // Whatever agents ask for is refused, until it is mended.
    set_faults(
        &served,
        "[[rules]]\noperation = 'labelrow.PUT'\nstatus = 503\nretry-after = 0",
    );
    let options = RunOptions {
        pause_after: 4,
        num_retries: 50,
        concurrency: 2,
        ..RunOptions::default()
    };
    let run = tokio::spawn(run(runner(&project, &served, "labels", options)));
    // The batch was asked for as a whole, with the client's own retries; then each task by itself until the pause.
    until(&served, 0, 10).await;
    served.server.faults().clear();
    let summary = run.await.unwrap();
    assert!(summary.is_clean(), "{summary:?}");
    assert_eq!(summary.stages[0].done(), 40);
    assert_eq!(served.waiting(SECOND).await.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_whose_key_is_revoked_is_paused_and_the_next_run_goes_on() {
    let project = numbered(300);
    let served = project.serve().await;
    let options = RunOptions {
        task_batch_size: 10,
        patience: Duration::from_secs(2),
        ..RunOptions::default()
    };
    // After the start and some batches everything is refused.
    set_faults(&served, "[[rules]]\nskip = 30\nstatus = 401");
    let runner_of = || runner(&project, &served, "labels", options.clone());
    let summary = run(runner_of()).await;
    let stage = &summary.stages[0];
    assert!(stage.paused && !summary.is_clean(), "{summary:?}");
    // Two batches until the pause, and the five that were tried on their own.
    let tried = stage.unsent + stage.failed;
    assert!((20..=40).contains(&tried), "{summary:?}");

    served.server.faults().clear();
    let summary = run(runner_of()).await;
    assert!(summary.is_clean(), "{summary:?}");
    served.server.stop().await;
    assert_eq!(accounted(&project, 300).await, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_by_a_revoked_key_or_a_missing_right_is_tried_again_at_the_next_start() {
    for status in [401, 403] {
        let project = numbered(30);
        let served = project.serve().await;
        let options = RunOptions {
            num_retries: 0,
            pause_after: 0,
            ..RunOptions::default()
        };
        let rule = format!("[[rules]]\noperation = 'labelrow.PUT'\nstatus = {status}");
        set_faults(&served, &rule);
        let summary = run(runner(&project, &served, "labels", options.clone())).await;
        assert_eq!(summary.failed(), 30, "{summary:?}");
        served.server.faults().clear();
        let summary = run(runner(&project, &served, "labels", options)).await;
        assert!(summary.is_clean(), "{summary:?}");
        assert_eq!(summary.stages[0].done(), 30);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_plugin_does_not_burn_through_the_queue() {
    let names: Vec<String> = (0..200)
        .map(|number| format!("panic-{number:03}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let project = TestProject::of_texts(&names);
    let served = project.serve().await;
    let options = RunOptions {
        concurrency: 2,
        ..RunOptions::default()
    };
    let summary = run(runner(&project, &served, "outcomes", options)).await;
    let stage = &summary.stages[0];
    assert!(
        stage.paused && !summary.is_clean() && summary.is_hopeless(),
        "{summary:?}"
    );
    // 20 until the pause and what was under way, and the 5 that were tried on their own.
    assert!((20..=40).contains(&stage.failed), "{}", stage.failed);
    assert!(stage.failures.iter().all(|failure| failure.kind == "trap"));
    assert_eq!(served.waiting(AGENT).await.len(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_the_end_of_the_run_stops_counts_for_nothing() {
    let project = TestProject::of_pictures(&["a"]);
    let served = project.serve().await;
    // The plugin asks for its row, which would come after ten minutes.
    set_faults(
        &served,
        "[[rules]]\noperation = 'labelrow.PUT'\nlatency = 600000",
    );
    let options = RunOptions {
        num_retries: 0,
        grace: Duration::ZERO,
        ..RunOptions::default()
    };
    let held_up = runner(&project, &served, "reader", options.clone());
    let shutdown = CancellationToken::new();
    let held_up = held_up.build().await.unwrap();
    let stopped = tokio::spawn(held_up.run(shutdown.clone()));
    until(&served, 0, 1).await;
    shutdown.cancel();
    let summary = stopped.await.unwrap().unwrap();
    let stage = &summary.stages[0];
    assert_eq!(
        (stage.stopped, stage.failed, stage.retries),
        (1, 0, 0),
        "{summary:?}"
    );
    // It is not in quarantine, and has all of its attempts.
    served.server.faults().clear();
    let summary = run(runner(&project, &served, "reader", options)).await;
    assert_eq!(
        (summary.quarantined(), summary.stages[0].stayed),
        (0, 1),
        "{summary:?}"
    );
}
