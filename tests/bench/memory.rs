//! The memory that the program takes: for a stage of many large files, for one of large label rows, and for a long queue.
//! Only Linux tells it.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use runner_host::encord::{Client, CreateOptions, Key, LabelRowFilter, MetadataOptions};
use runner_host::local;
use runner_tests::{guest, root, serve_for};
use tokio::process::Command;
use uuid::Uuid;

use crate::dependencies::{Case, Media, Site, draw};
use crate::{Result, make_project, program, row};

/// Of each file of the stage with large ones.
const LARGE_FILE: usize = 5_000_000;
/// Tasks of the stage with large label rows, and the boxes of each: 4 MB of JSON.
const LARGE_ROWS: usize = 400;
const BOXES: usize = 10_900;
/// Rows that are saved in one request.
const SAVED_TOGETHER: usize = 10;
/// Tasks of the long queue.
const LONG_QUEUE: usize = 100_000;

/// A stage of files of 5 MB each: the memory after a quarter of the tasks and after all of them, each in a run of its own.
pub(crate) async fn files(tasks: usize) -> Result<()> {
    let shared = tempfile::tempdir()?;
    let large = shared.path().join("large.jpg");
    // A photograph, and behind its end nothing that anybody reads.
    let mut content = std::fs::read(root().join("examples/sample/photos/cat.jpg"))?;
    content.resize(LARGE_FILE, 0);
    std::fs::write(&large, content)?;
    for count in [tasks / 4, tasks] {
        let case = Case {
            name: "asset",
            what: "size of the file",
            media: Media::Photographs,
            tasks: count,
        };
        let site = Site::new(&case, std::slice::from_ref(&large), 0).await?;
        let what = format!("{count} tasks with files of 5 MB");
        measure(&site, "bench_asset", &what, count).await?;
        site.served.server.stop().await;
    }
    Ok(())
}

/// Label rows of 4 MB, read alone and then read and saved; and a long queue of tasks that need nothing.
pub(crate) async fn rows() -> Result<()> {
    let case = |tasks| Case {
        name: "rows",
        what: "label rows",
        media: Media::Photographs,
        tasks,
    };
    let photograph = root().join("examples/sample/photos/cat.jpg");
    for (agent, what) in [
        ("bench_rows", "that are read"),
        ("hundred", "that are read, edited and saved"),
    ] {
        let site = Site::new(&case(LARGE_ROWS), std::slice::from_ref(&photograph), 0).await?;
        let bytes = label(&site.served.client, site.served.hash).await?;
        let what = format!(
            "{LARGE_ROWS} tasks with label rows of {:.1} MB {what}",
            bytes as f64 / 1e6
        );
        measure(&site, agent, &what, LARGE_ROWS).await?;
        site.served.server.stop().await;
    }
    for count in [LONG_QUEUE / 4, LONG_QUEUE] {
        let site = long_queue(count).await?;
        let what = format!("{count} tasks that need nothing");
        measure(&site, "empty", &what, count).await?;
        site.served.server.stop().await;
    }
    Ok(())
}

/// Text files, which are quicker to make than pictures.
async fn long_queue(tasks: usize) -> Result<Site> {
    let folder = tempfile::tempdir()?;
    let media = folder.path().join("media");
    std::fs::create_dir(&media)?;
    for number in 0..tasks {
        std::fs::write(media.join(format!("{number:06}.txt")), "text")?;
    }
    let project = folder.path().join("project");
    make_project(&project, &media)?;
    let key = Key::generate();
    let key_file = folder.path().join("key");
    std::fs::write(&key_file, key.to_openssh().as_bytes())?;
    Ok(Site {
        served: serve_for(local::Workspace::open(&project)?, key).await,
        key_file,
        folder,
    })
}

/// Draws boxes in each row of the project. How long the last document is, in bytes of JSON.
async fn label(client: &Client, project: Uuid) -> Result<usize> {
    let listed = client
        .list_label_rows(
            project,
            &LabelRowFilter::default(),
            &MetadataOptions::default(),
        )
        .await?;
    let units: Vec<_> = listed.iter().map(|metadata| metadata.data_hash).collect();
    let mut bytes = 0;
    for part in units.chunks(SAVED_TOGETHER) {
        let mut rows = client
            .create_label_rows(project, part, &CreateOptions::default())
            .await?;
        let mut saved = Vec::new();
        for (data_hash, document) in &mut rows {
            draw(*data_hash, document, BOXES);
            let label_hash = document["label_hash"].as_str().ok_or("it has a hash")?;
            saved.push((label_hash.parse::<Uuid>()?, &*document));
            bytes = document.to_string().len();
        }
        client.save_label_rows(project, &saved).await?;
    }
    Ok(bytes)
}

async fn measure(site: &Site, agent: &str, what: &str, tasks: usize) -> Result<()> {
    let started = Instant::now();
    let peak = run_program(site, agent).await?;
    let seconds = started.elapsed().as_secs_f64();
    row(
        &format!("peak memory of the program, {what}"),
        format!(
            "{:.0} MB ({:.0} tasks per second)",
            peak as f64 / 1e6,
            tasks as f64 / seconds
        ),
    );
    Ok(())
}

/// The most memory that the program had, in bytes.
async fn run_program(site: &Site, agent: &str) -> Result<u64> {
    let folder = |name: &str| site.folder.path().join(name);
    let mut child = Command::new(program()?)
        .arg("--plugin")
        .arg(guest(agent))
        .args(["--project-hash", &site.served.hash.to_string()])
        .args(["--domain", &site.domain()])
        .arg("--ssh-key-file")
        .arg(&site.key_file)
        .arg("--state-dir")
        .arg(folder("state"))
        .arg("--cache-dir")
        .arg(folder("compiled"))
        .arg("--media-cache")
        .arg(folder("cache"))
        // In MiB: less than all files are.
        .args(["--media-cache-size", "256"])
        .env_remove("ENCORD_SSH_KEY")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let status = format!("/proc/{}/status", child.id().ok_or("it has ended already")?);
    let mut peak = 0;
    // The system keeps the highest value, so that only what happens in the last moments can be missed.
    let ended = loop {
        tokio::select! {
            ended = child.wait() => break ended?,
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                peak = peak.max(high_water_mark(Path::new(&status)).unwrap_or(0));
            }
        }
    };
    assert!(ended.success(), "the program ended with {ended}");
    Ok(peak)
}

/// In bytes. Absent once the process has ended.
fn high_water_mark(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}
