//! Takes what `project.toml` says over into the state.

use std::path::Path;

use rusqlite::Connection;

use super::error::LocalError;
use super::manifest::SetUp;
use super::store::{self, Meta, NewProject, Store};
use super::{MANIFEST_FILE, STATE_FILE, clock};

/// The digest of the definition that was taken over last.
const DIGEST: &str = "definition";

/// Makes the state fit the definition, all of it or nothing. Datasets are not made here: their media have to be read
/// first, which [`super::init`] does.
pub(super) fn take_over(store: &Store, set_up: &SetUp, folder: &Path) -> Result<(), LocalError> {
    let state = folder.join(STATE_FILE);
    let before = store.read(|connection| store::fact(connection, DIGEST));
    let before = before.map_err(LocalError::state(&state))?;
    if before.as_ref() == Some(&set_up.digest) {
        return Ok(());
    }
    let written = store.write(
        |connection| match check_fit(connection, set_up, folder, true) {
            Ok(()) => write(connection, set_up).map(Ok),
            // Nothing has been written that would have to be undone.
            Err(refused) => Ok(Err(refused)),
        },
    );
    written.map_err(LocalError::state(&state))?
}

/// `project.toml` may change between two openings, but not pull the ground from under the state. With `datasets`,
/// those that it names have to be there.
pub(super) fn check_fit(
    connection: &Connection,
    set_up: &SetUp,
    folder: &Path,
    datasets: bool,
) -> Result<(), LocalError> {
    let state = folder.join(STATE_FILE);
    let file = folder.join(MANIFEST_FILE);
    let failed = || LocalError::state(&state);
    let meta = Meta::read(connection).map_err(failed())?;
    let main = set_up.main().map(|main| main.hash);
    if let (Some(expected), Some(found)) = (main, meta.main)
        && expected != found
    {
        let (expected, found) = (expected.to_string(), found.to_string());
        return Err(LocalError::OtherProject {
            state: state.clone(),
            expected,
            found,
        });
    }
    for dataset in set_up.datasets.iter().filter(|_| datasets) {
        let found = store::find_dataset(connection, &dataset.hash.to_string());
        if found.map_err(failed())?.is_none() {
            return Err(LocalError::DatasetMissing {
                folder: folder.to_owned(),
                title: dataset.title.clone(),
                hash: dataset.hash.to_string(),
            });
        }
    }
    for project in &set_up.projects {
        let Some(known) = store::find_project(connection, project.hash).map_err(failed())? else {
            continue;
        };
        for (stage, tasks) in store::occupied_stages(connection, known.id).map_err(failed())? {
            if project.workflow.stage_named(&stage).is_none() {
                return Err(LocalError::StageGone { file, stage, tasks });
            }
        }
    }
    Ok(())
}

/// Writes definitions, and the tasks that projects lack.
pub(super) fn write(connection: &Connection, set_up: &SetUp) -> rusqlite::Result<()> {
    let now = clock::now();
    for template in &set_up.templates {
        store::put_template(
            connection,
            &template.hash.to_string(),
            &template.title,
            &template.workflow,
        )?;
    }
    let mut ontologies = Vec::new();
    for ontology in &set_up.ontologies {
        let id = store::put_ontology(
            connection,
            &ontology.hash.to_string(),
            &ontology.title,
            &ontology.description,
            &ontology.editor.to_string(),
            now,
        )?;
        ontologies.push((ontology.hash, id));
    }
    let mut datasets = Vec::new();
    for dataset in &set_up.datasets {
        let new = store::Dataset {
            id: 0,
            hash: dataset.hash.to_string(),
            title: dataset.title.clone(),
            description: dataset.description.clone(),
            folder: dataset.folder.to_string(),
            created_at: now,
            edited_at: now,
        };
        let (id, _) = store::put_dataset(connection, &new)?;
        datasets.push((dataset.hash, id));
    }
    for project in &set_up.projects {
        // References are to things of the same file, and were checked when it was read.
        let ontology = ontologies
            .iter()
            .find(|(hash, _)| *hash == project.ontology);
        let Some((_, ontology)) = ontology else {
            continue;
        };
        let of_project: Vec<_> = datasets
            .iter()
            .filter(|(hash, _)| project.datasets.contains(hash))
            .map(|(_, id)| *id)
            .collect();
        let new = NewProject {
            hash: project.hash,
            title: &project.title,
            description: &project.description,
            ontology: *ontology,
            datasets: &of_project,
            workflow: &project.workflow,
        };
        store::put_project(connection, &new, now)?;
    }
    store::set_fact(connection, DIGEST, &set_up.digest)
}
