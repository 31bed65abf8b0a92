//! Blocks: runs of lines in power-of-two classes, for ring segments, large payloads and loans.
//!
//! A block belongs to one *direction* of one channel from the moment it joins it until the direction gives it
//! back. Sending and receiving do not change that: the producer knows which of its blocks are in flight, and a
//! head that has passed a message returns the message's block. So a stream of large messages allocates
//! nothing, touches no shared word but the ring's, and a death loses no block: the channel's end frees them.
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
use crate::arena::error::{Error, Result};
use crate::arena::record::counter::Counter;
use crate::arena::record::free_map::WORD_BITS;
use crate::arena::size_class::block_bytes;
use crate::arena::word::block::{BlockId, BlockState, BlockWord};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::{ObjectRef, Tag};
use crate::memory::free_map;
use crate::process::thread::{Thread, crash_point};
use crate::sync::{AcqRel, Relaxed, Release};

/// A free block of `class`, OWNED by this thread; its link intent names it from here on.
pub(crate) fn take_some_block(thread: &Thread, class: usize) -> Result<BlockId> {
    let taken = match take_shown_block(thread, class)? {
        None => take_never_used_block(thread, class)?,
        taken => taken,
    };
    taken.ok_or_else(|| {
        thread.set_list_intent(ListIntent::Idle, 0);
        Error::NoMemory { bytes: block_bytes(class.min(32)) }
    })
}

/// The lowest block that the map of free ones shows.
fn take_shown_block(thread: &Thread, class: usize) -> Result<Option<BlockId>> {
    let map = free_map::free_blocks(thread.arena(), class)?;
    // P5: as many rounds as there are blocks, and more than there are words in the map. Each tidies something up.
    for _ in 0..4 * thread.arena().layout().descriptors[class].count + 4 {
        let Some(index) = map.candidate() else { return Ok(None) };
        let block = BlockId::new(class, index);
        thread.set_list_intent(ListIntent::Taking { block }, 0);
        crash_point!(thread, "take.intended");
        let is_free = || is_free(thread.arena(), block);
        if try_take(thread, block)? {
            crash_point!(thread, "take.owned");
            map.taken(thread, index, is_free)?;
            return Ok(Some(block));
        }
        map.misled(thread, index, is_free)?;
    }
    Ok(None)
}

pub(crate) fn try_take(thread: &Thread, block: BlockId) -> Result<bool> {
    let state = &thread.arena().descriptor(block)?.state;
    let word = BlockWord(state.load(Relaxed));
    // ORDER: Acquire pairs with the Release in `free_block_named`: the last user is done with the bytes. Release: after
    // the intent, in the order that recovery sees.
    let owned = word.owned(thread.tag).0;
    Ok(word.state() == BlockState::Free && state.compare_exchange(word.0, owned, AcqRel, Relaxed).is_ok())
}

/// The block at the mark up to which blocks were ever used. Below the mark nobody takes a block whose word is INVALID but
/// whoever has moved it past.
fn take_never_used_block(thread: &Thread, class: usize) -> Result<Option<BlockId>> {
    let blocks = thread.arena().layout().descriptors[class].count;
    let fresh = &thread.arena().header().blocks_hwm[class];
    // P5: a round fails when another moves the mark.
    for _ in 0..2 * blocks + 100 {
        // Relaxed: looked at again by the CAS.
        let index = fresh.load(Relaxed);
        if index >= blocks as u64 {
            break;
        }
        let block = BlockId::new(class, index as u32);
        thread.set_list_intent(ListIntent::Taking { block }, 0);
        // ORDER: Release: after the intent, in the order that recovery sees. Acquire: before the block's word, in that
        // order too; and pairs with the Release in `trim`: if the mark has been higher, what is above it is cleared, and
        // the generation that it must have is seen.
        if fresh.compare_exchange(index, index + 1, AcqRel, Relaxed).is_err() {
            continue;
        }
        crash_point!(thread, "take.marked");
        let owned = first_generation(thread.arena(), class).owned(thread.tag);
        // Relaxed: after the mark, whose CAS is an Acquire. What the owner writes is published when the block joins.
        let state = &thread.arena().descriptor(block)?.state;
        let is_consumed = state.compare_exchange(0, owned.0, Relaxed, Relaxed).is_ok();
        crash_point!(thread, "take.virgin");
        if is_consumed {
            return Ok(Some(block));
        }
        // Recovery of one that died here has made it FREE.
        if try_take(thread, block)? {
            let map = free_map::free_blocks(thread.arena(), class)?;
            map.taken(thread, block.index() as u32, || is_free(thread.arena(), block))?;
            return Ok(Some(block));
        }
    }
    Ok(None)
}

/// Frees the block that this row's link intent names, if its word is still exactly `word`. At most one caller
/// succeeds (INV-BLOCK-2).
pub(crate) fn free_block_named(thread: &Thread, block: BlockId, word: BlockWord) -> Result<bool> {
    let is_freed = free_unused_block(thread, block, word)?;
    if is_freed {
        mark_freed_lately(thread.arena(), block)?;
    }
    Ok(is_freed)
}

/// As [`free_block_named`], where nothing has been written into the block.
pub(crate) fn free_unused_block(thread: &Thread, block: BlockId, word: BlockWord) -> Result<bool> {
    let state = &thread.arena().descriptor(block)?.state;
    // ORDER: Release pairs with the Acquire in `try_take`: whoever frees a block has seen its last use.
    if state.compare_exchange(word.0, word.freed().0, Release, Relaxed).is_err() {
        return Ok(false);
    }
    thread.increment(Counter::BlocksFreed, 1);
    crash_point!(thread, "free.word");
    let map = free_map::free_blocks(thread.arena(), block.class())?;
    map.freed(thread, block.index() as u32, || is_free(thread.arena(), block))?;
    Ok(true)
}

/// Whether the block's word says FREE.
pub(crate) fn is_free(arena: &Arena, block: BlockId) -> Result<bool> {
    // Relaxed: whoever acts on it does so by a CAS of the word, or has its order from the map.
    Ok(BlockWord(arena.descriptor(block)?.state.load(Relaxed)).state() == BlockState::Free)
}

/// OWNED(t) → BOUND, once the block is reachable from its direction.
pub(crate) fn bind_block(arena: &Arena, block: BlockId, tag: Tag, from: ObjectRef) -> Result<()> {
    let state = &arena.descriptor(block)?.state;
    let word = BlockWord(state.load(Relaxed));
    if word.state() == BlockState::Owned(tag) {
        // Release: after the link that made it reachable, in program order too (recovery looks for that order).
        state.store(word.bound(from).0, Release);
    }
    Ok(())
}

/// The block has just been freed: its memory is not to be given back soon.
pub(crate) fn mark_freed_lately(arena: &Arena, block: BlockId) -> Result<()> {
    let (leaf, bit) = (block.index() / WORD_BITS, 1 << (block.index() % WORD_BITS));
    let cell = arena.freed_lately(block.class(), leaf)?;
    // Relaxed: a hint. The line stays where it is while the mark is there.
    if cell.load(Relaxed) & bit == 0 {
        cell.fetch_or(bit, Relaxed);
    }
    Ok(())
}

/// The generation that blocks of the class begin with.
pub(crate) fn first_generation(arena: &Arena, class: usize) -> BlockWord {
    // Relaxed: whoever relies on it has seen a word that was cleared after it was raised.
    let generation = arena.header().first_generation.get(class).map_or(0, |cell| cell.load(Relaxed));
    BlockWord::invalid(generation)
}

pub(crate) fn block_generation(thread: &Thread, class: usize, index: u32) -> Result<u64> {
    let word = BlockWord(thread.arena().descriptor(BlockId::new(class, index))?.state.load(Relaxed));
    let is_cleared = word.state() == BlockState::Invalid;
    Ok(if is_cleared { first_generation(thread.arena(), class) } else { word }.generation())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::config::Config;
    use crate::process::Process;
    use std::sync::Arc;

    fn thread(pool_bytes: u64) -> Thread {
        let config =
            Config { pool_bytes, max_objects: 2, max_processes: 1, max_threads: 1, ..Config::default() };
        let arena = Arc::new(Arena::heap(&config).unwrap());
        let process_slot = arena.first_slot().unwrap();
        Thread::join(&Process::attach(arena, process_slot, 1, 1).unwrap()).unwrap()
    }

    fn free(thread: &Thread, block: BlockId) -> bool {
        let word = BlockWord(thread.arena().descriptor(block).unwrap().state.load(Relaxed));
        thread.set_list_intent(ListIntent::Taking { block }, 0);
        let freed = free_block_named(thread, block, word).unwrap();
        assert!(!free_block_named(thread, block, word).unwrap(), "the word has moved on");
        thread.set_list_intent(ListIntent::Idle, 0);
        freed
    }

    #[test]
    fn a_pool_gives_each_block_once_and_then_says_that_it_has_none() {
        let thread = thread(512);
        let a = take_some_block(&thread, 0).unwrap();
        let b = take_some_block(&thread, 0).unwrap();
        assert_ne!(a, b);
        assert_eq!(take_some_block(&thread, 0), Err(Error::NoMemory { bytes: 256 }));
        assert!(crate::memory::block_credit::take_free_block(&thread, 40).is_err(), "no such class");
    }

    #[test]
    fn a_block_is_freed_once_per_generation_and_found_again() {
        let thread = thread(512);
        let block = take_some_block(&thread, 1).unwrap();
        assert_eq!(ListIntent::from_word(thread.row().link.load(Relaxed)), ListIntent::Taking { block });
        assert!(free(&thread, block));
        assert_eq!(take_some_block(&thread, 1).unwrap(), block);
        assert!(free(&thread, block), "another generation");
    }

    #[test]
    fn freed_blocks_come_before_those_that_were_never_used() {
        let thread = thread(1 << 20);
        let blocks: Vec<_> = (0..300).map(|_| take_some_block(&thread, 0).unwrap()).collect();
        for block in &blocks[70..170] {
            assert!(free(&thread, *block));
        }
        let again: Vec<_> = (0..100).map(|_| take_some_block(&thread, 0).unwrap()).collect();
        assert_eq!(again, blocks[70..170], "the lowest first");
        assert_eq!(take_some_block(&thread, 0).unwrap().index(), 300);
    }
}
