//! The data of one store. A store lives for one attempt (or one `describe`), so nothing in here is
//! ever cleared or set back.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::Uuid;
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::{FsPerms, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use super::bindings::runner::stage::types::{self, Error};
use super::declaration::Declaration;
use super::handles::Positions;
use super::inputs::{Inputs, Twin};
use super::labels::{Instance, OpenRow};
use super::limits::{Limits, Meter};
use super::media::{ASSETS, Media};
use super::ontology::NodePath;
use super::provide::{AttemptValues, Dependency, Value};
use super::stdio::Log;
use super::storage::OpenItem;
use super::{Engine, Inner, Program};
use crate::encord::{Project, Stage, Task};
use crate::labels::Ontology;

/// What the host functions of one store work on.
pub(super) struct State {
    pub(super) meter: Meter,
    pub(super) log: Log,
    wasi: Option<WasiCtx>,
    table: ResourceTable,

    /// Weak, since values that live for the run are kept in it.
    engine: Weak<Inner>,
    pub(super) program: Program,
    pub(super) role: Role,
    /// Absent in `describe`, where a guest has nothing to ask.
    scene: Option<Scene>,
    /// The tasks of the call: one, or those of a batch.
    contexts: Vec<Current>,

    /// Those of the contexts, and those of twins, in the order in which they were handed out.
    pub(super) tasks: Vec<Arc<Task>>,
    /// The tasks' rows and those of their twins, likewise.
    pub(super) rows: Vec<OpenRow>,
    /// By task: projects that turned out to have no labels of its data.
    pub(super) without_twin_row: Vec<(u32, Uuid)>,
    /// By task: what was found in other projects.
    pub(super) twins: Vec<(u32, Twin)>,
    pub(super) items: Vec<OpenItem>,
    pub(super) values: Vec<Value>,
    pub(super) media: Media,
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

/// As what a component is called.
#[derive(Debug, Clone)]
pub(super) enum Role {
    /// To say what it serves.
    Describe,
    /// To decide.
    Agent,
    /// To give agents a value.
    Dependency(Arc<Dependency>),
    /// To make a value for all attempts of its own plugin: the last of these names, for which the others wait.
    PerRun(Vec<String>),
}

/// What all tasks of a call have in common.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) project: Arc<Project>,
    pub(super) ontology: Arc<Ontology>,
    /// Absent for what is made for the whole run.
    pub(super) stage: Option<Arc<Stage>>,
}

/// One task of a call.
#[derive(Clone)]
pub(super) struct Current {
    pub(super) inputs: Inputs,
    /// What dependencies gave for it, to whoever asked.
    pub(super) values: Arc<AttemptValues>,
    /// A position in [`State::items`], once it was asked for.
    pub(super) item: Option<u32>,
}

impl Current {
    pub(super) fn new(inputs: Inputs, values: Arc<AttemptValues>) -> Self {
        Self {
            inputs,
            values,
            item: None,
        }
    }
}

impl State {
    pub(super) fn new(
        engine: &Engine,
        program: &Program,
        role: Role,
        scene: Option<Scene>,
        contexts: Vec<Current>,
    ) -> Self {
        let limits = program.limits();
        let tasks = contexts.iter().map(|one| Arc::clone(&one.inputs.task));
        Self {
            meter: Meter::new(limits.memory),
            log: Log::new(limits.log_bytes),
            wasi: None,
            table: ResourceTable::new(),
            engine: engine.downgrade(),
            program: program.clone(),
            role,
            scene,
            tasks: tasks.collect(),
            contexts,
            rows: Vec::new(),
            without_twin_row: Vec::new(),
            twins: Vec::new(),
            items: Vec::new(),
            values: Vec::new(),
            media: Media::default(),
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

    /// The engine, which a call in progress keeps alive.
    pub(super) fn engine(&self) -> wasmtime::Result<Engine> {
        Engine::upgrade(&self.engine).ok_or_else(|| wasmtime::format_err!("the run has ended"))
    }

    /// The limits of the component.
    pub(super) fn limits(&self) -> &Limits {
        self.program.limits()
    }

    /// What the call is about.
    pub(super) fn scene(&self) -> wasmtime::Result<&Scene> {
        // Only a handle leads here, and `describe` is given none.
        self.scene
            .as_ref()
            .ok_or_else(|| wasmtime::format_err!("there is no task in `describe`"))
    }

    /// The task at a position.
    pub(super) fn current(&self, task: u32) -> wasmtime::Result<&Current> {
        self.contexts.get(task as usize).ok_or_else(no_context)
    }

    /// Likewise, to be changed.
    pub(super) fn current_mut(&mut self, task: u32) -> wasmtime::Result<&mut Current> {
        self.contexts.get_mut(task as usize).ok_or_else(no_context)
    }

    /// Why an effect is refused to this component, if it is.
    pub(super) fn decides_nothing(&self, what: &str) -> Option<Error> {
        match &self.role {
            Role::Agent => None,
            _ => Some(Error::Unsupported(format!(
                "a dependency cannot {what}: only the agent decides"
            ))),
        }
    }
}

fn no_context() -> wasmtime::Error {
    wasmtime::format_err!("there is no such task in this call")
}

/// Tells the generated code that `State` itself implements every interface.
pub(super) struct HasState;

impl HasData for HasState {
    type Data<'a> = &'a mut State;
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        // Made when first asked for: many plugins never touch WASI.
        let folder = match self.wasi {
            None => self.assets_folder(),
            Some(_) => None,
        };
        let log = &self.log;
        let ctx = self.wasi.get_or_insert_with(|| {
            // Nothing is granted but the assets that were asked for: no argument, variable, other folder, address or
            // name look-up. Clocks stand still at the moment of the first look, so that no decision can depend on time.
            let mut builder = WasiCtx::builder();
            if let Some(folder) = folder {
                let opened = builder.preopened_dir(folder, ASSETS, FsPerms::ReadOnly);
                if let Err(error) = opened {
                    tracing::warn!("the folder of assets cannot be opened: {error:#}");
                }
            }
            builder
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
