//! Dependencies of a task: fetched for a whole batch where they are declared, one by one where they are
//! not. Nothing here decides anything; what cannot be had is that task's error alone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::twins::Twins;
use crate::encord::{
    Client, CreateOptions, Error, ErrorKind, LabelRowMetadata, MetadataOptions, ReadOptions,
    StorageItem, Task,
};
use crate::engine::{Declaration, LabelRowInput, Resolver, Twin, Unresolved};

type Resolved<T> = Result<T, Unresolved>;

/// What a stage's tasks have in common when they are resolved.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) client: Client,
    pub(super) project: Uuid,
    pub(super) declaration: Declaration,
    /// Other projects whose label rows agents of the run asked for.
    pub(super) twins: Arc<Twins>,
}

/// One task with what was fetched for it so far. Attempts of the task share it; each gets a fresh copy of
/// what it edits.
pub(super) struct Dependencies {
    source: Arc<Source>,
    pub(super) task: Arc<Task>,
    metadata: OnceCell<Arc<LabelRowMetadata>>,
    row: OnceCell<LabelRowInput>,
    item: OnceCell<Arc<StorageItem>>,
    /// By project. A lock of its own for each would gain nothing: an attempt asks for one after another.
    twins: tokio::sync::Mutex<HashMap<Uuid, Option<Twin>>>,
    /// The row could not be had. If it was to be created, that may have happened all the same, so it is listed again.
    row_failed: AtomicBool,
    /// What went wrong when the batch was fetched: given to the first attempt that asks, so that the
    /// next one asks Encord again.
    row_error: Mutex<Option<Unresolved>>,
    item_error: Mutex<Option<Unresolved>>,
}

impl Dependencies {
    pub(super) fn new(source: &Arc<Source>, task: Task) -> Self {
        Self {
            source: Arc::clone(source),
            task: Arc::new(task),
            metadata: OnceCell::new(),
            row: OnceCell::new(),
            item: OnceCell::new(),
            twins: tokio::sync::Mutex::default(),
            row_failed: AtomicBool::new(false),
            row_error: Mutex::new(None),
            item_error: Mutex::new(None),
        }
    }

    /// When the label row had been edited last, as read; none if it was not read.
    pub(super) fn row_edited_at(&self) -> Option<String> {
        self.row
            .get()
            .and_then(|row| row.metadata.last_edited_at.clone())
    }

    async fn metadata(&self) -> Resolved<&Arc<LabelRowMetadata>> {
        self.metadata.get_or_try_init(|| self.list()).await
    }

    async fn list(&self) -> Resolved<Arc<LabelRowMetadata>> {
        let mut found = self.source.metadata(&[&self.task]).await;
        found
            .pop()
            .unwrap_or_else(|| Err(self.source.no_row(&self.task)))
    }

    async fn fetch_row(&self) -> Resolved<LabelRowInput> {
        let failed = self.row_failed.load(Ordering::Relaxed);
        let metadata = match self.metadata().await? {
            known if failed && known.label_hash.is_none() => self.list().await?,
            known => Arc::clone(known),
        };
        let mut rows = self.source.rows(&[(&self.task, metadata)]).await;
        let row = rows
            .pop()
            .unwrap_or_else(|| Err(self.source.no_row(&self.task)));
        self.row_failed.store(row.is_err(), Ordering::Relaxed);
        row
    }
}

impl Resolver for Dependencies {
    fn label_row(&self) -> BoxFuture<'_, Resolved<LabelRowInput>> {
        async {
            if let Some(error) = take(&self.row_error) {
                return Err(error);
            }
            let row = self.row.get_or_try_init(|| self.fetch_row()).await;
            row.cloned()
        }
        .boxed()
    }

    fn storage_item(&self) -> BoxFuture<'_, Resolved<Arc<StorageItem>>> {
        async {
            if let Some(error) = take(&self.item_error) {
                return Err(error);
            }
            let fetch = || async {
                let metadata = Arc::clone(self.metadata().await?);
                let mut items = self.source.items(&[(&self.task, metadata)]).await;
                items.pop().unwrap_or_else(|| Err(no_item(&self.task)))
            };
            self.item.get_or_try_init(fetch).await.cloned()
        }
        .boxed()
    }

    fn twin_label_row(&self, project: Uuid) -> BoxFuture<'_, Resolved<Option<Twin>>> {
        async move {
            let mut twins = self.twins.lock().await;
            if let Some(known) = twins.get(&project) {
                return Ok(known.clone());
            }
            let branch = self.source.branch(&self.task);
            let source = &self.source;
            let found = source
                .twins
                .label_row(&source.client, project, &self.task, branch)
                .await?;
            twins.insert(project, found.clone());
            Ok(found)
        }
        .boxed()
    }
}

/// Fetches what the stage declares, for all tasks of a batch at once.
pub(super) async fn prefetch(source: &Arc<Source>, tasks: Vec<Task>) -> Vec<Arc<Dependencies>> {
    let batch: Vec<_> = tasks
        .into_iter()
        .map(|task| Arc::new(Dependencies::new(source, task)))
        .collect();
    let declaration = &source.declaration;
    if !declaration.needs_label_row && !declaration.needs_storage_item {
        return batch;
    }
    let tasks: Vec<&Task> = batch.iter().map(|one| &*one.task).collect();
    let mut known = Vec::with_capacity(batch.len());
    for (one, metadata) in batch.iter().zip(source.metadata(&tasks).await) {
        match metadata {
            Ok(metadata) => {
                // Set for the first time, since nobody else has it yet.
                let _ = one.metadata.set(Arc::clone(&metadata));
                known.push((one, metadata));
            }
            Err(error) => {
                put(&one.row_error, error.clone());
                put(&one.item_error, error);
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
                match row {
                    Ok(row) => drop(one.row.set(row)),
                    Err(error) => {
                        one.row_failed.store(true, Ordering::Relaxed);
                        put(&one.row_error, error);
                    }
                }
            }
        }
    };
    let items = async {
        if declaration.needs_storage_item {
            for ((one, _), item) in known.iter().zip(source.items(&wanted).await) {
                match item {
                    Ok(item) => drop(one.item.set(item)),
                    Err(error) => put(&one.item_error, error),
                }
            }
        }
    };
    tokio::join!(rows, items);
    batch
}

impl Source {
    fn branch<'a>(&'a self, task: &'a Task) -> &'a str {
        self.declaration
            .branch_name
            .as_deref()
            .unwrap_or(&task.label_branch_name)
    }

    fn no_row(&self, task: &Task) -> Unresolved {
        Unresolved::NotFound(format!(
            "Encord lists no label row for the data unit {} (\"{}\") on the branch \"{}\"; it may have been \
             removed from the dataset",
            task.data_hash,
            task.data_title,
            self.branch(task)
        ))
    }

    /// One answer for each task, in order.
    async fn metadata(&self, tasks: &[&Task]) -> Vec<Resolved<Arc<LabelRowMetadata>>> {
        let mut branches: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, task) in tasks.iter().enumerate() {
            branches.entry(self.branch(task)).or_default().push(at);
        }
        let asked = branches.into_iter().map(|(branch, positions)| async move {
            let options = MetadataOptions {
                branch_name: Some(branch.to_owned()),
                include_client_metadata: self.declaration.include_client_metadata,
                ..MetadataOptions::default()
            };
            let mut hashes: Vec<Uuid> = positions.iter().map(|&at| tasks[at].data_hash).collect();
            hashes.sort_unstable();
            hashes.dedup();
            let found = self
                .client
                .label_row_metadata(self.project, &hashes, &options)
                .await;
            (positions, found)
        });
        let mut answers: Vec<Option<Resolved<_>>> = tasks.iter().map(|_| None).collect();
        for (positions, found) in join_all(asked).await {
            match found {
                Ok(rows) => {
                    let rows: HashMap<Uuid, Arc<LabelRowMetadata>> = rows
                        .into_iter()
                        .map(|row| (row.data_hash, Arc::new(row)))
                        .collect();
                    for at in positions {
                        let row = rows.get(&tasks[at].data_hash).cloned();
                        answers[at] = Some(row.ok_or_else(|| self.no_row(tasks[at])));
                    }
                }
                Err(error) => {
                    for at in positions {
                        answers[at] = Some(Err(unresolved(&error)));
                    }
                }
            }
        }
        let tasks = tasks.iter();
        answers
            .into_iter()
            .zip(tasks)
            .map(|(answer, task)| answer.unwrap_or_else(|| Err(self.no_row(task))))
            .collect()
    }

    /// Label rows with their documents: those that exist are read, the others are created.
    ///
    /// A creation that was not confirmed may have happened all the same. Another listing tells: then it is read, or
    /// created after all.
    async fn rows(
        &self,
        wanted: &[(&Task, Arc<LabelRowMetadata>)],
    ) -> Vec<Resolved<LabelRowInput>> {
        let mut rows = self.read_or_create(wanted).await;
        let unconfirmed: Vec<usize> = (0..wanted.len())
            .filter(|&at| wanted[at].1.label_hash.is_none())
            .filter(|&at| matches!(rows[at], Err(Unresolved::Unavailable(_))))
            .collect();
        if unconfirmed.is_empty() {
            return rows;
        }
        let tasks: Vec<&Task> = unconfirmed.iter().map(|&at| wanted[at].0).collect();
        let listed = self.metadata(&tasks).await;
        let (places, again): (Vec<_>, Vec<_>) = unconfirmed
            .into_iter()
            .zip(listed)
            .filter_map(|(at, metadata)| Some((at, (wanted[at].0, metadata.ok()?))))
            .unzip();
        for (at, row) in places.into_iter().zip(self.read_or_create(&again).await) {
            rows[at] = row;
        }
        rows
    }

    async fn read_or_create(
        &self,
        wanted: &[(&Task, Arc<LabelRowMetadata>)],
    ) -> Vec<Resolved<LabelRowInput>> {
        let existing: Vec<Uuid> = wanted
            .iter()
            .filter_map(|(_, metadata)| metadata.label_hash)
            .collect();
        let mut new: HashMap<&str, Vec<Uuid>> = HashMap::new();
        for (task, metadata) in wanted {
            if metadata.label_hash.is_none() {
                new.entry(self.branch(task))
                    .or_default()
                    .push(metadata.data_hash);
            }
        }
        let options = ReadOptions {
            include_object_feature_hashes: self.declaration.include_objects.clone(),
            include_classification_feature_hashes: self.declaration.include_classifications.clone(),
            include_reviews: self.declaration.include_reviews,
            include_signed_url: self.declaration.include_signed_url,
        };
        let read = self
            .client
            .read_label_rows_each(self.project, &existing, &options);
        let created = join_all(new.into_iter().map(|(branch, hashes)| async move {
            let options = CreateOptions {
                branch_name: Some(branch.to_owned()),
                include_signed_url: self.declaration.include_signed_url,
            };
            let documents = self
                .client
                .create_label_rows_each(self.project, &hashes, &options)
                .await;
            let documents = documents.into_iter().map(|document| document.map(Arc::new));
            hashes
                .into_iter()
                .zip(documents)
                .map(move |(hash, document)| ((branch.to_owned(), hash), document))
        }));
        let (read, created) = tokio::join!(read, created);
        let read: HashMap<Uuid, _> = existing
            .into_iter()
            .zip(read.into_iter().map(|document| document.map(Arc::new)))
            .collect();
        let created: HashMap<(String, Uuid), _> = created.into_iter().flatten().collect();
        let partial = self.declaration.reads_in_part();
        let take = |(task, metadata): &(&Task, Arc<LabelRowMetadata>)| {
            let document = match metadata.label_hash {
                Some(hash) => read.get(&hash).cloned(),
                None => created
                    .get(&(self.branch(task).to_owned(), metadata.data_hash))
                    .cloned(),
            };
            let document = document
                .ok_or_else(|| self.no_row(task))?
                .map_err(|error| unresolved(&error))?;
            let label_hash = metadata
                .label_hash
                .or_else(|| document.get("label_hash")?.as_str()?.parse().ok())
                .ok_or_else(|| {
                    Unresolved::Other("Encord sent a label row without a label hash".to_owned())
                })?;
            Ok(LabelRowInput {
                metadata: Arc::clone(metadata),
                label_hash,
                document,
                partial,
            })
        };
        wanted.iter().map(take).collect()
    }

    async fn items(
        &self,
        wanted: &[(&Task, Arc<LabelRowMetadata>)],
    ) -> Vec<Resolved<Arc<StorageItem>>> {
        let mut uuids: Vec<Uuid> = wanted
            .iter()
            .filter_map(|(_, metadata)| metadata.backing_item_uuid)
            .collect();
        uuids.sort_unstable();
        uuids.dedup();
        let found = self.client.storage_items_each(&uuids, true).await;
        let found: HashMap<Uuid, _> = uuids
            .into_iter()
            .zip(found.into_iter().map(|item| item.map(Arc::new)))
            .collect();
        let take = |(task, metadata): &(&Task, Arc<LabelRowMetadata>)| {
            let item = metadata.backing_item_uuid.and_then(|uuid| found.get(&uuid));
            match item {
                Some(Ok(item)) => Ok(Arc::clone(item)),
                Some(Err(error)) => Err(unresolved(error)),
                None => Err(no_item(task)),
            }
        };
        wanted.iter().map(take).collect()
    }
}

fn no_item(task: &Task) -> Unresolved {
    Unresolved::NotFound(format!(
        "Encord names no storage item behind the data unit {} (\"{}\")",
        task.data_hash, task.data_title
    ))
}

pub(super) fn unresolved(error: &Error) -> Unresolved {
    let message = error.to_string();
    match error.kind() {
        ErrorKind::NotFound => Unresolved::NotFound(message),
        ErrorKind::Authentication | ErrorKind::Authorisation => Unresolved::Forbidden(message),
        _ if error.is_transient() => Unresolved::Unavailable(message),
        _ => Unresolved::Other(message),
    }
}

fn take(slot: &Mutex<Option<Unresolved>>) -> Option<Unresolved> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn put(slot: &Mutex<Option<Unresolved>>, error: Unresolved) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
}
