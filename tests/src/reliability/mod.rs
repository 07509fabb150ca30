//! The kill test and the soak: the program against a server that fails and ends, killed again and again, and what must be
//! true of every task afterwards.
//!
//! The plugin `tests/guests/src/counting.rs` leaves a trace each time that it decides on a task. [`model`] says what the
//! trace must be. So an effect that is lost or doubled shows, and so does a task that is.

pub mod faults;
pub mod host;
pub mod journaled;
pub mod kill;
pub mod model;
pub mod moment;
pub mod resources;
pub mod server;
pub mod soak;
pub mod state;
pub mod undisturbed;
pub mod world;

/// What went wrong, for people.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// What a step came to.
pub type Result<T> = std::result::Result<T, Failed>;
