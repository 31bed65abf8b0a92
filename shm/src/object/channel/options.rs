//! The options that a channel has from its creation: a limit of pending messages, and the discard of late replies.
//!
//! The reply to a call that has timed out is an ordinary message, as in Zircon. With `discard_late_replies` an end
//! discards such replies instead. A reply is late if it carries the id of a call that this end has made and that no
//! caller awaits any more. The next operation at this end consumes it and closes its handles. The end keeps no list of
//! its calls: it gives ids out in order, so the ids of its calls are a range.
//!
//! | word | of | written by | how |
//! |---|---|---|---|
//! | max pending | each direction, in its producer's line | the creator of a RESERVED slot | store; 0: arena's limit |
//! | discards late | each direction, in its consumer's line | the creator of a RESERVED slot | store; 1: discards |
//! | both | | the reclaimer of the slot; recovery of a creator that died before the commit | store of 0 |
//!
//! INV-LATE-1: both are 0 in a slot that is FREE, and do not change once the object is LIVE.
//! INV-LATE-2: a late reply that was noted is claimed until it is consumed: no plain read returns it.

use crate::arena::error::Result;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::object::channel::ring;
use crate::process::thread::Thread;
use crate::sync::{Relaxed, Release};

/// The options of a channel, for both ends, fixed at its creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelOptions {
    /// How many messages may be pending in each direction; 0, or more than the arena's limit, is the arena's limit.
    pub max_pending_messages: u32,
    /// Whether replies to calls that have timed out are discarded.
    pub discard_late_replies: bool,
}

/// Sets the options of a channel that is being created.
pub(crate) fn set_options(thread: &Thread, slot: Slot, options: ChannelOptions) -> Result<()> {
    if options == ChannelOptions::default() {
        return Ok(());
    }
    for direction in &thread.arena().body(slot)?.directions {
        // ORDER: Release: after the slot is RESERVED, so that recovery of a dead creator clears them. The lifecycle
        // word publishes them to the channel's users.
        direction.producer.max_pending.store(options.max_pending_messages.into(), Release);
        direction.consumer.discards_late.store(options.discard_late_replies.into(), Release);
    }
    Ok(())
}

/// Keeps INV-LATE-1 for a slot after its creator has died or failed, or after reclamation.
pub(crate) fn clear_options(thread: &Thread, slot: Slot) -> Result<()> {
    for direction in &thread.arena().body(slot)?.directions {
        // Relaxed: the lifecycle word publishes them. Load before the store: most slots' bodies were never written, and
        // a store of 0 would make the kernel allocate their pages.
        if direction.producer.max_pending.load(Relaxed) != 0 {
            direction.producer.max_pending.store(0, Relaxed);
        }
        if direction.consumer.discards_late.load(Relaxed) != 0 {
            direction.consumer.discards_late.store(0, Relaxed);
        }
    }
    Ok(())
}

/// How many messages may be pending in the direction that `writer` writes.
pub(crate) fn max_pending(thread: &Thread, writer: ObjectRef) -> Result<u64> {
    let most = u64::from(thread.arena().config().max_pending_messages);
    // Relaxed: the arrival of the handle published it.
    Ok(match ring::direction(thread, writer)?.producer.max_pending.load(Relaxed) {
        0 => most,
        told => told.min(most),
    })
}
