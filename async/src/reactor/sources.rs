//! The sources by the keys of their packets. A key is a place in a table, and a number that no later user of the place
//! has.

use super::source::Source;
use slab::Slab;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The key of an observer, and of its packets.
pub(crate) type Key = u64;

#[derive(Debug, Default)]
pub(super) struct Sources(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    entries: Slab<(u32, Arc<Source>)>,
    /// How many keys there have been, in 32 bits.
    count: u32,
}

impl Sources {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A key for this source.
    pub(super) fn insert(&self, source: Arc<Source>) -> Key {
        let mut table = self.table();
        // 31 bits, so that no key is the one of the timer.
        table.count = table.count.wrapping_add(1) & 0x7fff_ffff;
        let count = table.count;
        let index = table.entries.insert((count, source));
        u64::from(count) << 32 | index as u64 & 0xffff_ffff
    }

    /// The source of a packet; `None` if its future is gone.
    pub(super) fn get(&self, key: Key) -> Option<Arc<Source>> {
        let table = self.table();
        let (count, source) = table.entries.get((key & 0xffff_ffff) as usize)?;
        (u64::from(*count) == key >> 32).then(|| source.clone())
    }

    /// Takes a key back. Packets with it are ignored from now on.
    pub(super) fn remove(&self, key: Key) {
        self.table().entries.try_remove((key & 0xffff_ffff) as usize);
    }

    /// All sources.
    pub(super) fn all(&self) -> Vec<Arc<Source>> {
        self.table().entries.iter().map(|(_, (_, source))| source.clone()).collect()
    }
}
