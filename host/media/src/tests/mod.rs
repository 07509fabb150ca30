//! Through the front door: a real server on a free port, real files, and FFmpeg.

mod download;
mod film;
mod peer;
mod picture;
mod redirect;
mod store;
mod video;
