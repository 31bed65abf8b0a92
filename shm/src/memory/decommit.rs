//! Decommitting: the memory of free blocks goes back to the system, some time after their last use.
//!
//! The supervisor does this, in one pass a second while blocks are being freed. A thread that frees a block marks it as
//! *freed lately* (one bit for each block, a hint for which correctness does not depend). A pass takes these marks away
//! and remembers them, privately, as *aged*. A block that was aged before the pass, has not been freed again since, and
//! is free, is given back. So a busy pool keeps its memory, and the memory of a burst is gone within two passes.
//!
//! `docs/crash-recovery.md` ("Giving memory back to the system") lists the steps, from `decommit.intended` to
//! `decommit.freed`.
//!
//! The last step of recovery gives the handle table of a dead process back.
//!
//! INV-DECOMMIT-1: memory is given back only of blocks that this thread owns, under an intent that names their leaf.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::layout::PAGE_BYTES;
use crate::arena::record::free_map::WORD_BITS;
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::{BlockId, BlockIndex, BlockState, BlockWord};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::ProcessIndex;
use crate::memory::{block_pool, free_map};
use crate::process::thread::{Thread, crash_point};
use crate::sync::Relaxed;

/// The most bytes that a pass owns at once. No other thread can have these blocks meanwhile.
const MOST_BYTES_AT_ONCE: usize = 4 << 20;

/// Which free blocks and slots a pass gives the memory of back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unused {
    /// Those that were free during the whole time between the last two passes.
    ForAWhile,
    /// All.
    Now,
}

/// The `free` blocks of a leaf that fill whole pages together, where at least one block of each page was `wanted`.
pub(crate) fn whole_pages(class: SizeClass, free: u64, wanted: u64) -> u64 {
    // In models each block has pages of its own.
    let in_a_page = if cfg!(loom) { 1 } else { (PAGE_BYTES / class.bytes()).max(1) };
    let page = u64::MAX >> (64 - in_a_page);
    (0..WORD_BITS / in_a_page)
        .map(|index| page << (index * in_a_page))
        .filter(|page| free & page == *page && wanted & page != 0)
        .fold(0, |pages, page| pages | page)
}

/// Gives the memory of a dead process's handle table back, except its first page. Every entry is FREE. A page that was
/// given back reads as zero, so its entries are INVALID, like entries that were never used.
pub(crate) fn decommit_table(arena: &Arena, process: ProcessIndex) {
    const KEPT: u32 = (PAGE_BYTES / 8) as u32;
    let used = arena.used_entries(process);
    let Ok(row) = arena.process(process) else { return };
    if used > KEPT && arena.decommit_entries(process, KEPT..used) {
        // Relaxed: before the row is free. A death before this store leaves a mark that is too high, which does no
        // harm.
        row.entries_hwm.store(KEPT.into(), Relaxed);
    }
}

pub(crate) fn take_freed_lately(arena: &Arena, class: SizeClass, leaf: usize) -> Result<u64> {
    let cell = arena.freed_lately(class, leaf)?;
    // The load first: most leaves have no mark, and a read-modify-write would take their cache lines from the threads
    // that free.
    Ok(if cell.load(Relaxed) == 0 { 0 } else { cell.fetch_and(0, Relaxed) })
}

/// Gives the memory of the chosen blocks back, except those that another thread takes at this moment. Returns the
/// blocks given back, and how many bytes went back to the system.
pub(crate) fn decommit_blocks(
    thread: &Thread,
    class: SizeClass,
    leaf: usize,
    chosen: u64,
) -> Result<(u64, u64)> {
    let at_once = (MOST_BYTES_AT_ONCE / class.bytes()).clamp(1, WORD_BITS);
    let (mut given, mut bytes) = (0, 0);
    for first in (0..WORD_BITS).step_by(at_once) {
        let some = chosen & (u64::MAX >> (64 - at_once)) << first;
        if some != 0 {
            let (of_these, of_bytes) = decommit_some(thread, class, leaf, some)?;
            given |= of_these;
            bytes += of_bytes;
        }
    }
    Ok((given, bytes))
}

fn decommit_some(thread: &Thread, class: SizeClass, leaf: usize, chosen: u64) -> Result<(u64, u64)> {
    let block = |index: usize| BlockId::new(class, BlockIndex((leaf * WORD_BITS + index) as u32));
    let map = free_map::free_blocks(thread.arena(), class)?;
    // One intent for the whole leaf: the blocks themselves name this thread, so recovery finds those that it owned.
    thread.set_list_intent(ListIntent::Decommitting { block: block(0) }, 0);
    crash_point!(thread, "decommit.intended");
    let mut owned = 0u64;
    {
        // The lock excludes a walk of this process, which must not count a block between its taking and the clearing of
        // its charge.
        let _credits = thread.process.quotas.blocks[class.index()].lock();
        for index in (0..WORD_BITS).filter(|index| chosen & 1 << index != 0) {
            let block = block(index);
            if block_pool::try_take(thread, block)? {
                thread.arena().descriptor(block)?.charge.store(0, Relaxed);
                map.taken(thread, block.index().0, || block_pool::is_free(thread.arena(), block))?;
                owned |= 1 << index;
            }
        }
    }
    crash_point!(thread, "decommit.owned");
    let (mut bytes, mut index) = (0, 0);
    // Every chosen block that is still free is OWNED by now. Only then is memory given back: a block that another
    // thread could take would lose that thread's bytes (INV-DECOMMIT-1).
    while index < WORD_BITS {
        // Whole runs, because a block of a small class is only a part of a page.
        let run = (owned >> index).trailing_ones() as usize;
        if run > 0 {
            bytes += thread.arena().decommit_blocks(block(index), run)? as u64;
        }
        index += run.max(1);
    }
    crash_point!(thread, "decommit.done");
    for index in (0..WORD_BITS).filter(|index| owned & 1 << index != 0) {
        free_owned(thread, block(index))?;
        crash_point!(thread, "decommit.freed");
    }
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok((owned, bytes))
}

/// Recovery of a thread that died under [`ListIntent::Decommitting`]: every block of the leaf that it owned becomes FREE.
pub(crate) fn resolve_decommit(thread: &Thread, first: BlockId) -> Result<u32> {
    let class = first.class();
    let map = free_map::free_blocks(thread.arena(), class)?;
    let end = thread.arena().layout().descriptors.get(class.index()).map_or(0, |section| section.count);
    let mut freed = 0;
    // Every block of the leaf: the intent does not say how many of them the dead thread had taken or freed. The map is
    // repaired for all of them, since the death may have come between a word and its bit.
    for index in (first.index().as_usize()..end).take(WORD_BITS) {
        let block = BlockId::new(class, BlockIndex(index as u32));
        freed += u32::from(free_owned(thread, block)?);
        map.repair(thread, index as u32, || block_pool::is_free(thread.arena(), block))?;
    }
    Ok(freed)
}

/// OWNED by this thread → FREE, if it is. The block was not used and is charged to no process.
fn free_owned(thread: &Thread, block: BlockId) -> Result<bool> {
    let word = BlockWord(thread.arena().descriptor(block)?.state.load(Relaxed));
    Ok(word.state() == BlockState::Owned(thread.tag) && block_pool::free_unused_block(thread, block, word)?)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_share_a_page_go_together() {
        assert_eq!(whole_pages(SizeClass::new(0), u64::MAX, 1 << 20), 0xffff_0000);
        assert_eq!(whole_pages(SizeClass::new(0), !(1 << 5), u64::MAX), 0xffff_ffff_ffff_0000);
        assert_eq!(whole_pages(SizeClass::new(3), 0b1011, 0b0111), 0b0011);
        assert_eq!(whole_pages(SizeClass::new(4), 0b1010, 0b0110), 0b0010, "each block fills a page");
        assert_eq!(whole_pages(SizeClass::new(16), 0b1010, 0b1110), 0b1010);
    }
}
