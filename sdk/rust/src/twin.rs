use crate::bindings::runner::stage::context as wit;
use crate::settings::parse;
use crate::{
    AgentError, AgentTask, Context, Declaration, Error, FromContext, LabelRow, Result, Uuid,
    setting,
};

pub use wit::TwinStage;

/// The same data in another project: to compare labels, or to copy them.
///
/// Which project it is, the stage says: `twin = "<uuid>"`, or `twin_setting = "name"` for the value of a setting. A `Twin`
/// fails if that project does not have the data; of an `Option<Twin>`, it is `None`. Its label row is fetched for many
/// tasks at once; its task is too, if the stage has the option `twin_task`.
///
/// ```
/// use runner_sdk::prelude::*;
///
/// #[stage("Transfer", twin = "49a786f3-5edf-4b94-aff0-3da9042d3bf0")]
/// fn transfer(row: LabelRow, twin: Option<Twin>) -> Result<&'static str> {
///     let labels = twin.map(|twin| twin.label_row()).transpose()?.flatten();
///     let Some(labels) = labels else { return Ok("Annotate") };
///     row.copy_labels(&labels)?;
///     row.save()?;
///     Ok("Review")
/// }
/// ```
#[derive(Debug)]
pub struct Twin {
    twin: wit::Twin,
}

impl Twin {
    pub(crate) fn new(twin: wit::Twin) -> Self {
        Self { twin }
    }

    /// The UUID of the other project.
    pub fn project_hash(&self) -> String {
        self.twin.project_hash()
    }

    /// The UUID of the data unit.
    pub fn data_hash(&self) -> String {
        self.twin.data_hash()
    }

    /// The UUID of the other label row. Absent if it was never labelled.
    pub fn label_hash(&self) -> Option<String> {
        self.twin.label_hash()
    }

    /// The branch that its labels are on: that of the task's row.
    pub fn branch_name(&self) -> String {
        self.twin.branch_name()
    }

    /// `NOT_LABELLED`, `LABEL_IN_PROGRESS`, `LABELLED`, …
    pub fn label_status(&self) -> String {
        self.twin.label_status()
    }

    /// RFC 3339 in UTC. Absent if Encord did not say.
    pub fn last_edited_at(&self) -> Option<String> {
        self.twin.last_edited_at()
    }

    /// The stage at which its task is. Absent if Encord says none.
    pub fn stage(&self) -> Option<TwinStage> {
        self.twin.stage()
    }

    /// Its label row, to read and to [copy from](LabelRow::copy_labels); it cannot be saved. Every call gives the same row.
    /// Absent if it was never labelled.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`], [`Error::Unavailable`]; [`Error::Other`] if it is not understood.
    pub fn label_row(&self) -> Result<Option<LabelRow>, Error> {
        Ok(self.twin.label_row()?.map(LabelRow::new))
    }

    /// Its task. Absent if it waits at no stage.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Unavailable`].
    pub fn task(&self) -> Result<Option<AgentTask>, Error> {
        self.twin.task()
    }
}

/// Which project a stage's twins are in. Only for code that the attributes generate.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum TwinProject {
    Uuid(Uuid),
    Setting(&'static str),
}

impl TwinProject {
    pub(crate) fn uuid(self) -> Result<Uuid> {
        match self {
            Self::Uuid(uuid) => Ok(uuid),
            Self::Setting(name) => match setting(name) {
                Some(value) => parse(name, &value),
                None => Err(AgentError::fatal(format!(
                    "expected the UUID of the twin project as the setting {name}, found no such setting; start the host \
                     with `--set {name}=<uuid>`"
                ))),
            },
        }
    }
}

impl FromContext for Option<Twin> {
    fn declare(declaration: &mut Declaration) {
        declaration.needs_stages_twin();
    }

    fn resolve(context: &Context) -> Result<Self> {
        Ok(context.twin(context.twin_project()?)?)
    }
}

impl FromContext for Twin {
    fn declare(declaration: &mut Declaration) {
        declaration.needs_stages_twin();
    }

    fn resolve(context: &Context) -> Result<Self> {
        let project = context.twin_project()?;
        let twin = context.twin(project)?.ok_or_else(|| {
            Error::NotFound(format!(
                "expected {} in the twin project {project}, which does not have it; take an `Option<Twin>` where it may lack",
                context.task().data_title()
            ))
        })?;
        Ok(twin)
    }
}
