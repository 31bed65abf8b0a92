//! Full tables and pools: each fails with its own status, keeps no part of the failed call, and works again as soon as
//! there is room.

mod support;

use jacinth::raw;
use jacinth::*;
use std::process::Child;
use support::*;

#[test]
fn child_main() {
    play(&[("waits", waits), ("is refused", is_refused), ("echo", echo), ("has no row", has_no_row)]);
}

fn waits() {
    let channel = startup_channel();
    tell(&channel, "here");
    wait_for_peer_closed(&channel);
}

fn is_refused() {
    let error = attach(std::env::var_os("SOCKET").unwrap()).unwrap_err();
    assert!(matches!(error, AttachError::Refused(Status::NO_RESOURCES)), "{error:?}");
    assert!(!is_attached());
}

#[test]
fn a_full_process_table_recovers() {
    in_arena_of(
        |config| config.max_processes = 3,
        |supervisor| {
            let mut children: Vec<(Channel, Child)> = (0..2).map(|_| spawn(supervisor, "waits")).collect();
            for _ in 0..4 {
                let (ours, theirs) = Channel::create();
                let spawned = supervisor.spawn(&mut role("waits"), theirs);
                assert!(matches!(spawned, Err(SpawnError::Arena(Status::NO_RESOURCES))), "{spawned:?}");
                wait_for_peer_closed(&ours);
                let mut refused = role("is refused");
                join(refused.env("SOCKET", supervisor.socket_path()).spawn().unwrap());
                let (ours, child) = children.remove(0);
                assert_eq!(next(&ours).bytes(), b"here");
                drop(ours);
                join(child);
                supervisor.collect().unwrap();
                children.push(spawn(supervisor, "waits"));
            }
            for (ours, child) in children {
                next(&ours);
                drop(ours);
                join(child);
            }
        },
    );
}

#[test]
fn a_full_thread_table_recovers() {
    in_arena_of(
        |config| config.max_threads = 4,
        |_| {
            let event = Event::create();
            let stop = std::sync::Barrier::new(3);
            std::thread::scope(|scope| {
                // The supervisor and this thread have a row each; two more take theirs.
                for _ in 0..2 {
                    let ready = std::sync::Barrier::new(2);
                    let ready = std::sync::Arc::new(ready);
                    let there = ready.clone();
                    let (stop, event) = (&stop, &event);
                    scope.spawn(move || {
                        assert_eq!(event.signal(Signals::NONE, Signals::USER_0), Ok(()));
                        there.wait();
                        stop.wait();
                    });
                    ready.wait();
                }
                let one_too_many = || event.signal(Signals::NONE, Signals::USER_1);
                for _ in 0..3 {
                    let refused = std::thread::scope(|scope| scope.spawn(one_too_many).join().unwrap());
                    assert_eq!(refused, Err(Status::NO_RESOURCES));
                }
                assert_eq!(one_too_many(), Ok(()), "those with a row go on");
                stop.wait();
            });
            let welcome = std::thread::scope(|scope| {
                scope.spawn(|| raw::check_valid(event.raw_handle()).is_ok()).join().unwrap()
            });
            assert!(welcome);
        },
    );
}

/// Runs `body` while this process's threads, this one and others, have all the rows that they can get.
fn with_all_rows_taken(body: impl FnOnce()) {
    let event = Event::create();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let stopped = std::sync::Mutex::new(stopped);
    std::thread::scope(|scope| {
        let take_a_row = || {
            let (event, stopped) = (&event, &stopped);
            let (told, taken) = std::sync::mpsc::channel();
            scope.spawn(move || {
                let is_taken = event.signal(Signals::NONE, Signals::USER_0).is_ok();
                told.send(is_taken).unwrap();
                if is_taken {
                    let _ = stopped.lock().unwrap().recv();
                }
            });
            taken.recv().unwrap()
        };
        while take_a_row() {}
        body();
        drop(stop);
    });
}

#[test]
fn a_rowless_thread_closes_its_handles() {
    in_arena_of(
        |config| config.max_threads = 4,
        |supervisor| {
            let (ours, theirs) = EventPair::create();
            with_all_rows_taken(|| {
                let in_another_thread = |closes: &mut (dyn FnMut() + Send)| {
                    std::thread::scope(|scope| scope.spawn(closes).join().unwrap());
                };
                let theirs = theirs.into_raw();
                in_another_thread(&mut || assert_eq!(raw::close(theirs), Ok(())));
                in_another_thread(&mut || assert_eq!(raw::close(theirs), Err(Status::BAD_HANDLE)));
                in_another_thread(&mut || {
                    assert_eq!(Event::try_create().map(drop), Err(Status::NO_RESOURCES))
                });
                assert!(is_closed(&ours));
            });
            drop(ours);
            assert_eq!(objects(supervisor), 0);
        },
    );
}

#[test]
fn one_process_cannot_have_all_threads() {
    in_arena_of(
        |config| (config.max_threads, config.max_threads_per_process) = (64, 4),
        |supervisor| {
            with_all_rows_taken(|| {
                assert!(supervisor.inspect().threads < 16);
                let (ours, child) = spawn(supervisor, "echo");
                tell(&ours, "there is a row for another process");
                next(&ours);
                drop(ours);
                join(child);
            });
        },
    );
}

/// It has attached, and made no call that needs a row.
#[test]
fn rowless_processes_are_recovered() {
    in_arena_of(
        |config| (config.max_threads, config.max_processes) = (3, 4),
        |supervisor| {
            let (ours, theirs) = Channel::create();
            let mut command = role("has no row");
            let mut child = supervisor.spawn(command.stdout(std::process::Stdio::piped()), theirs).unwrap();
            let output = std::io::BufReader::new(child.stdout.take().unwrap());
            assert!(std::io::BufRead::lines(output).any(|line| line.unwrap().contains("attached")));
            with_all_rows_taken(|| {
                child.kill().unwrap();
                wait_for_peer_closed(&ours);
                child.wait().unwrap();
                assert_eq!(supervisor.collect().unwrap().processes, 1);
            });
        },
    );
}

fn has_no_row() {
    std::mem::forget(take_startup_handle().unwrap());
    println!("attached");
    loop {
        std::thread::park();
    }
}

#[test]
fn a_full_object_table_recovers() {
    in_arena_of(
        |config| config.max_objects = 100,
        |supervisor| {
            for _ in 0..3 {
                let (mut events, status) = until_refused(Event::try_create);
                assert_eq!((events.len(), status), (100, Status::NO_RESOURCES));
                assert_eq!(EventPair::try_create().map(drop), Err(Status::NO_RESOURCES));
                assert_eq!(Channel::try_create().map(drop), Err(Status::NO_RESOURCES));
                assert!(events[0].duplicate(Rights::SAME_RIGHTS).is_ok(), "a handle needs no object");
                for _ in 0..500 {
                    drop(events.remove(0));
                    let (ours, theirs) = Channel::create();
                    tell(&ours, "works");
                    assert_eq!(next(&theirs).bytes(), b"works");
                    assert_eq!(Event::try_create().map(drop), Err(Status::NO_RESOURCES));
                    drop((ours, theirs));
                    events.push(Event::create());
                }
                drop(events);
                assert_eq!(objects(supervisor), 0);
            }
        },
    );
}

#[test]
fn all_threads_can_use_all_objects() {
    in_arena_of(
        |config| config.max_objects = 64,
        |supervisor| {
            for _ in 0..20 {
                let events = events_of_four_threads();
                assert_eq!(events.len(), 64);
                assert_eq!(objects(supervisor), 64);
            }
        },
    );
}

/// Four threads with at most 12 objects each, and as many that they pass around: 60 of 64 at most.
#[test]
fn a_partly_full_object_table_never_refuses() {
    in_arena_of(
        |config| config.max_objects = 64,
        |_| {
            let passed_on = std::sync::Mutex::new(Vec::new());
            let make_and_drop = || {
                let mut held = Vec::new();
                for time in 0..10_000 {
                    if held.len() == 12 {
                        drop(held.remove(0));
                    }
                    held.push(Event::try_create().unwrap_or_else(|status| panic!("create {time}: {status}")));
                    if time % 7 == 0 {
                        // So that some end in another thread than they were made in.
                        std::mem::swap(&mut held, &mut passed_on.lock().unwrap());
                    }
                }
            };
            std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(make_and_drop))));
        },
    );
}

#[test]
fn a_full_handle_table_recovers() {
    in_arena_of(
        |config| config.max_handles_per_process = 50,
        |_| {
            let (ours, theirs) = Channel::create();
            ours.write(b"three handles", &mut [event(), event(), event()]).unwrap();
            let event = Event::create();
            let (mut copies, status) = until_refused(|| event.duplicate(Rights::SAME_RIGHTS));
            assert_eq!(status, Status::NO_RESOURCES);
            assert!((46..=47).contains(&copies.len()), "{} of 50, beside three", copies.len());
            assert_eq!(
                event.count_info().map(|info| info.handle_count),
                Ok(1 + copies.len() as u32),
                "failures leave none behind"
            );
            assert_eq!(Event::try_create().map(drop), Err(Status::NO_RESOURCES));
            copies.pop();
            assert_eq!(Channel::try_create().map(drop), Err(Status::NO_RESOURCES), "it needs two");
            copies.pop();
            let mut message = MessageBuf::new();
            for _ in 0..3 {
                assert_eq!(theirs.read(&mut message), Err(Status::NO_RESOURCES), "no room for three");
                assert_eq!(theirs.read_in_place().unwrap().finish().map(drop), Err(Status::NO_RESOURCES));
            }
            copies.pop();
            theirs.read(&mut message).unwrap();
            assert_eq!((message.bytes(), message.n_handles()), (&b"three handles"[..], 3));
            message.clear();
            drop(copies);
            let (copies, _) = until_refused(|| event.duplicate(Rights::SAME_RIGHTS));
            let replaced = copies.into_iter().map(|copy| copy.replace(Rights::NONE));
            let replaced: Vec<_> = replaced.collect();
            assert!(replaced.iter().filter(|result| result.is_ok()).count() >= replaced.len() - 1);
            drop(replaced);
            assert_eq!(event.count_info().map(|info| info.handle_count), Ok(1));
        },
    );
}

#[test]
fn an_empty_pool_recovers() {
    in_arena_of(
        |config| (config.pool_bytes, config.max_loan_bytes) = (1 << 20, 1 << 17),
        |_| {
            let (ours, theirs) = Channel::create();
            let big = vec![7; 65_536];
            for _ in 0..5 {
                let (sent, status) = until_refused(|| ours.write(&big, &mut []));
                assert_eq!(status, Status::NO_MEMORY);
                assert_eq!(sent.len(), 16, "of 64 KiB each, in 1 MiB");
                let mut handles = vec![event()];
                assert_eq!(ours.write(&big[..65_000], &mut handles), Err(Status::NO_MEMORY));
                assert!(handles[0].is_invalid(), "consumed by this failure");
                tell(&ours, "a small one has its own pool");
                for _ in 0..16 {
                    assert_eq!(next(&theirs).bytes(), big);
                }
                assert_eq!(next(&theirs).bytes(), b"a small one has its own pool");
                tell(&ours, &big);
                next(&theirs);
            }
        },
    );
}

#[test]
fn closed_channels_return_their_blocks() {
    in_arena_of(
        |config| (config.pool_bytes, config.max_loan_bytes) = (1 << 20, 1 << 17),
        |supervisor| {
            let big = vec![7; 65_536];
            for _ in 0..10 {
                let (ours, _theirs) = Channel::create();
                let (sent, status) = until_refused(|| ours.write(&big, &mut []));
                assert_eq!((sent.len(), status), (16, Status::NO_MEMORY));
            }
            supervisor.collect().unwrap();
            assert_eq!(clean(supervisor).blocks, 0);
        },
    );
}

#[test]
fn read_messages_free_blocks_for_others() {
    in_arena_of(
        |config| (config.pool_bytes, config.max_loan_bytes) = (16 << 20, 1 << 20),
        |_| {
            let pairs: Vec<_> = (0..3).map(|_| Channel::create()).collect();
            for (ours, theirs) in &pairs {
                let (sent, status) = until_refused(|| ours.reserve(1 << 20)?.commit());
                assert_eq!((sent.len(), status), (16, Status::NO_MEMORY));
                for _ in sent {
                    assert_eq!(next(theirs).bytes().len(), 1 << 20);
                }
            }
        },
    );
}

#[test]
fn first_messages_fail_without_segments() {
    in_arena_of(
        |config| (config.pool_bytes, config.max_loan_bytes) = (4096, 4096),
        |_| {
            let mut pairs: Vec<_> = (0..60).map(|_| Channel::create()).collect();
            let mut carrying = Vec::new();
            while let Some((ours, theirs)) = pairs.pop() {
                match ours.write(b"x", &mut []) {
                    Ok(()) => carrying.push((ours, theirs)),
                    Err(status) => {
                        assert_eq!(status, Status::NO_MEMORY);
                        pairs.push((ours, theirs));
                        break;
                    }
                }
            }
            assert!(!carrying.is_empty() && !pairs.is_empty());
            for (_, theirs) in &carrying {
                assert_eq!(next(theirs).bytes(), b"x");
            }
            drop(carrying);
            let (ours, theirs) = pairs.pop().unwrap();
            tell(&ours, "now there is room");
            assert_eq!(next(&theirs).bytes(), b"now there is room");
        },
    );
}

#[test]
fn oversized_messages_fail_with_no_memory() {
    in_arena_of(
        |config| config.max_loan_bytes = 1024,
        |_| {
            let (ours, theirs) = Channel::create();
            tell(&ours, [1; 1024]);
            assert_eq!(ours.write(&[1; 1025], &mut []), Err(Status::NO_MEMORY));
            assert_eq!(ours.reserve(1025).map(drop), Err(Status::OUT_OF_RANGE));
            assert_eq!(next(&theirs).bytes().len(), 1024);
        },
    );
}

#[test]
fn a_full_channel_recovers_after_reads() {
    in_arena_of(
        |config| config.max_pending_messages = 100,
        |supervisor| {
            let (ours, theirs) = Channel::create();
            for len in [1, 64, 65, 5000] {
                let (sent, status) = until_refused(|| ours.write(&vec![3; len], &mut []));
                assert_eq!((sent.len(), status), (100, Status::SHOULD_WAIT));
                let mut batch = Batch::new();
                let (read, status) = until_refused(|| theirs.read_batch(33, &mut batch));
                assert_eq!((read.iter().sum::<usize>(), status), (100, Status::SHOULD_WAIT));
            }
            let value = event().into_raw();
            let (_, status) = until_refused(|| ours.write(b"", &mut []));
            assert_eq!(status, Status::SHOULD_WAIT);
            for _ in 0..10 {
                assert_eq!(raw::channel_write(ours.raw_handle(), b"", &[value]), Err(Status::SHOULD_WAIT));
                assert_eq!(raw::check_valid(value), Ok(()));
            }
            raw::close(value).unwrap();
            assert_eq!(supervisor.inspect().in_transit, 0);
        },
    );
}
