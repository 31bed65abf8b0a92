//! The walk along a ring: from segment to segment, from one published position to the next.
//!
//! The links are described in `word/ring`.
//!
//! INV-CHAIN-2: the head is never inside a gap: a thread that moves it to the beginning of a gap moves it to the gap's
//! end.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::object::Direction;
use crate::arena::segment::{self, Segment};
use crate::arena::word::block::BlockId;
use crate::arena::word::ring::SegmentLink;
use crate::sync::{Acquire, Relaxed};

/// A cursor along a ring: a segment, and the one after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentCursor {
    pub(crate) segment: Segment,
    /// The last known value of the head.
    head: u64,
    /// The end of the segment and the next segment, once they are known.
    behind: Option<(u64, Segment)>,
}

/// The place of a position.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ChainStep {
    /// In the cursor's segment.
    Here,
    /// In a gap, which ends here.
    Gap(u64),
    /// The cursor has moved on by one segment.
    Moved,
}

impl SegmentCursor {
    /// A cursor at the head, in `segment`, which contains the head.
    pub(crate) fn new(segment: Segment, head: u64) -> Self {
        Self { segment, head, behind: None }
    }

    /// The head has come to `head`. The producer may since have written further in the segment that contains it.
    pub(crate) fn note_head(&mut self, head: u64) {
        self.head = self.head.max(head);
    }

    /// The first position of this segment that the head has not passed.
    fn from(&self) -> u64 {
        self.head.max(self.segment.base)
    }
}

/// The segment that contains the consumer's position in `direction`, if there is one yet.
pub(crate) fn head_segment(arena: &Arena, direction: &Direction) -> Result<Option<Segment>> {
    // Relaxed: every caller has seen a tail, or a head, that lies past the segment's link.
    let left_first = direction.consumer.head_segment.load(Relaxed);
    let link = if left_first != 0 { left_first } else { direction.producer.first_segment.load(Relaxed) };
    BlockId::from_link(link).map(|block| segment::segment(arena, block)).transpose()
}

/// The end of `segment`, and the next segment, if one is linked. `from` is a position of the segment that the head has
/// not passed.
#[inline(always)]
pub(crate) fn behind(arena: &Arena, segment: &Segment, from: u64) -> Result<Option<(u64, Segment)>> {
    // ORDER: Acquire pairs with the Release in `link_segment` and in `leave_spent`.
    let link = SegmentLink(arena.descriptor(segment.block)?.link.load(Acquire));
    if link.0 == 0 { Ok(None) } else { linked(arena, segment, from, link) }
}

#[cold]
fn linked(arena: &Arena, segment: &Segment, from: u64, link: SegmentLink) -> Result<Option<(u64, Segment)>> {
    let next = link.next().ok_or(Error::Corrupt("a ring's segments end nowhere"))?;
    let next = segment::segment(arena, next)?;
    // Positions grow along the links, so a walk ends even if the arena is damaged.
    if next.base <= segment.base {
        return Err(Error::Corrupt("a ring's segments overlap"));
    }
    Ok(Some((link.end(from), next)))
}

/// Moves the cursor to the segment of a published `position`, which is not before the cursor's last one. Gives the
/// position; if it lies in a gap, gives the gap's end.
pub(crate) fn follow(arena: &Arena, way: &mut SegmentCursor, mut position: u64) -> Result<u64> {
    loop {
        match step(arena, way, position)? {
            ChainStep::Here => return Ok(position),
            ChainStep::Gap(end) => position = end,
            ChainStep::Moved => {}
        }
    }
}

/// One step of [`follow`].
pub(crate) fn step(arena: &Arena, way: &mut SegmentCursor, position: u64) -> Result<ChainStep> {
    if way.behind.is_none() {
        way.behind = behind(arena, &way.segment, way.from())?;
    }
    let Some((end, next)) = way.behind else {
        return if position.wrapping_sub(way.from()) <= way.segment.messages() {
            Ok(ChainStep::Here)
        } else {
            Err(Error::Corrupt("a ring's tail is outside its last segment"))
        };
    };
    if next.base <= position {
        *way = SegmentCursor { segment: next, behind: None, ..*way };
        return Ok(ChainStep::Moved);
    }
    // A damaged link must not give an end past the next segment, or more messages than the segment has slots.
    if end > next.base || end.wrapping_sub(way.from()) > way.segment.messages() {
        return Err(Error::Corrupt("a ring's segment ends where it cannot"));
    }
    Ok(if position < end { ChainStep::Here } else { ChainStep::Gap(next.base) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::size_class::SizeClass;
    use crate::arena::word::block::BlockIndex;

    fn block(class: u16, index: u32) -> BlockId {
        BlockId::new(SizeClass::new(class), BlockIndex(index))
    }

    #[test]
    fn low_bits_identify_a_segments_end() {
        for (from, end) in
            [(0, 0), (0, 8192), (65_530, 65_540), ((1 << 40) + 65_535, (1 << 40) + 65_535 + 8192)]
        {
            assert_eq!(SegmentLink::new(block(3, 5), end).end(from), end);
        }
    }

    #[test]
    fn a_passed_on_link_keeps_its_end() {
        let (link, other) = (SegmentLink::new(block(1, 1), 100), SegmentLink::new(block(2, 2), 900));
        let passed = link.passing_to(other);
        assert_eq!((passed.next(), passed.end(90)), (Some(block(2, 2)), 100));
    }
}
