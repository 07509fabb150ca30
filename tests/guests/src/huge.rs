//! Draws on more frames than fit into the memory of an attempt.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn draw(row: LabelRow) -> Result<&'static str> {
    let last = row.number_of_frames() - 1;
    row.add("Box", BoundingBox::new(0.1, 0.1, 0.2, 0.2))
        .on(0..=last)?;
    row.save()?;
    Ok("Next")
}
