//! `runner:stage/settings`

use super::bindings::runner::stage::settings::Host;
use super::state::State;

impl Host for State {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.engine()?.setting(&name).map(str::to_owned))
    }
}
