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

    /// Takes `range` out, and cuts what is mapped across its ends. Gives the keepers of which nothing is left.
    pub(crate) fn remove(&mut self, range: &Range<usize>) -> Vec<HandleValue> {
        let mut keepers = Vec::new();
        for (part, mapped) in self.within(range) {
            let start =
                *self.by_start.range(..=part.start).next_back().map_or(&part.start, |(start, _)| start);
            self.by_start.remove(&start);
            if start < part.start {
                self.by_start.insert(start, Mapped { end: part.start, ..mapped });
            }
            if part.end < mapped.end {
                self.by_start.insert(part.end, mapped);
            }
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
            maps.insert(start, Mapped { end: start + 10, keeper, object, most: Access::READ });
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
