//! A process-private lock among threads. It dies with its process, so it needs no recovery.
//!
//! A lock is taken by one swap. It is given back by one plain store, and a load that tells whether a thread sleeps. A
//! waiter spins for about a microsecond, yields for some more, and then sleeps in the kernel. So a holder that lost its
//! processor gets it back, for any priorities of the two.
//!
//! ```text
//!  holder                                       waiter
//!    held: swap to 1 gave 0                       spins; then sleepers + 1
//!    ...                                          heavy barrier
//!    held = 0                                     held: swap to 1 gave 1
//!    compiler fence                               sleeps while held is 1
//!    sleepers is 0: done                          woken: from the beginning
//!    else wakes one; if one slept: sleepers - 1   not woken, held: swap to 1 gave 0: sleepers - 1
//! ```
//!
//! The waker subtracts the sleeper that it wakes from the count. A woken thread may not get a processor for a while. If
//! it were still in the count, every holder until then would make a system call that wakes no thread.
//!
//! INV-LOCK-1: no wake is lost. The store of `held` and the load of `sleepers` could pass each other in the holder's
//! processor, but not across the waiter's heavy barrier. If the holder's load came before the barrier, its store did
//! too, and the waiter finds the lock free, or held by a later holder. If the load came after the barrier, it sees the
//! sleeper. The kernel compares `held` under the lock that a waker takes, so it notices a store that comes between the
//! waiter's swap and its sleep.
//! INV-LOCK-2: where the heavy barrier does not reach this process, `sleepers` carries [`FENCED`] from the beginning,
//! so every holder takes the slow path, which has a full fence. If the kernel refuses the barrier later on, a sleep is
//! short.
//!
//! **Why not `FUTEX_LOCK_PI`.** Its word names the holder, and the kernel adds a bit when a thread waits. So the holder
//! must give the lock back by a compare-and-swap, where this lock uses a plain store. With `FUTEX_LOCK_PI`, a write and
//! a read of 64 bytes, which take two locks, took 134 ns instead of 105 ns. To schedulers this lock is like the C
//! library's default mutex: a waiter of any priority gives up the processor, and no priority is inherited.
//!
//! The guard is `lock_api`'s; only the words and their orderings are written here. The models of the other files use
//! loom's mutex. [`RawLock`] has models of its own, `loom-tests/tests/lock.rs`, beside a cell of loom's that is the value:
//! loom checks each access to the cell, which it could not do behind the guard's `Deref`.

use super::machine::{AtomicU32, WaitQueue, compiler_fence, fence, heavy_barrier, is_asymmetric};
use super::{backoff, is_watched, locked, released};
use core::sync::atomic::Ordering;

/// Every holder takes the slow path, because waiters' barriers do not order its stores and loads.
const FENCED: u32 = 1 << 31;
/// How often a waiter tries without yielding, for about a microsecond. Locks are held for tens of nanoseconds.
const SPINS: u32 = if cfg!(loom) { 1 } else { 20 };
/// How often a waiter yields before it sleeps. If the holder waits for this processor, a yield is cheaper than a
/// barrier, a sleep and a wake. If the holder has a lower priority, yielding does not help, and ends after some
/// microseconds.
const YIELDS: u32 = if cfg!(loom) { 0 } else { 40 };
/// The step of `backoff` that yields.
const YIELD: u32 = 63;

/// The words of a lock, without the value that it protects.
#[derive(Debug)]
pub struct RawLock {
    /// 1 while a thread holds it.
    held: AtomicU32,
    /// How many threads sleep or are about to sleep; and [`FENCED`].
    sleepers: AtomicU32,
    queue: WaitQueue,
}

impl Default for RawLock {
    /// A free lock. Before the process is registered for barriers, it is made so that its holders fence, which is always
    /// correct.
    fn default() -> Self {
        let sleepers = if is_asymmetric() { 0 } else { FENCED };
        Self { held: AtomicU32::new(0), sleepers: AtomicU32::new(sleepers), queue: WaitQueue::new() }
    }
}

impl RawLock {
    /// Takes the lock, once no other thread holds it.
    #[inline]
    pub fn lock(&self) {
        if !self.try_lock() {
            self.lock_contended();
        }
    }

    /// Takes the lock, if no thread holds it.
    #[inline(always)]
    pub fn try_lock(&self) -> bool {
        // ORDER: Acquire pairs with the Release in `unlock`: this holder sees the stores of the last one.
        let is_ours = self.held.swap(1, Ordering::Acquire) == 0;
        if is_ours && is_watched() {
            locked(&self.held);
        }
        is_ours
    }

    /// Gives the lock back.
    ///
    /// # Safety
    /// The caller holds the lock, and no longer uses the value that it protects.
    #[inline]
    pub unsafe fn unlock(&self) {
        released(&self.held);
        // ORDER: Release pairs with the Acquire in `try_lock`.
        self.held.store(0, Ordering::Release);
        // ORDER: INV-LOCK-1. Pairs with the heavy barrier of a waiter.
        compiler_fence(Ordering::SeqCst);
        if self.sleepers.load(Ordering::Relaxed) != 0 {
            self.wake_one();
        }
    }

    #[cold]
    #[inline(never)]
    fn lock_contended(&self) {
        loop {
            for step in 0..SPINS + YIELDS {
                backoff(if step < SPINS { 0 } else { YIELD });
                // The load first: a swap would take the line from the holder on every try.
                if self.held.load(Ordering::Relaxed) == 0 && self.try_lock() {
                    return;
                }
            }
            if self.sleep_or_take() {
                return;
            }
        }
    }

    /// `false`: slept until another thread woke this one. `true`: the lock became free before that, and is taken.
    fn sleep_or_take(&self) -> bool {
        // Relaxed: the heavy barrier below orders it before the swap of `try_lock`.
        self.sleepers.fetch_add(1, Ordering::Relaxed);
        // ORDER: INV-LOCK-1. Pairs with the fences of `unlock` and `wake_one`.
        let is_barrier_done = heavy_barrier() || self.sleepers.load(Ordering::Relaxed) & FENCED != 0;
        loop {
            if self.try_lock() {
                // Relaxed: at worst a holder looks for a sleeper that is not there.
                self.sleepers.fetch_sub(1, Ordering::Relaxed);
                return true;
            }
            if self.queue.sleep_while(&self.held, 1, is_barrier_done) {
                // Woken: the waker has already subtracted this sleeper.
                return false;
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn wake_one(&self) {
        // ORDER: pairs with the fence of `heavy_barrier`, for a process that barriers do not reach (INV-LOCK-2).
        fence(Ordering::SeqCst);
        if self.sleepers.load(Ordering::Relaxed) & !FENCED != 0 && self.queue.wake_one(&self.held) {
            // Relaxed: as in `sleep_or_take`. The woken thread counted itself once, and does not subtract itself.
            self.sleepers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

// SAFETY: the swap of `held` admits one thread at a time, with Acquire on taking and Release on giving back.
#[cfg(not(loom))]
unsafe impl lock_api::RawMutex for RawLock {
    /// Its holders fence: a constant does not know whether this process is registered for barriers.
    const INIT: Self =
        Self { held: AtomicU32::new(0), sleepers: AtomicU32::new(FENCED), queue: WaitQueue::new() };

    // The words do not name the holder, so another thread may give the lock back.
    type GuardMarker = lock_api::GuardSend;

    #[inline]
    fn lock(&self) {
        self.lock();
    }

    #[inline]
    fn try_lock(&self) -> bool {
        self.try_lock()
    }

    #[inline]
    unsafe fn unlock(&self) {
        // SAFETY: the caller holds the lock. The guard, by which it used the value, ends here.
        unsafe { self.unlock() };
    }
}

/// A lock, and the value that it protects. Only [`Lock::new`] makes one: `lock_api::Mutex::new` would start from `INIT`.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct Lock<T>(lock_api::Mutex<RawLock, T>);

/// A held [`Lock`].
#[cfg(not(loom))]
pub(crate) type Locked<'a, T> = lock_api::MutexGuard<'a, RawLock, T>;

#[cfg(not(loom))]
impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

#[cfg(not(loom))]
impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(lock_api::Mutex::from_raw(RawLock::default(), value))
    }

    /// Waits until no other thread holds it.
    #[inline]
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        self.0.lock()
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> Option<Locked<'_, T>> {
        self.0.try_lock()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Threads read, change and write back a number under the lock. Some of them sleep while they hold it.
    fn count_together(lock: &Lock<u64>) {
        const TIMES: u64 = 20_000;
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for time in 0..TIMES {
                        let mut number = lock.lock();
                        let before = *number;
                        if time % 512 == thread {
                            std::thread::sleep(std::time::Duration::from_micros(50));
                        }
                        *number = before + 1;
                    }
                });
            }
        });
        assert_eq!(*lock.lock(), 4 * TIMES);
        // SAFETY: only looks at the words.
        let raw = unsafe { lock.0.raw() };
        assert_eq!(raw.sleepers.load(Ordering::Relaxed) & !FENCED, 0);
    }

    #[test]
    fn one_thread_holds_a_lock() {
        assert!(super::super::register_barriers(), "this kernel has membarrier(2)");
        count_together(&Lock::new(0));
    }

    #[test]
    fn one_thread_holds_a_fenced_lock() {
        count_together(&Lock(lock_api::Mutex::new(0)));
    }

    #[test]
    fn a_held_lock_is_not_given() {
        let lock = Lock::new(());
        let held = lock.try_lock();
        assert!(held.is_some() && lock.try_lock().is_none());
        drop(held);
        assert!(lock.try_lock().is_some());
    }
}
