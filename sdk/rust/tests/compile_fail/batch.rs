use runner_sdk::prelude::*;

#[stage("None", batch = 0)]
fn none(batch: Batch<LabelRow>) -> Outcomes {
    batch.map(|_| Ok(()))
}

#[stage("No number", batch)]
fn no_number(batch: Batch<LabelRow>) -> Outcomes {
    batch.map(|_| Ok(()))
}

#[stage("Two parameters", batch = 8)]
fn two_parameters(batch: Batch<LabelRow>, _settings: Settings) -> Outcomes {
    batch.map(|_| Ok(()))
}

fn main() {}
