//! The high-water marks: every record past its mark was never used, and is not read.
//!
//! Relaxed, all of them: a mark publishes no store below it. To a living reader it is a hint. The reclaimer and the
//! recovering thread must not miss a row or a slot. For them a barrier, or the death itself, lies between the use of
//! the row or slot and their load of the mark.

use crate::arena::Arena;
use crate::arena::size_class::SizeClass;
use crate::arena::word::reference::{ProcessIndex, Slot, Tag};
use crate::sync::Relaxed;

impl Arena {
    /// The tags of thread rows that were ever used.
    pub(crate) fn thread_tags(&self) -> impl Iterator<Item = Tag> + use<> {
        // The mark is another process's word. Clamped to the layout, here and below, it can make a walk too long or too
        // short, and never lead it outside.
        let hwm = self.header().threads_hwm.load(Relaxed).min(self.layout.threads.count as u64);
        (1..(hwm as u16).max(1)).map(Tag)
    }

    /// The slot of the root directory: behind those that processes take.
    pub(crate) fn root_slot(&self) -> Slot {
        Slot(self.config().max_objects)
    }

    /// Slots below this may have been used.
    pub(crate) fn used_slots(&self) -> u32 {
        // One more: a slot is reserved before the mark moves past it.
        let hwm = self.header().objects_hwm.load(Relaxed).saturating_add(1);
        hwm.min(self.config().max_objects.into()) as u32
    }

    /// Blocks of `class` below this index may have been used.
    pub(crate) fn used_blocks(&self, class: SizeClass) -> u32 {
        let hwm = self.header().blocks_hwm.get(class.index()).map_or(0, |hwm| hwm.load(Relaxed));
        let most = self.layout.descriptors.get(class.index()).map_or(0, |section| section.count);
        hwm.saturating_add(1).min(most as u64) as u32
    }

    /// Entries of a process's table below this index may have been used.
    pub(crate) fn used_entries(&self, process: ProcessIndex) -> u32 {
        let hwm = self.process(process).map_or(0, |row| row.entries_hwm.load(Relaxed));
        hwm.min(self.layout.entries_per_process as u64) as u32
    }
}
