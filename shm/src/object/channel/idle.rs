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
use crate::arena::size_class::SizeClass;
use crate::arena::word::reference::ObjectRef;
use crate::memory::block_credit;
use crate::object::channel::end::{Reader, Writer};
use crate::object::channel::read::reader;
use crate::object::channel::write::{spare_blocks, writer};
use crate::object::channel::{drain, endpoint, ring};
use crate::process::half::channel::Endpoint;
use crate::process::thread::Thread;
use crate::sync::Relaxed;

/// Trims this process's channels: those that were quiet since the last call, or every one if `all`. Returns whether a
/// later call may find more.
pub(crate) fn trim_channels(thread: &Thread, all: bool) -> Result<bool> {
    let mut more = false;
    let inside = thread.inside();
    for (object, endpoint) in endpoint::bound(&thread.process, &inside) {
        // An end that was used since the last call is skipped without a look at its locks: a try would end the bias of a
        // lock, at the price of a barrier.
        if !all && !is_quiet(thread, object, endpoint)? {
            more = true;
            continue;
        }
        // A busy end is skipped: this thread may itself hold the lock of one, and would then wait for itself.
        if let Ok(Some(mut writer)) = Writer::try_lock(thread, object, endpoint) {
            more |= trim_writer(&mut writer)?;
        }
        if let Ok(Some(mut reader)) = Reader::try_lock(thread, object, endpoint) {
            more |= trim_reader(&mut reader)?;
        }
    }
    Ok(more)
}

/// Whether this process has neither written nor read at the end since the last call.
fn is_quiet(thread: &Thread, side: ObjectRef, endpoint: &Endpoint) -> Result<bool> {
    let (written, read) = (ring::direction(thread, side)?, ring::direction(thread, side.peer())?);
    // Relaxed, all: a hint. Both numbers only grow, so an equal sum means that neither has changed.
    let activity = written.producer.tail.load(Relaxed).wrapping_add(read.consumer.head.load(Relaxed));
    let is_quiet = endpoint.activity_seen.load(Relaxed) == activity;
    endpoint.activity_seen.store(activity, Relaxed);
    Ok(is_quiet)
}

/// Trims the writing end of a quiet channel.
fn trim_writer(writer: &mut Writer<'_>) -> Result<bool> {
    let thread = writer.thread;
    if !writer.cursor.ready {
        // Relaxed: this process is the only writer of the line.
        if writer.direction().producer.first_segment.load(Relaxed) == 0 {
            return Ok(false);
        }
        writer::load_write_cursor(writer)?;
    }
    writer::refresh_head(writer)?;
    spare_blocks::search_in_flight(writer)?;
    spare_blocks::trim_spares(writer, |_| 0)?;
    let Some(segment) = writer.cursor.segment.filter(|segment| is_grown(thread, segment)) else {
        return Ok(writer.cursor.owned.iter().any(|owned| *owned > 0));
    };
    // Only an empty ring shrinks, and only if a message was ever written to this segment: two segments must not start
    // at the same position.
    if writer.cursor.head_seen == writer.cursor.tail && writer.cursor.tail > segment.base {
        match block_credit::take_free_block(thread, first_class(thread)) {
            Ok(block) => writer::link_segment(writer, block)?,
            Err(Error::NoMemory { .. } | Error::NoResources(_)) => return Ok(true),
            Err(error) => return Err(error),
        }
        writer.cursor.set_limit();
    }
    Ok(true)
}

/// Leaves the segments that the head has passed, even if the next segment has no message yet.
fn trim_reader(reader: &mut Reader<'_>) -> Result<bool> {
    let (thread, direction) = (reader.thread, reader.direction());
    // Relaxed, both: this process is the only writer of the head. If the tail equals the head, this process has read up
    // to that tail already, and has received everything that the tail publishes.
    let tail = direction.producer.tail.load(Relaxed);
    if direction.consumer.head.load(Relaxed) != tail || tail == 0 {
        return Ok(tail != 0);
    }
    if !reader.cursor.ready {
        reader::load_read_cursor(reader)?;
    }
    let segment = match reader.cursor.segment {
        Some(segment) => Some(segment),
        None => segment_chain::head_segment(thread.arena(), direction)?,
    };
    let Some(mut segment) = segment else { return Ok(false) };
    while let Some((_, next)) = segment_chain::behind(thread.arena(), &segment, reader.cursor.head.max(segment.base))?
        && next.base <= reader.cursor.head
        // Relaxed: the producer's last access to the segment is the store of its link, which `behind` received by an
        // Acquire. A thread that recovers a dead producer sees all of its stores, this one too (INV-IDLE-1).
        && direction.producer.tail_segment.load(Relaxed) != segment.block.to_link()
    {
        drain::leave_segment(reader, &segment, &next)?;
        reader.cursor.beyond.remove(&next.base);
        segment = next;
        reader.cursor.segment = Some(next);
        // Not known yet: the next read looks for a segment behind this one.
        reader.cursor.end = u64::MAX;
    }
    Ok(is_grown(thread, &segment))
}

fn first_class(thread: &Thread) -> SizeClass {
    class_of_messages(thread.arena().config().first_segment_messages)
}

/// Whether the segment is larger than a ring's first segment.
fn is_grown(thread: &Thread, segment: &Segment) -> bool {
    segment.block.class() > first_class(thread)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::handle::Rights;
    use crate::object::ObjectClass;
    use crate::process::Process;
    use crate::sync;

    #[test]
    fn busy_ends_keep_their_locks_biased() {
        assert!(sync::register_barriers(), "this kernel has membarrier(2)");
        let process = Process::alone_with_few_channels();
        let thread = Thread::join(&process).unwrap();
        let (near, far) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
        let (near, far) = (thread.lookup(near).unwrap(), thread.lookup(far.unwrap()).unwrap());
        let exchange = |times| {
            for _ in 0..times {
                thread.send(near, Rights::empty(), b"message").unwrap();
                thread.receive_batch(far, Rights::empty(), 1, &mut Vec::new(), &mut Vec::new()).unwrap();
            }
        };
        let trim = || {
            let process = &process;
            let walk = move || trim_channels(&Thread::join(process).unwrap(), false).unwrap();
            std::thread::scope(|scope| scope.spawn(walk).join().unwrap())
        };
        let is_biased = || {
            let inside = thread.inside();
            let end = endpoint::endpoint(&process, near.index, &inside).unwrap();
            end.write_cursor.is_biased_to_this_thread()
        };
        exchange(1000);
        assert!(is_biased());
        assert!(trim(), "there is an end to look at again");
        assert!(is_biased(), "the end was in use");
        trim();
        assert!(!is_biased(), "the end was quiet, and so was trimmed");
    }
}
