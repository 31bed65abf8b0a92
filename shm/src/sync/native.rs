//! The facade over the machine: `core` atomics, `membarrier(2)`, the clock.

use core::sync::atomic::{AtomicBool, Ordering};
use rustix::thread::futex;
use rustix::time::Timespec;

pub(super) use core::sync::atomic::{AtomicU32, compiler_fence};
pub(crate) use core::sync::atomic::{AtomicU64, fence};

const MEMBARRIER_CMD_GLOBAL_EXPEDITED: libc::c_int = 1 << 1;
const MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED: libc::c_int = 1 << 2;

/// Whether this process is registered for expedited barriers, so that a compiler fence is enough as a light barrier.
static ASYMMETRIC: AtomicBool = AtomicBool::new(false);

/// Whether light barriers of this process are compiler fences.
pub(super) fn is_asymmetric() -> bool {
    ASYMMETRIC.load(Ordering::Relaxed)
}

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: membarrier takes a command, flags and a CPU number, and touches no memory of the caller.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Registers this process for other processes' heavy barriers. If `false`, its light barriers stay full fences. That is
/// always correct, and costs a few nanoseconds more. The registration is lost on exec and kept on fork.
pub(crate) fn register_barriers() -> bool {
    let registered = membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
    ASYMMETRIC.store(registered, Ordering::Relaxed);
    registered
}

/// Orders this thread's earlier stores before its later loads, as seen by a thread that issues a [`heavy_barrier`].
#[inline(always)]
pub(crate) fn light_barrier() {
    if ASYMMETRIC.load(Ordering::Relaxed) {
        // ORDER: SeqCst keeps the compiler from moving a later load before an earlier store. `heavy_barrier` has the
        // processor do the same.
        compiler_fence(Ordering::SeqCst);
    } else {
        // ORDER: SeqCst pairs with the first fence of `heavy_barrier`: of the stores before the two fences, one at least
        // is seen behind the other fence.
        fence(Ordering::SeqCst);
    }
}

/// Makes every running thread of every registered process pass a full fence. `false` if the kernel refuses: then the
/// caller must draw no conclusion about the other threads.
#[must_use]
pub(crate) fn heavy_barrier() -> bool {
    // ORDER: SeqCst, both: `membarrier` orders the other threads. The fences order this one: its stores come before the
    // call, and its loads after it. They pair with the fence of `light_barrier` in a process without membarrier.
    fence(Ordering::SeqCst);
    let ran = membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
    fence(Ordering::SeqCst);
    ran
}

/// Set for good when the kernel has refused a barrier. Relaxed: until a thread sees it, biases are given.
static IS_BARRIER_REFUSED: AtomicBool = AtomicBool::new(false);

/// Whether a lock may be biased: its bias can end at the price of a barrier. A race detector would see the words of a
/// bias as races.
pub(super) fn may_bias() -> bool {
    is_asymmetric() && !IS_BARRIER_REFUSED.load(Ordering::Relaxed) && !super::is_watched()
}

/// A heavy barrier, for a caller that cannot go on without one.
///
/// A kernel that refuses it has granted barriers before: a filter of system calls was installed since. Then this thread
/// sleeps for so long that every earlier store of the other threads has left its processor. A store buffer drains by
/// itself in about a microsecond, also if the thread is stopped. (Morrison and Afek, "Temporally Bounding TSO for
/// Fence-Free Asymmetric Synchronization", 2015.) The alternative is to wait for a thread that may never come again.
pub(super) fn sure_barrier() {
    if !heavy_barrier() {
        IS_BARRIER_REFUSED.store(true, Ordering::Relaxed);
        std::thread::sleep(std::time::Duration::from_millis(10));
        // ORDER: SeqCst: the caller's loads come after the sleep.
        fence(Ordering::SeqCst);
    }
}

/// A store by a word's owner, over marks that other threads may add by CAS of the value that the owner stored before.
#[inline(always)]
pub(crate) fn store_over_marks(word: &AtomicU64, value: u64, order: Ordering) {
    word.store(value, order);
}

/// Stands beside memory that one thread writes and another reads, never both at once. It has no code here.
#[derive(Debug, Default)]
pub(crate) struct RaceCell;

/// The queue on which the waiters of one private lock sleep: in the kernel, by the address of the lock's word.
#[derive(Debug)]
pub(super) struct WaitQueue;

impl WaitQueue {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self
    }

    /// Sleeps while `word` is `value`. `true`: woken. Without `is_barrier_done` it sleeps for a millisecond at most,
    /// because a wake may be missed.
    pub(super) fn sleep_while(&self, word: &AtomicU32, value: u32, is_barrier_done: bool) -> bool {
        const UNFENCED_SLEEP: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        let timeout = (!is_barrier_done).then_some(UNFENCED_SLEEP);
        // An error means timed out, interrupted, or `word` had changed. The kernel removes a sleeper from its queue
        // once, for one reason, so a sleeper that a waker has counted as woken gets no error.
        futex::wait(word, futex::Flags::PRIVATE, value, timeout.as_ref()).is_ok()
    }

    /// Wakes a sleeper. `false` if no thread slept.
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

/// Makes the processor fetch a line, and own it, without waiting for it: the line is about to be written, or read and
/// then [owned](crate::arena::copy::take_ownership). A locked instruction waits for all stores before it, and would wait for
/// the line.
#[inline(always)]
pub(crate) fn prefetch_exclusive<T>(line: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint: it changes only the contents of the cache.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) core::ptr::from_ref(line), options(nostack, preserves_flags));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// Waits for so many spin-loop hints without touching the lines that other threads are writing. A hint takes 10 to 50 ns,
/// depending on the processor.
pub(crate) fn pause(hints: u32) {
    (0..hints).for_each(|_| core::hint::spin_loop());
}

/// Asks the scheduler to run this thread soon after it wakes, for a short time: for threads that seldom run, and that
/// others wait for. On Linux before 6.12, and under a policy other than the default one, it has no effect.
///
/// A thread that dies gives up its memory within the kernel, and may take a millisecond for it. The kernel often wakes the
/// watcher of deaths on that processor. With the default slice the watcher waits there until the dying thread is done.
pub fn request_short_slice() {
    const SLICE_NS: u64 = 100_000;
    // SAFETY: the calls read and change properties of the calling thread. `attr` is as large as its `size` says.
    unsafe {
        if libc::sched_getscheduler(0) != libc::SCHED_OTHER {
            return;
        }
        let attr = libc::sched_attr {
            size: size_of::<libc::sched_attr>() as u32,
            sched_policy: libc::SCHED_OTHER as u32,
            sched_flags: 0,
            sched_nice: libc::getpriority(libc::PRIO_PROCESS, 0),
            sched_priority: 0,
            sched_runtime: SLICE_NS,
            sched_deadline: 0,
            sched_period: 0,
        };
        // An error means that the thread keeps its slice.
        libc::syscall(libc::SYS_sched_setattr, 0, &raw const attr, 0);
    }
}

/// Whether the calling thread may use one processor only.
pub(crate) fn has_one_processor() -> bool {
    rustix::thread::sched_getaffinity(None).is_ok_and(|processors| processors.count() == 1)
}

/// Lets the other threads run that are ready on this processor.
pub(crate) fn yield_processor() {
    std::thread::yield_now();
}

/// The processor on which this thread runs, for the moment. It asks the C library, for the reason of [`now_ns`].
pub(crate) fn processor() -> usize {
    // SAFETY: the call takes nothing. It gives -1 where the kernel cannot tell, which is a processor of its own then.
    unsafe { libc::sched_getcpu() }.cast_unsigned() as usize
}

/// Nanoseconds of `CLOCK_MONOTONIC`, which every process of the machine reads alike.
///
/// It asks the C library's clock, which uses the vDSO if there is one. valgrind hides the vDSO, and rustix's own reader
/// of the vDSO does not survive that.
#[inline]
pub fn now_ns() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a timespec to write to. The clock exists on every Linux, so the call does not fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec)
}
