use runner_sdk::prelude::*;

struct Verdict;

#[stage("No dependency")]
fn no_dependency(_verdict: Depends<Verdict>) {}

fn plain() -> u32 {
    3
}

#[stage("No attribute")]
fn no_attribute(_value: Depends<plain>) {}

fn main() {}
