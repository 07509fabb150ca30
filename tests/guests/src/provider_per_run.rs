//! Gives something to call that holds for the run: its calls are counted over all attempts. The setting `service` says how making
//! it ends: `error`, `trap`.

use std::cell::Cell;

use runner_sdk::prelude::*;

struct Counter(Cell<u32>);

impl Service for Counter {
    fn call(&self, function: &str, _input: &[u8]) -> Result<Vec<u8>> {
        self.0.set(self.0.get() + 1);
        match function {
            "trap" => panic!("it was asked to trap"),
            _ => Ok(self.0.get().to_string().into()),
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        info!("dropped the service of the run");
    }
}

#[provide(per_run)]
fn counter(project: Project, settings: Settings) -> Result<Counter> {
    info!("gives a service for the run in {}", project.title());
    match settings.get("service").as_deref() {
        Some("error") => Err(AgentError::retry("it is not there yet")),
        Some("trap") => panic!("it cannot be made"),
        _ => Ok(Counter(Cell::new(0))),
    }
}
