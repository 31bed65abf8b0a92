//! Credits that other processes return: one word for each kind in each process's row, from which the process takes them
//! over.
//!
//! A *kind* is the blocks of one class, or the objects. A process may free a thing that is charged to another process.
//! It then leaves the credit in this word. Its layout and transitions stand in `arena/word/credit.rs`.
//!
//! INV-CREDIT-1: the credits that a process has left, those in the word and the things charged to it are together at
//! most its quota. *Why:* a credit is returned once. If a walk finds a thing free, the thread that freed it cannot
//! return the credit too, since that thread read the word before it freed the thing. It read the word before the walk
//! began, and then the word has changed; or during the walk, and then the word says WALKING; or after the walk, and
//! then the walk did not find the thing free.
//! INV-CREDIT-2: for every credit that was not returned, the word says LOST, or recovery has counted a death since the
//! last walk. So a process that is refused a thing really has its whole quota.

use crate::arena::Arena;
use crate::arena::word::credit::{Charge, CreditKind, Returned};
use crate::sync::{AcqRel, AtomicU64, Relaxed, Release};

pub(crate) fn returned(arena: &Arena, charge: Charge, kind: CreditKind) -> Option<&AtomicU64> {
    arena.process(charge.row).ok()?.returned.get(kind.index())
}

/// Changes the word, if it still belongs to the same process. Returns the value that it replaced.
pub(crate) fn change_returned(
    arena: &Arena,
    charge: Charge,
    kind: CreditKind,
    change: impl Fn(Returned) -> Returned,
) -> Option<Returned> {
    let cell = returned(arena, charge, kind)?;
    let mut seen = Returned(cell.load(Relaxed));
    // P5: every further round is a change by another thread.
    for _ in 0..10_000 {
        if !seen.is_of(charge) {
            return None;
        }
        let next = change(seen);
        if next == seen {
            return Some(seen);
        }
        // ORDER: Release: the block was freed before its credit is there, and a walk has finished its loads before the
        // word says that it ended. Acquire: a walk comes after every credit that was returned before it began.
        match cell.compare_exchange(seen.0, next.0, AcqRel, Relaxed) {
            Ok(_) => return Some(seen),
            Err(changed) => seen = Returned(changed),
        }
    }
    None
}

/// Recovery has resolved the in-doubt intents of a dead process's threads: credits may be lost.
pub(crate) fn count_death(arena: &Arena) {
    // ORDER: Release pairs with the Acquire in `renew`: the walk sees the resolved state.
    arena.header().deaths.fetch_add(1, Release);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::word::reference::ProcessIndex;

    const ANYBODY: Charge = Charge { row: ProcessIndex(7), epoch: 9 };

    #[test]
    fn returned_credits_are_taken_over_once() {
        let word = Returned(Returned::none(9));
        let given = word.given(word, 1).given(word, 1);
        assert!(given.is_of(ANYBODY));
        assert_eq!((given.credits(), given.taken_over().credits()), (2, 0));
    }

    #[test]
    fn a_walk_never_doubles_credits() {
        let before = Returned(Returned::none(9));
        let during = before.given(before, 1).walk_begun();
        assert!(!during.is_lost() && during.credits() == 0, "the walk drops the credits that it will count");
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
    fn reusing_a_row_changes_its_word() {
        assert!(!Returned(Returned::none(10)).is_of(ANYBODY));
    }
}
