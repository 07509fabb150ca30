//! Runs Encord *task agents* as sandboxed WebAssembly components.
//!
//! The program `runner-host` is a thin layer over this library: what it does, [`Runner`] does. See
//! `host/ARCHITECTURE.md` for a map of the code.
//!
//! ```no_run
//! use runner_host::{CancellationToken, Runner, encord};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let key = encord::Key::parse(&std::env::var("ENCORD_SSH_KEY")?, None)?;
//! let client = encord::Client::new("https://api.encord.com".parse()?, key)?;
//! let runner = Runner::builder()
//!     .client(client)
//!     .project_hash("11111111-1111-4111-8111-111111111111".parse()?)
//!     .plugin("stage.wasm".parse()?)
//!     .state_dir("state")
//!     .before_run(|project, _plugins| {
//!         if project.title.starts_with("Archive") { Err("the project is archived".into()) } else { Ok(()) }
//!     })
//!     .build()
//!     .await?;
//! let summary = runner.run(CancellationToken::new()).await?;
//! assert_eq!(summary.failed(), 0);
//! # Ok(())
//! # }
//! ```

pub mod app;
pub mod encord;
pub mod engine;
pub mod journal;
pub mod local;
pub mod plugin;
pub mod runner;

mod cli;
mod coco;
mod off_thread;
mod picture;
mod pixels;
mod settings;
mod telemetry;

/// The ontology and the label row: typed reading and editing of Encord's JSON documents.
pub use runner_labels as labels;

pub use engine::Limits;
pub use plugin::PluginRef;
pub use runner::{
    RunError, RunOptions, Runner, RunnerBuilder, StageSummary, Summary, TaskFailure, Undeclared,
};
pub use tokio_util::sync::CancellationToken;
