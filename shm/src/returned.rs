//! Credits that others give back: one word a kind in each process's row, from which the process takes them over.
//!
//! A *kind* is blocks of one class, or objects. What is charged to a process may be freed by another one; that one leaves
//! the credit here.
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
//! | → epoch, 0 | the process that sits down in the row: store |
//! | credits + 1 | who has freed something of the process, if no walk has begun since before: CAS |
//! | LOST | the same, if one has: CAS |
//! | credits → 0 | the process, which takes them over: CAS |
//! | walk + 1, WALKING; LOST and credits → 0 | the process, before it looks at what is charged to it: CAS |
//! | WALKING → 0 | the process, after that: CAS |
//!
//! INV-CREDIT-1: what a process has left, what is in the word and what is charged to it are together at most its quota.
//! A credit is given back once: a thing that was free when the walk came by is found to be free by it, and the thread that
//! freed it cannot give the credit as well. It looked at the word before it freed the thing: before the walk began, then
//! the word has changed; or while it was going on, which the word says; or after it ended, and then the walk did not find
//! the thing free.
//! INV-CREDIT-2: a credit that is not given back is one for which there is LOST, or a death that recovery has counted since
//! the last walk. So a process that is refused a thing really has its quota.

use crate::arena::Arena;
use crate::bits::Field;
use crate::layout::MAX_CLASSES;
use crate::quota::Charge;
use crate::sync::{AcqRel, AtomicU64, Relaxed, Release};

/// How many kinds there are: each class of blocks, and objects.
pub(crate) const KINDS: usize = MAX_CLASSES + 1;
/// The kind that objects are.
pub(crate) const OBJECTS: usize = MAX_CLASSES;

/// A value of a word of [`ProcessRow::returned`](crate::owner::ProcessRow::returned).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Returned(pub(crate) u64);

impl Returned {
    const EPOCH: Field<44, 20> = Field;
    const WALK: Field<26, 18> = Field;
    const WALKING: Field<25, 1> = Field;
    const LOST: Field<24, 1> = Field;
    const CREDITS: Field<0, 24> = Field;

    /// The word of a process that has just sat down.
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

    /// With the credits of so many things that were freed after `before` was seen.
    pub(crate) fn given(self, before: Self, things: u64) -> Self {
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

impl Arena {
    pub(crate) fn returned(&self, charge: Charge, kind: usize) -> Option<&AtomicU64> {
        self.process(charge.row).ok()?.returned.get(kind)
    }

    /// Changes the word, if it is still of the same process. Gives what was there.
    pub(crate) fn change_returned(
        &self,
        charge: Charge,
        kind: usize,
        change: impl Fn(Returned) -> Returned,
    ) -> Option<Returned> {
        let cell = self.returned(charge, kind)?;
        let mut seen = Returned(cell.load(Relaxed));
        // P5: every further round is another's change.
        for _ in 0..10_000 {
            if !seen.is_of(charge) {
                return None;
            }
            let next = change(seen);
            if next == seen {
                return Some(seen);
            }
            // ORDER: Release: the block was freed before its credit is there; what a walk has looked at, it looked at before
            // it ended. Acquire: the walk comes after whatever was given back before it began.
            match cell.compare_exchange(seen.0, next.0, AcqRel, Relaxed) {
                Ok(_) => return Some(seen),
                Err(changed) => seen = Returned(changed),
            }
        }
        None
    }

    /// Recovery has settled what the threads of a dead process were in the middle of: credits may be lost.
    pub(crate) fn count_death(&self) {
        // ORDER: Release pairs with the Acquire in `renew`: what was settled is seen by the walk.
        self.header().deaths.fetch_add(1, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANYBODY: Charge = Charge { row: 7, epoch: 9 };

    #[test]
    fn a_credit_given_back_is_taken_over_once() {
        let word = Returned(Returned::none(9));
        let given = word.given(word, 1).given(word, 1);
        assert!(given.is_of(ANYBODY));
        assert_eq!((given.credits(), given.taken_over().credits()), (2, 0));
    }

    #[test]
    fn a_credit_is_lost_to_a_walk_and_never_doubled() {
        let before = Returned(Returned::none(9));
        let during = before.given(before, 1).walk_begun();
        assert!(!during.is_lost() && during.credits() == 0, "the walk counts for itself");
        for (seen, now) in
            [(before, during), (during, during), (before, during.walk_ended()), (during, during.walk_ended())]
        {
            assert!(now.given(seen, 1).is_lost());
            assert_eq!(now.given(seen, 1).credits(), 0);
        }
        let after = during.walk_ended();
        assert!(!after.given(after, 1).is_lost());
        assert!(after.given(after, 1).is_of(ANYBODY));
    }

    #[test]
    fn the_next_process_of_the_row_has_another_word() {
        assert!(!Returned(Returned::none(10)).is_of(ANYBODY));
    }
}
