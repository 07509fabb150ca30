//! `runner-host print`: what a person needs to know of a project or of this machine.

use std::env;
use std::path::Path;
use std::process::ExitCode;

use tokio::process::Command;

use super::connect::connect;
use super::{Failed, MISTAKE, cache_dir, report, state_dir};
use crate::cli::AgentNodesArgs;
use crate::settings;

/// Prints the agent stages of a project, in the order of its workflow.
pub(super) async fn agent_nodes(args: AgentNodesArgs) -> Result<ExitCode, Failed> {
    let target = settings::target_of_print(&args).map_err(|mistakes| Failed {
        mistakes,
        code: MISTAKE,
    })?;
    let connected = connect(target).await?;
    let hash = connected.project;
    let project = connected.client.project(hash).await;
    connected.close().await;
    let project = project.map_err(|error| {
        let message = format!("project {hash}: {error}");
        if error.is_transient() {
            Failed::broken(message, error.help())
        } else {
            Failed::mistake(message, error.help())
        }
    })?;
    let mut stages = project.agent_stages().peekable();
    if stages.peek().is_none() {
        report::answer("Project does not have any agent nodes.");
    }
    for stage in stages {
        report::answer(&format!(
            "AgentStage(title=\"{}\", uuid=\"{}\")",
            stage.title, stage.uuid
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what a bug report needs: the system, the versions, and where things are. Of keys, only whether they
/// are set.
pub(super) async fn system_info() -> ExitCode {
    let system = System::ask().await;
    report::answer("System Information:");
    report::answer(&format!("\tSystem: {}", system.name));
    report::answer(&format!("\tRelease: {}", system.release));
    report::answer(&format!("\tMachine: {}", system.machine));
    report::answer(&format!("\tProcessor: {}", processor()));
    let processors = std::thread::available_parallelism()
        .map_or_else(|_| "unknown".to_owned(), |count| count.to_string());
    report::answer(&format!("\tProcessors: {processors}"));
    report::answer(&format!(
        "runner-host version: {}",
        env!("CARGO_PKG_VERSION")
    ));
    report::answer(&format!("wasmtime version: {}", wasmtime_version()));
    let shown = |folder: Option<&Path>| {
        folder.map_or_else(
            || "nowhere".to_owned(),
            |folder| folder.display().to_string(),
        )
    };
    let cache = cache_dir(env::var_os("RUNNER_HOST_CACHE_DIR").map(Into::into));
    report::answer(&format!("compiled plugins: {}", shown(cache.as_deref())));
    let state = state_dir(
        env::var_os("RUNNER_HOST_STATE_DIR").map(Into::into),
        "<project hash>",
    );
    report::answer(&format!("journals: {}", shown(Some(&state))));
    let domain = env::var("ENCORD_DOMAIN").unwrap_or_else(|_| "not set".to_owned());
    report::answer(&format!("ENCORD_DOMAIN: {domain}"));
    for name in [
        "ENCORD_SSH_KEY",
        "ENCORD_SSH_KEY_FILE",
        "ENCORD_SSH_KEY_PASSPHRASE",
        "HTTPS_PROXY",
        "SSL_CERT_FILE",
    ] {
        let set = env::var_os(name).is_some_and(|value| !value.is_empty());
        report::answer(&format!("{name}: {}", if set { "set" } else { "not set" }));
    }
    ExitCode::SUCCESS
}

/// What `uname` says.
struct System {
    name: String,
    release: String,
    machine: String,
}

impl System {
    async fn ask() -> Self {
        let output = Command::new("uname")
            .args(["-s", "-r", "-m"])
            .output()
            .await;
        let text = output
            .ok()
            .and_then(|output| String::from_utf8(output.stdout).ok())
            .unwrap_or_default();
        let mut words = text.split_whitespace();
        let mut next = |otherwise: &str| words.next().unwrap_or(otherwise).to_owned();
        // What the program was built for, where there is nobody to ask.
        System {
            name: next(env::consts::OS),
            release: next("unknown"),
            machine: next(env::consts::ARCH),
        }
    }
}

/// The processor's name, where Linux says it.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == "model name")
        .map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

/// The version that the workspace is pinned to.
fn wasmtime_version() -> &'static str {
    include_str!("../../../Cargo.toml")
        .lines()
        .find_map(|line| line.strip_prefix("wasmtime = { version = \"="))
        .and_then(|rest| rest.split('"').next())
        .unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_wasmtime_is_the_one_that_is_linked() {
        let lock = include_str!("../../../Cargo.lock");
        let locked = format!(
            "name = \"wasmtime\"\nversion = \"{}\"\n",
            wasmtime_version()
        );
        assert!(lock.contains(&locked), "{locked}");
    }
}
