//! Which extents a VM object has: fixed when it is created.
//!
//! ```text
//!  63    17     16     15       8 7         0
//!  ┌───────┬───────────┬─────────┬───────────┐
//!  │   0   │ RESIZABLE │ 1: made │ first ext.│
//!  └───────┴───────────┴─────────┴───────────┘
//! ```
//!
//! Extent 0 is of the class that the object's first size needs, and holds its bytes from 0 on. Extent *n* is of the class
//! *n* above, four times as large as extent *n* − 1, and holds the bytes from the end of that one up to its own end. A
//! byte lies in its extent at the offset that it has in the object: so the beginning of each extent but the first is
//! never used, and takes address space alone.

use crate::arena::error::{Error, Result};
use crate::arena::size_class::{EXTENT_CLASSES, EXTENT_UNIT_BYTES, SizeClass};
use crate::arena::word::{Field, debug_as_fields};

/// The extents of a VM object. All-zero is no object's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry(pub(crate) u64);

debug_as_fields!(Geometry { first, is_resizable });

impl Geometry {
    const FIRST: Field<0, 8> = Field;
    const MADE: Field<8, 8> = Field;
    const RESIZABLE: Field<16, 1> = Field;

    /// That of an object which begins with so many bytes.
    pub(crate) fn new(bytes: u64, is_resizable: bool) -> Self {
        let first = quadruplings_for(bytes).min(EXTENT_CLASSES - 1);
        Self(Self::FIRST.of(first as u64) | Self::MADE.of(1) | Self::RESIZABLE.of(is_resizable.into()))
    }

    /// The same, if it is one that a creator writes (P5).
    pub(crate) fn checked(self) -> Result<Self> {
        let is_valid = Self::MADE.get(self.0) == 1 && self.first() < EXTENT_CLASSES;
        if is_valid { Ok(self) } else { Err(Error::Corrupt("a VM object of impossible extents")) }
    }

    fn first(self) -> usize {
        Self::FIRST.get(self.0) as usize
    }

    pub(crate) fn is_resizable(self) -> bool {
        Self::RESIZABLE.get(self.0) != 0
    }

    /// The class of an extent. `None`: there is no extent so large.
    pub(crate) fn class(self, extent: usize) -> Option<SizeClass> {
        SizeClass::extent(self.first() + extent)
    }

    /// The extent that holds the byte at `offset`. `None`: no extent is large enough.
    pub(crate) fn extent_of(self, offset: u64) -> Option<usize> {
        let quadruplings = quadruplings_for(offset.checked_add(1)?);
        (quadruplings < EXTENT_CLASSES).then(|| quadruplings.saturating_sub(self.first()))
    }
}

/// How many quadruplings the smallest extent needs to have so many bytes.
fn quadruplings_for(bytes: u64) -> usize {
    let last_unit = bytes.saturating_sub(1) / EXTENT_UNIT_BYTES as u64;
    (u64::BITS - last_unit.leading_zeros()).div_ceil(2) as usize
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const KIB: u64 = 1 << 10;

    #[test]
    fn bytes_lie_in_extents_that_quadruple() {
        let geometry = Geometry::new(5 * KIB, true).checked().unwrap();
        assert_eq!(geometry.class(0).map(SizeClass::bytes), Some(16 << 10));
        let extent_of = |offset| geometry.extent_of(offset);
        let offsets = [0, 16 * KIB - 1, 16 * KIB, 64 * KIB - 1, 64 * KIB, (64 << 30) - 1, 64 << 30, u64::MAX];
        assert_eq!(
            offsets.map(extent_of),
            [Some(0), Some(0), Some(1), Some(1), Some(2), Some(11), None, None]
        );
        assert_eq!(geometry.class(11).map(SizeClass::bytes), Some(64 << 30));
        assert_eq!(geometry.class(12), None);
    }

    #[test]
    fn each_extent_holds_what_lies_in_it() {
        for first in [0, 1, 4 * KIB, 4 * KIB + 1, 16 << 20] {
            let geometry = Geometry::new(first, false);
            for offset in (0..40).map(|shift| (1 << shift) - 1) {
                let Some(extent) = geometry.extent_of(offset) else { continue };
                assert!(offset < geometry.class(extent).unwrap().bytes() as u64);
                if let Some(before) = extent.checked_sub(1) {
                    assert!(offset >= geometry.class(before).unwrap().bytes() as u64);
                }
            }
        }
    }

    #[test]
    fn no_damaged_word_passes_the_check() {
        assert!(Geometry(0).checked().is_err());
        assert!(Geometry(0x1ff).checked().is_err());
        assert!(!Geometry::new(0, false).checked().unwrap().is_resizable());
    }
}
