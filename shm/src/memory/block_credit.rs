//! How many blocks of each class one process may have: private credits, and what others give back.
//!
//! A block is charged to the process that took it, by a word of its descriptor (`quota`). Taking one uses up a credit of
//! its process, and freeing one gives it back: directly, if the process frees it itself, and otherwise through a word of
//! the process's row (`returned`), from which it takes its credits over once it has none left. So nothing has to be looked
//! for, except after a death: what dies between freeing a block and giving the credit back loses the credit, and then a
//! walk finds it (one for each class, when credits run out, after each death or more).
//!
//! (A walk by the map of free blocks counts one too few where it passes a block that another process has just freed,
//! that has been taken again already, and whose bit that other one is about to set and to clear once more: INV-FREE-1.)

use crate::arena::error::{Error, Result};
use crate::arena::size_class::block_bytes;
use crate::arena::word::block::{BlockId, BlockState, BlockWord};
use crate::arena::word::credit::{Charge, Returned};
use crate::memory::{block_pool, free_map, returned_credits};
use crate::process::quota::BlockCredits;
use crate::process::thread::{Thread, crash_point};
use crate::sync::{Acquire, Relaxed};

/// A free block of `class`, OWNED by this thread, whose link intent names it, and charged to this process.
pub(crate) fn take_free_block(thread: &Thread, class: usize) -> Result<BlockId> {
    if class >= thread.arena().layout().pools.len() {
        return Err(Error::NoMemory { bytes: block_bytes(class.min(32)) });
    }
    // Held throughout: of this process, nobody takes a block of the class while they are counted.
    let mut credits = thread.process.quotas.blocks[class].lock();
    let Some(quota) = credits.quota else {
        drop(credits);
        return block_pool::take_some_block(thread, class)
            .inspect(|_| thread.process.scavenger.note_taken(block_bytes(class)));
    };
    if credits.left == 0 {
        renew(thread, &mut credits, quota, class)?;
    }
    credits.left = credits.left.checked_sub(1).ok_or(Error::NoResources(
        "message memory of this process, in blocks of this size (max_block_bytes_per_process)",
    ))?;
    let block = block_pool::take_some_block(thread, class).inspect_err(|_| credits.left += 1)?;
    // Until it is BOUND the tag says whose it is, too.
    thread.arena().descriptor(block)?.charge.store(thread.process.quotas.charge.to_word(), Relaxed);
    drop(credits);
    thread.process.scavenger.note_taken(block_bytes(class));
    Ok(block)
}

/// Whether a direction that has `held` blocks of the class may have another: no more than eight times what is left, so
/// that none takes all there is (`refused`). Where credits may have been lost, only a walk could tell.
pub(crate) fn leaves_enough(thread: &Thread, class: usize, held: u64) -> bool {
    let Some(credits) = thread.process.quotas.blocks.get(class) else { return true };
    let credits = credits.lock();
    if credits.quota.is_none() || held / 8 < credits.left.max(1) {
        return true;
    }
    // Relaxed: numbers.
    let returned = returned_credits::returned(thread.arena(), thread.process.quotas.charge, class);
    let returned = returned.map_or(Returned(0), |cell| Returned(cell.load(Relaxed)));
    let is_lost = returned.is_lost() || credits.deaths != thread.arena().header().deaths.load(Relaxed);
    is_lost || held / 8 < (credits.left + returned.credits()).max(1)
}

/// Frees the block, which this row's link intent names, if its word is still exactly `word`.
pub(crate) fn free_block(thread: &Thread, block: BlockId, word: BlockWord) -> Result<bool> {
    let Some(credits) = thread.process.quotas.blocks.get(block.class()) else { return Ok(false) };
    let own = thread.process.quotas.charge;
    if thread.arena().config().block_quota(block.class()).is_none() {
        return block_pool::free_block_named(thread, block, word);
    }
    let charge = Charge::from_word(thread.arena().descriptor(block)?.charge.load(Relaxed));
    if charge == own {
        let mut credits = credits.lock();
        let is_freed = block_pool::free_block_named(thread, block, word)?;
        credits.left += u64::from(is_freed);
        return Ok(is_freed);
    }
    let returned = returned_credits::returned(thread.arena(), charge, block.class());
    // ORDER: Acquire: a block that is freed after a walk has ended was not free when it came by.
    let before = returned.map_or(Returned(0), |cell| Returned(cell.load(Acquire)));
    let is_freed = block_pool::free_block_named(thread, block, word)?;
    crash_point!(thread, "free.shown");
    if is_freed && before.is_of(charge) {
        returned_credits::change_returned(thread.arena(), charge, block.class(), |now| now.given(before, 1));
    }
    Ok(is_freed)
}

/// New credits, for a process that has none left: those that others have given back; or, if some were lost since the
/// last walk, what a walk finds.
#[cold]
fn renew(thread: &Thread, credits: &mut BlockCredits, quota: u64, class: usize) -> Result<()> {
    let own = thread.process.quotas.charge;
    let arena = thread.arena();
    // ORDER: Acquire pairs with the Release of `count_death`.
    let deaths = arena.header().deaths.load(Acquire);
    let seen = returned_credits::change_returned(arena, own, class, Returned::taken_over);
    credits.left = seen.map_or(0, Returned::credits).min(quota);
    let is_lost = seen.is_none_or(Returned::is_lost) || credits.deaths != deaths;
    if credits.left == 0 && is_lost {
        returned_credits::change_returned(arena, own, class, Returned::walk_begun);
        let charged = blocks_charged(thread, class)?;
        returned_credits::change_returned(arena, own, class, Returned::walk_ended);
        (credits.left, credits.deaths) = (quota.saturating_sub(charged), deaths);
    }
    Ok(())
}

fn blocks_charged(thread: &Thread, class: usize) -> Result<u64> {
    let own = thread.process.quotas.charge.to_word();
    let mut charged = 0;
    for index in free_map::free_blocks(thread.arena(), class)?.not_free(thread.arena().used_blocks(class)) {
        let descriptor = thread.arena().descriptor(BlockId::new(class, index))?;
        let may_be_ours = match BlockWord(descriptor.state.load(Relaxed)).state() {
            BlockState::Bound(_) => true,
            // Others may just have taken one that had been this process's. (Those in hand for another reason than to be
            // used, `give_back`, count for nobody.)
            BlockState::Owned(tag) => thread.is_of_this_process(tag),
            _ => false,
        };
        charged += u64::from(may_be_ours && descriptor.charge.load(Relaxed) == own);
    }
    Ok(charged)
}
