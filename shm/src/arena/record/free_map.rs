//! The words of a map of free things, and how many of them a map of a given size has.
//!
//! A map is a tree of bits: a bit of a leaf says that a thing may be free, and a bit of an inner word that the word below it is
//! not zero. The rules by which it is kept are those of `memory/free_map`.

use crate::arena::region::Shared;
use crate::sync::AtomicU64;
use arrayvec::ArrayVec;

/// Things, or words, that one word speaks of: few in models, where there are few things.
pub(crate) const WORD_BITS: usize = if cfg!(loom) { 2 } else { 64 };

/// Enough for 2²³ things.
const MOST_LEVELS: usize = if cfg!(loom) { 12 } else { 4 };

/// A word of the map.
#[derive(Debug, Default)]
#[repr(transparent)]
pub(crate) struct MapWord(pub(crate) AtomicU64);

// SAFETY: one atomic word; zero is its default.
unsafe impl Shared for MapWord {}

/// Where the levels of a map lie, in private memory.
#[derive(Clone, Debug)]
pub(crate) struct MapLayout {
    /// From the leaves up.
    pub(crate) levels: ArrayVec<Level, MOST_LEVELS>,
    pub(crate) words: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    /// Its first word's place. The top comes first, so that a small map, and the beginning of a large one, are few pages.
    pub(crate) first: usize,
    /// Its bits that mean something: the things, or the words of the level below.
    pub(crate) bits: usize,
}

impl Level {
    /// The bits of its word `index` that mean something (P5: the others may be anything).
    pub(crate) fn meaningful(self, index: usize) -> u64 {
        match self.bits - index * WORD_BITS {
            bits if bits < WORD_BITS => (1 << bits) - 1,
            _ => u64::MAX >> (64 - WORD_BITS),
        }
    }
}

impl MapLayout {
    /// A map of so many things, at least one.
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
