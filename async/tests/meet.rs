//! Names to meet by, for tasks.

#[path = "../../jacinth/tests/support/mod.rs"]
mod support;

use futures::executor::block_on;
use futures::future::join;
use futures::{StreamExt, poll};
use jacinth::{Directory, MonotonicInstant, Status, library_threads};
use jacinth_async::{Channel, Listener, connect, connect_in};
use std::pin::pin;
use std::time::Duration;
use support::*;

const CLIENT: &str = "connects and asks";

#[test]
fn child_main() {
    play(&[(CLIENT, asks)]);
}

/// A client in a process of its own: asks its server ten times.
fn asks() {
    let _startup = startup_channel();
    block_on(async {
        let server = Channel::from(connect("echo", FOREVER).await.unwrap());
        for number in 0..10_u8 {
            server.send(&[number], &mut []).await.unwrap();
            assert_eq!(server.recv().await.unwrap().bytes(), [number]);
        }
    });
}

/// Whether a thread waits for a server.
fn has_waiter() -> bool {
    let names = library_threads::threads();
    let mut names = names.iter().flat_map(|id| std::fs::read_to_string(format!("/proc/self/task/{id}/comm")));
    names.any(|name| name.trim() == "jacinth-connect")
}

#[test]
fn clients_of_all_processes_are_accepted() {
    in_arena(|supervisor| {
        const CLIENTS: usize = 8;
        let children: Vec<_> = (0..CLIENTS).map(|_| spawn(supervisor, CLIENT)).collect();
        let listener = Listener::from(jacinth::serve("echo").unwrap());
        block_on(listener.incoming().take(CLIENTS).for_each_concurrent(None, |client| async {
            let client = client.unwrap();
            while let Ok(message) = client.recv().await {
                client.send(message.bytes(), &mut []).await.unwrap();
            }
        }));
        for (_startup, child) in children {
            join_child(child);
        }
    });
}

fn join_child(child: std::process::Child) {
    support::join(child);
}

#[test]
fn a_task_waits_for_its_server() {
    in_arena(|_| {
        let served = || {
            std::thread::sleep(Duration::from_millis(20));
            jacinth::serve("log").unwrap()
        };
        let server = std::thread::spawn(served);
        let client = block_on(connect("log", FOREVER)).unwrap();
        drop(client);
        let listener = Listener::from(server.join().unwrap());
        // A server that is there costs no thread.
        let (client, server) = block_on(async { join(connect("log", FOREVER), listener.accept()).await });
        assert!(client.is_ok() && server.is_ok());
        until(|| !has_waiter());
    });
}

#[test]
fn a_dropped_connect_leaves_nothing() {
    in_arena(|supervisor| {
        let before = supervisor.inspect();
        let directory = Directory::create();
        block_on(async {
            for _ in 0..20 {
                let mut waiting = pin!(connect_in(&directory, "log", FOREVER));
                assert!(poll!(&mut waiting).is_pending());
            }
        });
        drop(directory);
        until(|| !has_waiter());
        // The last thread may be ending its channel.
        until(|| supervisor.inspect().handles == before.handles && objects(supervisor) == before.objects);
    });
}

#[test]
fn a_dropped_accept_takes_no_client() {
    in_arena(|_| {
        let listener = Listener::from(jacinth::serve("log").unwrap());
        block_on(async {
            let mut dropped = Box::pin(listener.accept());
            assert!(poll!(&mut dropped).is_pending());
            let client = jacinth::connect("log", FOREVER).unwrap();
            drop(dropped);
            drop(listener.accept().await.unwrap());
            wait_for_peer_closed(&client);
        });
    });
}

#[test]
fn deadlines_and_bad_names_end_connects() {
    in_arena(|_| {
        let past = MonotonicInstant::INFINITE_PAST;
        assert_eq!(block_on(connect("log", past)).map(drop), Err(Status::NOT_FOUND));
        let soon = Duration::from_millis(5);
        assert_eq!(block_on(connect("log", soon)).map(drop), Err(Status::TIMED_OUT));
        assert_eq!(block_on(connect("", soon)).map(drop), Err(Status::INVALID_ARGS));
        let blind = Directory::create().replace(jacinth::Rights::TRANSFER).unwrap();
        assert_eq!(block_on(connect_in(&blind, "log", soon)).map(drop), Err(Status::ACCESS_DENIED));
        until(|| !has_waiter());
    });
}

#[test]
fn connecting_without_an_arena_fails() {
    alone(|| {
        assert_eq!(block_on(connect("log", FOREVER)).map(drop), Err(Status::BAD_STATE));
    });
}
