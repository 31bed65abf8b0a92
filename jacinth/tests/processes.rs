//! Real processes: how they attach, and the objects that they share.

mod support;

use jacinth::raw;
use jacinth::*;
use std::process::{Child, Command};
use support::*;

#[test]
fn child_main() {
    play(&[
        ("takes its startup handle twice", takes_its_startup_handle_twice),
        ("attaches by path", attaches_by_path),
        ("echo", echo),
        (OUTLIVES, echo),
        ("spawns an echo", spawns_an_echo),
        ("sleeps and wakes", sleeps_and_wakes),
    ]);
}

// How they come.

#[test]
fn a_startup_handle_is_taken_once() {
    in_arena(|supervisor| {
        let (ours, child) = spawn(supervisor, "takes its startup handle twice");
        assert_eq!(next(&ours).bytes(), b"taken once");
        drop(ours);
        join(child);
    });
}

fn takes_its_startup_handle_twice() {
    let ours = Channel::from(take_startup_handle().unwrap());
    assert!(is_attached());
    for _ in 0..3 {
        assert!(matches!(take_startup_handle(), Err(AttachError::NoStartupHandle)));
    }
    let info = ours.basic_info().unwrap();
    assert_eq!((info.object_type, info.rights), (ObjectType::CHANNEL, Rights::CHANNEL_DEFAULT));
    tell(&ours, "taken once");
    wait_for_peer_closed(&ours);
}

#[test]
fn startup_handles_have_any_type() {
    in_arena(|supervisor| {
        let (ours, theirs) = EventPair::create();
        let koid = theirs.koid().unwrap();
        let weak = theirs.replace(Rights::WAIT | Rights::TRANSFER).unwrap();
        let child = supervisor.spawn(&mut role("echo"), weak).unwrap();
        // The child takes the handle for a channel, waits on it, and ends.
        ours.signal_peer(Signals::NONE, Signals::EVENTPAIR_SIGNALED).unwrap();
        assert_eq!(ours.basic_info().unwrap().related_koid, koid);
        drop(ours);
        join(child);
    });
}

#[test]
fn startup_handles_need_transfer_right() {
    in_arena(|supervisor| {
        let (ours, theirs) = EventPair::create();
        let theirs = theirs.replace(Rights::EVENTPAIR_DEFAULT - Rights::TRANSFER).unwrap();
        let refused = supervisor.spawn(&mut role("echo"), theirs);
        assert!(matches!(refused, Err(SpawnError::StartupHandle(Status::ACCESS_DENIED))), "{refused:?}");
        wait_for_peer_closed(&ours);
    });
}

#[test]
fn programs_attach_by_socket_path() {
    in_arena(|supervisor| {
        let mut children: Vec<Child> = (0..4)
            .map(|_| {
                let mut command = role("attaches by path");
                command.env("SOCKET", supervisor.socket_path()).spawn().unwrap()
            })
            .collect();
        children.drain(..).for_each(join);
        let report = supervisor.collect().unwrap();
        assert_eq!(report.processes, 4);
        assert_eq!(clean(supervisor).processes, 1);
    });
}

fn attaches_by_path() {
    let path = std::env::var_os("SOCKET").unwrap();
    assert!(!is_attached());
    assert!(matches!(take_startup_handle(), Err(AttachError::NotAttached)));
    attach(&path).unwrap();
    assert!(is_attached());
    assert!(matches!(attach(&path), Err(AttachError::AlreadyAttached)));
    assert!(matches!(Supervisor::create(&Config::default()), Err(AttachError::AlreadyAttached)));
    assert!(matches!(take_startup_handle(), Err(AttachError::NotSpawned)));
    let supervisor = Supervisor::get().unwrap();
    assert_eq!(supervisor.socket_path(), path);
    let (ours, theirs) = Channel::create();
    tell(&ours, "works");
    assert_eq!(next(&theirs).bytes(), b"works");
    std::mem::forget((ours, theirs));
}

#[test]
fn grandchildren_outlive_their_spawner() {
    in_arena(|supervisor| {
        let (to_parent, parent) = spawn(supervisor, "spawns an echo");
        let (ours, theirs) = Channel::create();
        to_parent.write(b"give it this", &mut [theirs.into()]).unwrap();
        assert_eq!(next(&to_parent).bytes(), b"done");
        tell(&ours, "one");
        assert_eq!(next(&ours).bytes(), b"one");
        assert_eq!(supervisor.inspect().processes, 3);
        kill(supervisor, parent);
        wait_for_peer_closed(&to_parent);
        tell(&ours, "two");
        assert_eq!(next(&ours).bytes(), b"two", "the grandchild lives");
        drop((ours, to_parent));
        until(|| supervisor.inspect().processes == 1);
    });
}

fn spawns_an_echo() {
    let channel = startup_channel();
    let supervisor = Supervisor::get().unwrap();
    let startup = next(&channel).take_handle(0).unwrap();
    let child = supervisor.spawn(&mut role(OUTLIVES), startup).unwrap();
    tell(&channel, "done");
    join(child);
}

#[test]
fn many_threads_spawn_at_once() {
    in_arena(|supervisor| {
        std::thread::scope(|scope| {
            for thread in 0..6u32 {
                scope.spawn(move || {
                    for round in 0..4u32 {
                        let (ours, child) = spawn(supervisor, "echo");
                        let bytes = [thread, round].map(u32::to_ne_bytes);
                        tell(&ours, bytes.as_flattened());
                        assert_eq!(next(&ours).bytes(), bytes.as_flattened());
                        drop(ours);
                        join(child);
                    }
                });
            }
        });
        assert_eq!(supervisor.collect().unwrap().processes, 24);
        assert_eq!(clean(supervisor).processes, 1);
    });
}

#[test]
fn early_child_death_leaks_no_handle() {
    in_arena_of(
        |config| config.max_processes = 4,
        |supervisor| {
            // More often than there are process rows.
            for _ in 0..10 {
                let (ours, theirs) = Channel::create();
                let mut child = supervisor.spawn(&mut Command::new("/bin/true"), theirs).unwrap();
                wait_for_peer_closed(&ours);
                child.wait().unwrap();
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", "kill -KILL $$"]);
                let (ours, theirs) = Channel::create();
                let mut child = supervisor.spawn(&mut shell, theirs).unwrap();
                wait_for_peer_closed(&ours);
                child.wait().unwrap();
            }
            until(|| supervisor.inspect().processes == 1);
            assert_eq!(clean(supervisor).objects, 0);
        },
    );
}

#[test]
fn failed_start_leaks_no_handle() {
    in_arena_of(
        |config| config.max_processes = 4,
        |supervisor| {
            for _ in 0..10 {
                let (ours, theirs) = Channel::create();
                let spawned = supervisor.spawn(&mut Command::new("/nonexistent/program"), theirs);
                let Err(SpawnError::Program(error)) = spawned else { panic!("{spawned:?}") };
                assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
                let seen = ours.wait_one(Signals::CHANNEL_PEER_CLOSED, FOREVER).unwrap();
                assert_eq!(seen, Signals::CHANNEL_PEER_CLOSED);
            }
            assert_eq!(clean(supervisor).processes, 1);
            let (ours, child) = spawn(supervisor, "echo");
            tell(&ours, "still works");
            assert_eq!(next(&ours).bytes(), b"still works");
            drop(ours);
            join(child);
        },
    );
}

#[test]
fn a_bad_startup_handle_takes_no_slot() {
    in_arena_of(
        |config| config.max_processes = 2,
        |supervisor| {
            for _ in 0..5 {
                let stale = event().into_raw();
                raw::close(stale).unwrap();
                let spawned = supervisor.spawn(&mut role("echo"), NullableHandle::from_raw(stale));
                assert!(matches!(spawned, Err(SpawnError::StartupHandle(Status::BAD_HANDLE))), "{spawned:?}");
            }
            let (ours, child) = spawn(supervisor, "echo");
            drop(ours);
            join(child);
        },
    );
}

// Shared objects.

#[test]
fn objects_survive_a_round_trip() {
    in_arena(|supervisor| {
        let (first, first_child) = spawn(supervisor, "echo");
        let (second, second_child) = spawn(supervisor, "echo");
        let event = Event::create();
        event.signal(Signals::NONE, Signals::USER_4).unwrap();
        let (end, far_end) = Channel::create();
        tell(&far_end, "sent before it travelled");
        let (event_koid, end_koid) = (event.koid().unwrap(), end.koid().unwrap());
        let rights = Rights::WAIT | Rights::TRANSFER;
        let mut handles = vec![event.replace(rights).unwrap().into(), end.into()];
        for round in 0..50u32 {
            for channel in [&first, &second] {
                channel.write(&round.to_ne_bytes(), &mut handles).unwrap();
                tell(&far_end, format!("{round}"));
                let mut message = next(channel);
                assert_eq!(message.bytes(), round.to_ne_bytes());
                handles = message.take_handles();
            }
        }
        let end = Channel::from(handles.pop().unwrap());
        let event = Event::from(handles.pop().unwrap());
        assert_eq!((event.koid(), end.koid()), (Ok(event_koid), Ok(end_koid)));
        assert_eq!(event.basic_info().unwrap().rights, rights);
        assert_eq!(event.wait_one(Signals::USER_4, FOREVER).to_result(), Ok(Signals::USER_4));
        assert_eq!(next(&end).bytes(), b"sent before it travelled");
        for round in 0..50 {
            assert_eq!(next(&end).bytes(), format!("{round}").as_bytes());
            assert_eq!(next(&end).bytes(), format!("{round}").as_bytes());
        }
        drop((first, second));
        join(first_child);
        join(second_child);
    });
}

/// Rounds of sleeping and waking.
const ROUNDS: u32 = 1_000_000;

#[test]
fn a_million_wakes_lose_none() {
    in_arena(|supervisor| {
        let (ours, child) = spawn(supervisor, "sleeps and wakes");
        set_spin(MonotonicDuration::ZERO);
        let (bell, their_bell) = EventPair::create();
        ours.write(b"bell", &mut [their_bell.into()]).unwrap();
        let mut message = MessageBuf::new();
        for round in 0..ROUNDS {
            if round % 4 == 0 {
                bell.signal_peer(Signals::NONE, Signals::USER_0).unwrap();
                bell.wait_one(Signals::USER_1, FOREVER).unwrap();
                bell.signal(Signals::USER_1, Signals::NONE).unwrap();
            } else {
                ours.write(&round.to_ne_bytes(), &mut []).unwrap();
                ours.wait_one(Signals::CHANNEL_READABLE, FOREVER).unwrap();
                ours.read(&mut message).unwrap();
                assert_eq!(message.bytes(), round.to_ne_bytes());
            }
        }
        let counters = supervisor.counters();
        assert!(counters.sleeps > u64::from(ROUNDS / 2), "they did sleep: {counters:?}");
        drop((ours, bell));
        join(child);
    });
}

fn sleeps_and_wakes() {
    let channel = startup_channel();
    set_spin(MonotonicDuration::ZERO);
    let bell = EventPair::from(next(&channel).take_handle(0).unwrap());
    let mut message = MessageBuf::new();
    loop {
        let mut items = [
            WaitItem::new(&channel, Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED),
            WaitItem::new(&bell, Signals::USER_0),
        ];
        object_wait_many(&mut items, FOREVER).unwrap();
        let [of_channel, of_bell] = items.map(|item| item.pending);
        if of_bell.contains(Signals::USER_0) {
            bell.signal(Signals::USER_0, Signals::NONE).unwrap();
            let _ = bell.signal_peer(Signals::NONE, Signals::USER_1);
        }
        if of_channel.contains(Signals::CHANNEL_READABLE) {
            channel.read(&mut message).unwrap();
            let _ = channel.write(message.bytes(), &mut []);
        } else if of_channel.contains(Signals::CHANNEL_PEER_CLOSED) {
            return;
        }
    }
}

#[test]
fn calls_find_replies_across_processes() {
    in_arena(|supervisor| {
        let (ours, child) = spawn(supervisor, "echo");
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let ours = &ours;
                scope.spawn(move || {
                    let mut reply = MessageBuf::new();
                    for round in 0..500 {
                        let text = format!("\0\0\0\0thread {thread}, round {round}");
                        let mut handles = if round % 5 == 0 { vec![event()] } else { Vec::new() };
                        let sent = handles.len();
                        ours.call(FOREVER, text.as_bytes(), &mut handles, &mut reply).unwrap();
                        assert_eq!(&reply.bytes()[4..], &text.as_bytes()[4..]);
                        assert_eq!(reply.n_handles(), sent);
                    }
                });
            }
        });
        drop(ours);
        join(child);
    });
}
