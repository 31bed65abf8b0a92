//! Idle channels give memory back: their spare payload blocks, and the segments of a ring that has grown.
//!
//! Only the process that holds an end can do this, under the end's private locks. So each process trims its own
//! channels: from time to time, when it runs out of blocks, and when another process asks for blocks.
//!
//! A ring shrinks in two steps. The producer finds the ring empty and links a small segment behind the large one, as if
//! the large one were full. The consumer leaves the large segment as soon as the link is complete, without waiting for
//! a message.
//!
//! INV-IDLE-1: the consumer leaves a segment without a message behind it only when the producer's tail segment is
//! another one. From then on the producer, or the thread that recovers the producer, no longer reads the segment that
//! is left.

use crate::arena::error::{Error, Result};
use crate::arena::segment::{Segment, class_of_messages};
use crate::arena::segment_chain;
use crate::arena::word::reference::ObjectRef;
use crate::memory::block_credit;
use crate::object::channel::read::reader;
use crate::object::channel::write::{sender, spare_blocks};
use crate::object::channel::{drain, ring};
use crate::process::endpoint::{Receiver, Sender};
use crate::process::thread::Thread;
use crate::sync::Relaxed;

/// Trims this process's channels: those that were quiet since the last call, or every one if `all`. Returns whether a
/// later call may find more.
pub(crate) fn trim_channels(thread: &Thread, all: bool) -> Result<bool> {
    let mut more = false;
    let inside = thread.inside();
    for (object, endpoint) in thread.process.bound_endpoints(&inside) {
        // A busy end is skipped: this thread may itself hold the lock of one, and would then wait for itself.
        if let Some(mut sender) = endpoint.sender.try_lock()
            && endpoint.is_bound_to(object)
        {
            more |= trim_sender(thread, object, &mut sender, all)?;
        }
        if let Some(mut receiver) = endpoint.receiver.try_lock()
            && endpoint.is_bound_to(object)
        {
            more |= trim_receiver(thread, object, &mut receiver)?;
        }
    }
    Ok(more)
}

fn trim_sender(thread: &Thread, writer: ObjectRef, sender: &mut Sender, all: bool) -> Result<bool> {
    if !sender.ready {
        // Relaxed: this process is the only writer of the line.
        if ring::direction(thread, writer)?.producer.first_segment.load(Relaxed) == 0 {
            return Ok(false);
        }
        sender::load_sender(thread, writer, sender)?;
    }
    sender::refresh_head(thread, writer, sender)?;
    spare_blocks::search_in_flight(thread, sender)?;
    let is_quiet = all || sender.tidied == sender.tail;
    sender.tidied = sender.tail;
    if is_quiet {
        spare_blocks::trim_spares(thread, writer, sender, |_| 0)?;
    }
    let Some(segment) = sender.segment.filter(|segment| is_grown(thread, segment)) else {
        return Ok(sender.owned.iter().any(|owned| *owned > 0));
    };
    // Only an empty ring shrinks, and only if a message was ever written to this segment: two segments must not start
    // at the same position.
    if is_quiet && sender.head_seen == sender.tail && sender.tail > segment.base {
        match block_credit::take_free_block(thread, first_class(thread)) {
            Ok(block) => sender::link_segment(thread, writer, sender, block)?,
            Err(Error::NoMemory { .. } | Error::NoResources(_)) => return Ok(true),
            Err(error) => return Err(error),
        }
        sender::set_limit(thread, sender);
    }
    Ok(true)
}

/// Leaves the segments that the head has passed, even if the next segment has no message yet.
fn trim_receiver(thread: &Thread, at: ObjectRef, receiver: &mut Receiver) -> Result<bool> {
    let direction = ring::direction(thread, at.peer())?;
    // Relaxed, both: this process is the only writer of the head. If the tail equals the head, this process has read up
    // to that tail already, and has received everything that the tail publishes.
    let tail = direction.producer.tail.load(Relaxed);
    if direction.consumer.head.load(Relaxed) != tail || tail == 0 {
        return Ok(tail != 0);
    }
    if !receiver.ready {
        reader::load_receiver(thread, at, receiver)?;
    }
    let segment = match receiver.segment {
        Some(segment) => Some(segment),
        None => segment_chain::head_segment(thread.arena(), direction)?,
    };
    let Some(mut segment) = segment else { return Ok(false) };
    while let Some((_, next)) = segment_chain::behind(thread.arena(), &segment, receiver.head.max(segment.base))?
        && next.base <= receiver.head
        // Relaxed: the producer's last access to the segment is the store of its link, which `behind` received by an
        // Acquire. A thread that recovers a dead producer sees all of its stores, this one too (INV-IDLE-1).
        && direction.producer.tail_segment.load(Relaxed) != segment.block.to_link()
    {
        drain::leave_segment(thread, at.peer(), &segment, &next)?;
        receiver.beyond.remove(&next.base);
        segment = next;
        receiver.segment = Some(next);
        // Not known yet: the next read looks for a segment behind this one.
        receiver.end = u64::MAX;
    }
    Ok(is_grown(thread, &segment))
}

fn first_class(thread: &Thread) -> usize {
    class_of_messages(thread.arena().config().first_segment_messages)
}

/// Whether the segment is larger than a ring's first segment.
fn is_grown(thread: &Thread, segment: &Segment) -> bool {
    segment.block.class() > first_class(thread)
}
