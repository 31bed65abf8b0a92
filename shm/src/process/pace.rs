//! How often a walk is repeated after one that found no memory.
//!
//! Before a write is refused, the process takes back the credits that its other channels were granted and do not use,
//! and the blocks that they keep: a walk over all of its entries, and perhaps over all objects. A program that polls a
//! full channel would make each of its writes walk in vain. So after a long walk that found none, the next one waits
//! for a time in proportion to the length of the last. However often a write is tried, the walks then take a small part
//! of the time. The pause is no longer than the interval at which a wait for WRITABLE looks again. A write that is
//! refused during the pause could have succeeded, if objects of other processes have died or other channels were read
//! since. The next try finds out. What the process itself closes ends the pause: a program that closes a port may count
//! on its memory (`lifecycle/teardown`).
//!
//! If there are few things to walk over, every write walks, and is refused only if the walk finds no memory.
//!
//! Private to the process, and a hint: a wrong value costs a walk, or a pause.

use crate::sync;
use core::sync::atomic::AtomicI64;
use core::sync::atomic::Ordering::Relaxed;

/// A walk over so many things is never delayed: it takes some microseconds.
const FEW: usize = 1024;

/// The pause for each thing that was walked over: several times the cost of looking at it.
const PAUSE_NS: i64 = 200;

/// The longest pause.
const MOST_NS: i64 = TRY_AGAIN_NS;

/// A walk has begun and not ended. Another one is due, and no memory was noted since.
const WALKING: i64 = i64::MIN;

/// When a walk is due again.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// 0: at once.
    due_ns: AtomicI64,
}

impl Pace {
    /// Whether to walk now.
    pub(crate) fn is_due(&self) -> bool {
        let due_ns = self.due_ns.load(Relaxed);
        due_ns == 0 || sync::now_ns() >= due_ns
    }

    /// Notes that a walk begins, which [`failed`](Self::failed) or [`walked`](Self::walked) ends.
    pub(crate) fn begin(&self) {
        self.due_ns.store(WALKING, Relaxed);
    }

    /// Notes that a walk over so many things, which has begun, found no memory.
    pub(crate) fn failed(&self, things: usize) {
        // If memory was noted since the walk began, the walk may have missed it: no pause.
        let _ = self.due_ns.compare_exchange(WALKING, Self::due_after(things), Relaxed, Relaxed);
    }

    /// Whether a walk is under way or was in vain, and no memory was noted since.
    pub(crate) fn wants_memory(&self) -> bool {
        self.due_ns.load(Relaxed) != 0
    }

    /// Notes that a walk would find memory now.
    pub(crate) fn note_memory(&self) {
        self.due_ns.store(0, Relaxed);
    }

    /// Notes that a walk over so many things has ended, and whether it found any memory.
    pub(crate) fn walked(&self, things: usize, has_found: bool) {
        self.due_ns.store(if has_found { 0 } else { Self::due_after(things) }, Relaxed);
    }

    /// When a walk is due after one over so many things, in vain.
    fn due_after(things: usize) -> i64 {
        let pause_ns = PAUSE_NS.saturating_mul(things as i64).min(MOST_NS);
        if things > FEW { sync::now_ns().saturating_add(pause_ns) } else { 0 }
    }
}

/// The interval at which waits and ports look for room again after a refused write.
pub(crate) const TRY_AGAIN_NS: i64 = if cfg!(loom) { 0 } else { 20_000_000 };

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_long_vain_walks_are_delayed() {
        let pace = Pace::default();
        assert!(pace.is_due());
        pace.walked(FEW, false);
        assert_eq!(pace.due_ns.load(Relaxed), 0);
        let before_ns = sync::now_ns();
        pace.walked(10 * FEW, false);
        assert!(pace.due_ns.load(Relaxed) >= before_ns + 10 * FEW as i64 * PAUSE_NS);
        pace.walked(usize::MAX >> 8, false);
        assert!(pace.due_ns.load(Relaxed) <= sync::now_ns() + MOST_NS);
        pace.walked(usize::MAX >> 8, true);
        assert!(pace.is_due());
    }

    #[test]
    fn noted_memory_ends_the_pause() {
        let pace = Pace::default();
        pace.walked(usize::MAX >> 8, false);
        assert!(pace.wants_memory() && !pace.is_due());
        pace.note_memory();
        assert!(!pace.wants_memory() && pace.is_due());
    }

    #[test]
    fn memory_noted_during_walks_counts() {
        let pace = Pace::default();
        pace.begin();
        assert!(pace.wants_memory() && pace.is_due());
        pace.failed(usize::MAX >> 8);
        assert!(!pace.is_due());
        pace.begin();
        pace.note_memory();
        pace.failed(usize::MAX >> 8);
        assert!(pace.is_due());
    }
}
