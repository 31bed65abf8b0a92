//! Timers that ports observe: a waiter meets each deadline, also one that is set while it looks or sleeps.

mod support;

use jacinth_shm_loom::{AsyncWait, DEADLINE_INFINITE_NS, HandleValue, ObjectClass, Rights, Signals, Thread};
use jacinth_shm_loom::{now_ns, pass_time_until, time_passes};
use support::ports::*;
use support::*;

/// A timer that the port of the first process observes, and another process with a handle to it.
fn observed_timer(wait: AsyncWait) -> (Thread, HandleValue, HandleValue, Thread, HandleValue) {
    time_passes(true);
    let one = first(&with_ports());
    let (port, timer) = (create_port(&one), one.create(ObjectClass::Timer, ALL).unwrap().0);
    observe(&one, timer, port, wait).unwrap();
    let copy = one.duplicate(find(&one, timer), ALL).unwrap();
    let two = child(&one, Some(copy));
    let theirs = startup(&two);
    (one, port, timer, two, theirs)
}

/// INV-DUE-1: a sleeper at the port computes anew how long it sleeps.
#[test]
fn setting_a_timer_wakes_its_port() {
    model(1, || {
        let (one, port, _timer, two, theirs) = observed_timer(once(1, Signals::SIGNALED));
        let setting = loom::thread::spawn(move || {
            two.timer_set(find(&two, theirs), ALL, DUE_NS).unwrap();
            two
        });
        let packet = one.port_wait(port, Rights::empty(), DEADLINE_INFINITE_NS);
        assert_eq!((packet.map(|packet| packet.key), now_ns()), (Ok(1), DUE_NS), "in time");
        let _two = setting.join().unwrap();
    });
}

/// INV-DUE-1: a waiter that looks at a due timer, and another process that sets the timer anew at that moment.
#[test]
fn raising_a_bound_hides_no_deadline() {
    model(1, || {
        let (one, port, timer, two, theirs) = observed_timer(repeating(1, Signals::SIGNALED));
        one.timer_set(find(&one, timer), ALL, DUE_NS).unwrap();
        pass_time_until(DUE_NS);
        let setting = loom::thread::spawn(move || {
            two.timer_set(find(&two, theirs), ALL, 2 * DUE_NS).unwrap();
            two
        });
        let early = next(&one, port);
        let _two = setting.join().unwrap();
        let early = early.or_else(|| next(&one, port));
        assert_eq!((early, next(&one, port)), (Some(1), None), "it was due before it was set anew");
        pass_time_until(2 * DUE_NS);
        assert_eq!((next(&one, port), next(&one, port)), (Some(1), None));
    });
}

/// Two waiters look at one expiry: it is one packet.
#[test]
fn two_waiters_fire_one_expiry() {
    model(1, || {
        let (one, port, timer, two, _theirs) = observed_timer(repeating(1, Signals::SIGNALED));
        let other = sibling(&one);
        one.timer_set(find(&one, timer), ALL, DUE_NS).unwrap();
        pass_time_until(DUE_NS);
        let waiting = loom::thread::spawn(move || (next(&other, port), other));
        let ours = next(&one, port);
        let (their, _other) = waiting.join().unwrap();
        assert_eq!([ours, their].iter().flatten().count() + next_all(&one, port).len(), 1);
        drop(two);
    });
}

/// INV-DUE-1: the deadline passes while the thread that has set the timer evaluates its observers.
#[test]
fn deadline_passing_in_an_evaluation_is_met() {
    model(1, || {
        let (one, port, timer, two, _theirs) = observed_timer(once(1, Signals::SIGNALED));
        let clock = loom::thread::spawn(|| pass_time_until(DUE_NS));
        one.timer_set(find(&one, timer), ALL, DUE_NS).unwrap();
        clock.join().unwrap();
        assert_eq!((next(&one, port), next(&one, port)), (Some(1), None));
        drop(two);
    });
}

/// INV-DUE-1: a bound of an earlier setting makes a waiter look before the deadline, which passes while it looks.
#[test]
fn deadline_passing_in_a_look_is_met() {
    model(1, || {
        let (one, port, timer, two, _theirs) = observed_timer(once(1, Signals::SIGNALED));
        for deadline_ns in [DUE_NS, 2 * DUE_NS] {
            one.timer_set(find(&one, timer), ALL, deadline_ns).unwrap();
        }
        pass_time_until(DUE_NS);
        let clock = loom::thread::spawn(|| pass_time_until(2 * DUE_NS));
        let early = next(&one, port);
        clock.join().unwrap();
        let keys: Vec<_> = early.into_iter().chain(next_all(&one, port)).collect();
        assert_eq!(keys, [1]);
        drop(two);
    });
}
