//! The words of a map of free items, and how many words a map of a given size has.
//!
//! A map is a tree of bits. A bit of a leaf says that an item may be free. A bit of an inner word says that the word
//! below it is not zero. `memory/free_map` has the rules for changing it.

use crate::arena::region::Shared;
use crate::sync::{AtomicU64, Relaxed};
use arrayvec::ArrayVec;

/// How many items, or words, one word describes. Few in models, which have few items.
pub(crate) const WORD_BITS: usize = if cfg!(loom) { 2 } else { 64 };

/// Enough levels for 2²³ items.
const MOST_LEVELS: usize = if cfg!(loom) { 12 } else { 4 };

/// A word of the map.
#[derive(Default)]
#[repr(transparent)]
pub(crate) struct MapWord(pub(crate) AtomicU64);

// SAFETY: one atomic word; zero is its default.
unsafe impl Shared for MapWord {}

impl core::fmt::Debug for MapWord {
    /// The numbers of the bits that are set.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Relaxed: the word is shown as it is at this moment.
        let word = self.0.load(Relaxed);
        f.debug_set().entries((0..u64::BITS).filter(|bit| word & 1 << bit != 0)).finish()
    }
}

/// The levels of a map, in private memory.
#[derive(Clone, Debug)]
pub(crate) struct MapLayout {
    /// From the leaves to the top.
    pub(crate) levels: ArrayVec<Level, MOST_LEVELS>,
    pub(crate) words: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    /// The index of its first word. The top level comes first, so a small map, or the beginning of a large one, takes
    /// few pages.
    pub(crate) first: usize,
    /// How many of its bits are in use: the items, or the words of the level below.
    pub(crate) bits: usize,
}

impl Level {
    /// The bits of its word `index` that are in use. A damaged arena may have any value in the others.
    pub(crate) fn meaningful(self, index: usize) -> u64 {
        match self.bits - index * WORD_BITS {
            bits if bits < WORD_BITS => (1 << bits) - 1,
            _ => u64::MAX >> (64 - WORD_BITS),
        }
    }
}

impl MapLayout {
    /// The layout of a map for `things` items, at least one.
    pub(crate) fn new(things: usize) -> Self {
        let mut levels = ArrayVec::<Level, MOST_LEVELS>::new();
        let mut bits = things.max(1);
        loop {
            levels.push(Level { first: 0, bits });
            if bits <= WORD_BITS {
                break;
            }
            bits = bits.div_ceil(WORD_BITS);
        }
        let mut words = 0;
        for level in levels.iter_mut().rev() {
            level.first = words;
            words += level.bits.div_ceil(WORD_BITS);
        }
        Self { levels, words }
    }

    /// Words in all levels together.
    pub(crate) fn words(&self) -> usize {
        self.words
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_which_bits_are_set() {
        assert_eq!(format!("{:?}", MapWord(AtomicU64::new(0b101))), "{0, 2}");
    }
}
