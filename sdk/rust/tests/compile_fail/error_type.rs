use runner_sdk::prelude::*;

#[stage("Pre-label")]
fn prelabel() -> Result<&'static str, String> {
    Err("no".to_owned())
}

fn main() {}
