//! The lifecycle of an object: create, close, teardown, reclaim, reuse of its slot.

pub(crate) mod close;
pub(crate) mod create;
pub(crate) mod exhausted;
pub(crate) mod reclaim;
pub(crate) mod scavenge;
pub(crate) mod take_slot;
pub(crate) mod teardown;
