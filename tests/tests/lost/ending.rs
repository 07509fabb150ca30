//! Ends of a run while commits are under way: within the announced bound, and nothing is lost.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use runner_tests::accounted::accounted;
use runner_tests::dev::Dev;
use runner_tests::{TestProject, program};

use crate::set_up::numbered;

const PICTURES: usize = 30;

fn project() -> TestProject {
    numbered(PICTURES)
}

/// A host whose first decisions are in the journal, and on their way to a server that does not answer moves for ten minutes.
pub(crate) fn held_up(project: &TestProject) -> (Dev, Child) {
    let faults = project.scratch().join("faults.toml");
    std::fs::write(
        &faults,
        "[[rules]]\noperation = 'actions'\nlatency = 600000\n",
    )
    .unwrap();
    let dev = Dev::start(project, &["--faults", faults.to_str().unwrap()]);
    let mut command = dev.host(Command::new(program()), project, "labels");
    let mut child = command
        .args(["--grace", "1", "--log", "warn,runner_host=debug"])
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    while !log
        .next()
        .expect("it commits")
        .unwrap()
        .contains("committing")
    {}
    // The pipe must not fill up.
    child.stderr = None;
    std::thread::spawn(move || log.map_while(Result::ok).count());
    (dev, child)
}

pub(crate) fn signal(child: &Child, signal: &str) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &id])
            .status()
            .unwrap()
            .success()
    );
}

async fn ends_well(project: &TestProject, dev: Dev) {
    drop(dev);
    let dev = Dev::start(project, &[]);
    let output = dev
        .host(Command::new(program()), project, "labels")
        .output()
        .unwrap();
    let summary = String::from_utf8_lossy(&output.stdout);
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{summary}{log}");
    assert!(
        summary.contains("commits of an earlier run were brought to their end"),
        "{summary}"
    );
    drop(dev);
    assert_eq!(accounted(project, PICTURES).await, PICTURES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_within_its_bound_though_the_server_is_silent() {
    let project = project();
    let (dev, mut child) = held_up(&project);
    let asked = Instant::now();
    signal(&child, "-TERM");
    let status = child.wait().unwrap();
    // 1 s for attempts, 5 for commits, and what a busy machine takes.
    assert!(
        asked.elapsed() < Duration::from_secs(6 + 6),
        "{:?}",
        asked.elapsed()
    );
    let mut summary = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut summary)
        .unwrap();
    assert_eq!(status.code(), Some(1), "{summary}");
    assert!(summary.contains("decided and not sent yet"), "{summary}");
    assert!(summary.contains("Unsent"), "{summary}");
    ends_well(&project, dev).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_is_refused_and_says_who_uses_the_directory() {
    let project = project();
    let (dev, mut child) = held_up(&project);
    let mut second = dev.host(Command::new(program()), &project, "labels");
    let output = second.output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{log}");
    let holder = format!("process {}", child.id());
    for text in ["error: ", "another runner-host", &holder, "help: "] {
        assert!(log.contains(text), "{text} in {log}");
    }
    // The first one is as it was.
    assert!(child.try_wait().unwrap().is_none());
    signal(&child, "-KILL");
    child.wait().unwrap();
    ends_well(&project, dev).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once_and_the_journal_holds() {
    let project = project();
    let (dev, mut child) = held_up(&project);
    let asked = Instant::now();
    signal(&child, "-INT");
    // The first signal is seen once the program has said so; until then a second would be the same one.
    loop {
        signal(&child, "-INT");
        if let Some(status) = child.try_wait().unwrap() {
            assert_eq!(status.code(), Some(130));
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        asked.elapsed() < Duration::from_secs(4),
        "{:?}",
        asked.elapsed()
    );
    ends_well(&project, dev).await;
}
