//! Rings: slots of two lines, each with a header and a small message, in linked segments that grow.
//!
//! ```text
//!  direction ── producer line: tail, tail segment, first segment, payload blocks
//!            └─ consumer line: head, head segment, consumed
//!
//!  segment (a block of class c, 2·2^c slots):
//!    ┌ slot 0 ───────────────────────────────────┬ slot 1 ─────────┬
//!    │ header, bytes, handles │ more of them     │                 │    descriptor.link → next segment
//!    └───────────────────────────────────────────┴─────────────────┴
//! ```
//!
//! A message keeps its position for ever: all messages below `head` are consumed. A segment is itself a ring: while the
//! consumer keeps up, the producer goes round in one segment and allocates no memory. When the segment is full and the
//! limit of pending messages is not reached, the producer links another one behind it (`arena/segment_chain.rs`).
//!
//! The header of a message carries the lap of its slot, and its store sends the message. The reader polls the header of
//! the slot at its head. So a message of up to 56 bytes goes from one processor to another in one cache line. In a
//! stream the reader looks at the tail instead: one look finds many messages, and takes no slot from the producer that
//! the producer is about to write (`read/reader.rs`). All other threads count the messages by the tail.
//!
//! A message may be consumed out of order: a reply, or a message behind one that is read in place. It is marked
//! CONSUMED and its place is free at once (`read/out_of_order.rs`). `consumed` counts the consumed messages, in any
//! order. A segment behind the head's is given back when all of its messages are CONSUMED.
//!
//! INV-RING-1: head ≤ consumed ≤ committed ≤ consumed + limit, where consumed is the greater of the two words, and
//! committed counts the messages that headers show. tail ≤ committed ≤ tail + messages of the tail segment, and tail =
//! committed while no operation of the producer runs. The messages between the two lie in the tail segment.
//! INV-RING-2: only the producer stores headers, in order; a store sends the message with all its handles. Only the
//! producer stores `tail`, or the thread that recovers it.
//! The consumer of a pending message may store words of it again, as they are: those of its slot after the header, and
//! those of its payload block (`arena/copy.rs`).
//! INV-RING-3: only the consumer stores `head`, or marks a header CONSUMED; that one store receives. Once the
//! consumer's side is closed, the drainers advance `head` by CAS.
//! INV-RING-4: a segment's first position is written, and its headers show no message, before it is linked; and it is
//! linked before a message is sent in it: a thread that sees a tail there sees the link.
//! INV-RING-5: the consumer gives a segment back after its head has reached the end, or after all of its messages are
//! CONSUMED, and another is linked behind it; the producer never reads it again.

use crate::arena::error::Result;
use crate::arena::record::object::Direction;
use crate::arena::segment::{self, MAX_POSITION, Message, Segment};
use crate::arena::word::block::BlockId;
use crate::arena::word::reference::ObjectRef;
use crate::process::thread::Thread;
use crate::sync::{Acquire, Relaxed, Release};

/// The direction that `writer`'s side writes.
#[inline(always)]
pub(crate) fn direction(thread: &Thread, writer: ObjectRef) -> Result<&Direction> {
    thread.arena().direction(writer)
}

/// The segment in `block`.
pub(crate) fn segment(thread: &Thread, block: BlockId) -> Result<Segment> {
    segment::segment(thread.arena(), block)
}

/// The message at a published `position` of `segment`.
#[inline(always)]
pub(crate) fn message<'a>(thread: &'a Thread, segment: &'a Segment, position: u64) -> Result<Message<'a>> {
    segment::message(thread.arena(), segment, position)
}

/// How many messages `writer` has sent: the tail, and those after it that headers show. A thread that died, or
/// that is between the two stores, has sent messages that the tail does not show. The producer is dead, or the consumer
/// is dead or the caller.
///
/// They lie in the tail segment: the producer stores the tail before it links another one. So a segment that was linked
/// by a thread that died before it stored the link to the tail segment has none.
pub(crate) fn committed_tail(thread: &Thread, writer: ObjectRef) -> Result<u64> {
    let producer = &direction(thread, writer)?.producer;
    // ORDER: Acquire, and before the tail, pairs with the Release of `link_segment`: the tail that is loaded next is not
    // before the segment.
    let block = BlockId::from_link(producer.tail_segment.load(Acquire));
    // ORDER: Acquire pairs with the Release of `store_tail`: the headers below the tail are visible.
    let tail = producer.tail.load(Acquire);
    // P5: a damaged segment shows no message. Recovery goes on, and the peers of the other channels are told.
    let segment = block.map(|block| segment(thread, block));
    let Some(Ok(segment)) = segment else { return Ok(tail) };
    let mut committed = tail;
    // P5: no more than a lap. INV-RING-1: so no slot from the tail on has been used again.
    for _ in 0..segment.messages() {
        if committed < segment.base || committed >= MAX_POSITION || !segment.is_committed(committed) {
            break;
        }
        committed += 1;
    }
    Ok(committed)
}

/// Stores the tail past all messages that `writer` has sent. Its process is dead, or no operation of it is left on this
/// side.
pub(crate) fn complete_tail(thread: &Thread, writer: ObjectRef) -> Result<()> {
    let producer = &direction(thread, writer)?.producer;
    // Relaxed: as below. Most ends that close have sent no message.
    if producer.tail_segment.load(Relaxed) == 0 {
        return Ok(());
    }
    let tail = committed_tail(thread, writer)?;
    // Relaxed: only this thread stores the tail now.
    if tail > producer.tail.load(Relaxed) {
        // ORDER: Release: as in `store_tail`.
        producer.tail.store(tail, Release);
    }
    Ok(())
}

/// Where a message is.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) segment: Segment,
    pub(crate) position: u64,
}

impl Place {
    /// The published message that is here.
    #[inline(always)]
    pub(crate) fn message<'a>(&'a self, thread: &'a Thread) -> Result<Message<'a>> {
        message(thread, &self.segment, self.position)
    }
}

/// The number of the class of channels in lifecycle words.
pub(crate) const CLASS_NUMBER: u8 = 4;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::error::Error;
    use crate::arena::word::handle::Rights;
    use crate::object::ObjectClass;
    use crate::object::channel::end::Writer;
    use crate::object::channel::read::recv_buf::{OnOverflow, SliceBuf};
    use crate::object::channel::write;
    use crate::process::Process;

    /// P5: the peers of a dead process learn of its death even if it has damaged one of its rings.
    #[test]
    fn a_damaged_segment_shows_no_message() {
        let thread = Thread::join(&Process::alone_with_few_channels()).unwrap();
        let (near, _far) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
        let near = thread.lookup(near).unwrap();
        let side = near.entry.object();
        thread.send(near, Rights::empty(), b"counted").unwrap();
        let inside = thread.inside();
        let mut writer = Writer::enter(&thread, near, Rights::empty(), &inside).unwrap();
        write::enqueue(&mut writer, b"not counted", None).unwrap();
        let producer = &writer.direction().producer;
        let segment = producer.tail_segment.load(Relaxed);
        for damage in [u64::from(u32::MAX), segment + 1] {
            producer.tail_segment.store(damage, Relaxed);
            complete_tail(&thread, side).unwrap();
            assert_eq!(producer.tail.load(Relaxed), 1, "{damage:#x}");
        }
        producer.tail_segment.store(segment, Relaxed);
        complete_tail(&thread, side).unwrap();
        assert_eq!(producer.tail.load(Relaxed), 2);
    }

    /// A reader takes the messages of a batch while it is being sent, and makes room for the next lap.
    #[test]
    fn no_batch_passes_its_tail_by_laps() {
        let thread = Thread::join(&Process::alone_with_few_channels()).unwrap();
        let (near, far) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
        let (near, far) = (thread.lookup(near).unwrap(), thread.lookup(far.unwrap()).unwrap());
        let (none, side) = (Rights::empty(), near.entry.object());
        // The reader sees the first messages of a ring by the tail.
        thread.send(near, none, &[]).unwrap();
        let receive = || thread.receive(far, none, &mut SliceBuf::new(&mut [], &mut []), OnOverflow::Keep);
        receive().unwrap();
        let inside = thread.inside();
        for sent in 2..=100 {
            let mut writer = Writer::enter(&thread, near, none, &inside).unwrap();
            write::enqueue(&mut writer, &[], None).unwrap();
            drop(writer);
            while receive() == Err(Error::ShouldWait) {}
            assert_eq!(committed_tail(&thread, side).unwrap(), sent);
        }
    }

    /// The message stays as it is: an error may keep it from being consumed, and the next read finds it.
    #[test]
    fn an_owned_slot_keeps_its_message() {
        let thread = Thread::join(&Process::alone_with_few_channels()).unwrap();
        let (near, far) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
        let (near, far) = (thread.lookup(near).unwrap(), thread.lookup(far.unwrap()).unwrap());
        let (none, inside) = (Rights::empty(), thread.inside());
        for (position, bytes) in [vec![7; 56], vec![8; 120], vec![9; 1000]].into_iter().enumerate() {
            thread.send(near, none, &bytes).unwrap();
            let writer = Writer::enter(&thread, near, none, &inside).unwrap();
            writer.cursor.segment.unwrap().take_ownership(position as u64, bytes.len());
            drop(writer);
            let mut back = vec![0; bytes.len()];
            thread.receive(far, none, &mut SliceBuf::new(&mut back, &mut []), OnOverflow::Keep).unwrap();
            assert_eq!(back, bytes);
        }
    }

    /// P5: a number that another process has damaged is an error of the call, and no request is sent.
    #[test]
    fn a_damaged_count_is_told() {
        let thread = Thread::join(&Process::alone_with_few_channels()).unwrap();
        let (near, _far) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
        let near = thread.lookup(near).unwrap();
        let (none, side) = (Rights::empty(), near.entry.object());
        direction(&thread, side.peer()).unwrap().consumer.consumed.store(u64::MAX, Relaxed);
        for _ in 0..2 {
            let begun = thread.call_begin(near, none, b"\0\0\0\0", &[], none);
            assert!(matches!(begun, Err(Error::Corrupt(_))), "{begun:?}");
        }
        assert_eq!(direction(&thread, side).unwrap().producer.tail.load(Relaxed), 0);
    }
}
