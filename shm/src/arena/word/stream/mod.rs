//! The words of streams: the directions of fifos.

pub(crate) mod geometry;
pub(crate) mod item;
