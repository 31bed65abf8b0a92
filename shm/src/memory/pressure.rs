//! Memory pressure: how a thread gets a block when the pools seem to have none left.
//!
//! A block may be free in a moment: another thread is about to free it, or a dead object still holds it. Finding such a
//! block means looking into channels and tearing down dead objects, and this folder knows neither. So `api` registers
//! the search from above, as a kernel registers shrinkers.

use crate::arena::error::{Error, Result};
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::BlockId;
use crate::memory::block_credit;
use crate::process::thread::Thread;
use std::sync::OnceLock;

/// Finds a block of this class after the first try gave the error, or returns the error.
type Relief = fn(&Thread, SizeClass, Error) -> Result<BlockId>;

/// The same for every process and arena: it is code, not state.
static RELIEF: OnceLock<Relief> = OnceLock::new();

/// Registers the function that relieves the pressure. Only the first call counts.
pub(crate) fn register(relief: Relief) {
    let _ = RELIEF.set(relief);
}

/// Takes a block of `class`, OWNED by this thread.
pub(crate) fn take_block(thread: &Thread, class: SizeClass) -> Result<BlockId> {
    let exhausted = match block_credit::take_free_block(thread, class) {
        Err(error @ (Error::NoMemory { .. } | Error::NoResources(_)))
            if thread.arena().layout().has_class(class) =>
        {
            error
        }
        taken => return taken,
    };
    RELIEF.get().map_or(Err(exhausted), |relief| relief(thread, class, exhausted))
}
