//! The private lock itself, over loom's atomics and a wait queue that compares and sleeps in one step, as the kernel
//! does. A lost wake is a deadlock, which loom reports.

mod support;

use jacinth_shm_loom::{RawLock, kernel_barriers};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use support::*;

/// A number that the lock protects. loom fails a model in which two accesses to the cell are not ordered.
struct Counter {
    lock: RawLock,
    count: UnsafeCell<usize>,
}

// SAFETY: `count` is used only by the thread that holds `lock`; loom checks it.
unsafe impl Sync for Counter {}

impl Counter {
    fn increment(&self) {
        self.lock.lock();
        // SAFETY: this thread holds the lock, so no other one uses the cell.
        self.count.with_mut(|count| unsafe { *count += 1 });
        // SAFETY: it was taken above, and the cell is not used below.
        unsafe { self.lock.unlock() };
    }
}

/// Each of `threads` counts `times` times under the lock.
fn count_together(threads: usize, times: usize) {
    let counter = Arc::new(Counter { lock: RawLock::default(), count: UnsafeCell::new(0) });
    let count = move |counter: &Counter| (0..times).for_each(|_| counter.increment());
    let others: Vec<_> = (1..threads)
        .map(|_| {
            let counter = counter.clone();
            loom::thread::spawn(move || count(&counter))
        })
        .collect();
    count(&counter);
    others.into_iter().for_each(|other| other.join().unwrap());
    // SAFETY: the other threads have ended.
    assert_eq!(counter.count.with(|count| unsafe { *count }), threads * times);
}

/// INV-LOCK-1.
#[test]
fn a_waiter_misses_no_wake() {
    model_with_one_sided_barriers(4, || count_together(2, 2));
}

/// INV-LOCK-1: a wake reaches one sleeper, which passes it on.
#[test]
fn two_waiters_miss_no_wake() {
    model_with_one_sided_barriers(2, || count_together(3, 1));
}

/// INV-LOCK-2: barriers do not reach this process.
#[test]
fn a_waiter_without_barriers_misses_no_wake() {
    kernel_barriers(false, false);
    model_with_one_sided_barriers(4, || count_together(2, 2));
    kernel_barriers(true, true);
}

/// INV-LOCK-2: barriers are refused after the process was registered, so no thread sleeps for long.
#[test]
fn waiter_without_barrier_looks_again() {
    kernel_barriers(true, false);
    model_with_one_sided_barriers(4, || count_together(2, 2));
    kernel_barriers(true, true);
}
