//! The size classes of blocks: class 0 has four lines, and each class has twice as many as the one before.

use crate::arena::record::line::LINE_BYTES;

/// Lines in a block of class 0. Each further class doubles the number.
pub(crate) const CLASS_0_LINES: usize = 4;

/// The number of block classes: the largest block has 16 MiB.
pub(crate) const MAX_CLASSES: usize = 17;

/// The size of a block of this class.
pub(crate) const fn block_bytes(class: usize) -> usize {
    (CLASS_0_LINES * LINE_BYTES) << class
}

/// The smallest class of blocks with at least `lines` lines.
pub(crate) const fn class_of_lines(lines: usize) -> usize {
    let mut class = 0;
    while (CLASS_0_LINES << class) < lines && class < usize::BITS as usize / 2 {
        class += 1;
    }
    class
}
