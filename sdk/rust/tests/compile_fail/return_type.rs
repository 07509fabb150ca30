use runner_sdk::prelude::*;

#[stage("Pre-label")]
fn prelabel(task: AgentTask) -> bool {
    task.assignee().is_some()
}

fn main() {}
