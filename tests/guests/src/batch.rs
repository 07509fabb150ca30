//! Takes four tasks at a time. The titles of the data units say how each ends.

use runner_sdk::prelude::*;

/// What fails to resolve for "refused…".
struct Title(String);

impl FromContext for Title {
    fn resolve(context: &Context) -> Result<Self> {
        match context.task().data_title() {
            title if title.starts_with("refused") => Err(AgentError::fatal("the title is refused")),
            title => Ok(Self(title)),
        }
    }
}

#[dependency(teardown = close)]
fn length(task: AgentTask) -> usize {
    task.data_title().len()
}

fn close(length: &usize) {
    info!("closed {length}");
}

#[stage("Agent", batch = 4)]
fn agent(batch: Batch<(Title, Depends<length>, Context)>) -> Result<Outcomes> {
    let titles: Vec<_> = batch.iter().map(|(title, ..)| title.0.as_str()).collect();
    info!("batch of {}: {}", batch.len(), titles.join(", "));
    if titles.iter().any(|title| title.starts_with("poison")) {
        panic!("there is poison in the batch");
    }
    if titles.iter().any(|title| title.starts_with("all")) {
        return Err(AgentError::fatal("none of them can be done"));
    }
    let lengths: Vec<_> = batch.iter().map(|(_, length, _)| **length).collect();
    batch.zip(lengths, |(title, ..), length| match title.0 {
        title if title.starts_with("fail") => Err(AgentError::fatal(format!("{title} failed"))),
        title if title.starts_with("late") => Err(AgentError::retry("it is late")),
        title if title.starts_with("unknown") => Ok(Outcome::to("Nowhere")),
        title if title.starts_with("stay") => Ok(Outcome::stay()),
        _ => Ok(Outcome::to("Next").priority(length as f64 / 100.0)),
    })
}

/// One task at a time beside it.
#[stage("Second")]
fn second() -> &'static str {
    "Next"
}
