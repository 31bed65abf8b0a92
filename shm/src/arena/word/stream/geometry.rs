//! The size of a stream: how many elements it holds at most, and of how many bytes each. A socket's elements are bytes, and its
//! options stand beside them.

use crate::arena::error::{Error, Result};
use crate::arena::word::{Field, debug_as_fields};

/// The most bytes that a stream holds.
const MOST_BYTES: u64 = 1 << 18;

/// How many bytes a socket holds in each direction, as in Zircon.
pub const MAX_SOCKET_BYTES: usize = if cfg!(loom) { 8 } else { 257_024 };

/// How many items a direction of a socket may have in places, beside its first one. A fifo has one for each element.
const SOCKET_PLACES: u64 = if cfg!(loom) { 2 } else { 1024 };

bitflags::bitflags! {
    /// What a socket was made for. The numbers are Zircon's (`ZX_SOCKET_DATAGRAM`, …).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    pub struct SocketOptions: u8 {
        /// Each write is a datagram, which is read whole.
        const DATAGRAM = 1 << 0;
        /// The socket has a control plane: a message each way beside the data.
        const HAS_CONTROL = 1 << 1;
        /// Other sockets can be shared over the socket.
        const HAS_ACCEPT = 1 << 2;
    }
}

/// The size of a stream, as its creator wrote it. All-zero is no stream's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry(pub(crate) u64);

debug_as_fields!(Geometry { elements, element_bytes, socket_options });

impl Geometry {
    const ELEMENTS: Field<32, 32> = Field;
    const IS_SOCKET: Field<31, 1> = Field;
    const OPTIONS: Field<16, 8> = Field;
    const ELEMENT_BYTES: Field<0, 16> = Field;

    pub(crate) fn new(elements: u64, element_bytes: u64) -> Self {
        Self(Self::ELEMENTS.of(elements) | Self::ELEMENT_BYTES.of(element_bytes))
    }

    /// Of a socket that holds so many bytes in each direction.
    pub(crate) fn of_socket(bytes: u64, options: SocketOptions) -> Self {
        Self(Self::new(bytes, 1).0 | Self::IS_SOCKET.of(1) | Self::OPTIONS.of(options.bits().into()))
    }

    /// The same, if it is one that a creator writes (P5).
    #[inline(always)]
    pub(crate) fn checked(self) -> Result<Self> {
        // They have 48 bits together, so the product does not overflow.
        let bytes = self.capacity();
        if bytes == 0 || bytes > MOST_BYTES {
            Err(Error::Corrupt("a stream of an impossible size"))
        } else {
            Ok(self)
        }
    }

    /// How many elements may be unread.
    #[inline(always)]
    pub(crate) fn elements(self) -> u64 {
        Self::ELEMENTS.get(self.0)
    }

    /// The bytes of an element.
    #[inline(always)]
    pub(crate) fn element_bytes(self) -> u64 {
        Self::ELEMENT_BYTES.get(self.0)
    }

    /// How many bytes may be unread.
    #[inline(always)]
    pub(crate) fn capacity(self) -> u64 {
        self.elements() * self.element_bytes()
    }

    /// The options, if it is a socket's.
    #[inline(always)]
    pub(crate) fn socket_options(self) -> Option<SocketOptions> {
        let bits = Self::OPTIONS.get(self.0) as u8;
        (Self::IS_SOCKET.get(self.0) != 0).then(|| SocketOptions::from_bits_truncate(bits))
    }

    /// Whether it is a socket's.
    #[inline(always)]
    pub(crate) fn is_socket(self) -> bool {
        Self::IS_SOCKET.get(self.0) != 0
    }

    /// Whether a write is read whole.
    #[inline(always)]
    pub(crate) fn has_datagrams(self) -> bool {
        self.socket_options().is_some_and(|options| options.contains(SocketOptions::DATAGRAM))
    }

    /// How many places a direction has for items, beside its first one. Each item in a place has an unread element, or is to
    /// be cleared: so a fifo that has room for an element has a place for it.
    #[inline(always)]
    pub(crate) fn places(self) -> u64 {
        if self.is_socket() { SOCKET_PLACES } else { self.elements() }
    }
}
