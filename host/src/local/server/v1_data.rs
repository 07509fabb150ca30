//! The data of a dataset, as far as the older API has it: jobs that add uploads, and changes of single data units.

use std::sync::Arc;

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Service;
use super::reply::{self, ApiError};
use super::uploads::{self, StartJob, Target};
use super::v1::{canonical, payload_of};
use super::v1_setup::{Asked, ImageOptions, RowShow};
use crate::local::clock;
use crate::local::store::{self, DataUnit, Dataset, ItemPatch};

/// `None` if it is about something else.
pub(super) async fn answer(
    service: &Arc<Service>,
    asked: &Asked<'_>,
) -> Result<Option<Value>, ApiError> {
    let answered = match (asked.query_type, asked.method) {
        ("datasetdatalongpolling", "POST") => start_job(service, asked).await?,
        ("datasetdatalongpolling", "GET") => job(service, asked).await?,
        ("video", "POST") => rename(service, asked).await?,
        ("video", "DELETE") => delete(service, asked).await?,
        ("datarow", "GET") => data_row(service, asked).await?,
        ("datarow", "POST") => save_data_row(service, asked).await?,
        _ => return Ok(None),
    };
    Ok(Some(answered))
}

/// Adds uploads to the dataset, and to its folder if no other is named.
async fn start_job(service: &Arc<Service>, asked: &Asked<'_>) -> Result<Value, ApiError> {
    let request: StartJob = payload_of(asked.payload)?;
    let (workspace, dataset) = service.find_dataset(asked.id).await?;
    let folder = match request.folder_uuid {
        None => dataset.folder.clone(),
        Some(folder) => {
            let (with_folder, folder) = service.workspace_of_folder(&folder.to_string()).await?;
            if !Arc::ptr_eq(&with_folder, &workspace) {
                return Err(ApiError::invalid(
                    "expected a storage folder that is served from where the dataset is, found another",
                ));
            }
            folder
        }
    };
    let target = Target {
        workspace,
        folder,
        dataset: Some(dataset),
    };
    let job = uploads::start(service, target, request).await?;
    Ok(json!({ "process_hash": job }))
}

#[derive(Debug, Deserialize)]
struct JobWanted {
    process_hash: String,
}

async fn job(service: &Arc<Service>, asked: &Asked<'_>) -> Result<Value, ApiError> {
    let wanted: JobWanted = payload_of(asked.payload)?;
    let (workspace, dataset) = service.find_dataset(asked.id).await?;
    let job = uploads::find(&workspace, &wanted.process_hash, None, Some(dataset.hash)).await?;
    Ok(job.of_dataset())
}

/// Removes data units, with their tasks and label rows in all projects. The storage items stay.
async fn delete(service: &Arc<Service>, asked: &Asked<'_>) -> Result<Value, ApiError> {
    let hashes: Vec<_> = asked.uid.all().iter().map(canonical).collect();
    service
        .write_dataset(asked.id, move |connection, dataset| {
            for hash in &hashes {
                if !store::delete_unit(connection, dataset.id, hash)? {
                    return Err(no_unit(hash));
                }
            }
            Ok(json!(true))
        })
        .await
}

fn no_unit(hash: &str) -> ApiError {
    ApiError::not_found(format!("the dataset has no data unit {hash}"))
}

fn find_unit(connection: &Connection, dataset: &Dataset, hash: &str) -> Result<DataUnit, ApiError> {
    store::find_unit(connection, dataset.id, hash)?.ok_or_else(|| no_unit(hash))
}

#[derive(Debug, Deserialize)]
struct Renaming {
    video_hash: String,
    title: String,
}

async fn rename(service: &Arc<Service>, asked: &Asked<'_>) -> Result<Value, ApiError> {
    let renamings: Vec<Renaming> = payload_of(asked.payload)?;
    service
        .write_dataset(asked.id, move |connection, dataset| {
            for renaming in &renamings {
                let unit = find_unit(connection, dataset, &canonical(&renaming.video_hash))?;
                let patch = ItemPatch {
                    title: Some(renaming.title.clone()),
                    ..ItemPatch::default()
                };
                store::patch_item(connection, &unit.item.uuid, &patch, clock::now())?;
            }
            Ok(json!({ "success": true }))
        })
        .await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RowWanted {
    additional_data: AdditionalData,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AdditionalData {
    signed_url: bool,
    images_data_fetch_options: Option<ImageOptions>,
    client_metadata: bool,
}

async fn data_row(service: &Arc<Service>, asked: &Asked<'_>) -> Result<Value, ApiError> {
    let wanted = payload_of::<RowWanted>(asked.payload)?.additional_data;
    let hash = only(asked)?;
    let show = RowShow {
        service: service.clone(),
        base: asked.base.to_owned(),
        metadata: wanted.client_metadata,
        signed_url: wanted.signed_url,
        images: wanted.images_data_fetch_options.is_some(),
        image_urls: wanted
            .images_data_fetch_options
            .is_some_and(|options| options.fetch_signed_urls),
    };
    service
        .read_dataset(asked.id, move |connection, dataset| {
            show.row(connection, &find_unit(connection, dataset, &hash)?)
        })
        .await
}

#[derive(Debug, Deserialize)]
struct RowChange {
    data_title: Option<String>,
    client_metadata: Option<Map<String, Value>>,
}

async fn save_data_row(service: &Arc<Service>, asked: &Asked<'_>) -> Result<Value, ApiError> {
    let change: RowChange = payload_of(asked.payload)?;
    let hash = only(asked)?;
    let show = RowShow {
        service: service.clone(),
        base: asked.base.to_owned(),
        metadata: true,
        signed_url: false,
        images: false,
        image_urls: false,
    };
    let mut updated = Vec::new();
    if change.data_title.is_some() {
        updated.push("data_title");
    }
    if change.client_metadata.is_some() {
        updated.push("client_metadata");
    }
    service
        .write_dataset(asked.id, move |connection, dataset| {
            let unit = find_unit(connection, dataset, &hash)?;
            let patch = ItemPatch {
                title: change.data_title,
                description: None,
                client_metadata: change
                    .client_metadata
                    .map(|metadata| Value::Object(metadata).to_string()),
            };
            store::patch_item(connection, &unit.item.uuid, &patch, clock::now())?;
            let unit = find_unit(connection, dataset, &hash)?;
            let row = show.row(connection, &unit)?;
            Ok(json!({ "updated_fields": updated, "data_row": row }))
        })
        .await
}

/// The data hash that is asked about.
fn only(asked: &Asked<'_>) -> Result<String, ApiError> {
    match asked.uid.all() {
        [hash] => Ok(canonical(hash)),
        others => Err(ApiError::invalid(format!(
            "expected one data hash as `uid`, found {}",
            others.len()
        ))),
    }
}

impl Service {
    /// Changes something in a dataset, which is named as a request has it: all that `work` does, or nothing.
    pub(super) async fn write_dataset<T: Send + 'static>(
        &self,
        hash: &str,
        work: impl FnOnce(&Connection, &Dataset) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (workspace, dataset) = self.find_dataset(hash).await?;
        reply::write(&workspace, move |connection, _| work(connection, &dataset)).await
    }
}
