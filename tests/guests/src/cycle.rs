//! A dependency that needs itself: the plugin is refused.

use runner_sdk::prelude::*;

#[dependency]
fn hen(egg: Depends<egg>) -> u32 {
    *egg
}

#[dependency]
fn egg(hen: Depends<hen>) -> u32 {
    *hen
}

#[stage("Agent")]
fn agent(_hen: Depends<hen>) {}
