//! The reference count of one side of an object, and the thread that changed it last.
//!
//! INV-COUNT-1: the number equals the records (handle entries and in-transit words) that refer to the side.
//! INV-COUNT-2: the word names its last change, (t, sequence), so that recovery knows whether a dead thread's
//! change was applied. A thread that overwrites the word first marks t's intent APPLIED.
//! INV-COUNT-3: 0 is final: an increment refuses it.

use crate::arena::word::reference::Tag;
use crate::arena::word::{Field, debug_as_fields};

/// A value of `Object::count`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u64);

debug_as_fields!(Count { number, changer, sequence });

impl Count {
    const NUMBER: Field<44, 20> = Field;
    const CHANGER: Field<32, 12> = Field;
    const SEQUENCE: Field<0, 32> = Field;
    /// The most references a side can have.
    pub(crate) const MOST: u64 = 0xf_ffff;

    pub(crate) fn new(number: u64, changer: Tag, sequence: u32) -> Self {
        Self(
            Self::NUMBER.of(number) | Self::CHANGER.of(changer.0.into()) | Self::SEQUENCE.of(sequence.into()),
        )
    }

    #[inline]
    pub(crate) fn number(self) -> u64 {
        Self::NUMBER.get(self.0)
    }

    pub(crate) fn changer(self) -> Tag {
        Tag(Self::CHANGER.get(self.0) as u16)
    }

    pub(crate) fn sequence(self) -> u32 {
        Self::SEQUENCE.get(self.0) as u32
    }
}
