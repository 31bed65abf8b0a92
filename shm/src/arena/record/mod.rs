//! The records of which the sections of an arena consist.

pub(crate) mod block;
pub(crate) mod counter;
pub(crate) mod free_map;
pub(crate) mod line;
pub(crate) mod object;
pub(crate) mod row;
pub(crate) mod timer;
pub(crate) mod watch;
