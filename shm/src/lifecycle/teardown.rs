//! What happens when a side's last reference goes: the other side is told, what is queued for it is closed,
//! and when all sides are done the slot is retired; later, when nobody names it, it is used again or freed.
//!
//! The work list is in the arena (the row's `release_queue`, linked through the objects), so a cascade of any depth
//! uses no stack and survives its worker: recovery goes on with the dead thread's list where it stopped.
//!
//! INV-DYING-1: a side is on exactly one list from the moment its count reached 0 (under the intent that took
//! it there) until it is done.
//! INV-DYING-2: only the head of a list is finished and taken off, and a hazard names it, so that a slot which was
//! retired and not yet taken off the list is not reused.
//! INV-DYING-3: clearing a side is idempotent, one message at a time, in one pass over all of them.
//! INV-DYING-4: a channel that is RETIRED holds no blocks: the worker of its last side gives them back before.
//! *Why nobody uses them any more:* the other side is done, so its worker has drained and gone on. No operation of
//! either end is left, since closing passed through its locks (INV-ENDPOINT-1), nor any of a dead process, whose intents
//! are settled before its ends are closed (INV-RECOVER-2). This side is on one list (INV-DYING-1), and its worker's
//! hazard and link intent say where a successor goes on.

use crate::arena::config::Config;
use crate::arena::error::{Error, Result};
use crate::arena::record::counter::Counter;
use crate::arena::record::row::HAZARD_RELEASE;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::reference::ObjectRef;
use crate::handle::pin;
use crate::lifecycle::reclaim;
use crate::object::ObjectClass;
use crate::object::budget::Budget;
use crate::object::class::Progress;
use crate::process::thread::{Thread, crash_point};
use crate::sync::{Acquire, Relaxed, Release};

/// What was spent on one run over a release queue, and where it is draining.
///
/// P5: a bound that no undamaged arena reaches: a side dies once in a run, and is come to once more after what died of
/// it. The messages of one have a bound of their own (`drain`).
#[derive(Debug, Default)]
pub(crate) struct Effort {
    /// The side that was come to last, as a link.
    last: u64,
    /// How often it was another than the one before.
    changes: u64,
    pub(crate) progress: Progress,
}

impl Effort {
    #[inline(always)]
    fn spend(&mut self, object: ObjectRef, config: &Config) -> Result<()> {
        if self.last != object.to_link() {
            self.last = object.to_link();
            self.changes += 1;
            if self.changes > 8 * (u64::from(config.max_objects) + 1) {
                return Err(Error::Corrupt("a list of dying objects without an end"));
            }
        }
        Ok(())
    }

    /// The run is over: as from the beginning. Field by field, since the whole is written at every close otherwise.
    #[inline(always)]
    fn end(&mut self) {
        self.last = 0;
        self.changes = 0;
        self.progress.draining = None;
    }
}

/// Clears every side on this row's list, and every side that dies of it.
#[inline]
pub(crate) fn run_release_queue(thread: &Thread) -> Result<()> {
    // Relaxed: the list is this row's own.
    if thread.row().release_queue.load(Relaxed) == 0 { Ok(()) } else { run_release_list(thread) }
}

fn run_release_list(thread: &Thread) -> Result<()> {
    run_release_queue_for(thread, &mut Effort::default(), &mut Budget::unlimited()).map(drop)
}

/// As [`run_release_queue`], while the budget lasts. `false` when it is spent before the list ends; then
/// `effort` is what was spent on it so far.
pub(crate) fn run_release_queue_for(
    thread: &Thread,
    effort: &mut Effort,
    budget: &mut Budget,
) -> Result<bool> {
    let release_queue = &thread.row().release_queue;
    // Relaxed: the list is this row's own.
    if release_queue.load(Relaxed) == 0 {
        return Ok(true);
    }
    let config = thread.arena().config();
    while let Some(object) = ObjectRef::from_link(release_queue.load(Relaxed)) {
        if !budget.spend() {
            return Ok(false);
        }
        effort.spend(object, config)?;
        // Relaxed: whoever finds the slot RETIRED finds this, which came before.
        thread.row().hazards()[HAZARD_RELEASE].store(object.to_link(), Relaxed);
        crash_point!(thread, "release.hazard");
        let slot = thread.arena().object(object.slot())?;
        let lifecycle = Lifecycle(slot.lifecycle.load(Relaxed));
        if lifecycle.state() == LifecycleState::Live {
            if !lifecycle.is_done(object.side()) {
                if !ObjectClass::of(lifecycle)?.release_step(thread, object, &mut effort.progress, budget)? {
                    return Ok(false);
                }
                // Relaxed: the list is this row's own.
                if release_queue.load(Relaxed) != object.to_link() {
                    // What died of it has been put before it on the list, and comes first.
                    continue;
                }
            }
            crash_point!(thread, "release.cleared");
            // Its slot may be another's soon.
            effort.progress.draining = None;
            if !finalize_side(thread, object, budget)? {
                return Ok(false);
            }
            crash_point!(thread, "release.finished");
        }
        let next = &slot.next[object.side()];
        release_queue.store(next.load(Relaxed), Release);
        crash_point!(thread, "release.popped");
        // A damaged list that runs in a circle ends where it has been. Release: only now, or the rest of the
        // list would be lost with this thread.
        next.store(0, Release);
    }
    effort.end();
    pin::clear_hazard(thread, HAZARD_RELEASE);
    if thread.retired.borrow().len() >= thread.reclaim_batch {
        reclaim::scan_retired(thread, reclaim::most_reusable(thread))?;
    }
    Ok(true)
}

/// Marks the side done; the object is RETIRED in the same step if it was the last. `false` when the budget is spent
/// before all blocks of a channel are free: then its side stays at the head of the list, and nothing is left to clear.
fn finalize_side(thread: &Thread, object: ObjectRef, budget: &mut Budget) -> Result<bool> {
    let (slot, side) = (object.slot(), object.side());
    let cell = &thread.arena().object(slot)?.lifecycle;
    // Twice if the other side is done in between; never more.
    for _ in 0..2 {
        // ORDER: Acquire pairs with the Release below: of the last side, who has seen that the other is done sees all
        // that was done to the rings.
        let lifecycle = Lifecycle(cell.load(Acquire));
        if lifecycle.is_done(side) {
            return Ok(true);
        }
        let finished = lifecycle.finished(side);
        if finished.state() == LifecycleState::Retired
            && !ObjectClass::of(lifecycle)?.free_blocks(thread, slot, budget)?
        {
            return Ok(false);
        }
        // ORDER: Release, either way: this side's clearing comes before, for whoever reclaims the slot. It is
        // ordered behind both sides, whoever is the last, since the CAS continues what it changes.
        if !lifecycle.is_two_sided() {
            // Nobody else changes the word (INV-LIFE-1).
            cell.store(finished.0, Release);
        } else if cell.compare_exchange(lifecycle.0, finished.0, Release, Relaxed).is_err() {
            continue;
        }
        crash_point!(thread, "release.done");
        if finished.state() == LifecycleState::Retired {
            thread.increment(Counter::ObjectsRetired, 1);
            thread.retired.borrow_mut().push((slot, finished));
        }
        return Ok(true);
    }
    Err(Error::Corrupt("an object whose life changes while it ends"))
}
