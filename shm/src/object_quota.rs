//! How many objects one process may make: private credits, credits that threads set aside, and what others give back.
//!
//! Making an object uses up a credit, and the object is charged to its maker by its own life word until its slot is free
//! again (`quota`). Threads set a few credits aside, so a create in steady state touches nothing shared. What this
//! process frees of its own comes back to it directly, and what others free of it by a word of its row (`returned`). A
//! process that has no credit left takes those over; finds none there either, and collects what has ended; and only then,
//! before it refuses, walks over the objects in use and counts, which also finds what other threads have set aside.

use crate::bits::Tag;
use crate::error::{Error, Result};
use crate::object::{Life, LifeState};
use crate::owner::Claim;
use crate::quota::Charge;
use crate::returned::{OBJECTS, Returned};
use crate::sync::{Acquire, Lock, Relaxed};
use crate::thread::Thread;
use core::sync::atomic::{AtomicU64, Ordering};
use crossbeam_utils::CachePadded;

/// Objects that this process may still make.
#[derive(Debug)]
pub(crate) struct ObjectCredits {
    quota: u64,
    /// How often what threads have set aside has been voided.
    voided: CachePadded<AtomicU64>,
    /// What no thread has set aside.
    left: Lock<u64>,
}

impl ObjectCredits {
    pub(crate) fn new(quota: u64) -> Self {
        Self { quota, voided: CachePadded::default(), left: Lock::new(quota) }
    }
}

/// What a thread has set aside: how much, and when.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Aside {
    voided: u64,
    credits: u64,
}

impl Aside {
    pub(crate) fn voided(self) -> u64 {
        self.voided
    }
}

/// Credits for objects of another process, which are given back together once their slots are free.
#[derive(Debug)]
pub(crate) struct Creditor {
    charge: Charge,
    /// What the process's word said before the first of the slots was freed.
    before: Returned,
    objects: u64,
}

impl Creditor {
    /// One more slot has been freed.
    pub(crate) fn count(&mut self) {
        self.objects += 1;
    }
}

impl Thread {
    /// Credits that a thread sets aside at once: few where there are few.
    const CREDITS_AT_A_TIME: u64 = 32;

    /// Uses up one credit for an object. Gives when it was set aside, for [`stands`](Self::stands).
    #[inline]
    pub(crate) fn take_object_credit(&self) -> Result<u64> {
        let Some(pool) = &self.process.quotas.objects else { return Ok(0) };
        let Aside { voided, credits } = self.aside.get();
        // Relaxed: looked at again once the slot is taken.
        if credits > 0 && voided == pool.voided.load(Ordering::Relaxed) {
            self.aside.set(Aside { voided, credits: credits - 1 });
            return Ok(voided);
        }
        self.set_credits_aside(pool)
    }

    #[cold]
    fn set_credits_aside(&self, pool: &ObjectCredits) -> Result<u64> {
        let batch = Self::CREDITS_AT_A_TIME.min(pool.quota / 1024).max(1);
        // What is left; what others have given back; the same, once what has ended is collected; what a walk finds.
        for attempt in 0..4 {
            if attempt == 2 {
                self.collect()?;
            }
            let mut left = pool.left.lock();
            if *left == 0 && attempt > 0 {
                *left = if attempt < 3 { self.take_over_objects(pool) } else { self.count_objects(pool)? };
            }
            if *left > 0 {
                let taken = batch.min(*left);
                *left -= taken;
                let voided = pool.voided.load(Ordering::Relaxed);
                self.aside.set(Aside { voided, credits: taken - 1 });
                return Ok(voided);
            }
        }
        Err(Error::NoResources("objects of this process (max_objects_per_process)"))
    }

    /// The credits that others have given back.
    fn take_over_objects(&self, pool: &ObjectCredits) -> u64 {
        let seen = self.arena().change_returned(self.process.quotas.charge, OBJECTS, Returned::taken_over);
        seen.map_or(0, Returned::credits).min(pool.quota)
    }

    /// The credits that there are by the words of all objects. The caller has the lock.
    fn count_objects(&self, pool: &ObjectCredits) -> Result<u64> {
        let own = self.process.quotas.charge;
        // A full fence here and the CAS by which a slot is taken: either the walk sees a thread's slot, or that thread
        // sees that its credit is void.
        pool.voided.fetch_add(1, Ordering::SeqCst);
        self.arena().change_returned(own, OBJECTS, Returned::walk_begun);
        let charged = self.objects_charged()?;
        self.arena().change_returned(own, OBJECTS, Returned::walk_ended);
        Ok(pool.quota.saturating_sub(charged))
    }

    /// Whether the credit that was set aside then was good when it was used.
    #[inline]
    pub(crate) fn stands(&self, credit: u64) -> bool {
        let Some(pool) = &self.process.quotas.objects else { return true };
        // After the slot's CAS, which on x86 is a full fence. Elsewhere a walk at this very moment could miss one
        // slot a thread.
        pool.voided.load(Ordering::SeqCst) == credit
    }

    /// The credit was not used after all.
    pub(crate) fn give_object_credit_back(&self, credit: u64) {
        let Aside { voided, credits } = self.aside.get();
        if self.process.quotas.objects.is_some() && voided == credit {
            self.aside.set(Aside { voided, credits: credits + 1 });
        }
    }

    /// When credits were last voided: what is freed after this look may be given back by
    /// [`give_object_credits`](Self::give_object_credits).
    pub(crate) fn credits_voided(&self) -> u64 {
        self.process.quotas.objects.as_ref().map_or(0, |pool| {
            // Not in the middle of a walk: it has voided the credits, and may have yet to come by what is freed next.
            let _left = pool.left.lock();
            pool.voided.load(Ordering::Relaxed)
        })
    }

    /// So many objects charged to this process have been freed since `voided`. A walk since then may have found them
    /// gone by itself, and they count once.
    pub(crate) fn give_object_credits(&self, voided: u64, freed: u64) {
        if let Some(pool) = &self.process.quotas.objects
            && freed > 0
        {
            let mut left = pool.left.lock();
            if pool.voided.load(Ordering::Relaxed) == voided {
                *left = pool.quota.min(*left + freed);
            }
        }
    }

    /// Gives back what this thread has set aside, at its end.
    pub(crate) fn give_aside_back(&self) {
        let Aside { voided, credits } = self.aside.take();
        self.give_object_credits(voided, credits);
    }

    /// An object of another process is about to be freed: whom it counts for. Those that another process's objects have
    /// added up to by now are given back.
    pub(crate) fn note_creditor(&self, life: Life, noted: &mut Option<Creditor>) {
        if noted.as_ref().is_some_and(|creditor| life.is_charged_to(creditor.charge)) {
            return;
        }
        self.give_object_credits_to(noted.take());
        if self.process.quotas.objects.is_none() {
            return;
        }
        let Some(cell) = self.arena().returned(Charge { row: life.charged_row(), epoch: 0 }, OBJECTS) else {
            return;
        };
        // ORDER: Acquire: an object whose slot is freed after a walk has ended was not free when it came by.
        let before = Returned(cell.load(Acquire));
        let charge = Charge { row: life.charged_row(), epoch: before.epoch() };
        *noted = life.is_charged_to(charge).then_some(Creditor { charge, before, objects: 0 });
    }

    /// The slots have been freed.
    pub(crate) fn give_object_credits_to(&self, creditor: Option<Creditor>) {
        if let Some(Creditor { charge, before, objects }) = creditor
            && objects > 0
        {
            self.arena().change_returned(charge, OBJECTS, |now| now.given(before, objects));
        }
    }

    fn objects_charged(&self) -> Result<u64> {
        let mut charged = 0;
        for slot in self.arena().slots_in_use() {
            let life = Life(self.arena().object(slot)?.life.load(Relaxed));
            charged += u64::from(match life.state() {
                LifeState::Live | LifeState::Retired => life.is_charged_to(self.process.quotas.charge),
                LifeState::Reserved(tag) => self.is_of_this_process(tag),
                _ => false,
            });
        }
        Ok(charged)
    }

    pub(crate) fn is_of_this_process(&self, tag: Tag) -> bool {
        let claim = self.arena().thread(tag.0).map(|row| Claim(row.claim.load(Relaxed)));
        claim.is_ok_and(|claim| claim.thread_owner() == Some(self.process.row))
    }
}
