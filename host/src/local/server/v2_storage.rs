//! Storage items: `/v2/public/storage`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::form_urlencoded;
use uuid::Uuid;

use super::reply::{self, ApiError, Page, Reply, ok, parse};
use super::v2::uuid;
use super::{Service, Shared};
use crate::local::project::Project;
use crate::local::store::{self, Item, ItemPatch};
use crate::local::{ACCOUNT, clock};

/// A storage item as Encord shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemJson {
    uuid: String,
    parent: Uuid,
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
    mime_type: String,
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
    fn new(item: Item, parent: Uuid, signed_url: Option<String>) -> Self {
        let properties = item.properties;
        Self {
            uuid: item.uuid,
            parent,
            item_type: item.kind.item_type(),
            name: item.title,
            description: item.description,
            client_metadata: item.client_metadata.unwrap_or_else(|| "{}".to_owned()),
            owner: ACCOUNT,
            created_at: clock::iso(item.created_at),
            last_edited_at: clock::iso(item.edited_at),
            is_tombstone: false,
            is_placeholder: false,
            backed_data_units_count: 1,
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

/// An item, and the folder that it is in.
type Located = (Item, Uuid);

impl Service {
    /// Items of whichever project has them, in the order of the list; `None` stands for an unknown one.
    async fn items(&self, uuids: Vec<String>) -> Result<Vec<Option<Located>>, ApiError> {
        let uuids = Arc::new(uuids);
        let mut found: Vec<Option<Located>> = (0..uuids.len()).map(|_| None).collect();
        for project in &self.projects {
            let wanted = uuids.clone();
            let items = reply::read(project, move |connection, _| {
                Ok(store::find_items(connection, &wanted)?)
            })
            .await?;
            let folder = project.definition().folder_uuid;
            for (place, item) in found.iter_mut().zip(items) {
                if place.is_none() {
                    *place = item.map(|item| (item, folder));
                }
            }
        }
        Ok(found)
    }

    fn item_json(&self, (item, folder): Located, sign_for: Option<&str>) -> ItemJson {
        let signed_url = sign_for.map(|base| self.signer.sign(base, &item));
        ItemJson::new(item, folder, signed_url)
    }

    fn base_of(&self, headers: &HeaderMap, sign: bool) -> Option<String> {
        sign.then(|| self.base(headers.get(header::HOST)))
    }
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
    for (uuid, located) in item_uuids.iter().zip(found) {
        let located = located.ok_or_else(|| {
            ApiError::forbidden(format!("there is no storage item {uuid} for this account"))
        })?;
        results.push(service.item_json(located, base.as_deref()));
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
    let query = query.unwrap_or_default();
    let sign = form_urlencoded::parse(query.as_bytes())
        .any(|(key, value)| key == "signUrl" && value.eq_ignore_ascii_case("true"));
    let base = service.base_of(&headers, sign);
    ok(&service.item_json(one(&service, uuid).await?, base.as_deref()))
}

/// No kind of media file here is made of others, so there are never any.
pub(super) async fn child_items(
    State(service): Shared,
    Path((_, item)): Path<(String, String)>,
) -> Reply {
    one(&service, uuid(&item, "the UUID of a storage item")?).await?;
    ok(&Page::<ItemJson>::whole(Vec::new()))
}

async fn one(service: &Service, uuid: Uuid) -> Result<Located, ApiError> {
    let found = service.items(vec![uuid.to_string()]).await?.pop().flatten();
    found.ok_or_else(|| ApiError::not_found(format!("there is no storage item {uuid}")))
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
        items
            .map(|located| service.item_json(located, None))
            .collect(),
    ))
}

/// All or nothing in each project. Projects that share a dataset share its items, so each gets the change.
async fn patch_all(service: &Service, patches: Vec<(Uuid, ItemPatch)>) -> Result<(), ApiError> {
    let uuids = patches.iter().map(|(uuid, _)| uuid.to_string()).collect();
    let found = service.items(uuids).await?;
    if let Some(((missing, _), _)) = patches
        .iter()
        .zip(&found)
        .find(|(_, located)| located.is_none())
    {
        return Err(ApiError::forbidden(format!(
            "there is no storage item {missing} for this account"
        )));
    }
    let patches = Arc::new(patches);
    for project in &service.projects {
        let patches = patches.clone();
        reply::write(project, move |connection, _: &Project| {
            for (uuid, patch) in patches.iter() {
                store::patch_item(connection, &uuid.to_string(), patch, clock::now())?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(())
}
