//! Runs in the process of the test, and faults of the server that it serves.

use std::time::Duration;

use runner_host::encord::MetadataOptions;
use runner_host::local::FaultPlan;
use runner_host::{CancellationToken, PluginRef, RunOptions, Runner, RunnerBuilder, Summary};
use runner_tests::{Served, TestProject, guest};
use uuid::Uuid;

/// A project of so many pictures, whose names are numbers.
pub(crate) fn numbered(pictures: usize) -> TestProject {
    let names: Vec<String> = (0..pictures).map(|number| format!("{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    TestProject::of_pictures(&names)
}

/// A run of a plugin on all stages that it serves, with the project's own state directory.
pub(crate) fn runner(
    project: &TestProject,
    served: &Served,
    plugin: &str,
    options: RunOptions,
) -> RunnerBuilder {
    unplugged(project, served, options).plugin(PluginRef {
        stage: None,
        path: guest(plugin),
    })
}

/// The same without a plugin.
pub(crate) fn unplugged(
    project: &TestProject,
    served: &Served,
    options: RunOptions,
) -> RunnerBuilder {
    Runner::builder()
        .client(served.client.clone())
        .project_hash(served.hash)
        .options(options)
        .state_dir(project.scratch().join("run"))
        .cache_dir(project.scratch().join("cache"))
        .media_cache(project.scratch().join("files"))
}

pub(crate) async fn run(runner: RunnerBuilder) -> Summary {
    let runner = runner.build().await.expect("it can run");
    runner.run(CancellationToken::new()).await.expect("it runs")
}

pub(crate) fn set_faults(served: &Served, plan: &str) {
    let plan = FaultPlan::from_toml(plan).expect("the plan has no mistakes");
    served.server.faults().set(plan);
}

/// Waits until a rule of the plan was about so many requests.
pub(crate) async fn until(served: &Served, rule: usize, matched: u64) {
    let mut pause = tokio::time::interval(Duration::from_millis(5));
    while served.server.faults().counts()[rule].matched < matched {
        pause.tick().await;
    }
}

/// The storage item of a title.
pub(crate) async fn item(served: &Served, title: &str) -> Uuid {
    let (filter, options) = (Default::default(), MetadataOptions::default());
    let client = &served.client;
    let rows = client.list_label_rows(served.hash, &filter, &options);
    let rows = rows.await.expect("they are listed");
    let row = rows.iter().find(|row| row.data_title == title);
    let item = row.and_then(|row| row.backing_item_uuid);
    item.expect("it has an item")
}
