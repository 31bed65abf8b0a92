//! Resolving the in-doubt intents of a dead thread on a channel: was the block linked, was the message sent or received?

use crate::arena::error::{Error, Result};
use crate::arena::segment_chain::{self, SegmentCursor};
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::{ListIntent, Operation};
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::ring::SegmentLink;
use crate::object::channel::ring;
use crate::process::thread::Thread;
use crate::sync::Relaxed;

/// Whether the operation has committed.
pub(crate) fn has_committed(thread: &Thread, operation: Operation) -> Result<bool> {
    match operation {
        Operation::Send { from, position } => {
            let tail = ring::committed_tail(thread, from)?;
            Ok(position.is_some_and(|position| position < tail))
        }
        Operation::Receive { at, position } => is_consumed(thread, at, position),
        _ => Err(Error::Corrupt("an operation that a channel does not have")),
    }
}

/// Whether `block` is linked in the direction that `from` writes.
pub(crate) fn is_linked(
    thread: &Thread,
    intent: ListIntent,
    from: ObjectRef,
    block: BlockId,
) -> Result<bool> {
    let direction = ring::direction(thread, from)?;
    let (producer, consumer) = (&direction.producer, &direction.consumer);
    let sought = block.to_link();
    match intent {
        ListIntent::LinkSegment { .. } => {
            let last = producer.tail_segment.load(Relaxed);
            let after_last = match BlockId::from_link(last) {
                Some(last) => SegmentLink(thread.arena().descriptor(last)?.link.load(Relaxed)).next_link(),
                None => producer.first_segment.load(Relaxed),
            };
            Ok(last == sought || after_last == sought)
        }
        // A segment that was read to its end is the first one. A segment without unread messages may be anywhere in the
        // chain.
        ListIntent::UnlinkSegment { .. } => {
            let head = consumer.head_segment.load(Relaxed);
            let first = if head == 0 { producer.first_segment.load(Relaxed) } else { head };
            is_in_chain(thread, first, sought)
        }
        _ => is_in_chain(thread, producer.blocks.load(Relaxed), sought),
    }
}

fn is_in_chain(thread: &Thread, mut next: u64, sought: u64) -> Result<bool> {
    // P5: no chain has more blocks than the arena.
    let mut left = thread.arena().layout().descriptors.iter().map(|section| section.count).sum::<usize>();
    while let Some(at) = BlockId::from_link(next) {
        if next == sought {
            return Ok(true);
        }
        next = SegmentLink(thread.arena().descriptor(at)?.link.load(Relaxed)).next_link();
        left = left.checked_sub(1).ok_or(Error::Corrupt("a channel's blocks run in a circle"))?;
    }
    Ok(false)
}

/// Whether the message at `position` has been received by `at`.
fn is_consumed(thread: &Thread, at: ObjectRef, position: u64) -> Result<bool> {
    let direction = ring::direction(thread, at.peer())?;
    let head = direction.consumer.head.load(Relaxed);
    if position < head || position >= ring::committed_tail(thread, at.peer())? {
        return Ok(position < head);
    }
    let segment = segment_chain::head_segment(thread.arena(), direction)?;
    let mut way = SegmentCursor::new(segment.ok_or(Error::Corrupt("messages without a segment"))?, head);
    // A position beyond the asked one means a gap, in which every message was consumed.
    let found = segment_chain::follow(thread.arena(), &mut way, position)?;
    Ok(found > position || ring::message(thread, &way.segment, position)?.header.is_consumed())
}
