//! What a channel was told at its creation, and replies that come too late.
//!
//! The reply to a call that has timed out is an ordinary message, as in Zircon. An end can be told to discard such
//! replies instead: then a message that carries the id of a call which this end has made, and which nobody awaits any
//! more, is consumed with its handles closed, by whichever operation comes by next. Nothing is remembered of single
//! calls: ids are given out in order, so "made by this end" is a range.
//!
//! | word | of | written by | how |
//! |---|---|---|---|
//! | max pending | each direction, in its producer's line | the creator, while the slot is RESERVED | store; 0 is the arena's limit |
//! | discards late | each direction, in its consumer's line | the same | store; 1: its reader discards |
//! | both | | the reclaimer of the slot; recovery of a creator that died before the commit | store of 0 |
//!
//! INV-LATE-1: both are 0 in a slot that is FREE, and change no more once the object is LIVE.
//! INV-LATE-2: a late reply that was noted is spoken for until it is consumed: no plain read sees it.

use crate::arena::error::Result;
use crate::arena::word::reference::ObjectRef;
use crate::object::channel::ring;
use crate::process::thread::Thread;
use crate::sync::{Relaxed, Release};

/// How a channel behaves from its creation on, both ends alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelOptions {
    /// How many messages may be pending in each direction; 0, or more than the arena's limit, is the arena's limit.
    pub max_pending_messages: u32,
    /// Whether replies to calls that have timed out are discarded.
    pub discard_late_replies: bool,
}

/// Sets the options of a channel that is being made.
pub(crate) fn set_options(thread: &Thread, slot: u32, options: ChannelOptions) -> Result<()> {
    if options == ChannelOptions::default() {
        return Ok(());
    }
    for direction in &thread.arena().body(slot)?.directions {
        // ORDER: Release: after the slot is RESERVED, or recovery would not know whose they are. Users see them by the life.
        direction.producer.max_pending.store(options.max_pending_messages.into(), Release);
        direction.consumer.discards_late.store(options.discard_late_replies.into(), Release);
    }
    Ok(())
}

/// INV-LATE-1, for a slot whose creator died or failed.
pub(crate) fn clear_options(thread: &Thread, slot: u32) -> Result<()> {
    for direction in &thread.arena().body(slot)?.directions {
        // Relaxed: published by the life. Looked at first: most slots never had a body, nor shall one be made real.
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
    // Relaxed: it came with the handle.
    Ok(match ring::direction(thread, writer)?.producer.max_pending.load(Relaxed) {
        0 => most,
        told => told.min(most),
    })
}
