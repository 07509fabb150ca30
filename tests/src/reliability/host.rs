//! The program, at work on a world: one life from its start to its end.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tokio::process::{Child, Command};

use super::Result;
use super::model::{Number, Stage};
use super::server::DevServer;
use super::world::{PROJECT, World};
use crate::root;

/// A running host.
#[derive(Debug)]
pub struct Host {
    process: Child,
    log: PathBuf,
}

/// A life that is over.
#[derive(Debug)]
pub struct Life {
    /// How it ended.
    pub status: ExitStatus,
    /// Decisions of the plugin, in their order.
    pub decided: Vec<(Stage, Number)>,
}

impl Life {
    /// Whether SIGKILL ended it.
    pub fn was_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }
}

impl Host {
    /// Starts it. `name` is that of its log.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(
        world: &World,
        server: &DevServer,
        name: &str,
        arguments: &[&str],
    ) -> Result<Self> {
        let log = world.scratch("log")?.join(format!("{name}.log"));
        let mut command = Command::new(world.program());
        for (name, _) in std::env::vars_os() {
            let shown = name.to_string_lossy();
            if shown.starts_with("RUNNER_HOST_") || shown.starts_with("ENCORD_") {
                command.env_remove(&name);
            }
        }
        let process = command
            .arg("--plugin")
            .arg(world.plugin())
            .args(["--project-hash", &PROJECT.to_string()])
            .arg("--state-dir")
            .arg(state_dir(world)?)
            .arg("--cache-dir")
            .arg(root().join("target/tests/cache/runner-host"))
            .arg("--media-cache")
            .arg(world.scratch("files")?)
            .args(["--log", "warn,runner_host=info,plugin=info"])
            .args(arguments)
            .env("ENCORD_DOMAIN", server.domain())
            .env("ENCORD_SSH_KEY_FILE", server.key_file())
            .env("NO_COLOR", "1")
            .stdout(std::fs::File::create(log.with_extension("summary"))?)
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { process, log })
    }

    /// Of the process.
    ///
    /// # Errors
    /// If it has ended.
    pub fn id(&self) -> Result<u32> {
        self.process.id().ok_or_else(|| "it has ended".into())
    }

    /// Whether it has ended by itself.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.process.try_wait()?.is_some())
    }

    /// Decisions of the plugin so far.
    pub fn decided(&self) -> Vec<(Stage, Number)> {
        decisions(&self.log)
    }

    /// Ends it with SIGKILL, unless it has ended.
    ///
    /// # Errors
    /// If the system refuses.
    pub async fn kill(mut self) -> Result<Life> {
        if !self.has_ended()? {
            self.process.start_kill()?;
        }
        self.wait().await
    }

    /// Asks it to end.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn terminate(&self) -> Result<()> {
        let id = self.id()?.to_string();
        let mut kill = std::process::Command::new("kill");
        kill.args(["-TERM", &id]);
        match kill.status()?.success() {
            true => Ok(()),
            false => Err(format!("no signal could be sent to {id}").into()),
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If the system does not say how it ended.
    pub async fn wait(mut self) -> Result<Life> {
        let status = self.process.wait().await?;
        let decided = decisions(&self.log);
        Ok(Life { status, decided })
    }
}

/// The state directory of hosts of this world.
///
/// # Errors
/// If it cannot be made.
pub fn state_dir(world: &World) -> Result<PathBuf> {
    world.scratch("state")
}

/// The lines that the plugin logs when it has decided. A line that was cut off by the end of the process counts too:
/// what was decided is all there in its beginning.
fn decisions(log: &Path) -> Vec<(Stage, Number)> {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let decision = |line: &str| {
        let (_, told) = line.split_once("decided ")?;
        let mut words = told.split_whitespace();
        let stage = Stage::titled(words.next()?)?;
        Some((stage, Number::of(words.next()?)?))
    };
    text.lines().filter_map(decision).collect()
}
