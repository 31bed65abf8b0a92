//! Directories: serving a name, and connecting to it.

use crate::operation::fixture::{Fixture, receive_handles, signals_of, startup_channel, warm_up_creation};
use crate::operation::guarantee::CREATE;
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::spec::OperationSpec;
use crate::sleepers::falls_asleep;
use jacinth::*;

const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;
/// The name that the victims serve, or connect to.
pub const NAME: &str = "log";
const FREE: &str = "the name is free once its server is dead";
const WHOLE: &str = "the server gets a channel with all its rights, or none";

/// The operations on directories.
pub fn operations() -> Vec<OperationSpec> {
    vec![create(), create_view(), serve(), serve_taken(), connect(), connect_by_view(), connect_waiting()]
}

/// A directory of which the victim is sent a duplicate. The survivor keeps its own.
pub fn shared_directory() -> (Fixture, Directory) {
    let mut fixture = Fixture::new();
    let directory = Directory::try_create().unwrap();
    fixture.send(vec![directory.duplicate(Rights::SAME_RIGHTS).unwrap().into()]);
    fixture.kept.push(directory.duplicate(Rights::SAME_RIGHTS).unwrap().into());
    (fixture, directory)
}

/// The same, and the survivor serves the name: its listener is kept behind the directory. A thread sleeps on it.
fn served_directory() -> Fixture {
    let (mut fixture, directory) = shared_directory();
    let listener = directory.serve(NAME).unwrap();
    fixture.sleep(&listener, Signals::LISTENER_READABLE);
    fixture.kept.push(listener.into());
    fixture
}

/// The victim's control channel and the directory that it was sent. A name was served there.
fn control_and_directory() -> (Channel, Directory) {
    let control = startup_channel();
    let directory = Directory::from(receive_handles(&control).remove(0));
    drop(directory.serve("another").unwrap());
    (control, directory)
}

/// The survivor serves the name, which no other thread has.
pub fn check_name_is_free(directory: u32) -> CheckResult {
    let names = raw::directory_names(directory).map_err(|status| format!("listing: {status}"))?;
    if !names.is_empty() {
        return Err(format!("the directory still has {names:?}"));
    }
    let listener =
        raw::directory_serve(directory, NAME, PAST).map_err(|status| format!("serving: {status}"))?;
    raw::close(listener).map_err(|status| format!("closing: {status}"))
}

/// The survivor's listener has the victim's channel, or no channel if the victim died before.
fn check_connected(fixture: &Fixture, outcome: Outcome) -> CheckResult {
    let listener = fixture.kept[1].raw_handle();
    match raw::listener_accept(listener) {
        Ok(channel) => {
            let channel = Channel::from(NullableHandle::from_raw(channel));
            let rights =
                channel.basic_info().map_err(|status| format!("the channel's info: {status}"))?.rights;
            if rights != Rights::CHANNEL_DEFAULT {
                return Err(format!("the channel came with {rights:?}"));
            }
            if !signals_of(&channel).contains(Signals::CHANNEL_PEER_CLOSED) {
                return Err("the dead client's end is still open".into());
            }
        }
        Err(Status::SHOULD_WAIT) if outcome == Outcome::Killed => {}
        Err(status) => return Err(format!("accepting: {status}")),
    }
    match raw::listener_accept(listener) {
        Err(Status::SHOULD_WAIT) => Ok(()),
        other => Err(format!("a second channel: {other:?}")),
    }
}

fn create() -> OperationSpec {
    OperationSpec::new("create_directory", CREATE).prepare(|| {
        warm_up_creation(startup_channel());
        || Directory::create()
    })
}

fn create_view() -> OperationSpec {
    OperationSpec::new("create_view", CREATE)
        .set_up(|| shared_directory().0)
        .prepare(|| {
            let (control, directory) = control_and_directory();
            move || (directory.create_view(&[NAME, "clock"]).unwrap(), directory, control)
        })
        .check(|fixture, _| check_name_is_free(fixture.kept[0].raw_handle()))
        .exercises_recovery()
}

fn serve() -> OperationSpec {
    OperationSpec::new("serve", FREE)
        .set_up(|| {
            let (mut fixture, directory) = shared_directory();
            // It has the name as soon as no victim has it.
            fixture.partner = Some(Box::new(move |_| {
                drop(directory.serve_until(NAME, MonotonicInstant::INFINITE).unwrap());
            }));
            fixture
        })
        .prepare(|| {
            let (control, directory) = control_and_directory();
            move || {
                let served = directory.serve_until(NAME, MonotonicInstant::INFINITE).unwrap();
                (served, directory, control)
            }
        })
        .check(|fixture, _| check_name_is_free(fixture.kept[0].raw_handle()))
        .exercises_recovery()
}

fn serve_taken() -> OperationSpec {
    OperationSpec::new("serve_taken", "the name stays with its server")
        .set_up(served_directory)
        .prepare(|| {
            let (control, directory) = control_and_directory();
            move || {
                assert_eq!(directory.serve(NAME).map(drop), Err(Status::ALREADY_EXISTS));
                (directory, control)
            }
        })
        .check(|fixture, _| {
            let names = raw::directory_names(fixture.kept[0].raw_handle());
            if names == Ok(vec![NAME.to_owned()]) { Ok(()) } else { Err(format!("the names are {names:?}")) }
        })
        .exercises_recovery()
}

fn connect() -> OperationSpec {
    OperationSpec::new("connect", WHOLE)
        .set_up(served_directory)
        .prepare(|| {
            let (control, directory) = control_and_directory();
            move || (directory.connect(NAME, PAST).unwrap(), directory, control)
        })
        .check(|fixture, outcome| check_connected(fixture, outcome))
        .exercises_recovery()
}

fn connect_by_view() -> OperationSpec {
    OperationSpec::new("connect_by_view", WHOLE)
        .set_up(|| {
            let fixture = served_directory();
            let view = raw::directory_create_view(fixture.kept[0].raw_handle(), &[NAME]).unwrap();
            // The victim's next message.
            fixture.send(vec![NullableHandle::from_raw(view)]);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            drop(receive_handles(&control));
            let view = Directory::from(receive_handles(&control).remove(0));
            move || (view.connect(NAME, PAST).unwrap(), view, control)
        })
        .check(|fixture, outcome| check_connected(fixture, outcome))
        .exercises_recovery()
}

/// The victim sleeps until the name is served.
fn connect_waiting() -> OperationSpec {
    OperationSpec::new("connect_waiting", FREE)
        .set_up(|| {
            let (mut fixture, directory) = shared_directory();
            let control = fixture.control.clone();
            fixture.partner = Some(Box::new(move |victim| {
                if falls_asleep(victim) {
                    let _listener = directory.serve(NAME).unwrap();
                    control.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE).unwrap();
                }
            }));
            fixture
        })
        .prepare(|| {
            set_spin(MonotonicDuration::ZERO);
            let (control, directory) = control_and_directory();
            move || (directory.connect(NAME, MonotonicInstant::INFINITE).unwrap(), directory, control)
        })
        .check(|fixture, _| check_name_is_free(fixture.kept[0].raw_handle()))
        .exercises_recovery()
}
