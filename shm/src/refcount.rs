//! References: records that own them, a count that is their cache, and how a count changes so that a death at
//! any instruction leaves it decidable.
//!
//! A change of the count of X by thread t:
//!
//! 1. the row's `record` names the record, `reference` = {up or down, PENDING, X, sequence};
//! 2. down only: the record's CAS LIVE → CLOSING(t) **commits the close**;
//! 3. whoever changed the count last and still has its intent PENDING is marked APPLIED;
//!    then the count's CAS → {n ± 1, t, sequence};
//! 4. up: the record → LIVE **commits the duplicate**; down: the record → FREE;
//! 5. down to 0: the side joins the row's release queue (see `release_queue`);
//! 6. the intent is idle again.
//!
//! Recovery asks: did the change land? Yes if the count word still carries (t, sequence), or else if the
//! intent is APPLIED, in that order: the helper marks before it overwrites.
//!
//! INV-REF-1: between steps 1 and 6 the row's intent names this change and no other.
//! INV-REF-2: the count is only changed by a thread whose intent says so (or set while the slot is RESERVED).

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::Entry;
use crate::arena::word::intent::{Change, Record, RefcountIntent};
use crate::arena::word::refcount::Count;
use crate::arena::word::reference::{ObjectRef, Tag};
use crate::arena::word::signals::State;
use crate::handle::lookup::ResolvedHandle;
use crate::process::entries;
use crate::process::thread::{Thread, crash_point};
use crate::signal::wake;
use crate::sync::{Acquire, Relaxed, Release};

/// Steps 3 of a change: helps the last changer, then changes the count. Gives the new number.
pub(crate) fn change_count(thread: &Thread, object: ObjectRef, change: Change, sequence: u32) -> Result<u64> {
    let count = &thread.arena().object(object.slot())?.count[object.side()];
    // ORDER: Acquire pairs with the Release below in the last changer: its intent is seen.
    let mut word = Count(count.load(Acquire));
    loop {
        let number = match (change, word.number()) {
            (Change::Increment, 0) => return Err(Error::BadHandle),
            (Change::Increment, Count::MOST) => return Err(Error::NoResources("references to one object")),
            (Change::Increment, number) => number + 1,
            (Change::Decrement, 0) => return Err(Error::Corrupt("a reference to an object that has none")),
            (Change::Decrement, number) => number - 1,
        };
        mark_applied(thread, word, object);
        crash_point!(thread, "count.helped");
        let next = Count::new(number, thread.tag, sequence);
        // ORDER: Release publishes this thread's intent to the next changer, and its use of the object to
        // whoever takes the last reference. The load, and Acquire on failure, receive the same from the last
        // changer: a word never comes back, so what is replaced is what was loaded.
        match count.compare_exchange(word.0, next.0, Release, Acquire) {
            Ok(_) => return Ok(number),
            Err(changed) => word = Count(changed),
        }
    }
}

/// Before the count word of its last change is overwritten, its changer's intent is marked APPLIED.
fn mark_applied(thread: &Thread, word: Count, object: ObjectRef) {
    let changer = word.changer();
    if changer == thread.tag || changer == Tag::NOBODY {
        return;
    }
    let Ok(row) = thread.arena().thread(changer.0) else { return };
    // Relaxed: the count word was loaded with Acquire, so this is no older than the change; and the mark is
    // published with the count word that is stored next.
    let intent = RefcountIntent(row.reference.load(Relaxed));
    if intent.is_pending(object, word.sequence()) {
        // A failure means that its owner went on, or that another helper was first.
        let _ = row.reference.compare_exchange(intent.0, intent.applied().0, Relaxed, Relaxed);
    }
}

/// Takes back the reference that the handle is. A side whose last reference it was is left on the release queue.
pub(crate) fn drop_handle(thread: &Thread, found: ResolvedHandle) -> Result<()> {
    let record = Record::Entry { process: thread.table_row, index: found.index };
    take_back_reference(thread, record, found.entry)
}

/// Takes back the reference that `record` owns, if its word is still exactly `entry`. Sides whose last
/// reference that was are left on the release queue.
pub(crate) fn drop_reference(thread: &Thread, record: Record, entry: Entry) -> Result<()> {
    take_back_reference(thread, record, entry)
}

/// Inlined where it is known of which kind the record is.
#[inline(always)]
fn take_back_reference(thread: &Thread, record: Record, entry: Entry) -> Result<()> {
    let cell = thread.arena().record(record)?;
    let object = entry.object();
    let state = &thread.arena().object(object.slot())?.state[object.side()];
    let sequence = thread.intend(Change::Decrement, object, record);
    crash_point!(thread, "close.intended");
    let closing = entry.closing(thread.tag);
    // ORDER: Release: after the intent, in the order that recovery sees. Of two that close the same handle one
    // loses, and reads nothing more.
    if cell.compare_exchange(entry.0, closing.0, Release, Relaxed).is_err() {
        thread.intend_nothing();
        return Err(Error::BadHandle);
    }
    crash_point!(thread, "close.committed");
    if let Record::Entry { process, index } = record
        && process == thread.process.row
    {
        // While the reference still keeps the object: no operation of this process is left inside an
        // endpoint, and whoever sleeps on this handle wakes and finds it gone.
        thread.detach_endpoint(index, object);
        wake::notify_derived(thread, state, State::HAS_WAITERS | State::HAS_WRITE_WAITERS);
    }
    let left = change_count(thread, object, Change::Decrement, sequence)?;
    crash_point!(thread, "close.counted");
    cell.store(entry.freed().0, Release);
    crash_point!(thread, "close.freed");
    if left == 0 {
        push_release(thread, object)?;
    }
    crash_point!(thread, "close.listed");
    thread.intend_nothing();
    if let Record::Entry { index, .. } = record {
        entries::give_entry_back(thread, index);
    }
    Ok(())
}

/// Puts a side at the head of this row's list.
pub(crate) fn push_release(thread: &Thread, object: ObjectRef) -> Result<()> {
    let release_queue = &thread.row().release_queue;
    let next = &thread.arena().object(object.slot())?.next[object.side()];
    // Relaxed: the list is this row's own, and the store below comes after.
    next.store(release_queue.load(Relaxed), Relaxed);
    crash_point!(thread, "release.linked");
    release_queue.store(object.to_link(), Release);
    Ok(())
}

/// RESERVED → FREE: the operation did not commit.
pub(crate) fn release_reserved(thread: &Thread, index: u32, entry: Entry) {
    if let Some(cell) = thread.arena().entry(thread.table_row, index) {
        // Relaxed: before or after the intent is gone, it owns nothing. The pool's lock gives it on.
        cell.store(entry.freed().0, Relaxed);
        entries::give_entry_back(thread, index);
    }
}
