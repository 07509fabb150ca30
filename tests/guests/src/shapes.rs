//! Uses all that the SDK has for labels, on an empty row of `tests/projects/everything`: every shape and question that
//! its type of data takes, read back, copied, moved, changed and removed. What is not as expected ends the task.

#[path = "shapes/classifying.rs"]
mod classifying;
#[path = "shapes/parts.rs"]
mod parts;
#[path = "shapes/pictures.rs"]
mod pictures;
#[path = "shapes/ranges.rs"]
mod ranges;
#[path = "shapes/reading.rs"]
mod reading;

use runner_sdk::prelude::*;

/// The project "Twin" of `tests/projects/everything`.
const TWIN: Uuid = uuid!("e0000000-0000-4000-8000-000000000002");

#[stage("Agent", client_metadata, reviews, signed_url)]
fn label(row: LabelRow, context: &Context) -> Result<()> {
    reading::metadata(&row);
    reading::ontology(&row.ontology())?;
    copy(&row, context)?;
    match row.data_type().as_str() {
        "group" => parts::label(&row)?,
        "audio" => ranges::mark_sound(&row)?,
        "plain_text" if row.file_type().as_deref() == Some("text/html") => {
            ranges::mark_html(&row)?;
        }
        "plain_text" => ranges::mark_text(&row)?,
        _ => pictures::draw(&row)?,
    }
    if row.data_type() != "group" {
        classifying::classify(&row)?;
    }
    row.set_json(&row.to_json())?;
    ensure(row.is_edited(), "the row is edited")?;
    ensure(
        row.missing_answers().is_empty(),
        "nothing has to be answered",
    )?;
    row.set_priority(0.625)?;
    row.save()?;
    Ok(())
}

/// What another project has on the same data: all of it, taken back, then the boxes alone.
fn copy(row: &LabelRow, context: &Context) -> Result<()> {
    let Some(twin) = context.twin_label_row(TWIN)? else {
        return Ok(());
    };
    let copied = row.copy_labels(&twin)?;
    ensure(
        copied.left_out.is_empty(),
        "the two projects have one ontology",
    )?;
    ensure(
        copied.objects as usize == twin.objects().len(),
        "all objects are copied",
    )?;
    ensure(
        copied.classifications as usize == twin.classifications().len(),
        "all classifications are copied",
    )?;
    row.discard_edits();
    ensure(!row.is_edited(), "the edits are discarded")?;

    let boxes = twin.objects().of("Box")?.len();
    let copied = row.copy_labels_of(&twin, [("Box", "objBox00")])?;
    ensure(
        (copied.objects as usize, copied.classifications) == (boxes, 0),
        "boxes alone are copied",
    )?;
    ensure(
        matches!(twin.save(), Err(Error::Unsupported(_))),
        "a row of another project is not saved",
    )
}

/// Ends the task if what was expected is not so.
fn ensure(holds: bool, expected: &str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(AgentError::fatal(format!("expected that {expected}")))
}
