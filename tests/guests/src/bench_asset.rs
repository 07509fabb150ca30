//! Looks how large the file is: what the benchmark measures.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn read_asset(asset: Asset) -> Result<&'static str> {
    let file = std::fs::metadata(asset.path()?)
        .map_err(|error| AgentError::fatal(format!("the file cannot be seen: {error}")))?;
    if file.len() == 0 || file.len() != asset.size() {
        return Err(AgentError::fatal(format!(
            "expected {} bytes, found {}",
            asset.size(),
            file.len()
        )));
    }
    Ok("Next")
}
