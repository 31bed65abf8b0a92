//! Channels.

pub(crate) mod call;
pub(crate) mod close;
pub(crate) mod interrupted_call;
pub(crate) mod loan;
pub(crate) mod read;
pub(crate) mod reorder;
pub(crate) mod write;
