//! A plugin that is both: an agent, and a dependency component.

use runner_sdk::prelude::*;

#[provide]
fn seven() -> Json<u32> {
    Json(7)
}

#[stage("Agent")]
fn agent() -> &'static str {
    "Next"
}
