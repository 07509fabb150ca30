//! Does nothing and needs nothing: what is measured with it is the host.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn empty() -> &'static str {
    "Next"
}
