//! Reference counts. Records own the references and a count caches their number. A count changes so that recovery can
//! decide, after a death at any instruction, whether the change was applied.
//!
//! Thread t changes the count of X in these steps:
//!
//! 1. the row's `handle_location` names the record, `refcount_intent` = {up or down, PENDING, X, sequence};
//! 2. down only: the record's CAS LIVE → CLOSING(t) **commits the close**;
//! 3. the previous changer's intent is marked APPLIED if it is still PENDING;
//!    then the count's CAS → {n ± 1, t, sequence};
//! 4. up: the record → LIVE **commits the duplicate**; down: the record → FREE;
//! 5. down to 0: the side joins the row's release queue (`release_queue` in the thread's row);
//! 6. the intent is idle again.
//!
//! Recovery asks whether the change was applied. It was if the count word still carries (t, sequence), or else if the
//! intent is APPLIED. Recovery checks in that order, because a helper marks the intent before it overwrites the word.
//!
//! INV-REF-1: between steps 1 and 6 the row's intent names this change and no other.
//! INV-REF-2: a thread changes the count only under an intent that says so (or sets it while the slot is RESERVED).

pub(crate) mod moving;

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{Entry, EntryIndex};
use crate::arena::word::intent::{Change, HandleLocation, RefcountIntent};
use crate::arena::word::refcount::Count;
use crate::arena::word::reference::{ObjectRef, Tag};
use crate::handle::lookup::ResolvedHandle;
use crate::process::entries;
use crate::process::thread::{Thread, crash_point};
use crate::signal::{observers, wake};
use crate::sync::trace::trace_event;
use crate::sync::{Acquire, AtomicU64, Relaxed, Release};

/// Step 3 of a change: helps the previous changer, then changes the count. Returns the new number.
pub(crate) fn change_count(thread: &Thread, object: ObjectRef, change: Change, sequence: u32) -> Result<u64> {
    let count = &thread.arena().object(object.slot())?.count[object.side()];
    // ORDER: Acquire pairs with the Release below in the previous changer, so this thread sees that changer's intent.
    let mut word = Count(count.load(Acquire));
    loop {
        let number = match (change, word.number()) {
            (Change::Increment, 0) => return Err(Error::BadHandle),
            (Change::Increment, Count::MOST) => return Err(Error::NoResources("references to one object")),
            (Change::Increment, number) => number + 1,
            (Change::Decrement, 0) => return Err(Error::Corrupt("a reference to an object that has none")),
            (Change::Decrement, number) => number - 1,
        };
        // The CAS below overwrites the previous changer's (tag, sequence), so its intent must carry the proof first.
        mark_applied(thread, word, object);
        crash_point!(thread, "count.helped");
        let next = Count::new(number, thread.tag, sequence);
        // ORDER: Release publishes this thread's intent to the next changer, and its use of the object to the thread
        // that takes the last reference. The load above, and Acquire on failure, receive the same from the previous
        // changer. A word never repeats, so a successful CAS replaces the word that was loaded.
        match count.compare_exchange(word.0, next.0, Release, Acquire) {
            Ok(_) => return Ok(number),
            Err(changed) => word = Count(changed),
        }
    }
}

/// Marks the intent of the thread that wrote `word` as APPLIED, before another change overwrites that word.
fn mark_applied(thread: &Thread, word: Count, object: ObjectRef) {
    let changer = word.changer();
    if changer == thread.tag || changer == Tag::NO_OWNER {
        return;
    }
    let Ok(row) = thread.arena().thread(changer) else { return };
    // Relaxed: the count word was loaded with Acquire, so this load is no older than the change. The next store of
    // the count word publishes the mark.
    let intent = RefcountIntent(row.refcount_intent.load(Relaxed));
    if intent.is_pending(object, word.sequence()) {
        // The CAS fails if the intent's owner moved on, or if another helper was first. Both need no action.
        let _ = row.refcount_intent.compare_exchange(intent.0, intent.applied().0, Relaxed, Relaxed);
    }
}

/// Drops the reference that the handle holds. If it was the side's last, the side is left on the release queue.
#[inline(always)]
pub(crate) fn drop_handle(thread: &Thread, found: ResolvedHandle) -> Result<()> {
    let location = HandleLocation::Entry { process: thread.table_row, index: found.index };
    take_back_reference(thread, location, found.entry)
}

/// Drops the reference of the record at `location`, if its word is still exactly `entry`. If it was the side's last, the
/// side is left on the release queue.
pub(crate) fn drop_reference(thread: &Thread, location: HandleLocation, entry: Entry) -> Result<()> {
    take_back_reference(thread, location, entry)
}

/// The body of both functions above. Inlined, so that each caller's kind of record is a constant here.
#[inline(always)]
fn take_back_reference(thread: &Thread, location: HandleLocation, entry: Entry) -> Result<()> {
    let cell = thread.arena().record(location)?;
    let object = entry.object();
    let state = thread.arena().state(object)?;
    let sequence = thread.intend(Change::Decrement, object, location);
    crash_point!(thread, "close.intended");
    let closing = entry.closing(thread.tag);
    if let HandleLocation::Entry { process, index } = location
        && process == thread.process.row
        && thread.process.halves.may_have(index)
    {
        // Before the count drops, so that the reference still keeps the object: wait until no operation of this process is
        // inside the endpoint.
        close_with_half(thread, index, cell, (entry, closing)).inspect_err(|_| thread.intend_nothing())?;
    } else {
        // Most handles have no private half.
        commit_close(cell, entry, closing).inspect_err(|_| thread.intend_nothing())?;
    }
    crash_point!(thread, "close.committed");
    if let HandleLocation::Entry { process, index } = location {
        if process == thread.process.row {
            // The sleepers on this handle then find it gone.
            wake::notify_handle_gone(thread, state, (process, index, entry))?;
        } else {
            observers::end_of_dead_handle(thread, (process, index, entry))?;
        }
    }
    let left = change_count(thread, object, Change::Decrement, sequence)?;
    crash_point!(thread, "close.counted");
    trace_event!(?object, references_left = left, "handle closed");
    // ORDER: Release puts the freed record after the changed count, in the order that recovery sees.
    cell.store(entry.freed().0, Release);
    crash_point!(thread, "close.freed");
    // The side joins the queue before the intent goes idle: until then recovery redoes this step from the intent.
    if left == 0 {
        push_release(thread, object)?;
    }
    crash_point!(thread, "close.listed");
    thread.intend_nothing();
    if let HandleLocation::Entry { index, .. } = location {
        entries::recycle_entry(thread, index);
    }
    Ok(())
}

/// Step 2: LIVE → CLOSING.
#[inline(always)]
fn commit_close(cell: &AtomicU64, entry: Entry, closing: Entry) -> Result<()> {
    // ORDER: Release puts the commit after the intent, in the order that recovery sees.
    // Relaxed on failure: another thread closed the same handle first, and this thread reads no more of it.
    cell.compare_exchange(entry.0, closing.0, Release, Relaxed).map(drop).map_err(|_| Error::BadHandle)
}

/// Step 2 for a handle that has a private half, which is detached with it. Not inlined: most handles have none.
#[inline(never)]
fn close_with_half(
    thread: &Thread,
    index: EntryIndex,
    cell: &AtomicU64,
    (entry, closing): (Entry, Entry),
) -> Result<()> {
    thread.closing(index, entry.object(), || commit_close(cell, entry, closing))
}

/// Puts a side at the head of this row's release queue.
pub(crate) fn push_release(thread: &Thread, object: ObjectRef) -> Result<()> {
    let release_queue = &thread.row().release_queue;
    let next = &thread.arena().object(object.slot())?.next[object.side()];
    // Relaxed: the queue is this row's own, and the Release store below publishes the link.
    next.store(release_queue.load(Relaxed), Relaxed);
    crash_point!(thread, "release.linked");
    // ORDER: Release: recovery that sees this head also sees the link behind it.
    release_queue.store(object.to_link(), Release);
    Ok(())
}

/// RESERVED → FREE: the operation did not commit.
pub(crate) fn release_reserved(thread: &Thread, index: EntryIndex, entry: Entry) {
    if let Some(cell) = thread.arena().entry(thread.table_row, index) {
        // Relaxed: a RESERVED entry owns no reference, whether or not the intent is still there. The pool's lock orders
        // this store before the entry's next use.
        cell.store(entry.freed().0, Relaxed);
        entries::recycle_entry(thread, index);
    }
}
