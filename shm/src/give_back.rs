//! The memory of free blocks goes back to the system, some time after the last of them was used.
//!
//! It is the supervisor's work, a pass a second while anything is freed. Whoever frees a block marks it as *freed lately*
//! (a bit a block, a hint that nothing depends on). A pass takes these marks away and remembers them, privately, as *aged*;
//! what was aged before, has not been freed again since, and is free, is given back. So a pool that is busy keeps its
//! memory, and after a burst it is gone within two passes.
//!
//! ```text
//!  give.intended   link = giving back, with the first block of the leaf     the map is repaired
//!  give.owned      each block: FREE → OWNED(t), charged to nobody;          each is freed, and shown
//!                  the map agrees
//!  give.given      whole pages among them given back                        the same
//!  give.freed      each block: → FREE; the map agrees; link idle            the rest is freed, and shown
//! ```
//!
//! The handle table of a process that has died is given back with its last step of recovery.
//!
//! INV-GIVE-1: memory is given back only of blocks that this thread owns, under an intent that names their leaf.

use crate::arena::Arena;
use crate::block::{BlockId, BlockState, BlockWord};
use crate::counter::Counters;
use crate::error::{Result, crash_point};
use crate::free_map::WORD_BITS;
use crate::layout::{PAGE_BYTES, block_bytes};
use crate::owner::Link;
use crate::sync::Relaxed;
use crate::thread::Thread;

/// How much is owned at once: nobody else can have these blocks meanwhile.
const MOST_BYTES_AT_ONCE: usize = 4 << 20;

/// The memory of which free blocks and slots a pass gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unused {
    /// Those that were free during the whole time between the last two passes.
    ForAWhile,
    /// All.
    Now,
}

/// What the supervisor knows of the memory behind what is free. Private: a successor gives all blocks back once more that
/// are free, which changes nothing.
///
/// Of slots it need not know anything: their pages say themselves what was freed lately, and what is gone (`slot_pages`).
#[derive(Debug, Default)]
pub struct IdleMemory {
    /// By class and leaf: blocks that have been freed before the last pass, and whose memory has not been given back since.
    aged: Vec<Vec<u64>>,
    /// How many blocks had ever been freed when the last pass began.
    freed: Option<u64>,
    /// How many objects had ended then.
    retired: u64,
    /// Whether the last pass found anything.
    is_due: bool,
}

impl IdleMemory {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a pass could find something.
    pub fn is_due(&self, arena: &Arena) -> bool {
        let Counters { blocks_freed, objects_retired, .. } = arena.counters();
        self.is_due || self.freed != Some(blocks_freed) || self.retired != objects_retired
    }

    /// What had ended was collected: a pass could find something.
    pub fn expect_more(&mut self) {
        self.is_due = true;
    }

    /// One pass, for as long as `go_on` says so. Gives how many bytes went back to the system.
    pub fn pass(
        &mut self,
        supervisor: &Thread,
        unused: Unused,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<u64> {
        let arena = supervisor.arena();
        let Counters { blocks_freed, objects_retired, .. } = arena.counters();
        let mut bytes;
        (bytes, self.is_due) = supervisor.give_slots_back(unused, go_on)?;
        for class in 0..arena.layout().pools.len() {
            bytes += self.pass_over(class, supervisor, unused, go_on)?;
        }
        (self.freed, self.retired) = (Some(blocks_freed), objects_retired);
        Ok(bytes)
    }

    fn pass_over(
        &mut self,
        class: usize,
        supervisor: &Thread,
        unused: Unused,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<u64> {
        let arena = supervisor.arena();
        let leaves = (arena.used_blocks(class) as usize).div_ceil(WORD_BITS);
        // Of what was before its time the supervisor knows nothing.
        let unknown = if self.freed.is_none() { u64::MAX } else { 0 };
        if self.aged.len() <= class {
            self.aged.resize(class + 1, Vec::new());
        }
        let known = self.aged[class].len();
        self.aged[class].resize(leaves.max(known), unknown);
        let mut bytes = 0;
        for leaf in 0..leaves {
            let lately = arena.take_freed_lately(class, leaf)?;
            let aged = self.aged[class][leaf];
            let wanted = if unused == Unused::Now { aged | lately } else { aged & !lately };
            self.aged[class][leaf] = aged | lately;
            self.is_due |= lately != 0;
            let chosen =
                whole_pages(class, arena.free_blocks(class)?.leaf(leaf) & !(lately & !wanted), wanted);
            if chosen == 0 {
                continue;
            }
            if !go_on() {
                self.is_due = true;
                continue;
            }
            let (given, of_bytes) = supervisor.give_blocks_back(class, leaf, chosen)?;
            self.aged[class][leaf] &= !given;
            self.is_due |= given != chosen;
            bytes += of_bytes;
        }
        supervisor.trim(class, |leaf| self.aged[class].get(leaf).is_none_or(|aged| *aged == 0))?;
        Ok(bytes)
    }
}

/// Those of the `free` blocks of a leaf that have whole pages together, at least one of which was `wanted`.
fn whole_pages(class: usize, free: u64, wanted: u64) -> u64 {
    // In models each block has pages of its own.
    let in_a_page = if cfg!(loom) { 1 } else { (PAGE_BYTES / block_bytes(class)).max(1) };
    let page = u64::MAX >> (64 - in_a_page);
    (0..WORD_BITS / in_a_page)
        .map(|index| page << (index * in_a_page))
        .filter(|page| free & page == *page && wanted & page != 0)
        .fold(0, |pages, page| pages | page)
}

impl Arena {
    /// Gives the memory of a dead process's handle table back, but for the first page. Every entry is FREE: then it may as
    /// well be INVALID, like one that was never used.
    pub(crate) fn give_table_back(&self, process: u16) {
        const KEPT: u32 = (PAGE_BYTES / 8) as u32;
        let used = self.used_entries(process);
        let Ok(row) = self.process(process) else { return };
        if used > KEPT && self.give_entries_back(process, KEPT, used) {
            // Relaxed: before the row is free. A death before this leaves a mark that is too high, which does no harm.
            row.entries_fresh.store(KEPT.into(), Relaxed);
        }
    }

    /// The block has just been freed: its memory is not to be given back soon.
    pub(crate) fn mark_freed_lately(&self, block: BlockId) -> Result<()> {
        let (leaf, bit) = (block.index() / WORD_BITS, 1 << (block.index() % WORD_BITS));
        let cell = self.freed_lately(block.class(), leaf)?;
        // Relaxed: a hint. The line stays where it is while the mark is there.
        if cell.load(Relaxed) & bit == 0 {
            cell.fetch_or(bit, Relaxed);
        }
        Ok(())
    }

    fn take_freed_lately(&self, class: usize, leaf: usize) -> Result<u64> {
        let cell = self.freed_lately(class, leaf)?;
        Ok(if cell.load(Relaxed) == 0 { 0 } else { cell.fetch_and(0, Relaxed) })
    }
}

impl Thread {
    /// Gives the memory of those of the chosen blocks back that nobody takes at this moment. Gives which, and how many
    /// bytes went back to the system.
    fn give_blocks_back(&self, class: usize, leaf: usize, chosen: u64) -> Result<(u64, u64)> {
        let at_once = (MOST_BYTES_AT_ONCE / block_bytes(class)).clamp(1, WORD_BITS);
        let (mut given, mut bytes) = (0, 0);
        for first in (0..WORD_BITS).step_by(at_once) {
            let some = chosen & (u64::MAX >> (64 - at_once)) << first;
            if some != 0 {
                let (of_these, of_bytes) = self.give_some_back(class, leaf, some)?;
                given |= of_these;
                bytes += of_bytes;
            }
        }
        Ok((given, bytes))
    }

    fn give_some_back(&self, class: usize, leaf: usize, chosen: u64) -> Result<(u64, u64)> {
        let block = |index: usize| BlockId::new(class, (leaf * WORD_BITS + index) as u32);
        let map = self.arena().free_blocks(class)?;
        self.set_link(Link::GivingBack { block: block(0) }, 0);
        crash_point!(self, "give.intended");
        let mut owned = 0u64;
        {
            // While the blocks that this process has are counted, it takes none that it does not have.
            let _credits = self.process.quotas.blocks[class].lock();
            for index in (0..WORD_BITS).filter(|index| chosen & 1 << index != 0) {
                let block = block(index);
                if self.try_take(block)? {
                    self.arena().descriptor(block)?.charge.store(0, Relaxed);
                    map.taken(self, block.index() as u32, || self.arena().is_free(block))?;
                    owned |= 1 << index;
                }
            }
        }
        crash_point!(self, "give.owned");
        let (mut bytes, mut index) = (0, 0);
        while index < WORD_BITS {
            let run = (owned >> index).trailing_ones() as usize;
            if run > 0 {
                bytes += self.arena().give_blocks_back(block(index), run)? as u64;
            }
            index += run.max(1);
        }
        crash_point!(self, "give.given");
        for index in (0..WORD_BITS).filter(|index| owned & 1 << index != 0) {
            self.free_owned(block(index))?;
            crash_point!(self, "give.freed");
        }
        self.set_link(Link::Idle, 0);
        Ok((owned, bytes))
    }

    /// Recovery of a thread that died under [`Link::GivingBack`]: every block of the leaf that it owned is free.
    pub(crate) fn settle_giving_back(&self, first: BlockId) -> Result<u32> {
        let class = first.class();
        let map = self.arena().free_blocks(class)?;
        let end = self.arena().layout().descriptors.get(class).map_or(0, |section| section.count);
        let mut freed = 0;
        for index in (first.index()..end).take(WORD_BITS) {
            let block = BlockId::new(class, index as u32);
            freed += u32::from(self.free_owned(block)?);
            map.repair(self, index as u32, || self.arena().is_free(block))?;
        }
        Ok(freed)
    }

    /// OWNED by this thread → FREE, if it is. The block has not been used, and counts for nobody.
    fn free_owned(&self, block: BlockId) -> Result<bool> {
        let word = BlockWord(self.arena().descriptor(block)?.state.load(Relaxed));
        Ok(word.state() == BlockState::Owned(self.tag) && self.free_unused_block(block, word)?)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_share_a_page_go_together() {
        assert_eq!(whole_pages(0, u64::MAX, 1 << 20), 0xffff_0000);
        assert_eq!(whole_pages(0, !(1 << 5), u64::MAX), 0xffff_ffff_ffff_0000);
        assert_eq!(whole_pages(3, 0b1011, 0b0111), 0b0011);
        assert_eq!(whole_pages(4, 0b1010, 0b0110), 0b0010, "a page each");
        assert_eq!(whole_pages(16, 0b1010, 0b1110), 0b1010);
    }
}
