//! Failure detection: which process is which, and the proof that one is dead or has replaced itself by exec.

pub(crate) mod exiting;
pub(crate) mod process;
pub(crate) mod robust_futex;
pub(crate) mod watched_process;
