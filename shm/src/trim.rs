//! Blocks at the end of what was ever used of a class, all of which are free, are never used again: their descriptors go
//! back to the system, and the mark behind them moves down.
//!
//! The lowest free block is taken first, so what is in use lies together at the front, and after a burst the end is free.
//!
//! ```text
//!  trim.intended   link = trimming, from this block on                      the map is repaired
//!  trim.owned      blocks up to the mark: FREE → OWNED(t), from the end;    each is freed, and shown
//!                  the map agrees
//!                  first generation = one more than any of theirs           the same
//!  trim.cleared    each word 0, INVALID; whole pages of descriptors         each → FREE of the first generation,
//!                  given back                                               or freed, and shown
//!  trim.lowered  c mark: end → from, by CAS                                 nothing is left to do
//!                  link idle
//! ```
//!
//! If the mark has moved on meanwhile, the CAS fails, and the words become FREE again, as after a death. A block whose word
//! is INVALID is taken by whoever has moved the mark past it, and by nobody else: so nobody has one of these before the mark
//! is lowered, and their pages are gone by then.
//!
//! INV-TRIM-1: a block that begins anew has a generation that it never had: whoever moves the mark up has seen what lowered
//! it, and with it the first generation.
//! INV-TRIM-2: a block below the mark whose word is INVALID is named by an intent: of whoever has moved the mark, or lowers
//! it. Recovery of either makes it FREE; one who has just moved the mark finds it so, and takes it like any other.

use crate::arena::Arena;
use crate::block::{BlockId, BlockState, BlockWord};
use crate::error::{Result, crash_point};
use crate::free_map::WORD_BITS;
use crate::layout::PAGE_BYTES;
use crate::owner::Link;
use crate::sync::{Relaxed, Release};
use crate::thread::Thread;

/// How many blocks are taken at once, at most; and how many are worth it.
const MOST: u32 = if cfg!(loom) { 2 } else { 4096 };
const LEAST: u32 = if cfg!(loom) { 1 } else { 2 * (PAGE_BYTES / 32) as u32 };

impl Arena {
    /// The generation that blocks of the class begin with.
    pub(crate) fn first_generation(&self, class: usize) -> BlockWord {
        // Relaxed: whoever relies on it has seen a word that was cleared after it was raised.
        let generation = self.header().first_generation.get(class).map_or(0, |cell| cell.load(Relaxed));
        BlockWord::invalid(generation)
    }

    fn raise_first_generation(&self, class: usize, generation: u64) {
        let cell = &self.header().first_generation[class];
        let mut seen = cell.load(Relaxed);
        // P5: one thread trims at a time.
        for _ in 0..100 {
            if seen >= generation {
                return;
            }
            // Relaxed: too early does no harm, and the words are cleared after it, each by a Release.
            match cell.compare_exchange(seen, generation, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(changed) => seen = changed,
            }
        }
    }

    /// From which block on all blocks are free, and not worth keeping, as far as `is_idle` says so of their leaves.
    fn idle_end(&self, class: usize, end: u32, is_idle: impl Fn(usize) -> bool) -> Result<u32> {
        let map = self.free_blocks(class)?;
        let mut from = end;
        while from > 0 && end - from < MOST {
            let leaf = (from as usize - 1) / WORD_BITS;
            let in_leaf = from as usize - leaf * WORD_BITS;
            let all = u64::MAX >> (64 - in_leaf);
            // Blocks of the last leaf that share a page with those that were never used have kept it.
            if map.leaf(leaf) & all != all || in_leaf == WORD_BITS && !is_idle(leaf) {
                break;
            }
            from = (leaf * WORD_BITS) as u32;
        }
        Ok(from)
    }
}

/// Models only: what must never come back.
#[cfg(loom)]
impl Thread {
    /// The least generation that the next user of the block gets.
    pub fn block_generation(&self, class: usize, index: u32) -> Result<u64> {
        let word = BlockWord(self.arena().descriptor(BlockId::new(class, index))?.state.load(Relaxed));
        let is_cleared = word.state() == BlockState::Invalid;
        Ok(if is_cleared { self.arena().first_generation(class) } else { word }.generation())
    }
}

impl Thread {
    /// Moves the mark of the class down over free blocks, as far as `is_idle` says of their leaves that their memory has been
    /// given back.
    pub(crate) fn trim(&self, class: usize, is_idle: impl Fn(usize) -> bool) -> Result<()> {
        let blocks = self.arena().layout().descriptors[class].count as u64;
        // P5: as many rounds as there are slices.
        for _ in 0..=blocks / u64::from(MOST) {
            // Relaxed: each block is taken by a CAS of its own word, and the mark is looked at again by the last one.
            let end = self.arena().header().blocks_fresh[class].load(Relaxed).min(blocks) as u32;
            let from = self.arena().idle_end(class, end, &is_idle)?;
            if end - from < LEAST || !self.trim_to(class, from, end)? {
                break;
            }
        }
        Ok(())
    }

    /// `false` if somebody has taken one of them, or the next one, meanwhile.
    fn trim_to(&self, class: usize, from: u32, end: u32) -> Result<bool> {
        let arena = self.arena();
        self.set_link(Link::Trimming { block: BlockId::new(class, from) }, 0);
        crash_point!(self, "trim.intended");
        let are_owned = self.own_for_trimming(class, from, end)?;
        crash_point!(self, "trim.owned");
        let is_lowered = are_owned && {
            for index in from..end {
                // ORDER: Release: after the first generation was raised.
                arena.descriptor(BlockId::new(class, index))?.state.store(0, Release);
            }
            arena.give_descriptors_back(class, from, end);
            crash_point!(self, "trim.cleared");
            // ORDER: Release: whoever sees the lower mark sees the words cleared. No Acquire: all blocks below it were
            // taken before, by Acquires, and what comes after is a Release.
            let fresh = &arena.header().blocks_fresh[class];
            fresh.compare_exchange(end.into(), from.into(), Release, Relaxed).is_ok()
        };
        crash_point!(self, "trim.lowered");
        if !is_lowered {
            self.settle_trimming(BlockId::new(class, from))?;
        }
        self.set_link(Link::Idle, 0);
        Ok(is_lowered)
    }

    fn own_for_trimming(&self, class: usize, from: u32, end: u32) -> Result<bool> {
        let map = self.arena().free_blocks(class)?;
        let mut generation = 0;
        {
            // As in `give_back`.
            let _credits = self.process.quotas.blocks[class].lock();
            // From the end: others take from the front.
            for index in (from..end).rev() {
                let block = BlockId::new(class, index);
                if !self.try_take(block)? {
                    return Ok(false);
                }
                let descriptor = self.arena().descriptor(block)?;
                descriptor.charge.store(0, Relaxed);
                generation = generation.max(BlockWord(descriptor.state.load(Relaxed)).generation());
                map.taken(self, index, || self.arena().is_free(block))?;
            }
        }
        self.arena().raise_first_generation(class, generation + 1);
        Ok(true)
    }

    /// Recovery of a thread that died under [`Link::Trimming`], and what is done if it did not succeed: whatever is below the
    /// mark and was owned, or has been cleared already, is FREE and shown. If the mark has been lowered, that is nothing.
    pub(crate) fn settle_trimming(&self, from: BlockId) -> Result<u32> {
        let class = from.class();
        let map = self.arena().free_blocks(class)?;
        // Relaxed: the dead thread, or this one, has seen the mark behind its blocks. What others have taken since they have
        // taken by CAS.
        let mark = self.arena().header().blocks_fresh[class].load(Relaxed);
        let end = mark.min(self.arena().layout().descriptors[class].count as u64) as u32;
        let mut freed = 0;
        for index in (from.index() as u32..end).take(MOST as usize) {
            let block = BlockId::new(class, index);
            let word = BlockWord(self.arena().descriptor(block)?.state.load(Relaxed));
            if word.state() == BlockState::Owned(self.tag) {
                freed += u32::from(self.free_unused_block(block, word)?);
            } else {
                freed += u32::from(self.free_virgin(block)?);
            }
            map.repair(self, index, || self.arena().is_free(block))?;
        }
        Ok(freed)
    }

    /// INVALID → FREE, below the mark (INV-TRIM-2).
    pub(crate) fn free_virgin(&self, block: BlockId) -> Result<bool> {
        let state = &self.arena().descriptor(block)?.state;
        let mark = &self.arena().header().blocks_fresh[block.class()];
        if state.load(Relaxed) != 0 || mark.load(Relaxed) <= block.index() as u64 {
            return Ok(false);
        }
        let free = self.arena().first_generation(block.class()).freed();
        // ORDER: Release: as whenever a block is freed. If its page was given back, there is no store of 0 that the next user
        // could have its order from.
        Ok(state.compare_exchange(0, free.0, Release, Relaxed).is_ok())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::layout::Config;
    use crate::process::Process;
    use std::sync::Arc;

    fn word(thread: &Thread, block: BlockId) -> BlockWord {
        BlockWord(thread.arena().descriptor(block).unwrap().state.load(Relaxed))
    }

    #[test]
    fn a_block_begins_anew_with_a_new_generation() {
        let config = Config { max_objects: 2, max_processes: 1, max_threads: 1, ..Config::default() };
        let arena = Arc::new(Arena::create(&config).unwrap());
        let seat = arena.first_seat().unwrap();
        let thread = Thread::join(&Process::sit(arena, seat, 1, 1).unwrap()).unwrap();
        let mut newest = 0;
        for _ in 0..3 {
            let blocks: Vec<_> = (0..2 * LEAST).map(|_| thread.take_some_block(0).unwrap()).collect();
            for block in &blocks {
                let owned = word(&thread, *block);
                assert!(owned.generation() >= newest, "{} after {newest}", owned.generation());
                thread.set_link(Link::Taking { block: *block }, 0);
                assert!(thread.free_block_named(*block, owned).unwrap());
            }
            newest = blocks.iter().map(|block| word(&thread, *block).generation()).max().unwrap() + 1;
            thread.trim(0, |_| true).unwrap();
            assert_eq!(thread.arena().header().blocks_fresh[0].load(Relaxed), 0);
            assert!(blocks.iter().all(|block| word(&thread, *block) == BlockWord(0)));
        }
    }
}
