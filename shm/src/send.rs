//! Writing to a channel: bytes, batches and loans. Messages with handles are `transfer`'s.
//!
//! A plain send writes down no intent: before its tail store nothing has happened, after it everything has but
//! the wake, and recovery of a dead process wakes the peers of all its endpoints anyway.

use crate::bits::ObjectRef;
use crate::block::BlockId;
use crate::copy;
use crate::count::Found;
use crate::counter::Counter;
use crate::endpoint::{Endpoint, Sender};
use crate::error::{Error, Result, crash_point};
use crate::layout::{LINE_BYTES, Line};
use crate::object::{Life, Shape, State, signal};
use crate::process::Process;
use crate::ring::{FETCH_AHEAD, Header, Segment};
use crate::sync::{self, Inside, Locked, Relaxed, Release};
use crate::thread::Thread;
use std::sync::Arc;

/// The most bytes a copied message carries (`ZX_CHANNEL_MAX_MSG_BYTES`).
pub const MAX_MESSAGE_BYTES: usize = 65536;

/// A payload block, to be written in place and sent without a copy by [`Thread::commit`].
///
/// It belongs to the channel, and goes back to it by [`Thread::return_loan`] when it is not sent. One that is only dropped
/// is not used again before the end moves or the channel ends.
///
/// INV-LOAN-1: no byte is sent that was not written. Safe writes are counted from the first byte on, and fill what they
/// skip with zeros; [`Thread::commit`] fills the rest.
#[must_use = "a loan is sent or given back"]
pub struct Loan {
    /// Keeps the arena mapped.
    #[cfg_attr(loom, expect(dead_code, reason = "no bulk writes in the models"))]
    process: Arc<Process>,
    found: Found,
    block: BlockId,
    len_bytes: usize,
    /// The bytes below this one have been written.
    written_bytes: usize,
}

impl core::fmt::Debug for Loan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Loan").field("bytes", &self.len_bytes).finish_non_exhaustive()
    }
}

impl Thread {
    /// The private half of the endpoint `found`, with its sending lock held and the handle looked at again.
    #[inline(always)]
    pub(crate) fn enter_sender<'a>(
        &'a self,
        found: Found,
        rights: u32,
        inside: &'a Inside<'_>,
    ) -> Result<(&'a Endpoint, Locked<'a, Sender>)> {
        let Some(endpoint) = self.process.endpoint(found.index, inside) else {
            return Err(self.not_an_endpoint(found));
        };
        let sender = endpoint.sender.lock();
        if !endpoint.is_bound_to(found.entry.object()) || !self.still(found) {
            drop(sender);
            return Err(self.not_an_endpoint(found));
        }
        found.require(rights)?;
        Ok((endpoint, sender))
    }

    /// Why `found` is not an endpoint of this process: gone, or of another type.
    #[cold]
    pub(crate) fn not_an_endpoint(&self, found: Found) -> Error {
        // Relaxed: should the slot have its next user by now, either answer is true of a handle that is gone.
        let shape = self
            .arena()
            .object(found.entry.object().slot())
            .map(|object| Life(object.life.load(Relaxed)).shape());
        match shape {
            Ok(Some(Shape::Single | Shape::Pair)) if self.still(found) => Error::WrongType,
            _ => Error::BadHandle,
        }
    }

    /// Sends one message without handles. `rights` are those the handle must have.
    ///
    /// `ShouldWait` means that the channel's limit of pending messages is reached, `NoResources` that this process
    /// has as many messages pending, or as much memory in messages, as it may.
    #[inline]
    pub fn send(&self, found: Found, rights: u32, bytes: &[u8]) -> Result<()> {
        let writer = found.entry.object();
        let inside = self.inside();
        let (endpoint, mut sender) = self.enter_sender(found, rights, &inside)?;
        let put = self.put(writer, &mut sender, bytes, None);
        self.noting(endpoint, payload_lines(bytes.len()), put)?;
        self.publish(writer, &mut sender, 1)
    }

    /// Sends as many of `messages` as there is room for, publishing those together that lie in one segment. Gives how
    /// many were sent; an error only if none was.
    pub fn send_batch(&self, found: Found, rights: u32, messages: &[&[u8]]) -> Result<usize> {
        let writer = found.entry.object();
        let inside = self.inside();
        let (endpoint, mut sender) = self.enter_sender(found, rights, &inside)?;
        let mut sent = 0;
        let mut ahead = 0;
        for bytes in messages {
            let put = match self.put_at(writer, &mut sender, ahead, bytes, None) {
                Err(Error::ShouldWait) if ahead > 0 => {
                    // The segment is full, if not the channel: the next one begins at the tail.
                    self.publish(writer, &mut sender, ahead)?;
                    ahead = 0;
                    self.put(writer, &mut sender, bytes, None)
                }
                put => put,
            };
            match put {
                Ok(()) => (sent, ahead) = (sent + 1, ahead + 1),
                Err(error) if sent == 0 => {
                    return self.noting(endpoint, payload_lines(bytes.len()), Err(error));
                }
                Err(_) => break,
            }
        }
        if ahead > 0 {
            self.publish(writer, &mut sender, ahead)?;
        }
        Ok(sent)
    }

    #[inline(always)]
    pub(crate) fn put(
        &self,
        writer: ObjectRef,
        sender: &mut Sender,
        bytes: &[u8],
        txid: Option<u32>,
    ) -> Result<()> {
        self.put_at(writer, sender, 0, bytes, txid)
    }

    /// Writes a message `ahead` places past the tail, unpublished.
    #[inline(always)]
    fn put_at(
        &self,
        writer: ObjectRef,
        sender: &mut Sender,
        ahead: u64,
        bytes: &[u8],
        txid: Option<u32>,
    ) -> Result<()> {
        let position = self.place(writer, sender, ahead)?;
        if bytes.len() > LINE_BYTES {
            let block = self.payload_block(writer, sender, bytes.len().div_ceil(LINE_BYTES))?;
            copy::write(self.arena().lines(block)?, bytes);
            self.finish_block(sender, position, block, Header::new(bytes.len(), 0, Some(block)), txid)
        } else {
            let segment = sender.segment.as_ref().ok_or(Error::Corrupt("room without a segment"))?;
            self.finish_cell(segment, position, bytes, Header::new(bytes.len(), 0, None), txid);
            Ok(())
        }
    }

    /// Writes a message that fits its cell, but for its handles.
    #[inline(always)]
    pub(crate) fn finish_cell(
        &self,
        segment: &Segment,
        position: u64,
        bytes: &[u8],
        header: Header,
        txid: Option<u32>,
    ) {
        let cell = segment.cell(position);
        copy::write_line(cell, bytes);
        stamp(cell, txid);
        // Relaxed: published by the tail.
        segment.header(position).store(header.0, Relaxed);
        // A later cell is still in the reader's cache, from a lap ago: it comes while nobody waits for it.
        sync::fetch_to_write(segment.cell(position + FETCH_AHEAD));
    }

    /// A free position, `ahead` places past the tail.
    #[inline(always)]
    pub(crate) fn place(&self, writer: ObjectRef, sender: &mut Sender, ahead: u64) -> Result<u64> {
        if !sender.ready {
            self.load_sender(writer, sender)?;
        }
        let state = &self.arena().object(writer.slot())?.state[writer.side()];
        // Relaxed: only the signal itself is used.
        if State(state.load(Relaxed)).signals() & signal::PEER_CLOSED != 0 {
            return Err(Error::PeerClosed);
        }
        if sender.tail + ahead >= sender.limit {
            self.make_room_ahead(writer, sender, ahead)?;
        }
        Ok(sender.tail + ahead)
    }

    #[cold]
    fn make_room_ahead(&self, writer: ObjectRef, sender: &mut Sender, ahead: u64) -> Result<()> {
        if ahead > 0 {
            // A batch is published where its segment ends, before it goes on.
            self.refresh_head(writer, sender)?;
            if sender.tail + ahead >= sender.limit {
                self.grant(sender, ahead)?;
                self.set_limit(sender);
            }
            return if sender.tail + ahead < sender.limit { Ok(()) } else { Err(Error::ShouldWait) };
        }
        self.make_room(writer, sender)
    }

    /// Stores the tail past `count` messages, which sends them, and wakes the reader if it sleeps.
    #[inline(always)]
    pub(crate) fn publish(&self, writer: ObjectRef, sender: &mut Sender, count: u64) -> Result<()> {
        crash_point!(self, "send.written");
        let tail = sender.tail + count;
        let direction = self.direction(writer)?;
        sync::released(&direction.producer.tail);
        // ORDER: Release pairs with the reader's Acquire of the tail: payload, header and links are seen.
        direction.producer.tail.store(tail, Release);
        sender.tail = tail;
        self.tally(Counter::MessagesSent, count);
        crash_point!(self, "send.sent");
        let reader = &self.arena().object(writer.slot())?.state[writer.peer().side()];
        self.wake_after_update(reader, State::ARMED);
        Ok(())
    }

    /// Writes the header of a message whose payload is in `block`.
    pub(crate) fn finish_block(
        &self,
        sender: &mut Sender,
        position: u64,
        block: BlockId,
        header: Header,
        txid: Option<u32>,
    ) -> Result<()> {
        if txid.is_some() {
            let bytes = &self.arena().lines(block)?[header.handles().div_ceil(8)..];
            stamp(bytes.first().ok_or(Error::Corrupt("a block without lines"))?, txid);
        }
        // For whoever takes this direction over: until the head passes, the block is in flight. Relaxed: published
        // by the tail, and by the handle when it moves on.
        self.arena().descriptor(block)?.position.store(position + 1, Relaxed);
        let segment = sender.segment.as_ref().ok_or(Error::Corrupt("room without a segment"))?;
        // Relaxed: published by the tail.
        segment.header(position).store(header.0, Relaxed);
        sender.flying.push_back((position, block));
        Ok(())
    }

    /// A block of `len_bytes` to write in place. Up to the arena's `max_loan_bytes`.
    pub fn reserve(&self, found: Found, rights: u32, len_bytes: usize) -> Result<Loan> {
        let writer = found.entry.object();
        let inside = self.inside();
        let (endpoint, mut sender) = self.enter_sender(found, rights, &inside)?;
        if len_bytes as u64 > self.arena().config().max_loan_bytes {
            let most = self.arena().config().max_loan_bytes;
            let what = "the loan's size in bytes (max_loan_bytes)";
            return Err(Error::OutOfRange { what, value: len_bytes as u64, most });
        }
        // Room is looked for now so that a full channel says so before the work of filling the loan.
        let lines = len_bytes.div_ceil(LINE_BYTES).max(1);
        let block =
            self.place(writer, &mut sender, 0).and_then(|_| self.payload_block(writer, &mut sender, lines));
        let block = self.noting(endpoint, lines, block)?;
        Ok(Loan { process: self.process.clone(), found, block, len_bytes, written_bytes: 0 })
    }

    /// Sends a loan; what was not written of it is zero. On an error it is given back.
    pub fn commit(&self, loan: Loan) -> Result<()> {
        let writer = loan.found.entry.object();
        let inside = self.inside();
        let sent = self.enter_sender(loan.found, 0, &inside).and_then(|(endpoint, mut sender)| {
            #[cfg(not(loom))]
            // SAFETY: the block has the loan's bytes, and the lock is held.
            unsafe {
                zero(loan.start()?, loan.written_bytes, loan.len_bytes)
            };
            let lines = loan.len_bytes.div_ceil(LINE_BYTES).max(1);
            let place = self.place(writer, &mut sender, 0);
            let position = self.noting(endpoint, lines, place)?;
            let header = Header::new(loan.len_bytes, 0, Some(loan.block));
            self.finish_block(&mut sender, position, loan.block, header, None)?;
            self.publish(writer, &mut sender, 1)
        });
        // Sent, the block is in flight.
        if sent.is_err() {
            self.return_loan(loan);
        }
        sent
    }

    /// Gives a loan back unsent.
    pub fn return_loan(&self, loan: Loan) {
        // The block stays the direction's; if the endpoint has left, whoever has it finds the block unused.
        let inside = self.inside();
        if let Ok((_, mut sender)) = self.enter_sender(loan.found, 0, &inside)
            && sender.ready
        {
            sender.spare[loan.block.class()].push(loan.block);
        }
    }
}

/// The lines of a payload block that a message without handles needs; none if it fits its cell.
#[inline(always)]
pub(crate) fn payload_lines(bytes: usize) -> usize {
    if bytes > LINE_BYTES { bytes.div_ceil(LINE_BYTES) } else { 0 }
}

/// Overwrites a message's first four bytes with a transaction id.
#[inline(always)]
fn stamp(first: &Line, txid: Option<u32>) {
    if let Some(txid) = txid {
        let word = &first.0[0];
        word.store(word.load(Relaxed) & !0xffff_ffff | u64::from(txid), Relaxed);
    }
}

/// Zeros the bytes from `from` to `to` of a loan's block.
///
/// # Safety
/// The block has at least `to` bytes, and the sending lock is held, so that the endpoint cannot leave with it.
#[cfg(not(loom))]
unsafe fn zero(start: *mut u8, from: usize, to: usize) {
    if from < to {
        // SAFETY: the caller vouches for the bytes, which are the loan's alone.
        unsafe { core::ptr::write_bytes(start.add(from), 0, to - from) };
    }
}

impl Loan {
    /// Its size in bytes.
    pub fn len(&self) -> usize {
        self.len_bytes
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len_bytes == 0
    }

    /// Copies `bytes` in at `offset`. Bytes before `offset` that were not written are zero from then on.
    ///
    /// # Errors
    /// `OutOfRange` when they reach past the loan's end, `BadHandle` when the channel has been closed or handed
    /// on meanwhile, and the block with it, `BadState` in a forked child; nothing is written then.
    #[cfg(not(loom))]
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) -> Result<()> {
        let end = offset.saturating_add(bytes.len());
        if end > self.len_bytes {
            return Err(Error::out_of_range("the end of the write", end, self.len_bytes));
        }
        self.process.require_here()?;
        let inside = self.process.inside();
        let endpoint = self.process.endpoint(self.found.index, &inside).ok_or(Error::BadHandle)?;
        // Under the lock the endpoint cannot leave.
        let _sender = endpoint.sender.lock();
        if !self.is_sendable(endpoint) {
            return Err(Error::BadHandle);
        }
        let start = self.start()?;
        // SAFETY: `start` is the block's first byte, the block has at least `len_bytes`, and
        // `offset + bytes.len()` was checked against it. `bytes` is private memory, so they do not overlap.
        unsafe {
            zero(start, self.written_bytes, offset);
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), start.add(offset), bytes.len());
        }
        self.written_bytes = self.written_bytes.max(end);
        Ok(())
    }

    /// Whether the endpoint is still this process's, under the handle that the loan was taken with.
    #[cfg(not(loom))]
    fn is_sendable(&self, endpoint: &Endpoint) -> bool {
        endpoint.is_bound_to(self.found.entry.object()) && self.process.still(self.found)
    }

    #[cfg(not(loom))]
    fn start(&self) -> Result<*mut u8> {
        Ok(self.process.arena.lines(self.block)?.as_ptr().cast_mut().cast())
    }

    /// The bytes, to write in place. They are to be taken for uninitialised: they hold what was written through
    /// this loan, and elsewhere what older messages left. Once all are written, [`assume_init`](Self::assume_init)
    /// says so; otherwise [`Thread::commit`] takes only those for written that [`write_at`](Self::write_at) wrote.
    ///
    /// # Errors
    /// `BadState` in a forked child.
    ///
    /// # Safety
    /// The channel must not be closed, or handed to another process, while the slice lives: its memory would
    /// then be written by others. A child that is forked while the slice lives must not use it.
    #[cfg(not(loom))]
    pub unsafe fn as_uninit_mut(&mut self) -> Result<&mut [core::mem::MaybeUninit<u8>]> {
        self.process.require_here()?;
        let start = self.start()?;
        // SAFETY: the block has `len_bytes` bytes at `start`, and belongs to this direction, so no other operation of
        // this process uses it; the caller keeps the channel.
        Ok(unsafe { core::slice::from_raw_parts_mut(start.cast(), self.len_bytes) })
    }

    /// Says that all bytes have been written: none of them is zeroed when the loan is sent.
    ///
    /// # Safety
    /// They have, through `as_uninit_mut` or `write_at`.
    pub unsafe fn assume_init(&mut self) {
        self.written_bytes = self.len_bytes;
    }
}
