//! How many objects one process may make: its private credits, the credits that its threads cache, and those that other
//! processes return.
//!
//! Making an object uses one credit. The object's own lifecycle word charges it to its maker until its slot is free
//! again (`process/quota.rs`). Each thread caches a few credits, so a create in steady state writes no shared word for
//! them. An object that its own process frees returns the credit directly. An object that another process frees returns
//! it through a word of the maker's row (`returned`). A process that has no credit left does this, in order:
//!
//! 1. It takes over the returned credits.
//! 2. It collects dead objects.
//! 3. It walks over the objects in use and counts its own. That also finds credits that other threads have cached.
//!
//! It refuses only if all three find no credit.

use crate::arena::error::Result;
use crate::arena::word::credit::{Charge, CreditKind, Returned};
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::memory::{returned_credits, slot_pool};
use crate::process::quota::{CreditCache, Creditor, ObjectCredits};
use crate::process::thread::Thread;
use crate::sync::{Acquire, Relaxed};
use core::sync::atomic::Ordering;

/// How many credits a thread caches at once: fewer where the quota is small.
pub(crate) const CREDITS_AT_A_TIME: u64 = 32;

/// Takes over the credits that other processes have returned.
pub(crate) fn take_over_objects(thread: &Thread, pool: &ObjectCredits) -> u64 {
    let seen = returned_credits::change_returned(
        thread.arena(),
        thread.process.quotas.charge,
        CreditKind::OBJECTS,
        Returned::taken_over,
    );
    // P5: other processes write this word, and no number in it may exceed the quota.
    seen.map_or(0, Returned::credits).min(pool.quota)
}

/// Counts the free credits by the words of all objects. The caller has the lock.
pub(crate) fn count_objects(thread: &Thread, pool: &ObjectCredits) -> Result<u64> {
    let own = thread.process.quotas.charge;
    // ORDER: SeqCst: a full fence here, and another in the CAS by which a thread takes a slot. So either the walk sees
    // that thread's slot, or that thread sees that its cached credit is void (`is_credit_valid`).
    pool.generation.fetch_add(1, Ordering::SeqCst);
    // A process that frees a slot during the walk sees WALKING, and marks its credit LOST instead of returning it: the
    // walk may have counted the slot as free already (INV-CREDIT-1).
    returned_credits::change_returned(thread.arena(), own, CreditKind::OBJECTS, Returned::walk_begun);
    let charged = objects_charged(thread)?;
    returned_credits::change_returned(thread.arena(), own, CreditKind::OBJECTS, Returned::walk_ended);
    Ok(pool.quota.saturating_sub(charged))
}

/// Whether the cached credit was still valid when it was used.
#[inline]
pub(crate) fn is_credit_valid(thread: &Thread, credit: u64) -> bool {
    let Some(pool) = &thread.process.quotas.objects else { return true };
    // ORDER: SeqCst: after the slot's CAS, which is a full fence on x86. On other machines a concurrent walk could miss
    // one slot for each thread.
    pool.generation.load(Ordering::SeqCst) == credit
}

/// Returns a credit to the cache: no object was made with it.
pub(crate) fn return_object_credit(thread: &Thread, credit: u64) {
    let CreditCache { generation, credits } = thread.credit_cache.get();
    // A walk that voided the credit has put it back into the pool, so it must not come back a second time.
    if thread.process.quotas.objects.is_some() && generation == credit {
        thread.credit_cache.set(CreditCache { generation, credits: credits + 1 });
    }
}

/// The credits' generation. Objects freed after this call may be returned with [`return_object_credits`].
pub(crate) fn credit_generation(thread: &Thread) -> u64 {
    thread.process.quotas.objects.as_ref().map_or(0, |pool| {
        // The lock excludes a walk in progress: it has raised the generation already, and may still come to the objects
        // that this thread frees next. Both would count them.
        let _left = pool.left.lock();
        pool.generation.load(Ordering::Relaxed)
    })
}

/// Returns the credits of `freed` objects charged to this process, freed since `generation`. If a walk has run since
/// then it may have found these slots free already, and they must count once.
pub(crate) fn return_object_credits(thread: &Thread, generation: u64, freed: u64) {
    if let Some(pool) = &thread.process.quotas.objects
        && freed > 0
    {
        let mut left = pool.left.lock();
        if pool.generation.load(Ordering::Relaxed) == generation {
            *left = pool.quota.min(*left + freed);
        }
    }
}

/// Returns the thread's cached credits, at its end.
pub(crate) fn return_cached_credits(thread: &Thread) {
    let CreditCache { generation, credits } = thread.credit_cache.take();
    return_object_credits(thread, generation, credits);
}

/// Notes to which process an object that is about to be freed is charged. If that process differs from the recorded
/// one, first returns the credits recorded so far.
pub(crate) fn note_creditor(thread: &Thread, lifecycle: Lifecycle, recorded: &mut Option<Creditor>) {
    if recorded.as_ref().is_some_and(|creditor| lifecycle.is_charged_to(creditor.charge)) {
        return;
    }
    return_credits_to(thread, recorded.take());
    // The quota follows from the arena's limits. If this process has none, no process has one.
    if thread.process.quotas.objects.is_none() {
        return;
    }
    let Some(cell) = returned_credits::returned(
        thread.arena(),
        Charge { row: lifecycle.charged_row(), epoch: 0 },
        CreditKind::OBJECTS,
    ) else {
        return;
    };
    // ORDER: Acquire: the word is read before the slot is freed. If a walk has ended by now, it did not find the slot
    // free (INV-CREDIT-1).
    let before = Returned(cell.load(Acquire));
    let charge = Charge { row: lifecycle.charged_row(), epoch: before.epoch() };
    *recorded = lifecycle.is_charged_to(charge).then_some(Creditor { charge, before, objects: 0 });
}

/// The slots have been freed: returns their credits.
pub(crate) fn return_credits_to(thread: &Thread, creditor: Option<Creditor>) {
    if let Some(Creditor { charge, before, objects }) = creditor
        && objects > 0
    {
        returned_credits::change_returned(thread.arena(), charge, CreditKind::OBJECTS, |now| {
            now.given(before, objects)
        });
    }
}

fn objects_charged(thread: &Thread) -> Result<u64> {
    let mut charged = 0;
    for slot in slot_pool::slots_in_use(thread.arena()) {
        let lifecycle = Lifecycle(thread.arena().object(slot)?.lifecycle.load(Relaxed));
        charged += u64::from(match lifecycle.state() {
            // A RETIRED object counts too: its credit comes back when its slot is free, and not before.
            LifecycleState::Live | LifecycleState::Retired => {
                lifecycle.is_charged_to(thread.process.quotas.charge)
            }
            LifecycleState::Reserved(tag) => thread.is_of_this_process(tag),
            _ => false,
        });
    }
    Ok(charged)
}
