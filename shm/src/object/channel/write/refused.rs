//! Writes that were refused for want of memory or of a share, and when it is worth trying again.
//!
//! WRITABLE says that a write of the size last refused can succeed. So an end remembers that size, and whoever looks for
//! WRITABLE does what the write would do first: finds a place, and a block, which the end then keeps for the write.
//! Memory comes back from anywhere, and not all who give it back can know who waits for it; so such a wait looks again
//! every `TRY_AGAIN_NS`, and whenever its reader has read something.
//!
//! All of this is private to the process that holds the end.
//!
//! A direction takes no more blocks than eight times what is left to its process, and has no more messages pending, so that
//! one reader that has stopped leaves a ninth of each size class, and of the pending messages, to the other channels of its
//! writer's process, and two of them a ninth of that.

use crate::arena::error::{Error, Result};
use crate::handle::lookup::ResolvedHandle;
use crate::process::endpoint::Endpoint;
use crate::process::thread::Thread;
use crate::sync::{self, Inside, Relaxed};

/// Takes note if a write that needs so many lines of payload was refused.
#[cold]
fn note_refusal(_thread: &Thread, endpoint: &Endpoint, lines: usize, error: Error) -> Error {
    if matches!(error, Error::NoMemory { .. } | Error::NoResources(_)) {
        // Relaxed, here and below: private, and no more than a hint.
        endpoint.refused.store(lines as u64 + 1, Relaxed);
        endpoint.try_again_ns.store(sync::now_ns().cast_unsigned(), Relaxed);
    }
    error
}

/// The same for a result.
#[inline(always)]
pub(crate) fn noting<T>(thread: &Thread, endpoint: &Endpoint, lines: usize, result: Result<T>) -> Result<T> {
    result.map_err(|error| note_refusal(thread, endpoint, lines, error))
}

/// The endpoint, if a write was refused there for want of memory.
pub(crate) fn refusal<'a>(
    thread: &'a Thread,
    found: ResolvedHandle,
    inside: &'a Inside<'_>,
) -> Option<&'a Endpoint> {
    let endpoint = thread.process.endpoint(found.index, inside)?;
    (endpoint.refused.load(Relaxed) != 0).then_some(endpoint)
}
