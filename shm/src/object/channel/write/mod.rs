//! Writing to a channel: bytes, batches and loans. `handles` sends messages with handles.
//!
//! A plain send needs no write-ahead intent. Before the store of the tail it has no effect. After it, only the wake is
//! missing, and recovery of a dead process wakes the peers of all its endpoints anyway.

pub(crate) mod handles;
pub(crate) mod loan;
pub(crate) mod message_credit;
pub(crate) mod payload;
pub(crate) mod refused;
pub(crate) mod room;
pub(crate) mod spare_blocks;
pub(crate) mod writable;
pub(crate) mod writer;

use crate::arena::copy;
use crate::arena::error::{Error, Result};
use crate::arena::record::counter::Counter;
use crate::arena::record::line::{LINE_BYTES, Line};
use crate::arena::segment::{FETCH_AHEAD, Segment};
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::Rights;
use crate::arena::word::ring::{MessageHeader, Txid};
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::ResolvedHandle;
use crate::object::channel::end::Writer;
use crate::process::thread::{Thread, crash_point};
use crate::signal::wake;
use crate::sync::{self, Relaxed, Release};

/// The most bytes a copied message carries (`ZX_CHANNEL_MAX_MSG_BYTES`).
pub const MAX_MESSAGE_BYTES: usize = 65536;

#[inline]
pub(crate) fn send(thread: &Thread, found: ResolvedHandle, rights: Rights, bytes: &[u8]) -> Result<()> {
    let inside = thread.inside();
    let mut writer = Writer::enter(thread, found, rights, &inside)?;
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
    let mut ahead = 0;
    for bytes in messages {
        let put = match enqueue_at(&mut writer, ahead, bytes, None) {
            Err(Error::ShouldWait) if ahead > 0 => {
                // The segment or the channel is full. A new segment begins at the tail, so publish the batch first.
                publish(&mut writer, ahead)?;
                ahead = 0;
                enqueue(&mut writer, bytes, None)
            }
            put => put,
        };
        match put {
            Ok(()) => (sent, ahead) = (sent + 1, ahead + 1),
            // No message was written, so there is none to publish.
            Err(error) if sent == 0 => {
                return refused::noting(&writer, payload_lines(bytes.len()), Err(error));
            }
            // The messages before this one still have to be published. The caller learns their number, and meets the
            // error again if it sends the rest.
            Err(_) => break,
        }
    }
    if ahead > 0 {
        publish(&mut writer, ahead)?;
    }
    Ok(sent)
}

#[inline(always)]
pub(crate) fn enqueue(writer: &mut Writer<'_>, bytes: &[u8], txid: Option<Txid>) -> Result<()> {
    enqueue_at(writer, 0, bytes, txid)
}

/// Writes a message `ahead` places past the tail, unpublished.
#[inline(always)]
fn enqueue_at(writer: &mut Writer<'_>, ahead: u64, bytes: &[u8], txid: Option<Txid>) -> Result<()> {
    // An error needs no undoing: a position is used only once the tail is stored past it, so the next write takes the
    // same one.
    let position = reserve_position(writer, ahead)?;
    if bytes.len() > LINE_BYTES {
        let block = payload::payload_block(writer, bytes.len().div_ceil(LINE_BYTES))?;
        copy::write(writer.thread.arena().lines(block)?, bytes);
        finish_block(writer, position, block, MessageHeader::new(bytes.len(), 0, Some(block)), txid)
    } else {
        let segment = writer.cursor.segment.as_ref().ok_or(Error::Corrupt("room without a segment"))?;
        write_inline(segment, position, bytes, MessageHeader::new(bytes.len(), 0, None), txid);
        Ok(())
    }
}

/// Writes a message whose bytes fit its cell. The caller has written its handles.
#[inline(always)]
pub(crate) fn write_inline(
    segment: &Segment,
    position: u64,
    bytes: &[u8],
    header: MessageHeader,
    txid: Option<Txid>,
) {
    let cell = segment.cell(position);
    copy::write_line(cell, bytes);
    set_txid(cell, txid);
    // Relaxed: the store of the tail publishes the header.
    segment.header(position).store(header.0, Relaxed);
    // A later cell is still in the reader's cache, from the previous lap. Ask for it before this thread needs it.
    sync::prefetch_write(segment.cell(position + FETCH_AHEAD));
}

/// A free position, `ahead` places past the tail.
#[inline(always)]
pub(crate) fn reserve_position(writer: &mut Writer<'_>, ahead: u64) -> Result<u64> {
    if !writer.cursor.ready {
        writer::load_write_cursor(writer)?;
    }
    let state = writer.own_state()?;
    // Relaxed: this thread uses the signal alone, and reads no data that it publishes.
    // If the peer closes after this load, a plain message goes to a ring that is not read, and its block is freed with
    // the channel. Handles need a second look (`drain_if_peer_closed`).
    if State(state.load(Relaxed)).signals().contains(Signals::PEER_CLOSED) {
        return Err(Error::PeerClosed);
    }
    if writer.cursor.tail + ahead >= writer.cursor.limit {
        room::make_room_ahead(writer, ahead)?;
    }
    Ok(writer.cursor.tail + ahead)
}

/// Stores the tail past `count` messages, which sends them, and wakes the reader if it sleeps.
#[inline(always)]
pub(crate) fn publish(writer: &mut Writer<'_>, count: u64) -> Result<()> {
    let thread = writer.thread;
    crash_point!(thread, "send.written");
    let tail = writer.cursor.tail + count;
    let direction = writer.direction()?;
    sync::released(&direction.producer.tail);
    // ORDER: Release pairs with the reader's Acquire of the tail: the reader sees payload, header and links.
    direction.producer.tail.store(tail, Release);
    writer.cursor.tail = tail;
    thread.increment(Counter::MessagesSent, count);
    crash_point!(thread, "send.sent");
    wake::notify_derived(thread, writer.peer_state()?, State::HAS_WAITERS);
    Ok(())
}

/// Writes the header of a message whose payload is in `block`.
pub(crate) fn finish_block(
    writer: &mut Writer<'_>,
    position: u64,
    block: BlockId,
    header: MessageHeader,
    txid: Option<Txid>,
) -> Result<()> {
    let thread = writer.thread;
    if txid.is_some() {
        let bytes = &thread.arena().lines(block)?[header.handles().div_ceil(8)..];
        set_txid(bytes.first().ok_or(Error::Corrupt("a block without lines"))?, txid);
    }
    // The next owner of this direction learns from it that the block is in flight until the head passes.
    // Relaxed: the tail publishes it, and so does the handle when the end moves.
    thread.arena().descriptor(block)?.position.store(position + 1, Relaxed);
    let segment = writer.cursor.segment.as_ref().ok_or(Error::Corrupt("room without a segment"))?;
    // Relaxed: the store of the tail publishes the header.
    segment.header(position).store(header.0, Relaxed);
    // Positions only grow, so the queue stays sorted, and `refresh_head` looks at its front only.
    writer.cursor.in_flight.push_back((position, block));
    Ok(())
}

/// How many lines of a payload block a message without handles needs; 0 if it fits its cell.
#[inline(always)]
pub(crate) fn payload_lines(bytes: usize) -> usize {
    if bytes > LINE_BYTES { bytes.div_ceil(LINE_BYTES) } else { 0 }
}

/// Overwrites a message's first four bytes with a transaction id.
#[inline(always)]
fn set_txid(first: &Line, txid: Option<Txid>) {
    if let Some(txid) = txid {
        let word = &first.0[0];
        // Relaxed: the store of the tail publishes the word.
        word.store(word.load(Relaxed) & !0xffff_ffff | u64::from(txid.0), Relaxed);
    }
}
