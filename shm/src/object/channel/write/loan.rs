//! Loans: payload blocks that the caller fills in place and sends without a copy.

use crate::arena::error::{Error, Result};
use crate::arena::record::line::LINE_BYTES;
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::Rights;
use crate::arena::word::ring::MessageHeader;
#[cfg(not(loom))]
use crate::handle::lookup;
use crate::handle::lookup::ResolvedHandle;
use crate::object::channel::end::Writer;
#[cfg(not(loom))]
use crate::object::channel::endpoint;
use crate::object::channel::write::{self, payload, refused};
use crate::process::Process;
#[cfg(not(loom))]
use crate::process::half::{PrivateHalf, channel::Endpoint};
use crate::process::thread::Thread;
use std::sync::Arc;

/// A payload block, to be written in place and sent without a copy by [`Thread::commit`].
///
/// The block belongs to the channel. A loan that is not sent goes back by [`Thread::return_loan`]. The block of a loan
/// that is only dropped is not used again before the end moves or the channel ends.
///
/// INV-LOAN-1: no unwritten byte is sent. Safe writes are counted from the first byte on, and zero the bytes that they
/// skip; [`Thread::commit`] zeroes the rest.
#[must_use = "a loan is sent or given back"]
pub struct Loan {
    /// Keeps the arena mapped.
    #[cfg_attr(loom, expect(dead_code, reason = "no bulk writes in the models"))]
    process: Arc<Process>,
    found: ResolvedHandle,
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

pub(crate) fn reserve(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    len_bytes: usize,
) -> Result<Loan> {
    let inside = thread.inside();
    let mut writer = Writer::enter(thread, found, rights, &inside)?;
    if len_bytes as u64 > thread.arena().config().max_loan_bytes {
        let most = thread.arena().config().max_loan_bytes;
        let what = "the loan's size in bytes (max_loan_bytes)";
        return Err(Error::OutOfRange { what, value: len_bytes as u64, most });
    }
    // Find a position now, so that a full channel is reported before the caller fills the loan.
    // The position is not kept for the loan: other messages may be sent before it, and `commit` finds a place again.
    let lines = len_bytes.div_ceil(LINE_BYTES).max(1);
    let block = write::reserve_position(&mut writer).and_then(|_| payload::payload_block(&mut writer, lines));
    let block = refused::noting(&writer, lines, block)?;
    Ok(Loan { process: thread.process.clone(), found, block, len_bytes, written_bytes: 0 })
}

pub(crate) fn commit(thread: &Thread, loan: Loan) -> Result<()> {
    let inside = thread.inside();
    // No rights: `reserve` has checked them, and a handle's rights never change.
    let sent = Writer::enter(thread, loan.found, Rights::empty(), &inside).and_then(|mut writer| {
        #[cfg(not(loom))]
        // SAFETY: the block has the loan's bytes, and the lock is held.
        unsafe {
            zero(loan.start()?, loan.written_bytes, loan.len_bytes)
        };
        let lines = loan.len_bytes.div_ceil(LINE_BYTES).max(1);
        let place = write::reserve_position(&mut writer);
        let position = refused::noting(&writer, lines, place)?;
        let header = MessageHeader::new(loan.len_bytes, 0, true);
        write::prepare_block(&mut writer, position, loan.block, header, None)?;
        write::commit(&mut writer, position, header)?;
        write::publish(&mut writer, 1)
    });
    // After a send, the block is in flight, and must not go back to the spare ones.
    if sent.is_err() {
        return_loan(thread, loan);
    }
    sent
}

pub(crate) fn return_loan(thread: &Thread, loan: Loan) {
    // The block stays in the direction's list. If the endpoint has left, its new owner finds the block unused there.
    let inside = thread.inside();
    if let Ok(mut writer) = Writer::enter(thread, loan.found, Rights::empty(), &inside)
        && writer.cursor.ready
    {
        writer.cursor.spare[loan.block.class().index()].push_back(loan.block);
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
    /// `OutOfRange` when they reach past the loan's end; `BadHandle` when the channel, and the block with it, has been
    /// closed or sent away meanwhile; `BadState` in a forked child. No byte is written then.
    #[cfg(not(loom))]
    pub fn write_at(&mut self, offset: usize, bytes: &[u8]) -> Result<()> {
        let end = offset.saturating_add(bytes.len());
        if end > self.len_bytes {
            return Err(Error::out_of_range("the end of the write", end, self.len_bytes));
        }
        self.process.require_here()?;
        let inside = self.process.inside();
        let endpoint =
            endpoint::endpoint(&self.process, self.found.index, &inside).ok_or(Error::BadHandle)?;
        // The endpoint cannot leave this process while the lock is held.
        let _cursor = endpoint.write_cursor.lock();
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
        // Writes need not come in order: a byte below the mark was written or zeroed, so the mark only grows.
        self.written_bytes = self.written_bytes.max(end);
        Ok(())
    }

    /// Whether this process still has the endpoint, under the handle that the loan was taken with.
    #[cfg(not(loom))]
    fn is_sendable(&self, endpoint: &Endpoint) -> bool {
        endpoint.is_bound_to(self.found.entry.object()) && lookup::is_current_in(&self.process, self.found)
    }

    #[cfg(not(loom))]
    fn start(&self) -> Result<*mut u8> {
        Ok(self.process.arena.lines(self.block)?.as_ptr().cast_mut().cast())
    }

    /// The bytes, to write in place. Treat them as uninitialised: they hold the bytes written through this loan, and
    /// elsewhere bytes of older messages. After writing all of them, call [`assume_init`](Self::assume_init). Otherwise
    /// [`Thread::commit`] counts only the bytes that [`write_at`](Self::write_at) wrote, and zeroes the rest.
    ///
    /// # Errors
    /// `BadState` in a forked child.
    ///
    /// # Safety
    /// The channel must not be closed, or sent to another process, while the slice lives: other threads would then
    /// write to its memory. A child that is forked while the slice lives must not use it.
    #[cfg(not(loom))]
    pub unsafe fn as_uninit_mut(&mut self) -> Result<&mut [core::mem::MaybeUninit<u8>]> {
        self.process.require_here()?;
        let start = self.start()?;
        // SAFETY: the block has `len_bytes` bytes at `start`, and belongs to this direction, so no other operation of
        // this process uses it; the caller keeps the channel.
        Ok(unsafe { core::slice::from_raw_parts_mut(start.cast(), self.len_bytes) })
    }

    /// Declares all bytes written: none of them is zeroed when the loan is sent.
    ///
    /// # Safety
    /// The caller has written all of them, through `as_uninit_mut` or `write_at`.
    pub unsafe fn assume_init(&mut self) {
        self.written_bytes = self.len_bytes;
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
