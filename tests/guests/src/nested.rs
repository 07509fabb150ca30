//! Dependencies of dependencies: made once an attempt, torn down in reverse, also when it fails. The title of the data unit
//! says how it ends.

use runner_sdk::prelude::*;

/// Says when it is dropped.
struct Told(&'static str);

impl Drop for Told {
    fn drop(&mut self) {
        info!("dropped {}", self.0);
    }
}

#[dependency]
fn base(context: &Context) -> Told {
    info!("made base in attempt {}", context.attempt());
    Told("base")
}

#[dependency(teardown = close)]
fn middle(base: Depends<base>, item: Result<StorageItem>) -> u32 {
    info!("made middle from {}, item {}", base.0, item.is_ok());
    5
}

fn close(middle: &u32) {
    info!("closed middle {middle}");
}

/// It keeps what it was made from.
struct Top {
    base: Depends<base>,
    middle: Depends<middle>,
    _told: Told,
}

#[dependency]
fn top(middle: Depends<middle>, base: Depends<base>) -> Result<Top> {
    info!("made top from {} and {}", *middle, base.0);
    let _told = Told("top");
    Ok(Top {
        base,
        middle,
        _told,
    })
}

#[dependency]
fn last(task: AgentTask, top: Depends<top>) -> Result<Told> {
    if task.data_title().starts_with("dependency") {
        return Err(AgentError::fatal("the last dependency failed"));
    }
    info!("made last from {}", *top.middle);
    Ok(Told("last"))
}

#[stage("Agent")]
fn agent(
    top: Depends<top>,
    again: Depends<base>,
    last: Depends<last>,
    task: AgentTask,
) -> Result<&'static str> {
    info!("called with {}, {}, {}", top.base.0, again.0, last.0);
    match task.data_title() {
        title if title.starts_with("agent") => Err(AgentError::fatal("the agent failed")),
        title if title.starts_with("panic") => panic!("the agent panicked"),
        _ => Ok("Next"),
    }
}
