//! Matching replies to calls: the reader of an end notes the position of each reply that a caller awaits.

use crate::arena::error::{Result, UnlessDied};
use crate::arena::word::ring::Txid;
use crate::arena::word::signals::State;
use crate::object::channel::end::Reader;
use crate::object::channel::read::{out_of_order, reader};
use crate::signal::wake;
use crate::sync::Release;

/// Publishes the out-of-order state after a call or a claim has ended. A message that was claimed may now be free for
/// plain reads, so the sleepers that wait for a message are woken.
pub(crate) fn update_out_of_order(reader: &Reader<'_>) -> UnlessDied {
    // ORDER: Release pairs with the Acquire of `is_readable`; the wake fences before it looks for sleepers.
    reader.endpoint.out_of_order.store(reader.cursor.out_of_order(), Release);
    if reader.cursor.head != reader.cursor.tail_seen {
        wake::notify_derived(reader.thread, reader.own_state(), State::HAS_WAITERS)?;
    }
    Ok(())
}

/// Matches the messages that have arrived since the last match with the awaited ids.
pub(crate) fn match_replies(reader: &mut Reader<'_>) -> Result<()> {
    while match_next(reader)? {}
    Ok(())
}

/// As [`match_replies`], with one look for messages. `false`: it found none. P5: that comes after as many looks as
/// messages can be pending.
pub(crate) fn match_next(reader: &mut Reader<'_>) -> Result<bool> {
    let seen = reader.cursor.tail_seen;
    reader::refresh_tail(reader)?;
    match_seen(reader)?;
    Ok(reader.cursor.tail_seen != seen)
}

/// Matches the messages that have been seen since the last match.
pub(crate) fn match_seen(reader: &mut Reader<'_>) -> Result<()> {
    // Messages before the head were consumed, in order.
    reader.cursor.matched_to = reader.cursor.matched_to.max(reader.cursor.head);
    // Without an awaited id, and without late replies to discard, no message needs a look.
    if reader.cursor.calls.is_empty() && !reader.cursor.minds_late() {
        reader.cursor.matched_to = reader.cursor.tail_seen;
    }
    while reader.cursor.matched_to < reader.cursor.tail_seen {
        out_of_order::leave_passed(reader)?;
        let place = out_of_order::place_of(reader, reader.cursor.matched_to)?;
        let position = place.position;
        // Before the message is looked at: each message is matched at most once, and the loop ends at the tail.
        reader.cursor.matched_to = position + 1;
        if position >= reader.cursor.tail_seen {
            break;
        }
        let message = place.message(reader.thread)?;
        if !message.header.is_consumed()
            && !reader.cursor.is_claimed(position)
            && message.header.length() >= 4
        {
            // The id is read once. A sender that changes it afterwards changes nothing: the position is noted, and not
            // the id.
            let txid = Txid(message.payload.first_half_word());
            if let Some(reply) = reader.cursor.calls.reply(txid) {
                // The first reply with the id wins; a second one is an ordinary message.
                if reply.is_none() {
                    *reply = Some(position);
                    reader.cursor.replies.insert(position);
                }
            } else if reader.cursor.minds_late() && reader.cursor.answers_a_call(txid) {
                reader.cursor.note_late(position);
            }
        }
    }
    Ok(())
}

/// The first message that is neither consumed nor claimed by a call or a read in place.
pub(crate) fn first_unclaimed(reader: &mut Reader<'_>) -> Result<Option<u64>> {
    match_replies(reader)?;
    // Messages released by a call or a claim come first: they are older than those from `plain` on.
    while let Some(position) = reader.cursor.back.first().copied() {
        if position >= reader.cursor.head {
            return Ok(Some(position));
        }
        reader.cursor.back.pop_first();
    }
    reader.cursor.plain = reader.cursor.plain.max(reader.cursor.head);
    while reader.cursor.plain < reader.cursor.tail_seen {
        out_of_order::leave_passed(reader)?;
        let place = out_of_order::place_of(reader, reader.cursor.plain)?;
        let position = place.position;
        reader.cursor.plain = position;
        if position >= reader.cursor.tail_seen {
            break;
        }
        // Without messages taken out of order no header need be loaded: each load may fetch a line from the writer.
        let taken = reader.cursor.taken > 0 && place.message(reader.thread)?.header.is_consumed();
        if !taken && !reader.cursor.is_claimed(position) {
            return Ok(Some(position));
        }
        reader.cursor.plain += 1;
    }
    Ok(None)
}
