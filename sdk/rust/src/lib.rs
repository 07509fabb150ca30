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
//! Parameters are what implements [`FromContext`], in any order, and `&`[`Context`]:
//!
//! | parameter | |
//! |---|---|
//! | [`AgentTask`], [`Project`], [`AgentStage`], [`Ontology`] | what the agent runs for |
//! | [`LabelRow`], [`StorageItem`] | labels, and the file that they are of |
//! | [`Asset`], [`SingleFrame`], [`VideoIterator`], [`VideoSampler`] | what is in the file |
//! | [`Twin`] | the same data in another project |
//! | [`Settings`], [`Client`] | what the user has set; calls of Encord's API |
//! | [`Depends`], [`Handle`] | values of functions with [`#[dependency]`](macro@dependency), and of components that [`named!`] declares |
//! | [`Batch`] | several tasks at once |
//!
//! What can be returned
//! is listed at [`IntoOutcome`], and what happens on an error at [`AgentError`]. A panic ends the attempt
//! too, and the host shows its message. [`#[stage]`](macro@stage) has the options of a stage.

// A published crate needs a copy of `wit/` inside of its package; in the repository there is one only.

mod answers;
mod batch;
mod bindings;
mod boxes;
mod classification;
mod client;
mod context;
mod declaration;
mod dependency;
mod errors;
mod frames;
mod geometry;
mod instances;
mod json;
mod label_row;
mod labelling;
mod logging;
mod media;
mod new_object;
mod object;
mod ontology;
mod outcome;
mod picture;
mod plugin;
mod provide;
mod run;
mod settings;
mod shape;
mod space;
mod twin;
mod uuid;
mod value;

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
/// | option | |
/// |---|---|
/// | `twin = "<uuid>"` | the project that a [`Twin`] is in |
/// | `twin_setting = "name"` | the same, as the value of a setting (`--set name=<uuid>`), without which the host does not start |
/// | `twin_task` | the twin's task is fetched along with its label row |
/// | `batch = 32` | up to so many tasks are taken at once, as a [`Batch`] |
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

/// Makes a function a dependency: something that agents, and other dependencies, take as [`Depends`]`<function>`.
///
/// The function is left as it is. Beside it there is a type of the same name, which comes along wherever the function is
/// imported. Its parameters are those that agents take, other dependencies among them. It returns the value, or a `Result` of
/// it; an error is that of the attempt. (A type that is another name of a `Result` is taken for the value.)
///
/// | option | |
/// |---|---|
/// | `teardown = function` | called with a reference to the value once the attempt has ended, before the value is dropped |
/// | `per_run` | called once in a run, not once in an attempt |
///
/// ```
/// use runner_sdk::prelude::*;
///
/// #[dependency]
/// fn brightness(frame: SingleFrame) -> f64 {
///     frame.brightness()
/// }
///
/// #[dependency(teardown = say)]
/// fn grade(brightness: Depends<brightness>, settings: Settings) -> Result<u8> {
///     let most = settings.parse("most")?.unwrap_or(255.0);
///     Ok((*brightness / most * 10.0) as u8)
/// }
///
/// fn say(grade: &u8) {
///     info!("graded {grade}");
/// }
///
/// #[stage("Grade")]
/// fn route(grade: Depends<grade>) -> &'static str {
///     if *grade < 3 { "Reject" } else { "Keep" }
/// }
/// ```
///
/// # Once in a run
///
/// With `per_run`, the function is called when an attempt first asks for the value, in an instance of its own, and the host keeps
/// what it returns for all later attempts of the run: a `Vec<u8>`, a `String`, or a [`Json`] of any type that serde knows
/// ([`PerRunValue`]). It is gone when the run ends, or the plugin is replaced. [`Depends`] reads it once in each attempt that asks
/// for it, [`Handle`] only in the parts that are asked for. There is no task yet, so its parameters are what a run has
/// ([`FromRun`]): `Project`, `Ontology`, `Settings`, `Client`, and dependencies that hold for the run.
///
/// ```
/// use std::collections::HashMap;
/// use runner_sdk::prelude::*;
///
/// #[dependency(per_run)]
/// fn sites(client: Client) -> Result<Json<HashMap<String, String>>> {
///     Ok(Json(client.get("…", &[])?))
/// }
///
/// #[stage("Route by site")]
/// fn route(sites: Depends<sites>, task: AgentTask) -> Option<String> {
///     sites.get(&task.data_title()).cloned()
/// }
/// ```
///
/// Another value of the run that such a function [`Depends`] on is made anew, in its own instance.
pub use runner_sdk_macros::dependency;

/// Makes the plugin a dependency component: something that the user names when the host starts
/// (`--dependency name=file.wasm`), and that agents and other components in any language ask for by that name, in Rust with
/// [`named!`].
///
/// The function is called when the value is first asked for in an attempt, in an instance of the component's own. Its parameters
/// are those that agents take; it can read what an agent can read, and changes nothing: saving a label row is refused. It returns
/// what [`Provided`] lists: [`Json`], [`Bytes`], or something that answers calls. A crate has one such function.
///
/// | option | |
/// |---|---|
/// | `per_run` | the value holds for the whole run; parameters are what a run has ([`FromRun`]) |
/// | `client_metadata`, `reviews`, `signed_url`, `branch`, `objects`, `classifications`, `twin`, `twin_setting`, `twin_task` | as those of [`#[stage]`](macro@stage) |
///
/// ```
/// use runner_sdk::prelude::*;
///
/// #[provide]
/// fn size(item: StorageItem) -> Json<JsonValue> {
///     Json(json!({ "width": item.width(), "height": item.height() }))
/// }
/// ```
pub use runner_sdk_macros::provide;

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

pub use serde_json;
pub use serde_json::{Value as JsonValue, json};

pub use answers::{Answered, IntoAnswers};
pub use batch::{Batch, IntoOutcomes, Outcomes};
pub use classification::ClassificationInstance;
pub use client::{Client, Method};
#[doc(hidden)]
pub use context::Lent;
pub use context::{Context, FromContext};
pub use declaration::Declaration;
pub use dependency::{Dependency, Depends, RunDependency};
pub use errors::{AgentError, Error, Result};
pub use frames::IntoFrames;
pub use geometry::{Polyline, Skeleton, Visibility};
pub use instances::{Classifications, Objects};
pub use json::Json;
pub use label_row::LabelRow;
pub use logging::{Level, log};
pub use media::{Asset, VideoIterator, VideoSampler};
pub use new_object::NewObject;
pub use object::ObjectInstance;
pub use ontology::{Ontology, Project};
pub use outcome::{IntoAgentError, IntoOutcome, Outcome, Pathway};
pub use picture::{AsGeometry, Encoding, Frame, ImageFormat, Pixels, SingleFrame};
pub use provide::{Given, Provided, Service};
#[doc(hidden)]
pub use run::LentForRun;
pub use run::{FromRun, Handle, PerRunValue, RunContext, Stored};
pub use settings::{Settings, setting};
pub use shape::{Drawing, IntoShape, Ranges};
pub use space::Space;
pub use twin::{Twin, TwinStage};
pub use uuid::{Uuid, UuidError};
pub use value::{Bytes, Callable, Named, NamedDependency, Value, ValueKind};

/// All that most agents need: `use runner_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::{
        AgentError, AgentStage, AgentTask, Answer, Asset, Batch, Bitmask, BoundingBox, Bytes,
        Callable, Circle, Client, Context, Cuboid, Cuboid2d, Declaration, Depends, Ellipse,
        Encoding, Error, Frame, FrameRange, FromContext, Handle, HtmlRange, ImageFormat, Json,
        JsonValue, LabelRow, Ontology, Outcome, Outcomes, Pathway, Point, Polygon, Polyline,
        Project, Result, RotatableBoundingBox, RunContext, Service, Settings, SingleFrame,
        Skeleton, StorageItem, Twin, Uuid, VideoIterator, VideoSampler, dependency, json, named,
        provide, setting, stage, uuid,
    };
    pub use crate::{debug, error, info, trace, warn};
}

/// For code that the attributes generate.
#[doc(hidden)]
pub mod __private {
    pub use crate::batch::TakesBatch;
    pub use crate::plugin::{Run, Stage, register};
    pub use crate::provide::{Make, Provider, register_provider};
    pub use crate::run::{PerRun, register_per_run};
    pub use crate::twin::TwinProject;

    use crate::{AgentError, IntoAgentError};

    /// What a function returns that can fail.
    pub trait Fallible {
        type Value;

        fn into_result(self) -> Result<Self::Value, AgentError>;
    }

    impl<T, E: IntoAgentError> Fallible for Result<T, E> {
        type Value = T;

        fn into_result(self) -> Result<T, AgentError> {
            self.map_err(E::into_agent_error)
        }
    }
}

/// Compiles the code in the repository's README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct RepositoryReadme;

/// Compiles the code in what is said of dependencies.
#[cfg(doctest)]
#[doc = include_str!("../../../host/DEPENDENCIES.md")]
struct Dependencies;

/// Compiles the code in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
