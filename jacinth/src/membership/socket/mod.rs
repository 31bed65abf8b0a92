//! The arena's socket: where it stands, which process may listen there, and the files of dead arenas.

pub(crate) mod address;
pub(crate) mod folder;
pub(crate) mod lock;
pub(crate) mod meeting_place;
pub(crate) mod names;
pub(crate) mod path;
pub(crate) mod rendezvous;
pub(crate) mod stale;
