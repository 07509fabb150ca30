//! The data of one store. A store lives for one attempt (or one `describe`), so nothing in here is
//! ever cleared or set back.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::Uuid;
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use super::bindings::runner::stage::types;
use super::declaration::Declaration;
use super::handles::Positions;
use super::inputs::Inputs;
use super::labels::{Instance, OpenRow};
use super::limits::{Limits, Meter};
use super::ontology::NodePath;
use super::stdio::Log;
use crate::encord::StorageItem;
use crate::labels::Ontology;

/// What the host functions of one attempt work on.
pub(super) struct State {
    pub(super) meter: Meter,
    pub(super) log: Log,
    wasi: Option<WasiCtx>,
    table: ResourceTable,

    /// Absent in `describe`, where a guest has no context to ask.
    inputs: Option<Inputs>,
    /// The task's row and those of its twins, in the order in which they were asked for.
    pub(super) rows: Vec<OpenRow>,
    /// Projects that turned out not to have the task's data, or no labels of it.
    pub(super) without_twin: Vec<Uuid>,
    pub(super) item: Option<Arc<StorageItem>>,
    /// What the labels that were added take in the host's memory, as an estimate.
    pub(super) label_bytes: u64,

    pub(super) ontologies: Vec<Arc<Ontology>>,
    pub(super) nodes: Positions<NodePath>,
    pub(super) objects: Vec<Instance>,
    pub(super) classifications: Vec<Instance>,
    /// Row and position in it.
    pub(super) data_units: Vec<(u32, u32)>,
    /// Row and id.
    pub(super) spaces: Vec<(u32, String)>,
    pub(super) declarations: Vec<Declaration>,
}

impl State {
    pub(super) fn new(limits: &Limits, inputs: Option<Inputs>) -> Self {
        Self {
            meter: Meter::new(limits.memory),
            log: Log::new(limits.log_bytes),
            wasi: None,
            table: ResourceTable::new(),
            inputs,
            rows: Vec::new(),
            without_twin: Vec::new(),
            item: None,
            label_bytes: 0,
            ontologies: Vec::new(),
            nodes: Positions::default(),
            objects: Vec::new(),
            classifications: Vec::new(),
            data_units: Vec::new(),
            spaces: Vec::new(),
            declarations: Vec::new(),
        }
    }

    /// What the attempt was given.
    pub(super) fn inputs(&self) -> wasmtime::Result<&Inputs> {
        // Only a handle leads here, and `describe` is given none.
        self.inputs
            .as_ref()
            .ok_or_else(|| wasmtime::format_err!("there is no task in `describe`"))
    }
}

/// Tells the generated code that `State` itself implements every interface.
pub(super) struct HasState;

impl HasData for HasState {
    type Data<'a> = &'a mut State;
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        // Made when first asked for: many plugins never touch WASI.
        let log = &self.log;
        let ctx = self.wasi.get_or_insert_with(|| {
            // Nothing is granted: no argument, variable, folder, address or name look-up. Clocks stand
            // still at the moment of the first look, so that no decision can depend on time.
            WasiCtx::builder()
                .stdout(log.stdout())
                .stderr(log.stderr())
                .allow_tcp(false)
                .allow_udp(false)
                .allow_ip_name_lookup(false)
                .wall_clock(StandingClock::now())
                .monotonic_clock(StandingClock::now())
                .build()
        });
        WasiCtxView {
            ctx,
            table: &mut self.table,
        }
    }
}

/// A clock that stands still.
struct StandingClock(Duration);

impl StandingClock {
    fn now() -> Self {
        Self(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        )
    }
}

impl HostWallClock for StandingClock {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

impl HostMonotonicClock for StandingClock {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}

impl types::Host for State {}

/// Handles are positions that outlive the guest's interest in them, so there is nothing to free.
pub(super) fn forget<T: 'static>(_handle: Resource<T>) -> wasmtime::Result<()> {
    Ok(())
}
