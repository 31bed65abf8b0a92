//! The private half of a handle table: the codec between values and entries, and the pool of free entries.
//!
//! A process never gives out an entry's index as it is. The codec mixes index and generation with a secret of the
//! process. So the value of a closed handle, or of another process's handle, names no live entry here. The pool keeps a
//! closed entry in quarantine before it is used again (INV-ENTRY-4).

use crate::arena::word::handle::{Entry, EntryIndex, HandleValue};
use core::ops::Range;
use std::collections::VecDeque;

/// The secret by which a process encodes entries as values: a bijection of 32 bits that maps 0 to 0. So no value is
/// ever 0, and a value of one process has no meaning in another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandleCodec {
    multiplier: u32,
    inverse: u32,
}

impl HandleCodec {
    const INDEX_BITS: u32 = 20;

    pub(crate) fn new(seed: u32) -> Self {
        // Odd: only odd numbers have an inverse modulo 2³².
        let multiplier = seed | 1;
        // Newton's iteration doubles the correct low bits of the inverse each time.
        // An odd number is its own inverse modulo 8, so three bits are right at the start, and more than 32 after five
        // rounds.
        let mut inverse = multiplier;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2u32.wrapping_sub(multiplier.wrapping_mul(inverse)));
        }
        Self { multiplier, inverse }
    }

    #[inline(always)]
    pub(crate) fn encode(self, index: EntryIndex, entry: Entry) -> HandleValue {
        let plain = index.0 | entry.generation() << Self::INDEX_BITS;
        let mixed = plain.wrapping_mul(self.multiplier);
        // The product leaves low bits unmixed, so the high half is folded in. The fold is its own inverse.
        HandleValue(mixed ^ mixed >> 16)
    }

    /// Decodes `value`: the index of its entry, and the low bits of its generation.
    #[inline(always)]
    pub(crate) fn decode(self, value: HandleValue) -> (EntryIndex, u32) {
        let plain = (value.0 ^ value.0 >> 16).wrapping_mul(self.inverse);
        (EntryIndex(plain & ((1 << Self::INDEX_BITS) - 1)), plain >> Self::INDEX_BITS)
    }

    /// Whether an entry's generation is the one that a value named.
    #[inline(always)]
    pub(crate) fn matches_generation(generation: u32, entry: Entry) -> bool {
        generation == entry.generation() & 0xfff
    }
}

/// The free entries of this process's table. Private: it dies with the process.
#[derive(Debug)]
pub(crate) struct EntryPool {
    /// Entries in quarantine: the last ones closed, in the order of closing.
    quarantined: VecDeque<EntryIndex>,
    /// Entries past their quarantine, as a stack: the last one is used again first. So the process uses as few entries
    /// as it needs, with the private halves that belong to them, however many it once used.
    reusable: Vec<EntryIndex>,
    /// How many of `reusable`, from the bottom of the stack, have no private half.
    bare: usize,
    first: u32,
    /// The high-water mark: entries from here on were never used by this process.
    hwm: u32,
    end: u32,
}

impl EntryPool {
    /// How many closed entries stay in quarantine before the first of them is used again.
    const QUARANTINE: usize = 1024;
    /// How many free entries may keep a private half, beyond the number of entries in use.
    const KEPT: usize = 1024;

    /// A pool of these entries.
    pub(crate) fn new(entries: Range<u32>) -> Self {
        let (first, end) = (entries.start, entries.end);
        Self { quarantined: VecDeque::new(), reusable: Vec::new(), bare: 0, first, hwm: first, end }
    }

    /// Takes one entry; `None` when all are in use.
    pub(crate) fn take(&mut self) -> Option<EntryIndex> {
        if let Some(index) = self.reusable.pop() {
            // The entry taken may be one without a half. Its next handle then makes one.
            self.bare = self.bare.min(self.reusable.len());
            return Some(index);
        }
        // Before the quarantine: an entry that was never used cannot be named by the value of a closed handle.
        if self.hwm < self.end {
            self.hwm += 1;
            return Some(EntryIndex(self.hwm - 1));
        }
        // The last resort: an entry still in quarantine, the longest closed first.
        self.quarantined.pop_front()
    }

    /// Takes up to `most` entries.
    pub(crate) fn take_some(&mut self, most: usize, into: &mut Vec<EntryIndex>) {
        into.extend(core::iter::from_fn(|| self.take()).take(most));
    }

    /// Puts closed entries into quarantine.
    pub(crate) fn recycle(&mut self, closed: &mut Vec<EntryIndex>) {
        self.quarantined.extend(closed.drain(..));
        let over = self.quarantined.len().saturating_sub(Self::QUARANTINE);
        self.reusable.extend(self.quarantined.drain(..over));
    }

    /// How many entries are in use, or in the caches of threads. Saturating: the startup entry does not come from the
    /// pool, and in a damaged arena an entry may be returned twice.
    fn in_use(&self) -> usize {
        ((self.hwm - self.first) as usize).saturating_sub(self.reusable.len() + self.quarantined.len())
    }

    /// Picks up to `most` free entries that lose their private half, if more free entries than enough have one. It
    /// picks those that will be used again last. So the memory of a process follows the number of its handles, and each
    /// closed entry pays for a part of the work.
    pub(crate) fn strip(&mut self, most: usize) -> &[EntryIndex] {
        let enough = self.in_use() + Self::KEPT;
        let over = (self.reusable.len() - self.bare).saturating_sub(enough).min(most);
        self.bare += over;
        &self.reusable[self.bare - over..self.bare]
    }

    /// The high-water mark: entries from this index on were never used.
    pub(crate) fn hwm(&self) -> u32 {
        self.hwm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_decode_and_are_never_zero() {
        for seed in [0, 1, 2, 0xdead_beef, u32::MAX] {
            let codec = HandleCodec::new(seed);
            for index in [1, 2, 77, 0xf_ffff] {
                for generation in [0u64, 1, 0xfff, 0x1234] {
                    let entry = Entry(generation << 44);
                    let value = codec.encode(EntryIndex(index), entry);
                    assert_ne!(value, HandleValue::INVALID);
                    let (found, named) = codec.decode(value);
                    assert_eq!(found.0, index);
                    assert!(HandleCodec::matches_generation(named, entry));
                }
            }
            assert_eq!(
                codec.decode(HandleValue::INVALID).0,
                EntryIndex(0),
                "0 names the entry that is never used"
            );
        }
    }

    #[test]
    fn closed_entries_stay_in_quarantine() {
        let mut pool = EntryPool::new(1..10_000);
        let first = pool.take().unwrap();
        pool.recycle(&mut vec![first]);
        let mut taken = 0;
        loop {
            let index = pool.take().unwrap();
            taken += 1;
            if index == first {
                break;
            }
            pool.recycle(&mut vec![index]);
        }
        assert!(taken > 1024);
    }

    #[test]
    fn few_entries_are_used_after_a_burst() {
        let mut pool = EntryPool::new(1..100_000);
        let mut burst = Vec::new();
        pool.take_some(50_000, &mut burst);
        pool.recycle(&mut burst);
        let mut used = std::collections::BTreeSet::new();
        for _ in 0..50_000 {
            let index = pool.take().unwrap();
            used.insert(index);
            pool.recycle(&mut vec![index]);
        }
        assert!(used.len() <= EntryPool::QUARANTINE + 1, "{} entries used, one at a time", used.len());
    }

    #[test]
    fn a_burst_leaves_few_private_halves() {
        let mut pool = EntryPool::new(1..100_000);
        let mut dressed = std::collections::BTreeSet::<EntryIndex>::new();
        for _ in 0..3 {
            let mut burst = Vec::new();
            pool.take_some(50_000, &mut burst);
            dressed.extend(&burst);
            while !burst.is_empty() {
                pool.recycle(&mut burst.drain(..32.min(burst.len())).collect());
                pool.strip(128).iter().for_each(|index| assert!(dressed.remove(index)));
                let most = EntryPool::QUARANTINE + EntryPool::KEPT + 2 * burst.len();
                assert!(dressed.len() <= most + 32, "{} for {}", dressed.len(), burst.len());
            }
        }
    }

    #[test]
    fn a_small_table_uses_every_entry() {
        let mut pool = EntryPool::new(1..4);
        let mut taken: Vec<_> = std::iter::from_fn(|| pool.take()).collect();
        taken.sort_unstable();
        assert_eq!(taken, [1, 2, 3].map(EntryIndex));
        pool.recycle(&mut vec![EntryIndex(2)]);
        assert_eq!(pool.take(), Some(EntryIndex(2)));
    }
}
