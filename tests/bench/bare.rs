//! The floor: the same component, instantiated and called with wasmtime alone.

use std::path::Path;

use runner_host::engine::Engine;
use wasmtime::Store;
use wasmtime::component::{
    Component, InstancePre, Linker, Resource, ResourceAny, ResourceType, Val,
};

use crate::Result;

/// What the context's handle stands for here.
struct Context;

/// A component that can be called with nothing behind its imports.
pub(crate) struct Bare {
    engine: wasmtime::Engine,
    component: InstancePre<()>,
    /// The name of the interface that it exports, with the version of the contract.
    agent: String,
}

impl Bare {
    /// Uses the host's own configuration of wasmtime, so that both sides differ in nothing else.
    pub(crate) fn new(path: &Path, host: &Engine, concurrency: usize) -> Result<Self> {
        let engine = wasmtime::Engine::new(&Engine::config(host.limits(), concurrency))?;
        let component = Component::new(&engine, runner_host::plugin::component_of(path)?)?;
        let mut linker = Linker::new(&engine);
        linker.allow_shadowing(true);
        linker.define_unknown_imports_as_traps(&component)?;
        let ty = component.component_type();
        let imported: Vec<_> = ty.imports(&engine).map(|(name, _)| name).collect();
        let exported: Vec<_> = ty.exports(&engine).map(|(name, _)| name).collect();
        let context = named(&imported, "runner:stage/context@")?;
        let agent = named(&exported, "runner:stage/agent@")?;
        linker.instance(&context)?.resource(
            "context",
            ResourceType::host::<Context>(),
            |_, _| Ok(()),
        )?;
        Ok(Self {
            component: linker.instantiate_pre(&component)?,
            engine,
            agent,
        })
    }

    /// Instantiates the component, calls `run`, and drops the instance.
    pub(crate) async fn call(&self) -> Result<()> {
        let mut store = Store::new(&self.engine, ());
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = self.component.instantiate_async(&mut store).await?;
        let agent = instance.get_export_index(&mut store, None, &self.agent);
        let run = instance
            .get_export_index(&mut store, agent.as_ref(), "run")
            .ok_or("it exports `run`")?;
        let run = instance
            .get_func(&mut store, run)
            .ok_or("`run` is a function")?;
        let context = Resource::<Context>::new_own(0);
        let context = ResourceAny::try_from_resource(context, &mut store)?;
        let mut results = [Val::Bool(false)];
        let arguments = [Val::String("Agent".into()), Val::Resource(context)];
        run.call_async(&mut store, &arguments, &mut results).await?;
        Ok(())
    }
}

/// The name of an interface, of which the version is not known.
fn named(names: &[&str], prefix: &str) -> Result<String> {
    let name = names.iter().find(|name| name.starts_with(prefix));
    let name = name.ok_or_else(|| format!("expected `{prefix}…`, found {names:?}"))?;
    Ok((*name).to_owned())
}

#[cfg(test)]
mod tests {
    use runner_host::Limits;
    use runner_tests::guest;

    use super::*;

    #[tokio::test]
    async fn the_empty_plugin_can_be_called_without_the_host() {
        let host = Engine::new(Limits::default(), 1).expect("an engine");
        let bare = Bare::new(&guest("empty"), &host, 1).expect("it can be linked");
        bare.call().await.expect("it returns");
    }
}
