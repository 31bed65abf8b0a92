//! Messages that are consumed out of order: a reply, or a message behind one that is read in place or that no thread
//! reads.
//!
//! The head stays at the oldest unread message. The place of a message that is consumed behind it is free at once: the
//! message is counted in `consumed`, its payload block goes back, and so does a segment with no unread message left. So
//! the memory that a direction keeps depends on its unread messages, however long one of them stays. In a segment that
//! was linked while the head stood still, one unread message keeps 16 places.
//!
//! ```text
//!                       step                                                   a death right after it
//!                       header CONSUMED                                        consumed; recovery closes the end
//!                       the payload block's position = 0: it is spare          the same
//!  receive.consumed     consumed = head + taken                                the same
//!
//!  a segment all of whose messages are CONSUMED, once the tail has passed into the next one:
//!  ahead.intended       list intent = leave segment, with its exact word       still linked: stays
//!  ahead.passed         link of the one before it = (its end, next)            not linked: freed by its exact word
//!  ahead.freed          block FREE                                             the word has moved on
//! ```
//!
//! INV-ORDER-1: `consumed` never counts an unread message. While no operation of its consumer runs, the greater of `head`
//! and `consumed` is exact. It is written only while a message behind the head is marked CONSUMED.
//! INV-ORDER-2: a payload block with position 0 is in no message that can still be read: the consumer wrote the 0 after
//! it had marked the message, or the producer wrote it before it used the block.
//! INV-ORDER-3: a segment leaves the middle only when the tail has passed into the next one: then its producer no
//! longer uses it, and recovery has resolved a death in `link_segment`.

use crate::arena::error::{Error, Result};
use crate::arena::segment::Segment;
use crate::arena::segment_chain;
use crate::arena::word::block::BlockWord;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::ring::MessageHeader;
use crate::arena::word::ring::SegmentLink;
use crate::object::channel::drain;
use crate::object::channel::end::Reader;
use crate::object::channel::ring::Place;
use crate::process::half::channel::Beyond;
use crate::process::thread::crash_point;
use crate::sync::{Relaxed, Release};

/// Marks the message at `position`, which is not at the head, as consumed.
pub(crate) fn mark_consumed(reader: &mut Reader<'_>, place: &Place) -> Result<()> {
    let thread = reader.thread;
    let cell = place.segment.header(place.position);
    // Relaxed: the header was loaded with Acquire, or the tail after it was, and only this side has written it since.
    let header = MessageHeader(cell.load(Relaxed));
    // The lookup comes first, because it can fail: after the mark, no step may fail.
    let block = place.message(thread)?.block;
    let payload = block.map(|block| thread.arena().descriptor(block)).transpose()?;
    // Only this side writes a published header.
    // ORDER: Release: the reads of the message come before the mark, by which recovery decides.
    cell.store(header.0 | MessageHeader::CONSUMED, Release);
    if let Some(payload) = payload {
        // ORDER: Release pairs with the Acquire of `search_in_flight`: the reads of the block come before the producer
        // writes it again.
        payload.position.store(0, Release);
    }
    reader.cursor.taken += 1;
    publish_consumed(reader, reader.cursor.head)?;
    if let Some(beyond) = reader.cursor.beyond.get_mut(&place.segment.base) {
        beyond.taken += 1;
        if beyond.is_spent() {
            leave_spent(reader, place.segment.base)?;
        }
    }
    Ok(())
}

/// Publishes the number of consumed messages, for a head that is at `head` or will be stored next.
pub(crate) fn publish_consumed(reader: &Reader<'_>, head: u64) -> Result<()> {
    // Relaxed: the producer uses the number only to count pending messages. A block becomes usable again by a Release
    // of its own (`mark_consumed`), and a slot by the head.
    reader.direction().consumer.consumed.store(head + reader.cursor.taken, Relaxed);
    Ok(())
}

/// The first position from `head` on that is not consumed: a seen message, or the next to come.
pub(crate) fn skip_consumed(reader: &mut Reader<'_>, mut head: u64) -> Result<u64> {
    // `taken` counts all consumed messages from the head on. At 0, the next message is unread without a look at it.
    while head < reader.cursor.tail_seen && reader.cursor.taken > 0 {
        let place = place_of(reader, head)?;
        let passed = if place.position > head {
            place.position - head
        } else if place.message(reader.thread)?.header.is_consumed() {
            1
        } else {
            break;
        };
        let left = reader.cursor.taken.checked_sub(passed);
        reader.cursor.taken = left.ok_or(Error::Corrupt("more is taken of a ring than was counted"))?;
        head += passed;
    }
    Ok(head)
}

/// The segment of a seen `position` at or after the head. If the position lies in a gap, the result is the place at
/// the gap's end.
pub(crate) fn place_of(reader: &mut Reader<'_>, position: u64) -> Result<Place> {
    let first = reader.cursor.segment.ok_or(Error::Corrupt("messages without a segment"))?;
    if position < reader.cursor.end {
        return Ok(Place { segment: first, position });
    }
    look_beyond(reader, first, position)?;
    let mut around = reader.cursor.beyond.range(..=position).rev();
    if let Some((_, beyond)) = around.next()
        && position < beyond.end
    {
        return Ok(Place { segment: beyond.segment, position });
    }
    let behind = reader.cursor.beyond.range(position..).next();
    let (base, beyond) = behind.ok_or(Error::Corrupt("a ring's segments end early"))?;
    Ok(Place { segment: beyond.segment, position: *base })
}

/// Notes the segments behind the head's, up to that of `position`, and where each of them ends.
fn look_beyond(reader: &mut Reader<'_>, first: Segment, position: u64) -> Result<()> {
    loop {
        let (last, from, end) = match reader.cursor.beyond.last_key_value() {
            Some((_, last)) => (last.segment, last.segment.base, last.end),
            None => (first, reader.cursor.head.max(first.base), reader.cursor.end),
        };
        if last.base > position {
            return Ok(());
        }
        // Until the tail is past a segment's first position, its producer may still be linking it (INV-ORDER-3).
        let Some((found_end, next)) = segment_chain::behind(reader.thread.arena(), &last, from)?
            .filter(|(_, next)| next.base < reader.cursor.tail_seen)
        else {
            return Ok(());
        };
        let end = if end == u64::MAX { found_end } else { end };
        if end > next.base || end.wrapping_sub(from) > last.messages() {
            return Err(Error::Corrupt("a ring's segment ends where it cannot"));
        }
        let base = last.base;
        reader.cursor.beyond.insert(next.base, Beyond { segment: next, end: u64::MAX, taken: 0 });
        match reader.cursor.beyond.get_mut(&base) {
            Some(beyond) => {
                beyond.end = end;
                if beyond.is_spent() {
                    leave_spent(reader, base)?;
                }
            }
            None => reader.cursor.end = end,
        }
    }
}

/// Unlinks and frees a segment in the middle, after all of its messages are CONSUMED.
#[cold]
fn leave_spent(reader: &mut Reader<'_>, base: u64) -> Result<()> {
    let thread = reader.thread;
    // Out of the private map first: after an error below, the segment is still linked, and the head leaves it like any
    // other.
    let spent = reader.cursor.beyond.remove(&base).ok_or(Error::Corrupt("a segment is nowhere"))?.segment;
    let before = reader.cursor.beyond.range(..base).next_back().map(|(_, beyond)| beyond.segment);
    let before = before.or(reader.cursor.segment).ok_or(Error::Corrupt("messages without a segment"))?;
    let cell = &thread.arena().descriptor(before.block)?.link;
    let descriptor = thread.arena().descriptor(spent.block)?;
    // Relaxed: this side has loaded both links before with Acquire, and only this side changes them.
    let (link, next) = (SegmentLink(cell.load(Relaxed)), SegmentLink(descriptor.link.load(Relaxed)));
    // P5: the links are compared with the private map, because a store of a damaged link would lose all segments behind
    // it.
    if link.next() != Some(spent.block) || next.next().is_none() {
        return Err(Error::Corrupt("a ring's segments moved"));
    }
    // Relaxed: the producer bound the block before the tail passed into the segment.
    let word = BlockWord(descriptor.state.load(Relaxed));
    thread
        .set_list_intent(ListIntent::UnlinkSegment { from: reader.side.peer(), block: spent.block }, word.0);
    crash_point!(thread, "ahead.intended");
    // ORDER: Release: after the intent; and a thread that follows the link sees the segment that it leads to.
    cell.store(link.passing_to(next).0, Release);
    crash_point!(thread, "ahead.passed");
    drain::free_bound_block(thread, spent.block, word, reader.side.peer())?;
    crash_point!(thread, "ahead.freed");
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(())
}

/// Leaves the segments that the head has passed. Called only while there are messages: without one, the next segment
/// may not be linked yet.
#[inline(always)]
pub(crate) fn leave_passed(reader: &mut Reader<'_>) -> Result<()> {
    while reader.cursor.head >= reader.cursor.end {
        drain::next_head_segment(reader)?;
    }
    Ok(())
}

/// Counts the messages that the previous owner of this end has consumed out of order.
pub(crate) fn load_consumed(reader: &mut Reader<'_>) -> Result<()> {
    let mut position = reader.cursor.head;
    let mut taken = 0;
    while position < reader.cursor.tail_seen {
        leave_passed(reader)?;
        let place = place_of(reader, position)?;
        taken += place.position - position;
        position = place.position;
        if position < reader.cursor.tail_seen && place.message(reader.thread)?.header.is_consumed() {
            taken += 1;
            if let Some(beyond) = reader.cursor.beyond.get_mut(&place.segment.base) {
                beyond.taken += 1;
            }
        }
        position += 1;
    }
    reader.cursor.taken = taken;
    Ok(())
}
