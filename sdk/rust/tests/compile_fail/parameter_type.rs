use runner_sdk::prelude::*;

#[stage("Pre-label")]
fn prelabel(task: AgentTask, threshold: f64) -> Result<Pathway> {
    let _ = (task, threshold);
    Ok(Pathway::named("keep"))
}

fn main() {}
