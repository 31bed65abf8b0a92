//! When private memory that threads find without a lock can be freed: after a *grace period*.
//!
//! A thread is *inside* from before it looks for such a value until it uses the value no longer ([`Inside`]). To free
//! values, a thread first makes them unreachable. Then it issues a heavy barrier and notes which threads are inside: these
//! may have found a value, and threads that come later cannot. When each of them has been seen outside, or on a later
//! visit, the values are freed. No thread blocks for that: retired values stay until a thread looks again.
//!
//! | word of a thread | written by | how |
//! |---|---|---|
//! | bits 0–15: how many of its visits are open, one within the other | the thread | plain stores |
//! | bits 16–63: how many times it has left for good | the thread | with the same |
//!
//! INV-GRACE-1: a visitor uses no value that was retired before it came. Its store of the word and its look for a value
//! could pass each other in its processor, but not across the heavy barrier. A visitor whose look came before that made
//! its store before it too, and is seen inside. A visitor whose look came after it finds nothing.
//! INV-GRACE-2: a value is freed after its last use. When a thread leaves, its Release store of the word comes after that
//! use, and a thread that sees this or a later word sees that the visitor has left.
//!
//! A thread frees values only while it is outside; otherwise it would wait for itself. A thread that is stopped inside, as
//! by a debugger, or that ends there by violence, keeps retired values from being freed; [`may_retire`](Grace::may_retire)
//! limits how many. Where the heavy barrier does not reach this process nothing is ever retired.
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
/// How many threads without a word of their own have one.
const GUESTS: usize = if cfg!(loom) { 1 } else { 8 };
/// How many may wait for others to leave: an index and a word each. One that was wanted again may be among them twice.
const MOST: usize = 1 << 16;

/// The bits of a word that count open visits.
const OPEN: u64 = 0xffff;

/// The word of one thread.
#[derive(Debug, Default)]
pub struct Visits(CachePadded<AtomicU64>);

impl Visits {
    /// The thread is inside until the result is dropped. For the one thread whose word this is.
    #[inline(always)]
    pub fn enter(&self) -> Inside<'_> {
        self.open();
        Inside(Visitor::Thread(self), PhantomData)
    }

    #[inline(always)]
    fn open(&self) {
        // ORDER: Release: a thread that sees this visit sees that the last one has ended (INV-GRACE-2).
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
        // ORDER: INV-GRACE-1. Pairs with the heavy barrier of `set_batch_apart`.
        compiler_fence(Ordering::SeqCst);
    }

    #[inline(always)]
    fn leave(&self) {
        let word = self.0.load(Ordering::Relaxed);
        let has_left = u64::from(word & OPEN == 1);
        // ORDER: Release: INV-GRACE-2.
        self.0.store(word.wrapping_add(has_left * (OPEN + 1)).wrapping_sub(1), Ordering::Release);
    }

    /// Whether the thread is inside. For the thread itself.
    #[cfg(not(loom))]
    #[inline]
    pub(crate) fn is_inside(&self) -> bool {
        self.0.load(Ordering::Relaxed) & OPEN != 0
    }

    /// The word, if the thread is inside.
    fn seen_inside(&self) -> Option<u64> {
        // ORDER: Acquire pairs with the Release of `leave`.
        let word = self.0.load(Ordering::Acquire);
        (word & OPEN != 0).then_some(word)
    }

    /// Whether the thread has left since this was its word.
    fn has_left_since(&self, seen: u64) -> bool {
        // ORDER: Acquire pairs with the Release of `leave`, and of `open`, which comes after it.
        let word = self.0.load(Ordering::Acquire);
        word & OPEN == 0 || word & !OPEN != seen & !OPEN
    }
}

/// A word for threads that have none of their own, one at a time.
#[derive(Debug)]
struct Guest {
    visits: Arc<Visits>,
    /// 1 while a thread has it.
    taken: AtomicU32,
}

/// Proof that its thread is inside: values that were found with it may be used for as long as it is there.
#[derive(Debug)]
pub struct Inside<'a>(Visitor<'a>, ToItsThread);

/// Neither `Send` nor `Sync`: a word has one writer.
type ToItsThread = PhantomData<*const ()>;

#[derive(Debug)]
enum Visitor<'a> {
    Thread(&'a Visits),
    Guest(&'a Guest),
    /// A guest for whom there was no word: so many are inside.
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
            Visitor::Guest(guest) => {
                guest.visits.leave();
                // ORDER: Release pairs with the Acquire of `visit`: the word is as this thread left it.
                guest.taken.store(0, Ordering::Release);
            }
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
    guests: [Guest; GUESTS],
    /// How many are inside that have no word.
    others: AtomicU32,
    limbo: Lock<Limbo<V>>,
    /// How many values are in limbo: written under its lock.
    waiting: AtomicUsize,
}

#[derive(Debug)]
struct Limbo<V> {
    /// Unreachable, but no barrier has come since.
    retired: Vec<V>,
    /// Only the threads in `inside`, and those without a word if `others` is set, can still be using these. Once all of them
    /// have left, the values are given out.
    waiting: Vec<V>,
    inside: Vec<(Arc<Visits>, u64)>,
    others: bool,
}

impl<V> Default for Grace<V> {
    fn default() -> Self {
        let limbo = Limbo { retired: Vec::new(), waiting: Vec::new(), inside: Vec::new(), others: false };
        let guests = core::array::from_fn(|_| Guest { visits: Arc::default(), taken: AtomicU32::new(0) });
        Self {
            threads: Lock::new(guests.iter().map(|guest: &Guest| guest.visits.clone()).collect()),
            guests,
            others: AtomicU32::new(0),
            limbo: Lock::new(limbo),
            waiting: AtomicUsize::new(0),
        }
    }
}

impl<V> Grace<V> {
    /// A word for the calling thread.
    pub fn join(&self) -> Arc<Visits> {
        let visits = Arc::<Visits>::default();
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

    /// For a thread without a word of its own: inside until the result is dropped.
    pub fn visit(&self) -> Inside<'_> {
        for guest in &self.guests {
            // ORDER: Acquire pairs with the Release of the last guest's drop.
            if guest.taken.swap(1, Ordering::Acquire) == 0 {
                guest.visits.open();
                return Inside(Visitor::Guest(guest), PhantomData);
            }
        }
        // Relaxed: no thread concludes anything from an increment.
        self.others.fetch_add(1, Ordering::Relaxed);
        // ORDER: as in `open`.
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

    /// Threads that come inside from now on cannot reach these values. Gives values, of these and of earlier ones, that no
    /// thread can still be using: a batch at most, so that no call frees for long. While any [wait](Self::waiting), call it
    /// again now and then with an empty list.
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
        // ORDER: INV-GRACE-1. Pairs with the compiler fences of `open` and `visit`.
        if !heavy_barrier() {
            return false;
        }
        core::mem::swap(&mut limbo.retired, &mut limbo.waiting);
        limbo.others = true;
        let threads = self.threads.lock();
        limbo
            .inside
            .extend(threads.iter().filter_map(|visits| Some((visits.clone(), visits.seen_inside()?))));
        true
    }

    /// A part of what was set apart, if all who were inside then have left.
    fn take_unused(&self, limbo: &mut Limbo<V>) -> Vec<V> {
        limbo.inside.retain(|(visits, seen)| !visits.has_left_since(*seen));
        // ORDER: Acquire pairs with the Release of a visitor's drop.
        limbo.others = limbo.others && self.others.load(Ordering::Acquire) != 0;
        if limbo.inside.is_empty() && !limbo.others {
            let left = limbo.waiting.len().saturating_sub(BATCH);
            let unused = limbo.waiting.drain(left..).collect();
            // Many waited, perhaps: the room for them goes with them.
            limbo.waiting.shrink_to(left.max(2 * BATCH));
            unused
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
        let _again = visits.enter();
        assert_eq!(look_again(&grace), 0, "a later visit does not count");
    }

    #[test]
    fn visitors_without_a_word_count_too() {
        let grace = grace();
        let inside: Vec<_> = (0..GUESTS + 2).map(|_| grace.visit()).collect();
        retire_batch(&grace);
        for inside in inside {
            assert_eq!(look_again(&grace), BATCH);
            drop(inside);
        }
        let _later = grace.visit();
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
        assert_eq!(grace.threads.lock().len(), GUESTS);
    }
}
