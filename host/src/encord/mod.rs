//! The client of Encord's HTTP API: the only place of the host that talks to the platform.
//!
//! Encord speaks two dialects. Version 1 is one endpoint that takes an envelope (label rows); version 2 is
//! a REST API whose requests are signed as HTTP messages (everything else). [`Client`] hides which is
//! which. The types of the wire stay in here; what leaves are plain ones, such as [`Project`] and [`Task`].
//!
//! The client forgives what it reads, so that a field, a status or a stage type that Encord adds tomorrow
//! breaks nothing, and is strict in what it sends. The embedded project is reached with the same client,
//! over loopback.

mod bundle;
mod client;
mod domain;
mod error;
mod key;
mod operation;
#[cfg(test)]
mod peer;
mod requests;
mod retry;
mod time;
mod transport;
mod types;
mod wire;

pub use client::Client;
pub use domain::{Domain, InvalidDomain};
pub use error::{Error, ErrorKind};
pub use key::{InvalidKey, Key};
pub use types::{
    LabelRowMetadata, MetadataOptions, OntologyDocument, Pathway, Project, ReadOptions, Stage,
    StorageItem, Task, TaskPage,
};
