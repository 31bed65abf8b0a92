//! The sleep of one thread on a futex: the word that it sleeps on, and its place in a queue.
//!
//! A thread does not sleep on the program's word but on a word of its own, by the kernel's futex. The thread that removes
//! it from its queue writes that word.
//!
//! | word | written | meaning |
//! |---|---|---|
//! | ASLEEP | by the thread itself, when it enters a queue | it is in the queue of `waits_on` |
//! | AWAKE | by the thread that removes it from the queue | it is in no queue |

use crate::types::time::MonotonicInstant;
use rustix::io::Errno;
use rustix::thread::futex;
use rustix::time::Timespec;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

const AWAKE: u32 = 0;
const ASLEEP: u32 = 1;

/// The sleep of one thread on a futex. Only [`futex_wait`](super::futex_wait) and its like look inside. The example is that
/// of [`FutexThread`](super::FutexThread).
#[derive(Debug, Default)]
pub struct FutexSleep {
    word: AtomicU32,
    /// The key of the futex on which the thread sleeps; 0 for none.
    waits_on: AtomicUsize,
    /// The thread's place in the queue.
    ticket: AtomicU64,
}

// All but `sleep_until` and `unpark` run under the lock of the queues.
impl FutexSleep {
    /// The thread is about to enter a queue, and then to sleep.
    pub(super) fn begin(&self) {
        // Relaxed: the lock of the queues orders it.
        self.word.store(ASLEEP, Ordering::Relaxed);
    }

    /// The thread is in the queue of `key` from now on.
    pub(super) fn enter_queue(&self, key: usize, ticket: u64) {
        // Relaxed, both: the lock of the queues orders them.
        self.waits_on.store(key, Ordering::Relaxed);
        self.ticket.store(ticket, Ordering::Relaxed);
    }

    /// The key of the futex on which the thread sleeps; 0 for none.
    pub(super) fn waits_on(&self) -> usize {
        // Relaxed: the lock of the queues orders it.
        self.waits_on.load(Ordering::Relaxed)
    }

    pub(super) fn ticket(&self) -> u64 {
        // Relaxed: the lock of the queues orders it.
        self.ticket.load(Ordering::Relaxed)
    }

    /// The thread is in no queue any more, and its sleep ends.
    pub(super) fn end(&self) {
        // Relaxed: the lock of the queues orders it.
        self.waits_on.store(0, Ordering::Relaxed);
        // ORDER: Release, pairs with the Acquire of `sleep_until`; publishes the writes of the waking thread.
        self.word.store(AWAKE, Ordering::Release);
    }

    /// Wakes the thread after [`Self::end`]. A thread that was awake already may sleep again by now: it then compares its
    /// word once more.
    pub(super) fn unpark(&self) {
        // An error is not possible: the word is mapped and aligned.
        let _ = futex::wake(&self.word, futex::Flags::PRIVATE, 1);
    }

    /// Sleeps until another thread calls [`Self::end`], or until the deadline. Returns whether it was woken.
    pub(super) fn sleep_until(&self, deadline: MonotonicInstant) -> bool {
        let deadline = timespec(deadline);
        loop {
            // ORDER: Acquire, pairs with the Release of `end`.
            if self.word.load(Ordering::Acquire) == AWAKE {
                return true;
            }
            let slept = futex::wait_bitset(
                &self.word,
                futex::Flags::PRIVATE,
                ASLEEP,
                deadline.as_ref(),
                NonZeroU32::MAX,
            );
            // All other results mean: compare the word again. A signal handler may have run, or the word has changed.
            if slept == Err(Errno::TIMEDOUT) {
                return false;
            }
        }
    }
}

/// The deadline for Linux: none for [`MonotonicInstant::INFINITE`], and no instant before the clock's zero.
fn timespec(deadline: MonotonicInstant) -> Option<Timespec> {
    let is_finite = deadline != MonotonicInstant::INFINITE;
    let deadline = deadline.into_nanos().max(0);
    is_finite.then_some(Timespec { tv_sec: deadline / 1_000_000_000, tv_nsec: deadline % 1_000_000_000 })
}
