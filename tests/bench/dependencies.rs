//! What agents ask for: storage items, files, frames, samples of a video and twins, beside the Python runner that does the
//! same over the same server.
//!
//! Both sides begin when a runner is made and end when the stage is empty. The plugin is compiled before, as the
//! interpreter's imports are done before.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use runner_host::encord::{Client, CreateOptions, Key, LabelRowFilter, MetadataOptions};
use runner_host::{CancellationToken, PluginRef, RunOptions, Runner, local};
use runner_tests::{Served, guest, root, serve_for};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use uuid::Uuid;

use crate::{Result, row};

/// What a case is about: the plugin `bench_…` and the case of `tests/python/bench_dependencies.py`.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) media: Media,
    pub(crate) tasks: usize,
}

pub(crate) enum Media {
    /// JPEG, 1920 pixels wide, 0.2 to 1 MB.
    Photographs,
    /// H.264, 160 frames of 640 x 360.
    Videos,
}

const CASES: [Case; 5] = [
    Case {
        name: "item",
        what: "name and client metadata of the storage item",
        media: Media::Photographs,
        tasks: 2_000,
    },
    Case {
        name: "asset",
        what: "size of the file",
        media: Media::Photographs,
        tasks: 300,
    },
    Case {
        name: "frame",
        what: "mean of the first frame",
        media: Media::Photographs,
        tasks: 200,
    },
    Case {
        name: "sampler",
        what: "mean of each fifth frame of a video",
        media: Media::Videos,
        tasks: 20,
    },
    Case {
        name: "twin",
        what: "objects of the label row and of its twin",
        media: Media::Photographs,
        tasks: 300,
    },
];

/// How much longer each request takes, one for a file as well, in milliseconds.
const LATENCIES: [u64; 2] = [0, 50];
/// Different photographs; the others are the same files by further names.
const PHOTOGRAPHS: usize = 13;
/// Boxes of each row of the twin.
const BOXES: usize = 20;
/// The project beside the main one, as `bench_twin` names it.
const TWIN: Uuid = Uuid::from_u128(0x11111111_1111_4111_8111_111111111112);

pub(crate) async fn dependencies() -> Result<()> {
    let shared = tempfile::tempdir()?;
    let photographs = shared.path().join("photographs");
    python(&[
        "media".as_ref(),
        photographs.as_os_str(),
        PHOTOGRAPHS.to_string().as_ref(),
    ])
    .await?;
    for case in &CASES {
        let files = match case.media {
            Media::Photographs => files_of(&photographs)?,
            Media::Videos => vec![root().join("examples/sample/video/city.mp4")],
        };
        for latency in LATENCIES {
            let ours = ours(case, &files, latency, &shared.path().join("compiled")).await?;
            let theirs = theirs(case, &files, latency).await?;
            row(
                &format!(
                    "{}, {} tasks, {latency} ms on each request: tasks per second here, in the Python runner",
                    case.what, case.tasks
                ),
                format!(
                    "{:.0}, {:.1} (**{:.1} times**; its peak memory {:.0} MB)",
                    ours,
                    theirs.tasks_per_second,
                    ours / theirs.tasks_per_second,
                    theirs.peak_rss / 1e6
                ),
            );
        }
    }
    Ok(())
}

/// Tasks per second here.
async fn ours(case: &Case, files: &[PathBuf], latency: u64, compiled: &Path) -> Result<f64> {
    let site = Site::new(case, files, latency).await?;
    let builder = |state: &str| {
        Runner::builder()
            .client(site.served.client.clone())
            .project_hash(site.served.hash)
            .plugin(PluginRef {
                stage: None,
                path: guest(&format!("bench_{}", case.name)),
            })
            .state_dir(site.folder.path().join(state))
            .cache_dir(compiled)
            .media_cache(site.folder.path().join("cache"))
            .options(RunOptions::default())
    };
    drop(builder("compiles").build().await?);
    let started = Instant::now();
    let summary = builder("runs")
        .build()
        .await?
        .run(CancellationToken::new())
        .await?;
    let seconds = started.elapsed().as_secs_f64();
    let stage = &summary.stages[0];
    assert_eq!(stage.moved(), case.tasks as u64, "{:?}", stage.failures);
    site.served.server.stop().await;
    Ok(case.tasks as f64 / seconds)
}

/// What `tests/python/bench_dependencies.py` found.
struct Theirs {
    tasks_per_second: f64,
    /// In bytes.
    peak_rss: f64,
}

async fn theirs(case: &Case, files: &[PathBuf], latency: u64) -> Result<Theirs> {
    let site = Site::new(case, files, latency).await?;
    let domain = site.domain();
    let [hash, tasks, twin] = [
        site.served.hash.to_string(),
        case.tasks.to_string(),
        TWIN.to_string(),
    ];
    let found = python(&[
        "run".as_ref(),
        domain.as_ref(),
        site.key_file.as_os_str(),
        hash.as_ref(),
        case.name.as_ref(),
        tasks.as_ref(),
        twin.as_ref(),
    ])
    .await?;
    site.served.server.stop().await;
    let found: Value = serde_json::from_slice(&found)?;
    let number = |key: &str| found[key].as_f64().ok_or(format!("{key} is missing"));
    Ok(Theirs {
        tasks_per_second: number("tasks_per_second")?,
        peak_rss: number("peak_rss")?,
    })
}

async fn python(arguments: &[&std::ffi::OsStr]) -> Result<Vec<u8>> {
    let output = Command::new(root().join("target/python/bin/python"))
        .arg(root().join("tests/python/bench_dependencies.py"))
        .args(arguments)
        .output()
        .await
        .map_err(|error| format!("{error}; run `bash tests/setup.sh python` first"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(output.stdout)
}

/// A fresh project, and whoever serves it.
pub(crate) struct Site {
    pub(crate) served: Served,
    pub(crate) key_file: PathBuf,
    pub(crate) folder: TempDir,
}

impl Site {
    /// With as many data units as the case has tasks, made of these files in turn.
    pub(crate) async fn new(case: &Case, files: &[PathBuf], latency: u64) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let project = folder.path().join("project");
        make(&project, files, case.tasks)?;
        let key = Key::generate();
        let key_file = folder.path().join("key");
        std::fs::write(&key_file, key.to_openssh().as_bytes())?;
        let served = serve_for(local::Workspace::open(&project)?, key).await;
        if case.name == "twin" {
            label(&served.client).await?;
        }
        if latency > 0 {
            let plan = format!("[[rules]]\nlatency = {latency}\n");
            let plan = local::FaultPlan::from_toml(&plan)?;
            served.server.faults().set(plan);
        }
        Ok(Self {
            served,
            key_file,
            folder,
        })
    }

    pub(crate) fn domain(&self) -> String {
        let url = self.served.server.url();
        url.as_str().trim_end_matches('/').to_owned()
    }
}

/// The project of most tests with a twin, whose files have client metadata. The files are further names of those
/// that are given, so that many of them take no space.
fn make(project: &Path, files: &[PathBuf], count: usize) -> Result<()> {
    let media = project.join("media");
    std::fs::create_dir_all(&media)?;
    let agent = std::fs::read_to_string(root().join("tests/projects/agent.toml"))?;
    let mut text = agent.replace(
        "name = \"Box\"",
        "name = \"Box\"\nfeature-hash = \"PXFZO2ra\"",
    );
    write!(
        text,
        "\n[[projects]]\ntitle = \"Twin\"\nhash = \"{TWIN}\"\n\n[dataset]\ntitle = \"Bench\"\n"
    )?;
    for (number, file) in files.iter().cycle().take(count).enumerate() {
        let ending = file.extension().and_then(|ending| ending.to_str());
        let name = format!("media/{number:06}.{}", ending.ok_or("it has an ending")?);
        let linked = project.join(&name);
        // The file may be on another file system.
        if std::fs::hard_link(file, &linked).is_err() {
            std::fs::copy(file, &linked)?;
        }
        write!(
            text,
            "\n[[dataset.items]]\nfile = \"{name}\"\nclient-metadata = {{ site = \"north\", weight = 3 }}\n"
        )?;
    }
    std::fs::write(project.join("project.toml"), text)?;
    local::init(project, local::InitOptions::default())?;
    Ok(())
}

/// Draws boxes in each row of the twin.
async fn label(client: &Client) -> Result<()> {
    let listed = client
        .list_label_rows(
            TWIN,
            &LabelRowFilter::default(),
            &MetadataOptions::default(),
        )
        .await?;
    let units: Vec<_> = listed.iter().map(|metadata| metadata.data_hash).collect();
    let mut rows = client
        .create_label_rows(TWIN, &units, &CreateOptions::default())
        .await?;
    let mut hashes = Vec::new();
    for (data_hash, document) in &mut rows {
        draw(*data_hash, document, BOXES);
        let label_hash = document["label_hash"].as_str().ok_or("it has a hash")?;
        hashes.push(label_hash.parse::<Uuid>()?);
    }
    let documents = rows.iter().map(|(_, document)| document);
    let saved: Vec<_> = hashes.iter().copied().zip(documents).collect();
    client.save_label_rows(TWIN, &saved).await?;
    Ok(())
}

/// Boxes as they lie on an image.
pub(crate) fn draw(data_hash: Uuid, document: &mut Value, boxes: usize) {
    let mut drawn = Vec::with_capacity(boxes);
    for number in 0..boxes {
        let hash = format!("{number:08}");
        let at = number as f64 / boxes as f64 / 2.0;
        drawn.push(json!({
            "name": "Box", "color": "#D33115", "shape": "bounding_box", "value": "box",
            "createdAt": "Wed, 15 Jan 2025 09:31:05 UTC", "createdBy": "agent@local", "confidence": 1.0,
            "objectHash": hash, "featureHash": "PXFZO2ra", "manualAnnotation": true,
            "boundingBox": { "h": 0.25, "w": 0.25, "x": at, "y": at },
        }));
        document["object_answers"][&hash] = json!({ "objectHash": hash, "classifications": [] });
    }
    document["data_units"][data_hash.to_string()]["labels"] =
        json!({ "objects": drawn, "classifications": [] });
}

/// The files of a folder, in the order of their names.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}
