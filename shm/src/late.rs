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

use crate::bits::ObjectRef;
use crate::endpoint::{Endpoint, Receiver};
use crate::error::Result;
use crate::sync::{Relaxed, Release};
use crate::thread::Thread;

/// How a channel behaves from its creation on, both ends alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelOptions {
    /// How many messages may be pending in each direction; 0, or more than the arena's limit, is the arena's limit.
    pub max_pending_messages: u32,
    /// Whether replies to calls that have timed out are discarded.
    pub discard_late_replies: bool,
}

impl Thread {
    /// Sets the options of a channel that is being made.
    pub(crate) fn set_options(&self, slot: u32, options: ChannelOptions) -> Result<()> {
        if options == ChannelOptions::default() {
            return Ok(());
        }
        for direction in &self.arena().body(slot)?.directions {
            // ORDER: Release: after the slot is RESERVED, or recovery would not know whose they are. Users see them by the life.
            direction.producer.max_pending.store(options.max_pending_messages.into(), Release);
            direction.consumer.discards_late.store(options.discard_late_replies.into(), Release);
        }
        Ok(())
    }

    /// INV-LATE-1, for a slot whose creator died or failed.
    pub(crate) fn clear_options(&self, slot: u32) -> Result<()> {
        for direction in &self.arena().body(slot)?.directions {
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
    pub(crate) fn max_pending(&self, writer: ObjectRef) -> Result<u64> {
        let most = u64::from(self.arena().config().max_pending_messages);
        // Relaxed: it came with the handle.
        Ok(match self.direction(writer)?.producer.max_pending.load(Relaxed) {
            0 => most,
            told => told.min(most),
        })
    }

    /// Consumes the late replies that were noted. What their handles end is on the dying list then, for the caller to
    /// work once the lock is gone.
    pub(crate) fn discard_late(
        &self,
        at: ObjectRef,
        endpoint: &Endpoint,
        receiver: &mut Receiver,
    ) -> Result<()> {
        while let Some(position) = receiver.late.pop() {
            if position < receiver.head {
                continue;
            }
            let segment = self.segment_of(at.peer(), receiver, position)?;
            let message = self.message(&segment, position)?;
            self.close_handles_of(&message)?;
            self.consume(at, endpoint, receiver, &segment, position)?;
            receiver.replies.remove(position);
        }
        Ok(())
    }
}

impl Receiver {
    /// Whether late replies have to be looked for.
    pub(crate) fn minds_late(&self) -> bool {
        self.discards_late && self.first_txid != 0
    }

    /// The message at `position`, which answers no call that is awaited, is a late reply: it is nobody's from here on.
    pub(crate) fn note_late(&mut self, position: u64) {
        self.replies.insert(position);
        self.late.push(position);
    }

    /// Whether a message with this id answers a call that this end has made.
    pub(crate) fn answers_a_call(&self, txid: u32) -> bool {
        // Both count from 1 to 2³¹ − 1 and go round.
        let since_first = |txid: u32| txid.wrapping_sub(self.first_txid) & 0x7fff_ffff;
        txid >= 0x8000_0000 && since_first(txid) < since_first(self.next_txid)
    }
}
