//! Declares one stage twice.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn first() {}

#[stage("Agent")]
fn second() {}
