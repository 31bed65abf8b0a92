//! How many blocks of each class one process may have: private credits, and what others give back.
//!
//! A block is charged to the process that took it, by a word of its descriptor (`quota`). Taking one uses up a credit of
//! its process, and freeing one gives it back: directly, if the process frees it itself, and otherwise through a word of
//! the process's row, from which it takes its credits over once it has none left. So nothing has to be looked for, except
//! after a death: what dies between freeing a block and giving the credit back loses the credit, and then a walk finds
//! it (one for each class, when credits run out, after each death or more).
//!
//! ```text
//!  returned, one word a class in the row of a process
//!  63       44 43     26      25       24 23          0
//!  ┌──────────┬─────────┬─────────┬──────┬─────────────┐
//!  │ epoch 20 │ walk 18 │ WALKING │ LOST │ credits 24  │
//!  └──────────┴─────────┴─────────┴──────┴─────────────┘
//! ```
//!
//! | transition | by |
//! |---|---|
//! | → epoch, 0 | the process that sits down in the row: store |
//! | credits + 1 | who has freed a block of the process, if no walk has begun since before: CAS |
//! | LOST | the same, if one has: CAS |
//! | credits → 0 | the process, which takes them over: CAS |
//! | walk + 1, WALKING; LOST and credits → 0 | the process, before it looks at its blocks: CAS |
//! | WALKING → 0 | the process, after that: CAS |
//!
//! INV-CREDIT-1: what a process has left, what is in the word and what is charged to it are together at most its quota.
//! A credit is given back once: a block that was free when the walk came by is found to be free by it, and whoever freed
//! it cannot give the credit as well. It looked at the word before it freed the block: before the walk began, then the word
//! has changed; or while it was going on, which the word says; or after it ended, and then the walk did not find the block
//! free.
//! INV-CREDIT-2: a credit that is not given back is one for which there is LOST, or a death that recovery has counted since
//! the last walk. So a process that is refused a block really has its quota.
//!
//! (A walk by the map of free blocks counts one too few where it passes a block that another process has just freed,
//! that has been taken again already, and whose bit that other one is about to set and to clear once more: INV-FREE-1.)

use crate::arena::Arena;
use crate::bits::Field;
use crate::block::{BlockId, BlockState, BlockWord};
use crate::error::{Error, Result, crash_point};
use crate::layout::block_bytes;
use crate::quota::Charge;
use crate::sync::{AcqRel, Acquire, AtomicU64, Relaxed, Release};
use crate::thread::Thread;

/// How many blocks of one class this process may still take.
#[derive(Debug)]
pub(crate) struct BlockCredits {
    /// `None`: as many as there are.
    quota: Option<u64>,
    left: u64,
    /// How many deaths recovery had counted before the last walk.
    deaths: u64,
}

impl BlockCredits {
    pub(crate) fn new(quota: Option<u64>) -> Self {
        Self { quota, left: quota.unwrap_or(0), deaths: 0 }
    }
}

/// A value of a word of [`ProcessRow::returned`](crate::owner::ProcessRow::returned).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Returned(u64);

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

    fn is_of(self, charge: Charge) -> bool {
        Self::EPOCH.get(self.0) == u64::from(charge.epoch)
    }

    fn is_walking(self) -> bool {
        Self::WALKING.get(self.0) != 0
    }

    fn is_lost(self) -> bool {
        Self::LOST.get(self.0) != 0
    }

    fn credits(self) -> u64 {
        Self::CREDITS.get(self.0)
    }

    fn taken_over(self) -> Self {
        Self(Self::CREDITS.set(self.0, 0))
    }

    /// With the credit of a block that was freed after `before` was seen.
    fn given(self, before: Self) -> Self {
        let no_walk_since =
            Self::WALK.get(self.0) == Self::WALK.get(before.0) && !before.is_walking() && !self.is_walking();
        if no_walk_since && self.credits() < Self::CREDITS_MOST {
            Self(self.0 + 1)
        } else {
            Self(Self::LOST.set(self.0, 1))
        }
    }

    const CREDITS_MOST: u64 = (1 << 24) - 1;

    fn walk_begun(self) -> Self {
        let walk = Self::WALK.of(Self::WALK.get(self.0) + 1);
        Self(Self::EPOCH.of(Self::EPOCH.get(self.0)) | walk | Self::WALKING.of(1))
    }

    fn walk_ended(self) -> Self {
        Self(Self::WALKING.set(self.0, 0))
    }
}

impl Arena {
    fn returned(&self, charge: Charge, class: usize) -> Option<&AtomicU64> {
        self.process(charge.row).ok()?.returned.get(class)
    }

    /// Changes the word, if it is still of the same process. Gives what was there.
    fn change_returned(
        &self,
        charge: Charge,
        class: usize,
        change: impl Fn(Returned) -> Returned,
    ) -> Option<Returned> {
        let cell = self.returned(charge, class)?;
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

impl Thread {
    /// A free block of `class`, OWNED by this thread, whose link intent names it, and charged to this process.
    pub(crate) fn take_free_block(&self, class: usize) -> Result<BlockId> {
        if class >= self.arena().layout().pools.len() {
            return Err(Error::NoMemory { bytes: block_bytes(class.min(32)) });
        }
        // Held throughout: of this process, nobody takes a block of the class while they are counted.
        let mut credits = self.process.quotas.blocks[class].lock();
        let Some(quota) = credits.quota else {
            drop(credits);
            return self.take_some_block(class).inspect(|_| self.process.note_taken(block_bytes(class)));
        };
        if credits.left == 0 {
            self.renew(&mut credits, quota, class)?;
        }
        credits.left = credits.left.checked_sub(1).ok_or(Error::NoResources(
            "message memory of this process, in blocks of this size (max_block_bytes_per_process)",
        ))?;
        let block = self.take_some_block(class).inspect_err(|_| credits.left += 1)?;
        // Until it is BOUND the tag says whose it is, too.
        self.arena().descriptor(block)?.charge.store(self.process.quotas.charge.to_word(), Relaxed);
        drop(credits);
        self.process.note_taken(block_bytes(class));
        Ok(block)
    }

    /// Whether a direction that has `held` blocks of the class may have another: no more than eight times what is left, so
    /// that none takes all there is (`refused`). Where credits may have been lost, only a walk could tell.
    pub(crate) fn leaves_enough(&self, class: usize, held: u64) -> bool {
        let Some(credits) = self.process.quotas.blocks.get(class) else { return true };
        let credits = credits.lock();
        if credits.quota.is_none() || held / 8 < credits.left.max(1) {
            return true;
        }
        // Relaxed: numbers.
        let returned = self.arena().returned(self.process.quotas.charge, class);
        let returned = returned.map_or(Returned(0), |cell| Returned(cell.load(Relaxed)));
        let is_lost = returned.is_lost() || credits.deaths != self.arena().header().deaths.load(Relaxed);
        is_lost || held / 8 < (credits.left + returned.credits()).max(1)
    }

    /// Frees the block, which this row's link intent names, if its word is still exactly `word`.
    pub(crate) fn free_block(&self, block: BlockId, word: BlockWord) -> Result<bool> {
        let Some(credits) = self.process.quotas.blocks.get(block.class()) else { return Ok(false) };
        let own = self.process.quotas.charge;
        if self.arena().config().block_quota(block.class()).is_none() {
            return self.free_block_named(block, word);
        }
        let charge = Charge::from_word(self.arena().descriptor(block)?.charge.load(Relaxed));
        if charge == own {
            let mut credits = credits.lock();
            let is_freed = self.free_block_named(block, word)?;
            credits.left += u64::from(is_freed);
            return Ok(is_freed);
        }
        let returned = self.arena().returned(charge, block.class());
        // ORDER: Acquire: a block that is freed after a walk has ended was not free when it came by.
        let before = returned.map_or(Returned(0), |cell| Returned(cell.load(Acquire)));
        let is_freed = self.free_block_named(block, word)?;
        crash_point!(self, "free.shown");
        if is_freed && before.is_of(charge) {
            self.arena().change_returned(charge, block.class(), |now| now.given(before));
        }
        Ok(is_freed)
    }

    /// New credits, for a process that has none left: those that others have given back; or, if some were lost since the
    /// last walk, what a walk finds.
    #[cold]
    fn renew(&self, credits: &mut BlockCredits, quota: u64, class: usize) -> Result<()> {
        let own = self.process.quotas.charge;
        let arena = self.arena();
        // ORDER: Acquire pairs with the Release of `count_death`.
        let deaths = arena.header().deaths.load(Acquire);
        let seen = arena.change_returned(own, class, Returned::taken_over);
        credits.left = seen.map_or(0, Returned::credits).min(quota);
        let is_lost = seen.is_none_or(Returned::is_lost) || credits.deaths != deaths;
        if credits.left == 0 && is_lost {
            arena.change_returned(own, class, Returned::walk_begun);
            let charged = self.blocks_charged(class)?;
            arena.change_returned(own, class, Returned::walk_ended);
            (credits.left, credits.deaths) = (quota.saturating_sub(charged), deaths);
        }
        Ok(())
    }

    fn blocks_charged(&self, class: usize) -> Result<u64> {
        let own = self.process.quotas.charge.to_word();
        let mut charged = 0;
        for index in self.arena().free_blocks(class)?.not_free(self.arena().used_blocks(class)) {
            let descriptor = self.arena().descriptor(BlockId::new(class, index))?;
            let may_be_ours = match BlockWord(descriptor.state.load(Relaxed)).state() {
                BlockState::Bound(_) => true,
                // Others may just have taken one that had been this process's. (Those in hand for another reason than to be
                // used, `give_back`, count for nobody.)
                BlockState::Owned(tag) => self.is_of_this_process(tag),
                _ => false,
            };
            charged += u64::from(may_be_ours && descriptor.charge.load(Relaxed) == own);
        }
        Ok(charged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANYBODY: Charge = Charge { row: 7, epoch: 9 };

    #[test]
    fn a_credit_given_back_is_taken_over_once() {
        let word = Returned(Returned::none(9));
        let given = word.given(word).given(word);
        assert!(given.is_of(ANYBODY));
        assert_eq!((given.credits(), given.taken_over().credits()), (2, 0));
    }

    #[test]
    fn a_credit_is_lost_to_a_walk_and_never_doubled() {
        let before = Returned(Returned::none(9));
        let during = before.given(before).walk_begun();
        assert!(!during.is_lost() && during.credits() == 0, "the walk counts for itself");
        for (seen, now) in
            [(before, during), (during, during), (before, during.walk_ended()), (during, during.walk_ended())]
        {
            assert!(now.given(seen).is_lost());
            assert_eq!(now.given(seen).credits(), 0);
        }
        let after = during.walk_ended();
        assert!(!after.given(after).is_lost());
        assert!(after.given(after).is_of(ANYBODY));
    }

    #[test]
    fn the_next_process_of_the_row_has_another_word() {
        assert!(!Returned(Returned::none(10)).is_of(ANYBODY));
    }
}
