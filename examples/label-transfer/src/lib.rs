//! Copies the labels that another project has of the same data.

use runner_sdk::prelude::*;

#[stage("Transfer", twin_setting = "source")]
fn transfer(row: LabelRow, source: Option<Twin>) -> Result<&'static str> {
    let labels = source
        .map(|source| source.label_row())
        .transpose()?
        .flatten();
    let Some(labels) = labels else {
        info!("there is nothing to copy");
        return Ok("Annotate");
    };
    if !row.objects().is_empty() || !row.classifications().is_empty() {
        // Somebody was here before, so that copies might be there twice.
        return Ok("Review");
    }
    let copied = row.copy_labels(&labels)?;
    info!(
        "copied {} objects and {} classifications",
        copied.objects, copied.classifications
    );
    for reason in &copied.left_out {
        warn!("left out: {reason}");
    }
    row.save()?;
    Ok(if copied.left_out.is_empty() {
        "Done"
    } else {
        "Review"
    })
}
