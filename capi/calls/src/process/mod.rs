//! The state that each process has of its own: threads, error texts, and what happens at fork and at a thread's end.

pub(crate) mod error_text;
pub(crate) mod fork;
pub(crate) mod thread_exit;
pub(crate) mod threads;
