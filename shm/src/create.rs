//! Making objects, replacing handles, and leaving a child its startup handle.
//!
//! Create: entries RESERVED, counts set, life RESERVED → LIVE **commits**, entries LIVE. Recovery: life LIVE →
//! entries LIVE, else everything is freed.
//! Move: new entry RESERVED, old LIVE → MOVED **commits**, new LIVE, old FREE. Recovery: old MOVED → new LIVE,
//! else new FREE.
//!
//! INV-CREATE-1: a slot is RESERVED by CAS on its own word, under an intent that names it (`slot`).

use crate::bits::ObjectRef;
use crate::count::Found;
use crate::counter::Counter;
use crate::error::{Error, Result, crash_point};
use crate::late::ChannelOptions;
use crate::object::{Count, Life, Shape, State};
use crate::owner::{Claim, Operation, ProcessState, Record};
use crate::process::{Arrival, Process, STARTUP_ENTRY, Seat};
use crate::sync::{Relaxed, Release};
use crate::table::{Entry, EntryState};
use crate::thread::Thread;

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
        self.name_no_slot();
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
        if self.evict(found.index, object) {
            self.process.install(object, index, Arrival::Moved, &self.inside());
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
        self.evict(found.index, object);
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
