//! `runner:stage/logging`

use tracing::Level;

use super::bindings::runner::stage::logging::{Host, Level as WitLevel};
use super::state::State;

impl Host for State {
    fn log(&mut self, level: WitLevel, message: String) -> wasmtime::Result<()> {
        let level = match level {
            WitLevel::Trace => Level::TRACE,
            WitLevel::Debug => Level::DEBUG,
            WitLevel::Info => Level::INFO,
            WitLevel::Warn => Level::WARN,
            WitLevel::Error => Level::ERROR,
        };
        self.log.message(level, &message);
        Ok(())
    }
}
