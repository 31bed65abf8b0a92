//! A message in pieces.

use super::{MAX_MSG_BYTES, MAX_MSG_IOVEC};
use crate::detail;
use crate::types::status::Status;
use smallvec::SmallVec;
use std::fmt;
use std::ops::Deref;

/// A message of up to this size is gathered without an allocation.
const SMALL: usize = 512;

/// A piece of a message (`zx_channel_iovec_t`): bytes that are borrowed.
///
/// ```
/// use jacinth::ChannelIoSlice;
///
/// let piece = ChannelIoSlice::new(b"head");
/// assert_eq!(&*piece, b"head");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChannelIoSlice<'a>(&'a [u8]);

impl<'a> ChannelIoSlice<'a> {
    /// These bytes.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(ChannelIoSlice::new(b"head").len(), 4);
    /// ```
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes of all `slices`, one after another.
    pub(super) fn gather(slices: &[Self]) -> Result<SmallVec<[u8; SMALL]>, Status> {
        if slices.len() > MAX_MSG_IOVEC {
            return Err(detail::because(Status::OUT_OF_RANGE, "a message has at most MAX_MSG_IOVEC slices"));
        }
        let total = slices.iter().fold(0_usize, |total, slice| total.saturating_add(slice.len()));
        if total > MAX_MSG_BYTES {
            return Err(detail::because(Status::OUT_OF_RANGE, "a message has at most MAX_MSG_BYTES bytes"));
        }
        let mut bytes = SmallVec::with_capacity(total);
        slices.iter().for_each(|slice| bytes.extend_from_slice(slice));
        Ok(bytes)
    }
}

impl Deref for ChannelIoSlice<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl<'a> From<&'a [u8]> for ChannelIoSlice<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for ChannelIoSlice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
