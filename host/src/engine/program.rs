//! A component that fits the contract, ready to be instantiated.

use std::fmt;
use std::sync::Arc;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{AsContextMut, Store};

use super::bindings::exports::runner::stage::{agent, batch_agent, dependency, per_run, plugin};
use super::limits::{Grants, Limits};
use super::provide::RunValues;
use super::state::State;

/// A linked component with its limits and grants. Clones share it.
#[derive(Clone)]
pub struct Program(Arc<Linked>);

struct Linked {
    ready: InstancePre<State>,
    limits: Limits,
    grants: Grants,
    plugin: Option<plugin::GuestIndices>,
    agent: Option<agent::GuestIndices>,
    batch_agent: Option<batch_agent::GuestIndices>,
    per_run: Option<per_run::GuestIndices>,
    dependency: Option<dependency::GuestIndices>,
    /// Whether it asks where files are in its file system.
    asks_for_paths: bool,
    /// What it makes for the run as a plugin. It lives as long as the plugin.
    run_values: RunValues,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("limits", &self.0.limits)
            .field("grants", &self.0.grants)
            .finish_non_exhaustive()
    }
}

impl Program {
    pub(super) fn new(ready: InstancePre<State>, limits: Limits, grants: Grants) -> Self {
        // Which of them it has to have, depends on what it is called for.
        Self(Arc::new(Linked {
            plugin: plugin::GuestIndices::new(&ready).ok(),
            agent: agent::GuestIndices::new(&ready).ok(),
            batch_agent: batch_agent::GuestIndices::new(&ready).ok(),
            per_run: per_run::GuestIndices::new(&ready).ok(),
            dependency: dependency::GuestIndices::new(&ready).ok(),
            asks_for_paths: asks_for_paths(&ready),
            run_values: RunValues::default(),
            ready,
            limits,
            grants,
        }))
    }

    /// The limits of each of its calls.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// What it may do beyond deciding.
    pub fn grants(&self) -> Grants {
        self.0.grants
    }

    /// Whether it can run agents task by task.
    pub fn has_agent(&self) -> bool {
        self.0.agent.is_some()
    }

    /// Whether it can run agents for many tasks at once.
    pub fn has_batch_agent(&self) -> bool {
        self.0.batch_agent.is_some()
    }

    pub(super) fn asks_for_paths(&self) -> bool {
        self.0.asks_for_paths
    }

    pub(super) fn run_values(&self) -> &RunValues {
        &self.0.run_values
    }

    pub(super) async fn instantiate(&self, store: &mut Store<State>) -> wasmtime::Result<Instance> {
        self.0.ready.instantiate_async(store).await
    }

    pub(super) fn plugin_guest(
        &self,
        store: impl AsContextMut,
        instance: &Instance,
    ) -> wasmtime::Result<plugin::Guest> {
        exported(self.0.plugin.as_ref(), "plugin")?.load(store, instance)
    }

    pub(super) fn agent_guest(
        &self,
        store: impl AsContextMut,
        instance: &Instance,
    ) -> wasmtime::Result<agent::Guest> {
        exported(self.0.agent.as_ref(), "agent")?.load(store, instance)
    }

    pub(super) fn batch_agent_guest(
        &self,
        store: impl AsContextMut,
        instance: &Instance,
    ) -> wasmtime::Result<batch_agent::Guest> {
        exported(self.0.batch_agent.as_ref(), "batch-agent")?.load(store, instance)
    }

    pub(super) fn per_run_guest(
        &self,
        store: impl AsContextMut,
        instance: &Instance,
    ) -> wasmtime::Result<Option<per_run::Guest>> {
        let indices = self.0.per_run.as_ref();
        indices
            .map(|indices| indices.load(store, instance))
            .transpose()
    }

    pub(super) fn dependency_guest(
        &self,
        store: impl AsContextMut,
        instance: &Instance,
    ) -> wasmtime::Result<dependency::Guest> {
        exported(self.0.dependency.as_ref(), "dependency")?.load(store, instance)
    }
}

fn asks_for_paths(ready: &InstancePre<State>) -> bool {
    let component = ready.component();
    let engine = component.engine();
    component
        .component_type()
        .imports(engine)
        .any(|(name, item)| {
            name.starts_with("runner:stage/media@")
                && matches!(item.ty, ComponentItem::ComponentInstance(media)
                if media.exports(engine).any(|(name, _)| name == "[method]asset.path"))
        })
}

fn exported<T>(indices: Option<T>, interface: &str) -> wasmtime::Result<T> {
    // Whoever loads a component has checked what it exports.
    indices.ok_or_else(|| wasmtime::format_err!("the component does not export `{interface}`"))
}
