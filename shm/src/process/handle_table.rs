//! The private half of a handle table: the codec between values and entries, and the pool of free entries.
//!
//! A process never gives out an entry's index as it is. The codec mixes index and generation with a secret of the process, so
//! that the value of a closed handle, or of another process, names nothing here. The pool keeps a closed entry in quarantine
//! before it is used again (INV-ENTRY-4).

use crate::arena::word::handle::Entry;
use std::collections::VecDeque;

/// The secret by which a process turns entries into values and back: a bijection of 32 bits that fixes 0, so
/// that no value is ever 0 and a value of one process means nothing in another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandleCodec {
    multiplier: u32,
    inverse: u32,
}

impl HandleCodec {
    const INDEX_BITS: u32 = 20;

    pub(crate) fn new(seed: u32) -> Self {
        let multiplier = seed | 1;
        // Newton's iteration doubles the correct low bits of the inverse each time.
        let mut inverse = multiplier;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2u32.wrapping_sub(multiplier.wrapping_mul(inverse)));
        }
        Self { multiplier, inverse }
    }

    #[inline(always)]
    pub(crate) fn encode(self, index: u32, entry: Entry) -> u32 {
        let plain = index | entry.generation() << Self::INDEX_BITS;
        let mixed = plain.wrapping_mul(self.multiplier);
        mixed ^ mixed >> 16
    }

    /// The index that `value` names, and the low bits of its generation.
    #[inline(always)]
    pub(crate) fn decode(self, value: u32) -> (u32, u32) {
        let plain = (value ^ value >> 16).wrapping_mul(self.inverse);
        (plain & ((1 << Self::INDEX_BITS) - 1), plain >> Self::INDEX_BITS)
    }

    /// Whether an entry's generation is the one that a value named.
    #[inline(always)]
    pub(crate) fn matches_generation(generation: u32, entry: Entry) -> bool {
        generation == entry.generation() & 0xfff
    }
}

/// Which entries of this process's table are free. Private: it dies with the process.
#[derive(Debug)]
pub(crate) struct EntryPool {
    /// The last entries that were closed, the longest closed first.
    resting: VecDeque<u32>,
    /// Those that have rested, the last one first to be used again: so the entries in use stay as few as are needed,
    /// with all that hangs from them, however many there once were.
    rested: Vec<u32>,
    /// So many of these, from the bottom, have nothing private left that hangs from them.
    bare: usize,
    first: u32,
    /// Entries from here on were never given out by this process.
    fresh: u32,
    end: u32,
}

impl EntryPool {
    /// How many closed entries rest before the first of them is used again.
    const QUARANTINE: usize = 1024;
    /// How many more than are in use may keep what hangs from them.
    const KEPT: usize = 1024;

    /// A pool of the entries `first..end`.
    pub(crate) fn new(first: u32, end: u32) -> Self {
        Self { resting: VecDeque::new(), rested: Vec::new(), bare: 0, first, fresh: first, end }
    }

    /// One entry, or `None` when all are in use.
    pub(crate) fn take(&mut self) -> Option<u32> {
        if let Some(index) = self.rested.pop() {
            self.bare = self.bare.min(self.rested.len());
            return Some(index);
        }
        if self.fresh < self.end {
            self.fresh += 1;
            return Some(self.fresh - 1);
        }
        self.resting.pop_front()
    }

    /// As many entries as there are, up to `most`.
    pub(crate) fn take_some(&mut self, most: usize, into: &mut Vec<u32>) {
        into.extend(core::iter::from_fn(|| self.take()).take(most));
    }

    /// These rest from now on.
    pub(crate) fn give_back(&mut self, closed: &mut Vec<u32>) {
        self.resting.extend(closed.drain(..));
        let over = self.resting.len().saturating_sub(Self::QUARANTINE);
        self.rested.extend(self.resting.drain(..over));
    }

    /// How many are in use, or in the hands of threads. Saturating: the startup entry comes from elsewhere, and in a
    /// damaged arena an entry may be given back twice.
    fn in_use(&self) -> usize {
        ((self.fresh - self.first) as usize).saturating_sub(self.rested.len() + self.resting.len())
    }

    /// Entries from which nothing private is to hang any more, up to `most`: those that will be used again last, where
    /// more than enough keep something. So what the process keeps follows what it holds, and each entry that is closed
    /// bears a part of the work.
    pub(crate) fn strip(&mut self, most: usize) -> &[u32] {
        let enough = self.in_use() + Self::KEPT;
        let over = (self.rested.len() - self.bare).saturating_sub(enough).min(most);
        self.bare += over;
        &self.rested[self.bare - over..self.bare]
    }

    /// Entries at and past this index were never given out.
    pub(crate) fn fresh(&self) -> u32 {
        self.fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_names_its_entry_and_is_never_zero() {
        for seed in [0, 1, 2, 0xdead_beef, u32::MAX] {
            let codec = HandleCodec::new(seed);
            for index in [1, 2, 77, 0xf_ffff] {
                for generation in [0u64, 1, 0xfff, 0x1234] {
                    let entry = Entry(generation << 44);
                    let value = codec.encode(index, entry);
                    assert_ne!(value, 0);
                    let (found, named) = codec.decode(value);
                    assert_eq!(found, index);
                    assert!(HandleCodec::matches_generation(named, entry));
                }
            }
            assert_eq!(codec.decode(0).0, 0, "0 names the entry that is never used");
        }
    }

    #[test]
    fn a_closed_entry_rests_behind_a_thousand_others() {
        let mut pool = EntryPool::new(1, 10_000);
        let first = pool.take().unwrap();
        pool.give_back(&mut vec![first]);
        let mut taken = 0;
        loop {
            let index = pool.take().unwrap();
            taken += 1;
            if index == first {
                break;
            }
            pool.give_back(&mut vec![index]);
        }
        assert!(taken > 1024);
    }

    #[test]
    fn after_a_burst_few_entries_are_used() {
        let mut pool = EntryPool::new(1, 100_000);
        let mut burst = Vec::new();
        pool.take_some(50_000, &mut burst);
        pool.give_back(&mut burst);
        let mut used = std::collections::BTreeSet::new();
        for _ in 0..50_000 {
            let index = pool.take().unwrap();
            used.insert(index);
            pool.give_back(&mut vec![index]);
        }
        assert!(used.len() <= EntryPool::QUARANTINE + 1, "{} entries, for one at a time", used.len());
    }

    #[test]
    fn after_a_burst_most_entries_are_bare() {
        let mut pool = EntryPool::new(1, 100_000);
        let mut dressed = std::collections::BTreeSet::<u32>::new();
        for _ in 0..3 {
            let mut burst = Vec::new();
            pool.take_some(50_000, &mut burst);
            dressed.extend(&burst);
            while !burst.is_empty() {
                pool.give_back(&mut burst.drain(..32.min(burst.len())).collect());
                pool.strip(128).iter().for_each(|index| assert!(dressed.remove(index)));
                let most = EntryPool::QUARANTINE + EntryPool::KEPT + 2 * burst.len();
                assert!(dressed.len() <= most + 32, "{} for {}", dressed.len(), burst.len());
            }
        }
    }

    #[test]
    fn a_small_table_is_used_to_its_last_entry() {
        let mut pool = EntryPool::new(1, 4);
        let mut taken: Vec<_> = std::iter::from_fn(|| pool.take()).collect();
        taken.sort_unstable();
        assert_eq!(taken, [1, 2, 3]);
        pool.give_back(&mut vec![2]);
        assert_eq!(pool.take(), Some(2));
    }
}
