//! Teardown of a side after its last reference is gone: the other side sees PEER_CLOSED, the messages queued for the
//! side are closed, and when all sides are done the slot is RETIRED. Once no hazard names the slot, it is used again or
//! freed.
//!
//! The release queue is in the arena: the row's `release_queue`, linked through the objects. So a cascade of any depth
//! uses no stack and survives its worker: recovery continues the dead thread's queue where it stopped.
//!
//! INV-RELEASE-1: a side is on exactly one release queue from the moment its count reached 0 (under the intent that took
//! it there) until it is done.
//! INV-RELEASE-2: only the head of a queue is finished and taken off, and a hazard names it, so that a slot that was
//! retired and not yet taken off the queue is not reused.
//! INV-RELEASE-3: clearing a side is idempotent, one message at a time, in one pass over all of them.
//! INV-RELEASE-4: a channel that is RETIRED holds no blocks: the worker of its last side gives them back before.
//! *Why no thread uses the blocks any more:* the other side is done, so its worker has drained and gone on. No
//! operation of either end is left: close passed through its locks (INV-ENDPOINT-1). No operation of a dead process is
//! left: its intents are resolved before its ends are closed (INV-RECOVER-2). This side is on one queue (INV-RELEASE-1),
//! and its worker's hazard and list intent say where a successor continues.

use crate::arena::config::Config;
use crate::arena::error::{Error, Result};
use crate::arena::record::counter::Counter;
use crate::arena::record::row::HAZARD_RELEASE;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::handle::pin;
use crate::lifecycle::reclaim;
use crate::object::budget::Budget;
use crate::object::port::index;
use crate::object::{self, ObjectClass, Progress};
use crate::process::thread::{Thread, crash_point};
use crate::sync::{Acquire, Relaxed, Release};

/// The steps that one run over a release queue has taken, and the drain that it is in the middle of.
///
/// P5: a bound that no undamaged arena reaches. A side joins the queue once in a run. It is worked on when it is at the
/// head, and once more after the sides that it has released. The messages of one side have a bound of their own
/// (`object/channel/drain`).
#[derive(Debug, Default)]
pub(crate) struct ReleaseRun {
    /// The side of the last step, as a link.
    last: u64,
    /// How often a step had another side than the step before.
    changes: u64,
    pub(crate) progress: Progress,
}

impl ReleaseRun {
    #[inline(always)]
    fn charge(&mut self, object: ObjectRef, config: &Config) -> Result<()> {
        if self.last != object.to_link() {
            self.last = object.to_link();
            self.changes += 1;
            if self.changes > 8 * (u64::from(config.max_objects) + 1) {
                return Err(Error::Corrupt("a release queue without an end"));
            }
        }
        Ok(())
    }

    /// Resets for the next run.
    #[inline(always)]
    fn end(&mut self) {
        self.last = 0;
        self.changes = 0;
        self.progress.forget();
    }
}

/// Clears every side on this row's queue, and every side that this releases in turn.
#[inline]
pub(crate) fn run_release_queue(thread: &Thread) -> Result<()> {
    // Relaxed: the queue is this row's own.
    if thread.row().release_queue.load(Relaxed) == 0 { Ok(()) } else { run_release_list(thread) }
}

fn run_release_list(thread: &Thread) -> Result<()> {
    run_release_queue_for(thread, &mut ReleaseRun::default(), &mut Budget::unlimited()).map(drop)
}

/// As [`run_release_queue`], while the budget lasts. `false` when the budget is spent before the queue ends; then
/// `run` has the steps taken so far.
pub(crate) fn run_release_queue_for(
    thread: &Thread,
    run: &mut ReleaseRun,
    budget: &mut Budget,
) -> Result<bool> {
    let release_queue = &thread.row().release_queue;
    // Relaxed: the queue is this row's own.
    if release_queue.load(Relaxed) == 0 {
        return Ok(true);
    }
    let config = thread.arena().config();
    let retired_before = thread.retired.borrow().len();
    while let Some(object) = ObjectRef::from_link(release_queue.load(Relaxed)) {
        if !budget.charge() {
            return Ok(false);
        }
        run.charge(object, config)?;
        // Relaxed: a reclaimer that finds the slot RETIRED finds this hazard: the Release that retires it comes after.
        thread.row().hazards()[HAZARD_RELEASE].store(object.to_link(), Relaxed);
        crash_point!(thread, "release.hazard");
        let slot = thread.arena().object(object.slot())?;
        let lifecycle = Lifecycle(slot.lifecycle.load(Relaxed));
        if lifecycle.state() == LifecycleState::Live {
            if !lifecycle.is_done(object.side()) {
                if !object::release_step(lifecycle, thread, object, &mut run.progress, budget)? {
                    return Ok(false);
                }
                // Relaxed: the queue is this row's own.
                if release_queue.load(Relaxed) != object.to_link() {
                    // Sides that this one released are ahead of it on the queue, and come first.
                    continue;
                }
            }
            crash_point!(thread, "release.cleared");
            // The slot may soon hold another object.
            run.progress.forget();
            if !finalize_side(thread, object, budget)? {
                return Ok(false);
            }
            crash_point!(thread, "release.finished");
        }
        let next = &slot.next[object.side()];
        // ORDER: Release: after the side is done, in the order that recovery sees.
        release_queue.store(next.load(Relaxed), Release);
        crash_point!(thread, "release.popped");
        // 0, so that a damaged queue that runs in a circle ends at a side that it has passed.
        // ORDER: Release: after the pop. If the link were cleared first and this thread died, the rest of the queue
        // would be lost.
        next.store(0, Release);
    }
    run.end();
    pin::clear_hazard(thread, HAZARD_RELEASE);
    // After the hazard is cleared. A search for blocks that still finds it has begun before its heavy barrier: then this
    // thread sees that, and the search counts as none.
    if thread.process.quotas.pools.wants_memory() {
        note_retired_blocks(thread, retired_before)?;
    }
    if thread.retired.borrow().len() >= thread.reclaim_batch {
        reclaim::scan_retired(thread, reclaim::most_reusable(thread))?;
    }
    Ok(true)
}

/// Marks the side done. The last side retires the object in the same step. `false` when the budget is spent before all
/// blocks of a channel are free: then the side stays at the head of the queue, with no message left to clear.
fn finalize_side(thread: &Thread, object: ObjectRef, budget: &mut Budget) -> Result<bool> {
    let (slot, side) = (object.slot(), object.side());
    let cell = &thread.arena().object(slot)?.lifecycle;
    // The CAS fails only if the other side becomes done in between, so it runs at most twice.
    for _ in 0..2 {
        // ORDER: Acquire pairs with the Release below: the worker of the last side sees that the other side is done,
        // and with it all that the other worker did to the rings.
        let lifecycle = Lifecycle(cell.load(Acquire));
        if lifecycle.is_done(side) {
            return Ok(true);
        }
        let finished = lifecycle.finished(side);
        if finished.state() == LifecycleState::Retired
            && !object::free_blocks(lifecycle, thread, slot, budget)?
        {
            return Ok(false);
        }
        // ORDER: Release, either way: the reclaimer of the slot sees this side cleared. The RETIRED word is ordered
        // after the work of both sides, since the last side's CAS continues the release sequence of the other side's.
        if !lifecycle.is_two_sided() {
            // No other thread changes the word (INV-LIFECYCLE-1), so a store is enough.
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
    Err(Error::Corrupt("a lifecycle word that changes during teardown"))
}

/// Ends the pause of searches for blocks if an object that this run has retired holds some. Those of earlier runs are not looked
/// at again, or each close after a refusal would cost as much as they are many.
#[cold]
fn note_retired_blocks(thread: &Thread, retired_before: usize) -> Result<()> {
    for (slot, lifecycle) in thread.retired.borrow().iter().skip(retired_before) {
        if may_hold_blocks(thread, *slot, *lifecycle)? {
            thread.process.quotas.pools.note_memory();
            break;
        }
    }
    Ok(())
}

/// Whether an object is still RETIRED, and may hold blocks until it is reclaimed. A channel holds none (INV-RELEASE-4),
/// but for the index of a side that was observed. A hint: another thread may reclaim it meanwhile.
fn may_hold_blocks(thread: &Thread, slot: Slot, lifecycle: Lifecycle) -> Result<bool> {
    // Relaxed: a hint.
    Ok(thread.arena().object(slot)?.lifecycle.load(Relaxed) == lifecycle.0
        && (index::is_indexed(thread.arena(), slot)?
            || !ObjectClass::of(lifecycle)?.has_rings() && !object::is_blank(lifecycle, thread, slot)?))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::handle::Rights;
    use crate::object::ObjectClass;
    use crate::object::directory::meet::Meeting;
    use crate::process::Process;

    /// After a refusal each close looks at what it has retired itself, and not at all that was retired before.
    #[test]
    fn closes_look_at_their_own_objects() {
        let config =
            Config { max_objects: 64, pool_bytes: 1 << 16, max_loan_bytes: 1 << 13, ..Config::default() };
        let thread = Thread::join(&Process::alone(&config)).unwrap();
        let close = |value| thread.close(thread.lookup(value).unwrap()).unwrap();
        let directory = || {
            let (directory, _) = thread.create(ObjectClass::Directory, Rights::all()).unwrap();
            let at = Meeting { directory, rights: Rights::empty(), name: "log", deadline_ns: 0 };
            close(thread.serve(at, Rights::all()).unwrap());
            directory
        };
        let (first, second) = (directory(), directory());
        let pools = &thread.process.quotas.pools;
        close(first);
        pools.begin();
        pools.failed(usize::MAX >> 8);
        close(thread.create(ObjectClass::Event, Rights::all()).unwrap().0);
        assert!(
            pools.wants_memory(),
            "the directory that was closed before holds blocks, and is not looked at again"
        );
        close(second);
        assert!(!pools.wants_memory());
    }
}
