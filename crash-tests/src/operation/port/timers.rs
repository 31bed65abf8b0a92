//! Timers that the survivor's port observes. The victim sets and cancels them, waits until they are due, and registers
//! observers of its own.
//!
//! A timer's expiry follows from the clock, so no thread may be there to fire its observers: the next waiter does. In
//! most of these operations no thread has looked at a due timer before the victim does, or the survivor after it.

use crate::operation::contention::until_victim_is_gone;
use crate::operation::fixture::{Fixture, signals_of};
use crate::operation::guarantee::LATCHED;
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::port::scene::{
    OBJECT, PORT, check_before_or_after, check_ends, check_fired, check_packets, object_and_port,
    shared_with_port, use_ring, wait_for_first,
};
use crate::operation::spec::OperationSpec;
use crate::operation::timer;
use crate::ports::{self, Mode};
use crate::sleepers::{HANG, falls_asleep};
use jacinth::*;
use std::thread::JoinHandle;

const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;
const NEVER: MonotonicInstant = MonotonicInstant::INFINITE;
const NO_SLACK: MonotonicDuration = MonotonicDuration::ZERO;
/// How far ahead a victim sets a timer whose deadline the survivor awaits: longer than the victim takes step by step.
const AHEAD: MonotonicDuration = MonotonicDuration::from_millis(100);
/// How far ahead two threads at once set a timer: it becomes due while they work.
const SHORTLY: MonotonicDuration = MonotonicDuration::from_micros(20);

const FIRES: &str = "each observer has one packet if the timer has expired, and none otherwise";
const DUE: &str = "each observer of a timer that was due has one packet, also once the timer is cancelled";
const WAIT: &str = "the packet of a due timer was taken or is there, and comes once";
const REGISTER: &str = "the observer ends with its handle, and others of the timer fire in time";
const AT_ONCE: &str = "the packet of a timer that was due is whole or not there, and comes once";

pub(super) fn operations() -> Vec<OperationSpec> {
    let mut operations =
        vec![set(), set_and_replace(), set_ahead(), set_ahead_of_sleeper(), cancel_due(), wait_asleep()];
    for mode in [Mode::Once, Mode::Repeating] {
        operations.push(wait_due(mode));
        operations.push(register_due(mode));
    }
    operations.extend([register(), contended()]);
    operations
}

/// The survivor keeps a new timer and a new port. The victim is sent a duplicate of each. The port has all its memory:
/// the operations on events begin without.
fn shared_timer_and_port() -> Fixture {
    let fixture = shared_with_port(Timer::create().into());
    [true, false].into_iter().for_each(|is_for_packets| use_ring(&fixture, is_for_packets));
    fixture
}

/// The same, and the port observes the timer.
fn observed_timer() -> Fixture {
    let fixture = shared_timer_and_port();
    ports::observe_in_both_modes(&fixture.kept[OBJECT], &fixture.kept[PORT], Signals::TIMER_SIGNALED);
    fixture
}

fn set_to(fixture: &Fixture, deadline: MonotonicInstant) -> CheckResult {
    let timer = fixture.kept[OBJECT].raw_handle();
    raw::timer_set(timer, deadline, NO_SLACK).map_err(|status| format!("setting the timer: {status}"))
}

/// The timer's deadline passes, and no thread looks.
fn let_become_due(fixture: &Fixture) {
    set_to(fixture, MonotonicInstant::after(MonotonicDuration::from_micros(100))).unwrap();
    MonotonicInstant::after(MonotonicDuration::from_micros(200)).sleep();
}

/// In the victim: its control channel, and the timer and the port that it was sent.
fn timer_and_port() -> (Channel, Timer, NullableHandle) {
    let (control, timer, port) = object_and_port();
    (control, timer.into(), port)
}

fn has_expired(fixture: &Fixture) -> bool {
    signals_of(&fixture.kept[OBJECT]).contains(Signals::TIMER_SIGNALED)
}

/// The survivor's timer has no observer but new ones, which fire: each by its rule.
fn check_no_observer(fixture: &Fixture) -> CheckResult {
    set_to(fixture, NEVER)?;
    set_to(fixture, PAST)?;
    check_packets(fixture, &[], "an observer was left behind")?;
    set_to(fixture, NEVER)?;
    let (timer, port) = (&fixture.kept[OBJECT], &fixture.kept[PORT]);
    ports::observe_in_both_modes(timer, port, Signals::TIMER_SIGNALED);
    for expected in [&[1, 2][..], &[2]] {
        check_packets(fixture, &[], "the timer is not due")?;
        // No thread looks at the timer but the waiter, who must know of the deadline.
        let_become_due(fixture);
        let mut keys = ports::take_all(port)?;
        keys.sort_unstable();
        if keys != expected {
            return Err(format!("new observers: packets {keys:?} instead of {expected:?}"));
        }
    }
    if !ports::cancel(port, timer, 2) {
        return Err("a repeating observer was gone".into());
    }
    timer::check_last_handle(fixture)
}

/// The survivor's two observers have fired if the timer has expired. Then they end.
fn check_observers(fixture: &Fixture, has_expired: bool) -> CheckResult {
    check_fired(fixture, has_expired)?;
    check_ends(fixture, has_expired)?;
    check_no_observer(fixture)
}

fn set() -> OperationSpec {
    OperationSpec::new("port_timer_set", FIRES)
        .set_up(observed_timer)
        .prepare(|| {
            let (control, timer, port) = timer_and_port();
            move || {
                timer.set(PAST, NO_SLACK).unwrap();
                (timer, port, control)
            }
        })
        .check(|fixture, outcome| {
            let has_expired = has_expired(fixture);
            if outcome == Outcome::Finished && !has_expired {
                return Err("the timer was set to a time that has passed, and has not expired".into());
            }
            check_observers(fixture, has_expired)
        })
        .exercises_recovery()
}

fn set_and_replace() -> OperationSpec {
    OperationSpec::new("port_timer_latched", LATCHED)
        .set_up(observed_timer)
        .prepare(|| {
            let (control, timer, port) = timer_and_port();
            move || {
                timer.set(PAST, NO_SLACK).unwrap();
                // Before the step that clears the expiry.
                timer.signal(Signals::NONE, Signals::USER_0).unwrap();
                timer.set(NEVER, NO_SLACK).unwrap();
                (timer, port, control)
            }
        })
        .check(|fixture, _| {
            let signals = signals_of(&fixture.kept[OBJECT]);
            check_observers(fixture, signals.intersects(Signals::TIMER_SIGNALED | Signals::USER_0))
        })
}

/// In the victim: sets the timer to a time to come.
fn set_ahead_in_victim() -> impl FnOnce() -> (Timer, NullableHandle, Channel) {
    let (control, timer, port) = timer_and_port();
    move || {
        timer.set(MonotonicInstant::after(AHEAD), NO_SLACK).unwrap();
        (timer, port, control)
    }
}

/// Each round takes as long as the timer does, so a quick run has few of them.
fn set_ahead() -> OperationSpec {
    OperationSpec::new("port_timer_set_ahead", FIRES)
        .mark_variant()
        .set_up(observed_timer)
        .prepare(set_ahead_in_victim)
        .check(|fixture, outcome| {
            MonotonicInstant::after(AHEAD).sleep();
            // Before any look at the timer: the port must know of the deadline.
            let mut keys = ports::take_all(&fixture.kept[PORT])?;
            keys.sort_unstable();
            let has_expired = has_expired(fixture);
            if outcome == Outcome::Finished && !has_expired {
                return Err("the timer that the victim has set has not expired".into());
            }
            let expected: &[u64] = if has_expired { &[1, 2] } else { &[] };
            if keys != expected {
                return Err(format!(
                    "the timer has expired: {has_expired}; packets {keys:?} instead of {expected:?}"
                ));
            }
            check_ends(fixture, has_expired)?;
            check_no_observer(fixture)
        })
}

/// A thread of the survivor that sleeps at the port: the result of its wait, and whether that ended in good time.
fn sleeper_at(port: u32) -> JoinHandle<(Result<u64, Status>, bool)> {
    let supervisor = Supervisor::get().unwrap();
    let before = supervisor.counters().sleeps;
    let sleeper = std::thread::spawn(move || {
        set_spin(MonotonicDuration::ZERO);
        let late = MonotonicInstant::after(MonotonicDuration::from_nanos(HANG.as_nanos() as i64 / 2));
        let taken = ports::wait(&Unowned::<NullableHandle>::from_raw_handle(port), late);
        (taken, MonotonicInstant::get() < late)
    });
    // The victim meets a sleeper, then, and no thread that is about to sleep.
    while supervisor.counters().sleeps == before && !sleeper.is_finished() {
        std::thread::yield_now();
    }
    sleeper
}

/// The sleeper at the port computes anew how long it sleeps.
fn set_ahead_of_sleeper() -> OperationSpec {
    OperationSpec::new(
        "port_timer_wakes_sleeper",
        "a sleeper at the port has its packet at the timer's deadline",
    )
    .mark_variant()
    .set_up(|| {
        let mut fixture = observed_timer();
        let [timer, port] = [OBJECT, PORT].map(|place| fixture.kept[place].raw_handle());
        let control = fixture.control.clone();
        let sleeper = sleeper_at(port);
        fixture.partner = Some(Box::new(move |_| {
            control.wait_one(Signals::CHANNEL_PEER_CLOSED, NEVER).unwrap();
            MonotonicInstant::after(AHEAD).sleep();
            let timer = Unowned::<NullableHandle>::from_raw_handle(timer);
            let has_expired = signals_of(&timer).contains(Signals::TIMER_SIGNALED);
            if !has_expired {
                ports::queue(&Unowned::<NullableHandle>::from_raw_handle(port), 3).unwrap();
            }
            let (taken, is_in_time) = sleeper.join().unwrap();
            let is_expected = if has_expired { matches!(taken, Ok(1 | 2)) } else { taken == Ok(3) };
            assert!(
                is_expected && is_in_time,
                "the timer has expired: {has_expired}; the sleeper has {taken:?}, in time: {is_in_time}"
            );
        }));
        fixture
    })
    .prepare(set_ahead_in_victim)
    .check(|fixture, _| {
        let has_expired = has_expired(fixture);
        let keys = ports::take_all(&fixture.kept[PORT])?;
        let is_expected = if has_expired { matches!(keys[..], [1 | 2]) } else { keys.is_empty() };
        if !is_expected {
            return Err(format!("the timer has expired: {has_expired}; {keys:?} are left"));
        }
        check_ends(fixture, has_expired)?;
        check_no_observer(fixture)
    })
}

fn cancel_due() -> OperationSpec {
    OperationSpec::new("port_timer_cancel", DUE)
        .set_up(|| {
            let fixture = observed_timer();
            let_become_due(&fixture);
            fixture
        })
        .prepare(|| {
            let (control, timer, port) = timer_and_port();
            move || {
                timer.cancel().unwrap();
                (timer, port, control)
            }
        })
        .check(|fixture, _| check_observers(fixture, true))
        .exercises_recovery()
}

fn wait_due(mode: Mode) -> OperationSpec {
    let name = match mode {
        Mode::Once => "port_timer_wait_once",
        Mode::Repeating => "port_timer_wait_repeating",
    };
    let operation = OperationSpec::new(name, WAIT)
        .set_up(move || {
            let fixture = shared_timer_and_port();
            let (timer, port) = (&fixture.kept[OBJECT], &fixture.kept[PORT]);
            ports::observe(timer, port, 1, Signals::TIMER_SIGNALED, mode);
            let_become_due(&fixture);
            fixture
        })
        .prepare(wait_for_first)
        .check(move |fixture, outcome| {
            check_before_or_after(fixture, outcome, &[1], &[])?;
            set_to(fixture, NEVER)?;
            let_become_due(fixture);
            match mode {
                Mode::Once => check_packets(fixture, &[], "it has fired once")?,
                Mode::Repeating => {
                    check_packets(fixture, &[1], "it repeats")?;
                    if !ports::cancel(&fixture.kept[PORT], &fixture.kept[OBJECT], 1) {
                        return Err("the repeating observer is gone".into());
                    }
                }
            }
            check_no_observer(fixture)
        });
    if mode == Mode::Repeating { operation.exercises_recovery() } else { operation.mark_variant() }
}

/// The victim sleeps at the port. Then the survivor sets the timer.
fn wait_asleep() -> OperationSpec {
    OperationSpec::new("port_timer_wait_asleep", WAIT)
        .mark_variant()
        .set_up(|| {
            let mut fixture = shared_timer_and_port();
            let (timer, port) = (&fixture.kept[OBJECT], &fixture.kept[PORT]);
            ports::observe(timer, port, 1, Signals::TIMER_SIGNALED, Mode::Once);
            let timer = timer.raw_handle();
            fixture.partner = Some(Box::new(move |victim| {
                falls_asleep(victim);
                let deadline = MonotonicInstant::after(MonotonicDuration::from_millis(1));
                raw::timer_set(timer, deadline, NO_SLACK).unwrap();
                // The checks begin once this thread has ended: the timer is due then.
                deadline.sleep();
            }));
            fixture
        })
        .prepare(wait_for_first)
        .check(|fixture, outcome| {
            check_before_or_after(fixture, outcome, &[1], &[])?;
            check_no_observer(fixture)
        })
}

/// The victim observes a timer that is set to a time to come.
fn register() -> OperationSpec {
    OperationSpec::new("port_timer_observe", REGISTER)
        .set_up(|| {
            let fixture = shared_timer_and_port();
            set_to(&fixture, MonotonicInstant::after(MonotonicDuration::from_hours(1))).unwrap();
            fixture
        })
        .prepare(|| {
            let (control, timer, port) = timer_and_port();
            move || {
                ports::observe(&timer, &port, 9, Signals::TIMER_SIGNALED, Mode::Once);
                (timer, port, control)
            }
        })
        .check(|fixture, _| {
            check_packets(fixture, &[], "the timer is not due")?;
            check_no_observer(fixture)
        })
        .exercises_recovery()
}

/// The victim observes a timer that is due.
fn register_due(mode: Mode) -> OperationSpec {
    let name = match mode {
        Mode::Once => "port_timer_observe_due",
        Mode::Repeating => "port_timer_observe_due_repeating",
    };
    OperationSpec::new(name, AT_ONCE)
        .set_up(|| {
            let fixture = shared_timer_and_port();
            let_become_due(&fixture);
            fixture
        })
        .prepare(move || {
            let (control, timer, port) = timer_and_port();
            move || {
                ports::observe(&timer, &port, 9, Signals::TIMER_SIGNALED, mode);
                (timer, port, control)
            }
        })
        .check(|fixture, outcome| {
            check_before_or_after(fixture, outcome, &[], &[9])?;
            check_no_observer(fixture)
        })
}

/// A thread of the survivor works at the same port meanwhile, and with the same timer.
fn contended() -> OperationSpec {
    OperationSpec::new("port_timer_contended", "the port works, and each observer has one packet at most")
        .mark_variant()
        .set_up(|| {
            let mut fixture = observed_timer();
            let [timer, port] = [OBJECT, PORT].map(|place| fixture.kept[place].raw_handle());
            let control = fixture.control.clone();
            fixture.partner = Some(until_victim_is_gone(&control, move || {
                let port = Unowned::<NullableHandle>::from_raw_handle(port);
                raw::timer_set(timer, MonotonicInstant::after(SHORTLY), NO_SLACK).unwrap();
                let _ = ports::wait(&port, PAST);
                raw::timer_set(timer, PAST, NO_SLACK).unwrap();
                let _ = ports::wait(&port, PAST);
                raw::timer_cancel(timer).unwrap();
            }));
            fixture
        })
        .prepare(|| {
            let (control, timer, port) = timer_and_port();
            move || {
                ports::observe(&timer, &port, 6, Signals::TIMER_SIGNALED, Mode::Once);
                timer.set(MonotonicInstant::after(SHORTLY), NO_SLACK).unwrap();
                let _ = ports::wait(&port, PAST);
                timer.set(PAST, NO_SLACK).unwrap();
                timer.cancel().unwrap();
                ports::cancel(&port, &timer, 6);
                (timer, port, control)
            }
        })
        .check(|fixture, _| {
            let keys = ports::take_all(&fixture.kept[PORT])?;
            let count = |key: u64| keys.iter().filter(|found| **found == key).count();
            if [1, 2, 6].into_iter().any(|key| count(key) > 1) {
                return Err(format!("packets that were not due: {keys:?}"));
            }
            // A later expiry is not the one of which there may have been a packet above.
            set_to(fixture, NEVER)?;
            ports::take_all(&fixture.kept[PORT])?;
            ports::cancel(&fixture.kept[PORT], &fixture.kept[OBJECT], 1);
            let_become_due(fixture);
            check_packets(fixture, &[2], "the survivor's repeating observer")?;
            if !ports::cancel(&fixture.kept[PORT], &fixture.kept[OBJECT], 2) {
                return Err("the survivor's repeating observer is gone".into());
            }
            check_no_observer(fixture)
        })
}
