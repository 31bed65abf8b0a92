//! Futexes: sleeping on a word of this process, waking, moving sleepers, and owners.

mod support;

use jacinth::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Scope, ScopedJoinHandle, sleep, yield_now};
use support::{FOREVER, in_arena};

const SOON: std::time::Duration = std::time::Duration::from_millis(20);

/// Starts a thread that sleeps on `futex`, with this thread as the owner, and waits until it sleeps.
fn sleeper<'scope>(
    scope: &'scope Scope<'scope, '_>,
    futex: &'scope Futex,
    owner: &'scope Thread,
) -> ScopedJoinHandle<'scope, Result<Koid, Status>> {
    futex.wake(0); // Takes the owner of earlier sleepers away.
    let sleeper = scope.spawn(move || {
        futex.wait(futex.load(Ordering::Relaxed), Some(owner), FOREVER)?;
        thread_self()?.koid()
    });
    while futex.get_owner() != owner.koid().ok() {
        assert!(!sleeper.is_finished(), "the thread does not sleep");
        yield_now();
    }
    sleeper
}

fn this_thread() -> Unowned<'static, Thread> {
    thread_self().unwrap().cast()
}

#[test]
fn another_value_is_bad_state() {
    in_arena(|_| {
        let futex = Futex::new(0);
        assert_eq!(futex.wait(5, None, FOREVER), Err(Status::BAD_STATE));
        futex.store(5, Ordering::Relaxed);
        assert_eq!(futex.wait(5, None, SOON), Err(Status::TIMED_OUT));
        assert_eq!(futex.requeue(1, 0, &Futex::new(0), 1, None), Err(Status::BAD_STATE));
        assert_eq!(futex.requeue_single_owner(0, &Futex::new(0), 1, None), Err(Status::BAD_STATE));
    });
}

#[test]
fn waits_time_out_without_a_wake() {
    in_arena(|_| {
        let (futex, start) = (Futex::new(0), std::time::Instant::now());
        futex.wake_all(); // Wakes are not kept.
        assert_eq!(futex.wait(0, None, SOON), Err(Status::TIMED_OUT));
        assert!(start.elapsed() >= SOON);
        assert_eq!(futex.wait(0, None, MonotonicInstant::INFINITE_PAST), Err(Status::TIMED_OUT));
        assert_eq!(futex.get_owner(), None);
    });
}

#[test]
fn the_woken_thread_becomes_owner() {
    in_arena(|_| {
        let (futex, this) = (Futex::new(0), this_thread());
        std::thread::scope(|scope| {
            let first = sleeper(scope, &futex, &this);
            let (sender, ready) = std::sync::mpsc::channel();
            let futex = &futex;
            let second = scope.spawn(move || {
                sender.send(thread_self().unwrap().koid().unwrap()).unwrap();
                futex.wait(0, None, FOREVER)
            });
            let second_koid = ready.recv().unwrap();
            // The second sleeper names no owner, so the futex has none once it sleeps.
            while futex.get_owner().is_some() {
                yield_now();
            }
            futex.wake_single_owner();
            let first_koid = first.join().unwrap().unwrap();
            assert_eq!(futex.get_owner(), Some(first_koid));
            assert_ne!(first_koid, second_koid);
            futex.wake(1);
            second.join().unwrap().unwrap();
            assert_eq!(futex.get_owner(), None);
        });
    });
}

#[test]
fn a_plain_wake_clears_the_owner() {
    in_arena(|_| {
        let (futex, this) = (Futex::new(0), this_thread());
        std::thread::scope(|scope| {
            let sleeper = sleeper(scope, &futex, &this);
            futex.wake(0);
            assert_eq!(futex.get_owner(), None);
            assert!(!sleeper.is_finished());
            futex.wake_all();
            sleeper.join().unwrap().unwrap();
        });
    });
}

#[test]
fn sleepers_move_to_another_futex() {
    in_arena(|_| {
        let (from, to, this) = (Futex::new(0), Futex::new(9), this_thread());
        std::thread::scope(|scope| {
            let sleepers = [sleeper(scope, &from, &this), sleeper(scope, &from, &this)];
            from.requeue(0, 0, &to, u32::MAX, Some(&*this)).unwrap();
            assert_eq!((from.get_owner(), to.get_owner()), (None, this.koid().ok()));
            from.wake_all();
            sleep(SOON);
            assert!(sleepers.iter().all(|sleeper| !sleeper.is_finished()));
            to.wake_all();
            for sleeper in sleepers {
                sleeper.join().unwrap().unwrap();
            }
        });
    });
}

#[test]
fn requeue_wakes_one_as_the_owner() {
    in_arena(|_| {
        let (from, to, this) = (Futex::new(0), Futex::new(0), this_thread());
        std::thread::scope(|scope| {
            let first = sleeper(scope, &from, &this);
            let second = sleeper(scope, &from, &this);
            from.requeue_single_owner(0, &to, 1, Some(&*this)).unwrap();
            first.join().unwrap().unwrap();
            assert_eq!(from.get_owner(), None, "no thread sleeps there");
            assert_eq!(to.get_owner(), this.koid().ok());
            to.wake(1);
            second.join().unwrap().unwrap();
        });
    });
}

#[test]
fn a_moved_sleeper_times_out() {
    in_arena(|_| {
        let (from, to) = (Futex::new(0), Futex::new(0));
        std::thread::scope(|scope| {
            let (from, this) = (&from, this_thread());
            let deadline = MonotonicInstant::after(MonotonicDuration::from_millis(100));
            let owner = this.clone();
            let sleeper = scope.spawn(move || from.wait(0, Some(&*owner), deadline));
            while from.get_owner().is_none() && !sleeper.is_finished() {
                yield_now();
            }
            from.requeue(0, 0, &to, 1, Some(&*this)).unwrap();
            assert_eq!(sleeper.join().unwrap(), Err(Status::TIMED_OUT));
            assert_eq!(to.get_owner(), None);
        });
    });
}

#[test]
fn an_owner_must_be_awake_elsewhere() {
    in_arena(|_| {
        let (futex, other, this) = (Futex::new(0), Futex::new(0), this_thread());
        assert_eq!(futex.wait(0, Some(&*this), FOREVER), Err(Status::INVALID_ARGS), "the caller itself");
        std::thread::scope(|scope| {
            let (sender, asleep) = std::sync::mpsc::channel();
            let (owner, slept_on) = (this.clone(), &futex);
            let thread = scope.spawn(move || {
                sender.send(thread_self().unwrap().duplicate(Rights::SAME_RIGHTS).unwrap()).unwrap();
                slept_on.wait(0, Some(&*owner), FOREVER)
            });
            let sleeping = Thread::from(asleep.recv().unwrap());
            while futex.get_owner().is_none() {
                yield_now();
            }
            assert_eq!(futex.wait(0, Some(&sleeping), FOREVER), Err(Status::INVALID_ARGS));
            assert_eq!(other.requeue(0, 0, &futex, 1, Some(&sleeping)), Err(Status::INVALID_ARGS));
            assert_eq!(other.wait(0, Some(&sleeping), SOON), Err(Status::TIMED_OUT), "another futex's owner");
            futex.wake_all();
            thread.join().unwrap().unwrap();
            // Its thread-locals may be dropped a moment after the join of a scoped thread.
            while futex.wait(0, Some(&sleeping), MonotonicInstant::INFINITE_PAST) != Err(Status::INVALID_ARGS)
            {
                yield_now();
            }
        });
    });
}

#[test]
fn an_owner_must_be_a_thread() {
    in_arena(|_| {
        let futex = Futex::new(0);
        let event = Thread::from(Event::create().into_handle());
        assert_eq!(futex.wait(0, Some(&event), FOREVER), Err(Status::WRONG_TYPE));
        let none = Thread::from(NullableHandle::invalid());
        assert_eq!(futex.wait(0, Some(&none), FOREVER), Err(Status::BAD_HANDLE));
        assert_eq!(futex.wait(1, Some(&none), FOREVER), Err(Status::BAD_STATE), "the value comes first");
    });
}

#[test]
fn requeue_refuses_the_same_futex() {
    in_arena(|_| {
        let futex = Futex::new(0);
        assert_eq!(futex.requeue(1, 0, &futex, 1, None), Err(Status::INVALID_ARGS));
        assert_eq!(futex.requeue_single_owner(0, &futex, 1, None), Err(Status::INVALID_ARGS));
    });
}

#[test]
fn a_new_object_replaces_the_former_owner() {
    in_arena(|_| {
        let former = thread_self().unwrap().koid().unwrap();
        assert!(raw::futex_thread(former).is_ok());
        attachment::detach_thread();
        let present = thread_self().unwrap().koid().unwrap();
        assert_ne!(present, former);
        assert!(raw::futex_thread(present).is_ok());
        assert_eq!(raw::futex_thread(former).err(), Some(Status::INVALID_ARGS));
    });
}

/// A thread of a library that binds jacinth to another language.
#[derive(Debug, Default)]
struct ForeignThread(raw::FutexSleep);

impl raw::FutexThread for ForeignThread {
    fn sleep(&self) -> &raw::FutexSleep {
        &self.0
    }

    fn koid(&self) -> Result<Koid, Status> {
        Ok(Koid::INVALID)
    }
}

#[test]
fn a_panicking_check_leaves_the_lock() {
    let this: Arc<dyn raw::FutexThread> = Arc::new(ForeignThread::default());
    let waiting = AssertUnwindSafe(|| {
        let check = || panic!("the check of the word fails");
        raw::futex_wait(64, check, &this, None, MonotonicInstant::INFINITE)
    });
    assert!(catch_unwind(waiting).is_err());
    assert_eq!(
        raw::futex_wait(64, || Ok(()), &this, None, MonotonicInstant::INFINITE_PAST),
        Err(Status::TIMED_OUT)
    );
}

#[test]
fn key_zero_is_no_futex() {
    let this: Arc<dyn raw::FutexThread> = Arc::new(ForeignThread::default());
    let waited = raw::futex_wait(0, || Ok(()), &this, None, MonotonicInstant::INFINITE_PAST);
    assert_eq!(waited, Err(Status::INVALID_ARGS));
    let requeue =
        raw::FutexRequeue { from: 64, wake: raw::FutexWakeCount::UpTo(1), to: 0, count: 1, owner: None };
    assert_eq!(raw::futex_requeue(requeue, || Ok(())), Err(Status::INVALID_ARGS));
}
