//! Room for one more message: in the current segment, by a grant of the quota, or by a larger segment linked behind it.

use crate::arena::error::{Error, Result};
use crate::arena::segment::class_of_messages;
use crate::arena::word::reference::ObjectRef;
use crate::memory::pressure;
use crate::object::channel::write::spare_blocks::{self, MOST_KEPT_ANYHOW};
use crate::object::channel::write::{message_credit, sender};
use crate::process::endpoint::Sender;
use crate::process::thread::Thread;

/// How many classes a segment grows by: four times the messages, twice in models.
const GROWTH_CLASSES: usize = if cfg!(loom) { 1 } else { 2 };

/// The largest segment: 8,192 messages.
const LARGEST_SEGMENT_CLASS: usize = 12;

/// The largest segment that is linked while messages are consumed out of order: 16 messages.
const SEGMENT_CLASS_BEHIND_HEAD: usize = if cfg!(loom) { 0 } else { 3 };

/// Loads the head again, takes back the blocks of consumed messages, and makes room for one message. Otherwise returns
/// SHOULD_WAIT (the channel is full) or NO_RESOURCES (this process may have no more messages pending).
#[cold]
pub(crate) fn make_room(thread: &Thread, writer: ObjectRef, sender: &mut Sender) -> Result<()> {
    sender::refresh_head(thread, writer, sender)?;
    // Walk the lists only if the direction has more blocks than it keeps in any case.
    if sender.all_owned > MOST_KEPT_ANYHOW {
        spare_blocks::trim_after_burst(thread, writer, sender)?;
    }
    let pending = sender.max_pending;
    let free = |sender: &Sender| pending.saturating_sub(sender.pending());
    sender::back_off_for_reader(thread, writer, sender, |sender| free(sender) >= pending / 64)?;
    if sender.pending() + sender.reserved >= pending {
        return Err(Error::ShouldWait);
    }
    message_credit::grant(thread, sender, 0)?;
    sender::set_limit(thread, sender);
    if sender.tail >= sender.limit {
        grow(thread, writer, sender)?;
        sender::set_limit(thread, sender);
    }
    Ok(())
}

/// Links another segment behind the full one.
fn grow(thread: &Thread, writer: ObjectRef, sender: &mut Sender) -> Result<()> {
    let classes = thread.arena().layout().pools.len();
    // While an unread message keeps the head back, a segment is given back only as a whole. So link small segments:
    // then one unread message keeps little memory.
    let is_kept_back = sender.segment.is_some() && sender.consumed_seen > sender.head_seen;
    let largest = if is_kept_back { SEGMENT_CLASS_BEHIND_HEAD } else { LARGEST_SEGMENT_CLASS };
    let largest = largest.min(classes - 1);
    let class = match &sender.segment {
        None => class_of_messages(thread.arena().config().first_segment_messages),
        Some(segment) => segment.block.class() + GROWTH_CLASSES,
    };
    let block = pressure::take_block(thread, class.min(largest))?;
    sender::link_segment(thread, writer, sender, block)
}

#[cold]
pub(crate) fn make_room_ahead(
    thread: &Thread,
    writer: ObjectRef,
    sender: &mut Sender,
    ahead: u64,
) -> Result<()> {
    if ahead > 0 {
        // No new segment here: the caller publishes the batch at the end of its segment, and then continues.
        sender::refresh_head(thread, writer, sender)?;
        if sender.tail + ahead >= sender.limit {
            message_credit::grant(thread, sender, ahead)?;
            sender::set_limit(thread, sender);
        }
        return if sender.tail + ahead < sender.limit { Ok(()) } else { Err(Error::ShouldWait) };
    }
    make_room(thread, writer, sender)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::segment::messages_of_class;
    use crate::arena::size_class::CLASS_0_LINES;

    #[test]
    fn segments_fit_their_blocks() {
        for class in 0..=LARGEST_SEGMENT_CLASS {
            let messages = messages_of_class(class);
            assert!(messages + messages.div_ceil(8) <= CLASS_0_LINES << class, "class {class}");
        }
        assert_eq!(messages_of_class(LARGEST_SEGMENT_CLASS), 8192);
    }
}
