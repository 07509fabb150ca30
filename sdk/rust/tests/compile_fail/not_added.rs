#![deny(warnings)]

use runner_sdk::prelude::*;

#[stage("Agent")]
fn forgets(row: LabelRow) {
    row.add("Car", BoundingBox::new(0.1, 0.2, 0.3, 0.4)).confidence(0.5);
}

fn main() {}
