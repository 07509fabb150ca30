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

/// Resolves a batch. What cannot be had is kept for the first attempt that asks for it.
pub(super) async fn prefetch(source: &Arc<Source>, tasks: Vec<Task>) -> Vec<Arc<Dependencies>> {
    let batch: Vec<_> = tasks
        .into_iter()
        .map(|task| Arc::new(Dependencies::new(source, task)))
        .collect();
    let twins = source.declaration.twins.iter();
    let twins = join_all(twins.map(|needs| twin(source, &batch, *needs)));
    tokio::join!(own(source, &batch), twins);
    batch
}

/// Whether the stage declares something that is told by the storage item.
fn needs_items(declaration: &Declaration) -> bool {
    declaration.needs_storage_item
        || declaration.needs_asset
        || declaration.needs_single_frame
        || declaration.needs_video
}

/// What the tasks have in the project itself.
async fn own(source: &Source, batch: &[Arc<Dependencies>]) {
    let declaration = &source.declaration;
    let needs_items = needs_items(declaration);
    if !declaration.needs_label_row && !needs_items {
        return;
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
    let wanted: Vec<_> = known
        .iter()
        .map(|(one, metadata)| (&*one.task, Arc::clone(metadata)))
        .collect();
    let rows = async {
        if declaration.needs_label_row {
            for ((one, _), row) in known.iter().zip(source.rows(&wanted).await) {
                one.row_failed.store(row.is_err(), Ordering::Relaxed);
                one.row.fill(row);
            }
        }
    };
    let items = async {
        if needs_items {
            for ((one, _), item) in known.iter().zip(source.items(&wanted).await) {
                if item.is_err() {
                    one.hindered.store(true, Ordering::Relaxed);
                }
                one.item.fill(item);
            }
            children(source, &known).await;
        }
    };
    tokio::join!(rows, items);
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
        .map(|(one, item)| async move { (one, item.uuid, source.children(item).await) })
        .collect();
    let mut found = stream::iter(groups).buffer_unordered(REQUESTS_AT_A_TIME);
    while let Some((one, item, images)) = found.next().await {
        if images.is_err() {
            one.hindered.store(true, Ordering::Relaxed);
        }
        one.children.of(item).fill(images);
    }
}

/// What the tasks have in another project.
async fn twin(source: &Source, batch: &[Arc<Dependencies>], needs: TwinNeeds) {
    let project = needs.project;
    let tasks: Vec<&Task> = batch.iter().map(|one| &*one.task).collect();
    let mut slots: Vec<Arc<TwinSlots>> = Vec::with_capacity(batch.len());
    let mut known = Vec::with_capacity(batch.len());
    let listed = source.listed(project, &tasks, false).await;
    for (one, listed) in batch.iter().zip(listed) {
        let twin = one.twins.of(project);
        match &listed {
            Ok(Some(metadata)) => {
                slots.push(Arc::clone(&twin));
                known.push(Arc::clone(metadata));
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
    let (twins, client) = (&source.twins, &source.client);
    let rows = async {
        if needs.label_row {
            let rows = twins.rows(client, project, &known).await;
            for (twin, row) in slots.iter().zip(rows) {
                twin.row.fill(row);
            }
        }
    };
    let tasks = async {
        if needs.task {
            let tasks = twins.tasks(client, project, &known).await;
            for (twin, task) in slots.iter().zip(tasks) {
                twin.task.fill(task);
            }
        }
    };
    tokio::join!(rows, tasks);
}
