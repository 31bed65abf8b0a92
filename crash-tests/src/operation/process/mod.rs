//! Attaching, leaving and spawning.

pub(crate) mod c_interface;
pub(crate) mod fork;
pub(crate) mod thread;

use crate::operation::{Operation, Scene, Way, given, startup};
use jacinth::*;
use std::process::Command;

pub(crate) fn operations() -> Vec<Operation> {
    vec![attach_spawned(), attach_stranger(), exit(), spawn(), spawn_nothing(), collect()]
}

/// A spawned program finds its way in.
fn attach_spawned() -> Operation {
    Operation::new("attach_spawned", "the startup handle is taken, or closed with the seat")
        .prepare(|| startup)
}

/// A program that nobody has spawned asks for admission.
fn attach_stranger() -> Operation {
    let mut operation = Operation::new("attach_stranger", "the seat is free again").prepare(|| {
        let socket =
            std::env::var_os(crate::process::victim::SOCKET).expect("the stage says where its supervisor is");
        move || {
            attach(&socket).unwrap();
            Event::create()
        }
    });
    operation.way = Way::Stranger;
    operation
}

/// exit(), with handles of all kinds open.
fn exit() -> Operation {
    let mut operation = Operation::new("exit", "an exit leaves no more than a death")
        .set(|| {
            let mut scene = Scene::new();
            scene.give_sides(5);
            scene
        })
        .prepare(|| {
            let line = startup();
            let kept = (given(&line), Channel::create(), Event::create());
            // Something to give back: the thread's private lists are not empty.
            drop((Event::create(), EventPair::create()));
            move || -> () {
                std::mem::forget((line, kept));
                std::process::exit(0)
            }
        });
    operation.exits = Some(0);
    operation
}

/// A victim that spawns a program, and dies over it.
fn spawn() -> Operation {
    let mut operation =
        Operation::new("spawn", "the seat and its startup handle go, with the child or without")
            .set(|| {
                let mut scene = Scene::new();
                let (ours, theirs) = Channel::create();
                scene.give(vec![theirs.into()]);
                scene.kept.push(ours.into());
                scene
            })
            .prepare(|| {
                let line = startup();
                let end = given(&line).remove(0);
                let supervisor = Supervisor::get().unwrap();
                move || (supervisor.spawn(&mut Command::new("/bin/true"), end).unwrap(), line)
            })
            .check(|scene, _| {
                // A child that was started outlives its spawner for a moment.
                let late = MonotonicInstant::after(MonotonicDuration::from_seconds(20));
                let seen = scene.kept[0].wait_one(Signals::CHANNEL_PEER_CLOSED, late).to_result();
                seen.map(drop)
                    .map_err(|status| format!("the end that the child was to get is still open: {status}"))
            });
    operation.starts_another = true;
    operation
}

/// The program to be spawned does not exist.
fn spawn_nothing() -> Operation {
    Operation::new("spawn_missing", "the seat of a program that does not start is given up").prepare(|| {
        let line = startup();
        let (ours, theirs) = Channel::create();
        let supervisor = Supervisor::get().unwrap();
        move || {
            assert!(supervisor.spawn(&mut Command::new("/nonexistent/program"), theirs).is_err());
            (ours, line)
        }
    })
}

/// A victim that asks the supervisor to collect, and does not hear the answer.
fn collect() -> Operation {
    Operation::new("collect", "the supervisor goes on, whoever asked it and went")
        .set(Scene::with_room)
        .prepare(|| {
            let line = startup();
            drop((Channel::create(), Event::create()));
            let supervisor = Supervisor::get().unwrap();
            move || (supervisor.collect().unwrap(), line)
        })
        .check(|scene, _| scene.has_room(0, 0))
}
