//! Kills the host again and again, or lets it run for long, and looks whether anything was lost or done twice.
//!
//! ```sh
//! cargo build --release --workspace
//! target/release/reliability kill --kills 200
//! target/release/reliability soak --minutes 60
//! ```
//!
//! Shorter forms of both are tests (`tests/tests/reliability.rs`). Exit code 1, and what was found, if something was.

#![allow(clippy::print_stdout, clippy::print_stderr)] // Printing is what it is for.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use runner_tests::reliability::Result;
use runner_tests::reliability::kill::{KillOptions, kill_test};
use runner_tests::reliability::soak::{SoakOptions, soak};
use runner_tests::root;

/// Looks whether the host loses anything or does it twice.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Kill the host at random moments, with faults, and compare every task with a run in which nothing goes wrong.
    Kill {
        /// How often.
        #[arg(long, default_value_t = 200)]
        kills: u64,
        /// Tasks of the project.
        #[arg(long, default_value_t = 240)]
        tasks: u64,
        /// Take the journal away after each kill, to see that this is found out.
        #[arg(long, hide = true)]
        forgets: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Let a host run for long, with faults and kills of the server, and look whether it takes more and more.
    Soak {
        /// How long.
        #[arg(long, default_value_t = 60.0)]
        minutes: f64,
        /// Tasks of each of the two projects.
        #[arg(long, default_value_t = 120)]
        tasks: u64,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Of everything that is random. [default: of the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// Where logs and state go. It is made anew. [default: in target/reliability]
    #[arg(long)]
    folder: Option<PathBuf>,
}

impl Common {
    fn seed(&self) -> u64 {
        let clock = || {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            now.map_or(0, |now| now.as_secs() % 1_000_000)
        };
        self.seed.unwrap_or_else(clock)
    }

    fn folder(&self, name: &str) -> PathBuf {
        let usual = || root().join("target/reliability").join(name);
        self.folder.clone().unwrap_or_else(usual)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    let tell = |line: String| println!("{line}");
    match command {
        Command::Kill {
            kills,
            tasks,
            forgets,
            common,
        } => {
            let options = KillOptions {
                forgets,
                kills,
                tasks,
                seed: common.seed(),
                folder: common.folder("kill"),
            };
            println!("seed {}, in {}", options.seed, options.folder.display());
            println!("{}", kill_test(&options, &tell).await?);
        }
        Command::Soak {
            minutes,
            tasks,
            common,
        } => {
            let options = SoakOptions {
                time: Duration::try_from_secs_f64(minutes * 60.0)?,
                tasks,
                seed: common.seed(),
                folder: common.folder("soak"),
            };
            println!("seed {}, in {}", options.seed, options.folder.display());
            println!("{}", soak(&options, &tell).await?);
        }
    }
    Ok(())
}
