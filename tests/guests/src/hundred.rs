//! Reads every box of a row and adds a hundred: what the benchmark measures.

use runner_sdk::Geometry;
use runner_sdk::prelude::*;

#[stage("Agent")]
fn read_and_add(row: LabelRow) -> Result<&'static str> {
    let mut area = 0.0;
    for object in row.objects() {
        if let Some(Geometry::BoundingBox(drawn)) = object.geometry(0) {
            area += drawn.width * drawn.height;
        }
    }
    if area <= 0.0 {
        return Err(AgentError::fatal("there were no boxes to read"));
    }
    for number in 0..100 {
        let at = f64::from(number) / 200.0;
        row.add_bounding_box("Box", BoundingBox::new(at, at, 0.25, 0.25), 0)?;
    }
    row.save()?;
    Ok("Next")
}
