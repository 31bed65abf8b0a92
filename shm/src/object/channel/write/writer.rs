//! The writing end's private state: the tail, its segment, and the limit up to which it may write.
//!
//! The state is private to the process, under the end's sending lock. Values loaded from the arena are checked here,
//! and loaded again only when the private copy shows no more room.

use crate::arena::error::{Error, Result};
use crate::arena::segment::MAX_POSITION;
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::{BlockId, BlockState, BlockWord};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::ring::SegmentLink;
use crate::memory::block_pool;
use crate::object::channel::end::Writer;
use crate::object::channel::{options, ring};
use crate::process::half::channel::WriteCursor;
use crate::process::thread::crash_point;
use crate::sync::{self, Acquire, Relaxed, Release};
use std::collections::VecDeque;

/// Gives back the part of a grant that is far beyond the end's use, after its reader has consumed messages.
pub(crate) fn shrink_grant(writer: &mut Writer<'_>) {
    let unused = writer.cursor.unused();
    let keep = writer.cursor.batch();
    let credits = &writer.thread.process.quotas.messages;
    if credits.is_limited() && unused > 2 * keep {
        writer.cursor.granted -= unused - keep;
        credits.refund(unused - keep);
    }
}

/// Loads the producing side's state from the arena, after the endpoint has arrived in this process.
pub(crate) fn load_write_cursor(writer: &mut Writer<'_>) -> Result<()> {
    let thread = writer.thread;
    let direction = writer.direction();
    let cursor = &mut *writer.cursor;
    // Relaxed, here and below: this process is the only writer of the producer's line and of the lists that start
    // there. The handle's arrival published them.
    cursor.tail = direction.producer.tail.load(Relaxed);
    // ORDER: Acquire pairs with the consumer's Release in `advance_head`: the producer may write the slots below the
    // head again.
    cursor.head_seen = direction.consumer.head.load(Acquire);
    sync::acquired(&direction.consumer.head);
    cursor.consumed_seen = direction.consumed(cursor.head_seen);
    cursor.max_pending = options::max_pending(thread, writer.side)?;
    if cursor.tail > MAX_POSITION
        || cursor.consumed_seen > cursor.tail
        || cursor.pending() > u64::from(thread.arena().config().max_pending_messages)
    {
        return Err(Error::Corrupt("a ring's head and tail are out of range"));
    }
    let link = direction.producer.tail_segment.load(Relaxed);
    cursor.segment = BlockId::from_link(link).map(|block| ring::segment(thread, block)).transpose()?;
    if cursor.segment.is_some_and(|segment| segment.base > cursor.tail) {
        return Err(Error::Corrupt("a ring's last segment starts past its tail"));
    }
    cursor.spare = vec![VecDeque::new(); SizeClass::BLOCKS.len()];
    cursor.owned = vec![0; cursor.spare.len()];
    cursor.all_owned = 0;
    cursor.in_flight.clear();
    let mut in_flight = Vec::new();
    let mut next = direction.producer.blocks.load(Relaxed);
    let mut bound = thread.arena().layout().descriptors.iter().map(|section| section.count).sum::<usize>();
    while let Some(block) = BlockId::from_link(next) {
        let descriptor = thread.arena().descriptor(block)?;
        if BlockWord(descriptor.state.load(Relaxed)).state() != BlockState::Bound(writer.side) {
            return Err(Error::Corrupt("a channel's list of blocks runs into another's"));
        }
        if block.class().is_extent() {
            return Err(Error::Corrupt("a channel's list of blocks has an extent"));
        }
        cursor.owned[block.class().index()] += 1;
        cursor.all_owned += 1;
        match descriptor.position.load(Relaxed) {
            used if used > cursor.head_seen => in_flight.push((used - 1, block)),
            _ => cursor.spare[block.class().index()].push_back(block),
        }
        next = descriptor.link.load(Relaxed);
        bound = bound.checked_sub(1).ok_or(Error::Corrupt("a channel's blocks run in a circle"))?;
    }
    in_flight.sort_unstable_by_key(|(position, _)| *position);
    cursor.in_flight.extend(in_flight);
    cursor.searched = 0;
    cursor.idle_at = None;
    // The grant dates from the end's arrival, and messages may have been read since. Replace it by one that covers the
    // messages pending now.
    let credits = &thread.process.quotas.messages;
    credits.refund(cursor.granted);
    cursor.granted = credits.charge(cursor.pending());
    cursor.ready = true;
    cursor.set_limit();
    Ok(())
}

/// How long a writer waits between two looks at the head, at first, in spin-loop hints: about a microsecond.
const BACK_OFF_PAUSES: u32 = 16;

/// A wait is a hint longer for so many bytes of a message, which a reader copies in about that time.
const BYTES_READ_PER_PAUSE: usize = 128;

/// If the reader is far behind, waits up to some microseconds, or the time that it takes to read some messages of
/// `message_bytes` (64 KiB at most), until it has consumed enough for more than one message.
///
/// A load of the head takes its cache line from the reader, which then waits for the line at its next message. A writer
/// that loads the head before each message makes both as slow as the line. After so many messages, the next one can
/// wait a little longer, and the wait refuses no write that there is room for. Each load comes after twice the time of
/// the last, so that a slow reader is not disturbed more often.
#[cold]
pub(crate) fn back_off_for_reader(
    writer: &mut Writer<'_>,
    message_bytes: usize,
    is_enough: impl Fn(&WriteCursor) -> bool,
) -> Result<()> {
    for turn in 0..4 {
        if is_enough(&writer.cursor) {
            break;
        }
        let seen = writer.cursor.consumed_seen;
        // A reader that was found idle, and still is, is not given the time of a large message once more.
        let is_idle = writer.cursor.idle_at == Some(seen);
        let for_bytes = if is_idle { 0 } else { message_bytes / BYTES_READ_PER_PAUSE };
        for _ in 0..1 << turn {
            sync::pause(BACK_OFF_PAUSES + for_bytes as u32);
        }
        refresh_head(writer)?;
        if writer.cursor.consumed_seen == seen {
            // The reader has consumed no message meanwhile, so it is probably not running.
            if for_bytes > 0 {
                writer.cursor.idle_at = Some(seen);
            }
            break;
        }
    }
    Ok(())
}

/// Loads the head again, checks it, and takes back the blocks of consumed messages.
pub(crate) fn refresh_head(writer: &mut Writer<'_>) -> Result<()> {
    let direction = writer.direction();
    // A batch has sent messages past the tail. The head may give it room for another lap, and the tail is to be less
    // than a lap behind (INV-RING-1).
    // Relaxed: only this process stores the tail.
    if direction.producer.tail.load(Relaxed) != writer.cursor.tail {
        store_tail(writer);
    }
    // ORDER: Acquire pairs with the consumer's Release in `advance_head`: its reads of the slots and blocks below the
    // head are over.
    let head = direction.consumer.head.load(Acquire);
    let consumed = direction.consumed(head);
    sync::acquired(&direction.consumer.head);
    let cursor = &mut *writer.cursor;
    if head < cursor.head_seen || consumed < cursor.consumed_seen || consumed > cursor.tail {
        return Err(Error::Corrupt("a ring's head is outside the ring"));
    }
    cursor.head_seen = head;
    cursor.consumed_seen = consumed;
    while let Some((position, block)) = cursor.in_flight.front().copied()
        && position < head
    {
        cursor.in_flight.pop_front();
        cursor.spare[block.class().index()].push_back(block);
    }
    shrink_grant(writer);
    writer.cursor.set_limit();
    Ok(())
}

/// Stores the tail: how many messages were sent, for threads that do not poll headers (`ring.rs`).
#[inline(always)]
pub(crate) fn store_tail(writer: &Writer<'_>) {
    // ORDER: Release pairs with the Acquire of `load_tail`: such a reader sees the headers below the tail, and links.
    writer.direction().producer.tail.store(writer.cursor.tail, Release);
}

/// Links a segment, in a block that this thread has taken, behind the current one.
pub(crate) fn link_segment(writer: &mut Writer<'_>, block: BlockId) -> Result<()> {
    let thread = writer.thread;
    // A batch may have sent messages past the tail. Recovery looks for these in the tail segment only.
    store_tail(writer);
    let descriptor = thread.arena().descriptor(block)?;
    crash_point!(thread, "grow.taken");
    // Relaxed: the link publishes both.
    descriptor.link.store(0, Relaxed);
    descriptor.position.store(writer.cursor.tail, Relaxed);
    let segment = ring::segment(thread, block)?;
    segment.clear();
    thread.set_list_intent(ListIntent::LinkSegment { from: writer.side, block }, 0);
    crash_point!(thread, "grow.intended");
    let producer = &writer.direction().producer;
    match &writer.cursor.segment {
        // ORDER: Release pairs with the Acquire of `behind`: the consumer sees the segment's first position and empty
        // link with the link. For the first segment the tail publishes them, and Release puts this store after the
        // intent.
        None => producer.first_segment.store(block.to_link(), Release),
        Some(full) => {
            let link = SegmentLink::new(block, writer.cursor.tail);
            thread.arena().descriptor(full.block)?.link.store(link.0, Release);
        }
    }
    crash_point!(thread, "grow.linked");
    // ORDER: Release: after the link, in the order that recovery sees. From here on the producer no longer reads the
    // segment before.
    producer.tail_segment.store(block.to_link(), Release);
    block_pool::bind_block(thread.arena(), block, thread.tag, writer.side)?;
    crash_point!(thread, "grow.bound");
    thread.set_list_intent(ListIntent::Idle, 0);
    writer.cursor.segment = Some(segment);
    Ok(())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::segment::class_of_messages;
    use crate::arena::word::handle::Rights;
    use crate::arena::word::ring::MessageHeader;
    use crate::object::ObjectClass;
    use crate::process::Process;
    use crate::process::thread::Thread;

    /// The block had another use, and its bytes look like messages of the first lap.
    #[test]
    fn a_linked_segment_shows_no_message() {
        let thread = Thread::join(&Process::alone_with_few_channels()).unwrap();
        let (near, _far) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
        let inside = thread.inside();
        let near = thread.lookup(near).unwrap();
        let mut writer = Writer::enter(&thread, near, Rights::empty(), &inside).unwrap();
        load_write_cursor(&mut writer).unwrap();
        let block = block_pool::take_some_block(&thread, class_of_messages(16)).unwrap();
        let like_a_header = MessageHeader::new(5, 0, false).in_lap(1).0;
        let words = thread.arena().lines(block).unwrap().iter().flat_map(|line| &line.0);
        words.for_each(|word| word.store(like_a_header, Relaxed));
        link_segment(&mut writer, block).unwrap();
        let segment = writer.cursor.segment.unwrap();
        assert!((0..segment.messages()).all(|position| !segment.is_committed(position)));
    }
}
