//! References: records that own them, a count that is their cache, and how a count changes so that a death at
//! any instruction leaves it decidable.
//!
//! A change of the count of X by thread t:
//!
//! 1. the row's `record` names the record, `reference` = {up or down, PENDING, X, sequence};
//! 2. down only: the record's CAS LIVE → CLOSING(t) **commits the close**;
//! 3. whoever changed the count last and still has its intent PENDING is marked LANDED;
//!    then the count's CAS → {n ± 1, t, sequence};
//! 4. up: the record → LIVE **commits the duplicate**; down: the record → FREE;
//! 5. down to 0: the side joins the row's dying list (see `dying`);
//! 6. the intent is idle again.
//!
//! Recovery asks: did the change land? Yes if the count word still carries (t, sequence), or else if the
//! intent is LANDED, in that order: the helper marks before it overwrites.
//!
//! INV-REF-1: between steps 1 and 6 the row's intent names this change and no other.
//! INV-REF-2: the count is only changed by a thread whose intent says so (or set while the slot is RESERVED).

use crate::bits::{ObjectRef, Tag};
use crate::error::{Error, Result, crash_point};
use crate::object::{Count, State};
use crate::owner::{Change, HAZARD_OPERATION, Record, Reference};
use crate::sync::{Acquire, Relaxed, Release, fence, light_barrier};
use crate::table::Entry;
use crate::thread::Thread;

/// A live handle of this process, as it was when it was looked up.
#[derive(Clone, Copy)]
pub struct Found {
    pub(crate) index: u32,
    pub(crate) entry: Entry,
}

impl Found {
    /// The rights that the handle carries.
    #[inline]
    pub fn rights(&self) -> u32 {
        self.entry.rights()
    }

    /// Whether two handles of this process refer to the same side of the same object.
    pub fn same_object(&self, other: &Found) -> bool {
        self.entry.object() == other.entry.object()
    }

    /// Fails unless every right of `needed` is there.
    #[inline]
    pub fn require(&self, needed: u32) -> Result<()> {
        let missing = needed & !self.rights();
        if missing == 0 { Ok(()) } else { Err(Error::AccessDenied { missing }) }
    }
}

impl Thread {
    /// The handle that `value` names, if it is one of this process's live ones.
    ///
    /// One load and no write: nothing keeps the handle alive afterwards, so every operation looks again.
    #[inline]
    pub fn find(&self, value: u32) -> Result<Found> {
        let (index, generation) = self.process.secret.names(value);
        let word = self.arena().entry(self.home, index).ok_or(Error::BadHandle)?;
        // ORDER: Acquire pairs with the Release that made the entry LIVE: the object is complete.
        let entry = Entry(word.load(Acquire));
        if entry.is_live() && crate::table::Secret::agrees(generation, entry) && index != 0 {
            Ok(Found { index, entry })
        } else {
            Err(Error::BadHandle)
        }
    }

    /// Whether the handle is still the one that was found.
    #[inline]
    pub(crate) fn still(&self, found: Found) -> bool {
        let word = self.arena().entry(self.home, found.index);
        // Relaxed: the same word is the same handle, and `find` has seen what it publishes.
        word.is_some_and(|word| word.load(Relaxed) == found.entry.0)
    }

    /// Whether the handle is still the one that was found, so that what was read of its object without a hazard was
    /// the object's own.
    pub(crate) fn was_still(&self, found: Found) -> bool {
        // ORDER: the reads before come before the look at the entry. Whatever they saw of the slot's next user was
        // stored with Release, after the entry had changed: then that is seen here.
        fence(Acquire);
        self.still(found)
    }

    /// Keeps the object of `found` from being reused until [`unpin`](Self::unpin).
    pub(crate) fn pin(&self, found: Found) -> Result<()> {
        let hazard = &self.row().hazards()[HAZARD_OPERATION];
        // Relaxed: the barrier orders it.
        hazard.store(found.entry.object().to_link(), Relaxed);
        // ORDER: pairs with the heavy barrier of `go_through_retired`: either the reclaimer sees the hazard, or the look
        // below sees that the handle is gone.
        light_barrier();
        if self.still(found) {
            Ok(())
        } else {
            self.unpin();
            Err(Error::BadHandle)
        }
    }

    pub(crate) fn unpin(&self) {
        self.clear_hazard(HAZARD_OPERATION);
    }

    /// The object that this hazard named is used no longer.
    pub(crate) fn clear_hazard(&self, hazard: usize) {
        // ORDER: Release: every use of the object comes before the reclaimer sees it unnamed (`hazarded`).
        self.row().hazards()[hazard].store(0, Release);
    }

    /// Steps 3 of a change: helps the last changer, then changes the count. Gives the new number.
    pub(crate) fn change_count(&self, object: ObjectRef, change: Change, sequence: u32) -> Result<u64> {
        let count = &self.arena().object(object.slot())?.count[object.side()];
        // ORDER: Acquire pairs with the Release below in the last changer: its intent is seen.
        let mut word = Count(count.load(Acquire));
        loop {
            let number = match (change, word.number()) {
                (Change::Up, 0) => return Err(Error::BadHandle),
                (Change::Up, Count::MOST) => return Err(Error::NoResources("references to one object")),
                (Change::Up, number) => number + 1,
                (Change::Down, 0) => return Err(Error::Corrupt("a reference to an object that has none")),
                (Change::Down, number) => number - 1,
            };
            self.mark_landed(word, object);
            crash_point!(self, "count.helped");
            let next = Count::new(number, self.tag, sequence);
            // ORDER: Release publishes this thread's intent to the next changer, and its use of the object to
            // whoever takes the last reference. The load, and Acquire on failure, receive the same from the last
            // changer: a word never comes back, so what is replaced is what was loaded.
            match count.compare_exchange(word.0, next.0, Release, Acquire) {
                Ok(_) => return Ok(number),
                Err(changed) => word = Count(changed),
            }
        }
    }

    /// Before the count word of its last change is overwritten, its changer's intent is marked LANDED.
    fn mark_landed(&self, word: Count, object: ObjectRef) {
        let changer = word.changer();
        if changer == self.tag || changer == Tag::NOBODY {
            return;
        }
        let Ok(row) = self.arena().thread(changer.0) else { return };
        // Relaxed: the count word was loaded with Acquire, so this is no older than the change; and the mark is
        // published with the count word that is stored next.
        let intent = Reference(row.reference.load(Relaxed));
        if intent.is_pending(object, word.sequence()) {
            // A failure means that its owner went on, or that another helper was first.
            let _ = row.reference.compare_exchange(intent.0, intent.landed().0, Relaxed, Relaxed);
        }
    }

    /// Makes another handle to the object of `found`, with these rights. The caller has checked that they are
    /// a subset.
    pub fn duplicate(&self, found: Found, rights: u32) -> Result<u32> {
        self.pin(found)?;
        let result = self.duplicate_pinned(found, rights);
        if !matches!(result, Err(Error::Died)) {
            self.unpin();
        }
        result
    }

    fn duplicate_pinned(&self, found: Found, rights: u32) -> Result<u32> {
        let object = found.entry.object();
        let (index, reserved) = self.reserve_entry(object)?;
        let cell = self.arena().entry(self.home, index).ok_or(Error::BadHandle)?;
        crash_point!(self, "duplicate.reserved");
        let sequence = self.intend(Change::Up, object, Record::Entry { process: self.home, index });
        crash_point!(self, "duplicate.intended");
        match self.change_count(object, Change::Up, sequence) {
            Ok(_) => {}
            Err(Error::Died) => return Err(Error::Died),
            Err(error) => {
                self.intend_nothing();
                self.release_reserved(index, reserved);
                return Err(error);
            }
        }
        crash_point!(self, "duplicate.counted");
        let live = reserved.live(rights, object);
        cell.store(live.0, Release);
        crash_point!(self, "duplicate.live");
        self.intend_nothing();
        Ok(self.process.secret.value_of(index, live))
    }

    /// Closes the handle: waits on it end, and what it alone kept alive dies.
    pub fn close(&self, found: Found) -> Result<()> {
        let record = Record::Entry { process: self.home, index: found.index };
        self.take_back_reference(record, found.entry)?;
        let done = self.work_dying();
        // Last: others have been told by now.
        self.free_halves_if_due();
        done
    }

    /// Takes back the reference that `record` owns, if its word is still exactly `entry`. Sides whose last
    /// reference that was are left on the dying list.
    pub(crate) fn drop_reference(&self, record: Record, entry: Entry) -> Result<()> {
        self.take_back_reference(record, entry)
    }

    /// Inlined where it is known of which kind the record is.
    #[inline(always)]
    fn take_back_reference(&self, record: Record, entry: Entry) -> Result<()> {
        let cell = self.arena().record(record)?;
        let object = entry.object();
        let state = &self.arena().object(object.slot())?.state[object.side()];
        let sequence = self.intend(Change::Down, object, record);
        crash_point!(self, "close.intended");
        let closing = entry.closing(self.tag);
        // ORDER: Release: after the intent, in the order that recovery sees. Of two that close the same handle one
        // loses, and reads nothing more.
        if cell.compare_exchange(entry.0, closing.0, Release, Relaxed).is_err() {
            self.intend_nothing();
            return Err(Error::BadHandle);
        }
        crash_point!(self, "close.committed");
        if let Record::Entry { process, index } = record
            && process == self.process.row
        {
            // While the reference still keeps the object: no operation of this process is left inside an
            // endpoint, and whoever sleeps on this handle wakes and finds it gone.
            self.evict(index, object);
            self.wake_after_update(state, State::ARMED | State::ARMED_WRITABLE);
        }
        let left = self.change_count(object, Change::Down, sequence)?;
        crash_point!(self, "close.counted");
        cell.store(entry.freed().0, Release);
        crash_point!(self, "close.freed");
        if left == 0 {
            self.push_dying(object)?;
        }
        crash_point!(self, "close.listed");
        self.intend_nothing();
        if let Record::Entry { index, .. } = record {
            self.give_entry_back(index);
        }
        Ok(())
    }
}
