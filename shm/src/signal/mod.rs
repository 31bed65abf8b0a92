//! Signals: how a change of them is made, who is woken by it, and how a thread sleeps until there is one.

pub(crate) mod eventcount;
pub(crate) mod set;
pub(crate) mod wait_item;
pub(crate) mod wake;
pub(crate) mod watch;
