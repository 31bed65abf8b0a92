//! Room for one more message: in the current segment, by a grant of the quota, or by a larger segment linked behind it.

use crate::arena::error::{Error, Result};
use crate::arena::segment::{SLOT_BYTES, class_of_messages};
use crate::arena::size_class::SizeClass;
use crate::arena::word::signals::State;
use crate::memory::pressure;
use crate::object::channel::end::Writer;
use crate::object::channel::write::spare_blocks::{self, MOST_KEPT_ANYHOW};
use crate::object::channel::write::{message_credit, writer};
use crate::process::half::channel::WriteCursor;
use crate::sync::{Relaxed, SeqCst, fence};

/// How many classes a segment grows by: four times the messages, twice in models.
const GROWTH_CLASSES: u16 = if cfg!(loom) { 1 } else { 2 };

/// The largest segment: 8,192 messages.
const LARGEST_SEGMENT_CLASS: SizeClass = SizeClass::new(12);

/// The largest segment that is linked while messages are consumed out of order: 16 messages.
const SEGMENT_CLASS_BEHIND_HEAD: SizeClass = SizeClass::new(if cfg!(loom) { 0 } else { 3 });

/// Loads the head again, takes back the blocks of consumed messages, and makes room for one message. Otherwise returns
/// SHOULD_WAIT (the channel is full) or NO_RESOURCES (this process may have no more messages pending).
#[cold]
pub(crate) fn make_room(writer: &mut Writer<'_>) -> Result<()> {
    writer::refresh_head(writer)?;
    // Walk the lists only if the direction has more blocks than it keeps in any case.
    if writer.cursor.all_owned > MOST_KEPT_ANYHOW {
        spare_blocks::trim_after_burst(writer)?;
    }
    let pending = writer.cursor.max_pending;
    let free = |cursor: &WriteCursor| pending.saturating_sub(cursor.pending());
    writer::back_off_for_reader(writer, SLOT_BYTES, |cursor| free(cursor) >= pending / 64)?;
    // The head alone made room, as it does for each lap of a reader that keeps up.
    if writer.cursor.tail < writer.cursor.limit {
        return Ok(());
    }
    // The channel's own limit comes before the quota: SHOULD_WAIT ends as soon as this channel is read.
    if writer.cursor.pending() + writer.cursor.reserved >= pending {
        // Relaxed: the flag of this process's own observers.
        if !State(writer.own_state().load(Relaxed)).has(State::OBSERVED_WRITABLE) {
            return Err(Error::ShouldWait);
        }
        // ORDER: between the store of the tail and this look, as in a reader's evaluation between its head and its look at
        // the tail: either this thread sees the room, or the reader sees that all room was used, and a repeating observer
        // fires.
        fence(SeqCst);
        writer::refresh_head(writer)?;
        if writer.cursor.pending() + writer.cursor.reserved >= pending {
            return Err(Error::ShouldWait);
        }
    }
    // The grant comes before the segment: a grant goes back when it is not used, and a segment that was linked stays.
    message_credit::grant(writer)?;
    writer.cursor.set_limit();
    if writer.cursor.tail >= writer.cursor.limit {
        grow(writer)?;
        writer.cursor.set_limit();
    }
    Ok(())
}

/// Keeps the place that was just reserved, for a loan.
pub(crate) fn lend_place(writer: &mut Writer<'_>) {
    writer.cursor.reserved += 1;
    writer.cursor.lent += 1;
    writer.cursor.set_limit();
}

/// Gives the place of a loan back, which is no longer lent.
pub(crate) fn return_place(writer: &mut Writer<'_>) {
    writer.cursor.reserved = writer.cursor.reserved.saturating_sub(1);
    writer.cursor.lent = writer.cursor.lent.saturating_sub(1);
    writer.cursor.set_limit();
}

/// Links another segment behind the full one.
fn grow(writer: &mut Writer<'_>) -> Result<()> {
    let thread = writer.thread;
    // While an unread message keeps the head back, a segment is given back only as a whole. So link small segments:
    // then one unread message keeps little memory.
    let is_kept_back =
        writer.cursor.segment.is_some() && writer.cursor.consumed_seen > writer.cursor.head_seen;
    let largest = if is_kept_back { SEGMENT_CLASS_BEHIND_HEAD } else { LARGEST_SEGMENT_CLASS };
    let largest = largest.min(thread.arena().config().largest_class());
    // The class comes from a block that the layout has accepted, and `min`, below, keeps the sum inside the layout.
    let class = match &writer.cursor.segment {
        None => class_of_messages(thread.arena().config().first_segment_messages),
        Some(segment) => segment.block.class().larger_by(GROWTH_CLASSES),
    };
    let block = pressure::take_block(thread, class.min(largest))?;
    writer::link_segment(writer, block)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::segment::{SLOT_LINES, messages_of_class};

    #[test]
    fn segments_fit_their_blocks() {
        for class in SizeClass::ALL.into_iter().take_while(|class| *class <= LARGEST_SEGMENT_CLASS) {
            let messages = messages_of_class(class);
            assert!(messages * SLOT_LINES <= class.lines(), "{class:?}");
        }
        assert_eq!(messages_of_class(LARGEST_SEGMENT_CLASS), 8192);
    }
}
