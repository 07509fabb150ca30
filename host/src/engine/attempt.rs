//! One call of a guest, and what it ended in.

use std::time::Duration;

use wasmtime::{Store, Trap, WasmBacktrace};

use super::bindings::exports::runner::stage::agent::Outcome;
use super::bindings::runner::stage::types::Error;
use super::handles::only;
use super::state::State;
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
        let mut store = self.store(None);
        let call = async {
            let instance = program.stage.instantiate_async(&mut store).await?;
            instance
                .runner_stage_plugin()
                .call_describe(&mut store)
                .await
        };
        let ended = tokio::time::timeout(self.limits.time.min(DESCRIBE_TIME), call).await;
        let tail = store.data().log.finish();
        match ended {
            Ok(Ok(handles)) => handles
                .iter()
                .map(|handle| store.data_mut().declaration(handle).cloned())
                .collect::<wasmtime::Result<_>>()
                .map_err(|error| self.failure(&store, &error, &tail)),
            Ok(Err(error)) => Err(self.failure(&store, &error, &tail)),
            Err(_) => Err(Failure::Timeout(self.limits.time.min(DESCRIBE_TIME))),
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
        let mut store = self.store(Some(inputs));
        let call = async {
            let instance = program.stage.instantiate_async(&mut store).await?;
            let context = only();
            instance
                .runner_stage_agent()
                .call_run(&mut store, stage, context)
                .await
        };
        let ended = tokio::time::timeout(self.limits.time, call).await;
        let tail = store.data().log.finish();
        match ended {
            Ok(Ok(Ok(outcome))) => decide(store.into_data(), outcome),
            Ok(Ok(Err(error))) => Err(returned(error)),
            Ok(Err(error)) => Err(self.failure(&store, &error, &tail)),
            Err(_) => Err(Failure::Timeout(self.limits.time)),
        }
    }

    fn store(&self, inputs: Option<Inputs>) -> Store<State> {
        let mut store = Store::new(&self.wasmtime, State::new(&self.limits, inputs));
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(self.limits.value_bytes);
        store.set_epoch_deadline(1);
        // A guest that computes gives way at each tick, so that it neither holds up others nor its
        // own time limit.
        store.epoch_deadline_async_yield_and_update(1);
        store
    }

    fn failure(&self, store: &Store<State>, error: &wasmtime::Error, stderr: &str) -> Failure {
        if store.data().meter.memory_refused {
            return Failure::OutOfMemory(self.limits.memory);
        }
        let cause = match error.downcast_ref::<Trap>() {
            Some(trap) => trap.to_string(),
            None => error.root_cause().to_string(),
        };
        // wasmtime has no type for it.
        let cause = if cause.contains("fuel allocated for hostcalls") {
            format!(
                "the plugin handed over more than {} MiB in one call (raise --value-size if it needs more)",
                self.limits.value_bytes >> 20
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
            backtrace,
        }
    }
}

/// What the contract says of each error that an agent can return.
fn returned(error: Error) -> Failure {
    match error {
        Error::Retryable(message) | Error::Unavailable(message) => Failure::Retryable(cut(message)),
        Error::NotFound(message)
        | Error::Forbidden(message)
        | Error::InvalidArgument(message)
        | Error::Unsupported(message)
        | Error::TooLarge(message)
        | Error::Other(message)
        | Error::Fatal(message) => Failure::Fatal(cut(message)),
    }
}

/// Turns what the guest returned, and what it did to the row, into a decision.
fn decide(state: State, outcome: Outcome) -> Result<Decision, Failure> {
    if let Some(priority) = outcome.priority
        && !(0.0..=1.0).contains(&priority)
    {
        return Err(Failure::Fatal(format!(
            "the agent gave the priority {priority}, which is not in 0..1"
        )));
    }
    let mut decision = Decision {
        pathway: outcome.pathway.map(cut),
        priority: outcome.priority,
        labels: None,
        items: Vec::new(),
        unsaved_edits: false,
        missing_answers: Vec::new(),
    };
    if let Some(row) = state.into_task_row() {
        decision.priority = decision.priority.or(row.priority);
        row.conclude(&mut decision);
    }
    Ok(decision)
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
