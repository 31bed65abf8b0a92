//! The operations of [`Thread`](crate::Thread) on objects: one file for each object that has some of its own.

mod channel;
mod directory;
mod fifo;
mod port;
#[cfg(not(loom))]
pub(crate) mod port_fd;
mod timer;
