//! Timers.

use crate::operation::c_interface::calls::Pointer::{Invalid, Valid};
use crate::operation::c_interface::{c_variant_of, calls, ready, ready_with_one};
use crate::operation::fixture::{Fixture, receive_handles, signals_of, startup_channel, warm_up_creation};
use crate::operation::guarantee::{CREATE, LATCHED};
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::spec::OperationSpec;
use jacinth::*;

const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;
const NEVER: MonotonicInstant = MonotonicInstant::INFINITE;
const NO_SLACK: MonotonicDuration = MonotonicDuration::ZERO;

/// The operations on timers.
pub fn operations() -> Vec<OperationSpec> {
    let mut operations = by_rust();
    operations.extend(by_c());
    operations
}

fn by_rust() -> Vec<OperationSpec> {
    vec![create(), set(), set_and_replace(), cancel(), expire()]
}

/// The victim is sent a duplicate of a timer that the survivor keeps.
fn shared_timer(prepare: impl FnOnce(&Timer)) -> Fixture {
    let mut fixture = Fixture::new();
    let timer = Timer::try_create().unwrap();
    prepare(&timer);
    fixture.send(vec![timer.duplicate(Rights::SAME_RIGHTS).unwrap().into()]);
    fixture.kept.push(timer.into());
    fixture
}

/// The victim's control channel and the timer that it was sent.
fn control_and_timer() -> (Channel, Timer) {
    let control = startup_channel();
    let timer = receive_handles(&control).remove(0).into();
    (control, timer)
}

/// The survivor's handle of the shared timer is its last one, and works.
pub fn check_last_handle(fixture: &Fixture) -> CheckResult {
    let value = fixture.kept[0].raw_handle();
    match fixture.kept[0].count_info().map(|info| info.handle_count) {
        Ok(1) => {}
        count => return Err(format!("the shared timer has {count:?} handles instead of 1")),
    }
    for (deadline, expected) in [(NEVER, false), (PAST, true)] {
        raw::timer_set(value, deadline, NO_SLACK).map_err(|status| format!("setting: {status}"))?;
        if signals_of(&fixture.kept[0]).contains(Signals::TIMER_SIGNALED) != expected {
            return Err(format!("the timer was set to {deadline:?}, and does not say so"));
        }
    }
    Ok(())
}

fn check_signal(fixture: &Fixture, outcome: Outcome, once_finished: bool) -> CheckResult {
    let is_signaled = signals_of(&fixture.kept[0]).contains(Signals::TIMER_SIGNALED);
    if outcome == Outcome::Finished && is_signaled != once_finished {
        return Err(format!("the operation is finished, and it is {is_signaled} that the timer is signaled"));
    }
    check_last_handle(fixture)
}

fn create() -> OperationSpec {
    OperationSpec::new("create_timer", CREATE).prepare(|| {
        warm_up_creation(startup_channel());
        || Timer::create()
    })
}

fn set() -> OperationSpec {
    OperationSpec::new("timer_set", "a sleeper on the timer is awake if the timer has expired")
        .set_up(|| {
            let mut fixture = shared_timer(|_| {});
            let timer = fixture.kept[0].raw_handle();
            fixture.sleep_on(timer, Signals::TIMER_SIGNALED);
            fixture
        })
        .prepare(|| {
            let (control, timer) = control_and_timer();
            move || {
                timer.set(PAST, NO_SLACK).unwrap();
                (timer, control)
            }
        })
        .check(|fixture, outcome| check_signal(fixture, outcome, true))
        .exercises_recovery()
}

fn set_and_replace() -> OperationSpec {
    OperationSpec::new("timer_latched", LATCHED)
        .set_up(|| {
            let mut fixture = shared_timer(|_| {});
            let timer = fixture.kept[0].raw_handle();
            fixture.sleep_until_latched(timer, Signals::TIMER_SIGNALED, Signals::USER_0);
            fixture
        })
        .prepare(|| {
            let (control, timer) = control_and_timer();
            move || {
                timer.set(PAST, NO_SLACK).unwrap();
                // Before the step that clears the expiry, and so as soon as the sleeper must be awake.
                timer.signal(Signals::NONE, Signals::USER_0).unwrap();
                timer.set(NEVER, NO_SLACK).unwrap();
                (timer, control)
            }
        })
        .check(|fixture, outcome| check_signal(fixture, outcome, false))
        .exercises_recovery()
}

fn cancel() -> OperationSpec {
    OperationSpec::new("timer_cancel", "the timer has expired, or is not set")
        .set_up(|| shared_timer(|timer| timer.set(PAST, NO_SLACK).unwrap()))
        .prepare(|| {
            let (control, timer) = control_and_timer();
            move || {
                timer.cancel().unwrap();
                (timer, control)
            }
        })
        .check(|fixture, outcome| check_signal(fixture, outcome, false))
        .exercises_recovery()
}

fn expire() -> OperationSpec {
    OperationSpec::new("timer_expire", "an expiry that the victim has seen stays")
        .set_up(|| {
            // The deadline passes before any thread looks, so that the victim is the first to see that it has.
            shared_timer(|timer| {
                let deadline = MonotonicInstant::after(MonotonicDuration::from_micros(100));
                timer.set(deadline, NO_SLACK).unwrap();
                MonotonicInstant::after(MonotonicDuration::from_micros(200)).sleep();
            })
        })
        .prepare(|| {
            let (control, timer) = control_and_timer();
            move || {
                timer.wait_one(Signals::TIMER_SIGNALED, NEVER).unwrap();
                (timer, control)
            }
        })
        .check(|fixture, outcome| check_signal(fixture, outcome, true))
        .exercises_recovery()
}

fn by_c() -> Vec<OperationSpec> {
    let c = |name| c_variant_of(by_rust, name);
    vec![
        c("create_timer").handle_delta(1).prepare(|| {
            warm_up_creation(ready());
            || calls::timer_create(Valid).unwrap()
        }),
        c("create_timer").variant("bad_pointer").handle_delta(0).prepare(|| {
            warm_up_creation(ready());
            || assert_eq!(calls::timer_create(Invalid), Err(Status::INVALID_ARGS))
        }),
        c("timer_set").prepare(|| {
            let (control, timer) = ready_with_one();
            move || {
                calls::timer_set(timer, PAST).unwrap();
                control
            }
        }),
        c("timer_cancel").prepare(|| {
            let (control, timer) = ready_with_one();
            move || {
                calls::timer_cancel(timer).unwrap();
                control
            }
        }),
    ]
}
