//! The id of a block, and the word that names the block's owner.
//!
//! ```text
//!  INVALID ──▶ OWNED(t) ──▶ BOUND(direction) ──▶ FREE ──▶ OWNED(t) …
//!  (never    │    │   list intent      list intent ▲
//!   used)  taking └────────────────────────────────┘   the owner died before the block was linked
//! ```
//!
//! Each transition is one compare-and-swap of the whole word. The generation grows each time the block becomes FREE, so
//! an intent that names an exact word frees the block at most once (INV-BLOCK-2).

use crate::arena::size_class::SizeClass;
use crate::arena::word::reference::{ObjectRef, Tag};
use crate::arena::word::{Field, debug_as_fields};
use core::ops::Range;

/// The index of a block among the blocks of its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockIndex(pub u32);

impl BlockIndex {
    #[inline(always)]
    pub(crate) const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

/// The id of a block: its class and its index in the class.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BlockId(u32);

impl BlockId {
    const INDEX_BITS: u32 = 22;

    #[inline(always)]
    pub(crate) const fn new(class: SizeClass, index: BlockIndex) -> Self {
        Self((class.index() as u32) << Self::INDEX_BITS | index.0)
    }

    #[inline(always)]
    pub(crate) const fn class(self) -> SizeClass {
        SizeClass::new((self.0 >> Self::INDEX_BITS) as u16)
    }

    #[inline(always)]
    pub(crate) const fn index(self) -> BlockIndex {
        BlockIndex(self.0 & ((1 << Self::INDEX_BITS) - 1))
    }

    #[inline(always)]
    pub(crate) const fn bytes(self) -> usize {
        self.class().bytes()
    }

    /// As a link in the arena: 28 bits, where 0 is no block.
    #[inline(always)]
    pub(crate) const fn to_link(self) -> u64 {
        self.0 as u64 + 1
    }

    #[inline(always)]
    pub(crate) const fn from_link(link: u64) -> Option<Self> {
        match link {
            0 => None,
            // The lookup of the block refuses a number past every block.
            link => Some(Self(if link > u32::MAX as u64 { u32::MAX } else { (link - 1) as u32 })),
        }
    }

    pub(crate) fn from_link_or_first(link: u64) -> Self {
        Self::from_link(link).unwrap_or(Self(0))
    }
}

impl core::fmt::Debug for BlockId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}/{}", self.class().index(), self.index().0)
    }
}

/// Neighbouring blocks of one class.
#[derive(Clone, Debug)]
pub(crate) struct BlockRun {
    pub(crate) class: SizeClass,
    pub(crate) indices: Range<u32>,
}

impl BlockRun {
    pub(crate) fn first(&self) -> BlockId {
        BlockId::new(self.class, BlockIndex(self.indices.start))
    }

    /// The blocks, from the lowest index to the highest.
    #[inline(always)]
    pub(crate) fn blocks(&self) -> impl DoubleEndedIterator<Item = BlockId> + use<> {
        let class = self.class;
        self.indices.clone().map(move |index| BlockId::new(class, BlockIndex(index)))
    }
}

/// A value of `Descriptor::state`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockWord(pub(crate) u64);

debug_as_fields!(BlockWord { state, generation });

/// The states of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockState {
    Invalid,
    Free,
    /// A thread has taken it and has not linked it yet.
    Owned(Tag),
    /// Part of the direction that this side writes.
    Bound(ObjectRef),
}

impl BlockWord {
    const STATE: Field<60, 4> = Field;
    const GENERATION: Field<28, 32> = Field;
    const OWNER: Field<0, 24> = Field;

    pub(crate) fn state(self) -> BlockState {
        let owner = Self::OWNER.get(self.0);
        match Self::STATE.get(self.0) {
            1 => BlockState::Free,
            2 => BlockState::Owned(Tag((owner & Tag::MAX) as u16)),
            3 => BlockState::Bound(ObjectRef(owner as u32)),
            _ => BlockState::Invalid,
        }
    }

    /// The word of a never used block, in its first generation.
    pub(crate) fn invalid(generation: u64) -> Self {
        Self(Self::GENERATION.of(generation))
    }

    pub(crate) fn generation(self) -> u64 {
        Self::GENERATION.get(self.0)
    }

    fn of_generation(self, state: u64, owner: u64) -> Self {
        let generation = Self::GENERATION.of(Self::GENERATION.get(self.0));
        Self(Self::STATE.of(state) | Self::OWNER.of(owner) | generation)
    }

    pub(crate) fn owned(self, tag: Tag) -> Self {
        self.of_generation(2, tag.0.into())
    }

    pub(crate) fn bound(self, from: ObjectRef) -> Self {
        self.of_generation(3, from.0.into())
    }

    /// FREE, for the next generation.
    pub(crate) fn freed(self) -> Self {
        let generation = Self::GENERATION.get(self.0) + 1;
        Self(Self::STATE.of(1) | Self::GENERATION.of(generation))
    }
}
