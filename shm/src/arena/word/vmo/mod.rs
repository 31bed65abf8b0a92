//! The words of VM objects.

pub(crate) mod geometry;
pub(crate) mod size;
