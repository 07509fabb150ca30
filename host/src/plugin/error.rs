//! What can be wrong with a plugin, in words for whoever named it on the command line.

use std::path::{Path, PathBuf};

use super::Use;
use crate::engine::Limits;

/// Why a file is not a plugin that can run. Nothing was changed when one occurs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PluginError {
    /// No such file.
    #[error("expected a plugin at `{}`, found no such file", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// Files of the same folder that may have been meant.
        near: Vec<String>,
    },
    /// The file cannot be read.
    #[error("cannot read the plugin `{}`: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        reason: String,
    },
    /// The file is of another format.
    #[error("expected a WebAssembly component in `{}`, found {found}", path.display())]
    NotWasm {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: String,
    },
    /// WebAssembly, but damaged or cut off.
    #[error("`{}` is not valid WebAssembly: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The first thing that is wrong.
        reason: String,
    },
    /// It cannot even start within the limit of memory.
    #[error(
        "`{}` needs more memory to start than the limit of {limit} MiB", path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in MiB.
        limit: usize,
    },
    /// A core module that says nothing of its interfaces.
    #[error(
        "`{}` is a core WebAssembly module that does not say which interfaces it has (it lacks the section \
         `component-type` that wit-bindgen adds), so no component can be made of it", path.display()
    )]
    NoMetadata {
        /// The file.
        path: PathBuf,
    },
    /// A component, but for another host.
    #[error("`{}` is a component of another world: {}", path.display(), problems.join("; "))]
    OtherWorld {
        /// The file.
        path: PathBuf,
        /// What it lacks and what it wants.
        problems: Vec<String>,
    },
    /// A dependency in place of a plugin.
    #[error("expected a plugin in `{}`, found a dependency: it serves no stage", path.display())]
    IsDependency {
        /// The file.
        path: PathBuf,
    },
    /// A component that gives no value.
    #[error("expected a dependency in `{}`: {}", path.display(), problems.join("; "))]
    NoDependency {
        /// The file.
        path: PathBuf,
        /// What it lacks and what it wants.
        problems: Vec<String>,
    },
    /// A stage is declared to be run in a way that the plugin does not export.
    #[error(
        "the plugin `{}` declares the stage \"{stage}\" {}, and does not export `{lacks}`", path.display(),
        if *lacks == "batch-agent" { "in batches" } else { "task by task" }
    )]
    LacksAgent {
        /// The file.
        path: PathBuf,
        /// The stage.
        stage: String,
        /// The interface.
        lacks: &'static str,
    },
    /// The interfaces are right by name, and wrong in detail.
    #[error("`{}` does not fit the contract: {reason}", path.display())]
    Unlinkable {
        /// The file.
        path: PathBuf,
        /// wasmtime's own words.
        reason: String,
    },
    /// `describe` did not return.
    #[error(
        "{} failed when it was asked {}: {failure}",
        match to_be {
            Use::Plugin => format!("the plugin `{}`", path.display()),
            Use::Dependency => format!("the dependency `{}`", path.display()),
        },
        match to_be {
            Use::Plugin => "which stages it serves",
            Use::Dependency => "what it gives",
        }
    )]
    Describe {
        /// The file.
        path: PathBuf,
        /// As what it was asked.
        to_be: Use,
        /// What happened.
        failure: String,
    },
    /// It says itself that it cannot.
    #[error("the plugin `{}` refuses the stage \"{stage}\": {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// The stage.
        stage: String,
        /// Its own words.
        reason: String,
    },
    /// `describe` returned nothing.
    #[error("the plugin `{}` serves no stage: its `describe` returned an empty list", path.display())]
    NoStages {
        /// The file.
        path: PathBuf,
    },
    /// A stage without a name.
    #[error("the plugin `{}` declares a stage whose name is empty", path.display())]
    EmptyStage {
        /// The file.
        path: PathBuf,
    },
    /// The same stage twice in one plugin.
    #[error("the plugin `{}` declares the stage \"{stage}\" twice", path.display())]
    DuplicateStage {
        /// The file.
        path: PathBuf,
        /// The stage.
        stage: String,
    },
    /// `STAGE=FILE` does not fit the plugin.
    #[error(
        "`{}` was bound to the stage \"{stage}\", but declares several other stages: {}",
        path.display(), quoted(declared)
    )]
    UnboundStage {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        stage: String,
        /// What the plugin has.
        declared: Vec<String>,
    },
}

impl PluginError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Missing { near, .. } if !near.is_empty() => {
                format!("the folder has {}", quoted(near))
            }
            Self::Missing { .. } => "build the plugin first, for example with \
                 `cargo build --release --target wasm32-wasip1`; the file is then in target/wasm32-wasip1/release"
                .to_owned(),
            Self::Unreadable { .. } => "check the file's permissions".to_owned(),
            Self::NotWasm { .. } => "give the built `.wasm` file (or `.wat` text), not its source".to_owned(),
            Self::Invalid { .. } => "build it again; a build or a copy that was cut short leaves such a file"
                .to_owned(),
            Self::TooLarge { .. } => "raise --memory".to_owned(),
            Self::NoMetadata { .. } => "build it with runner-sdk or wit-bindgen, for the world \
                 `runner:stage/stage`; post-processing must keep custom sections"
                .to_owned(),
            Self::OtherWorld { path, .. } | Self::Unlinkable { path, .. } => format!(
                "a plugin exports `runner:stage/plugin@{version}` and `runner:stage/agent@{version}`, and imports only interfaces of \
                 `runner:stage@{version}` and WASI 0.2 (io, clocks, random, cli, filesystem, sockets); \
                 `runner-host inspect {}` shows what this one has",
                path.display(),
                version = super::contract::VERSION,
            ),
            Self::IsDependency { path } => {
                format!("give it to agents that ask for it: --dependency NAME={}", path.display())
            }
            Self::NoDependency { .. } => format!(
                "a dependency exports `runner:stage/dependency@{version}`; with runner-sdk, mark a function with `#[provide]`",
                version = super::contract::VERSION,
            ),
            Self::Refused { .. } => "what plugins are set to is given with `--set NAME=VALUE`".to_owned(),
            Self::LacksAgent { lacks, .. } => {
                format!("export `runner:stage/{lacks}@{version}`, or declare the stage otherwise", version = super::contract::VERSION)
            }
            Self::Describe { .. } => {
                "`describe` must return without looking at anything outside of the plugin".to_owned()
            }
            Self::NoStages { .. } | Self::EmptyStage { .. } => {
                "declare at least one stage by its exact title or UUID".to_owned()
            }
            Self::DuplicateStage { .. } => "give each stage one agent".to_owned(),
            Self::UnboundStage { path, declared, .. } => {
                let stage = declared.first().map_or("", String::as_str);
                format!("name one of them: --plugin \"{stage}={}\"", path.display())
            }
        })
    }

    pub(super) fn missing(path: &Path) -> Self {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut near: Vec<String> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.ends_with(".wasm") || name.ends_with(".wat"))
            .collect();
        near.sort();
        near.truncate(5);
        Self::Missing {
            path: path.to_owned(),
            near,
        }
    }

    pub(super) fn not_wasm(path: &Path, bytes: &[u8]) -> Self {
        let found = match std::str::from_utf8(bytes) {
            Ok("") => "an empty file".to_owned(),
            Ok(text) => {
                let line: String = text
                    .trim_start()
                    .chars()
                    .take_while(|c| *c != '\n')
                    .take(40)
                    .collect();
                format!("text that begins with `{}`", line.trim_end())
            }
            Err(_) => {
                let start: Vec<String> = bytes
                    .iter()
                    .take(4)
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                format!("a file that begins with the bytes {}", start.join(" "))
            }
        };
        Self::NotWasm {
            path: path.to_owned(),
            found,
        }
    }

    pub(super) fn not_compiled(path: &Path, error: &wasmtime::Error, limits: &Limits) -> Self {
        // wasmtime has no type for it.
        if error
            .root_cause()
            .to_string()
            .contains("memory has a minimum byte size")
        {
            return Self::TooLarge {
                path: path.to_owned(),
                limit: limits.memory >> 20,
            };
        }
        Self::invalid(path, error)
    }

    pub(super) fn invalid(path: &Path, error: &wasmtime::Error) -> Self {
        Self::Invalid {
            path: path.to_owned(),
            reason: error.root_cause().to_string(),
        }
    }
}

fn quoted(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect::<Vec<_>>()
        .join(", ")
}
