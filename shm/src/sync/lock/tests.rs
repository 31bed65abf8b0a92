use super::*;

/// Threads read, change and write back a number under the lock. Some of them sleep while they hold it.
fn count_together(lock: &Lock<u64>) {
    const TIMES: u64 = 20_000;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for time in 0..TIMES {
                    let mut number = lock.lock();
                    let before = *number;
                    if time % 512 == thread {
                        std::thread::sleep(std::time::Duration::from_micros(50));
                    }
                    *number = before + 1;
                }
            });
        }
    });
    assert_eq!(*lock.lock(), 4 * TIMES);
    // SAFETY: only looks at the words.
    let raw = unsafe { lock.0.raw() };
    assert_eq!(raw.sleepers.load(Relaxed) & !FENCED, 0);
}

#[test]
fn one_thread_holds_a_lock() {
    assert!(super::super::register_barriers(), "this kernel has membarrier(2)");
    count_together(&Lock::new(0));
}

#[test]
fn one_thread_holds_a_fenced_lock() {
    count_together(&Lock(lock_api::Mutex::new(0)));
}

fn biased_lock() -> Lock<u64> {
    assert!(super::super::register_barriers(), "this kernel has membarrier(2)");
    let lock = Lock::new(0);
    use_until_biased(&lock);
    lock
}

fn use_until_biased(lock: &Lock<u64>) {
    // The longest time until a bias is given, and some uses by bias.
    (0..100_000).for_each(|_| *lock.lock() += 1);
    assert!(lock.is_biased_to_this_thread());
}

#[test]
fn a_bias_moves_to_its_user() {
    let lock = biased_lock();
    for _ in 0..3 {
        std::thread::scope(|scope| scope.spawn(|| use_until_biased(&lock)).join().unwrap());
    }
    // The last owner has ended.
    assert_eq!(*lock.lock(), 4 * 100_000);
}

#[test]
fn a_try_ends_the_bias() {
    let lock = biased_lock();
    let held = lock.lock();
    let other = |is_taken| assert_eq!(lock.try_lock().is_some(), is_taken);
    std::thread::scope(|scope| scope.spawn(|| other(false)).join().unwrap());
    assert!(!lock.is_biased_to_this_thread());
    std::thread::scope(|scope| scope.spawn(|| other(false)).join().unwrap());
    drop(held);
    std::thread::scope(|scope| scope.spawn(|| other(true)).join().unwrap());
    assert!(lock.try_lock().is_some() && !lock.is_biased_to_this_thread());
}

#[test]
fn waiters_sleep_until_the_owner_leaves() {
    let lock = biased_lock();
    for _ in 0..5 {
        use_until_biased(&lock);
        let mut held = lock.lock();
        std::thread::scope(|scope| {
            let waiters: Vec<_> = (0..3).map(|_| scope.spawn(|| *lock.lock() += 1)).collect();
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(waiters.iter().all(|waiter| !waiter.is_finished()));
            *held = 0;
            drop(held);
        });
        assert_eq!(*lock.lock(), 3);
    }
}

#[test]
fn one_lock_at_a_time_is_biased() {
    let (outer, inner) = (biased_lock(), biased_lock());
    let held = outer.lock();
    (0..100_000).for_each(|_| *inner.lock() += 1);
    assert!(outer.is_biased_to_this_thread() && !inner.is_biased_to_this_thread());
    drop(held);
    use_until_biased(&inner);
}

/// Owners use their own lock all the time, and other threads now and then, so that biases are given and end.
#[test]
fn owners_and_others_exclude_each_other() {
    assert!(super::super::register_barriers(), "this kernel has membarrier(2)");
    let locks: [Lock<u64>; 3] = Default::default();
    let uses = |thread: usize| {
        for time in 0..300_000 {
            let lock = &locks[if time % 40_000 == 39_999 { time / 40_000 } else { thread } % 3];
            let mut number = lock.lock();
            let before = core::hint::black_box(*number);
            *number = before + 1;
        }
    };
    std::thread::scope(|scope| (0..3).for_each(|thread| drop(scope.spawn(move || uses(thread)))));
    assert_eq!(locks.iter().map(|lock| *lock.lock()).sum::<u64>(), 900_000);
}

#[test]
fn a_held_lock_is_not_given() {
    let lock = Lock::new(());
    let held = lock.try_lock();
    assert!(held.is_some() && lock.try_lock().is_none());
    drop(held);
    assert!(lock.try_lock().is_some());
}

#[test]
fn a_held_lock_is_not_given_twice() {
    assert!(super::super::register_barriers(), "this kernel has membarrier(2)");
    let lock = Lock::new(0);
    // Past the use that gives the bias, and the first one by bias.
    for _ in 0..1000 {
        let held = lock.lock();
        assert!(lock.try_lock().is_none());
        drop(held);
    }
    assert!(lock.is_biased_to_this_thread());
}
