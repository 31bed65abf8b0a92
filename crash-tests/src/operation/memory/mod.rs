//! Slots and blocks.

pub(crate) mod blocks;
pub(crate) mod pages;
pub(crate) mod slots;
