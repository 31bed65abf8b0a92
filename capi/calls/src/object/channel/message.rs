//! The memory of a caller's messages: bytes to send, and buffers for a received message.

use crate::object::handle::{check_handle, close_listed};
use crate::types::{zx_handle_info_t, zx_handle_t};
use crate::user_memory::{UserIn, UserOut};
use arrayvec::ArrayVec;
use jacinth::{MAX_MSG_BYTES, MAX_MSG_HANDLES, ObjectType, Rights, Status, raw};
use std::cell::Cell;
use std::mem::MaybeUninit;
use zerocopy::IntoBytes;

/// One byte more than a message may have. It stands for every message that is too long.
static TOO_LONG: [u8; MAX_MSG_BYTES + 1] = [0; MAX_MSG_BYTES + 1];

/// The bytes of a message to send.
///
/// An error of the channel comes before the error of a message that is too long. `jacinth` checks both in that order, so
/// this passes a message that is too long on, without reading it.
pub(super) fn message_bytes<'a>(bytes: UserIn<u8>, num_bytes: u32) -> Result<&'a [u8], Status> {
    if num_bytes as usize > MAX_MSG_BYTES { Ok(&TOO_LONG) } else { bytes.slice(num_bytes as usize) }
}

/// The status of a call whose memory is bad. As in Zircon, errors of the handle and of the sizes come first.
#[cold]
pub(super) fn error_before_bad_memory(
    handle: zx_handle_t,
    rights: Rights,
    num_bytes: u32,
    num_handles: u32,
) -> Status {
    let is_too_long = num_bytes as usize > MAX_MSG_BYTES || num_handles as usize > MAX_MSG_HANDLES;
    match check_handle(handle, ObjectType::CHANNEL, rights) {
        Err(status) => status,
        Ok(()) if is_too_long => Status::OUT_OF_RANGE,
        Ok(()) => Status::INVALID_ARGS,
    }
}

/// The handles of a message to send. One more than a message may have stands for every list that is too long.
pub(super) type Handles = ArrayVec<zx_handle_t, { MAX_MSG_HANDLES + 1 }>;

/// Closes the handles of a list that did not fit into [`Handles`]: the call has refused the list.
#[inline]
pub(super) fn close_beyond(loaded: &Handles, handles: UserIn<zx_handle_t>, num_handles: u32) {
    let num_handles = num_handles as usize;
    if loaded.len() < num_handles {
        // A value that is no handle is ignored.
        let _ = close_listed(handles, loaded.len()..num_handles, raw::close_when_returned);
    }
}

/// Closes the handles of a message that is not sent. The call has consumed them, so an end of a channel whose memory is lent is
/// closed when that memory comes back.
#[cold]
pub(super) fn close_unsent(handles: &[zx_handle_t]) {
    for handle in handles {
        // A value that is no handle is ignored.
        let _ = raw::close_when_returned(*handle);
    }
}

/// The form in which a read stores a handle.
pub(super) trait ReceivedHandle: IntoBytes {
    fn from_received(received: raw::Received) -> Self;
}

impl ReceivedHandle for zx_handle_t {
    fn from_received(received: raw::Received) -> Self {
        received.value.0
    }
}

impl ReceivedHandle for zx_handle_info_t {
    fn from_received(received: raw::Received) -> Self {
        Self {
            handle: received.value.0,
            r#type: received.class.number().into(),
            rights: received.rights.bits(),
            unused: 0,
        }
    }
}

/// The caller's buffers. They are checked when a message is known to fit.
pub(super) struct Buffers<H> {
    bytes: UserOut<u8>,
    num_bytes: usize,
    handles: UserOut<H>,
    num_handles: usize,
    /// How many bytes were received.
    received_bytes: usize,
    /// How many handles were received.
    received_handles: usize,
    /// A message fits, but the memory of a buffer is bad.
    has_bad_memory: Cell<bool>,
}

impl<H: ReceivedHandle> Buffers<H> {
    #[inline]
    pub(super) fn new(bytes: UserOut<u8>, num_bytes: u32, handles: UserOut<H>, num_handles: u32) -> Self {
        Self {
            bytes,
            num_bytes: num_bytes as usize,
            handles,
            num_handles: num_handles as usize,
            received_bytes: 0,
            received_handles: 0,
            has_bad_memory: Cell::new(false),
        }
    }

    pub(super) fn received_bytes(&self) -> usize {
        self.received_bytes
    }

    pub(super) fn received_handles(&self) -> usize {
        self.received_handles
    }

    /// Whether a message failed to fit only because the memory of a buffer is bad.
    pub(super) fn has_bad_memory(&self) -> bool {
        self.has_bad_memory.get()
    }

    /// Whether one of the buffers shares memory with these bytes.
    pub(super) fn overlap(&self, bytes: &[u8]) -> bool {
        let (start, end) = (bytes.as_ptr().addr(), bytes.as_ptr_range().end.addr());
        let overlaps = |from: usize, to: usize| from < end && start < to;
        overlaps(self.bytes.address(), self.bytes.element(self.num_bytes).address())
            || overlaps(self.handles.address(), self.handles.element(self.num_handles).address())
    }
}

// SAFETY: the methods neither panic nor wait.
unsafe impl<H: ReceivedHandle> raw::RecvBuf for Buffers<H> {
    #[inline(always)]
    unsafe fn reserve(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        if len > self.num_bytes {
            return None;
        }
        let buffer = self.bytes.buffer(len).ok();
        self.has_bad_memory.set(self.has_bad_memory.get() || buffer.is_none());
        buffer
    }

    #[inline(always)]
    fn takes_handles(&self, count: usize) -> bool {
        if count > self.num_handles {
            return false;
        }
        let is_writable = count == 0 || self.handles.is_writable(count);
        self.has_bad_memory.set(self.has_bad_memory.get() || !is_writable);
        is_writable
    }

    #[inline(always)]
    unsafe fn advance(&mut self, len: usize) {
        self.received_bytes = len;
    }

    fn handle(&mut self, handle: raw::Received) {
        // `takes_handles` has checked the memory.
        let _ = self.handles.element(self.received_handles).store(H::from_received(handle));
        self.received_handles += 1;
    }
}
