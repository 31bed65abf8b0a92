//! The memory of the arena that objects are made of: slots, blocks, the maps of free ones, credits, and giving pages
//! back.

pub(crate) mod block_credit;
pub(crate) mod block_pool;
pub(crate) mod free_map;
pub(crate) mod give_back;
pub(crate) mod idle_memory;
pub(crate) mod pressure;
pub(crate) mod returned_credits;
pub(crate) mod slot_credit;
pub(crate) mod slot_pages;
pub(crate) mod slot_pool;
pub(crate) mod trim;
