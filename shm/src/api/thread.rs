//! The operations of [`Thread`].

use crate::arena::error::{Error, Result};
use crate::arena::record::row::HAZARDS;
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::BlockIndex;
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::leader::{Leader, ProcessIdentity};
use crate::arena::word::reference::Slot;
use crate::arena::word::row::{ProcessSlot, SlotState};
use crate::arena::word::signals::Signals;
use crate::handle::lookup::{self, ResolvedHandle};
use crate::handle::pin;
use crate::lifecycle::create::{self, Created};
use crate::lifecycle::{close, reclaim, scavenge, teardown};
use crate::memory::{block_pool, slot_credit, slot_pages};
use crate::object::info::cookie;
use crate::object::info::handles::{self, CLASS_NUMBERS};
use crate::object::info::{self, Basic, MAX_NAME_BYTES};
use crate::object::{self, ObjectClass};
use crate::process::thread::Thread;
use crate::process::{Process, rows};
use crate::recovery::report::Recovered;
use crate::recovery::{self, cycle_collection, dead_process, leader_election};
use crate::refcount;
use crate::signal::{set, watch};
use crate::sync::Release;
use std::sync::Arc;

impl Thread {
    /// The handle that `value` names, if it is one of this process's live ones.
    ///
    /// One load and no write. The handle may be closed at any time afterwards, so every operation checks it again.
    #[inline]
    pub fn lookup(&self, value: HandleValue) -> Result<ResolvedHandle> {
        lookup::lookup(self, value)
    }

    /// Makes another handle to the object of `found`, with these rights. The caller has checked that they are a subset.
    pub fn duplicate(&self, found: ResolvedHandle, rights: Rights) -> Result<HandleValue> {
        close::duplicate(self, found, rights)
    }

    /// Closes the handle. Waits on it end, and an object to which this was the last handle dies.
    pub fn close(&self, found: ResolvedHandle) -> Result<()> {
        refcount::drop_handle(self, found)?;
        // An error is returned below, after the halves: a closed handle stays closed, so its memory is freed in any
        // case.
        let done = teardown::run_release_queue(self);
        // Last, since it is the least urgent: waiters and peers have been woken by now.
        self.free_halves_if_due();
        done
    }

    /// Makes an object of `class`, with a handle of `rights` to each side.
    ///
    /// # Errors
    /// `InvalidArgs` for a class whose objects have a size: it has a call of its own. `NoResources`: there is no room for
    /// another object or handle.
    pub fn create(&self, class: ObjectClass, rights: Rights) -> Result<Created> {
        if class.has_size() {
            return Err(Error::InvalidArgs("an object of this class is made with a size"));
        }
        create::create(self, class, rights, |_| Ok(()))
    }

    /// Replaces the handle by one with these rights. The caller has checked that they are a subset. The original is
    /// gone even on an error.
    pub fn replace(&self, found: ResolvedHandle, rights: Rights) -> Result<HandleValue> {
        self.end_call(close::replace(self, found, rights))
    }

    /// Moves the handle into a process slot as the startup handle of a process that has not attached yet.
    pub fn leave_startup_handle(&self, found: ResolvedHandle, process_slot: ProcessSlot) -> Result<()> {
        close::leave_startup_handle(self, found, process_slot)
    }

    /// Closes channel ends that no process can reach any more, because they are only queued inside each other. Returns
    /// how many such ends there were. The messages queued for them are freed with them.
    ///
    /// Other threads may work meanwhile. But only one thread of the arena may collect cycles at a time: it is the
    /// supervisor's work.
    pub fn collect_cycles(&self) -> Result<usize> {
        cycle_collection::collect_cycles(self)
    }

    /// As [`collect_cycles`](Self::collect_cycles), for as long as `go_on` says so. It asks `go_on` every few dozen
    /// microseconds of searching. `None` when the search was aborted: then no end was closed.
    pub fn collect_cycles_while(&self, go_on: &mut dyn FnMut() -> bool) -> Result<Option<usize>> {
        cycle_collection::collect_cycles_while(self, go_on)
    }

    /// Makes retired slots free again, except those that some thread's hazard names. Returns how many.
    pub fn reclaim(&self) -> Result<usize> {
        reclaim::reclaim(self)
    }

    /// Gives back the memory that the objects of this process keep and do not need: of `all` objects, or only of those
    /// that were quiet since the last call. Objects that another thread is using keep theirs. Returns whether a later
    /// call could give more back, after other processes have read or after a longer idle time.
    pub fn trim_objects(&self, all: bool) -> Result<bool> {
        object::trim(self, all)
    }

    /// Asks all processes to give back the memory that their objects keep and do not need, and waits until they have.
    pub fn request_trim(&self) -> Result<()> {
        scavenge::request_trim(self)
    }

    /// Takes the lead over from `old`, which is dead or names no process. `false` when another process was quicker, or
    /// when this process, attached at `process_slot`, is itself taken for dead.
    pub fn try_become_leader(&self, old: Leader, process_slot: ProcessSlot) -> Result<bool> {
        leader_election::try_become_leader(self, old, process_slot)
    }

    /// Recovers everything that the process of `process_slot` left. The caller has proof that it is dead, and no other
    /// recovery is under way.
    pub fn recover(&self, process_slot: ProcessSlot) -> Result<Recovered> {
        recovery::recover(self, process_slot)
    }

    /// Gives up a process slot to which no process has attached. A child that attaches at this moment wins: `BadState`
    /// then.
    pub fn cancel_slot(&self, process_slot: ProcessSlot) -> Result<Recovered> {
        recovery::cancel_slot(self, process_slot)
    }

    /// Recovers every process row that is DEAD: process slots of dead spawners, and rows that a dead supervisor left
    /// unfinished. A row that fails does not stop the others; the first error is returned.
    pub fn recover_unfinished(&self) -> Result<Recovered> {
        recovery::recover_unfinished(self)
    }

    /// Takes a process slot over from its spawner. The supervisor watches the child from now on, and the slot no longer
    /// fails with the spawner. For the supervisor alone.
    pub fn confirm_slot(
        &self,
        process_slot: ProcessSlot,
        identity: impl Into<ProcessIdentity>,
    ) -> Result<bool> {
        dead_process::confirm_slot(self, process_slot, identity)
    }

    /// Gives a process slot to the process that asks for it, unless another one has it: `Admitted` means that this process
    /// has it. For the supervisor alone.
    pub fn admit_to_slot(&self, process_slot: ProcessSlot, identity: ProcessIdentity) -> Result<SlotState> {
        dead_process::admit_to_slot(self, process_slot, identity)
    }

    /// Reclaims every retired object that no hazard names, whichever thread retired it. Returns how many.
    pub fn collect(&self) -> Result<usize> {
        reclaim::collect(self)
    }

    /// Clears and then sets stored signals of the handle's object, and wakes the threads that wait for them.
    pub fn signal(&self, found: ResolvedHandle, clear: Signals, set: Signals) -> Result<()> {
        set::signal(self, found, clear, set)
    }

    /// The same on the other side.
    pub fn signal_peer(&self, found: ResolvedHandle, clear: Signals, set: Signals) -> Result<()> {
        set::signal_peer(self, found, clear, set)
    }

    /// Basic information about the handle and its object.
    pub fn basic(&self, found: ResolvedHandle) -> Result<Basic> {
        info::basic(self, found)
    }

    /// How many handles the process has for which the handle's object stands, by the number of their class. `WrongType` if
    /// the object is no process.
    pub fn handle_counts(&self, found: ResolvedHandle) -> Result<[u32; CLASS_NUMBERS]> {
        handles::counts(self, found)
    }

    /// The class of the handle's object.
    pub fn class(&self, found: ResolvedHandle) -> Result<ObjectClass> {
        info::class(self, found)
    }

    /// The name of the handle's object, padded with NULs.
    pub fn name(&self, found: ResolvedHandle) -> Result<[u8; MAX_NAME_BYTES]> {
        info::name(self, found)
    }

    /// Names the handle's object. If two threads name one object at once, the result may mix words of both names.
    pub fn set_name(&self, found: ResolvedHandle, name: &[u8; MAX_NAME_BYTES]) -> Result<()> {
        info::set_name(self, found, name)
    }

    /// The cookie of the handle's object, for a caller with a handle to the object that is its scope. `WrongScope` if there is
    /// no cookie, or if it has another scope; `NotSupported` if objects of the class have none.
    pub fn cookie(&self, found: ResolvedHandle, scope: ResolvedHandle) -> Result<u64> {
        cookie::get(self, found, scope)
    }

    /// Sets the cookie of the handle's object. The first setting fixes the scope for the life of the object. Fails as
    /// [`cookie`](Self::cookie) does, but for an object without a cookie.
    pub fn set_cookie(&self, found: ResolvedHandle, scope: ResolvedHandle, cookie: u64) -> Result<()> {
        cookie::set(self, found, scope, cookie)
    }

    /// The least generation that the next user of the slot gets.
    pub fn slot_generation(&self, slot: Slot) -> Result<u64> {
        slot_pages::slot_generation(self, slot)
    }

    /// The event count of the slot's first side, as a futex compares it.
    pub fn event_count(&self, slot: Slot) -> Result<u32> {
        slot_pages::event_count(self, slot)
    }

    /// Claims a thread row for the calling thread.
    pub fn join(process: &Arc<Process>) -> Result<Self> {
        rows::join(process)
    }

    /// Claims a row for work that must not fail for want of one: the supervisor's, and closing open handles. A reserve
    /// of rows exists beyond `max_threads`. A thread that has one for a close gives it back at once.
    pub fn join_reserve(process: &Arc<Process>) -> Result<Self> {
        rows::join_reserve(process)
    }

    /// The least generation that the next user of the block gets.
    pub fn block_generation(&self, class: SizeClass, index: BlockIndex) -> Result<u64> {
        block_pool::block_generation(self, class, index)
    }

    /// Makes all waits of this thread spin for so long before they sleep: nothing adapts from now on. 0 sleeps at once.
    pub fn set_spin_ns(&self, spin_ns: i64) {
        self.patience.fix(spin_ns)
    }
}

impl Thread {
    /// Ends a call. An operation leaves the sides to which it dropped the last reference on the row's release queue.
    /// They are torn down here, when the operation holds no lock and no hazard.
    #[inline(always)]
    pub(in crate::api) fn end_call<T>(&self, result: Result<T>) -> Result<T> {
        if !matches!(&result, Err(error) if error.is_crash()) {
            teardown::run_release_queue(self)?;
        }
        result
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        #[cfg(loom)]
        if self.is_dead() || std::thread::panicking() {
            return;
        }
        // A forked child has a copy of this value and no mapping of the arena. The row belongs to the parent's thread.
        if !self.process.is_here() {
            return;
        }
        self.end();
        // Last: until here operations of this thread enter its grace.
        #[cfg(not(loom))]
        self.process.grace.part(&self.visits);
    }
}

impl Thread {
    /// Gives back the thread's private lists, and its row if no intent of it is unfinished.
    fn end(&mut self) {
        // A failed operation may leave entries on the release queue; run them before the row is freed.
        let resolved = !self.owns_row || teardown::run_release_queue(self).is_ok() && self.row().is_idle();
        let mut retired = self.retired.borrow_mut();
        retired.append(&mut self.reusable.borrow_mut());
        if !retired.is_empty() {
            // The slots stay RETIRED. The process's other threads scan them with their own, before or after this
            // thread's row is free.
            self.process.orphans.lock().append(&mut retired);
        }
        drop(retired);
        // Reclaiming writes intents into the row. A row with an unfinished operation keeps its intents for recovery,
        // and an adopted row belongs to recovery.
        if resolved && self.owns_row {
            reclaim::reclaim_orphans(self);
        }
        #[cfg(loom)]
        if self.is_dead() {
            return;
        }
        // A scan that met damage may have left an intent.
        let resolved = resolved && self.row().is_idle();
        slot_credit::return_cached_credits(self);
        // An adopted row is freed by recovery, which clears it first. The row's thread had its entries in another
        // process's pool.
        if !self.owns_row {
            return;
        }
        let mut pool = self.process.entries.lock();
        pool.recycle(&mut self.entry_cache.borrow_mut());
        pool.recycle(&mut self.closed_entries.borrow_mut());
        drop(pool);
        self.process.free_private_halves();
        if !resolved {
            // The row names an unfinished operation (one that panicked). It stays claimed, and recovery resolves it
            // with the process.
            return;
        }
        // A wait that panicked may still watch. Ending it fails only for a tag without a row, and this thread has a
        // row.
        let _ = watch::end_watch(self);
        // Before the row is free: the next thread with the row sets hazards of its own in the same words.
        (0..HAZARDS).for_each(|hazard| pin::clear_hazard(self, hazard));
        // ORDER: Release pairs with the Acquire of the next claim: the row is idle.
        self.row().state.store(0, Release);
        // After the row is free, so that a thread that the count lets in can claim it.
        if self.is_counted {
            self.process.release_thread();
        }
    }
}
