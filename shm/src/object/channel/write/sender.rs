//! The writing end as its process knows it: where the tail is, which segment it is in, and how far it may go.
//!
//! All of it is private, under the end's sending lock. What is read of the arena here is checked, and read again only when the
//! private copy says that there is no more room.

use crate::arena::error::{Error, Result};
use crate::arena::segment::MAX_POSITION;
use crate::arena::word::block::{BlockId, BlockState, BlockWord};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::ring::SegmentLink;
use crate::memory::block_pool;
use crate::object::channel::{options, ring};
use crate::process::endpoint::Sender;
use crate::process::thread::{Thread, crash_point};
use crate::sync::{self, Acquire, Relaxed, Release};

/// Gives back what an end has been granted far beyond its use: what has been read returns here.
pub(crate) fn shrink_grant(thread: &Thread, sender: &mut Sender) {
    let unused = sender.unused();
    let keep = sender.batch();
    if thread.process.quotas.messages.is_limited() && unused > 2 * keep {
        sender.granted -= unused - keep;
        thread.process.quotas.messages.give_back(unused - keep);
    }
}

/// Reads the producing side's state from the arena, after the endpoint came.
pub(crate) fn load_sender(thread: &Thread, writer: ObjectRef, sender: &mut Sender) -> Result<()> {
    let direction = ring::direction(thread, writer)?;
    // Relaxed, here and below: this process is the only writer of the producer's line and of what hangs from it;
    // the handle's arrival published them.
    sender.tail = direction.producer.tail.load(Relaxed);
    // ORDER: Acquire pairs with the consumer's Release: cells below the head may be written again.
    sender.head_seen = direction.consumer.head.load(Acquire);
    sync::acquired(&direction.consumer.head);
    sender.consumed_seen = direction.consumed(sender.head_seen);
    sender.max_pending = options::max_pending(thread, writer)?;
    if sender.tail > MAX_POSITION
        || sender.consumed_seen > sender.tail
        || sender.pending() > u64::from(thread.arena().config().max_pending_messages)
    {
        return Err(Error::Corrupt("a ring's head and tail are out of range"));
    }
    let link = direction.producer.tail_segment.load(Relaxed);
    sender.segment = BlockId::from_link(link).map(|block| ring::segment(thread, block)).transpose()?;
    if sender.segment.is_some_and(|segment| segment.base > sender.tail) {
        return Err(Error::Corrupt("a ring's last segment starts past its tail"));
    }
    sender.spare = vec![Vec::new(); thread.arena().layout().pools.len()];
    sender.owned = vec![0; sender.spare.len()];
    sender.all_owned = 0;
    sender.in_flight.clear();
    let mut in_flight = Vec::new();
    let mut next = direction.producer.blocks.load(Relaxed);
    let mut bound = thread.arena().layout().descriptors.iter().map(|section| section.count).sum::<usize>();
    while let Some(block) = BlockId::from_link(next) {
        let descriptor = thread.arena().descriptor(block)?;
        if BlockWord(descriptor.state.load(Relaxed)).state() != BlockState::Bound(writer) {
            return Err(Error::Corrupt("a channel's list of blocks runs into another's"));
        }
        sender.owned[block.class()] += 1;
        sender.all_owned += 1;
        match descriptor.position.load(Relaxed) {
            used if used > sender.head_seen => in_flight.push((used - 1, block)),
            _ => sender.spare[block.class()].push(block),
        }
        next = descriptor.link.load(Relaxed);
        bound = bound.checked_sub(1).ok_or(Error::Corrupt("a channel's blocks run in a circle"))?;
    }
    in_flight.sort_unstable_by_key(|(position, _)| *position);
    sender.in_flight.extend(in_flight);
    sender.searched = 0;
    // What was granted for, when the end came, and has been read since.
    let credits = &thread.process.quotas.messages;
    credits.give_back(sender.granted);
    sender.granted = credits.charge(sender.pending());
    sender.ready = true;
    set_limit(thread, sender);
    Ok(())
}

/// Up to where the producer may write with what it knows.
pub(crate) fn set_limit(_thread: &Thread, sender: &mut Sender) {
    let by_count = (sender.consumed_seen + sender.max_pending).saturating_sub(sender.reserved);
    let by_segment =
        sender.segment.map_or(0, |segment| sender.head_seen.max(segment.base) + segment.messages());
    let by_grant = (sender.consumed_seen + sender.granted).saturating_sub(sender.reserved);
    sender.limit = by_count.min(by_segment).min(by_grant);
}

/// Where the reader is far behind, gives it up to some microseconds until what it has read is enough, and not only
/// for one message.
///
/// Whoever looks at the head takes its line from the reader, who waits for it at the next message. A writer that
/// looks before each of its messages makes both as slow as the line. What comes after so many messages can wait a
/// little longer, and nothing is refused that there is room for. Each look comes after twice the time of the last, so
/// that a reader that is slow is not looked at more often.
#[cold]
pub(crate) fn back_off_for_reader(
    thread: &Thread,
    writer: ObjectRef,
    sender: &mut Sender,
    is_enough: impl Fn(&Sender) -> bool,
) -> Result<()> {
    for turn in 0..4 {
        if is_enough(sender) {
            break;
        }
        let seen = sender.consumed_seen;
        for _ in 0..1 << turn {
            sync::spin_briefly();
        }
        refresh_head(thread, writer, sender)?;
        if sender.consumed_seen == seen {
            // Nobody is reading.
            break;
        }
    }
    Ok(())
}

/// Takes note of what has been consumed.
pub(crate) fn refresh_head(thread: &Thread, writer: ObjectRef, sender: &mut Sender) -> Result<()> {
    let direction = ring::direction(thread, writer)?;
    // ORDER: Acquire pairs with the consumer's Release: it is done with the cells and blocks behind it.
    let head = direction.consumer.head.load(Acquire);
    let consumed = direction.consumed(head);
    sync::acquired(&direction.consumer.head);
    if head < sender.head_seen || consumed < sender.consumed_seen || consumed > sender.tail {
        return Err(Error::Corrupt("a ring's head is outside the ring"));
    }
    sender.head_seen = head;
    sender.consumed_seen = consumed;
    while let Some((position, block)) = sender.in_flight.front().copied()
        && position < head
    {
        sender.in_flight.pop_front();
        sender.spare[block.class()].push(block);
    }
    shrink_grant(thread, sender);
    set_limit(thread, sender);
    Ok(())
}

/// Links a segment, in a block that this thread has taken, behind the one at hand.
pub(crate) fn link_segment(
    thread: &Thread,
    writer: ObjectRef,
    sender: &mut Sender,
    block: BlockId,
) -> Result<()> {
    let descriptor = thread.arena().descriptor(block)?;
    crash_point!(thread, "grow.taken");
    // Relaxed: published by the link.
    descriptor.link.store(0, Relaxed);
    descriptor.position.store(sender.tail, Relaxed);
    thread.set_list_intent(ListIntent::LinkSegment { from: writer, block }, 0);
    crash_point!(thread, "grow.intended");
    let producer = &ring::direction(thread, writer)?.producer;
    match &sender.segment {
        // ORDER: Release pairs with the Acquire of `behind`: the segment's first position and empty link are seen
        // with it. The first segment's are seen with the tail; its link comes after the intent.
        None => producer.first_segment.store(block.to_link(), Release),
        Some(full) => {
            let link = SegmentLink::new(block, sender.tail);
            thread.arena().descriptor(full.block)?.link.store(link.0, Release);
        }
    }
    crash_point!(thread, "grow.linked");
    // ORDER: Release: after the link, in the order that recovery sees. Nobody looks at the segment before any more.
    producer.tail_segment.store(block.to_link(), Release);
    block_pool::bind_block(thread.arena(), block, thread.tag, writer)?;
    crash_point!(thread, "grow.bound");
    thread.set_list_intent(ListIntent::Idle, 0);
    sender.segment = Some(ring::segment(thread, block)?);
    Ok(())
}
