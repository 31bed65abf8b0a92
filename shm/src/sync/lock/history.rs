//! Decides when a lock is biased, by its uses.
//!
//! A use by bias saves a locked instruction, some 20 cycles. The revocation of a bias costs a barrier, some microseconds. So
//! a lock is biased after as many consecutive uses by one thread as make up for that, and each revocation doubles their
//! number. After four of them, a lock that changes its user again and again costs a barrier for each 4,096 uses at most.
//!
//! | bits | meaning |
//! |---|---|
//! | 0–16 | how many more times the thread must take the lock |
//! | 17–20 | level: how often the number of times was doubled |
//! | 21–31 | the last bits of the thread's number |
//!
//! Two threads of which these bits are equal count as one: at worst a bias is given too early.

use core::sync::atomic::{AtomicU32, Ordering};

/// How often a thread takes a new lock before it gets the bias.
const FIRST: u32 = if cfg!(loom) { 1 } else { 256 };
/// Not more: threads that take turns on one processor use a lock many thousand times in a turn, and are to use it by bias
/// in most of them.
const LAST_LEVEL: u32 = 4;

const LEVEL_SHIFT: u32 = 17;
const THREAD_SHIFT: u32 = 21;

/// The uses of one lock by swap. Only the thread that holds the lock by swap reads or writes it, so it is Relaxed, and
/// no word of the models.
#[derive(Debug)]
pub(super) struct History(AtomicU32);

impl History {
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(FIRST))
    }

    /// Notes a use. `true`: the lock is to be biased to this thread, and the history begins again.
    #[inline(always)]
    pub(super) fn note(&self, thread_number: u32) -> bool {
        let thread = thread_number << THREAD_SHIFT;
        let before = self.0.load(Ordering::Relaxed);
        let is_same = (before ^ thread) >> THREAD_SHIFT == 0;
        let noted = if is_same { before - 1 } else { (at_level(level(before)) | thread) - 1 };
        let is_last = noted % (1 << LEVEL_SHIFT) == 0;
        self.0.store(if is_last { at_level(level(noted)) } else { noted }, Ordering::Relaxed);
        is_last
    }

    /// A bias was revoked, at the price of a barrier.
    pub(super) fn note_barrier(&self) {
        let next = (level(self.0.load(Ordering::Relaxed)) + 1).min(LAST_LEVEL);
        self.0.store(at_level(next), Ordering::Relaxed);
    }
}

const fn level(history: u32) -> u32 {
    history >> LEVEL_SHIFT & 0xf
}

const fn at_level(level: u32) -> u32 {
    // In models every bias is given at once.
    let times = if cfg!(loom) { FIRST } else { FIRST << level };
    level << LEVEL_SHIFT | times
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// How often the thread takes the lock until it gets the bias.
    fn uses(history: &History, thread: u32) -> u32 {
        (1..).find(|_| history.note(thread)).unwrap()
    }

    #[test]
    fn a_bias_needs_successive_uses() {
        let history = History::new();
        assert!((0..10_000).all(|time| !history.note(time / 100)));
        assert_eq!(uses(&history, 0xffff_ffff), FIRST);
        assert_eq!(uses(&history, 0), FIRST, "it begins again");
    }

    #[test]
    fn each_revocation_doubles_the_uses() {
        let history = History::new();
        for level in 0..=LAST_LEVEL {
            assert_eq!(uses(&history, level), FIRST << level);
            history.note_barrier();
        }
        assert_eq!(uses(&history, 0), 4096);
        history.note_barrier();
        assert_eq!(uses(&history, 0), 4096);
    }
}
