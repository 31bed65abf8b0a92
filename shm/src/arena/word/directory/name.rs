//! A name of a directory, as one word: the listener that serves it. And the same listener, as a word of its own.
//!
//! ```text
//!  63 62 61      51 50           23 22        0
//!  │state│ hash 11 │ generation 28 │ slot 23   │      EMPTY ──▶ PENDING ──▶ LIVE
//! ```
//!
//! The word is weak: it keeps no listener alive. Whether the listener still lives is asked of the listener itself, whose
//! lifecycle word has the same generation then. A word whose listener is gone counts as EMPTY, and is replaced.
//!
//! INV-NAME-1: PENDING → LIVE only after the directory's commit word has named this very word (`commit`).

use crate::arena::word::reference::Slot;
use crate::arena::word::{Field, debug_as_fields};

/// An object in one life of its slot. 0 names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WeakRef {
    pub(crate) slot: Slot,
    pub(crate) generation: u64,
}

impl WeakRef {
    const IS_SET: Field<63, 1> = Field;
    const GENERATION: Field<23, 28> = Field;
    const SLOT: Field<0, 23> = Field;

    pub(crate) fn to_word(self) -> u64 {
        Self::IS_SET.of(1) | Self::GENERATION.of(self.generation) | Self::SLOT.of(self.slot.0.into())
    }

    pub(crate) fn from_word(word: u64) -> Option<Self> {
        let slot = Slot(Self::SLOT.get(word) as u32);
        (word != 0).then_some(Self { slot, generation: Self::GENERATION.get(word) })
    }
}

/// The states of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameState {
    Empty,
    /// Its server is about to commit it.
    Pending,
    Live,
}

/// A value of a directory's word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameWord(pub(crate) u64);

debug_as_fields!(NameWord { state, listener });

impl NameWord {
    const STATE: Field<62, 2> = Field;
    const HASH: Field<51, 11> = Field;
    const GENERATION: Field<23, 28> = Field;
    const SLOT: Field<0, 23> = Field;
    const PENDING: u64 = 1;
    const LIVE: u64 = 2;

    pub(crate) fn state(self) -> NameState {
        match Self::STATE.get(self.0) {
            Self::PENDING => NameState::Pending,
            Self::LIVE => NameState::Live,
            _ => NameState::Empty,
        }
    }

    /// A name with this hash, of which the rest is compared with the listener's.
    pub(crate) fn pending(hash: u64, listener: WeakRef) -> Self {
        Self(
            Self::STATE.of(Self::PENDING)
                | Self::HASH.of(hash)
                | Self::GENERATION.of(listener.generation)
                | Self::SLOT.of(listener.slot.0.into()),
        )
    }

    pub(crate) fn live(self) -> Self {
        Self(Self::STATE.set(self.0, Self::LIVE))
    }

    pub(crate) fn listener(self) -> WeakRef {
        WeakRef { slot: Slot(Self::SLOT.get(self.0) as u32), generation: Self::GENERATION.get(self.0) }
    }

    /// Whether the name's hash may be this one.
    pub(crate) fn has_hash(self, hash: u64) -> bool {
        Self::HASH.get(self.0) == Self::HASH.get(Self::HASH.of(hash))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_listener() {
        let listener = WeakRef { slot: Slot(0x7f_ffff), generation: (1 << 28) - 1 };
        let word = NameWord::pending(0xffff_ffff_ffff_fabc, listener);
        assert_eq!((word.state(), word.listener()), (NameState::Pending, listener));
        assert!(word.has_hash(0x2bc) && word.has_hash(0xabc) && !word.has_hash(0x2bd));
        assert_eq!((word.live().state(), word.live().listener()), (NameState::Live, listener));
        assert_eq!(NameWord(0).state(), NameState::Empty);
        assert_eq!(WeakRef::from_word(listener.to_word()), Some(listener));
        assert_eq!(WeakRef::from_word(0), None);
    }
}
