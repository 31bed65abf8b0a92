//! Clocks, ticks and sleep.

use crate::call_macro::calls;
use crate::types::{zx_clock_t, zx_duration_t, zx_ticks_t, zx_time_t};
use crate::user_memory::{UserOut, fault_guard};
use jacinth::{MonotonicDuration, MonotonicInstant, Status};

calls! {
    /// The time now, by one of three clocks; 0 for any other.
    fn zx_clock_get, _zx_clock_get(clock_id: zx_clock_t) -> zx_time_t {
        read(clock_id).unwrap_or(0)
    }

    /// The time now, by one of three clocks.
    fn zx_clock_get_new, _zx_clock_get_new(clock_id: zx_clock_t, out: UserOut<zx_time_t>) {
        fault_guard::install_handler();
        out.store(read(clock_id).ok_or(Status::INVALID_ARGS)?)
    }

    /// The time now, by the monotonic clock.
    fn zx_clock_get_monotonic, _zx_clock_get_monotonic() -> zx_time_t {
        MonotonicInstant::get().into_nanos()
    }

    /// The ticks now: nanoseconds of the monotonic clock, which every process of the machine shares.
    fn zx_ticks_get, _zx_ticks_get() -> zx_ticks_t {
        MonotonicInstant::get().into_nanos().cast_unsigned()
    }

    /// The number of ticks in a second.
    fn zx_ticks_per_second, _zx_ticks_per_second() -> zx_ticks_t {
        1_000_000_000
    }

    /// Sleeps until an instant.
    fn zx_nanosleep, _zx_nanosleep(deadline: zx_time_t) {
        MonotonicInstant::from_nanos(deadline).sleep();
        Ok(())
    }

    /// The instant this many nanoseconds from now.
    fn zx_deadline_after, _zx_deadline_after(nanoseconds: zx_duration_t) -> zx_time_t {
        MonotonicInstant::after(MonotonicDuration::from_nanos(nanoseconds)).into_nanos()
    }
}

/// `ZX_CLOCK_MONOTONIC`, `ZX_CLOCK_UTC`, `ZX_CLOCK_THREAD`.
fn read(clock_id: zx_clock_t) -> Option<zx_time_t> {
    let clock = match clock_id {
        0 => return Some(MonotonicInstant::get().into_nanos()),
        1 => libc::CLOCK_REALTIME,
        2 => libc::CLOCK_THREAD_CPUTIME_ID,
        _ => return None,
    };
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // The C library reads the clock, not rustix: valgrind replaces only the C library's way to the vDSO.
    // SAFETY: `now` is a timespec to write to. Both clocks exist on every Linux, so the call does not fail.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    Some(now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec))
}
