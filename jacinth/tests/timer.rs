//! Timers: setting, cancelling and waiting, in one process and in several, of which one dies.

mod support;

use jacinth::*;
use rustix::process::{Pid, Signal, kill_process};
use support::*;

#[test]
fn child_main() {
    play(&[(SLEEPER, sleeps), (SETTER, sets), (OWNER, owns)]);
}

const SLEEPER: &str = "sleeps";
const SETTER: &str = "sets";
const OWNER: &str = "owns";

const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;
const NO_SLACK: MonotonicDuration = MonotonicDuration::ZERO;
const HOUR: MonotonicDuration = MonotonicDuration::from_hours(1);
const SOON: MonotonicDuration = MonotonicDuration::from_millis(2);

fn is_signaled(timer: &Timer) -> bool {
    timer.wait_one(Signals::TIMER_SIGNALED, PAST).is_ok()
}

fn wait(timer: &Timer) -> Result<Signals, Status> {
    timer.wait_one(Signals::TIMER_SIGNALED, FOREVER).to_result()
}

/// The timer that the other process has sent.
fn receive_timer(channel: &Channel) -> Timer {
    next(channel).take_handle(0).unwrap().into()
}

fn send_timer(channel: &Channel, timer: &Timer) {
    let copy = timer.duplicate(Rights::SAME_RIGHTS).unwrap();
    channel.write(b"", &mut [copy.into()]).unwrap();
}

#[test]
fn a_new_timer_is_not_set() {
    in_arena(|_| {
        let timer = Timer::create();
        let info = timer.basic_info().unwrap();
        assert_eq!((info.object_type, info.rights), (ObjectType::TIMER, Rights::TIMER_DEFAULT));
        assert_eq!(info.related_koid, Koid::INVALID);
        assert!(!is_signaled(&timer));
        timer.cancel().unwrap();
        assert!(!is_signaled(&timer), "cancelling one that is not set has no effect");
    });
}

#[test]
fn passed_deadlines_signal_at_once() {
    in_arena(|_| {
        for deadline in [
            PAST,
            MonotonicInstant::from_nanos(-1),
            MonotonicInstant::ZERO,
            MonotonicInstant::from_nanos(1),
            MonotonicInstant::get(),
        ] {
            let timer = Timer::create();
            timer.set(deadline, NO_SLACK).unwrap();
            assert!(is_signaled(&timer), "{deadline:?}");
        }
    });
}

#[test]
fn setting_again_replaces_the_deadline() {
    in_arena(|_| {
        let timer = Timer::create();
        timer.set(HOUR, NO_SLACK).unwrap();
        timer.set(SOON, NO_SLACK).unwrap();
        assert_eq!(wait(&timer), Ok(Signals::TIMER_SIGNALED), "the earlier one");
        timer.set(HOUR, NO_SLACK).unwrap();
        assert!(!is_signaled(&timer), "setting clears the signal");
        timer.set(SOON, NO_SLACK).unwrap();
        timer.set(MonotonicInstant::INFINITE, NO_SLACK).unwrap();
        SOON.sleep();
        SOON.sleep();
        assert!(!is_signaled(&timer), "a deadline that was replaced never comes");
        timer.set(PAST, NO_SLACK).unwrap();
        timer.set(PAST, NO_SLACK).unwrap();
        assert!(is_signaled(&timer));
    });
}

#[test]
fn cancelling_clears_the_signal() {
    in_arena(|_| {
        let timer = Timer::create();
        timer.set(PAST, NO_SLACK).unwrap();
        timer.signal(Signals::NONE, Signals::USER_3).unwrap();
        timer.cancel().unwrap();
        assert_eq!(timer.wait_one(Signals::all(), PAST), WaitResult::Ok(Signals::USER_3));
        timer.set(SOON, NO_SLACK).unwrap();
        timer.cancel().unwrap();
        SOON.sleep();
        SOON.sleep();
        assert!(!is_signaled(&timer));
    });
}

#[test]
fn no_timer_expires_early() {
    in_arena(|_| {
        let timer = Timer::create();
        for slack in [NO_SLACK, SOON, HOUR, MonotonicDuration::INFINITE] {
            let deadline = MonotonicInstant::after(SOON);
            timer.set(deadline, slack).unwrap();
            assert_eq!(wait(&timer), Ok(Signals::TIMER_SIGNALED));
            assert!(MonotonicInstant::get() >= deadline, "{slack:?}");
        }
    });
}

#[test]
fn negative_slack_is_out_of_range() {
    in_arena(|_| {
        let timer = Timer::create();
        for slack in [MonotonicDuration::from_nanos(-1), MonotonicDuration::INFINITE_PAST] {
            assert_eq!(timer.set(PAST, slack), Err(Status::OUT_OF_RANGE));
            let refused = timer.duplicate(Rights::NONE).unwrap().set(PAST, slack);
            assert_eq!(refused, Err(Status::OUT_OF_RANGE), "the slack is looked at first");
            assert_eq!(raw::timer_set(raw::INVALID, PAST, slack), Err(Status::OUT_OF_RANGE));
        }
        assert!(!is_signaled(&timer));
        assert!(Status::OUT_OF_RANGE.detail().is_some());
    });
}

#[test]
fn owner_of_another_type_is_refused() {
    in_arena(|_| {
        let no_timer = Timer::from(event());
        assert_eq!(no_timer.set(PAST, NO_SLACK), Err(Status::WRONG_TYPE));
        assert_eq!(no_timer.cancel(), Err(Status::WRONG_TYPE));
        assert!(!is_signaled(&no_timer));
    });
}

#[test]
fn closing_a_handle_ends_its_wait() {
    in_arena(|supervisor| {
        let timer = Timer::create();
        timer.set(HOUR, NO_SLACK).unwrap();
        let copy = timer.duplicate(Rights::SAME_RIGHTS).unwrap();
        let value = copy.raw_handle();
        std::thread::scope(|scope| {
            let waiter = asleep(scope, supervisor, || raw::wait_one(value, Signals::TIMER_SIGNALED, FOREVER));
            drop(copy);
            assert_eq!(waiter.join().unwrap(), (Err(Status::CANCELED), Signals::HANDLE_CLOSED));
        });
        assert!(!is_signaled(&timer));
    });
}

/// Waits for the timer that it gets, and says what it has seen.
fn sleeps() {
    set_spin(MonotonicDuration::ZERO);
    let channel = startup_channel();
    let timer = receive_timer(&channel);
    let seen = wait(&timer).unwrap();
    tell(&channel, seen.bits().to_le_bytes());
    wait_for_peer_closed(&channel);
}

#[test]
fn setting_wakes_another_process() {
    in_arena(|supervisor| {
        // Not set before, set to a time that never comes, and set to a later time.
        for before in [None, Some(MonotonicInstant::INFINITE), Some(MonotonicInstant::after(HOUR))] {
            let timer = Timer::create();
            before.into_iter().for_each(|before| timer.set(before, NO_SLACK).unwrap());
            let sleeps = supervisor.counters().sleeps;
            let (ours, child) = spawn(supervisor, SLEEPER);
            send_timer(&ours, &timer);
            until(|| supervisor.counters().sleeps > sleeps);
            timer.set(SOON, NO_SLACK).unwrap();
            assert_eq!(next(&ours).bytes(), Signals::TIMER_SIGNALED.bits().to_le_bytes());
            drop(ours);
            join(child);
        }
    });
}

#[test]
fn stopped_sleeper_observes_a_cancelled_expiry() {
    in_arena(|supervisor| {
        let timer = Timer::create();
        let sleeps = supervisor.counters().sleeps;
        let (ours, child) = spawn(supervisor, SLEEPER);
        send_timer(&ours, &timer);
        // It sleeps for the timer: for its channel it sleeps before, if at all.
        until(|| supervisor.counters().sleeps > sleeps && is_awaited(supervisor, &timer));
        stop(Pid::from_child(&child));
        timer.set(SOON, NO_SLACK).unwrap();
        SOON.sleep();
        SOON.sleep();
        timer.cancel().unwrap();
        timer.set(HOUR, NO_SLACK).unwrap();
        assert!(!is_signaled(&timer));
        kill_process(Pid::from_child(&child), Signal::CONT).unwrap();
        assert_eq!(next(&ours).bytes(), Signals::TIMER_SIGNALED.bits().to_le_bytes());
        drop(ours);
        join(child);
    });
}

/// Whether a thread sleeps until the timer is signaled.
fn is_awaited(supervisor: &Supervisor, timer: &Timer) -> bool {
    let koid = timer.koid().unwrap().raw_koid();
    supervisor.list_threads().unwrap().iter().any(|thread| thread.is_asleep && thread.first_koid == koid)
}

/// Sets and cancels the timer that it gets, for ever.
fn sets() {
    let channel = startup_channel();
    let timer = receive_timer(&channel);
    tell(&channel, "begins");
    loop {
        timer.set(PAST, NO_SLACK).unwrap();
        timer.set(HOUR, NO_SLACK).unwrap();
        timer.cancel().unwrap();
    }
}

#[test]
fn a_killed_setter_leaves_the_timer_whole() {
    in_arena(|supervisor| {
        let timer = Timer::create();
        for _ in 0..20 {
            let (ours, child) = spawn(supervisor, SETTER);
            send_timer(&ours, &timer);
            assert_eq!(next(&ours).bytes(), b"begins");
            std::thread::scope(|scope| {
                let waiter = asleep(scope, supervisor, || wait(&timer));
                kill(supervisor, child);
                // If no expiry came in its time, this one does.
                timer.set(PAST, NO_SLACK).unwrap();
                assert_eq!(waiter.join().unwrap(), Ok(Signals::TIMER_SIGNALED));
            });
            timer.cancel().unwrap();
            assert!(!is_signaled(&timer));
            assert_eq!(timer.count_info().map(|info| info.handle_count), Ok(1));
        }
    });
}

/// Sets the timer that it gets, and waits to be killed.
fn owns() {
    let channel = startup_channel();
    let timer = receive_timer(&channel);
    timer.set(SOON, NO_SLACK).unwrap();
    tell(&channel, "is set");
    wait_for_peer_closed(&channel);
}

#[test]
fn timer_outlives_the_process_that_set_it() {
    in_arena(|supervisor| {
        let timer = Timer::create();
        let (ours, child) = spawn(supervisor, OWNER);
        send_timer(&ours, &timer);
        assert_eq!(next(&ours).bytes(), b"is set");
        kill(supervisor, child);
        assert_eq!(wait(&timer), Ok(Signals::TIMER_SIGNALED));
    });
}

#[test]
fn a_timer_has_a_name_if_asked() {
    in_arena(|_| {
        let timer = Timer::create_named(&Name::new_lossy("heartbeat")).unwrap();
        assert_eq!(timer.get_name().unwrap().to_string(), "heartbeat");
        assert_eq!(Timer::create().get_name(), Err(Status::ACCESS_DENIED));
    });
}
