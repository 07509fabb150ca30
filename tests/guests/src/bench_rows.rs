//! Counts the objects of the label row: what the benchmark of memory measures.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn count(row: LabelRow) -> Result<&'static str> {
    match row.objects().len() {
        0 => Err(AgentError::fatal("there were no objects to count")),
        _ => Ok("Next"),
    }
}
