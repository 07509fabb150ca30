use runner_sdk::prelude::*;

#[dependency]
fn nothing() {}

#[dependency]
fn unnamed() -> impl Iterator<Item = u32> {
    0..3
}

#[dependency(per_attempt)]
fn option() -> u32 {
    3
}

#[dependency(per_run, teardown = close)]
fn torn_down() -> Vec<u8> {
    Vec::new()
}

fn close(_: &[u8]) {}

#[dependency]
fn generic<T: FromContext>(_value: T) -> u32 {
    3
}

fn main() {}
