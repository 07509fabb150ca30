//! Storage items: `/v2/public/storage`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::reply::{self, ApiError, PAGE, Page, Reply, ok, parse};
use super::scope::uuid;
use super::{Service, Shared};
use crate::local::store::{self, Folder, Item, ItemPatch};
use crate::local::{ACCOUNT, clock};

/// A storage item as Encord shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemJson {
    uuid: String,
    parent: String,
    item_type: &'static str,
    name: String,
    description: String,
    /// A JSON text, not an object; `{}` if nothing was noted.
    client_metadata: String,
    owner: &'static str,
    created_at: String,
    last_edited_at: String,
    is_tombstone: bool,
    is_placeholder: bool,
    backed_data_units_count: u32,
    storage_location: &'static str,
    integration_hash: Option<String>,
    url: Option<String>,
    signed_url: Option<String>,
    file_size: u64,
    mime_type: Option<String>,
    duration: Option<f64>,
    fps: Option<f64>,
    height: Option<u32>,
    width: Option<u32>,
    dicom_instance_uid: Option<String>,
    dicom_study_uid: Option<String>,
    dicom_series_uid: Option<String>,
    frame_count: Option<u32>,
    audio_sample_rate: Option<u32>,
    audio_bit_depth: Option<u32>,
    audio_codec: Option<String>,
    audio_num_channels: Option<u32>,
}

impl ItemJson {
    fn new(found: Found, signed_url: Option<String>) -> Self {
        let Found { item, backed } = found;
        let properties = item.properties;
        Self {
            uuid: item.uuid,
            parent: item.folder,
            item_type: item.kind.item_type(),
            name: item.title,
            description: item.description,
            client_metadata: item.client_metadata.unwrap_or_else(|| "{}".to_owned()),
            owner: ACCOUNT,
            created_at: clock::iso(item.created_at),
            last_edited_at: clock::iso(item.edited_at),
            is_tombstone: false,
            is_placeholder: false,
            backed_data_units_count: backed,
            storage_location: "encord",
            integration_hash: None,
            url: None,
            signed_url,
            file_size: properties.size,
            mime_type: item.mime_type,
            duration: properties.duration,
            fps: properties.fps,
            height: properties.height,
            width: properties.width,
            dicom_instance_uid: None,
            dicom_study_uid: None,
            dicom_series_uid: None,
            frame_count: properties.frames,
            audio_sample_rate: properties.audio_sample_rate,
            audio_bit_depth: properties.audio_bit_depth,
            audio_codec: properties.audio_codec,
            audio_num_channels: properties.audio_channels,
        }
    }
}

/// An item, and how many data units it is behind.
#[derive(Debug)]
struct Found {
    item: Item,
    backed: u32,
}

impl Found {
    fn new(connection: &Connection, item: Item) -> Result<Self, ApiError> {
        let backed = store::backed_units(connection, item.id)?;
        Ok(Self { item, backed })
    }

    fn all(connection: &Connection, items: Vec<Item>) -> Result<Vec<Self>, ApiError> {
        items
            .into_iter()
            .map(|item| Self::new(connection, item))
            .collect()
    }
}

impl Service {
    /// Items of whichever folder has them, in the order of the list; `None` stands for an unknown one.
    async fn items(&self, uuids: Vec<String>) -> Result<Vec<Option<Found>>, ApiError> {
        let uuids = Arc::new(uuids);
        let mut found: Vec<Option<Found>> = (0..uuids.len()).map(|_| None).collect();
        for workspace in &self.workspaces {
            let wanted = uuids.clone();
            let items = reply::read(workspace, move |connection, _| {
                let items = store::find_items(connection, &wanted)?.into_iter();
                items
                    .map(|item| item.map(|item| Found::new(connection, item)).transpose())
                    .collect::<Result<Vec<_>, _>>()
            })
            .await?;
            for (place, item) in found.iter_mut().zip(items) {
                if place.is_none() {
                    *place = item;
                }
            }
        }
        Ok(found)
    }

    fn item_json(&self, found: Found, sign_for: Option<&str>) -> ItemJson {
        let signed_url = sign_for
            .filter(|_| found.item.path.is_some())
            .map(|base| self.signer.sign(base, &found.item));
        ItemJson::new(found, signed_url)
    }

    fn base_of(&self, headers: &HeaderMap, sign: bool) -> Option<String> {
        sign.then(|| self.base(headers.get(header::HOST)))
    }
}

/// Whether a parameter of a query says yes, as Python or as JSON writes it.
pub(super) fn says_yes(query: Option<&str>, name: &str) -> bool {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .any(|(key, value)| key == name && value.eq_ignore_ascii_case("true"))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetBulk {
    item_uuids: Vec<Uuid>,
    #[serde(default)]
    sign_urls: bool,
}

/// All items on one page: clients read the first page only.
pub(super) async fn get_bulk(State(service): Shared, headers: HeaderMap, body: Bytes) -> Reply {
    let GetBulk {
        item_uuids,
        sign_urls,
    } = parse(&body)?;
    let base = service.base_of(&headers, sign_urls);
    let found = service
        .items(item_uuids.iter().map(Uuid::to_string).collect())
        .await?;
    let mut results = Vec::with_capacity(found.len());
    for (uuid, found) in item_uuids.iter().zip(found) {
        let found = found.ok_or_else(|| {
            ApiError::forbidden(format!("there is no storage item {uuid} for this account"))
        })?;
        results.push(service.item_json(found, base.as_deref()));
    }
    ok(&Page::whole(results))
}

pub(super) async fn get_item(
    State(service): Shared,
    Path(item): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Reply {
    let uuid = uuid(&item, "the UUID of a storage item")?;
    let base = service.base_of(&headers, says_yes(query.as_deref(), "signUrl"));
    ok(&service.item_json(one(&service, uuid).await?, base.as_deref()))
}

/// The items that an item is made of, in their order.
pub(super) async fn child_items(
    State(service): Shared,
    Path((_, item)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Reply {
    let uuid = uuid(&item, "the UUID of a storage item")?;
    let base = service.base_of(&headers, says_yes(query.as_deref(), "signUrls"));
    one(&service, uuid).await?;
    let mut shown = Vec::new();
    for workspace in &service.workspaces {
        let wanted = vec![uuid.to_string()];
        let parts = reply::read(workspace, move |connection, _| {
            match store::find_items(connection, &wanted)?.pop().flatten() {
                Some(item) => Found::all(connection, store::parts_of(connection, item.id)?),
                None => Ok(Vec::new()),
            }
        });
        let parts = parts.await?.into_iter();
        shown.extend(parts.map(|part| service.item_json(part, base.as_deref())));
    }
    ok(&Page::whole(shown))
}

async fn one(service: &Service, uuid: Uuid) -> Result<Found, ApiError> {
    let found = service.items(vec![uuid.to_string()]).await?.pop().flatten();
    found.ok_or_else(|| ApiError::not_found(format!("there is no storage item {uuid}")))
}

/// `mirror` is the hash of the dataset that has all that is in the folder.
fn folder_json(folder: &Folder, mirror: Option<String>) -> Value {
    json!({
        "uuid": folder.uuid,
        "parent": null,
        "name": folder.title,
        "description": folder.description,
        "clientMetadata": folder.client_metadata.as_deref().unwrap_or("{}"),
        "owner": ACCOUNT,
        "createdAt": clock::iso(folder.created_at),
        "lastEditedAt": clock::iso(folder.edited_at),
        "userRole": "admin",
        "syncedDatasetHash": mirror,
        "pathToRoot": [],
    })
}

pub(super) async fn folder(State(service): Shared, Path(folder): Path<String>) -> Reply {
    let uuid = uuid(&folder, "the UUID of a storage folder")?.to_string();
    for workspace in &service.workspaces {
        let wanted = uuid.clone();
        let found = reply::read(workspace, move |connection, _| {
            let mirror = store::mirrors_of(connection, &wanted)?.pop();
            let folder = store::folders(connection, Some(&wanted))?.pop();
            Ok(folder.map(|folder| folder_json(&folder, mirror.map(|mirror| mirror.hash))))
        });
        if let Some(folder) = found.await? {
            return ok(&folder);
        }
    }
    Err(ApiError::not_found(format!(
        "there is no storage folder {uuid}"
    )))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewFolder {
    name: String,
    description: Option<String>,
}

pub(super) async fn create_folder(State(service): Shared, body: Bytes) -> Reply {
    let new: NewFolder = parse(&body)?;
    let make = move |connection: &Connection, _: &_| {
        let uuid = Uuid::new_v4().to_string();
        let description = new.description.as_deref().unwrap_or_default();
        store::put_folder(connection, &uuid, &new.name, description, clock::now())?;
        let made = store::folders(connection, Some(&uuid))?.pop();
        made.ok_or_else(|| ApiError::internal("the folder has gone"))
    };
    let made = reply::write(service.first_workspace()?, make).await?;
    ok(&folder_json(&made, None))
}

/// The items of a folder that are no parts of others.
pub(super) async fn folder_items(
    State(service): Shared,
    Path(folder): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Reply {
    let uuid = uuid(&folder, "the UUID of a storage folder")?.to_string();
    let query = query.unwrap_or_default();
    let base = service.base_of(&headers, says_yes(Some(&query), "signUrls"));
    let mut after = 0;
    let (mut types, mut search) = (Vec::new(), String::new());
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "pageToken" => after = reply::after(&value)?,
            "itemTypes" => types.push(value.into_owned()),
            "search" => search = value.to_lowercase(),
            _ => {}
        }
    }
    let sought = uuid.clone();
    let has =
        move |connection: &Connection| Ok(!store::folders(connection, Some(&sought))?.is_empty());
    let workspace = service.workspace_with(has).await?;
    let workspace = workspace
        .ok_or_else(|| ApiError::not_found(format!("there is no storage folder {uuid}")))?;
    let read = move |connection: &Connection, _: &_| {
        let items = store::items_in_folder(connection, &uuid, after, PAGE + 1)?;
        Found::all(connection, items)
    };
    let found = reply::read(&workspace, read).await?;
    let mut page = reply::page(
        found,
        |found| found.item.id,
        |found| service.item_json(found, base.as_deref()),
    );
    page.results.retain(|item| {
        (types.is_empty() || types.iter().any(|wanted| wanted == item.item_type))
            && item.name.to_lowercase().contains(&search)
    });
    ok(&page)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PatchItem {
    client_metadata: Option<Map<String, Value>>,
    name: Option<String>,
    description: Option<String>,
}

impl From<PatchItem> for ItemPatch {
    fn from(patch: PatchItem) -> Self {
        Self {
            title: patch.name,
            description: patch.description,
            client_metadata: patch
                .client_metadata
                .map(|metadata| Value::Object(metadata).to_string()),
        }
    }
}

pub(super) async fn patch_item(
    State(service): Shared,
    Path((_, item)): Path<(String, String)>,
    body: Bytes,
) -> Reply {
    let uuid = uuid(&item, "the UUID of a storage item")?;
    let patch: PatchItem = parse(&body)?;
    patch_all(&service, vec![(uuid, patch.into())]).await?;
    ok(&service.item_json(one(&service, uuid).await?, None))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PatchBulk {
    item_patches: HashMap<Uuid, PatchItem>,
}

pub(super) async fn patch_bulk(State(service): Shared, body: Bytes) -> Reply {
    let PatchBulk { item_patches } = parse(&body)?;
    let patches: Vec<_> = item_patches
        .into_iter()
        .map(|(uuid, patch)| (uuid, patch.into()))
        .collect();
    let uuids = patches.iter().map(|(uuid, _)| uuid.to_string()).collect();
    patch_all(&service, patches).await?;
    let items = service.items(uuids).await?.into_iter().flatten();
    ok(&Page::whole(
        items.map(|found| service.item_json(found, None)).collect(),
    ))
}

/// All or nothing in each folder. Folders that share a dataset share its items, so each gets the change.
async fn patch_all(service: &Service, patches: Vec<(Uuid, ItemPatch)>) -> Result<(), ApiError> {
    let uuids = patches.iter().map(|(uuid, _)| uuid.to_string()).collect();
    let found = service.items(uuids).await?;
    if let Some(((missing, _), _)) = patches
        .iter()
        .zip(&found)
        .find(|(_, found)| found.is_none())
    {
        return Err(ApiError::forbidden(format!(
            "there is no storage item {missing} for this account"
        )));
    }
    let patches = Arc::new(patches);
    for workspace in &service.workspaces {
        let patches = patches.clone();
        reply::write(workspace, move |connection, _| {
            for (uuid, patch) in patches.iter() {
                store::patch_item(connection, &uuid.to_string(), patch, clock::now())?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}
