//! The entries of a handle table that a thread has at hand: it takes and returns them in batches, under one lock.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{Entry, EntryIndex, EntryState};
use crate::arena::word::reference::ObjectRef;
use crate::process::thread::Thread;
use crate::sync::{Relaxed, Release};

/// Takes an entry of this thread's table, RESERVED for a handle to `object`.
#[inline]
pub(crate) fn reserve_entry(thread: &Thread, object: ObjectRef) -> Result<(EntryIndex, Entry)> {
    let index =
        take_entry(thread).ok_or(Error::NoResources("handles of this process (max_handles_per_process)"))?;
    let cell = thread
        .arena()
        .entry(thread.table_row, index)
        .ok_or(Error::Corrupt("a free entry is out of range"))?;
    // Relaxed: the pool's lock orders this load after the last use of the entry.
    let free = Entry(cell.load(Relaxed));
    if !matches!(free.state(), EntryState::Free | EntryState::Invalid) {
        return Err(Error::Corrupt("a free entry is in use"));
    }
    let entry = free.reserved(thread.tag, object);
    // ORDER: Release: under the intent. The compiler keeps such stores in program order, which is the order that
    // recovery sees.
    cell.store(entry.0, Release);
    Ok((index, entry))
}

#[inline]
fn take_entry(thread: &Thread) -> Option<EntryIndex> {
    let index = thread.entry_cache.borrow_mut().pop();
    if index.is_some() { index } else { refill_entries(thread) }
}

#[cold]
fn refill_entries(thread: &Thread) -> Option<EntryIndex> {
    let mut cache = thread.entry_cache.borrow_mut();
    // This thread's closed entries go back first, so that a small table does not seem full while its thread holds free
    // entries.
    let mut pool = thread.process.entries.lock();
    pool.recycle(&mut thread.closed_entries.borrow_mut());
    pool.take_some(thread.entries_at_a_time, &mut cache);
    // Before any of these entries is used: recovery walks the table only up to the high-water mark.
    thread.process.advance_hwm(pool.hwm());
    drop(pool);
    thread.may_free_halves.set(true);
    cache.reverse();
    cache.pop()
}

/// Returns an entry that is FREE: this process may use it again, after the quarantine.
#[inline]
pub(crate) fn recycle_entry(thread: &Thread, index: EntryIndex) {
    // Recovery closes entries of a dead process's table. They are of no use to this process, and the dead one's pool is
    // gone.
    if thread.table_row != thread.process.row {
        return;
    }
    let mut closed = thread.closed_entries.borrow_mut();
    closed.push(index);
    if closed.len() >= thread.entries_at_a_time {
        thread.process.entries.lock().recycle(&mut closed);
        thread.may_free_halves.set(true);
    }
}
