//! A place for an item of a stream: which item it is for, and the block of that item's bytes.
//!
//! ```text
//!  VACANT(lap) ──▶ HOLDING(lap, block) ──▶ VACANT(lap + 1) ──▶ …
//!        link: commits a write of a shared end     cleared: all bytes of the item are read
//! ```
//!
//! Each transition is one CAS of the whole word. The first place of a stream has lap 0, so that a zero body is an empty
//! stream; the places of a block begin with lap 1, so that zero is no word of theirs.

use crate::arena::word::block::BlockId;
use crate::arena::word::{Field, debug_as_fields};

/// The word of a place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ItemWord(pub(crate) u64);

debug_as_fields!(ItemWord { lap, block });

impl ItemWord {
    const HOLDING: Field<63, 1> = Field;
    const LAP: Field<28, 35> = Field;
    const BLOCK: Field<0, 28> = Field;

    pub(crate) fn vacant(lap: u64) -> Self {
        Self(Self::LAP.of(lap))
    }

    pub(crate) fn holding(lap: u64, block: BlockId) -> Self {
        Self(Self::HOLDING.of(1) | Self::LAP.of(lap) | Self::BLOCK.of(block.to_link()))
    }

    /// The place after its item was read: it waits for an item of the next lap.
    pub(crate) fn cleared(self) -> Self {
        Self::vacant(self.lap() + 1)
    }

    pub(crate) fn lap(self) -> u64 {
        Self::LAP.get(self.0)
    }

    /// How many laps it is ahead of `lap`; negative: behind. Laps wrap.
    #[inline(always)]
    pub(crate) fn laps_ahead_of(self, lap: u64) -> i64 {
        const SPARE_BITS: u32 = 64 - 35;
        (self.lap().wrapping_sub(lap) << SPARE_BITS) as i64 >> SPARE_BITS
    }

    /// The block of the item. `None`: the place is vacant.
    #[inline(always)]
    pub(crate) fn block(self) -> Option<BlockId> {
        if Self::HOLDING.get(self.0) == 0 { None } else { BlockId::from_link(Self::BLOCK.get(self.0)) }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::size_class::SizeClass;
    use crate::arena::word::block::BlockIndex;

    #[test]
    fn laps_are_compared_across_the_wrap() {
        let block = BlockId::new(SizeClass::new(3), BlockIndex(7));
        let last = ItemWord::holding((1 << 35) - 1, block);
        assert_eq!((last.laps_ahead_of((1 << 35) - 2), last.block()), (1, Some(block)));
        let next = last.cleared();
        assert_eq!((next.lap(), next.laps_ahead_of((1 << 35) - 1), next.block()), (0, 1, None));
        assert_eq!((ItemWord(0).laps_ahead_of(1), ItemWord(0)), (-1, ItemWord::vacant(0)));
    }
}
