//! What sets a project up, as far as the older API has it: making and deleting projects, and looking at datasets.

use std::sync::Arc;

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::media::UrlSigner;
use super::reply::{self, ApiError};
use super::scope::uuid;
use super::v1::{Uid, canonical, payload_of};
use super::{Service, v1_data};
use crate::local::media::MediaKind;
use crate::local::store::{self, DataUnit, Dataset, NewProject, Twice};
use crate::local::workspace::Workspace;
use crate::local::{clock, identity};

/// A request of the older API.
pub(super) struct Asked<'request> {
    pub(super) query_type: &'request str,
    pub(super) method: &'request str,
    /// Header `ResourceID`: of the project or the dataset; empty where it is about the account.
    pub(super) id: &'request str,
    pub(super) uid: &'request Uid,
    pub(super) payload: Option<&'request RawValue>,
    /// Of URLs that the client will ask later.
    pub(super) base: &'request str,
}

/// `None` if it is about something else.
pub(super) async fn answer(
    service: &Arc<Service>,
    asked: &Asked<'_>,
) -> Result<Option<String>, ApiError> {
    let answered = match (asked.query_type, asked.method) {
        ("project", "POST") => create_project(service, payload_of(asked.payload)?).await?,
        ("project", "DELETE") => delete_project(service, asked).await?,
        ("dataset", "GET") => dataset(service, asked).await?,
        ("datarows", "GET") => data_rows(service, asked).await?,
        ("datasetlinkitems", "POST") => link_items(service, asked).await?,
        _ => {
            let answered = v1_data::answer(service, asked).await?;
            return Ok(answered.map(|answered| answered.to_string()));
        }
    };
    Ok(Some(answered.to_string()))
}

#[derive(Debug, Deserialize)]
struct CreateProject {
    title: String,
    #[serde(default)]
    description: Option<String>,
    dataset_hashes: Vec<String>,
    ontology_hash: Option<String>,
    workflow_template_id: Option<String>,
}

/// A project over datasets, with the workflow of a template.
async fn create_project(service: &Arc<Service>, request: CreateProject) -> Result<Value, ApiError> {
    let template = request
        .workflow_template_id
        .as_deref()
        .map(canonical)
        .ok_or_else(|| {
            ApiError::invalid(
                "expected `workflow_template_id`: this local server has workflow projects only",
            )
        })?;
    let datasets: Vec<_> = request.dataset_hashes.iter().map(canonical).collect();
    let ontology = request.ontology_hash.as_deref().map(canonical);
    let sought = template.clone();
    let has = move |connection: &Connection| Ok(store::template(connection, &sought)?.is_some());
    let workspace = service
        .workspace_with(has)
        .await?
        .ok_or_else(|| ApiError::not_found(format!("there is no workflow template {template}")))?;
    let make = move |connection: &Connection, _: &_| {
        let now = clock::now();
        let hash = Uuid::new_v4();
        let workflow = store::template(connection, &template)?.ok_or_else(|| {
            ApiError::not_found(format!("there is no workflow template {template}"))
        })?;
        let mut numbers = Vec::new();
        for dataset in &datasets {
            let found = store::find_dataset(connection, dataset)?;
            numbers.push(
                found
                    .ok_or_else(|| ApiError::not_found(format!("there is no dataset {dataset}")))?
                    .id,
            );
        }
        let ontology = match &ontology {
            Some(hash) => {
                let found = store::ontologies(connection, Some(hash))?.pop();
                found
                    .ok_or_else(|| ApiError::not_found(format!("there is no ontology {hash}")))?
                    .id
            }
            // Whoever names none gets an empty one.
            None => store::put_ontology(
                connection,
                &identity::uuid(hash, "ontology", &[]).to_string(),
                &request.title,
                "",
                r#"{"objects":[],"classifications":[]}"#,
                now,
            )?,
        };
        let new = NewProject {
            hash,
            title: &request.title,
            description: request.description.as_deref().unwrap_or_default(),
            ontology,
            datasets: &numbers,
            workflow: &workflow,
        };
        store::put_project(connection, &new, now)?;
        Ok(hash)
    };
    let hash = reply::write(&workspace, make).await?;
    Ok(json!(hash))
}

/// By the identifier that is asked about, or by that of the header.
async fn delete_project(service: &Arc<Service>, asked: &Asked<'_>) -> Result<Value, ApiError> {
    let named = asked.uid.all().first().map_or(asked.id, String::as_str);
    service
        .write_project(named, |connection, project| {
            Ok(store::delete_project(connection, project.id)?)
        })
        .await?;
    Ok(json!(true))
}

impl Service {
    /// A dataset, which is named as a request has it, and where it is.
    pub(super) async fn find_dataset(
        &self,
        hash: &str,
    ) -> Result<(Arc<Workspace>, Dataset), ApiError> {
        let hash = uuid(hash, "a dataset hash")?.to_string();
        for workspace in &self.workspaces {
            let sought = hash.clone();
            let found = reply::read(workspace, move |connection, _| {
                Ok(store::find_dataset(connection, &sought)?)
            });
            if let Some(dataset) = found.await? {
                return Ok((workspace.clone(), dataset));
            }
        }
        Err(ApiError::forbidden(format!(
            "there is no dataset {hash} for this account"
        )))
    }

    /// Reads of a dataset, which is named as a request has it.
    pub(super) async fn read_dataset<T: Send + 'static>(
        &self,
        hash: &str,
        work: impl FnOnce(&Connection, &Dataset) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (workspace, dataset) = self.find_dataset(hash).await?;
        reply::read(&workspace, move |connection, _| work(connection, &dataset)).await
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AccessSettings {
    fetch_client_metadata: bool,
    fetch_rows: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DatasetRequest {
    dataset_access_settings: AccessSettings,
    title_eq: Option<String>,
    title_like: Option<String>,
    created_before: Option<String>,
    created_after: Option<String>,
    data_types: Option<Vec<String>>,
    data_hashes: Option<Vec<String>>,
    images_data_fetch_options: Option<ImageOptions>,
    signed_url: bool,
    include_images_data: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ImageOptions {
    pub(super) fetch_signed_urls: bool,
}

async fn dataset(service: &Arc<Service>, asked: &Asked<'_>) -> Result<Value, ApiError> {
    let request: DatasetRequest = payload_of(asked.payload)?;
    let show = RowShow::new(service, &request, asked.base);
    let read = move |connection: &Connection, dataset: &Dataset| {
        let rows = match request.dataset_access_settings.fetch_rows {
            Some(false) => Value::Null,
            _ => store::units_of_dataset(connection, dataset.id)?
                .iter()
                .map(|unit| show.row(connection, unit))
                .collect::<Result<Value, _>>()?,
        };
        let mut shown = json!({
            "dataset_hash": dataset.hash,
            "title": dataset.title,
            "description": dataset.description,
            // Encord's word for data that it stores itself.
            "dataset_type": "CORD_STORAGE",
            "backing_folder_uuid": dataset.folder,
        });
        if !rows.is_null() {
            shown["data_rows"] = rows;
        }
        Ok(shown)
    };
    service.read_dataset(asked.id, read).await
}

async fn data_rows(service: &Arc<Service>, asked: &Asked<'_>) -> Result<Value, ApiError> {
    let request: DatasetRequest = payload_of(asked.payload)?;
    let show = RowShow::new(service, &request, asked.base);
    let moment = |text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => clock::parse(text).map(Some).ok_or_else(|| {
            ApiError::invalid(format!(
                "expected a date and time (ISO 8601), found `{text}`"
            ))
        }),
    };
    let (before, after) = (
        moment(&request.created_before)?,
        moment(&request.created_after)?,
    );
    let read = move |connection: &Connection, dataset: &Dataset| {
        let takes = |unit: &DataUnit| {
            let title = &unit.item.title;
            let data_type = unit.item.kind.data_type().to_uppercase();
            request
                .title_eq
                .as_ref()
                .is_none_or(|wanted| wanted == title)
                && request
                    .title_like
                    .as_ref()
                    .is_none_or(|pattern| super::listing::like(pattern, title))
                && request
                    .data_types
                    .as_ref()
                    .is_none_or(|types| types.contains(&data_type))
                && request
                    .data_hashes
                    .as_ref()
                    .is_none_or(|hashes| hashes.iter().any(|hash| canonical(hash) == unit.hash))
                && before.is_none_or(|before| unit.created_at < before)
                && after.is_none_or(|after| unit.created_at > after)
        };
        store::units_of_dataset(connection, dataset.id)?
            .iter()
            .filter(|unit| takes(unit))
            .map(|unit| show.row(connection, unit))
            .collect::<Result<Value, _>>()
    };
    service.read_dataset(asked.id, read).await
}

/// What is shown of data units.
pub(super) struct RowShow {
    pub(super) service: Arc<Service>,
    pub(super) base: String,
    pub(super) metadata: bool,
    pub(super) signed_url: bool,
    pub(super) images: bool,
    pub(super) image_urls: bool,
}

impl RowShow {
    fn new(service: &Arc<Service>, request: &DatasetRequest, base: &str) -> Self {
        let options = request.images_data_fetch_options.as_ref();
        Self {
            service: service.clone(),
            base: base.to_owned(),
            metadata: request.dataset_access_settings.fetch_client_metadata,
            signed_url: request.signed_url,
            images: request.include_images_data || options.is_some(),
            image_urls: options.is_some_and(|options| options.fetch_signed_urls),
        }
    }

    fn signer(&self) -> &UrlSigner {
        &self.service.signer
    }

    pub(super) fn row(&self, connection: &Connection, unit: &DataUnit) -> Result<Value, ApiError> {
        let item = &unit.item;
        let properties = &item.properties;
        let metadata = item.client_metadata.as_deref().filter(|_| self.metadata);
        let metadata: Option<Value> = metadata.map(serde_json::from_str).transpose()?;
        let url =
            (self.signed_url && item.path.is_some()).then(|| self.signer().sign(&self.base, item));
        let mut row = json!({
            "data_hash": unit.hash,
            "data_title": item.title,
            "data_type": item.kind.data_type().to_uppercase(),
            "created_at": clock::plain(unit.created_at),
            "last_edited_at": clock::plain(item.edited_at),
            "width": properties.width,
            "height": properties.height,
            "file_link": item.path,
            "file_size": properties.size,
            "file_type": item.mime_type,
            "storage_location": 0,
            "client_metadata": metadata,
            "frames_per_second": properties.fps,
            "duration": properties.duration,
            "signed_url": url,
            "is_optimised_image_group": item.kind == MediaKind::ImageSequence,
            "backing_item_uuid": item.uuid,
            "images_data": null,
        });
        if self.images && item.kind == MediaKind::ImageGroup {
            let parts = store::parts_of_unit(connection, unit.id)?;
            row["images_data"] = parts.iter().map(|part| self.image(part)).collect();
        }
        Ok(row)
    }

    fn image(&self, part: &DataUnit) -> Value {
        let url = self
            .image_urls
            .then(|| self.signer().sign(&self.base, &part.item));
        json!({
            "title": part.item.title,
            "file_link": part.item.path,
            "file_type": part.item.mime_type,
            "file_size": part.item.properties.size,
            "image_hash": part.hash,
            "storage_location": 0,
            "created_at": clock::plain(part.created_at),
            "last_edited_at": clock::plain(part.item.edited_at),
            "height": part.item.properties.height,
            "width": part.item.properties.width,
            "signed_url": url,
        })
    }
}

#[derive(Debug, Deserialize)]
struct LinkItems {
    item_uuids: Vec<Uuid>,
    #[serde(default)]
    duplicates_behavior: Option<String>,
}

/// Makes data units of storage items, with tasks in the projects that have the dataset. Answers with those that are
/// new.
async fn link_items(service: &Arc<Service>, asked: &Asked<'_>) -> Result<Value, ApiError> {
    let request: LinkItems = payload_of(asked.payload)?;
    let show = RowShow::new(service, &DatasetRequest::default(), asked.base);
    let link = move |connection: &Connection, dataset: &Dataset| {
        let uuids: Vec<_> = request.item_uuids.iter().map(Uuid::to_string).collect();
        let twice = match request.duplicates_behavior.as_deref() {
            Some("DUPLICATE") => Twice::Add,
            _ => Twice::Skip,
        };
        let mut linked = Vec::new();
        for (uuid, item) in uuids.iter().zip(store::find_items(connection, &uuids)?) {
            let item = item.ok_or_else(|| {
                ApiError::forbidden(format!("there is no storage item {uuid} for this account"))
            })?;
            match store::link_item(connection, dataset, &item, twice, clock::now())? {
                Some(unit) => linked.push(unit),
                None if request.duplicates_behavior.as_deref() == Some("FAIL") => {
                    return Err(ApiError::invalid(format!(
                        "the dataset has the storage item {uuid} already"
                    )));
                }
                None => {}
            }
        }
        store::add_tasks_of(connection, dataset.id, &linked, clock::now())?;
        linked
            .iter()
            .map(|unit| show.row(connection, unit))
            .collect::<Result<Value, _>>()
    };
    service.write_dataset(asked.id, link).await
}
