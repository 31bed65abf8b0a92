//! Reading from a channel: in order, in batches, in place, and binding the handles that a message carries.
//!
//! A message with handles is received under a write-ahead intent. Its entries are RESERVED; the store of the head (or
//! the CONSUMED mark) commits; the entries become LIVE. If the reader died in between, recovery decides by the head.

#[cfg(not(loom))]
pub(crate) mod in_place;
pub(crate) mod late_replies;
pub(crate) mod out_of_order;
pub(crate) mod reader;
pub(crate) mod reply;
pub(crate) mod sink;

use crate::arena::copy;
use crate::arena::error::{Error, Result};
use crate::arena::record::counter::Counter;
use crate::arena::segment::{FETCH_AHEAD, MAX_MESSAGE_HANDLES, Message, Segment};
use crate::arena::word::handle::{Entry, EntryIndex, Rights};
use crate::arena::word::intent::Operation;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::ResolvedHandle;
use crate::object::channel::read::sink::{Arrivals, OnOverflow, RecvBuf};
use crate::object::channel::{drain, ring};
use crate::object::{ObjectClass, arrive};
use crate::process::endpoint::{Endpoint, Receiver};
use crate::process::thread::{Thread, crash_point};
use crate::process::{Origin, entries};
use crate::refcount;
use crate::sync::{self, Acquire, Relaxed};
use arrayvec::ArrayVec;

#[inline]
pub(crate) fn receive(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    sink: &mut impl RecvBuf,
    on_overflow: OnOverflow,
) -> Result<(usize, usize)> {
    let inside = thread.inside();
    let (endpoint, mut receiver) = reader::enter_receiver(thread, found, rights, &inside)?;
    let at = found.entry.object();
    let mut arrived = Arrivals::new();
    let result = match next_message(thread, at, endpoint, &mut receiver) {
        Ok(position) => take(thread, at, endpoint, &mut receiver, position, sink, &mut arrived, on_overflow),
        Err(error) => Err(error),
    };
    // The caller's code gets the handles only after the lock is dropped.
    drop(receiver);
    arrived.into_iter().for_each(|handle| sink.handle(handle));
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
    let (endpoint, mut receiver) = reader::enter_receiver(thread, found, rights, &inside)?;
    let at = found.entry.object();
    let first = next_message(thread, at, endpoint, &mut receiver)?;
    let mut position = first;
    // Out of order, the next messages may be claimed or consumed already: take one message only.
    let most = if receiver.out_of_order() == 0 { most as u64 } else { most.min(1) as u64 };
    while position < receiver.tail_seen && position - first < most {
        let segment = reader::segment_of(thread, at.peer(), &mut receiver, position)?;
        let message = ring::message(thread, &segment, position)?;
        if message.header.handles() != 0 {
            // A batch commits with one store of the head; handles need an intent per message.
            break;
        }
        let len = message.header.length();
        bytes.reserve(len);
        copy::read_uninit(message.bytes, &mut bytes.spare_capacity_mut()[..len]);
        // SAFETY: the capacity was reserved, and its first `len` bytes have just been written.
        unsafe { bytes.set_len(bytes.len() + len) };
        ends.push(bytes.len());
        position += 1;
    }
    let count = position - first;
    if count == 0 {
        return if most == 0 { Ok(0) } else { Err(Error::NotSupported("a batch of messages with handles")) };
    }
    if receiver.out_of_order() != 0 {
        let segment = reader::segment_of(thread, at.peer(), &mut receiver, first)?;
        reader::consume(thread, at, endpoint, &mut receiver, &segment, first)?;
        return Ok(1);
    }
    reader::advance_head(thread, at.peer(), &mut receiver, position)?;
    thread.increment(Counter::MessagesReceived, count);
    reader::wake_writer(thread, at)?;
    Ok(count as usize)
}

/// The position of the next message for a plain read.
#[inline(always)]
pub(crate) fn next_message(
    thread: &Thread,
    at: ObjectRef,
    endpoint: &Endpoint,
    receiver: &mut Receiver,
) -> Result<u64> {
    if !receiver.ready {
        reader::load_receiver(thread, at, receiver)?;
    }
    if receiver.head == receiver.tail_seen {
        reader::refresh_tail(thread, at, receiver)?;
    }
    if !endpoint.is_out_of_order() {
        if receiver.head != receiver.tail_seen {
            return Ok(receiver.head);
        }
    } else {
        let next = reply::first_unclaimed(thread, at, receiver)?;
        late_replies::discard_late(thread, at, endpoint, receiver)?;
        if let Some(position) = next {
            return Ok(position);
        }
    }
    nothing_to_read(thread, at, receiver)
}

/// Decides between ShouldWait and PeerClosed; returns a message if one came meanwhile.
fn nothing_to_read(thread: &Thread, at: ObjectRef, receiver: &mut Receiver) -> Result<u64> {
    let state = &thread.arena().object(at.slot())?.state[at.side()];
    // ORDER: Acquire, and before the tail is loaded again: a thread that sees PEER_CLOSED also sees every message that
    // the peer sent before it closed.
    if !State(state.load(Acquire)).signals().contains(Signals::PEER_CLOSED) {
        return Err(Error::ShouldWait);
    }
    reader::refresh_tail(thread, at, receiver)?;
    reply::first_unclaimed(thread, at, receiver)?.ok_or(Error::PeerClosed)
}

/// Receives the message at `position`.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "what is read, and where each part of it goes")]
pub(crate) fn take(
    thread: &Thread,
    at: ObjectRef,
    endpoint: &Endpoint,
    receiver: &mut Receiver,
    position: u64,
    sink: &mut impl RecvBuf,
    arrived: &mut Arrivals,
    on_overflow: OnOverflow,
) -> Result<(usize, usize)> {
    let segment = reader::segment_of(thread, at.peer(), receiver, position)?;
    // Not beyond the known tail: the prefetch would take lines there from the writer, which is still filling them.
    if position + FETCH_AHEAD < receiver.tail_seen {
        sync::prefetch_read(segment.cell(position + FETCH_AHEAD));
        sync::prefetch_read(segment.header(position + FETCH_AHEAD));
    }
    let message = ring::message(thread, &segment, position)?;
    if message.header.block().is_some() && position + 1 < receiver.tail_seen {
        reader::prefetch_block(thread.arena(), &segment, position + 1);
    }
    let (bytes, handles) = (message.header.length(), message.header.handles());
    // The handles first: if the message does not fit, no byte of it may reach the caller.
    let room = if sink.takes_handles(handles) { sink.room(bytes) } else { None };
    let fits = room.is_some();
    if let Some(room) = room {
        let len = room.len().min(bytes);
        copy::read_uninit(message.bytes, &mut room[..len]);
        // SAFETY: the line above has written the first `len` bytes.
        unsafe { sink.filled(len) };
    }
    if !fits {
        if on_overflow == OnOverflow::Discard {
            drain::close_handles_of(thread, &message)?;
            reader::consume(thread, at, endpoint, receiver, &segment, position)?;
        }
        return Err(Error::BufferTooSmall { bytes, handles });
    }
    if handles == 0 {
        reader::consume(thread, at, endpoint, receiver, &segment, position)?;
    } else {
        bind_handles(thread, at, endpoint, receiver, &segment, position, &message, arrived)?;
    }
    Ok((bytes, handles))
}

/// Receives a message that carries handles.
#[expect(clippy::too_many_arguments, reason = "one step of `take`, which has them all at hand")]
fn bind_handles(
    thread: &Thread,
    at: ObjectRef,
    endpoint: &Endpoint,
    receiver: &mut Receiver,
    segment: &Segment,
    position: u64,
    message: &Message<'_>,
    arrived: &mut Arrivals,
) -> Result<()> {
    let mut entries = ArrayVec::<(EntryIndex, Entry, Rights), MAX_MESSAGE_HANDLES>::new();
    // All entries are reserved before the commit: after it, the receive must not fail.
    thread.set_operation(Operation::Receive { at, position });
    for record in message.records() {
        // Relaxed: the tail published the record, and the object that it refers to.
        let record = Entry(thread.arena().record(record)?.load(Relaxed));
        let reserved = match check_in_transit(thread, at, record) {
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
    reader::consume(thread, at, endpoint, receiver, segment, position)?;
    for (index, entry, rights) in &entries {
        arrived.push(arrive::arrive(thread, *index, *entry, *rights, Origin::Moved)?);
        crash_point!(thread, "receive.live");
    }
    thread.set_operation(Operation::Idle);
    Ok(())
}

/// P5: checks that the record can be a handle in transit, before it is used as one.
#[inline]
fn check_in_transit(thread: &Thread, at: ObjectRef, record: Entry) -> Result<()> {
    // Relaxed: the tail published the record after its object was complete, and the record's reference keeps the
    // object.
    let lifecycle = Lifecycle(thread.arena().object(record.object().slot())?.lifecycle.load(Relaxed));
    // An endpoint in transit belongs to no process, so it cannot be the reader's own end.
    let is_held = record.object() == at;
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
