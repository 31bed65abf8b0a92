//! What this process has mapped of VM objects: which range belongs to which handle.
//!
//! A mapping has a handle of its own, its *keeper*, whose value no caller gets. It keeps the object while anything of it
//! is mapped, and has the rights that bound later changes of access. The keeper dies with the process as every handle does, and
//! so do the mappings: recovery has nothing to do for them.

use crate::arena::region::window::{self, Access};
use crate::arena::word::handle::HandleValue;
use crate::arena::word::reference::ObjectRef;
use core::ops::Range;
use std::collections::BTreeMap;

/// A mapped range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mapped {
    pub(crate) end: usize,
    pub(crate) keeper: HandleValue,
    /// The keeper's object, which no other one replaces while the keeper is open.
    pub(crate) object: ObjectRef,
    /// The byte of the object at its beginning.
    pub(crate) offset: u64,
    /// The access that it has.
    pub(crate) access: Access,
    /// The access that it may ever have.
    pub(crate) most: Access,
}

/// The mapped ranges, by their first address.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    by_start: BTreeMap<usize, Mapped>,
    /// The process that has mapped them: a forked child has none of them.
    process: u32,
}

impl Maps {
    /// Adds a range in which nothing is mapped.
    pub(crate) fn insert(&mut self, start: usize, mapped: Mapped) {
        self.process = std::process::id();
        self.by_start.insert(start, mapped);
    }

    /// All ranges, with their first addresses, in order.
    pub(crate) fn ranges(&self) -> Vec<(usize, Mapped)> {
        self.by_start.iter().map(|(start, mapped)| (*start, *mapped)).collect()
    }

    /// The keeper of each range, in the order of addresses.
    pub(crate) fn keepers(&self) -> Vec<HandleValue> {
        self.by_start.values().map(|mapped| mapped.keeper).collect()
    }

    /// How many ranges are mapped of this object.
    pub(crate) fn count_of(&self, object: ObjectRef) -> usize {
        self.by_start.values().filter(|mapped| mapped.object == object).count()
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
            self.by_start.insert(at, rest);
        }
    }

    /// Takes `range` out, and cuts what is mapped across its ends. Gives the keepers of which nothing is left.
    pub(crate) fn remove(&mut self, range: &Range<usize>) -> Vec<HandleValue> {
        self.split(range.start);
        self.split(range.end);
        let mut keepers = Vec::new();
        for (part, mapped) in self.within(range) {
            self.by_start.remove(&part.start);
            if !keepers.contains(&mapped.keeper) {
                keepers.push(mapped.keeper);
            }
        }
        keepers.retain(|keeper| self.by_start.values().all(|mapped| mapped.keeper != *keeper));
        keepers
    }
}

impl Drop for Maps {
    /// The process leaves the arena: the handles end, and the pages are soon others'.
    fn drop(&mut self) {
        if self.process == std::process::id() {
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

    const ONE: HandleValue = HandleValue(1);
    const TWO: HandleValue = HandleValue(2);

    fn parts(maps: &Maps) -> Vec<(usize, usize, u32)> {
        maps.by_start.iter().map(|(start, mapped)| (*start, mapped.end, mapped.keeper.0)).collect()
    }

    /// Of no process, so that nothing is unmapped at the end.
    fn two_neighbours() -> Maps {
        let mut maps = Maps::default();
        for (start, keeper) in [(10, ONE), (20, TWO)] {
            let object = ObjectRef(keeper.0);
            let (access, most) = (Access::empty(), Access::READ);
            maps.insert(start, Mapped { end: start + 10, keeper, object, offset: 100, access, most });
        }
        maps.process = 0;
        maps
    }

    #[test]
    fn a_hole_splits_a_mapping() {
        let mut maps = two_neighbours();
        assert_eq!(maps.remove(&(12..15)), []);
        assert_eq!(parts(&maps), [(10, 12, 1), (15, 20, 1), (20, 30, 2)]);
        assert_eq!(maps.keepers(), [ONE, ONE, TWO]);
        assert_eq!([ONE, TWO].map(|keeper| maps.count_of(ObjectRef(keeper.0))), [2, 1]);
        assert!(!maps.covers(&(10..20)) && maps.covers(&(15..30)) && maps.covers(&(10..12)));
        assert_eq!(maps.remove(&(11..25)), []);
        assert_eq!(parts(&maps), [(10, 11, 1), (25, 30, 2)]);
        assert_eq!(maps.remove(&(0..100)), [ONE, TWO]);
        assert_eq!(maps.remove(&(0..100)), []);
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
