//! Writes that were refused for want of memory or of a share, and when it is worth trying again.
//!
//! WRITABLE says that a write of the size last refused can succeed. So an end remembers that size, and whoever looks for
//! WRITABLE does what the write would do first: finds a place, and a block, which the end then keeps for the write.
//! Memory comes back from anywhere, and not all who give it back can know who waits for it; so such a wait looks again
//! every [`TRY_AGAIN_NS`], and whenever its reader has read something.
//!
//! All of this is private to the process that holds the end.
//!
//! A direction takes no more blocks than eight times what is left to its process, and has no more messages pending, so that
//! one reader that has stopped leaves a ninth of each size class, and of the pending messages, to the other channels of its
//! writer's process, and two of them a ninth of that.

use crate::bits::ObjectRef;
use crate::count::Found;
use crate::endpoint::{Endpoint, Sender};
use crate::error::{Error, Result};
use crate::sync::{self, Relaxed};
use crate::thread::Thread;

/// How often memory is looked for on behalf of a wait.
pub(crate) const TRY_AGAIN_NS: i64 = if cfg!(loom) { 0 } else { 20_000_000 };

impl Thread {
    /// Takes note if a write that needs so many lines of payload was refused.
    #[cold]
    fn note_refusal(&self, endpoint: &Endpoint, lines: usize, error: Error) -> Error {
        if matches!(error, Error::NoMemory { .. } | Error::NoResources(_)) {
            // Relaxed, here and below: private, and no more than a hint.
            endpoint.refused.store(lines as u64 + 1, Relaxed);
            endpoint.try_again_ns.store(sync::now_ns().cast_unsigned(), Relaxed);
        }
        error
    }

    /// The same for a result.
    #[inline(always)]
    pub(crate) fn noting<T>(&self, endpoint: &Endpoint, lines: usize, result: Result<T>) -> Result<T> {
        result.map_err(|error| self.note_refusal(endpoint, lines, error))
    }

    /// Whether a write of the size that was last refused can succeed now; then what it needs is kept for it.
    #[cold]
    pub(crate) fn would_succeed(&self, found: Found, endpoint: &Endpoint) -> Result<bool> {
        let now_ns = sync::now_ns();
        if now_ns < endpoint.try_again_ns.load(Relaxed).cast_signed() {
            return Ok(false);
        }
        // Another thread is at a write: its end will tell.
        let Some(mut sender) = endpoint.sender.try_lock() else { return Ok(false) };
        let writer = found.entry.object();
        if !endpoint.is_bound_to(writer) || !self.still(found) {
            return Err(Error::Canceled);
        }
        let Some(lines) = endpoint.refused.load(Relaxed).checked_sub(1) else { return Ok(true) };
        match self.prepare_write(writer, &mut sender, lines as usize) {
            Ok(()) => {
                endpoint.refused.store(0, Relaxed);
                Ok(true)
            }
            Err(Error::NoMemory { .. } | Error::NoResources(_) | Error::ShouldWait | Error::PeerClosed) => {
                let again_ns = sync::now_ns().saturating_add(TRY_AGAIN_NS);
                endpoint.try_again_ns.store(again_ns.cast_unsigned(), Relaxed);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn prepare_write(&self, writer: ObjectRef, sender: &mut Sender, lines: usize) -> Result<()> {
        self.place(writer, sender, 0)?;
        if lines > 0 {
            let block = self.payload_block(writer, sender, lines)?;
            sender.spare[block.class()].push(block);
        }
        Ok(())
    }
}
