//! How many objects one process may make: private credits, credits that threads set aside, and what others give back.
//!
//! Making an object uses up a credit, and the object is charged to its maker by its own life word until its slot is free
//! again (`quota`). Threads set a few credits aside, so a create in steady state touches nothing shared. What this
//! process frees of its own comes back to it directly, and what others free of it by a word of its row (`returned`). A
//! process that has no credit left takes those over; finds none there either, and collects what has ended; and only then,
//! before it refuses, walks over the objects in use and counts, which also finds what other threads have set aside.

use crate::arena::error::Result;
use crate::arena::word::credit::{Charge, OBJECTS, Returned};
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::memory::{returned_credits, slot_pool};
use crate::process::quota::{CreditCache, Creditor, ObjectCredits};
use crate::process::thread::Thread;
use crate::sync::{Acquire, Relaxed};
use core::sync::atomic::Ordering;

/// Credits that a thread sets aside at once: few where there are few.
pub(crate) const CREDITS_AT_A_TIME: u64 = 32;

/// The credits that others have given back.
pub(crate) fn take_over_objects(thread: &Thread, pool: &ObjectCredits) -> u64 {
    let seen = returned_credits::change_returned(
        thread.arena(),
        thread.process.quotas.charge,
        OBJECTS,
        Returned::taken_over,
    );
    seen.map_or(0, Returned::credits).min(pool.quota)
}

/// The credits that there are by the words of all objects. The caller has the lock.
pub(crate) fn count_objects(thread: &Thread, pool: &ObjectCredits) -> Result<u64> {
    let own = thread.process.quotas.charge;
    // A full fence here and the CAS by which a slot is taken: either the walk sees a thread's slot, or that thread
    // sees that its credit is void.
    pool.generation.fetch_add(1, Ordering::SeqCst);
    returned_credits::change_returned(thread.arena(), own, OBJECTS, Returned::walk_begun);
    let charged = objects_charged(thread)?;
    returned_credits::change_returned(thread.arena(), own, OBJECTS, Returned::walk_ended);
    Ok(pool.quota.saturating_sub(charged))
}

/// Whether the credit that was set aside then was good when it was used.
#[inline]
pub(crate) fn is_credit_valid(thread: &Thread, credit: u64) -> bool {
    let Some(pool) = &thread.process.quotas.objects else { return true };
    // After the slot's CAS, which on x86 is a full fence. Elsewhere a walk at this very moment could miss one
    // slot a thread.
    pool.generation.load(Ordering::SeqCst) == credit
}

/// The credit was not used after all.
pub(crate) fn give_object_credit_back(thread: &Thread, credit: u64) {
    let CreditCache { generation, credits } = thread.credit_cache.get();
    if thread.process.quotas.objects.is_some() && generation == credit {
        thread.credit_cache.set(CreditCache { generation, credits: credits + 1 });
    }
}

/// When credits were last voided: what is freed after this look may be given back by
/// [`give_object_credits`].
pub(crate) fn credit_generation(thread: &Thread) -> u64 {
    thread.process.quotas.objects.as_ref().map_or(0, |pool| {
        // Not in the middle of a walk: it has voided the credits, and may have yet to come by what is freed next.
        let _left = pool.left.lock();
        pool.generation.load(Ordering::Relaxed)
    })
}

/// So many objects charged to this process have been freed since `generation`. A walk since then may have found them
/// gone by itself, and they count once.
pub(crate) fn give_object_credits(thread: &Thread, generation: u64, freed: u64) {
    if let Some(pool) = &thread.process.quotas.objects
        && freed > 0
    {
        let mut left = pool.left.lock();
        if pool.generation.load(Ordering::Relaxed) == generation {
            *left = pool.quota.min(*left + freed);
        }
    }
}

/// Gives back what this thread has set aside, at its end.
pub(crate) fn return_cached_credits(thread: &Thread) {
    let CreditCache { generation, credits } = thread.credit_cache.take();
    give_object_credits(thread, generation, credits);
}

/// An object of another process is about to be freed: whom it counts for. Those that another process's objects have
/// added up to by now are given back.
pub(crate) fn note_creditor(thread: &Thread, lifecycle: Lifecycle, recorded: &mut Option<Creditor>) {
    if recorded.as_ref().is_some_and(|creditor| lifecycle.is_charged_to(creditor.charge)) {
        return;
    }
    give_object_credits_to(thread, recorded.take());
    if thread.process.quotas.objects.is_none() {
        return;
    }
    let Some(cell) = returned_credits::returned(
        thread.arena(),
        Charge { row: lifecycle.charged_row(), epoch: 0 },
        OBJECTS,
    ) else {
        return;
    };
    // ORDER: Acquire: an object whose slot is freed after a walk has ended was not free when it came by.
    let before = Returned(cell.load(Acquire));
    let charge = Charge { row: lifecycle.charged_row(), epoch: before.epoch() };
    *recorded = lifecycle.is_charged_to(charge).then_some(Creditor { charge, before, objects: 0 });
}

/// The slots have been freed.
pub(crate) fn give_object_credits_to(thread: &Thread, creditor: Option<Creditor>) {
    if let Some(Creditor { charge, before, objects }) = creditor
        && objects > 0
    {
        returned_credits::change_returned(thread.arena(), charge, OBJECTS, |now| now.given(before, objects));
    }
}

fn objects_charged(thread: &Thread) -> Result<u64> {
    let mut charged = 0;
    for slot in slot_pool::slots_in_use(thread.arena()) {
        let lifecycle = Lifecycle(thread.arena().object(slot)?.lifecycle.load(Relaxed));
        charged += u64::from(match lifecycle.state() {
            LifecycleState::Live | LifecycleState::Retired => {
                lifecycle.is_charged_to(thread.process.quotas.charge)
            }
            LifecycleState::Reserved(tag) => thread.is_of_this_process(tag),
            _ => false,
        });
    }
    Ok(charged)
}
