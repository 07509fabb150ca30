//! The plugin that all `#[stage]` functions of a program make together.
//!
//! `#[stage]` places the address of a function in `.init_array`, the table of functions that run before
//! all else; that function calls [`register`]. Nobody has to list the stages in one place, and no
//! generated name is ever the author's to write. Why this works in WebAssembly:
//!
//! - The generated exports call `__wasm_call_ctors`, which the linker makes of that table, before they
//!   come here. So it does not depend on who loads the module and on whether `_initialize` was called.
//!   If it was, as in modules that were linked as WASI reactors, the table runs twice, which is why
//!   `register` looks for what it has.
//! - The table is in the objects of the plugin's own crate, which are linked whole. Stages in a library
//!   that the plugin depends on may be left out by the linker; they belong into the plugin itself.
//! - rustc exports what libraries mark for export, so the component's exports can be in this crate.
//!
//! Link-time optimization and the number of codegen units change nothing in this.

use std::sync::{Mutex, PoisonError};

use crate::bindings::exports::runner::stage::{agent, plugin};
use crate::run::check_names;
use crate::twin::TwinProject;
use crate::{AgentError, Context, Declaration, Error, Outcome, Result};

/// Where an attribute stands: file, line, column.
pub(crate) type Place = (&'static str, u32, u32);

/// One function with `#[stage]`. Only for code that the attribute generates.
#[derive(Debug)]
pub struct Stage {
    /// Title or UUID of the stage.
    pub name: &'static str,
    /// Where the attribute stands.
    pub place: Place,
    /// The project of its twins.
    pub twin: Option<TwinProject>,
    /// Declares what the parameters and the options need.
    pub declare: fn(&mut Declaration),
    /// Resolves the parameters and calls the function.
    pub run: Run,
}

/// How many tasks a stage takes.
#[derive(Debug)]
pub enum Run {
    /// One after another.
    One(fn(&Context) -> Result<Outcome>),
    /// Several at once. One outcome for each.
    Many(fn(&[Context]) -> Vec<Result<Outcome>>),
}

impl Run {
    fn one(&self, context: &Context) -> Result<Outcome> {
        match self {
            Self::One(run) => run(context),
            Self::Many(run) => run(std::slice::from_ref(context)).remove(0),
        }
    }

    /// One outcome for each.
    pub(crate) fn many(&self, contexts: &[Context]) -> Vec<Result<Outcome>> {
        match self {
            Self::One(run) => contexts.iter().map(run).collect(),
            Self::Many(run) => run(contexts),
        }
    }
}

/// What attributes registered, in source order.
pub(crate) struct Registry<T: 'static>(Mutex<Vec<&'static T>>);

impl<T> Registry<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(crate) fn register(&self, one: &'static T, place: fn(&T) -> Place) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.iter().any(|known| std::ptr::eq(*known, one)) {
            all.push(one);
            // The order of the table is the linker's; authors expect that of the source.
            all.sort_by_key(|one| place(one));
        }
    }

    pub(crate) fn all(&self) -> Vec<&'static T> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }
}

static STAGES: Registry<Stage> = Registry::new();

/// Adds a stage to the plugin. Called before all else, by code that `#[stage]` generates.
pub fn register(stage: &'static Stage) {
    STAGES.register(stage, |stage| stage.place);
}

/// The stage of this name.
pub(crate) fn find(name: &str) -> Result<&'static Stage> {
    let found = STAGES.all().into_iter().find(|stage| stage.name == name);
    found.ok_or_else(|| {
        AgentError::fatal(format!(
            "expected one of the stages that this plugin describes, found {name:?}"
        ))
    })
}

pub(crate) struct Plugin;

impl plugin::Guest for Plugin {
    fn describe() -> Vec<plugin::Declaration> {
        crate::logging::tell_panics();
        if let Err(error) = check_names() {
            panic!("{error}");
        }
        let declare = |stage: &Stage| {
            let mut declaration = Declaration::new(stage.twin);
            (stage.declare)(&mut declaration);
            declaration.to_wit(stage.name)
        };
        STAGES.all().into_iter().map(declare).collect()
    }
}

impl agent::Guest for Plugin {
    fn run(stage: String, context: agent::Context) -> Result<agent::Outcome, Error> {
        crate::logging::tell_panics();
        let stage = find(&stage)?;
        let context = Context::new(context, stage.twin);
        let outcome = stage.run.one(&context);
        context.cache().tear_down();
        Ok(outcome?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SECOND: Stage = stage("second", ("src/lib.rs", 9, 1));
    static FIRST: Stage = stage("first", ("src/lib.rs", 2, 5));
    static OTHER: Stage = stage("other", ("src/other.rs", 1, 1));

    const fn stage(name: &'static str, place: (&'static str, u32, u32)) -> Stage {
        Stage {
            name,
            place,
            twin: None,
            declare: |_| (),
            run: Run::One(|_| Ok(Outcome::stay())),
        }
    }

    #[test]
    fn stages_are_in_source_order_and_once() {
        for stage in [&OTHER, &SECOND, &FIRST, &SECOND, &OTHER] {
            register(stage);
        }
        let names: Vec<_> = STAGES.all().iter().map(|stage| stage.name).collect();
        assert_eq!(names, ["first", "second", "other"]);
    }
}
