//! The private lock itself, over loom's atomics and a wait queue that compares and sleeps in one step, as the kernel
//! does. A lost wake is a deadlock, which loom reports.

mod support;

use jacinth_shm_loom::{FutexLock, kernel_barriers};
use loom::sync::Arc;
use support::*;

/// Each of `threads` counts `times` times under the lock.
fn count_together(threads: usize, times: usize) {
    let lock = Arc::new(FutexLock::new(0));
    let count = move |lock: &FutexLock<usize>| (0..times).for_each(|_| *lock.lock() += 1);
    let others: Vec<_> = (1..threads)
        .map(|_| {
            let lock = lock.clone();
            loom::thread::spawn(move || count(&lock))
        })
        .collect();
    count(&lock);
    others.into_iter().for_each(|other| other.join().unwrap());
    assert_eq!(*lock.lock(), threads * times);
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
