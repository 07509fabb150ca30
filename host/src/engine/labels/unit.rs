//! `runner:stage/labels.data-unit`

use wasmtime::component::Resource;

use super::super::bindings::runner::stage::labels::HostDataUnit;
use super::super::handles::DataUnitHandle;
use super::super::state::{State, forget};
use super::{Result, absent};
use crate::labels::DataUnit;

impl State {
    fn data_unit(&self, handle: &Resource<DataUnitHandle>) -> Result<&DataUnit> {
        let (row, position) = self
            .data_units
            .get(handle.rep() as usize)
            .ok_or_else(absent)?;
        let open = self.rows.get(*row as usize).ok_or_else(absent)?;
        open.data_units().get(*position as usize).ok_or_else(absent)
    }
}

impl HostDataUnit for State {
    fn data_hash(&mut self, handle: Resource<DataUnitHandle>) -> Result<String> {
        Ok(self.data_unit(&handle)?.data_hash.clone())
    }

    fn data_title(&mut self, handle: Resource<DataUnitHandle>) -> Result<String> {
        Ok(self.data_unit(&handle)?.title.clone())
    }

    fn file_type(&mut self, handle: Resource<DataUnitHandle>) -> Result<String> {
        Ok(self.data_unit(&handle)?.data_type.clone())
    }

    fn sequence(&mut self, handle: Resource<DataUnitHandle>) -> Result<u32> {
        Ok(self.data_unit(&handle)?.sequence)
    }

    fn width(&mut self, handle: Resource<DataUnitHandle>) -> Result<Option<u32>> {
        Ok(self.data_unit(&handle)?.width)
    }

    fn height(&mut self, handle: Resource<DataUnitHandle>) -> Result<Option<u32>> {
        Ok(self.data_unit(&handle)?.height)
    }

    fn data_link(&mut self, handle: Resource<DataUnitHandle>) -> Result<Option<String>> {
        Ok(self.data_unit(&handle)?.data_link.clone())
    }

    fn drop(&mut self, handle: Resource<DataUnitHandle>) -> Result<()> {
        forget(handle)
    }
}
