//! The facade over the machine: `core` atomics, `membarrier(2)`, the clock.

use core::sync::atomic::{AtomicBool, Ordering};
use rustix::thread::futex;
use rustix::time::Timespec;

pub(super) use core::sync::atomic::{AtomicU32, compiler_fence};
pub(crate) use core::sync::atomic::{AtomicU64, fence};

const MEMBARRIER_CMD_GLOBAL_EXPEDITED: libc::c_int = 1 << 1;
const MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED: libc::c_int = 1 << 2;

/// Whether this process is registered for expedited barriers, so that a compiler fence is enough here.
static ASYMMETRIC: AtomicBool = AtomicBool::new(false);

/// Whether light barriers of this process are compiler fences.
pub(super) fn is_asymmetric() -> bool {
    ASYMMETRIC.load(Ordering::Relaxed)
}

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: membarrier takes a command, flags and a CPU number, and touches no memory of the caller.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Registers this process for other processes' heavy barriers. `false` means that its light barriers stay
/// full fences, which is always right and a few nanoseconds dearer. Lost on exec, kept on fork.
pub(crate) fn register_barriers() -> bool {
    let registered = membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
    ASYMMETRIC.store(registered, Ordering::Relaxed);
    registered
}

/// Orders this thread's earlier stores before its later loads, as seen by whoever issues a
/// [`heavy_barrier`].
#[inline(always)]
pub(crate) fn light_barrier() {
    if ASYMMETRIC.load(Ordering::Relaxed) {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// Makes every running thread of every registered process pass a full fence. `false` when the kernel refuses:
/// then nothing may be concluded about the others.
#[must_use]
pub(crate) fn heavy_barrier() -> bool {
    fence(Ordering::SeqCst);
    let ran = membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
    fence(Ordering::SeqCst);
    ran
}

/// A store by a word's owner, over what others may mark in it by CAS of what the owner stored before.
#[inline(always)]
pub(crate) fn store_over_marks(word: &AtomicU64, value: u64, order: Ordering) {
    word.store(value, order);
}

/// Beside memory that is written by one and read by another, never both at once. Costs nothing here.
#[derive(Debug, Default)]
pub(crate) struct RaceCell;

impl RaceCell {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self
    }

    /// The memory is being read.
    #[inline(always)]
    pub(crate) fn read(&self) {}

    /// The memory is being written.
    #[inline(always)]
    pub(crate) fn written(&self) {}
}

/// Where the waiters of one private lock sleep: in the kernel, by the address of the lock's word.
#[derive(Debug)]
pub(super) struct WaitQueue;

impl WaitQueue {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self
    }

    /// Sleeps while `word` is `value`, until woken: then `true`. Without `is_barrier_done` for a millisecond at most, for a wake may be
    /// missed.
    pub(super) fn sleep_while(&self, word: &AtomicU32, value: u32, is_barrier_done: bool) -> bool {
        const UNSURE: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        let patience = (!is_barrier_done).then_some(UNSURE);
        // An error: timed out, interrupted or too late. The kernel takes a sleeper off its queue once, for one reason.
        futex::wait(word, futex::Flags::PRIVATE, value, patience.as_ref()).is_ok()
    }

    /// Wakes a sleeper. `false` if there was none.
    pub(super) fn wake_one(&self, word: &AtomicU32) -> bool {
        futex::wake(word, futex::Flags::PRIVATE, 1).is_ok_and(|woken| woken > 0)
    }
}

/// One step of waiting for another thread: a spin-loop hint, and a yield once in a while.
#[inline]
pub(crate) fn backoff(step: u32) {
    if step % 64 == 63 {
        std::thread::yield_now();
    } else {
        core::hint::spin_loop();
    }
}

/// Has the processor fetch a line that is about to be written, without waiting for it. A locked instruction waits for
/// all stores before it, and would wait for the line.
#[inline(always)]
pub(crate) fn prefetch_write<T>(line: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint: it changes nothing but what is in the cache.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) core::ptr::from_ref(line), options(nostack, preserves_flags));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// Has the processor fetch a line that is about to be read, without waiting for it.
#[inline(always)]
pub(crate) fn prefetch_read<T>(line: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint: it changes nothing but what is in the cache.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(
            core::ptr::from_ref(line).cast(),
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// Leaves the lines that others are writing alone for about a microsecond.
pub(crate) fn spin_briefly() {
    for _ in 0..16 {
        core::hint::spin_loop();
    }
}

/// Nanoseconds of `CLOCK_MONOTONIC`, which every process of the machine reads alike.
///
/// The C library's clock, which asks the vDSO where there is one. valgrind hides the vDSO, and rustix's own reader of it
/// does not survive that.
#[inline]
pub fn now_ns() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a timespec to write to. The clock exists on every Linux, so the call does not fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec)
}
