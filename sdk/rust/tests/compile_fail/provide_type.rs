use runner_sdk::prelude::*;

#[provide]
fn number() -> u32 {
    3
}

fn main() {}
