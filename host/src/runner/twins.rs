//! The same data in other projects: what they list of it, their label rows, their tasks. Nothing is created there.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::slot::{Resolved, Slot};
use super::source::unresolved;
use crate::encord::{Client, LabelRowMetadata, ReadOptions, Task, TaskFilter};
use crate::engine::{LabelRowInput, TwinRow, Unresolved};
use crate::labels::Ontology;

/// A task's data in one other project, as far as it was fetched.
#[derive(Debug, Default)]
pub(super) struct TwinSlots {
    /// None if the project does not have the data; likewise the others.
    pub(super) metadata: Slot<Option<Arc<LabelRowMetadata>>>,
    pub(super) row: Slot<Option<TwinRow>>,
    pub(super) task: Slot<Option<Arc<Task>>>,
}

/// Ontologies that are kept. An agent that asks about more projects than anybody declares waits for some of them again.
const MOST_ONTOLOGIES: usize = 50;

/// The ontologies of other projects, each fetched once in a run.
#[derive(Debug, Default)]
pub(super) struct Twins {
    ontologies: Mutex<HashMap<Uuid, Arc<Ontology>>>,
}

impl Twins {
    /// The label rows that a project listed; none for those that were never labelled. One answer for each, in order.
    /// What Encord sends at once has at most `longest` bytes.
    pub(super) async fn rows(
        &self,
        client: &Client,
        project: Uuid,
        listed: &[Arc<LabelRowMetadata>],
        longest: usize,
    ) -> Vec<Resolved<Option<TwinRow>>> {
        let existing: Vec<Uuid> = listed.iter().filter_map(|row| row.label_hash).collect();
        if existing.is_empty() {
            return listed.iter().map(|_| Ok(None)).collect();
        }
        let ontology = match self.ontology(client, project).await {
            Ok(ontology) => ontology,
            Err(error) => return listed.iter().map(|_| Err(error.clone())).collect(),
        };
        let options = ReadOptions {
            longest_answer: Some(longest),
            ..ReadOptions::default()
        };
        let read = client
            .read_label_rows_each(project, &existing, &options)
            .await;
        let read = read.into_iter().map(|document| document.map(Arc::new));
        let read: HashMap<Uuid, _> = existing.into_iter().zip(read).collect();
        let take = |metadata: &Arc<LabelRowMetadata>| {
            let Some(label_hash) = metadata.label_hash else {
                return Ok(None);
            };
            let document = match &read[&label_hash] {
                Ok(document) => Arc::clone(document),
                Err(error) => return Err(unresolved(error)),
            };
            Ok(Some(TwinRow {
                row: LabelRowInput {
                    metadata: Arc::clone(metadata),
                    label_hash,
                    document,
                    partial: false,
                    edited_at: None,
                },
                ontology: Arc::clone(&ontology),
            }))
        };
        listed.iter().map(take).collect()
    }

    /// The tasks about what a project listed; none for those that wait at no stage. One answer for each, in order.
    pub(super) async fn tasks(
        &self,
        client: &Client,
        project: Uuid,
        listed: &[Arc<LabelRowMetadata>],
    ) -> Vec<Resolved<Option<Arc<Task>>>> {
        let mut stages: HashMap<Uuid, Vec<usize>> = HashMap::new();
        for (at, metadata) in listed.iter().enumerate() {
            if let Some(stage) = &metadata.stage {
                stages.entry(stage.uuid).or_default().push(at);
            }
        }
        let asked = stages.into_iter().map(|(stage, positions)| async move {
            let hashes = positions.iter().map(|&at| listed[at].data_hash).collect();
            let found = tasks_of(client, project, stage, hashes).await;
            (positions, found)
        });
        let mut answers: Vec<_> = listed.iter().map(|_| Ok(None)).collect();
        for (positions, found) in join_all(asked).await {
            for at in positions {
                answers[at] = match &found {
                    Ok(tasks) => Ok(task_of(tasks, &listed[at]).cloned()),
                    Err(error) => Err(error.clone()),
                };
            }
        }
        answers
    }

    /// Waiting for one's own lock keeps many attempts from fetching the same.
    async fn ontology(&self, client: &Client, project: Uuid) -> Resolved<Arc<Ontology>> {
        let mut known = self.ontologies.lock().await;
        if let Some(ontology) = known.get(&project) {
            return Ok(Arc::clone(ontology));
        }
        let found = client.project(project).await;
        let found = found.map_err(|error| unresolved(&error))?;
        let document = client.ontology(found.ontology_uuid).await;
        let document = document.map_err(|error| unresolved(&error))?;
        let ontology = Ontology::parse(
            &document.uuid.to_string(),
            &document.title,
            &document.description,
            &document.editor,
        );
        let ontology = ontology.map_err(|error| {
            Unresolved::Other(format!("of the project \"{}\": {error}", found.title))
        })?;
        let ontology = Arc::new(ontology);
        if known.len() >= MOST_ONTOLOGIES {
            known.clear();
        }
        known.insert(project, Arc::clone(&ontology));
        Ok(ontology)
    }
}

/// Those of a stage's tasks that are about these data units.
async fn tasks_of(
    client: &Client,
    project: Uuid,
    stage: Uuid,
    data_hashes: Vec<Uuid>,
) -> Resolved<Vec<Arc<Task>>> {
    let filter = TaskFilter {
        data_hashes,
        ..TaskFilter::default()
    };
    let mut listing = client.tasks(project, stage, filter);
    let mut tasks = Vec::new();
    while let Some(page) = listing
        .next_page()
        .await
        .map_err(|error| unresolved(&error))?
    {
        tasks.extend(page.into_iter().map(Arc::new));
    }
    Ok(tasks)
}

/// By its identifier, where Encord lists it with the row.
fn task_of<'a>(tasks: &'a [Arc<Task>], listed: &LabelRowMetadata) -> Option<&'a Arc<Task>> {
    match listed.task_uuid {
        Some(uuid) => tasks.iter().find(|task| task.uuid == uuid),
        None => tasks.iter().find(|task| task.data_hash == listed.data_hash),
    }
}
