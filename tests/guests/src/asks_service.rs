//! Calls the dependency "service" as the title of the data unit says: "echo", "fail…", "trap…", "spin…", and then "count".

use runner_sdk::prelude::*;

named!(Counter = "service": Callable);

#[stage("Agent")]
fn agent(service: Depends<Counter>, task: AgentTask) -> Result<&'static str> {
    let title = task.data_title();
    let function = title.split(['.', '-']).next().unwrap_or_default();
    for (function, input) in [(function, "input"), ("count", ""), ("title", "")] {
        match service.call(function, input.as_bytes()) {
            Ok(output) => info!("{function}: {}", String::from_utf8_lossy(&output)),
            Err(error) => info!("{function}: {error}"),
        }
    }
    Ok("Next")
}
