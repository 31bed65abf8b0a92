//! The operations of [`Thread`].

use crate::arena::error::Result;
use crate::arena::record::row::HAZARDS;
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::leader::{Leader, ProcessIdentity};
use crate::arena::word::reference::Slot;
use crate::arena::word::ring::Txid;
use crate::arena::word::row::ProcessSlot;
use crate::arena::word::signals::Signals;
use crate::handle::lookup::{self, ResolvedHandle};
use crate::handle::pin;
use crate::lifecycle::create::{self, Created};
use crate::lifecycle::{close, reclaim, scavenge, teardown};
use crate::memory::{block_pool, slot_credit, slot_pages};
use crate::object::ObjectClass;
#[cfg(not(loom))]
use crate::object::arrive::Received;
use crate::object::channel::call::{self, Pending};
use crate::object::channel::idle;
use crate::object::channel::options::{self, ChannelOptions};
use crate::object::channel::read;
#[cfg(not(loom))]
use crate::object::channel::read::in_place::{self, InPlace};
use crate::object::channel::read::sink::{OnOverflow, RecvBuf};
use crate::object::channel::write;
use crate::object::channel::write::handles::{self, SendRequest};
use crate::object::channel::write::loan::{self, Loan};
use crate::object::info::{self, Basic, MAX_NAME_BYTES};
use crate::process::thread::Thread;
use crate::process::{Process, rows};
use crate::recovery::report::Recovered;
use crate::recovery::{self, cycle_collection, dead_process, leader_election};
use crate::refcount;
use crate::signal::{eventcount, set, watch};
use crate::sync::Release;
use std::sync::Arc;

impl Thread {
    /// Sends `bytes`, with the first four replaced by a new transaction id, and `handles`. Then either
    /// [`call_finish`](Self::call_finish) awaits the reply, or [`call_abandon`](Self::call_abandon) gives it up.
    ///
    /// As for a send, all `handles` are gone unless it returns `ShouldWait` or `NoResources`.
    pub fn call_begin(
        &self,
        found: ResolvedHandle,
        rights: Rights,
        bytes: &[u8],
        handles: &[HandleValue],
        transfer: Rights,
    ) -> Result<Pending> {
        self.end_call(call::call_begin(self, found, rights, bytes, handles, transfer))
    }

    /// Waits for the reply and receives it into `sink`. A reply that does not fit is discarded.
    ///
    /// `TimedOut`: a reply that comes later is an ordinary message. `Canceled`: the handle is gone. `Interrupted`: a
    /// signal handler ran; the call is still under way, to be finished by another `call_finish` or abandoned.
    pub fn call_finish(
        &self,
        pending: &Pending,
        deadline_ns: i64,
        sink: &mut impl RecvBuf,
    ) -> Result<(usize, usize)> {
        self.end_call(call::call_finish(self, pending, deadline_ns, sink))
    }

    /// Receives the reply into `sink` if it is there; `None` while it is not. Otherwise as
    /// [`call_finish`](Self::call_finish), except that an error of this leaves the call under way.
    pub fn call_poll(&self, pending: &Pending, sink: &mut impl RecvBuf) -> Result<Option<(usize, usize)>> {
        self.end_call(call::call_poll(self, pending, sink))
    }

    /// Gives the call up. Its reply, whether it has come or comes later, is an ordinary message; or it is discarded, if
    /// the end has that option.
    pub fn call_abandon(&self, pending: &Pending) {
        call::call_abandon(self, pending);
        // An error of the release queue meets the next call as well, which returns it.
        let _ = teardown::run_release_queue(self);
    }

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
        let done = teardown::run_release_queue(self);
        // Last, since it is the least urgent: waiters and peers have been woken by now.
        self.free_halves_if_due();
        done
    }

    /// Makes an object of `class`, with a handle of `rights` to each side.
    pub fn create(&self, class: ObjectClass, rights: Rights) -> Result<Created> {
        create::create(self, class, rights, |_| Ok(()))
    }

    /// Makes a channel with these options, with a handle of `rights` to each end.
    pub fn create_channel(&self, options: ChannelOptions, rights: Rights) -> Result<Created> {
        let initialize = |slot| options::set_options(self, slot, options);
        create::create(self, ObjectClass::Channel, rights, initialize)
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

    /// Reads the next message in place. It stays in the ring until the result is finished or dropped; other reads go on
    /// with the messages after it.
    #[cfg(not(loom))]
    pub fn receive_in_place(&self, found: ResolvedHandle, rights: Rights) -> Result<InPlace> {
        self.end_call(in_place::receive_in_place(self, found, rights))
    }

    /// Consumes a message that was read in place, and then passes its handles to `each`. `BadHandle` for a message that
    /// went with its channel meanwhile: then no work is left to do.
    #[cfg(not(loom))]
    pub fn finish(&self, message: &InPlace, each: &mut dyn FnMut(Received)) -> Result<()> {
        in_place::finish(self, message, each)
    }

    /// Asks all processes to give back the memory that their channels keep and do not need, and waits until they have.
    pub fn request_trim(&self) -> Result<()> {
        scavenge::request_trim(self)
    }

    /// Takes the lead over from `old`, which is dead or names no process. `false` when another process was quicker, or
    /// when this process, attached at `process_slot`, is itself taken for dead.
    pub fn try_become_leader(&self, old: Leader, process_slot: ProcessSlot) -> Result<bool> {
        leader_election::try_become_leader(self, old, process_slot)
    }

    /// Gives back the memory that the channel ends of this process keep and do not need: of `all` ends, or only of
    /// those that were not written to since the last call. Ends that another thread is using keep theirs. Returns
    /// whether a later call could give more back, after other processes have read or after a longer idle time.
    pub fn trim_channels(&self, all: bool) -> Result<bool> {
        idle::trim_channels(self, all)
    }

    /// Receives the next message into `sink`. Returns its size in bytes and its number of handles.
    ///
    /// `ShouldWait` when there is none, `PeerClosed` when there will be none.
    #[inline]
    pub fn receive(
        &self,
        found: ResolvedHandle,
        rights: Rights,
        sink: &mut impl RecvBuf,
        on_overflow: OnOverflow,
    ) -> Result<(usize, usize)> {
        self.end_call(read::receive(self, found, rights, sink, on_overflow))
    }

    /// Receives up to `most` messages without handles, and consumes them together. Appends their bytes to `bytes`, and
    /// the position where each ends to `ends`. Stops before a message that has handles. Returns how many it received.
    pub fn receive_batch(
        &self,
        found: ResolvedHandle,
        rights: Rights,
        most: usize,
        bytes: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> Result<usize> {
        self.end_call(read::receive_batch(self, found, rights, most, bytes, ends))
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

    /// Reclaims every retired object that no hazard names, whichever thread retired it. Returns how many.
    pub fn collect(&self) -> Result<usize> {
        reclaim::collect(self)
    }

    /// Sends one message without handles. `rights` are those the handle must have.
    ///
    /// `ShouldWait`: the channel's limit of pending messages is reached. `NoResources`: this process has as many
    /// messages pending, or as much memory in messages, as it may.
    #[inline]
    pub fn send(&self, found: ResolvedHandle, rights: Rights, bytes: &[u8]) -> Result<()> {
        write::send(self, found, rights, bytes)
    }

    /// Sends as many of `messages` as there is room for, and publishes those in one segment together. Returns how many
    /// were sent; an error only if none was.
    pub fn send_batch(&self, found: ResolvedHandle, rights: Rights, messages: &[&[u8]]) -> Result<usize> {
        write::send_batch(self, found, rights, messages)
    }

    /// A block of `len_bytes` to write in place. Up to the arena's `max_loan_bytes`.
    pub fn reserve(&self, found: ResolvedHandle, rights: Rights, len_bytes: usize) -> Result<Loan> {
        loan::reserve(self, found, rights, len_bytes)
    }

    /// Sends a loan. Bytes of it that were not written are zero. On an error the loan is returned to its channel.
    pub fn commit(&self, loan: Loan) -> Result<()> {
        loan::commit(self, loan)
    }

    /// Returns a loan unsent.
    pub fn return_loan(&self, loan: Loan) {
        loan::return_loan(self, loan)
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

    /// Sends a message with handles, each of which must have the rights `transfer`.
    ///
    /// On success, and on every error but `ShouldWait` and `NoResources`, all of `handles` are gone from this process.
    pub fn send_with_handles(
        &self,
        channel: ResolvedHandle,
        rights: Rights,
        bytes: &[u8],
        handles: &[HandleValue],
        transfer: Rights,
        txid: Option<Txid>,
    ) -> Result<()> {
        let out = SendRequest { channel, rights, transfer, bytes, handles, txid };
        let sent = self.end_call(handles::send_with_handles(self, &out));
        // The entries of the sent handles are closed by now, and may have private halves to free.
        self.free_halves_if_due();
        sent
    }

    /// The least generation that the next user of the block gets.
    pub fn block_generation(&self, class: usize, index: u32) -> Result<u64> {
        block_pool::block_generation(self, class, index)
    }

    /// The longest that this thread's waits spin before they sleep. 0 sleeps at once.
    pub fn set_spin_ns(&self, spin_ns: i64) {
        eventcount::set_spin_ns(self, spin_ns)
    }
}

impl Thread {
    /// Ends a call. An operation leaves the sides to which it dropped the last reference on the row's release queue.
    /// They are torn down here, when the operation holds no lock and no hazard.
    #[inline(always)]
    fn end_call<T>(&self, result: Result<T>) -> Result<T> {
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
            self.process.orphans.lock().append(&mut retired);
        }
        drop(retired);
        if resolved && self.owns_row {
            reclaim::reclaim_orphans(self);
        }
        slot_credit::return_cached_credits(self);
        if !self.owns_row {
            return;
        }
        let mut pool = self.process.entries.lock();
        pool.give_back(&mut self.entry_cache.borrow_mut());
        pool.give_back(&mut self.closed_entries.borrow_mut());
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
        (0..HAZARDS).for_each(|hazard| pin::clear_hazard(self, hazard));
        // ORDER: Release pairs with the Acquire of the next claim: the row is idle.
        self.row().state.store(0, Release);
        if self.is_counted {
            self.process.give_thread_back();
        }
    }
}
