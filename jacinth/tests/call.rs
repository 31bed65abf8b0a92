//! Calls: whose a reply is, and what ends a call without one.

mod support;

use jacinth::*;
use std::collections::BTreeSet;
use support::*;

fn serve(server: &Channel, count: usize, shuffle: impl FnOnce(&mut Vec<MessageBuf>)) {
    let mut requests: Vec<_> = (0..count).map(|_| next(server)).collect();
    shuffle(&mut requests);
    for mut request in requests {
        let mut handles = request.take_handles();
        server.write(request.bytes(), &mut handles).unwrap();
    }
}

#[test]
fn concurrent_calls_get_their_own_replies() {
    in_arena(|_| {
        let (client, server) = Channel::create();
        let (threads, rounds) = (8, 60);
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let client = &client;
                scope.spawn(move || {
                    let mut reply = MessageBuf::new();
                    for round in 0..rounds {
                        let text = format!("\0\0\0\0thread {thread}, round {round}");
                        let (mut handles, koid) = match (thread + round) % 3 {
                            0 => {
                                let event = event();
                                let koid = event.koid().unwrap();
                                (vec![event], Some(koid))
                            }
                            _ => (Vec::new(), None),
                        };
                        client.call(FOREVER, text.as_bytes(), &mut handles, &mut reply).unwrap();
                        assert!(handles.iter().all(NullableHandle::is_invalid));
                        assert_eq!(&reply.bytes()[4..], &text.as_bytes()[4..]);
                        let back = reply.take_handle(0).map(|event| event.koid().unwrap());
                        assert_eq!(back, koid);
                    }
                });
            }
            let mut random = fastrand::Rng::with_seed(1);
            for _ in 0..rounds {
                // All threads are in a call now: no two of their ids are equal, and all are the kernel's.
                serve(&server, threads, |requests| {
                    let id =
                        |request: &MessageBuf| u32::from_ne_bytes(request.bytes()[..4].try_into().unwrap());
                    let ids: BTreeSet<u32> = requests.iter().map(id).collect();
                    assert_eq!(ids.len(), threads);
                    assert!(ids.first().is_some_and(|id| *id >= 0x8000_0000));
                    random.shuffle(requests);
                });
            }
        });
        assert_eq!(client.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT), "nothing is left over");
    });
}

#[test]
fn unrelated_messages_stay_for_ordinary_reads() {
    in_arena(|supervisor| {
        let (client, server) = Channel::create();
        std::thread::scope(|scope| {
            let mut reply = MessageBuf::new();
            let calling = asleep(scope, supervisor, || {
                client.call(FOREVER, b"\0\0\0\0?", &mut [], &mut reply).map(|()| reply)
            });
            let request = next(&server);
            tell(&server, "\0\0\0\0one");
            tell(&server, "two");
            assert_eq!(next(&client).bytes(), b"\0\0\0\0one", "others read on while a call waits");
            tell(&server, request.bytes());
            tell(&server, "three");
            assert_eq!(&calling.join().unwrap().unwrap().bytes()[4..], b"?");
        });
        assert_eq!(next(&client).bytes(), b"two");
        assert_eq!(next(&client).bytes(), b"three");
        assert_eq!(client.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
    });
}

#[test]
fn late_replies_become_ordinary_messages() {
    in_arena(|_| {
        let (client, server) = Channel::create();
        let mut reply = MessageBuf::new();
        let soon = MonotonicInstant::after(MonotonicDuration::from_millis(5));
        for deadline in [MonotonicInstant::INFINITE_PAST, MonotonicInstant::ZERO, soon] {
            let called = client.call(deadline, b"\0\0\0\0late", &mut events(1), &mut reply);
            assert_eq!(called, Err(Status::TIMED_OUT));
        }
        assert_eq!(client.read(&mut reply), Err(Status::SHOULD_WAIT));
        for _ in 0..3 {
            let request = next(&server);
            assert_eq!((&request.bytes()[4..], request.n_handles()), (&b"late"[..], 1));
            tell(&server, request.bytes());
            let seen = client.wait_one(Signals::CHANNEL_READABLE, FOREVER).unwrap();
            assert!(seen.contains(Signals::CHANNEL_READABLE));
            client.read(&mut reply).unwrap();
            assert_eq!(reply.bytes(), request.bytes());
        }
    });
}

#[test]
fn close_transfer_or_peer_close_ends_calls() {
    in_arena(|supervisor| {
        let (carrier, _far) = Channel::create();
        let close = |value: u32| raw::close(value).unwrap();
        let send_away = |value: u32| raw::channel_write(carrier.raw_handle(), b"", &[value]).unwrap();
        let ends: [(&dyn Fn(u32), Status); 2] = [(&close, Status::CANCELED), (&send_away, Status::CANCELED)];
        for (end, status) in ends {
            let (client, server) = Channel::create();
            let value = client.raw_handle();
            std::thread::scope(|scope| {
                let calling = asleep(scope, supervisor, || {
                    client.call(FOREVER, b"\0\0\0\0?", &mut [], &mut MessageBuf::new())
                });
                next(&server);
                end(value);
                assert_eq!(calling.join().unwrap(), Err(status));
            });
            std::mem::forget(client);
        }
        let (client, server) = Channel::create();
        std::thread::scope(|scope| {
            let calling = asleep(scope, supervisor, || {
                client.call(FOREVER, b"\0\0\0\0?", &mut [], &mut MessageBuf::new())
            });
            next(&server);
            drop(server);
            assert_eq!(calling.join().unwrap(), Err(Status::PEER_CLOSED));
        });
    });
}

#[test]
fn a_reply_before_peer_close_arrives() {
    in_arena(|supervisor| {
        let (client, server) = Channel::create();
        std::thread::scope(|scope| {
            let mut reply = MessageBuf::new();
            let calling = asleep(scope, supervisor, || {
                client.call(FOREVER, b"\0\0\0\0?", &mut [], &mut reply).map(|()| reply)
            });
            let request = next(&server);
            tell(&server, request.bytes());
            drop(server);
            assert_eq!(&calling.join().unwrap().unwrap().bytes()[4..], b"?");
        });
    });
}

#[test]
fn replies_after_transfer_become_ordinary_messages() {
    in_arena(|supervisor| {
        let (carrier, far) = Channel::create();
        let (client, server) = Channel::create();
        let request = std::thread::scope(|scope| {
            let calling = asleep(scope, supervisor, || {
                client.call(FOREVER, b"\0\0\0\0?", &mut [], &mut MessageBuf::new())
            });
            let request = next(&server);
            raw::channel_write(carrier.raw_handle(), b"", &[client.raw_handle()]).unwrap();
            assert_eq!(calling.join().unwrap(), Err(Status::CANCELED));
            request
        });
        std::mem::forget(client);
        tell(&server, request.bytes());
        let client = Channel::from(next(&far).take_handle(0).unwrap());
        assert_eq!(next(&client).bytes(), request.bytes());
        tell(&client, "works");
        assert_eq!(next(&server).bytes(), b"works");
    });
}

/// Ids count up, so a peer can guess the next one. A message that was there before the call, or that is being read in
/// place, answers no call all the same.
#[test]
fn guessed_ids_answer_no_call() {
    in_arena(|_| {
        let (client, server) = Channel::create();
        let mut reply = MessageBuf::new();
        let mut call_without_answer = || {
            let called = client.call(MonotonicInstant::INFINITE_PAST, b"\0\0\0\0", &mut [], &mut reply);
            assert_eq!(called, Err(Status::TIMED_OUT));
            u32::from_ne_bytes(next(&server).bytes().try_into().unwrap())
        };
        let guess = |last: u32| (0x8000_0000 | ((last & 0x7fff_ffff) + 1)).to_ne_bytes();
        let last = call_without_answer();
        server.write(&guess(last), &mut events(1)).unwrap();
        let reading = client.read_in_place().unwrap();
        let last = call_without_answer();
        assert_eq!(reading.finish().unwrap().len(), 1);
        server.write(&guess(last), &mut events(1)).unwrap();
        call_without_answer();
        assert_eq!(next(&client).n_handles(), 1);
        assert_eq!(client.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
    });
}
