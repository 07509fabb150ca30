//! The client of Encord's HTTP API: the only place of the host that talks to the platform.
//!
//! Encord speaks two dialects. Version 1 is one endpoint that takes an envelope (label rows); version 2 is
//! a REST API whose requests are signed as HTTP messages (everything else). [`Client`] hides which is
//! which. The types of the wire stay in here; what leaves are plain ones, such as [`Project`] and [`Task`].
//!
//! The client forgives what it reads, so that a field, a status or a stage type that Encord adds tomorrow
//! breaks nothing, and is strict in what it sends. The embedded project is reached with the same client,
//! over loopback.

mod answer;
mod bundle;
mod call;
mod client;
mod clock;
mod domain;
mod error;
mod file;
mod issues;
mod key;
mod label_rows;
mod lenient;
mod listing;
mod operation;
#[cfg(test)]
mod peer;
mod project;
mod rate;
mod retry;
mod storage;
mod time;
mod transport;
mod types;
mod wire;
mod workflow;

pub use client::Client;
pub use domain::{Domain, InvalidDomain};
pub use error::{Error, ErrorKind};
pub use issues::{
    Issue, IssueAnchor, IssueComment, IssueCoordinate, IssueResolution, IssueTag, NewIssue,
};
pub use key::{InvalidKey, Key};
pub use listing::TaskListing;
pub(crate) use time::moment;
pub use types::{
    ConsensusOption, CreateOptions, LabelClassifications, LabelRowFilter, LabelRowMetadata,
    MetadataOptions, OntologyDocument, Pathway, PathwayChoice, Project, ProjectDataset,
    ReadOptions, ShadowData, Stage, StageReference, StorageItem, StorageItemUpdate, Task,
    TaskAction, TaskFilter, TaskPage, ValidationState,
};
