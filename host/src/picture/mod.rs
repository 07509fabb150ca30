//! Drawing what is labelled over a picture.

mod draw;
mod text;

pub(crate) use draw::{Canvas, Colour, Labelled};

#[cfg(test)]
mod tests;
