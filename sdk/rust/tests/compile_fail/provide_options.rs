use runner_sdk::prelude::*;

#[provide("metadata")]
fn named() -> Json<u32> {
    Json(1)
}

#[provide(per_run, branch = "main")]
fn branch() -> Json<u32> {
    Json(1)
}

#[stage("Twice", twin = "49a786f3-5edf-4b94-aff0-3da9042d3bf0", twin_setting = "twin")]
fn twice(_: Twin) {}

#[stage("No UUID", twin = "Predictions")]
fn no_uuid(_: Twin) {}

fn main() {}
