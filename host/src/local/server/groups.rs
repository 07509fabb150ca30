//! Data groups: `/v2/public/storage/folders/{folder}/create-group-items`.

use std::collections::HashSet;

use axum::body::Bytes;
use axum::extract::{Path, State};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::reply::{self, ApiError, Reply, ok, parse};
use super::{Shared, uploads};
use crate::local::clock;
use crate::local::collect::{Maker, NewItem};
use crate::local::media::MediaKind;
use crate::local::store::{self, Item};

/// A data group that is to be made of items.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewGroup {
    layout_type: LayoutType,
    layout_contents: Contents,
    name: Option<String>,
    client_metadata: Option<Map<String, Value>>,
    #[serde(default)]
    layout: Value,
    #[serde(default)]
    settings: Value,
    #[serde(default)]
    timeline: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum LayoutType {
    #[serde(rename = "default-grid")]
    Grid,
    #[serde(rename = "default-list")]
    Carousel,
    #[serde(rename = "custom")]
    Custom,
}

/// UUIDs of items, in order. Only a custom layout has keys for them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Contents {
    Listed(Vec<Uuid>),
    /// Not as a map, which would lose the order.
    Keyed(Map<String, Value>),
}

/// Makes data groups, all or none. Their parts are the items that are named, and stay items of their own.
pub(super) async fn create(
    State(service): Shared,
    Path(folder): Path<String>,
    body: Bytes,
) -> Reply {
    let groups: Vec<NewGroup> = parse(&body)?;
    let (workspace, folder) = service.workspace_of_folder(&folder).await?;
    let uuids = reply::write(&workspace, move |connection, workspace| {
        let maker = Maker {
            folder: workspace.folder(),
            storage_folder: folder.clone(),
            now: clock::now(),
        };
        let mut made = Vec::new();
        for group in &groups {
            made.push(group.make(connection, &maker)?);
        }
        uploads::link(connection, &folder, None, &made)?;
        Ok(made.into_iter().map(|item| item.uuid).collect::<Vec<_>>())
    });
    ok(&uuids.await?)
}

impl NewGroup {
    fn make(&self, connection: &Connection, maker: &Maker<'_>) -> Result<Item, ApiError> {
        let contents = self.contents()?;
        let (keys, uuids): (Vec<_>, Vec<_>) = contents.into_iter().unzip();
        let mut parts = Vec::new();
        for (uuid, item) in uuids.iter().zip(store::find_items(connection, &uuids)?) {
            let item = item.ok_or_else(|| {
                ApiError::forbidden(format!("there is no storage item {uuid} for this account"))
            })?;
            if matches!(item.kind, MediaKind::Group | MediaKind::ImageGroup) {
                return Err(ApiError::invalid(format!(
                    "expected items that can be part of a data group, found {uuid}, which is of type {}",
                    item.kind.item_type()
                )));
            }
            parts.push(item);
        }
        let keys = self.keys(keys, &parts)?;
        let sizes = parts.iter().map(|part| part.properties.size);
        let mut group = maker.whole(MediaKind::Group, sizes, Uuid::new_v4().to_string());
        let name = self.name.clone().filter(|name| !name.is_empty());
        group.title = name.unwrap_or_else(|| {
            let number = group.uuid.split('-').next().unwrap_or_default();
            format!("data-group-{number}")
        });
        group.client_metadata = self
            .client_metadata
            .clone()
            .map(|metadata| Value::Object(metadata).to_string());
        group.id = NewItem::single(group.clone()).insert(connection, None, None)?;
        for (place, (key, part)) in keys.iter().zip(&parts).enumerate() {
            store::insert_part(connection, group.id, place, part.id, Some(key))?;
        }
        let layout = json!({
            "layout": self.layout,
            "settings": self.settings,
            "timeline": self.timeline,
        });
        store::put_layout(connection, group.id, &layout.to_string())?;
        Ok(group)
    }

    /// Key and UUID of each part.
    fn contents(&self) -> Result<Vec<(Option<String>, String)>, ApiError> {
        let contents: Vec<_> = match (&self.layout_contents, self.layout_type) {
            (Contents::Listed(uuids), LayoutType::Grid | LayoutType::Carousel) => {
                uuids.iter().map(|uuid| (None, uuid.to_string())).collect()
            }
            (Contents::Keyed(map), LayoutType::Custom) => {
                let uuid = |value: &Value| value.as_str()?.parse::<Uuid>().ok();
                let keyed = map.iter().map(|(key, value)| {
                    let uuid = uuid(value).ok_or_else(|| {
                        ApiError::invalid(format!("expected a UUID as \"{key}\", found {value}"))
                    })?;
                    Ok((Some(key.clone()), uuid.to_string()))
                });
                keyed.collect::<Result<_, ApiError>>()?
            }
            (Contents::Listed(_), LayoutType::Custom) => {
                return Err(ApiError::invalid(
                    "expected `layoutContents` with a key for each item, as a custom layout has it, found a list",
                ));
            }
            (Contents::Keyed(_), _) => {
                return Err(ApiError::invalid(
                    "expected a list of items as `layoutContents`, found keys, which only a custom layout has",
                ));
            }
        };
        if contents.is_empty() {
            return Err(ApiError::invalid(
                "expected at least one item in a data group, found none",
            ));
        }
        Ok(contents)
    }

    /// A key for each part: as given, or its title, or what tells two with one title apart.
    fn keys(&self, given: Vec<Option<String>>, parts: &[Item]) -> Result<Vec<String>, ApiError> {
        let mut taken = HashSet::new();
        let mut keys = Vec::new();
        for (place, (key, part)) in given.into_iter().zip(parts).enumerate() {
            let mut key = key.unwrap_or_else(|| part.title.clone());
            if !taken.insert(key.clone()) {
                key = format!("{key} ({place})");
                taken.insert(key.clone());
            }
            keys.push(key);
        }
        match self.timeline.iter().find(|key| !keys.contains(key)) {
            Some(unknown) => Err(ApiError::invalid(format!(
                "expected keys of `layoutContents` in `timeline`, found \"{unknown}\""
            ))),
            None => Ok(keys),
        }
    }
}
