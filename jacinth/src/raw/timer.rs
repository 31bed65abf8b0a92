//! Timers by a handle's value. [`create`](super::create) makes them.

use crate::attachment::current_thread::with_thread;
use crate::detail;
use crate::types::rights::Rights;
use crate::types::status::Status;
use crate::types::time::{MonotonicDuration, MonotonicInstant};
use jacinth_shm as shm;

/// Starts a timer: it asserts `TIMER_SIGNALED` from `deadline` on, and at once if that has passed. A setting from
/// before is gone, and its signal cleared.
///
/// Follows `docs/syscalls/timer_set.md`. Needs [`Rights::WRITE`]. `slack` is checked, and otherwise unused.
///
/// # Errors
/// [`Status::OUT_OF_RANGE`] for a negative slack, [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`],
/// [`Status::ACCESS_DENIED`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (timer, _) = raw::create(ObjectType::TIMER, Rights::TIMER_DEFAULT)?;
/// raw::timer_set(timer, MonotonicInstant::get(), MonotonicDuration::ZERO)?;
/// let (waited, seen) = raw::wait_one(timer, Signals::TIMER_SIGNALED, MonotonicInstant::INFINITE);
/// assert_eq!((waited, seen), (Ok(()), Signals::TIMER_SIGNALED));
/// raw::close(timer)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn timer_set(value: u32, deadline: MonotonicInstant, slack: MonotonicDuration) -> Result<(), Status> {
    // First of all, as in Zircon: also for a value that is no handle.
    if slack < MonotonicDuration::ZERO {
        return Err(detail::because(Status::OUT_OF_RANGE, "the slack of a timer is negative"));
    }
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        thread.timer_set(found, Rights::WRITE.into(), deadline.into_nanos())
    })
}

/// Stops a timer, and clears `TIMER_SIGNALED`. On a timer that is not set it has no effect.
///
/// Follows `docs/syscalls/timer_cancel.md`. Needs [`Rights::WRITE`].
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`], [`Status::ACCESS_DENIED`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let timer = Timer::create();
/// raw::timer_cancel(timer.raw_handle())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn timer_cancel(value: u32) -> Result<(), Status> {
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        thread.timer_cancel(found, Rights::WRITE.into())
    })
}
