//! What users of this crate call: the operations of [`Thread`](thread), [`Arena`](arena) and [`Process`](process), each a line
//! that runs the function which does the work, and the release queue after it.

pub(crate) mod arena;
#[cfg(any(loom, test))]
pub(crate) mod asleep;
pub(crate) mod observe;
pub(crate) mod process;
pub(crate) mod thread;
