//! Reading at an exclusive end, with one store of the head.

use crate::arena::error::{Error, Result};
use crate::arena::word::signals::{Signals, State};
use crate::object::stream::end::Reader;
use crate::object::stream::places::Stream;
use crate::object::stream::{link, shutdown};
use crate::process::thread::crash_point;
use crate::signal::wake;
use crate::sync::{self, Acquire, Relaxed, Release};
use core::mem::MaybeUninit;

/// What a read does with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// They are this reader's.
    Consume,
    /// They stay in the stream.
    Peek,
}

/// The error of a read that found nothing. `own_state` was loaded before.
#[cold]
pub(crate) fn nothing_unread(own_state: State) -> Error {
    if own_state.signals().contains(Signals::PEER_CLOSED) { Error::PeerClosed } else { Error::ShouldWait }
}

/// Reads as many bytes as there are and fit, or the first datagram.
///
/// # Errors
/// `WrongType`; the error of `check`; `ShouldWait` when nothing is unread; `PeerClosed`, or `BadState` after a shutdown, when
/// nothing will be, either.
#[inline(always)]
pub(crate) fn read(
    reader: &mut Reader<'_>,
    is_socket: bool,
    taking: Taking,
    out: &mut [MaybeUninit<u8>],
    check: impl FnOnce(&Stream<'_>) -> Result<()>,
) -> Result<usize> {
    let (thread, stream) = (reader.thread, Stream::of(reader.thread.arena(), reader.side.peer())?);
    stream.require(is_socket)?;
    check(&stream)?;
    // ORDER: Acquire pairs with the Release of `assert_for_good`, and comes before the look at the items: what was written
    // before the closing is read before it is reported.
    let own_state = State(reader.own_state().load(Acquire));
    // Relaxed: this process alone moves the head.
    let head = stream.words.head().load(Relaxed);
    let mut copied = stream.copy_from(head, out)?.ok_or(Error::Corrupt("a stream with two readers"))?;
    if is_socket {
        match shutdown::readable(thread, &stream, reader.peer_state(), head, copied) {
            Ok(readable) => copied = readable,
            // As in Zircon, a peer that has closed comes first.
            Err(shutdown::NO_MORE) if own_state.signals().contains(Signals::PEER_CLOSED) => {}
            Err(error) => return Err(error),
        }
        if out.is_empty() && copied.head == head && stream.written().end > head {
            return Ok(0);
        }
    }
    if copied.head == head {
        return Err(nothing_unread(own_state));
    }
    if is_socket && taking == Taking::Peek {
        return Ok(copied.bytes);
    }
    sync::released(stream.words.head());
    // ORDER: Release pairs with the Acquire of the writers: the copies of the bytes below the head are over. Commits.
    stream.words.head().store(copied.head, Release);
    crash_point!(thread, "stream.read");
    link::clear_read(thread, &stream, copied.head)?;
    wake::notify_derived(thread, reader.peer_state(), State::HAS_WRITE_WAITERS)?;
    Ok(copied.bytes)
}
