//! Reading at an exclusive end, with one store of the head.
//!
//! While the writing end is exclusive too, the end reads one ring. It keeps the ring, and how far it is written, so that a read
//! below that looks at no word that the writer stores. Otherwise it reads items: of several writers, as `read_shared` does, or
//! the rings that a socket's writer has outgrown.
//!
//! What it keeps stays true: no bytes move before the head has passed them, and the ring's item is cleared, whose block then
//! may be another's, once the head has reached its end (INV-STREAM-4). By then all bytes that were seen are read, and the next
//! read looks again.

use crate::arena::error::{Error, Result};
use crate::arena::word::signals::{Signals, State};
use crate::object::stream::end::Reader;
use crate::object::stream::places::{At, Copied, Stream};
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

/// Reads as many bytes as there are and fit.
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
    let (thread, stream) =
        (reader.thread, Stream::of_end(reader, reader.cursor.ring.as_ref().map(|kept| &kept.ring))?);
    stream.require(is_socket)?;
    check(&stream)?;
    // ORDER: Acquire pairs with the Release of `assert_for_good`, and comes before the look at the items: what was written
    // before the closing is read before it is reported.
    let own_state = State(reader.own_state().load(Acquire));
    if reader.cursor.ring.is_none() || reader.cursor.tail_seen - reader.cursor.head < out.len() as u64 {
        look_at_ring(reader, &stream)?;
    }
    let mut copied = match &reader.cursor.ring {
        Some(kept) => {
            let head = reader.cursor.head;
            let many = out.len().min((reader.cursor.tail_seen - head) as usize);
            // A reader that spins for the next bytes mostly finds none.
            if many > 0 {
                stream.copy_out_of_ring(&kept.ring, head, &mut out[..many]);
            }
            Copied { bytes: many, head: head + many as u64 }
        }
        None => copy_items(reader, &stream, out)?,
    };
    let head = reader.cursor.head;
    if is_socket {
        copied = shutdown::readable(thread, &stream, (own_state, reader.peer_state()), head, copied)?;
        if out.is_empty() && stream.written().end > head {
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
    reader.cursor.head = copied.head;
    crash_point!(thread, "stream.read");
    if reader.cursor.ring.is_none() {
        link::clear_read(thread, &stream, copied.head)?;
    }
    wake::notify_derived(thread, reader.peer_state(), State::HAS_WRITE_WAITERS)?;
    Ok(copied.bytes)
}

/// Looks how far the ring is written, or finds it. Leaves none when the head is in no item that is open.
#[inline(always)]
fn look_at_ring(reader: &mut Reader<'_>, stream: &Stream<'_>) -> Result<()> {
    let cursor = &mut *reader.cursor;
    let Some(kept) = &cursor.ring else { return find_ring(reader, stream) };
    match stream.at_again(kept)? {
        // P5: a damaged tail must not send the reader out of the ring. The head is private.
        At::Here(item)
            if item.is_open
                && item.end.checked_sub(cursor.head).is_some_and(|unread| unread <= kept.ring.bytes) =>
        {
            cursor.tail_seen = item.end;
        }
        _ => cursor.ring = None,
    }
    Ok(())
}

/// Finds the ring that the head is in.
#[cold]
fn find_ring(reader: &mut Reader<'_>, stream: &Stream<'_>) -> Result<()> {
    if stream.is_shared() {
        return Ok(());
    }
    // Relaxed, both: this process alone moves the head, and *passed* is a hint.
    let (head, number) = (stream.words.head().load(Relaxed), stream.words.passed().load(Relaxed));
    if let At::Here(item) = stream.at(number)?
        && item.is_open
        // P5: the head comes from the arena here.
        && (item.start..=item.end).contains(&head)
        && item.end - head <= stream.ring_bytes(item.block)
    {
        let kept = stream.read_ring(&item)?;
        let cursor = &mut *reader.cursor;
        (cursor.head, cursor.tail_seen, cursor.ring) = (head, item.end, Some(kept));
    }
    Ok(())
}

/// Copies the bytes of items from the head on.
fn copy_items(reader: &mut Reader<'_>, stream: &Stream<'_>, out: &mut [MaybeUninit<u8>]) -> Result<Copied> {
    // Relaxed: as above.
    reader.cursor.head = stream.words.head().load(Relaxed);
    stream.copy_from(reader.cursor.head, out)?.ok_or(Error::Corrupt("a stream with two readers"))
}
