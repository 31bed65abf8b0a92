//! The functions that users of this crate call: the operations of [`Thread`](thread), [`Arena`](arena) and
//! [`Process`](process). Each is a line that runs the function which does the work, and then the release queue.

pub(crate) mod arena;
#[cfg(any(loom, test))]
pub(crate) mod asleep;
pub(crate) mod object;
pub(crate) mod observe;
pub(crate) mod process;
pub(crate) mod thread;
