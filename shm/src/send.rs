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
use crate::ring::{Header, Segment};
use crate::sync::{self, Locked, Relaxed, Release};
use crate::thread::Thread;
use std::sync::Arc;

/// The most bytes a copied message carries (`ZX_CHANNEL_MAX_MSG_BYTES`).
pub const MAX_MESSAGE_BYTES: usize = 65536;

/// A payload block, to be written in place and sent without a copy by [`Thread::commit`].
///
/// It belongs to the channel: dropping the loan unsent gives it back.
pub struct Loan {
    process: Arc<Process>,
    found: Found,
    block: BlockId,
    len_bytes: usize,
}

impl core::fmt::Debug for Loan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Loan").field("bytes", &self.len_bytes).finish_non_exhaustive()
    }
}

impl Thread {
    /// The private half of the endpoint `found`, with its sending lock held and the handle looked at again.
    #[inline(always)]
    pub(crate) fn enter_sender(&self, found: Found, rights: u32) -> Result<(&Endpoint, Locked<'_, Sender>)> {
        let Some(endpoint) = self.process.endpoint(found.index) else {
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
        let (endpoint, mut sender) = self.enter_sender(found, rights)?;
        let put = self.put(writer, &mut sender, bytes, None);
        self.noting(endpoint, payload_lines(bytes.len()), put)?;
        self.publish(writer, &mut sender, 1)
    }

    /// Sends as many of `messages` as there is room for, publishing them together. Gives how many were sent;
    /// an error only if none was.
    pub fn send_batch<'m>(
        &self,
        found: Found,
        rights: u32,
        messages: impl IntoIterator<Item = &'m [u8]>,
    ) -> Result<usize> {
        let writer = found.entry.object();
        let (endpoint, mut sender) = self.enter_sender(found, rights)?;
        let mut sent = 0;
        for bytes in messages {
            match self.put_at(writer, &mut sender, sent, bytes, None) {
                Ok(()) => sent += 1,
                Err(error) if sent == 0 => {
                    return self.noting(endpoint, payload_lines(bytes.len()), Err(error));
                }
                Err(_) => break,
            }
        }
        if sent > 0 {
            self.publish(writer, &mut sender, sent)?;
        }
        Ok(sent as usize)
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
        // The next cell is still in the reader's cache, from a lap ago: it comes while nobody waits for it.
        sync::fetch_to_write(segment.cell(position + 1));
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
            // A batch ends where its segment does: what follows is the next batch's.
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
        let (endpoint, mut sender) = self.enter_sender(found, rights)?;
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
        Ok(Loan { process: self.process.clone(), found, block, len_bytes })
    }

    /// Sends a loan. On an error it is given back.
    pub fn commit(&self, loan: Loan) -> Result<()> {
        let writer = loan.found.entry.object();
        // The lock is gone before an unsent loan is dropped: giving the block back takes it again.
        self.enter_sender(loan.found, 0).and_then(|(_, mut sender)| {
            let position = self.place(writer, &mut sender, 0)?;
            let header = Header::new(loan.len_bytes, 0, Some(loan.block));
            self.finish_block(&mut sender, position, loan.block, header, None)?;
            self.publish(writer, &mut sender, 1)
        })?;
        loan.forget();
        Ok(())
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

impl Loan {
    /// Its size in bytes.
    pub fn len(&self) -> usize {
        self.len_bytes
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len_bytes == 0
    }

    /// Copies `bytes` in at `offset`.
    ///
    /// # Errors
    /// `OutOfRange` when they reach past the loan's end, `BadHandle` when the channel has been closed or handed
    /// on meanwhile, and the block with it; nothing is written then.
    #[cfg(not(loom))]
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) -> Result<()> {
        let end = offset.saturating_add(bytes.len());
        if end > self.len_bytes {
            return Err(Error::out_of_range("the end of the write", end, self.len_bytes));
        }
        let endpoint = self.process.endpoint(self.found.index).ok_or(Error::BadHandle)?;
        // Under the lock the endpoint cannot leave.
        let _sender = endpoint.sender.lock();
        if !self.is_sendable(endpoint) {
            return Err(Error::BadHandle);
        }
        let start = self.start()?;
        // SAFETY: `start` is the block's first byte, the block has at least `len_bytes`, and
        // `offset + bytes.len()` was checked against it. `bytes` is private memory, so they do not overlap.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), start.add(offset), bytes.len()) };
        Ok(())
    }

    /// Whether the endpoint is still this process's, under the handle that the loan was taken with.
    fn is_sendable(&self, endpoint: &Endpoint) -> bool {
        endpoint.is_bound_to(self.found.entry.object()) && self.process.still(self.found)
    }

    #[cfg(not(loom))]
    fn start(&self) -> Result<*mut u8> {
        Ok(self.process.arena.lines(self.block)?.as_ptr().cast_mut().cast())
    }

    /// The bytes, to write in place. They hold whatever the block held before.
    ///
    /// # Safety
    /// The channel must not be closed, or handed to another process, while the slice lives: its memory would
    /// then be written by others.
    #[cfg(not(loom))]
    pub unsafe fn as_mut_slice(&mut self) -> &mut [u8] {
        let start = self.start().expect("a loan's block was checked when it was made");
        // SAFETY: the block has `len_bytes` initialised bytes (a file's) at `start`, and belongs to this
        // direction, so no other operation of this process uses it; the caller keeps the channel.
        unsafe { core::slice::from_raw_parts_mut(start, self.len_bytes) }
    }

    /// Sent: the block is in flight.
    fn forget(self) {
        let sent = core::mem::ManuallyDrop::new(self);
        // SAFETY: `sent` is never used again, so its one owned field is taken out exactly once.
        drop(unsafe { core::ptr::read(&sent.process) });
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if !self.process.is_here() {
            return;
        }
        // The block stays the direction's; if the endpoint has left, whoever has it finds the block unused.
        if let Some(endpoint) = self.process.endpoint(self.found.index) {
            let mut sender = endpoint.sender.lock();
            if sender.ready && self.is_sendable(endpoint) {
                sender.spare[self.block.class()].push(self.block);
            }
        }
    }
}
