//! A message in pieces.

use super::{MAX_MSG_BYTES, MAX_MSG_IOVEC};
use crate::detail;
use crate::types::status::Status;
use arrayvec::ArrayVec;
use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

/// The bytes of a message that is gathered without an allocation.
pub(super) type Small = ArrayVec<u8, 512>;

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
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes of all `slices`, one after another: in `small` if they fit there.
    pub(super) fn gather<'s>(slices: &[Self], small: &'s mut Small) -> Result<Cow<'s, [u8]>, Status> {
        if slices.len() > MAX_MSG_IOVEC {
            return Err(detail::because(Status::OUT_OF_RANGE, "a message has at most MAX_MSG_IOVEC slices"));
        }
        let total = slices.iter().fold(0_usize, |total, slice| total.saturating_add(slice.len()));
        if total > MAX_MSG_BYTES {
            return Err(detail::because(Status::OUT_OF_RANGE, "a message has at most MAX_MSG_BYTES bytes"));
        }
        if slices.iter().all(|slice| small.try_extend_from_slice(slice).is_ok()) {
            return Ok(small.as_slice().into());
        }
        let mut bytes = Vec::with_capacity(total);
        slices.iter().for_each(|slice| bytes.extend_from_slice(slice));
        Ok(bytes.into())
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
