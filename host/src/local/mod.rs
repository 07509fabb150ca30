//! The embedded project: a readable `project.toml` beside a SQLite state file, and an HTTP server that speaks
//! Encord's API from them.
//!
//! [`init`] makes a project from a folder of media, [`Workspace::open`] opens the folder with the project, and
//! whatever else it holds, [`Server::start`] serves one such folder or several. Whoever talks to the server cannot tell it from Encord as far as the operations that a task agent
//! needs go; the official Python SDK works against it unmodified.
//!
//! What people decide (titles, ontologies, workflows) stands in `project.toml`, which is read each time the folder is
//! opened, and taken over into the state file if it has changed. What happens (tasks, labels, client metadata,
//! projects that a client makes) stands in `state.sqlite` alone. The server reads nothing but that.

mod clock;
mod collect;
mod error;
mod identity;
mod init;
mod label_row;
mod manifest;
mod media;
mod probe;
mod sent_row;
mod server;
mod store;
mod sync;
mod template;
mod workspace;

#[cfg(test)]
mod tests;

pub use error::{LocalError, MediaProblem, Mistake};
pub use init::{InitOptions, InitReport, init};
pub use manifest::{Pathway, Stage, StageKind};
pub use server::{FaultPlan, FaultPlanError, Faults, RuleCount, Server, ServerOptions};
pub use workspace::{ProjectInfo, Workspace};

/// The account that every change is attributed to.
const ACCOUNT: &str = "agent@local";
/// The branch that tasks are about.
const MAIN_BRANCH: &str = "main";
/// What people write.
const MANIFEST_FILE: &str = "project.toml";
/// What the server writes.
const STATE_FILE: &str = "state.sqlite";
/// Folder of the files that clients have uploaded.
const UPLOADS: &str = "uploads";
/// Locked (shared) by whoever has the project open, and (exclusively) by whoever changes its media.
const LOCK_FILE: &str = "state.lock";
