//! Records that come and go: a duplicate, and a move from one record to another.
//!
//! A duplicate is one count change (`refcount`). In a move the count stays: new record RESERVED, old one LIVE → MOVED
//! **commits**, new LIVE, old FREE. Recovery: old MOVED → new LIVE, else new FREE.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::intent::{Change, HandleLocation, Operation};
use crate::handle::lookup::ResolvedHandle;
use crate::process::entries;
use crate::process::thread::{Thread, crash_point};
use crate::refcount;
use crate::signal::wake;
use crate::sync::{Relaxed, Release};

/// Makes another handle to the object of `found`, which does not end meanwhile.
pub(crate) fn duplicate_pinned(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
) -> Result<HandleValue> {
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

/// LIVE → MOVED, under the intent to move to `to`, where the handle has `rights`. Commits the move. `BadState` for a channel
/// of which memory is lent to the program.
pub(crate) fn move_out(
    thread: &Thread,
    found: ResolvedHandle,
    to: HandleLocation,
    rights: Rights,
) -> Result<()> {
    let from = HandleLocation::Entry { process: thread.table_row, index: found.index };
    thread.set_operation(Operation::Move { from, to, rights });
    crash_point!(thread, "move.intended");
    let cell = thread.arena().entry(thread.table_row, found.index).ok_or(Error::BadHandle)?;
    // ORDER: Release: after the intent, in the order that recovery sees. If several threads close or move the same
    // handle, one CAS succeeds and the others fail; they read no more of the object.
    thread
        .leaving(found.index, found.entry.object(), || {
            cell.compare_exchange(found.entry.0, found.entry.moved(thread.tag).0, Release, Relaxed)
        })?
        .map_err(|_| Error::BadHandle)?;
    crash_point!(thread, "move.committed");
    Ok(())
}

/// MOVED → FREE. Wakes the waits on the old handle, which then end, and ends its observers.
pub(crate) fn move_done(thread: &Thread, found: ResolvedHandle) -> Result<()> {
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
