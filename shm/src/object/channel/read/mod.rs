//! Reading from a channel: in order, in batches, in place, and binding the handles that a message carries.
//!
//! A message with handles is received under a write-ahead intent. Its entries are RESERVED; the store of the head (or
//! the CONSUMED mark) commits; the entries become LIVE. If the reader died in between, recovery decides by the head.

#[cfg(not(loom))]
pub(crate) mod in_place;
pub(crate) mod late_replies;
pub(crate) mod out_of_order;
pub(crate) mod reader;
pub(crate) mod recv_buf;
pub(crate) mod reply;

use crate::arena::copy::Payload;
use crate::arena::error::{Error, Result};
use crate::arena::record::counter::Counter;
use crate::arena::segment::{FETCH_AHEAD, MAX_MESSAGE_HANDLES, Message, PlainMessage, SLOT_BYTES};
use crate::arena::word::handle::{Entry, EntryIndex, Rights};
use crate::arena::word::intent::Operation;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::{HandleName, ResolvedHandle};
use crate::object::channel::drain;
use crate::object::channel::end::Reader;
use crate::object::channel::read::recv_buf::{Actual, Arrivals, OnOverflow, RecvBuf};
use crate::object::channel::ring::Place;
use crate::object::{ObjectClass, bind};
use crate::process::thread::{Thread, crash_point};
use crate::process::{Origin, entries};
use crate::refcount;
use crate::sync::{Acquire, Relaxed, SeqCst, fence};
use arrayvec::ArrayVec;

#[inline]
pub(crate) fn receive(
    thread: &Thread,
    channel: HandleName,
    rights: Rights,
    buffer: &mut impl RecvBuf,
    on_overflow: OnOverflow,
) -> Result<Actual> {
    let inside = thread.inside();
    let mut reader = Reader::enter(thread, channel, rights, &inside)?;
    let position = next_message(&mut reader)?;
    match take_plain(&mut reader, position, buffer)? {
        Some(bytes) => Ok(Actual { bytes, handles: 0 }),
        None => receive_any(reader, position, buffer, on_overflow),
    }
}

/// Receives the message at `position`, of any kind.
#[inline(never)]
fn receive_any(
    mut reader: Reader<'_>,
    position: u64,
    buffer: &mut impl RecvBuf,
    on_overflow: OnOverflow,
) -> Result<Actual> {
    let mut arrived = Arrivals::new();
    let result = take(&mut reader, position, buffer, &mut arrived, on_overflow);
    if matches!(result, Err(Error::BufferTooSmall { .. })) && on_overflow == OnOverflow::Keep {
        // Relaxed: this process's threads look at it as at a hint, and the message stays until one of them takes it.
        reader.endpoint.shown.store(position + 1, Relaxed);
    }
    // The caller's code gets the handles only after the lock is dropped.
    drop(reader);
    arrived.drain(..).for_each(|handle| buffer.handle(handle));
    result
}

pub(crate) fn receive_batch(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    most: usize,
    bytes: &mut Vec<u8>,
    ends: &mut Vec<usize>,
) -> Result<usize> {
    let inside = thread.inside();
    let mut reader = Reader::enter(thread, found, rights, &inside)?;
    let first = next_message(&mut reader)?;
    let mut position = first;
    if most as u64 > reader.cursor.tail_seen - first {
        // One look may have found one message only.
        reader::load_tail(&mut reader)?;
    }
    // Out of order, the next messages may be claimed or consumed already: take one message only.
    let most = if reader.cursor.out_of_order() == 0 { most as u64 } else { most.min(1) as u64 };
    while position < reader.cursor.tail_seen && position - first < most {
        if let Some(message) = plain_message(&reader, position) {
            append(bytes, message.payload, message.len);
            ends.push(bytes.len());
            reader::own_slot_in_stream(&reader, position, message.bytes_in_slot());
            position += 1;
            continue;
        }
        let place = reader::place_seen(&mut reader, position)?;
        let message = place.message(thread)?;
        if message.header.handles() != 0 {
            // A batch commits with one store of the head; handles need an intent per message.
            break;
        }
        append(bytes, message.payload, message.header.length());
        ends.push(bytes.len());
        position += 1;
    }
    let count = position - first;
    if count == 0 {
        return if most == 0 { Ok(0) } else { Err(Error::NotSupported("a batch of messages with handles")) };
    }
    // One message only, and it may lie behind the head: `consume` commits it wherever it lies.
    if reader.cursor.out_of_order() != 0 {
        let place = reader::place_seen(&mut reader, first)?;
        reader::consume(&mut reader, &place)?;
        return Ok(1);
    }
    reader::advance_head(&mut reader, position);
    thread.increment(Counter::MessagesReceived, count);
    reader::wake_writer(&reader)?;
    Ok(count as usize)
}

/// Appends the first `len` bytes of a message, which has at least as many. The length is from the checked copy of its
/// header, so the sender cannot make it grow meanwhile.
#[inline(always)]
fn append(bytes: &mut Vec<u8>, payload: Payload<'_>, len: usize) {
    bytes.reserve(len);
    payload.read_uninit(&mut bytes.spare_capacity_mut()[..len]);
    // SAFETY: the capacity was reserved, and its first `len` bytes have just been written.
    unsafe { bytes.set_len(bytes.len() + len) };
}

/// The message at `position`, if it lies in the head's segment and is a plain one, as most are.
#[inline(always)]
fn plain_message<'a>(reader: &'a Reader<'_>, position: u64) -> Option<PlainMessage<'a>> {
    let (thread, cursor) = (reader.thread, &*reader.cursor);
    let segment = cursor.segment.as_ref()?;
    if position >= cursor.end || cursor.head >= cursor.end {
        return None;
    }
    // Not beyond the known tail: the prefetch would take lines there from the writer, which is still filling them.
    if position + FETCH_AHEAD < cursor.tail_seen {
        segment.prefetch(position + FETCH_AHEAD, SLOT_BYTES);
    }
    let message = segment.plain_message(thread.arena(), position)?;
    if message.is_in_block && position + 1 < cursor.tail_seen {
        reader::prefetch_block(thread.arena(), segment, position + 1);
    }
    Some(message)
}

/// The position of the next message for a plain read.
#[inline(always)]
pub(crate) fn next_message(reader: &mut Reader<'_>) -> Result<u64> {
    if !reader.cursor.ready {
        reader::load_read_cursor(reader)?;
    }
    if reader.cursor.head == reader.cursor.tail_seen {
        reader::refresh_tail(reader)?;
    }
    if !reader.endpoint.is_out_of_order() {
        if reader.cursor.head != reader.cursor.tail_seen {
            return Ok(reader.cursor.head);
        }
    } else {
        let next = reply::first_unclaimed(reader)?;
        late_replies::discard_late(reader)?;
        if let Some(position) = next {
            return Ok(position);
        }
    }
    nothing_to_read(reader)
}

/// Decides between ShouldWait and PeerClosed; returns a message if one came meanwhile.
fn nothing_to_read(reader: &mut Reader<'_>) -> Result<u64> {
    let state = reader.own_state();
    // ORDER: Acquire, and before the tail is loaded again: a thread that sees PEER_CLOSED also sees every message that
    // the peer sent before it closed.
    let word = State(state.load(Acquire));
    if !word.signals().contains(Signals::PEER_CLOSED) {
        if !word.has(State::OBSERVED) {
            return Err(Error::ShouldWait);
        }
        // ORDER: between the stores of the head and this look, as in a writer's evaluation between its tail and its look
        // at the head: either this thread sees the message, or the writer sees that all before it was read, and a
        // repeating observer fires.
        fence(SeqCst);
        reader::refresh_tail(reader)?;
        return reply::first_unclaimed(reader)?.ok_or(Error::ShouldWait);
    }
    reader::refresh_tail(reader)?;
    reply::first_unclaimed(reader)?.ok_or(Error::PeerClosed)
}

/// As [`take`], for a plain message at the head, while no message behind it is consumed. Returns its length; `None` if the
/// message is another, or does not fit.
#[inline(always)]
pub(crate) fn take_plain(
    reader: &mut Reader<'_>,
    position: u64,
    buffer: &mut impl RecvBuf,
) -> Result<Option<usize>> {
    if reader.cursor.taken != 0 || position != reader.cursor.head {
        return Ok(None);
    }
    let Some(message) = plain_message(reader, position) else { return Ok(None) };
    // SAFETY: only the bytes of the message are written to the room.
    let Some(room) = (unsafe { buffer.reserve(message.len) }) else { return Ok(None) };
    // As in `take`: the copy comes before the commit, and `room` may be shorter than it was asked for.
    let len = room.len().min(message.len);
    message.payload.read_uninit(&mut room[..len]);
    // SAFETY: the line above has written the first `len` bytes.
    unsafe { buffer.advance(len) };
    let (len, bytes_in_slot) = (message.len, message.bytes_in_slot());
    reader::own_slot_in_stream(reader, position, bytes_in_slot);
    reader::advance_head(reader, position + 1);
    reader.thread.increment(Counter::MessagesReceived, 1);
    crash_point!(reader.thread, "receive.consumed");
    reader::wake_writer(reader)?;
    Ok(Some(len))
}

/// Receives the message at `position`.
#[inline(always)]
pub(crate) fn take(
    reader: &mut Reader<'_>,
    position: u64,
    buffer: &mut impl RecvBuf,
    arrived: &mut Arrivals,
    on_overflow: OnOverflow,
) -> Result<Actual> {
    let thread = reader.thread;
    let place = reader::place_seen(reader, position)?;
    let segment = &place.segment;
    // Not beyond the known tail: the prefetch would take lines there from the writer, which is still filling them.
    if position + FETCH_AHEAD < reader.cursor.tail_seen {
        segment.prefetch(position + FETCH_AHEAD, SLOT_BYTES);
    }
    let message = place.message(thread)?;
    if message.block.is_some() && position + 1 < reader.cursor.tail_seen {
        reader::prefetch_block(thread.arena(), segment, position + 1);
    }
    let (bytes, handles) = (message.header.length(), message.header.handles());
    // The handles first: if the message does not fit, no byte of it may reach the caller.
    // SAFETY: only the bytes of the message are written to the room.
    let room = if buffer.takes_handles(handles) { unsafe { buffer.reserve(bytes) } } else { None };
    let fits = room.is_some();
    if let Some(room) = room {
        // The copy comes before the commit: the writer may overwrite the message once the head has passed it. A death
        // in between leaves the message unread. `min`: a buffer that gives less room than it was asked for must not be
        // written past its end.
        let len = room.len().min(bytes);
        message.payload.read_uninit(&mut room[..len]);
        // SAFETY: the line above has written the first `len` bytes.
        unsafe { buffer.advance(len) };
    }
    if !fits {
        if on_overflow == OnOverflow::Discard {
            // The handles first. A death in between leaves a message with closed records: the drain that follows
            // skips them, and no handle is lost or closed twice.
            drain::close_handles_of(thread, &message)?;
            reader::consume(reader, &place)?;
        }
        return Err(Error::BufferTooSmall { bytes, handles });
    }
    if handles == 0 {
        reader::consume(reader, &place)?;
    } else {
        bind_handles(reader, &place, &message, arrived)?;
    }
    Ok(Actual { bytes, handles })
}

/// Receives a message that carries handles.
fn bind_handles(
    reader: &mut Reader<'_>,
    place: &Place,
    message: &Message<'_>,
    arrived: &mut Arrivals,
) -> Result<()> {
    let thread = reader.thread;
    let mut entries = ArrayVec::<(EntryIndex, Entry, Rights), MAX_MESSAGE_HANDLES>::new();
    // All entries are reserved before the commit: after it, the receive must not fail.
    thread.set_operation(Operation::Receive { at: reader.side, position: place.position });
    for record in message.records() {
        // Relaxed: the header published the record, and the object that it refers to.
        let record = Entry(thread.arena().record(record)?.load(Relaxed));
        let reserved = match check_in_transit(reader, record) {
            Ok(()) => entries::reserve_entry(thread, record.object()),
            Err(error) => Err(error),
        };
        match reserved {
            Ok((entry_index, entry)) => entries.push((entry_index, entry, record.rights())),
            Err(error) => {
                // Not committed yet: release the entries, and the message stays in the ring with all its handles.
                for (entry_index, entry, _) in &entries {
                    refcount::release_reserved(thread, *entry_index, *entry);
                }
                thread.set_operation(Operation::Idle);
                return Err(error);
            }
        }
    }
    crash_point!(thread, "receive.reserved");
    reader::consume(reader, place)?;
    // The class and the slot were checked before the commit, so an error here means that another process damaged them
    // since.
    for (index, entry, rights) in &entries {
        arrived.push(bind::bind_received(thread, *index, *entry, *rights, Origin::Moved)?);
        crash_point!(thread, "receive.live");
    }
    thread.set_operation(Operation::Idle);
    Ok(())
}

/// P5: checks that the record can be a handle in transit, before it is used as one.
#[inline]
fn check_in_transit(reader: &Reader<'_>, record: Entry) -> Result<()> {
    // Relaxed: the header published the record after its object was complete, and the record's reference keeps the
    // object.
    let object = reader.thread.arena().object(record.object().slot())?;
    let lifecycle = Lifecycle(object.lifecycle.load(Relaxed));
    // An endpoint in transit belongs to no process, so it cannot be the reader's own end.
    let is_held = record.object() == reader.side;
    if record.is_live()
        && lifecycle.state() == LifecycleState::Live
        && ObjectClass::of(lifecycle).is_ok()
        && !is_held
    {
        Ok(())
    } else {
        Err(Error::Corrupt("a handle in transit to no object"))
    }
}
