//! Reading at an exclusive end, with one store of the head.

use crate::arena::error::{Error, Result};
use crate::arena::word::signals::{Signals, State};
use crate::object::stream::end::Reader;
use crate::object::stream::link;
use crate::object::stream::places::Stream;
use crate::process::thread::crash_point;
use crate::signal::wake;
use crate::sync::{self, Acquire, Relaxed, Release};
use core::mem::MaybeUninit;

/// Reads as many bytes as there are and fit.
///
/// # Errors
/// The error of `check`; `ShouldWait` when nothing is unread; `PeerClosed` when nothing will be, either.
#[inline(always)]
pub(crate) fn read(
    reader: &mut Reader<'_>,
    out: &mut [MaybeUninit<u8>],
    check: impl FnOnce(&Stream<'_>) -> Result<()>,
) -> Result<usize> {
    let (thread, stream) = (reader.thread, Stream::of(reader.thread.arena(), reader.side.peer())?);
    check(&stream)?;
    // ORDER: Acquire pairs with the Release of `tell_peer_closed`, and comes before the look at the items: what was written
    // before the closing is read before it is reported.
    let is_closed = State(reader.own_state().load(Acquire)).signals().contains(Signals::PEER_CLOSED);
    // Relaxed: this process alone moves the head.
    let head = stream.words.head().load(Relaxed);
    let copied = stream.copy_from(head, out)?.ok_or(Error::Corrupt("a stream with two readers"))?;
    if copied == 0 {
        return Err(if is_closed { Error::PeerClosed } else { Error::ShouldWait });
    }
    let head = head + copied as u64;
    sync::released(stream.words.head());
    // ORDER: Release pairs with the Acquire of the writers: the copies of the bytes below the head are over. Commits.
    stream.words.head().store(head, Release);
    crash_point!(thread, "stream.read");
    link::clear_read(thread, &stream, head)?;
    wake::notify_derived(thread, reader.peer_state(), State::HAS_WRITE_WAITERS)?;
    Ok(copied)
}
