//! Memory pressure: what a thread does when the pools seem to have no block left.
//!
//! A block may be free in a moment: another thread has it in its hands, or an object that is dead holds it. To find that
//! out, channels are looked at and dead objects are taken apart, which this folder knows nothing of. So the search is
//! registered from above (`api`), as a kernel's shrinkers are.

use crate::arena::error::{Error, Result};
use crate::arena::word::block::BlockId;
use crate::memory::block_credit;
use crate::process::thread::Thread;
use std::sync::OnceLock;

/// Finds a block of this class after the error was the answer to the first try, or gives the error.
type Relief = fn(&Thread, usize, Error) -> Result<BlockId>;

/// The same for every process and arena: it is code, not state.
static RELIEF: OnceLock<Relief> = OnceLock::new();

/// Says what relieves the pressure. Only the first call counts.
pub(crate) fn register(relief: Relief) {
    let _ = RELIEF.set(relief);
}

/// A block of `class`, OWNED by this thread.
pub(crate) fn take_block(thread: &Thread, class: usize) -> Result<BlockId> {
    let exhausted = match block_credit::take_free_block(thread, class) {
        Err(error @ (Error::NoMemory { .. } | Error::NoResources(_)))
            if class < thread.arena().layout().pools.len() =>
        {
            error
        }
        taken => return taken,
    };
    RELIEF.get().map_or(Err(exhausted), |relief| relief(thread, class, exhausted))
}
