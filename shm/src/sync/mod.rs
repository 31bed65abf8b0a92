//! The only place where the arena's atomics, fences, private locks and futexes are named.
//!
//! The other folders import them from here. So the sources that run over a mapped arena also compile against loom
//! (`cfg(loom)`, set by the `jacinth-loom-tests` package), which explores them.
//!
//! | name | native | loom |
//! |---|---|---|
//! | [`AtomicU64`] | `core`'s | loom's |
//! | [`light_barrier`] | a compiler fence, where `membarrier(2)` works | `fence(SeqCst)`, or no fence (`Barriers`) |
//! | [`heavy_barrier`] | `membarrier(2)`, all processes | `fence(SeqCst)`, or one fence in every thread |
//! | [`Lock`] | biased to its main user; for others test-and-set, spinning briefly, then asleep on a futex | loom's mutex; the native one has own models |
//! | [`Futex`] | `futex(2)`, `futex_waitv(2)` or turns (`sync/futex.rs`) | a condition variable for the arena |
//! | [`RaceCell`] | no code | a cell that panics when it is read or written without happens-before |
//! | [`SparseTable`] | pointers to values that are made when needed, private to a process | the same: outside loom |
//! | [`Grace`] | grace periods, after which such values are freed | frees no value; the native one has its own models |
//! | [`backoff`] | spin-loop hint, then yield | yield |
//! | [`pause`] | spin-loop hints | yield |
//! | [`prefetch_exclusive`] | prefetch | no code |
//! | [`acquired`], [`released`] | reported to race detectors (`sync/race_tools.rs`) | no code |
//!
//! The two barriers are an asymmetric fence. The light barrier costs its user no instruction, because the other side,
//! which runs a thousand times less often, makes a system call that forces a full fence on every running thread.

#[cfg(loom)]
mod crash_model;
pub(crate) mod fail_point;
#[cfg(not(loom))]
mod futex;
mod grace;
#[cfg(not(loom))]
mod handover;
mod lock;
#[cfg(loom)]
mod loom;
#[cfg(not(loom))]
mod native;
#[cfg(not(loom))]
mod race_tools;
mod sparse_table;
pub(crate) mod trace;
#[cfg(loom)]
mod word_pool;

#[cfg(loom)]
pub use self::crash_model::{CrashOutcome, LostStores, crash_after};
#[cfg(not(loom))]
pub(crate) use self::futex::{Futex, low_half};
pub use self::grace::{Grace, Inside, Visits};
#[cfg(not(loom))]
pub use self::handover::{Giver, Taker, handover};
#[cfg(not(loom))]
pub(crate) use self::lock::{Lock, Locked};
#[cfg(loom)]
pub use self::lock::{RawLock, give_word_back, take_word};
#[cfg(loom)]
pub(crate) use self::loom::*;
#[cfg(loom)]
pub use self::loom::{
    Barriers, Turn, barriers, kernel_barriers, lock_biases, now_ns, pass_time_until, time_passes,
};
#[cfg(not(loom))]
pub(crate) use self::native::*;
#[cfg(not(loom))]
pub use self::native::{now_ns, request_short_slice};
#[cfg(not(loom))]
pub(crate) use self::race_tools::{acquired, is_under_valgrind, is_watched, locked, mapped, released};
pub use self::sparse_table::{Retired, SparseTable};
#[cfg(loom)]
pub(crate) use self::word_pool::WordPool;

#[cfg(loom)]
use self::loom as machine;
#[cfg(not(loom))]
use self::native as machine;

pub(crate) use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

/// A deadline that never passes, in nanoseconds of `CLOCK_MONOTONIC`.
pub const DEADLINE_INFINITE_NS: i64 = i64::MAX;

/// Why a sleep ended. A spurious wake is a wake: every caller checks its condition again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WakeReason {
    /// Woken, or the word had already changed.
    Woken,
    /// The deadline passed.
    TimedOut,
    /// A signal handler ran.
    #[cfg_attr(loom, allow(dead_code, reason = "no signals in the models"))]
    Interrupted,
}
