//! Gives something to call, which counts its calls and says when it is dropped.

use std::cell::Cell;

use runner_sdk::prelude::*;

struct Counter {
    calls: Cell<u32>,
    base: Depends<base>,
}

#[dependency(teardown = close)]
fn base(task: AgentTask) -> String {
    task.data_title()
}

fn close(base: &String) {
    info!("closed {base}");
}

impl Service for Counter {
    fn call(&self, function: &str, input: &[u8]) -> Result<Vec<u8>> {
        self.calls.set(self.calls.get() + 1);
        match function {
            "echo" => Ok(input.to_vec()),
            "count" => Ok(self.calls.get().to_string().into()),
            "title" => Ok(json!(*self.base).to_string().into()),
            "fail" => Err(AgentError::fatal("it was asked to fail")),
            "trap" => panic!("it was asked to trap"),
            "spin" => loop {
                std::hint::black_box(0);
            },
            other => Err(AgentError::fatal(format!(
                "no function is called {other:?}"
            ))),
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        info!("dropped the service after {} calls", self.calls.get());
    }
}

#[provide]
fn counter(base: Depends<base>) -> Counter {
    info!("gives a service");
    Counter {
        calls: Cell::new(0),
        base,
    }
}
