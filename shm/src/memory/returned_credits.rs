//! Credits that others give back: one word a kind in each process's row, from which the process takes them over.
//!
//! A *kind* is blocks of one class, or objects. What is charged to a process may be freed by another one; that one leaves
//! the credit here.
//!
//! The word is `arena/word/credit`.
//!
//! INV-CREDIT-1: what a process has left, what is in the word and what is charged to it are together at most its quota.
//! A credit is given back once: a thing that was free when the walk came by is found to be free by it, and the thread that
//! freed it cannot give the credit as well. It looked at the word before it freed the thing: before the walk began, then
//! the word has changed; or while it was going on, which the word says; or after it ended, and then the walk did not find
//! the thing free.
//! INV-CREDIT-2: a credit that is not given back is one for which there is LOST, or a death that recovery has counted since
//! the last walk. So a process that is refused a thing really has its quota.

use crate::arena::Arena;
use crate::arena::word::credit::{Charge, Returned};
use crate::sync::{AcqRel, AtomicU64, Relaxed, Release};

pub(crate) fn returned(arena: &Arena, charge: Charge, kind: usize) -> Option<&AtomicU64> {
    arena.process(charge.row).ok()?.returned.get(kind)
}

/// Changes the word, if it is still of the same process. Gives what was there.
pub(crate) fn change_returned(
    arena: &Arena,
    charge: Charge,
    kind: usize,
    change: impl Fn(Returned) -> Returned,
) -> Option<Returned> {
    let cell = returned(arena, charge, kind)?;
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
pub(crate) fn count_death(arena: &Arena) {
    // ORDER: Release pairs with the Acquire in `renew`: what was settled is seen by the walk.
    arena.header().deaths.fetch_add(1, Release);
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
