//! Panics in `describe`.

use runner_sdk::prelude::*;

struct Broken;

impl FromContext for Broken {
    fn declare(_: &mut Declaration) {
        panic!("no idea what this serves")
    }

    fn resolve(_: &Context) -> Result<Self> {
        Ok(Self)
    }
}

#[stage("Agent")]
fn agent(_broken: Broken) {}
