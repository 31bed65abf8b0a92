//! Listeners: accepting, and the end of a listener.

use crate::operation::directory::{NAME, check_name_is_free, shared_directory};
use crate::operation::fixture::{Fixture, receive_handles, signals_of, startup_channel};
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::spec::OperationSpec;
use jacinth::*;

const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;
/// How many clients have connected when the victim begins.
const CLIENTS: usize = 3;
/// What `kept` has before the clients' ends: the directory, and perhaps a listener.
const BEFORE: usize = 2;

/// The operations on listeners.
pub fn operations() -> Vec<OperationSpec> {
    vec![accept(), accept_beside_another(), accept_none(), close(), close_full()]
}

/// The victim is sent a listener in whose queue so many clients have channels. Of the survivor's handles the directory is
/// the first; then the listener, or another object; then the clients' ends.
fn listener_with(clients: usize, is_shared: bool) -> Fixture {
    let (mut fixture, directory) = shared_directory();
    let listener = directory.serve(NAME).unwrap();
    let second = if is_shared {
        listener.duplicate(Rights::SAME_RIGHTS).unwrap().into()
    } else {
        Event::try_create().unwrap().into()
    };
    fixture.kept.push(second);
    for _ in 0..clients {
        fixture.kept.push(directory.connect(NAME, PAST).unwrap().into());
    }
    fixture.send(vec![listener.into()]);
    fixture
}

/// The victim's control channel and the listener that it was sent.
fn control_and_listener() -> (Channel, Listener) {
    let control = startup_channel();
    drop(receive_handles(&control));
    let listener = Listener::from(receive_handles(&control).remove(0));
    (control, listener)
}

fn is_closed(end: &NullableHandle) -> bool {
    signals_of(end).contains(Signals::CHANNEL_PEER_CLOSED)
}

/// The first so many clients see PEER_CLOSED, and the others are accepted by the survivor.
fn check_queue(fixture: &Fixture, outcome: Outcome, accepted: usize) -> CheckResult {
    let clients = &fixture.kept[BEFORE..];
    let closed = clients.iter().filter(|end| is_closed(end)).count();
    if closed > accepted || outcome == Outcome::Finished && closed < accepted {
        return Err(format!("{closed} of the clients were accepted by the victim"));
    }
    for client in clients.iter().filter(|end| !is_closed(end)) {
        let accepted = raw::listener_accept(fixture.kept[1].raw_handle())
            .map_err(|status| format!("accepting: {status}"))?;
        raw::close(accepted).map_err(|status| format!("closing: {status}"))?;
        if !is_closed(client) {
            return Err("the channels were not accepted in their order".into());
        }
    }
    match raw::listener_accept(fixture.kept[1].raw_handle()) {
        Err(Status::SHOULD_WAIT) => Ok(()),
        other => Err(format!("the queue should be empty: {other:?}")),
    }
}

fn check_all_closed(fixture: &Fixture) -> CheckResult {
    if let Some(open) = fixture.kept[BEFORE..].iter().position(|end| !is_closed(end)) {
        return Err(format!("client {open} does not see that the listener has ended"));
    }
    check_name_is_free(fixture.kept[0].raw_handle())
}

fn accept() -> OperationSpec {
    OperationSpec::new("accept", "a queued channel goes to the victim, and ends with it, or stays queued")
        .set_up(|| listener_with(CLIENTS, true))
        .prepare(|| {
            let (control, listener) = control_and_listener();
            move || (listener.accept().unwrap(), listener, control)
        })
        .check(|fixture, outcome| check_queue(fixture, outcome, 1))
        .exercises_recovery()
}

/// The survivor accepts, too.
fn accept_beside_another() -> OperationSpec {
    OperationSpec::new("accept_beside_another", "each queued channel is accepted once")
        .set_up(|| {
            let mut fixture = listener_with(CLIENTS, true);
            let listener = fixture.kept[1].raw_handle();
            fixture.partner = Some(Box::new(move |_| {
                raw::close(raw::listener_accept(listener).unwrap()).unwrap();
            }));
            fixture
        })
        .prepare(|| {
            let (control, listener) = control_and_listener();
            move || (listener.accept().unwrap(), listener, control)
        })
        .check(|fixture, outcome| {
            let closed = fixture.kept[BEFORE..].iter().filter(|end| is_closed(end)).count();
            if closed == 0 || closed == 1 && outcome == Outcome::Finished {
                return Err(format!("{closed} channels were accepted"));
            }
            check_queue(fixture, outcome, 2)
        })
        .exercises_recovery()
}

fn accept_none() -> OperationSpec {
    OperationSpec::new("accept_none", "the listener stays as it was")
        .set_up(|| listener_with(0, true))
        .prepare(|| {
            let (control, listener) = control_and_listener();
            move || {
                assert_eq!(listener.accept().map(drop), Err(Status::SHOULD_WAIT));
                (listener, control)
            }
        })
        .check(|fixture, outcome| check_queue(fixture, outcome, 0))
}

/// A client sleeps until its channel is closed, and a server until the name is free.
fn close_with(name: &str, clients: usize) -> OperationSpec {
    OperationSpec::new(name, "all queued channels are closed, and the next server has the name")
        .set_up(move || {
            let mut fixture = listener_with(clients, false);
            let last = fixture.kept[BEFORE + clients - 1].raw_handle();
            fixture.sleep_on(last, Signals::CHANNEL_PEER_CLOSED);
            let directory = fixture.kept[0].raw_handle();
            fixture.partner = Some(Box::new(move |_| {
                let served = raw::directory_serve(directory, NAME, MonotonicInstant::INFINITE).unwrap();
                raw::close(served).unwrap();
            }));
            fixture
        })
        .prepare(|| {
            let (control, listener) = control_and_listener();
            move || {
                drop(listener);
                control
            }
        })
        .check(|fixture, _| check_all_closed(fixture))
}

fn close() -> OperationSpec {
    close_with("close_listener", CLIENTS).exercises_recovery()
}

/// As many as the survivor has objects for, beside all else.
fn close_full() -> OperationSpec {
    close_with("close_listener_with_many", 48).mark_variant()
}
