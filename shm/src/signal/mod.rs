//! Signals: how a thread changes them, which sleepers the change wakes, and how a thread sleeps until a change.

pub(crate) mod eventcount;
pub(crate) mod set;
pub(crate) mod wait_item;
pub(crate) mod wake;
pub(crate) mod watch;
