//! The reading end's private state: the head, its segment, and the last known tail.
//!
//! The state is private to the process, under the end's receiving lock. `consume` commits a read, at the head or out of
//! order.

use crate::arena::error::{Error, Result};
use crate::arena::record::counter::Counter;
use crate::arena::record::line::LINE_BYTES;
use crate::arena::segment::{MAX_POSITION, Segment};
use crate::arena::word::handle::Rights;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::ring::Header;
use crate::arena::word::signals::State;
use crate::arena::{Arena, segment_chain};
use crate::handle::lookup::{self, ResolvedHandle};
use crate::object::channel::read::out_of_order;
use crate::object::channel::{drain, ring};
use crate::process::endpoint::{Endpoint, Receiver};
use crate::process::thread::{Thread, crash_point};
use crate::signal::wake;
use crate::sync::{self, Acquire, Inside, Locked, Relaxed, Release};

/// The largest block that is prefetched: a processor has a few dozen outstanding requests for lines, not hundreds.
pub(crate) const MOST_BYTES_FETCHED: usize = 4096;

/// The private half of the endpoint `found`, with its receiving lock held and the handle checked again under it.
#[inline(always)]
pub(crate) fn enter_receiver<'a>(
    thread: &'a Thread,
    found: ResolvedHandle,
    rights: Rights,
    inside: &'a Inside<'_>,
) -> Result<(&'a Endpoint, Locked<'a, Receiver>)> {
    let Some(endpoint) = thread.process.endpoint(found.index, inside) else {
        return Err(ring::not_an_endpoint(thread, found));
    };
    let receiver = endpoint.receiver.lock();
    if !endpoint.is_bound_to(found.entry.object()) || !lookup::is_current(thread, found) {
        drop(receiver);
        return Err(ring::not_an_endpoint(thread, found));
    }
    found.require(rights)?;
    Ok((endpoint, receiver))
}

/// Loads the consuming side's state from the arena, after the endpoint has arrived in this process.
pub(crate) fn load_receiver(thread: &Thread, at: ObjectRef, receiver: &mut Receiver) -> Result<()> {
    // Relaxed: since the handle arrived, this process is the only writer of the consumer's line.
    receiver.head = ring::direction(thread, at.peer())?.consumer.head.load(Relaxed);
    receiver.tail_seen = receiver.head;
    receiver.sorted = receiver.head;
    receiver.plain = receiver.head;
    receiver.segment = None;
    receiver.end = u64::MAX;
    receiver.taken = ring::direction(thread, at.peer())?.consumed(receiver.head) - receiver.head;
    receiver.discards_late = ring::direction(thread, at.peer())?.consumer.discards_late.load(Relaxed) != 0;
    receiver.ready = true;
    refresh_tail(thread, at, receiver)?;
    // The previous owner may have consumed messages out of order.
    if receiver.taken > 0 {
        out_of_order::load_consumed(thread, at.peer(), receiver)?;
    }
    if receiver.taken > 0
        && let Some(endpoint) = thread.process.endpoint(receiver.index, &thread.inside())
    {
        // Relaxed: a thread that reads a value other than 0 checks again under the lock.
        endpoint.out_of_order.store(receiver.out_of_order(), Relaxed);
    }
    Ok(())
}

/// Loads the tail again, and checks it.
#[inline]
pub(crate) fn refresh_tail(thread: &Thread, at: ObjectRef, receiver: &mut Receiver) -> Result<()> {
    let direction = ring::direction(thread, at.peer())?;
    // ORDER: Acquire pairs with the Release of `publish`.
    let tail = direction.producer.tail.load(Acquire);
    sync::acquired(&direction.producer.tail);
    if tail == receiver.tail_seen {
        return Ok(());
    }
    let consumed = receiver.head + receiver.taken;
    let limit = u64::from(thread.arena().config().max_pending_messages);
    if tail < receiver.tail_seen || tail > MAX_POSITION || tail.saturating_sub(consumed) > limit {
        return Err(Error::Corrupt("a ring's tail is outside the ring"));
    }
    receiver.tail_seen = tail;
    let segment = match receiver.segment {
        Some(segment) => segment,
        None => segment_chain::head_segment(thread.arena(), direction)?
            .ok_or(Error::Corrupt("messages without a segment"))?,
    };
    receiver.segment = Some(segment);
    if receiver.end == u64::MAX {
        receiver.end = drain::end_of(thread, &segment, receiver.head)?;
    }
    Ok(())
}

/// The segment of a seen `position` at or after the head. If the *head* has reached the end of its segment, the
/// consumer leaves that segment first.
#[inline(always)]
pub(crate) fn segment_of(
    thread: &Thread,
    writer: ObjectRef,
    receiver: &mut Receiver,
    position: u64,
) -> Result<Segment> {
    out_of_order::leave_passed(thread, writer, receiver)?;
    let segment = receiver.segment.ok_or(Error::Corrupt("messages without a segment"))?;
    if position < receiver.end { Ok(segment) } else { segment_beyond(thread, writer, receiver, position) }
}

#[cold]
fn segment_beyond(
    thread: &Thread,
    writer: ObjectRef,
    receiver: &mut Receiver,
    position: u64,
) -> Result<Segment> {
    match out_of_order::place_of(thread, writer, receiver, position)? {
        (at, segment) if at == position => Ok(segment),
        _ => Err(Error::Corrupt("a message is where all were consumed")),
    }
}

/// Commits the read of the message at `position`, and wakes a writer that waits for room.
#[inline(always)]
pub(crate) fn consume(
    thread: &Thread,
    at: ObjectRef,
    endpoint: &Endpoint,
    receiver: &mut Receiver,
    segment: &Segment,
    position: u64,
) -> Result<()> {
    if position != receiver.head {
        receiver.back.remove(&position);
        if sync::is_watched() {
            sync::released(&ring::direction(thread, at.peer())?.consumer.head);
        }
        out_of_order::mark_consumed(thread, at.peer(), receiver, segment, position)?;
    } else {
        // The head also passes the messages behind this one that were consumed out of order. `consumed` is stored
        // before the head: while messages behind the head are CONSUMED, the head alone would count too few.
        let mut head = position + 1;
        if receiver.taken > 0 {
            head = out_of_order::skip_consumed(thread, at.peer(), receiver, head)?;
            if receiver.taken > 0 {
                out_of_order::publish_consumed(thread, at.peer(), receiver, head)?;
            }
        }
        advance_head(thread, at.peer(), receiver, head)?;
    }
    // Consuming can end the out-of-order state but not begin it: a call, a claim or `load_receiver` has
    // begun it before.
    if endpoint.is_out_of_order() {
        // ORDER: as in `update_out_of_order`.
        endpoint.out_of_order.store(receiver.out_of_order(), Release);
    }
    thread.increment(Counter::MessagesReceived, 1);
    crash_point!(thread, "receive.consumed");
    wake_writer(thread, at)
}

#[inline(always)]
pub(crate) fn advance_head(
    thread: &Thread,
    writer: ObjectRef,
    receiver: &mut Receiver,
    head: u64,
) -> Result<()> {
    let direction = ring::direction(thread, writer)?;
    sync::released(&direction.consumer.head);
    // ORDER: Release pairs with the producer's Acquire in `refresh_head`: this side's reads come before the producer
    // writes the cells and blocks again.
    direction.consumer.head.store(head, Release);
    receiver.head = head;
    receiver.sorted = receiver.sorted.max(head);
    Ok(())
}

#[inline(always)]
pub(crate) fn wake_writer(thread: &Thread, at: ObjectRef) -> Result<()> {
    let writer = &thread.arena().object(at.slot())?.state[at.peer().side()];
    wake::notify_derived(thread, writer, State::HAS_WRITE_WAITERS);
    Ok(())
}

/// Prefetches the block of the published message at `position`, if it has one that is not too large: its lines arrive
/// while this thread copies the message before it.
pub(crate) fn prefetch_block(arena: &Arena, segment: &Segment, position: u64) {
    // Relaxed: a hint. P5: `lines` checks that the block is inside the arena, and this function reads none of its
    // bytes.
    let header = Header(segment.header(position).load(Relaxed));
    if let Some(block) = header.block()
        && let Ok(lines) = arena.lines(block)
        && lines.len() * LINE_BYTES <= MOST_BYTES_FETCHED
    {
        lines.iter().for_each(sync::prefetch_read);
    }
}
