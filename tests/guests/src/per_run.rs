//! Values that are made once in a run. The setting `table` says how making them ends: `error`, `fatal`, `trap`, `spin`.

use std::collections::BTreeMap;

use runner_sdk::prelude::*;

#[dependency(per_run)]
fn table(settings: Settings, project: Project) -> Result<Vec<u8>> {
    info!("made the table in {}", project.title());
    match settings.get("table").as_deref() {
        Some("error") => Err(AgentError::retry("the table is not there yet")),
        Some("fatal") => Err(AgentError::fatal("there is no table")),
        Some("trap") => panic!("the table is broken"),
        Some("spin") => loop {
            std::hint::black_box(0);
        },
        _ => Ok((0..100_000_u32).flat_map(u32::to_le_bytes).collect()),
    }
}

#[dependency(per_run)]
fn summary(table: Depends<table>) -> Json<BTreeMap<String, usize>> {
    info!("made the summary");
    Json(BTreeMap::from([("bytes".to_owned(), table.len())]))
}

#[stage("Agent")]
fn agent(
    table: Depends<table>,
    parts: Handle<table>,
    summary: Depends<summary>,
) -> Result<&'static str> {
    let part = parts.read(40, 4)?;
    let (end, behind) = (
        parts.read(parts.size() - 2, 4)?,
        parts.read(parts.size(), 4)?,
    );
    info!(
        "{} bytes, entry 10 {:?} {}, end {end:?}{behind:?}, {:?}",
        table.len(),
        part,
        table[40..44] == part,
        *summary
    );
    Ok("Next")
}
