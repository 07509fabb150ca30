use runner_sdk::prelude::*;

#[stage("Pre-label")]
fn prelabel() -> Uuid {
    uuid!("49a786f3-5edf-4b94-aff0")
}

fn main() {}
