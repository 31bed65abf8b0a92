//! Writing to a channel: bytes, batches and loans. `handles` sends messages with handles.
//!
//! A plain send needs no write-ahead intent. Before the store of its header it has no effect. After it, only the tail
//! and the wake are missing: recovery of a dead process completes the tails of all its endpoints and wakes their peers.

pub(crate) mod handles;
pub(crate) mod loan;
pub(crate) mod message_credit;
pub(crate) mod payload;
pub(crate) mod refusal;
pub(crate) mod refused;
pub(crate) mod room;
pub(crate) mod spare_blocks;
pub(crate) mod writable;
pub(crate) mod writer;

use crate::arena::copy::Payload;
use crate::arena::error::{Error, Result};
use crate::arena::record::counter::Counter;
use crate::arena::record::line::LINE_BYTES;
use crate::arena::segment::{FETCH_AHEAD, SLOT_BYTES, Segment};
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::Rights;
use crate::arena::word::ring::{MessageHeader, Txid};
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::{HandleName, ResolvedHandle};
use crate::object::channel::end::Writer;
use crate::process::thread::{Thread, crash_point};
use crate::signal::wake;
use crate::sync::{self, Relaxed};

#[inline]
pub(crate) fn send(thread: &Thread, channel: HandleName, rights: Rights, bytes: &[u8]) -> Result<()> {
    let inside = thread.inside();
    let mut writer = Writer::enter(thread, channel, rights, &inside)?;
    let put = enqueue(&mut writer, bytes, None);
    refused::noting(&writer, payload_lines(bytes.len()), put)?;
    publish(&mut writer, 1)
}

pub(crate) fn send_batch(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    messages: &[&[u8]],
) -> Result<usize> {
    let inside = thread.inside();
    let mut writer = Writer::enter(thread, found, rights, &inside)?;
    let mut sent = 0;
    for bytes in messages {
        match enqueue(&mut writer, bytes, None) {
            Ok(()) => sent += 1,
            // No message was written, so there is none to publish.
            Err(error) if error.is_crash() => return Err(error),
            Err(error) if sent == 0 => {
                return refused::noting(&writer, payload_lines(bytes.len()), Err(error));
            }
            // The messages before this one still have to be published. The caller learns their number, and meets the
            // error again if it sends the rest.
            Err(_) => break,
        }
    }
    if sent > 0 {
        publish(&mut writer, sent as u64)?;
    }
    Ok(sent)
}

/// Sends a message. The caller then [publishes](publish) it.
#[inline(always)]
pub(crate) fn enqueue(writer: &mut Writer<'_>, bytes: &[u8], txid: Option<Txid>) -> Result<()> {
    // An error needs no undoing: a position is used only once its header is stored, so the next write takes the same
    // one.
    let position = reserve_position(writer)?;
    if bytes.len() > SLOT_BYTES {
        let block = payload::payload_block(writer, bytes.len().div_ceil(LINE_BYTES))?;
        let payload = Payload::new(writer.thread.arena().lines(block)?, 0);
        payload.write(bytes);
        let header = MessageHeader::new(bytes.len(), 0, true);
        prepare_block(writer, position, block, txid)?;
        commit(writer, position, header)
    } else {
        let segment = segment_with_room(writer)?;
        write_slot(&segment, position, bytes, txid);
        commit_in(writer, &segment, position, MessageHeader::new(bytes.len(), 0, false))
    }
}

/// Writes the bytes of a message that fits its slot. The caller has written its handles.
#[inline(always)]
pub(crate) fn write_slot(segment: &Segment, position: u64, bytes: &[u8], txid: Option<Txid>) {
    let payload = segment.payload(position);
    payload.write(bytes);
    set_txid(payload, txid);
    // A later slot is still in the reader's cache, from the previous lap. Ask for it before this thread needs it.
    segment.prefetch(position + FETCH_AHEAD, bytes.len());
}

/// The position of the next message.
#[inline(always)]
pub(crate) fn reserve_position(writer: &mut Writer<'_>) -> Result<u64> {
    if !writer.cursor.ready {
        writer::load_write_cursor(writer)?;
    }
    let state = writer.own_state();
    // Relaxed: this thread uses the signal alone, and reads no data that it publishes.
    // If the peer closes after this load, a plain message goes to a ring that is not read, and its block is freed with
    // the channel. Handles need a second look (`drain_if_peer_closed`).
    if State(state.load(Relaxed)).signals().contains(Signals::PEER_CLOSED) {
        return Err(Error::PeerClosed);
    }
    if writer.cursor.tail >= writer.cursor.limit {
        room::make_room(writer)?;
    }
    Ok(writer.cursor.tail)
}

/// The segment in which a position was [reserved](reserve_position).
#[inline(always)]
pub(crate) fn segment_with_room(writer: &Writer<'_>) -> Result<Segment> {
    writer.cursor.segment.ok_or(Error::Corrupt("room without a segment"))
}

/// Stores the header of the message at the tail: **the message is sent.** A reader may take it at once, before the tail
/// is stored.
#[inline(always)]
pub(crate) fn commit(writer: &mut Writer<'_>, position: u64, header: MessageHeader) -> Result<()> {
    let segment = segment_with_room(writer)?;
    commit_in(writer, &segment, position, header)
}

/// As [`commit`], in the writer's segment.
#[inline(always)]
fn commit_in(writer: &mut Writer<'_>, segment: &Segment, position: u64, header: MessageHeader) -> Result<()> {
    crash_point!(writer.thread, "send.written");
    sync::released(&writer.direction().producer.tail);
    segment.commit(position, header);
    writer.cursor.tail = position + 1;
    crash_point!(writer.thread, "send.sent");
    Ok(())
}

/// Stores the tail past `count` messages that were sent, and wakes the reader if it sleeps.
#[inline(always)]
pub(crate) fn publish(writer: &mut Writer<'_>, count: u64) -> Result<()> {
    let thread = writer.thread;
    writer::store_tail(writer);
    thread.increment(Counter::MessagesSent, count);
    crash_point!(thread, "send.published");
    wake::notify_derived(thread, writer.peer_state(), State::HAS_WAITERS)?;
    Ok(())
}

/// Prepares a message with its payload in `block`.
pub(crate) fn prepare_block(
    writer: &mut Writer<'_>,
    position: u64,
    block: BlockId,
    txid: Option<Txid>,
) -> Result<()> {
    let thread = writer.thread;
    if txid.is_some() {
        set_txid(Payload::new(thread.arena().lines(block)?, 0), txid);
    }
    // The next owner of this direction learns from it that the block is in flight until the head passes.
    // Relaxed, both: the header publishes them; and so does the handle when the end moves.
    thread.arena().descriptor(block)?.position.store(position + 1, Relaxed);
    let segment = segment_with_room(writer)?;
    segment.block_link(position).store(block.to_link(), Relaxed);
    segment.prefetch(position + FETCH_AHEAD, 0);
    // Positions only grow, so the queue stays sorted, and `refresh_head` looks at its front only.
    writer.cursor.in_flight.push_back((position, block));
    Ok(())
}

/// How many lines of a payload block a message without handles needs; 0 if it fits its slot.
#[inline(always)]
pub(crate) fn payload_lines(bytes: usize) -> usize {
    if bytes > SLOT_BYTES { bytes.div_ceil(LINE_BYTES) } else { 0 }
}

/// Overwrites a message's first four bytes with a transaction id.
#[inline(always)]
fn set_txid(payload: Payload<'_>, txid: Option<Txid>) {
    if let Some(txid) = txid {
        payload.set_first_half_word(txid.0);
    }
}
