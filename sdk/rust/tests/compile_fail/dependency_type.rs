use runner_sdk::prelude::*;

struct Verdict;

#[stage("No dependency")]
fn no_dependency(verdict: Depends<Verdict>) {}

fn plain() -> u32 {
    3
}

#[stage("No attribute")]
fn no_attribute(plain: Depends<plain>) {}

fn main() {}
