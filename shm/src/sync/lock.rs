//! A process-private lock among threads. It dies with its process, so it needs no recovery.
//!
//! A lock is taken by one swap and given back by one plain store, and a look whether anybody sleeps. A waiter spins
//! for about a microsecond, yields for some more, and then sleeps in the kernel, so a holder that lost its processor gets
//! it back, whatever the priorities of the two.
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
//! Who wakes a sleeper takes it off the count. A woken thread may not get a processor for a while; a count that still had
//! it would make every holder until then ask the kernel to wake nobody.
//!
//! INV-LOCK-1: no wake is lost. The store of `held` and the load of `sleepers` could pass each other in the holder's
//! processor, but not across the waiter's heavy barrier. A holder whose load came before the barrier made its store
//! before it too, so the waiter finds the lock free or another holder's. A holder whose load came after it sees the
//! sleeper. The kernel compares `held` under the lock that a waker takes, so a store that comes between the waiter's
//! swap and its sleep is noticed.
//! INV-LOCK-2: where the heavy barrier does not reach this process, `sleepers` carries [`FENCED`] from the beginning,
//! so every holder takes the slow way out, which has a full fence. Where it is refused later on, a sleep is short.
//!
//! **Why not `FUTEX_LOCK_PI`.** Its word names the holder, and the kernel adds a bit when somebody waits. So the holder
//! has to give it back by a compare-and-swap, where a plain store does here. With that a write and a read of 64 bytes,
//! which take two locks, took 134 ns instead of 105. To schedulers this lock is what the C library's default mutex is:
//! a waiter of any priority gives up the processor, and no priority is inherited.
//!
//! The models of everything else use loom's mutex. This file has models of its own, `loom-tests/tests/lock.rs`.

use super::machine::{AtomicU32, RaceCell, WaitQueue, compiler_fence, fence, heavy_barrier, is_asymmetric};
use super::{backoff, is_watched, locked, released};
use core::sync::atomic::Ordering;
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};

/// Every holder looks closely: its own stores and loads are not ordered by waiters' barriers.
const FENCED: u32 = 1 << 31;
/// How often a waiter looks at once, for about a microsecond: locks are held for tens of nanoseconds.
const SPINS: u32 = if cfg!(loom) { 1 } else { 20 };
/// How often it lets others run before it sleeps. Where the holder waits for this processor, that is cheaper than a
/// barrier, a sleep and a wake; where the holder is of lower priority, it is over in some microseconds.
const YIELDS: u32 = if cfg!(loom) { 0 } else { 40 };
/// The step of `backoff` that yields.
const YIELD: u32 = 63;

/// A lock, and what it protects.
#[derive(Debug)]
pub struct Lock<T> {
    /// 1 while a thread holds it.
    held: AtomicU32,
    /// How many threads sleep or are about to; and [`FENCED`].
    sleepers: AtomicU32,
    queue: WaitQueue,
    /// Fails a model in which `value` is used by two threads that `held` has not ordered.
    shadow: RaceCell,
    value: UnsafeCell<T>,
}

// SAFETY: `held` admits one thread at a time to `value`, with Acquire on taking and Release on giving back.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Lock<T> {
    /// Made once the process is registered for barriers: or its holders fence, which is always right.
    pub fn new(value: T) -> Self {
        let sleepers = if is_asymmetric() { 0 } else { FENCED };
        Self {
            held: AtomicU32::new(0),
            sleepers: AtomicU32::new(sleepers),
            queue: WaitQueue::new(),
            shadow: RaceCell::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// The lock, once nobody else holds it.
    #[inline]
    pub fn lock(&self) -> Locked<'_, T> {
        if !self.take() {
            self.lock_contended();
        }
        Locked { lock: self }
    }

    /// The lock, if nobody holds it.
    pub fn try_lock(&self) -> Option<Locked<'_, T>> {
        self.take().then(|| Locked { lock: self })
    }

    #[inline(always)]
    fn take(&self) -> bool {
        // ORDER: Acquire pairs with the Release in `Locked::drop`: what the last holder did is seen.
        let is_ours = self.held.swap(1, Ordering::Acquire) == 0;
        if is_ours && is_watched() {
            locked(&self.held);
        }
        is_ours
    }

    #[cold]
    #[inline(never)]
    fn lock_contended(&self) {
        loop {
            for step in 0..SPINS + YIELDS {
                backoff(if step < SPINS { 0 } else { YIELD });
                if self.held.load(Ordering::Relaxed) == 0 && self.take() {
                    return;
                }
            }
            if self.sleep_or_take() {
                return;
            }
        }
    }

    /// Sleeps until another thread wakes this one: `false`; or until the lock is free before that, and takes it.
    fn sleep_or_take(&self) -> bool {
        // Relaxed: the barrier orders it.
        self.sleepers.fetch_add(1, Ordering::Relaxed);
        // ORDER: INV-LOCK-1. Pairs with the fences of `Locked::drop` and `wake_one`.
        let is_barrier_done = heavy_barrier() || self.sleepers.load(Ordering::Relaxed) & FENCED != 0;
        loop {
            if self.take() {
                // Relaxed: at worst a holder looks for a sleeper in vain.
                self.sleepers.fetch_sub(1, Ordering::Relaxed);
                return true;
            }
            if self.queue.sleep_while(&self.held, 1, is_barrier_done) {
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
            // Relaxed: as above. Only the thread that is woken counted itself for this.
            self.sleepers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A held [`Lock`].
pub struct Locked<'a, T> {
    lock: &'a Lock<T>,
}

impl<T> Deref for Locked<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.lock.shadow.read();
        // SAFETY: this guard exists only while `held` is ours, so no other reference to `value` does.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Locked<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.lock.shadow.written();
        // SAFETY: as in `deref`, and `self` is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Locked<'_, T> {
    #[inline]
    fn drop(&mut self) {
        released(&self.lock.held);
        // ORDER: Release pairs with the Acquire in `take`.
        self.lock.held.store(0, Ordering::Release);
        // ORDER: INV-LOCK-1. Pairs with the heavy barrier of a waiter.
        compiler_fence(Ordering::SeqCst);
        if self.lock.sleepers.load(Ordering::Relaxed) != 0 {
            self.lock.wake_one();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// A number that threads read, change and write back under the lock, some of them asleep while they hold it.
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
        assert_eq!(lock.sleepers.load(Ordering::Relaxed) & !FENCED, 0);
    }

    #[test]
    fn one_thread_at_a_time_holds_a_lock() {
        assert!(super::super::register_barriers(), "this kernel has membarrier(2)");
        count_together(&Lock::new(0));
    }

    #[test]
    fn one_thread_at_a_time_holds_a_lock_without_barriers() {
        let mut lock = Lock::new(0);
        *lock.sleepers.get_mut() = FENCED;
        count_together(&lock);
    }

    #[test]
    fn a_lock_that_is_held_is_not_given_again() {
        let lock = Lock::new(());
        let held = lock.try_lock();
        assert!(held.is_some() && lock.try_lock().is_none());
        drop(held);
        assert!(lock.try_lock().is_some());
    }
}
