//! Waits. A victim's waits never spin: they sleep, or need not wait at all.

use crate::operation::c_interface::{c_variant_of, calls, ready_with_one};
use crate::operation::event::{check_last_handle, shared_event};
use crate::operation::fixture::{Fixture, Partner, receive_handles, startup_channel};
use crate::operation::spec::OperationSpec;
use crate::sleepers::falls_asleep;
use jacinth::*;

const GUARANTEE: &str = "a sleeper that dies blocks no other thread, and takes no wake from others";

/// The operations that wait.
pub fn operations() -> Vec<OperationSpec> {
    let mut operations = by_rust();
    operations.extend(by_c());
    operations
}

fn by_rust() -> Vec<OperationSpec> {
    vec![
        satisfied(),
        stored(),
        derived(),
        many(),
        timed_out(),
        asleep("wait_asleep_stored", false),
        asleep("wait_asleep_derived", true),
    ]
}

/// The victim's control channel and the event it was sent; its waits do not spin.
fn control_and_event() -> (Channel, Event) {
    set_spin(MonotonicDuration::ZERO);
    let control = startup_channel();
    let event = receive_handles(&control).remove(0).into();
    (control, event)
}

/// One of the survivor's threads sleeps on the event as well, and another sets the signal once the victim sleeps.
fn shared_sleep() -> Fixture {
    let mut fixture = shared_event();
    let event = fixture.kept[0].raw_handle();
    fixture.sleep_on(event, Signals::USER_0);
    fixture.partner = Some(once_victim_sleeps(move || {
        raw::signal(event, Signals::NONE, Signals::USER_0).unwrap();
    }));
    fixture
}

/// Runs `wake` once the victim sleeps.
fn once_victim_sleeps(wake: impl FnOnce() + Send + 'static) -> Partner {
    Box::new(move |victim| {
        if falls_asleep(victim) {
            wake();
        }
    })
}

fn satisfied() -> OperationSpec {
    OperationSpec::new("wait_satisfied", GUARANTEE)
        .set_up(|| {
            let fixture = shared_event();
            fixture.kept[0].signal(Signals::NONE, Signals::USER_0).unwrap();
            fixture
        })
        .prepare(|| {
            let (control, event) = control_and_event();
            move || (event.wait_one(Signals::USER_0, MonotonicInstant::INFINITE).unwrap(), event, control)
        })
        .check(|fixture, _| check_last_handle(fixture))
}

/// A wait for signals that are stored in the object.
fn stored() -> OperationSpec {
    OperationSpec::new("wait_stored", GUARANTEE)
        .set_up(shared_sleep)
        .prepare(|| {
            let (control, event) = control_and_event();
            move || (event.wait_one(Signals::USER_0, MonotonicInstant::INFINITE).unwrap(), event, control)
        })
        .check(|fixture, _| check_last_handle(fixture))
}

/// A wait for signals that follow from the channel's messages.
fn derived() -> OperationSpec {
    OperationSpec::new("wait_derived", GUARANTEE)
        .set_up(|| {
            let mut fixture = Fixture::new();
            let control = fixture.control.clone();
            fixture.partner = Some(once_victim_sleeps(move || {
                // The victim may be dead already.
                let _ = control.write(b"wake up", &mut []);
            }));
            fixture
        })
        .prepare(|| {
            set_spin(MonotonicDuration::ZERO);
            let control = startup_channel();
            move || {
                (control.wait_one(Signals::CHANNEL_READABLE, MonotonicInstant::INFINITE).unwrap(), control)
            }
        })
}

fn many() -> OperationSpec {
    OperationSpec::new("wait_many", GUARANTEE)
        .set_up(shared_sleep)
        .prepare(|| {
            let (control, event) = control_and_event();
            move || {
                let mut items = [
                    WaitItem::new(&control, Signals::CHANNEL_READABLE),
                    WaitItem::new(&event, Signals::USER_0),
                ];
                object_wait_many(&mut items, MonotonicInstant::INFINITE).unwrap();
                (event, control)
            }
        })
        .check(|fixture, _| check_last_handle(fixture))
}

fn timed_out() -> OperationSpec {
    OperationSpec::new("wait_timed_out", GUARANTEE)
        .set_up(shared_event)
        .prepare(|| {
            let (control, event) = control_and_event();
            move || {
                let soon = MonotonicInstant::after(MonotonicDuration::from_micros(100));
                assert_eq!(event.wait_one(Signals::USER_0, soon).to_result(), Err(Status::TIMED_OUT));
                (event, control)
            }
        })
        .check(|fixture, _| check_last_handle(fixture))
}

/// The victim is killed in its sleep. The next thread to sleep on the object is woken all the same.
fn asleep(name: &str, derived: bool) -> OperationSpec {
    OperationSpec::new(name, GUARANTEE)
        .sleeps_forever()
        .set_up(shared_event)
        .prepare(move || {
            let (control, event) = control_and_event();
            move || {
                let signals = Signals::USER_0 | Signals::CHANNEL_READABLE;
                let on = if derived { control.as_handle_ref() } else { event.as_handle_ref() };
                (on.wait_one(signals, MonotonicInstant::INFINITE).is_ok(), event, control)
            }
        })
        .check(|fixture, _| {
            let event = &fixture.kept[0];
            std::thread::scope(|scope| {
                let next = scope.spawn(|| {
                    set_spin(MonotonicDuration::ZERO);
                    let late = MonotonicInstant::after(MonotonicDuration::from_seconds(20));
                    event.wait_one(Signals::USER_0, late).to_result()
                });
                std::thread::sleep(std::time::Duration::from_micros(300));
                event.signal(Signals::NONE, Signals::USER_0).map_err(|status| status.to_string())?;
                match next.join() {
                    Ok(Ok(_)) => Ok(()),
                    other => Err(format!("the next sleeper was not woken: {other:?}")),
                }
            })?;
            check_last_handle(fixture)
        })
}

fn by_c() -> Vec<OperationSpec> {
    let c = |name| c_variant_of(by_rust, name);
    let control_and_event = || {
        set_spin(MonotonicDuration::ZERO);
        ready_with_one()
    };
    let never = MonotonicInstant::INFINITE;
    vec![
        c("wait_stored").prepare(move || {
            let (control, event) = control_and_event();
            move || (calls::wait_one(event, Signals::USER_0, never).unwrap(), control)
        }),
        c("wait_many").prepare(move || {
            let (control, event) = control_and_event();
            move || {
                let items = [(control.raw_handle(), Signals::CHANNEL_READABLE), (event, Signals::USER_0)];
                calls::wait_many(items, never).unwrap();
                control
            }
        }),
        c("wait_timed_out").prepare(move || {
            let (control, event) = control_and_event();
            move || {
                let soon = MonotonicInstant::after(MonotonicDuration::from_micros(100));
                assert_eq!(calls::wait_one(event, Signals::USER_0, soon), Err(Status::TIMED_OUT));
                control
            }
        }),
        c("wait_asleep_stored").prepare(move || {
            let (control, event) = control_and_event();
            move || (calls::wait_one(event, Signals::USER_0, never).is_ok(), control)
        }),
    ]
}
