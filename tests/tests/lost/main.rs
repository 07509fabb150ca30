//! Nothing is lost: what fails, what somebody else edits meanwhile, ends of a run, full disks. The kill test and the soak are
//! in `reliability.rs`, since they need the machine for themselves.

#![allow(clippy::unwrap_used)] // A test that unwraps fails where it should, with the line.

mod claims;
mod edited;
mod ending;
mod full;
mod peers;
mod quarantine;
mod set_up;
