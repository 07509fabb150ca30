//! Jobs that add uploads to a folder, and to a dataset. A job is done by the time that it has been started.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::prepare::{self, Prepared};
use super::request::{Entry, StartJob};
use super::{Service, Shared};
use crate::local::clock;
use crate::local::collect::Maker;
use crate::local::media::MediaKind;
use crate::local::server::reply::{self, ApiError, Reply, ok, parse};
use crate::local::server::scope::uuid;
use crate::local::store::{self, Dataset, Item, Twice};
use crate::local::workspace::Workspace;

/// What a job is about.
#[derive(Debug)]
pub(in crate::local::server) struct Target {
    pub(in crate::local::server) workspace: Arc<Workspace>,
    /// UUID of the storage folder that the items go to.
    pub(in crate::local::server) folder: String,
    /// The dataset that they go to as well.
    pub(in crate::local::server) dataset: Option<Dataset>,
}

/// What became of a job, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::local::server) struct Outcome {
    status: Status,
    added: Vec<Added>,
    failed: Vec<Failed>,
    /// How many entries were fine, but not added because others were not.
    left_out: usize,
    file_name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Done,
    Error,
}

#[derive(Debug, Serialize, Deserialize)]
struct Added {
    item: String,
    title: String,
    /// Absent of a job that is about a folder alone.
    data_hash: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Failed {
    subtask: Uuid,
    urls: Vec<String>,
    error: String,
    action: String,
}

impl Outcome {
    fn errors(&self) -> Vec<&str> {
        self.failed
            .iter()
            .map(|failed| failed.error.as_str())
            .collect()
    }

    /// As the older API answers, about a dataset.
    pub(in crate::local::server) fn of_dataset(&self) -> Value {
        let added = self.added.iter().map(|added| {
            json!({
                "data_hash": added.data_hash,
                "title": added.title,
                "backing_item_uuid": added.item,
            })
        });
        let failed = self.failed.iter().map(|failed| {
            json!({
                "object_urls": failed.urls,
                "error": failed.error,
                "subtask_uuid": failed.subtask,
                "action_description": failed.action,
            })
        });
        json!({
            "status": self.status,
            "data_hashes_with_titles": added.collect::<Value>(),
            "errors": self.errors(),
            "data_unit_errors": failed.collect::<Value>(),
            "units_pending_count": 0,
            "units_done_count": self.added.len(),
            "units_error_count": self.failed.len(),
            "units_cancelled_count": self.left_out,
        })
    }

    /// As the newer API answers, about a folder.
    fn of_folder(&self) -> Value {
        let added = self
            .added
            .iter()
            .map(|added| json!({ "itemUuid": added.item, "name": added.title }));
        let failed = self.failed.iter().map(|failed| {
            json!({
                "objectUrls": failed.urls,
                "error": failed.error,
                "subtaskUuid": failed.subtask,
                "actionDescription": failed.action,
            })
        });
        json!({
            "status": self.status,
            "itemsWithNames": added.collect::<Value>(),
            "errors": self.errors(),
            "unitErrors": failed.collect::<Value>(),
            "unitsPendingCount": 0,
            "unitsDoneCount": self.added.len(),
            "unitsErrorCount": self.failed.len(),
            "unitsCancelledCount": self.left_out,
            "fileName": self.file_name,
        })
    }
}

/// Starts a job on a folder, and ends it: `POST …/folders/{folder}/data-upload-jobs`.
pub(in crate::local::server) async fn post(
    State(service): Shared,
    Path(folder): Path<String>,
    body: Bytes,
) -> Reply {
    let (workspace, folder) = service.workspace_of_folder(&folder).await?;
    let target = Target {
        workspace,
        folder,
        dataset: None,
    };
    ok(&start(&service, target, parse(&body)?).await?)
}

/// What became of a job: `GET …/folders/{folder}/data-upload-jobs/{job}`.
pub(in crate::local::server) async fn get(
    State(service): Shared,
    Path((folder, job)): Path<(String, String)>,
) -> Reply {
    let (workspace, folder) = service.workspace_of_folder(&folder).await?;
    ok(&find(&workspace, &job, Some(folder), None)
        .await?
        .of_folder())
}

/// The job on the folder or on the dataset.
pub(in crate::local::server) async fn find(
    workspace: &Arc<Workspace>,
    job: &str,
    folder: Option<String>,
    dataset: Option<String>,
) -> Result<Outcome, ApiError> {
    let job = uuid(job, "the UUID of a job")?.to_string();
    reply::read(workspace, move |connection, _| {
        let found = store::find_job(connection, &job, folder.as_deref(), dataset.as_deref())?;
        let found = found.ok_or_else(|| ApiError::not_found(format!("there is no job {job}")))?;
        Ok(serde_json::from_str(&found)?)
    })
    .await
}

/// Does a job, and returns its UUID. What it added, and what it says, is safe by then.
pub(in crate::local::server) async fn start(
    service: &Arc<Service>,
    target: Target,
    request: StartJob,
) -> Result<Uuid, ApiError> {
    let ignore_errors = request.ignore_errors;
    let file_name = request.file_name.clone();
    let entries = request.entries()?;
    let service = service.clone();
    reply::blocking(move || {
        let workspace = &target.workspace;
        let maker = Maker {
            folder: workspace.folder(),
            storage_folder: target.folder.clone(),
            now: clock::now(),
        };
        let mut good = Vec::new();
        let mut failed = Vec::new();
        for (entry, prepared) in entries
            .iter()
            .zip(prepare::all(&service, workspace, &maker, &entries)?)
        {
            match prepared {
                Ok(prepared) => good.push(prepared),
                Err(error) => failed.push(Failed::new(entry, error)),
            }
        }
        let status = match failed.is_empty() || ignore_errors {
            true => Status::Done,
            false => Status::Error,
        };
        let written = workspace.store.write(|connection| {
            let mut outcome = Outcome {
                status,
                added: Vec::new(),
                failed,
                left_out: 0,
                file_name,
            };
            match status {
                Status::Done => outcome.added = add(connection, &target, &good)?,
                Status::Error => outcome.left_out = good.len(),
            }
            let job = Uuid::new_v4();
            store::insert_job(
                connection,
                &job.to_string(),
                &target.folder,
                target.dataset.as_ref().map(|dataset| dataset.id),
                &serde_json::to_string(&outcome)?,
            )?;
            Ok(job)
        });
        if status == Status::Error || written.is_err() {
            good.iter().for_each(|prepared| prepared.forget(workspace));
        }
        written
    })
    .await
}

impl Failed {
    fn new(entry: &Entry, error: String) -> Self {
        let what = match entry.kind {
            MediaKind::Image => "image",
            MediaKind::Video => "video",
            MediaKind::ImageGroup => "image group",
            MediaKind::ImageSequence => "image sequence",
            MediaKind::Group => "data group",
            MediaKind::Audio => "audio",
            MediaKind::Text => "text",
            MediaKind::Pdf => "PDF",
            MediaKind::DicomSeries | MediaKind::DicomFile => "DICOM series",
            MediaKind::Nifti => "NIfTI",
        };
        Self {
            subtask: Uuid::new_v4(),
            urls: entry.object_urls(),
            error,
            action: format!("Uploading {what}"),
        }
    }
}

/// Adds items to the folder, to the dataset, to those that mirror the folder, and to the projects that have these.
fn add(
    connection: &Connection,
    target: &Target,
    prepared: &[Prepared],
) -> Result<Vec<Added>, ApiError> {
    let mut items = Vec::new();
    for prepared in prepared {
        let id = prepared.item.insert(connection, None, None)?;
        for (place, part) in prepared.known.iter().enumerate() {
            store::insert_part(connection, id, place, *part, None)?;
        }
        for upload in &prepared.uploads {
            store::take_upload(connection, upload)?;
        }
        items.push(Item {
            id,
            ..prepared.item.item.clone()
        });
    }
    let hashes = link(connection, &target.folder, target.dataset.as_ref(), &items)?;
    let added = items
        .into_iter()
        .zip(hashes)
        .map(|(item, data_hash)| Added {
            item: item.uuid,
            title: item.title,
            data_hash,
        });
    Ok(added.collect())
}

/// Makes data units of new items in the dataset and in those that mirror the folder, with tasks. Returns the hashes
/// of those in the dataset.
pub(in crate::local::server) fn link(
    connection: &Connection,
    folder: &str,
    dataset: Option<&Dataset>,
    items: &[Item],
) -> Result<Vec<Option<String>>, ApiError> {
    let mut datasets = store::mirrors_of(connection, folder)?;
    if let Some(dataset) = dataset {
        datasets.retain(|mirror| mirror.id != dataset.id);
        datasets.push(dataset.clone());
    }
    let now = clock::now();
    let mut hashes = vec![None; items.len()];
    for of_datasets in &datasets {
        let mut units = Vec::new();
        for (hash, item) in hashes.iter_mut().zip(items) {
            if let Some(unit) = store::link_item(connection, of_datasets, item, Twice::Skip, now)? {
                if dataset.is_some_and(|dataset| dataset.id == of_datasets.id) {
                    *hash = Some(unit.hash.clone());
                }
                units.push(unit);
            }
        }
        store::add_tasks_of(connection, of_datasets.id, &units, now)?;
    }
    Ok(hashes)
}
