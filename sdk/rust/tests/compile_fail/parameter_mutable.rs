use runner_sdk::prelude::*;

#[stage("Pre-label")]
fn prelabel(row: &mut LabelRow) {
    let _ = row;
}

fn main() {}
