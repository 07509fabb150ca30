use runner_sdk::prelude::*;

#[stage("No batch", batch = 8)]
fn no_batch(_row: LabelRow) -> Outcomes {
    todo!()
}

#[stage("No option")]
fn no_option(_batch: Batch<LabelRow>) -> &'static str {
    "Next"
}

#[stage("Outcomes of one's own", batch = 8)]
fn own_outcomes(_batch: Batch<LabelRow>) -> Vec<Outcome> {
    Vec::new()
}

fn main() {}
