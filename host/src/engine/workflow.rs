//! `runner:stage/workflow`

use wasmtime::component::Resource;

use super::bindings::runner::stage::workflow::{
    Host, HostAgentStage, HostProject, HostTask, Pathway, WorkflowStage,
};
use super::handles::{AgentStageHandle, OntologyHandle, ProjectHandle, TaskHandle};
use super::state::{State, forget};
use crate::encord::{Stage, Task};

type Result<T> = wasmtime::Result<T>;

impl State {
    fn stage(&self) -> Result<&Stage> {
        // Only a context leads here.
        let stage = self.scene()?.stage.as_deref();
        stage.ok_or_else(|| wasmtime::format_err!("there is no stage here"))
    }

    fn task_of(&self, handle: &Resource<TaskHandle>) -> Result<&Task> {
        let task = self.tasks.get(handle.rep() as usize);
        task.map(|task| &**task)
            .ok_or_else(|| wasmtime::format_err!("the handle {} was never given out", handle.rep()))
    }
}

impl Host for State {}

impl HostProject for State {
    fn project_hash(&mut self, _: Resource<ProjectHandle>) -> Result<String> {
        Ok(self.scene()?.project.hash.to_string())
    }

    fn title(&mut self, _: Resource<ProjectHandle>) -> Result<String> {
        Ok(self.scene()?.project.title.clone())
    }

    fn description(&mut self, _: Resource<ProjectHandle>) -> Result<String> {
        Ok(self.scene()?.project.description.clone())
    }

    fn created_at(&mut self, _: Resource<ProjectHandle>) -> Result<String> {
        Ok(self.scene()?.project.created_at.clone())
    }

    fn last_edited_at(&mut self, _: Resource<ProjectHandle>) -> Result<String> {
        Ok(self.scene()?.project.last_edited_at.clone())
    }

    fn stages(&mut self, _: Resource<ProjectHandle>) -> Result<Vec<WorkflowStage>> {
        let stages = self.scene()?.project.stages.iter();
        Ok(stages
            .map(|stage| WorkflowStage {
                uuid: stage.uuid.to_string(),
                title: stage.title.clone(),
                stage_type: stage.stage_type.clone(),
            })
            .collect())
    }

    fn ontology(&mut self, _: Resource<ProjectHandle>) -> Result<Resource<OntologyHandle>> {
        self.project_ontology()
    }

    fn drop(&mut self, handle: Resource<ProjectHandle>) -> Result<()> {
        forget(handle)
    }
}

impl HostAgentStage for State {
    fn uuid(&mut self, _: Resource<AgentStageHandle>) -> Result<String> {
        Ok(self.stage()?.uuid.to_string())
    }

    fn title(&mut self, _: Resource<AgentStageHandle>) -> Result<String> {
        Ok(self.stage()?.title.clone())
    }

    fn pathways(&mut self, _: Resource<AgentStageHandle>) -> Result<Vec<Pathway>> {
        let pathways = self.stage()?.pathways.iter();
        Ok(pathways
            .map(|pathway| Pathway {
                uuid: pathway.uuid.to_string(),
                name: pathway.name.clone(),
                destination_uuid: pathway.destination.map(|uuid| uuid.to_string()),
            })
            .collect())
    }

    fn drop(&mut self, handle: Resource<AgentStageHandle>) -> Result<()> {
        forget(handle)
    }
}

impl HostTask for State {
    fn uuid(&mut self, handle: Resource<TaskHandle>) -> Result<String> {
        Ok(self.task_of(&handle)?.uuid.to_string())
    }

    fn status(&mut self, handle: Resource<TaskHandle>) -> Result<String> {
        Ok(self.task_of(&handle)?.status.clone())
    }

    fn created_at(&mut self, handle: Resource<TaskHandle>) -> Result<String> {
        Ok(self.task_of(&handle)?.created_at.clone())
    }

    fn updated_at(&mut self, handle: Resource<TaskHandle>) -> Result<String> {
        Ok(self.task_of(&handle)?.updated_at.clone())
    }

    fn data_hash(&mut self, handle: Resource<TaskHandle>) -> Result<String> {
        Ok(self.task_of(&handle)?.data_hash.to_string())
    }

    fn data_title(&mut self, handle: Resource<TaskHandle>) -> Result<String> {
        Ok(self.task_of(&handle)?.data_title.clone())
    }

    fn label_branch_name(&mut self, handle: Resource<TaskHandle>) -> Result<String> {
        Ok(self.task_of(&handle)?.label_branch_name.clone())
    }

    fn assignee(&mut self, handle: Resource<TaskHandle>) -> Result<Option<String>> {
        Ok(self.task_of(&handle)?.assignee.clone())
    }

    fn last_actioned_by(&mut self, handle: Resource<TaskHandle>) -> Result<Option<String>> {
        Ok(self.task_of(&handle)?.last_actioned_by.clone())
    }

    fn drop(&mut self, handle: Resource<TaskHandle>) -> Result<()> {
        forget(handle)
    }
}
