//! Handles that become others: duplicates, replacements, and the handle that a spawner leaves for its child.
//!
//! Duplicating is a count change (`refcount`). Replacing is a move: new entry RESERVED, old LIVE → MOVED **commits**, new LIVE,
//! old FREE. Recovery: old MOVED → new LIVE, else new FREE.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{Entry, EntryState};
use crate::arena::word::intent::{Change, Operation, Record};
use crate::arena::word::row::{ProcessSlot, ProcessState, RowState};
use crate::arena::word::signals::State;
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::process::thread::{Thread, crash_point};
use crate::process::{Origin, STARTUP_ENTRY, entries};
use crate::refcount;
use crate::signal::wake;
use crate::sync::{Relaxed, Release};

pub(crate) fn duplicate(thread: &Thread, found: ResolvedHandle, rights: u32) -> Result<u32> {
    pin::pin(thread, found)?;
    let result = duplicate_pinned(thread, found, rights);
    if !matches!(result, Err(Error::Died)) {
        pin::unpin(thread);
    }
    result
}

fn duplicate_pinned(thread: &Thread, found: ResolvedHandle, rights: u32) -> Result<u32> {
    let object = found.entry.object();
    let (index, reserved) = entries::reserve_entry(thread, object)?;
    let cell = thread.arena().entry(thread.table_row, index).ok_or(Error::BadHandle)?;
    crash_point!(thread, "duplicate.reserved");
    let sequence =
        thread.intend(Change::Increment, object, Record::Entry { process: thread.table_row, index });
    crash_point!(thread, "duplicate.intended");
    match refcount::change_count(thread, object, Change::Increment, sequence) {
        Ok(_) => {}
        Err(Error::Died) => return Err(Error::Died),
        Err(error) => {
            thread.intend_nothing();
            refcount::release_reserved(thread, index, reserved);
            return Err(error);
        }
    }
    crash_point!(thread, "duplicate.counted");
    let live = reserved.live(rights, object);
    cell.store(live.0, Release);
    crash_point!(thread, "duplicate.live");
    thread.intend_nothing();
    Ok(thread.process.codec.encode(index, live))
}

pub(crate) fn replace(thread: &Thread, found: ResolvedHandle, rights: u32) -> Result<u32> {
    let object = found.entry.object();
    let (index, reserved) = match entries::reserve_entry(thread, object) {
        Ok(reserved) => reserved,
        Err(error) => {
            refcount::drop_handle(thread, found)?;
            return Err(error);
        }
    };
    let to = Record::Entry { process: thread.table_row, index };
    if let Err(error) = move_out(thread, found, to) {
        if error != Error::Died {
            refcount::release_reserved(thread, index, reserved);
            thread.set_operation(Operation::Idle);
        }
        return Err(error);
    }
    if thread.detach_endpoint(found.index, object) {
        thread.process.bind_endpoint(object, index, Origin::Moved, &thread.inside());
    }
    let live = reserved.live(rights, object);
    let cell = thread.arena().entry(thread.table_row, index).ok_or(Error::BadHandle)?;
    cell.store(live.0, Release);
    crash_point!(thread, "replace.live");
    move_done(thread, found)?;
    Ok(thread.process.codec.encode(index, live))
}

/// LIVE → MOVED, under the intent to move to `to`: commits a move.
fn move_out(thread: &Thread, found: ResolvedHandle, to: Record) -> Result<()> {
    let from = Record::Entry { process: thread.table_row, index: found.index };
    thread.set_operation(Operation::Move { from, to });
    crash_point!(thread, "move.intended");
    let cell = thread.arena().entry(thread.table_row, found.index).ok_or(Error::BadHandle)?;
    // ORDER: as for a close.
    let moved = cell.compare_exchange(found.entry.0, found.entry.moved(thread.tag).0, Release, Relaxed);
    moved.map_err(|_| Error::BadHandle)?;
    crash_point!(thread, "move.committed");
    Ok(())
}

/// MOVED → FREE; waits on the old handle end.
fn move_done(thread: &Thread, found: ResolvedHandle) -> Result<()> {
    let cell = thread.arena().entry(thread.table_row, found.index).ok_or(Error::BadHandle)?;
    cell.store(found.entry.freed().0, Release);
    crash_point!(thread, "move.freed");
    thread.set_operation(Operation::Idle);
    entries::give_entry_back(thread, found.index);
    let object = found.entry.object();
    let state = &thread.arena().object(object.slot())?.state[object.side()];
    wake::notify_derived(thread, state, State::HAS_WAITERS | State::HAS_WRITE_WAITERS);
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
    // Relaxed: this process reserved the process slot, and what was there before is seen since then.
    let claim = RowState(row.claim.load(Relaxed));
    let free = Entry(cell.load(Relaxed));
    if claim.process_state() != ProcessState::Starting(thread.table_row)
        || claim.epoch() != process_slot.epoch
        || !matches!(free.state(), EntryState::Free | EntryState::Invalid)
    {
        return Err(Error::BadState("the process slot is not this thread's to fill, or is filled already"));
    }
    let reserved = free.reserved(thread.tag, object);
    // Recovery of the process slot sweeps its table up to here. Relaxed: the entry's Release comes after.
    if row.entries_hwm.load(Relaxed) <= STARTUP_ENTRY.into() {
        row.entries_hwm.store(u64::from(STARTUP_ENTRY) + 1, Relaxed);
    }
    cell.store(reserved.0, Release);
    let moved = move_out(thread, found, Record::Entry { process: process_slot.row, index: STARTUP_ENTRY });
    if let Err(error) = moved {
        if error != Error::Died {
            // Relaxed: before or after the intent is gone, it owns nothing.
            cell.store(reserved.freed().0, Relaxed);
            thread.set_operation(Operation::Idle);
        }
        return Err(error);
    }
    thread.detach_endpoint(found.index, object);
    cell.store(reserved.live(found.rights(), object).0, Release);
    crash_point!(thread, "startup.live");
    move_done(thread, found)
}
