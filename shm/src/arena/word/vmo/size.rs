//! The size of a VM object.
//!
//! ```text
//!  63            24 23         0
//!  ┌───────────────┬────────────┐
//!  │ size in units │ version 24 │
//!  └───────────────┴────────────┘
//! ```
//!
//! | transition | by |
//! |---|---|
//! | → size, version | `vmo_set_size`, and recovery of a thread that died while it shrank the object: CAS; the version grows by one |
//!
//! A unit is a page. The version grows with every change, so that a thread that has cleared the pages behind a new size
//! finds out whether the size was another one meanwhile.

use crate::arena::size_class::EXTENT_UNIT_BYTES;
use crate::arena::word::{Field, debug_as_fields};

/// A size, and how often it was changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SizeWord(pub(crate) u64);

debug_as_fields!(SizeWord { bytes, version });

impl SizeWord {
    const UNITS: Field<24, 40> = Field;
    const VERSION: Field<0, 24> = Field;

    /// The most bytes that a word can say.
    pub(crate) const MOST_BYTES: u64 = Field::<24, 40>::MAX * EXTENT_UNIT_BYTES as u64;

    /// The word of a new object. The size is in whole units.
    pub(crate) fn new(bytes: u64) -> Self {
        Self(Self::UNITS.of(bytes / EXTENT_UNIT_BYTES as u64))
    }

    pub(crate) fn bytes(self) -> u64 {
        Self::UNITS.get(self.0) * EXTENT_UNIT_BYTES as u64
    }

    pub(crate) fn version(self) -> u64 {
        Self::VERSION.get(self.0)
    }

    /// Another size in the same version: what an intent says.
    pub(crate) fn with_bytes(self, bytes: u64) -> Self {
        Self(Self::UNITS.set(self.0, bytes / EXTENT_UNIT_BYTES as u64))
    }

    /// The word after a change to this size.
    pub(crate) fn changed_to(self, bytes: u64) -> Self {
        Self(Self::VERSION.set(self.with_bytes(bytes).0, self.version() + 1))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_change_has_its_version() {
        let first = SizeWord::new(8192);
        let second = first.changed_to(4096);
        assert_eq!((second.bytes(), second.version()), (4096, 1));
        assert_eq!(second.with_bytes(0).version(), 1);
        let last = SizeWord(u64::MAX);
        assert_eq!(last.bytes(), SizeWord::MOST_BYTES);
        assert_eq!(last.changed_to(4096), SizeWord::new(4096), "the version wraps");
    }
}
