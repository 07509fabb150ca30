//! One call of a guest, and what it ended in.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::error::Elapsed;
use wasmtime::component::Resource;
use wasmtime::{Store, Trap, WasmBacktrace};

use super::bindings::exports::runner::stage::agent::Outcome;
use super::bindings::runner::stage::types::Error;
use super::handles::{ContextHandle, DeclarationHandle, only};
use super::provide::AttemptValues;
use super::state::{Current, Role, Scene, State};
use super::{Decision, Declaration, Engine, Failure, Inputs, Program};

/// A message of a guest is cut here: it goes into logs and summaries.
const LONGEST_MESSAGE: usize = 8 << 10;

/// `describe` looks at nothing outside of the plugin, so it needs no longer.
const DESCRIBE_TIME: Duration = Duration::from_secs(10);

impl Engine {
    /// Asks a plugin which stages it serves.
    ///
    /// # Errors
    /// If it traps, or exceeds a limit; its time limit is 10 s or that of an attempt, if shorter.
    pub async fn describe(&self, program: &Program) -> Result<Vec<Declaration>, Failure> {
        let mut store = self.store(program, Role::Describe, None, Vec::new());
        let call = async {
            let instance = program.instantiate(&mut store).await?;
            let guest = program.plugin_guest(&mut store, &instance)?;
            guest.call_describe(&mut store).await
        };
        let time = program.limits().time.min(DESCRIBE_TIME);
        let ended = tokio::time::timeout(time, call).await;
        Self::described(&mut store, ended, time)
    }

    /// Asks a dependency what it needs and gives.
    ///
    /// # Errors
    /// As [`Engine::describe`].
    pub async fn describe_dependency(&self, program: &Program) -> Result<Declaration, Failure> {
        let mut store = self.store(program, Role::Describe, None, Vec::new());
        let call = async {
            let instance = program.instantiate(&mut store).await?;
            let guest = program.dependency_guest(&mut store, &instance)?;
            guest.call_describe(&mut store).await
        };
        let time = program.limits().time.min(DESCRIBE_TIME);
        let ended = match tokio::time::timeout(time, call).await {
            Ok(Ok(Err(error))) => return Err(returned(error)),
            Ok(Ok(Ok(handle))) => Ok(Ok(vec![handle])),
            Ok(Err(error)) => Ok(Err(error)),
            Err(elapsed) => Err(elapsed),
        };
        let declarations = Self::described(&mut store, ended, time)?;
        Ok(declarations.into_iter().next().unwrap_or_default())
    }

    fn described(
        store: &mut Store<State>,
        ended: Result<wasmtime::Result<Vec<Resource<DeclarationHandle>>>, Elapsed>,
        time: Duration,
    ) -> Result<Vec<Declaration>, Failure> {
        let tail = store.data().log.finish();
        match ended {
            Ok(Ok(handles)) => handles
                .iter()
                .map(|handle| store.data_mut().declaration(handle).cloned())
                .collect::<wasmtime::Result<_>>()
                .map_err(|error| Self::failure(store, &error, &tail)),
            Ok(Err(error)) => Err(Self::failure(store, &error, &tail)),
            Err(_) => Err(Failure::Timeout(time)),
        }
    }

    /// Makes one attempt at one task: `stage` is the string that the plugin declared.
    ///
    /// # Errors
    /// Whatever kept the agent from a decision. Nothing of the attempt is kept then.
    pub async fn attempt(
        &self,
        program: &Program,
        stage: &str,
        inputs: Inputs,
    ) -> Result<Decision, Failure> {
        let values = Arc::new(AttemptValues::default());
        let scene = Scene::of(&inputs);
        let current = Current::new(inputs, Arc::clone(&values));
        let log = current.inputs.log.clone();
        let mut store = self.store(program, Role::Agent, Some(scene), vec![current]);
        store.data().log.also_to(log);
        let call = async {
            let instance = program.instantiate(&mut store).await?;
            let guest = program.agent_guest(&mut store, &instance)?;
            guest.call_run(&mut store, stage, only()).await
        };
        let time = program.limits().time;
        let ended = tokio::time::timeout(time, call).await;
        let tail = store.data().log.finish();
        let result = match ended {
            Ok(Ok(Ok(outcome))) => {
                let mut decided = decisions(store.into_data(), vec![Ok(outcome)]);
                decided.pop().unwrap_or_else(|| Err(miscounted(1, 0)))
            }
            Ok(Ok(Err(error))) => Err(returned(error)),
            Ok(Err(error)) => Err(Self::failure(&store, &error, &tail)),
            Err(_) => Err(Failure::Timeout(time)),
        };
        values.close().await;
        result
    }

    /// Makes one attempt at many tasks of one stage, in one call. One result for each, in order: what fails the call
    /// as a whole is the failure of each.
    pub async fn attempt_batch(
        &self,
        program: &Program,
        stage: &str,
        batch: Vec<Inputs>,
    ) -> Vec<Result<Decision, Failure>> {
        let Some(first) = batch.first() else {
            return Vec::new();
        };
        let (count, scene) = (batch.len(), Scene::of(first));
        let currents: Vec<Current> = batch
            .into_iter()
            .map(|inputs| Current::new(inputs, Arc::default()))
            .collect();
        let values: Vec<_> = currents.iter().map(|one| Arc::clone(&one.values)).collect();
        let log = currents.first().map(|first| first.inputs.log.clone());
        let mut store = self.store(program, Role::Agent, Some(scene), currents);
        store.data().log.also_to(log.unwrap_or_default());
        let call = async {
            let instance = program.instantiate(&mut store).await?;
            let guest = program.batch_agent_guest(&mut store, &instance)?;
            let contexts: Vec<_> = (0..count as u32)
                .map(Resource::<ContextHandle>::new_own)
                .collect();
            guest.call_run_batch(&mut store, stage, &contexts).await
        };
        let time = program
            .limits()
            .time
            .saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        let ended = tokio::time::timeout(time, call).await;
        let tail = store.data().log.finish();
        let all = |failure: Failure| vec![Err(failure); count];
        let results = match ended {
            Ok(Ok(Ok(outcomes))) if outcomes.len() == count => {
                let outcomes = outcomes.into_iter().map(|entry| {
                    entry.map(|outcome| Outcome {
                        pathway: outcome.pathway,
                        priority: outcome.priority,
                    })
                });
                decisions(store.into_data(), outcomes.collect())
            }
            Ok(Ok(Ok(outcomes))) => all(miscounted(count, outcomes.len())),
            Ok(Ok(Err(error))) => all(returned(error)),
            Ok(Err(error)) => all(Self::failure(&store, &error, &tail)),
            Err(_) => all(Failure::Timeout(time)),
        };
        for values in values {
            values.close().await;
        }
        results
    }

    pub(super) fn store(
        &self,
        program: &Program,
        role: Role,
        scene: Option<Scene>,
        contexts: Vec<Current>,
    ) -> Store<State> {
        let state = State::new(self, program, role, scene, contexts);
        let mut store = Store::new(self.wasmtime(), state);
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(program.limits().value_bytes);
        store.set_epoch_deadline(1);
        // A guest that computes gives way at each tick, so that it neither holds up others nor its
        // own time limit.
        store.epoch_deadline_async_yield_and_update(1);
        store
    }

    pub(super) fn failure(store: &Store<State>, error: &wasmtime::Error, stderr: &str) -> Failure {
        let limits = store.data().limits();
        if store.data().meter.memory_refused {
            return Failure::OutOfMemory(limits.memory);
        }
        let cause = match error.downcast_ref::<Trap>() {
            Some(trap) => trap.to_string(),
            None => error.root_cause().to_string(),
        };
        // wasmtime has no type for it.
        let cause = if cause.contains("fuel allocated for hostcalls") {
            format!(
                "the plugin handed over more than {} MiB in one call (raise --value-size if it needs more)",
                limits.value_bytes >> 20
            )
        } else if cause.contains("handle limit") {
            "the plugin held too many handles at once, which are limited to 100,000 for each resource\n\
             help: drop handles that are not needed; objects can be looked up one by one"
                .to_owned()
        } else {
            cause
        };
        let message = match stderr.trim() {
            "" => cause,
            stderr => format!("{stderr}\n{cause}"),
        };
        let backtrace = error
            .downcast_ref::<WasmBacktrace>()
            .map(readable)
            .unwrap_or_default();
        Failure::Trap {
            message: cut(message),
            // Names in it are the plugin's own.
            backtrace: cut(backtrace),
        }
    }
}

/// What the contract says of each error that an agent can return.
fn returned(error: Error) -> Failure {
    match error {
        Error::Retryable(message) | Error::Unavailable(message) => Failure::Retryable(cut(message)),
        Error::InvalidArgument(message)
        | Error::Unsupported(message)
        | Error::TooLarge(message) => Failure::Invalid(cut(message)),
        Error::NotFound(message)
        | Error::Forbidden(message)
        | Error::Other(message)
        | Error::Fatal(message) => Failure::Fatal(cut(message)),
    }
}

/// The answer to a batch does not have one entry for each task.
fn miscounted(expected: usize, found: usize) -> Failure {
    Failure::Contract(format!(
        "expected one outcome for each of the {expected} tasks of the batch, found {found}"
    ))
}

/// Turns what the guest returned for each task, and what it did to its row and items, into decisions.
fn decisions(
    mut state: State,
    outcomes: Vec<Result<Outcome, Error>>,
) -> Vec<Result<Decision, Failure>> {
    let mut decided: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| outcome.map_err(returned).and_then(decide))
        .collect();
    for (task, items) in state.take_items() {
        if let Some(Ok(decision)) = decided.get_mut(task as usize) {
            decision.items.push(items);
        }
    }
    for (task, row) in state.take_task_rows() {
        if let Some(Ok(decision)) = decided.get_mut(task as usize) {
            decision.priority = decision.priority.or(row.priority);
            row.conclude(decision);
        }
    }
    decided
}

fn decide(outcome: Outcome) -> Result<Decision, Failure> {
    if let Some(priority) = outcome.priority
        && !(0.0..=1.0).contains(&priority)
    {
        return Err(Failure::Contract(format!(
            "the agent gave the priority {priority}, which is not in 0..1"
        )));
    }
    Ok(Decision {
        pathway: outcome.pathway.map(cut),
        priority: outcome.priority,
        labels: None,
        items: Vec::new(),
        unsaved_edits: false,
        missing_answers: Vec::new(),
    })
}

/// One frame a line, innermost first, with demangled names. What Rust itself calls to panic says nothing of the
/// plugin and is left out.
fn readable(backtrace: &WasmBacktrace) -> String {
    let names: Vec<String> = backtrace
        .frames()
        .iter()
        .map(|frame| match frame.func_name() {
            Some(name) => format!("{:#}", rustc_demangle::demangle(name)),
            None => format!("function {}", frame.func_index()),
        })
        .collect();
    let of_panic =
        |name: &String| name.starts_with("core::panicking::") || name.contains("rust_begin_unwind");
    let start = names.iter().rposition(of_panic).map_or(0, |last| last + 1);
    let lines = names[start..]
        .iter()
        .enumerate()
        .map(|(at, name)| format!("  {at:>2}: {name}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn cut(mut message: String) -> String {
    if message.len() > LONGEST_MESSAGE {
        let end = (0..=LONGEST_MESSAGE)
            .rev()
            .find(|&at| message.is_char_boundary(at))
            .unwrap_or(0);
        message.truncate(end);
        message.push('…');
    }
    message
}
