//! Blocks: runs of lines in power-of-two classes, for ring segments, large payloads and loans.
//!
//! A block belongs to one *direction* of one channel from the moment it joins it until the direction gives it
//! back. Sending and receiving do not change that: the producer knows which of its blocks are in flight, and a
//! head that has passed a message returns the message's block. So a stream of large messages allocates
//! nothing, touches no shared word but the ring's, and a death loses no block: the channel's end frees them.
//!
//! ```text
//!  INVALID ──▶ OWNED(t) ──▶ BOUND(direction) ──▶ FREE ──▶ OWNED(t) …
//!  (virgin)  │    │    join intent      leave intent ▲
//!     take intent └──────────────────────────────────┘   the owner died before the join
//! ```
//!
//! Taking and freeing are each one CAS of the block's word, between an intent that names the block and the change of its
//! bit in the map of free blocks (`free_map`):
//!
//! | point | step | a death right after it |
//! |---|---|---|
//! | `take.intended` | link = taking; the lowest block that the map shows, else the first that was never used | the map is repaired |
//! | `take.marked` | a block that was never used: the mark, which was there, moves past it | → FREE, the map repaired |
//! | `take.owned`, `take.virgin` | word: FREE or INVALID → OWNED(t) | freed, the map repaired |
//! | | the map agrees | the same |
//! | `free.…`, `leave.…` | link = leaving, with the exact word; off its chain; word → FREE | freed, if it is off; the map repaired |
//! | | the map agrees; link idle | the map is repaired |
//!
//! INV-BLOCK-1: a BOUND block is reachable from its direction (as segment or in the payload list), except
//! while some thread's link intent names it.
//! INV-BLOCK-2: every word has a generation, so an intent that names an exact word frees it at most once.
//! INV-BLOCK-3: which blocks are free is known by their words; the map says where to look (INV-FREE-1).
//! INV-BLOCK-4: an OWNED block is named by the link intent of its owner, so that recovery need not look for it.

use crate::arena::Arena;
use crate::bits::{Field, ObjectRef, Tag};
use crate::counter::Counter;
use crate::error::{Error, Result, crash_point};
use crate::layout::block_bytes;
use crate::owner::Link;
use crate::region::Shared;
use crate::sync::{AcqRel, AtomicU64, Relaxed, Release};
use crate::thread::Thread;

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

    /// What a block begins with, as far as generations go.
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

impl Thread {
    /// A free block of `class`, OWNED by this thread; its link intent names it from here on.
    pub(crate) fn take_some_block(&self, class: usize) -> Result<BlockId> {
        let taken = match self.take_shown_block(class)? {
            None => self.take_virgin_block(class)?,
            taken => taken,
        };
        taken.ok_or_else(|| {
            self.set_link(Link::Idle, 0);
            Error::NoMemory { bytes: block_bytes(class.min(32)) }
        })
    }

    /// The lowest block that the map of free ones shows.
    fn take_shown_block(&self, class: usize) -> Result<Option<BlockId>> {
        let map = self.arena().free_blocks(class)?;
        // P5: as many rounds as there are blocks, and more than there are words in the map. Each tidies something up.
        for _ in 0..4 * self.arena().layout().descriptors[class].count + 4 {
            let Some(index) = map.candidate() else { return Ok(None) };
            let block = BlockId::new(class, index);
            self.set_link(Link::Taking { block }, 0);
            crash_point!(self, "take.intended");
            let is_free = || self.arena().is_free(block);
            if self.try_take(block)? {
                crash_point!(self, "take.owned");
                map.taken(self, index, is_free)?;
                return Ok(Some(block));
            }
            map.misled(self, index, is_free)?;
        }
        Ok(None)
    }

    pub(crate) fn try_take(&self, block: BlockId) -> Result<bool> {
        let state = &self.arena().descriptor(block)?.state;
        let word = BlockWord(state.load(Relaxed));
        // ORDER: Acquire pairs with the Release in `free_block_named`: the last user is done with the bytes. Release: after
        // the intent, in the order that recovery sees.
        let owned = word.owned(self.tag).0;
        Ok(word.state() == BlockState::Free && state.compare_exchange(word.0, owned, AcqRel, Relaxed).is_ok())
    }

    /// The block at the mark up to which blocks were ever used. Below the mark nobody takes a block whose word is INVALID but
    /// whoever has moved it past.
    fn take_virgin_block(&self, class: usize) -> Result<Option<BlockId>> {
        let blocks = self.arena().layout().descriptors[class].count;
        let fresh = &self.arena().header().blocks_fresh[class];
        // P5: a round fails when another moves the mark.
        for _ in 0..2 * blocks + 100 {
            // Relaxed: looked at again by the CAS.
            let index = fresh.load(Relaxed);
            if index >= blocks as u64 {
                break;
            }
            let block = BlockId::new(class, index as u32);
            self.set_link(Link::Taking { block }, 0);
            // ORDER: Release: after the intent, in the order that recovery sees. Acquire: before the block's word, in that
            // order too; and pairs with the Release in `trim`: if the mark has been higher, what is above it is cleared, and
            // the generation that it must have is seen.
            if fresh.compare_exchange(index, index + 1, AcqRel, Relaxed).is_err() {
                continue;
            }
            crash_point!(self, "take.marked");
            let owned = self.arena().first_generation(class).owned(self.tag);
            // Relaxed: after the mark, whose CAS is an Acquire. What the owner writes is published when the block joins.
            let state = &self.arena().descriptor(block)?.state;
            let is_taken = state.compare_exchange(0, owned.0, Relaxed, Relaxed).is_ok();
            crash_point!(self, "take.virgin");
            if is_taken {
                return Ok(Some(block));
            }
            // Recovery of one that died here has made it FREE.
            if self.try_take(block)? {
                let map = self.arena().free_blocks(class)?;
                map.taken(self, block.index() as u32, || self.arena().is_free(block))?;
                return Ok(Some(block));
            }
        }
        Ok(None)
    }

    /// Frees the block that this row's link intent names, if its word is still exactly `word`. At most one caller
    /// succeeds (INV-BLOCK-2).
    pub(crate) fn free_block_named(&self, block: BlockId, word: BlockWord) -> Result<bool> {
        let is_freed = self.free_unused_block(block, word)?;
        if is_freed {
            self.arena().mark_freed_lately(block)?;
        }
        Ok(is_freed)
    }

    /// As [`free_block_named`](Self::free_block_named), where nothing has been written into the block.
    pub(crate) fn free_unused_block(&self, block: BlockId, word: BlockWord) -> Result<bool> {
        let state = &self.arena().descriptor(block)?.state;
        // ORDER: Release pairs with the Acquire in `try_take`: whoever frees a block has seen its last use.
        if state.compare_exchange(word.0, word.freed().0, Release, Relaxed).is_err() {
            return Ok(false);
        }
        self.tally(Counter::BlocksFreed, 1);
        crash_point!(self, "free.word");
        let map = self.arena().free_blocks(block.class())?;
        map.freed(self, block.index() as u32, || self.arena().is_free(block))?;
        Ok(true)
    }
}

impl Arena {
    /// Whether the block's word says FREE.
    pub(crate) fn is_free(&self, block: BlockId) -> Result<bool> {
        // Relaxed: whoever acts on it does so by a CAS of the word, or has its order from the map.
        Ok(BlockWord(self.descriptor(block)?.state.load(Relaxed)).state() == BlockState::Free)
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Config;
    use crate::process::Process;
    use std::sync::Arc;

    fn thread(pool_bytes: u64) -> Thread {
        let config =
            Config { pool_bytes, max_objects: 2, max_processes: 1, max_threads: 1, ..Config::default() };
        let arena = Arc::new(Arena::heap(&config).unwrap());
        let seat = arena.first_seat().unwrap();
        Thread::join(&Process::sit(arena, seat, 1, 1).unwrap()).unwrap()
    }

    fn free(thread: &Thread, block: BlockId) -> bool {
        let word = BlockWord(thread.arena().descriptor(block).unwrap().state.load(Relaxed));
        thread.set_link(Link::Taking { block }, 0);
        let freed = thread.free_block_named(block, word).unwrap();
        assert!(!thread.free_block_named(block, word).unwrap(), "the word has moved on");
        thread.set_link(Link::Idle, 0);
        freed
    }

    #[test]
    fn a_pool_gives_each_block_once_and_then_says_that_it_has_none() {
        let thread = thread(512);
        let a = thread.take_some_block(0).unwrap();
        let b = thread.take_some_block(0).unwrap();
        assert_ne!(a, b);
        assert_eq!(thread.take_some_block(0), Err(Error::NoMemory { bytes: 256 }));
        assert!(thread.take_free_block(40).is_err(), "no such class");
    }

    #[test]
    fn a_block_is_freed_once_per_generation_and_found_again() {
        let thread = thread(512);
        let block = thread.take_some_block(1).unwrap();
        assert_eq!(Link::from_word(thread.row().link.load(Relaxed)), Link::Taking { block });
        assert!(free(&thread, block));
        assert_eq!(thread.take_some_block(1).unwrap(), block);
        assert!(free(&thread, block), "another generation");
    }

    #[test]
    fn freed_blocks_come_before_those_that_were_never_used() {
        let thread = thread(1 << 20);
        let blocks: Vec<_> = (0..300).map(|_| thread.take_some_block(0).unwrap()).collect();
        for block in &blocks[70..170] {
            assert!(free(&thread, *block));
        }
        let again: Vec<_> = (0..100).map(|_| thread.take_some_block(0).unwrap()).collect();
        assert_eq!(again, blocks[70..170], "the lowest first");
        assert_eq!(thread.take_some_block(0).unwrap().index(), 300);
    }
}
