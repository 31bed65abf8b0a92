//! From create to reuse: making objects, closing handles, taking dead objects apart, and reclaiming their slots.

pub(crate) mod close;
pub(crate) mod create;
pub(crate) mod exhausted;
pub(crate) mod reclaim;
pub(crate) mod scavenge;
pub(crate) mod take_slot;
pub(crate) mod teardown;
