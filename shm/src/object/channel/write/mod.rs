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
pub(crate) mod sender;
pub(crate) mod spare_blocks;
pub(crate) mod writable;

use crate::arena::copy;
use crate::arena::error::{Error, Result};
use crate::arena::record::counter::Counter;
use crate::arena::record::line::{LINE_BYTES, Line};
use crate::arena::segment::{FETCH_AHEAD, Segment};
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::Rights;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::ring::{Header, Txid};
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::{self, ResolvedHandle};
use crate::object::channel::ring;
use crate::process::endpoint::{Endpoint, Sender};
use crate::process::thread::{Thread, crash_point};
use crate::signal::wake;
use crate::sync::{self, Inside, Locked, Relaxed, Release};

/// The most bytes a copied message carries (`ZX_CHANNEL_MAX_MSG_BYTES`).
pub const MAX_MESSAGE_BYTES: usize = 65536;

/// The private half of the endpoint `found`, with its sending lock held and the handle checked again under it.
#[inline(always)]
pub(crate) fn enter_sender<'a>(
    thread: &'a Thread,
    found: ResolvedHandle,
    rights: Rights,
    inside: &'a Inside<'_>,
) -> Result<(&'a Endpoint, Locked<'a, Sender>)> {
    let Some(endpoint) = thread.process.endpoint(found.index, inside) else {
        return Err(ring::not_an_endpoint(thread, found));
    };
    let sender = endpoint.sender.lock();
    if !endpoint.is_bound_to(found.entry.object()) || !lookup::is_current(thread, found) {
        drop(sender);
        return Err(ring::not_an_endpoint(thread, found));
    }
    found.require(rights)?;
    Ok((endpoint, sender))
}

#[inline]
pub(crate) fn send(thread: &Thread, found: ResolvedHandle, rights: Rights, bytes: &[u8]) -> Result<()> {
    let writer = found.entry.object();
    let inside = thread.inside();
    let (endpoint, mut sender) = enter_sender(thread, found, rights, &inside)?;
    let put = enqueue(thread, writer, &mut sender, bytes, None);
    refused::noting(thread, endpoint, payload_lines(bytes.len()), put)?;
    publish(thread, writer, &mut sender, 1)
}

pub(crate) fn send_batch(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    messages: &[&[u8]],
) -> Result<usize> {
    let writer = found.entry.object();
    let inside = thread.inside();
    let (endpoint, mut sender) = enter_sender(thread, found, rights, &inside)?;
    let mut sent = 0;
    let mut ahead = 0;
    for bytes in messages {
        let put = match enqueue_at(thread, writer, &mut sender, ahead, bytes, None) {
            Err(Error::ShouldWait) if ahead > 0 => {
                // The segment or the channel is full. A new segment begins at the tail, so publish the batch first.
                publish(thread, writer, &mut sender, ahead)?;
                ahead = 0;
                enqueue(thread, writer, &mut sender, bytes, None)
            }
            put => put,
        };
        match put {
            Ok(()) => (sent, ahead) = (sent + 1, ahead + 1),
            Err(error) if sent == 0 => {
                return refused::noting(thread, endpoint, payload_lines(bytes.len()), Err(error));
            }
            Err(_) => break,
        }
    }
    if ahead > 0 {
        publish(thread, writer, &mut sender, ahead)?;
    }
    Ok(sent)
}

#[inline(always)]
pub(crate) fn enqueue(
    thread: &Thread,
    writer: ObjectRef,
    sender: &mut Sender,
    bytes: &[u8],
    txid: Option<Txid>,
) -> Result<()> {
    enqueue_at(thread, writer, sender, 0, bytes, txid)
}

/// Writes a message `ahead` places past the tail, unpublished.
#[inline(always)]
fn enqueue_at(
    thread: &Thread,
    writer: ObjectRef,
    sender: &mut Sender,
    ahead: u64,
    bytes: &[u8],
    txid: Option<Txid>,
) -> Result<()> {
    let position = reserve_position(thread, writer, sender, ahead)?;
    if bytes.len() > LINE_BYTES {
        let block = payload::payload_block(thread, writer, sender, bytes.len().div_ceil(LINE_BYTES))?;
        copy::write(thread.arena().lines(block)?, bytes);
        finish_block(thread, sender, position, block, Header::new(bytes.len(), 0, Some(block)), txid)
    } else {
        let segment = sender.segment.as_ref().ok_or(Error::Corrupt("room without a segment"))?;
        write_inline(thread, segment, position, bytes, Header::new(bytes.len(), 0, None), txid);
        Ok(())
    }
}

/// Writes a message whose bytes fit its cell. The caller has written its handles.
#[inline(always)]
pub(crate) fn write_inline(
    _thread: &Thread,
    segment: &Segment,
    position: u64,
    bytes: &[u8],
    header: Header,
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
pub(crate) fn reserve_position(
    thread: &Thread,
    writer: ObjectRef,
    sender: &mut Sender,
    ahead: u64,
) -> Result<u64> {
    if !sender.ready {
        sender::load_sender(thread, writer, sender)?;
    }
    let state = &thread.arena().object(writer.slot())?.state[writer.side()];
    // Relaxed: this thread uses the signal alone, and reads no data that it publishes.
    if State(state.load(Relaxed)).signals().contains(Signals::PEER_CLOSED) {
        return Err(Error::PeerClosed);
    }
    if sender.tail + ahead >= sender.limit {
        room::make_room_ahead(thread, writer, sender, ahead)?;
    }
    Ok(sender.tail + ahead)
}

/// Stores the tail past `count` messages, which sends them, and wakes the reader if it sleeps.
#[inline(always)]
pub(crate) fn publish(thread: &Thread, writer: ObjectRef, sender: &mut Sender, count: u64) -> Result<()> {
    crash_point!(thread, "send.written");
    let tail = sender.tail + count;
    let direction = ring::direction(thread, writer)?;
    sync::released(&direction.producer.tail);
    // ORDER: Release pairs with the reader's Acquire of the tail: the reader sees payload, header and links.
    direction.producer.tail.store(tail, Release);
    sender.tail = tail;
    thread.increment(Counter::MessagesSent, count);
    crash_point!(thread, "send.sent");
    let reader = &thread.arena().object(writer.slot())?.state[writer.peer().side()];
    wake::notify_derived(thread, reader, State::HAS_WAITERS);
    Ok(())
}

/// Writes the header of a message whose payload is in `block`.
pub(crate) fn finish_block(
    thread: &Thread,
    sender: &mut Sender,
    position: u64,
    block: BlockId,
    header: Header,
    txid: Option<Txid>,
) -> Result<()> {
    if txid.is_some() {
        let bytes = &thread.arena().lines(block)?[header.handles().div_ceil(8)..];
        set_txid(bytes.first().ok_or(Error::Corrupt("a block without lines"))?, txid);
    }
    // The next owner of this direction learns from it that the block is in flight until the head passes.
    // Relaxed: the tail publishes it, and so does the handle when the end moves.
    thread.arena().descriptor(block)?.position.store(position + 1, Relaxed);
    let segment = sender.segment.as_ref().ok_or(Error::Corrupt("room without a segment"))?;
    // Relaxed: the store of the tail publishes the header.
    segment.header(position).store(header.0, Relaxed);
    sender.in_flight.push_back((position, block));
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
