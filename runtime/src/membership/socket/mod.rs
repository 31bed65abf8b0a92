//! The arena's socket: where it stands, which process may listen there, and what dead arenas leave behind.

pub(crate) mod address;
pub(crate) mod lock;
pub(crate) mod names;
pub(crate) mod path;
pub(crate) mod rendezvous;
pub(crate) mod stale;
