//! Agents: those of `encord-agents` on a local project, and one that is written twice.

use std::path::PathBuf;

use runner_host::{CancellationToken, PluginRef, Runner, Summary};
use runner_tests::{TestProject, guest};
use uuid::Uuid;

use crate::peer::{Dev, Peer};

/// A project of `tests/projects/everything`, by its number.
pub(crate) fn project(number: u128) -> Uuid {
    Uuid::from_u128(0xe0000000_0000_4000_8000_000000000000 + number)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_runners_run_agents_unchanged() {
    let folder = TestProject::of_everything();
    let dev = Dev::start(&folder);
    let (own, twin) = (project(1).to_string(), project(2).to_string());
    let media = folder.path().join("media");
    dev.scripts
        .run("run_agents.py", &[&own, &twin, media.to_str().unwrap()])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_in_python_and_as_a_plugin_ends_in_the_same_state() {
    let folder = TestProject::of_everything();
    let peer = Peer::of_project(&folder).await;
    let (python, plugin) = (project(3).to_string(), project(4));
    peer.scripts.run("same_agent.py", &["run", &python]).await;
    let summary = run(&folder, &peer, plugin, "sorting").await;
    // The two texts, which are not for it.
    assert_eq!(summary.failed(), 2);
    peer.scripts
        .run("same_agent.py", &["compare", &python, &plugin.to_string()])
        .await;
}

/// Runs a plugin of `tests/guests` on a project.
pub(crate) async fn run(folder: &TestProject, peer: &Peer, project: Uuid, plugin: &str) -> Summary {
    run_file(folder, peer, project, guest(plugin)).await
}

/// Runs a plugin on a project.
pub(crate) async fn run_file(
    folder: &TestProject,
    peer: &Peer,
    project: Uuid,
    plugin: PathBuf,
) -> Summary {
    let runner = Runner::builder()
        .client(peer.served.client.clone())
        .project_hash(project)
        .plugin(PluginRef {
            stage: None,
            path: plugin,
        })
        .state_dir(folder.scratch().join("run"))
        .build()
        .await
        .unwrap();
    runner.run(CancellationToken::new()).await.unwrap()
}
