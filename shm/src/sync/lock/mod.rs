//! A process-private lock among threads. It dies with its process, so it needs no recovery.
//!
//! A lock is taken by one swap. It is given back by one plain store, and a load that tells whether a thread sleeps. A
//! waiter spins for about a microsecond, yields for some more, and then sleeps in the kernel. So a preempted holder runs
//! again, whatever the priorities of the two.
//!
//! A lock that one thread takes again and again is biased to that thread, which then needs no swap (`bias.rs`). Another
//! thread takes the lock by swap all the same, but revokes the bias before it goes on. A lock that threads share
//! evenly is never biased.
//!
//! | file | content |
//! |---|---|
//! | `mod.rs` | the lock by swap, and its sleepers |
//! | `bias.rs` | the owner of a bias, and its revocation |
//! | `history.rs` | when a lock is biased |
//! | `hold.rs` | the word by which an owner shows that it holds a lock |
//! | `spin.rs` | how long a waiter spins |
//!
//! The lock by swap:
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
//! must give the lock back by a compare-and-swap, where this lock uses a plain store. Before locks were biased, that made
//! a write and a read of 64 bytes, which take two locks, 29 ns slower. To schedulers this lock is like the C
//! library's default mutex: a waiter of any priority gives up the processor, and no priority is inherited.
//!
//! The guard is `lock_api`'s; only the words and their orderings are written here. The models of the other files use
//! loom's mutex. [`RawLock`] has models of its own, `loom-tests/tests/lock.rs`, beside a cell of loom's that is the value:
//! loom checks each access to the cell, which it could not do behind the guard's `Deref`.

mod bias;
mod history;
mod hold;
mod spin;

use self::bias::Bias;
use self::hold::Hold;
use self::spin::spin_until;
use super::machine::{AtomicU32, WaitQueue, compiler_fence, fence, heavy_barrier, is_asymmetric};
use super::{Acquire, Relaxed, Release, SeqCst, is_watched, locked, released};

/// Every holder takes the slow path, because waiters' barriers do not order its stores and loads.
const FENCED: u32 = 1 << 31;

/// The words of a lock, without the value that it protects.
#[derive(Debug)]
pub struct RawLock {
    bias: Bias,
    /// 1 while a thread holds it by swap.
    held: AtomicU32,
    /// How many threads sleep or are about to sleep; and [`FENCED`].
    sleepers: AtomicU32,
    queue: WaitQueue,
}

// Each channel end has two.
#[cfg(not(loom))]
const _: () = assert!(size_of::<RawLock>() == 24);

impl Default for RawLock {
    /// A free lock. Before the process is registered for barriers, it is made so that its holders fence, which is always
    /// correct.
    fn default() -> Self {
        let sleepers = if is_asymmetric() { 0 } else { FENCED };
        Self {
            bias: Bias::new(),
            held: AtomicU32::new(0),
            sleepers: AtomicU32::new(sleepers),
            queue: WaitQueue::new(),
        }
    }
}

impl RawLock {
    /// Takes the lock, once no other thread holds it.
    #[inline(always)]
    pub fn lock(&self) {
        if !self.bias.try_take(Hold::own()) {
            self.lock_by_swap();
        }
    }

    /// Not inlined: the swap takes longer than the call, and the callers stay small.
    #[inline(never)]
    fn lock_by_swap(&self) {
        let own = Hold::own();
        if !self.take_by_swap(own, true) {
            self.lock_contended(own);
        }
    }

    /// Takes the lock, if no thread holds it.
    #[inline]
    pub fn try_lock(&self) -> bool {
        let own = Hold::own();
        self.bias.try_take(own) || self.take_by_swap(own, false)
    }

    /// Takes the lock, if no thread holds it by swap. If its owner holds it by bias, it `waits` until the owner leaves.
    #[inline(always)]
    fn take_by_swap(&self, own: &Hold, waits: bool) -> bool {
        // ORDER: Acquire pairs with the Release in `give_back`: this holder sees the stores of the last one.
        if self.held.swap(1, Acquire) != 0 {
            return false;
        }
        if self.bias.is_given() && !self.bias.revoke(own, waits) {
            self.give_back();
            return false;
        }
        if is_watched() {
            locked(&self.held);
        }
        true
    }

    /// Gives the lock back.
    ///
    /// # Safety
    /// The caller holds the lock, and no longer uses the value that it protects.
    #[inline(always)]
    pub unsafe fn unlock(&self) {
        if !self.bias.try_give_back(Hold::own()) {
            self.give_back();
        }
    }

    /// Gives back `held`.
    #[inline(never)]
    fn give_back(&self) {
        // At the end of a hold: if the bias came sooner, this thread could take the lock by bias while it holds it.
        if !self.bias.is_given() && self.bias.note_use() && self.sleepers.load(Relaxed) == 0 {
            self.bias.give();
        }
        released(&self.held);
        // ORDER: Release pairs with the Acquire in `take_by_swap`.
        self.held.store(0, Release);
        // ORDER: INV-LOCK-1. Pairs with the heavy barrier of a waiter.
        compiler_fence(SeqCst);
        if self.sleepers.load(Relaxed) != 0 {
            self.wake_one();
        }
    }

    #[cold]
    #[inline(never)]
    fn lock_contended(&self, own: &Hold) {
        // The load first: a swap would take the line from the holder on every try.
        let take_if_free = || self.held.load(Relaxed) == 0 && self.take_by_swap(own, true);
        while !spin_until(take_if_free) && !self.sleep_or_take(own) {}
    }

    /// `false`: slept until another thread woke this one. `true`: the lock became free before that, and is taken.
    fn sleep_or_take(&self, own: &Hold) -> bool {
        // Relaxed: the heavy barrier below orders it before the swap of `take_by_swap`.
        self.sleepers.fetch_add(1, Relaxed);
        // ORDER: INV-LOCK-1. Pairs with the fences of `give_back` and `wake_one`.
        let is_barrier_done = heavy_barrier() || self.sleepers.load(Relaxed) & FENCED != 0;
        loop {
            if self.take_by_swap(own, true) {
                // Relaxed: at worst a holder looks for a sleeper that is not there.
                self.sleepers.fetch_sub(1, Relaxed);
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
        fence(SeqCst);
        if self.sleepers.load(Relaxed) & !FENCED != 0 && self.queue.wake_one(&self.held) {
            // Relaxed: as in `sleep_or_take`. The woken thread counted itself once, and does not subtract itself.
            self.sleepers.fetch_sub(1, Relaxed);
        }
    }
}

/// Gets a word for a model's thread, and gives the number of the word.
#[cfg(loom)]
pub fn take_word() -> Option<u64> {
    Hold::own_or_new().map(Hold::token)
}

/// For the end of a model's thread.
#[cfg(loom)]
pub fn give_word_back() {
    Hold::give_back();
}

// SAFETY: the swap of `held` admits one thread at a time, with Acquire on taking and Release on giving back. It admits
// no thread beside the one that holds the lock by bias (INV-LOCK-3).
#[cfg(not(loom))]
unsafe impl lock_api::RawMutex for RawLock {
    /// Its holders fence: a constant does not know whether this process is registered for barriers.
    const INIT: Self = Self {
        bias: Bias::new(),
        held: AtomicU32::new(0),
        sleepers: AtomicU32::new(FENCED),
        queue: WaitQueue::new(),
    };

    // A thread's own word says whether it holds the lock by bias.
    type GuardMarker = lock_api::GuardNoSend;

    #[inline(always)]
    fn lock(&self) {
        self.lock();
    }

    #[inline]
    fn try_lock(&self) -> bool {
        self.try_lock()
    }

    #[inline(always)]
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
    #[inline(always)]
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        self.0.lock()
    }

    /// Whether the lock is biased to this thread.
    #[cfg(test)]
    pub(crate) fn is_biased_to_this_thread(&self) -> bool {
        // SAFETY: only looks at the words.
        unsafe { self.0.raw() }.bias.is_given_to_this_thread()
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> Option<Locked<'_, T>> {
        self.0.try_lock()
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
