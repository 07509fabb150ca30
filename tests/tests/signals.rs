//! Signals and crashes: the program is ended in the middle, and nothing is lost or done twice.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use runner_host::encord::{Client, CreateOptions, Key, MetadataOptions, ReadOptions, Task};
use runner_tests::accounted::accounted;
use runner_tests::{AGENT, SECOND, TestProject, guest, program};
use tokio::sync::mpsc;
use uuid::Uuid;

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
    let moved = accounted(&project, PICTURES).await;
    assert!((20..PICTURES).contains(&moved), "{moved}");
    let output = start(&project).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(accounted(&project, PICTURES).await, PICTURES);
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
    assert_eq!(accounted(&project, PICTURES).await, PICTURES);
}

/// Serves a project with the program itself, and gives a client of it.
fn serving(project: &TestProject) -> (Child, Client) {
    let mut child = Command::new(program())
        .args(["dev", "--port", "0", "--local"])
        .arg(project.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let printed = BufReader::new(child.stdout.take().unwrap()).lines();
    let printed: Vec<_> = printed.map_while(Result::ok).take(4).collect();
    let variable = |name: &str| {
        let line = printed.iter().find_map(|line| line.split_once(name));
        line.expect("the program prints it").1.to_owned()
    };
    let key = std::fs::read_to_string(variable("ENCORD_SSH_KEY_FILE=")).unwrap();
    let key = Key::parse(&key, None).unwrap();
    let domain = variable("ENCORD_DOMAIN=").parse().unwrap();
    (child, Client::new(domain, key).unwrap())
}

/// What one client was told: the data unit whose priority was set, whose row was saved, and whose task moved.
async fn works_until_it_is_cut_off(
    client: Client,
    project: Uuid,
    pathway: Uuid,
    tasks: Vec<Task>,
    told: mpsc::UnboundedSender<(Uuid, f64)>,
) {
    for (number, task) in tasks.into_iter().enumerate() {
        let priority = number as f64 / 1_000.0;
        let data_hash = task.data_hash;
        let work = async {
            let created = CreateOptions::default();
            let units = [data_hash];
            let rows = client.create_label_rows(project, &units, &created);
            let (_, mut document) = rows.await?.pop().expect("one was asked for");
            document["note"] = priority.into();
            let label_hash = document["label_hash"].as_str().unwrap().parse().unwrap();
            client
                .save_label_rows(project, &[(label_hash, &document)])
                .await?;
            client
                .set_priorities(project, &[(data_hash, priority)])
                .await?;
            client
                .follow_pathways(project, AGENT, &[(task.uuid, pathway)])
                .await
        };
        if work.await.is_err() {
            return;
        }
        let _ = told.send((data_hash, priority));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_has_lost_nothing_that_it_acknowledged() {
    let project = pictures();
    let mut acknowledged = HashMap::new();
    for round in 1..=3 {
        let (mut child, client) = serving(&project);
        let hash = "11111111-1111-4111-8111-111111111111".parse().unwrap();
        let shown = client.project(hash).await.unwrap();
        let pathway = shown.stages[0].pathways[0].uuid;
        let mut tasks = client.tasks_page(hash, AGENT, None).await.unwrap().tasks;
        let others = tasks.split_off(tasks.len() / 2);
        let (told, mut heard) = mpsc::unbounded_channel();
        let workers = [tasks, others].map(|tasks| {
            let work =
                works_until_it_is_cut_off(client.clone(), hash, pathway, tasks, told.clone());
            tokio::spawn(work)
        });
        drop(told);
        for _ in 0..20 * round {
            let (data_hash, priority) = heard.recv().await.expect("there are tasks enough");
            acknowledged.insert(data_hash, priority);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for worker in workers {
            worker.abort();
        }
        while let Some((data_hash, priority)) = heard.recv().await {
            acknowledged.insert(data_hash, priority);
        }
    }
    let served = project.serve().await;
    let hashes: Vec<_> = acknowledged.keys().copied().collect();
    assert!(hashes.len() >= 120);
    let rows = served
        .client
        .label_row_metadata(served.hash, &hashes, &MetadataOptions::default())
        .await
        .unwrap();
    assert_eq!(rows.len(), hashes.len());
    let labels: Vec<_> = rows.iter().map(|row| row.label_hash.unwrap()).collect();
    let documents = served
        .client
        .read_label_rows(served.hash, &labels, &ReadOptions::default())
        .await
        .unwrap();
    for (row, (_, document)) in rows.iter().zip(&documents) {
        let priority = acknowledged[&row.data_hash];
        assert_eq!(row.priority, Some(priority));
        assert_eq!(document["note"], priority);
        let stage = row.stage.as_ref().expect("it is at one");
        assert_eq!(stage.uuid, SECOND);
    }
    served.server.stop().await;
}
