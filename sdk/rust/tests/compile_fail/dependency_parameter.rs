use runner_sdk::prelude::*;

#[dependency]
fn threshold(limit: f64) -> f64 {
    limit
}

#[dependency(per_run)]
fn table(row: LabelRow) -> Vec<u8> {
    row.data_title().into()
}

#[dependency]
fn each_time() -> u8 {
    3
}

#[dependency(per_run)]
fn once(value: Depends<each_time>) -> Vec<u8> {
    vec![*value]
}

fn main() {}
