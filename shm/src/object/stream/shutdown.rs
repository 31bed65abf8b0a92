//! The end of a stream that is written no more, though both sides are open: `zx_socket_shutdown`.
//!
//! WRITE_DISABLED in the state of the side that writes the stream says so, and is never cleared. The store that sets it
//! commits the shutdown. A write may be under way then, so the position of the last byte is fixed afterwards, by the first
//! thread that needs it.
//!
//! INV-SHUTDOWN-1: *what was written is read, and nothing else.* A writer commits, and then looks at the signal; a reader
//! copies, and then looks at the signal, before it moves the head. A thread that sees it fixes the end: a heavy barrier, the tail,
//! and a CAS of the end. So a write that did not see the signal lies before the barrier, and is counted. One that saw it
//! compares its bytes with the end, and a reader that saw it reads up to the end.

use crate::arena::error::{Error, Result};
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::{Signals, State};
use crate::handle::pin;
use crate::object::stream::places::{self, Copied, Stream};
use crate::process::thread::{Thread, crash_point};
use crate::signal::{set, wake};
use crate::sync::{AtomicU64, Relaxed, light_barrier};

/// The error of a read after the last byte.
const NO_MORE: Error = Error::BadState("reading is disabled for this end of the socket");

/// Disables writing at a side that a hazard names. Idempotent.
pub(crate) fn disable_writing(thread: &Thread, writer: ObjectRef) -> Result<()> {
    set::assert_for_good(thread, writer, Signals::WRITE_DISABLED)?;
    crash_point!(thread, "shutdown.disabled");
    fix_end(thread, &Stream::of(thread.arena(), writer)?)?;
    // PEER_WRITE_DISABLED follows from the signal of the writing side.
    wake::notify_derived(thread, thread.arena().state(writer.peer())?, State::HAS_WAITERS)?;
    Ok(())
}

fn is_disabled(writer_state: &AtomicU64) -> bool {
    // ORDER: pairs with the heavy barrier of `fix_end`: after the caller's commit, or its copy.
    light_barrier();
    State(writer_state.load(Relaxed)).signals().contains(Signals::WRITE_DISABLED)
}

/// After a write that ends at `end`: fails if it came after the shutdown.
#[inline(always)]
pub(crate) fn require_written(
    thread: &Thread,
    stream: &Stream<'_>,
    own_state: &AtomicU64,
    end: u64,
) -> Result<()> {
    if !is_disabled(own_state) || end <= fix_end(thread, stream)? {
        return Ok(());
    }
    Err(Error::BadState("writing was disabled for this end of the socket"))
}

/// What a read at `head` may take of what it has copied; `own_state` was loaded before. `BadState` when there is nothing left
/// and will be nothing. As in Zircon, a peer that has closed comes first.
#[inline(always)]
pub(crate) fn readable(
    thread: &Thread,
    stream: &Stream<'_>,
    (own_state, writer_state): (State, &AtomicU64),
    head: u64,
    copied: Copied,
) -> Result<Copied> {
    if !is_disabled(writer_state) {
        return Ok(copied);
    }
    match readable_of_ended(thread, stream, head, copied) {
        Err(NO_MORE) if own_state.signals().contains(Signals::PEER_CLOSED) => Err(Error::PeerClosed),
        readable => readable,
    }
}

#[cold]
fn readable_of_ended(thread: &Thread, stream: &Stream<'_>, head: u64, copied: Copied) -> Result<Copied> {
    let end = fix_end(thread, stream)?;
    if copied.head <= end {
        // Nothing may have been found before the last write.
        let is_over = copied.head == head && head == end;
        return if is_over { Err(NO_MORE) } else { Ok(copied) };
    }
    match end.checked_sub(head) {
        // A datagram lies before the end or behind it.
        Some(left) if left > 0 => Ok(Copied { bytes: copied.bytes.min(left as usize), head: end }),
        _ => Err(NO_MORE),
    }
}

/// The position behind the last byte of a stream whose writing is disabled.
#[cold]
fn fix_end(thread: &Thread, stream: &Stream<'_>) -> Result<u64> {
    if let Some(end) = stream.end() {
        return Ok(end);
    }
    // ORDER: pairs with the light barrier of `is_disabled`. Where the kernel refuses it to this process alone, a write that
    // races the shutdown may not be read.
    pin::barrier(thread)?;
    let end = places::checked(stream.written().end)?;
    // Relaxed: a position of bytes, which are found otherwise.
    Ok(match stream.words.end().compare_exchange(0, end + 1, Relaxed, Relaxed) {
        Ok(_) => end,
        Err(fixed) => fixed - 1,
    })
}
