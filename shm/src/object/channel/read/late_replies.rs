//! Replies that come too late: an end that was told to discard them does so in passing.

use crate::arena::error::Result;
use crate::arena::word::reference::ObjectRef;
use crate::object::channel::read::reader;
use crate::object::channel::{drain, ring};
use crate::process::endpoint::{Endpoint, Receiver};
use crate::process::thread::Thread;

/// Consumes the late replies that were noted. What their handles end is on the release queue then, for the caller to
/// work once the lock is gone.
pub(crate) fn discard_late(
    thread: &Thread,
    at: ObjectRef,
    endpoint: &Endpoint,
    receiver: &mut Receiver,
) -> Result<()> {
    while let Some(position) = receiver.late.pop() {
        if position < receiver.head {
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
