//! Ranges of address space that a program has unmapped, and that keep their pages without access until it maps them again.
//!
//! To map pages takes several system calls, and then a fault for each run of pages that is used. A program that gets the same VM
//! objects over and over, as the frames of a pool, pays for that once: unmapping takes all access away (`window::protect`), and
//! a later mapping of the same bytes gets it back, with the pages in place.
//!
//! A retained range keeps nothing of its object. After the object has ended its pages may hold other objects' bytes, but no
//! access by the range reaches them, and no other object gets the range: a koid is never used twice. While the object lives, its
//! extents stay where they are (INV-VMO-3), so the range still shows the right bytes.
//!
//! At most [`MOST_RANGES`] ranges are retained, and at most [`MOST_BYTES`] in all; the oldest is unmapped first. The system counts the
//! used pages of a retained range as resident in this process, as it does those of a mapping.

use crate::arena::region::window::{self, Access};
use core::ops::Range;
use std::collections::VecDeque;

/// How many ranges are retained.
const MOST_RANGES: usize = 16;

/// How many bytes of address space are retained.
const MOST_BYTES: usize = 128 << 20;

/// What a range shows. Ranges of equal views show the same bytes of the same object, and may get the same access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// The object's koid.
    pub(crate) koid: u64,
    /// The byte of the object at the beginning.
    pub(crate) offset: u64,
    /// How many bytes.
    pub(crate) len: usize,
    /// The access that the range may ever have: it decides by which descriptor the range was made.
    pub(crate) most: Access,
}

/// The retained ranges, the oldest first, each with its first address.
#[derive(Debug, Default)]
pub(crate) struct RetainedRanges {
    ranges: VecDeque<(usize, View)>,
    bytes: usize,
}

impl RetainedRanges {
    /// Takes the access to a range away, and keeps it. `false`: it is too large, or the system refuses. A program may have locked the
    /// pages itself: they are unlocked, as those of a range that is unmapped.
    ///
    /// # Safety
    /// The range was mapped by [`window::place`], and no thread uses it any more.
    pub(crate) unsafe fn retain(&mut self, start: usize, view: View) -> bool {
        // SAFETY: the caller's promise.
        if view.len > MOST_BYTES || unsafe { window::protect(start, view.len, Access::empty()) }.is_err() {
            return false;
        }
        window::unlock(start, view.len);
        self.ranges.push_back((start, view));
        self.bytes += view.len;
        while self.ranges.len() > MOST_RANGES || self.bytes > MOST_BYTES {
            self.unmap_at(0);
        }
        true
    }

    /// Gives a range of this view back its access, and gives its first address. `None`: there is none, or the system refuses.
    pub(crate) fn reuse(&mut self, view: View, access: Access) -> Option<usize> {
        let found = self.ranges.iter().rposition(|(_, retained)| *retained == view)?;
        // SAFETY: mapped, and it gains access.
        if unsafe { window::protect(self.ranges[found].0, view.len, access) }.is_err() {
            self.unmap_at(found);
            return None;
        }
        self.bytes -= view.len;
        self.ranges.remove(found).map(|(start, _)| start)
    }

    /// Unmaps the ranges that overlap these addresses, at which the caller is about to map something else.
    pub(crate) fn give_up_within(&mut self, wanted: &Range<usize>) {
        while let Some(found) = self
            .ranges
            .iter()
            .position(|(start, view)| *start < wanted.end && start + view.len > wanted.start)
        {
            self.unmap_at(found);
        }
    }

    /// Unmaps all. Whether there were any.
    pub(crate) fn give_up_all(&mut self) -> bool {
        let had_any = !self.ranges.is_empty();
        self.give_up_within(&(0..usize::MAX));
        had_any
    }

    fn unmap_at(&mut self, found: usize) {
        if let Some((start, view)) = self.ranges.remove(found) {
            self.bytes -= view.len;
            // A range that the system does not unmap stays without access.
            // SAFETY: mapped by `window::place`, and no thread has used it since it was retained.
            let _ = unsafe { window::unmap(start, view.len) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::layout::PAGE_BYTES;

    fn view(koid: u64, len: usize) -> View {
        View { koid, offset: 0, len, most: Access::READ }
    }

    /// Address space without pages does as well: the kernel gives and takes the access to it in the same way.
    fn retain(ranges: &mut RetainedRanges, koid: u64, len: usize) -> usize {
        let start = window::reserve(None, len).unwrap();
        // SAFETY: it was just reserved.
        assert!(unsafe { ranges.retain(start, view(koid, len)) });
        start
    }

    #[test]
    fn ranges_are_reused_for_their_bytes() {
        let mut ranges = RetainedRanges::default();
        let start = retain(&mut ranges, 7, 2 * PAGE_BYTES);
        let same = view(7, 2 * PAGE_BYTES);
        for other in [
            View { koid: 8, ..same },
            View { offset: 4096, ..same },
            View { len: PAGE_BYTES, ..same },
            View { most: Access::READ | Access::WRITE, ..same },
        ] {
            assert_eq!(ranges.reuse(other, Access::READ), None, "{other:?}");
        }
        assert_eq!(ranges.reuse(same, Access::READ), Some(start));
        assert_eq!(ranges.reuse(same, Access::READ), None);
        assert!(!ranges.give_up_all());
    }

    #[test]
    fn the_oldest_range_is_given_up() {
        let mut ranges = RetainedRanges::default();
        for koid in 0..=MOST_RANGES as u64 {
            retain(&mut ranges, koid, PAGE_BYTES);
        }
        assert_eq!(ranges.reuse(view(0, PAGE_BYTES), Access::READ), None);
        retain(&mut ranges, 100, MOST_BYTES - PAGE_BYTES);
        assert_eq!((ranges.ranges.len(), ranges.bytes), (2, MOST_BYTES));
        let too_large = window::reserve(None, MOST_BYTES + PAGE_BYTES).unwrap();
        // SAFETY: it was just reserved.
        assert!(!unsafe { ranges.retain(too_large, view(101, MOST_BYTES + PAGE_BYTES)) });
        assert!(ranges.give_up_all());
        assert_eq!((ranges.ranges.len(), ranges.bytes), (0, 0));
    }

    #[test]
    fn wanted_addresses_are_given_up() {
        let mut ranges = RetainedRanges::default();
        let start = retain(&mut ranges, 1, 4 * PAGE_BYTES);
        ranges.give_up_within(&(start + 4 * PAGE_BYTES..start + 5 * PAGE_BYTES));
        assert_eq!(ranges.ranges.len(), 1);
        ranges.give_up_within(&(start + 3 * PAGE_BYTES..start + 5 * PAGE_BYTES));
        assert_eq!((ranges.ranges.len(), ranges.bytes), (0, 0));
        assert_eq!(window::reserve(Some(start), 4 * PAGE_BYTES).unwrap(), start);
    }
}
