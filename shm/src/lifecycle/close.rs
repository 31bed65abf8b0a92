//! Operations that make one handle from another: duplicate, replace, and the startup handle that a spawner leaves for
//! its child.
//!
//! A duplicate is one count change (`refcount`). A replacement is a move: new entry RESERVED, old LIVE → MOVED
//! **commits**, new LIVE, old FREE. Recovery: old MOVED → new LIVE, else new FREE.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{Entry, EntryState, HandleValue, Rights};
use crate::arena::word::intent::{Change, HandleLocation, Operation};
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::row::{ProcessSlot, ProcessState, RowState};
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::object::ObjectClass;
use crate::process::thread::{Thread, crash_point};
use crate::process::{Origin, STARTUP_ENTRY, entries};
use crate::refcount;
use crate::signal::wake;
use crate::sync::{Relaxed, Release};

pub(crate) fn duplicate(thread: &Thread, found: ResolvedHandle, rights: Rights) -> Result<HandleValue> {
    pin::pin(thread, found)?;
    let result = duplicate_pinned(thread, found, rights);
    if !result.is_err_and(|error| error.is_crash()) {
        pin::unpin(thread);
    }
    result
}

fn duplicate_pinned(thread: &Thread, found: ResolvedHandle, rights: Rights) -> Result<HandleValue> {
    let object = found.entry.object();
    // Entry, intent, count, entry, in this order: recovery judges the entry by the count word (`refcount`), so the
    // intent must name the entry before the count changes.
    let (index, reserved) = entries::reserve_entry(thread, object)?;
    let cell = thread.arena().entry(thread.table_row, index).ok_or(Error::BadHandle)?;
    crash_point!(thread, "duplicate.reserved");
    let sequence =
        thread.intend(Change::Increment, object, HandleLocation::Entry { process: thread.table_row, index });
    crash_point!(thread, "duplicate.intended");
    match refcount::change_count(thread, object, Change::Increment, sequence) {
        Ok(_) => {}
        Err(error) if error.is_crash() => return Err(error),
        Err(error) => {
            thread.intend_nothing();
            refcount::release_reserved(thread, index, reserved);
            return Err(error);
        }
    }
    crash_point!(thread, "duplicate.counted");
    let live = reserved.live(rights, object);
    // ORDER: Release pairs with the Acquire of `lookup` in other threads of this process. For recovery it comes after
    // the count.
    cell.store(live.0, Release);
    crash_point!(thread, "duplicate.live");
    thread.intend_nothing();
    Ok(thread.process.codec.encode(index, live))
}

pub(crate) fn replace(thread: &Thread, found: ResolvedHandle, rights: Rights) -> Result<HandleValue> {
    let object = found.entry.object();
    let (index, reserved) = match entries::reserve_entry(thread, object) {
        Ok(reserved) => reserved,
        Err(error) => {
            // A replacement that fails closes the old handle, as in Zircon.
            refcount::drop_handle(thread, found)?;
            return Err(error);
        }
    };
    let to = HandleLocation::Entry { process: thread.table_row, index };
    if let Err(error) = move_out(thread, found, to) {
        if !error.is_crash() {
            refcount::release_reserved(thread, index, reserved);
            thread.set_operation(Operation::Idle);
        }
        return Err(error);
    }
    // A private half belongs to an entry. Detach waits for the operations inside the old half, then the half of the new
    // entry is bound, and only then does the new handle become LIVE: no operation finds an entry without its half.
    // Relaxed: the move has committed, so its reference keeps the object. A damaged class leaves the handle without a
    // half, so that its operations fail.
    if thread.detach_half(found.index, object)
        && let Ok(class) =
            ObjectClass::of(Lifecycle(thread.arena().object(object.slot())?.lifecycle.load(Relaxed)))
    {
        class.bind_half(&thread.process, object, index, Origin::Moved, || thread.inside());
    }
    let live = reserved.live(rights, object);
    let cell = thread.arena().entry(thread.table_row, index).ok_or(Error::BadHandle)?;
    // ORDER: Release pairs with the Acquire of `lookup`. For recovery it comes after MOVED and before FREE: a move that
    // has committed always has its new entry.
    cell.store(live.0, Release);
    crash_point!(thread, "replace.live");
    move_done(thread, found)?;
    Ok(thread.process.codec.encode(index, live))
}

/// LIVE → MOVED, under the intent to move to `to`. Commits the move.
fn move_out(thread: &Thread, found: ResolvedHandle, to: HandleLocation) -> Result<()> {
    let from = HandleLocation::Entry { process: thread.table_row, index: found.index };
    thread.set_operation(Operation::Move { from, to });
    crash_point!(thread, "move.intended");
    let cell = thread.arena().entry(thread.table_row, found.index).ok_or(Error::BadHandle)?;
    // ORDER: Release: after the intent, in the order that recovery sees. If several threads close or move the same
    // handle, one CAS succeeds and the others fail; they read no more of the object.
    let moved = cell.compare_exchange(found.entry.0, found.entry.moved(thread.tag).0, Release, Relaxed);
    moved.map_err(|_| Error::BadHandle)?;
    crash_point!(thread, "move.committed");
    Ok(())
}

/// MOVED → FREE. Wakes the waits on the old handle, which then end, and ends its observers.
fn move_done(thread: &Thread, found: ResolvedHandle) -> Result<()> {
    let state = thread.arena().state(found.entry.object())?;
    // Under the intent: recovery ends the observers of a handle that is MOVED, and would not look for those of one that
    // is FREE.
    wake::notify_handle_gone(thread, state, (thread.table_row, found.index, found.entry))?;
    let cell = thread.arena().entry(thread.table_row, found.index).ok_or(Error::BadHandle)?;
    // ORDER: Release: after the new entry is LIVE, in the order that recovery sees. The new entry first, or a death in
    // between would look like a move that never committed.
    cell.store(found.entry.freed().0, Release);
    crash_point!(thread, "move.freed");
    thread.set_operation(Operation::Idle);
    entries::recycle_entry(thread, found.index);
    Ok(())
}

pub(crate) fn leave_startup_handle(
    thread: &Thread,
    found: ResolvedHandle,
    process_slot: ProcessSlot,
) -> Result<()> {
    let object = found.entry.object();
    let cell = thread
        .arena()
        .entry(process_slot.row, STARTUP_ENTRY)
        .ok_or(Error::BadState("no such process row"))?;
    let row = thread.arena().process(process_slot.row)?;
    // Relaxed: this process reserved the process slot, and has seen all earlier stores to it since.
    let row_state = RowState(row.state.load(Relaxed));
    let free = Entry(cell.load(Relaxed));
    if row_state.process_state() != ProcessState::Starting(thread.table_row)
        || row_state.epoch() != process_slot.epoch
        || !matches!(free.state(), EntryState::Free | EntryState::Invalid)
    {
        return Err(Error::BadState(
            "the process slot is not reserved by this process, or has its startup handle",
        ));
    }
    let reserved = free.reserved(thread.tag, object);
    // Recovery of the process slot sweeps its table up to this mark, so the mark passes the entry first. Relaxed: the
    // entry's Release store comes after.
    if row.entries_hwm.load(Relaxed) <= STARTUP_ENTRY.0.into() {
        row.entries_hwm.store(u64::from(STARTUP_ENTRY.0) + 1, Relaxed);
    }
    // ORDER: Release: after the mark, in the order that recovery sees.
    cell.store(reserved.0, Release);
    let moved =
        move_out(thread, found, HandleLocation::Entry { process: process_slot.row, index: STARTUP_ENTRY });
    if let Err(error) = moved {
        if !error.is_crash() {
            // Relaxed: the entry owns no reference, whether recovery sees this store before or after the intent is
            // idle.
            cell.store(reserved.freed().0, Relaxed);
            thread.set_operation(Operation::Idle);
        }
        return Err(error);
    }
    thread.detach_half(found.index, object);
    // ORDER: Release: after MOVED and before the old entry is FREE, as in `replace`.
    cell.store(reserved.live(found.rights(), object).0, Release);
    crash_point!(thread, "startup.live");
    move_done(thread, found)
}
