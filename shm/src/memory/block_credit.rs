//! How many blocks of each class one process may have: its private credits, and the credits that other processes
//! return.
//!
//! A block is charged to the process that took it, by the `charge` word of its descriptor (`process/quota.rs`). Taking
//! a block uses one credit. Freeing it returns the credit: directly if the process itself frees the block, and
//! otherwise through a word of the process's row (`returned`). The process takes over the credits in that word once it
//! has none left. A thread that dies between freeing a block and returning its credit loses the credit. A walk finds
//! it: at most one walk for each class and each death, when the credits of the class run out. Apart from deaths, only a
//! race with such a walk can lose a credit (LOST).
//!
//! One race makes a walk by the map of free blocks count one block too few. The walk passes a block that another
//! process has just freed and a third process has taken again already, while the first is about to set the block's bit
//! and to clear it once more (INV-FREE-1).

use crate::arena::error::{Error, Result};
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::{BlockId, BlockIndex, BlockState, BlockWord};
use crate::arena::word::credit::{Charge, CreditKind, Returned};
use crate::memory::{block_pool, free_map, returned_credits};
use crate::process::quota::BlockCredits;
use crate::process::thread::{Thread, crash_point};
use crate::sync::{Acquire, Relaxed};

/// Takes a free block of `class`: OWNED by this thread, named by its list intent, and charged to this process.
pub(crate) fn take_free_block(thread: &Thread, class: SizeClass) -> Result<BlockId> {
    if !thread.arena().layout().has_class(class) {
        return Err(Error::NoMemory { bytes: class.bytes() });
    }
    // The lock is held throughout: no thread of this process may take a block of the class while a walk counts them.
    let mut credits = thread.process.quotas.blocks[class.index()].lock();
    let Some(quota) = credits.quota else {
        drop(credits);
        return block_pool::take_some_block(thread, class).inspect(|_| note_taken(thread, class));
    };
    if credits.left == 0 {
        renew(thread, &mut credits, quota, class)?;
    }
    credits.left = credits.left.checked_sub(1).ok_or(Error::NoResources(if class.is_extent() {
        "memory of this process for VM objects of this size (max_vmo_bytes_per_process)"
    } else {
        "blocks of this size of this process, for messages, ports and names (max_block_bytes_per_process)"
    }))?;
    let block = block_pool::take_some_block(thread, class).inspect_err(|_| credits.left += 1)?;
    // The owner's tag tells the process too, until the block is BOUND.
    thread.arena().descriptor(block)?.charge.store(thread.process.quotas.charge.to_word(), Relaxed);
    drop(credits);
    note_taken(thread, class);
    Ok(block)
}

/// Channels keep no extents, so those are no reason to look for memory in channels.
fn note_taken(thread: &Thread, class: SizeClass) {
    if !class.is_extent() {
        thread.process.scavenger.note_taken(class.bytes());
    }
}

/// Whether a direction that has `held` blocks of the class may take another. Its limit is eight times the credits that
/// are left, so that one direction cannot take the whole quota (`object/channel/write/refused.rs`). Where credits may
/// have been lost the answer is yes, since only a walk could tell.
pub(crate) fn leaves_enough(thread: &Thread, class: SizeClass, held: u64) -> bool {
    let Some(credits) = thread.process.quotas.blocks.get(class.index()) else { return true };
    let credits = credits.lock();
    if credits.quota.is_none() || held / 8 < credits.left.max(1) {
        return true;
    }
    // Relaxed: numbers only; no other data is read on their strength.
    let returned =
        returned_credits::returned(thread.arena(), thread.process.quotas.charge, CreditKind::blocks(class));
    let returned = returned.map_or(Returned(0), |cell| Returned(cell.load(Relaxed)));
    let is_lost = returned.is_lost() || credits.deaths != thread.arena().header().deaths.load(Relaxed);
    is_lost || held / 8 < (credits.left + returned.credits()).max(1)
}

/// Frees the block that this row's list intent names, if its word is still exactly `word`. Returns its credit.
pub(crate) fn free_block(thread: &Thread, block: BlockId, word: BlockWord) -> Result<bool> {
    let Some(credits) = thread.process.quotas.blocks.get(block.class().index()) else { return Ok(false) };
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
    let returned = returned_credits::returned(thread.arena(), charge, CreditKind::blocks(block.class()));
    // ORDER: Acquire: this load comes before the block is freed. If a walk has ended before it, that walk did not find
    // the block free, and the word read here shows that the walk has ended.
    let before = returned.map_or(Returned(0), |cell| Returned(cell.load(Acquire)));
    let is_freed = block_pool::free_block_named(thread, block, word)?;
    crash_point!(thread, "free.shown");
    // The block first, then the credit: a death between them loses the credit, which a walk restores. In the other
    // order the process could exceed its quota.
    if is_freed && before.is_of(charge) {
        returned_credits::change_returned(thread.arena(), charge, CreditKind::blocks(block.class()), |now| {
            now.given(before, 1)
        });
    }
    Ok(is_freed)
}

/// New credits for a process that has none left: those that other processes have returned. If credits may have been
/// lost since the last walk, a walk counts the charged blocks.
#[cold]
fn renew(thread: &Thread, credits: &mut BlockCredits, quota: u64, class: SizeClass) -> Result<()> {
    let own = thread.process.quotas.charge;
    let (arena, kind) = (thread.arena(), CreditKind::blocks(class));
    // ORDER: Acquire pairs with the Release of `count_death`.
    let deaths = arena.header().deaths.load(Acquire);
    let seen = returned_credits::change_returned(arena, own, kind, Returned::taken_over);
    credits.left = seen.map_or(0, Returned::credits).min(quota);
    let is_lost = seen.is_none_or(Returned::is_lost) || credits.deaths != deaths;
    if credits.left == 0 && is_lost {
        // WALKING is set before the first block is counted and cleared after the last. A thread that frees a block
        // meanwhile sees that in the word, and marks its credit LOST instead of adding it: the walk may have counted
        // the block as free already (INV-CREDIT-1).
        returned_credits::change_returned(arena, own, kind, Returned::walk_begun);
        let charged = blocks_charged(thread, class)?;
        returned_credits::change_returned(arena, own, kind, Returned::walk_ended);
        (credits.left, credits.deaths) = (quota.saturating_sub(charged), deaths);
    }
    Ok(())
}

fn blocks_charged(thread: &Thread, class: SizeClass) -> Result<u64> {
    let own = thread.process.quotas.charge.to_word();
    let mut charged = 0;
    for index in free_map::free_blocks(thread.arena(), class)?.not_free(thread.arena().used_blocks(class)) {
        let descriptor = thread.arena().descriptor(BlockId::new(class, BlockIndex(index)))?;
        let may_be_ours = match BlockWord(descriptor.state.load(Relaxed)).state() {
            BlockState::Bound(_) => true,
            // Another process may just have taken a block that was this process's. (A block that is OWNED for another
            // purpose than use, see `decommit`, is charged to no process.)
            BlockState::Owned(tag) => thread.is_of_this_process(tag),
            _ => false,
        };
        charged += u64::from(may_be_ours && descriptor.charge.load(Relaxed) == own);
    }
    Ok(charged)
}
