//! Signals and crashes: the program is ended in the middle, and nothing is lost or done twice.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use runner_host::encord::{MetadataOptions, ReadOptions};
use runner_tests::{AGENT, SECOND, TestProject, guest, program};

/// Pictures in the project: more than can be labelled before a signal arrives, however late. The program waits once the
/// pipe of its log is full, which holds less than 400 lines, and nobody reads on before the signal is sent.
const PICTURES: usize = 1_500;

fn start(project: &TestProject) -> Child {
    Command::new(program())
        .args([
            "--plugin",
            guest("labels").to_str().unwrap(),
            "--local",
            project.path().to_str().unwrap(),
        ])
        .args([
            "--cache-dir",
            project.scratch().join("cache").to_str().unwrap(),
        ])
        // The first line of the plugin tells that the run is in its middle.
        .args(["--log", "warn,plugin=info", "--concurrency", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts")
}

/// Starts a run, sends the signal once the plugin has been heard so many times, and waits for the end. Returns the exit
/// code, what was printed, and the log.
fn interrupted(project: &TestProject, signal: &str, lines: usize) -> (Option<i32>, String, String) {
    let mut child = start(project);
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut heard = Vec::new();
    while heard.len() < lines {
        heard.push(
            log.next()
                .expect("the plugin logs a line for each task")
                .unwrap(),
        );
    }
    let status = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
    // The pipe must not fill up.
    let rest = std::thread::spawn(move || log.map_while(Result::ok).collect::<Vec<_>>());
    let output = child.wait_with_output().unwrap();
    heard.extend(rest.join().unwrap());
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        heard.join("\n"),
    )
}

/// Checks that each task is at one of two stages, and that each that moved has exactly one box. Returns how many
/// have moved.
async fn accounted(project: &TestProject) -> usize {
    let served = project.serve().await;
    let (waiting, moved) = (served.waiting(AGENT).await, served.waiting(SECOND).await);
    assert_eq!(waiting.len() + moved.len(), PICTURES);
    let mut hashes = Vec::new();
    let mut page_token = None;
    loop {
        let page = served
            .client
            .tasks_page(served.hash, SECOND, page_token.as_deref())
            .await
            .unwrap();
        hashes.extend(page.tasks.iter().map(|task| task.data_hash));
        page_token = page.next_page;
        if page_token.is_none() {
            break;
        }
    }
    let rows = served
        .client
        .label_row_metadata(served.hash, &hashes, &MetadataOptions::default())
        .await
        .unwrap();
    let labels: Vec<_> = rows
        .iter()
        .map(|row| row.label_hash.expect("it was labelled"))
        .collect();
    let documents = served
        .client
        .read_label_rows(served.hash, &labels, &ReadOptions::default())
        .await
        .unwrap();
    assert_eq!(documents.len(), moved.len());
    for (_, document) in &documents {
        let answers = |part: &str| {
            document[part]
                .as_object()
                .map_or(0, |entries| entries.len())
        };
        assert_eq!(
            (answers("object_answers"), answers("classification_answers")),
            (1, 1),
            "{document}"
        );
    }
    served.server.stop().await;
    moved.len()
}

fn pictures() -> TestProject {
    let names: Vec<String> = (0..PICTURES).map(|number| format!("{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    TestProject::of_pictures(&names)
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_finishes_what_runs_and_the_next_start_goes_on() {
    let project = pictures();
    let (code, printed, _) = interrupted(&project, "-INT", 20);
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("ended early on request"), "{printed}");
    let moved = accounted(&project).await;
    assert!((20..PICTURES).contains(&moved), "{moved}");
    let output = start(&project).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(accounted(&project).await, PICTURES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_is_brought_to_its_end_by_the_next() {
    let project = pictures();
    for lines in [150, 120, 90] {
        let (code, _, log) = interrupted(&project, "-KILL", lines);
        assert_eq!(code, None, "it was killed");
        assert!(!log.contains("is dropped"), "{log}");
    }
    let output = start(&project).wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!log.contains("is dropped"), "{log}");
    assert_eq!(accounted(&project).await, PICTURES);
}
