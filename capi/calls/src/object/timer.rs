//! Timers.

use crate::call_macro::calls;
use crate::object::handle::return_handle;
use crate::process::entry::enter;
use crate::types::{zx_clock_t, zx_duration_t, zx_handle_t, zx_time_t};
use crate::user_memory::UserOut;
use jacinth::{MonotonicDuration, MonotonicInstant, ObjectType, Rights, Status, raw, sys};

/// `ZX_CLOCK_MONOTONIC`: the one clock that a timer may count on.
const CLOCK_MONOTONIC: zx_clock_t = 0;

calls! {
    /// Makes a timer.
    fn zx_timer_create, _zx_timer_create(options: u32, clock_id: zx_clock_t, out: UserOut<zx_handle_t>) {
        // The modes of slack are the numbers up to this one.
        if options > sys::ZX_TIMER_SLACK_LATE || clock_id != CLOCK_MONOTONIC {
            return Err(Status::INVALID_ARGS);
        }
        enter()?;
        let (timer, _) = raw::create(ObjectType::TIMER, Rights::TIMER_DEFAULT)?;
        return_handle(timer, out)
    }

    /// Starts a timer.
    fn zx_timer_set, _zx_timer_set(handle: zx_handle_t, deadline: zx_time_t, slack: zx_duration_t) {
        enter()?;
        raw::timer_set(handle, MonotonicInstant::from_nanos(deadline), MonotonicDuration::from_nanos(slack))
    }

    /// Stops a timer.
    fn zx_timer_cancel, _zx_timer_cancel(handle: zx_handle_t) {
        enter()?;
        raw::timer_cancel(handle)
    }
}
