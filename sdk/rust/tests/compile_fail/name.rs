use runner_sdk::prelude::*;

#[stage]
fn no_parentheses() {}

#[stage()]
fn missing() {}

#[stage(client_metadata)]
fn options_only() {}

#[stage("")]
fn empty() {}

fn main() {}
