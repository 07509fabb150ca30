//! The embedded project: a readable `project.toml` beside a SQLite state file, and an HTTP server that speaks
//! Encord's API from them.
//!
//! [`init`] makes a project from a folder of media, [`Project::open`] opens it, [`Server::start`] serves one or
//! several. Whoever talks to the server cannot tell it from Encord as far as the operations that a task agent
//! needs go; the official Python SDK works against it unmodified.
//!
//! What people decide (titles, ontology, workflow) stands in `project.toml` and is read each time the project is
//! opened. What happens (tasks, labels, client metadata) stands in `state.sqlite`.

mod clock;
mod error;
mod identity;
mod init;
mod label_row;
mod manifest;
mod media;
mod probe;
mod project;
mod server;
mod store;
mod template;

#[cfg(test)]
mod tests;

pub use error::{LocalError, MediaProblem, Mistake};
pub use init::{InitOptions, InitReport, init};
pub use manifest::{Pathway, Stage, StageKind};
pub use project::Project;
pub use server::{FaultPlan, FaultPlanError, Faults, RuleCount, Server, ServerOptions};

/// The account that every change is attributed to.
const ACCOUNT: &str = "agent@local";
/// The branch that tasks are about.
const MAIN_BRANCH: &str = "main";
/// What people write.
const MANIFEST_FILE: &str = "project.toml";
/// What the server writes.
const STATE_FILE: &str = "state.sqlite";
/// Locked (shared) by whoever has the project open, and (exclusively) by whoever changes its media.
const LOCK_FILE: &str = "state.lock";
