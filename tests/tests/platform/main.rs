//! The client and the runner against the server of a local project: every operation, and whatever can go wrong with it.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

mod access;
mod bundles;
mod fields;
mod filters;
mod lost;
mod operations;
mod program;
mod refused;
mod runs;
mod set_up;
mod storage;
