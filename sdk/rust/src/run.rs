//! What is made once in a run.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::exports::runner::stage::per_run;
use crate::bindings::runner::stage::context as wit;
use crate::dependency::Cache;
use crate::plugin::{Place, Plugin, Registry};
use crate::{
    AgentError, Bytes, Context, Declaration, Dependency, Error, FromContext, Json, Ontology,
    Project, Result, Value, json,
};

/// What there is for values that are made once in a run: no task, and nothing of one. A clone is another handle of it.
#[derive(Clone, Debug)]
pub struct RunContext {
    run: Rc<Run>,
}

#[derive(Debug)]
struct Run {
    run: wit::RunContext,
    cache: Cache,
}

impl RunContext {
    pub(crate) fn new(run: wit::RunContext) -> Self {
        let cache = Cache::default();
        Self {
            run: Rc::new(Run { run, cache }),
        }
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.run.cache
    }

    /// The project.
    pub fn project(&self) -> Project {
        Project::new(self.run.run.project())
    }

    /// What the dependency of this name gives, if it holds for the run. [`named!`](crate::named) is the typed way.
    ///
    /// # Errors
    /// As for [`Context::dependency`]; [`Error::Unsupported`] for one that is made for each attempt.
    pub fn dependency(&self, name: &str) -> Result<Value, Error> {
        self.run.run.dependency(name).map(Value::new)
    }
}

impl RunContext {
    /// For code that `#[dependency(per_run)]` generates.
    #[doc(hidden)]
    pub fn per_run_value(&self, name: &str) -> Result<Value, Error> {
        self.run.run.per_run_value(name).map(Value::new)
    }
}

/// What a function can take that is called once in a run, with `#[dependency(per_run)]` or `#[provide(per_run)]`.
#[diagnostic::on_unimplemented(
    message = "what is made once in a run cannot take a `{Self}`",
    label = "not there before there is a task",
    note = "parameters of functions with `per_run`, any of them in any order: `Project`, `Ontology`, `Settings`, `Client`, \
            `RunContext`, `&RunContext`, `Depends` of another function with `per_run` or of what `named!` declares"
)]
pub trait FromRun: Sized {
    /// Says what resolving it needs: only dependencies, since there is no task.
    fn declare_for_run(declaration: &mut Declaration) {
        let _ = declaration;
    }

    /// Resolves it.
    ///
    /// # Errors
    /// The value is not made, and the attempts that wait for it fail.
    fn resolve_for_run(run: &RunContext) -> Result<Self>;
}

impl FromRun for RunContext {
    fn resolve_for_run(run: &RunContext) -> Result<Self> {
        Ok(run.clone())
    }
}

impl FromRun for Project {
    fn resolve_for_run(run: &RunContext) -> Result<Self> {
        Ok(run.project())
    }
}

impl FromRun for Ontology {
    fn resolve_for_run(run: &RunContext) -> Result<Self> {
        Ok(run.project().ontology())
    }
}

/// What such a function can take by reference.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "what is made once in a run cannot borrow a `{Self}`",
    label = "only `&RunContext` is lent",
    note = "take it by value: `{Self}` instead of `&{Self}`"
)]
pub trait LentForRun {
    fn lend(run: &RunContext) -> &Self;
}

impl LentForRun for RunContext {
    fn lend(run: &RunContext) -> &Self {
        run
    }
}

/// What a function with `#[dependency(per_run)]` can return, besides a `Result` of it. It goes to the attempts as bytes, and
/// each that asks reads it once.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be kept for a run",
    label = "does not say how it becomes bytes",
    note = "what is made once in a run is a `Vec<u8>`, a `String`, or a `Json` of any type that serde knows"
)]
pub trait PerRunValue: Sized {
    /// What `Depends` gives.
    type Value: ?Sized + 'static;

    /// Writes it, once in a run.
    ///
    /// # Errors
    /// That of the attempts that wait for it.
    fn into_bytes(self) -> Result<Vec<u8>>;

    /// Reads it, once in an attempt.
    ///
    /// # Errors
    /// That of the attempt.
    fn from_bytes(bytes: Vec<u8>) -> Result<Rc<Self::Value>>;
}

impl PerRunValue for Vec<u8> {
    type Value = [u8];

    fn into_bytes(self) -> Result<Vec<u8>> {
        Ok(self)
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Rc<[u8]>> {
        Ok(bytes.into())
    }
}

impl PerRunValue for Bytes {
    type Value = [u8];

    fn into_bytes(self) -> Result<Vec<u8>> {
        Ok(self.0)
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Rc<[u8]>> {
        Ok(bytes.into())
    }
}

impl PerRunValue for String {
    type Value = str;

    fn into_bytes(self) -> Result<Vec<u8>> {
        Ok(self.into())
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Rc<str>> {
        Ok(Self::from_utf8(bytes)?.into())
    }
}

impl<T: Serialize + DeserializeOwned + 'static> PerRunValue for Json<T> {
    type Value = T;

    fn into_bytes(self) -> Result<Vec<u8>> {
        Ok(json::write(&self.0)?.into())
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Rc<T>> {
        let value = serde_json::from_slice(&bytes);
        Ok(Rc::new(
            value.map_err(|error| json::unexpected::<T>(&error))?,
        ))
    }
}

/// A dependency that the host keeps, so that it need not be read as a whole.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not kept by the host",
    label = "there is nothing to read in parts",
    note = "a `Handle` is of a function with `#[dependency(per_run)]`, or of what `named!` declares; `Depends` of any"
)]
pub trait Stored: Dependency {
    /// The value, not read yet.
    ///
    /// # Errors
    /// As for [`Context::dependency`].
    fn stored(context: &Context) -> Result<Value>;
}

/// A dependency that the host keeps, not read yet: for tables that are too large to be read whole in each attempt.
///
/// ```
/// use runner_sdk::prelude::*;
///
/// #[dependency(per_run)]
/// fn squares() -> Vec<u8> {
///     (0..1_000_000_u64).flat_map(|number| (number * number).to_le_bytes()).collect()
/// }
///
/// #[stage("Look up")]
/// fn look_up(squares: Handle<squares>, item: StorageItem) -> Result<()> {
///     let number = u64::from(item.width().unwrap_or(0));
///     let square = squares.read(number * 8, 8)?;
///     info!("{square:?} of {} bytes", squares.size());
///     Ok(())
/// }
/// ```
pub struct Handle<D: Stored> {
    value: Value,
    dependency: PhantomData<fn() -> D>,
}

impl<D: Stored> Deref for Handle<D> {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

impl<D: Stored> fmt::Debug for Handle<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(formatter)
    }
}

impl<D: Stored> FromContext for Handle<D> {
    fn declare(declaration: &mut Declaration) {
        <crate::Depends<D> as FromContext>::declare(declaration);
    }

    fn resolve(context: &Context) -> Result<Self> {
        Ok(Self {
            value: D::stored(context)?,
            dependency: PhantomData,
        })
    }
}

/// One function with `#[dependency(per_run)]`. Only for code that the attribute generates.
#[derive(Debug)]
pub struct PerRun {
    /// Its path, by which the host keeps its value.
    pub name: &'static str,
    /// Where the attribute stands: file, line, column.
    pub place: Place,
    /// Calls it.
    pub create: fn(&RunContext) -> Result<Vec<u8>>,
}

static PER_RUN: Registry<PerRun> = Registry::new();

/// Adds such a function. Called before all else, by code that the attribute generates.
pub fn register_per_run(function: &'static PerRun) {
    PER_RUN.register(function, |function| function.place);
}

/// What is wrong with those that there are.
pub(crate) fn check_names() -> Result<(), String> {
    let all = PER_RUN.all();
    for (index, one) in all.iter().enumerate() {
        if let Some(other) = all[..index].iter().find(|other| other.name == one.name) {
            let ((file, line, _), (other_file, other_line, _)) = (one.place, other.place);
            return Err(format!(
                "expected functions with `#[dependency(per_run)]` of different paths, found two of {}: {other_file}:{other_line} \
                 and {file}:{line}",
                one.name
            ));
        }
    }
    Ok(())
}

impl per_run::Guest for Plugin {
    fn create(name: String, run: per_run::RunContext) -> Result<Vec<u8>, Error> {
        crate::logging::tell_panics();
        let found = PER_RUN.all().into_iter().find(|known| known.name == name);
        let Some(found) = found else {
            return Err(AgentError::fatal(format!(
                "expected one of the values that this plugin makes once in a run, found {name:?}"
            ))
            .into());
        };
        let run = RunContext::new(run);
        let value = (found.create)(&run);
        run.cache().tear_down();
        Ok(value?)
    }
}
