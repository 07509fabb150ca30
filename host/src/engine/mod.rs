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
mod ontology;
mod state;
mod stdio;
mod storage;
mod workflow;

use std::time::Duration;

use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

pub use declaration::{Declaration, TwinNeeds, ValueKind};
pub use inputs::{
    Decision, Failure, Inputs, LabelRowInput, PlatformCall, Resolver, SavedItem, SavedRow, Twin,
    TwinRow, Unresolved,
};
pub use limits::Limits;

use bindings::{Stage, StagePre};
use limits::{CORE_INSTANCES, TABLE_ELEMENTS};
use state::{HasState, State};

/// How often a running guest can be interrupted, and so how late a time limit can strike.
const TICK: Duration = Duration::from_millis(10);

/// Memory of a returned slot up to this size is cleared in place rather than given back to the system:
/// with it, twice as many instances start per second.
const KEPT_MEMORY: usize = 1 << 20;

/// Runs plugins within limits.
pub struct Engine {
    wasmtime: wasmtime::Engine,
    linker: Linker<State>,
    limits: Limits,
}

/// A component that fits the contract, ready to be instantiated.
pub struct Program {
    stage: StagePre<State>,
}

impl Engine {
    /// An engine that runs up to `concurrency` attempts at the same time.
    ///
    /// # Errors
    /// If the system refuses what wasmtime needs (address space, above all).
    pub fn new(limits: Limits, concurrency: usize) -> wasmtime::Result<Self> {
        let wasmtime = match wasmtime::Engine::new(&pooling(&limits, concurrency)) {
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
        Stage::add_to_linker::<_, HasState>(&mut linker, |state| state)?;
        Ok(Self {
            wasmtime,
            linker,
            limits,
        })
    }

    /// The configuration of wasmtime for these limits: for measuring beside it, as `tests/bench` does.
    #[doc(hidden)]
    pub fn config(limits: &Limits, concurrency: usize) -> Config {
        pooling(limits, concurrency)
    }

    /// The wasmtime engine, for compiling.
    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.wasmtime
    }

    /// The limits of each attempt.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Checks a component against the contract.
    ///
    /// # Errors
    /// If it imports what the host does not offer, or does not export the interface `agent`.
    pub fn link(&self, component: &Component) -> wasmtime::Result<Program> {
        Ok(Program {
            stage: StagePre::new(self.linker.instantiate_pre(component)?)?,
        })
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

fn pooling(limits: &Limits, concurrency: usize) -> Config {
    // One more than can run, since a slot is free only when its store is gone.
    let slots = u32::try_from(concurrency.saturating_add(2)).unwrap_or(u32::MAX);
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
        .max_memory_size(limits.memory.next_multiple_of(64 << 10))
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
