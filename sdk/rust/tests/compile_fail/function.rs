use runner_sdk::prelude::*;

#[stage("Pre-label")]
async fn asynchronous() {}

#[stage("Pre-label")]
fn generic<T>(row: T) {
    let _ = row;
}

#[stage("Pre-label")]
fn hidden_generic(row: impl FromContext) {
    let _ = row;
}

#[stage("Pre-label")]
unsafe fn unchecked() {}

#[stage("Pre-label")]
struct NoFunction;

struct Agent;

impl Agent {
    #[stage("Pre-label")]
    fn method(&self) {}
}

fn main() {}
