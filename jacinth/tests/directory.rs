//! Directories and listeners: meeting by name, between processes that start and die in any order.

#![allow(clippy::zombie_processes, reason = "the order of deaths is tested; orphans end by themselves")]

mod support;

use jacinth::*;
use std::time::Duration;
use support::commanded_child::*;
use support::*;
use tempfile::TempDir;

const AT_ONCE: MonotonicInstant = MonotonicInstant::INFINITE_PAST;
const SERVES: &str = "serves the log";
const IS_CONFINED: &str = "has a directory of its own";
const IS_RESTRICTED: &str = "may connect and not serve";
const IS_LOCKED_OUT: &str = "may do nothing";
const MEETS: &str = "outlives its parent and meets others by name";

#[test]
fn child_main() {
    let mut roles = ROLES.to_vec();
    roles.extend([
        (SERVES, serves as fn()),
        (IS_CONFINED, is_confined),
        (IS_RESTRICTED, is_restricted),
        (IS_LOCKED_OUT, is_locked_out),
        (MEETS, meets),
    ]);
    play(&roles);
}

/// Serves "log" until it is killed: answers each message with its process number.
fn serves() {
    let listener = directory().unwrap().serve_until("log", FOREVER).unwrap();
    // The parent knows by this that the name is served.
    tell(&startup_channel(), "serves");
    answer_all(&listener);
}

/// Accepts clients and answers each of their messages with this process's number.
fn answer_all(listener: &Listener) {
    let port = Port::create();
    listener.wait_async(&port, u64::MAX, Signals::LISTENER_READABLE, WaitAsyncOpts::REPEATING).unwrap();
    let mut clients: Vec<Channel> = Vec::new();
    loop {
        let key = port.wait(FOREVER).unwrap().key();
        if key == u64::MAX {
            while let Ok(client) = listener.accept() {
                let signals = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
                client.wait_async(&port, clients.len() as u64, signals, WaitAsyncOpts::REPEATING).unwrap();
                clients.push(client);
            }
        } else {
            let client = &clients[key as usize];
            let mut message = MessageBuf::new();
            while client.read(&mut message).is_ok() {
                let _ = client.write(&std::process::id().to_ne_bytes(), &mut []);
            }
        }
    }
}

/// Asks the server of this channel for its number.
fn ask(server: &Channel) -> u32 {
    tell(server, "who?");
    u32::from_ne_bytes(next(server).bytes().try_into().unwrap())
}

#[test]
fn a_client_reaches_the_server() {
    in_arena(|supervisor| {
        assert_eq!(connect("log", AT_ONCE).map(drop), Err(Status::NOT_FOUND));
        // The client is there before the server.
        let client = std::thread::spawn(|| connect("log", FOREVER).unwrap());
        let (_startup, server) = spawn(supervisor, SERVES);
        let client = client.join().unwrap();
        assert_eq!(ask(&client), server.id());
        assert_eq!(serve("log").map(drop), Err(Status::ALREADY_EXISTS));
        assert_eq!(directory().unwrap().names().unwrap(), ["log"]);
        kill(supervisor, server);
        wait_for_peer_closed(&client);
    });
}

#[test]
fn a_restarted_server_takes_its_name_over() {
    in_arena(|supervisor| {
        let mut clients = Vec::new();
        for _ in 0..20 {
            let (startup, mut server) = spawn(supervisor, SERVES);
            assert_eq!(next(&startup).bytes(), b"serves");
            clients.push(connect("log", FOREVER).unwrap());
            assert_eq!(ask(clients.last().unwrap()), server.id());
            // Not collected: the next server starts while this one's recovery is under way.
            server.kill().unwrap();
            server.wait().unwrap();
        }
        clients.iter().for_each(wait_for_peer_closed);
        until(|| connect("log", AT_ONCE).is_err());
    });
}

#[test]
fn queued_clients_see_their_server_end() {
    in_arena(|_| {
        let listener = serve("log").unwrap();
        let client = connect("log", AT_ONCE).unwrap();
        tell(&client, "never read");
        drop(listener);
        assert_eq!(client.write(b"", &mut []), Err(Status::PEER_CLOSED));
        assert_eq!(connect("log", AT_ONCE).map(drop), Err(Status::NOT_FOUND));
    });
}

#[test]
fn a_full_queue_makes_clients_wait() {
    in_arena(|supervisor| {
        let listener = serve("log").unwrap();
        let queued: Vec<Channel> =
            (0..raw::LISTENER_BACKLOG).map(|_| connect("log", AT_ONCE).unwrap()).collect();
        assert_eq!(connect("log", AT_ONCE).map(drop), Err(Status::SHOULD_WAIT));
        let soon = Duration::from_millis(5);
        assert_eq!(connect("log", soon).map(drop), Err(Status::TIMED_OUT));
        std::thread::scope(|scope| {
            let waiter = asleep(scope, supervisor, || connect("log", FOREVER).unwrap());
            let first = listener.accept().unwrap();
            assert_eq!(first.basic_info().unwrap().related_koid, queued[0].basic_info().unwrap().koid);
            drop(waiter.join().unwrap());
        });
        let accepted = std::iter::from_fn(|| listener.accept().ok()).count();
        assert_eq!(accepted, raw::LISTENER_BACKLOG);
    });
}

#[test]
fn sleeping_clients_hear_of_a_server() {
    in_arena(|supervisor| {
        let view = directory().unwrap().create_view(&["log"]).unwrap();
        std::thread::scope(|scope| {
            let waiter = asleep(scope, supervisor, || view.connect("log", FOREVER).unwrap());
            let listener = serve("log").unwrap();
            drop(listener.accept_until(FOREVER).unwrap());
            wait_for_peer_closed(&waiter.join().unwrap());
            // A server that waits for the name.
            let waiter =
                asleep(scope, supervisor, || directory().unwrap().serve_until("log", FOREVER).unwrap());
            drop(listener);
            drop(waiter.join().unwrap());
        });
    });
}

#[test]
fn closing_a_directory_ends_waits_there() {
    in_arena(|supervisor| {
        let own = Directory::create();
        let view = own.create_view(&["log"]).unwrap();
        std::thread::scope(|scope| {
            let value = own.raw_handle();
            let waiter = asleep(scope, supervisor, move || raw::directory_connect(value, "log", FOREVER));
            drop(own);
            assert_eq!(waiter.join().unwrap(), Err(Status::CANCELED));
        });
        // The view's names are gone with its parent.
        assert_eq!(view.connect("log", AT_ONCE).map(drop), Err(Status::NOT_FOUND));
    });
}

// Who may do what.

/// Its directory shows the log alone.
fn is_confined() {
    let own: Directory = take_startup_handle().unwrap().into();
    set_directory(own);
    assert_eq!(connect("secret", AT_ONCE).map(drop), Err(Status::NOT_FOUND));
    assert_eq!(directory().unwrap().names().unwrap(), ["log"]);
    tell(&connect("log", AT_ONCE).unwrap(), "confined");
}

#[test]
fn a_child_gets_fewer_names() {
    in_arena(|supervisor| {
        let (log, _secret) = (serve("log").unwrap(), serve("secret").unwrap());
        let view = directory().unwrap().create_view(&["log"]).unwrap();
        join(supervisor.spawn(&mut role(IS_CONFINED), view).unwrap());
        assert_eq!(next(&log.accept().unwrap()).bytes(), b"confined");
    });
}

fn is_restricted() {
    let channel = startup_channel();
    assert_eq!(serve("clock").map(drop), Err(Status::ACCESS_DENIED));
    assert_eq!(directory().unwrap().names(), Err(Status::ACCESS_DENIED));
    tell(&connect("log", AT_ONCE).unwrap(), "restricted");
    drop(channel);
}

#[test]
fn the_creator_decides_who_serves() {
    in_arena_of(
        |config| config.root_rights = Rights::READ.bits(),
        |supervisor| {
            let log = serve("log").unwrap();
            let (_ours, child) = spawn(supervisor, IS_RESTRICTED);
            join(child);
            assert_eq!(next(&log.accept().unwrap()).bytes(), b"restricted");
            assert_eq!(Directory::root().unwrap().basic_info().unwrap().rights, Rights::DIRECTORY_DEFAULT);
        },
    );
}

fn is_locked_out() {
    let channel = startup_channel();
    assert_eq!(serve("clock").map(drop), Err(Status::ACCESS_DENIED));
    assert_eq!(connect("log", AT_ONCE).map(drop), Err(Status::ACCESS_DENIED));
    // What it was given.
    set_directory(next(&channel).take_handles().remove(0).into());
    tell(&connect("log", AT_ONCE).unwrap(), "let in");
}

#[test]
fn a_handle_outdoes_the_policy() {
    in_arena_of(
        |config| config.root_rights = 0,
        |supervisor| {
            let log = serve("log").unwrap();
            let (ours, child) = spawn(supervisor, IS_LOCKED_OUT);
            let view = directory().unwrap().create_view(&["log"]).unwrap();
            ours.write(b"", &mut [view.into()]).unwrap();
            join(child);
            assert_eq!(next(&log.accept().unwrap()).bytes(), b"let in");
        },
    );
}

// The arena's leader.

/// Serves and connects as it is told: a word, and a name.
fn meets() {
    let _supervisor = join_or_create("the place").unwrap();
    say("ready");
    let (mut listeners, mut channels) = (Vec::new(), Vec::new());
    for line in std::io::stdin().lines() {
        match line.unwrap().split_once(' ').unwrap() {
            ("serve", name) => {
                let listener = directory().unwrap().serve_until(name, FOREVER);
                say(listener.as_ref().map_or("refused", |_| "serves"));
                listeners.extend(listener);
            }
            ("connect", name) => {
                channels.push(connect(name, FOREVER).unwrap());
                tell(channels.last().unwrap(), std::process::id().to_string());
                say("connected");
            }
            ("accept", _) => {
                let client = listeners.last().unwrap().accept_until(FOREVER).unwrap();
                say(str::from_utf8(next(&client).bytes()).unwrap());
                channels.push(client);
            }
            (_, _) => {
                wait_for_peer_closed(channels.last().unwrap());
                say("closed");
            }
        }
    }
}

#[test]
fn names_outlive_the_leader() {
    let base = TempDir::new().unwrap();
    let start = || {
        let mut command = role(MEETS);
        command.env("TMPDIR", base.path()).env_remove("XDG_RUNTIME_DIR");
        CommandedChild::new(command)
    };
    let (mut leader, mut server, mut client) = (start(), start(), start());
    assert_eq!(leader.told("serve first"), "serves");
    assert_eq!(server.told("serve second"), "serves");
    assert_eq!(client.told("connect first"), "connected");
    leader.kill();
    assert_eq!(client.told("wait until-it-ends"), "closed");
    assert_eq!(client.told("connect second"), "connected");
    assert_eq!(server.told("accept one"), client.child.id().to_string());
    // The leader's name is free, also to a process that comes later.
    let mut late = start();
    assert_eq!(late.told("serve first"), "serves");
    assert_eq!(client.told("connect first"), "connected");
    assert_eq!(late.told("accept one"), client.child.id().to_string());
    for child in [late, server, client] {
        child.end();
    }
}

// Bad input.

#[test]
fn bad_input_gets_clear_errors() {
    in_arena(|supervisor| {
        let before = objects(supervisor);
        let root = Directory::root().unwrap();
        for name in ["", "a\0b"] {
            assert_eq!(root.serve(name).map(drop), Err(Status::INVALID_ARGS));
            assert_eq!(root.connect(name, AT_ONCE).map(drop), Err(Status::INVALID_ARGS));
            assert_eq!(root.create_view(&["log", name]).map(drop), Err(Status::INVALID_ARGS));
        }
        let long = "x".repeat(raw::MAX_SERVICE_NAME_LEN + 1);
        assert_eq!(root.serve(&long).map(drop), Err(Status::OUT_OF_RANGE));
        assert!(root.serve(&long[1..]).is_ok());
        let many = vec![&long[1..]; 300];
        assert_eq!(root.create_view(&many).map(drop), Err(Status::OUT_OF_RANGE));
        let event = Event::create();
        let value = event.raw_handle();
        assert_eq!(raw::directory_serve(value, "log", AT_ONCE), Err(Status::WRONG_TYPE));
        assert_eq!(raw::directory_connect(value, "log", AT_ONCE), Err(Status::WRONG_TYPE));
        assert_eq!(raw::directory_create_view(value, &["log"]), Err(Status::WRONG_TYPE));
        assert_eq!(raw::directory_names(value), Err(Status::WRONG_TYPE));
        assert_eq!(raw::listener_accept(value), Err(Status::WRONG_TYPE));
        assert_eq!(raw::listener_accept(raw::INVALID), Err(Status::BAD_HANDLE));
        let blind = root.duplicate(Rights::TRANSFER).unwrap();
        assert_eq!(blind.serve("log").map(drop), Err(Status::ACCESS_DENIED));
        assert_eq!(blind.connect("log", AT_ONCE).map(drop), Err(Status::ACCESS_DENIED));
        assert_eq!(blind.create_view(&[]).map(drop), Err(Status::ACCESS_DENIED));
        assert_eq!(blind.names(), Err(Status::ACCESS_DENIED));
        let deaf = serve("log").unwrap().replace(Rights::TRANSFER).unwrap();
        assert_eq!(deaf.accept().map(drop), Err(Status::ACCESS_DENIED));
        drop((event, blind, deaf));
        until(|| objects(supervisor) == before);
    });
}

#[test]
fn names_and_channels_have_room() {
    in_arena_of(
        |config| (config.max_objects, config.max_objects_per_process) = (8, 8),
        |supervisor| {
            let listener = serve("log").unwrap();
            let (channels, status) = until_refused(|| connect("log", AT_ONCE));
            assert_eq!((channels.len(), status), (7, Status::NO_RESOURCES));
            assert_eq!(serve("clock").map(drop), Err(Status::NO_RESOURCES));
            drop((channels, listener));
            assert!(serve("clock").is_ok());
            clean(supervisor);
        },
    );
}
