//! When private memory that threads find without a lock can be freed: after a *grace period*.
//!
//! A thread is *inside* from before it looks for such a value until it uses the value no longer ([`Inside`]). Whoever
//! wants to free values first makes them unreachable. Then a heavy barrier, and a look at who is inside: those may have
//! found one of them, and those that come later cannot. When each of them has been seen outside, the values are freed.
//! Nobody waits for that: what was retired stays until somebody looks again.
//!
//! | word of a thread | written by | how |
//! |---|---|---|
//! | how many of its visits are open, one within the other | the thread | plain stores: one more, one less |
//!
//! INV-GRACE-1: a visitor uses no value that was retired before it came. Its store of the word and its look for a value
//! could pass each other in its processor, but not across the heavy barrier. A visitor whose look came before that made
//! its store before it too, and is seen inside. A visitor whose look came after it finds nothing.
//! INV-GRACE-2: a value is freed after its last use. The word becomes 0, by a Release store, after the last use of all
//! visits. A thread that is inside again whenever somebody looks keeps a batch waiting; but there is a look for each
//! batch of closed handles, and operations are short.
//!
//! A thread that frees values is outside itself, or it would wait for itself. One that stops inside, by a debugger
//! perhaps, or that ends there by violence, keeps what is retired from being freed. So there is a limit to that:
//! [`may_retire`](Grace::may_retire). Where the heavy barrier does not reach this process nothing is ever retired.
//!
//! The models of everything else do without: nothing is freed there. This file has models of its own,
//! `loom-tests/tests/grace.rs`.

use super::Lock;
use super::machine::{AtomicU32, AtomicU64, compiler_fence, heavy_barrier, is_asymmetric};
use core::marker::PhantomData;
use core::sync::atomic::{AtomicUsize, Ordering};
use crossbeam_utils::CachePadded;
use std::sync::Arc;

/// How many values share a barrier.
const BATCH: usize = if cfg!(loom) { 1 } else { 128 };
/// How many may wait for others to leave: an index and a word each. One that was wanted again may be among them twice.
const MOST: usize = 1 << 16;

/// The word of one thread.
#[derive(Debug)]
pub struct Visits(CachePadded<AtomicU64>);

impl Visits {
    /// The thread is inside until the result is dropped. For the one thread whose word this is.
    #[inline(always)]
    pub fn enter(&self) -> Inside<'_> {
        // Relaxed: this thread alone writes the word, and nobody concludes anything from a larger one.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        // ORDER: INV-GRACE-1. Pairs with the heavy barrier of `look_who_is_inside`.
        compiler_fence(Ordering::SeqCst);
        Inside(Visitor::Thread(self), PhantomData)
    }

    #[inline(always)]
    fn leave(&self) {
        // ORDER: Release: INV-GRACE-2.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_sub(1), Ordering::Release);
    }

    /// Whether the thread is inside.
    #[inline]
    pub(crate) fn is_inside(&self) -> bool {
        // ORDER: Acquire pairs with the Release of `leave`.
        self.0.load(Ordering::Acquire) != 0
    }
}

/// Proof that its thread is inside: values that were found with it may be used for as long as it is there.
#[derive(Debug)]
pub struct Inside<'a>(Visitor<'a>, ToItsThread);

/// Neither `Send` nor `Sync`: a word has one writer.
type ToItsThread = PhantomData<*const ()>;

#[derive(Debug)]
enum Visitor<'a> {
    Thread(&'a Visits),
    /// Somebody without a word of its own.
    Other(&'a AtomicU32),
    /// In models in which nothing is freed.
    #[cfg(loom)]
    Unseen,
}

impl Inside<'_> {
    /// For models in which nothing is freed.
    #[cfg(loom)]
    pub(crate) fn unseen() -> Self {
        Self(Visitor::Unseen, PhantomData)
    }
}

impl Drop for Inside<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        match self.0 {
            Visitor::Thread(visits) => visits.leave(),
            // ORDER: Release: INV-GRACE-2.
            Visitor::Other(count) => drop(count.fetch_sub(1, Ordering::Release)),
            #[cfg(loom)]
            Visitor::Unseen => {}
        }
    }
}

/// Who may be inside, and what waits to be freed.
#[derive(Debug)]
pub struct Grace<V> {
    threads: Lock<Vec<Arc<Visits>>>,
    /// How many are inside that have no word of their own.
    others: AtomicU32,
    limbo: Lock<Limbo<V>>,
    /// How many values are in limbo: written under its lock.
    waiting: AtomicUsize,
}

#[derive(Debug)]
struct Limbo<V> {
    /// Unreachable, but no barrier has come since.
    retired: Vec<V>,
    /// Unreachable for all but those in `inside`, and others without a word. When these have left: for all, to be given
    /// out.
    waiting: Vec<V>,
    inside: Vec<Arc<Visits>>,
    others: bool,
}

impl<V> Default for Grace<V> {
    fn default() -> Self {
        let limbo = Limbo { retired: Vec::new(), waiting: Vec::new(), inside: Vec::new(), others: false };
        Self {
            threads: Lock::new(Vec::new()),
            others: AtomicU32::new(0),
            limbo: Lock::new(limbo),
            waiting: AtomicUsize::new(0),
        }
    }
}

impl<V> Grace<V> {
    /// A word for the calling thread.
    pub fn join(&self) -> Arc<Visits> {
        let visits = Arc::new(Visits(CachePadded::default()));
        self.threads.lock().push(visits.clone());
        visits
    }

    /// The thread, which is outside, will not come again.
    pub fn part(&self, visits: &Arc<Visits>) {
        let mut threads = self.threads.lock();
        if let Some(place) = threads.iter().position(|known| Arc::ptr_eq(known, visits)) {
            threads.swap_remove(place);
        }
    }

    /// For somebody without a word: inside until the result is dropped.
    pub fn visit(&self) -> Inside<'_> {
        // Relaxed: nobody concludes anything from an increment.
        self.others.fetch_add(1, Ordering::Relaxed);
        // ORDER: as in `enter`.
        compiler_fence(Ordering::SeqCst);
        Inside(Visitor::Other(&self.others), PhantomData)
    }

    /// Whether anything should be retired now.
    pub fn may_retire(&self) -> bool {
        is_asymmetric() && self.waiting() < MOST
    }

    /// How many values wait to be freed. A little old, perhaps.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// These values are unreachable for whoever comes inside from now on. Gives some of them, and of earlier ones, that
    /// nobody can be using any more: no more than a batch, so that no call frees for long. To be called again with
    /// nothing, now and then, while any [wait](Self::waiting).
    #[must_use = "what can be freed is forgotten here"]
    pub fn retire(&self, mut values: Vec<V>) -> Vec<V> {
        let mut limbo = self.limbo.lock();
        limbo.retired.append(&mut values);
        let mut unused = self.take_unused(&mut limbo);
        if limbo.waiting.is_empty() && limbo.retired.len() >= BATCH && self.set_batch_apart(&mut limbo) {
            unused = self.take_unused(&mut limbo);
        }
        self.waiting.store(limbo.retired.len() + limbo.waiting.len(), Ordering::Relaxed);
        unused
    }

    /// What has been retired becomes the next batch, with those who may have found something of it. `false` if the kernel
    /// refuses the barrier.
    fn set_batch_apart(&self, limbo: &mut Limbo<V>) -> bool {
        // ORDER: INV-GRACE-1. Pairs with the compiler fences of `enter` and `visit`.
        if !heavy_barrier() {
            return false;
        }
        core::mem::swap(&mut limbo.retired, &mut limbo.waiting);
        limbo.others = true;
        let threads = self.threads.lock();
        limbo.inside.extend(threads.iter().filter(|visits| visits.is_inside()).cloned());
        true
    }

    /// A part of what was set apart, if all who were inside then have left.
    fn take_unused(&self, limbo: &mut Limbo<V>) -> Vec<V> {
        limbo.inside.retain(|visits| visits.is_inside());
        // ORDER: Acquire pairs with the Release of a visitor's drop.
        limbo.others = limbo.others && self.others.load(Ordering::Acquire) != 0;
        if limbo.inside.is_empty() && !limbo.others {
            limbo.waiting.split_off(limbo.waiting.len().saturating_sub(BATCH))
        } else {
            Vec::new()
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn grace() -> Grace<usize> {
        assert!(super::super::register_barriers(), "this kernel has membarrier(2)");
        Grace::default()
    }

    /// How many are left after another look.
    fn look_again(grace: &Grace<usize>) -> usize {
        drop(grace.retire(Vec::new()));
        grace.waiting()
    }

    fn retire_batch(grace: &Grace<usize>) {
        drop(grace.retire((0..BATCH).collect()));
    }

    #[test]
    fn values_wait_for_those_inside() {
        let grace = grace();
        let (early, late) = (grace.join(), grace.join());
        let inside = early.enter();
        retire_batch(&grace);
        let _later = late.enter();
        assert_eq!(look_again(&grace), BATCH);
        drop(inside);
        assert_eq!(look_again(&grace), 0, "who came later does not count");
    }

    #[test]
    fn an_inner_visit_ends_nothing() {
        let grace = grace();
        let visits = grace.join();
        let outer = visits.enter();
        let inner = visits.enter();
        retire_batch(&grace);
        drop(inner);
        assert_eq!(look_again(&grace), BATCH);
        drop(visits.enter());
        assert_eq!(look_again(&grace), BATCH);
        drop(outer);
        assert_eq!(look_again(&grace), 0);
    }

    #[test]
    fn visitors_without_a_word_count_too() {
        let grace = grace();
        let inside = grace.visit();
        retire_batch(&grace);
        assert_eq!(look_again(&grace), BATCH);
        drop(inside);
        assert_eq!(look_again(&grace), 0);
    }

    #[test]
    fn a_thread_that_stays_inside_bounds_what_is_retired() {
        let grace = grace();
        let visits = grace.join();
        let inside = visits.enter();
        while grace.may_retire() {
            retire_batch(&grace);
        }
        assert!(look_again(&grace) <= MOST + BATCH);
        drop(inside);
        while look_again(&grace) > 0 {}
        assert!(grace.may_retire());
        grace.part(&visits);
        assert_eq!(grace.threads.lock().len(), 0);
    }
}
