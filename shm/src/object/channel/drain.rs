//! How a ring is emptied: a segment that has been read to its end is left, messages that nobody will read are dropped
//! in one pass, and a channel that nobody can reach is taken apart.
//!
//! Every block leaves under a link intent that names its exact word, so a death between leaving and freeing neither
//! loses it nor frees it twice (INV-BLOCK-2).

use crate::arena::error::{Error, Result};
use crate::arena::record::object::Direction;
use crate::arena::segment::{MAX_POSITION, Message, Segment};
use crate::arena::segment_chain::{self, SegmentCursor};
use crate::arena::word::block::{BlockId, BlockState, BlockWord};
use crate::arena::word::handle::Entry;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::ring::SegmentLink;
use crate::memory::block_credit;
use crate::object::budget::Budget;
use crate::object::channel::{options, ring};
use crate::process::endpoint::Receiver;
use crate::process::thread::{Thread, crash_point};
use crate::refcount;
use crate::sync::{Acquire, AtomicU64, Relaxed, Release};

/// Where a direction is being drained.
#[derive(Debug)]
pub(crate) struct Draining {
    writer: ObjectRef,
    way: SegmentCursor,
    /// More than this can never have been sent.
    last: u64,
}

/// Leaves a segment that has been read to its end: the next one becomes the head segment.
pub(crate) fn leave_segment(
    thread: &Thread,
    writer: ObjectRef,
    left: &Segment,
    next: &Segment,
) -> Result<()> {
    // Relaxed: it was bound before the tail passed into it.
    let word = BlockWord(thread.arena().descriptor(left.block)?.state.load(Relaxed));
    thread.set_list_intent(ListIntent::UnlinkSegment { from: writer, block: left.block }, word.0);
    crash_point!(thread, "leave.intended");
    ring::direction(thread, writer)?.consumer.head_segment.store(next.block.to_link(), Release);
    crash_point!(thread, "leave.left");
    give_back(thread, left.block, word, writer)?;
    crash_point!(thread, "leave.freed");
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(())
}

pub(crate) fn give_back(thread: &Thread, block: BlockId, word: BlockWord, from: ObjectRef) -> Result<()> {
    // A link that is damaged must not free another channel's block.
    if word.state() == BlockState::Bound(from) {
        block_credit::free_block(thread, block, word)?;
    }
    Ok(())
}

/// Drops every message of a direction whose consumer is gone.
pub(crate) fn drain(thread: &Thread, writer: ObjectRef) -> Result<()> {
    drain_for(thread, writer, &mut None, &mut Budget::unlimited()).map(drop)
}

/// As [`drain`], a step for each message, while the budget lasts. `false` when it is spent before the
/// last message; then `draining` says where.
///
/// Several may drain at once: each handle is closed by whoever wins its record, and the head advances by
/// CAS. Nothing is given back here; the object's end does that.
pub(crate) fn drain_for(
    thread: &Thread,
    writer: ObjectRef,
    draining: &mut Option<Draining>,
    budget: &mut Budget,
) -> Result<bool> {
    let direction = ring::direction(thread, writer)?;
    let limit = u64::from(thread.arena().config().max_pending_messages);
    loop {
        // The head first: others may drain at the same time, and a tail that was seen before what they drained
        // was sent would lie behind their head.
        let head = direction.consumer.head.load(Acquire);
        // ORDER: Acquire pairs with the producer's Release: the messages up to the tail are complete.
        let tail = direction.producer.tail.load(Acquire);
        if head == tail {
            return Ok(true);
        }
        if !budget.spend() {
            return Ok(false);
        }
        let here = match draining {
            Some(here) if here.writer == writer => here,
            _ => {
                let segment = segment_chain::head_segment(thread.arena(), direction)?;
                let segment = segment.ok_or(Error::Corrupt("messages without a segment"))?;
                draining.insert(Draining {
                    writer,
                    way: SegmentCursor::new(segment, head),
                    last: tail.saturating_add(limit),
                })
            }
        };
        // P5: whoever may still send has looked at PEER_CLOSED before; there is room for so many, and no more.
        let last = MAX_POSITION.min(here.last);
        if tail < head || tail > last || tail - direction.consumed(head).min(tail) > limit {
            return Err(Error::Corrupt("a ring's tail is outside the ring"));
        }
        here.way.note_head(head);
        let position = segment_chain::follow(thread.arena(), &mut here.way, head)?;
        let gone = if position > head {
            position
        } else {
            let message = ring::message(thread, &here.way.segment, head)?;
            if !message.header.is_consumed() {
                close_handles_of(thread, &message)?;
            }
            head + 1
        };
        crash_point!(thread, "drain.closed");
        // ORDER: Release: the records are closed before the message counts as gone. Failure: another drainer
        // finished it.
        let _ = direction.consumer.head.compare_exchange(head, gone, Release, Relaxed);
    }
}

/// Closes a message's handles in transit, those that nobody else is closing.
pub(crate) fn close_handles_of(thread: &Thread, message: &Message<'_>) -> Result<()> {
    for record in message.records() {
        // Relaxed: published by the tail. If another has closed it since, the CAS will tell.
        let entry = Entry(thread.arena().record(record)?.load(Relaxed));
        if entry.is_live() {
            match refcount::drop_reference(thread, record, entry) {
                Ok(()) | Err(Error::BadHandle) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Whether a retired slot is as a new object needs it: nothing was ever written there.
pub(crate) fn is_blank(thread: &Thread, slot: u32) -> Result<bool> {
    // Relaxed: the object is retired, and the reclaimer's barrier is behind.
    let is_empty = |direction: &Direction| {
        let Direction { producer, consumer } = direction;
        producer.first_segment.load(Relaxed) == 0
            && producer.blocks.load(Relaxed) == 0
            && consumer.head_segment.load(Relaxed) == 0
            && producer.tail_segment.load(Relaxed) == 0
            && producer.tail.load(Relaxed) == 0
            && consumer.consumed.load(Relaxed) == 0
            && producer.max_pending.load(Relaxed) == 0
            && consumer.discards_late.load(Relaxed) == 0
    };
    Ok(thread.arena().body(slot)?.directions.iter().all(is_empty))
}

/// Gives back every segment and block of a channel that nobody can reach any more, a step for each, while the budget
/// lasts. `false` when it is spent before the last. Resumable: each is taken off its chain first, under an intent that
/// names its exact word. Head and tail stay, so that a successor finds nothing to drain.
///
/// Relaxed where a store's place does not matter to a successor: the life that changes next publishes them all.
pub(crate) fn free_blocks_of(thread: &Thread, slot: u32, budget: &mut Budget) -> Result<bool> {
    for side in 0..2 {
        let writer = ObjectRef::new(slot, side);
        let Direction { producer, consumer } = ring::direction(thread, writer)?;
        let first = producer.first_segment.load(Relaxed);
        if first != 0 {
            if consumer.head_segment.load(Relaxed) == 0 {
                consumer.head_segment.store(first, Relaxed);
            }
            // ORDER: Release: after the store above, or the segments would be lost with this thread.
            producer.first_segment.store(0, Release);
        }
        while let Some(block) = BlockId::from_link(consumer.head_segment.load(Relaxed)) {
            if !budget.spend() {
                return Ok(false);
            }
            unlink_and_free(
                thread,
                &consumer.head_segment,
                block,
                ListIntent::UnlinkSegment { from: writer, block },
                writer,
            )?;
        }
        while let Some(block) = BlockId::from_link(producer.blocks.load(Relaxed)) {
            if !budget.spend() {
                return Ok(false);
            }
            unlink_and_free(
                thread,
                &producer.blocks,
                block,
                ListIntent::UnlinkPayload { from: writer, block },
                writer,
            )?;
        }
    }
    Ok(true)
}

/// Makes the rings of a channel that nobody can reach any more as a new one needs them.
pub(crate) fn free_directions(thread: &Thread, slot: u32) -> Result<()> {
    free_blocks_of(thread, slot, &mut Budget::unlimited())?;
    for side in 0..2 {
        let Direction { producer, consumer } = ring::direction(thread, ObjectRef::new(slot, side))?;
        // Relaxed: the life that becomes FREE publishes them.
        producer.tail_segment.store(0, Relaxed);
        producer.tail.store(0, Relaxed);
        consumer.head.store(0, Relaxed);
        consumer.consumed.store(0, Relaxed);
    }
    options::clear_options(thread, slot)
}

/// Takes the first block off a chain and frees it.
pub(crate) fn unlink_and_free(
    thread: &Thread,
    chain: &AtomicU64,
    block: BlockId,
    link: ListIntent,
    from: ObjectRef,
) -> Result<()> {
    let descriptor = thread.arena().descriptor(block)?;
    let word = BlockWord(descriptor.state.load(Relaxed));
    thread.set_list_intent(link, word.0);
    crash_point!(thread, "free.intended");
    // A segment's link says more than what is next.
    chain.store(SegmentLink(descriptor.link.load(Relaxed)).next_link(), Release);
    crash_point!(thread, "free.unlinked");
    // A chain that is damaged into a circle ends where it has been. Release: only now, or the rest of the chain
    // would be lost with this thread.
    descriptor.link.store(0, Release);
    give_back(thread, block, word, from)?;
    crash_point!(thread, "free.freed");
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(())
}

/// Where the head's segment ends, as far as is known. Where the head has come behind it, any position up to the
/// head is as good.
#[inline(always)]
pub(crate) fn end_of(thread: &Thread, segment: &Segment, head: u64) -> Result<u64> {
    let from = head.max(segment.base);
    match segment_chain::behind(thread.arena(), segment, from)? {
        None => Ok(u64::MAX),
        Some((end, next)) => end_before(segment, from, end, &next),
    }
}

#[cold]
pub(crate) fn next_head_segment(thread: &Thread, writer: ObjectRef, receiver: &mut Receiver) -> Result<()> {
    let left = receiver.segment.ok_or(Error::Corrupt("an end without a segment"))?;
    let next = segment_chain::behind(thread.arena(), &left, left.base)?;
    let (_, next) = next.ok_or(Error::Corrupt("a ring's segments end early"))?;
    // INV-WAY-2.
    if next.base < receiver.end || next.base > receiver.head {
        return Err(Error::Corrupt("a ring's segment moved"));
    }
    leave_segment(thread, writer, &left, &next)?;
    // It is this side that gives it back, one day.
    thread.process.scavenger.note_taken(next.block.bytes());
    receiver.segment = Some(next);
    receiver.end = match receiver.beyond.remove(&next.base) {
        Some(known) if known.end != u64::MAX => known.end,
        _ => end_of(thread, &next, receiver.head)?,
    };
    Ok(())
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
