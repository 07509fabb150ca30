//! Label rows that somebody edits while an agent decides: what does not touch the same labels is kept, what does goes to the
//! agent again.

use std::time::Duration;

use runner_host::encord::{CreateOptions, MetadataOptions, ReadOptions};
use runner_host::local::FaultPlan;
use runner_host::runner::RunOptions;
use runner_host::{CancellationToken, PluginRef, Runner, Summary};
use runner_tests::{AGENT, SECOND, Served, TestProject, guest};
use serde_json::{Value, json};
use uuid::Uuid;

/// A picture whose row somebody has opened, and a run of the plugin `labels` on it that has got to its commit: the server
/// holds the question what was edited meanwhile back, until it is answered two seconds later.
struct Scene {
    project: TestProject,
    served: Served,
    data: Uuid,
    label: Uuid,
}

/// A run adds a box and, if there is none yet, a classification.
fn runner(project: &TestProject, served: &Served) -> runner_host::RunnerBuilder {
    Runner::builder()
        .client(served.client.clone())
        .project_hash(served.hash)
        .plugin(PluginRef {
            stage: None,
            path: guest("labels"),
        })
        .options(RunOptions::default())
        .state_dir(project.scratch().join("run"))
        .cache_dir(project.scratch().join("cache"))
}

async fn run(project: &TestProject, served: &Served) -> Summary {
    let runner = runner(project, served).build().await.unwrap();
    runner.run(CancellationToken::new()).await.unwrap()
}

impl Scene {
    async fn new() -> Self {
        let project = TestProject::of_pictures(&["cat"]);
        let served = project.serve().await;
        let tasks = served
            .client
            .tasks_page(served.hash, AGENT, None)
            .await
            .unwrap();
        let data = tasks.tasks[0].data_hash;
        let created = served
            .client
            .create_label_rows(served.hash, &[data], &CreateOptions::default())
            .await
            .unwrap();
        let label = created[0].1["label_hash"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        Self {
            project,
            served,
            data,
            label,
        }
    }

    async fn row(&self) -> Value {
        let options = ReadOptions::default();
        let rows = self
            .served
            .client
            .read_label_rows(self.served.hash, &[self.label], &options)
            .await;
        rows.unwrap().remove(0).1
    }

    async fn save(&self, row: &Value) {
        let rows = [(self.label, row)];
        self.served
            .client
            .save_label_rows(self.served.hash, &rows)
            .await
            .unwrap();
    }

    /// Runs the plugin, and edits the row after the agent decided and before its labels are saved.
    async fn run_while(&self, edit: impl FnOnce(&mut Value)) -> Summary {
        let plan =
            "[[rules]]\noperation = 'labelrowmetadata.GET'\nskip = 1\ntimes = 1\nlatency = 2000";
        let faults = self.served.server.faults();
        faults.set(FaultPlan::from_toml(plan).unwrap());
        let runner = runner(&self.project, &self.served).build().await.unwrap();
        let run = tokio::spawn(runner.run(CancellationToken::new()));
        let mut pause = tokio::time::interval(Duration::from_millis(5));
        while faults.counts()[0].matched < 2 {
            pause.tick().await;
        }
        let mut row = self.row().await;
        edit(&mut row);
        self.save(&row).await;
        run.await.unwrap().unwrap()
    }

    fn answers(row: &Value, part: &str) -> usize {
        row[part].as_object().map_or(0, serde_json::Map::len)
    }
}

/// A box of somebody else's, as the label editor saves it.
fn add_box(row: &mut Value, data: Uuid, hash: &str) {
    let labels = &mut row["data_units"][data.to_string()]["labels"];
    let template = labels["objects"][0].clone();
    assert!(template.is_object(), "there is one to copy");
    let mut object = template;
    object["objectHash"] = hash.into();
    object["boundingBox"]["x"] = json!(0.55);
    labels["objects"].as_array_mut().unwrap().push(object);
    let answers = row["object_answers"].as_object_mut().unwrap();
    answers.insert(
        hash.to_owned(),
        json!({ "objectHash": hash, "classifications": [] }),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_added_meanwhile_is_kept() {
    let scene = Scene::new().await;
    // There is a box already, from an earlier time through the stage.
    let first = run(&scene.project, &scene.served).await;
    assert!(first.is_clean(), "{first:?}");
    scene.send_back().await;

    let data = scene.data;
    let summary = scene.run_while(|row| add_box(row, data, "by-hand-")).await;
    assert!(summary.is_clean(), "{summary:?}");
    assert_eq!(
        (summary.stages[0].overtaken, summary.stages[0].done()),
        (0, 1)
    );
    let row = scene.row().await;
    assert_eq!(
        Scene::answers(&row, "object_answers"),
        3,
        "two by the agent, one by hand: {row}"
    );
    assert_eq!(row["object_answers"]["by-hand-"]["objectHash"], "by-hand-");
    let objects = row["data_units"][data.to_string()]["labels"]["objects"]
        .as_array()
        .unwrap();
    assert_eq!(objects.len(), 3, "{row}");
    assert_eq!(scene.served.waiting(SECOND).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_removed_meanwhile_stays_removed() {
    let scene = Scene::new().await;
    let first = run(&scene.project, &scene.served).await;
    assert!(first.is_clean(), "{first:?}");
    scene.send_back().await;
    let data = scene.data;
    let summary = scene
        .run_while(|row| {
            row["data_units"][data.to_string()]["labels"]["objects"] = json!([]);
            row["object_answers"] = json!({});
        })
        .await;
    assert!(summary.is_clean(), "{summary:?}");
    let row = scene.row().await;
    assert_eq!(
        Scene::answers(&row, "object_answers"),
        1,
        "the agent's new one: {row}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_classification_goes_to_the_agent_again() {
    let scene = Scene::new().await;
    let data = scene.data;
    let other = TestProject::of_pictures(&["cat"]);
    let classified = {
        // What the agent would add, taken from another project with the same ontology.
        let served = other.serve().await;
        assert!(run(&other, &served).await.is_clean());
        let task = served
            .client
            .tasks_page(served.hash, SECOND, None)
            .await
            .unwrap();
        let hash = task.tasks[0].data_hash;
        let options = MetadataOptions::default();
        let listed = served
            .client
            .label_row_metadata(served.hash, &[hash], &options)
            .await;
        let label = listed.unwrap()[0].label_hash.unwrap();
        let options = ReadOptions::default();
        let rows = served
            .client
            .read_label_rows(served.hash, &[label], &options)
            .await;
        let row = rows.unwrap().remove(0).1;
        let classifications =
            row["data_units"][hash.to_string()]["labels"]["classifications"].clone();
        (classifications, row["classification_answers"].clone())
    };
    let (classifications, answers) = classified;
    let summary = scene
        .run_while(|row| {
            row["data_units"][data.to_string()]["labels"]["classifications"] = classifications;
            row["classification_answers"] = answers.clone();
        })
        .await;
    assert!(summary.is_clean(), "{summary:?}");
    assert_eq!(
        (summary.stages[0].overtaken, summary.stages[0].done()),
        (1, 1)
    );
    let row = scene.row().await;
    // The agent found one in its second attempt, and added none of its own.
    assert_eq!(row["classification_answers"], answers, "{row}");
    assert_eq!(Scene::answers(&row, "object_answers"), 1, "{row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_saved_for_a_task_that_somebody_moved_meanwhile() {
    let scene = Scene::new().await;
    let plan = "[[rules]]\noperation = 'labelrowmetadata.GET'\nskip = 1\ntimes = 1\nlatency = 2000";
    let faults = scene.served.server.faults();
    faults.set(FaultPlan::from_toml(plan).unwrap());
    let runner = runner(&scene.project, &scene.served).build().await.unwrap();
    let run = tokio::spawn(runner.run(CancellationToken::new()));
    let mut pause = tokio::time::interval(Duration::from_millis(5));
    while faults.counts()[0].matched < 2 {
        pause.tick().await;
    }
    let before = scene.row().await;
    scene.move_on().await;
    let summary = run.await.unwrap().unwrap();
    assert_eq!(
        (summary.stages[0].gone, summary.stages[0].done()),
        (1, 0),
        "{summary:?}"
    );
    assert_eq!(scene.row().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_nobody_edited_cost_one_listing_for_the_bundle() {
    let names: Vec<String> = (0..60).map(|number| format!("{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let project = TestProject::of_pictures(&names);
    let served = project.serve().await;
    let plan = "[[rules]]\noperation = 'labelrowmetadata.GET'\nlatency = 0\n\
                [[rules]]\noperation = 'labelrow.GET'\nlatency = 0\n\
                [[rules]]\noperation = 'labelrow.POST'\nlatency = 0";
    served
        .server
        .faults()
        .set(FaultPlan::from_toml(plan).unwrap());
    assert!(run(&project, &served).await.is_clean());
    let counts = served.server.faults().counts();
    let [listed, read, saved] = [0, 1, 2].map(|rule| counts[rule].matched);
    // One for the batch, and one for each bundle that was saved.
    assert_eq!((listed, read), (1 + saved, 0));
}

impl Scene {
    /// The task goes back to the agent, as if a reviewer had sent it there.
    async fn send_back(&self) {
        let client = &self.served.client;
        let task = client
            .tasks_page(self.served.hash, SECOND, None)
            .await
            .unwrap()
            .tasks
            .remove(0);
        client
            .move_tasks(self.served.hash, SECOND, AGENT, &[task.uuid])
            .await
            .unwrap();
    }

    /// Somebody moves the task on.
    async fn move_on(&self) {
        let client = &self.served.client;
        let task = client
            .tasks_page(self.served.hash, AGENT, None)
            .await
            .unwrap()
            .tasks
            .remove(0);
        client
            .move_tasks(self.served.hash, AGENT, SECOND, &[task.uuid])
            .await
            .unwrap();
    }
}
