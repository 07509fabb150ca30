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

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::bindings::exports::runner::stage::{agent, plugin};
use crate::{AgentError, Context, Declaration, Error, Outcome, Result};

/// One function with `#[stage]`. Only for code that the attribute generates.
#[derive(Debug)]
pub struct Stage {
    /// Title or UUID of the stage.
    pub name: &'static str,
    /// Where the attribute stands: file, line, column.
    pub place: (&'static str, u32, u32),
    /// Declares what the parameters and the options need.
    pub declare: fn(&mut Declaration),
    /// Resolves the parameters and calls the function.
    pub run: fn(&Context) -> Result<Outcome>,
}

static STAGES: Mutex<Vec<&'static Stage>> = Mutex::new(Vec::new());

/// Adds a stage to the plugin. Called before all else, by code that `#[stage]` generates.
pub fn register(stage: &'static Stage) {
    let mut stages = stages();
    if !stages.iter().any(|known| std::ptr::eq(*known, stage)) {
        stages.push(stage);
        // The order of the table is the linker's; authors expect that of the source.
        stages.sort_by_key(|stage| stage.place);
    }
}

pub(crate) struct Plugin;

impl plugin::Guest for Plugin {
    fn describe() -> Vec<plugin::Declaration> {
        crate::logging::tell_panics();
        stages()
            .iter()
            .map(|stage| {
                let mut declaration = Declaration::default();
                (stage.declare)(&mut declaration);
                declaration.to_wit(stage.name)
            })
            .collect()
    }
}

impl agent::Guest for Plugin {
    fn run(stage: String, context: agent::Context) -> Result<agent::Outcome, Error> {
        crate::logging::tell_panics();
        let found = stages().iter().copied().find(|known| known.name == stage);
        let Some(found) = found else {
            let unknown =
                format!("expected one of the stages that this plugin describes, found {stage:?}");
            return Err(AgentError::fatal(unknown).into());
        };
        match (found.run)(&Context::new(context)) {
            Ok(outcome) => Ok(outcome.into()),
            Err(error) => Err(error.into()),
        }
    }
}

fn stages() -> MutexGuard<'static, Vec<&'static Stage>> {
    STAGES.lock().unwrap_or_else(PoisonError::into_inner)
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
            declare: |_| (),
            run: |_| Ok(Outcome::stay()),
        }
    }

    #[test]
    fn stages_are_in_source_order_and_once() {
        for stage in [&OTHER, &SECOND, &FIRST, &SECOND, &OTHER] {
            register(stage);
        }
        let names: Vec<_> = stages().iter().map(|stage| stage.name).collect();
        assert_eq!(names, ["first", "second", "other"]);
    }
}
