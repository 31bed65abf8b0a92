//! Reading a message in place. The reader claims it, reads it, and consumes it when done.
//!
//! The claim keeps the head from passing the message, so its slot or block stays as it is. Other reads continue with
//! the messages after it. A read in place trusts the sender not to write to a message that it has sent.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::Rights;
use crate::handle::lookup::{self, ResolvedHandle};
use crate::object::bind::Received;
use crate::object::channel::end::Reader;
use crate::object::channel::read::recv_buf::{Arrivals, OnOverflow, RecvBuf};
use crate::object::channel::read::{self, reader, reply};
use crate::process::Process;
use crate::process::thread::Thread;
use crate::sync::{Acquire, Relaxed, fence};
use core::mem::MaybeUninit;
use std::sync::Arc;

/// A message being read in place. It stays in the ring until [`Thread::finish`] consumes it; the thread that started
/// the read must see to that.
pub struct InPlace {
    /// Keeps the arena mapped.
    process: Arc<Process>,
    found: ResolvedHandle,
    position: u64,
    start: *const u8,
    len_bytes: usize,
    handles: usize,
}

/// A [`RecvBuf`] that takes no bytes: for a message that was read in place. Its caller gets the handles from
/// [`finish`].
struct NoBytes;

// SAFETY: no method panics, waits or calls this library; none of them has any effect.
unsafe impl RecvBuf for NoBytes {
    unsafe fn reserve(&mut self, _len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        Some(&mut [])
    }

    fn takes_handles(&self, _count: usize) -> bool {
        true
    }

    unsafe fn advance(&mut self, _len: usize) {}

    fn handle(&mut self, _handle: Received) {}
}

pub(crate) fn receive_in_place(thread: &Thread, found: ResolvedHandle, rights: Rights) -> Result<InPlace> {
    let inside = thread.inside();
    let mut reader = Reader::enter(thread, found, rights, &inside)?;
    let position = read::next_message(&mut reader)?;
    let place = reader::place_seen(&mut reader, position)?;
    let message = place.message(thread)?;
    let (start, len_bytes) = (message.payload.as_ptr(), message.header.length());
    let handles = message.header.handles();
    reader.cursor.back.remove(&position);
    reader.cursor.in_place_reads.insert(position);
    // Relaxed: a thread that reads a value other than 0 checks again under the lock.
    reader.endpoint.out_of_order.store(reader.cursor.out_of_order(), Relaxed);
    Ok(InPlace { process: thread.process.clone(), found, position, start, len_bytes, handles })
}

pub(crate) fn finish(thread: &Thread, message: &InPlace, each: &mut dyn FnMut(Received)) -> Result<()> {
    let inside = thread.inside();
    let mut reader = Reader::enter(thread, message.found, Rights::empty(), &inside)?;
    if !reader.cursor.in_place_reads.contains(message.position) {
        return Err(Error::BadHandle);
    }
    let (position, mut arrived) = (message.position, Arrivals::new());
    let taken = read::take(&mut reader, position, &mut NoBytes, &mut arrived, OnOverflow::Keep);
    // The claim ends in both cases. A message that was not taken goes back to the plain reads.
    reader.cursor.in_place_reads.remove(message.position);
    if taken.is_err() {
        reader.cursor.release(message.position);
    }
    reply::update_out_of_order(&reader)?;
    drop(reader);
    arrived.drain(..).for_each(each);
    taken.map(drop)
}

// SAFETY: `start` points into the arena, which `process` keeps mapped, at memory that is only read.
unsafe impl Send for InPlace {}

// SAFETY: as for `Send`.
unsafe impl Sync for InPlace {}

impl InPlace {
    /// The message's size in bytes.
    pub fn len(&self) -> usize {
        self.len_bytes
    }

    /// Whether the message has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len_bytes == 0
    }

    /// How many handles it carries.
    pub fn handle_count(&self) -> usize {
        self.handles
    }

    /// Copies bytes out, from `offset` on.
    ///
    /// # Errors
    /// `OutOfRange` when they reach past the message's end; `BadHandle` when the channel, and the message with it, has
    /// been closed or sent away meanwhile; `BadState` in a forked child.
    pub fn read_at(&self, offset: usize, bytes: &mut [u8]) -> Result<()> {
        let end = offset.saturating_add(bytes.len());
        if end > self.len_bytes {
            return Err(Error::out_of_range("the end of the read", end, self.len_bytes));
        }
        self.process.require_here()?;
        // SAFETY: `message` checked that `len_bytes` lie behind `start`, in the arena; `bytes` is private, so
        // they do not overlap.
        unsafe { core::ptr::copy_nonoverlapping(self.start.add(offset), bytes.as_mut_ptr(), bytes.len()) };
        // ORDER: Acquire keeps the reads of the copy before the load of the entry below.
        fence(Acquire);
        // If the handle is still there, the message stayed in place during the copy.
        if lookup::is_current_in(&self.process, self.found) { Ok(()) } else { Err(Error::BadHandle) }
    }

    /// The bytes, in place.
    ///
    /// # Errors
    /// `BadState` in a forked child.
    ///
    /// # Safety
    /// While the slice lives, the sender must not write to the bytes, and the channel must not be closed or sent away.
    /// Cooperating processes keep this rule; with others, use [`read_at`](Self::read_at). A child that is forked while
    /// the slice lives must not use it.
    pub unsafe fn as_slice(&self) -> Result<&[u8]> {
        self.process.require_here()?;
        // SAFETY: `len_bytes` initialised bytes lie behind `start` (checked in `message`); the caller vouches
        // for the sender.
        Ok(unsafe { core::slice::from_raw_parts(self.start, self.len_bytes) })
    }
}

impl core::fmt::Debug for InPlace {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InPlace").field("bytes", &self.len_bytes).field("handles", &self.handles).finish()
    }
}
