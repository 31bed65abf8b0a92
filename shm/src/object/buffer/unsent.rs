//! Bytes of the arena that one owner fills in place: those of a loan, or of a buffer that is not frozen yet.

use crate::arena::error::{Error, Result};
use crate::arena::record::line::{LINE_BYTES, Line};
use crate::process::Process;
use core::cell::Cell;
use core::mem::MaybeUninit;
use std::sync::Arc;

/// Bytes that one owner fills in place. No other code reads or writes them meanwhile.
///
/// INV-UNSENT-1: no unwritten byte is seen or sent. Writes are counted from the first byte on, and zero the bytes that
/// they skip; a view of the bytes zeroes the rest, and so does the owner before it sends them.
pub struct UnsentBytes {
    /// Keeps the arena mapped.
    process: Arc<Process>,
    start: *mut u8,
    len: usize,
    /// The bytes below this one have been written. A cell: also a view for reading zeroes the rest.
    written: Cell<usize>,
}

// SAFETY: `start` points into the arena, which `process` keeps mapped, at memory that is the owner's alone.
unsafe impl Send for UnsentBytes {}

/// The bytes of one owner, borrowed to be filled.
///
/// A type of its own, and no `&mut UnsentBytes`: with two of those a program could swap the bytes of two owners, send one, and
/// write the sent bytes through the owner that it still has.
#[derive(Debug)]
pub struct UnsentBytesMut<'a>(pub(crate) &'a mut UnsentBytes);

impl core::fmt::Debug for UnsentBytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("UnsentBytes").field("len", &self.len).field("written", &self.written).finish()
    }
}

impl UnsentBytes {
    /// The first `len` bytes of these lines.
    ///
    /// # Safety
    /// The lines belong to the arena of `process`. While the value exists, no other code reads or writes them, but in the
    /// sense of [the arena's trust](crate::object::channel::read::in_place).
    ///
    /// # Panics
    /// If the lines have fewer bytes.
    pub(crate) unsafe fn new(process: Arc<Process>, lines: &[Line], len: usize) -> Self {
        assert!(len <= lines.len() * LINE_BYTES);
        Self { process, start: lines.as_ptr().cast_mut().cast(), len, written: Cell::new(0) }
    }

    /// Their number.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many have been written, from the first one on.
    pub fn written(&self) -> usize {
        self.written.get()
    }

    fn write_at(&mut self, offset: usize, bytes: &[u8]) -> Result<()> {
        let end = offset.saturating_add(bytes.len());
        if end > self.len {
            return Err(Error::out_of_range("the end of the write", end, self.len));
        }
        self.process.require_here()?;
        self.zero_to(offset);
        // SAFETY: `len` bytes lie at `start`, and the end was checked against them. They are the owner's alone, which is
        // borrowed for writing, so `bytes` lie elsewhere.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.add(offset), bytes.len()) };
        // Writes need not come in order: a byte below the mark was written or zeroed, so the mark only grows.
        self.written.set(self.written.get().max(end));
        Ok(())
    }

    fn fill(&mut self, byte: u8) {
        self.require_here();
        // SAFETY: `len` bytes lie at `start`, and are the owner's alone, which is borrowed for writing.
        unsafe { core::ptr::write_bytes(self.start, byte, self.len) };
        self.written.set(self.len);
    }

    /// Zeroes the bytes that were not written.
    pub(crate) fn complete(&self) {
        self.zero_to(self.len);
    }

    /// Zeroes the bytes up to `end` that were not written.
    fn zero_to(&self, end: usize) {
        let from = self.written.get();
        if from < end {
            // SAFETY: `end` is at most `len`, and the bytes are the owner's alone. No reference to those that are zeroed exists:
            // a reference is given out only to bytes that were written, or by a borrow of the owner for writing.
            unsafe { core::ptr::write_bytes(self.start.add(from), 0, end - from) };
            self.written.set(end);
        }
    }

    fn require_here(&self) {
        assert!(
            self.process.is_here(),
            "a forked child has no arena, and so not its parent's loans and buffers"
        );
    }

    /// The bytes. Those that were not written are zero from then on.
    ///
    /// # Panics
    /// In a forked child, which has no arena.
    pub fn bytes(&self) -> &[u8] {
        self.require_here();
        self.complete();
        // SAFETY: `len` bytes lie at `start`, all of them written by now. They are the owner's alone, which this borrows.
        unsafe { core::slice::from_raw_parts(self.start, self.len) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self.require_here();
        self.complete();
        // SAFETY: as in `bytes`; the owner is borrowed for writing.
        unsafe { core::slice::from_raw_parts_mut(self.start, self.len) }
    }

    fn spare_capacity_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        self.require_here();
        let written = self.written.get();
        // SAFETY: as in `bytes_mut`; any byte is a `MaybeUninit`. The bytes below the mark, which must stay initialised,
        // are not among them.
        unsafe { core::slice::from_raw_parts_mut(self.start.add(written).cast(), self.len - written) }
    }
}

impl<'a> UnsentBytesMut<'a> {
    /// The same borrow, for a shorter time.
    pub fn reborrow(&mut self) -> UnsentBytesMut<'_> {
        UnsentBytesMut(self.0)
    }

    /// Their number.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// Copies `bytes` in at `offset`. Bytes before `offset` that were not written are zero from then on.
    ///
    /// # Errors
    /// `OutOfRange` when `bytes` reach past the end; `BadState` in a forked child. No byte is written then.
    pub fn write_at(self, offset: usize, bytes: &[u8]) -> Result<()> {
        self.0.write_at(offset, bytes)
    }

    /// Writes `byte` to all places.
    ///
    /// # Panics
    /// In a forked child, which has no arena.
    pub fn fill(self, byte: u8) {
        self.0.fill(byte);
    }

    /// The bytes, to write in place. Those that were not written are zero from then on.
    ///
    /// # Panics
    /// In a forked child, which has no arena.
    pub fn bytes_mut(self) -> &'a mut [u8] {
        self.0.bytes_mut()
    }

    /// The bytes behind those that were written, without zeros. Bytes that the caller writes there count only after
    /// [`set_written`](Self::set_written).
    ///
    /// # Panics
    /// In a forked child, which has no arena.
    pub fn spare_capacity_mut(self) -> &'a mut [MaybeUninit<u8>] {
        self.0.spare_capacity_mut()
    }

    /// Says how many bytes have been written, from the first one on: they are not zeroed.
    ///
    /// # Panics
    /// If there are fewer bytes.
    ///
    /// # Safety
    /// The caller has written all of them.
    pub unsafe fn set_written(self, written: usize) {
        assert!(written <= self.0.len);
        self.0.written.set(written);
    }
}
