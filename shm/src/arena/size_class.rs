//! The size classes of blocks: class 0 has four lines, and each class has twice as many as the one before.

use crate::arena::record::line::LINE_BYTES;

/// Lines in a block of class 0. Each further class doubles the number.
const CLASS_0_LINES: usize = 4;

/// The number of size classes: the largest block has 16 MiB.
pub(crate) const MAX_CLASSES: usize = 17;

/// The size class of a block.
///
/// It has 16 bits because a block id has ten for it. A damaged id may name a class that does not exist, so a class that
/// comes out of the arena is looked up with `get(class.index())`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SizeClass(u16);

impl SizeClass {
    /// The class of the smallest blocks.
    pub const SMALLEST: Self = Self(0);

    /// All classes that an arena can have, the smallest first.
    pub(crate) const ALL: [Self; MAX_CLASSES] = {
        let mut all = [Self::SMALLEST; MAX_CLASSES];
        let mut number = 0;
        while number < MAX_CLASSES {
            all[number] = Self(number as u16);
            number += 1;
        }
        all
    };

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

    /// Lines in a block of this class, which exists.
    #[inline(always)]
    pub(crate) const fn lines(self) -> usize {
        CLASS_0_LINES << self.0
    }

    /// Bytes in a block of this class, which exists.
    #[inline(always)]
    pub(crate) const fn bytes(self) -> usize {
        (CLASS_0_LINES * LINE_BYTES) << self.0
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
        assert_eq!(SizeClass::ALL[MAX_CLASSES - 1].bytes(), 16 << 20);
    }
}
