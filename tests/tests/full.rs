//! A state directory on a disk that is full: no more tasks are taken, it is said, and nothing is lost.
//!
//! The limit on the size of a file stands for the disk: what is written beyond it fails, as it does without room.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use runner_tests::accounted::accounted;
use runner_tests::{TestProject, guest, program, root};

const PICTURES: usize = 600;

/// Bytes that a file can have: enough for an empty journal, and too few for that many decisions.
const ROOM: u32 = 400_000;

fn project() -> TestProject {
    let names: Vec<String> = (0..PICTURES).map(|number| format!("{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    TestProject::of_pictures(&names)
}

/// Serves the project in a process of its own, which has room, and tells its address and a key.
fn serving(project: &TestProject) -> (Child, [String; 2]) {
    let mut child = Command::new(program())
        .args(["dev", "--port", "0", "--local"])
        .arg(project.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let printed = BufReader::new(child.stdout.take().unwrap()).lines();
    let printed: Vec<_> = printed.map_while(Result::ok).take(4).collect();
    let variables = ["ENCORD_DOMAIN=", "ENCORD_SSH_KEY_FILE="].map(|name| {
        let line = printed.iter().find_map(|line| line.split_once(name));
        line.expect("the program prints it").1.to_owned()
    });
    (child, variables)
}

/// The host, with that room in each file or with as much as there is.
fn host(project: &TestProject, [domain, key]: &[String; 2], room: Option<u32>) -> Command {
    let mut command = match room {
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
    command
        .args([
            "--project-hash",
            "11111111-1111-4111-8111-111111111111",
            "--plugin",
        ])
        .arg(guest("labels"))
        .arg("--state-dir")
        .arg(project.scratch().join("state"))
        .arg("--cache-dir")
        .arg(root().join("target/tests/cache/runner-host"))
        .arg("--media-cache")
        .arg(project.scratch().join("files"))
        .env("ENCORD_DOMAIN", domain)
        .env("ENCORD_SSH_KEY_FILE", key)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_room_ends_and_the_next_one_goes_on() {
    let project = project();
    let (mut server, served) = serving(&project);
    // The plugin is compiled into the cache before there is too little room for that.
    let compiled = Command::new(program())
        .arg("inspect")
        .arg(guest("labels"))
        .arg("--cache-dir")
        .arg(root().join("target/tests/cache/runner-host"))
        .output()
        .unwrap();
    assert!(compiled.status.success());
    let output = host(&project, &served, Some(ROOM)).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{log}");
    assert!(log.contains("error: the journal"), "{log}");
    assert!(log.contains("help: free some disk space"), "{log}");
    // What was done until then is told all the same.
    let summary = String::from_utf8_lossy(&output.stdout);
    assert!(summary.contains("Agent"), "{summary}");

    let output = host(&project, &served, None).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{log}");
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(accounted(&project, PICTURES).await, PICTURES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stays_takes_tasks_again_once_there_is_room() {
    let project = project();
    let (mut server, served) = serving(&project);
    let mut child = host(&project, &served, Some(ROOM))
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
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(accounted(&project, PICTURES).await > 0);
}
