//! The pass over free blocks and slots that gives the memory of idle ones back to the system.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::counter::{self, Counters};
use crate::arena::record::free_map::WORD_BITS;
use crate::arena::size_class::SizeClass;
use crate::memory::decommit::{self, Unused, whole_pages};
use crate::memory::{free_map, slot_pages, trim};
use crate::process::thread::Thread;

/// The supervisor's record of the memory behind free blocks. It is private. A new leader starts without one and gives
/// the memory of every free block back once more, which does no harm.
///
/// Slots need no record here: their page words say which were freed lately and which are gone (`slot_pages.rs`).
#[derive(Debug, Default)]
pub struct IdleMemory {
    /// By class and leaf: the blocks freed before the last pass, less those that were given back since.
    aged: Vec<Vec<u64>>,
    /// The count of all blocks ever freed, when the last pass began.
    freed: Option<u64>,
    /// The count of all objects ever retired, at that time.
    retired: u64,
    /// Whether the last pass left work for another.
    is_due: bool,
}

impl IdleMemory {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a pass could find memory to give back.
    pub fn is_due(&self, arena: &Arena) -> bool {
        let Counters { blocks_freed, objects_retired, .. } = counter::counters(arena);
        self.is_due || self.freed != Some(blocks_freed) || self.retired != objects_retired
    }

    /// Notes that dead objects were collected: a pass could find their memory.
    pub fn expect_more(&mut self) {
        self.is_due = true;
    }

    /// One pass, for as long as `go_on` says so. Returns how many bytes went back to the system.
    pub fn pass(
        &mut self,
        supervisor: &Thread,
        unused: Unused,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<u64> {
        let arena = supervisor.arena();
        let Counters { blocks_freed, objects_retired, .. } = counter::counters(arena);
        let mut bytes;
        (bytes, self.is_due) = slot_pages::decommit_slots(supervisor, unused, go_on)?;
        for class in arena.layout().classes() {
            if class.is_extent() {
                // A thread that frees an extent gives its memory back first (INV-VMO-1); so only descriptors are idle.
                trim::trim(supervisor, class, |_| true)?;
            } else {
                bytes += self.pass_over(class, supervisor, unused, go_on)?;
            }
        }
        // The counts from before the pass: a block that was freed during it makes another pass due.
        (self.freed, self.retired) = (Some(blocks_freed), objects_retired);
        Ok(bytes)
    }

    fn pass_over(
        &mut self,
        class: SizeClass,
        supervisor: &Thread,
        unused: Unused,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<u64> {
        let arena = supervisor.arena();
        let leaves = (arena.used_blocks(class) as usize).div_ceil(WORD_BITS);
        // A supervisor's first pass has no record of earlier frees, so it takes every block for aged.
        let unknown = if self.freed.is_none() { u64::MAX } else { 0 };
        if self.aged.len() <= class.index() {
            self.aged.resize(class.index() + 1, Vec::new());
        }
        let known = self.aged[class.index()].len();
        self.aged[class.index()].resize(leaves.max(known), unknown);
        let mut bytes = 0;
        for leaf in 0..leaves {
            let lately = decommit::take_freed_lately(arena, class, leaf)?;
            let aged = self.aged[class.index()][leaf];
            // Blocks that have stayed free since before the last pass, or all. Those freed lately age from now on.
            let wanted = if unused == Unused::Now { aged | lately } else { aged & !lately };
            self.aged[class.index()][leaf] = aged | lately;
            self.is_due |= lately != 0;
            // A block that was freed lately keeps its page, unless it is wanted too.
            let chosen = whole_pages(
                class,
                free_map::free_blocks(arena, class)?.leaf(leaf) & !(lately & !wanted),
                wanted,
            );
            if chosen == 0 {
                continue;
            }
            // The walk goes on without giving back, so that the blocks of the other leaves age in time.
            if !go_on() {
                self.is_due = true;
                continue;
            }
            let (given, of_bytes) = decommit::decommit_blocks(supervisor, class, leaf, chosen)?;
            self.aged[class.index()][leaf] &= !given;
            // Another thread has taken one of them, and may free it again.
            self.is_due |= given != chosen;
            bytes += of_bytes;
        }
        trim::trim(supervisor, class, |leaf| {
            self.aged[class.index()].get(leaf).is_none_or(|aged| *aged == 0)
        })?;
        Ok(bytes)
    }
}
