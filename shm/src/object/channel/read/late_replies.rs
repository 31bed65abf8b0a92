//! Late replies: an end with `discard_late_replies` consumes them as part of its other operations.

use crate::arena::error::Result;
use crate::arena::word::reference::ObjectRef;
use crate::object::channel::read::reader;
use crate::object::channel::{drain, ring};
use crate::process::endpoint::{Endpoint, Receiver};
use crate::process::thread::Thread;

/// Consumes the late replies that were noted. A side whose last handle was in one of them is put on the release queue,
/// which the caller runs after it has dropped the lock.
pub(crate) fn discard_late(
    thread: &Thread,
    at: ObjectRef,
    endpoint: &Endpoint,
    receiver: &mut Receiver,
) -> Result<()> {
    while let Some(position) = receiver.late.pop() {
        if position < receiver.head {
            // Consumed already.
            continue;
        }
        let segment = reader::segment_of(thread, at.peer(), receiver, position)?;
        let message = ring::message(thread, &segment, position)?;
        drain::close_handles_of(thread, &message)?;
        reader::consume(thread, at, endpoint, receiver, &segment, position)?;
        receiver.replies.remove(position);
    }
    Ok(())
}
