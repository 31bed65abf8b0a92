//! Where received messages go: buffers of a fixed size, or vectors that grow to fit.

use crate::arena::segment::MAX_MESSAGE_HANDLES;
use crate::object::arrive::Received;
use arrayvec::ArrayVec;
use core::mem::MaybeUninit;

/// How a read treats a message that its buffers cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnOverflow {
    /// It stays the next message.
    Keep,
    /// It is discarded, with its handles (`ZX_CHANNEL_READ_MAY_DISCARD`).
    Discard,
}

/// The handles that came in one message, until they are handed over.
pub(crate) type Arrivals = ArrayVec<Received, MAX_MESSAGE_HANDLES>;

/// Where a read puts a message's bytes and handles.
///
/// # Safety
/// All but [`handle`](Self::handle) are called inside the read, under a lock of this process, and `handle` is where a
/// handle would be lost: so none of them panics, waits for another thread, or makes a call of this library. Whoever
/// only wants a message somewhere takes [`SliceBuf`](crate::SliceBuf) or [`VecBuf`](crate::VecBuf).
pub unsafe trait RecvBuf {
    /// Room for `len` bytes, or `None` if there is not that much.
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]>;
    /// Whether a message with this many handles is welcome.
    fn takes_handles(&self, count: usize) -> bool;
    /// The first `len` bytes of the room have been written.
    ///
    /// # Safety
    /// They have.
    unsafe fn filled(&mut self, len: usize);
    /// One of the message's handles. Called when the read is over.
    fn handle(&mut self, handle: Received);
}

/// Buffers of a fixed size: a message that does not fit is `BufferTooSmall`.
#[derive(Debug)]
pub struct SliceBuf<'a> {
    bytes: &'a mut [u8],
    handles: &'a mut [Option<Received>],
    received: usize,
}

impl<'a> SliceBuf<'a> {
    /// Receives into these buffers.
    pub fn new(bytes: &'a mut [u8], handles: &'a mut [Option<Received>]) -> Self {
        Self { bytes, handles, received: 0 }
    }
}

// SAFETY: nothing here panics or waits, but for what allocating may do.
unsafe impl RecvBuf for SliceBuf<'_> {
    #[inline(always)]
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        let room = self.bytes.get_mut(..len)?;
        // SAFETY: initialised bytes are valid as possibly uninitialised ones, and receiving only ever writes
        // initialised bytes through the slice.
        Some(unsafe { &mut *(core::ptr::from_mut(room) as *mut [MaybeUninit<u8>]) })
    }

    #[inline(always)]
    fn takes_handles(&self, count: usize) -> bool {
        count <= self.handles.len()
    }

    #[inline(always)]
    unsafe fn filled(&mut self, _len: usize) {}

    fn handle(&mut self, handle: Received) {
        if let Some(place) = self.handles.get_mut(self.received) {
            *place = Some(handle);
            self.received += 1;
        }
    }
}

/// Vectors that are emptied and then grow to fit whatever comes.
#[derive(Debug)]
pub struct VecBuf<'a> {
    bytes: &'a mut Vec<u8>,
    handles: &'a mut Vec<Received>,
}

impl<'a> VecBuf<'a> {
    /// Receives into these vectors, which lose what they held.
    pub fn new(bytes: &'a mut Vec<u8>, handles: &'a mut Vec<Received>) -> Self {
        bytes.clear();
        handles.clear();
        Self { bytes, handles }
    }
}

// SAFETY: nothing here panics or waits, but for what allocating may do.
unsafe impl RecvBuf for VecBuf<'_> {
    #[inline(always)]
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.bytes.reserve(len);
        self.bytes.spare_capacity_mut().get_mut(..len)
    }

    #[inline(always)]
    fn takes_handles(&self, _count: usize) -> bool {
        true
    }

    #[inline(always)]
    unsafe fn filled(&mut self, len: usize) {
        // SAFETY: `room` made this capacity, and the caller has written the first `len` bytes of it.
        unsafe { self.bytes.set_len(len) };
    }

    fn handle(&mut self, handle: Received) {
        self.handles.push(handle);
    }
}
