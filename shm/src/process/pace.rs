//! How often a walk is repeated that found nothing.
//!
//! Before a write is refused, the process takes back what its other channels were granted and do not use, and what they
//! keep: a walk over all of its entries, and perhaps over all objects. A program that polls a full channel would make each
//! of its writes walk in vain. So after a walk over many things that found nothing, the next one waits for a while, in
//! proportion to the length of the last: however often a write is tried, the walks take a small part of the time. The while
//! is no longer than a wait for WRITABLE takes between two looks. A write that is refused in between could have succeeded,
//! if objects have ended or other channels have been read since; one that is tried again finds out.
//!
//! Where there are few things every write walks, and is refused only if there is nothing to be found.
//!
//! Private to the process, and a hint: a wrong value costs a walk, or a while.

use crate::sync;
use core::sync::atomic::AtomicI64;
use core::sync::atomic::Ordering::Relaxed;

/// So many things are walked over whenever that is wanted: it takes some microseconds.
const FEW: usize = 1024;

/// How long the next walk waits for each thing that was walked over: several times what looking at it takes.
const PAUSE_NS: i64 = 200;

/// The longest while.
const MOST_NS: i64 = TRY_AGAIN_NS;

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

    /// A walk over so many things has ended, and has found something or nothing.
    pub(crate) fn walked(&self, things: usize, has_found: bool) {
        let waits = !has_found && things > FEW;
        let pause_ns = PAUSE_NS.saturating_mul(things as i64).min(MOST_NS);
        self.due_ns.store(if waits { sync::now_ns().saturating_add(pause_ns) } else { 0 }, Relaxed);
    }
}

/// How often memory is looked for on behalf of a wait.
pub(crate) const TRY_AGAIN_NS: i64 = if cfg!(loom) { 0 } else { 20_000_000 };

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_long_walks_in_vain_are_put_off() {
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
}
