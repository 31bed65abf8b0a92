//! The look at observers of timers: those that are due are fired, and the bounds raised (`deadlines`).

use crate::arena::error::{Error, Result};
use crate::arena::word::port::cell::CellState;
use crate::arena::word::reference::Slot;
use crate::object::port::cells::{self, Cell, Purpose};
use crate::object::port::evaluate::{self, Outcome, Target};
use crate::object::port::{blocks, deadlines};
use crate::process::thread::{Thread, crash_point};
use crate::sync::{self, Relaxed};

/// P5: a raiser starts over when another thread lowers the bound meanwhile. After this often it leaves it to the next.
const MOST_LOOKS: u32 = 8;

/// Fires the observers of timers that are due. The caller has a hazard on the port. Costs one load where no timer is
/// observed, and a look at the clock where none is due.
pub(crate) fn fire_due(thread: &Thread, port: Slot) -> Result<()> {
    let earliest = blocks::body(thread.arena(), port)?.earliest();
    for _ in 0..MOST_LOOKS {
        let bound = deadlines::load(earliest);
        let Some(deadline_ns) = bound.deadline_ns() else { return Ok(()) };
        let now_ns = sync::now_ns();
        if deadline_ns > now_ns {
            return Ok(());
        }
        let mut next_ns = None;
        for group in cells::groups_of(thread.arena(), port, Purpose::Observer) {
            next_ns = earlier(next_ns, fire_group(thread, port, group?, now_ns)?);
        }
        crash_point!(thread, "deadline.fired");
        // Relaxed: the value that it replaces was loaded with Acquire, and has a version; and a raised bound publishes nothing. If
        // it fails, a deadline has come since.
        if earliest.compare_exchange(bound.0, bound.raised(next_ns).0, Relaxed, Relaxed).is_ok() {
            return Ok(());
        }
    }
    Ok(())
}

fn earlier(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Fires what is due in one group. The earliest deadline that is left.
fn fire_group(thread: &Thread, port: Slot, group: cells::Group<'_>, now_ns: i64) -> Result<Option<i64>> {
    let cell = group.bound();
    for _ in 0..MOST_LOOKS {
        let bound = deadlines::load(cell);
        match bound.deadline_ns() {
            Some(deadline_ns) if deadline_ns <= now_ns => {}
            later => return Ok(later),
        }
        let mut next_ns = None;
        for observer in group.cells() {
            next_ns = earlier(next_ns, fire_one(thread, port, observer)?);
        }
        // Relaxed: as in `fire_due`.
        if cell.compare_exchange(bound.0, bound.raised(next_ns).0, Relaxed, Relaxed).is_ok() {
            return Ok(next_ns);
        }
    }
    // Other threads lower it all the time: it is looked at again by then.
    Ok(deadlines::load(cell).deadline_ns())
}

/// Fires an observer if its timer is due. The deadline of a timer that is not.
fn fire_one(thread: &Thread, port: Slot, cell: Cell<'_>) -> Result<Option<i64>> {
    let word = cell.load();
    if !(word.state() == CellState::Armed || word.has_packet() && word.is_repeating()) {
        return Ok(None);
    }
    let observed = cell.side();
    let next_ns = evaluate::with_target(thread, observed.object(), |target: Target<'_>| {
        if target.observed != observed || !target.has_deadline() {
            return Ok(None);
        }
        match evaluate::fire(thread, &target, port, cell, |cell| cell.side() == observed)? {
            Outcome::Armed { next_ns } => Ok(next_ns),
            Outcome::Over => Ok(None),
        }
    });
    match next_ns {
        // A damaged object is no reason to take no packet.
        Err(error @ Error::Corrupt(_)) if !error.is_crash() => Ok(None),
        next_ns => next_ns,
    }
}
