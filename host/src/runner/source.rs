//! Fetches what the tasks of a stage depend on, for many of them at once or for one. Nothing here decides anything; what
//! cannot be had is that task's error alone.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use runner_media::{MediaError, Store};
use serde_json::Value;
use uuid::Uuid;

use super::outage::is_for_now;
use super::rows::RowBudget;
use super::slot::Resolved;
use super::twins::Twins;
use super::undeclared::Undeclareds;
use crate::encord::{
    self, Client, CreateOptions, Error, ErrorKind, LabelRowMetadata, MetadataOptions, ReadOptions,
    StorageItem, Task,
};
use crate::engine::{Declaration, LabelRowInput, Unresolved};

/// Both Encord's moments and what is known of its clock are cut to the second.
const SURELY_LATER: SignedDuration = SignedDuration::from_secs(3);

/// What a stage's tasks have in common when they are resolved.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) client: Client,
    pub(super) project: Uuid,
    pub(super) declaration: Declaration,
    /// Other projects that agents of the run asked about.
    pub(super) twins: Arc<Twins>,
    /// Where files are kept, or why that cannot be.
    pub(super) store: Result<Store, MediaError>,
    pub(super) undeclared: Undeclareds,
    /// The memory that label rows may take.
    pub(super) row_budget: RowBudget,
}

impl Source {
    pub(super) fn branch<'a>(&'a self, task: &'a Task) -> &'a str {
        self.declaration
            .branch_name
            .as_deref()
            .unwrap_or(&task.label_branch_name)
    }

    pub(super) fn no_row(&self, task: &Task) -> Unresolved {
        Unresolved::NotFound(format!(
            "Encord lists no label row for the data unit {} (\"{}\") on the branch \"{}\"; it may have been \
             removed from the dataset",
            task.data_hash,
            task.data_title,
            self.branch(task)
        ))
    }

    /// What the project lists of the tasks' label rows. One answer for each task, in order.
    pub(super) async fn metadata(&self, tasks: &[&Task]) -> Vec<Resolved<Arc<LabelRowMetadata>>> {
        let listed = self
            .listed(
                self.project,
                tasks,
                self.declaration.include_client_metadata,
            )
            .await;
        listed
            .into_iter()
            .zip(tasks)
            .map(|(row, task)| row?.ok_or_else(|| self.no_row(task)))
            .collect()
    }

    /// What a project lists of the label rows of the tasks' data, on their branches; none where it does not have the
    /// data. One answer for each task, in order.
    pub(super) async fn listed(
        &self,
        project: Uuid,
        tasks: &[&Task],
        include_client_metadata: bool,
    ) -> Vec<Resolved<Option<Arc<LabelRowMetadata>>>> {
        let mut branches: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, task) in tasks.iter().enumerate() {
            branches.entry(self.branch(task)).or_default().push(at);
        }
        let asked = branches.into_iter().map(|(branch, positions)| async move {
            let options = MetadataOptions {
                branch_name: Some(branch.to_owned()),
                include_client_metadata,
                ..MetadataOptions::default()
            };
            let mut hashes: Vec<Uuid> = positions.iter().map(|&at| tasks[at].data_hash).collect();
            hashes.sort_unstable();
            hashes.dedup();
            let found = self
                .client
                .label_row_metadata(project, &hashes, &options)
                .await;
            (positions, found)
        });
        let mut answers: Vec<_> = tasks.iter().map(|_| Ok(None)).collect();
        for (positions, found) in join_all(asked).await {
            match found {
                Ok(rows) => {
                    let rows: HashMap<Uuid, Arc<LabelRowMetadata>> = rows
                        .into_iter()
                        .map(|row| (row.data_hash, Arc::new(row)))
                        .collect();
                    for at in positions {
                        answers[at] = Ok(rows.get(&tasks[at].data_hash).cloned());
                    }
                }
                Err(error) => {
                    for at in positions {
                        answers[at] = Err(unresolved(&error));
                    }
                }
            }
        }
        answers
    }

    /// Label rows with their documents: those that exist are read, the others are created.
    ///
    /// A creation that was not confirmed may have happened all the same. Another listing tells: then it is read, or
    /// created after all. An answer with rows that are read has at most `longest` bytes.
    pub(super) async fn rows(
        &self,
        wanted: &[(&Task, Arc<LabelRowMetadata>)],
        longest: usize,
    ) -> Vec<Resolved<LabelRowInput>> {
        let mut rows = self.read_or_create(wanted, longest).await;
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
        for (at, row) in places
            .into_iter()
            .zip(self.read_or_create(&again, longest).await)
        {
            rows[at] = row;
        }
        rows
    }

    async fn read_or_create(
        &self,
        wanted: &[(&Task, Arc<LabelRowMetadata>)],
        longest: usize,
    ) -> Vec<Resolved<LabelRowInput>> {
        let read_at = self.client.server_time();
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
            longest_answer: Some(longest),
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
            let edited_at = match &metadata.last_edited_at {
                Some(edited_at) => proof(edited_at, read_at),
                // Nobody else knows a row that was made a moment ago.
                None => made_at(&document),
            };
            Ok(LabelRowInput {
                metadata: Arc::clone(metadata),
                label_hash,
                document,
                partial,
                edited_at,
            })
        };
        wanted.iter().map(take).collect()
    }

    pub(super) async fn items(
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

    /// The items that an item is made of, in their order.
    pub(super) async fn children(&self, item: &StorageItem) -> Resolved<Vec<Arc<StorageItem>>> {
        if !can_have_children(&item.item_type) {
            return Ok(Vec::new());
        }
        let folder = item.parent.ok_or_else(|| {
            Unresolved::Other(format!(
                "Encord does not say in which folder the storage item {} is",
                item.uuid
            ))
        })?;
        let found = self.client.child_items(folder, item.uuid, true).await;
        let found = found.map_err(|error| unresolved(&error))?;
        Ok(found.into_iter().map(Arc::new).collect())
    }
}

/// See [`LabelRowInput::edited_at`]. `read_at` is what Encord's clock showed before the row was read.
fn proof(edited_at: &str, read_at: Option<Timestamp>) -> Option<String> {
    let edited = encord::moment(edited_at)?;
    let proven = read_at?.duration_since(edited) >= SURELY_LATER;
    proven.then(|| edited_at.to_owned())
}

/// When a row was made.
fn made_at(document: &Value) -> Option<String> {
    let text = document.get("last_edited_at")?.as_str()?;
    Some(encord::moment(text)?.to_string())
}

/// Whether an item of this type can be made of others. Newer types are asked for.
pub(super) fn can_have_children(item_type: &str) -> bool {
    ![
        "image",
        "video",
        "imageSequence",
        "audio",
        "plainText",
        "pdf",
        "dicomFile",
        "nifti",
        "timeseries",
    ]
    .contains(&item_type)
}

pub(super) fn no_item(task: &Task) -> Unresolved {
    Unresolved::NotFound(format!(
        "Encord names no storage item behind the data unit {} (\"{}\")",
        task.data_hash, task.data_title
    ))
}

pub(super) fn unresolved(error: &Error) -> Unresolved {
    let message = error.to_string();
    match error.kind() {
        ErrorKind::NotFound => Unresolved::NotFound(message),
        ErrorKind::Authorisation => Unresolved::Forbidden(message),
        _ if is_for_now(error) => Unresolved::Unavailable(message),
        // Only label rows are asked for with a limit.
        ErrorKind::AnswerTooLarge => Unresolved::TooLarge(format!(
            "{message}\nhelp: let the host take more memory for label rows, with --row-bytes"
        )),
        _ => Unresolved::Other(message),
    }
}

/// The same for a call that the guest made: what was wrong with it is the guest's doing.
pub(super) fn unresolved_call(error: &Error) -> Unresolved {
    match error.kind() {
        ErrorKind::InvalidArguments => Unresolved::Invalid(error.to_string()),
        ErrorKind::PayloadTooLarge | ErrorKind::AnswerTooLarge => {
            Unresolved::TooLarge(error.to_string())
        }
        _ => unresolved(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_within_seconds_of_the_reading_proves_nothing() {
        let edited = "2025-01-15T09:30:00Z";
        let read = |seconds| {
            let edited: Timestamp = edited.parse().expect("timestamp");
            proof(
                &edited.to_string(),
                Some(edited + SignedDuration::from_secs(seconds)),
            )
        };
        assert_eq!(read(3).as_deref(), Some(edited));
        assert_eq!(read(2), None);
        assert_eq!(read(-60), None, "clocks that differ");
        assert_eq!(proof(edited, None), None);
        assert_eq!(proof("some day", Some(Timestamp::UNIX_EPOCH)), None);
    }
}
