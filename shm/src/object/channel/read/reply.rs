//! Matching replies to calls: the reader of an end notes the position of each reply that a caller awaits.

use crate::arena::copy;
use crate::arena::error::Result;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::ring::Txid;
use crate::arena::word::signals::State;
use crate::object::channel::read::{out_of_order, reader};
use crate::object::channel::ring;
use crate::process::endpoint::{Endpoint, Receiver};
use crate::process::thread::Thread;
use crate::signal::wake;
use crate::sync::Release;

/// Publishes the out-of-order state after a call or a claim has ended. A message that was claimed may now be free for
/// plain reads, so the sleepers that wait for a message are woken.
pub(crate) fn update_out_of_order(thread: &Thread, at: ObjectRef, endpoint: &Endpoint, receiver: &Receiver) {
    // ORDER: Release pairs with the Acquire of `is_readable`; the wake fences before it looks for sleepers.
    endpoint.out_of_order.store(receiver.out_of_order(), Release);
    if receiver.head != receiver.tail_seen
        && let Ok(slot) = thread.arena().object(at.slot())
    {
        wake::notify_derived(thread, &slot.state[at.side()], State::HAS_WAITERS);
    }
}

/// Matches the messages that have arrived since the last match with the awaited ids.
pub(crate) fn match_replies(thread: &Thread, at: ObjectRef, receiver: &mut Receiver) -> Result<()> {
    reader::refresh_tail(thread, at, receiver)?;
    // Without an awaited id, and without late replies to discard, no message needs a look.
    if receiver.calls.is_empty() && !receiver.minds_late() {
        receiver.sorted = receiver.tail_seen;
    }
    while receiver.sorted < receiver.tail_seen {
        out_of_order::leave_passed(thread, at.peer(), receiver)?;
        let (position, segment) = out_of_order::place_of(thread, at.peer(), receiver, receiver.sorted)?;
        receiver.sorted = position + 1;
        if position >= receiver.tail_seen {
            break;
        }
        let message = ring::message(thread, &segment, position)?;
        if !message.header.is_consumed() && message.header.length() >= 4 {
            let txid = Txid(copy::first_word(message.bytes));
            if let Some(reply) = receiver.calls.get_mut(&txid) {
                // The first reply with the id wins; a second one is an ordinary message.
                if reply.is_none() {
                    *reply = Some(position);
                    receiver.replies.insert(position);
                }
            } else if receiver.minds_late() && receiver.answers_a_call(txid) {
                receiver.note_late(position);
            }
        }
    }
    Ok(())
}

/// The first message that is neither consumed nor claimed by a call or a read in place.
pub(crate) fn first_unclaimed(
    thread: &Thread,
    at: ObjectRef,
    receiver: &mut Receiver,
) -> Result<Option<u64>> {
    match_replies(thread, at, receiver)?;
    // Messages released by a call or a claim come first: they are older than those from `plain` on.
    while let Some(position) = receiver.back.first().copied() {
        if position >= receiver.head {
            return Ok(Some(position));
        }
        receiver.back.pop_first();
    }
    receiver.plain = receiver.plain.max(receiver.head);
    while receiver.plain < receiver.tail_seen {
        out_of_order::leave_passed(thread, at.peer(), receiver)?;
        let (position, segment) = out_of_order::place_of(thread, at.peer(), receiver, receiver.plain)?;
        receiver.plain = position;
        if position >= receiver.tail_seen {
            break;
        }
        let taken = receiver.taken > 0 && ring::message(thread, &segment, position)?.header.is_consumed();
        if !taken && !receiver.is_claimed(position) {
            return Ok(Some(position));
        }
        receiver.plain += 1;
    }
    Ok(None)
}
