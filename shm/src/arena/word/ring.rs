//! The two words of a ring: the header of a message, and the link between segments.
//!
//! ## The header of a message
//!
//! ```text
//!  63 60 59          32 31     25 24            0
//! ┌─────┬──────────────┬─────────┬───────────────┐
//! │flags│ block link   │ handles │ length, bytes │
//! └─────┴──────────────┴─────────┴───────────────┘
//! ```
//! The producer writes a header before its tail passes it. From then on only the consumer changes it, and only to mark
//! a message that it has consumed out of order.
//!
//! ## The link of a segment
//!
//! ```text
//!  link of a segment:   63      48 47        32 31          0
//!                      ┌──────────┬────────────┬─────────────┐
//!                      │ 0        │ end, low 16│ next segment│     0: it is the last
//!                      └──────────┴────────────┴─────────────┘
//! ```
//!
//! | link | written by | how |
//! |---|---|---|
//! | 0 → (end, next) | the producer, which leaves the segment at `end` | store, Release, under its list intent |
//! | (end, next) → (end, the one after next) | the consumer, when every message of the next was CONSUMED | store, Release, under its list intent |
//!
//! A segment's *end* is the position that the producer would have written there next. While no segment between two has
//! been removed, it is the position where the next one starts. A segment of which all messages were consumed out of
//! order is removed from the middle. The positions from the end of the segment before it to the start of the segment
//! after it are a *gap*: all of them were consumed.
//!
//! The low 16 bits are enough. The messages of a segment that the head has not passed are fewer than 2¹⁴. So the end is
//! the first position with these low bits at or after the head. If the head is before the segment, it is the first such
//! position at or after the segment's first one.
//!
//! INV-CHAIN-1: a link that is not 0 keeps its end, and the next segment starts at that end or after it.

use crate::arena::word::block::BlockId;
use crate::arena::word::{Field, debug_as_fields};

/// A transaction id, which pairs a reply with its call: the first four bytes of both messages. The ids that calls choose
/// are 0x8000_0000 and up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Txid(pub u32);

/// A message's header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageHeader(pub(crate) u64);

debug_as_fields!(MessageHeader { length, handles, block, is_consumed });

impl MessageHeader {
    const LENGTH: Field<0, 25> = Field;
    const HANDLES: Field<25, 7> = Field;
    const BLOCK: Field<32, 28> = Field;
    /// Consumed out of order, while messages ahead of it were still pending.
    pub(crate) const CONSUMED: u64 = 1 << 60;

    #[inline(always)]
    pub(crate) fn new(length: usize, handles: usize, block: Option<BlockId>) -> Self {
        let block = block.map_or(0, BlockId::to_link);
        Self(Self::LENGTH.of(length as u64) | Self::HANDLES.of(handles as u64) | Self::BLOCK.of(block))
    }

    #[inline(always)]
    pub(crate) fn length(self) -> usize {
        Self::LENGTH.get(self.0) as usize
    }

    #[inline(always)]
    pub(crate) fn handles(self) -> usize {
        Self::HANDLES.get(self.0) as usize
    }

    #[inline(always)]
    pub(crate) fn block(self) -> Option<BlockId> {
        BlockId::from_link(Self::BLOCK.get(self.0))
    }

    #[inline(always)]
    pub(crate) fn is_consumed(self) -> bool {
        self.0 & Self::CONSUMED != 0
    }
}

/// A value of a segment's link.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentLink(pub(crate) u64);

debug_as_fields!(SegmentLink { next });

impl SegmentLink {
    const NEXT: Field<0, 32> = Field;
    const END: Field<32, 16> = Field;

    /// The producer continues in `next` at `end`.
    pub(crate) fn new(next: BlockId, end: u64) -> Self {
        Self(Self::NEXT.of(next.to_link()) | Self::END.of(end))
    }

    /// The same end, with the next segment of `other`.
    pub(crate) fn passing_to(self, other: Self) -> Self {
        Self(Self::NEXT.set(self.0, Self::NEXT.get(other.0)))
    }

    /// The next segment as a plain link.
    pub(crate) fn next_link(self) -> u64 {
        Self::NEXT.get(self.0)
    }

    pub(crate) fn next(self) -> Option<BlockId> {
        BlockId::from_link(self.next_link())
    }

    /// The end, which is at or after `from`.
    #[inline]
    pub(crate) fn end(self, from: u64) -> u64 {
        from + (Self::END.get(self.0).wrapping_sub(from) & Field::<32, 16>::MAX)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::size_class::SizeClass;
    use crate::arena::word::block::BlockIndex;

    #[test]
    fn a_header_keeps_all_its_fields() {
        let block = BlockId::new(SizeClass::new(16), BlockIndex(77));
        let header = MessageHeader::new(16 << 20, 64, Some(block));
        assert_eq!((header.length(), header.handles(), header.block()), (16 << 20, 64, Some(block)));
        assert!(!header.is_consumed());
        assert!(MessageHeader(header.0 | MessageHeader::CONSUMED).is_consumed());
        assert_eq!(MessageHeader::new(0, 0, None), MessageHeader(0));
    }
}
