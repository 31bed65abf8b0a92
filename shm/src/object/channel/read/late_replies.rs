//! Late replies: an end with `discard_late_replies` consumes them as part of its other operations.

use crate::arena::error::Result;
use crate::object::channel::drain;
use crate::object::channel::end::Reader;
use crate::object::channel::read::reader;

/// Consumes the late replies that were noted. A side whose last handle was in one of them is put on the release queue,
/// which the caller runs after it has dropped the lock.
pub(crate) fn discard_late(reader: &mut Reader<'_>) -> Result<()> {
    while let Some(position) = reader.cursor.late.pop() {
        if position < reader.cursor.head {
            // Consumed already.
            continue;
        }
        let place = reader::place_seen(reader, position)?;
        // Handles first, as for a message that is discarded: a death before the commit leaves closed records, which are
        // not closed again.
        drain::close_handles_of(reader.thread, &place.message(reader.thread)?)?;
        reader::consume(reader, &place)?;
        reader.cursor.replies.remove(position);
    }
    Ok(())
}
