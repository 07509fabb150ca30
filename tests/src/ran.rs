//! Runs of the program whose log is looked at: what plugins log is what they saw.

use std::process::Command;

use crate::{TestProject, guest, program, root};

/// What a run printed, and how it ended.
pub struct Ran {
    /// None if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub summary: String,
    /// Lines of the log, without time and place.
    pub log: Vec<String>,
}

impl Ran {
    /// Lines with a text.
    pub fn count(&self, text: &str) -> usize {
        self.log.iter().filter(|line| line.contains(text)).count()
    }

    /// Fails without a line with a text.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn has(&self, text: &str) {
        assert!(self.count(text) > 0, "no `{text}` in {self}");
    }

    /// Fails if a task failed, or the run could not start.
    ///
    /// # Panics
    /// If the exit code is not 0.
    #[track_caller]
    pub fn ended_well(&self) {
        assert_eq!(self.code, Some(0), "{self}");
    }

    /// The position of the first line with a text.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn at(&self, text: &str) -> usize {
        let found = self.log.iter().position(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("no `{text}` in {self}"))
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "exit code {:?}\n{}\n{}",
            self.code,
            self.summary,
            self.log.join("\n")
        )
    }
}

/// Runs a plugin over text files with these names. Arguments that name a guest in braces get its file.
///
/// # Panics
/// If the program does not start.
pub fn run(names: &[&str], plugin: &str, arguments: &[&str]) -> Ran {
    let project = TestProject::of_texts(names);
    run_in(&project, plugin, arguments)
}

/// The same in a project that is there.
///
/// # Panics
/// If the program does not start.
pub fn run_in(project: &TestProject, plugin: &str, arguments: &[&str]) -> Ran {
    let with_files = |argument: &&str| match argument.split_once('{') {
        Some((before, rest)) => {
            let (name, after) = rest.split_once('}').expect("a brace that is closed");
            format!("{before}{}{after}", guest(name).display())
        }
        None => (*argument).to_owned(),
    };
    let mut command = Command::new(program());
    command
        .arg("--plugin")
        .arg(guest(plugin))
        .arg("--local")
        .arg(project.path())
        .args(["--log-format", "json", "--log", "warn,plugin=debug"])
        .arg("--cache-dir")
        .arg(root().join("target/tests/cache/runner-host"))
        .arg("--media-cache")
        .arg(project.scratch().join("files"))
        .args(arguments.iter().map(with_files))
        .current_dir(project.scratch());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RUNNER_HOST_") {
            command.env_remove(name);
        }
    }
    let output = command.output().expect("it starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    let line = |line: &str| match serde_json::from_str::<serde_json::Value>(line) {
        Ok(entry) => {
            let message = entry["fields"]["message"]
                .as_str()
                .or(entry["message"].as_str());
            message.unwrap_or(line).to_owned()
        }
        Err(_) => line.to_owned(),
    };
    Ran {
        code: output.status.code(),
        summary: String::from_utf8_lossy(&output.stdout).into_owned(),
        log: errors.lines().map(line).collect(),
    }
}
