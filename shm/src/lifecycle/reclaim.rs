//! From RETIRED to FREE: slots that no hazard names are torn down and used again.
//!
//! A thread lists the slots that it has retired, and scans the list once there is a batch: a heavy barrier in every
//! process, then a look at all hazards. A slot that no hazard names is kept for the thread's next objects, or freed.

use crate::arena::error::Result;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::handle::pin;
use crate::memory::{slot_credit, slot_pool};
use crate::object;
use crate::object::port::{index, observe};
use crate::process::thread::{Thread, crash_point};
use crate::sync::fail_point::fail_point;
use crate::sync::{Relaxed, Release};

/// How many slots may wait for this thread's next objects. An adopted row makes no objects, so it keeps none.
pub(crate) fn most_reusable(thread: &Thread) -> usize {
    if thread.owns_row { 2 * thread.reclaim_batch } else { 0 }
}

pub(crate) fn reclaim(thread: &Thread) -> Result<usize> {
    thread.retired.borrow_mut().append(&mut thread.reusable.borrow_mut());
    scan_retired(thread, 0)
}

/// Slots that ended threads have left form a batch too. The thread that completes it reclaims it: the other threads of
/// the process may never retire enough.
pub(crate) fn reclaim_orphans(thread: &Thread) {
    if thread.process.orphans.lock().len() >= thread.reclaim_batch {
        // If the scan fails, a later collection finds the slots.
        let _ = scan_retired(thread, 0);
        thread.process.orphans.lock().append(&mut thread.retired.borrow_mut());
    }
}

/// Sorts the retired slots: those that hazards name stay; up to `most_reusable` of the others wait in `reusable`, still
/// RETIRED, for this thread's next objects; the rest becomes FREE. Gives how many became FREE.
///
/// The lists hold the exact words, from before the barrier. A list may name a slot that another thread has reclaimed
/// and that has been used again since; its word differs. And a slot that retires after the barrier may be named by a
/// hazard that is not visible here.
#[cold]
pub(crate) fn scan_retired(thread: &Thread, most_reusable: usize) -> Result<usize> {
    let mut retired = thread.retired.borrow_mut();
    retired.append(&mut thread.process.orphans.lock());
    // ORDER: pairs with the light barrier of `pin`: after it, every hazard that was set before its slot retired is
    // visible, and every later check of a handle finds the handle gone.
    if retired.is_empty() || !pin::barrier(thread)? {
        return Ok(0);
    }
    let named = pin::collect_hazards(thread)?;
    let mut reusable = thread.reusable.borrow_mut();
    let (mut kept, mut reclaimed, mut ours, mut creditor) = (Vec::new(), 0, 0, None);
    // Before the first slot becomes FREE: a walk that counts the credits after this finds some of the slots free by
    // itself, and `return_object_credits` then adds none.
    let generation = slot_credit::credit_generation(thread);
    // If one slot fails, `gather_retired` finds the others again.
    for (slot, lifecycle) in retired.drain(..) {
        let is_ours = lifecycle.is_charged_to(thread.process.quotas.charge);
        if named.binary_search(&slot).is_ok() {
            kept.push((slot, lifecycle));
        } else if reusable.len() < most_reusable
            && is_ours
            && !index::is_indexed(thread.arena(), slot)?
            && object::is_blank(lifecycle, thread, slot)?
        {
            reusable.push((slot, lifecycle));
        } else {
            if !is_ours {
                slot_credit::note_creditor(thread, lifecycle, &mut creditor);
            }
            if free_retired(thread, slot, lifecycle)? {
                reclaimed += 1;
                if is_ours {
                    ours += 1;
                } else if let Some(creditor) = &mut creditor {
                    creditor.count();
                }
            }
        }
    }
    slot_credit::return_credits_to(thread, creditor);
    slot_pool::intend_no_slot(thread);
    retired.append(&mut kept);
    // After a burst, give the private memory of the list back.
    retired.shrink_to(4 * thread.reclaim_batch);
    slot_credit::return_object_credits(thread, generation, ours);
    Ok(reclaimed)
}

/// RETIRED → RECLAIMING → FREE. `false` if another thread was first.
fn free_retired(thread: &Thread, slot: Slot, lifecycle: Lifecycle) -> Result<bool> {
    let reclaiming = lifecycle.reclaiming(thread.tag);
    let cell = &thread.arena().object(slot)?.lifecycle;
    if cell.load(Relaxed) != lifecycle.0 {
        return Ok(false);
    }
    // Intent first: if this thread dies after the CAS, recovery finds the RECLAIMING slot by this row, without a walk.
    slot_pool::intend_slot(thread, slot);
    // Relaxed load: the word was known before the barrier, which ordered it. One reclaimer wins.
    // ORDER: Release: after the intent, in the order that recovery sees.
    if cell.compare_exchange(lifecycle.0, reclaiming.0, Release, Relaxed).is_err() {
        return Ok(false);
    }
    crash_point!(thread, "reclaim.claimed");
    tear_down(thread, slot, reclaiming)?;
    Ok(true)
}

/// Frees the remains of a RECLAIMING slot, then the slot. Resumable.
pub(crate) fn tear_down(thread: &Thread, slot: Slot, lifecycle: Lifecycle) -> Result<()> {
    if index::is_indexed(thread.arena(), slot)? {
        for side in 0..if lifecycle.is_two_sided() { 2 } else { 1 } {
            observe::end_of_side(thread, ObjectRef::new(slot, side), lifecycle.generation())?;
        }
    }
    object::reset(lifecycle, thread, slot)?;
    crash_point!(thread, "reclaim.torn");
    slot_pool::free_named_slot(thread, slot, lifecycle)
}

/// Finds every RETIRED slot, in any thread's private list or in none. Slots are reclaimed by their exact word, so an
/// outdated list does no harm. Gives how many slots are in use.
pub(crate) fn gather_retired(thread: &Thread) -> Result<u64> {
    fail_point!(GatherRetired);
    let mut retired = thread.retired.borrow_mut();
    let mut in_use = 0;
    for slot in slot_pool::slots_in_use(thread.arena()) {
        in_use += 1;
        let lifecycle = Lifecycle(thread.arena().object(slot)?.lifecycle.load(Relaxed));
        if lifecycle.state() == LifecycleState::Retired {
            retired.push((slot, lifecycle));
        }
    }
    retired.sort_unstable();
    retired.dedup();
    Ok(in_use)
}

pub(crate) fn collect(thread: &Thread) -> Result<usize> {
    gather_retired(thread)?;
    reclaim(thread)
}
