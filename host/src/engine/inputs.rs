//! What the engine is given for an attempt, and what it gives back: plain data. Where the data comes
//! from, and what becomes of the decision, is not the engine's business.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use runner_media::{MediaFile, Store};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::encord::{LabelRowMetadata, Project, Stage, StorageItem, Task};
use crate::labels::Ontology;

/// What one attempt works on. Cheap to clone: each attempt gets its own.
#[derive(Clone)]
pub struct Inputs {
    /// The project that the run is on.
    pub project: Arc<Project>,
    /// The project's ontology.
    pub ontology: Arc<Ontology>,
    /// The stage at which the task waits.
    pub stage: Arc<Stage>,
    /// The task.
    pub task: Arc<Task>,
    /// 0 for the first attempt.
    pub attempt: u32,
    /// Takes what the plugin logs in the attempt, besides the host's own log. Of several tasks in one call, the first one's
    /// is filled.
    pub log: AttemptLog,
    /// Gives what is asked for and may not be at hand.
    pub resolver: Arc<dyn Resolver>,
}

/// The lines that a plugin logged in an attempt, each with its level in front. Clones share them. They are as long as the
/// limit on its log allows.
#[derive(Debug, Clone, Default)]
pub struct AttemptLog(Arc<Mutex<String>>);

impl AttemptLog {
    /// All lines so far.
    pub fn text(&self) -> String {
        self.lock().clone()
    }

    pub(super) fn push(&self, level: tracing::Level, line: &str) {
        use fmt::Write;
        // Writing to a string does not fail.
        let _ = writeln!(self.lock(), "{level:>5} {line}");
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        // A text is good whatever happened.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves what an agent asks for. What was fetched with the batch is given at once, the rest is
/// fetched now; the engine cannot tell which.
pub trait Resolver: Send + Sync {
    /// The label row of the task.
    fn label_row(&self) -> BoxFuture<'_, Result<LabelRowInput, Unresolved>>;
    /// The storage item behind the task's data unit.
    fn storage_item(&self) -> BoxFuture<'_, Result<Arc<StorageItem>, Unresolved>>;
    /// The same data in another project; none if that project does not have it.
    fn twin(&self, project: Uuid) -> BoxFuture<'_, Result<Option<Twin>, Unresolved>>;
    /// The label row of the same data in another project; none if that project does not have the data, or
    /// has never labelled it.
    fn twin_label_row(&self, project: Uuid) -> BoxFuture<'_, Result<Option<TwinRow>, Unresolved>>;
    /// The task about the same data in another project; none if it waits at no stage of that project.
    fn twin_task(&self, project: Uuid) -> BoxFuture<'_, Result<Option<Arc<Task>>, Unresolved>>;
    /// The items that an item is made of, in their order; none for an item that is one file.
    fn children<'a>(
        &'a self,
        item: &'a Arc<StorageItem>,
    ) -> BoxFuture<'a, Result<Vec<Arc<StorageItem>>, Unresolved>>;
    /// The file of an item that is one, or of a child of one.
    fn file<'a>(
        &'a self,
        item: &'a Arc<StorageItem>,
    ) -> BoxFuture<'a, Result<Arc<MediaFile>, Unresolved>>;
    /// Where files are kept; none if there are no files here.
    fn store(&self) -> Option<&Store>;
}

/// The way to Encord's API, for components that the user has granted it.
pub trait Platform: Send + Sync {
    /// Calls it. Whether that was granted is not asked here.
    fn call(&self, call: PlatformCall) -> BoxFuture<'_, Result<String, Unresolved>>;
}

/// A task's data in another project.
#[derive(Debug, Clone)]
pub struct Twin {
    /// That project.
    pub project: Uuid,
    /// What it lists of the label row, with the stage that its task is at.
    pub metadata: Arc<LabelRowMetadata>,
}

/// The label row of a task's data in another project.
#[derive(Debug, Clone)]
pub struct TwinRow {
    /// The row.
    pub row: LabelRowInput,
    /// The ontology of that project.
    pub ontology: Arc<Ontology>,
}

/// A call of Encord's API that a guest makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlatformCall {
    /// The REST API.
    Request {
        /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
        method: &'static str,
        /// What comes after `/v2/public/`, as the guest gave it.
        path: String,
        /// Not encoded yet.
        query: Vec<(String, String)>,
        /// JSON text.
        body: Option<String>,
    },
    /// The older API.
    Query {
        /// `project` or `dataset`.
        resource_type: &'static str,
        /// Which one.
        resource: Uuid,
        /// For example `labelrow`.
        query_type: String,
        /// `GET`, `POST`, `PUT` or `DELETE`.
        query_method: String,
        /// JSON; null if absent.
        uid: Value,
        /// JSON; null if absent.
        payload: Value,
    },
}

/// A label row as it was read. The document is shared: an attempt that edits it edits a copy.
#[derive(Debug, Clone)]
pub struct LabelRowInput {
    /// What Encord lists of the row without opening it.
    pub metadata: Arc<LabelRowMetadata>,
    /// The row's label hash. A row that had none got one when it was read.
    pub label_hash: Uuid,
    /// The label row document.
    pub document: Arc<Value>,
    /// True if some features were left out when reading, so that saving it would remove them.
    pub partial: bool,
    /// When it had been edited last: if Encord still says so, nobody has edited it since. Absent if that would prove nothing,
    /// since it was read within seconds of that edit, and Encord tells moments to the second.
    pub edited_at: Option<String>,
}

/// Why a dependency could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// It does not exist, or no longer.
    #[error("{0}")]
    NotFound(String),
    /// The account may not have it.
    #[error("{0}")]
    Forbidden(String),
    /// Encord or the network failed, after the client's own retries.
    #[error("{0}")]
    Unavailable(String),
    /// What was asked for makes no sense: a bad argument of a call.
    #[error("{0}")]
    Invalid(String),
    /// It has no meaning for this type of data.
    #[error("{0}")]
    Unsupported(String),
    /// It is over a limit of the host.
    #[error("{0}")]
    TooLarge(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// What an agent decided for a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Name or UUID of a pathway as the agent gave it; none if the task is to stay.
    pub pathway: Option<String>,
    /// From 0 to 1.
    pub priority: Option<f64>,
    /// The label row to save, if the agent asked for it and there is a difference to save.
    pub labels: Option<SavedRow>,
    /// Storage items whose client metadata is to be replaced.
    pub items: Vec<SavedItem>,
    /// True if the agent edited the row and did not ask for it to be saved.
    pub unsaved_edits: bool,
    /// What the agent added or edited, and that lacks the answer to a required attribute: a sentence for each.
    pub missing_answers: Vec<String>,
}

/// A label row to save.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedRow {
    /// Whose row it is.
    pub label_hash: Uuid,
    /// The whole document.
    pub document: Arc<Value>,
}

/// A storage item to change.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedItem {
    /// Which one.
    pub item: Uuid,
    /// What it is to have as its client metadata, in place of all that it had.
    pub client_metadata: Map<String, Value>,
    /// What it had as its client metadata when it was read; empty if none.
    pub read: Map<String, Value>,
}

/// Why an attempt came to no decision. Nothing of it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The agent said that another attempt may work.
    Retryable(String),
    /// The agent said that another attempt would fail the same way.
    Fatal(String),
    /// The agent returned what a call of the contract had refused: an edit that the ontology does not allow, a wrong
    /// argument, a value over a limit.
    Invalid(String),
    /// What the agent returned is not in the contract: a priority out of range, too few outcomes.
    Contract(String),
    /// The agent named a pathway that the stage does not have.
    UnknownPathway(String),
    /// The plugin trapped.
    Trap {
        /// What happened, with the end of what the plugin wrote to standard error.
        message: String,
        /// Where, innermost first, with function names where the plugin has them. May be empty.
        backtrace: String,
    },
    /// It took longer than the limit.
    Timeout(Duration),
    /// It needed more memory than the limit, in bytes.
    OutOfMemory(usize),
}

/// Further attempts after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retries {
    /// As many as the run allows.
    All,
    /// One.
    One,
    /// None.
    None,
}

impl Failure {
    /// How many further attempts there may be. What the plugin did by itself it will most likely do again, so it gets one
    /// more instance and not all retries.
    pub fn retries(&self) -> Retries {
        match self {
            Self::Retryable(_) => Retries::All,
            Self::Fatal(_) => Retries::None,
            Self::Invalid(_)
            | Self::Contract(_)
            | Self::UnknownPathway(_)
            | Self::Trap { .. }
            | Self::Timeout(_)
            | Self::OutOfMemory(_) => Retries::One,
        }
    }

    /// The outcome's name: `retryable error`, `fatal error`, `invalid argument`, `contract violation`, `unknown pathway`,
    /// `trap`, `timeout`, `out of memory`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Retryable(_) => "retryable error",
            Self::Fatal(_) => "fatal error",
            Self::Invalid(_) => "invalid argument",
            Self::Contract(_) => "contract violation",
            Self::UnknownPathway(_) => "unknown pathway",
            Self::Trap { .. } => "trap",
            Self::Timeout(_) => "timeout",
            Self::OutOfMemory(_) => "out of memory",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retryable(message)
            | Self::Fatal(message)
            | Self::Invalid(message)
            | Self::Contract(message)
            | Self::UnknownPathway(message) => write!(f, "{message}"),
            Self::Trap { message, backtrace } if backtrace.is_empty() => write!(f, "{message}"),
            Self::Trap { message, backtrace } => write!(f, "{message}\n{backtrace}"),
            Self::Timeout(limit) => {
                write!(
                    f,
                    "no outcome within {} s (raise --timeout if it needs longer)",
                    limit.as_secs_f64()
                )
            }
            Self::OutOfMemory(limit) => write!(
                f,
                "the plugin asked for more than {} MiB of memory (raise --memory if it needs more)",
                limit >> 20
            ),
        }
    }
}
