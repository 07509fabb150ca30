//! Fetches what a stage declares, for all tasks of a batch at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use futures::stream::{self, StreamExt};

use super::dependencies::Dependencies;
use super::source::Source;
use super::twins::TwinSlots;
use crate::encord::{LabelRowMetadata, Task};
use crate::engine::{Declaration, TwinNeeds};

/// Requests about one item each that are under way at once.
const REQUESTS_AT_A_TIME: usize = 16;

/// What was listed of a task of the batch.
type Known<'a> = (&'a Arc<Dependencies>, Arc<LabelRowMetadata>);

/// Resolves a batch. What cannot be had is kept for the first attempt that asks for it. All is resolved at once but label
/// rows, for which tasks may have to wait until those before them have ended.
pub(super) struct Ahead {
    source: Arc<Source>,
    /// Those that were not given yet.
    left: Vec<Arc<Dependencies>>,
    /// Nothing is resolved yet.
    is_new: bool,
}

impl Ahead {
    pub(super) fn new(source: &Arc<Source>, tasks: Vec<Task>) -> Self {
        let batch = tasks.into_iter();
        Self {
            source: Arc::clone(source),
            left: batch
                .map(|task| Arc::new(Dependencies::new(source, task)))
                .collect(),
            is_new: true,
        }
    }

    /// The next tasks of the batch whose label rows are there, in order; none once all were given.
    pub(super) async fn next(&mut self) -> Option<Vec<Arc<Dependencies>>> {
        if self.left.is_empty() {
            return None;
        }
        let source = &self.source;
        if !std::mem::take(&mut self.is_new) {
            return Some(source.rows_ahead(&mut self.left).await);
        }
        let batch = self.left.clone();
        let twins = source.declaration.twins.iter();
        let twins = join_all(twins.map(|needs| twin(source, &batch, *needs)));
        let (known, twins) = tokio::join!(own(source, &batch), twins);
        let others = async {
            let tasks = twins.iter().map(|listed| twin_tasks(source, listed));
            tokio::join!(items(source, &known), join_all(tasks));
        };
        let (part, ()) = tokio::join!(source.rows_ahead(&mut self.left), others);
        Some(part)
    }
}

/// Whether the stage declares something that is told by the storage item.
fn needs_items(declaration: &Declaration) -> bool {
    declaration.needs_storage_item
        || declaration.needs_asset
        || declaration.needs_single_frame
        || declaration.needs_video
}

/// What the project lists of the tasks.
async fn own<'a>(source: &Source, batch: &'a [Arc<Dependencies>]) -> Vec<Known<'a>> {
    let declaration = &source.declaration;
    let needs_items = needs_items(declaration);
    if !declaration.needs_label_row && !needs_items {
        return Vec::new();
    }
    let tasks: Vec<&Task> = batch.iter().map(|one| &*one.task).collect();
    let mut known: Vec<Known<'_>> = Vec::with_capacity(batch.len());
    for (one, metadata) in batch.iter().zip(source.metadata(&tasks).await) {
        match metadata {
            Ok(metadata) => {
                // Set for the first time, since nobody else has it yet.
                let _ = one.metadata.set(Arc::clone(&metadata));
                known.push((one, metadata));
            }
            Err(error) => {
                one.hindered.store(true, Ordering::Relaxed);
                if declaration.needs_label_row {
                    one.row.fill(Err(error.clone()));
                }
                if needs_items {
                    one.item.fill(Err(error));
                }
            }
        }
    }
    known
}

/// The storage items, if something that is told by them is declared.
async fn items(source: &Source, known: &[Known<'_>]) {
    if !needs_items(&source.declaration) {
        return;
    }
    let wanted: Vec<_> = known
        .iter()
        .map(|(one, metadata)| (&*one.task, Arc::clone(metadata)))
        .collect();
    for ((one, _), item) in known.iter().zip(source.items(&wanted).await) {
        if item.is_err() {
            one.hindered.store(true, Ordering::Relaxed);
        }
        one.item.fill(item);
    }
    children(source, known).await;
}

/// The images of image groups, if frames are declared.
async fn children(source: &Source, known: &[Known<'_>]) {
    let declaration = &source.declaration;
    if !declaration.needs_single_frame && !declaration.needs_video {
        return;
    }
    let groups: Vec<_> = known
        .iter()
        .filter_map(|(one, _)| Some((*one, one.item.known()?)))
        .filter(|(_, item)| item.item_type == "imageGroup")
        .map(|(one, item)| async move { (one, item.uuid, source.children(&item).await) })
        .collect();
    let mut found = stream::iter(groups).buffer_unordered(REQUESTS_AT_A_TIME);
    while let Some((one, item, images)) = found.next().await {
        if images.is_err() {
            one.hindered.store(true, Ordering::Relaxed);
        }
        one.children.of(item).fill(images);
    }
}

/// What another project lists of the tasks' data.
struct Listed {
    needs: TwinNeeds,
    /// Of those that it has.
    slots: Vec<Arc<TwinSlots>>,
    metadata: Vec<Arc<LabelRowMetadata>>,
}

async fn twin(source: &Source, batch: &[Arc<Dependencies>], needs: TwinNeeds) -> Listed {
    let project = needs.project;
    let tasks: Vec<&Task> = batch.iter().map(|one| &*one.task).collect();
    let mut of_project = Listed {
        needs,
        slots: Vec::with_capacity(batch.len()),
        metadata: Vec::with_capacity(batch.len()),
    };
    let listed = source.listed(project, &tasks, false).await;
    for (one, listed) in batch.iter().zip(listed) {
        let twin = one.twins.of(project);
        match &listed {
            Ok(Some(metadata)) => {
                of_project.slots.push(Arc::clone(&twin));
                of_project.metadata.push(Arc::clone(metadata));
            }
            Ok(None) => {
                twin.row.fill(Ok(None));
                twin.task.fill(Ok(None));
            }
            Err(error) => {
                one.hindered.store(true, Ordering::Relaxed);
                // An agent may ask for either first.
                if needs.label_row {
                    twin.row.fill(Err(error.clone()));
                }
                if needs.task {
                    twin.task.fill(Err(error.clone()));
                }
            }
        }
        twin.metadata.fill(listed);
    }
    of_project
}

/// The tasks about the data in another project.
async fn twin_tasks(source: &Source, listed: &Listed) {
    if !listed.needs.task {
        return;
    }
    let (client, project) = (&source.client, listed.needs.project);
    let tasks = source.twins.tasks(client, project, &listed.metadata).await;
    for (twin, task) in listed.slots.iter().zip(tasks) {
        twin.task.fill(task);
    }
}
