//! Why a run could not start, or go on.

use std::path::PathBuf;

use runner_media::MediaError;
use uuid::Uuid;

use super::graph::GraphError;
use super::summary::Summary;
use crate::encord::{self, ErrorKind};
use crate::journal::JournalError;
use crate::plugin::PluginError;

/// A run that ended early.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Aborted {
    /// Why.
    #[source]
    pub error: RunError,
    /// What was done until then.
    pub summary: Summary,
}

/// Why a run could not start, or go on. Except for the first two, nothing was touched.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Encord refused, or could not be reached.
    #[error(transparent)]
    Encord(#[from] encord::Error),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A plugin cannot run.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// Stages and dependencies do not fit together.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The project of a stage's twins cannot be read.
    #[error(
        "the stage \"{stage}\" looks at the same data in the project {project}, which cannot be read: {reason}"
    )]
    Twin {
        /// The stage.
        stage: String,
        /// That project.
        project: Uuid,
        /// Encord's answer.
        reason: String,
    },
    /// No plugin was named.
    #[error("expected at least one plugin, found none")]
    NoPlugin,
    /// The description of the runner lacks something.
    #[error("the runner was given no {}", .0.trim_start_matches("a "))]
    Incomplete(&'static str),
    /// wasmtime cannot be set up on this machine.
    #[error("the WebAssembly engine cannot be set up: {0}")]
    Engine(String),
    /// The project's ontology is not understood.
    #[error("the project's ontology cannot be read: {0}")]
    Ontology(String),
    /// The project is of the older kind.
    #[error("expected a workflow project, found \"{title}\", whose type is `{project_type}`")]
    NotAWorkflow {
        /// The project.
        title: String,
        /// As Encord spells it.
        project_type: String,
    },
    /// There is no stage that an agent could serve.
    #[error("expected a project with agent stages, found \"{title}\", whose workflow has none")]
    NoAgentStages {
        /// The project.
        title: String,
    },
    /// Agents are for stages that the project does not have.
    #[error("{}", unknown_stages(title, unknown, stages))]
    UnknownStages {
        /// The project.
        title: String,
        /// Plugin and the stage that it names.
        unknown: Vec<(PathBuf, String)>,
        /// The agent stages that there are.
        stages: Vec<(String, Uuid)>,
    },
    /// A declaration names a feature that the ontology does not have.
    #[error("the plugin `{}` does not fit the project: {reason}", plugin.display())]
    UnknownFeature {
        /// The plugin.
        plugin: PathBuf,
        /// What it names, and what there is.
        reason: String,
    },
    /// Two agents are for one stage.
    #[error("the stage \"{stage}\" has two agents: one in `{}`, one in `{}`", first.display(), second.display())]
    StageTwice {
        /// The stage.
        stage: String,
        /// The plugin of the first agent.
        first: PathBuf,
        /// The plugin of the second agent.
        second: PathBuf,
    },
    /// No plugin serves the stage that was asked for.
    #[error("no plugin serves the stage \"{stage}\"; served are: {}", served.join(", "))]
    NotServed {
        /// The stage.
        stage: String,
        /// The titles of the stages that are.
        served: Vec<String>,
    },
    /// A stage declares files, and there is nowhere to put them.
    #[error("files cannot be downloaded to `{}`: {error}", folder.display())]
    Media {
        /// The directory of downloaded files.
        folder: PathBuf,
        /// What is wrong with it.
        error: MediaError,
    },
    /// The callback before the run refused.
    #[error("the run was refused: {0}")]
    Refused(String),
}

impl RunError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Encord(error) => error.help(),
            Self::Journal(error) => error.help(),
            Self::Plugin(error) => error.help(),
            Self::Graph(error) => Some(error.help()),
            Self::Twin { .. } => Some(
                "check the UUID that the plugin was set to, and that your account can read that project".to_owned(),
            ),
            Self::NoPlugin => Some("name one: --plugin stage.wasm".to_owned()),
            Self::Incomplete(_) | Self::Refused(_) => None,
            Self::Engine(_) => Some("check the limits of the system, of address space above all (ulimit -v)".to_owned()),
            Self::Ontology(_) => Some("open the ontology in Encord's editor and save it again".to_owned()),
            Self::NotAWorkflow { .. } | Self::NoAgentStages { .. } => Some(
                "task agents need a workflow project with an agent stage; add one in the project's workflow \
                 settings"
                    .to_owned(),
            ),
            Self::UnknownStages { unknown, stages, .. } => {
                let ((path, stage), (title, _)) = (unknown.first()?, stages.first()?);
                Some(format!(
                    "bind the agent to a stage: --plugin \"{title}={}\"\n      or name the stage in the plugin, \
                     in Rust: #[stage(\"{title}\")] in place of #[stage(\"{stage}\")]",
                    path.display()
                ))
            }
            Self::UnknownFeature { .. } => {
                Some("correct the name in the plugin, or add the feature to the ontology".to_owned())
            }
            Self::StageTwice { second, .. } => Some(format!(
                "leave one out, or bind the second to another stage: --plugin \"<stage>={}\"",
                second.display()
            )),
            Self::Media { error, .. } => {
                let help = error.help().map(str::to_owned);
                help.or_else(|| Some("make it writable, or name another: --media-cache".to_owned()))
            }
            Self::NotServed { .. } => Some("add the plugin that serves it".to_owned()),
        }
    }

    /// Whether it can pass while a run waits for its next pass: Encord or the network failed, a key was refused, the disk is
    /// full.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Encord(error) => {
                let refused = [ErrorKind::Authentication, ErrorKind::Authorisation];
                error.is_transient() || refused.contains(&error.kind())
            }
            Self::Journal(JournalError::Database { .. }) => true,
            _ => false,
        }
    }

    /// True if it is a mistake in what the user gave, false if Encord or the machine failed.
    pub fn is_mistake(&self) -> bool {
        match self {
            Self::Encord(error) => !error.is_transient(),
            Self::Journal(JournalError::InUse { .. } | JournalError::Later { .. }) => true,
            Self::Journal(_) | Self::Engine(_) | Self::Ontology(_) => false,
            Self::Media { .. } => true,
            _ => true,
        }
    }
}

fn unknown_stages(title: &str, unknown: &[(PathBuf, String)], stages: &[(String, Uuid)]) -> String {
    let mut text = String::new();
    for (path, stage) in unknown {
        text += &format!(
            "the plugin `{}` is for the stage \"{stage}\", which is no agent stage of the project \"{title}\"\n",
            path.display()
        );
    }
    text += "  its agent stages are:";
    for (title, uuid) in stages {
        text += &format!("\n    \"{title}\"  {uuid}");
    }
    text
}
