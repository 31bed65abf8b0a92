//! The charge for an object or a block, and the word through which other processes return credits to a process.
//!
//! ```text
//!  63       44 43     26      25       24 23          0
//!  ┌──────────┬─────────┬─────────┬──────┬─────────────┐
//!  │ epoch 20 │ walk 18 │ WALKING │ LOST │ credits 24  │
//!  └──────────┴─────────┴─────────┴──────┴─────────────┘
//! ```
//!
//! | transition | by |
//! |---|---|
//! | → epoch, 0 | the process that attaches to the row: store |
//! | credits + 1 | a thread that has freed an object or block charged to the process, if no walk has begun since it loaded the word: CAS |
//! | LOST | the same thread, if a walk has begun: CAS |
//! | credits → 0 | the process, which takes them over: CAS |
//! | walk + 1, WALKING; LOST and credits → 0 | the process, before it walks over the words charged to it: CAS |
//! | WALKING → 0 | the process, after the walk: CAS |

use crate::arena::size_class::{MAX_CLASSES, SizeClass};
use crate::arena::word::reference::ProcessIndex;
use crate::arena::word::{Field, debug_as_fields};

/// The process that pays for an object or a block: a process row, in one of its epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) row: ProcessIndex,
    pub(crate) epoch: u32,
}

impl Charge {
    const ROW: Field<0, 12> = Field;
    const EPOCH: Field<12, 20> = Field;

    /// As a word of a block's descriptor. It is never 0, because no process has row 0.
    pub(crate) fn to_word(self) -> u64 {
        Self::ROW.of(self.row.0.into()) | Self::EPOCH.of(self.epoch.into())
    }

    pub(crate) fn from_word(word: u64) -> Self {
        Self { row: ProcessIndex(Self::ROW.get(word) as u16), epoch: Self::EPOCH.get(word) as u32 }
    }
}

/// A kind of credit: for the blocks of one class, or for objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CreditKind(usize);

impl CreditKind {
    /// How many kinds there are.
    pub(crate) const COUNT: usize = MAX_CLASSES + 1;
    pub(crate) const OBJECTS: Self = Self(MAX_CLASSES);

    /// The kind for the blocks of a class, which exists.
    #[inline(always)]
    pub(crate) const fn blocks(class: SizeClass) -> Self {
        Self(class.index())
    }

    /// Its index in an array with one item for each kind.
    #[inline(always)]
    pub(crate) const fn index(self) -> usize {
        self.0
    }
}

/// A value of a word of `ProcessRow::returned`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Returned(pub(crate) u64);

debug_as_fields!(Returned { epoch, credits, is_walking, is_lost });

impl Returned {
    const EPOCH: Field<44, 20> = Field;
    const WALK: Field<26, 18> = Field;
    const WALKING: Field<25, 1> = Field;
    const LOST: Field<24, 1> = Field;
    const CREDITS: Field<0, 24> = Field;

    /// The word of a process that has just attached.
    pub(crate) fn none(epoch: u32) -> u64 {
        Self::EPOCH.of(epoch.into())
    }

    pub(crate) fn epoch(self) -> u32 {
        Self::EPOCH.get(self.0) as u32
    }

    pub(crate) fn is_of(self, charge: Charge) -> bool {
        Self::EPOCH.get(self.0) == u64::from(charge.epoch)
    }

    fn is_walking(self) -> bool {
        Self::WALKING.get(self.0) != 0
    }

    pub(crate) fn is_lost(self) -> bool {
        Self::LOST.get(self.0) != 0
    }

    pub(crate) fn credits(self) -> u64 {
        Self::CREDITS.get(self.0)
    }

    pub(crate) fn taken_over(self) -> Self {
        Self(Self::CREDITS.set(self.0, 0))
    }

    /// The word with credits for `things` items that were freed after `before` was loaded.
    pub(crate) fn given(self, before: Self, things: u64) -> Self {
        // A walk that overlaps the freeing may have counted the freed items already. A credit would count them twice,
        // so LOST is set in its place.
        let no_walk_since =
            Self::WALK.get(self.0) == Self::WALK.get(before.0) && !before.is_walking() && !self.is_walking();
        if no_walk_since && self.credits() + things <= Self::CREDITS.get(u64::MAX) {
            Self(self.0 + things)
        } else {
            Self(Self::LOST.set(self.0, 1))
        }
    }

    pub(crate) fn walk_begun(self) -> Self {
        let walk = Self::WALK.of(Self::WALK.get(self.0) + 1);
        Self(Self::EPOCH.of(Self::EPOCH.get(self.0)) | walk | Self::WALKING.of(1))
    }

    pub(crate) fn walk_ended(self) -> Self {
        Self(Self::WALKING.set(self.0, 0))
    }
}
