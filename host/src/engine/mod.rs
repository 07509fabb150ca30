//! Runs attempts: one call of an agent, for one task, in a store of its own.
//!
//! The engine knows neither HTTP nor queues. It is given [`Inputs`], calls the guest, and gives back a
//! [`Decision`] or a [`Failure`]. Whatever a guest does, a failure is all that its attempt can cause.

mod attempt;
mod bindings;
mod context;
mod declaration;
mod handles;
mod inputs;
mod labels;
mod limits;
mod logging;
mod media;
mod ontology;
mod platform;
mod program;
mod provide;
mod settings;
mod state;
mod stdio;
mod storage;
mod values;
mod workflow;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

pub use declaration::{Declaration, TwinNeeds, ValueKind};
pub use inputs::{
    AttemptLog, Decision, Failure, Inputs, LabelRowInput, Platform, PlatformCall, Resolver,
    Retries, SavedItem, SavedRow, Twin, TwinRow, Unresolved,
};
pub use limits::{Grants, Limits};
pub use program::Program;
pub use provide::Dependency;

use bindings::Everything;
use limits::{CORE_INSTANCES, TABLE_ELEMENTS};
use provide::RunValues;
use state::{HasState, State};

/// How often a running guest can be interrupted, and so how late a time limit can strike.
const TICK: Duration = Duration::from_millis(10);

/// Memory of a returned slot up to this size is cleared in place rather than given back to the system:
/// with it, twice as many instances start per second.
const KEPT_MEMORY: usize = 1 << 20;

/// What an engine is made for.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The limits of each attempt, and of each component that has none of its own.
    pub limits: Limits,
    /// Attempts that run at the same time.
    pub concurrency: usize,
    /// The most memory that a component with limits of its own may use, in bytes; 0 if there is none.
    pub most_memory: usize,
    /// Dependency components that will be provided: each can have an instance for each attempt, and one for the run.
    pub dependencies: usize,
    /// What plugins read with `settings.get`.
    pub settings: BTreeMap<String, String>,
}

impl EngineOptions {
    /// For plugins alone, without settings.
    pub fn new(limits: Limits, concurrency: usize) -> Self {
        Self {
            limits,
            concurrency,
            most_memory: 0,
            dependencies: 0,
            settings: BTreeMap::new(),
        }
    }
}

/// Runs components within limits. Clones share all of it.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

/// What clones of an engine share.
struct Inner {
    wasmtime: wasmtime::Engine,
    linker: Linker<State>,
    limits: Limits,
    settings: BTreeMap<String, String>,
    dependencies: OnceLock<HashMap<String, Arc<Dependency>>>,
    platform: OnceLock<Arc<dyn Platform>>,
    /// Of dependencies that live for the run.
    run_values: RunValues,
}

impl Engine {
    /// An engine that runs up to `concurrency` attempts at the same time.
    ///
    /// # Errors
    /// If the system refuses what wasmtime needs (address space, above all).
    pub fn new(limits: Limits, concurrency: usize) -> wasmtime::Result<Self> {
        Self::with_options(EngineOptions::new(limits, concurrency))
    }

    /// An engine for plugins, dependencies and settings.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_options(options: EngineOptions) -> wasmtime::Result<Self> {
        let wasmtime = match wasmtime::Engine::new(&pooling(&options)) {
            Ok(engine) => engine,
            Err(error) => {
                // A limit on address space (`ulimit -v`) leaves no room for a pool. Slower, but it works.
                tracing::debug!("no pool of instances: {error:#}");
                wasmtime::Engine::new(&basis())?
            }
        };
        tick(&wasmtime);
        let mut linker = Linker::new(&wasmtime);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        Everything::add_to_linker::<_, HasState>(&mut linker, |state| state)?;
        Ok(Self(Arc::new(Inner {
            wasmtime,
            linker,
            limits: options.limits,
            settings: options.settings,
            dependencies: OnceLock::new(),
            platform: OnceLock::new(),
            run_values: RunValues::default(),
        })))
    }

    /// The configuration of wasmtime for these limits: for measuring beside it, as `tests/bench` does.
    #[doc(hidden)]
    pub fn config(limits: &Limits, concurrency: usize) -> Config {
        pooling(&EngineOptions::new(*limits, concurrency))
    }

    /// Gives attempts their dependencies, which were linked by this engine. Once, before the first attempt.
    pub fn provide(&self, dependencies: Vec<Arc<Dependency>>) {
        let by_name = dependencies
            .into_iter()
            .map(|dependency| (dependency.name.clone(), dependency));
        // A second call would change what attempts that run were checked against, so it changes nothing.
        let _ = self.0.dependencies.set(by_name.collect());
    }

    /// Gives components that the user has granted it the way to Encord's API. Once, before the first attempt.
    pub fn connect(&self, platform: Arc<dyn Platform>) {
        let _ = self.0.platform.set(platform);
    }

    /// Drops what was made for the run, the last first. Attempts have ended before.
    pub async fn end_run(&self) {
        self.0.run_values.close().await;
    }

    /// The wasmtime engine, for compiling.
    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.wasmtime
    }

    /// The limits of each attempt.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    fn dependency(&self, name: &str) -> Option<&Arc<Dependency>> {
        self.0.dependencies.get()?.get(name)
    }

    fn dependency_names(&self) -> Vec<&str> {
        let all = self.0.dependencies.get().into_iter().flatten();
        let mut names: Vec<&str> = all.map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    fn platform(&self) -> Option<&Arc<dyn Platform>> {
        self.0.platform.get()
    }

    fn setting(&self, name: &str) -> Option<&str> {
        self.0.settings.get(name).map(String::as_str)
    }

    fn run_values(&self) -> &RunValues {
        &self.0.run_values
    }

    fn downgrade(&self) -> Weak<Inner> {
        Arc::downgrade(&self.0)
    }

    fn upgrade(inner: &Weak<Inner>) -> Option<Self> {
        inner.upgrade().map(Self)
    }

    /// Checks a component against the contract, and gives it limits and grants.
    ///
    /// # Errors
    /// If it imports what the host does not offer.
    pub fn link(
        &self,
        component: &Component,
        limits: Limits,
        grants: Grants,
    ) -> wasmtime::Result<Program> {
        let ready = self.0.linker.instantiate_pre(component)?;
        Ok(Program::new(ready, limits, grants))
    }
}

/// What holds with and without a pool.
fn basis() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(64));
    config
}

fn pooling(options: &EngineOptions) -> Config {
    let memory = options.limits.memory.max(options.most_memory);
    // Each attempt can have an instance of each dependency, and one that makes a value for the run; each dependency can
    // live for the run. Two more than can run, since a slot is free only when its store is gone.
    let of_attempt = match options.dependencies {
        0 => 1,
        dependencies => dependencies.saturating_add(2),
    };
    let instances = options
        .concurrency
        .saturating_add(2)
        .saturating_mul(of_attempt)
        .saturating_add(options.dependencies)
        .saturating_add(2);
    let slots = u32::try_from(instances).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(16))
        .total_memories(slots.saturating_mul(2))
        .total_tables(slots.saturating_mul(16))
        .total_stacks(slots)
        .max_core_instances_per_component(CORE_INSTANCES as u32)
        .max_memories_per_component(4)
        .max_tables_per_component(CORE_INSTANCES as u32)
        .max_tables_per_module(8)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(memory.next_multiple_of(64 << 10))
        .linear_memory_keep_resident(KEPT_MEMORY)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    let mut config = basis();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// Advances the engine's epoch until the engine is gone.
fn tick(engine: &wasmtime::Engine) {
    let engine = engine.weak();
    let ticker = std::thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(TICK);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        });
    if let Err(error) = ticker {
        // Without it an endless loop could not be stopped, so nothing may run.
        panic!("the system refused a thread for the time limit: {error}");
    }
}
