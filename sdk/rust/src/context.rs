use std::rc::Rc;

use crate::bindings::runner::stage::context as wit;
use crate::dependency::Cache;
use crate::twin::TwinProject;
use crate::{
    AgentError, AgentStage, AgentTask, Declaration, Error, LabelRow, Ontology, Project, Result,
    StorageItem, Twin, Uuid, Value,
};

/// One attempt at one task: all that an agent can ask for. A clone is another handle of the same attempt.
///
/// Most agents take what they need as parameters instead. The context is for what is needed only now
/// and then: asked for here and not declared, it is fetched when it is asked for.
#[derive(Clone, Debug)]
pub struct Context {
    // The host gives one handle of it, which parameters of the author's own types may keep too.
    attempt: Rc<Attempt>,
}

#[derive(Debug)]
struct Attempt {
    attempt: wit::Context,
    twin: Option<TwinProject>,
    cache: Cache,
}

impl Context {
    pub(crate) fn new(attempt: wit::Context, twin: Option<TwinProject>) -> Self {
        Self {
            attempt: Rc::new(Attempt {
                attempt,
                twin,
                cache: Cache::default(),
            }),
        }
    }

    fn handle(&self) -> &wit::Context {
        &self.attempt.attempt
    }

    /// What was made in this attempt.
    pub(crate) fn cache(&self) -> &Cache {
        &self.attempt.cache
    }

    /// A value of this type that is made once in the attempt.
    pub(crate) fn once<T: Clone + 'static>(
        &self,
        resolve: impl FnOnce(&Self) -> Result<T>,
    ) -> Result<T> {
        self.cache().once(|| resolve(self))
    }

    /// The project of the stage's twins.
    pub(crate) fn twin_project(&self) -> Result<Uuid> {
        let missing = || AgentError::fatal("expected a stage with the option `twin`, found none");
        self.attempt.twin.ok_or_else(missing)?.uuid()
    }

    /// The task.
    pub fn task(&self) -> AgentTask {
        self.handle().task()
    }

    /// The project that the task belongs to.
    pub fn project(&self) -> Project {
        Project::new(self.handle().project())
    }

    /// The stage at which the task waits.
    pub fn agent_stage(&self) -> AgentStage {
        self.handle().agent_stage()
    }

    /// The project's ontology.
    pub fn ontology(&self) -> Ontology {
        self.project().ontology()
    }

    /// The label row of the task, on the task's branch unless the stage has the option `branch`. Every
    /// call gives the same row: two handles see each other's edits. A row that was never labelled is
    /// created at Encord when it is fetched, with nothing in it.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the data unit was removed, [`Error::Forbidden`], [`Error::Unavailable`];
    /// [`Error::Other`] if it is not understood.
    pub fn label_row(&self) -> Result<LabelRow, Error> {
        self.handle().label_row().map(LabelRow::new)
    }

    /// The label row of the same data in another project, on the branch of the task's row, to read and to
    /// [copy from](LabelRow::copy_labels); it cannot be saved. Every call for a project gives the same row. Absent if
    /// that project does not have the data, or has never labelled it.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such project, [`Error::Forbidden`], [`Error::Unavailable`];
    /// [`Error::Other`] if the row is not understood.
    pub fn twin_label_row(&self, project_hash: Uuid) -> Result<Option<LabelRow>, Error> {
        let twin = self.handle().twin_label_row(&project_hash.to_string())?;
        Ok(twin.map(LabelRow::new))
    }

    /// The same data in another project. Absent if that project does not have it.
    ///
    /// # Errors
    /// As for [`twin_label_row`](Self::twin_label_row).
    pub fn twin(&self, project_hash: Uuid) -> Result<Option<Twin>, Error> {
        let twin = self.handle().twin(&project_hash.to_string())?;
        Ok(twin.map(Twin::new))
    }

    /// What the dependency of this name gives (`--dependency name=file.wasm`). Resolved when it is first asked for in the
    /// attempt, and not again. [`named!`](crate::named) is the typed way, which the host knows of before it starts.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the user has named no such dependency; those that it returns; [`Error::Unavailable`] if it
    /// trapped or went over one of its limits.
    pub fn dependency(&self, name: &str) -> Result<Value, Error> {
        self.handle().dependency(name).map(Value::new)
    }

    /// For code that `#[dependency(per_run)]` generates.
    #[doc(hidden)]
    pub fn per_run_value(&self, name: &str) -> Result<Value, Error> {
        self.handle().per_run_value(name).map(Value::new)
    }

    /// The storage item behind the task's data unit.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`] and [`Error::Unavailable`], if it had to be fetched and
    /// could not be.
    pub fn storage_item(&self) -> Result<StorageItem, Error> {
        self.handle().storage_item()
    }

    /// 0 for the first attempt at the task, 1 for the first retry, and so on.
    pub fn attempt(&self) -> u32 {
        self.handle().attempt()
    }
}

/// What an agent can take as a parameter.
///
/// Implement it for types of your own, from the parameters that there are:
///
/// ```
/// use runner_sdk::prelude::*;
///
/// /// The size of the picture, in megapixels.
/// struct Megapixels(f64);
///
/// impl FromContext for Megapixels {
///     fn declare(declaration: &mut Declaration) {
///         StorageItem::declare(declaration);
///     }
///
///     fn resolve(context: &Context) -> Result<Self> {
///         let item = StorageItem::resolve(context)?;
///         match (item.width(), item.height()) {
///             (Some(width), Some(height)) => Ok(Self(f64::from(width) * f64::from(height) / 1e6)),
///             _ => Err(AgentError::fatal(format!("expected a picture, found {}", item.item_type()))),
///         }
///     }
/// }
///
/// #[stage("Sort by size")]
/// fn sort(megapixels: Megapixels) -> &'static str {
///     if megapixels.0 < 0.3 { "Small" } else { "Large" }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a parameter cannot be a `{Self}`",
    label = "not something that the host can resolve",
    note = "parameters, any of them in any order: `AgentTask`, `Project`, `AgentStage`, `Ontology`, `LabelRow`, `StorageItem`, \
            `Asset`, `SingleFrame`, `VideoIterator`, `VideoSampler`, `Twin`, `Client`, `Settings`, `Depends`, `Context`, \
            `&Context`",
    note = "several tasks at once, as `Batch`, are taken with the option `batch`: `#[stage(\"…\", batch = 32)]`",
    note = "types of your own can be parameters too, once they implement `FromContext`"
)]
pub trait FromContext: Sized {
    /// Says what resolving it needs, so that the host fetches that for many tasks at once. Called once
    /// after loading, not per task. The default declares nothing, which is always right, if slower.
    fn declare(declaration: &mut Declaration) {
        let _ = declaration;
    }

    /// Resolves it for one task, before the agent is called.
    ///
    /// # Errors
    /// The attempt ends in it, and the agent is not called.
    fn resolve(context: &Context) -> Result<Self>;
}

impl FromContext for Context {
    fn resolve(context: &Context) -> Result<Self> {
        Ok(context.clone())
    }
}

impl FromContext for AgentTask {
    fn resolve(context: &Context) -> Result<Self> {
        Ok(context.task())
    }
}

impl FromContext for Project {
    fn resolve(context: &Context) -> Result<Self> {
        Ok(context.project())
    }
}

impl FromContext for AgentStage {
    fn resolve(context: &Context) -> Result<Self> {
        Ok(context.agent_stage())
    }
}

impl FromContext for Ontology {
    fn resolve(context: &Context) -> Result<Self> {
        Ok(context.ontology())
    }
}

impl FromContext for LabelRow {
    fn declare(declaration: &mut Declaration) {
        declaration.needs_label_row();
    }

    fn resolve(context: &Context) -> Result<Self> {
        Ok(context.label_row()?)
    }
}

impl FromContext for StorageItem {
    fn declare(declaration: &mut Declaration) {
        declaration.needs_storage_item();
    }

    fn resolve(context: &Context) -> Result<Self> {
        Ok(context.storage_item()?)
    }
}

/// What may fail without the attempt: the agent decides what becomes of a task whose picture cannot be read, say. An error that
/// [another attempt may mend](AgentError::is_retryable) is better returned.
impl<T: FromContext> FromContext for Result<T> {
    fn declare(declaration: &mut Declaration) {
        T::declare(declaration);
    }

    fn resolve(context: &Context) -> Result<Self> {
        Ok(T::resolve(context))
    }
}

/// `FromContext` for tuples of parameters, as a [`Batch`](crate::Batch) has them.
macro_rules! tuples {
    ($(($($part:ident)+))+) => {$(
        impl<$($part: FromContext),+> FromContext for ($($part,)+) {
            fn declare(declaration: &mut Declaration) {
                $($part::declare(declaration);)+
            }

            fn resolve(context: &Context) -> Result<Self> {
                Ok(($($part::resolve(context)?,)+))
            }
        }
    )+};
}

tuples! {
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
}

/// What an agent can take by reference: the context, and nothing else.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a parameter cannot borrow a `{Self}`",
    label = "only `&Context` is lent",
    note = "take it by value: `{Self}` instead of `&{Self}`",
    note = "parameters, any of them in any order: `AgentTask`, `Project`, `AgentStage`, `Ontology`, `LabelRow`, `StorageItem`, \
            `Asset`, `SingleFrame`, `VideoIterator`, `VideoSampler`, `Twin`, `Client`, `Settings`, `Depends`, `Context`, \
            `&Context`"
)]
pub trait Lent {
    fn lend(context: &Context) -> &Self;
}

impl Lent for Context {
    fn lend(context: &Context) -> &Self {
        context
    }
}
