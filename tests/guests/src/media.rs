//! Reads the file of the task, both ways, and tries what is not allowed.

use runner_sdk::prelude::*;

#[stage("Agent")]
fn read(asset: Result<Asset>, stage: AgentStage) -> Result<Option<runner_sdk::StagePathway>> {
    match asset {
        Ok(asset) => compare(&asset)?,
        Err(error) => info!("no asset: {error}"),
    }
    Ok(stage.pathways().into_iter().next())
}

fn compare(asset: &Asset) -> Result<()> {
    let path = asset.path()?;
    let (by_path, by_read) = (std::fs::read(&path)?, asset.bytes()?);
    info!(
        "asset {} bytes, by path {}, by read {}, {}",
        asset.size(),
        by_path.len(),
        by_read.len(),
        if by_path == by_read {
            "equal"
        } else {
            "DIFFERENT"
        }
    );
    info!(
        "sum {}",
        by_read.iter().map(|byte| u64::from(*byte)).sum::<u64>()
    );
    let named = path.ends_with(asset.file_name()) && path.starts_with("/assets");
    let behind = asset.read(asset.size(), 10)?.len() + asset.read(u64::MAX, 10)?.len();
    let end = asset.read(asset.size().saturating_sub(3), 10)?;
    info!("named {named}, behind the end {behind}, at the end {end:?}");
    let written = std::fs::write(&path, "no").is_ok()
        || std::fs::File::create("/assets/other").is_ok()
        || std::fs::remove_file(&path).is_ok();
    let outside =
        std::fs::read("/etc/passwd").is_ok() || std::fs::read("/assets/../etc/passwd").is_ok();
    info!("written {written}, outside {outside}");
    Ok(())
}
