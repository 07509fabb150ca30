//! A twin whose project no option says: the plugin is refused.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn agent(_twin: Twin) {}
