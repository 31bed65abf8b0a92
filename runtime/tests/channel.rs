//! Channels: what can be sent, in which order it comes, what a failed write consumes, calls, loans, batches.

mod support;

use jacinth::raw::{self, Actual};
use jacinth::*;
use std::collections::BTreeSet;
use support::*;

fn bytes_of(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|index| (index * 31 + seed * 7 + len) as u8).collect()
}

fn events(count: usize) -> Vec<Handle> {
    (0..count).map(|_| event()).collect()
}

/// One side of an event pair to send, and the other to see by whether it was closed.
fn canary() -> (EventPair, Handle) {
    let (ours, theirs) = EventPair::create().unwrap();
    (ours, theirs.into())
}

fn is_closed(canary: &EventPair) -> bool {
    canary.wait(Signals::EVENTPAIR_PEER_CLOSED, MonotonicInstant::INFINITE_PAST).is_ok()
}

#[test]
fn every_size_arrives_as_it_was_sent() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create().unwrap();
        let mut message = MessageBuf::new();
        let around = |power: usize| [power - 1, power, power + 1];
        let sizes = (0..=300).chain((9..16).flat_map(|bit| around(1 << bit))).chain([65_535, 65_536]);
        for (seed, len) in sizes.enumerate() {
            let bytes = bytes_of(len, seed);
            tell(&ours, &bytes);
            theirs.read(&mut message).unwrap();
            assert_eq!((message.bytes(), message.n_handles()), (bytes.as_slice(), 0));
        }
        assert_eq!(MAX_MSG_BYTES, 65_536);
        assert_eq!(theirs.read(&mut message), Err(Status::SHOULD_WAIT));
    });
}

#[test]
fn up_to_64_handles_arrive_beside_any_size_of_bytes() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create().unwrap();
        for count in [1, 2, 7, 8, 9, 63, 64] {
            for len in [0, 1, 64, 65, 4096, 65_536] {
                let mut handles = events(count);
                let koids: Vec<Koid> = handles.iter().map(|handle| handle.koid().unwrap()).collect();
                ours.write(&bytes_of(len, count), &mut handles).unwrap();
                assert!(handles.is_empty());
                let mut message = next(&theirs);
                assert_eq!(message.bytes(), bytes_of(len, count));
                assert_eq!(message.n_handles(), count);
                for (index, koid) in koids.into_iter().enumerate() {
                    assert_eq!(message.take_handle(index).unwrap().koid(), Ok(koid));
                }
            }
        }
    });
}

#[test]
fn a_message_too_large_is_out_of_range_and_its_handles_are_gone() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create().unwrap();
        let before = objects(supervisor);
        assert_eq!(ours.write(&[0; 65_537], &mut Vec::new()), Err(Status::OUT_OF_RANGE));
        let mut handles = events(3);
        assert_eq!(ours.write(&[0; 65_537], &mut handles), Err(Status::OUT_OF_RANGE));
        assert!(handles.is_empty());
        let mut handles = events(65);
        assert_eq!(ours.write(b"", &mut handles), Err(Status::OUT_OF_RANGE));
        assert!(handles.is_empty());
        assert_eq!(objects(supervisor), before);
        assert_eq!(ours.write_batch([&[0; 65_537][..]]), Err(Status::OUT_OF_RANGE));
        assert_eq!(ours.write_batch([&b"fits"[..], &[0; 65_537][..]]), Ok(1));
        assert_eq!(next(&theirs).bytes(), b"fits");
        assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
        let mut reply = MessageBuf::new();
        assert_eq!(ours.call(FOREVER, &[0; 65_537], &mut events(1), &mut reply), Err(Status::OUT_OF_RANGE));
        assert_eq!(ours.call(FOREVER, b"\0\0\0\0", &mut events(65), &mut reply), Err(Status::OUT_OF_RANGE));
        assert_eq!(ours.call(FOREVER, b"\0\0\0", &mut events(1), &mut reply), Err(Status::INVALID_ARGS));
        assert_eq!(objects(supervisor), before);
    });
}

#[test]
fn a_buffer_too_small_gives_the_sizes_and_keeps_the_message() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create().unwrap();
        let (canary, sent) = canary();
        ours.write(&[7; 1000], &mut vec![sent, event()]).unwrap();
        let needed = Actual { bytes: 1000, handles: 2 };
        let mut handles = [None, None, None];
        let mut enough = [0; 2000];
        let too_small = Err(Status::BUFFER_TOO_SMALL);
        for (bytes, count) in [(999, 2), (2000, 1), (1000, 0), (0, 0)] {
            let read = theirs.read_raw(TooSmall::Keep, &mut enough[..bytes], &mut handles[..count]);
            assert_eq!(read, (too_small, needed));
        }
        assert!(handles.iter().all(Option::is_none) && !is_closed(&canary));
        let read = theirs.read_raw(TooSmall::Keep, &mut enough, &mut handles);
        assert_eq!(read, (Ok(()), needed));
        assert_eq!((&enough[..1000], enough[1000]), (&[7; 1000][..], 0));
        assert!(handles[0].is_some() && handles[1].is_some() && handles[2].is_none());
    });
}

#[test]
fn may_discard_drops_the_message_with_its_handles() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create().unwrap();
        let (first, sent) = canary();
        ours.write(b"too long", &mut vec![sent]).unwrap();
        let (second, sent) = canary();
        ours.write(b"", &mut vec![sent]).unwrap();
        tell(&ours, "last");
        let mut bytes = [0; 4];
        let discarded = theirs.read_raw(TooSmall::Discard, &mut bytes, &mut [None]);
        assert_eq!(discarded, (Err(Status::BUFFER_TOO_SMALL), Actual { bytes: 8, handles: 1 }));
        assert!(is_closed(&first) && !is_closed(&second));
        let discarded = theirs.read_raw(TooSmall::Discard, &mut bytes, &mut []);
        assert_eq!(discarded, (Err(Status::BUFFER_TOO_SMALL), Actual { bytes: 0, handles: 1 }));
        assert!(is_closed(&second));
        let read = theirs.read_raw(TooSmall::Discard, &mut bytes, &mut []);
        assert_eq!((read, &bytes), ((Ok(()), Actual { bytes: 4, handles: 0 }), b"last"));
        assert_eq!(supervisor.inspect().messages, 0);
    });
}

#[test]
fn a_read_tells_each_handles_type_and_rights() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create().unwrap();
        let weak = Event::create().unwrap().replace(Rights::TRANSFER | Rights::WAIT).unwrap();
        let (side, _other_side) = EventPair::create().unwrap();
        let (end, _other_end) = Channel::create().unwrap();
        ours.write(b"", &mut vec![weak.into(), side.into(), end.into()]).unwrap();
        let mut message = next(&theirs);
        let infos: Vec<_> = message.handle_infos().map(|info| (info.object_type, info.rights)).collect();
        let expected = [
            (ObjectType::EVENT, Rights::TRANSFER | Rights::WAIT),
            (ObjectType::EVENTPAIR, Rights::EVENTPAIR_DEFAULT),
            (ObjectType::CHANNEL, Rights::CHANNEL_DEFAULT),
        ];
        assert_eq!(infos, expected);
        let info = message.take_handle_info(1).unwrap();
        let basic = info.handle.basic_info().unwrap();
        assert_eq!((info.object_type, info.rights), (basic.object_type, basic.rights));
        assert!(message.take_handle(1).is_none() && message.take_handle(3).is_none());
        assert_eq!((message.n_handles(), message.handle_infos().count()), (3, 2));
    });
}

#[test]
fn at_its_limit_a_write_says_should_wait_and_consumes_nothing() {
    in_arena_of(
        |config| config.max_pending_messages = 5,
        |_| {
            let (ours, theirs) = Channel::create().unwrap();
            for number in 0..5u8 {
                tell(&ours, [number]);
            }
            let is_writable = || {
                let seen = ours.wait(Signals::CHANNEL_WRITABLE, MonotonicInstant::INFINITE_PAST);
                assert!(matches!(seen, Ok(_) | Err(Status::TIMED_OUT)), "{seen:?}");
                seen.is_ok()
            };
            for _ in 0..3 {
                assert!(!is_writable());
                let (canary, sent) = canary();
                let mut handles = vec![sent, event()];
                assert_eq!(ours.write(b"", &mut handles), Err(Status::SHOULD_WAIT));
                assert_eq!(handles.len(), 2);
                assert!(handles.iter().all(AsHandleRef::is_valid) && !is_closed(&canary));
                assert_eq!(ours.write(b"", &mut Vec::new()), Err(Status::SHOULD_WAIT));
                assert_eq!(ours.write_batch([&b""[..]]), Err(Status::SHOULD_WAIT));
                assert_eq!(ours.reserve(10).map(drop), Err(Status::SHOULD_WAIT));
                let called = ours.call(FOREVER, b"\0\0\0\0", &mut handles, &mut MessageBuf::new());
                assert_eq!((called, handles.len()), (Err(Status::SHOULD_WAIT), 2));
                assert_eq!(next(&theirs).bytes().len(), 1);
                assert!(is_writable(), "a read makes room");
                ours.write(b"!", &mut handles).unwrap();
            }
            tell(&theirs, "the other direction has its own limit");
        },
    );
}

#[test]
fn a_writer_that_waits_for_room_is_woken_by_a_read() {
    in_arena_of(
        |config| config.max_pending_messages = 2,
        |supervisor| {
            let (ours, theirs) = Channel::create().unwrap();
            tell(&ours, "1");
            tell(&ours, "2");
            std::thread::scope(|scope| {
                let writer = asleep(scope, supervisor, || ours.wait(Signals::CHANNEL_WRITABLE, FOREVER));
                next(&theirs);
                assert!(writer.join().unwrap().unwrap().contains(Signals::CHANNEL_WRITABLE));
            });
            tell(&ours, "3");
        },
    );
}

#[test]
fn by_default_at_least_5000_messages_can_be_pending_each_way() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create().unwrap();
        let limit = supervisor.config().max_pending_messages;
        assert!(limit >= 5000);
        for round in 0..3 {
            for (from, to) in [(&ours, &theirs), (&theirs, &ours)] {
                for number in 0..limit {
                    let len = if number % 100 == 0 { 500 } else { 4 };
                    let mut bytes = (number + round).to_ne_bytes().to_vec();
                    bytes.resize(len, 1);
                    tell(from, bytes);
                }
                assert_eq!(from.write(b"one more", &mut Vec::new()), Err(Status::SHOULD_WAIT));
                assert_eq!(clean(supervisor).messages, u64::from(limit));
                for number in 0..limit {
                    assert_eq!(next(to).bytes()[..4], (number + round).to_ne_bytes());
                }
                assert_eq!(to.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
            }
        }
    });
}

#[test]
fn peer_closed_comes_after_what_was_sent() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create().unwrap();
        tell(&ours, "first");
        ours.write(b"second", &mut events(1)).unwrap();
        tell(&theirs, "nobody will read this");
        drop(ours);
        let seen = theirs.wait(Signals::CHANNEL_PEER_CLOSED, FOREVER).unwrap();
        assert_eq!(seen, Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED, "not writable any more");
        let mut handles = events(1);
        assert_eq!(theirs.write(b"", &mut handles), Err(Status::PEER_CLOSED));
        assert!(handles.is_empty());
        assert_eq!(next(&theirs).bytes(), b"first");
        assert_eq!(next(&theirs).take_handle(0).map(|event| event.is_valid()), Some(true));
        let mut message = MessageBuf::new();
        assert_eq!(theirs.read(&mut message), Err(Status::PEER_CLOSED));
        let read = theirs.read_raw(TooSmall::Keep, &mut [], &mut []);
        assert_eq!(read, (Err(Status::PEER_CLOSED), Actual { bytes: 0, handles: 0 }));
        assert_eq!(theirs.read_batch(8, &mut Batch::new()), Err(Status::PEER_CLOSED));
        assert_eq!(theirs.read_in_place().map(drop), Err(Status::PEER_CLOSED));
        assert_eq!(theirs.write_batch([&b""[..]]), Err(Status::PEER_CLOSED));
        assert_eq!(theirs.reserve(1).map(drop), Err(Status::PEER_CLOSED));
        assert_eq!(theirs.call(FOREVER, b"\0\0\0\0", &mut events(1), &mut message), Err(Status::PEER_CLOSED));
    });
}

#[test]
fn a_failed_write_discards_all_its_handles() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create().unwrap();
        let before = objects(supervisor);
        let write = |values: &[u32]| raw::channel_write(ours.raw_handle(), b"x", values);
        let weak =
            || Event::create().unwrap().replace(Rights::EVENT_DEFAULT - Rights::TRANSFER).unwrap().into_raw();
        let open = || event().into_raw();

        for position in 0..3 {
            let mut values = vec![open(), open()];
            values.insert(position, weak());
            assert_eq!(write(&values), Err(Status::ACCESS_DENIED), "no TRANSFER at {position}");
            values.retain(|value| raw::check_valid(*value).is_ok());
            assert_eq!(values, []);
        }
        for position in 0..3 {
            let mut values = vec![open(), open(), open()];
            raw::close(values[position]).unwrap();
            assert_eq!(write(&values), Err(Status::BAD_HANDLE), "a closed one at {position}");
            values.retain(|value| raw::check_valid(*value).is_ok());
            assert_eq!(values, []);
        }
        let (a, b) = (open(), open());
        assert_eq!(write(&[a, 0, b]), Err(Status::BAD_HANDLE), "the invalid handle");
        assert_eq!(
            (raw::check_valid(a), raw::check_valid(b)),
            (Err(Status::BAD_HANDLE), Err(Status::BAD_HANDLE))
        );
        let twice = open();
        assert_eq!(write(&[open(), twice, open(), twice]), Err(Status::BAD_HANDLE), "one twice");
        assert_eq!(objects(supervisor), before);
        assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT), "nothing was sent");

        let event_value = open();
        assert_eq!(raw::channel_write(event_value, b"", &[open()]), Err(Status::WRONG_TYPE));
        assert_eq!(raw::channel_write(0, b"", &[open(), open()]), Err(Status::BAD_HANDLE));
        raw::close(event_value).unwrap();
        assert_eq!(objects(supervisor), before);
    });
}

#[test]
fn a_channel_end_cannot_be_written_into_itself() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create().unwrap();
        let (canary, sent) = canary();
        let itself = ours.raw_handle();
        assert_eq!(raw::channel_write(itself, b"", &[sent.into_raw(), itself]), Err(Status::NOT_SUPPORTED));
        assert!(is_closed(&canary));
        assert_eq!(raw::check_valid(itself), Err(Status::BAD_HANDLE), "consumed like the others");
        std::mem::forget(ours);
        assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::PEER_CLOSED));
    });
}

#[test]
fn messages_from_before_a_hand_over_come_before_those_after() {
    in_arena(|_| {
        let (carrier, far) = Channel::create().unwrap();
        let (mut writer, mut reader) = Channel::create().unwrap();
        let mut number = 0u32;
        let mut expected = 0u32;
        for round in 0..40 {
            for _ in 0..round * 3 {
                let mut bytes = number.to_ne_bytes().to_vec();
                bytes.resize(4 + (number as usize * 37) % 300, 0);
                let mut handles = if number.is_multiple_of(7) { events(1) } else { Vec::new() };
                writer.write(&bytes, &mut handles).unwrap();
                number += 1;
            }
            for _ in 0..round {
                let message = next(&reader);
                assert_eq!(message.bytes()[..4], expected.to_ne_bytes());
                assert_eq!(message.n_handles(), usize::from(expected.is_multiple_of(7)));
                expected += 1;
            }
            carrier.write(b"", &mut vec![writer.into(), reader.into()]).unwrap();
            let mut message = next(&far);
            writer = message.take_handle(0).unwrap().into();
            reader = message.take_handle(1).unwrap().into();
        }
        while expected < number {
            assert_eq!(next(&reader).bytes()[..4], expected.to_ne_bytes());
            expected += 1;
        }
    });
}

/// A server that collects requests until `count` are there and answers them in the order that `shuffle` makes.
fn serve(server: &Channel, count: usize, shuffle: impl FnOnce(&mut Vec<MessageBuf>)) {
    let mut requests: Vec<_> = (0..count).map(|_| next(server)).collect();
    shuffle(&mut requests);
    for mut request in requests {
        let mut handles = request.take_handle(0).into_iter().collect();
        server.write(request.bytes(), &mut handles).unwrap();
    }
}

#[test]
fn many_threads_call_at_once_and_each_gets_its_own_reply_in_any_order() {
    in_arena(|_| {
        let (client, server) = Channel::create().unwrap();
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
                        assert!(handles.is_empty());
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
fn messages_that_answer_no_call_stay_for_ordinary_reads_in_order() {
    in_arena(|supervisor| {
        let (client, server) = Channel::create().unwrap();
        std::thread::scope(|scope| {
            let mut reply = MessageBuf::new();
            let calling = asleep(scope, supervisor, || {
                client.call(FOREVER, b"\0\0\0\0?", &mut Vec::new(), &mut reply).map(|()| reply)
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
fn after_a_call_timed_out_its_late_reply_is_an_ordinary_message() {
    in_arena(|_| {
        let (client, server) = Channel::create().unwrap();
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
            let seen = client.wait(Signals::CHANNEL_READABLE, FOREVER).unwrap();
            assert!(seen.contains(Signals::CHANNEL_READABLE));
            client.read(&mut reply).unwrap();
            assert_eq!(reply.bytes(), request.bytes());
        }
    });
}

#[test]
fn a_call_ends_when_its_handle_is_closed_or_sent_away_or_its_peer_closes() {
    in_arena(|supervisor| {
        let (carrier, _far) = Channel::create().unwrap();
        let close = |value: u32| raw::close(value).unwrap();
        let send_away = |value: u32| raw::channel_write(carrier.raw_handle(), b"", &[value]).unwrap();
        let ends: [(&dyn Fn(u32), Status); 2] = [(&close, Status::CANCELED), (&send_away, Status::CANCELED)];
        for (end, status) in ends {
            let (client, server) = Channel::create().unwrap();
            let value = client.raw_handle();
            std::thread::scope(|scope| {
                let calling = asleep(scope, supervisor, || {
                    client.call(FOREVER, b"\0\0\0\0?", &mut Vec::new(), &mut MessageBuf::new())
                });
                next(&server);
                end(value);
                assert_eq!(calling.join().unwrap(), Err(status));
            });
            std::mem::forget(client);
        }
        let (client, server) = Channel::create().unwrap();
        std::thread::scope(|scope| {
            let calling = asleep(scope, supervisor, || {
                client.call(FOREVER, b"\0\0\0\0?", &mut Vec::new(), &mut MessageBuf::new())
            });
            next(&server);
            drop(server);
            assert_eq!(calling.join().unwrap(), Err(Status::PEER_CLOSED));
        });
    });
}

#[test]
fn a_reply_sent_before_the_peer_closed_is_still_the_calls() {
    in_arena(|supervisor| {
        let (client, server) = Channel::create().unwrap();
        std::thread::scope(|scope| {
            let mut reply = MessageBuf::new();
            let calling = asleep(scope, supervisor, || {
                client.call(FOREVER, b"\0\0\0\0?", &mut Vec::new(), &mut reply).map(|()| reply)
            });
            let request = next(&server);
            tell(&server, request.bytes());
            drop(server);
            assert_eq!(&calling.join().unwrap().unwrap().bytes()[4..], b"?");
        });
    });
}

#[test]
fn loans_are_sent_as_they_were_filled_in_the_order_of_their_commits() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create().unwrap();
        let mut loans: Vec<_> = [1usize << 20, 1, 100_000, 0]
            .into_iter()
            .map(|len| {
                let mut loan = ours.reserve(len).unwrap();
                assert_eq!((loan.len(), loan.is_empty()), (len, len == 0));
                loan.write_at(0, &bytes_of(len, 1)).unwrap();
                assert_eq!(loan.write_at(len, b"x"), Err(Status::OUT_OF_RANGE));
                assert_eq!(loan.write_at(usize::MAX, b"x"), Err(Status::OUT_OF_RANGE));
                loan
            })
            .collect();
        tell(&ours, "before any of them");
        while let Some(loan) = loans.pop() {
            loan.commit().unwrap();
        }
        assert_eq!(next(&theirs).bytes(), b"before any of them");
        for len in [0, 100_000, 1, 1 << 20] {
            assert_eq!(next(&theirs).bytes(), bytes_of(len, 1));
        }
    });
}

#[test]
fn a_loan_that_is_dropped_sends_nothing_and_costs_nothing() {
    in_arena_of(
        |config| (config.pool_bytes, config.max_loan_bytes) = (4 << 20, 1 << 20),
        |_| {
            let (ours, theirs) = Channel::create().unwrap();
            for _ in 0..100 {
                drop(ours.reserve(1 << 20).unwrap());
            }
            let four = [(); 4].map(|()| ours.reserve(1 << 20).unwrap());
            assert_eq!(ours.reserve(1 << 20).map(drop), Err(Status::NO_MEMORY), "the pool holds four");
            drop(four);
            assert_eq!(ours.reserve((1 << 20) + 1).map(drop), Err(Status::OUT_OF_RANGE));
            assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
            ours.reserve(1 << 20).unwrap().commit().unwrap();
            assert_eq!(next(&theirs).bytes().len(), 1 << 20);
        },
    );
}

#[test]
fn several_messages_are_read_in_place_at_once_and_consumed_in_any_order() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create().unwrap();
        for round in 0..20usize {
            let count = 12;
            for number in 0..count {
                let mut handles = if number % 4 == 1 { events(2) } else { Vec::new() };
                ours.write(&bytes_of(number * 100, round), &mut handles).unwrap();
            }
            let mut held: Vec<_> =
                (0..count - 2).map(|number| (number, theirs.read_in_place().unwrap())).collect();
            assert_eq!(next(&theirs).bytes(), bytes_of((count - 2) * 100, round), "reads go on after them");
            fastrand::Rng::with_seed(round as u64).shuffle(&mut held);
            for (number, message) in held {
                assert_eq!(message.len(), number * 100);
                assert_eq!(message.n_handles(), if number % 4 == 1 { 2 } else { 0 });
                let mut bytes = vec![0; message.len()];
                message.read_at(0, &mut bytes).unwrap();
                assert_eq!(bytes, bytes_of(number * 100, round));
                assert_eq!(message.read_at(1, &mut bytes), Err(Status::OUT_OF_RANGE));
                if number % 2 == 0 {
                    drop(message);
                } else {
                    let handles = message.finish().unwrap();
                    assert!(handles.iter().all(|info| info.object_type == ObjectType::EVENT));
                    assert_eq!(handles.len(), if number % 4 == 1 { 2 } else { 0 });
                }
            }
            assert_eq!(next(&theirs).bytes(), bytes_of((count - 1) * 100, round));
            assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
            assert_eq!(objects(supervisor), 1, "handles of dropped messages are closed");
        }
    });
}

#[test]
fn an_end_that_leaves_while_messages_are_read_in_place_takes_the_unread_ones_along() {
    in_arena(|_| {
        let (carrier, far) = Channel::create().unwrap();
        let (ours, theirs) = Channel::create().unwrap();
        for number in 0..6u8 {
            tell(&ours, [number; 200]);
        }
        let mut held: Vec<_> = (0..5).map(|_| theirs.read_in_place().unwrap()).collect();
        drop(held.remove(3));
        assert_eq!(held.remove(1).finish().map(drop), Ok(()));
        raw::channel_write(carrier.raw_handle(), b"", &[theirs.raw_handle()]).unwrap();
        for message in held {
            assert_eq!(message.read_at(0, &mut [0]), Err(Status::BAD_HANDLE));
            assert_eq!(message.finish().map(drop), Err(Status::BAD_HANDLE), "it is no longer this reader's");
        }
        std::mem::forget(theirs);
        let theirs = Channel::from(next(&far).take_handle(0).unwrap());
        for number in [0u8, 2, 4, 5] {
            assert_eq!(next(&theirs).bytes(), [number; 200]);
        }
        assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
    });
}

#[test]
fn a_reply_that_comes_after_its_channel_was_sent_away_is_an_ordinary_message() {
    in_arena(|supervisor| {
        let (carrier, far) = Channel::create().unwrap();
        let (client, server) = Channel::create().unwrap();
        let request = std::thread::scope(|scope| {
            let calling = asleep(scope, supervisor, || {
                client.call(FOREVER, b"\0\0\0\0?", &mut Vec::new(), &mut MessageBuf::new())
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

#[test]
fn a_batch_arrives_like_messages_written_one_by_one() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create().unwrap();
        let messages: Vec<Vec<u8>> = (0..100).map(|number| bytes_of(number * 9, number)).collect();
        let mut sent = 0;
        let mut received = Vec::new();
        let mut batch = Batch::new();
        while received.len() < messages.len() {
            if sent < messages.len() {
                let wrote = ours.write_batch(messages[sent..].iter().map(Vec::as_slice)).unwrap();
                assert!(wrote > 0);
                sent += wrote;
            }
            assert_eq!(theirs.read_batch(0, &mut batch), Ok(0));
            let read = theirs.read_batch(7, &mut batch).unwrap();
            assert!((1..=7).contains(&read) && read == batch.len());
            received.extend(batch.iter().map(<[u8]>::to_vec));
        }
        assert_eq!(received, messages);
        assert_eq!(theirs.read_batch(7, &mut batch), Err(Status::SHOULD_WAIT));
        assert!(batch.is_empty(), "what it held is gone");
    });
}

#[test]
fn a_batch_read_stops_before_a_message_with_handles() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create().unwrap();
        tell(&ours, "one");
        tell(&ours, "two");
        ours.write(b"with a handle", &mut events(1)).unwrap();
        tell(&ours, "three");
        let mut batch = Batch::new();
        assert_eq!(theirs.read_batch(10, &mut batch), Ok(2));
        assert_eq!(theirs.read_batch(10, &mut batch), Err(Status::NOT_SUPPORTED));
        assert_eq!(next(&theirs).n_handles(), 1);
        assert_eq!(theirs.read_batch(10, &mut batch), Ok(1));
        assert!(batch.iter().eq([b"three"]));
    });
}

#[test]
fn what_a_closed_channel_held_dies_with_it_to_any_depth() {
    in_arena(|supervisor| {
        let depth = 1000;
        let (canary, sent) = canary();
        let (mut inner, inner_far) = Channel::create().unwrap();
        inner.write(b"the innermost", &mut vec![sent]).unwrap();
        let mut inner_far = Handle::from(inner_far);
        for _ in 1..depth {
            let (outer, outer_far) = Channel::create().unwrap();
            outer.write(b"", &mut vec![inner.into(), inner_far]).unwrap();
            (inner, inner_far) = (outer, outer_far.into());
        }
        assert_eq!(objects(supervisor), depth + 1);
        let (ours, theirs) = Channel::create().unwrap();
        ours.write(b"", &mut vec![inner.into(), inner_far]).unwrap();
        assert_eq!(objects(supervisor), depth + 2);
        assert!(!is_closed(&canary));
        // A thread with hardly any stack: nothing of this recurses.
        std::thread::Builder::new().stack_size(64 << 10).spawn(move || drop(theirs)).unwrap().join().unwrap();
        assert!(is_closed(&canary));
        assert_eq!(objects(supervisor), 2, "one end of the outermost is left, and the canary");
        assert_eq!(clean(supervisor).in_transit, 0);
    });
}

#[test]
fn a_handle_in_transit_is_nobodys_and_keeps_its_object() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create().unwrap();
        let (canary, sent) = canary();
        let value = sent.raw_handle();
        ours.write(b"", &mut vec![sent]).unwrap();
        assert_eq!(raw::close(value), Err(Status::BAD_HANDLE));
        let inside = supervisor.inspect();
        assert_eq!((inside.in_transit, inside.handles), (1, 3));
        assert!(!is_closed(&canary));
        drop(ours);
        assert!(!is_closed(&canary), "the message outlives its sender");
        assert_eq!(next(&theirs).n_handles(), 1);
        assert!(is_closed(&canary), "read, and dropped with the buffer");
    });
}

#[test]
fn both_threads_of_a_busy_channel_get_every_message_in_order() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create().unwrap();
        let count = 100_000u32;
        std::thread::scope(|scope| {
            for (from, to) in [(&ours, &theirs), (&theirs, &ours)] {
                scope.spawn(move || {
                    for number in 0..count {
                        let bytes = number.to_ne_bytes().repeat(1 + number as usize % 40);
                        while let Err(status) = from.write(&bytes, &mut Vec::new()) {
                            assert_eq!(status, Status::SHOULD_WAIT);
                            from.wait(Signals::CHANNEL_WRITABLE, FOREVER).unwrap();
                        }
                    }
                });
                scope.spawn(move || {
                    for number in 0..count {
                        let message = next(to);
                        assert_eq!(message.bytes(), number.to_ne_bytes().repeat(1 + number as usize % 40));
                    }
                });
            }
        });
    });
}
