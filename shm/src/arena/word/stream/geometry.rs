//! The size of a stream: how many elements it holds at most, and of how many bytes each.

use crate::arena::error::{Error, Result};
use crate::arena::word::{Field, debug_as_fields};

/// The most bytes that a stream holds.
const MOST_BYTES: u64 = 1 << 18;

/// The size of a stream, as its creator wrote it. All-zero is no stream's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry(pub(crate) u64);

debug_as_fields!(Geometry { elements, element_bytes });

impl Geometry {
    const ELEMENTS: Field<32, 32> = Field;
    const ELEMENT_BYTES: Field<0, 32> = Field;

    pub(crate) fn new(elements: u64, element_bytes: u64) -> Self {
        Self(Self::ELEMENTS.of(elements) | Self::ELEMENT_BYTES.of(element_bytes))
    }

    /// The same, if it is one that a creator writes (P5).
    #[inline(always)]
    pub(crate) fn checked(self) -> Result<Self> {
        // Both have 32 bits, so the product does not overflow.
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
}
