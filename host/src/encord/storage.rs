//! Storage items: reading them, their children, fresh URLs of their files, and changing what may be changed.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::bundle::{self, MOST_PER_REQUEST};
use super::client::{Client, boolean, in_order, json, unique};
use super::error::Error;
use super::lenient;
use super::operation;

use super::time::normalise;
use super::types::{StorageItem, StorageItemUpdate};
use super::wire::Page;

impl Client {
    /// Storage items in the order asked for, with URLs to read their files from if `sign_urls`. Errors:
    /// [`super::ErrorKind::NotFound`] if Encord left one out, [`super::ErrorKind::Authorisation`] if it refuses one.
    pub async fn storage_items(
        &self,
        items: &[Uuid],
        sign_urls: bool,
    ) -> Result<Vec<StorageItem>, Error> {
        let unique = unique(items);
        let requests = unique
            .chunks(MOST_PER_REQUEST)
            .map(|chunk| self.items_request(chunk, sign_urls));
        let found: HashMap<_, _> = in_order(requests.collect())
            .await?
            .into_iter()
            .flatten()
            .collect();
        items
            .iter()
            .map(|item| {
                found.get(item).cloned().ok_or_else(|| {
                    self.absent(&operation::GET_STORAGE_ITEMS, "storage item", *item)
                })
            })
            .collect()
    }

    /// [`Client::storage_items`], with a result for each.
    pub async fn storage_items_each(
        &self,
        items: &[Uuid],
        sign_urls: bool,
    ) -> Vec<Result<StorageItem, Arc<Error>>> {
        self.look_up_each(
            &operation::GET_STORAGE_ITEMS,
            "storage item",
            items,
            |chunk| self.items_request(chunk, sign_urls),
        )
        .await
    }

    /// One storage item, with a URL to read its file from if `sign_url`.
    pub async fn storage_item(&self, item: Uuid, sign_url: bool) -> Result<StorageItem, Error> {
        let path = format!("storage/items/{item}");
        let query = format!("signUrl={}", boolean(sign_url));
        self.transport
            .get_with(&operation::GET_STORAGE_ITEM, &path, &query, one_item)
            .await
    }

    /// A new URL to read an item's file from, valid for a limited time. Absent for items of several files
    /// (image groups, DICOM series, scenes): their children have URLs.
    pub async fn signed_url(&self, item: Uuid) -> Result<Option<String>, Error> {
        Ok(self.storage_item(item, true).await?.signed_url)
    }

    /// The items that an image group, image sequence, DICOM series or data group is made of, in their order,
    /// with URLs if `sign_urls`. `folder` is the one that the item is in ([`StorageItem::parent`]).
    pub async fn child_items(
        &self,
        folder: Uuid,
        item: Uuid,
        sign_urls: bool,
    ) -> Result<Vec<StorageItem>, Error> {
        let path = format!("storage/folders/{folder}/items/{item}/child-items");
        let query = format!("signUrls={}", boolean(sign_urls));
        self.all_pages(&operation::LIST_CHILD_ITEMS, &path, &query, item_page)
            .await
    }

    /// Changes an item, and returns it as it is then. `folder` is the one that it is in
    /// ([`StorageItem::parent`]). Errors: [`super::ErrorKind::InvalidArguments`], with nothing sent, if the update
    /// changes nothing.
    pub async fn update_storage_item(
        &self,
        folder: Uuid,
        item: Uuid,
        update: &StorageItemUpdate,
    ) -> Result<StorageItem, Error> {
        self.check_update(item, update)?;
        let path = format!("storage/folders/{folder}/items/{item}");
        self.transport
            .patch(
                &operation::UPDATE_STORAGE_ITEM,
                &path,
                json(&WireUpdate::from(update)),
                one_item,
            )
            .await
    }

    /// Changes many items, and returns them as they are then, in the order given. If an item is given more
    /// than once, the last update of a request counts. Errors: [`super::ErrorKind::InvalidArguments`], with
    /// nothing sent, if an update changes nothing; [`super::ErrorKind::NotFound`] if Encord's answer leaves
    /// an item out.
    pub async fn update_storage_items(
        &self,
        updates: &[(Uuid, StorageItemUpdate)],
    ) -> Result<Vec<StorageItem>, Error> {
        for (item, update) in updates {
            self.check_update(*item, update)?;
        }
        let mut updated = Vec::with_capacity(updates.len());
        for chunk in updates.chunks(MOST_PER_REQUEST) {
            for item in self.update_request(chunk).await? {
                updated.push(item?);
            }
        }
        Ok(updated)
    }

    /// [`Client::update_storage_items`], with a result for each.
    pub async fn update_storage_items_each(
        &self,
        updates: &[(Uuid, StorageItemUpdate)],
    ) -> Vec<Result<StorageItem, Arc<Error>>> {
        bundle::each(updates.len(), MOST_PER_REQUEST, |part| {
            self.update_request(&updates[part])
        })
        .await
    }

    async fn update_request(
        &self,
        updates: &[(Uuid, StorageItemUpdate)],
    ) -> Result<Vec<Result<StorageItem, Error>>, Error> {
        let mut item_patches = HashMap::with_capacity(updates.len());
        for (item, update) in updates {
            self.check_update(*item, update)?;
            item_patches.insert(*item, WireUpdate::from(update));
        }
        let body = json(&BulkUpdate { item_patches });
        let page = self
            .transport
            .patch(
                &operation::UPDATE_STORAGE_ITEMS,
                "storage/items/patch-bulk",
                body,
                item_page,
            )
            .await?;
        let found: HashMap<_, _> = page
            .results
            .into_iter()
            .map(|item| (item.uuid, item))
            .collect();
        let results = updates.iter().map(|(item, _)| {
            found
                .get(item)
                .cloned()
                .ok_or_else(|| self.absent(&operation::UPDATE_STORAGE_ITEMS, "storage item", *item))
        });
        Ok(results.collect())
    }

    fn check_update(&self, item: Uuid, update: &StorageItemUpdate) -> Result<(), Error> {
        if *update != StorageItemUpdate::default() {
            return Ok(());
        }
        Err(Error::invalid(
            self.transport.context(&operation::UPDATE_STORAGE_ITEM),
            format!(
                "expected a new name, description or client metadata for the item {item}, found none"
            ),
        ))
    }

    async fn items_request(
        &self,
        items: impl AsRef<[Uuid]>,
        sign_urls: bool,
    ) -> Result<HashMap<Uuid, StorageItem>, Error> {
        let mut found = HashMap::new();
        let mut wanted = items.as_ref().to_vec();
        while !wanted.is_empty() {
            let body = json(&GetItems {
                item_uuids: &wanted,
                sign_urls,
            });
            let page = self
                .transport
                .post(
                    &operation::GET_STORAGE_ITEMS,
                    "storage/items/get-bulk",
                    body,
                    item_page,
                )
                .await?;
            let before = found.len();
            found.extend(page.results.into_iter().map(|item| (item.uuid, item)));
            wanted.retain(|item| !found.contains_key(item));
            // How to ask this endpoint for its next page is not documented. Asking for what is still
            // missing needs no token, and ends when a page brings nothing new.
            if page.next_page_token.is_none() || found.len() == before {
                break;
            }
        }
        Ok(found)
    }
}

// ---- The JSON ----------------------------------------------------------------------------------------

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GetItems<'a> {
    item_uuids: &'a [Uuid],
    sign_urls: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BulkUpdate<'a> {
    item_patches: HashMap<Uuid, WireUpdate<'a>>,
}

/// What is absent stays as it is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireUpdate<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_metadata: Option<&'a Map<String, Value>>,
}

impl<'a> From<&'a StorageItemUpdate> for WireUpdate<'a> {
    fn from(update: &'a StorageItemUpdate) -> Self {
        WireUpdate {
            name: update.name.as_deref(),
            description: update.description.as_deref(),
            client_metadata: update.client_metadata.as_ref(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireItem {
    uuid: Uuid,
    #[serde(default, deserialize_with = "lenient::text")]
    name: String,
    #[serde(default, deserialize_with = "lenient::text")]
    description: String,
    #[serde(default, deserialize_with = "lenient::text")]
    item_type: String,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    mime_type: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe_size")]
    file_size: Option<u64>,
    #[serde(default, deserialize_with = "lenient::maybe_count")]
    width: Option<u32>,
    #[serde(default, deserialize_with = "lenient::maybe_count")]
    height: Option<u32>,
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    fps: Option<f64>,
    #[serde(default, deserialize_with = "lenient::maybe_number")]
    duration: Option<f64>,
    #[serde(default, deserialize_with = "lenient::maybe_count")]
    frame_count: Option<u32>,
    #[serde(default, deserialize_with = "lenient::text")]
    created_at: String,
    #[serde(default, deserialize_with = "lenient::text")]
    last_edited_at: String,
    #[serde(default, deserialize_with = "lenient::maybe_uuid")]
    parent: Option<Uuid>,
    #[serde(default, deserialize_with = "lenient::text")]
    storage_location: String,
    /// JSON text; an object is taken too, since that is what is sent.
    client_metadata: Option<Value>,
    #[serde(default, deserialize_with = "lenient::maybe_text")]
    signed_url: Option<String>,
}

/// Reads a storage item and keeps all that was said of it.
pub(super) fn storage_item(raw: Value) -> Result<StorageItem, serde_json::Error> {
    let wire = WireItem::deserialize(&raw)?;
    Ok(StorageItem {
        uuid: wire.uuid,
        name: wire.name,
        description: wire.description,
        item_type: wire.item_type,
        mime_type: wire.mime_type,
        file_size: wire.file_size,
        width: wire.width,
        height: wire.height,
        fps: wire.fps,
        duration: wire.duration,
        frame_count: wire.frame_count,
        created_at: normalise(&wire.created_at),
        last_edited_at: normalise(&wire.last_edited_at),
        parent: wire.parent,
        storage_location: wire.storage_location,
        client_metadata: wire.client_metadata.map(|metadata| match metadata {
            Value::String(text) => text,
            other => other.to_string(),
        }),
        signed_url: wire.signed_url,
        raw,
    })
}

fn one_item(body: &[u8]) -> Result<StorageItem, serde_json::Error> {
    storage_item(serde_json::from_slice(body)?)
}

fn item_page(body: &[u8]) -> Result<Page<StorageItem>, serde_json::Error> {
    let page: Page<Value> = serde_json::from_slice(body)?;
    Ok(Page {
        results: page
            .results
            .into_iter()
            .map(storage_item)
            .collect::<Result<_, _>>()?,
        next_page_token: page.next_page_token,
    })
}

#[cfg(test)]
#[path = "storage_tests.rs"]
mod tests;
