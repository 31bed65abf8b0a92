//! Where received messages go: buffers of a fixed size, or vectors that grow to fit.

use crate::receive::{Received, Sink};
use core::mem::MaybeUninit;

/// Buffers of a fixed size: a message that does not fit is `BufferTooSmall`.
#[derive(Debug)]
pub struct Fixed<'a> {
    bytes: &'a mut [u8],
    handles: &'a mut [Option<Received>],
    received: usize,
}

impl<'a> Fixed<'a> {
    /// Receives into these buffers.
    pub fn new(bytes: &'a mut [u8], handles: &'a mut [Option<Received>]) -> Self {
        Self { bytes, handles, received: 0 }
    }
}

// SAFETY: nothing here panics or waits, but for what allocating may do.
unsafe impl Sink for Fixed<'_> {
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
pub struct Growing<'a> {
    bytes: &'a mut Vec<u8>,
    handles: &'a mut Vec<Received>,
}

impl<'a> Growing<'a> {
    /// Receives into these vectors, which lose what they held.
    pub fn new(bytes: &'a mut Vec<u8>, handles: &'a mut Vec<Received>) -> Self {
        bytes.clear();
        handles.clear();
        Self { bytes, handles }
    }
}

// SAFETY: nothing here panics or waits, but for what allocating may do.
unsafe impl Sink for Growing<'_> {
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
