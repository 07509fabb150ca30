//! What folders hold and how items are used: the summaries of `/v2/public/storage`.

use axum::extract::{Path, RawQuery, State};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use super::Shared;
use super::reply::{self, ApiError, Reply, ok};
use super::scope::uuid;
use super::v2_storage::says_yes;
use crate::local::clock;
use crate::local::media::MediaKind;
use crate::local::store::{self, Item};

pub(super) async fn folder(State(service): Shared, Path(folder): Path<String>) -> Reply {
    let (workspace, folder) = service.workspace_of_folder(&folder).await?;
    let read = move |connection: &Connection, _: &_| {
        let sums = store::folder_sums(connection, &folder)?;
        let count = |kind: MediaKind| {
            let sum = sums.iter().find(|sum| sum.item_type == kind.item_type());
            sum.map_or(0, |sum| sum.items)
        };
        Ok(json!({
            "files": sums.iter().map(|sum| sum.items).sum::<u64>(),
            "folders": 0,
            "videos": count(MediaKind::Video),
            "images": count(MediaKind::Image),
            "imageGroups": count(MediaKind::ImageGroup),
            "imageSequences": count(MediaKind::ImageSequence),
            "dicomFiles": count(MediaKind::DicomFile),
            "dicomSeries": count(MediaKind::DicomSeries),
            "niftis": count(MediaKind::Nifti),
            "audios": count(MediaKind::Audio),
            "pdfs": count(MediaKind::Pdf),
            "plainTexts": count(MediaKind::Text),
            "tombstones": 0,
            "uploadJobs": store::jobs_of_folder(connection, &folder)?,
            "totalSize": sums.iter().map(|sum| sum.size).sum::<u64>(),
        }))
    };
    ok(&reply::read(&workspace, read).await?)
}

pub(super) async fn item(
    State(service): Shared,
    Path((folder, item)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Reply {
    let (workspace, _) = service.workspace_of_folder(&folder).await?;
    let wanted = uuid(&item, "the UUID of a storage item")?.to_string();
    let with_layout = says_yes(query.as_deref(), "includeGroupLayout");
    let read = move |connection: &Connection, _: &_| {
        let found = find(connection, &wanted)?;
        let layout = match with_layout && found.kind == MediaKind::Group {
            true => layout(connection, &found)?,
            false => Value::Null,
        };
        let wholes = store::wholes_of(connection, found.id)?;
        let wholes = store::find_items(connection, &wholes)?
            .into_iter()
            .flatten();
        let wholes: Vec<_> = wholes.map(|whole| short(connection, &whole)).collect();
        let wholes = wholes.into_iter().collect::<Result<Vec<_>, _>>()?;
        let datasets = datasets(connection, &found)?;
        Ok(json!({
            "frameInGroups": wholes.len(),
            "accessibleGroupItems": wholes,
            "usedInDatasets": datasets.len(),
            "accessibleDatasets": datasets,
            "groupLayout": layout,
        }))
    };
    ok(&reply::read(&workspace, read).await?)
}

fn find(connection: &Connection, uuid: &str) -> Result<Item, ApiError> {
    let found = store::find_items(connection, &[uuid.to_owned()])?.pop();
    let found = found.flatten();
    found.ok_or_else(|| ApiError::not_found(format!("there is no storage item {uuid}")))
}

fn short(connection: &Connection, item: &Item) -> Result<Value, ApiError> {
    let folder = store::folders(connection, Some(&item.folder))?.pop();
    Ok(json!({
        "uuid": item.uuid,
        "name": item.title,
        "parentUuid": item.folder,
        "parentName": folder.map(|folder| folder.title).unwrap_or_default(),
        "itemType": item.kind.item_type(),
    }))
}

/// One for each dataset, with all the data units that the item is behind.
fn datasets(connection: &Connection, item: &Item) -> Result<Vec<Value>, ApiError> {
    let mut shown: Vec<(String, Value)> = Vec::new();
    for used in store::uses_in_datasets(connection, item.id)? {
        if let Some((hash, value)) = shown.last_mut()
            && *hash == used.dataset_hash
        {
            if let Value::Array(hashes) = &mut value["dataHashes"] {
                hashes.push(used.data_hash.into());
            }
            continue;
        }
        let value = json!({
            "datasetHash": used.dataset_hash,
            "backingFolderUuid": used.folder,
            "title": used.dataset_title,
            "dataHashes": [used.data_hash],
            "dataUnitsCreatedAt": clock::iso(used.created_at),
        });
        shown.push((used.dataset_hash, value));
    }
    Ok(shown.into_iter().map(|(_, value)| value).collect())
}

/// How a data group is arranged. One that nobody arranged has its parts, and no more.
fn layout(connection: &Connection, group: &Item) -> Result<Value, ApiError> {
    let kept = store::layout(connection, group.id)?;
    let kept: Value = kept
        .map(|kept| serde_json::from_str(&kept))
        .transpose()?
        .unwrap_or_default();
    let parts = store::parts_with_keys(connection, group.id)?;
    let contents: Map<_, _> = parts
        .into_iter()
        .map(|(uuid, title, key)| (key.unwrap_or(title), json!({ "uuid": uuid })))
        .collect();
    let settings = match &kept["settings"] {
        Value::Null => json!({}),
        settings => settings.clone(),
    };
    let timeline = match &kept["timeline"] {
        Value::Null => json!([]),
        timeline => timeline.clone(),
    };
    Ok(json!({
        "layoutContents": contents,
        "layout": kept["layout"],
        "layoutSettings": settings,
        "timeline": timeline,
    }))
}
