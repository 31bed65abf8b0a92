//! The reading end's private state: the head, its segment, and the last known tail.
//!
//! The state is private to the process, under the end's receiving lock. `consume` commits a read, at the head or out of
//! order.

use crate::arena::error::{Error, Result, UnlessDied};
use crate::arena::record::counter::Counter;
use crate::arena::record::line::LINE_BYTES;
use crate::arena::segment::{FETCH_AHEAD, MAX_POSITION, SLOT_BYTES, Segment};
use crate::arena::word::block::BlockId;
use crate::arena::word::ring::MessageHeader;
use crate::arena::word::signals::State;
use crate::arena::{Arena, segment_chain};
use crate::object::channel::drain;
use crate::object::channel::end::Reader;
use crate::object::channel::read::out_of_order;
use crate::object::channel::ring::{self, Place};
use crate::process::half::stream_detector::StreamDetector;
use crate::process::thread::crash_point;
use crate::signal::wake;
use crate::sync::{self, Acquire, Relaxed, Release};

/// How long a reader that has caught up with a stream waits for more, in spin-loop hints.
const PAUSES_FOR_MORE: u32 = 4;

/// The largest block that is prefetched: a core has a few dozen outstanding cache misses, not hundreds.
pub(crate) const MOST_BYTES_FETCHED: usize = 4096;

/// Loads the consuming side's state from the arena, after the endpoint has arrived in this process.
pub(crate) fn load_read_cursor(reader: &mut Reader<'_>) -> Result<()> {
    let (thread, direction) = (reader.thread, reader.direction());
    let cursor = &mut *reader.cursor;
    // Relaxed: since the handle arrived, this process is the only writer of the consumer's line.
    cursor.head = direction.consumer.head.load(Relaxed);
    cursor.tail_seen = cursor.head;
    cursor.matched_to = cursor.head;
    cursor.plain = cursor.head;
    cursor.segment = None;
    cursor.beyond.clear();
    cursor.end = u64::MAX;
    cursor.taken = direction.consumed(cursor.head) - cursor.head;
    if cursor.taken > u64::from(thread.arena().config().max_pending_messages) {
        cursor.taken = 0;
        return Err(Error::Corrupt("a ring's consumed messages are out of range"));
    }
    cursor.discards_late = direction.consumer.discards_late.load(Relaxed) != 0;
    cursor.stream = StreamDetector::default();
    load_tail(reader)?;
    // The previous owner may have consumed messages out of order, even messages past the tail.
    if reader.cursor.taken > 0 {
        let committed = ring::committed_tail(thread, reader.side.peer())?;
        see_to(reader, committed)?;
        out_of_order::load_consumed(reader)?;
    }
    if reader.cursor.taken > 0 {
        // Relaxed: a thread that reads a value other than 0 checks again under the lock.
        reader.endpoint.out_of_order.store(reader.cursor.out_of_order(), Relaxed);
    }
    // At the end: after an error the next operation loads, and reports, again.
    reader.cursor.ready = true;
    Ok(())
}

/// Looks for messages that were sent since the last look.
///
/// One message at a time, the reader looks at the slot where the next one will lie. That slot is the one line that goes
/// from the writer's processor to this one for a small message. In a stream, it looks at the tail: one line tells of
/// many messages, and the slots stay with the writer until their messages are complete.
#[inline(always)]
pub(crate) fn refresh_tail(reader: &mut Reader<'_>) -> Result<()> {
    if !reader.cursor.stream.is_stream() && see_next(reader) {
        reader.cursor.stream.note_one();
        return Ok(());
    }
    look_beyond_slot(reader)
}

/// As [`refresh_tail`], where one look at the slot at hand does not do, or has found no message.
fn look_beyond_slot(reader: &mut Reader<'_>) -> Result<()> {
    if reader.cursor.stream.is_stream() {
        return refresh_in_stream(reader);
    }
    let cursor = &mut *reader.cursor;
    let Some(segment) = cursor.segment_at_hand() else { return load_tail(reader) };
    // No message: none was sent, or the producer has gone on in another segment.
    let behind = segment_chain::behind(reader.thread.arena(), segment, cursor.head.max(segment.base))?;
    cursor.stream.note_none();
    if behind.is_some() { load_tail(reader) } else { Ok(()) }
}

/// Sees one more message if the slot at hand shows that it was sent.
#[inline(always)]
fn see_next(reader: &mut Reader<'_>) -> bool {
    let next = reader.cursor.tail_seen;
    if !reader.cursor.segment_at_hand().is_some_and(|segment| segment.is_committed(next)) {
        return false;
    }
    reader.cursor.tail_seen = next + 1;
    if sync::is_watched() {
        sync::acquired(&reader.direction().producer.tail);
    }
    true
}

/// Looks at the slot at hand so many times, as long as it shows no message. Sees one more message if it does.
#[inline(always)]
pub(crate) fn watch_next(reader: &mut Reader<'_>, looks: u32) -> bool {
    (0..looks).any(|_| see_next(reader))
}

/// Takes ownership of the slot of the plain message at `position`, which was read, if messages come in a stream.
///
/// One message at a time it would hold up the answer: stores leave the store buffer in order, and the answer comes after this
/// one.
#[inline(always)]
pub(crate) fn own_slot_in_stream(reader: &Reader<'_>, position: u64, bytes_in_slot: usize) {
    if reader.cursor.stream.is_stream()
        && let Some(segment) = &reader.cursor.segment
    {
        segment.take_ownership(position, bytes_in_slot);
    }
}

/// As [`refresh_tail`], while messages come in a stream.
fn refresh_in_stream(reader: &mut Reader<'_>) -> Result<()> {
    let next = reader.cursor.tail_seen;
    load_tail(reader)?;
    if reader.cursor.tail_seen == next {
        // This thread reads faster than the other side writes. A look a moment later finds several messages,
        // which are fetched together.
        sync::pause(PAUSES_FOR_MORE);
        load_tail(reader)?;
    }
    let cursor = &mut *reader.cursor;
    if cursor.tail_seen <= next + 1 {
        cursor.stream.note_end_of_stream(cursor.tail_seen > next);
        return Ok(());
    }
    if let Some(segment) = cursor.segment {
        let ahead = (next + 1)..cursor.tail_seen.min(next + FETCH_AHEAD + 1);
        ahead.for_each(|position| segment.prefetch(position, SLOT_BYTES));
    }
    Ok(())
}

/// Loads the tail, and checks it. It may be behind: the producer stores it after the headers.
pub(crate) fn load_tail(reader: &mut Reader<'_>) -> Result<()> {
    let direction = reader.direction();
    // ORDER: Acquire pairs with the Release of `store_tail`.
    let tail = direction.producer.tail.load(Acquire);
    sync::acquired(&direction.producer.tail);
    see_to(reader, tail)
}

/// Notes that the messages below `tail` were sent, after a check.
fn see_to(reader: &mut Reader<'_>, tail: u64) -> Result<()> {
    let (thread, direction) = (reader.thread, reader.direction());
    let cursor = &mut *reader.cursor;
    let consumed = cursor.head + cursor.taken;
    let limit = u64::from(thread.arena().config().max_pending_messages);
    if tail > MAX_POSITION || tail.saturating_sub(consumed) > limit {
        return Err(Error::Corrupt("a ring's tail is outside the ring"));
    }
    if tail <= cursor.tail_seen {
        return Ok(());
    }
    if tail > cursor.tail_seen + 1 {
        cursor.stream.note_several();
    }
    cursor.tail_seen = tail;
    let segment = match cursor.segment {
        Some(segment) => segment,
        None => segment_chain::head_segment(thread.arena(), direction)?
            .ok_or(Error::Corrupt("messages without a segment"))?,
    };
    cursor.segment = Some(segment);
    if cursor.end == u64::MAX {
        cursor.end = drain::end_of(thread, &segment, cursor.head)?;
    }
    Ok(())
}

/// The place of a seen `position` at or after the head. If the *head* has reached the end of its segment, the
/// consumer leaves that segment first.
#[inline(always)]
pub(crate) fn place_seen(reader: &mut Reader<'_>, position: u64) -> Result<Place> {
    out_of_order::leave_passed(reader)?;
    let segment = reader.cursor.segment.ok_or(Error::Corrupt("messages without a segment"))?;
    if position < reader.cursor.end {
        Ok(Place { segment, position })
    } else {
        place_beyond(reader, position)
    }
}

#[cold]
fn place_beyond(reader: &mut Reader<'_>, position: u64) -> Result<Place> {
    match out_of_order::place_of(reader, position)? {
        place if place.position == position => Ok(place),
        _ => Err(Error::Corrupt("a message is where all were consumed")),
    }
}

/// Commits the read of the message at `position`, and wakes a writer that waits for room.
#[inline(always)]
pub(crate) fn consume(reader: &mut Reader<'_>, place: &Place) -> Result<()> {
    let thread = reader.thread;
    if place.position != reader.cursor.head {
        reader.cursor.back.remove(&place.position);
        if sync::is_watched() {
            sync::released(&reader.direction().consumer.head);
        }
        out_of_order::mark_consumed(reader, place)?;
    } else {
        // The head also passes the messages behind this one that were consumed out of order. `consumed` is stored
        // before the head: while messages behind the head are CONSUMED, the head alone would count too few.
        let mut head = place.position + 1;
        if reader.cursor.taken > 0 {
            head = out_of_order::skip_consumed(reader, head)?;
            if reader.cursor.taken > 0 {
                out_of_order::publish_consumed(reader, head)?;
            }
        }
        advance_head(reader, head);
    }
    // Consuming can end the out-of-order state but not begin it: a call, a claim or `load_read_cursor` has
    // begun it before.
    if reader.endpoint.is_out_of_order() {
        // ORDER: as in `update_out_of_order`.
        reader.endpoint.out_of_order.store(reader.cursor.out_of_order(), Release);
    }
    thread.increment(Counter::MessagesReceived, 1);
    crash_point!(thread, "receive.consumed");
    wake_writer(reader)?;
    Ok(())
}

#[inline(always)]
pub(crate) fn advance_head(reader: &mut Reader<'_>, head: u64) {
    let direction = reader.direction();
    sync::released(&direction.consumer.head);
    // ORDER: Release pairs with the producer's Acquire in `refresh_head`: this side's reads come before the producer
    // writes the slots and blocks again.
    direction.consumer.head.store(head, Release);
    reader.cursor.head = head;
}

#[inline(always)]
pub(crate) fn wake_writer(reader: &Reader<'_>) -> UnlessDied {
    wake::notify_derived(reader.thread, reader.peer_state(), State::HAS_WRITE_WAITERS)
}

/// Prefetches the block of the published message at `position`, if it has one that is not too large: its lines arrive
/// while this thread copies the message before it.
pub(crate) fn prefetch_block(arena: &Arena, segment: &Segment, position: u64) {
    // Relaxed, both: a hint. P5: `lines` checks that the block is inside the arena, and this function reads none of its
    // bytes.
    let header = MessageHeader(segment.header(position).load(Relaxed));
    if header.is_in_block()
        && let Some(block) = BlockId::from_link(segment.block_link(position).load(Relaxed))
        && let Ok(lines) = arena.lines(block)
        && lines.len() * LINE_BYTES <= MOST_BYTES_FETCHED
    {
        lines.iter().for_each(sync::prefetch_exclusive);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::handle::Rights;
    use crate::object::ObjectClass;
    use crate::object::channel::read::recv_buf::{OnOverflow, SliceBuf};
    use crate::process::Process;
    use crate::process::thread::Thread;

    /// A reader that takes them for one loads the tail for each message, beside its header.
    #[test]
    fn messages_one_by_one_are_no_stream() {
        let none = Rights::empty();
        let thread = Thread::join(&Process::alone_with_few_channels()).unwrap();
        let (near, far) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
        let (near, far) = (thread.lookup(near).unwrap(), thread.lookup(far.unwrap()).unwrap());
        let send = || thread.send(near, none, b"message").unwrap();
        let receive =
            || thread.receive(far, none, &mut SliceBuf::new(&mut [0; 8], &mut []), OnOverflow::Keep).is_ok();
        let takes_for_stream = || {
            let inside = thread.inside();
            Reader::enter(&thread, far, none, &inside).unwrap().cursor.stream.is_stream()
        };
        let one_by_one =
            |messages: usize| (0..messages).filter(|_| (send(), receive() && takes_for_stream()).1).count();
        let all_together = |messages: usize| {
            (0..messages).for_each(|_| send());
            (0..messages).filter(|_| receive() && takes_for_stream()).count()
        };
        one_by_one(100);
        assert!(one_by_one(330) <= 11);
        assert!(all_together(64) > 16, "a stream that begins is seen");
        assert!(!receive(), "it has ended");
        assert!(all_together(8) > 4, "the next one is seen at once");
    }
}
