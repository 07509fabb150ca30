use runner_sdk::prelude::*;

#[stage("Pre-label")]
fn prelabel() -> Result<f64> {
    Ok(0.5)
}

fn main() {}
