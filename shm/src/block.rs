//! Blocks: runs of lines in power-of-two classes, for ring segments, large payloads and loans.
//!
//! A block belongs to one *direction* of one channel from the moment it joins it until the direction gives it
//! back. Sending and receiving do not change that: the producer knows which of its blocks are in flight, and a
//! head that has passed a message returns the message's block. So a stream of large messages allocates
//! nothing, touches no shared word but the ring's, and a death loses no block: the channel's end frees them.
//!
//! ```text
//!  INVALID ──▶ OWNED(t) ──▶ BOUND(direction) ──▶ FREE ──▶ OWNED(t) …
//!  (virgin)       │    join intent      leave intent ▲
//!                 └──────────────────────────────────┘   the owner died before the join
//! ```
//!
//! INV-BLOCK-1: a BOUND block is reachable from its direction (as segment or in the payload list), except
//! while some thread's link intent names it.
//! INV-BLOCK-2: every word has a generation, so an intent that names an exact word frees it at most once.
//! INV-BLOCK-3: which blocks are free is known by their words alone; lists of free ones are private hints.

use crate::arena::Arena;
use crate::bits::{Field, ObjectRef, Tag};
use crate::error::{Error, Result};
use crate::layout::block_bytes;
use crate::region::Shared;
use crate::sync::{Acquire, AtomicU64, Relaxed, Release};

/// A block's name: its class and its index in the class.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct BlockId(u32);

impl BlockId {
    const INDEX_BITS: u32 = 22;

    pub(crate) const fn new(class: usize, index: u32) -> Self {
        Self((class as u32) << Self::INDEX_BITS | index)
    }

    #[inline(always)]
    pub(crate) const fn class(self) -> usize {
        (self.0 >> Self::INDEX_BITS) as usize
    }

    #[inline(always)]
    pub(crate) const fn index(self) -> usize {
        (self.0 & ((1 << Self::INDEX_BITS) - 1)) as usize
    }

    pub(crate) const fn bytes(self) -> usize {
        block_bytes(self.class())
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
            // A number past every block is refused where the block is looked up.
            link => Some(Self(if link > u32::MAX as u64 { u32::MAX } else { (link - 1) as u32 })),
        }
    }

    pub(crate) fn from_link_or_first(link: u64) -> Self {
        Self::from_link(link).unwrap_or(Self(0))
    }
}

impl core::fmt::Debug for BlockId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}/{}", self.class(), self.index())
    }
}

/// What is known of a block, apart from its bytes.
#[derive(Debug, Default)]
#[repr(C, align(32))]
pub(crate) struct Descriptor {
    pub(crate) state: AtomicU64,
    /// Segments: the next segment. Payload blocks: the next of the direction's list.
    pub(crate) link: AtomicU64,
    /// Segments: the position of their first message. Payload blocks: one more than the position of the
    /// message that last used them.
    pub(crate) position: AtomicU64,
    /// The process that the block counts for, where processes have quotas: see [`crate::quota`].
    pub(crate) charge: AtomicU64,
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for Descriptor {}

/// A value of [`Descriptor::state`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockWord(pub(crate) u64);

/// The states of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockState {
    Invalid,
    Free,
    /// Taken by this thread, not yet part of anything.
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

impl Arena {
    /// Takes a free block of `class` for `tag`: one of the private `hints`, else a virgin one, else whichever
    /// a search finds.
    pub(crate) fn take_block(&self, class: usize, tag: Tag, hints: &mut Vec<u32>) -> Result<BlockId> {
        let bytes = block_bytes(class.min(32));
        let section = self.layout().descriptors.get(class).copied().ok_or(Error::NoMemory { bytes })?;
        while let Some(index) = hints.pop() {
            let block = BlockId::new(class, index);
            if self.try_take(block, tag)? {
                return Ok(block);
            }
        }
        let fresh = &self.header().blocks_fresh[class];
        // As many rounds as there are blocks: every round moves the count on, whoever takes the block.
        for _ in 0..section.count {
            // Relaxed: the count is a hint; the block's own word decides.
            let index = fresh.load(Relaxed);
            if index >= section.count as u64 {
                break;
            }
            let block = BlockId::new(class, index as u32);
            let state = &self.descriptor(block)?.state;
            let owned = BlockWord(0).owned(tag);
            // Relaxed: a virgin block has no history; what its owner writes is published when it joins.
            let taken = state.compare_exchange(0, owned.0, Relaxed, Relaxed).is_ok();
            // Whoever found the block taken helps the count on. ORDER: Release: after the block was taken. A virgin
            // block behind the count would never be found again.
            let _ = fresh.compare_exchange(index, index + 1, Release, Relaxed);
            if taken {
                return Ok(block);
            }
        }
        for index in 0..section.count as u32 {
            let block = BlockId::new(class, index);
            if self.try_take(block, tag)? {
                return Ok(block);
            }
        }
        Err(Error::NoMemory { bytes })
    }

    fn try_take(&self, block: BlockId, tag: Tag) -> Result<bool> {
        let state = &self.descriptor(block)?.state;
        let word = BlockWord(state.load(Relaxed));
        // ORDER: Acquire pairs with the Release in `free_block`: the last user is done with the bytes.
        let owned = word.owned(tag).0;
        Ok(word.state() == BlockState::Free
            && state.compare_exchange(word.0, owned, Acquire, Relaxed).is_ok())
    }

    /// OWNED(t) → BOUND, once the block is reachable from its direction.
    pub(crate) fn bind_block(&self, block: BlockId, tag: Tag, from: ObjectRef) -> Result<()> {
        let state = &self.descriptor(block)?.state;
        let word = BlockWord(state.load(Relaxed));
        if word.state() == BlockState::Owned(tag) {
            // Release: after the link that made it reachable, in program order too (recovery looks for that order).
            state.store(word.bound(from).0, Release);
        }
        Ok(())
    }

    /// Frees the block if its word is still exactly `word`. At most one caller succeeds (INV-BLOCK-2).
    pub(crate) fn free_block(&self, block: BlockId, word: BlockWord) -> Result<bool> {
        // ORDER: Release pairs with the Acquire in `try_take`: whoever frees a block has seen its last use.
        Ok(self.descriptor(block)?.state.compare_exchange(word.0, word.freed().0, Release, Relaxed).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Config;

    fn arena() -> Arena {
        Arena::heap(&Config {
            pool_bytes: 512,
            max_objects: 2,
            max_processes: 1,
            max_threads: 1,
            ..Config::default()
        })
        .unwrap()
    }

    #[test]
    fn a_pool_gives_each_block_once_and_then_says_that_it_has_none() {
        let (arena, mut hints) = (arena(), Vec::new());
        let a = arena.take_block(0, Tag(1), &mut hints).unwrap();
        let b = arena.take_block(0, Tag(1), &mut hints).unwrap();
        assert_ne!(a, b);
        assert_eq!(arena.take_block(0, Tag(1), &mut hints), Err(Error::NoMemory { bytes: 256 }));
        assert!(arena.take_block(40, Tag(1), &mut hints).is_err(), "no such class");
    }

    #[test]
    fn a_block_is_freed_once_per_generation_and_found_again_without_hints() {
        let (arena, mut hints) = (arena(), Vec::new());
        let block = arena.take_block(1, Tag(1), &mut hints).unwrap();
        let word = BlockWord(arena.descriptor(block).unwrap().state.load(Relaxed));
        assert_eq!(word.state(), BlockState::Owned(Tag(1)));
        assert!(arena.free_block(block, word).unwrap());
        assert!(!arena.free_block(block, word).unwrap(), "the word has moved on");
        assert_eq!(arena.take_block(1, Tag(1), &mut hints).unwrap(), block);
    }
}
