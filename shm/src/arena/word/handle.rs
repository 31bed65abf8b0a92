//! A handle: one word of a process's table, or of a message that carries the handle.
//!
//! ```text
//!  63   60 59        44 43            24 23        0
//!  ┌──────┬────────────┬────────────────┬───────────┐
//!  │ state│ generation │ rights         │ object    │   slot 23 bits, side 1 bit
//!  └──────┴────────────┴────────────────┴───────────┘
//!                       └ tag t in the transitional states
//!
//!  INVALID ──▶ RESERVED(t) ──▶ LIVE ──▶ CLOSING(t) ──▶ FREE, generation + 1 ──▶ RESERVED(t) …
//!                   │            ├────▶ MOVING(t) ─────▶ FREE     sent in a message
//!                   └──▶ FREE    ├────▶ MOVED(t) ──────▶ FREE     replaced, or given to a child
//!                                └────▶ KEPT ──▶ CLOSING(t) or LIVE, by its keeper
//! ```
//!
//! A handle in transit is the same word in a message: LIVE, CLOSING(t), FREE. Its generation is unused.
//!
//! INV-ENTRY-1: LIVE, KEPT, CLOSING and MOVING own one reference to their object; RESERVED, MOVED and FREE own none,
//! until the operation that the owner's intent names has committed.
//! INV-ENTRY-2: leaving LIVE is a CAS of the exact word: of two threads that close, move or replace the same
//! handle, one succeeds. The generation makes equal words mean the same handle.
//! INV-ENTRY-3: an entry's other transitions are stores by the thread that its tag names, or by recovery for it.
//! INV-ENTRY-5: no value names a KEPT entry. So a program cannot close, send or replace the handle that keeps memory to which
//! it has a reference, whatever values it tries. *Why that is not left to secret values:* a program can work them out.
//! INV-ENTRY-4: a closed entry is quarantined behind a thousand others before it is used again, if the table has room.

use crate::arena::word::reference::{ObjectRef, Tag};
use crate::arena::word::{Field, debug_as_fields};

/// The number by which a process names one of its handles. 0 names none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct HandleValue(pub u32);

impl HandleValue {
    /// The value that names no handle.
    pub const INVALID: Self = Self(0);

    /// The same values with their type.
    pub const fn from_raw_slice(values: &[u32]) -> &[Self] {
        // SAFETY: `HandleValue` is a transparent `u32`, so a slice of one is a slice of the other.
        unsafe { core::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
    }
}

bitflags::bitflags! {
    /// The rights of a handle. The mechanism compares them and knows none by name.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Rights: u32 {
        const _ = (1 << 20) - 1;
    }
}

/// The index of an entry in the handle table of a process. The first entry is never used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EntryIndex(pub(crate) u32);

impl core::fmt::Display for EntryIndex {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// A value of a handle entry, or of a handle in transit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry(pub(crate) u64);

debug_as_fields!(Entry { state, generation, rights, object });

/// The states of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryState {
    Invalid,
    Free,
    Reserved(Tag),
    Live,
    Closing(Tag),
    InTransit(Tag),
    Moved(Tag),
}

impl Entry {
    const STATE: Field<60, 4> = Field;
    const GENERATION: Field<44, 16> = Field;
    const RIGHTS: Field<24, 20> = Field;
    const TAG: Field<24, 12> = Field;
    const OBJECT: Field<0, 24> = Field;
    const FREE: u64 = 1;
    const RESERVED: u64 = 2;
    const LIVE: u64 = 3;
    const CLOSING: u64 = 4;
    const MOVING: u64 = 5;
    const MOVED: u64 = 6;
    /// LIVE with one more bit.
    const KEPT: u64 = Self::LIVE | Self::KEPT_BIT;
    const KEPT_BIT: u64 = 4;

    pub(crate) fn state(self) -> EntryState {
        let tag = Tag(Self::TAG.get(self.0) as u16);
        match Self::STATE.get(self.0) {
            Self::FREE => EntryState::Free,
            Self::RESERVED => EntryState::Reserved(tag),
            Self::LIVE | Self::KEPT => EntryState::Live,
            Self::CLOSING => EntryState::Closing(tag),
            Self::MOVING => EntryState::InTransit(tag),
            Self::MOVED => EntryState::Moved(tag),
            _ => EntryState::Invalid,
        }
    }

    /// Whether it is LIVE or KEPT: it owns its reference, and no operation is under way on it.
    #[inline(always)]
    pub(crate) fn is_live(self) -> bool {
        Self::STATE.get(self.0) & !Self::KEPT_BIT == Self::LIVE
    }

    /// Whether it is LIVE, so that a value may name it.
    #[inline(always)]
    pub(crate) fn is_named(self) -> bool {
        Self::STATE.get(self.0) == Self::LIVE
    }

    /// The same handle, KEPT.
    pub(crate) fn kept(self) -> Self {
        Self(self.0 | Self::STATE.of(Self::KEPT_BIT))
    }

    /// The same handle, LIVE again.
    pub(crate) fn named(self) -> Self {
        Self(self.0 & !Self::STATE.of(Self::KEPT_BIT))
    }

    #[inline(always)]
    pub(crate) fn generation(self) -> u32 {
        Self::GENERATION.get(self.0) as u32
    }

    #[inline(always)]
    pub(crate) fn rights(self) -> Rights {
        Rights::from_bits_retain(Self::RIGHTS.get(self.0) as u32)
    }

    #[inline(always)]
    pub(crate) fn object(self) -> ObjectRef {
        ObjectRef(Self::OBJECT.get(self.0) as u32)
    }

    fn generation_bits(self) -> u64 {
        Self::GENERATION.of(self.generation().into())
    }

    fn by(self, state: u64, tag: Tag, object: ObjectRef) -> Self {
        let word = Self::STATE.of(state) | Self::TAG.of(tag.0.into()) | Self::OBJECT.of(object.0.into());
        Self(word | self.generation_bits())
    }

    /// A free or never used entry, reserved by `tag` for a handle to `object`.
    pub(crate) fn reserved(self, tag: Tag, object: ObjectRef) -> Self {
        self.by(Self::RESERVED, tag, object)
    }

    /// The same entry as a live handle.
    pub(crate) fn live(self, rights: Rights, object: ObjectRef) -> Self {
        let word = Self::STATE.of(Self::LIVE)
            | Self::RIGHTS.of(rights.bits().into())
            | Self::OBJECT.of(object.0.into());
        Self(word | self.generation_bits())
    }

    pub(crate) fn closing(self, tag: Tag) -> Self {
        self.by(Self::CLOSING, tag, self.object())
    }

    pub(crate) fn moving(self, tag: Tag) -> Self {
        self.by(Self::MOVING, tag, self.object())
    }

    pub(crate) fn moved(self, tag: Tag) -> Self {
        self.by(Self::MOVED, tag, self.object())
    }

    /// FREE, for the next generation.
    pub(crate) fn freed(self) -> Self {
        Self(Self::STATE.of(Self::FREE) | Self::GENERATION.of(u64::from(self.generation()) + 1))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::reference::{ObjectRef, Tag};

    #[test]
    fn freeing_an_entry_advances_its_generation() {
        let live = Entry(0).reserved(Tag(3), ObjectRef(9)).live(Rights::from_bits_retain(0xf), ObjectRef(9));
        assert_eq!((live.rights().bits(), live.object()), (0xf, ObjectRef(9)));
        assert_eq!(live.closing(Tag(4)).state(), EntryState::Closing(Tag(4)));
        assert_eq!(live.kept().closing(Tag(4)), live.closing(Tag(4)));
        assert_eq!(live.moving(Tag(4)).freed().generation(), live.generation() + 1);
        assert_eq!(Entry(0).state(), EntryState::Invalid);
    }

    #[test]
    fn kept_entries_are_live_without_names() {
        let live = Entry(0).reserved(Tag(3), ObjectRef(9)).live(Rights::from_bits_retain(0xf), ObjectRef(9));
        let kept = live.kept();
        assert!(live.is_live() && live.is_named() && kept.is_live() && !kept.is_named());
        assert_eq!(
            (kept.state(), kept.rights(), kept.object()),
            (live.state(), live.rights(), live.object())
        );
        assert_eq!((kept.named(), kept.freed()), (live, live.freed()));
        for other in [Entry(0), live.freed(), live.reserved(Tag(4), ObjectRef(9)), live.closing(Tag(4))] {
            assert!(!other.is_live() && !other.is_named());
        }
        assert!(!live.moving(Tag(4)).is_live() && !live.moved(Tag(4)).is_live());
    }
}
