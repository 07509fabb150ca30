//! What becomes of a project if nothing goes wrong, for comparison.

use std::collections::BTreeMap;
use std::path::PathBuf;

use uuid::Uuid;

use super::Result;
use super::host::Host;
use super::model::{Number, Stage};
use super::server::DevServer;
use super::state::{self, TaskState};
use super::world::{PROJECT, World};

/// Puts tasks at their ends back to the first stage.
pub(super) async fn move_back(server: &DevServer, tasks: &[(Number, Uuid)]) -> Result<()> {
    for end in Stage::ENDS {
        let tasks = tasks.iter().filter(|(number, _)| number.end() == end);
        let tasks: Vec<Uuid> = tasks.map(|(_, task)| *task).collect();
        if !tasks.is_empty() {
            let client = server.client();
            client
                .move_tasks(PROJECT, end.uuid(), Stage::First.uuid(), &tasks)
                .await?;
        }
    }
    Ok(())
}

/// What becomes of the same project, with as many trips of each task, if nothing goes wrong.
pub(super) async fn undisturbed(
    folder: PathBuf,
    tasks: u64,
    trips: &BTreeMap<Number, u64>,
) -> Result<BTreeMap<Number, TaskState>> {
    let world = World::make(folder, tasks).await?;
    let server = DevServer::start(&world).await?;
    let most = trips.values().copied().max().unwrap_or(1);
    for trip in 1..=most {
        let host = Host::start(&world, &server, &format!("trip-{trip:04}"), &[])?;
        let life = host.wait().await?;
        if life.status.code() != Some(0) {
            return Err(format!("the run without faults ended with {}", life.status).into());
        }
        let states = state::read(server.client()).await?;
        let goes_on = |number: &Number| number.leaves() && trips[number] > trip;
        let tasks: Vec<_> = states
            .iter()
            .filter(|(number, _)| goes_on(number))
            .map(|(number, state)| (*number, state.task))
            .collect();
        move_back(&server, &tasks).await?;
    }
    state::read(server.client()).await
}

/// Compares every task.
///
/// # Errors
/// The tasks that differ.
pub(super) fn compare(
    found: &BTreeMap<Number, TaskState>,
    expected: &BTreeMap<Number, TaskState>,
) -> Result<()> {
    let differs = |(number, expected): (&Number, &TaskState)| {
        let difference = match found.get(number) {
            Some(found) => found.difference(expected)?,
            None => "expected, found nowhere".to_owned(),
        };
        Some(format!("{}:\n    {difference}", number.file()))
    };
    let differences: Vec<_> = expected.iter().filter_map(differs).collect();
    if differences.is_empty() {
        return Ok(());
    }
    let shown: Vec<_> = differences.iter().take(5).cloned().collect();
    let text = format!(
        "{} tasks are not as in a run in which nothing goes wrong:\n  {}",
        differences.len(),
        shown.join("\n  ")
    );
    Err(text.into())
}
