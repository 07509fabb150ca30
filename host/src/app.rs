//! The program: the only module that knows all others.

mod connect;
mod dev;
mod init;
mod inspect;
mod labels;
mod print;
mod quarantine;
mod report;
mod run;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use directories::ProjectDirs;
use tokio_util::sync::CancellationToken;

use crate::cli::{Cli, Command, PrintCommand};
use crate::settings::{self, Mistake};
use crate::telemetry;

/// Why the program ends early, and with which exit code.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) code: u8,
}

/// A mistake in what was given; no task was touched.
const MISTAKE: u8 = 2;
/// Encord or this machine failed.
const BROKEN: u8 = 3;
/// Stopped by a second signal, as a shell reports it.
const STOPPED: i32 = 130;

impl Failed {
    fn mistake(message: impl ToString, help: Option<String>) -> Self {
        Self {
            mistakes: vec![Mistake {
                message: message.to_string(),
                help,
            }],
            code: MISTAKE,
        }
    }

    fn broken(message: impl ToString, help: Option<String>) -> Self {
        Self {
            code: BROKEN,
            ..Self::mistake(message, help)
        }
    }
}

impl From<Mistake> for Failed {
    fn from(mistake: Mistake) -> Self {
        Self {
            mistakes: vec![mistake],
            code: MISTAKE,
        }
    }
}

/// For files, databases and pictures. Each costs the allocator megabytes, and more of them wait for the same processors and
/// disk: with the 512 that are usual, half of the time of a run over files went into starting them.
const BLOCKING_THREADS: usize = 32;

/// Reads the command line, does what it says, and reports what went wrong.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
    {
        Ok(runtime) => {
            let ended = runtime.block_on(execute(cli));
            // A compilation that nobody waits for any more must not hold up the end.
            runtime.shutdown_background();
            ended.unwrap_or_else(|failed| report::failure(&failed))
        }
        Err(error) => report::failure(&Failed::broken(format!("cannot start: {error}"), None)),
    }
}

async fn execute(cli: Cli) -> Result<ExitCode, Failed> {
    match cli.command {
        None => {
            let mut args = cli.run;
            settings::merge_file(&mut args)?;
            let bars = telemetry::start(&args.log)?;
            let settings = run::settings(args)?;
            let note = format!(
                "ending within {:.0} s: no more attempts begin, running ones may end (again: stop at once)",
                settings.options.longest_end().as_secs_f64()
            );
            run::run(settings, bars, shutdown_on_signals(note)).await
        }
        Some(Command::Init(args)) => {
            telemetry::start(&args.log)?;
            init::init(args).await
        }
        Some(Command::Dev(args)) => {
            telemetry::start(&args.log)?;
            let note = "ending (again: stop at once)".to_owned();
            dev::dev(args, shutdown_on_signals(note)).await
        }
        Some(Command::Inspect(args)) => {
            telemetry::start(&args.log)?;
            inspect::inspect(args).await
        }
        Some(Command::Labels(command)) => labels::labels(command).await,
        Some(Command::Quarantine(command)) => quarantine::quarantine(command),
        Some(Command::Print(PrintCommand::AgentNodes(args))) => {
            telemetry::start(&args.log)?;
            print::agent_nodes(args).await
        }
        Some(Command::Print(PrintCommand::SystemInfo)) => Ok(print::system_info().await),
    }
}

/// Cancelled by the first Ctrl-C or SIGTERM. The second one ends the process at once; what was decided is in
/// the journal.
///
/// `note` is what is printed at the first one.
fn shutdown_on_signals(note: String) -> CancellationToken {
    use tokio::signal::unix::{SignalKind, signal};
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        ) else {
            tracing::warn!(
                "the system refused to say when Ctrl-C is pressed; it ends the process at once"
            );
            return;
        };
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        next().await;
        report::note(&note);
        cancelled.cancel();
        next().await;
        std::process::exit(STOPPED);
    });
    token
}

/// Where compiled plugins are kept: the option, or the user's cache directory.
fn cache_dir(option: Option<PathBuf>) -> Option<PathBuf> {
    option.or_else(|| Some(project_dirs()?.cache_dir().join("plugins")))
}

/// Where downloaded files are kept: the option, or the user's cache directory.
fn media_cache(option: Option<PathBuf>) -> Option<PathBuf> {
    option.or_else(|| Some(project_dirs()?.cache_dir().join("media")))
}

/// Where the journal of a project is kept: the option, or the user's state directory.
fn state_dir(option: Option<PathBuf>, project: &str) -> PathBuf {
    option.unwrap_or_else(|| match project_dirs() {
        Some(dirs) => dirs
            .state_dir()
            .unwrap_or(dirs.data_local_dir())
            .join(project),
        None => Path::new(".runner-host").join(project),
    })
}

/// The same for a project of a local folder; none is its main one.
fn local_state_dir(folder: &Path, project: Option<uuid::Uuid>) -> PathBuf {
    let run = folder.join("run");
    match project {
        None => run,
        Some(project) => run.join(project.to_string()),
    }
}

fn project_dirs() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "runner-host")
}
