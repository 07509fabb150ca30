//! Gives bytes: a hundred times the numbers from 0 to 255.

use runner_sdk::prelude::*;

#[provide]
fn bytes() -> Bytes {
    info!("gives bytes");
    Bytes((0..=255).cycle().take(25_600).collect())
}
