//! Making objects, replacing handles, and leaving a child its startup handle.
//!
//! Create: entries RESERVED, counts set, life RESERVED → LIVE **commits**, entries LIVE. Recovery: life LIVE →
//! entries LIVE, else everything is freed.
//! Move: new entry RESERVED, old LIVE → MOVED **commits**, new LIVE, old FREE. Recovery: old MOVED → new LIVE,
//! else new FREE.
//!
//! Slots that others have freed are looked for a stretch at a time, before slots that were never used: so a create costs a
//! few loads more, on average, and the slots ever used are a third more than were in use at once, at most.
//!
//! INV-CREATE-1: a slot is RESERVED by CAS on its own word; the shared count of used slots is only a hint.

use crate::bits::ObjectRef;
use crate::count::Found;
use crate::counter::Counter;
use crate::error::{Error, Result, crash_point};
use crate::late::ChannelOptions;
use crate::object::{Count, Life, LifeState, Shape, State};
use crate::owner::{Claim, Operation, ProcessState, Record};
use crate::process::{Arrival, Process, STARTUP_ENTRY, Seat};
use crate::sync::{self, Acquire, Relaxed, Release};
use crate::table::{Entry, EntryState};
use crate::thread::Thread;

/// Slots that are looked at in one stretch: few in models, where there are few.
const STRETCH: u32 = if cfg!(loom) { 1 } else { 1024 };
/// Slots that were never used and may be taken before the next stretch.
const FRESH_AT_A_TIME: u32 = if cfg!(loom) { 1 } else { STRETCH / 4 };
/// Slots that are noted as free at once.
pub(crate) const MOST_SPARE: usize = FRESH_AT_A_TIME as usize;

/// How far a process has come in its search for slots that others have freed.
#[derive(Debug, Default)]
pub(crate) struct SlotSearch {
    /// Where the next stretch begins.
    next: u32,
    /// So many slots that were never used may be taken before it.
    fresh_left: u32,
}

/// Handles to a new object; the second is `None` for an object with one side.
pub type Created = (u32, Option<u32>);

impl Thread {
    /// Makes an object of `shape` and the caller's type number `kind`, with a handle of `rights` to each side.
    pub fn create(&self, shape: Shape, kind: u8, rights: u32) -> Result<Created> {
        self.create_with(shape, kind, rights, ChannelOptions::default())
    }

    /// As [`create`](Self::create); a channel has these options.
    pub fn create_with(
        &self,
        shape: Shape,
        kind: u8,
        rights: u32,
        options: ChannelOptions,
    ) -> Result<Created> {
        let (slot, life, credit) = self.take_slot()?;
        crash_point!(self, "create.slot");
        let result = self.fill_slot(slot, life, shape, (kind, rights), options);
        if let Err(error) = result
            && error != Error::Died
        {
            self.release_slot(slot, life)?;
            self.give_object_credit_back(credit);
        }
        result
    }

    fn fill_slot(
        &self,
        slot: u32,
        life: Life,
        shape: Shape,
        (kind, rights): (u8, u32),
        options: ChannelOptions,
    ) -> Result<Created> {
        let object = self.arena().object(slot)?;
        self.set_operation(Operation::Create { slot });
        let sides = shape.sides();
        let mut entries = [(0u32, Entry(0)); 2];
        for side in 0..sides {
            match self.reserve_entry(ObjectRef::new(slot, side as u32)) {
                Ok(reserved) => entries[side] = reserved,
                Err(error) => {
                    if side == 1 {
                        self.release_reserved(entries[0].0, entries[0].1);
                    }
                    self.set_operation(Operation::Idle);
                    return Err(error);
                }
            }
        }
        crash_point!(self, "create.reserved");
        // Relaxed: what is made here is published by the life, below.
        object.koid.store(self.take_koids(), Relaxed);
        let sequence = self.next_sequence();
        self.intend_nothing();
        for side in 0..sides {
            object.count[side].store(Count::new(1, self.tag, sequence).0, Relaxed);
            let state = &object.state[side];
            // A plain store: a sleeper of an earlier life that arms in between finds the counter moved.
            // ORDER: Release pairs with the fence of `was_still`: who sees it sees that the last handle is gone.
            state.store(State(state.load(Relaxed)).fresh().0, Release);
        }
        if shape == Shape::Channel {
            self.set_options(slot, options)?;
        }
        crash_point!(self, "create.filled");
        // ORDER: Release: what is LIVE is complete, for whoever recovers this process too.
        object.life.store(life.live(kind, shape, self.process.quotas.charge).0, Release);
        crash_point!(self, "create.committed");
        let first = self.arrive(entries[0].0, entries[0].1, rights, Arrival::New)?.value;
        crash_point!(self, "create.first");
        let second = match sides {
            2 => Some(self.arrive(entries[1].0, entries[1].1, rights, Arrival::New)?.value),
            _ => None,
        };
        self.set_operation(Operation::Idle);
        self.tally(Counter::ObjectsCreated, 1);
        Ok((first, second))
    }

    /// RESERVED → FREE: nothing came of it.
    fn release_slot(&self, slot: u32, life: Life) -> Result<()> {
        self.arena().object(slot)?.life.store(life.freed().0, Release);
        self.note_spare(slot);
        Ok(())
    }

    /// Notes a slot that this thread has freed, for its next object: no more than a few, since others may take them first.
    pub(crate) fn note_spare(&self, slot: u32) {
        let mut spare = self.spare_slots.borrow_mut();
        if spare.len() < MOST_SPARE {
            spare.push(slot);
        }
    }

    /// A slot, RESERVED by this thread, and the credit that it cost.
    fn take_slot(&self) -> Result<(u32, Life, u64)> {
        match self.take_cleared_slot()? {
            Some(taken) => Ok(taken),
            None => self.take_slot_on_credit(),
        }
    }

    /// A slot that has been this process's and is still RETIRED: nobody names it, and it holds nothing. What it has
    /// counted for its process, it counts on.
    fn take_cleared_slot(&self) -> Result<Option<(u32, Life, u64)>> {
        let mut cleared = self.cleared.borrow_mut();
        while let Some((slot, retired)) = cleared.pop() {
            let reserved = retired.renewed(self.tag);
            // Relaxed: the word was known before the barrier, which ordered it. It is another if the slot was reclaimed
            // by others, who had run out of them; perhaps it is in use, and its line is not taken from them for nothing.
            let life = &self.arena().object(slot)?.life;
            if life.load(Relaxed) == retired.0
                && life.compare_exchange(retired.0, reserved.0, Relaxed, Relaxed).is_ok()
            {
                return Ok(Some((slot, reserved, self.aside.get().voided())));
            }
        }
        Ok(None)
    }

    /// A free slot.
    #[cold]
    fn take_slot_on_credit(&self) -> Result<(u32, Life, u64)> {
        // More than once only if other threads count the credits at this very moment.
        for _ in 0..16 {
            let credit = self.take_object_credit()?;
            match self.take_any_slot() {
                Ok((slot, life)) if self.stands(credit) => return Ok((slot, life, credit)),
                Ok((slot, life)) => self.release_slot(slot, life)?,
                Err(error) => {
                    self.give_object_credit_back(credit);
                    return Err(error);
                }
            }
        }
        Err(Error::NoResources("objects of this process (max_objects_per_process)"))
    }

    fn take_any_slot(&self) -> Result<(u32, Life)> {
        /// What keeps a slot in between is over in a moment, or its thread is stopped.
        const MOST_ROUNDS: u32 = if cfg!(loom) { 1 } else { 64 };
        if let Some(taken) = self.take_spare_slot()? {
            return Ok(taken);
        }
        let looks = {
            let mut search = self.process.slot_search.lock();
            let looks = search.fresh_left == 0;
            search.fresh_left = if looks { FRESH_AT_A_TIME } else { search.fresh_left - 1 };
            looks
        };
        if looks {
            self.find_free_slots(STRETCH)?;
            if let Some(taken) = self.take_spare_slot()? {
                self.process.slot_search.lock().fresh_left = 0;
                return Ok(taken);
            }
        }
        if let Some(taken) = self.take_fresh_slot()? {
            return Ok(taken);
        }
        // Everything is in use, resting as retired in some thread's list, or was given back by others.
        for _ in 0..MOST_ROUNDS {
            self.collect()?;
            let in_between = self.find_free_slots(self.arena().used_slots())?;
            if let Some(taken) = self.take_spare_slot()? {
                return Ok(taken);
            }
            if !in_between {
                break;
            }
            sync::rest();
        }
        Err(Error::NoResources("objects"))
    }

    /// A slot that was free when last seen.
    fn take_spare_slot(&self) -> Result<Option<(u32, Life)>> {
        loop {
            let spare = self.spare_slots.borrow_mut().pop();
            let spare = spare.or_else(|| self.process.spare_slots.lock().pop());
            let Some(slot) = spare else { break };
            let life = &self.arena().object(slot)?.life;
            let free = Life(life.load(Relaxed));
            let reserved = free.reserved(self.tag);
            // ORDER: Acquire pairs with the Release of `tear_down`.
            if free.state() == LifeState::Free
                && life.compare_exchange(free.0, reserved.0, Acquire, Relaxed).is_ok()
            {
                return Ok(Some((slot, reserved)));
            }
        }
        Ok(None)
    }

    /// The first slot that was never used.
    fn take_fresh_slot(&self) -> Result<Option<(u32, Life)>> {
        let fresh = &self.arena().header().objects_fresh;
        let slots = self.arena().layout().objects.count as u64;
        // As many rounds as there are slots: every round moves the count on, whoever takes the slot.
        for _ in 0..slots {
            // Relaxed: a hint; the slot's own word decides.
            let slot = fresh.load(Relaxed);
            if slot >= slots {
                break;
            }
            let reserved = Life(0).reserved(self.tag);
            let life = &self.arena().object(slot as u32)?.life;
            // Relaxed: a virgin slot has no history.
            let taken = life.compare_exchange(0, reserved.0, Relaxed, Relaxed).is_ok();
            // Whoever finds the slot taken helps the count on. ORDER: Release: after the slot was taken. A virgin
            // slot behind the count would never be found again.
            let _ = fresh.compare_exchange(slot, slot + 1, Release, Relaxed);
            if taken {
                return Ok(Some((slot as u32, reserved)));
            }
        }
        Ok(None)
    }

    /// Notes slots that are FREE, whoever freed them, among the next so many. Gives whether some of them were on their
    /// way from one use to the next, and kept by a hazard or in some thread's hands.
    fn find_free_slots(&self, stretch: u32) -> Result<bool> {
        let used = self.arena().used_slots();
        let mut spare = self.spare_slots.borrow_mut();
        let mut search = self.process.slot_search.lock();
        let mut in_between = false;
        for _ in 0..stretch.min(used) {
            if search.next >= used {
                search.next = 0;
            }
            let slot = search.next;
            search.next += 1;
            match Life(self.arena().object(slot)?.life.load(Relaxed)).state() {
                LifeState::Free => spare.push(slot),
                LifeState::Live | LifeState::Invalid => {}
                LifeState::Reserved(_) | LifeState::Retired | LifeState::Reclaiming(_) => in_between = true,
            }
            if spare.len() >= MOST_SPARE {
                break;
            }
        }
        Ok(in_between)
    }

    /// Replaces the handle by one with these rights, of which the caller knows that they are a subset. The
    /// original is gone even on an error.
    pub fn replace(&self, found: Found, rights: u32) -> Result<u32> {
        let object = found.entry.object();
        let (index, reserved) = match self.reserve_entry(object) {
            Ok(reserved) => reserved,
            Err(error) => {
                self.close(found)?;
                return Err(error);
            }
        };
        let to = Record::Entry { process: self.home, index };
        if let Err(error) = self.move_out(found, to) {
            if error != Error::Died {
                self.release_reserved(index, reserved);
                self.set_operation(Operation::Idle);
            }
            return Err(error);
        }
        if self.process.evict(found.index, object) {
            self.process.install(object, index, Arrival::Moved);
        }
        let live = reserved.live(rights, object);
        let cell = self.arena().entry(self.home, index).ok_or(Error::BadHandle)?;
        cell.store(live.0, Release);
        crash_point!(self, "replace.live");
        self.move_done(found)?;
        Ok(self.process.secret.value_of(index, live))
    }

    /// LIVE → MOVED, under the intent to move to `to`: commits a move.
    fn move_out(&self, found: Found, to: Record) -> Result<()> {
        let from = Record::Entry { process: self.home, index: found.index };
        self.set_operation(Operation::Move { from, to });
        crash_point!(self, "move.intended");
        let cell = self.arena().entry(self.home, found.index).ok_or(Error::BadHandle)?;
        // ORDER: as for a close.
        let moved = cell.compare_exchange(found.entry.0, found.entry.moved(self.tag).0, Release, Relaxed);
        moved.map_err(|_| Error::BadHandle)?;
        crash_point!(self, "move.committed");
        Ok(())
    }

    /// MOVED → FREE; waits on the old handle end.
    fn move_done(&self, found: Found) -> Result<()> {
        let cell = self.arena().entry(self.home, found.index).ok_or(Error::BadHandle)?;
        cell.store(found.entry.freed().0, Release);
        crash_point!(self, "move.freed");
        self.set_operation(Operation::Idle);
        self.give_entry_back(found.index);
        let object = found.entry.object();
        let state = &self.arena().object(object.slot())?.state[object.side()];
        self.wake_after_update(state, State::ARMED | State::ARMED_WRITABLE);
        Ok(())
    }

    /// Moves the handle into a seat whose process has not attached yet, as its startup handle.
    pub fn leave_startup_handle(&self, found: Found, seat: Seat) -> Result<()> {
        let object = found.entry.object();
        let cell =
            self.arena().entry(seat.row, STARTUP_ENTRY).ok_or(Error::BadState("no such process row"))?;
        let row = self.arena().process(seat.row)?;
        // Relaxed: this process reserved the seat, and what was there before is seen since then.
        let claim = Claim(row.claim.load(Relaxed));
        let free = Entry(cell.load(Relaxed));
        if claim.process_state() != ProcessState::Starting(self.home)
            || claim.epoch() != seat.epoch
            || !matches!(free.state(), EntryState::Free | EntryState::Invalid)
        {
            return Err(Error::BadState("the seat is not this thread's to fill, or is filled already"));
        }
        let reserved = free.reserved(self.tag, object);
        // Recovery of the seat sweeps its table up to here. Relaxed: the entry's Release comes after.
        if row.entries_fresh.load(Relaxed) <= STARTUP_ENTRY.into() {
            row.entries_fresh.store(u64::from(STARTUP_ENTRY) + 1, Relaxed);
        }
        cell.store(reserved.0, Release);
        let moved = self.move_out(found, Record::Entry { process: seat.row, index: STARTUP_ENTRY });
        if let Err(error) = moved {
            if error != Error::Died {
                // Relaxed: before or after the intent is gone, it owns nothing.
                cell.store(reserved.freed().0, Relaxed);
                self.set_operation(Operation::Idle);
            }
            return Err(error);
        }
        self.process.evict(found.index, object);
        cell.store(reserved.live(found.rights(), object).0, Release);
        crash_point!(self, "startup.live");
        self.move_done(found)
    }
}

impl Process {
    /// How many objects the arena has ever had at once, at most.
    pub fn used_slots(&self) -> u32 {
        self.arena.used_slots()
    }
}
