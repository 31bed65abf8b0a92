//! Destinations of received messages: buffers of a fixed size, or vectors that grow to fit.

use crate::arena::segment::MAX_MESSAGE_HANDLES;
use crate::object::bind::Received;
use arrayvec::ArrayVec;
use core::mem::MaybeUninit;

/// The treatment of a message that the read's buffers cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnOverflow {
    /// It stays the next message.
    Keep,
    /// It is discarded, with its handles (`ZX_CHANNEL_READ_MAY_DISCARD`).
    Discard,
}

/// The handles that arrived in one message, until the caller receives them. It has room for 64: it is passed by
/// reference, and emptied by `drain`, because `into_iter` would copy all of the room.
pub(crate) type Arrivals = ArrayVec<Received, MAX_MESSAGE_HANDLES>;

/// Where a read puts a message's bytes and handles.
///
/// # Safety
/// No method may panic, wait for another thread, or call this library. All but [`handle`](Self::handle) run inside the
/// read, under a lock of this process, and a panic in `handle` would lose a handle. A caller without special needs uses
/// [`SliceBuf`] or [`VecBuf`].
pub unsafe trait RecvBuf {
    /// Room for `len` bytes, or `None` if there is less.
    ///
    /// # Safety
    /// The caller makes no byte of the room uninitialised: the room may be that of a slice of plain bytes.
    unsafe fn reserve(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]>;
    /// Whether the buffer takes a message with this many handles.
    fn takes_handles(&self, count: usize) -> bool;
    /// Reports that the first `len` bytes of the reserved room have been written.
    ///
    /// # Safety
    /// The caller has written those bytes.
    unsafe fn advance(&mut self, len: usize);
    /// Receives one of the message's handles. Called when the read is over.
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

// SAFETY: no method panics or waits, except as far as allocation may.
unsafe impl RecvBuf for SliceBuf<'_> {
    #[inline(always)]
    unsafe fn reserve(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        let room = self.bytes.get_mut(..len)?;
        // SAFETY: initialised bytes are valid as possibly uninitialised ones, and the caller makes none uninitialised.
        Some(unsafe { &mut *(core::ptr::from_mut(room) as *mut [MaybeUninit<u8>]) })
    }

    #[inline(always)]
    fn takes_handles(&self, count: usize) -> bool {
        count <= self.handles.len()
    }

    #[inline(always)]
    unsafe fn advance(&mut self, _len: usize) {}

    fn handle(&mut self, handle: Received) {
        if let Some(place) = self.handles.get_mut(self.received) {
            *place = Some(handle);
            self.received += 1;
        }
    }
}

/// Vectors that are emptied and then grow to fit the message.
#[derive(Debug)]
pub struct VecBuf<'a> {
    bytes: &'a mut Vec<u8>,
    handles: &'a mut Vec<Received>,
}

impl<'a> VecBuf<'a> {
    /// Receives into these vectors, and drops their old contents.
    pub fn new(bytes: &'a mut Vec<u8>, handles: &'a mut Vec<Received>) -> Self {
        bytes.clear();
        handles.clear();
        Self { bytes, handles }
    }
}

// SAFETY: no method panics or waits, except as far as allocation may.
unsafe impl RecvBuf for VecBuf<'_> {
    #[inline(always)]
    unsafe fn reserve(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.bytes.reserve(len);
        self.bytes.spare_capacity_mut().get_mut(..len)
    }

    #[inline(always)]
    fn takes_handles(&self, _count: usize) -> bool {
        true
    }

    #[inline(always)]
    unsafe fn advance(&mut self, len: usize) {
        // SAFETY: `reserve` made this capacity, and the caller has written the first `len` bytes of it.
        unsafe { self.bytes.set_len(len) };
    }

    fn handle(&mut self, handle: Received) {
        self.handles.push(handle);
    }
}

/// How many bytes and handles a message has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actual {
    /// The bytes.
    pub bytes: usize,
    /// The handles.
    pub handles: usize,
}

/// A buffer of a fixed size that holds no bytes yet: a message that does not fit is `BufferTooSmall`.
#[derive(Debug)]
pub struct UninitBuf<'a> {
    bytes: &'a mut [MaybeUninit<u8>],
    filled: usize,
    most_handles: usize,
    handles: Arrivals,
}

impl<'a> UninitBuf<'a> {
    /// Receives into `bytes`, and up to `most_handles` handles.
    pub fn new(bytes: &'a mut [MaybeUninit<u8>], most_handles: usize) -> Self {
        let handles = Arrivals::new();
        Self { bytes, filled: 0, most_handles: most_handles.min(handles.capacity()), handles }
    }

    /// The bytes that were received, and the handles: each made by `make`, and put into `places`, which has room for
    /// them.
    ///
    /// # Panics
    /// When `places` has less room than there are handles.
    pub fn into_received<'h, H>(
        self,
        places: &'h mut [MaybeUninit<H>],
        make: impl Fn(Received) -> H,
    ) -> (&'a mut [u8], &'h mut [H]) {
        let places = &mut places[..self.handles.len()];
        for (place, handle) in places.iter_mut().zip(self.handles) {
            place.write(make(handle));
        }
        let bytes = &mut self.bytes[..self.filled];
        // SAFETY: `advance` says that the first bytes were written, as its caller has to (`reserve` gave no more than
        // these). The loop has written each place of the shortened `places`. An initialised `MaybeUninit` has the layout
        // of its value, and the borrows last as long as those of the slices.
        unsafe {
            (&mut *(core::ptr::from_mut(bytes) as *mut [u8]), &mut *(core::ptr::from_mut(places) as *mut [H]))
        }
    }
}

// SAFETY: no method panics or waits.
unsafe impl RecvBuf for UninitBuf<'_> {
    #[inline(always)]
    unsafe fn reserve(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.bytes.get_mut(..len)
    }

    #[inline(always)]
    fn takes_handles(&self, count: usize) -> bool {
        self.handles.len() + count <= self.most_handles
    }

    #[inline(always)]
    unsafe fn advance(&mut self, len: usize) {
        self.filled = len;
    }

    fn handle(&mut self, handle: Received) {
        // A message has no more handles than the list has room for.
        let _ = self.handles.try_push(handle);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::handle::{HandleValue, Rights};
    use crate::object::ObjectClass;

    #[test]
    fn uninit_buf_takes_only_what_fits() {
        let received = |value| Received {
            value: HandleValue(value),
            rights: Rights::empty(),
            class: ObjectClass::Event,
        };
        let mut buffer = UninitBuf::new(&mut [], 3);
        assert!(buffer.takes_handles(3) && !buffer.takes_handles(4));
        (1..=2).for_each(|value| buffer.handle(received(value)));
        assert!(buffer.takes_handles(1) && !buffer.takes_handles(2), "two places are taken");
        let mut places = [const { MaybeUninit::uninit() }; 3];
        let (_, handles) = buffer.into_received(&mut places, |handle| handle.value.0);
        assert_eq!(handles, [1, 2]);
        assert!(!UninitBuf::new(&mut [], 1000).takes_handles(65), "no message has more than 64");
    }
}
