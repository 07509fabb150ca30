//! `runner:stage/storage`

use std::sync::Arc;

use wasmtime::component::Resource;

use super::bindings::runner::stage::storage::{Host, HostStorageItem};
use super::bindings::runner::stage::types::Error;
use super::handles::StorageItemHandle;
use super::state::{State, forget};
use crate::encord::StorageItem;

type Result<T> = wasmtime::Result<T>;

impl State {
    fn storage_item(&self) -> Result<&Arc<StorageItem>> {
        // `context.storage-item` gives the handle out only once the item is here.
        self.item
            .as_ref()
            .ok_or_else(|| wasmtime::format_err!("the storage item was not resolved"))
    }
}

impl Host for State {}

impl HostStorageItem for State {
    fn uuid(&mut self, _: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item()?.uuid.to_string())
    }

    fn name(&mut self, _: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item()?.name.clone())
    }

    fn description(&mut self, _: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item()?.description.clone())
    }

    fn item_type(&mut self, _: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item()?.item_type.clone())
    }

    fn mime_type(&mut self, _: Resource<StorageItemHandle>) -> Result<Option<String>> {
        Ok(self.storage_item()?.mime_type.clone())
    }

    fn file_size(&mut self, _: Resource<StorageItemHandle>) -> Result<Option<u64>> {
        Ok(self.storage_item()?.file_size)
    }

    fn width(&mut self, _: Resource<StorageItemHandle>) -> Result<Option<u32>> {
        Ok(self.storage_item()?.width)
    }

    fn height(&mut self, _: Resource<StorageItemHandle>) -> Result<Option<u32>> {
        Ok(self.storage_item()?.height)
    }

    fn fps(&mut self, _: Resource<StorageItemHandle>) -> Result<Option<f64>> {
        Ok(self.storage_item()?.fps)
    }

    fn duration(&mut self, _: Resource<StorageItemHandle>) -> Result<Option<f64>> {
        Ok(self.storage_item()?.duration)
    }

    fn frame_count(&mut self, _: Resource<StorageItemHandle>) -> Result<Option<u32>> {
        Ok(self.storage_item()?.frame_count)
    }

    fn created_at(&mut self, _: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item()?.created_at.clone())
    }

    fn last_edited_at(&mut self, _: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item()?.last_edited_at.clone())
    }

    fn parent_folder_uuid(&mut self, _: Resource<StorageItemHandle>) -> Result<Option<String>> {
        Ok(self.storage_item()?.parent.map(|uuid| uuid.to_string()))
    }

    fn storage_location(&mut self, _: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item()?.storage_location.clone())
    }

    fn client_metadata(&mut self, _: Resource<StorageItemHandle>) -> Result<Option<String>> {
        // Encord also says "nothing" with an empty object.
        let noted = |text: &String| text.trim() != "{}";
        Ok(self.storage_item()?.client_metadata.clone().filter(noted))
    }

    fn signed_url(
        &mut self,
        _: Resource<StorageItemHandle>,
    ) -> Result<std::result::Result<Option<String>, Error>> {
        // Items are always fetched with their URL.
        Ok(Ok(self.storage_item()?.signed_url.clone()))
    }

    fn to_json(&mut self, _: Resource<StorageItemHandle>) -> Result<String> {
        Ok(self.storage_item()?.raw.to_string())
    }

    fn drop(&mut self, handle: Resource<StorageItemHandle>) -> Result<()> {
        forget(handle)
    }
}
