//! The two words of a ring: the header of a message, and the link between segments.
//!
//! ## The header of a message
//!
//! ```text
//!     63       62      61          32 31     25 24            0
//! ┌────────┬──────────┬──────────────┬─────────┬───────────────┐
//! │consumed│ in block │ lap          │ handles │ length, bytes │
//! └────────┴──────────┴──────────────┴─────────┴───────────────┘
//! ```
//!
//! | header | written by | how |
//! |---|---|---|
//! | any → 0 | the producer, which takes a block for a segment | store, before it links the segment |
//! | 0, or the lap before → this lap | the producer, after bytes and handles | store, Release: **sends the message** |
//! | → CONSUMED | the consumer, for a message ahead of the head | store, Release: receives it |
//!
//! A slot is used again and again, once in each *lap* of its segment. A header shows a message only if it has the lap of
//! the position that is asked for. The first lap is 1, so a header of 0 shows none. 30 bits are enough: a header is of
//! the lap before, or of this one.
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

debug_as_fields!(MessageHeader { length, handles, lap, is_in_block, is_consumed });

impl MessageHeader {
    const LENGTH: Field<0, 25> = Field;
    const HANDLES: Field<25, 7> = Field;
    const LAP: Field<32, 30> = Field;
    const IN_BLOCK: u64 = 1 << 62;
    /// Consumed out of order, while messages ahead of it were still pending.
    pub(crate) const CONSUMED: u64 = 1 << 63;

    /// The header of a message, without a lap. `is_in_block`: bytes and handles are in a payload block.
    #[inline(always)]
    pub(crate) fn new(length: usize, handles: usize, is_in_block: bool) -> Self {
        let in_block = if is_in_block { Self::IN_BLOCK } else { 0 };
        Self(Self::LENGTH.of(length as u64) | Self::HANDLES.of(handles as u64) | in_block)
    }

    /// The same, in this lap.
    #[inline(always)]
    pub(crate) fn in_lap(self, lap: u64) -> Self {
        Self(Self::LAP.set(self.0, lap))
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
    pub(crate) fn lap(self) -> u64 {
        Self::LAP.get(self.0)
    }

    /// Whether its lap is the low bits of `lap`.
    #[inline(always)]
    pub(crate) fn is_of_lap(self, lap: u64) -> bool {
        self.lap() == lap & Field::<32, 30>::MAX
    }

    /// Whether the message has no handles and is not consumed.
    #[inline(always)]
    pub(crate) fn is_plain(self) -> bool {
        self.0 & (Self::HANDLES.set(0, u64::MAX) | Self::CONSUMED) == 0
    }

    #[inline(always)]
    pub(crate) fn is_in_block(self) -> bool {
        self.0 & Self::IN_BLOCK != 0
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

    #[test]
    fn a_header_keeps_all_its_fields() {
        let header = MessageHeader::new(16 << 20, 64, true).in_lap(u64::MAX);
        assert_eq!((header.length(), header.handles(), header.is_in_block()), (16 << 20, 64, true));
        assert!(header.is_of_lap(u64::MAX) && !header.is_of_lap(0));
        assert!(!header.is_consumed());
        assert!(MessageHeader(header.0 | MessageHeader::CONSUMED).is_consumed());
        assert!(!MessageHeader(0).is_of_lap(1));
    }
}
