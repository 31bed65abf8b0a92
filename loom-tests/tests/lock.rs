//! The private lock itself, over loom's atomics and a wait queue that compares and sleeps in one step, as the kernel
//! does. A lost wake is a deadlock, which loom reports.
//!
//! Here a lock is biased to each thread that takes it by swap, at once.

mod support;

use jacinth_shm_loom::{RawLock, give_word_back, kernel_barriers, lock_biases, take_word};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use std::collections::HashSet;
use support::*;

/// A number that the lock protects. loom fails a model in which two accesses to the cell are not ordered.
struct Counter {
    lock: RawLock,
    count: UnsafeCell<usize>,
}

// SAFETY: `count` is used only by the thread that holds `lock`; loom checks it.
unsafe impl Sync for Counter {}

impl Counter {
    fn new() -> Arc<Self> {
        Arc::new(Self { lock: RawLock::default(), count: UnsafeCell::new(0) })
    }

    /// Biased to the calling thread, which has counted to 1.
    fn biased() -> Arc<Self> {
        let counter = Self::new();
        counter.increment();
        counter
    }

    fn increment(&self) {
        self.lock.lock();
        self.increment_and_unlock();
    }

    fn try_increment(&self) -> bool {
        let is_taken = self.lock.try_lock();
        if is_taken {
            self.increment_and_unlock();
        }
        is_taken
    }

    fn increment_and_unlock(&self) {
        // SAFETY: this thread holds the lock, so no other one uses the cell.
        self.count.with_mut(|count| unsafe { *count += 1 });
        // SAFETY: the callers have taken it, and the cell is not used below.
        unsafe { self.lock.unlock() };
    }

    fn count(&self) -> usize {
        self.lock.lock();
        // SAFETY: as in `increment_and_unlock`.
        let count = self.count.with(|count| unsafe { *count });
        // SAFETY: as there.
        unsafe { self.lock.unlock() };
        count
    }
}

fn beside<T: 'static>(counter: &Arc<Counter>, act: impl FnOnce(&Counter) -> T + 'static) -> JoinHandle<T> {
    let counter = counter.clone();
    thread::spawn(move || act(&counter))
}

/// Each of `threads` counts `times` times under the lock.
fn count_together(threads: usize, times: usize) {
    let counter = Counter::new();
    let count = move |counter: &Counter| (0..times).for_each(|_| counter.increment());
    let others: Vec<_> = (1..threads).map(|_| beside(&counter, count)).collect();
    count(&counter);
    others.into_iter().for_each(|other| other.join().unwrap());
    assert_eq!(counter.count(), threads * times);
}

fn model_without_biases(preemptions: usize, body: impl Fn() + Send + Sync + 'static) {
    lock_biases(false);
    model_with_one_sided_barriers(preemptions, body);
    lock_biases(true);
}

/// INV-LOCK-1.
#[test]
fn a_waiter_misses_no_wake() {
    model_without_biases(3, || count_together(2, 2));
}

/// INV-LOCK-1: a wake reaches one sleeper, which passes it on.
#[test]
fn two_waiters_miss_no_wake() {
    model_without_biases(2, || count_together(3, 1));
}

/// INV-LOCK-2: barriers do not reach this process.
#[test]
fn a_waiter_without_barriers_misses_no_wake() {
    kernel_barriers(false, false);
    model_with_one_sided_barriers(3, || count_together(2, 2));
    kernel_barriers(true, true);
}

/// INV-LOCK-2: barriers are refused after the process was registered, so no thread sleeps for long.
#[test]
fn waiter_without_barrier_looks_again() {
    kernel_barriers(true, false);
    model_without_biases(4, || count_together(2, 2));
    kernel_barriers(true, true);
}

/// INV-LOCK-3 and INV-LOCK-4: the owner holds the lock, stands before it or behind it, or between its two looks.
#[test]
fn an_owner_and_another_exclude_each_other() {
    model_with_one_sided_barriers(4, || {
        let counter = Counter::biased();
        let other = beside(&counter, Counter::increment);
        counter.increment();
        other.join().unwrap();
        assert_eq!(counter.count(), 3);
    });
}

/// INV-LOCK-3: the bias moves from thread to thread, also while the last owner takes back a late hold.
#[test]
fn a_bias_moves_between_threads() {
    model_with_one_sided_barriers(2, || count_together(2, 2));
}

/// INV-LOCK-3: two threads revoke the bias, and the second revokes that of the first.
#[test]
fn two_threads_revoke_biases_in_turn() {
    model_with_one_sided_barriers(2, || {
        let counter = Counter::biased();
        let others = [beside(&counter, Counter::increment), beside(&counter, Counter::increment)];
        counter.increment();
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(counter.count(), 4);
    });
}

/// INV-LOCK-3: a try that fails leaves the revocation of the bias to the next thread.
#[test]
fn a_failed_try_lets_no_thread_in() {
    model_with_one_sided_barriers(3, || {
        let counter = Counter::biased();
        let other = beside(&counter, |counter| {
            let tried = counter.try_increment();
            counter.increment();
            tried
        });
        counter.increment();
        let tried = other.join().unwrap();
        assert_eq!(counter.count(), 3 + usize::from(tried));
    });
}

/// INV-LOCK-3: the kernel refuses the barrier after the bias was given.
#[test]
fn a_bias_is_revoked_without_barrier() {
    model_with_one_sided_barriers(3, || {
        kernel_barriers(true, true);
        let counter = Counter::biased();
        kernel_barriers(true, false);
        let other = beside(&counter, Counter::increment);
        counter.increment();
        other.join().unwrap();
        assert_eq!(counter.count(), 3);
    });
    kernel_barriers(true, true);
}

/// A thread holds one lock by bias at a time, and takes the second by swap.
#[test]
fn nested_locks_exclude_others() {
    model_with_one_sided_barriers(2, || {
        let (outer, inner) = (Counter::biased(), Counter::biased());
        let others = (beside(&outer, Counter::increment), beside(&inner, Counter::increment));
        outer.lock.lock();
        inner.increment();
        outer.increment_and_unlock();
        others.0.join().unwrap();
        others.1.join().unwrap();
        assert_eq!((outer.count(), inner.count()), (3, 3));
    });
}

/// INV-HOLD-1: a thread takes a lock by the bias of a thread that has ended.
#[test]
fn an_ended_threads_word_is_handed_on() {
    model_with_one_sided_barriers(3, || {
        let (counter, another) = (Counter::new(), Counter::new());
        let ending = beside(&counter, |counter| {
            counter.increment();
            counter.increment();
            give_word_back();
        });
        // It gets the first thread's word, if that thread has ended.
        another.increment();
        counter.increment();
        ending.join().unwrap();
        assert_eq!(counter.count(), 3);
    });
}

/// INV-HOLD-1: a word comes back while another one is taken.
#[test]
fn no_free_word_is_forgotten() {
    model_with_one_sided_barriers(3, || {
        let made = free_and_taken_word();
        let other = thread::spawn(take_word);
        give_word_back();
        let words = [take_word(), other.join().unwrap()];
        assert!(words.iter().flatten().all(|word| made.contains(word)), "{words:?} of {made:?}");
    });
}

/// Makes two words: a thread that has ended has left the first, and the calling thread has the second.
fn free_and_taken_word() -> [u64; 2] {
    let taken = take_word();
    let ended = thread::spawn(|| {
        let word = take_word();
        give_word_back();
        word
    });
    [ended.join().unwrap(), taken].map(|word| word.expect("no other thread takes one"))
}

/// INV-HOLD-1: a thread that takes a word goes by the list as it is, not by one of before. A word that has left the list
/// and come back is the first one again, but the one behind it may have a thread by now.
#[test]
fn no_two_threads_get_one_word() {
    model_with_one_sided_barriers(3, || {
        free_and_taken_word();
        give_word_back();
        let others = [thread::spawn(take_word), thread::spawn(take_word)];
        take_word();
        give_word_back();
        let own = take_word();
        let words: Vec<u64> =
            others.into_iter().filter_map(|other| other.join().unwrap()).chain(own).collect();
        assert_eq!(HashSet::<u64>::from_iter(words.iter().copied()).len(), words.len());
    });
}
