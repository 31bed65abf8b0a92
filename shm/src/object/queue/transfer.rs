//! Handles go into a queue, and come out of it.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::word::handle::Entry;
use crate::arena::word::intent::{HandleLocation, Operation};
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::State;
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::object::ObjectClass;
use crate::object::bind::{self, Received};
use crate::object::queue::places::{Place, Queue};
use crate::object::queue::{self, HasQueue, end};
use crate::process::thread::{Thread, crash_point};
use crate::process::{Origin, entries};
use crate::refcount::{self, moving};
use crate::signal::wake;
use crate::sync::{AcqRel, Acquire, Relaxed, Release, SeqCst, fence};

/// Moves the handle of `found` into the queue of a side, whose object a hazard names. `ShouldWait` when the queue is full, or
/// has no block. On an error the caller still has the handle.
pub(crate) fn offer<C: HasQueue>(thread: &Thread, side: ObjectRef, found: ResolvedHandle) -> Result<()> {
    let object = found.entry.object();
    let queue = queue::of::<C>(thread.arena(), side)?;
    let Some((place, reserved)) = reserve_or_ask::<C>(thread, queue, found)? else {
        thread.set_operation(Operation::Idle);
        return Err(Error::ShouldWait);
    };
    crash_point!(thread, "offer.reserved");
    if let Some(tickets) = queue.tickets {
        // Relaxed: the store of the record, below, publishes it. Tickets order the queue, and publish nothing.
        place.ticket.store(tickets.fetch_add(1, Relaxed), Relaxed);
    }
    if let Err(error) = moving::move_out(thread, found, place.location(), found.rights()) {
        if !error.is_crash() {
            // Relaxed: the record owned no reference.
            place.record.store(reserved.freed().0, Relaxed);
            thread.set_operation(Operation::Idle);
            C::tell_of_room(thread, side)?;
        }
        return Err(error);
    }
    thread.detach_half(found.index, object);
    let live = reserved.live(found.rights(), object);
    // ORDER: Release pairs with the Acquire of `Place::entry`. For recovery it comes after MOVED, and before the entry is
    // FREE.
    place.record.store(live.0, Release);
    crash_point!(thread, "offer.live");
    wake::notify_derived(thread, thread.arena().state(side)?, State::HAS_WAITERS)?;
    moving::move_done(thread, found)?;
    crash_point!(thread, "offer.moved");
    // ORDER: pairs with the fence of `end`.
    fence(SeqCst);
    if pin::is_held(thread.arena(), side)? { Ok(()) } else { end::close(thread, place, live) }
}

/// As [`reserve`]. Where there is no free place, the class may ask for the next one that becomes free.
fn reserve_or_ask<'a, C: HasQueue>(
    thread: &Thread,
    queue: Queue<'a>,
    found: ResolvedHandle,
) -> Result<Option<(Place<'a>, Entry)>> {
    let reserved = reserve(thread, queue, found)?;
    if reserved.is_none() && C::ask_for_room(thread, queue.side)? {
        return reserve(thread, queue, found);
    }
    Ok(reserved)
}

/// Reserves a free place for the handle, under the intent to move it there. `None`: there is no free place.
fn reserve<'a>(
    thread: &Thread,
    queue: Queue<'a>,
    found: ResolvedHandle,
) -> Result<Option<(Place<'a>, Entry)>> {
    let from = HandleLocation::Entry { process: thread.table_row, index: found.index };
    for place in queue.places()? {
        let Some(before) = place.if_free() else { continue };
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

/// Takes the oldest handle out of the queue of a side, whose object a hazard names. `None`: the queue is empty.
pub(crate) fn accept<C: HasQueue>(thread: &Thread, side: ObjectRef) -> Result<Option<Received>> {
    let queue = queue::of::<C>(thread.arena(), side)?;
    loop {
        let queued = queue.places()?.filter(|place| place.entry().is_live());
        let Some(place) = queued.min_by_key(|place| place.ticket.load(Relaxed)) else { return Ok(None) };
        let record = place.entry();
        if record.is_live()
            && let Some(received) = take(thread, place, record)?
        {
            C::tell_of_room(thread, side)?;
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
