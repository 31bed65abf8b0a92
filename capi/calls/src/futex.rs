//! Futexes: words of one process that threads sleep on. They have nothing to do with the arena: Linux has them too.

use crate::guard;
use crate::types::zx_time_t;
use crate::user::UserIn;
use jacinth::{MonotonicInstant, Status};
use std::io::Error;
use std::ptr;

calls! {
    /// Sleeps while the word has this value, until it is woken or the deadline passes.
    fn zx_futex_wait, _zx_futex_wait(value_ptr: UserIn<i32>, current_value: i32, deadline: zx_time_t) {
        check(value_ptr)?;
        let deadline = timespec(deadline);
        let timeout = deadline.as_ref().map_or(ptr::null(), ptr::from_ref);
        let mut has_slept = false;
        loop {
            let operation = libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG;
            // SAFETY: the kernel looks into the word's memory, and says so if there is none.
            let slept = unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    value_ptr.0,
                    operation,
                    current_value,
                    timeout,
                    ptr::null::<i32>(),
                    libc::FUTEX_BITSET_MATCH_ANY,
                )
            };
            match result_of(slept) {
                // A signal handler: sleep on.
                Err(libc::EINTR) => has_slept = true,
                // The word has changed since: who changed it may have found nobody asleep.
                Err(libc::EAGAIN) if has_slept => return Ok(()),
                slept => return slept.map(drop).map_err(status_of),
            }
        }
    }

    /// Wakes up to `count` of the word's sleepers.
    fn zx_futex_wake, _zx_futex_wake(value_ptr: UserIn<i32>, count: u32) {
        // There need be nothing there: whoever wakes may come after the word's memory has gone.
        if !value_ptr.0.is_aligned() {
            return Err(Status::INVALID_ARGS);
        }
        if count == 0 {
            return Ok(());
        }
        // SAFETY: nothing is read or written.
        let woken = unsafe {
            libc::syscall(
                libc::SYS_futex,
                value_ptr.0,
                libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                number(count),
            )
        };
        match result_of(woken) {
            // No memory of any program is ever there.
            Err(libc::EFAULT) => Ok(()),
            woken => woken.map(drop).map_err(status_of),
        }
    }

    /// Wakes some of the word's sleepers and makes others sleep on another word.
    fn zx_futex_requeue, _zx_futex_requeue(
        wake_ptr: UserIn<i32>,
        wake_count: u32,
        current_value: i32,
        requeue_ptr: UserIn<i32>,
        requeue_count: u32,
    ) {
        check(wake_ptr)?;
        check(requeue_ptr)?;
        if ptr::eq(wake_ptr.0, requeue_ptr.0) {
            return Err(Status::INVALID_ARGS);
        }
        // SAFETY: the kernel looks into the first word's memory, and says so if there is none.
        let woken = unsafe {
            libc::syscall(
                libc::SYS_futex,
                wake_ptr.0,
                libc::FUTEX_CMP_REQUEUE | libc::FUTEX_PRIVATE_FLAG,
                number(wake_count),
                number(requeue_count) as usize,
                requeue_ptr.0,
                current_value,
            )
        };
        result_of(woken).map(drop).map_err(status_of)
    }
}

/// INVALID_ARGS for what cannot be a futex.
fn check(word: UserIn<i32>) -> Result<(), Status> {
    guard::arm();
    if word.0.is_aligned() { word.load().map(drop) } else { Err(Status::INVALID_ARGS) }
}

/// Linux counts with a sign; as many as that never sleep.
fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The deadline for Linux: none for `ZX_TIME_INFINITE`, and no instant before the clock's zero.
fn timespec(deadline: zx_time_t) -> Option<libc::timespec> {
    let deadline = deadline.max(0);
    let finite = deadline != MonotonicInstant::INFINITE.into_nanos();
    finite.then_some(libc::timespec { tv_sec: deadline / 1_000_000_000, tv_nsec: deadline % 1_000_000_000 })
}

fn result_of(returned: libc::c_long) -> Result<libc::c_long, i32> {
    if returned < 0 { Err(Error::last_os_error().raw_os_error().unwrap_or_default()) } else { Ok(returned) }
}

fn status_of(errno: i32) -> Status {
    match errno {
        libc::EAGAIN => Status::BAD_STATE,
        libc::ETIMEDOUT => Status::TIMED_OUT,
        libc::ENOMEM => Status::NO_MEMORY,
        libc::EFAULT | libc::EINVAL => Status::INVALID_ARGS,
        _ => Status::INTERNAL,
    }
}
