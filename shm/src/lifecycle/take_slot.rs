//! A slot for a new object: a reusable slot of this thread, a free slot on credit, or a slot that other threads are
//! freeing.

use crate::arena::error::{Error, Result};
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::Slot;
use crate::lifecycle::{exhausted, reclaim};
use crate::memory::{slot_credit, slot_pool};
use crate::process::quota::{CreditCache, ObjectCredits};
use crate::process::thread::Thread;
use core::sync::atomic::Ordering;

/// Uses up one credit for an object. Gives the generation of the credit, for [`slot_credit::is_credit_valid`].
#[inline]
pub(crate) fn take_object_credit(thread: &Thread) -> Result<u64> {
    let Some(pool) = &thread.process.quotas.objects else { return Ok(0) };
    let CreditCache { generation, credits } = thread.credit_cache.get();
    // Relaxed: `is_credit_valid` checks the generation again once the slot is taken.
    if credits > 0 && generation == pool.generation.load(Ordering::Relaxed) {
        thread.credit_cache.set(CreditCache { generation, credits: credits - 1 });
        return Ok(generation);
    }
    refill_credits(thread, pool)
}

#[cold]
fn refill_credits(thread: &Thread, pool: &ObjectCredits) -> Result<u64> {
    let batch = slot_credit::CREDITS_AT_A_TIME.min(pool.quota / 1024).max(1);
    // From cheap to dear: the credits that are left; those that other processes have given back; the same, after the
    // retired objects are collected; and last a walk that counts the objects in use.
    for attempt in 0..4 {
        // Before the lock: the collection returns credits, and takes the lock for that.
        if attempt == 2 {
            reclaim::collect(thread)?;
        }
        let mut left = pool.left.lock();
        // Under the lock, also for the long walk: a second thread that walked at the same time would count the same
        // slots (INV-QUOTA-1).
        if *left == 0 && attempt > 0 {
            *left = if attempt < 3 {
                slot_credit::take_over_objects(thread, pool)
            } else {
                slot_credit::count_objects(thread, pool)?
            };
        }
        if *left > 0 {
            let taken = batch.min(*left);
            *left -= taken;
            let generation = pool.generation.load(Ordering::Relaxed);
            thread.credit_cache.set(CreditCache { generation, credits: taken - 1 });
            return Ok(generation);
        }
    }
    Err(Error::NoResources("objects of this process (max_objects_per_process)"))
}

/// A slot, RESERVED by this thread and named by its row, and the generation of its credit.
pub(crate) fn take_slot(thread: &Thread) -> Result<(Slot, Lifecycle, u64)> {
    let taken = match slot_pool::take_cleared_slot(thread)? {
        Some(taken) => Ok(taken),
        None => take_slot_on_credit(thread),
    };
    if let Err(error) = taken
        && !error.is_crash()
    {
        // A take that failed may have named a slot that it does not have. Recovery would only look at it in vain, but
        // the row must be idle before it is given back.
        slot_pool::intend_no_slot(thread);
    }
    taken
}

/// A slot that costs a credit.
#[cold]
fn take_slot_on_credit(thread: &Thread) -> Result<(Slot, Lifecycle, u64)> {
    // Repeated only while other threads count the credits. A credit of an older generation is void: the
    // count has put it back into the pool. Then the slot goes back, and the next round takes a new credit.
    for _ in 0..16 {
        let credit = take_object_credit(thread)?;
        match take_any_slot(thread) {
            Ok((slot, lifecycle)) if slot_credit::is_credit_valid(thread, credit) => {
                return Ok((slot, lifecycle, credit));
            }
            Ok((slot, lifecycle)) => slot_pool::release_slot(thread, slot, lifecycle)?,
            Err(error) => {
                slot_credit::return_object_credit(thread, credit);
                return Err(error);
            }
        }
    }
    Err(Error::NoResources("objects of this process (max_objects_per_process)"))
}

fn take_any_slot(thread: &Thread) -> Result<(Slot, Lifecycle)> {
    match slot_pool::take_slot_at_hand(thread)? {
        Some(taken) => Ok(taken),
        None => exhausted::take_slot_that_comes_back(thread),
    }
}
