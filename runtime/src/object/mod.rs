//! The kernel's objects, one file each.

pub(crate) mod channel;
pub(crate) mod channel_options;
pub(crate) mod event;
pub(crate) mod eventpair;
