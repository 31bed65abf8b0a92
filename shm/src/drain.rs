//! How a ring is emptied: a segment that has been read to its end is left, messages that nobody will read are dropped
//! in one pass, and a channel that nobody can reach is taken apart.
//!
//! Every block leaves under a link intent that names its exact word, so a death between leaving and freeing neither
//! loses it nor frees it twice (INV-BLOCK-2).

use crate::bits::ObjectRef;
use crate::block::{BlockId, BlockState, BlockWord};
use crate::burial::Budget;
use crate::error::{Error, Result, crash_point};
use crate::object::{Direction, Life, Shape};
use crate::owner::Link;
use crate::ring::{MAX_POSITION, Message, Segment};
use crate::sync::{Acquire, AtomicU64, Relaxed, Release};
use crate::table::Entry;
use crate::thread::Thread;
use crate::way::{SegmentLink, Way};

/// Where a direction is being drained.
#[derive(Debug)]
pub(crate) struct Draining {
    writer: ObjectRef,
    way: Way,
    /// More than this can never have been sent.
    last: u64,
}

impl Thread {
    /// Leaves a segment that has been read to its end: the next one becomes the head segment.
    pub(crate) fn leave_segment(&self, writer: ObjectRef, left: &Segment, next: &Segment) -> Result<()> {
        // Relaxed: it was bound before the tail passed into it.
        let word = BlockWord(self.arena().descriptor(left.block)?.state.load(Relaxed));
        self.set_link(Link::LeaveSegment { from: writer, block: left.block }, word.0);
        crash_point!(self, "leave.intended");
        self.direction(writer)?.consumer.head_segment.store(next.block.to_link(), Release);
        crash_point!(self, "leave.left");
        self.give_back(left.block, word, writer)?;
        crash_point!(self, "leave.freed");
        self.set_link(Link::Idle, 0);
        Ok(())
    }

    pub(crate) fn give_back(&self, block: BlockId, word: BlockWord, from: ObjectRef) -> Result<()> {
        // A link that is damaged must not free another channel's block.
        if word.state() == BlockState::Bound(from) {
            self.free_block(block, word)?;
        }
        Ok(())
    }

    /// Drops every message of a direction whose consumer is gone.
    pub(crate) fn drain(&self, writer: ObjectRef) -> Result<()> {
        self.drain_for(writer, &mut None, &mut Budget::unlimited()).map(drop)
    }

    /// As [`drain`](Self::drain), a step for each message, while the budget lasts. `false` when it is spent before the
    /// last message; then `draining` says where.
    ///
    /// Several may drain at once: each handle is closed by whoever wins its record, and the head advances by
    /// CAS. Nothing is given back here; the object's end does that.
    pub(crate) fn drain_for(
        &self,
        writer: ObjectRef,
        draining: &mut Option<Draining>,
        budget: &mut Budget,
    ) -> Result<bool> {
        let direction = self.direction(writer)?;
        let limit = u64::from(self.arena().config().max_pending_messages);
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
                    let segment = self.arena().head_segment(direction)?;
                    let segment = segment.ok_or(Error::Corrupt("messages without a segment"))?;
                    draining.insert(Draining {
                        writer,
                        way: Way::new(segment, head),
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
            let position = self.arena().follow(&mut here.way, head)?;
            let gone = if position > head {
                position
            } else {
                let message = self.message(&here.way.segment, head)?;
                if !message.header.is_taken() {
                    self.close_handles_of(&message)?;
                }
                head + 1
            };
            crash_point!(self, "drain.closed");
            // ORDER: Release: the records are closed before the message counts as gone. Failure: another drainer
            // finished it.
            let _ = direction.consumer.head.compare_exchange(head, gone, Release, Relaxed);
        }
    }

    /// Closes a message's handles in transit, those that nobody else is closing.
    pub(crate) fn close_handles_of(&self, message: &Message<'_>) -> Result<()> {
        for record in message.records() {
            // Relaxed: published by the tail. If another has closed it since, the CAS will tell.
            let entry = Entry(self.arena().record(record)?.load(Relaxed));
            if entry.is_live() {
                match self.drop_reference(record, entry) {
                    Ok(()) | Err(Error::BadHandle) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Whether a retired slot is as a new object needs it: nothing was ever written there.
    pub(crate) fn holds_nothing(&self, slot: u32, life: Life) -> Result<bool> {
        if life.shape() != Some(Shape::Channel) {
            return Ok(true);
        }
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
        Ok(self.arena().body(slot)?.directions.iter().all(is_empty))
    }

    /// Gives back every segment and block of a channel that nobody can reach any more, a step for each, while the budget
    /// lasts. `false` when it is spent before the last. Resumable: each is taken off its chain first, under an intent that
    /// names its exact word. Head and tail stay, so that a successor finds nothing to drain.
    ///
    /// Relaxed where a store's place does not matter to a successor: the life that changes next publishes them all.
    pub(crate) fn free_blocks_of(&self, slot: u32, budget: &mut Budget) -> Result<bool> {
        for side in 0..2 {
            let writer = ObjectRef::new(slot, side);
            let Direction { producer, consumer } = self.direction(writer)?;
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
                self.take_off(
                    &consumer.head_segment,
                    block,
                    Link::LeaveSegment { from: writer, block },
                    writer,
                )?;
            }
            while let Some(block) = BlockId::from_link(producer.blocks.load(Relaxed)) {
                if !budget.spend() {
                    return Ok(false);
                }
                self.take_off(&producer.blocks, block, Link::LeavePayload { from: writer, block }, writer)?;
            }
        }
        Ok(true)
    }

    /// Makes the rings of a channel that nobody can reach any more as a new one needs them.
    pub(crate) fn free_directions(&self, slot: u32) -> Result<()> {
        self.free_blocks_of(slot, &mut Budget::unlimited())?;
        for side in 0..2 {
            let Direction { producer, consumer } = self.direction(ObjectRef::new(slot, side))?;
            // Relaxed: the life that becomes FREE publishes them.
            producer.tail_segment.store(0, Relaxed);
            producer.tail.store(0, Relaxed);
            consumer.head.store(0, Relaxed);
            consumer.consumed.store(0, Relaxed);
        }
        self.clear_options(slot)
    }

    /// Takes the first block off a chain and frees it.
    pub(crate) fn take_off(
        &self,
        chain: &AtomicU64,
        block: BlockId,
        link: Link,
        from: ObjectRef,
    ) -> Result<()> {
        let descriptor = self.arena().descriptor(block)?;
        let word = BlockWord(descriptor.state.load(Relaxed));
        self.set_link(link, word.0);
        crash_point!(self, "free.intended");
        // A segment's link says more than what is next.
        chain.store(SegmentLink(descriptor.link.load(Relaxed)).next_link(), Release);
        crash_point!(self, "free.unlinked");
        // A chain that is damaged into a circle ends where it has been. Release: only now, or the rest of the chain
        // would be lost with this thread.
        descriptor.link.store(0, Release);
        self.give_back(block, word, from)?;
        crash_point!(self, "free.freed");
        self.set_link(Link::Idle, 0);
        Ok(())
    }
}
