//! What the journal holds while no host uses it.

use std::collections::HashSet;
use std::sync::Arc;

use runner_host::journal::Journal;
use serde_json::Value;
use uuid::Uuid;

use super::Result;
use super::host::state_dir;
use super::model::{Number, Stage};
use super::world::{PROJECT, World};

/// A commit that was not confirmed.
#[derive(Debug, Clone)]
pub struct Open {
    /// Where its task was.
    pub stage: Stage,
    /// Its task.
    pub number: Number,
    /// The labels that it is to save.
    pub labels: Option<(Uuid, Arc<Value>)>,
    /// Whether its task is to move.
    pub moves: bool,
}

/// The open commits, read from a copy, so that the next host finds the journal as the last one left it.
///
/// # Errors
/// If there is a journal and it cannot be read.
pub async fn open(world: &World) -> Result<Vec<Open>> {
    let state = state_dir(world)?;
    let copy = tempfile::tempdir()?;
    for name in ["journal.sqlite", "journal.sqlite-wal"] {
        match std::fs::copy(state.join(name), copy.path().join(name)) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    let journal = Journal::open(copy.path())?;
    let (most, none) = (usize::from(u16::MAX), HashSet::new());
    let entries = journal.open_entries(PROJECT, most, &none).await?;
    let found = entries.into_iter().map(|entry| {
        let stage = Stage::AGENTS.into_iter();
        let stage = stage
            .into_iter()
            .find(|stage| stage.uuid() == entry.stage)
            .ok_or("the journal has a decision of a stage that is none")?;
        let number = Number::of(&entry.data_title).ok_or("a title without a number")?;
        let labels = entry.labels;
        Ok(Open {
            stage,
            number,
            labels: labels.map(|labels| (labels.label_hash, labels.document)),
            moves: entry.pathway.is_some(),
        })
    });
    found.collect()
}
