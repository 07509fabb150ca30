//! Reads the name and the client metadata of the storage item: what the benchmark measures.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn read_item(item: StorageItem) -> Result<&'static str> {
    let metadata = item.client_metadata().unwrap_or_default();
    if item.name().is_empty() || !metadata.contains("north") {
        return Err(AgentError::fatal(format!(
            "expected a name and a site, found {metadata}"
        )));
    }
    Ok("Next")
}
