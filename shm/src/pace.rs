//! How often a walk is repeated that found nothing.
//!
//! Before a write is refused, the process takes back what its other channels were granted and do not use, and what they
//! keep: a walk over all of its entries, and perhaps over all objects. A program that polls a full channel would make each
//! of its writes walk in vain. So after a walk over many things that found nothing, the next one waits for a while, in
//! proportion to the length of the last: however often a write is tried, the walks take a small part of the time. A write
//! that is refused in between could have succeeded, if others have read or freed something since; one that is tried again
//! finds out.
//!
//! Where there are few things every write walks, and is refused only if there is nothing to be found.
//!
//! Private to the process, and a hint: a wrong value costs a walk, or a while.

use crate::sync;
use core::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// So many things are walked over whenever that is wanted: it takes some microseconds.
const FEW: usize = 1024;
/// How long the next walk waits for each thing that was walked over: several times what looking at it takes.
const PAUSE_NS: i64 = 200;

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
        let pause_ns = PAUSE_NS.saturating_mul(things as i64);
        self.due_ns.store(if waits { sync::now_ns().saturating_add(pause_ns) } else { 0 }, Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_long_walks_in_vain_are_put_off() {
        let pace = Pace::default();
        assert!(pace.is_due());
        pace.walked(FEW, false);
        assert!(pace.is_due());
        // An hour, so that no test machine is slow enough.
        pace.walked(18_000_000_000, false);
        assert!(!pace.is_due());
        pace.walked(18_000_000_000, true);
        assert!(pace.is_due());
    }
}
