//! Writing at an exclusive end: into a ring, with one store of the tail.
//!
//! A fifo's ring has room for all its elements. A socket's begins small, and a writer that finds it too short, though the
//! socket has room, closes it and opens a larger one, the stream's next item. So a socket that carries little stays small,
//! and one that carries much has the same ring for good.

use crate::arena::error::{Error, Result};
use crate::arena::record::line::LINE_BYTES;
use crate::arena::word::handle::Rights;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::ResolvedHandle;
use crate::object::stream::end::Writer;
use crate::object::stream::places::{self, At, OPEN, Stream};
use crate::object::stream::{link, shutdown};
use crate::process::half::stream::{Ring, WritePosition};
use crate::process::thread::{Thread, crash_point};
use crate::signal::wake;
use crate::sync::{self, Acquire, Relaxed, Release};

/// The room of a socket's first ring, in bytes.
const FIRST_RING_BYTES: usize = if cfg!(loom) { 4 } else { 4096 };

/// Fails if this side can write no more: its peer has closed, or its writing is disabled.
#[inline(always)]
pub(crate) fn require_open(own_state: State) -> Result<()> {
    let over = own_state.signals() & (Signals::PEER_CLOSED | Signals::WRITE_DISABLED);
    if over.is_empty() { Ok(()) } else { Err(closed(over)) }
}

#[cold]
fn closed(over: Signals) -> Error {
    if over.contains(Signals::PEER_CLOSED) {
        Error::PeerClosed
    } else {
        Error::BadState("writing is disabled for this end of the socket")
    }
}

/// Writes as many whole elements of `bytes` as there is room for. How many bytes that is.
///
/// # Errors
/// `WrongType`; `PeerClosed`; `BadState` after a shutdown; the error of `check`; `ShouldWait` when there is no room. In this
/// order.
#[inline(always)]
pub(crate) fn write(
    writer: &mut Writer<'_>,
    is_socket: bool,
    bytes: &[u8],
    check: impl FnOnce(&Stream<'_>) -> Result<()>,
) -> Result<usize> {
    let (thread, stream) = (writer.thread, Stream::of_end(writer, writer.cursor.ring.as_ref())?);
    stream.require(is_socket)?;
    // Relaxed: no data is read on the strength of it.
    require_open(State(writer.own_state().load(Relaxed)))?;
    check(&stream)?;
    if bytes.is_empty() {
        return Ok(0);
    }
    let mut ring = match writer.cursor.ring {
        Some(ring) => ring,
        None => find_ring(writer, &stream, bytes.len())?,
    };
    let mut free = room(&writer.cursor, &stream, ring);
    if free < bytes.len() as u64 {
        (ring, free) = find_room(writer, &stream, ring, bytes.len())?;
    }
    let bytes = &bytes[..bytes.len().min(free as usize)];
    let tail = writer.cursor.tail;
    stream.copy_into_ring(&ring, tail, bytes);
    let tail = tail + bytes.len() as u64;
    sync::released(stream.words.tail());
    // ORDER: Release pairs with the Acquire of `Stream::item`: the bytes below the tail. Commits.
    stream.words.tail().store(tail, Release);
    writer.cursor.tail = tail;
    crash_point!(thread, "stream.written");
    wake::notify_derived(thread, writer.peer_state(), State::HAS_WAITERS)?;
    // Small writes wait for lines, and not for bytes. While less is free, the reader may be at work in these.
    if bytes.len() <= LINE_BYTES && free >= 4 * LINE_BYTES as u64 {
        stream.prefetch(&ring, tail);
    }
    if is_socket {
        shutdown::require_written(thread, &stream, writer.own_state(), tail)?;
    }
    Ok(bytes.len())
}

/// How many bytes there is room for: in the stream, and in the ring.
#[inline(always)]
fn room(cursor: &WritePosition, stream: &Stream<'_>, ring: Ring) -> u64 {
    // P5: a damaged capacity may be lower than what is unread. The other numbers are private.
    let in_stream = stream.geometry.capacity().saturating_sub(cursor.tail - cursor.head_seen);
    let in_ring = ring.bytes - (cursor.tail - cursor.head_seen.max(ring.start));
    in_stream.min(in_ring)
}

/// Looks at the head again, and opens a larger ring if it is the ring that is too short.
#[inline(never)]
fn find_room(
    writer: &mut Writer<'_>,
    stream: &Stream<'_>,
    mut ring: Ring,
    wanted: usize,
) -> Result<(Ring, u64)> {
    refresh_head(writer, stream)?;
    let mut free = room(&writer.cursor, stream, ring);
    let capacity = stream.geometry.capacity();
    let in_stream = capacity.saturating_sub(writer.cursor.tail - writer.cursor.head_seen);
    if free < in_stream.min(wanted as u64) && ring.bytes < capacity {
        let larger = wanted.max(2 * ring.bytes as usize);
        match open_ring(writer.thread, stream, writer.cursor.tail, larger, Some(ring)) {
            Ok(opened) => {
                ring = opened;
                writer.cursor.ring = Some(ring);
                free = room(&writer.cursor, stream, ring);
            }
            // No memory: what fits into the ring is written.
            Err(Error::NoMemory { .. } | Error::NoResources(_)) if free > 0 => {}
            Err(error) => return Err(error),
        }
    }
    if free == 0 { Err(Error::ShouldWait) } else { Ok((ring, free)) }
}

/// Loads the head again, and checks it.
fn refresh_head(writer: &mut Writer<'_>, stream: &Stream<'_>) -> Result<()> {
    // ORDER: Acquire pairs with the Release stores and CASes of the head: the copies of the bytes below it are over, and
    // they may be overwritten.
    let head = stream.words.head().load(Acquire);
    sync::acquired(stream.words.head());
    if head < writer.cursor.head_seen || head > writer.cursor.tail {
        return Err(Error::Corrupt("a stream's head is outside the stream"));
    }
    writer.cursor.head_seen = head;
    Ok(())
}

/// Finds the ring that the end's earlier owner wrote, or opens one.
#[cold]
fn find_ring(writer: &mut Writer<'_>, stream: &Stream<'_>, wanted: usize) -> Result<Ring> {
    // Relaxed, both: the arrival of the handle published what the earlier owner stored.
    let tail = places::checked(stream.words.tail().load(Relaxed))?;
    let items = stream.words.items().load(Relaxed);
    // Relaxed: the look at the ring passes the fence of `Stream::item`, and only bytes of this ring are overwritten.
    let head = stream.words.head().load(Relaxed);
    if head > tail || tail - head > stream.geometry.capacity() {
        return Err(Error::Corrupt("a stream's head and tail are out of range"));
    }
    let last = items.checked_sub(1).map(|last| stream.at(last)).transpose()?;
    let ring = match last {
        Some(At::Here(item)) if item.is_open => {
            let ring = stream.ring(item.block, item.start)?;
            // P5: what is unread of it lies in the ring.
            if ring.start > tail || tail - head.max(ring.start) > ring.bytes {
                return Err(Error::Corrupt("a stream with a ring that is too short"));
            }
            ring
        }
        _ => open_ring(writer.thread, stream, tail, wanted, None)?,
    };
    let cursor = &mut *writer.cursor;
    (cursor.tail, cursor.head_seen, cursor.ring) = (tail, head, Some(ring));
    Ok(ring)
}

/// Links an open item that starts at the tail, after the ring `before`, which it closes. The item has room for `wanted` bytes
/// if the stream has.
#[cold]
fn open_ring(
    thread: &Thread,
    stream: &Stream<'_>,
    tail: u64,
    wanted: usize,
    before: Option<Ring>,
) -> Result<Ring> {
    // Relaxed: this process alone writes it, or the arrival of the handle published it.
    let number = stream.words.items().load(Relaxed);
    link::need_place(thread, stream, number)?;
    let At::Vacant { place, word } = stream.at(number)? else {
        return Err(Error::Corrupt("an exclusive end of a stream with two writers"));
    };
    let capacity = stream.geometry.capacity() as usize;
    let least = if stream.geometry.is_socket() { wanted.max(FIRST_RING_BYTES) } else { capacity };
    let block = link::take(thread, least.min(capacity))?;
    let loose = link::bind(thread, stream, block)?;
    if let Some(before) = before {
        link::close(stream, before.block, tail)?;
        crash_point!(thread, "ring.closed");
    }
    if !link::link(thread, (place, word), loose, tail, OPEN)? {
        link::give_back(thread, loose)?;
        return Err(Error::Corrupt("an exclusive end of a stream with two writers"));
    }
    crash_point!(thread, "item.opened");
    thread.set_list_intent(ListIntent::Idle, 0);
    // Relaxed: for this end's next owner, which its arrival tells.
    stream.words.items().store(number.saturating_add(1), Relaxed);
    stream.ring(block, tail)
}

/// Opens the ring of a new stream, so that its writes need no memory.
pub(crate) fn prepare(thread: &Thread, found: ResolvedHandle) -> Result<()> {
    let inside = thread.inside();
    let mut writer = Writer::enter(thread, found, Rights::empty(), &inside)?;
    let stream = Stream::of(thread.arena(), writer.side)?;
    find_ring(&mut writer, &stream, 0).map(drop)
}

/// Closes the ring for good, before the side becomes shared.
pub(crate) fn close_ring(writer: &mut Writer<'_>) -> Result<()> {
    let stream = Stream::of(writer.thread.arena(), writer.side)?;
    // Relaxed, both: this process alone writes them.
    let (items, tail) = (stream.words.items().load(Relaxed), stream.words.tail().load(Relaxed));
    if let Some(last) = items.checked_sub(1)
        && let At::Here(item) = stream.at(last)?
        && item.is_open
    {
        link::close(&stream, item.block, tail)?;
    }
    Ok(())
}
