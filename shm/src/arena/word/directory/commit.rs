//! The commit word of a directory: which of its words became a name last.
//!
//! ```text
//!  63 62  61 60    51 50           23 22       0
//!  │ 1 │ 0 │ index  │ generation    │ slot     │
//! ```
//!
//! One word orders all registrations, so two servers of one name cannot both commit: each commits by a CAS of the value
//! that it had loaded before it looked for the name. A listener commits once, and the word has all of its generation. So no
//! value comes back, and no word of a later listener is taken for the one that was committed.

use crate::arena::word::directory::name::{NameWord, WeakRef};
use crate::arena::word::{Field, debug_as_fields};

/// A value of a directory's commit word. All-zero: no name was ever committed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommitWord(pub(crate) u64);

debug_as_fields!(CommitWord { index });

impl CommitWord {
    const IS_SET: Field<63, 1> = Field;
    const INDEX: Field<51, 10> = Field;
    const GENERATION: Field<23, 28> = Field;
    const SLOT: Field<0, 23> = Field;

    /// The word that was committed last.
    pub(crate) fn index(self) -> usize {
        Self::INDEX.get(self.0) as usize
    }

    /// The commit of the word at `index`.
    pub(crate) fn new(index: usize, listener: WeakRef) -> Self {
        Self(
            Self::IS_SET.of(1)
                | Self::INDEX.of(index as u64)
                | Self::GENERATION.of(listener.generation)
                | Self::SLOT.of(listener.slot.0.into()),
        )
    }

    /// Whether this is the commit of `word`, and not of an earlier one at its index.
    pub(crate) fn is_of(self, word: NameWord) -> bool {
        let WeakRef { slot, generation } = word.listener();
        self.0 != 0
            && Self::SLOT.get(self.0) == u64::from(slot.0)
            && Self::GENERATION.get(self.0) == generation
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::reference::Slot;

    #[test]
    fn a_commit_names_one_listener() {
        let listener = WeakRef { slot: Slot(0x7f_ffff), generation: (1 << 28) - 1 };
        let commit = CommitWord::new(1023, listener);
        assert_eq!(commit.index(), 1023);
        assert!(commit.is_of(NameWord::pending(7, listener)));
        // The same low bits.
        let earlier = WeakRef { generation: (1 << 27) - 1, ..listener };
        assert!(!commit.is_of(NameWord::pending(7, earlier)));
        assert!(!CommitWord(0).is_of(NameWord::pending(0, WeakRef { slot: Slot(0), generation: 0 })));
    }
}
