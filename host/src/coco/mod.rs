//! Labels as a COCO document, and back. See <https://cocodataset.org/#format-data>.

mod answers;
mod export;
mod format;
mod found;
mod geometry;
mod import;
mod matching;
mod shape;

pub(crate) use export::Exporter;
pub(crate) use found::Found;
pub(crate) use import::{Plan, Report};
pub(crate) use matching::{Frames, Place};

#[cfg(test)]
mod tests;
