//! Counts the objects of the label row and of its twin: what the benchmark measures.

use runner_sdk::prelude::*;

#[stage("Agent", twin = "11111111-1111-4111-8111-111111111112")]
fn compare(row: LabelRow, twin: Twin) -> Result<&'static str> {
    let Some(other) = twin.label_row()? else {
        return Err(AgentError::fatal("the twin was never labelled"));
    };
    let (ours, theirs) = (row.objects().len(), other.objects().len());
    if ours >= theirs {
        return Err(AgentError::fatal(format!(
            "expected more objects in the twin, found {theirs} beside {ours}"
        )));
    }
    Ok("Next")
}
