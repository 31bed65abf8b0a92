//! Object slots: how they are taken for new objects, and how they become free again, whoever takes and frees them.
//!
//! A thread's next object lies in a slot that the thread has retired itself, if there is one (`cleared`, see `dying`): no
//! other thread has to know of it. Otherwise the map of free slots (`free_map`) shows the lowest one that is FREE,
//! whichever process freed it; and only where there is none, a slot is taken that was never used. Nothing is ever
//! searched.
//!
//! | step | |
//! |---|---|
//! | the row's `slot` = the slot | the intent: before anything is done to the slot's word |
//! | FREE, RETIRED or virgin → RESERVED(t), by CAS; or RETIRED → RECLAIMING(t) → FREE | |
//! | if its memory had been given back: it begins anew (`slot_pages`) | |
//! | the map agrees | |
//! | RESERVED(t) → LIVE, by the store that commits the create; or → FREE, if nothing comes of it | |
//! | `slot` = none, or the next one | |
//!
//! INV-SLOT-1: a slot that is RESERVED(t) or RECLAIMING(t) is named by t's row, or its page is, and so is a slot of which
//! the map does not say the truth. So recovery needs no walk: the row names what was in hand ([`Thread::settle_slot`]).
//! INV-SLOT-2: a slot that was ever taken is below the mark `objects_fresh`, or named by the row of the thread that took
//! it. Walks go up to the mark.

use crate::arena::Arena;
use crate::error::{Error, Result, crash_point};
use crate::object::{Life, LifeState};
use crate::step::skippable;
use crate::sync::{AcqRel, Relaxed, Release};
use crate::thread::Thread;

impl Thread {
    /// Whatever happens to the slot's word next, recovery finds it.
    pub(crate) fn name_slot(&self, slot: u32) {
        // Relaxed: the last one's name is needed until the map says the truth of it, by a read-modify-write that is an
        // Acquire, or until it is LIVE, and then `name_no_slot` comes between. What is done to this one is a Release.
        self.row().slot().store(u64::from(slot) + 1, Relaxed);
    }

    /// No slot is on its way.
    pub(crate) fn name_no_slot(&self) {
        // ORDER: Release: after the life that the last one has now, in the order that recovery sees.
        self.row().slot().store(0, Release);
    }

    /// A slot, RESERVED by this thread and named by its row, and the credit that it cost.
    pub(crate) fn take_slot(&self) -> Result<(u32, Life, u64)> {
        let taken = match self.take_cleared_slot()? {
            Some(taken) => Ok(taken),
            None => self.take_slot_on_credit(),
        };
        if let Err(error) = taken
            && error != Error::Died
        {
            self.name_no_slot();
        }
        taken
    }

    /// RESERVED → FREE: nothing came of it.
    pub(crate) fn release_slot(&self, slot: u32, life: Life) -> Result<()> {
        self.free_named_slot(slot, life)?;
        self.name_no_slot();
        Ok(())
    }

    /// The slot, which this row names and which is this thread's alone, becomes FREE.
    pub(crate) fn free_named_slot(&self, slot: u32, life: Life) -> Result<()> {
        self.arena().mark_slot_freed(slot)?;
        // ORDER: Release pairs with the Acquire of `try_reserve_slot`: the next user finds everything given back.
        self.arena().object(slot)?.life.store(life.freed().0, Release);
        crash_point!(self, "slot.freed");
        self.arena().free_objects().freed(self, slot, || self.arena().is_free_slot(slot))
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
            if life.load(Relaxed) != retired.0 {
                continue;
            }
            self.name_slot(slot);
            // ORDER: Release: after the intent, in the order that recovery sees.
            if life.compare_exchange(retired.0, reserved.0, Release, Relaxed).is_ok() {
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
        match self.take_slot_at_hand()? {
            Some(taken) => Ok(taken),
            None => self.take_slot_that_comes_back(),
        }
    }

    /// A slot that is free, or that was never used.
    pub(crate) fn take_slot_at_hand(&self) -> Result<Option<(u32, Life)>> {
        match self.take_free_slot()? {
            Some(taken) => Ok(Some(taken)),
            None => self.take_virgin_slot(),
        }
    }

    /// The lowest slot that the map of free ones shows.
    fn take_free_slot(&self) -> Result<Option<(u32, Life)>> {
        let map = self.arena().free_objects();
        // P5: as many rounds as there are slots, and more than there are words in the map. Each tidies something up.
        for _ in 0..4 * self.arena().layout().objects.count + 4 {
            let Some(slot) = map.candidate() else { return Ok(None) };
            if let Some(reserved) = self.take_slot_if_free(slot)? {
                return Ok(Some((slot, reserved)));
            }
        }
        Ok(None)
    }

    /// Takes this slot, if it is free; if not, the map does not show it any more.
    pub(crate) fn take_slot_if_free(&self, slot: u32) -> Result<Option<Life>> {
        let map = self.arena().free_objects();
        self.name_slot(slot);
        crash_point!(self, "slot.named");
        let is_free = || self.arena().is_free_slot(slot);
        let Some(mut reserved) = self.try_reserve_slot(slot)? else {
            map.misled(self, slot, is_free)?;
            return Ok(None);
        };
        crash_point!(self, "slot.taken");
        // No slot that is FREE is of the first generation: it was INVALID.
        if reserved.generation() == 0 {
            (reserved, _) = self.begin_anew(slot, reserved)?;
        }
        map.taken(self, slot, is_free)?;
        Ok(Some(reserved))
    }

    /// The first slot that was never used.
    fn take_virgin_slot(&self) -> Result<Option<(u32, Life)>> {
        let fresh = &self.arena().header().objects_fresh;
        let slots = self.arena().layout().objects.count as u64;
        // As many rounds as there are slots: every round moves the mark on, whoever takes the slot.
        for _ in 0..slots {
            // Relaxed: a hint; the slot's own word decides.
            let slot = fresh.load(Relaxed);
            if slot >= slots {
                break;
            }
            let slot = slot as u32;
            self.name_slot(slot);
            let reserved = Life(0).reserved(self.tag);
            // A virgin slot has no history; but the mark may have moved on since, and the slot's memory may have been given
            // back. ORDER: Acquire: then its page says so. Release: after the intent, in the order that recovery sees.
            let taken =
                self.arena().object(slot)?.life.compare_exchange(0, reserved.0, AcqRel, Relaxed).is_ok();
            crash_point!(self, "slot.virgin");
            // Whoever finds the slot taken helps the mark on.
            self.arena().pass_mark(slot);
            if taken {
                let (reserved, is_shown) = self.begin_anew(slot, reserved)?;
                if is_shown {
                    self.arena().free_objects().taken(self, slot, || self.arena().is_free_slot(slot))?;
                }
                return Ok(Some((slot, reserved)));
            }
        }
        Ok(None)
    }

    /// Recovery, in a dead thread's name, before anything is closed: the slot that it had in hand is freed, and the map
    /// says the truth of it. Idempotent; does nothing for a row that names none.
    pub(crate) fn settle_slot(&self) -> Result<()> {
        skippable!(FreeInHand);
        // Relaxed: the dead write no more.
        let Some(slot) = self.row().slot().load(Relaxed).checked_sub(1) else { return Ok(()) };
        let slot = u32::try_from(slot).map_err(|_| Error::Corrupt("a row names a slot out of range"))?;
        let life = Life(self.arena().object(slot)?.life.load(Relaxed));
        // INV-SLOT-2: it may have been taken for the first time.
        if life.0 != 0 {
            self.arena().pass_mark(slot);
        }
        match life.state() {
            LifeState::Reserved(tag) if tag == self.tag => {
                let (life, _) = self.begin_anew(slot, life)?;
                self.clear_options(slot)?;
                self.free_named_slot(slot, life)?;
            }
            LifeState::Reclaiming(tag) if tag == self.tag => self.tear_down(slot, life)?,
            _ => {}
        }
        self.arena().free_objects().repair(self, slot, || self.arena().is_free_slot(slot))?;
        crash_point!(self, "settle.slot");
        self.name_no_slot();
        Ok(())
    }
}

impl Arena {
    /// The slots that are not free, for walks: those in use, and those between two uses. Their number bounds the walk, and
    /// a load for each 64 that were ever used.
    pub(crate) fn slots_in_use(&self) -> impl Iterator<Item = u32> {
        self.free_objects().not_free(self.used_slots())
    }

    /// The slot lies below the mark from now on.
    fn pass_mark(&self, slot: u32) {
        let fresh = &self.header().objects_fresh;
        let end = u64::from(slot) + 1;
        let mut mark = fresh.load(Relaxed);
        while mark < end {
            // Relaxed: after the slot was taken, by a CAS that is an Acquire. (A virgin slot behind the mark would never be
            // found again.)
            match fresh.compare_exchange(mark, end, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(higher) => mark = higher,
            }
        }
    }
}
