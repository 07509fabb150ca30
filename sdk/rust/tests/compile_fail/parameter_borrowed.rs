use runner_sdk::prelude::*;

#[stage("Pre-label")]
fn prelabel(row: &LabelRow) {
    let _ = row;
}

fn main() {}
