//! Operations that make one handle from another: duplicate, replace, and the startup handle that a spawner leaves for
//! its child.
//!
//! `refcount/moving` has the steps.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{Entry, EntryState, HandleValue, Rights};
use crate::arena::word::intent::{HandleLocation, Operation};
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::row::{ProcessSlot, ProcessState, RowState};
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::object::ObjectClass;
use crate::process::thread::{Thread, crash_point};
use crate::process::{Origin, STARTUP_ENTRY, entries};
use crate::refcount::{self, moving};
use crate::sync::{Relaxed, Release};

pub(crate) fn duplicate(thread: &Thread, found: ResolvedHandle, rights: Rights) -> Result<HandleValue> {
    if thread.process.halves.may_have(found.index) {
        // Relaxed: if the handle is gone, the slot may have any word by now, and `pin` below tells.
        let lifecycle = thread.arena().object(found.entry.object().slot())?.lifecycle.load(Relaxed);
        if let Ok(class) = ObjectClass::of(Lifecycle(lifecycle)) {
            class.before_duplicate(thread, found)?;
        }
    }
    pin::pin(thread, found)?;
    let result = moving::duplicate_pinned(thread, found, rights);
    if !result.is_err_and(|error| error.is_crash()) {
        pin::unpin(thread);
    }
    result
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
    if let Err(error) = moving::move_out(thread, found, to, rights) {
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
    moving::move_done(thread, found)?;
    Ok(thread.process.codec.encode(index, live))
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
    let to = HandleLocation::Entry { process: process_slot.row, index: STARTUP_ENTRY };
    if let Err(error) = moving::move_out(thread, found, to, found.rights()) {
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
    moving::move_done(thread, found)
}
