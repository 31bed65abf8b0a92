//! Reading a message in place. The reader claims it, reads it, and then consumes it.
//!
//! The claim keeps the head from passing the message, so its slot or block stays as it is. Other reads continue with
//! the messages after it.
//!
//! **Why the bytes can be a `&[u8]`.** No code writes them while the claim stands:
//! - The handle of this end stays in this process (INV-ENDPOINT-4), and the message in the ring. So the place of the message
//!   is used for no other one: the head does not pass it, and it is not marked CONSUMED.
//! - The sender's process has nothing left to write through. A message that was copied in was written before its header
//!   was stored. A loan ends when it is sent, and with it all references to its bytes.
//! - The block, or the segment, belongs to the direction until both ends are gone (INV-RELEASE-4), also if the sender
//!   dies, whichever process recovers it. The memory stays mapped as long as the [`InPlace`] exists.
//!
//! The argument holds among processes that use this library; the whole arena rests on that trust. A process that writes
//! to the arena on its own can change the bytes under the reference, like a debugger or a write to `/proc/PID/mem`. The
//! start and the length were checked and copied before, so even then no read leaves the message's memory.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::Rights;
use crate::handle::lookup::ResolvedHandle;
use crate::object::bind::Received;
use crate::object::channel::end::Reader;
use crate::object::channel::given_up;
use crate::object::channel::read::recv_buf::{Arrivals, OnOverflow, RecvBuf};
use crate::object::channel::read::{self, reader, reply};
use crate::process::Process;
use crate::process::thread::Thread;
use crate::sync::Relaxed;
use core::mem::MaybeUninit;
use std::sync::Arc;

/// A message being read in place. It stays in the ring until [`Thread::finish`] consumes it, and the channel's handle stays in
/// this process until then.
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

/// Consumes the message. Whether the channel's handle was given up meanwhile (`object/channel/given_up`).
pub(crate) fn finish(
    thread: &Thread,
    message: InPlace,
    each: &mut dyn FnMut(Received),
) -> Result<(Result<()>, bool)> {
    let inside = thread.inside();
    let mut reader = Reader::enter(thread, message.found, Rights::empty(), &inside)?;
    let (position, mut arrived) = (message.position, Arrivals::new());
    let taken = read::take(&mut reader, position, &mut NoBytes, &mut arrived, OnOverflow::Keep);
    // The claim ends in both cases. A message that was not taken goes back to the plain reads.
    reader.cursor.in_place_reads.remove(message.position);
    if taken.is_err() {
        reader.cursor.release(message.position);
    }
    reply::update_out_of_order(&reader)?;
    let is_given_up = given_up::is_given_up(reader.endpoint, message.found);
    drop(reader);
    arrived.drain(..).for_each(each);
    Ok((taken.map(drop), is_given_up))
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

    /// The handle of its channel.
    pub(crate) fn channel(&self) -> ResolvedHandle {
        self.found
    }

    /// How many handles it carries.
    pub fn handle_count(&self) -> usize {
        self.handles
    }

    /// Copies bytes out, from `offset` on.
    ///
    /// # Errors
    /// `OutOfRange` when they reach past the message's end; `BadState` in a forked child.
    pub fn read_at(&self, offset: usize, bytes: &mut [u8]) -> Result<()> {
        let end = offset.saturating_add(bytes.len());
        if end > self.len_bytes {
            return Err(Error::out_of_range("the end of the read", end, self.len_bytes));
        }
        self.process.require_here()?;
        // SAFETY: `message` checked that `len_bytes` bytes lie at `start`, in the arena; `bytes` is private, so
        // they do not overlap.
        unsafe { core::ptr::copy_nonoverlapping(self.start.add(offset), bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    /// The bytes, in place. They begin at a multiple of 8 bytes, and those of a loan at one of 64.
    ///
    /// # Panics
    /// In a forked child, which has no arena.
    pub fn bytes(&self) -> &[u8] {
        assert!(self.process.is_here(), "a forked child has no arena, and so not its parent's messages");
        // SAFETY: `len_bytes` initialised bytes lie at `start` (checked in `message`), and no code writes them while this
        // value stands for the claim: see the top of the file.
        unsafe { core::slice::from_raw_parts(self.start, self.len_bytes) }
    }
}

impl core::fmt::Debug for InPlace {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InPlace").field("bytes", &self.len_bytes).field("handles", &self.handles).finish()
    }
}
