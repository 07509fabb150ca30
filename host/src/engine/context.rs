//! `runner:stage/context`

use uuid::Uuid;
use wasmtime::component::Resource;

use std::sync::Arc;

use super::bindings::runner::stage::context::{
    Host, HostContext, HostRunContext, HostTwin, TwinStage,
};
use super::bindings::runner::stage::types::Error;
use super::handles::{
    AgentStageHandle, ContextHandle, LabelRowHandle, ProjectHandle, RunContextHandle,
    StorageItemHandle, TaskHandle, TwinHandle, ValueHandle, only,
};
use super::inputs::{Inputs, Resolver, Twin, TwinRow, Unresolved};
use super::provide::Dependency;
use super::state::{Role, Scene, State, forget};

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

impl Scene {
    pub(super) fn of(inputs: &Inputs) -> Self {
        Self {
            project: Arc::clone(&inputs.project),
            ontology: Arc::clone(&inputs.ontology),
            stage: Some(Arc::clone(&inputs.stage)),
        }
    }

    /// Without what belongs to a task.
    fn of_run(&self) -> Self {
        Self {
            stage: None,
            ..self.clone()
        }
    }
}

impl State {
    pub(super) fn resolver(&self, task: u32) -> Result<Arc<dyn Resolver>> {
        Ok(Arc::clone(&self.current(task)?.inputs.resolver))
    }

    async fn row_of_twin(
        &mut self,
        task: u32,
        project: Uuid,
    ) -> Result<Answered<Option<Resource<LabelRowHandle>>>> {
        if let Some(row) = self.known_row(task, Some(project)) {
            return Ok(Ok(Some(row)));
        }
        if self.without_twin_row.contains(&(task, project)) {
            return Ok(Ok(None));
        }
        match self.resolver(task)?.twin_label_row(project).await {
            Ok(Some(TwinRow { row, ontology })) => {
                Ok(self.open_twin_row(task, row, &ontology, project).map(Some))
            }
            Ok(None) => {
                self.without_twin_row.push((task, project));
                Ok(Ok(None))
            }
            Err(unresolved) => Ok(Err(unresolved.into())),
        }
    }

    fn twin_of(&self, handle: &Resource<TwinHandle>) -> Result<&(u32, Twin)> {
        self.twins
            .get(handle.rep() as usize)
            .ok_or_else(|| wasmtime::format_err!("the handle {} was never given out", handle.rep()))
    }

    /// A value that this plugin makes once in a run, for which others of them wait.
    async fn value_of_own(
        &mut self,
        name: String,
        waiting: Vec<String>,
    ) -> Result<Answered<Resource<ValueHandle>>> {
        let (engine, program) = (self.engine()?, self.program.clone());
        let scene = self.scene()?.of_run();
        let value = engine.value_of_plugin(program, name, waiting, scene).await;
        Ok(value.map(|value| self.value_handle(value)))
    }

    /// The dependency of a name, if this component may ask for it.
    fn dependency_to_ask(&self, name: &str) -> Result<Answered<Arc<Dependency>>> {
        let engine = self.engine()?;
        let Some(dependency) = engine.dependency(name) else {
            let known = engine.dependency_names();
            let known = match known.as_slice() {
                [] => "none was given".to_owned(),
                known => format!("there are \"{}\"", known.join("\", \"")),
            };
            return Ok(Err(Error::NotFound(format!(
                "expected the name of a dependency, found \"{name}\": {known}\n\
                 help: start the host with `--dependency {name}=FILE`"
            ))));
        };
        if let Role::Dependency(asking) = &self.role
            && !asking.needs(name)
        {
            // Cycles are found when the host starts, by what is declared.
            return Ok(Err(Error::InvalidArgument(format!(
                "the dependency \"{}\" asks for \"{name}\", which it does not declare\n\
                 help: declare it with `needs-dependency`",
                asking.name
            ))));
        }
        Ok(Ok(Arc::clone(dependency)))
    }
}

fn not_a_project(found: &str) -> Error {
    Error::InvalidArgument(format!("expected the UUID of a project, found `{found}`"))
}

impl Host for State {}

impl HostContext for State {
    fn task(&mut self, handle: Resource<ContextHandle>) -> Result<Resource<TaskHandle>> {
        // The first tasks of the list are those of the contexts.
        Ok(Resource::new_own(handle.rep()))
    }

    fn project(&mut self, _: Resource<ContextHandle>) -> Result<Resource<ProjectHandle>> {
        Ok(only())
    }

    fn agent_stage(&mut self, _: Resource<ContextHandle>) -> Result<Resource<AgentStageHandle>> {
        Ok(only())
    }

    async fn label_row(
        &mut self,
        handle: Resource<ContextHandle>,
    ) -> Result<Answered<Resource<LabelRowHandle>>> {
        let task = handle.rep();
        if let Some(row) = self.known_row(task, None) {
            return Ok(Ok(row));
        }
        match self.resolver(task)?.label_row().await {
            Ok(row) => self.open_task_row(task, row),
            Err(unresolved) => Ok(Err(unresolved.into())),
        }
    }

    async fn storage_item(
        &mut self,
        handle: Resource<ContextHandle>,
    ) -> Result<Answered<Resource<StorageItemHandle>>> {
        let task = handle.rep();
        if let Some(item) = self.current(task)?.item {
            return Ok(Ok(Resource::new_own(item)));
        }
        match self.resolver(task)?.storage_item().await {
            Ok(item) => {
                let handle = self.item_handle(task, item);
                self.current_mut(task)?.item = Some(handle.rep());
                Ok(Ok(handle))
            }
            Err(unresolved) => Ok(Err(unresolved.into())),
        }
    }

    fn attempt(&mut self, handle: Resource<ContextHandle>) -> Result<u32> {
        Ok(self.current(handle.rep())?.inputs.attempt)
    }

    async fn twin_label_row(
        &mut self,
        handle: Resource<ContextHandle>,
        project_hash: String,
    ) -> Result<Answered<Option<Resource<LabelRowHandle>>>> {
        match Uuid::parse_str(&project_hash) {
            Ok(project) => self.row_of_twin(handle.rep(), project).await,
            Err(_) => Ok(Err(not_a_project(&project_hash))),
        }
    }

    async fn twin(
        &mut self,
        handle: Resource<ContextHandle>,
        project_hash: String,
    ) -> Result<Answered<Option<Resource<TwinHandle>>>> {
        let Ok(project) = Uuid::parse_str(&project_hash) else {
            return Ok(Err(not_a_project(&project_hash)));
        };
        let task = handle.rep();
        let known = |(of, twin): &(u32, Twin)| *of == task && twin.project == project;
        if let Some(at) = self.twins.iter().position(known) {
            return Ok(Ok(Some(Resource::new_own(at as u32))));
        }
        match self.resolver(task)?.twin(project).await {
            Ok(Some(twin)) => {
                self.twins.push((task, twin));
                let at = self.twins.len() - 1;
                Ok(Ok(Some(Resource::new_own(at as u32))))
            }
            Ok(None) => Ok(Ok(None)),
            Err(unresolved) => Ok(Err(unresolved.into())),
        }
    }

    async fn dependency(
        &mut self,
        handle: Resource<ContextHandle>,
        name: String,
    ) -> Result<Answered<Resource<ValueHandle>>> {
        let dependency = match self.dependency_to_ask(&name)? {
            Ok(dependency) => dependency,
            Err(error) => return Ok(Err(error)),
        };
        let (engine, scene) = (self.engine()?, self.scene()?.clone());
        let value = if dependency.declaration.lives_per_run {
            engine.value_of_run(dependency, scene.of_run()).await
        } else {
            let current = self.current(handle.rep())?.clone();
            engine.value_of_attempt(dependency, current, scene).await
        };
        Ok(value.map(|value| self.value_handle(value)))
    }

    async fn per_run_value(
        &mut self,
        _: Resource<ContextHandle>,
        name: String,
    ) -> Result<Answered<Resource<ValueHandle>>> {
        self.value_of_own(name, Vec::new()).await
    }

    fn drop(&mut self, handle: Resource<ContextHandle>) -> Result<()> {
        forget(handle)
    }
}

impl HostTwin for State {
    fn project_hash(&mut self, handle: Resource<TwinHandle>) -> Result<String> {
        Ok(self.twin_of(&handle)?.1.project.to_string())
    }

    fn data_hash(&mut self, handle: Resource<TwinHandle>) -> Result<String> {
        Ok(self.twin_of(&handle)?.1.metadata.data_hash.to_string())
    }

    fn label_hash(&mut self, handle: Resource<TwinHandle>) -> Result<Option<String>> {
        let label_hash = self.twin_of(&handle)?.1.metadata.label_hash;
        Ok(label_hash.map(|hash| hash.to_string()))
    }

    fn branch_name(&mut self, handle: Resource<TwinHandle>) -> Result<String> {
        Ok(self.twin_of(&handle)?.1.metadata.branch_name.clone())
    }

    fn label_status(&mut self, handle: Resource<TwinHandle>) -> Result<String> {
        Ok(self.twin_of(&handle)?.1.metadata.label_status.clone())
    }

    fn last_edited_at(&mut self, handle: Resource<TwinHandle>) -> Result<Option<String>> {
        Ok(self.twin_of(&handle)?.1.metadata.last_edited_at.clone())
    }

    fn stage(&mut self, handle: Resource<TwinHandle>) -> Result<Option<TwinStage>> {
        let stage = self.twin_of(&handle)?.1.metadata.stage.as_ref();
        Ok(stage.map(|stage| TwinStage {
            uuid: stage.uuid.to_string(),
            title: stage.title.clone(),
        }))
    }

    async fn label_row(
        &mut self,
        handle: Resource<TwinHandle>,
    ) -> Result<Answered<Option<Resource<LabelRowHandle>>>> {
        let (task, twin) = self.twin_of(&handle)?;
        let (task, project) = (*task, twin.project);
        self.row_of_twin(task, project).await
    }

    async fn task(
        &mut self,
        handle: Resource<TwinHandle>,
    ) -> Result<Answered<Option<Resource<TaskHandle>>>> {
        let (of, twin) = self.twin_of(&handle)?;
        let (of, project) = (*of, twin.project);
        Ok(match self.resolver(of)?.twin_task(project).await {
            Ok(Some(task)) => {
                let known = self
                    .tasks
                    .iter()
                    .position(|known| Arc::ptr_eq(known, &task));
                let at = known.unwrap_or_else(|| {
                    self.tasks.push(task);
                    self.tasks.len() - 1
                });
                Ok(Some(Resource::new_own(at as u32)))
            }
            Ok(None) => Ok(None),
            Err(unresolved) => Err(unresolved.into()),
        })
    }

    fn drop(&mut self, handle: Resource<TwinHandle>) -> Result<()> {
        forget(handle)
    }
}

impl HostRunContext for State {
    fn project(&mut self, _: Resource<RunContextHandle>) -> Result<Resource<ProjectHandle>> {
        Ok(only())
    }

    async fn per_run_value(
        &mut self,
        _: Resource<RunContextHandle>,
        name: String,
    ) -> Result<Answered<Resource<ValueHandle>>> {
        let waiting = match &self.role {
            Role::PerRun(waiting) => waiting.clone(),
            _ => Vec::new(),
        };
        self.value_of_own(name, waiting).await
    }

    async fn dependency(
        &mut self,
        _: Resource<RunContextHandle>,
        name: String,
    ) -> Result<Answered<Resource<ValueHandle>>> {
        let dependency = match self.dependency_to_ask(&name)? {
            Ok(dependency) => dependency,
            Err(error) => return Ok(Err(error)),
        };
        if !dependency.declaration.lives_per_run {
            return Ok(Err(Error::Unsupported(format!(
                "expected a dependency that lives for the run, found \"{name}\", which lives for an attempt"
            ))));
        }
        let (engine, scene) = (self.engine()?, self.scene()?.clone());
        let value = engine.value_of_run(dependency, scene).await;
        Ok(value.map(|value| self.value_handle(value)))
    }

    fn drop(&mut self, handle: Resource<RunContextHandle>) -> Result<()> {
        forget(handle)
    }
}
