use runner_sdk::prelude::*;

#[stage("Pre-label", metadata)]
fn unknown() {}

#[stage("Pre-label", client_metadata = true)]
fn valued() {}

#[stage("Pre-label", branch = "a", branch = "b")]
fn twice() {}

#[stage("Pre-label", branch = "")]
fn empty_branch() {}

#[stage("Pre-label", objects = "PXFZO2ra")]
fn no_list() {}

#[stage("Pre-label", classifications = [""])]
fn empty_feature() {}

#[stage("Pre-label" client_metadata)]
fn no_comma() {}

#[stage("Pre-label", reviews = true)]
fn valued_reviews() {}

#[stage("Pre-label", signed_url, signed_url)]
fn signed_twice() {}

fn main() {}
