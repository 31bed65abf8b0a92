//! How a ring is emptied. A reader leaves a segment that it has read to the end. A drain drops, in one pass, the
//! messages of a side that has closed. The reclaimer frees the blocks of a channel that has no reference left.
//!
//! Every block is unlinked under a list intent that names its exact word. So a death between unlinking and freeing
//! neither loses the block nor frees it twice (INV-BLOCK-2).

use crate::arena::error::{Error, Result};
use crate::arena::record::object::Direction;
use crate::arena::segment::{MAX_POSITION, Message, Segment};
use crate::arena::segment_chain::{self, SegmentCursor};
use crate::arena::word::block::{BlockId, BlockState, BlockWord};
use crate::arena::word::handle::Entry;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::ring::SegmentLink;
use crate::memory::block_credit;
use crate::object::budget::Budget;
use crate::object::channel::end::Reader;
use crate::object::channel::{options, ring};
use crate::process::thread::{Thread, crash_point};
use crate::refcount;
use crate::sync::{Acquire, AtomicU64, Relaxed, Release};

/// How far the drain of a direction has come.
#[derive(Debug)]
pub(crate) struct Draining {
    writer: ObjectRef,
    way: SegmentCursor,
    /// The tail can never be greater than this.
    last: u64,
}

/// Leaves a segment that the reader has read to its end: the next one becomes the head segment.
pub(crate) fn leave_segment(reader: &Reader<'_>, left: &Segment, next: &Segment) -> Result<()> {
    let (thread, writer) = (reader.thread, reader.side.peer());
    // Relaxed: the producer bound the block before the tail passed into the segment.
    let word = BlockWord(thread.arena().descriptor(left.block)?.state.load(Relaxed));
    thread.set_list_intent(ListIntent::UnlinkSegment { from: writer, block: left.block }, word.0);
    crash_point!(thread, "leave.intended");
    // ORDER: Release puts the unlinking after the intent, in the order that recovery sees.
    reader.direction().consumer.head_segment.store(next.block.to_link(), Release);
    crash_point!(thread, "leave.left");
    free_bound_block(thread, left.block, word, writer)?;
    crash_point!(thread, "leave.freed");
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(())
}

pub(crate) fn free_bound_block(
    thread: &Thread,
    block: BlockId,
    word: BlockWord,
    from: ObjectRef,
) -> Result<()> {
    // A damaged link must not free another channel's block.
    if word.state() == BlockState::Bound(from) {
        block_credit::free_block(thread, block, word)?;
    }
    Ok(())
}

/// Drops every message of a direction after its consumer has closed.
pub(crate) fn drain(thread: &Thread, writer: ObjectRef) -> Result<()> {
    drain_for(thread, writer, &mut None, &mut Budget::unlimited()).map(drop)
}

/// As [`drain`], one step per message, while the budget lasts. `false` when the budget is spent before the last
/// message; then `draining` says where to continue.
///
/// Several threads may drain at once. The thread that wins the CAS of a record closes its handle, and the head advances
/// by CAS. A drain frees no blocks: reclamation of the object does.
pub(crate) fn drain_for(
    thread: &Thread,
    writer: ObjectRef,
    draining: &mut Option<Draining>,
    budget: &mut Budget,
) -> Result<bool> {
    let direction = ring::direction(thread, writer)?;
    let limit = u64::from(thread.arena().config().max_pending_messages);
    loop {
        // ORDER: Acquire pairs with the Release of the thread that advanced the head; and the head comes before the
        // tail. Another thread may send and a third may drain in between: a tail loaded first could lie behind the
        // head.
        let head = direction.consumer.head.load(Acquire);
        // ORDER: Acquire pairs with the producer's Release: the messages up to the tail are complete.
        let tail = direction.producer.tail.load(Acquire);
        // A reader may have taken messages past the tail: their sender stores the tail, and then drains the rest.
        if head >= tail {
            return Ok(true);
        }
        if !budget.charge() {
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
        // P5: a sender that can still send has checked PEER_CLOSED before the drain began, and has room for `limit`
        // messages at most. A greater tail is damage.
        let last = MAX_POSITION.min(here.last);
        if tail > last || tail - direction.consumed(head).min(tail) > limit {
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
        // ORDER: Release: the records are closed before the head passes the message. Relaxed on failure: another
        // drainer has advanced the head, and the next round loads it with Acquire.
        let _ = direction.consumer.head.compare_exchange(head, gone, Release, Relaxed);
    }
}

/// Closes a message's handles in transit, except those that another thread is closing.
pub(crate) fn close_handles_of(thread: &Thread, message: &Message<'_>) -> Result<()> {
    for record in message.records() {
        // Relaxed: the header published the record. If another thread has closed it since, the CAS fails.
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

/// Whether a retired slot is as a new object needs it, because no operation ever wrote to its body.
pub(crate) fn is_blank(thread: &Thread, slot: Slot) -> Result<bool> {
    // Relaxed: the object is retired, and the reclaimer's heavy barrier came before.
    let is_empty = |direction: &Direction| {
        let Direction { producer, consumer } = direction;
        producer.first_segment.load(Relaxed) == 0
            && producer.blocks.load(Relaxed) == 0
            && consumer.head_segment.load(Relaxed) == 0
            && producer.tail_segment.load(Relaxed) == 0
            && producer.tail.load(Relaxed) == 0
            && consumer.consumed.load(Relaxed) == 0
            && producer.max_pending.load(Relaxed) == 0
            && producer.refusal().load(Relaxed) == 0
            && consumer.discards_late.load(Relaxed) == 0
    };
    Ok(thread.arena().body(slot)?.directions.iter().all(is_empty))
}

/// Frees every segment and payload block of a channel that has no reference left, one step per block, while the budget
/// lasts. `false` when the budget is spent before the last block. Resumable: each block is unlinked before it is freed,
/// under an intent that names its exact word. Head and tail keep their values, so that a thread that resumes finds no
/// message to drain.
///
/// Relaxed where a thread that resumes does not depend on the order of the stores: the next change of the lifecycle
/// word publishes them all.
pub(crate) fn free_blocks_of(thread: &Thread, slot: Slot, budget: &mut Budget) -> Result<bool> {
    for side in 0..2 {
        let writer = ObjectRef::new(slot, side);
        let Direction { producer, consumer } = ring::direction(thread, writer)?;
        let first = producer.first_segment.load(Relaxed);
        if first != 0 {
            if consumer.head_segment.load(Relaxed) == 0 {
                consumer.head_segment.store(first, Relaxed);
            }
            // ORDER: Release: after the store above. Otherwise a death here could lose the only link to the segments.
            producer.first_segment.store(0, Release);
        }
        while let Some(block) = BlockId::from_link(consumer.head_segment.load(Relaxed)) {
            if !budget.charge() {
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
            if !budget.charge() {
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

/// Clears the rings of a channel that has no reference left, so that they are as a new channel needs them.
pub(crate) fn free_directions(thread: &Thread, slot: Slot) -> Result<()> {
    free_blocks_of(thread, slot, &mut Budget::unlimited())?;
    for side in 0..2 {
        let Direction { producer, consumer } = ring::direction(thread, ObjectRef::new(slot, side))?;
        // Relaxed: the lifecycle word's change to FREE publishes them.
        producer.tail_segment.store(0, Relaxed);
        producer.tail.store(0, Relaxed);
        producer.refusal().store(0, Relaxed);
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
    intent: ListIntent,
    from: ObjectRef,
) -> Result<()> {
    let descriptor = thread.arena().descriptor(block)?;
    // Relaxed: the block is bound to this direction, and only this thread may unlink it now.
    let word = BlockWord(descriptor.state.load(Relaxed));
    thread.set_list_intent(intent, word.0);
    crash_point!(thread, "free.intended");
    // A segment's link also carries a position. The chain's head takes only the block's part of it.
    // ORDER: Release puts the unlinking after the intent, in the order that recovery sees.
    chain.store(SegmentLink(descriptor.link.load(Relaxed)).next_link(), Release);
    crash_point!(thread, "free.unlinked");
    // Clearing the link makes the walk end even if damage has made the chain a circle.
    // ORDER: Release: after the store above. Otherwise a death here could lose the rest of the chain.
    descriptor.link.store(0, Release);
    free_bound_block(thread, block, word, from)?;
    crash_point!(thread, "free.freed");
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(())
}

/// The position where the head's segment ends, `u64::MAX` while no segment is linked behind it. If the head has passed
/// the end, the result may be any position up to the head: the caller then leaves the segment in every case.
#[inline(always)]
pub(crate) fn end_of(thread: &Thread, segment: &Segment, head: u64) -> Result<u64> {
    let from = head.max(segment.base);
    match segment_chain::behind(thread.arena(), segment, from)? {
        None => Ok(u64::MAX),
        Some((end, next)) => end_before(segment, from, end, &next),
    }
}

#[cold]
pub(crate) fn next_head_segment(reader: &mut Reader<'_>) -> Result<()> {
    let thread = reader.thread;
    let left = reader.cursor.segment.ok_or(Error::Corrupt("an end without a segment"))?;
    let next = segment_chain::behind(thread.arena(), &left, left.base)?;
    let (_, next) = next.ok_or(Error::Corrupt("a ring's segments end early"))?;
    // INV-CHAIN-2: the head is past the end and not inside a gap, so the next segment starts between the two. Anything
    // else is damage.
    if next.base < reader.cursor.end || next.base > reader.cursor.head {
        return Err(Error::Corrupt("a ring's segment moved"));
    }
    leave_segment(reader, &left, &next)?;
    // This side will give the segment back, so its process's scavenger counts it.
    thread.process.scavenger.note_taken(next.block.bytes());
    reader.cursor.segment = Some(next);
    reader.cursor.end = match reader.cursor.beyond.remove(&next.base) {
        Some(known) if known.end != u64::MAX => known.end,
        _ => end_of(thread, &next, reader.cursor.head)?,
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
