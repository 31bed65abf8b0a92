//! Keepers: handles that keep memory to which the program has a reference. No value names such a handle while it is KEPT.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::HandleValue;
use crate::handle::lookup::{self, ResolvedHandle};
#[cfg(not(loom))]
use crate::process::half::maps::Keeper;
use crate::process::thread::Thread;
use crate::sync::{Relaxed, Release};

/// LIVE → KEPT: from here on only the holder of the result uses the handle (INV-ENTRY-5).
///
/// # Errors
/// `BadHandle` when another thread has closed or moved it meanwhile, by a value that it guessed.
pub(crate) fn keep(thread: &Thread, value: HandleValue) -> Result<ResolvedHandle> {
    let found = lookup::lookup(thread, value)?;
    let cell = thread.arena().entry(thread.table_row, found.index).ok_or(Error::BadHandle)?;
    let kept = found.entry.kept();
    // Relaxed: either state owns the reference, so recovery closes the handle whichever it finds; and only this thread
    // relies on the change.
    cell.compare_exchange(found.entry.0, kept.0, Relaxed, Relaxed).map_err(|_| Error::BadHandle)?;
    Ok(ResolvedHandle { index: found.index, entry: kept })
}

/// KEPT → LIVE. Gives the value.
pub(crate) fn release(thread: &Thread, keeper: ResolvedHandle) -> Result<HandleValue> {
    let cell = thread.arena().entry(thread.table_row, keeper.index).ok_or(Error::BadHandle)?;
    let live = keeper.entry.named();
    // ORDER: Release pairs with the Acquire of `lookup`: the object is complete. A plain store is enough: no other code
    // changes a KEPT entry.
    cell.store(live.0, Release);
    Ok(thread.process.codec.encode(keeper.index, live))
}

#[cfg(not(loom))]
impl From<ResolvedHandle> for Keeper {
    fn from(kept: ResolvedHandle) -> Self {
        Self { index: kept.index, entry: kept.entry }
    }
}

#[cfg(not(loom))]
impl From<Keeper> for ResolvedHandle {
    fn from(keeper: Keeper) -> Self {
        Self { index: keeper.index, entry: keeper.entry }
    }
}
