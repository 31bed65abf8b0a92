//! Grace periods: when private memory that threads find without a lock can be freed.
//!
//! A thread is *inside* from before it looks for such a value until it no longer uses the value ([`Inside`]). To free
//! values, a thread first makes them unreachable. Then it issues a heavy barrier and notes which threads are inside:
//! these may have found a value, and threads that come later cannot. When each noted thread has been seen outside, or
//! on a later visit, the values are freed. No thread blocks for that: retired values stay until a thread looks again.
//!
//! | word of a thread | written by | how |
//! |---|---|---|
//! | bits 0–15: how many of its visits are open, one within the other | the thread | plain stores |
//! | bits 16–63: how many times it has left its outermost visit | the thread | with the same |
//!
//! INV-GRACE-1: a visitor uses no value that was retired before it came. Its store of the word and its load of a value
//! could pass each other in its processor, but not across the heavy barrier. If the load came before the barrier, the
//! store did too, and the visitor is seen inside. If the load came after the barrier, it finds no retired value.
//! INV-GRACE-2: a value is freed after its last use. When a thread leaves, its Release store of the word comes after
//! that use, and a thread that sees this or a later word sees that the visitor has left.
//!
//! A thread frees values only while it is outside; otherwise it would wait for itself. A thread that a debugger stops
//! inside, or that is ended there by force, keeps retired values from being freed; [`may_retire`](Grace::may_retire)
//! limits how many. Where the heavy barrier does not reach this process, no value is ever retired.
//!
//! The models of the other files do not use it: they free no value. This file has models of its own,
//! `loom-tests/tests/grace.rs`.

use super::Lock;
use super::machine::{AtomicU32, AtomicU64, compiler_fence, heavy_barrier, is_asymmetric};
use core::marker::PhantomData;
use core::sync::atomic::{AtomicUsize, Ordering};
use crossbeam_utils::CachePadded;
use std::sync::Arc;

/// How many values share a barrier.
const BATCH: usize = if cfg!(loom) { 1 } else { 128 };
/// How many threads without a word of their own get one of the spare words.
const GUESTS: usize = if cfg!(loom) { 1 } else { 8 };
/// How many values may wait: an index and a word each. A value that was made again and taken again may be there twice.
const MOST: usize = 1 << 16;

/// The bits of a word that count open visits.
const OPEN: u64 = 0xffff;

/// The word of one thread.
#[derive(Debug, Default)]
pub struct Visits(CachePadded<AtomicU64>);

impl Visits {
    /// The thread is inside until the result is dropped. Only the thread that owns this word may call it.
    #[inline(always)]
    pub fn enter(&self) -> Inside<'_> {
        self.open();
        Inside(Visitor::Thread(self), PhantomData)
    }

    #[inline(always)]
    fn open(&self) {
        // ORDER: Release: a thread that sees this visit sees that the last one has ended (INV-GRACE-2).
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
        // ORDER: INV-GRACE-1. Pairs with the heavy barrier of `set_batch_apart`. The caller's loads of values come
        // after it.
        compiler_fence(Ordering::SeqCst);
    }

    #[inline(always)]
    fn leave(&self) {
        let word = self.0.load(Ordering::Relaxed);
        let has_left = u64::from(word & OPEN == 1);
        // ORDER: Release: INV-GRACE-2.
        self.0.store(word.wrapping_add(has_left * (OPEN + 1)).wrapping_sub(1), Ordering::Release);
    }

    /// Whether the thread is inside. Only for the thread itself.
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
        // ORDER: Acquire pairs with the Release of `leave`, and with that of the next `open`.
        let word = self.0.load(Ordering::Acquire);
        // The count of departures differs if the thread has left and come back: that visit began after the barrier.
        word & OPEN == 0 || word & !OPEN != seen & !OPEN
    }
}

/// A word for threads that have none of their own. One thread uses it at a time.
#[derive(Debug)]
struct Guest {
    visits: Arc<Visits>,
    /// 1 while a thread has it.
    taken: AtomicU32,
}

/// Proof that its thread is inside. Values that were found with it may be used while it exists.
#[derive(Debug)]
pub struct Inside<'a>(Visitor<'a>, ToItsThread);

/// Neither `Send` nor `Sync`: a word has one writer.
type ToItsThread = PhantomData<*const ()>;

#[derive(Debug)]
enum Visitor<'a> {
    Thread(&'a Visits),
    Guest(&'a Guest),
    /// A guest for which no word was free. Only the number of such guests is known.
    Other(&'a AtomicU32),
    /// In models that free no value.
    #[cfg(loom)]
    Unseen,
}

impl Inside<'_> {
    /// For models that free no value.
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
                // ORDER: Release pairs with the Acquire of `visit`: the next guest sees the word as this thread left
                // it.
                guest.taken.store(0, Ordering::Release);
            }
            // ORDER: Release: INV-GRACE-2.
            Visitor::Other(count) => drop(count.fetch_sub(1, Ordering::Release)),
            #[cfg(loom)]
            Visitor::Unseen => {}
        }
    }
}

/// The threads that may be inside, and the values that wait to be freed.
#[derive(Debug)]
pub struct Grace<V> {
    threads: Lock<Vec<Arc<Visits>>>,
    guests: [Guest; GUESTS],
    /// How many threads without a word are inside.
    others: AtomicU32,
    limbo: Lock<Limbo<V>>,
    /// How many values are in limbo. Written under the lock of `limbo`.
    waiting: AtomicUsize,
}

#[derive(Debug)]
struct Limbo<V> {
    /// Unreachable, but no barrier has followed yet.
    retired: Vec<V>,
    /// Only the threads in `inside`, and threads without a word if `others` is set, can still be using these values.
    /// Once all of them have left, the values are returned by `retire`.
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

    /// Removes the word of a thread that is outside and will not come again.
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

    /// Whether values should be retired now.
    pub fn may_retire(&self) -> bool {
        is_asymmetric() && self.waiting() < MOST
    }

    /// How many values wait to be freed. The number may be slightly out of date.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Retires values: threads that come inside from now on cannot reach them. Gives values, of these and of earlier
    /// ones, that no thread can still be using: a batch at most, so that no call frees for long. While any
    /// [wait](Self::waiting), call it again now and then with an empty list.
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

    /// Makes the retired values the next batch, and notes the threads that may have found one of them. `false` if the
    /// kernel refuses the barrier.
    fn set_batch_apart(&self, limbo: &mut Limbo<V>) -> bool {
        // ORDER: INV-GRACE-1. Pairs with the compiler fences of `open` and `visit`.
        if !heavy_barrier() {
            return false;
        }
        core::mem::swap(&mut limbo.retired, &mut limbo.waiting);
        // Only now, after the barrier: a thread that is not seen inside here cannot find a value of the batch.
        limbo.others = true;
        let threads = self.threads.lock();
        limbo
            .inside
            .extend(threads.iter().filter_map(|visits| Some((visits.clone(), visits.seen_inside()?))));
        true
    }

    /// A part of the batch that was set apart, if all threads that were inside then have left.
    fn take_unused(&self, limbo: &mut Limbo<V>) -> Vec<V> {
        limbo.inside.retain(|(visits, seen)| !visits.has_left_since(*seen));
        // ORDER: Acquire pairs with the Release of a visitor's drop.
        limbo.others = limbo.others && self.others.load(Ordering::Acquire) != 0;
        if limbo.inside.is_empty() && !limbo.others {
            let left = limbo.waiting.len().saturating_sub(BATCH);
            let unused = limbo.waiting.drain(left..).collect();
            // Many values may have waited: shrink the buffer with them.
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

    /// Gives how many values wait after another call of `retire`.
    fn look_again(grace: &Grace<usize>) -> usize {
        drop(grace.retire(Vec::new()));
        grace.waiting()
    }

    fn retire_batch(grace: &Grace<usize>) {
        drop(grace.retire((0..BATCH).collect()));
    }

    #[test]
    fn values_wait_for_threads_inside() {
        let grace = grace();
        let (early, late) = (grace.join(), grace.join());
        let inside = early.enter();
        retire_batch(&grace);
        let _later = late.enter();
        assert_eq!(look_again(&grace), BATCH);
        drop(inside);
        assert_eq!(look_again(&grace), 0, "a later visitor does not count");
    }

    #[test]
    fn an_inner_visit_frees_no_value() {
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
    fn visits_beyond_capacity_are_waited_for() {
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
    fn a_thread_inside_bounds_retired_values() {
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
