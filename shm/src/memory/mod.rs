//! The memory of the arena that objects are made of: slots, blocks, the maps of free ones, credits, and giving pages
//! back.
//!
//! The lowest free slot or block is taken first, before any that was never used. So the memory in use lies together, and the
//! end of a burst frees the end of a pool. Free memory goes back to the system while it is idle: blocks (`decommit`), their
//! descriptors (`trim`), and pages of slots (`slot_pages`). After a burst of a million objects 160 KiB stay.

pub(crate) mod block_credit;
pub(crate) mod block_pool;
pub(crate) mod decommit;
pub(crate) mod free_map;
pub(crate) mod idle_memory;
pub(crate) mod pressure;
pub(crate) mod returned_credits;
pub(crate) mod slot_credit;
pub(crate) mod slot_pages;
pub(crate) mod slot_pool;
pub(crate) mod trim;
