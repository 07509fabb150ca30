//! `runner:stage/context`

use wasmtime::component::Resource;

use super::bindings::runner::stage::context::{Host, HostContext};
use super::bindings::runner::stage::types::Error;
use super::handles::{
    AgentStageHandle, ContextHandle, LabelRowHandle, ProjectHandle, StorageItemHandle, TaskHandle,
    only,
};
use super::inputs::Unresolved;
use super::labels::OpenRow;
use super::state::{State, forget};

type Result<T> = wasmtime::Result<T>;

impl From<Unresolved> for Error {
    fn from(unresolved: Unresolved) -> Self {
        match unresolved {
            Unresolved::NotFound(message) => Error::NotFound(message),
            Unresolved::Forbidden(message) => Error::Forbidden(message),
            Unresolved::Unavailable(message) => Error::Unavailable(message),
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
    ) -> Result<std::result::Result<Resource<LabelRowHandle>, Error>> {
        if self.row.is_none() {
            let inputs = self.inputs()?;
            let opened = match inputs.resolver.label_row().await {
                Ok(row) => OpenRow::open(row, &inputs.ontology),
                Err(unresolved) => return Ok(Err(unresolved.into())),
            };
            match opened {
                Ok(row) => self.row = Some(row),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(only()))
    }

    async fn storage_item(
        &mut self,
        _: Resource<ContextHandle>,
    ) -> Result<std::result::Result<Resource<StorageItemHandle>, Error>> {
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

    fn drop(&mut self, handle: Resource<ContextHandle>) -> Result<()> {
        forget(handle)
    }
}
