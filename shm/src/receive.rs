//! Reading from a channel: in order, in batches, in place, and binding the handles that a message carries.
//!
//! A message with handles is received under an intent: its entries are RESERVED, the head store (or the TAKEN
//! mark) commits, the entries become LIVE. Recovery of a reader that died in between looks at the head.

use crate::bits::ObjectRef;
use crate::copy;
use crate::count::Found;
use crate::counter::Counter;
use crate::endpoint::{Endpoint, Receiver};
use crate::error::{Error, Result, crash_point};
use crate::object::{Life, LifeState, Shape, State, signal};
use crate::owner::Operation;
use crate::process::Arrival;
use crate::ring::{FETCH_AHEAD, MAX_MESSAGE_HANDLES, MAX_POSITION, Message, Segment};
use crate::sync::{self, Acquire, Inside, Locked, Relaxed, Release};
use crate::table::Entry;
use crate::thread::Thread;
use arrayvec::ArrayVec;
use core::mem::MaybeUninit;

/// A handle that came in a message: bound to this process now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its value in this process.
    pub value: u32,
    /// The rights it carries.
    pub rights: u32,
    /// The caller's type number of its object.
    pub kind: u8,
}

/// How a read treats a message that its buffers cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooSmall {
    /// It stays the next message.
    Keep,
    /// It is discarded, with its handles (`ZX_CHANNEL_READ_MAY_DISCARD`).
    Discard,
}

/// The handles that came in one message, until they are handed over.
pub(crate) type Arrivals = ArrayVec<Received, MAX_MESSAGE_HANDLES>;

/// Where a read puts a message's bytes and handles.
///
/// # Safety
/// All but [`handle`](Self::handle) are called inside the read, under a lock of this process, and `handle` is where a
/// handle would be lost: so none of them panics, waits for another thread, or makes a call of this library. Whoever
/// only wants a message somewhere takes [`Fixed`](crate::Fixed) or [`Growing`](crate::Growing).
pub unsafe trait Sink {
    /// Room for `len` bytes, or `None` if there is not that much.
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]>;
    /// Whether a message with this many handles is welcome.
    fn takes_handles(&self, count: usize) -> bool;
    /// The first `len` bytes of the room have been written.
    ///
    /// # Safety
    /// They have.
    unsafe fn filled(&mut self, len: usize);
    /// One of the message's handles. Called when the read is over.
    fn handle(&mut self, handle: Received);
}

impl Thread {
    /// As `enter_sender`, for the receiving half.
    #[inline(always)]
    pub(crate) fn enter_receiver<'a>(
        &'a self,
        found: Found,
        rights: u32,
        inside: &'a Inside<'_>,
    ) -> Result<(&'a Endpoint, Locked<'a, Receiver>)> {
        let Some(endpoint) = self.process.endpoint(found.index, inside) else {
            return Err(self.not_an_endpoint(found));
        };
        let receiver = endpoint.receiver.lock();
        if !endpoint.is_bound_to(found.entry.object()) || !self.still(found) {
            drop(receiver);
            return Err(self.not_an_endpoint(found));
        }
        found.require(rights)?;
        Ok((endpoint, receiver))
    }

    /// Receives the next message into `sink`. Gives its size in bytes and its number of handles.
    ///
    /// `ShouldWait` when there is none, `PeerClosed` when there will be none.
    #[inline]
    pub fn receive(
        &self,
        found: Found,
        rights: u32,
        sink: &mut impl Sink,
        too_small: TooSmall,
    ) -> Result<(usize, usize)> {
        let inside = self.inside();
        let (endpoint, mut receiver) = self.enter_receiver(found, rights, &inside)?;
        let at = found.entry.object();
        let mut arrived = Arrivals::new();
        let result = match self.next_message(at, endpoint, &mut receiver) {
            Ok(position) => self.take(at, endpoint, &mut receiver, position, sink, &mut arrived, too_small),
            Err(error) => Err(error),
        };
        // Late replies may have been discarded on the way.
        let in_disorder = endpoint.is_in_disorder();
        drop(receiver);
        arrived.into_iter().for_each(|handle| sink.handle(handle));
        let discarded = matches!(result, Err(Error::BufferTooSmall { .. })) && too_small == TooSmall::Discard;
        if discarded || in_disorder {
            self.work_dying()?;
        }
        result
    }

    /// Receives up to `most` messages without handles, and consumes them together: their bytes go behind what `bytes`
    /// holds, and where each ends goes to `ends`. Stops before one that has handles. Gives how many.
    pub fn receive_batch(
        &self,
        found: Found,
        rights: u32,
        most: usize,
        bytes: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> Result<usize> {
        let received = self.receive_run(found, rights, most, bytes, ends);
        // Late replies may have been discarded on the way.
        self.work_dying()?;
        received
    }

    fn receive_run(
        &self,
        found: Found,
        rights: u32,
        most: usize,
        bytes: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> Result<usize> {
        let inside = self.inside();
        let (endpoint, mut receiver) = self.enter_receiver(found, rights, &inside)?;
        let at = found.entry.object();
        let first = self.next_message(at, endpoint, &mut receiver)?;
        let mut position = first;
        // Out of order there is no run to take at once: one message, then.
        let most = if receiver.disorder() == 0 { most as u64 } else { most.min(1) as u64 };
        while position < receiver.tail_seen && position - first < most {
            let segment = self.segment_of(at.peer(), &mut receiver, position)?;
            let message = self.message(&segment, position)?;
            if message.header.handles() != 0 {
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
            return if most == 0 {
                Ok(0)
            } else {
                Err(Error::NotSupported("a batch of messages with handles"))
            };
        }
        if receiver.disorder() != 0 {
            let segment = self.segment_of(at.peer(), &mut receiver, first)?;
            self.consume(at, endpoint, &mut receiver, &segment, first)?;
            return Ok(1);
        }
        self.advance_head(at.peer(), &mut receiver, position)?;
        self.tally(Counter::MessagesReceived, count);
        self.wake_writer(at)?;
        Ok(count as usize)
    }

    /// The position of the next message for a plain read.
    #[inline(always)]
    pub(crate) fn next_message(
        &self,
        at: ObjectRef,
        endpoint: &Endpoint,
        receiver: &mut Receiver,
    ) -> Result<u64> {
        if !receiver.ready {
            self.load_receiver(at, receiver)?;
        }
        if receiver.head == receiver.tail_seen {
            self.refresh_tail(at, receiver)?;
        }
        if !endpoint.is_in_disorder() {
            if receiver.head != receiver.tail_seen {
                return Ok(receiver.head);
            }
        } else {
            let next = self.unspoken(at, receiver)?;
            self.discard_late(at, endpoint, receiver)?;
            if let Some(position) = next {
                return Ok(position);
            }
        }
        self.nothing_to_read(at, receiver)
    }

    /// ShouldWait or PeerClosed; or a message that came while that was decided.
    fn nothing_to_read(&self, at: ObjectRef, receiver: &mut Receiver) -> Result<u64> {
        let state = &self.arena().object(at.slot())?.state[at.side()];
        // ORDER: Acquire, and before the tail is looked at again: what the peer sent before it closed is seen
        // once the closing is.
        if State(state.load(Acquire)).signals() & signal::PEER_CLOSED == 0 {
            return Err(Error::ShouldWait);
        }
        self.refresh_tail(at, receiver)?;
        self.unspoken(at, receiver)?.ok_or(Error::PeerClosed)
    }

    /// Reads the consuming side's state from the arena, after the endpoint came.
    pub(crate) fn load_receiver(&self, at: ObjectRef, receiver: &mut Receiver) -> Result<()> {
        // Relaxed: this process is the only writer of the consumer's line since the handle arrived.
        receiver.head = self.direction(at.peer())?.consumer.head.load(Relaxed);
        receiver.tail_seen = receiver.head;
        receiver.sorted = receiver.head;
        receiver.plain = receiver.head;
        receiver.segment = None;
        receiver.end = u64::MAX;
        receiver.taken = self.direction(at.peer())?.consumed(receiver.head) - receiver.head;
        receiver.discards_late = self.direction(at.peer())?.consumer.discards_late.load(Relaxed) != 0;
        receiver.ready = true;
        self.refresh_tail(at, receiver)?;
        // The last owner may have taken messages out of order.
        if receiver.taken > 0 {
            self.load_taken(at.peer(), receiver)?;
        }
        if receiver.taken > 0
            && let Some(endpoint) = self.process.endpoint(receiver.index, &self.inside())
        {
            // Relaxed: whoever finds disorder looks closer, under the lock.
            endpoint.disorder.store(receiver.disorder(), Relaxed);
        }
        Ok(())
    }

    /// Looks at the tail again.
    #[inline]
    pub(crate) fn refresh_tail(&self, at: ObjectRef, receiver: &mut Receiver) -> Result<()> {
        let direction = self.direction(at.peer())?;
        // ORDER: Acquire pairs with the Release of `publish`.
        let tail = direction.producer.tail.load(Acquire);
        sync::acquired(&direction.producer.tail);
        if tail == receiver.tail_seen {
            return Ok(());
        }
        let consumed = receiver.head + receiver.taken;
        let limit = u64::from(self.arena().config().max_pending_messages);
        if tail < receiver.tail_seen || tail > MAX_POSITION || tail.saturating_sub(consumed) > limit {
            return Err(Error::Corrupt("a ring's tail is outside the ring"));
        }
        receiver.tail_seen = tail;
        let segment = match receiver.segment {
            Some(segment) => segment,
            None => {
                self.arena().head_segment(direction)?.ok_or(Error::Corrupt("messages without a segment"))?
            }
        };
        receiver.segment = Some(segment);
        if receiver.end == u64::MAX {
            receiver.end = self.end_of(&segment, receiver.head)?;
        }
        Ok(())
    }

    /// Where the head's segment ends, as far as is known. Where the head has come behind it, any position up to the
    /// head is as good.
    #[inline(always)]
    fn end_of(&self, segment: &Segment, head: u64) -> Result<u64> {
        let from = head.max(segment.base);
        match self.arena().behind(segment, from)? {
            None => Ok(u64::MAX),
            Some((end, next)) => end_before(segment, from, end, &next),
        }
    }

    /// The segment of a seen `position` at or after the head, moving the consumer on when the *head* has
    /// reached the end of its segment.
    #[inline(always)]
    pub(crate) fn segment_of(
        &self,
        writer: ObjectRef,
        receiver: &mut Receiver,
        position: u64,
    ) -> Result<Segment> {
        self.leave_passed(writer, receiver)?;
        let segment = receiver.segment.ok_or(Error::Corrupt("messages without a segment"))?;
        if position < receiver.end { Ok(segment) } else { self.segment_beyond(writer, receiver, position) }
    }

    #[cold]
    fn segment_beyond(&self, writer: ObjectRef, receiver: &mut Receiver, position: u64) -> Result<Segment> {
        match self.place_of(writer, receiver, position)? {
            (at, segment) if at == position => Ok(segment),
            _ => Err(Error::Corrupt("a message is where all were consumed")),
        }
    }

    #[cold]
    pub(crate) fn next_head_segment(&self, writer: ObjectRef, receiver: &mut Receiver) -> Result<()> {
        let left = receiver.segment.ok_or(Error::Corrupt("an end without a segment"))?;
        let next = self.arena().behind(&left, left.base)?;
        let (_, next) = next.ok_or(Error::Corrupt("a ring's segments end early"))?;
        // INV-WAY-2.
        if next.base < receiver.end || next.base > receiver.head {
            return Err(Error::Corrupt("a ring's segment moved"));
        }
        self.leave_segment(writer, &left, &next)?;
        // It is this side that gives it back, one day.
        self.process.note_taken(next.block.bytes());
        receiver.segment = Some(next);
        receiver.end = match receiver.beyond.remove(&next.base) {
            Some(known) if known.end != u64::MAX => known.end,
            _ => self.end_of(&next, receiver.head)?,
        };
        Ok(())
    }

    /// Receives the message at `position`.
    #[inline(always)]
    #[expect(clippy::too_many_arguments, reason = "what is read, and where each part of it goes")]
    pub(crate) fn take(
        &self,
        at: ObjectRef,
        endpoint: &Endpoint,
        receiver: &mut Receiver,
        position: u64,
        sink: &mut impl Sink,
        arrived: &mut Arrivals,
        too_small: TooSmall,
    ) -> Result<(usize, usize)> {
        let segment = self.segment_of(at.peer(), receiver, position)?;
        // Not beyond what is known to be written: there the line would be taken from the writer.
        if position + FETCH_AHEAD < receiver.tail_seen {
            sync::fetch_to_read(segment.cell(position + FETCH_AHEAD));
            sync::fetch_to_read(segment.header(position + FETCH_AHEAD));
        }
        let message = self.message(&segment, position)?;
        if message.header.block().is_some() && position + 1 < receiver.tail_seen {
            self.arena().fetch_block_to_read(&segment, position + 1);
        }
        let (bytes, handles) = (message.header.length(), message.header.handles());
        // The handles first: the bytes of a message that does not fit are nobody's to see.
        let room = if sink.takes_handles(handles) { sink.room(bytes) } else { None };
        let fits = room.is_some();
        if let Some(room) = room {
            let len = room.len().min(bytes);
            copy::read_uninit(message.bytes, &mut room[..len]);
            // SAFETY: just written.
            unsafe { sink.filled(len) };
        }
        if !fits {
            if too_small == TooSmall::Discard {
                self.close_handles_of(&message)?;
                self.consume(at, endpoint, receiver, &segment, position)?;
            }
            return Err(Error::BufferTooSmall { bytes, handles });
        }
        if handles == 0 {
            self.consume(at, endpoint, receiver, &segment, position)?;
        } else {
            self.bind_handles(at, endpoint, receiver, &segment, position, &message, arrived)?;
        }
        Ok((bytes, handles))
    }

    /// Commits the receipt of the message at `position`, and tells a writer that waits for room.
    #[inline(always)]
    pub(crate) fn consume(
        &self,
        at: ObjectRef,
        endpoint: &Endpoint,
        receiver: &mut Receiver,
        segment: &Segment,
        position: u64,
    ) -> Result<()> {
        if position != receiver.head {
            receiver.back.remove(&position);
            if sync::is_watched() {
                sync::released(&self.direction(at.peer())?.consumer.head);
            }
            self.mark_taken(at.peer(), receiver, segment, position)?;
        } else {
            let mut head = position + 1;
            if receiver.taken > 0 {
                head = self.skip_taken(at.peer(), receiver, head)?;
                if receiver.taken > 0 {
                    self.publish_consumed(at.peer(), receiver, head)?;
                }
            }
            self.advance_head(at.peer(), receiver, head)?;
        }
        // Out of order only what was in disorder before.
        if endpoint.is_in_disorder() {
            // ORDER: as in `settle_disorder`.
            endpoint.disorder.store(receiver.disorder(), Release);
        }
        self.tally(Counter::MessagesReceived, 1);
        crash_point!(self, "receive.consumed");
        self.wake_writer(at)
    }

    #[inline(always)]
    fn advance_head(&self, writer: ObjectRef, receiver: &mut Receiver, head: u64) -> Result<()> {
        let direction = self.direction(writer)?;
        sync::released(&direction.consumer.head);
        // ORDER: Release pairs with the producer's Acquire in `refresh_head`: everything was read before the
        // cells and blocks are written again.
        direction.consumer.head.store(head, Release);
        receiver.head = head;
        receiver.sorted = receiver.sorted.max(head);
        Ok(())
    }

    #[inline(always)]
    fn wake_writer(&self, at: ObjectRef) -> Result<()> {
        let writer = &self.arena().object(at.slot())?.state[at.peer().side()];
        self.wake_after_update(writer, State::ARMED_WRITABLE);
        Ok(())
    }

    /// Receives a message that carries handles.
    #[expect(clippy::too_many_arguments, reason = "one step of `take`, which has them all at hand")]
    fn bind_handles(
        &self,
        at: ObjectRef,
        endpoint: &Endpoint,
        receiver: &mut Receiver,
        segment: &Segment,
        position: u64,
        message: &Message<'_>,
        arrived: &mut Arrivals,
    ) -> Result<()> {
        let mut entries = ArrayVec::<(u32, Entry, u32), MAX_MESSAGE_HANDLES>::new();
        self.set_operation(Operation::Receive { at, position });
        for record in message.records() {
            // Relaxed: published by the tail, like the object that it refers to.
            let record = Entry(self.arena().record(record)?.load(Relaxed));
            let reserved = match self.check_in_transit(at, record) {
                Ok(()) => self.reserve_entry(record.object()),
                Err(error) => Err(error),
            };
            match reserved {
                Ok((entry_index, entry)) => entries.push((entry_index, entry, record.rights())),
                Err(error) => {
                    // The message stays, whole.
                    for (entry_index, entry, _) in &entries {
                        self.release_reserved(*entry_index, *entry);
                    }
                    self.set_operation(Operation::Idle);
                    return Err(error);
                }
            }
        }
        crash_point!(self, "receive.reserved");
        self.consume(at, endpoint, receiver, segment, position)?;
        for (index, entry, rights) in &entries {
            arrived.push(self.arrive(*index, *entry, *rights, Arrival::Moved)?);
            crash_point!(self, "receive.live");
        }
        self.set_operation(Operation::Idle);
        Ok(())
    }

    /// P5: a handle in transit is believed only if it could be one.
    #[inline]
    fn check_in_transit(&self, at: ObjectRef, record: Entry) -> Result<()> {
        let life = Life(self.arena().object(record.object().slot())?.life.load(Relaxed));
        // An endpoint in transit is nobody's, least of all that of whoever reads it.
        let is_held = record.object() == at;
        if record.is_live() && life.state() == LifeState::Live && life.shape().is_some() && !is_held {
            Ok(())
        } else {
            Err(Error::Corrupt("a handle in transit to no object"))
        }
    }

    /// RESERVED → FREE: the operation did not commit.
    pub(crate) fn release_reserved(&self, index: u32, entry: Entry) {
        if let Some(cell) = self.arena().entry(self.home, index) {
            // Relaxed: before or after the intent is gone, it owns nothing. The pool's lock gives it on.
            cell.store(entry.freed().0, Relaxed);
            self.give_entry_back(index);
        }
    }

    /// RESERVED → LIVE: a handle has come to this process.
    #[inline(always)]
    pub(crate) fn arrive(&self, index: u32, entry: Entry, rights: u32, arrival: Arrival) -> Result<Received> {
        let object = entry.object();
        // Relaxed: made by this thread, or published with the message that it came in.
        let life = Life(self.arena().object(object.slot())?.life.load(Relaxed));
        if life.shape() == Some(Shape::Channel) {
            self.process.install(object, index, arrival, &self.inside());
        }
        let live = entry.live(rights, object);
        let cell = self.arena().entry(self.home, index).ok_or(Error::Corrupt("an entry is out of range"))?;
        // ORDER: Release pairs with the Acquire of `find` in this process's other threads.
        cell.store(live.0, Release);
        Ok(Received { value: self.process.secret.value_of(index, live), rights, kind: life.kind() })
    }
}

#[cold]
fn end_before(segment: &Segment, from: u64, end: u64, next: &Segment) -> Result<u64> {
    if next.base <= from {
        Ok(next.base)
    } else if end <= next.base && end - from <= segment.messages() {
        Ok(end)
    } else {
        Err(Error::Corrupt("a ring's segment ends where it cannot"))
    }
}
