//! The records of which the sections of an arena consist.

pub(crate) mod block;
pub(crate) mod counter;
pub(crate) mod directory;
pub(crate) mod free_map;
pub(crate) mod line;
pub(crate) mod object;
pub(crate) mod row;
pub(crate) mod stream;
pub(crate) mod timer;
#[cfg_attr(loom, allow(dead_code, reason = "wakes take no time in models"))]
pub(crate) mod wake;
pub(crate) mod watch;
