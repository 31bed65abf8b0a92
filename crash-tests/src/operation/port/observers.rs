//! Registering observers by handles of the victim, and cancelling them.

use crate::operation::port::scene::{
    OBJECT, PORT, check_before_or_after, check_capacity, check_no_observer, check_packets, object_and_port,
    shared_event_and_port, shared_event_and_used_port, signal,
};
use crate::operation::spec::OperationSpec;
use crate::ports::{self, Mode};
use jacinth::*;

const REGISTER: &str = "the observer ends with its handle; others fire as before";
const AT_ONCE: &str = "the packet is whole or not there, and comes once";
const CANCEL: &str = "the registration and its packet are gone, or both were there until the handle went";

pub(super) fn operations() -> Vec<OperationSpec> {
    let mut operations = vec![
        register("port_observe_first", Mode::Once, |_, _| {}).exercises_recovery(),
        register("port_observe_repeating", Mode::Repeating, |_, _| {}).mark_variant(),
        register("port_observe_again", Mode::Once, |event, port| {
            ports::observe(event, port, 8, Signals::USER_0, Mode::Once);
        })
        .mark_variant(),
        register("port_observe_stale", Mode::Once, |event, port| {
            // The words of these in the index are of no more use.
            ports::observe_in_both_modes(event, port, Signals::USER_0);
            assert!(ports::cancel(port, event, 1) && ports::cancel(port, event, 2));
        }),
        register_in_new_block(),
    ];
    for mode in [Mode::Once, Mode::Repeating] {
        operations.push(register_asserted(mode));
        operations.push(cancel_armed(mode));
        operations.push(cancel_queued(mode));
    }
    operations
}

fn name(stem: &str, mode: Mode) -> String {
    match mode {
        Mode::Once => stem.into(),
        Mode::Repeating => format!("{stem}_repeating"),
    }
}

/// Of an event that is not signalled. The victim does `before` first.
fn register(name: &str, mode: Mode, before: fn(&NullableHandle, &NullableHandle)) -> OperationSpec {
    OperationSpec::new(name, REGISTER)
        .set_up(|| shared_event_and_used_port(true))
        .prepare(move || {
            let (control, event, port) = object_and_port();
            before(&event, &port);
            move || {
                ports::observe(&event, &port, 9, Signals::USER_0, mode);
                (event, port, control)
            }
        })
        .check(|fixture, _| {
            check_packets(fixture, &[], "nothing was signalled")?;
            check_no_observer(fixture)
        })
}

/// The words of the index in the object are in use.
fn register_in_new_block() -> OperationSpec {
    OperationSpec::new("port_observe_in_new_block", REGISTER)
        .exercises_recovery()
        .set_up(|| {
            let fixture = shared_event_and_port();
            ports::observe_in_both_modes(&fixture.kept[OBJECT], &fixture.kept[PORT], Signals::USER_0);
            fixture
        })
        .prepare(|| {
            let (control, event, port) = object_and_port();
            move || {
                ports::observe(&event, &port, 9, Signals::USER_0, Mode::Once);
                (event, port, control)
            }
        })
        .check(|fixture, _| {
            signal(fixture, Signals::NONE, Signals::USER_0)?;
            check_packets(fixture, &[1, 2], "the survivor's observers")?;
            if !ports::cancel(&fixture.kept[PORT], &fixture.kept[OBJECT], 2) {
                return Err("the survivor's repeating observer is gone".into());
            }
            check_no_observer(fixture)
        })
}

/// Of an event that is signalled already.
fn register_asserted(mode: Mode) -> OperationSpec {
    OperationSpec::new(name("port_observe_asserted", mode), AT_ONCE)
        .set_up(|| {
            let fixture = shared_event_and_used_port(true);
            fixture.kept[OBJECT].signal(Signals::NONE, Signals::USER_0).unwrap();
            fixture
        })
        .prepare(move || {
            let (control, event, port) = object_and_port();
            move || {
                ports::observe(&event, &port, 9, Signals::USER_0, mode);
                (event, port, control)
            }
        })
        .check(|fixture, outcome| {
            check_before_or_after(fixture, outcome, &[], &[9])?;
            check_no_observer(fixture)
        })
}

/// Of an observer that waits for a signal.
fn cancel_armed(mode: Mode) -> OperationSpec {
    OperationSpec::new(name("port_cancel_armed", mode), CANCEL)
        .set_up(shared_event_and_port)
        .prepare(move || {
            let (control, event, port) = object_and_port();
            ports::observe(&event, &port, 9, Signals::USER_0, mode);
            move || {
                assert!(ports::cancel(&port, &event, 9));
                (event, port, control)
            }
        })
        .check(|fixture, _| {
            check_packets(fixture, &[], "nothing was signalled")?;
            check_no_observer(fixture)
        })
}

/// Of an observer whose packet is queued between others.
fn cancel_queued(mode: Mode) -> OperationSpec {
    OperationSpec::new(name("port_cancel_queued", mode), CANCEL)
        .set_up(|| {
            let fixture = shared_event_and_port();
            fixture.kept[OBJECT].signal(Signals::NONE, Signals::USER_0).unwrap();
            ports::queue(&fixture.kept[PORT], 1).unwrap();
            fixture
        })
        .prepare(move || {
            let (control, event, port) = object_and_port();
            ports::observe(&event, &port, 9, Signals::USER_0, mode);
            ports::queue(&port, 2).unwrap();
            move || {
                assert!(ports::cancel(&port, &event, 9));
                (event, port, control)
            }
        })
        .check(|fixture, outcome| {
            check_before_or_after(fixture, outcome, &[1, 9, 2], &[1, 2])?;
            check_capacity(fixture)?;
            check_no_observer(fixture)
        })
}
