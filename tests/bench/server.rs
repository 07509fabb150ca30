//! The local server with many tasks: what a client waits for.

use std::time::{Duration, Instant};

use runner_host::encord::{Client, CreateOptions, Key, MetadataOptions, ReadOptions};
use runner_host::local;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Result, make_project, median, millis, row};

/// Tasks of the project.
const TASKS: usize = 100_000;
/// Rows of a bundle.
const BUNDLE: usize = 100;
/// Rounds, each at another place of the project.
const ROUNDS: usize = 30;
/// Objects of each row that is saved and read.
const OBJECTS: usize = 20;

/// A page of tasks, and bundles of label rows.
pub(crate) async fn large_project() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let media = folder.path().join("media");
    std::fs::create_dir(&media)?;
    for number in 0..TASKS {
        std::fs::write(media.join(format!("{number:06}.txt")), "text")?;
    }
    let project = folder.path().join("project");
    make_project(&project, &media)?;
    let opened = local::Workspace::open(&project)?;
    let (hash, stage) = {
        let project = &opened.projects()[0];
        (project.hash, project.stages[0].uuid)
    };
    let key = Key::generate();
    let options = local::ServerOptions {
        public_keys: vec![key.public_hex().to_owned()],
        ..local::ServerOptions::default()
    };
    let server = local::Server::start(vec![opened], options).await?;
    let client = Client::new(server.url().as_str().parse()?, key)?;

    let mut pages = Vec::new();
    let mut units = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let started = Instant::now();
        let page = client.tasks_page(hash, stage, token.as_deref()).await?;
        pages.push(started.elapsed());
        units.extend(page.tasks.iter().map(|task| task.data_hash));
        token = page.next_page;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(units.len(), TASKS);
    let mut times = Times::default();
    for round in 0..ROUNDS {
        // Spread over the project, and never the same rows twice.
        let chosen: Vec<_> = units
            .iter()
            .skip(round)
            .step_by(TASKS / BUNDLE)
            .take(BUNDLE)
            .copied()
            .collect();
        bundle(&client, hash, &chosen, &mut times).await?;
    }
    server.stop().await;

    let of = |what: &str| format!("{what}, {TASKS} tasks on the local server");
    row(&of("a page of 1,000 tasks"), shown(pages));
    row(&of("metadata of 100 label rows"), shown(times.metadata));
    row(&of("creating 100 label rows"), shown(times.created));
    let with = format!("100 label rows of {OBJECTS} objects");
    row(&of(&format!("saving {with}")), shown(times.saved));
    row(&of(&format!("reading {with}")), shown(times.read));
    Ok(())
}

#[derive(Default)]
struct Times {
    metadata: Vec<Duration>,
    created: Vec<Duration>,
    saved: Vec<Duration>,
    read: Vec<Duration>,
}

async fn bundle(client: &Client, project: Uuid, units: &[Uuid], times: &mut Times) -> Result<()> {
    let started = Instant::now();
    let metadata = client
        .label_row_metadata(project, units, &MetadataOptions::default())
        .await?;
    times.metadata.push(started.elapsed());
    assert_eq!(metadata.len(), units.len());

    let started = Instant::now();
    let mut rows = client
        .create_label_rows(project, units, &CreateOptions::default())
        .await?;
    times.created.push(started.elapsed());

    let mut hashes = Vec::new();
    for (data_hash, document) in &mut rows {
        fill(*data_hash, document);
        let label_hash = document["label_hash"].as_str().ok_or("it has a hash")?;
        hashes.push(label_hash.parse::<Uuid>()?);
    }
    let documents = rows.iter().map(|(_, document)| document);
    let saved: Vec<_> = hashes.iter().copied().zip(documents).collect();
    let started = Instant::now();
    client.save_label_rows(project, &saved).await?;
    times.saved.push(started.elapsed());

    let started = Instant::now();
    let read = client
        .read_label_rows(project, &hashes, &ReadOptions::default())
        .await?;
    times.read.push(started.elapsed());
    assert_eq!(read.len(), units.len());
    Ok(())
}

/// Objects as they lie on a frame.
fn fill(data_hash: Uuid, document: &mut Value) {
    let objects: Vec<_> = (0..OBJECTS)
        .map(|number| {
            json!({
                "name": "Box", "color": "#D33115", "shape": "bounding_box", "value": "box",
                "createdAt": "Wed, 15 Jan 2025 09:31:05 UTC", "createdBy": null, "confidence": 1.0,
                "objectHash": format!("{number:08}"), "featureHash": "PXFZO2ra", "manualAnnotation": true,
                "boundingBox": { "h": 0.5, "w": 0.25, "x": 0.1, "y": 0.2 },
            })
        })
        .collect();
    for number in 0..OBJECTS {
        let hash = format!("{number:08}");
        document["object_answers"][&hash] = json!({ "objectHash": hash, "classifications": [] });
    }
    document["data_units"][data_hash.to_string()]["labels"] =
        json!({ "0": { "objects": objects, "classifications": [] } });
}

fn shown(times: Vec<Duration>) -> String {
    format!("{:.1} ms", millis(median(times)))
}
