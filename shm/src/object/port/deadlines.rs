//! Observers of timers and of refused channels: when a port looks at them again (`due` has the look).
//!
//! No thread runs for a timer: its expiry follows from the clock. So a thread that waits at a port that observes timers
//! fires those that are due, and sleeps until the earliest deadline. A channel whose last write was refused has such a deadline
//! too: the time of the next look for room (`object/channel/write/refusal`). Each group of cells has a bound of the deadlines in
//! it, and the port has one of all groups (`arena/word/port/bound`).
//!
//! INV-DUE-1: a bound is no later than any deadline that it covers, unless a thread that has set a timer, noted a refusal, or
//! registered an observer, has not come to `lower` yet. *Why a raised bound hides none:* a lowering advances the version of the group
//! first and of the port next. A raiser loads a bound before it looks at what the bound covers, and changes the exact word,
//! groups before the port.
//!
//! **Deaths.** Setting a timer is evaluated like every other change: recovery does it for a dead thread. A bound that a dead
//! thread has lowered, or not raised, costs a look.

use crate::arena::error::Result;
use crate::arena::word::port::bound::DeadlineBound;
use crate::arena::word::reference::Slot;
use crate::object::port::cells::Cell;
use crate::object::port::{blocks, ring};
use crate::process::thread::{Thread, crash_point};
use crate::sync::{Acquire, AtomicU64, Relaxed, Release};

pub(crate) fn load(cell: &AtomicU64) -> DeadlineBound {
    // ORDER: Acquire pairs with the Release of `lower_one`: the timer is set, and the bound below is lowered. Raisings in between
    // are read-modify-writes, which go on with that release.
    DeadlineBound(cell.load(Acquire))
}

fn lower_one(cell: &AtomicU64, deadline_ns: i64) -> bool {
    let mut bound = load(cell);
    loop {
        let (lowered, is_earlier) = bound.lowered(deadline_ns);
        // ORDER: Release: what the deadline comes from, and the bound below this one, come before.
        match cell.compare_exchange(bound.0, lowered.0, Release, Relaxed) {
            Ok(_) => return is_earlier,
            Err(changed) => bound = DeadlineBound(changed),
        }
    }
}

/// An observer of a timer or of a refused channel must be looked at by `deadline_ns`. Wakes a sleeper that would sleep longer.
pub(crate) fn lower(thread: &Thread, port: Slot, cell: Cell<'_>, deadline_ns: i64) -> Result<()> {
    lower_one(cell.group_bound(), deadline_ns);
    crash_point!(thread, "deadline.lowered");
    if lower_one(blocks::body(thread.arena(), port)?.earliest(), deadline_ns) {
        // All of them: the one that is woken alone may leave before the deadline.
        ring::wake_all_waiters(thread, port)?;
    }
    Ok(())
}

/// When a waiter must look again.
pub(crate) fn earliest_ns(thread: &Thread, port: Slot) -> Result<Option<i64>> {
    Ok(load(blocks::body(thread.arena(), port)?.earliest()).deadline_ns())
}
