//! The program on the other project of a folder.

use std::process::{Command, Output};

use runner_tests::{guest, program, root};

use crate::set_up::{AGENT, COMPARE, PROJECT, Platform, TWIN, read, rows, tasks};

/// Runs the program in the folder of the platform, with nothing of the user's own.
fn runner_host(platform: &Platform, arguments: &[&str]) -> Output {
    let mut command = Command::new(program());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("RUNNER_HOST_") || name.starts_with("ENCORD_") {
            command.env_remove(&*name);
        }
    }
    command
        .args(arguments)
        .current_dir(platform.folder())
        .env("XDG_CACHE_HOME", root().join("target/tests/cache"))
        .env("XDG_STATE_HOME", root().join("target/tests/state"))
        .output()
        .expect("it starts")
}

fn standard_output(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_agent_nodes_of_each_project_of_a_folder() {
    let platform = Platform::of_pictures(&["a"]);
    let print = ["print", "agent-nodes", "--local", "project"];
    let main = standard_output(&runner_host(&platform, &print));
    assert!(main.contains(&AGENT.to_string()) && !main.contains(&COMPARE.to_string()));
    let hash = TWIN.to_string();
    let twin = [&print[..], &[&hash]].concat();
    let twin = standard_output(&runner_host(&platform, &twin));
    assert!(twin.contains(&COMPARE.to_string()) && !twin.contains(&AGENT.to_string()));
    let other = [&print[..], &["11111111-1111-4111-8111-000000000003"]].concat();
    let refused = runner_host(&platform, &other);
    assert_eq!(refused.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_the_twin_leaves_the_main_project_alone() {
    let platform = Platform::of_pictures(&["a", "b"]);
    let plugin = format!("Compare={}", guest("labels").display());
    let twin = TWIN.to_string();
    let arguments = [
        "--plugin",
        &plugin,
        "--local",
        "project",
        "--project-hash",
        &twin,
    ];
    standard_output(&runner_host(&platform, &arguments));

    let served = platform.serve().await;
    let client = &served.client;
    assert!(tasks(client, TWIN, COMPARE).await.is_empty());
    let made = rows(client, TWIN, "main").await.into_iter();
    let made: Vec<_> = made.filter_map(|row| row.label_hash).collect();
    assert_eq!(made.len(), 2);
    for document in read(client, TWIN, &made).await {
        assert_eq!(document["object_answers"].as_object().unwrap().len(), 1);
    }
    assert_eq!(tasks(client, PROJECT, AGENT).await.len(), 6);
    let untouched = rows(client, PROJECT, "main").await;
    assert!(untouched.iter().all(|row| row.label_hash.is_none()));
}
