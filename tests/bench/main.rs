//! What the host costs, beside the floor: the same component in bare wasmtime, in the same run.
//!
//! ```sh
//! cargo run --release -p runner-tests --bin bench [--full] [part …]
//! ```
//!
//! The parts are attempts, run, labels, server, dependencies, memory, rows and starts; without any, all of them. `--full` lets
//! `memory` go through 10,000 tasks, for which it reads 62 GB.
//!
//! Prints a table in Markdown. Medians; a machine that does other things shows in all rows alike.

#![allow(clippy::print_stdout)] // Printing is what it is for.

mod bare;
mod dependencies;
mod labels;
mod memory;
mod server;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use runner_host::encord::{Client, Key};
use runner_host::engine::Engine;
use runner_host::plugin::{CompileCache, Plugin};
use runner_host::{CancellationToken, Limits, PluginRef, RunOptions, Runner, local};
use runner_tests::{guest, inputs};

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Attempts of one measurement.
const ATTEMPTS: usize = 2_000;
/// Rounds; the two sides take turns, so that a slow moment of the machine meets both.
const ROUNDS: usize = 7;
/// Tasks of the run from end to end.
const TASKS: usize = 2_000;
/// Starts of the program.
const STARTS: usize = 15;
/// Tasks with large files: in short, and in full.
const LARGE_FILES: [usize; 2] = [400, 10_000];
/// What can be asked for.
const PARTS: [&str; 8] = [
    "attempts",
    "run",
    "labels",
    "server",
    "dependencies",
    "memory",
    "rows",
    "starts",
];

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // As the program.
        .max_blocking_threads(32)
        .build()?;
    let (flags, mut parts): (Vec<_>, Vec<_>) = std::env::args()
        .skip(1)
        .partition(|argument| argument == "--full");
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(&part.as_str())) {
        return Err(format!("expected {}, found {unknown}", PARTS.join(", ")).into());
    }
    if parts.is_empty() {
        parts = PARTS.map(str::to_owned).to_vec();
    }
    let plugin = guest("empty");
    println!("| what | median |");
    println!("|---|---|");
    for part in &parts {
        match part.as_str() {
            "attempts" => runtime.block_on(attempts(&plugin))?,
            "run" => runtime.block_on(whole_run(&plugin))?,
            "labels" => runtime.block_on(labels::labels())?,
            "server" => runtime.block_on(server::large_project())?,
            "dependencies" => runtime.block_on(dependencies::dependencies())?,
            "memory" => {
                let tasks = LARGE_FILES[usize::from(!flags.is_empty())];
                runtime.block_on(memory::files(tasks))?;
            }
            "rows" => runtime.block_on(memory::rows())?,
            _ => starts(&plugin)?,
        }
    }
    Ok(())
}

/// One attempt after another, beside bare wasmtime; then as many as there are processors.
async fn attempts(path: &Path) -> Result<()> {
    let processors = std::thread::available_parallelism()?.get();
    let engine = Arc::new(Engine::new(Limits::default(), processors)?);
    let reference = PluginRef {
        stage: None,
        path: path.to_owned(),
    };
    let plugin =
        Arc::new(Plugin::load(&engine, &Arc::new(CompileCache::disabled()), &reference).await?);
    let bare = bare::Bare::new(path, &engine, processors)?;

    let mut of_host = Vec::new();
    let mut of_bare = Vec::new();
    let mut parallel = Vec::new();
    for _ in 0..ROUNDS {
        of_host.push(per_attempt(&engine, &plugin, ATTEMPTS).await?);
        let started = Instant::now();
        for _ in 0..ATTEMPTS {
            bare.call().await?;
        }
        of_bare.push(started.elapsed() / ATTEMPTS as u32);

        let started = Instant::now();
        let mut threads = Vec::new();
        for _ in 0..processors {
            let (engine, plugin) = (Arc::clone(&engine), Arc::clone(&plugin));
            threads.push(tokio::spawn(async move {
                per_attempt(&engine, &plugin, ATTEMPTS)
                    .await
                    .map_err(|error| error.to_string())
            }));
        }
        for thread in threads {
            thread.await??;
        }
        parallel.push((ATTEMPTS * processors) as f64 / started.elapsed().as_secs_f64());
    }
    let (host, floor) = (median(of_host), median(of_bare));
    row(
        "one attempt with an empty agent, fresh instance",
        format!("{:.0} µs", micros(host)),
    );
    row(
        "the same in bare wasmtime",
        format!("{:.0} µs", micros(floor)),
    );
    row(
        "**overhead of the host per attempt**",
        format!(
            "**{:.0} µs** ({:.2} of bare wasmtime)",
            micros(host) - micros(floor),
            micros(host) / micros(floor)
        ),
    );
    row(
        "attempts per second, one at a time",
        format!("{:.0}", 1.0 / host.as_secs_f64()),
    );
    parallel.sort_by(f64::total_cmp);
    row(
        &format!("attempts per second, {processors} at a time"),
        format!("{:.0}", parallel[parallel.len() / 2]),
    );
    Ok(())
}

async fn per_attempt(engine: &Engine, plugin: &Plugin, count: usize) -> Result<Duration> {
    let prepared = inputs("a.txt", 0);
    let started = Instant::now();
    for _ in 0..count {
        let decision = engine
            .attempt(&plugin.program, "Agent", prepared.clone())
            .await
            .map_err(|failure| failure.to_string())?;
        assert_eq!(decision.pathway.as_deref(), Some("Next"));
    }
    Ok(started.elapsed() / count as u32)
}

/// A run over a local project: polling, attempts, journal and moves, all of it.
async fn whole_run(plugin: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let media = folder.path().join("media");
    std::fs::create_dir(&media)?;
    for number in 0..TASKS {
        std::fs::write(media.join(format!("{number}.txt")), "text")?;
    }
    let project = folder.path().join("project");
    make_project(&project, &media)?;
    let opened = local::Workspace::open(&project)?;
    let hash = opened.projects()[0].hash;
    let key = Key::generate();
    let options = local::ServerOptions {
        public_keys: vec![key.public_hex().to_owned()],
        ..local::ServerOptions::default()
    };
    let server = local::Server::start(vec![opened], options).await?;
    let runner = Runner::builder()
        .client(Client::new(server.url().as_str().parse()?, key)?)
        .project_hash(hash)
        .plugin(PluginRef {
            stage: None,
            path: plugin.to_owned(),
        })
        .state_dir(folder.path().join("run"))
        .options(RunOptions::default())
        .build()
        .await?;
    let summary = runner.run(CancellationToken::new()).await?;
    server.stop().await;
    assert_eq!(summary.stages[0].moved(), TASKS as u64);
    row(
        &format!("tasks per second, {TASKS} tasks from end to end on a local project"),
        format!("{:.0}", summary.stages[0].tasks_per_second()),
    );
    Ok(())
}

/// The program's own start: without and with a compiled plugin in the cache.
fn starts(plugin: &Path) -> Result<()> {
    let program = program()?;
    let folder = tempfile::tempdir()?;
    let media = folder.path().join("media");
    std::fs::create_dir(&media)?;
    std::fs::write(media.join("a.txt"), "text")?;
    let project = folder.path().join("project");
    make_project(&project, &media)?;
    let cache = folder.path().join("cache");
    let start = || -> Result<Duration> {
        let started = Instant::now();
        let status = Command::new(&program)
            .args([
                Path::new("--plugin"),
                plugin,
                Path::new("--local"),
                &project,
            ])
            .args([Path::new("--cache-dir"), &cache])
            .stdout(Stdio::null())
            .status()?;
        assert!(status.success());
        Ok(started.elapsed())
    };
    // The first empties the queue, so that the others do nothing but start and end.
    start()?;
    let cached = (0..STARTS).map(|_| start()).collect::<Result<Vec<_>>>()?;
    let cold = (0..STARTS)
        .map(|_| {
            std::fs::remove_dir_all(&cache)?;
            start()
        })
        .collect::<Result<Vec<_>>>()?;
    row(
        "start to end of the program, empty queue, plugin not yet compiled",
        format!("{:.0} ms", millis(median(cold))),
    );
    row(
        "**the same, plugin cached**",
        format!("**{:.0} ms**", millis(median(cached))),
    );
    Ok(())
}

/// The program that was built with the same profile.
fn program() -> Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("runner-host");
    if !program.is_file() {
        return Err("build the program first: cargo build --release --bin runner-host".into());
    }
    Ok(program)
}

fn make_project(project: &Path, media: &Path) -> Result<()> {
    std::fs::create_dir(project)?;
    std::fs::copy(
        runner_tests::root().join("tests/projects/agent.toml"),
        project.join("project.toml"),
    )?;
    let options = local::InitOptions {
        media: vec![media.to_owned()],
        reset: false,
        title: None,
    };
    local::init(project, options)?;
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn row(what: &str, value: String) {
    println!("| {what} | {value} |");
}
