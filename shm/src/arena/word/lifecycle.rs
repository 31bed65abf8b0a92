//! The lifecycle word of an object slot: its state, its class, and the process charged for it.
//!
//! ```text
//!  INVALID ──▶ RESERVED(t) ──▶ LIVE ──▶ RETIRED ──▶ RECLAIMING(t) ──▶ FREE ──▶ RESERVED(t) …
//!  (never      ▲            create     │ all sides  no hazard                generation + 1
//!   used)      │            commits    │ are done   names it
//!              └───────────────────────┘ the same, and it holds no memory: generation + 1
//! ```
//! FREE becomes INVALID again when the memory of its page is given back. `memory/slot_pages` keeps the generation.
//!
//! INV-LIFECYCLE-1: every transition is one read-modify-write, or a store by the owner that the word names, or, for an
//! object with one side, a store by the thread that finalizes the side: a side is on one list at most.
//! INV-LIFECYCLE-2: a side is *done* once its count has reached 0 and everything it held has been closed; done bits are only
//! set.
//! INV-LIFECYCLE-3: RETIRED is reached once per generation, in the step that makes the last side done.
//! INV-LIFECYCLE-4: a slot leaves RETIRED only when no hazard names it that was set before it was retired.
//! INV-LIFECYCLE-5: all-zero is INVALID: a hole punched in the arena reads as an error, never as a free slot. The exception
//! is a page of objects whose word, in another section, says that the page's memory was given back
//! (`memory/slot_pages`).

use crate::arena::word::credit::Charge;
use crate::arena::word::reference::{ProcessIndex, Tag};
use crate::arena::word::{Field, debug_as_fields};

/// A value of `Object::lifecycle`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lifecycle(pub(crate) u64);

debug_as_fields!(Lifecycle { state, generation, class_number, is_two_sided, charged_row });

/// The states of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LifecycleState {
    Invalid,
    Free,
    Reserved(Tag),
    Live,
    Retired,
    Reclaiming(Tag),
}

impl Lifecycle {
    const STATE: Field<60, 4> = Field;
    const GENERATION: Field<32, 28> = Field;
    const TAG: Field<20, 12> = Field;
    const CLASS: Field<12, 8> = Field;
    const IS_TWO_SIDED: Field<10, 1> = Field;
    const DONE: Field<8, 2> = Field;
    /// While LIVE or RETIRED: the process that the object is charged to. Its row takes the place of the tag.
    const CHARGED_ROW: Field<20, 12> = Field;
    const CHARGED_EPOCH: Field<0, 8> = Field;
    const FREE: u64 = 1;
    const RESERVED: u64 = 2;
    const LIVE: u64 = 3;
    const RETIRED: u64 = 4;
    const RECLAIMING: u64 = 5;

    #[inline]
    pub(crate) fn state(self) -> LifecycleState {
        let tag = Tag(Self::TAG.get(self.0) as u16);
        match Self::STATE.get(self.0) {
            Self::FREE => LifecycleState::Free,
            Self::RESERVED => LifecycleState::Reserved(tag),
            Self::LIVE => LifecycleState::Live,
            Self::RETIRED => LifecycleState::Retired,
            Self::RECLAIMING => LifecycleState::Reclaiming(tag),
            _ => LifecycleState::Invalid,
        }
    }

    pub(crate) fn generation(self) -> u64 {
        Self::GENERATION.get(self.0)
    }

    /// The number of the object's class. 0 is no class.
    #[inline]
    pub(crate) fn class_number(self) -> u8 {
        Self::CLASS.get(self.0) as u8
    }

    /// Whether the object has two sides, rather than one.
    #[inline]
    pub(crate) fn is_two_sided(self) -> bool {
        Self::IS_TWO_SIDED.get(self.0) != 0
    }

    /// The same word, in this generation.
    pub(crate) fn of_generation(self, generation: u64) -> Self {
        Self(Self::GENERATION.set(self.0, generation))
    }

    fn only_generation(self) -> u64 {
        Self::GENERATION.of(self.generation())
    }

    /// FREE or INVALID → RESERVED by `tag`.
    pub(crate) fn reserved(self, tag: Tag) -> Self {
        Self(Self::STATE.of(Self::RESERVED) | Self::TAG.of(tag.0.into()) | self.only_generation())
    }

    /// RESERVED → LIVE, as an object of the class with this number, with `sides` sides.
    pub(crate) fn live(self, class_number: u8, sides: usize, charge: Charge) -> Self {
        let class = Self::CLASS.of(class_number.into()) | Self::IS_TWO_SIDED.of(u64::from(sides == 2));
        let word = Self::STATE.of(Self::LIVE) | class;
        let charge = Self::CHARGED_ROW.of(charge.row.0.into()) | Self::CHARGED_EPOCH.of(charge.epoch.into());
        Self(word | charge | self.only_generation())
    }

    /// Whether a LIVE or RETIRED object is charged to this process. Only 8 bits of the epoch are compared, so a process
    /// that had the row 256 epochs before or after also matches.
    pub(crate) fn is_charged_to(self, charge: Charge) -> bool {
        Self::CHARGED_ROW.get(self.0) == u64::from(charge.row.0)
            && Self::CHARGED_EPOCH.get(self.0) == Self::CHARGED_EPOCH.get(charge.epoch.into())
    }

    /// The row of the process that a LIVE or RETIRED object is charged to.
    pub(crate) fn charged_row(self) -> ProcessIndex {
        ProcessIndex(Self::CHARGED_ROW.get(self.0) as u16)
    }

    /// The bit that marks `side` done.
    pub(crate) const fn done_bit(side: usize) -> u64 {
        Self::DONE.of(1 << side)
    }

    pub(crate) fn is_done(self, side: usize) -> bool {
        self.0 & Self::done_bit(side) != 0
    }

    /// Whether every side is done.
    pub(crate) fn is_complete(self) -> bool {
        Self::DONE.get(self.0) == if self.is_two_sided() { 0b11 } else { 0b01 }
    }

    /// LIVE → LIVE with `side` done, or RETIRED if it is the last.
    #[inline]
    pub(crate) fn finished(self, side: usize) -> Self {
        let done = Self(self.0 | Self::done_bit(side));
        if done.is_complete() { Self(Self::STATE.set(done.0, Self::RETIRED)) } else { done }
    }

    /// RETIRED → RESERVED by `tag`, for the next generation. No hazard names the slot, and it holds no memory.
    #[inline]
    pub(crate) fn reserved_for_reuse(self, tag: Tag) -> Self {
        self.freed().reserved(tag)
    }

    /// RETIRED → RECLAIMING by `tag`.
    pub(crate) fn reclaiming(self, tag: Tag) -> Self {
        Self(Self::TAG.set(Self::STATE.set(self.0, Self::RECLAIMING), tag.0.into()))
    }

    /// RECLAIMING or RESERVED → FREE, for the next generation.
    pub(crate) fn freed(self) -> Self {
        Self(Self::STATE.of(Self::FREE) | Self::GENERATION.of(self.generation() + 1))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_full_lifecycle_advances_the_generation() {
        let free = Lifecycle(0).reserved(Tag(7)).freed();
        assert_eq!(free.state(), LifecycleState::Free);
        let reserved = free.reserved(Tag(9));
        assert_eq!(reserved.state(), LifecycleState::Reserved(Tag(9)));
        let live = reserved.live(16, 2, Charge { row: ProcessIndex(7), epoch: 0x1ff });
        assert_eq!(
            (live.state(), live.class_number(), live.is_two_sided()),
            (LifecycleState::Live, 16, true)
        );
        let half = live.finished(1);
        assert_eq!(half.state(), LifecycleState::Live, "one side of two");
        assert!(half.is_done(1) && !half.is_done(0) && !half.is_complete());
        assert!(half.is_charged_to(Charge { row: ProcessIndex(7), epoch: 0xff }));
        assert!(!half.is_charged_to(Charge { row: ProcessIndex(7), epoch: 1 }));
        let retired = half.finished(0);
        assert_eq!(retired.state(), LifecycleState::Retired);
        assert_eq!(retired.reserved_for_reuse(Tag(5)), retired.reclaiming(Tag(3)).freed().reserved(Tag(5)));
        assert!(retired.is_charged_to(Charge { row: ProcessIndex(7), epoch: 0xff }));
        assert_eq!(retired.reclaiming(Tag(3)).state(), LifecycleState::Reclaiming(Tag(3)));
        assert_eq!(retired.reclaiming(Tag(3)).freed().generation(), free.generation() + 1);
    }

    #[test]
    fn zero_is_an_invalid_word() {
        assert_eq!(Lifecycle(0).state(), LifecycleState::Invalid);
        assert_eq!(Lifecycle(0).class_number(), 0);
    }

    #[test]
    fn debug_shows_the_fields() {
        let shown = format!("{:?}", Lifecycle(0).reserved(Tag(7)));
        assert!(shown.starts_with("Lifecycle { state: Reserved(Tag(7)), generation: 0"), "{shown}");
    }
}
