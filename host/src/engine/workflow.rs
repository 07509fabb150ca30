//! `runner:stage/workflow`

use wasmtime::component::Resource;

use super::bindings::runner::stage::workflow::{
    Host, HostAgentStage, HostProject, HostTask, Pathway, WorkflowStage,
};
use super::handles::{AgentStageHandle, OntologyHandle, ProjectHandle, TaskHandle};
use super::state::{State, forget};

type Result<T> = wasmtime::Result<T>;

impl Host for State {}

impl HostProject for State {
    fn project_hash(&mut self, _: Resource<ProjectHandle>) -> Result<String> {
        Ok(self.inputs()?.project.hash.to_string())
    }

    fn title(&mut self, _: Resource<ProjectHandle>) -> Result<String> {
        Ok(self.inputs()?.project.title.clone())
    }

    fn description(&mut self, _: Resource<ProjectHandle>) -> Result<String> {
        Ok(self.inputs()?.project.description.clone())
    }

    fn created_at(&mut self, _: Resource<ProjectHandle>) -> Result<String> {
        Ok(self.inputs()?.project.created_at.clone())
    }

    fn last_edited_at(&mut self, _: Resource<ProjectHandle>) -> Result<String> {
        Ok(self.inputs()?.project.last_edited_at.clone())
    }

    fn stages(&mut self, _: Resource<ProjectHandle>) -> Result<Vec<WorkflowStage>> {
        let stages = self.inputs()?.project.stages.iter();
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
        Ok(self.inputs()?.stage.uuid.to_string())
    }

    fn title(&mut self, _: Resource<AgentStageHandle>) -> Result<String> {
        Ok(self.inputs()?.stage.title.clone())
    }

    fn pathways(&mut self, _: Resource<AgentStageHandle>) -> Result<Vec<Pathway>> {
        let pathways = self.inputs()?.stage.pathways.iter();
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
    fn uuid(&mut self, _: Resource<TaskHandle>) -> Result<String> {
        Ok(self.inputs()?.task.uuid.to_string())
    }

    fn status(&mut self, _: Resource<TaskHandle>) -> Result<String> {
        Ok(self.inputs()?.task.status.clone())
    }

    fn created_at(&mut self, _: Resource<TaskHandle>) -> Result<String> {
        Ok(self.inputs()?.task.created_at.clone())
    }

    fn updated_at(&mut self, _: Resource<TaskHandle>) -> Result<String> {
        Ok(self.inputs()?.task.updated_at.clone())
    }

    fn data_hash(&mut self, _: Resource<TaskHandle>) -> Result<String> {
        Ok(self.inputs()?.task.data_hash.to_string())
    }

    fn data_title(&mut self, _: Resource<TaskHandle>) -> Result<String> {
        Ok(self.inputs()?.task.data_title.clone())
    }

    fn label_branch_name(&mut self, _: Resource<TaskHandle>) -> Result<String> {
        Ok(self.inputs()?.task.label_branch_name.clone())
    }

    fn assignee(&mut self, _: Resource<TaskHandle>) -> Result<Option<String>> {
        Ok(self.inputs()?.task.assignee.clone())
    }

    fn last_actioned_by(&mut self, _: Resource<TaskHandle>) -> Result<Option<String>> {
        Ok(self.inputs()?.task.last_actioned_by.clone())
    }

    fn drop(&mut self, handle: Resource<TaskHandle>) -> Result<()> {
        forget(handle)
    }
}
