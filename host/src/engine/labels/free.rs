//! The functions of `runner:stage/labels` that belong to no resource.

use super::super::bindings::runner::stage::labels::{Bitmask, Cuboid2d, Geometry, Host};
use super::super::bindings::runner::stage::types::Error;
use super::super::state::State;
use super::{Answered, Result};
use crate::labels;

impl Host for State {
    fn geometry_of_cuboid_2d(&mut self, cuboid: Cuboid2d) -> Result<Geometry> {
        Ok(labels::Cuboid2d::from(cuboid).to_geometry().into())
    }

    fn cuboid_2d_of_geometry(&mut self, geometry: Geometry) -> Result<Option<Cuboid2d>> {
        let cuboid = labels::Cuboid2d::of(&geometry.into());
        Ok(cuboid.map(Into::into))
    }

    fn bitmask_of_bytes(
        &mut self,
        width: u32,
        height: u32,
        bytes: Vec<u8>,
    ) -> Result<Answered<Bitmask>> {
        let mask = labels::Bitmask::of_bytes(width, height, &bytes);
        Ok(mask.map(Into::into).map_err(Into::into))
    }

    fn bytes_of_bitmask(&mut self, mask: Bitmask) -> Result<Answered<Vec<u8>>> {
        // A few characters can stand for any number of pixels, so their number is checked before they
        // are made. The guest could not take more than its memory holds.
        let pixels = u64::from(mask.width) * u64::from(mask.height);
        let limit = self.meter.memory_limit();
        if pixels > limit as u64 {
            return Ok(Err(Error::TooLarge(format!(
                "expected a mask that fits into the memory of an attempt, {} MiB, found one of {pixels} \
                 pixels\n\
                 help: raise --memory",
                limit >> 20
            ))));
        }
        Ok(labels::Bitmask::from(mask).to_bytes().map_err(Into::into))
    }
}
