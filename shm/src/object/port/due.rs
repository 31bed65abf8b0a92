//! The look at observers of timers, and of channels whose writes were refused: those that are due are fired, and the bounds
//! raised (`deadlines`).
//!
//! Only the process that holds a channel's end can find out whether there is room again, and the look must not run under a hazard. So
//! `fire_due` collects the looks that are due, and its caller makes them afterwards (`Looks::make`). Until then the bound is raised as
//! if no look had found room. A look that finds room evaluates the observers, as every change of signals does.

use crate::arena::error::{Error, Result, UnlessDied};
use crate::arena::word::handle::Entry;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::port::cell::CellState;
use crate::arena::word::port::observer::SourceHandle;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::handle::lookup::{self, ResolvedHandle};
use crate::object::ObjectClass;
use crate::object::port::cells::{self, Cell, Purpose};
use crate::object::port::evaluate::{self, Outcome, Target};
use crate::object::port::{blocks, deadlines};
use crate::process::pace::TRY_AGAIN_NS;
use crate::process::thread::{Thread, crash_point};
use crate::sync::{self, Relaxed};

/// P5: a raiser starts over when another thread lowers the bound meanwhile. After this often it leaves it to the next.
const MOST_LOOKS: u32 = 8;

/// The looks that are due: for each, the handle by which the observer was registered, and the side that it names.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    now_ns: i64,
    due: Vec<(SourceHandle, ObjectRef)>,
}

impl Looks {
    pub(crate) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// Makes the looks. The caller has no hazard. Damage that a look finds is no error of the caller's, which waits for a packet.
    pub(crate) fn make(&self, thread: &Thread) -> UnlessDied {
        // The caller may have a packet in its hand.
        thread.is_in_haste.set(true);
        let made = self.due.iter().try_for_each(|(source, side)| match find(thread, *source, *side) {
            Some(found) => Error::only_crash(look_for(thread, found, self.now_ns)),
            None => Ok(()),
        });
        thread.is_in_haste.set(false);
        made
    }
}

/// The handle, if it is still there.
fn find(thread: &Thread, source: SourceHandle, side: ObjectRef) -> Option<ResolvedHandle> {
    let index = source.index();
    // Relaxed: `lookup` loads the entry again, with Acquire.
    let entry = Entry(thread.arena().entry(thread.table_row, index)?.load(Relaxed));
    let is_meant = entry.object() == side && SourceHandle::new(thread.table_row, index, entry) == source;
    let value = is_meant.then(|| thread.process.codec.encode(index, entry))?;
    lookup::lookup(thread, value).ok().filter(|found| found.entry.0 == entry.0)
}

fn look_for(thread: &Thread, found: ResolvedHandle, now_ns: i64) -> Result<()> {
    let object = thread.arena().object(found.entry.object().slot())?;
    // Relaxed: if the slot has its next user by now, the handle is gone, and the look finds that out.
    ObjectClass::of(Lifecycle(object.lifecycle.load(Relaxed)))?.look_for(thread, found, now_ns)
}

/// Fires the observers that are due. The caller has a hazard on the port, and makes the looks when it has none. Costs one load
/// where no deadline is observed, and a look at the clock where none is due.
pub(crate) fn fire_due(thread: &Thread, port: Slot) -> Result<Looks> {
    let earliest = blocks::body(thread.arena(), port)?.earliest();
    let mut looks = Looks::default();
    for _ in 0..MOST_LOOKS {
        let bound = deadlines::load(earliest);
        let Some(deadline_ns) = bound.deadline_ns() else { return Ok(looks) };
        let now_ns = sync::now_ns();
        if deadline_ns > now_ns {
            return Ok(looks);
        }
        looks.now_ns = now_ns;
        let mut next_ns = None;
        for group in cells::groups_of(thread.arena(), port, Purpose::Observer) {
            next_ns = earlier(next_ns, fire_group(thread, port, group?, &mut looks)?);
        }
        crash_point!(thread, "deadline.fired");
        // Relaxed: the value that it replaces was loaded with Acquire, and has a version; and a raised bound publishes nothing. If
        // it fails, a deadline has come since.
        if earliest.compare_exchange(bound.0, bound.raised(next_ns).0, Relaxed, Relaxed).is_ok() {
            return Ok(looks);
        }
    }
    Ok(looks)
}

fn earlier(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Fires what is due in one group. The earliest deadline that is left.
fn fire_group(
    thread: &Thread,
    port: Slot,
    group: cells::Group<'_>,
    looks: &mut Looks,
) -> Result<Option<i64>> {
    let cell = group.bound();
    for _ in 0..MOST_LOOKS {
        let bound = deadlines::load(cell);
        match bound.deadline_ns() {
            Some(deadline_ns) if deadline_ns <= looks.now_ns => {}
            later => return Ok(later),
        }
        let mut next_ns = None;
        for observer in group.cells() {
            next_ns = earlier(next_ns, fire_one(thread, port, observer, looks)?);
        }
        // Relaxed: as in `fire_due`.
        if cell.compare_exchange(bound.0, bound.raised(next_ns).0, Relaxed, Relaxed).is_ok() {
            return Ok(next_ns);
        }
    }
    // Other threads lower it all the time: it is looked at again by then.
    Ok(deadlines::load(cell).deadline_ns())
}

/// Fires an observer if it is due. Gives the time at which one that stays armed must be looked at again.
fn fire_one(thread: &Thread, port: Slot, cell: Cell<'_>, looks: &mut Looks) -> Result<Option<i64>> {
    let word = cell.load();
    if !(word.state() == CellState::Armed || word.has_packet() && word.is_repeating()) {
        return Ok(None);
    }
    let (observed, source, now_ns) = (cell.side(), cell.source(), looks.now_ns);
    let next_ns = evaluate::with_target(thread, observed.object(), |target: Target<'_>| {
        if target.observed != observed || !target.class().has_deadline() {
            return Ok(None);
        }
        let fire = || match evaluate::fire(thread, &target, port, cell, |cell| cell.side() == observed)? {
            Outcome::Armed { next_ns } => Ok(next_ns),
            Outcome::Over => Ok(None),
        };
        match fire()? {
            // Due, and not asserted: only a look can tell.
            Some(due_ns) if due_ns <= now_ns => {
                if source.process() == thread.table_row {
                    looks.due.push((source, observed.object()));
                    return Ok(Some(now_ns.saturating_add(TRY_AGAIN_NS)));
                }
                match target.class().look_for_another(thread, observed.object(), due_ns, now_ns)? {
                    None => fire(),
                    later => Ok(later),
                }
            }
            next_ns => Ok(next_ns),
        }
    });
    match next_ns {
        // A damaged object is no reason to take no packet.
        Err(error @ Error::Corrupt(_)) if !error.is_crash() => Ok(None),
        next_ns => next_ns,
    }
}
