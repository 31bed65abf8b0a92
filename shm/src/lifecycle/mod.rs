//! The lifecycle of an object: create, close, teardown, reclaim, reuse of its slot.
//!
//! An operation on a handle keeps its object in one of four ways: it holds a reference; it names the object in a hazard
//! (duplicate, signal, names, information); it holds the private lock of a channel's direction (INV-ENDPOINT-1); or it
//! has no protection and checks its handle again after the look (waits, INV-WAIT-1).
//!
//! Closed handle entries wait in quarantine (INV-ENTRY-4). Retired slots wait for a batch, about a thousand or an eighth of a
//! small arena, so that one heavy barrier serves all of them. A channel has given its blocks back by then (INV-RELEASE-4).

pub(crate) mod close;
pub(crate) mod create;
pub(crate) mod exhausted;
pub(crate) mod reclaim;
pub(crate) mod scavenge;
pub(crate) mod take_slot;
pub(crate) mod teardown;
