//! Write Encord task agents for runner-host in Rust.
//!
//! An agent is a function that decides what becomes of one task at one stage of a workflow. It takes
//! what it needs, and returns where the task goes:
//!
//! ```
//! use runner_sdk::prelude::*;
//!
//! #[stage("Pre-label")]
//! fn prelabel(task: AgentTask, row: LabelRow, item: StorageItem) -> Result<Pathway> {
//!     if item.file_size() == Some(0) {
//!         warn!("{} is empty", task.data_title());
//!         return Ok(Pathway::named("Discard"));
//!     }
//!     row.add_bounding_box("Car", BoundingBox::new(0.25, 0.25, 0.5, 0.5), 0)?;
//!     row.add_classification("Weather", Answer::option("Sunny"))?;
//!     row.save()?;
//!     Ok(Pathway::named("Review"))
//! }
//!
//! #[stage("Hand out")]
//! fn hand_out(task: AgentTask) -> Option<&'static str> {
//!     // A task that nobody has stays here.
//!     task.assignee().map(|_| "Annotate")
//! }
//! ```
//!
//! All such functions of a program make one plugin, whose stages are in source order: within a file
//! from top to bottom, the files in the order of their paths. The program is a library with
//! `crate-type = ["cdylib"]`, built for `wasm32-wasip1`; the file that this gives is what the host takes:
//!
//! ```text
//! cargo build --release --target wasm32-wasip1
//! runner-host --plugin target/wasm32-wasip1/release/prelabel.wasm --project-hash <uuid>
//! ```
//!
//! Each call is made in a fresh instance of the plugin: nothing is left of earlier ones. A plugin has no
//! network and no files of its own; what it works on, the host hands to it.
//!
//! Parameters are what implements [`FromContext`], in any order, and `&`[`Context`]. What can be returned
//! is listed at [`IntoOutcome`], and what happens on an error at [`AgentError`]. A panic ends the attempt
//! too, and the host shows its message. [`#[stage]`](macro@stage) has the options of a stage.

// A published crate needs a copy of `wit/` inside of its package; in the repository there is one only.

mod answers;
mod bindings;
mod boxes;
mod classification;
mod context;
mod declaration;
mod errors;
mod frames;
mod geometry;
mod instances;
mod label_row;
mod labelling;
mod logging;
mod new_object;
mod object;
mod ontology;
mod outcome;
mod plugin;
mod shape;
mod space;
mod uuid;

/// Makes a function the agent of a stage.
///
/// The string is the exact title or the UUID of an agent stage in the project's workflow. Options follow
/// it, in any order:
///
/// | option | the label row |
/// |---|---|
/// | `client_metadata` | has its client metadata, which is otherwise absent |
/// | `reviews` | has what reviewers said of its objects, which is otherwise absent |
/// | `signed_url` | has a URL that can be read as its data link |
/// | `branch = "…"` | is that of this branch, instead of the task's own |
/// | `objects = ["…", …]` | has only objects of these features, and cannot be saved |
/// | `classifications = ["…", …]` | has only classifications of these features, and cannot be saved |
///
/// Features are given by feature hash or exact name.
///
/// ```
/// use runner_sdk::prelude::*;
///
/// #[stage("Check", client_metadata, branch = "predictions")]
/// fn check(row: LabelRow) -> &'static str {
///     if row.client_metadata().is_some() && !row.objects().is_empty() { "Accept" } else { "Reject" }
/// }
///
/// #[stage("6011c844-fb26-438b-b465-0b0825951015", objects = ["PXFZO2ra", "Person"])]
/// fn count(row: LabelRow) -> Outcome {
///     Outcome::to("Next").priority(if row.objects().len() > 10 { 1.0 } else { 0.5 })
/// }
/// ```
///
/// The function is left as it is, so that other code can call it. It cannot be generic, `async` or a
/// method. It belongs into the plugin's own crate: the linker may leave out those of a library.
pub use runner_sdk_macros::stage;

pub use bindings::runner::stage::labels::{
    Annotation, Answer as ExistingAnswer, AnswerValue, AttributeAnswer as Answer, Bitmask,
    BoundingBox, ChosenOption, Circle, CopiedLabels, Cuboid, Cuboid2d, DataUnit, DynamicAnswer,
    Ellipse, Geometry, GivenAnswer, HtmlNode, HtmlRange, Perspective, Point, Polygon, Projection,
    RotatableBoundingBox, SkeletonPoint, WorkflowNode,
};
pub use bindings::runner::stage::ontology::{
    Attribute, AttributeOption, OntologyClassification, OntologyObject, TemplatePoint,
};
pub use bindings::runner::stage::storage::StorageItem;
pub use bindings::runner::stage::types::FrameRange;
pub use bindings::runner::stage::workflow::{
    AgentStage, Pathway as StagePathway, Task as AgentTask, WorkflowStage,
};

pub use answers::{Answered, IntoAnswers};
pub use classification::ClassificationInstance;
#[doc(hidden)]
pub use context::Lent;
pub use context::{Context, FromContext};
pub use declaration::Declaration;
pub use errors::{AgentError, Error, Result};
pub use frames::IntoFrames;
pub use geometry::{Polyline, Skeleton, Visibility};
pub use instances::{Classifications, Objects};
pub use label_row::LabelRow;
pub use logging::{Level, log};
pub use new_object::NewObject;
pub use object::ObjectInstance;
pub use ontology::{Ontology, Project};
pub use outcome::{IntoAgentError, IntoOutcome, Outcome, Pathway};
pub use shape::{Drawing, IntoShape, Ranges};
pub use space::Space;
pub use uuid::{Uuid, UuidError};

/// All that most agents need: `use runner_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::{
        AgentError, AgentStage, AgentTask, Answer, Bitmask, BoundingBox, Circle, Context, Cuboid,
        Cuboid2d, Declaration, Ellipse, Error, FrameRange, FromContext, HtmlRange, LabelRow,
        Ontology, Outcome, Pathway, Point, Polygon, Polyline, Project, Result,
        RotatableBoundingBox, Skeleton, StorageItem, Uuid, stage, uuid,
    };
    pub use crate::{debug, error, info, trace, warn};
}

/// For code that `#[stage]` generates.
#[doc(hidden)]
pub mod __private {
    pub use crate::plugin::{Stage, register};
}

/// Compiles the code in the repository's README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct RepositoryReadme;

/// Compiles the code in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
