//! What happens when a side's last reference goes: the other side is told, what is queued for it is closed,
//! and when all sides are done the slot is retired; later, when nobody names it, it is used again or freed.
//!
//! The work list is in the arena (the row's `dying`, linked through the objects), so a cascade of any depth
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

use crate::bits::ObjectRef;
use crate::burial::Budget;
use crate::counter::Counter;
use crate::drain::Draining;
use crate::error::{Error, Result, crash_point};
use crate::layout::Config;
use crate::object::{Life, LifeState, Shape, State, signal};
use crate::owner::{Claim, HAZARD_DYING, ProcessState};
use crate::sync::{self, Acquire, Relaxed, Release, SeqCst, fence, heavy_barrier};
use crate::thread::Thread;

/// How many retired slots a thread gathers before it pays for a barrier: fewer where there are few. Twice as many, once
/// nobody names them, wait for its next objects; more than that are freed.
pub(crate) fn reclaim_batch(config: &Config) -> usize {
    const MOST: usize = if cfg!(loom) { 1 } else { 512 };
    MOST.min(config.max_objects as usize / 8).max(1)
}

/// What was spent on one run over a dying list, and where it is draining.
///
/// P5: a bound that no undamaged arena reaches: a side dies once in a run, and is come to once more after what died of
/// it. The messages of one have a bound of their own (`drain`).
#[derive(Debug, Default)]
pub(crate) struct Effort {
    /// The side that was come to last, as a link.
    last: u64,
    /// How often it was another than the one before.
    changes: u64,
    pub(crate) draining: Option<Draining>,
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
        self.draining = None;
    }
}

impl Thread {
    /// Puts a side at the head of this row's list.
    pub(crate) fn push_dying(&self, object: ObjectRef) -> Result<()> {
        let dying = &self.row().dying;
        let next = &self.arena().object(object.slot())?.next[object.side()];
        // Relaxed: the list is this row's own, and the store below comes after.
        next.store(dying.load(Relaxed), Relaxed);
        crash_point!(self, "dying.linked");
        dying.store(object.to_link(), Release);
        Ok(())
    }

    /// Clears every side on this row's list, and every side that dies of it.
    #[inline]
    pub(crate) fn work_dying(&self) -> Result<()> {
        // Relaxed: the list is this row's own.
        if self.row().dying.load(Relaxed) == 0 { Ok(()) } else { self.work_dying_list() }
    }

    fn work_dying_list(&self) -> Result<()> {
        self.work_dying_for(&mut Effort::default(), &mut Budget::unlimited()).map(drop)
    }

    /// As [`work_dying`](Self::work_dying), while the budget lasts. `false` when it is spent before the list ends; then
    /// `effort` is what was spent on it so far.
    pub(crate) fn work_dying_for(&self, effort: &mut Effort, budget: &mut Budget) -> Result<bool> {
        let dying = &self.row().dying;
        // Relaxed: the list is this row's own.
        if dying.load(Relaxed) == 0 {
            return Ok(true);
        }
        let config = self.arena().config();
        while let Some(object) = ObjectRef::from_link(dying.load(Relaxed)) {
            if !budget.spend() {
                return Ok(false);
            }
            effort.spend(object, config)?;
            // Relaxed: whoever finds the slot RETIRED finds this, which came before.
            self.row().hazards()[HAZARD_DYING].store(object.to_link(), Relaxed);
            crash_point!(self, "dying.hazard");
            let slot = self.arena().object(object.slot())?;
            let life = Life(slot.life.load(Relaxed));
            if life.state() == LifeState::Live {
                if !life.is_done(object.side()) {
                    if !self.clear_side(object, life, effort, budget)? {
                        return Ok(false);
                    }
                    // Relaxed: the list is this row's own.
                    if dying.load(Relaxed) != object.to_link() {
                        // What died of it has been put before it on the list, and comes first.
                        continue;
                    }
                }
                crash_point!(self, "dying.cleared");
                // Its slot may be another's soon.
                effort.draining = None;
                if !self.finish_side(object, budget)? {
                    return Ok(false);
                }
                crash_point!(self, "dying.finished");
            }
            let next = &slot.next[object.side()];
            dying.store(next.load(Relaxed), Release);
            crash_point!(self, "dying.popped");
            // A damaged list that runs in a circle ends where it has been. Release: only now, or the rest of the
            // list would be lost with this thread.
            next.store(0, Release);
        }
        effort.end();
        self.clear_hazard(HAZARD_DYING);
        if self.retired.borrow().len() >= self.reclaim_batch {
            self.go_through_retired(self.most_cleared())?;
        }
        Ok(true)
    }

    /// Tells the other side, and closes what is queued for this one. What dies of that is put before it on the list.
    /// `false` when the budget is spent before that is done.
    fn clear_side(
        &self,
        object: ObjectRef,
        life: Life,
        effort: &mut Effort,
        budget: &mut Budget,
    ) -> Result<bool> {
        let shape = life.shape().ok_or(Error::Corrupt("an object of no known shape"))?;
        if shape == Shape::Single {
            return Ok(true);
        }
        let own = &self.arena().object(object.slot())?.state[object.side()];
        self.tell_peer_closed(object)?;
        if shape == Shape::Pair {
            return Ok(true);
        }
        // ORDER: full fence between telling the peer and looking at what it sent: it commits, fences and then
        // looks whether it was told (`transfer`), so one of the two closes every handle in transit. The same
        // between two sides that clear at once.
        fence(SeqCst);
        if !self.drain_for(object.peer(), &mut effort.draining, budget)? {
            return Ok(false);
        }
        // What this side sent to a side that is gone has no other reader. Relaxed: the fence is the ordering.
        if State(own.load(Relaxed)).signals() & signal::PEER_CLOSED == 0 {
            return Ok(true);
        }
        self.drain_for(object, &mut effort.draining, budget)
    }

    /// Asserts PEER_CLOSED on the other side and wakes whoever sleeps there. Idempotent.
    pub(crate) fn tell_peer_closed(&self, object: ObjectRef) -> Result<()> {
        let peer = object.peer();
        let state = &self.arena().object(peer.slot())?.state[peer.side()];
        // Relaxed: told already is told.
        if State(state.load(Relaxed)).signals() & signal::PEER_CLOSED == 0 {
            // ORDER: Release: what was sent before is seen by whoever sees PEER_CLOSED ("after it has read what
            // was sent"), and one word holds signal and sleepers, so no sleeper is missed.
            sync::released(state);
            state.fetch_or(u64::from(signal::PEER_CLOSED) << 32, Release);
        }
        crash_point!(self, "dying.told");
        self.wake(state, State::ARMED | State::ARMED_WRITABLE);
        Ok(())
    }

    /// Marks the side done; the object is RETIRED in the same step if it was the last. `false` when the budget is spent
    /// before all blocks of a channel are free: then its side stays at the head of the list, and nothing is left to clear.
    fn finish_side(&self, object: ObjectRef, budget: &mut Budget) -> Result<bool> {
        let (slot, side) = (object.slot(), object.side());
        let cell = &self.arena().object(slot)?.life;
        // Twice if the other side is done in between; never more.
        for _ in 0..2 {
            // ORDER: Acquire pairs with the Release below: of the last side, who has seen that the other is done sees all
            // that was done to the rings.
            let life = Life(cell.load(Acquire));
            if life.is_done(side) {
                return Ok(true);
            }
            let finished = life.finished(side);
            if finished.state() == LifeState::Retired
                && life.shape() == Some(Shape::Channel)
                && !self.free_blocks_of(slot, budget)?
            {
                return Ok(false);
            }
            // ORDER: Release, either way: this side's clearing comes before, for whoever reclaims the slot. It is
            // ordered behind both sides, whoever is the last, since the CAS continues what it changes.
            if life.shape() == Some(Shape::Single) {
                // Nobody else changes the word (INV-LIFE-1).
                cell.store(finished.0, Release);
            } else if cell.compare_exchange(life.0, finished.0, Release, Relaxed).is_err() {
                continue;
            }
            crash_point!(self, "dying.done");
            if finished.state() == LifeState::Retired {
                self.tally(Counter::ObjectsRetired, 1);
                self.retired.borrow_mut().push((slot, finished));
            }
            return Ok(true);
        }
        Err(Error::Corrupt("an object whose life changes while it ends"))
    }

    /// How many slots may wait for this thread's next objects. A stand-in will have none.
    fn most_cleared(&self) -> usize {
        if self.owns_row { 2 * self.reclaim_batch } else { 0 }
    }

    /// Makes retired slots free again, except those that some thread's hazard names. Gives how many.
    pub fn reclaim(&self) -> Result<usize> {
        self.retired.borrow_mut().append(&mut self.cleared.borrow_mut());
        self.go_through_retired(0)
    }

    /// What ended threads have left is a batch, too: the one that completes it reclaims it. Others may never retire enough.
    pub(crate) fn reclaim_orphans(&self) {
        if self.process.orphans.lock().len() >= self.reclaim_batch {
            // Should it fail, a collection finds them.
            let _ = self.go_through_retired(0);
            self.process.orphans.lock().append(&mut self.retired.borrow_mut());
        }
    }

    /// Sorts the retired slots: those that hazards name stay; up to `most_cleared` of the others wait in `cleared`, still
    /// RETIRED, for this thread's next objects; the rest becomes FREE. Gives how many became FREE.
    ///
    /// The lists have the exact words, from before the barrier: a list may name a slot that another reclaimed and that
    /// has lived again, and what retires after the barrier may be named by a hazard that is not seen here.
    #[cold]
    fn go_through_retired(&self, most_cleared: usize) -> Result<usize> {
        let mut retired = self.retired.borrow_mut();
        retired.append(&mut self.process.orphans.lock());
        // ORDER: pairs with the light barrier of `pin`: afterwards every hazard that was set before its slot
        // was retired is visible, and every later look finds the handle gone.
        if retired.is_empty() || !self.barrier()? {
            return Ok(0);
        }
        let named = self.hazarded()?;
        let mut cleared = self.cleared.borrow_mut();
        let (mut kept, mut reclaimed, mut ours, mut creditor) = (Vec::new(), 0, 0, None);
        let voided = self.credits_voided();
        // Should one of them fail, the others are found again by `gather_retired`.
        for (slot, life) in retired.drain(..) {
            let is_ours = life.is_charged_to(self.process.quotas.charge);
            if named.binary_search(&slot).is_ok() {
                kept.push((slot, life));
            } else if cleared.len() < most_cleared && is_ours && self.holds_nothing(slot, life)? {
                cleared.push((slot, life));
            } else {
                if !is_ours {
                    self.note_creditor(life, &mut creditor);
                }
                if self.free_retired(slot, life)? {
                    reclaimed += 1;
                    if is_ours {
                        ours += 1;
                    } else if let Some(creditor) = &mut creditor {
                        creditor.count();
                    }
                }
            }
        }
        self.give_object_credits_to(creditor);
        self.name_no_slot();
        retired.append(&mut kept);
        // A burst leaves no private memory behind.
        retired.shrink_to(4 * self.reclaim_batch);
        self.give_object_credits(voided, ours);
        Ok(reclaimed)
    }

    /// RETIRED → RECLAIMING → FREE. `false` if another was first.
    fn free_retired(&self, slot: u32, life: Life) -> Result<bool> {
        let reclaiming = life.reclaiming(self.tag);
        let cell = &self.arena().object(slot)?.life;
        if cell.load(Relaxed) != life.0 {
            return Ok(false);
        }
        self.name_slot(slot);
        // Relaxed load: the word was known before the barrier, which ordered it. One reclaimer wins. ORDER: Release: after the
        // intent, in the order that recovery sees.
        if cell.compare_exchange(life.0, reclaiming.0, Release, Relaxed).is_err() {
            return Ok(false);
        }
        crash_point!(self, "reclaim.claimed");
        self.tear_down(slot, reclaiming)?;
        Ok(true)
    }

    /// Makes sure that every other thread has passed a full fence. `false` when that cannot be had: the kernel
    /// refuses `membarrier` to this process, and not to all others.
    pub(crate) fn barrier(&self) -> Result<bool> {
        if heavy_barrier() {
            return Ok(true);
        }
        // Processes that could not register use full fences for their light barriers; where all of them do, the
        // fence above was enough. One that attaches from now on has no handle to what is retired already.
        for row in 1..self.arena().layout().processes.count as u16 {
            let row = self.arena().process(row)?;
            // Relaxed: a process that may be using what is retired has had a handle to it, and has changed its count
            // since it sat down. That came before, and with it whether it is fenced.
            let state = Claim(row.claim.load(Relaxed)).process_state();
            if state == ProcessState::Active && row.fenced.load(Relaxed) == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The slots that hazards name, sorted.
    pub(crate) fn hazarded(&self) -> Result<Vec<u32>> {
        let mut named = Vec::new();
        for tag in self.arena().thread_tags() {
            for hazard in self.arena().thread(tag)?.hazards() {
                // ORDER: Acquire pairs with the Release of `unpin`: an object seen unnamed is no longer used.
                named.extend(ObjectRef::from_link(hazard.load(Acquire)).map(ObjectRef::slot));
            }
        }
        named.sort_unstable();
        Ok(named)
    }

    /// Frees what a RECLAIMING slot still holds, then the slot. Resumable.
    pub(crate) fn tear_down(&self, slot: u32, life: Life) -> Result<()> {
        if life.shape() == Some(Shape::Channel) {
            self.free_directions(slot)?;
        }
        crash_point!(self, "reclaim.torn");
        self.free_named_slot(slot, life)
    }
}
