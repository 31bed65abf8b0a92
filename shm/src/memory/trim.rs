//! Trimming: if all blocks at the end of the used part of a class are free, their descriptors go back to the system,
//! and the high-water mark moves down past them. The blocks are then as if they were never used.
//!
//! The lowest free block is taken first. So the blocks in use lie together at the front, and after a burst the end is
//! free.
//!
//! `docs/crash-recovery.md` ("Giving memory back to the system") lists the steps, from `trim.intended` to `trim.lowered`.
//!
//! If another thread has moved the mark meanwhile, the CAS fails, and the words become FREE again, as after a death.
//! Only the thread that has moved the mark past an INVALID block may take that block. So no thread takes one of these
//! blocks before the mark is lowered, and their pages are gone by then.
//!
//! INV-TRIM-1: a block that begins anew has a generation that it never had: the thread that moves the mark up has seen
//! the CAS that lowered it, and with it the first generation.
//! INV-TRIM-2: an INVALID block below the mark is named by an intent, of the thread that moved the mark past it or of
//! the thread that lowers the mark. Recovery of either makes the block FREE. A thread that has just moved the mark then
//! finds the block FREE, and takes it like any other.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::layout::PAGE_BYTES;
use crate::arena::record::free_map::WORD_BITS;
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::{BlockId, BlockIndex, BlockRun, BlockState, BlockWord};
use crate::arena::word::intent::ListIntent;
use crate::memory::{block_pool, free_map};
use crate::process::thread::{Thread, crash_point};
use crate::sync::{Relaxed, Release};

/// The most blocks taken at once, and the fewest that are worth a trim.
const MOST: u32 = if cfg!(loom) { 2 } else { 4096 };

const LEAST: u32 = if cfg!(loom) { 1 } else { 2 * (PAGE_BYTES / 32) as u32 };

fn raise_first_generation(arena: &Arena, class: SizeClass, generation: u64) {
    let cell = &arena.header().first_generation[class.index()];
    let mut seen = cell.load(Relaxed);
    // P5: one thread trims at a time.
    for _ in 0..100 {
        if seen >= generation {
            return;
        }
        // Relaxed: raising it early does no harm. The words are cleared after it, each by a Release.
        match cell.compare_exchange(seen, generation, Relaxed, Relaxed) {
            Ok(_) => return,
            Err(changed) => seen = changed,
        }
    }
}

/// The free blocks at the end, as far down as `is_idle` says that a leaf's memory has been given back.
fn idle_end(arena: &Arena, class: SizeClass, end: u32, is_idle: impl Fn(usize) -> bool) -> Result<BlockRun> {
    let map = free_map::free_blocks(arena, class)?;
    let mut from = end;
    while from > 0 && end - from < MOST {
        let leaf = (from as usize - 1) / WORD_BITS;
        let in_leaf = from as usize - leaf * WORD_BITS;
        let all = u64::MAX >> (64 - in_leaf);
        // The blocks of a partly used last leaf share pages with blocks that were never used, so their memory was never
        // given back, and `is_idle` is not asked.
        if map.leaf(leaf) & all != all || in_leaf == WORD_BITS && !is_idle(leaf) {
            break;
        }
        from = (leaf * WORD_BITS) as u32;
    }
    Ok(BlockRun { class, indices: from..end })
}

/// Moves the high-water mark of the class down over free blocks, as far as `is_idle` says that a leaf's memory has been
/// given back.
pub(crate) fn trim(thread: &Thread, class: SizeClass, is_idle: impl Fn(usize) -> bool) -> Result<()> {
    let blocks = thread.arena().layout().descriptors[class.index()].count as u64;
    // P5: as many rounds as there are slices.
    for _ in 0..=blocks / u64::from(MOST) {
        // Relaxed: each block is taken by a CAS of its own word, and the last CAS compares the mark again.
        let end = thread.arena().header().blocks_hwm[class.index()].load(Relaxed).min(blocks) as u32;
        let idle = idle_end(thread.arena(), class, end, &is_idle)?;
        if idle.indices.len() < LEAST as usize || !trim_to(thread, &idle)? {
            break;
        }
    }
    Ok(())
}

/// Trims these blocks, the last ones below the mark. Returns `false` if another thread has taken one of them, or the
/// next one, meanwhile.
fn trim_to(thread: &Thread, run: &BlockRun) -> Result<bool> {
    let arena = thread.arena();
    thread.set_list_intent(ListIntent::Trimming { block: run.first() }, 0);
    crash_point!(thread, "trim.intended");
    let are_owned = own_for_trimming(thread, run)?;
    crash_point!(thread, "trim.owned");
    let is_lowered = are_owned && {
        for block in run.blocks() {
            // ORDER: Release: after the first generation was raised.
            arena.descriptor(block)?.state.store(0, Release);
        }
        arena.decommit_descriptors(run);
        crash_point!(thread, "trim.cleared");
        // ORDER: Release: a thread that sees the lower mark sees the words cleared. No Acquire: all blocks below it
        // were taken before, by Acquires, and every later store is a Release.
        let hwm = &arena.header().blocks_hwm[run.class.index()];
        hwm.compare_exchange(run.indices.end.into(), run.indices.start.into(), Release, Relaxed).is_ok()
    };
    crash_point!(thread, "trim.lowered");
    if !is_lowered {
        resolve_trim(thread, run.first())?;
    }
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(is_lowered)
}

fn own_for_trimming(thread: &Thread, run: &BlockRun) -> Result<bool> {
    let class = run.class;
    let map = free_map::free_blocks(thread.arena(), class)?;
    let mut generation = 0;
    {
        // As in `decommit.rs`: the lock excludes a walk of this process.
        let _credits = thread.process.quotas.blocks[class.index()].lock();
        // From the end, because other threads take the lowest free block first.
        for block in run.blocks().rev() {
            if !block_pool::try_take(thread, block)? {
                return Ok(false);
            }
            let descriptor = thread.arena().descriptor(block)?;
            descriptor.charge.store(0, Relaxed);
            generation = generation.max(BlockWord(descriptor.state.load(Relaxed)).generation());
            map.taken(thread, block.index().0, || block_pool::is_free(thread.arena(), block))?;
        }
    }
    // Raised before any word is cleared: a thread that takes one of these blocks after the mark was lowered must see it
    // (INV-TRIM-1).
    raise_first_generation(thread.arena(), class, generation + 1);
    Ok(true)
}

/// Recovery of a thread that died under [`ListIntent::Trimming`], and the end of a trim that failed. Every block below
/// the mark that was owned or cleared becomes FREE, and the map shows it. If the mark has been lowered, there are none.
pub(crate) fn resolve_trim(thread: &Thread, from: BlockId) -> Result<u32> {
    let class = from.class();
    let map = free_map::free_blocks(thread.arena(), class)?;
    // Relaxed: the dead thread, or this one, has seen the mark behind its blocks. Other threads have taken any blocks
    // since by CAS.
    let mark = thread.arena().header().blocks_hwm[class.index()].load(Relaxed);
    let end = mark.min(thread.arena().layout().descriptors[class.index()].count as u64) as u32;
    let mut freed = 0;
    for index in (from.index().0..end).take(MOST as usize) {
        let block = BlockId::new(class, BlockIndex(index));
        let word = BlockWord(thread.arena().descriptor(block)?.state.load(Relaxed));
        if word.state() == BlockState::Owned(thread.tag) {
            freed += u32::from(block_pool::free_unused_block(thread, block, word)?);
        } else {
            freed += u32::from(free_never_used(thread, block)?);
        }
        map.repair(thread, index, || block_pool::is_free(thread.arena(), block))?;
    }
    Ok(freed)
}

/// INVALID → FREE, below the mark (INV-TRIM-2).
pub(crate) fn free_never_used(thread: &Thread, block: BlockId) -> Result<bool> {
    let state = &thread.arena().descriptor(block)?.state;
    let mark = &thread.arena().header().blocks_hwm[block.class().index()];
    if state.load(Relaxed) != 0 || mark.load(Relaxed) <= u64::from(block.index().0) {
        return Ok(false);
    }
    let free = block_pool::first_generation(thread.arena(), block.class()).freed();
    // ORDER: Release: as for every block that is freed. If the block's page was given back, no store of 0 exists from
    // which the next user could have its order.
    Ok(state.compare_exchange(0, free.0, Release, Relaxed).is_ok())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::config::Config;
    use crate::process::Process;
    use std::sync::Arc;

    fn word(thread: &Thread, block: BlockId) -> BlockWord {
        BlockWord(thread.arena().descriptor(block).unwrap().state.load(Relaxed))
    }

    #[test]
    fn trimmed_blocks_get_new_generations() {
        let config = Config { max_objects: 2, max_processes: 1, max_threads: 1, ..Config::default() };
        let arena = Arc::new(Arena::create(&config).unwrap());
        let process_slot = arena.first_slot().unwrap();
        let thread = Thread::join(&Process::attach(arena, process_slot, 1, 1).unwrap()).unwrap();
        let mut newest = 0;
        for _ in 0..3 {
            let blocks: Vec<_> = (0..2 * LEAST)
                .map(|_| block_pool::take_some_block(&thread, SizeClass::SMALLEST).unwrap())
                .collect();
            for block in &blocks {
                let owned = word(&thread, *block);
                assert!(owned.generation() >= newest, "{} after {newest}", owned.generation());
                thread.set_list_intent(ListIntent::Taking { block: *block }, 0);
                assert!(block_pool::free_block_named(&thread, *block, owned).unwrap());
            }
            newest = blocks.iter().map(|block| word(&thread, *block).generation()).max().unwrap() + 1;
            trim(&thread, SizeClass::SMALLEST, |_| true).unwrap();
            assert_eq!(thread.arena().header().blocks_hwm[0].load(Relaxed), 0);
            assert!(blocks.iter().all(|block| word(&thread, *block) == BlockWord(0)));
        }
    }
}
