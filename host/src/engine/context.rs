//! `runner:stage/context`

use uuid::Uuid;
use wasmtime::component::Resource;

use super::bindings::runner::stage::context::{Host, HostContext};
use super::bindings::runner::stage::types::Error;
use super::handles::{
    AgentStageHandle, ContextHandle, LabelRowHandle, ProjectHandle, StorageItemHandle, TaskHandle,
    only,
};
use super::inputs::{TwinRow, Unresolved};
use super::state::{State, forget};

type Result<T> = wasmtime::Result<T>;
type Answered<T> = std::result::Result<T, Error>;

impl From<Unresolved> for Error {
    fn from(unresolved: Unresolved) -> Self {
        match unresolved {
            Unresolved::NotFound(message) => Error::NotFound(message),
            Unresolved::Forbidden(message) => Error::Forbidden(message),
            Unresolved::Unavailable(message) => Error::Unavailable(message),
            Unresolved::Invalid(message) => Error::InvalidArgument(message),
            Unresolved::Unsupported(message) => Error::Unsupported(message),
            Unresolved::TooLarge(message) => Error::TooLarge(message),
            Unresolved::Other(message) => Error::Other(message),
        }
    }
}

impl Host for State {}

impl HostContext for State {
    fn task(&mut self, _: Resource<ContextHandle>) -> Result<Resource<TaskHandle>> {
        Ok(only())
    }

    fn project(&mut self, _: Resource<ContextHandle>) -> Result<Resource<ProjectHandle>> {
        Ok(only())
    }

    fn agent_stage(&mut self, _: Resource<ContextHandle>) -> Result<Resource<AgentStageHandle>> {
        Ok(only())
    }

    async fn label_row(
        &mut self,
        _: Resource<ContextHandle>,
    ) -> Result<Answered<Resource<LabelRowHandle>>> {
        if let Some(row) = self.task_row() {
            return Ok(Ok(row));
        }
        match self.inputs()?.resolver.label_row().await {
            Ok(row) => self.open_task_row(row),
            Err(unresolved) => Ok(Err(unresolved.into())),
        }
    }

    async fn storage_item(
        &mut self,
        _: Resource<ContextHandle>,
    ) -> Result<Answered<Resource<StorageItemHandle>>> {
        if self.item.is_none() {
            match self.inputs()?.resolver.storage_item().await {
                Ok(item) => self.item = Some(item),
                Err(unresolved) => return Ok(Err(unresolved.into())),
            }
        }
        Ok(Ok(only()))
    }

    fn attempt(&mut self, _: Resource<ContextHandle>) -> Result<u32> {
        Ok(self.inputs()?.attempt)
    }

    async fn twin_label_row(
        &mut self,
        _: Resource<ContextHandle>,
        project_hash: String,
    ) -> Result<Answered<Option<Resource<LabelRowHandle>>>> {
        let Ok(project) = Uuid::parse_str(&project_hash) else {
            return Ok(Err(Error::InvalidArgument(format!(
                "expected the UUID of a project, found `{project_hash}`"
            ))));
        };
        if let Some(row) = self.twin_row(project) {
            return Ok(Ok(Some(row)));
        }
        if self.without_twin.contains(&project) {
            return Ok(Ok(None));
        }
        match self.inputs()?.resolver.twin_label_row(project).await {
            Ok(Some(TwinRow { row, ontology })) => {
                Ok(self.open_twin_row(row, &ontology, project).map(Some))
            }
            Ok(None) => {
                self.without_twin.push(project);
                Ok(Ok(None))
            }
            Err(unresolved) => Ok(Err(unresolved.into())),
        }
    }

    fn drop(&mut self, handle: Resource<ContextHandle>) -> Result<()> {
        forget(handle)
    }
}
