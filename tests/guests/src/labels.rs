//! Labels pictures: a classification, a bounding box, a priority. Leaves a trace of what it found before.

use runner_sdk::prelude::*;

#[stage("Agent", client_metadata)]
fn label(row: LabelRow, project: Project) -> Result<&'static str> {
    let before = (row.objects().len(), row.classifications().len());
    info!(
        "{} objects and {} classifications in {}",
        before.0,
        before.1,
        project.title()
    );
    let boxed = row.add_bounding_box("Box", BoundingBox::new(0.1, 0.2, 0.3, 0.4), 0)?;
    boxed.set_confidence(0.5)?;
    if row.classifications().is_empty() {
        row.add_classification("Quality", Answer::option("Good"))?;
    }
    row.set_priority(0.75)?;
    if row.data_title().starts_with("unsaved") {
        return Ok("Next");
    }
    if row.data_title().starts_with("failing") {
        return Err(AgentError::fatal("after editing"));
    }
    row.save()?;
    Ok("Next")
}
