//! `runner:stage/storage`

use std::sync::Arc;

use serde_json::{Map, Value};
use wasmtime::component::Resource;

use super::bindings::runner::stage::storage::{Host, HostStorageItem};
use super::bindings::runner::stage::types::Error;
use super::handles::StorageItemHandle;
use super::inputs::SavedItem;
use super::state::{State, forget};
use crate::encord::StorageItem;

type Result<T> = wasmtime::Result<T>;
type Answered<T> = std::result::Result<T, Error>;

/// A storage item that was handed out.
#[derive(Debug)]
pub(super) struct OpenItem {
    /// Whose task led to it: a position among the tasks of the attempt.
    task: u32,
    item: Arc<StorageItem>,
    /// What is to replace its client metadata.
    client_metadata: Option<Map<String, Value>>,
    /// Positions of those that it is made of, once they were asked for.
    children: Option<Vec<u32>>,
}

impl State {
    /// Hands an item out.
    pub(super) fn item_handle(
        &mut self,
        task: u32,
        item: Arc<StorageItem>,
    ) -> Resource<StorageItemHandle> {
        self.items.push(OpenItem {
            task,
            item,
            client_metadata: None,
            children: None,
        });
        Resource::new_own((self.items.len() - 1) as u32)
    }

    fn open_item(&mut self, handle: &Resource<StorageItemHandle>) -> Result<&mut OpenItem> {
        self.items
            .get_mut(handle.rep() as usize)
            .ok_or_else(|| wasmtime::format_err!("the handle {} was never given out", handle.rep()))
    }

    fn storage_item(&mut self, handle: &Resource<StorageItemHandle>) -> Result<&StorageItem> {
        Ok(&self.open_item(handle)?.item)
    }

    /// The task that led to an item, and the item.
    pub(super) fn item_of(
        &mut self,
        handle: &Resource<StorageItemHandle>,
    ) -> Result<(u32, Arc<StorageItem>)> {
        let open = self.open_item(handle)?;
        Ok((open.task, Arc::clone(&open.item)))
    }

    /// The changes of items, each with the position of its task.
    pub(super) fn take_items(&mut self) -> impl Iterator<Item = (u32, SavedItem)> {
        let items = std::mem::take(&mut self.items).into_iter();
        items.filter_map(|open| {
            let saved = SavedItem {
                item: open.item.uuid,
                client_metadata: open.client_metadata?,
                read: metadata_of(&open.item),
            };
            Some((open.task, saved))
        })
    }
}

/// The client metadata of an item as it was read.
fn metadata_of(item: &StorageItem) -> Map<String, Value> {
    let text = item.client_metadata.as_deref();
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

impl Host for State {}

impl HostStorageItem for State {
    fn uuid(&mut self, handle: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item(&handle)?.uuid.to_string())
    }

    fn name(&mut self, handle: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item(&handle)?.name.clone())
    }

    fn description(&mut self, handle: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item(&handle)?.description.clone())
    }

    fn item_type(&mut self, handle: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item(&handle)?.item_type.clone())
    }

    fn mime_type(&mut self, handle: Resource<StorageItemHandle>) -> Result<Option<String>> {
        Ok(self.storage_item(&handle)?.mime_type.clone())
    }

    fn file_size(&mut self, handle: Resource<StorageItemHandle>) -> Result<Option<u64>> {
        Ok(self.storage_item(&handle)?.file_size)
    }

    fn width(&mut self, handle: Resource<StorageItemHandle>) -> Result<Option<u32>> {
        Ok(self.storage_item(&handle)?.width)
    }

    fn height(&mut self, handle: Resource<StorageItemHandle>) -> Result<Option<u32>> {
        Ok(self.storage_item(&handle)?.height)
    }

    fn fps(&mut self, handle: Resource<StorageItemHandle>) -> Result<Option<f64>> {
        Ok(self.storage_item(&handle)?.fps)
    }

    fn duration(&mut self, handle: Resource<StorageItemHandle>) -> Result<Option<f64>> {
        Ok(self.storage_item(&handle)?.duration)
    }

    fn frame_count(&mut self, handle: Resource<StorageItemHandle>) -> Result<Option<u32>> {
        Ok(self.storage_item(&handle)?.frame_count)
    }

    fn created_at(&mut self, handle: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item(&handle)?.created_at.clone())
    }

    fn last_edited_at(&mut self, handle: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item(&handle)?.last_edited_at.clone())
    }

    fn parent_folder_uuid(
        &mut self,
        handle: Resource<StorageItemHandle>,
    ) -> Result<Option<String>> {
        Ok(self
            .storage_item(&handle)?
            .parent
            .map(|uuid| uuid.to_string()))
    }

    fn storage_location(&mut self, handle: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item(&handle)?.storage_location.clone())
    }

    fn client_metadata(&mut self, handle: Resource<StorageItemHandle>) -> Result<Option<String>> {
        let open = self.open_item(&handle)?;
        if let Some(replaced) = &open.client_metadata {
            return Ok(Some(Value::Object(replaced.clone()).to_string()));
        }
        // Encord also says "nothing" with an empty object.
        let noted = |text: &String| text.trim() != "{}";
        Ok(open.item.client_metadata.clone().filter(noted))
    }

    fn signed_url(
        &mut self,
        handle: Resource<StorageItemHandle>,
    ) -> Result<std::result::Result<Option<String>, Error>> {
        // Items are always fetched with their URL.
        Ok(Ok(self.storage_item(&handle)?.signed_url.clone()))
    }

    fn to_json(&mut self, handle: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item(&handle)?.raw.to_string())
    }

    async fn children(
        &mut self,
        handle: Resource<StorageItemHandle>,
    ) -> Result<Answered<Vec<Resource<StorageItemHandle>>>> {
        let open = self.open_item(&handle)?;
        if let Some(known) = &open.children {
            return Ok(Ok(known.iter().map(|at| Resource::new_own(*at)).collect()));
        }
        let (task, item) = (open.task, Arc::clone(&open.item));
        let children = match self.resolver(task)?.children(&item).await {
            Ok(children) => children,
            Err(unresolved) => return Ok(Err(unresolved.into())),
        };
        let handles: Vec<Resource<StorageItemHandle>> = children
            .into_iter()
            .map(|child| self.item_handle(task, child))
            .collect();
        self.open_item(&handle)?.children = Some(handles.iter().map(Resource::rep).collect());
        Ok(Ok(handles))
    }

    fn set_client_metadata(
        &mut self,
        handle: Resource<StorageItemHandle>,
        metadata: String,
    ) -> Result<Answered<()>> {
        if let Some(error) = self.decides_nothing("set the client metadata of a storage item") {
            return Ok(Err(error));
        }
        match serde_json::from_str(&metadata) {
            Ok(metadata) => {
                self.open_item(&handle)?.client_metadata = Some(metadata);
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(Error::InvalidArgument(format!(
                "expected the client metadata as JSON text of an object: {error}"
            )))),
        }
    }

    fn drop(&mut self, handle: Resource<StorageItemHandle>) -> Result<()> {
        forget(handle)
    }
}
