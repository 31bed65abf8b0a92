//! The queue of a listener: places with a handle each, which any thread of any process fills and empties.
//!
//! ```text
//!  record:   FREE ──▶ RESERVED(t) ──▶ LIVE ──▶ MOVED(t) ──▶ FREE, generation + 1
//!                          └──▶ FREE    └────▶ CLOSING(t) ──▶ FREE       the listener has ended
//!  ticket:   the order in which the handles came
//! ```
//!
//! | | commits | a death before | a death after |
//! |---|---|---|---|
//! | `offer` | the entry's CAS LIVE → MOVED | the handle is closed with its process | the record becomes LIVE |
//! | `accept` | the record's CAS LIVE → MOVED | the handle stays queued | it is closed with its process |
//!
//! INV-LISTENER-1: a record is RESERVED under the intent to move a handle there. So of a thread that dies, recovery finds the
//! record by the intent (`recovery/resolve_intents`), and no other thread waits for it.
//! INV-LISTENER-2: *no handle stays in a listener that has ended.* The thread that ends it drops the last reference, fences,
//! and closes every LIVE record. A thread that offers stores LIVE, fences, and looks at the count: if no reference is
//! left, it closes its own record. So one of the two finds the record. A thread that dies in between: recovery does it,
//! since the dead thread's hazard names the listener. (It leaves the other records alone: they may hold sides that a
//! collector of cycles is about to tear down, INV-CYCLE-2.)
//! INV-LISTENER-3: a record in the state MOVED or CLOSING is left by the thread that its tag names, or by recovery for it. Its
//! generation makes two stays of one handle two words.
//! INV-LISTENER-4: *a place that becomes free wakes those who wait for room.* They sleep at the listener's directory, where
//! others wait for other names. So a client that finds no place says so in `wants_room`, fences, and looks again. A thread
//! that frees a place fences, and looks at that word: one of the two sees the other. It clears the word and wakes all;
//! a client that finds no place again sets it again. A thread that dies in between: recovery wakes them, as the hazard
//! names the listener.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::line::{LINE_WORDS, Line};
use crate::arena::record::row::HAZARD_PORT;
use crate::arena::word::block::BlockId;
use crate::arena::word::directory::name::WeakRef;
use crate::arena::word::handle::{Entry, EntryState};
use crate::arena::word::intent::{HandleLocation, Operation};
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::State;
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::object::bind::{self, Received};
use crate::object::budget::Budget;
use crate::object::listener::block::{self, LISTENER_BACKLOG, NAME_WORDS, PLACE_WORDS};
use crate::object::{ObjectClass, own_block};
use crate::process::thread::{Thread, crash_point};
use crate::process::{Origin, entries};
use crate::refcount::{self, moving};
use crate::signal::wake;
use crate::sync::{AcqRel, Acquire, AtomicU64, Relaxed, Release, SeqCst, fence};

/// One place of a listener's queue.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    block: BlockId,
    number: usize,
    record: &'a AtomicU64,
    ticket: &'a AtomicU64,
}

impl Place<'_> {
    pub(crate) fn location(&self) -> HandleLocation {
        let word = (NAME_WORDS + self.number * PLACE_WORDS) as u32;
        HandleLocation::Transit { block: self.block, word }
    }

    pub(crate) fn entry(&self) -> Entry {
        // ORDER: Acquire pairs with the Release of `offer`: the ticket was written, and the object is complete.
        Entry(self.record.load(Acquire))
    }
}

/// The places of a listener; none before it has its name.
pub(crate) fn places(arena: &Arena, listener: Slot) -> Result<impl Iterator<Item = Place<'_>>> {
    let block = own_block::block_at(block::body(arena, listener)?.block());
    let lines: &[Line] = block.map_or(Ok(&[][..]), |block| arena.lines(block))?;
    // A line at a time: every accept, and every look for READABLE, goes over all of them.
    let places = lines.iter().skip(NAME_WORDS / LINE_WORDS).flat_map(|line| line.0.as_chunks().0);
    let numbered = places.take(LISTENER_BACKLOG).enumerate();
    Ok(numbered.filter_map(move |(number, [record, ticket]): (usize, &[AtomicU64; PLACE_WORDS])| {
        Some(Place { block: block?, number, record, ticket })
    }))
}

/// A number for the handles that are in the queue: each that comes makes it another. `None`: the queue is empty.
///
/// Of the records, each loaded once: a ticket says nothing of arrival, since a thread may be stopped between its ticket and
/// its record, and the ticket may be that of the place's next handle by now.
pub(crate) fn content(arena: &Arena, listener: Slot) -> Result<Option<u64>> {
    let live =
        places(arena, listener)?.map(|place| (place.number, place.entry())).filter(|(_, it)| it.is_live());
    // The sum of a bijection of 64 bits (splitmix64), of which an observer keeps 48.
    let mixed = live.map(|(number, record)| {
        let mut word = record.0.wrapping_add(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64 + 1));
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    });
    Ok(mixed.reduce(u64::wrapping_add).map(|sum| sum >> 16))
}

/// Moves the handle of `found` into the queue of a listener, which a hazard names. `ShouldWait` when the queue is full.
/// On an error the caller still has the handle.
pub(crate) fn offer(thread: &Thread, listener: Slot, found: ResolvedHandle) -> Result<()> {
    let object = found.entry.object();
    let Some((place, reserved)) = reserve_or_ask(thread, listener, found)? else {
        thread.set_operation(Operation::Idle);
        return Err(Error::ShouldWait);
    };
    crash_point!(thread, "offer.reserved");
    // Relaxed: the store of the record, below, publishes it. Tickets order the queue, and publish nothing.
    let ticket = block::body(thread.arena(), listener)?.tickets().fetch_add(1, Relaxed);
    place.ticket.store(ticket, Relaxed);
    if let Err(error) = moving::move_out(thread, found, place.location(), found.rights()) {
        if !error.is_crash() {
            // Relaxed: the record owned no reference.
            place.record.store(reserved.freed().0, Relaxed);
            thread.set_operation(Operation::Idle);
            tell_of_room(thread, listener)?;
        }
        return Err(error);
    }
    thread.detach_half(found.index, object);
    let live = reserved.live(found.rights(), object);
    // ORDER: Release pairs with the Acquire of `Place::entry`. For recovery it comes after MOVED, and before the entry is
    // FREE.
    place.record.store(live.0, Release);
    crash_point!(thread, "offer.live");
    wake::notify_derived(thread, thread.arena().state(ObjectRef::new(listener, 0))?, State::HAS_WAITERS)?;
    moving::move_done(thread, found)?;
    crash_point!(thread, "offer.moved");
    // ORDER: pairs with the fence of `end`.
    fence(SeqCst);
    if pin::is_held(thread.arena(), listener)? { Ok(()) } else { close(thread, place, live) }
}

/// As [`reserve`]. Where there is no free place, the next one that becomes free is told to the listener's directory.
fn reserve_or_ask<'a>(
    thread: &'a Thread,
    listener: Slot,
    found: ResolvedHandle,
) -> Result<Option<(Place<'a>, Entry)>> {
    if let Some(reserved) = reserve(thread, listener, found)? {
        return Ok(Some(reserved));
    }
    // Relaxed: the fence orders it.
    block::body(thread.arena(), listener)?.wants_room().store(1, Relaxed);
    // ORDER: pairs with the fence of `tell_of_room` (INV-LISTENER-4).
    fence(SeqCst);
    reserve(thread, listener, found)
}

/// Reserves a free place for the handle, under the intent to move it there. `None`: there is no free place.
fn reserve<'a>(
    thread: &'a Thread,
    listener: Slot,
    found: ResolvedHandle,
) -> Result<Option<(Place<'a>, Entry)>> {
    let from = HandleLocation::Entry { process: thread.table_row, index: found.index };
    for place in places(thread.arena(), listener)? {
        let before = Entry(place.record.load(Relaxed));
        if !matches!(before.state(), EntryState::Free | EntryState::Invalid) {
            continue;
        }
        thread.set_operation(Operation::Move { from, to: place.location(), rights: found.rights() });
        let reserved = before.reserved(thread.tag, found.entry.object());
        // ORDER: Release: after the intent, in the order that recovery sees. Acquire: the stores of the thread that emptied
        // the place come before those of this one.
        if place.record.compare_exchange(before.0, reserved.0, AcqRel, Relaxed).is_ok() {
            return Ok(Some((place, reserved)));
        }
    }
    Ok(None)
}

/// Takes the oldest handle out of the queue of the listener, which a hazard names. `None`: the queue is empty.
pub(crate) fn accept(thread: &Thread, listener: Slot) -> Result<Option<Received>> {
    loop {
        let queued = places(thread.arena(), listener)?.filter(|place| place.entry().is_live());
        let Some(place) = queued.min_by_key(|place| place.ticket.load(Relaxed)) else { return Ok(None) };
        let record = place.entry();
        if record.is_live()
            && let Some(received) = take(thread, place, record)?
        {
            tell_of_room(thread, listener)?;
            return Ok(Some(received));
        }
    }
}

/// Moves the handle of a place into this process's table. `None`: another thread was quicker.
fn take(thread: &Thread, place: Place<'_>, record: Entry) -> Result<Option<Received>> {
    if !is_handle_in_transit(thread.arena(), record)? {
        // Another thread may have taken the handle since, and closed it.
        let is_still_there = place.record.load(Relaxed) == record.0;
        return if is_still_there { Err(Error::Corrupt("a queued handle to no object")) } else { Ok(None) };
    }
    let (index, reserved) = entries::reserve_entry(thread, record.object())?;
    let to = HandleLocation::Entry { process: thread.table_row, index };
    thread.set_operation(Operation::Move { from: place.location(), to, rights: record.rights() });
    crash_point!(thread, "accept.reserved");
    // ORDER: Release: after the intent, in the order that recovery sees. Commits.
    let moved = place.record.compare_exchange(record.0, record.moved(thread.tag).0, Release, Relaxed);
    if moved.is_err() {
        refcount::release_reserved(thread, index, reserved);
        thread.set_operation(Operation::Idle);
        return Ok(None);
    }
    crash_point!(thread, "accept.committed");
    let received = bind::bind_received(thread, index, reserved, record.rights(), Origin::Moved)?;
    crash_point!(thread, "accept.live");
    // ORDER: Release: after the entry is LIVE, in the order that recovery sees.
    place.record.store(record.freed().0, Release);
    thread.set_operation(Operation::Idle);
    Ok(Some(received))
}

/// P5: whether the record can be a handle in transit.
fn is_handle_in_transit(arena: &Arena, record: Entry) -> Result<bool> {
    // ORDER: Acquire pairs with the Release that retires the object: then the record, which had kept it, has changed before.
    let lifecycle = Lifecycle(arena.object(record.object().slot())?.lifecycle.load(Acquire));
    Ok(lifecycle.state() == LifecycleState::Live && ObjectClass::of(lifecycle).is_ok())
}

/// After the death of a thread whose hazard names the listener. It may have offered a handle after the listener had ended
/// (INV-LISTENER-2), or have freed a place (INV-LISTENER-4).
pub(crate) fn after_death(thread: &Thread, listener: Slot) -> Result<()> {
    // The fence of `wake_hazard_waiters`, which came before, pairs with that of `end`.
    if !pin::is_held(thread.arena(), listener)? {
        close_all(thread, listener, &mut Budget::unlimited())?;
    }
    tell_home(thread, listener)
}

/// The last handle to the listener is gone. `false` when the budget is spent before all is closed.
pub(crate) fn end(thread: &Thread, listener: Slot, budget: &mut Budget) -> Result<bool> {
    // ORDER: pairs with the fences of `offer` and, in the name of a dead thread, of `wake_hazard_waiters`.
    fence(SeqCst);
    if !close_all(thread, listener, budget)? {
        return Ok(false);
    }
    // A server that waits for the name can have it now.
    tell_home(thread, listener)?;
    Ok(true)
}

fn close_all(thread: &Thread, listener: Slot, budget: &mut Budget) -> Result<bool> {
    for place in places(thread.arena(), listener)? {
        let record = place.entry();
        if !record.is_live() {
            continue;
        }
        if !budget.charge() {
            return Ok(false);
        }
        close(thread, place, record)?;
        crash_point!(thread, "listener.closed");
    }
    Ok(true)
}

/// Closes a queued handle, unless another thread has taken or closed it.
fn close(thread: &Thread, place: Place<'_>, record: Entry) -> Result<()> {
    match refcount::drop_reference(thread, place.location(), record) {
        Ok(()) | Err(Error::BadHandle) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A place has become free: wakes the clients that found none.
fn tell_of_room(thread: &Thread, listener: Slot) -> Result<()> {
    // ORDER: pairs with the fence of `reserve_or_ask`.
    fence(SeqCst);
    let wants_room = block::body(thread.arena(), listener)?.wants_room();
    // Relaxed, both: the fence orders the load. The store may overwrite the 1 of a client that asked after the load. If
    // that client finds no place either, the wake that follows reaches it: its sleep is armed before it asks.
    if wants_room.load(Relaxed) == 0 {
        return Ok(());
    }
    wants_room.store(0, Relaxed);
    crash_point!(thread, "room.cleared");
    tell_home(thread, listener)
}

/// Wakes those who wait at the listener's directory: for room in the queue, or for the name.
fn tell_home(thread: &Thread, listener: Slot) -> Result<()> {
    // Relaxed: this thread came here by a handle to the listener, or by its name, which it has read in the listener's block.
    let Some(home) = WeakRef::from_word(block::body(thread.arena(), listener)?.home().load(Relaxed)) else {
        return Ok(());
    };
    // HAZARD_PORT: recovery, too, has no other use for it here (`recovery/dead_process`). An evaluation that takes it for a
    // port has named the directory by HAZARD_OBSERVED before.
    if pin::pin_weak(thread, home, HAZARD_PORT).is_some() {
        wake::notify_derived(
            thread,
            thread.arena().state(ObjectRef::new(home.slot, 0))?,
            State::HAS_WAITERS,
        )?;
    }
    pin::clear_hazard(thread, HAZARD_PORT);
    Ok(())
}
