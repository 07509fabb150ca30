//! What one task depends on, as far as it was fetched, and what fetches the rest when an agent asks for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use runner_media::{MediaFile, Share, Store};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::files;
use super::held::hexadecimal;
use super::slot::{Resolved, Slot, Slots};
use super::source::{Source, can_have_children, no_item};
use super::twins::TwinSlots;
use super::undeclared::{Asked, Need, Waiting};
use crate::encord::{LabelRowMetadata, StorageItem, Task};
use crate::engine::{LabelRowInput, Resolver, Twin, TwinRow, Unresolved};

/// One task with what was fetched for it so far. Attempts of the task share it; each gets a fresh copy of
/// what it edits.
pub(super) struct Dependencies {
    pub(super) source: Arc<Source>,
    pub(super) task: Arc<Task>,
    pub(super) metadata: OnceCell<Arc<LabelRowMetadata>>,
    pub(super) row: Slot<LabelRowInput>,
    pub(super) item: Slot<Arc<StorageItem>>,
    /// By item.
    pub(super) children: Slots<Uuid, Slot<Vec<Arc<StorageItem>>>>,
    /// By item.
    files: Slots<Uuid, Slot<Arc<MediaFile>>>,
    /// By project.
    pub(super) twins: Slots<Uuid, TwinSlots>,
    /// The row could not be had. If it was to be created, that may have happened all the same, so it is listed again.
    pub(super) row_failed: AtomicBool,
    /// Something could not be had with the batch. What follows from it was declared, and is fetched late all the same.
    pub(super) hindered: AtomicBool,
    /// An agent was told that something of the task itself does not exist.
    missed: AtomicBool,
    /// An agent was told that something cannot be had for the time being.
    unavailable: AtomicBool,
    /// An agent was told that the account may not have something.
    forbidden: AtomicBool,
    asked: Asked,
    /// Of the budget of label rows, until the task begins.
    share: Mutex<Option<Share>>,
}

impl Dependencies {
    pub(super) fn new(source: &Arc<Source>, task: Task) -> Self {
        Self {
            source: Arc::clone(source),
            task: Arc::new(task),
            metadata: OnceCell::new(),
            row: Slot::default(),
            item: Slot::default(),
            children: Slots::default(),
            files: Slots::default(),
            twins: Slots::default(),
            row_failed: AtomicBool::new(false),
            hindered: AtomicBool::new(false),
            missed: AtomicBool::new(false),
            unavailable: AtomicBool::new(false),
            forbidden: AtomicBool::new(false),
            asked: Asked::default(),
            share: Mutex::default(),
        }
    }

    /// The same task with nothing fetched for it. What an agent then asks for is not counted as undeclared.
    pub(super) fn afresh(&self) -> Self {
        let afresh = Self::new(&self.source, (*self.task).clone());
        afresh.hindered.store(true, Ordering::Relaxed);
        afresh
    }

    /// See [`LabelRowInput::edited_at`]; none if the row was not read.
    pub(super) fn row_edited_at(&self) -> Option<String> {
        self.row.known()?.edited_at
    }

    /// The label row as it was read, if it was.
    pub(super) fn row_document(&self) -> Option<Arc<Value>> {
        Some(self.row.known()?.document)
    }

    /// Whether something could not be had for the time being since the last [`Self::forget_errors`].
    pub(super) fn was_something_unavailable(&self) -> bool {
        self.unavailable.load(Ordering::Relaxed)
    }

    /// Whether the agent was told since the last [`Self::forget_errors`] that the account may not have something: others can
    /// give it the right, whatever the agent made of it.
    pub(super) fn was_something_forbidden(&self) -> bool {
        self.forbidden.load(Ordering::Relaxed)
    }

    /// SHA-256 of what attempts were given, as far as they asked for it: the task, its label row, its storage item. URLs,
    /// which are new each time, are left out.
    pub(super) fn inputs_digest(&self) -> String {
        let task = &self.task;
        let row = self.row.known();
        let item = self.item.known();
        let given = json!({
            "task": [task.uuid.to_string(), task.data_hash.to_string(), task.data_title, task.label_branch_name],
            "row": row.as_ref().map(|row| without_urls(&row.document)),
            "item": item.map(|item| json!([
                item.uuid.to_string(), item.name, item.item_type, item.file_size, item.client_metadata,
            ])),
        });
        hexadecimal(given.to_string().as_bytes())
    }

    /// Whether an agent was told that the row, the item or the file does not exist: perhaps the data unit was removed.
    pub(super) fn may_be_gone(&self) -> bool {
        self.missed.load(Ordering::Relaxed)
    }

    /// The documents of the label rows that are there, its own and those of twins.
    pub(super) fn documents(&self) -> Vec<Arc<Value>> {
        let mut documents: Vec<_> = self
            .row
            .known()
            .map(|row| row.document)
            .into_iter()
            .collect();
        self.twins.for_each(|slots| {
            let row = slots.row.known().flatten();
            documents.extend(row.map(|row| row.row.document));
        });
        documents
    }

    /// Takes the share that its label rows have of their budget.
    pub(super) fn hold(&self, share: Share) {
        *self.share.lock().unwrap_or_else(PoisonError::into_inner) = Some(share);
    }

    /// Gives it to whoever holds it until the task has ended.
    pub(super) fn take_share(&self) -> Option<Share> {
        self.share
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Forgets label rows that did not come with the batch.
    pub(super) fn forget_late(&self) {
        self.row.forget_late();
        self.twins.for_each(|slots| slots.row.forget_late());
    }

    /// Before another attempt: what went wrong with the batch, and was not asked for yet, may work by now. Label rows that
    /// did not come with the batch have no share of their budget, so that they are not kept while the task waits.
    pub(super) fn forget_errors(&self) {
        self.unavailable.store(false, Ordering::Relaxed);
        self.forbidden.store(false, Ordering::Relaxed);
        self.forget_late();
        self.row.forget_error();
        self.item.forget_error();
        self.children.for_each(|slot| slot.forget_error());
        self.files.for_each(|slot| slot.forget_error());
        self.twins.for_each(|slots| {
            slots.metadata.forget_error();
            slots.row.forget_error();
            slots.task.forget_error();
        });
    }

    /// The files that the stage declares, as far as it is known which they are.
    pub(super) fn declared_files(&self) -> Vec<Arc<StorageItem>> {
        let Some(item) = self.item.known() else {
            return Vec::new();
        };
        let images = self.children.of(item.uuid).known().unwrap_or_default();
        files::declared(&self.source.declaration, &item, &images)
    }

    /// Downloads a file before anybody asks for it.
    pub(super) async fn fetch_ahead(&self, item: &StorageItem) {
        let file = self.source.file(item).await;
        self.files.of(item.uuid).fill(file);
    }

    /// Whether the item is the task's own, or an image of it: of others, nothing that can be declared brings the file.
    fn is_own(&self, item: &StorageItem) -> bool {
        let Some(own) = self.item.known() else {
            return false;
        };
        let is_image = || {
            let images = self.children.of(own.uuid).known().unwrap_or_default();
            images.iter().any(|image| image.uuid == item.uuid)
        };
        own.uuid == item.uuid || (own.item_type == "imageGroup" && is_image())
    }

    /// Counts the wait for something that could have come with the batch.
    fn waits<T: Clone>(&self, need: Need, slot: &Slot<T>) -> Option<Waiting<'_>> {
        let counted = slot.is_lacking() && !self.hindered.load(Ordering::Relaxed);
        counted.then(|| self.asked.waits(&self.source.undeclared, need))
    }

    fn noted<T>(&self, found: Resolved<T>) -> Resolved<T> {
        if let Err(Unresolved::NotFound(_)) = &found {
            self.missed.store(true, Ordering::Relaxed);
        }
        self.seen(found)
    }

    fn seen<T>(&self, found: Resolved<T>) -> Resolved<T> {
        match &found {
            Err(Unresolved::Unavailable(_)) => self.unavailable.store(true, Ordering::Relaxed),
            Err(Unresolved::Forbidden(_)) => self.forbidden.store(true, Ordering::Relaxed),
            _ => {}
        }
        found
    }

    async fn metadata(&self) -> Resolved<&Arc<LabelRowMetadata>> {
        self.metadata.get_or_try_init(|| self.list()).await
    }

    async fn list(&self) -> Resolved<Arc<LabelRowMetadata>> {
        let found = self.source.metadata(&[&self.task]).await;
        only(found).unwrap_or_else(|| Err(self.source.no_row(&self.task)))
    }

    async fn fetch_row(&self) -> Resolved<LabelRowInput> {
        let failed = self.row_failed.load(Ordering::Relaxed);
        let metadata = match self.metadata().await? {
            known if failed && known.label_hash.is_none() => self.list().await?,
            known => Arc::clone(known),
        };
        let longest = self.source.row_budget.longest_answer(1);
        let rows = self.source.rows(&[(&self.task, metadata)], longest).await;
        let row = only(rows).unwrap_or_else(|| Err(self.source.no_row(&self.task)));
        self.row_failed.store(row.is_err(), Ordering::Relaxed);
        row
    }

    async fn fetch_item(&self) -> Resolved<Arc<StorageItem>> {
        let metadata = Arc::clone(self.metadata().await?);
        let items = self.source.items(&[(&self.task, metadata)]).await;
        only(items).unwrap_or_else(|| Err(no_item(&self.task)))
    }

    async fn twin_metadata(
        &self,
        project: Uuid,
        slots: &TwinSlots,
    ) -> Resolved<Option<Arc<LabelRowMetadata>>> {
        let list = || async {
            let listed = self.source.listed(project, &[&self.task], false).await;
            only(listed).unwrap_or(Ok(None))
        };
        slots.metadata.get(list).await
    }
}

/// A label row document without the URLs in it.
fn without_urls(document: &Value) -> Value {
    match document {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, _)| *key != "data_link");
            Value::Object(
                kept.map(|(key, value)| (key.clone(), without_urls(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(without_urls).collect()),
        plain => plain.clone(),
    }
}

/// The answer about one task.
fn only<T>(mut answers: Vec<T>) -> Option<T> {
    answers.pop()
}

impl Resolver for Dependencies {
    fn label_row(&self) -> BoxFuture<'_, Resolved<LabelRowInput>> {
        async {
            let _waiting = self.waits(Need::LabelRow, &self.row);
            self.noted(self.row.get(|| self.fetch_row()).await)
        }
        .boxed()
    }

    fn storage_item(&self) -> BoxFuture<'_, Resolved<Arc<StorageItem>>> {
        async {
            let _waiting = self.waits(Need::StorageItem, &self.item);
            self.noted(self.item.get(|| self.fetch_item()).await)
        }
        .boxed()
    }

    fn twin(&self, project: Uuid) -> BoxFuture<'_, Resolved<Option<Twin>>> {
        async move {
            let slots = self.twins.of(project);
            let _waiting = self.waits(Need::Twin(project), &slots.metadata);
            let metadata = self.seen(self.twin_metadata(project, &slots).await)?;
            Ok(metadata.map(|metadata| Twin { project, metadata }))
        }
        .boxed()
    }

    fn twin_label_row(&self, project: Uuid) -> BoxFuture<'_, Resolved<Option<TwinRow>>> {
        async move {
            let slots = self.twins.of(project);
            let _waiting = self.waits(Need::TwinLabelRow(project), &slots.row);
            let fetch = || async {
                let Some(metadata) = self.twin_metadata(project, &slots).await? else {
                    return Ok(None);
                };
                let source = &self.source;
                let (listed, longest) = ([metadata], source.row_budget.longest_answer(1));
                let rows = source.twins.rows(&source.client, project, &listed, longest);
                only(rows.await).unwrap_or(Ok(None))
            };
            self.seen(slots.row.get(fetch).await)
        }
        .boxed()
    }

    fn twin_task(&self, project: Uuid) -> BoxFuture<'_, Resolved<Option<Arc<Task>>>> {
        async move {
            let slots = self.twins.of(project);
            let _waiting = self.waits(Need::TwinTask(project), &slots.task);
            let fetch = || async {
                let Some(metadata) = self.twin_metadata(project, &slots).await? else {
                    return Ok(None);
                };
                let source = &self.source;
                let listed = [metadata];
                let tasks = source.twins.tasks(&source.client, project, &listed);
                only(tasks.await).unwrap_or(Ok(None))
            };
            self.seen(slots.task.get(fetch).await)
        }
        .boxed()
    }

    fn children<'a>(
        &'a self,
        item: &'a Arc<StorageItem>,
    ) -> BoxFuture<'a, Resolved<Vec<Arc<StorageItem>>>> {
        async move {
            if !can_have_children(&item.item_type) {
                return Ok(Vec::new());
            }
            let slot = self.children.of(item.uuid);
            // Of other types, nothing that can be declared brings the children.
            let _waiting = (item.item_type == "imageGroup")
                .then(|| self.waits(Need::Children, &slot))
                .flatten();
            self.seen(slot.get(|| self.source.children(item)).await)
        }
        .boxed()
    }

    fn file<'a>(&'a self, item: &'a Arc<StorageItem>) -> BoxFuture<'a, Resolved<Arc<MediaFile>>> {
        async move {
            let slot = self.files.of(item.uuid);
            let _waiting = self
                .is_own(item)
                .then(|| self.waits(Need::File, &slot))
                .flatten();
            self.noted(slot.get(|| self.source.file(item)).await)
        }
        .boxed()
    }

    fn store(&self) -> Option<&Store> {
        self.source.store.as_ref().ok()
    }
}
