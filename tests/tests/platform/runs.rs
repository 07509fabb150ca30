//! Whole runs over a server that misbehaves.

use std::collections::HashMap;
use std::path::PathBuf;

use runner_host::encord::{CreateOptions, MetadataOptions};
use runner_host::{CancellationToken, PluginRef, RunOptions, Runner, Summary};
use runner_tests::{AGENT, SECOND, Served, TestProject, guest};
use serde_json::Value;

use crate::set_up::{
    self, COMPLETE, MODEL, PROJECT, Platform, counts, label_hash, set_faults, tasks,
};

async fn run(
    project: &TestProject,
    served: &Served,
    plugin: PathBuf,
    options: RunOptions,
) -> Summary {
    let runner = Runner::builder()
        .client(served.client.clone())
        .project_hash(served.hash)
        .plugin(PluginRef {
            stage: None,
            path: plugin,
        })
        .state_dir(project.scratch().join("run"))
        .cache_dir(project.scratch().join("cache"))
        .options(options)
        .build()
        .await
        .expect("it can run");
    runner.run(CancellationToken::new()).await.expect("it runs")
}

/// Objects, classifications and priority of each row that was made, by the title of its data unit.
async fn labels(served: &Served) -> HashMap<String, (usize, usize, Option<f64>)> {
    let client = &served.client;
    let rows = set_up::rows(client, served.hash, "main").await;
    let made: Vec<_> = rows.iter().filter_map(|row| row.label_hash).collect();
    let documents = set_up::read(client, served.hash, &made).await.into_iter();
    let documents: HashMap<_, _> = documents.map(|row| (label_hash(&row), row)).collect();
    let count = |document: &Value, part: &str| document[part].as_object().unwrap().len();
    rows.iter()
        .filter_map(|row| Some((row, documents.get(&row.label_hash?)?)))
        .map(|(row, document)| {
            let unit = &document["data_units"][row.data_hash.to_string()];
            let objects = unit["labels"]["objects"].as_array().unwrap().len();
            assert_eq!(objects, count(document, "object_answers"));
            let classifications = count(document, "classification_answers");
            (
                row.data_title.clone(),
                (objects, classifications, row.priority),
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_whose_creation_was_not_confirmed_are_listed_again_and_not_made_again() {
    let titles: Vec<_> = (0..24).map(|number| number.to_string()).collect();
    let titles: Vec<_> = titles.iter().map(String::as_str).collect();
    let project = TestProject::of_pictures(&titles);
    let served = project.serve().await;
    let plan = "
        [[rules]]
        operation = 'labelrow.PUT'
        drop-after = true
        [[rules]]
        operation = 'labelrowmetadata.GET'
        latency = 0
        ";
    set_faults(&served.server, plan);
    let summary = run(&project, &served, guest("labels"), RunOptions::default()).await;
    let stage = &summary.stages[0];
    assert_eq!(stage.pathways[0], ("Next".to_owned(), 24));
    assert_eq!((stage.failed, stage.gone, stage.retries), (0, 0, 0));
    let [(creations, _), (listings, _)] = counts(&served.server)[..] else {
        panic!("there are two rules");
    };
    assert_eq!(creations, 1, "a row that was made is not made again");
    // For the batch, again for all that were not confirmed, and before they are saved.
    assert_eq!(listings, 3, "all are listed again at once");
    served.server.faults().clear();
    let labels = labels(&served).await;
    assert_eq!(labels.len(), 24);
    assert!(
        labels.values().all(|row| *row == (1, 1, Some(0.75))),
        "{labels:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_not_made_again_either_if_only_a_later_attempt_can_list_it() {
    let project = TestProject::of_pictures(&["a", "b", "c"]);
    let served = project.serve().await;
    let plan = "
        [[rules]]
        operation = 'labelrow.PUT'
        drop-after = true
        [[rules]]
        operation = 'labelrowmetadata.GET'
        status = 503
        retry-after = 0
        skip = 1
        times = 4
        ";
    set_faults(&served.server, plan);
    let summary = run(&project, &served, guest("labels"), RunOptions::default()).await;
    let stage = &summary.stages[0];
    assert_eq!((stage.moved(), stage.failed, stage.retries), (3, 0, 3));
    let creations = counts(&served.server)[0].0;
    assert_eq!(creations, 1, "a row that was made is not made again");
    let labels = labels(&served).await;
    assert!(
        labels.values().all(|row| *row == (1, 1, Some(0.75))),
        "{labels:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_did_not_happen_is_made_up_for() {
    let project = TestProject::of_pictures(&["a", "b", "c"]);
    let served = project.serve().await;
    let plan = "[[rules]]\noperation = 'labelrow.PUT'\ndrop-before = true\ntimes = 1";
    set_faults(&served.server, plan);
    let summary = run(&project, &served, guest("labels"), RunOptions::default()).await;
    assert_eq!(summary.stages[0].pathways[0], ("Next".to_owned(), 3));
    assert_eq!(summary.failed(), 0);
    let labels = labels(&served).await;
    assert!(
        labels.values().all(|row| *row == (1, 1, Some(0.75))),
        "{labels:?}"
    );
}

/// The answer to the only bundle of moves is lost. Gives how often actions were asked for.
async fn move_whose_answer_is_lost(more: &str) -> u64 {
    let project = TestProject::of_texts(&["next-1", "next-2", "next-3", "other"]);
    let served = project.serve().await;
    let plan = format!("[[rules]]\noperation = 'actions'\ndrop-after = true\ntimes = 1\n{more}");
    set_faults(&served.server, &plan);
    let summary = run(&project, &served, guest("outcomes"), RunOptions::default()).await;
    let stage = &summary.stages[0];
    let moved = [("Next".to_owned(), 3), ("Other".to_owned(), 1)];
    assert_eq!(stage.pathways, moved);
    assert_eq!((stage.failed, stage.gone), (0, 0));
    let asked = counts(&served.server)[0].0;
    served.server.faults().clear();
    assert_eq!(served.waiting(SECOND).await.len(), 3);
    assert!(served.waiting(AGENT).await.is_empty());
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_whose_answer_was_lost_counts_as_a_move() {
    // The repeat is refused, and a listing then says that all have left.
    assert_eq!(move_whose_answer_is_lost("").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_whose_answer_was_lost_counts_as_a_move_also_if_tasks_cannot_be_listed() {
    let listing = "
        [[rules]]
        operation = 'tasks'
        status = 503
        retry-after = 0
        skip = 1
        times = 4
        ";
    assert!(move_whose_answer_is_lost(listing).await > 2);
}

/// The agent decides for three tasks while somebody else moves one of them: the bundle is held back until then.
async fn somebody_else_is_quicker(fault: &str) {
    let project = TestProject::of_texts(&["next-1", "next-2", "next-3"]);
    let served = project.serve().await;
    let plan = format!("[[rules]]\noperation = 'actions'\nlatency = 300\ntimes = 1\n{fault}");
    set_faults(&served.server, &plan);
    let tasks = tasks(&served.client, served.hash, AGENT).await;
    let taken = tasks.iter().find(|task| task.data_title == "next-2.txt");
    let taken = [taken.unwrap().uuid];
    let options = RunOptions::default();
    let running = run(&project, &served, guest("outcomes"), options);
    let moving = async {
        while counts(&served.server)[0].0 == 0 {
            tokio::task::yield_now().await;
        }
        let moved = served.client.move_tasks(served.hash, AGENT, SECOND, &taken);
        moved.await.unwrap();
    };
    let (summary, ()) = tokio::join!(running, moving);
    let stage = &summary.stages[0];
    assert_eq!((stage.moved(), stage.gone, stage.failed), (2, 1, 0));
    assert_eq!(served.waiting(SECOND).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_somebody_else_moves_is_gone_and_no_failure() {
    somebody_else_is_quicker("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_somebody_else_moves_is_gone_also_if_the_bundle_was_lost() {
    // Others of the bundle still wait, so it was not carried out, and the one that has left was not moved by it.
    somebody_else_is_quicker("drop-before = true").await;
}

/// The run cannot begin without the first three, so each of them meets one fault. Everything else meets faults by
/// chance; what meets too many is left to the next start.
const STORM: &str = "
    seed = 20
    [[rules]]
    latency = [0, 5]
    [[rules]]
    operation = 'tasks'
    drop-after = true
    times = 1
    [[rules]]
    operation = 'project'
    drop-before = true
    times = 1
    [[rules]]
    operation = 'ontology'
    status = 503
    retry-after = 0
    times = 1
    [[rules]]
    operation = 'labelrow.PUT'
    drop-after = true
    every = 3
    [[rules]]
    path = '/**'
    drop-after = true
    probability = 0.07
    [[rules]]
    path = '/**'
    drop-before = true
    probability = 0.06
    [[rules]]
    path = '/**'
    status = 503
    retry-after = 0
    probability = 0.06
    [[rules]]
    path = '/**'
    status = 429
    retry-after = 0
    skip = 20
    times = 1
    ";

#[tokio::test(flavor = "multi_thread")]
async fn through_a_storm_of_faults_each_task_ends_once_with_the_labels_of_one_attempt() {
    let title = |number: usize| match number % 15 {
        0 => format!("failing-{number:03}"),
        1 => format!("unsaved-{number:03}"),
        _ => format!("plain-{number:03}"),
    };
    let titles: Vec<_> = (0..300).map(title).collect();
    let titles: Vec<_> = titles.iter().map(String::as_str).collect();
    let project = TestProject::of_pictures(&titles);
    let served = project.serve().await;
    set_faults(&served.server, STORM);
    let options = RunOptions {
        task_batch_size: 30,
        num_retries: 6,
        ..RunOptions::default()
    };
    let first = run(&project, &served, guest("labels"), options.clone()).await;
    let fired: Vec<_> = counts(&served.server)
        .into_iter()
        .map(|count| count.1)
        .collect();
    assert!(fired.iter().all(|fired| *fired > 0), "{fired:?}");
    served.server.faults().clear();

    let stage = &first.stages[0];
    let unsent = stage.unsent;
    assert_eq!((stage.failed, stage.gone, stage.stayed), (20, 0, 0));
    assert_eq!(
        stage.pathways,
        [("Next".to_owned(), 280 - unsent), ("Other".to_owned(), 0)]
    );
    let second = run(&project, &served, guest("labels"), options).await;
    assert_eq!(second.resumed, unsent);
    assert_eq!((second.stages[0].moved(), second.failed()), (0, 0));
    assert_eq!(second.quarantined(), 20);

    let (failing, moved): (Vec<_>, Vec<_>) = titles
        .iter()
        .map(|title| format!("{title}.gif"))
        .partition(|title| title.starts_with("failing"));
    assert_eq!(served.waiting(AGENT).await, sorted(failing));
    assert_eq!(served.waiting(SECOND).await, sorted(moved));
    let labels = labels(&served).await;
    assert_eq!(labels.len(), 300);
    for (title, (objects, classifications, priority)) in labels {
        let saved = usize::from(title.starts_with("plain"));
        assert_eq!((objects, classifications), (saved, saved), "{title}");
        let decided = !title.starts_with("failing");
        assert_eq!(priority == Some(0.75), decided, "{title}");
    }
}

fn sorted(mut titles: Vec<String>) -> Vec<String> {
    titles.sort();
    titles
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_with_a_branch_of_its_own_reads_and_saves_the_row_of_that_branch() {
    let platform = Platform::of_pictures(&["a", "b"]);
    let served = platform.serve().await;
    let client = &served.client;
    let waiting = tasks(client, PROJECT, set_up::AGENT).await;
    let pictures: Vec<_> = waiting
        .iter()
        .filter(|task| task.data_title.ends_with(".gif"))
        .collect();
    let uuids: Vec<_> = pictures.iter().map(|task| task.uuid).collect();
    let hashes: Vec<_> = pictures.iter().map(|task| task.data_hash).collect();
    client
        .move_tasks(PROJECT, set_up::AGENT, MODEL, &uuids)
        .await
        .unwrap();
    // One row is there already, the other is to be made.
    let options = CreateOptions {
        branch_name: Some("model".to_owned()),
        ..CreateOptions::default()
    };
    let made = client
        .create_label_rows(PROJECT, &hashes[..1], &options)
        .await
        .unwrap();
    let made: String = made[0].1["label_hash"].as_str().unwrap().to_owned();
    let at_model = tasks(client, PROJECT, MODEL).await;
    assert!(
        at_model
            .iter()
            .all(|task| task.label_branch_name == "model")
    );

    let runner = Runner::builder()
        .client(client.clone())
        .project_hash(PROJECT)
        .plugin(PluginRef {
            stage: Some("Model".to_owned()),
            path: guest("labels"),
        })
        .state_dir(platform.folder().join("run"))
        .build()
        .await
        .unwrap();
    let summary = runner.run(CancellationToken::new()).await.unwrap();
    assert_eq!((summary.stages[0].moved(), summary.failed()), (2, 0));
    assert_eq!(tasks(client, PROJECT, COMPLETE).await.len(), 2);

    let options = MetadataOptions {
        branch_name: Some("model".to_owned()),
        ..MetadataOptions::default()
    };
    let rows = client
        .label_row_metadata(PROJECT, &hashes, &options)
        .await
        .unwrap();
    let saved: Vec<_> = rows.iter().map(|row| row.label_hash.unwrap()).collect();
    assert!(saved.iter().any(|hash| hash.to_string() == made));
    for document in set_up::read(client, PROJECT, &saved).await {
        assert_eq!(document["branch_name"], "model");
        assert_eq!(document["object_answers"].as_object().unwrap().len(), 1);
    }
    let main = client
        .label_row_metadata(PROJECT, &hashes, &MetadataOptions::default())
        .await
        .unwrap();
    assert!(main.iter().all(|row| row.label_hash.is_none()), "{main:?}");
}
