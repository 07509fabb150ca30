//! Counts in the client metadata how often a task was seen. Titles say what else becomes of it: "failing…" fails after it.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn agent(
    item: StorageItem,
    task: AgentTask,
    stage: AgentStage,
) -> Result<Option<runner_sdk::StagePathway>> {
    let before: JsonValue = item.client_metadata_as()?.unwrap_or_default();
    info!("metadata before {before}");
    let seen = before["seen"].as_u64().unwrap_or(0) + 1;
    item.update_client_metadata(&json!({ "seen": seen, "by": { "plugin": "metadata" } }))?;
    info!(
        "metadata after {}",
        item.client_metadata().unwrap_or_default()
    );
    for no_object in ["[1]", "7", "null", "{", ""] {
        if let Err(error) = item.set_client_metadata(no_object) {
            info!("{no_object:?} refused: {error}");
        }
    }
    for child in item.children()? {
        info!(
            "child {} {} {:?}",
            child.name(),
            child.item_type(),
            child.open_asset().map(|asset| asset.size())
        );
    }
    if task.data_title().starts_with("failing") {
        return Err(AgentError::fatal("after setting metadata"));
    }
    Ok(stage.pathways().into_iter().next())
}
