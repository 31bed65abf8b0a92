//! A place of a port's ring.

use crate::arena::word::port::cell::{CellId, CellWord};
use crate::arena::word::{Field, debug_as_fields};

/// A place of a port's ring: in which lap it is used, and the cell whose packet lies there.
///
/// All-zero is a place of the first lap that holds no packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RingWord(pub(crate) u64);

debug_as_fields!(RingWord { lap, cell });

impl RingWord {
    const LAP: Field<41, 23> = Field;
    const CELL: Field<23, 18> = Field;
    const EPOCH: Field<0, 23> = Field;

    pub(crate) fn lap(self) -> u64 {
        Self::LAP.get(self.0)
    }

    /// How many laps it is ahead of `lap`; negative: behind. Laps wrap.
    pub(crate) fn laps_ahead_of(self, lap: u64) -> i64 {
        const HALF: i64 = 1 << 22;
        let ahead = Self::LAP.get(Self::LAP.of(self.lap().wrapping_sub(lap))) as i64;
        if ahead >= HALF { ahead - 2 * HALF } else { ahead }
    }

    /// The cell that it names. `None`: the place waits for a packet of its lap.
    pub(crate) fn cell(self) -> Option<CellId> {
        Some(Self::CELL.get(self.0) as u32).filter(|cell| *cell != 0).map(CellId::from_number)
    }

    /// Whether it was written for this packet of its cell.
    pub(crate) fn is_of(self, word: CellWord) -> bool {
        Self::EPOCH.get(self.0) == Self::EPOCH.get(word.epoch())
    }

    /// The place in `lap`, with the packet of `cell`.
    pub(crate) fn holding(lap: u64, cell: CellId, word: CellWord) -> Self {
        Self(Self::LAP.of(lap) | Self::CELL.of(cell.number().into()) | Self::EPOCH.of(word.epoch()))
    }

    /// The place after its packet was taken: it waits for a packet of the next lap.
    pub(crate) fn emptied(self) -> Self {
        Self(Self::LAP.of(self.lap() + 1))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn laps_are_compared_across_the_wrap() {
        let cell = CellId::new(1, 2);
        let last = RingWord::holding((1 << 23) - 1, cell, CellWord(0));
        assert_eq!((last.laps_ahead_of((1 << 23) - 2), last.cell()), (1, Some(cell)));
        let next = last.emptied();
        assert_eq!((next.lap(), next.laps_ahead_of((1 << 23) - 1), next.cell()), (0, 1, None));
        assert_eq!(RingWord(0).laps_ahead_of(1), -1);
        assert_eq!((RingWord(0).lap(), RingWord(0).cell()), (0, None));
    }
}
