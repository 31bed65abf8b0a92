//! Handle tables: one word an entry, and the 32-bit values that name entries to their process.
//!
//! ```text
//!  63   60 59        44 43            24 23        0
//!  ┌──────┬────────────┬────────────────┬───────────┐
//!  │ state│ generation │ rights         │ object    │   slot 23 bits, side 1 bit
//!  └──────┴────────────┴────────────────┴───────────┘
//!                       └ tag t in the transitional states
//!
//!  INVALID ──▶ RESERVED(t) ──▶ LIVE ──▶ CLOSING(t) ──▶ FREE, generation + 1 ──▶ RESERVED(t) …
//!                   │            ├────▶ MOVING(t) ─────▶ FREE     sent in a message
//!                   └──▶ FREE    └────▶ MOVED(t) ──────▶ FREE     replaced, or given to a child
//! ```
//!
//! A handle in transit is the same word in a message: LIVE, CLOSING(t), FREE; its generation is unused.
//!
//! INV-ENTRY-1: LIVE, CLOSING and MOVING own one reference to their object; RESERVED, MOVED and FREE own none,
//! until the operation that the owner's intent names has committed.
//! INV-ENTRY-2: leaving LIVE is a CAS of the exact word: of two threads that close, move or replace the same
//! handle, one succeeds. The generation makes equal words mean the same handle.
//! INV-ENTRY-3: an entry's other transitions are stores by the thread its tag names, or by recovery for it.
//! INV-ENTRY-4: a closed entry rests behind a thousand others before it is used again, if the table has room.

use crate::bits::{Field, ObjectRef, Tag};
use std::collections::VecDeque;

/// A value of a handle entry, or of a handle in transit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry(pub(crate) u64);

/// The states of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryState {
    Invalid,
    Free,
    Reserved(Tag),
    Live,
    Closing(Tag),
    Moving(Tag),
    Moved(Tag),
}

impl Entry {
    const STATE: Field<60, 4> = Field;
    const GENERATION: Field<44, 16> = Field;
    const RIGHTS: Field<24, 20> = Field;
    const TAG: Field<24, 12> = Field;
    const OBJECT: Field<0, 24> = Field;

    const FREE: u64 = 1;
    const RESERVED: u64 = 2;
    const LIVE: u64 = 3;
    const CLOSING: u64 = 4;
    const MOVING: u64 = 5;
    const MOVED: u64 = 6;

    pub(crate) fn state(self) -> EntryState {
        let tag = Tag(Self::TAG.get(self.0) as u16);
        match Self::STATE.get(self.0) {
            Self::FREE => EntryState::Free,
            Self::RESERVED => EntryState::Reserved(tag),
            Self::LIVE => EntryState::Live,
            Self::CLOSING => EntryState::Closing(tag),
            Self::MOVING => EntryState::Moving(tag),
            Self::MOVED => EntryState::Moved(tag),
            _ => EntryState::Invalid,
        }
    }

    #[inline(always)]
    pub(crate) fn is_live(self) -> bool {
        Self::STATE.get(self.0) == Self::LIVE
    }

    #[inline(always)]
    pub(crate) fn generation(self) -> u32 {
        Self::GENERATION.get(self.0) as u32
    }

    #[inline(always)]
    pub(crate) fn rights(self) -> u32 {
        Self::RIGHTS.get(self.0) as u32
    }

    #[inline(always)]
    pub(crate) fn object(self) -> ObjectRef {
        ObjectRef(Self::OBJECT.get(self.0) as u32)
    }

    fn generation_bits(self) -> u64 {
        Self::GENERATION.of(self.generation().into())
    }

    fn by(self, state: u64, tag: Tag, object: ObjectRef) -> Self {
        let word = Self::STATE.of(state) | Self::TAG.of(tag.0.into()) | Self::OBJECT.of(object.0.into());
        Self(word | self.generation_bits())
    }

    /// A free or virgin entry, set aside by `tag` for a handle to `object`.
    pub(crate) fn reserved(self, tag: Tag, object: ObjectRef) -> Self {
        self.by(Self::RESERVED, tag, object)
    }

    /// The same entry as a live handle.
    pub(crate) fn live(self, rights: u32, object: ObjectRef) -> Self {
        let word =
            Self::STATE.of(Self::LIVE) | Self::RIGHTS.of(rights.into()) | Self::OBJECT.of(object.0.into());
        Self(word | self.generation_bits())
    }

    pub(crate) fn closing(self, tag: Tag) -> Self {
        self.by(Self::CLOSING, tag, self.object())
    }

    pub(crate) fn moving(self, tag: Tag) -> Self {
        self.by(Self::MOVING, tag, self.object())
    }

    pub(crate) fn moved(self, tag: Tag) -> Self {
        self.by(Self::MOVED, tag, self.object())
    }

    /// FREE, for the next generation.
    pub(crate) fn freed(self) -> Self {
        Self(Self::STATE.of(Self::FREE) | Self::GENERATION.of(u64::from(self.generation()) + 1))
    }
}

/// The secret by which a process turns entries into values and back: a bijection of 32 bits that fixes 0, so
/// that no value is ever 0 and a value of one process means nothing in another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secret {
    multiplier: u32,
    inverse: u32,
}

impl Secret {
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
    pub(crate) fn value_of(self, index: u32, entry: Entry) -> u32 {
        let plain = index | entry.generation() << Self::INDEX_BITS;
        let mixed = plain.wrapping_mul(self.multiplier);
        mixed ^ mixed >> 16
    }

    /// The index that `value` names, and the low bits of its generation.
    #[inline(always)]
    pub(crate) fn names(self, value: u32) -> (u32, u32) {
        let plain = (value ^ value >> 16).wrapping_mul(self.inverse);
        (plain & ((1 << Self::INDEX_BITS) - 1), plain >> Self::INDEX_BITS)
    }

    /// Whether an entry's generation is the one that a value named.
    #[inline(always)]
    pub(crate) fn agrees(generation: u32, entry: Entry) -> bool {
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
            let secret = Secret::new(seed);
            for index in [1, 2, 77, 0xf_ffff] {
                for generation in [0u64, 1, 0xfff, 0x1234] {
                    let entry = Entry(generation << 44);
                    let value = secret.value_of(index, entry);
                    assert_ne!(value, 0);
                    let (found, named) = secret.names(value);
                    assert_eq!(found, index);
                    assert!(Secret::agrees(named, entry));
                }
            }
            assert_eq!(secret.names(0).0, 0, "0 names the entry that is never used");
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

    #[test]
    fn freeing_an_entry_makes_a_new_generation() {
        let live = Entry(0).reserved(Tag(3), ObjectRef(9)).live(0xf, ObjectRef(9));
        assert_eq!((live.rights(), live.object()), (0xf, ObjectRef(9)));
        assert_eq!(live.closing(Tag(4)).state(), EntryState::Closing(Tag(4)));
        assert_eq!(live.moving(Tag(4)).freed().generation(), live.generation() + 1);
        assert_eq!(Entry(0).state(), EntryState::Invalid);
    }
}
