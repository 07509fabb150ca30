//! A state directory on a disk that is full: no more tasks are taken, it is said, and nothing is lost.
//!
//! The limit on the size of a file stands for the disk: what is written beyond it fails, as it does without room.

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::Duration;

use runner_tests::accounted::accounted;
use runner_tests::dev::Dev;
use runner_tests::{TestProject, guest, program, root};

use crate::ending::{held_up, signal};
use crate::set_up::numbered;

const PICTURES: usize = 600;

/// Bytes that a file can have: enough for an empty journal, and too few for that many decisions.
const ROOM: u32 = 400_000;

fn project() -> TestProject {
    numbered(PICTURES)
}

/// The host, with that room in each file or with as much as there is.
fn host(project: &TestProject, dev: &Dev, room: Option<u32>) -> Command {
    let command = match room {
        // Without the signal, a write beyond the limit is an error.
        Some(room) => {
            let mut shell = Command::new("sh");
            shell.args([
                "-c",
                "trap '' XFSZ; exec prlimit --fsize=\"$0\":unlimited -- \"$@\"",
            ]);
            shell.arg(room.to_string()).arg(program());
            shell
        }
        None => Command::new(program()),
    };
    dev.host(command, project, "labels")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_room_ends_and_the_next_one_goes_on() {
    let project = project();
    let dev = Dev::start(&project, &[]);
    // The plugin is compiled into the cache before there is too little room for that.
    let compiled = Command::new(program())
        .arg("inspect")
        .arg(guest("labels"))
        .arg("--cache-dir")
        .arg(root().join("target/tests/cache/runner-host"))
        .output()
        .unwrap();
    assert!(compiled.status.success());
    let output = host(&project, &dev, Some(ROOM)).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{log}");
    assert!(log.contains("error: the journal"), "{log}");
    assert!(log.contains("help: free some disk space"), "{log}");
    // What was done until then is told all the same.
    let summary = String::from_utf8_lossy(&output.stdout);
    assert!(summary.contains("Agent"), "{summary}");

    let output = host(&project, &dev, None).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{log}");
    drop(dev);
    assert_eq!(accounted(&project, PICTURES).await, PICTURES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_room_loses_no_open_commit() {
    let project = project();
    let (dev, mut child) = held_up(&project);
    // As many decisions as can be under way fill the room; on a slow machine the rest of them do so at the next start.
    let log = project.scratch().join("state/journal.sqlite-wal");
    let fills = async {
        let mut pause = tokio::time::interval(Duration::from_millis(5));
        while log.metadata().map_or(0, |file| file.len()) < u64::from(ROOM) {
            pause.tick().await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(10), fills).await;
    signal(&child, "-KILL");
    child.wait().unwrap();
    drop(dev);
    let dev = Dev::start(&project, &[]);
    let output = host(&project, &dev, Some(ROOM)).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{log}");
    assert!(log.contains("error: the journal"), "{log}");
    assert!(log.contains("help: free some disk space"), "{log}");

    let output = host(&project, &dev, None).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{log}");
    drop(dev);
    assert_eq!(accounted(&project, PICTURES).await, PICTURES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stays_takes_tasks_again_once_there_is_room() {
    let project = project();
    let dev = Dev::start(&project, &[]);
    let mut child = host(&project, &dev, Some(ROOM))
        .args(["--refresh-every", "0.2", "--log", "warn"])
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut heard = Vec::new();
    let mut hear = |text: &str| {
        loop {
            let line = log
                .next()
                .unwrap_or_else(|| panic!("no {text} in {heard:#?}"))
                .unwrap();
            let found = line.contains(text);
            heard.push(line);
            if found {
                return;
            }
        }
    };
    hear("no tasks are taken until a later pass finds this mended");
    let id = child.id().to_string();
    let mended = Command::new("prlimit")
        .args(["--pid", &id, "--fsize=unlimited"])
        .status()
        .unwrap();
    assert!(mended.success());
    hear("the run goes on");
    let told = heard
        .iter()
        .filter(|line| line.contains("no tasks are taken"))
        .count();
    assert_eq!(told, 1, "{heard:#?}");
    let stopped = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(stopped.success());
    let output = child.wait_with_output().unwrap();
    let summary = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{summary}");
    drop(dev);
    assert!(accounted(&project, PICTURES).await > 0);
}
