//! Label rows that somebody edits while an agent decides: what does not touch the same labels is kept, what does goes to the
//! agent again.

use std::sync::atomic::{AtomicU64, Ordering};

use runner_host::encord::{CreateOptions, MetadataOptions, ReadOptions, StorageItemUpdate};
use runner_host::runner::RunOptions;
use runner_host::{RunnerBuilder, Summary};
use runner_tests::{AGENT, SECOND, Served, TestProject};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::set_up::{item, numbered, run, runner, set_faults, until};

/// The second listing, which is that before the labels are saved, is answered after two seconds.
const HELD_BACK: &str =
    "[[rules]]\noperation = 'labelrowmetadata.GET'\nskip = 1\ntimes = 1\nlatency = 2000";

/// A picture whose row somebody has opened, and a run of the plugin `labels` on it that has got to its commit: the server
/// holds the question what was edited meanwhile back, until it is answered two seconds later.
struct Scene {
    project: TestProject,
    served: Served,
    data: Uuid,
    label: Uuid,
}

/// A run of the plugin `labels`, which adds a box and, if there is none yet, a classification.
fn labels(project: &TestProject, served: &Served) -> RunnerBuilder {
    runner(project, served, "labels", RunOptions::default())
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
        set_faults(&self.served, HELD_BACK);
        let run = tokio::spawn(run(labels(&self.project, &self.served)));
        until(&self.served, 0, 2).await;
        let mut row = self.row().await;
        edit(&mut row);
        self.save(&row).await;
        run.await.unwrap()
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
    let first = run(labels(&scene.project, &scene.served)).await;
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
    let first = run(labels(&scene.project, &scene.served)).await;
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
        assert!(run(labels(&other, &served)).await.is_clean());
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
async fn an_agent_that_is_overtaken_again_and_again_is_not_called_for_ever() {
    let project = TestProject::of_pictures(&["cat"]);
    let served = project.serve().await;
    let noted = item(&served, "cat.gif").await;
    // Between the agent's reading and the look before writing there is time for somebody's edit.
    set_faults(
        &served,
        "[[rules]]\npath = '/v2/public/storage/items/get-bulk'\nlatency = 1000",
    );
    let edits = AtomicU64::new(0);
    let somebody = async {
        loop {
            let edit = edits.fetch_add(1, Ordering::Relaxed);
            let update = StorageItemUpdate {
                client_metadata: Some(Map::from_iter([("attempt".to_owned(), json!(1000 + edit))])),
                ..StorageItemUpdate::default()
            };
            let updates = [(noted, update)];
            let updated = served.client.update_storage_items(&updates);
            updated.await.unwrap();
        }
    };
    // The plugin writes the same key each time.
    let summary = tokio::select! {
        summary = run(runner(&project, &served, "again", RunOptions::default())) => summary,
        () = somebody => unreachable!("it goes on"),
    };
    let stage = &summary.stages[0];
    assert_eq!(
        (stage.overtaken, stage.failed, stage.done()),
        (5, 1, 0),
        "{summary:?}"
    );
    let failure = &stage.failures[0];
    assert_eq!((failure.kind, failure.attempts), ("overtaken", 6));
    assert!(
        failure.message.contains("the key \"attempt\""),
        "{failure:?}"
    );
    assert_eq!(served.waiting(AGENT).await, ["cat.gif"]);
    served.server.faults().clear();
    let kept = served.client.storage_item(noted, false).await.unwrap();
    let kept: Value = serde_json::from_str(&kept.client_metadata.unwrap()).unwrap();
    assert!(kept["attempt"].as_u64() >= Some(1000), "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_saved_for_a_task_that_somebody_moved_meanwhile() {
    let scene = Scene::new().await;
    set_faults(&scene.served, HELD_BACK);
    let run = tokio::spawn(run(labels(&scene.project, &scene.served)));
    until(&scene.served, 0, 2).await;
    let before = scene.row().await;
    scene.move_on().await;
    let summary = run.await.unwrap();
    assert_eq!(
        (summary.stages[0].gone, summary.stages[0].done()),
        (1, 0),
        "{summary:?}"
    );
    assert_eq!(scene.row().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_nobody_edited_cost_one_listing_for_the_bundle() {
    let project = numbered(60);
    let served = project.serve().await;
    let plan = "[[rules]]\noperation = 'labelrowmetadata.GET'\nlatency = 0\n\
                [[rules]]\noperation = 'labelrow.GET'\nlatency = 0\n\
                [[rules]]\noperation = 'labelrow.POST'\nlatency = 0";
    set_faults(&served, plan);
    assert!(run(labels(&project, &served)).await.is_clean());
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
