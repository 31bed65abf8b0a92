//! Attaching, exiting, spawning, and asking the supervisor for a collection.

use crate::operation::fixture::{Fixture, receive_handles, startup_channel};
use crate::operation::spec::{EntryMode, OperationSpec};
use jacinth::*;
use std::process::Command;

/// The operations on processes.
pub fn operations() -> Vec<OperationSpec> {
    vec![attach_spawned(), attach_stranger(), exit(), spawn(), spawn_missing(), collect()]
}

/// A spawned program attaches by its first call.
fn attach_spawned() -> OperationSpec {
    OperationSpec::new("attach_spawned", "the startup handle is taken, or closed with the process slot")
        .prepare(|| startup_channel)
}

/// A program that was not spawned asks for admission.
fn attach_stranger() -> OperationSpec {
    let operation = OperationSpec::new("attach_stranger", "the process slot is free again");
    operation.entry(EntryMode::Stranger).prepare(|| {
        let socket = std::env::var_os(SOCKET_VARIABLE).expect("the testbed names its supervisor's socket");
        move || {
            attach(&socket).unwrap();
            Event::create()
        }
    })
}

/// exit(), with handles of all kinds open.
fn exit() -> OperationSpec {
    OperationSpec::new("exit", "an exit leaves no more than a death")
        .exit_code(0)
        .set_up(|| {
            let mut fixture = Fixture::new();
            fixture.send_sides(5);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let kept = (receive_handles(&control), Channel::create(), Event::create());
            // The thread's private lists are not empty, so the exit has something to give back.
            drop((Event::create(), EventPair::create()));
            move || -> () {
                std::mem::forget((control, kept));
                std::process::exit(0)
            }
        })
}

/// The victim spawns a program, and dies in the middle.
fn spawn() -> OperationSpec {
    OperationSpec::new(
        "spawn",
        "the process slot and its startup handle are given up, with or without a child",
    )
    .starts_process()
    .exercises_recovery()
    .set_up(|| {
        let mut fixture = Fixture::new();
        let (ours, theirs) = Channel::create();
        fixture.send(vec![theirs.into()]);
        fixture.kept.push(ours.into());
        fixture
    })
    .prepare(|| {
        let control = startup_channel();
        let end = receive_handles(&control).remove(0);
        let supervisor = Supervisor::get().unwrap();
        move || (supervisor.spawn(&mut Command::new("/bin/true"), end).unwrap(), control)
    })
    .check(|fixture, _| {
        // A child that was started outlives its spawner for a moment.
        let late = MonotonicInstant::after(MonotonicDuration::from_seconds(20));
        let seen = fixture.kept[0].wait_one(Signals::CHANNEL_PEER_CLOSED, late).to_result();
        seen.map(drop)
            .map_err(|status| format!("the end that was meant for the child is still open: {status}"))
    })
}

/// The program to be spawned does not exist.
fn spawn_missing() -> OperationSpec {
    OperationSpec::new("spawn_missing", "the process slot of a program that does not start is given up")
        .prepare(|| {
            let control = startup_channel();
            let (ours, theirs) = Channel::create();
            let supervisor = Supervisor::get().unwrap();
            move || {
                assert!(supervisor.spawn(&mut Command::new("/nonexistent/program"), theirs).is_err());
                (ours, control)
            }
        })
}

/// The victim asks the supervisor for a collection, and dies before the answer.
fn collect() -> OperationSpec {
    OperationSpec::new("collect", "the supervisor goes on")
        .set_up(Fixture::measuring_capacity)
        .prepare(|| {
            let control = startup_channel();
            drop((Channel::create(), Event::create()));
            let supervisor = Supervisor::get().unwrap();
            move || (supervisor.collect().unwrap(), control)
        })
        .check(|fixture, _| fixture.check_capacity(0, 0))
}
