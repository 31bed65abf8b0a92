//! The size classes of blocks: class 0 has four lines, and each class has twice as many as the one before.
//!
//! Behind them are the classes of *extents*, the blocks that hold the pages of VM objects: the first has one page, and
//! each has four times as many as the one before. They have pools of their own, which are far larger: an extent takes
//! address space, and memory only where it was written.

use crate::arena::record::line::LINE_BYTES;

/// Lines in a block of class 0. Each further class doubles the number.
const CLASS_0_LINES: usize = 4;

/// The number of size classes of blocks that are no extents: the largest has 16 MiB.
const BLOCK_CLASSES: usize = 17;

/// The number of size classes of extents: the largest has 64 GiB.
pub(crate) const EXTENT_CLASSES: usize = if cfg!(loom) { 2 } else { 13 };

/// The number of all size classes.
pub(crate) const MAX_CLASSES: usize = BLOCK_CLASSES + EXTENT_CLASSES;

/// The smallest extent in bytes: the unit in which VM objects have memory. In models it is a block of class 0.
pub(crate) const EXTENT_UNIT_BYTES: usize = if cfg!(loom) { CLASS_0_LINES * LINE_BYTES } else { 4096 };

/// The doublings from the lines of class 0 to those of the smallest extent.
const EXTENT_DOUBLINGS: u32 = (EXTENT_UNIT_BYTES / (CLASS_0_LINES * LINE_BYTES)).trailing_zeros();

/// The size class of a block.
///
/// It has 16 bits because a block id has ten for it. A damaged id may name a class that does not exist, so a class that
/// comes out of the arena is looked up with `get(class.index())`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SizeClass(u16);

impl SizeClass {
    /// The class of the smallest blocks.
    pub const SMALLEST: Self = Self(0);

    /// The class of the largest blocks that are no extents.
    pub(crate) const LARGEST_BLOCK: Self = Self(BLOCK_CLASSES as u16 - 1);

    /// All classes that an arena can have: those of blocks, and those of extents, the smallest first in each.
    pub(crate) const ALL: [Self; MAX_CLASSES] = {
        let mut all = [Self::SMALLEST; MAX_CLASSES];
        let mut number = 0;
        while number < MAX_CLASSES {
            all[number] = Self(number as u16);
            number += 1;
        }
        all
    };

    /// The classes of blocks that are no extents.
    pub(crate) const BLOCKS: [Self; BLOCK_CLASSES] =
        *Self::ALL.first_chunk().expect("there are more classes than those of blocks");

    /// The class with this number.
    #[inline(always)]
    pub(crate) const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The class of the smallest blocks with at least `lines` lines.
    #[inline(always)]
    pub(crate) const fn fitting(lines: usize) -> Self {
        let mut number = 0;
        while (CLASS_0_LINES << number) < lines && number < usize::BITS as usize / 2 {
            number += 1;
        }
        Self(number as u16)
    }

    /// Its index in an array with one item for each class.
    #[inline(always)]
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    /// The class of blocks that are larger by so many doublings.
    #[inline(always)]
    pub(crate) const fn larger_by(self, doublings: u16) -> Self {
        Self(self.0 + doublings)
    }

    /// The class of extents that are `quadruplings` above the smallest. `None`: there are none so large.
    pub(crate) const fn extent(quadruplings: usize) -> Option<Self> {
        if quadruplings < EXTENT_CLASSES { Some(Self((BLOCK_CLASSES + quadruplings) as u16)) } else { None }
    }

    /// Whether its blocks are extents.
    #[inline(always)]
    pub(crate) const fn is_extent(self) -> bool {
        self.0 >= BLOCK_CLASSES as u16
    }

    /// Lines in a block of this class, which exists.
    #[inline(always)]
    pub(crate) const fn lines(self) -> usize {
        let number = self.0 as u32;
        let doublings =
            if self.is_extent() { EXTENT_DOUBLINGS + 2 * (number - BLOCK_CLASSES as u32) } else { number };
        CLASS_0_LINES << doublings
    }

    /// Bytes in a block of this class, which exists.
    #[inline(always)]
    pub(crate) const fn bytes(self) -> usize {
        self.lines() * LINE_BYTES
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn size_classes_double_from_four_lines() {
        let fitting = |lines| SizeClass::fitting(lines).index();
        assert_eq!([1, 4, 5, 65536 / 64].map(fitting), [0, 0, 1, 8]);
        assert!(SizeClass::ALL.iter().enumerate().all(|(index, class)| class.index() == index));
        assert!(SizeClass::BLOCKS.iter().all(|class| !class.is_extent()));
        assert_eq!(SizeClass::LARGEST_BLOCK.bytes(), 16 << 20);
    }

    #[test]
    fn extents_quadruple_from_one_page() {
        let bytes = |quadruplings| SizeClass::extent(quadruplings).map(SizeClass::bytes);
        assert_eq!(
            [0, 1, 6, 12, 13].map(bytes),
            [Some(4096), Some(16 << 10), Some(16 << 20), Some(64 << 30), None]
        );
        let is_extent = |class: &SizeClass| class.is_extent();
        assert_eq!(SizeClass::ALL.iter().position(is_extent), Some(BLOCK_CLASSES));
    }
}
