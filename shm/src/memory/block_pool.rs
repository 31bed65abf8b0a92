//! Blocks: runs of lines in power-of-two classes, for ring segments, large payloads and loans.
//!
//! A block belongs to one *direction* of one channel from the moment it joins it until the direction gives it back.
//! Sending and receiving do not change that: the producer knows which of its blocks are in flight, and a head that has
//! passed a message returns the message's block. So a stream of large messages allocates no block and writes no shared
//! word but the ring's. A death loses no block, since the blocks are freed with the channel's end.
//!
//! Taking and freeing are each one CAS of the block's word. The intent that names the block is written before it, and
//! its bit in the map of free blocks (`free_map.rs`) changes after it. `docs/crash-recovery.md` ("Blocks and loans") lists the
//! steps.
//!
//! INV-BLOCK-1: a BOUND block is reachable from its direction (as segment or in the payload list), except while some
//! thread's list intent names it.
//! INV-BLOCK-2: every word has a generation, so an intent that names an exact word frees it at most once.
//! INV-BLOCK-3: the words of the blocks decide which are free; the map says where to look (INV-FREE-1).
//! INV-BLOCK-4: an OWNED block is named by the list intent of its owner, so that recovery need not look for it.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::counter::Counter;
use crate::arena::record::free_map::WORD_BITS;
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::{BlockId, BlockIndex, BlockState, BlockWord};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::{ObjectRef, Tag};
use crate::memory::free_map;
use crate::process::thread::{Thread, crash_point};
use crate::sync::{AcqRel, Relaxed, Release};

/// Takes a free block of `class`. It is OWNED by this thread, and this thread's list intent names it from here on.
pub(crate) fn take_some_block(thread: &Thread, class: SizeClass) -> Result<BlockId> {
    let taken = match take_shown_block(thread, class)? {
        None => take_never_used_block(thread, class)?,
        taken => taken,
    };
    taken.ok_or_else(|| {
        thread.set_list_intent(ListIntent::Idle, 0);
        Error::NoMemory { bytes: class.bytes() }
    })
}

/// Takes the lowest block that the map of free blocks shows.
fn take_shown_block(thread: &Thread, class: SizeClass) -> Result<Option<BlockId>> {
    let map = free_map::free_blocks(thread.arena(), class)?;
    // P5: more rounds than there are blocks and words of the map together. Each round that fails tidies the map up.
    for _ in 0..4 * thread.arena().layout().descriptors[class.index()].count + 4 {
        let Some(index) = map.candidate() else { return Ok(None) };
        let block = BlockId::new(class, BlockIndex(index));
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

/// Takes the block at the high-water mark. Below the mark, only the thread that moved the mark past an INVALID block
/// may take it (INV-TRIM-2).
fn take_never_used_block(thread: &Thread, class: SizeClass) -> Result<Option<BlockId>> {
    let blocks = thread.arena().layout().descriptors[class.index()].count;
    let hwm = &thread.arena().header().blocks_hwm[class.index()];
    // P5: a round fails only when another thread moves the mark.
    for _ in 0..2 * blocks + 100 {
        // Relaxed: the CAS below compares it again.
        let index = hwm.load(Relaxed);
        if index >= blocks as u64 {
            break;
        }
        let block = BlockId::new(class, BlockIndex(index as u32));
        thread.set_list_intent(ListIntent::Taking { block }, 0);
        // ORDER: Release: after the intent, in the order that recovery sees. Acquire: before the block's word, in that
        // order too. It also pairs with the Release of the CAS that lowered the mark (`trim_to`): this thread then sees
        // the words above the mark cleared, and the generation with which they begin.
        if hwm.compare_exchange(index, index + 1, AcqRel, Relaxed).is_err() {
            continue;
        }
        crash_point!(thread, "take.marked");
        let owned = first_generation(thread.arena(), class).owned(thread.tag);
        // Relaxed: after the Acquire CAS of the mark. The bytes that the owner writes are published when the block
        // joins its direction.
        let state = &thread.arena().descriptor(block)?.state;
        let is_consumed = state.compare_exchange(0, owned.0, Relaxed, Relaxed).is_ok();
        crash_point!(thread, "take.never_used");
        if is_consumed {
            return Ok(Some(block));
        }
        // Recovery made the block FREE: a thread that had moved the mark past it died before it took it.
        if try_take(thread, block)? {
            let map = free_map::free_blocks(thread.arena(), class)?;
            map.taken(thread, block.index().0, || is_free(thread.arena(), block))?;
            return Ok(Some(block));
        }
    }
    Ok(None)
}

/// Frees the block that this row's list intent names, if its word is still exactly `word`. At most one caller succeeds
/// (INV-BLOCK-2).
pub(crate) fn free_block_named(thread: &Thread, block: BlockId, word: BlockWord) -> Result<bool> {
    let is_freed = free_unused_block(thread, block, word)?;
    if is_freed {
        mark_freed_lately(thread.arena(), block)?;
    }
    Ok(is_freed)
}

/// As [`free_block_named`], for a block that was not written to.
pub(crate) fn free_unused_block(thread: &Thread, block: BlockId, word: BlockWord) -> Result<bool> {
    let state = &thread.arena().descriptor(block)?.state;
    // ORDER: Release pairs with the Acquire in `try_take`: the thread that frees a block has finished its last use.
    if state.compare_exchange(word.0, word.freed().0, Release, Relaxed).is_err() {
        return Ok(false);
    }
    thread.increment(Counter::BlocksFreed, 1);
    crash_point!(thread, "free.word");
    let map = free_map::free_blocks(thread.arena(), block.class())?;
    map.freed(thread, block.index().0, || is_free(thread.arena(), block))?;
    Ok(true)
}

/// Whether the block's word says FREE.
pub(crate) fn is_free(arena: &Arena, block: BlockId) -> Result<bool> {
    // Relaxed: a caller that acts on the answer does so by a CAS of the word, or has its order from the map.
    Ok(BlockWord(arena.descriptor(block)?.state.load(Relaxed)).state() == BlockState::Free)
}

/// OWNED(t) → BOUND, once the block is reachable from its direction.
pub(crate) fn bind_block(arena: &Arena, block: BlockId, tag: Tag, from: ObjectRef) -> Result<()> {
    let state = &arena.descriptor(block)?.state;
    let word = BlockWord(state.load(Relaxed));
    if word.state() == BlockState::Owned(tag) {
        // ORDER: Release: after the link that made it reachable, in program order too (recovery relies on that order).
        state.store(word.bound(from).0, Release);
    }
    Ok(())
}

/// Marks the block as freed lately: its memory is not given back soon. An extent has none: its user gave it back.
pub(crate) fn mark_freed_lately(arena: &Arena, block: BlockId) -> Result<()> {
    if block.class().is_extent() {
        return Ok(());
    }
    let (leaf, bit) = (block.index().as_usize() / WORD_BITS, 1 << (block.index().as_usize() % WORD_BITS));
    let cell = arena.freed_lately(block.class(), leaf)?;
    // Relaxed: a hint. The load avoids a write, and so a move of the cache line, while the mark is there already.
    if cell.load(Relaxed) & bit == 0 {
        cell.fetch_or(bit, Relaxed);
    }
    Ok(())
}

/// The generation with which blocks of the class begin.
pub(crate) fn first_generation(arena: &Arena, class: SizeClass) -> BlockWord {
    // Relaxed: a caller that relies on the generation has seen a word that was cleared after it was raised.
    let generation = arena.header().first_generation.get(class.index()).map_or(0, |cell| cell.load(Relaxed));
    BlockWord::invalid(generation)
}

pub(crate) fn block_generation(thread: &Thread, class: SizeClass, index: BlockIndex) -> Result<u64> {
    let word = BlockWord(thread.arena().descriptor(BlockId::new(class, index))?.state.load(Relaxed));
    let is_cleared = word.state() == BlockState::Invalid;
    Ok(if is_cleared { first_generation(thread.arena(), class) } else { word }.generation())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::config::Config;
    use crate::process::Process;

    const SMALLEST: SizeClass = SizeClass::SMALLEST;

    fn thread(pool_bytes: u64) -> Thread {
        let config =
            Config { pool_bytes, max_objects: 2, max_processes: 1, max_threads: 1, ..Config::default() };
        Thread::join(&Process::alone(&config)).unwrap()
    }

    fn free(thread: &Thread, block: BlockId) -> bool {
        let word = BlockWord(thread.arena().descriptor(block).unwrap().state.load(Relaxed));
        thread.set_list_intent(ListIntent::Taking { block }, 0);
        let freed = free_block_named(thread, block, word).unwrap();
        assert!(!free_block_named(thread, block, word).unwrap(), "the word has changed");
        thread.set_list_intent(ListIntent::Idle, 0);
        freed
    }

    #[test]
    fn a_pool_gives_each_block_once() {
        let thread = thread(512);
        let a = take_some_block(&thread, SMALLEST).unwrap();
        let b = take_some_block(&thread, SMALLEST).unwrap();
        assert_ne!(a, b);
        assert_eq!(take_some_block(&thread, SMALLEST), Err(Error::NoMemory { bytes: 256 }));
        assert!(
            crate::memory::block_credit::take_free_block(&thread, SizeClass::fitting(usize::MAX)).is_err(),
            "no such class"
        );
    }

    #[test]
    fn a_block_is_freed_once_per_generation() {
        let thread = thread(512);
        let block = take_some_block(&thread, SizeClass::new(1)).unwrap();
        assert_eq!(
            ListIntent::from_word(thread.row().list_intent.load(Relaxed)),
            ListIntent::Taking { block }
        );
        assert!(free(&thread, block));
        assert_eq!(take_some_block(&thread, SizeClass::new(1)).unwrap(), block);
        assert!(free(&thread, block), "another generation");
    }

    #[test]
    fn freed_blocks_are_taken_first() {
        let thread = thread(1 << 20);
        let blocks: Vec<_> = (0..300).map(|_| take_some_block(&thread, SMALLEST).unwrap()).collect();
        for block in &blocks[70..170] {
            assert!(free(&thread, *block));
        }
        let again: Vec<_> = (0..100).map(|_| take_some_block(&thread, SMALLEST).unwrap()).collect();
        assert_eq!(again, blocks[70..170], "the lowest block comes first");
        assert_eq!(take_some_block(&thread, SMALLEST).unwrap().index(), BlockIndex(300));
    }
}
