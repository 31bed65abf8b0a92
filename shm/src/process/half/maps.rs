//! What this process has mapped of VM objects: which range belongs to which handle.
//!
//! A mapping has a handle of its own, its *keeper* (`handle/keeper`), which keeps the object while anything of it is mapped.
//! The keeper dies with the process as every handle does, and so do the mappings: recovery has nothing to do for them.

use crate::arena::region::window::{self, Access};
use crate::arena::word::handle::{Entry, EntryIndex};
use crate::process::half::retained::{RetainedRanges, View};
use core::ops::Range;
use std::collections::BTreeMap;

/// The handle that keeps a mapping's object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keeper {
    pub(crate) index: EntryIndex,
    pub(crate) entry: Entry,
}

/// A mapped range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mapped {
    pub(crate) end: usize,
    pub(crate) keeper: Keeper,
    /// The koid of the keeper's object.
    pub(crate) koid: u64,
    /// The byte of the object at its beginning.
    pub(crate) offset: u64,
    /// The access that it has.
    pub(crate) access: Access,
    /// The access that it may ever have.
    pub(crate) most: Access,
    /// Whether the range may be retained when it is unmapped: the kernel chose its address, so no code but this library manages
    /// that address space, and the system does not lock its pages in memory.
    pub(crate) may_retain: bool,
}

/// The mapped ranges, by their first address.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    by_start: BTreeMap<usize, Mapped>,
    /// How many ranges each keeper has.
    ranges_of: BTreeMap<EntryIndex, usize>,
    /// Ranges that the program has unmapped, kept for a later mapping of the same bytes.
    pub(crate) retained: RetainedRanges,
    /// The process that has mapped them: a forked child has none of them.
    process: u32,
}

impl Maps {
    /// Adds a range in which nothing is mapped.
    pub(crate) fn insert(&mut self, start: usize, mapped: Mapped) {
        self.process = std::process::id();
        self.add(start, mapped);
    }

    fn add(&mut self, start: usize, mapped: Mapped) {
        *self.ranges_of.entry(mapped.keeper.index).or_default() += 1;
        self.by_start.insert(start, mapped);
    }

    /// All ranges, with their first addresses, in order.
    pub(crate) fn ranges(&self) -> Vec<(usize, Mapped)> {
        self.by_start.iter().map(|(start, mapped)| (*start, *mapped)).collect()
    }

    /// How many ranges are mapped of the object with this koid.
    pub(crate) fn count_of(&self, koid: u64) -> usize {
        self.by_start.values().filter(|mapped| mapped.koid == koid).count()
    }

    /// The parts of `range` that are mapped, in order.
    pub(crate) fn within(&self, range: &Range<usize>) -> Vec<(Range<usize>, Mapped)> {
        // The one that begins before the range may reach into it.
        let before = self.by_start.range(..range.start).next_back();
        let inside = self.by_start.range(range.clone());
        let clip = |(start, mapped): (&usize, &Mapped)| {
            (range.start.max(*start)..range.end.min(mapped.end), *mapped)
        };
        before.into_iter().chain(inside).map(clip).filter(|(part, _)| !part.is_empty()).collect()
    }

    /// Whether all of `range` is mapped.
    pub(crate) fn covers(&self, range: &Range<usize>) -> bool {
        let mut at = range.start;
        for (part, _) in self.within(range) {
            if part.start != at {
                return false;
            }
            at = part.end;
        }
        at == range.end
    }

    /// Notes the access to `range`, and cuts what is mapped across its ends.
    pub(crate) fn set_access(&mut self, range: &Range<usize>, access: Access) {
        self.split(range.start);
        self.split(range.end);
        self.by_start.range_mut(range.clone()).for_each(|(_, mapped)| mapped.access = access);
    }

    /// Cuts what is mapped across this address into two.
    fn split(&mut self, at: usize) {
        let Some((start, mapped)) = self.by_start.range_mut(..at).next_back() else { return };
        if mapped.end > at {
            let rest = Mapped { offset: mapped.offset + (at - start) as u64, ..*mapped };
            mapped.end = at;
            self.add(at, rest);
        }
    }

    /// Unmaps a part of one mapping, and cuts what is left of it. Gives the mapping's keeper if nothing is left.
    ///
    /// # Safety
    /// The part is listed ([`within`](Self::within)), and no thread uses it any more.
    pub(crate) unsafe fn unmap(&mut self, part: &Range<usize>) -> std::io::Result<Option<Keeper>> {
        // SAFETY: the caller's promise.
        if !unsafe { self.retain(part) } {
            // SAFETY: as above.
            unsafe { window::unmap(part.start, part.len()) }?;
        }
        Ok(self.remove(part))
    }

    /// Retains the range for the next mapping of the same bytes. `false`: the range is only a part of a mapping, it must not be
    /// retained, or [`RetainedRanges::retain`] refuses.
    ///
    /// # Safety
    /// As for [`unmap`](Self::unmap).
    unsafe fn retain(&mut self, part: &Range<usize>) -> bool {
        let whole =
            self.by_start.get(&part.start).filter(|mapped| mapped.end == part.end && mapped.may_retain);
        whole.copied().is_some_and(|Mapped { koid, offset, most, .. }| {
            // SAFETY: the caller's promise.
            unsafe { self.retained.retain(part.start, View { koid, offset, len: part.len(), most }) }
        })
    }

    /// Takes a part of one mapping out of the list. Gives its keeper if nothing else of it is listed.
    fn remove(&mut self, part: &Range<usize>) -> Option<Keeper> {
        self.split(part.start);
        self.split(part.end);
        let keeper = self.by_start.remove(&part.start)?.keeper;
        let others = self.ranges_of.get_mut(&keeper.index)?;
        *others -= 1;
        (*others == 0).then(|| {
            self.ranges_of.remove(&keeper.index);
            keeper
        })
    }
}

impl Drop for Maps {
    /// The process leaves the arena: the handles end, and the pages are soon others'.
    fn drop(&mut self) {
        if self.process == std::process::id() {
            self.retained.give_up_all();
            for (start, mapped) in &self.by_start {
                // SAFETY: mapped by this library. A program that still uses it faults: it has left the arena.
                let _ = unsafe { window::unmap(*start, mapped.end - start) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: EntryIndex = EntryIndex(1);
    const TWO: EntryIndex = EntryIndex(2);

    fn parts(maps: &Maps) -> Vec<(usize, usize, EntryIndex)> {
        maps.by_start.iter().map(|(start, mapped)| (*start, mapped.end, mapped.keeper.index)).collect()
    }

    fn removed(maps: &mut Maps, range: Range<usize>) -> Vec<EntryIndex> {
        let parts = maps.within(&range).into_iter();
        parts.filter_map(|(part, _)| maps.remove(&part)).map(|keeper| keeper.index).collect()
    }

    /// Of no process, so that nothing is unmapped at the end.
    fn two_neighbours() -> Maps {
        let mut maps = Maps::default();
        for (start, index) in [(10, ONE), (20, TWO)] {
            let mapped = Mapped {
                end: start + 10,
                keeper: Keeper { index, entry: Entry(0) },
                koid: index.0.into(),
                offset: 100,
                access: Access::empty(),
                most: Access::READ,
                may_retain: false,
            };
            maps.insert(start, mapped);
        }
        maps.process = 0;
        maps
    }

    #[test]
    fn a_hole_splits_a_mapping() {
        let mut maps = two_neighbours();
        assert_eq!(removed(&mut maps, 12..15), []);
        assert_eq!(parts(&maps), [(10, 12, ONE), (15, 20, ONE), (20, 30, TWO)]);
        assert_eq!([1, 2, 3].map(|koid| maps.count_of(koid)), [2, 1, 0]);
        assert!(!maps.covers(&(10..20)) && maps.covers(&(15..30)) && maps.covers(&(10..12)));
        assert_eq!(removed(&mut maps, 11..25), []);
        assert_eq!(parts(&maps), [(10, 11, ONE), (25, 30, TWO)]);
        assert_eq!(removed(&mut maps, 0..100), [ONE, TWO]);
        assert_eq!(removed(&mut maps, 0..100), []);
        assert!(maps.ranges_of.is_empty());
    }

    #[test]
    fn access_changes_split_mappings() {
        let mut maps = two_neighbours();
        maps.set_access(&(15..22), Access::READ);
        let all = maps.ranges().into_iter();
        let all: Vec<_> =
            all.map(|(start, mapped)| (start..mapped.end, mapped.offset, mapped.access)).collect();
        let (none, read) = (Access::empty(), Access::READ);
        assert_eq!(all, [(10..15, 100, none), (15..20, 105, read), (20..22, 100, read), (22..30, 102, none)]);
    }

    #[test]
    fn ranges_find_their_parts() {
        let maps = two_neighbours();
        let found = |range| maps.within(&range).into_iter().map(|(part, _)| part).collect::<Vec<_>>();
        assert_eq!(found(0..10), []);
        assert_eq!(found(5..11).first(), Some(&(10..11)));
        assert_eq!(found(19..21), [19..20, 20..21]);
        assert_eq!(found(30..40), []);
        assert!(!maps.covers(&(5..11)) && !maps.covers(&(25..31)) && maps.covers(&(10..30)));
    }
}
