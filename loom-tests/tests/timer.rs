//! Timers: sleepers see each expiry in time, also one that is set anew or cancelled at that moment.

mod support;

use jacinth_shm_loom::{Error, HandleValue, ObjectClass, Rights, Signals, Thread, now_ns};
use jacinth_shm_loom::{pass_time_until, time_passes};
use support::*;

const SIGNALED: Signals = Signals::SIGNALED;
/// A time that never comes.
const NEVER_NS: i64 = i64::MAX;
/// The deadline of a wait that may time out, after all deadlines of timers.
const LATE_NS: i64 = 100 * DUE_NS;

/// As [`model`], and time passes.
fn model_of_time(preemptions: usize, body: impl Fn() + Send + Sync + 'static) {
    time_passes(true);
    model(preemptions, body);
}

/// Processes with one thread, and a handle each to one timer.
fn owners<const N: usize>() -> [(Thread, HandleValue); N] {
    let one = first(&small_with(|config| config.max_handles_per_process = 5));
    let timer = one.create(ObjectClass::Timer, ALL).unwrap().0;
    let others: Vec<_> = (1..N)
        .map(|_| {
            let copy = one.duplicate(find(&one, timer), ALL).unwrap();
            let child = child(&one, Some(copy));
            let theirs = startup(&child);
            (child, theirs)
        })
        .collect();
    let all: Vec<_> = std::iter::once((one, timer)).chain(others).collect();
    all.try_into().ok().unwrap()
}

fn set(thread: &Thread, timer: HandleValue, deadline_ns: i64) {
    thread.timer_set(find(thread, timer), ALL, deadline_ns).unwrap();
}

fn cancel(thread: &Thread, timer: HandleValue) {
    thread.timer_cancel(find(thread, timer), ALL).unwrap();
}

/// A sleeper computes anew how long it sleeps when the timer is set: for the first time, or to an earlier time.
#[test]
fn setting_a_timer_shortens_a_sleep() {
    for before_ns in [None, Some(NEVER_NS)] {
        model_of_time(2, move || {
            let [(one, timer), (two, theirs)] = owners();
            if let Some(before_ns) = before_ns {
                set(&one, timer, before_ns);
            }
            let setting = loom::thread::spawn(move || {
                set(&two, theirs, DUE_NS);
                two
            });
            assert_eq!(wait(&one, timer, SIGNALED), (Ok(()), SIGNALED));
            assert_eq!(now_ns(), DUE_NS, "no earlier, and no later");
            let _two = setting.join().unwrap();
            assert_clean(&one, 1, 2);
        });
    }
}

/// A thread dies between the change of the timer and the wake: recovery sees the sleeper, or the sleeper the change.
#[test]
fn recovery_wakes_a_late_sleeper() {
    model_with_one_sided_barriers(1, || {
        let one = first(&small_with(|config| config.max_handles_per_process = 5));
        let timer = one.create(ObjectClass::Timer, ALL).unwrap().0;
        let copy = one.duplicate(find(&one, timer), ALL).unwrap();
        let (two, process_slot) = child_with_slot(&one, Some(copy));
        let (theirs, other) = (startup(&two), sibling(&one));
        let dying = loom::thread::spawn(move || {
            two.die_at("timer.changed", 0);
            assert_eq!(two.timer_set(find(&two, theirs), ALL, 0), Err(Error::Died));
            other.recover(process_slot).unwrap();
            other
        });
        assert_eq!(wait(&one, timer, SIGNALED), (Ok(()), SIGNALED));
        let _other = dying.join().unwrap();
        assert_clean(&one, 1, 1);
    });
}

/// A timer that is set to a time that has passed has no deadline to sleep until, so the setter wakes.
#[test]
fn passed_deadline_wakes_the_sleeper() {
    model_of_time(2, || {
        let [(one, timer), (two, theirs)] = owners();
        let setting = loom::thread::spawn(move || {
            two.set_name(find(&two, theirs), &[b'x'; 32]).unwrap();
            set(&two, theirs, 0);
            two
        });
        assert_eq!(wait(&one, timer, SIGNALED), (Ok(()), SIGNALED));
        let mut name = [b'x'; 32];
        name[31] = 0;
        assert_eq!(one.name(find(&one, timer)), Ok(name), "what the setter did before is seen");
        let _two = setting.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// INV-TIMER-2: a sleeper that was armed before the expiry observes it, though the timer is cancelled before it looks.
#[test]
fn sleeper_observes_a_cancelled_expiry() {
    model_of_time(2, || {
        let [(one, timer), (two, theirs)] = owners();
        set(&one, timer, DUE_NS);
        let asleep = one.fall_asleep(timer, SIGNALED).unwrap();
        let cancelling = loom::thread::spawn(move || {
            pass_time_until(DUE_NS);
            cancel(&two, theirs);
            two
        });
        assert_eq!(one.sleep_on(&asleep), Ok(SIGNALED));
        one.wake_up(asleep).unwrap();
        let _two = cancelling.join().unwrap();
        assert_eq!(one.signals_of(timer), Ok(Signals::empty()));
        assert_clean(&one, 1, 2);
    });
}

/// INV-TIMER-2: one that sleeps until the deadline observes the expiry. Time passes only while it sleeps, so it slept
/// if the other finds the deadline passed.
#[test]
fn cancel_after_the_deadline_is_no_timeout() {
    model_of_time(2, || {
        let [(one, timer), (two, theirs)] = owners();
        set(&one, timer, DUE_NS);
        let cancelling = loom::thread::spawn(move || {
            let is_late = now_ns() >= DUE_NS;
            cancel(&two, theirs);
            (is_late, two)
        });
        let waited = one.wait_one(timer, Rights::empty(), SIGNALED, LATE_NS);
        let (is_late, _two) = cancelling.join().unwrap();
        match waited {
            (Ok(()), SIGNALED) => {}
            (Err(Error::TimedOut), _) if !is_late => {}
            _ => panic!("{waited:?}, cancelled late: {is_late}"),
        }
        assert_clean(&one, 1, 2);
    });
}

/// INV-TIMER-2: a sleeper that looks after the deadline observes the expiry, though the timer is cancelled while it looks.
#[test]
fn look_during_cancel_observes_the_expiry() {
    model_of_time(1, || {
        let [(one, timer), (two, theirs)] = owners();
        set(&one, timer, DUE_NS);
        let asleep = one.fall_asleep(timer, SIGNALED).unwrap();
        pass_time_until(DUE_NS);
        let cancelling = loom::thread::spawn(move || {
            cancel(&two, theirs);
            two
        });
        assert_eq!(one.look_asleep(&asleep), Ok(SIGNALED));
        let _two = cancelling.join().unwrap();
        one.wake_up(asleep).unwrap();
    });
}

/// INV-TIMER-2: a thread that cancels a timer while another falls asleep does not take WATCHED from it.
#[test]
fn a_cancel_leaves_new_sleepers_watched() {
    model_of_time(1, || {
        let [(one, timer), (two, theirs)] = owners();
        set(&one, timer, DUE_NS);
        pass_time_until(DUE_NS);
        let sleeping = loom::thread::spawn(move || {
            let asleep = two.fall_asleep(theirs, SIGNALED).unwrap();
            (two, asleep)
        });
        cancel(&one, timer);
        let (two, asleep) = sleeping.join().unwrap();
        set(&one, timer, 0);
        cancel(&one, timer);
        assert_eq!(two.look_asleep(&asleep), Ok(SIGNALED));
        two.wake_up(asleep).unwrap();
    });
}

/// INV-TIMER-1, INV-TIMER-2: after any thread has seen the expiry, a sleeper cannot miss it.
#[test]
fn all_threads_agree_on_an_expiry() {
    model_of_time(2, || {
        let [(one, timer), (two, theirs), (three, its)] = owners();
        set(&one, timer, DUE_NS);
        let asleep = one.fall_asleep(timer, SIGNALED).unwrap();
        let looking = loom::thread::spawn(move || {
            pass_time_until(DUE_NS);
            (two.signals_of(theirs).unwrap(), two)
        });
        let cancelling = loom::thread::spawn(move || {
            cancel(&three, its);
            three
        });
        let (seen, _two) = looking.join().unwrap();
        let _three = cancelling.join().unwrap();
        assert_eq!(one.look_asleep(&asleep).unwrap() & seen, seen);
        one.wake_up(asleep).unwrap();
        assert_clean(&one, 1, 3);
    });
}

/// INV-TIMER-2: a sleeper for which a second thread latched the expiry sees the earlier stores of the thread that set
/// the timer.
#[test]
fn latched_expiry_publishes_earlier_stores() {
    model_of_time(1, || {
        let [(one, timer), (two, theirs), (three, its)] = owners();
        let asleep = one.fall_asleep(timer, SIGNALED).unwrap();
        let setting = loom::thread::spawn(move || {
            two.set_name(find(&two, theirs), &[b'x'; 32]).unwrap();
            set(&two, theirs, 0);
            two
        });
        let cancelling = loom::thread::spawn(move || {
            cancel(&three, its);
            three
        });
        assert_eq!(one.sleep_on(&asleep), Ok(SIGNALED));
        let mut name = [b'x'; 32];
        name[31] = 0;
        assert_eq!(one.name(find(&one, timer)), Ok(name));
        one.wake_up(asleep).unwrap();
        let _threads = [setting.join().unwrap(), cancelling.join().unwrap()];
        assert_clean(&one, 1, 3);
    });
}

/// INV-LATCH-2: one that knows that the timer is cancelled does not observe the expiry in its next wait, though another
/// thread is about to cancel it too.
#[test]
fn wait_observes_no_earlier_expiry() {
    model_of_time(2, || {
        let [(one, timer), (two, theirs)] = owners();
        set(&one, timer, 0);
        // Another's wait, so that cancelling looks for sleepers.
        let other = sibling(&one);
        let earlier = other.fall_asleep(timer, SIGNALED).unwrap();
        let cancelling = loom::thread::spawn(move || {
            cancel(&two, theirs);
            two
        });
        cancel(&one, timer);
        let asleep = one.fall_asleep(timer, SIGNALED).unwrap();
        let _two = cancelling.join().unwrap();
        assert_eq!(one.look_asleep(&asleep), Ok(Signals::empty()));
        assert_eq!(other.look_asleep(&earlier), Ok(SIGNALED));
        one.wake_up(asleep).unwrap();
        other.wake_up(earlier).unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// Two threads set the timer at once: one of the two settings is left, whole.
#[test]
fn last_of_two_settings_stays() {
    model_of_time(2, || {
        let [(one, timer), (two, theirs)] = owners();
        let setting = loom::thread::spawn(move || {
            set(&two, theirs, DUE_NS);
            two
        });
        set(&one, timer, 2 * DUE_NS);
        let _two = setting.join().unwrap();
        assert_eq!(wait(&one, timer, SIGNALED), (Ok(()), SIGNALED));
        assert!([DUE_NS, 2 * DUE_NS].contains(&now_ns()), "{}", now_ns());
        assert_clean(&one, 1, 2);
    });
}

/// INV-TIMER-3: the next object in the slot is not set, also if a thread has just looked at the old one.
#[test]
fn reused_slot_has_no_deadline() {
    model_of_time(1, || {
        let one = first(&small_with(|config| config.max_objects = 1));
        let timer = one.create(ObjectClass::Timer, ALL).unwrap().0;
        set(&one, timer, DUE_NS);
        let two = sibling(&one);
        let looking = loom::thread::spawn(move || {
            pass_time_until(DUE_NS);
            let seen = two.signals_of(timer);
            assert!(is_gone(&seen) || seen == Ok(SIGNALED), "{seen:?}");
            two
        });
        one.close_value(timer).unwrap();
        let next = loop {
            match one.create(ObjectClass::Timer, ALL) {
                Ok((next, _)) => break next,
                // The other's hazard names the slot.
                Err(Error::NoResources(_)) => loom::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(one.signals_of(next), Ok(Signals::empty()));
        let _two = looking.join().unwrap();
        assert_eq!(one.signals_of(next), Ok(Signals::empty()));
        assert_clean(&one, 1, 1);
    });
}
