//! Edits, saves and sets a priority in each attempt. Titles say what becomes of it: "third…" works at the third attempt,
//! "never…" at none, all others at the first.

use runner_sdk::prelude::*;

#[dependency(teardown = close)]
fn made(context: &Context) -> u32 {
    info!("made in attempt {}", context.attempt());
    context.attempt()
}

fn close(made: &u32) {
    info!("closed in attempt {made}");
}

#[stage("Agent")]
fn agent(
    row: LabelRow,
    item: StorageItem,
    made: Depends<made>,
    context: &Context,
) -> Result<Outcome> {
    let before: JsonValue = item.client_metadata_as()?.unwrap_or_default();
    info!(
        "found {} objects, noted {}",
        row.objects().len(),
        before["attempt"]
    );
    if *made != context.attempt() {
        return Err(AgentError::fatal(
            "the dependency is that of another attempt",
        ));
    }
    row.add_bounding_box("Box", BoundingBox::new(0.1, 0.2, 0.3, 0.4), 0)?;
    row.set_priority(0.0)?;
    row.save()?;
    item.update_client_metadata(&json!({ "attempt": context.attempt() }))?;
    match row.data_title() {
        title if title.starts_with("never") => Err(AgentError::retry("it never works")),
        title if title.starts_with("third") && context.attempt() < 2 => {
            Err(AgentError::retry("it is early"))
        }
        _ => Ok(Outcome::to("Next")),
    }
}
