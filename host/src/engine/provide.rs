//! Values that are made for agents: by dependency components, and once in a run by plugins themselves.
//!
//! A value of an attempt is kept with the attempt, whoever asked for it, and dropped when the attempt has ended, the
//! last one made first. A value of the run is kept by the engine until the run ends, or by the plugin that
//! made it. What only has a value runs in an instance that is gone at once; a service keeps its instance.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::OnceCell;
use tracing::Instrument;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bindings::exports::runner::stage::dependency::{Given, Guest};
use super::bindings::runner::stage::types::Error;
use super::declaration::{Declaration, ValueKind};
use super::handles::only;
use super::state::{Current, Role, Scene, State};
use super::{Engine, Failure, Inner, Program};

type Answered<T> = std::result::Result<T, Error>;

/// A component that gives agents a value, under the name that the user gave it.
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// What it needs and gives.
    pub declaration: Declaration,
    /// The linked component.
    pub program: Program,
}

impl fmt::Debug for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dependency")
            .field("name", &self.name)
            .field("declaration", &self.declaration)
            .finish_non_exhaustive()
    }
}

impl Dependency {
    /// Whether it declared that it asks for another.
    pub(super) fn needs(&self, name: &str) -> bool {
        let mut needed = self.declaration.dependencies.iter();
        needed.any(|(needed, _)| needed == name)
    }
}

/// What the host keeps beside the bytes of a value, at least.
const PER_NAME: usize = 256;

/// What was given. Clones share it.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Json(Arc<str>),
    Bytes(Bytes),
    Service(Arc<Service>),
}

impl Value {
    pub(super) fn kind(&self) -> ValueKind {
        match self {
            Self::Json(_) => ValueKind::Json,
            Self::Bytes(_) => ValueKind::Bytes,
            Self::Service(_) => ValueKind::Service,
        }
    }

    /// Whether it is this very value.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Json(one), Self::Json(other)) => Arc::ptr_eq(one, other),
            (Self::Bytes(one), Self::Bytes(other)) => {
                one.as_ptr() == other.as_ptr() && one.len() == other.len()
            }
            (Self::Service(one), Self::Service(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Of JSON, its text.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Json(text) => Some(text.as_bytes()),
            Self::Bytes(bytes) => Some(bytes),
            Self::Service(_) => None,
        }
    }
}

/// A value that answers calls, one after another.
pub(super) struct Service {
    name: String,
    time: Duration,
    /// Absent once a call of it trapped, went over a limit or was abandoned: what it had in memory cannot be relied on.
    live: tokio::sync::Mutex<Option<Live>>,
    /// How it is made anew then; absent if it lives for an attempt, which may have seen what it was.
    again: Option<Again>,
}

/// What a service of the run is made from.
struct Again {
    /// Weak, since the engine keeps the service.
    engine: Weak<Inner>,
    dependency: Arc<Dependency>,
    scene: Scene,
}

struct Live {
    store: Store<State>,
    guest: Guest,
    resource: ResourceAny,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Calls it. A caller that gives up leaves it without an instance.
    pub(super) async fn call(&self, function: &str, input: &[u8]) -> Answered<Vec<u8>> {
        let mut slot = self.live.lock().await;
        let mut live = match slot.take() {
            Some(live) => live,
            None => self.remade().await?,
        };
        live.store.data().log.renew();
        let service = live.guest.service();
        let call = service.call_call(&mut live.store, live.resource, function, input);
        let span = tracing::error_span!("dependency", name = %self.name);
        let ended = within(self.time, call.instrument(span)).await;
        let tail = live.store.data().log.finish();
        match ended {
            Ok(Ok(answer)) => {
                *slot = Some(live);
                answer
            }
            Ok(Err(error)) => {
                let failure = Engine::failure(&live.store, &error, &tail);
                Err(fault(&self.name, &failure))
            }
            Err(failure) => Err(fault(&self.name, &failure)),
        }
    }

    /// Another instance, after a fault.
    async fn remade(&self) -> Answered<Live> {
        let gone = || {
            Error::Unavailable(format!(
                "the instance of the dependency \"{}\" is gone after a fault",
                self.name
            ))
        };
        let again = self.again.as_ref().ok_or_else(gone)?;
        let engine = Engine::upgrade(&again.engine).ok_or_else(gone)?;
        match engine
            .resolve(&again.dependency, again.scene.clone(), None)
            .await?
        {
            Value::Service(made) => made.live.lock().await.take().ok_or_else(gone),
            _ => Err(gone()),
        }
    }

    /// Drops what answered, then its instance.
    async fn close(&self) {
        let Some(mut live) = self.live.lock().await.take() else {
            return;
        };
        let dropped = live.resource.resource_drop_async(&mut live.store);
        let ended = within(self.time, dropped).await;
        live.store.data().log.finish();
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!(
                "the dependency \"{}\" failed while it was dropped",
                self.name
            );
        }
    }
}

/// What dependencies gave for one attempt at one task.
#[derive(Debug, Default)]
pub(super) struct AttemptValues {
    cells: Mutex<HashMap<String, Arc<OnceCell<Value>>>>,
    /// In the order in which they were made.
    services: Mutex<Vec<Arc<Service>>>,
}

impl AttemptValues {
    fn cell(&self, name: &str) -> Arc<OnceCell<Value>> {
        let mut cells = lock(&self.cells);
        match cells.get(name) {
            Some(cell) => Arc::clone(cell),
            None => Arc::clone(cells.entry(name.to_owned()).or_default()),
        }
    }

    /// Drops what was made, the last first.
    pub(super) async fn close(&self) {
        let services = std::mem::take(&mut *lock(&self.services));
        for service in services.iter().rev() {
            service.close().await;
        }
    }
}

/// Values that live as long as a run, by name.
#[derive(Debug, Default)]
pub(super) struct RunValues {
    cells: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<Value>>>>>,
    /// By name of a value that is being made: the one that it waits for.
    waits: Mutex<HashMap<String, String>>,
    /// Of the values of a plugin, in bytes.
    bytes: AtomicU64,
    /// In the order in which they were made.
    services: Mutex<Vec<Arc<Service>>>,
}

impl RunValues {
    /// The value of a name, made by `make` if there is none yet. Whoever asks meanwhile waits.
    async fn get<Made>(&self, name: &str, make: impl FnOnce() -> Made) -> Answered<Value>
    where
        Made: Future<Output = Answered<Value>>,
    {
        let cell = Arc::clone(lock(&self.cells).entry(name.to_owned()).or_default());
        let mut known = cell.lock().await;
        if let Some(value) = &*known {
            return Ok(value.clone());
        }
        let value = match make().await {
            Ok(value) => value,
            Err(error) => {
                drop(known);
                self.forget(name, &cell);
                return Err(error);
            }
        };
        if let Value::Service(service) = &value {
            lock(&self.services).push(Arc::clone(service));
        }
        *known = Some(value.clone());
        Ok(value)
    }

    /// Forgets a name of which nothing came, so that a plugin cannot fill the map with them.
    fn forget(&self, name: &str, cell: &Arc<tokio::sync::Mutex<Option<Value>>>) {
        let mut cells = lock(&self.cells);
        // That of the map, and this one: nobody else waits for it.
        if Arc::strong_count(cell) == 2 {
            cells.remove(name);
        }
    }

    /// Notes that the last of `waiting` waits for `name`, until what is returned is dropped. None if `name` waits for it
    /// in turn, in whatever attempt.
    fn wait(&self, waiting: &[String], name: &str) -> Option<Option<Waits<'_>>> {
        let Some(last) = waiting.last() else {
            return Some(None);
        };
        let mut waits = lock(&self.waits);
        let mut next = Some(name);
        while let Some(one) = next {
            if one == last {
                return None;
            }
            next = waits.get(one).map(String::as_str);
        }
        waits.insert(last.clone(), name.to_owned());
        Some(Some(Waits {
            values: self,
            name: last.clone(),
        }))
    }

    /// Counts bytes that are to be kept for the run.
    fn reserve(&self, bytes: u64, most: usize) -> Answered<()> {
        let all = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if all <= most as u64 {
            return Ok(());
        }
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        Err(Error::TooLarge(format!(
            "expected values for the run that fit into {} MiB, the memory of one attempt, found more\n\
             help: values for the run are for what all tasks share; raise --memory if they are that large",
            most >> 20
        )))
    }

    /// Drops what was made, the last first.
    pub(super) async fn close(&self) {
        lock(&self.cells).clear();
        let services = std::mem::take(&mut *lock(&self.services));
        for service in services.iter().rev() {
            service.close().await;
        }
    }
}

/// A value that is being made waits for another.
struct Waits<'a> {
    values: &'a RunValues,
    name: String,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        lock(&self.values.waits).remove(&self.name);
    }
}

impl Engine {
    /// What a dependency gives for one attempt: made now, if nobody has asked for it yet.
    pub(super) fn value_of_attempt(
        self,
        dependency: Arc<Dependency>,
        current: Current,
        scene: Scene,
    ) -> BoxFuture<'static, Answered<Value>> {
        // Boxed, since a dependency can ask for another.
        async move {
            let cell = current.values.cell(&dependency.name);
            let values = Arc::clone(&current.values);
            let span = tracing::error_span!("dependency", name = %dependency.name);
            let make = || async {
                let resolved = self.resolve(&dependency, scene, Some(current));
                let value = resolved.instrument(span).await?;
                if let Value::Service(service) = &value {
                    lock(&values.services).push(Arc::clone(service));
                }
                Ok(value)
            };
            cell.get_or_try_init(make).await.cloned()
        }
        .boxed()
    }

    /// What a dependency gives for the whole run: made now, if nobody has asked for it yet.
    pub(super) fn value_of_run(
        self,
        dependency: Arc<Dependency>,
        scene: Scene,
    ) -> BoxFuture<'static, Answered<Value>> {
        async move {
            let span = tracing::error_span!("dependency", name = %dependency.name);
            let make = || self.resolve(&dependency, scene, None).instrument(span);
            self.run_values().get(&dependency.name, make).await
        }
        .boxed()
    }

    /// Calls a dependency: `resolve` for a task, `create` for the run.
    async fn resolve(
        &self,
        dependency: &Arc<Dependency>,
        scene: Scene,
        current: Option<Current>,
    ) -> Answered<Value> {
        let (name, program) = (&dependency.name, &dependency.program);
        let time = program.limits().time;
        let for_task = current.is_some();
        let again = (!for_task).then(|| Again {
            engine: self.downgrade(),
            dependency: Arc::clone(dependency),
            scene: scene.clone(),
        });
        let role = Role::Dependency(Arc::clone(dependency));
        // Items that were handed out to another component are not handed out here.
        let contexts = current.map(|current| Current::new(current.inputs, current.values));
        let mut store = self.store(program, role, Some(scene), contexts.into_iter().collect());
        let call = async {
            let instance = program.instantiate(&mut store).await?;
            let guest = program.dependency_guest(&mut store, &instance)?;
            let given = if for_task {
                guest.call_resolve(&mut store, only()).await?
            } else {
                guest.call_create(&mut store, only()).await?
            };
            wasmtime::Result::Ok((guest, given))
        };
        let ended = within(time, call).await;
        let tail = store.data().log.finish();
        let (guest, given) = match ended {
            Ok(Ok((guest, given))) => (guest, given?),
            Ok(Err(error)) => return Err(fault(name, &Self::failure(&store, &error, &tail))),
            Err(failure) => return Err(fault(name, &failure)),
        };
        let value = match given {
            Given::Json(text) => {
                if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&text) {
                    return Err(Error::Other(format!(
                        "expected JSON from the dependency \"{name}\", found text that is none: {error}"
                    )));
                }
                Value::Json(text.into())
            }
            Given::Bytes(bytes) => Value::Bytes(bytes.into()),
            Given::Service(resource) => Value::Service(Arc::new(Service {
                name: name.clone(),
                time,
                live: tokio::sync::Mutex::new(Some(Live {
                    store,
                    guest,
                    resource,
                })),
                again,
            })),
        };
        let declared = dependency.declaration.gives;
        if value.kind() != declared {
            return Err(Error::Other(format!(
                "expected {} from the dependency \"{name}\", as it declares, found {}",
                declared.name(),
                value.kind().name()
            )));
        }
        Ok(value)
    }

    /// A value that a plugin makes once in a run: made now, if nobody has asked for it yet. `waiting` are those that wait for
    /// it.
    pub(super) fn value_of_plugin(
        self,
        program: Program,
        name: String,
        waiting: Vec<String>,
        scene: Scene,
    ) -> BoxFuture<'static, Answered<Value>> {
        async move {
            let values = program.run_values();
            let Some(_waits) = values.wait(&waiting, &name) else {
                return Err(Error::InvalidArgument(format!(
                    "values for the run need each other: \"{}\" needs \"{name}\"",
                    waiting.join("\" needs \"")
                )));
            };
            let make = || async {
                let value = self.create(&program, &name, waiting, scene).await?;
                // A name takes memory too.
                let bytes = value.bytes().map_or(0, <[u8]>::len) + name.len() + PER_NAME;
                values.reserve(bytes as u64, program.limits().memory)?;
                Ok(value)
            };
            values.get(&name, make).await
        }
        .boxed()
    }

    async fn create(
        &self,
        program: &Program,
        name: &str,
        mut waiting: Vec<String>,
        scene: Scene,
    ) -> Answered<Value> {
        waiting.push(name.to_owned());
        let mut store = self.store(program, Role::PerRun(waiting), Some(scene), Vec::new());
        let call = async {
            let instance = program.instantiate(&mut store).await?;
            match program.per_run_guest(&mut store, &instance)? {
                Some(guest) => guest.call_create(&mut store, name, only()).await.map(Some),
                None => Ok(None),
            }
        };
        let ended = within(program.limits().time, call).await;
        let tail = store.data().log.finish();
        let failure = match ended {
            Ok(Ok(Some(made))) => return Ok(Value::Bytes(made?.into())),
            Ok(Ok(None)) => {
                return Err(Error::Unsupported(
                    "the plugin makes no values for the run: it does not export `per-run`"
                        .to_owned(),
                ));
            }
            Ok(Err(error)) => Self::failure(&store, &error, &tail),
            Err(failure) => failure,
        };
        tracing::warn!("the value \"{name}\" for the run: {failure}");
        Err(Error::Unavailable(format!(
            "the value \"{name}\" for the run could not be made ({}): {}",
            failure.kind(),
            message_of(&failure)
        )))
    }
}

/// The error of whoever asked for a dependency that failed. The whole story goes into the log.
fn fault(name: &str, failure: &Failure) -> Error {
    tracing::warn!(
        "the dependency \"{name}\" failed ({}): {failure}",
        failure.kind()
    );
    let told = match failure {
        Failure::Timeout(limit) => format!(
            "no answer within {} s (raise it with `--dependency {name}=FILE,timeout=SECONDS` if it needs longer)",
            limit.as_secs_f64()
        ),
        Failure::OutOfMemory(limit) => format!(
            "it asked for more than {} MiB of memory (raise it with `--dependency {name}=FILE,memory=MIB` if it needs more)",
            limit >> 20
        ),
        other => message_of(other),
    };
    Error::Unavailable(format!(
        "the dependency \"{name}\" failed ({}): {told}",
        failure.kind()
    ))
}

/// Without the backtrace.
fn message_of(failure: &Failure) -> String {
    match failure {
        Failure::Trap { message, .. } => message.clone(),
        other => other.to_string(),
    }
}

async fn within<T>(time: Duration, call: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::time::timeout(time, call)
        .await
        .map_err(|_| Failure::Timeout(time))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is under these locks is whole whatever panicked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
