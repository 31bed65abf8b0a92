//! Writing at an exclusive end: into a ring, with one store of the tail.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::Rights;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::ResolvedHandle;
use crate::object::stream::end::Writer;
use crate::object::stream::link;
use crate::object::stream::places::{self, At, OPEN, Stream};
use crate::process::half::stream::Ring;
use crate::process::thread::{Thread, crash_point};
use crate::signal::wake;
use crate::sync::{self, Acquire, Relaxed, Release};

/// Writes as many whole elements of `bytes` as there is room for. How many bytes that is.
///
/// # Errors
/// `PeerClosed`, or the error of `check`, in this order; `ShouldWait` when there is no room.
#[inline(always)]
pub(crate) fn write(
    writer: &mut Writer<'_>,
    bytes: &[u8],
    check: impl FnOnce(&Stream<'_>) -> Result<()>,
) -> Result<usize> {
    let (thread, stream) = (writer.thread, Stream::of(writer.thread.arena(), writer.side)?);
    // Relaxed: no data is read on the strength of it.
    if State(writer.own_state().load(Relaxed)).signals().contains(Signals::PEER_CLOSED) {
        return Err(Error::PeerClosed);
    }
    check(&stream)?;
    let ring = match writer.cursor.ring {
        Some(ring) => ring,
        None => find_ring(writer, &stream)?,
    };
    let room = |head_seen: u64, tail: u64| stream.geometry.capacity() - (tail - head_seen);
    let mut free = room(writer.cursor.head_seen, writer.cursor.tail);
    if free < bytes.len() as u64 {
        refresh_head(writer, &stream)?;
        free = room(writer.cursor.head_seen, writer.cursor.tail);
        if free == 0 {
            return Err(Error::ShouldWait);
        }
    }
    let bytes = &bytes[..bytes.len().min(free as usize)];
    let tail = writer.cursor.tail;
    stream.copy_in(ring.block, ring.start, tail, bytes)?;
    let tail = tail + bytes.len() as u64;
    sync::released(stream.words.tail());
    // ORDER: Release pairs with the Acquire of `Stream::item`: the bytes below the tail. Commits.
    stream.words.tail().store(tail, Release);
    writer.cursor.tail = tail;
    crash_point!(thread, "stream.written");
    wake::notify_derived(thread, writer.peer_state(), State::HAS_WAITERS)?;
    Ok(bytes.len())
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
fn find_ring(writer: &mut Writer<'_>, stream: &Stream<'_>) -> Result<Ring> {
    // Relaxed, both: the arrival of the handle published what the earlier owner stored.
    let tail = places::checked(stream.words.tail().load(Relaxed))?;
    let items = stream.words.items().load(Relaxed);
    // ORDER: Acquire, as in `refresh_head`.
    let head = stream.words.head().load(Acquire);
    if head > tail || tail - head > stream.geometry.capacity() {
        return Err(Error::Corrupt("a stream's head and tail are out of range"));
    }
    let last = items.checked_sub(1).map(|last| stream.at(last)).transpose()?;
    let ring = match last {
        Some(At::Here(item)) if item.is_open => {
            // P5: what the stream holds lies in the ring.
            if item.start > tail || stream.ring_bytes(item.block) < stream.geometry.capacity() {
                return Err(Error::Corrupt("a stream with a ring that is too short"));
            }
            Ring { block: item.block, start: item.start }
        }
        _ => open_ring(writer.thread, stream, items, tail)?,
    };
    let cursor = &mut *writer.cursor;
    (cursor.tail, cursor.head_seen, cursor.ring) = (tail, head, Some(ring));
    Ok(ring)
}

/// Links an open item as item `number`, which starts at the tail.
fn open_ring(thread: &Thread, stream: &Stream<'_>, number: u64, tail: u64) -> Result<Ring> {
    link::need_place(thread, stream, number)?;
    let At::Vacant { place, word } = stream.at(number)? else {
        return Err(Error::Corrupt("an exclusive end of a stream with two writers"));
    };
    let block = link::take(thread, stream.geometry.capacity() as usize)?;
    let loose = link::bind(thread, stream, block)?;
    if !link::link(thread, (place, word), loose, tail, OPEN)? {
        return Err(Error::Corrupt("an exclusive end of a stream with two writers"));
    }
    crash_point!(thread, "item.opened");
    thread.set_list_intent(ListIntent::Idle, 0);
    // Relaxed: for this end's next owner, which its arrival tells.
    stream.words.items().store(number + 1, Relaxed);
    Ok(Ring { block, start: tail })
}

/// Opens the ring of a new stream, so that its writes need no memory.
pub(crate) fn prepare(thread: &Thread, found: ResolvedHandle) -> Result<()> {
    let inside = thread.inside();
    let mut writer = Writer::enter(thread, found, Rights::empty(), &inside)?;
    let stream = Stream::of(thread.arena(), writer.side)?;
    find_ring(&mut writer, &stream).map(drop)
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
