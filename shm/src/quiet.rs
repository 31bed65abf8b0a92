//! Channels that are quiet give back what they keep: payload blocks that are spare, and a ring that has grown.
//!
//! Only the process that holds an end can do that, under the end's private locks. So each process tidies up by itself: from
//! time to time, when it runs out of blocks, and when others ask for them.
//!
//! A ring shrinks in two steps. Its producer, who finds it empty, links a small segment behind the large one, as if that
//! were full. Its consumer leaves the large one as soon as the link is complete, and need not wait for a message.
//!
//! INV-QUIET-1: a segment is left without a message behind it only when the producer's tail segment is another: then the
//! producer, or who recovers it, looks at the one that is left no more.

use crate::bits::ObjectRef;
use crate::endpoint::{Receiver, Sender};
use crate::error::{Error, Result};
use crate::ring::{Segment, class_of_messages};
use crate::sync::Relaxed;
use crate::thread::Thread;

impl Thread {
    /// Gives back what the channel ends of this process keep and do not need: `all` of them, or those alone that have not
    /// been written to since the last time. Ends that another thread is busy with keep what they have. Gives whether
    /// there will be more to give when others have read, or when all has been quiet for longer.
    pub fn tidy_channels(&self, all: bool) -> Result<bool> {
        let mut more = false;
        let inside = self.inside();
        for (object, endpoint) in self.process.bound_endpoints(&inside) {
            // Waiting for a busy one could be waiting for ourselves.
            if let Some(mut sender) = endpoint.sender.try_lock()
                && endpoint.is_bound_to(object)
            {
                more |= self.tidy_sender(object, &mut sender, all)?;
            }
            if let Some(mut receiver) = endpoint.receiver.try_lock()
                && endpoint.is_bound_to(object)
            {
                more |= self.tidy_receiver(object, &mut receiver)?;
            }
        }
        Ok(more)
    }

    fn tidy_sender(&self, writer: ObjectRef, sender: &mut Sender, all: bool) -> Result<bool> {
        if !sender.ready {
            // Relaxed: this process is the only writer of the line.
            if self.direction(writer)?.producer.first_segment.load(Relaxed) == 0 {
                return Ok(false);
            }
            self.load_sender(writer, sender)?;
        }
        self.refresh_head(writer, sender)?;
        self.search_flying(sender)?;
        let is_quiet = all || sender.tidied == sender.tail;
        sender.tidied = sender.tail;
        if is_quiet {
            self.trim_spares(writer, sender, |_| 0)?;
        }
        let Some(segment) = sender.segment.filter(|segment| self.is_grown(segment)) else {
            return Ok(sender.owned.iter().any(|owned| *owned > 0));
        };
        // Empty, and something was written there, so that the next one starts behind it.
        if is_quiet && sender.head_seen == sender.tail && sender.tail > segment.base {
            match self.take_free_block(self.first_class()) {
                Ok(block) => self.link_segment(writer, sender, block)?,
                Err(Error::NoMemory { .. } | Error::NoResources(_)) => return Ok(true),
                Err(error) => return Err(error),
            }
            self.set_limit(sender);
        }
        Ok(true)
    }

    /// Leaves the segments that the head has passed, although there is no message in the next one.
    fn tidy_receiver(&self, at: ObjectRef, receiver: &mut Receiver) -> Result<bool> {
        let direction = self.direction(at.peer())?;
        // Relaxed, both: this process is the only writer of the head. Where the tail is the same, it has read so far, and has
        // seen what came with that.
        let tail = direction.producer.tail.load(Relaxed);
        if direction.consumer.head.load(Relaxed) != tail || tail == 0 {
            return Ok(tail != 0);
        }
        if !receiver.ready {
            self.load_receiver(at, receiver)?;
        }
        let segment = match receiver.segment {
            Some(segment) => Some(segment),
            None => self.arena().head_segment(direction)?,
        };
        let Some(mut segment) = segment else { return Ok(false) };
        while let Some((_, next)) = self.arena().behind(&segment, receiver.head.max(segment.base))?
            && next.base <= receiver.head
            // Relaxed: the producer's last look at the segment is its link, which `behind` has seen by an Acquire. Who
            // recovers a dead producer sees every store of its, this one too (INV-QUIET-1).
            && direction.producer.tail_segment.load(Relaxed) != segment.block.to_link()
        {
            self.leave_segment(at.peer(), &segment, &next)?;
            receiver.beyond.remove(&next.base);
            segment = next;
            receiver.segment = Some(next);
            receiver.end = u64::MAX;
        }
        Ok(self.is_grown(&segment))
    }

    fn first_class(&self) -> usize {
        class_of_messages(self.arena().config().first_segment_messages)
    }

    /// Whether the segment is larger than a ring's first.
    fn is_grown(&self, segment: &Segment) -> bool {
        segment.block.class() > self.first_class()
    }
}
