//! The operations of [`Thread`] on timers.

use crate::arena::error::Result;
use crate::arena::word::handle::Rights;
use crate::handle::lookup::ResolvedHandle;
use crate::object::timer;
use crate::process::thread::Thread;

impl Thread {
    /// Sets the timer to a time of `CLOCK_MONOTONIC`, in nanoseconds, and clears its SIGNALED. A time that has passed
    /// asserts SIGNALED at once. `rights` are those the handle must have.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType` when the object is no timer; `AccessDenied`.
    pub fn timer_set(&self, found: ResolvedHandle, rights: Rights, deadline_ns: i64) -> Result<()> {
        timer::set(self, found, rights, deadline_ns)
    }

    /// Makes the timer one that is not set, and clears its SIGNALED.
    ///
    /// # Errors
    /// As [`timer_set`](Self::timer_set).
    pub fn timer_cancel(&self, found: ResolvedHandle, rights: Rights) -> Result<()> {
        timer::cancel(self, found, rights)
    }
}
