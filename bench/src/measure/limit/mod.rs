//! The machine itself, without promises: no rights, no handles, no recovery, no limits.

pub mod cache_line;
pub mod epoll;
pub mod frames;
pub mod futex;
pub mod kernel;
pub mod memcpy;
pub mod pidfd;
pub mod ring;
pub mod shared_memory;
