//! Channels: what can be sent, in which order it comes, what a failed write consumes.

mod support;

use jacinth::raw;
use jacinth::*;
use support::*;

#[test]
fn every_message_size_arrives_unchanged() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
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
fn messages_carry_up_to_64_handles() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        for count in [1, 2, 7, 8, 9, 63, 64] {
            for len in [0, 1, 64, 65, 4096, 65_536] {
                let mut handles = events(count);
                let koids: Vec<Koid> = handles.iter().map(|handle| handle.koid().unwrap()).collect();
                ours.write(&bytes_of(len, count), &mut handles).unwrap();
                assert!(handles.iter().all(NullableHandle::is_invalid));
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
fn oversized_messages_fail_and_discard_their_handles() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
        let before = objects(supervisor);
        let refused = ours.write(&[0; 65_537], &mut []).unwrap_err();
        assert_eq!(refused, Status::OUT_OF_RANGE);
        let detail = refused.detail().unwrap();
        assert!(detail.contains("65537") && detail.contains("65536"), "it names the limit: {detail}");
        let mut handles = events(3);
        assert_eq!(ours.write(&[0; 65_537], &mut handles), Err(Status::OUT_OF_RANGE));
        assert!(handles.iter().all(NullableHandle::is_invalid));
        for too_many in [65, 66, 200] {
            let mut handles = events(too_many);
            assert_eq!(ours.write(b"", &mut handles), Err(Status::OUT_OF_RANGE));
            assert!(handles.iter().all(NullableHandle::is_invalid));
            let moved = events(too_many).into_iter().map(HandleOp::Move);
            let any = (ObjectType::NONE, Rights::SAME_RIGHTS, Status::OK);
            let mut handles: Vec<_> =
                moved.map(|op| HandleDisposition::new(op, any.0, any.1, any.2)).collect();
            assert_eq!(ours.write_etc(b"", &mut handles), Err(Status::OUT_OF_RANGE));
            assert!(handles.iter().all(|handle| handle.raw_handle() == raw::INVALID));
        }
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
fn too_small_buffers_keep_the_message() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        let (canary, sent) = canary();
        ours.write(&[7; 1000], &mut [sent, event()]).unwrap();
        let mut handles = [const { NullableHandle::invalid() }; 3];
        let mut enough = [0; 2000];
        let too_small = ChannelReadResult::BufferTooSmall { bytes_avail: 1000, handles_avail: 2 };
        for (bytes, count) in [(999, 2), (2000, 1), (1000, 0), (0, 0)] {
            let read = theirs.read_into(OnOverflow::Keep, &mut enough[..bytes], &mut handles[..count]);
            assert_eq!(read, too_small);
        }
        assert!(handles.iter().all(NullableHandle::is_invalid) && !is_closed(&canary));
        let read = theirs.read_into(OnOverflow::Keep, &mut enough, &mut handles);
        assert_eq!(read.unwrap(), (1000, 2));
        assert_eq!((&enough[..1000], enough[1000]), (&[7; 1000][..], 0));
        assert_eq!(handles.each_ref().map(NullableHandle::is_invalid), [false, false, true]);
    });
}

#[test]
fn may_discard_drops_message_and_handles() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
        let (first, sent) = canary();
        ours.write(b"too long", &mut [sent]).unwrap();
        let (second, sent) = canary();
        ours.write(b"", &mut [sent]).unwrap();
        tell(&ours, "last");
        let mut bytes = [0; 4];
        let discarded = theirs.read_into(OnOverflow::Discard, &mut bytes, &mut [NullableHandle::invalid()]);
        assert_eq!(discarded, ChannelReadResult::BufferTooSmall { bytes_avail: 8, handles_avail: 1 });
        assert!(is_closed(&first) && !is_closed(&second));
        let discarded = theirs.read_into(OnOverflow::Discard, &mut bytes, &mut []);
        assert_eq!(discarded, ChannelReadResult::BufferTooSmall { bytes_avail: 0, handles_avail: 1 });
        assert!(is_closed(&second));
        let read = theirs.read_into(OnOverflow::Discard, &mut bytes, &mut []);
        assert_eq!((read.unwrap(), &bytes), ((4, 0), b"last"));
        assert_eq!(supervisor.inspect().messages, 0);
    });
}

#[test]
fn a_read_tells_handle_types_and_rights() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        let weak = Event::create().replace(Rights::TRANSFER | Rights::WAIT).unwrap();
        let (side, _other_side) = EventPair::create();
        let (end, _other_end) = Channel::create();
        ours.write(b"", &mut [weak.into(), side.into(), end.into()]).unwrap();
        let mut message = MessageBufEtc::new();
        theirs.read_etc(&mut message).unwrap();
        let infos: Vec<_> =
            message.handle_infos().iter().map(|info| (info.object_type, info.rights)).collect();
        let expected = [
            (ObjectType::EVENT, Rights::TRANSFER | Rights::WAIT),
            (ObjectType::EVENTPAIR, Rights::EVENTPAIR_DEFAULT),
            (ObjectType::CHANNEL, Rights::CHANNEL_DEFAULT),
        ];
        assert_eq!(infos, expected);
        let info = message.take_handle_info(1).unwrap();
        let basic = info.handle.basic_info().unwrap();
        assert_eq!((info.object_type, info.rights), (basic.object_type, basic.rights));
        assert!(message.take_handle_info(1).is_none() && message.take_handle_info(3).is_none());
        assert_eq!((message.n_handle_infos(), message.take_handle_infos().len()), (3, 2));
    });
}

#[test]
fn a_full_channel_refuses_and_consumes_nothing() {
    in_arena_of(
        |config| config.max_pending_messages = 5,
        |_| {
            let (ours, theirs) = Channel::create();
            for number in 0..5u8 {
                tell(&ours, [number]);
            }
            let is_writable = || {
                let seen =
                    ours.wait_one(Signals::CHANNEL_WRITABLE, MonotonicInstant::INFINITE_PAST).to_result();
                assert!(matches!(seen, Ok(_) | Err(Status::TIMED_OUT)), "{seen:?}");
                seen.is_ok()
            };
            for _ in 0..3 {
                assert!(!is_writable());
                let (canary, sent) = canary();
                let mut handles = vec![sent, event()];
                assert_eq!(ours.write(b"", &mut handles), Err(Status::SHOULD_WAIT));
                assert!(handles.iter().all(|handle| handle.koid().is_ok()) && !is_closed(&canary));
                assert_eq!(ours.write(b"", &mut []), Err(Status::SHOULD_WAIT));
                assert_eq!(ours.write_batch([&b""[..]]), Err(Status::SHOULD_WAIT));
                assert_eq!(ours.reserve(10).map(drop), Err(Status::SHOULD_WAIT));
                let called = ours.call(FOREVER, b"\0\0\0\0", &mut handles, &mut MessageBuf::new());
                assert_eq!(called, Err(Status::SHOULD_WAIT));
                assert!(!handles.iter().any(NullableHandle::is_invalid));
                assert_eq!(next(&theirs).bytes().len(), 1);
                assert!(is_writable(), "a read makes room");
                ours.write(b"!", &mut handles).unwrap();
            }
            tell(&theirs, "the other direction has its own limit");
        },
    );
}

/// The queue of a new channel is small, and grows.
#[test]
fn a_batch_is_written_until_full() {
    in_arena(|_| {
        for (most, len) in [(150, 40), (150, 3000), (1000, 40)] {
            let (ours, theirs) =
                Channel::create_with(ChannelOptions::new().max_pending_messages(most)).unwrap();
            let messages: Vec<Vec<u8>> = (0..most as usize + 70)
                .map(|number| number.to_ne_bytes().into_iter().cycle().take(len).collect())
                .collect();
            for _ in 0..3 {
                assert_eq!(ours.write_batch(messages.iter().map(Vec::as_slice)), Ok(most as usize));
                assert_eq!(ours.write_batch([&b""[..]]), Err(Status::SHOULD_WAIT));
                for message in &messages[..most as usize] {
                    assert_eq!(next(&theirs).bytes(), message);
                }
                assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
            }
        }
    });
}

#[test]
fn a_read_wakes_a_waiting_writer() {
    in_arena_of(
        |config| config.max_pending_messages = 2,
        |supervisor| {
            let (ours, theirs) = Channel::create();
            tell(&ours, "1");
            tell(&ours, "2");
            std::thread::scope(|scope| {
                let writer = asleep(scope, supervisor, || {
                    ours.wait_one(Signals::CHANNEL_WRITABLE, FOREVER).to_result()
                });
                next(&theirs);
                assert!(writer.join().unwrap().unwrap().contains(Signals::CHANNEL_WRITABLE));
            });
            tell(&ours, "3");
        },
    );
}

#[test]
fn each_way_holds_5000_messages_by_default() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
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
                assert_eq!(from.write(b"one more", &mut []), Err(Status::SHOULD_WAIT));
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
fn pending_messages_are_read_before_peer_closed() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        tell(&ours, "first");
        ours.write(b"second", &mut events(1)).unwrap();
        tell(&theirs, "nobody will read this");
        drop(ours);
        let seen = theirs.wait_one(Signals::CHANNEL_PEER_CLOSED, FOREVER).unwrap();
        assert_eq!(seen, Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED, "not writable any more");
        let mut handles = events(1);
        assert_eq!(theirs.write(b"", &mut handles), Err(Status::PEER_CLOSED));
        assert!(handles.iter().all(NullableHandle::is_invalid));
        assert_eq!(next(&theirs).bytes(), b"first");
        assert_eq!(
            next(&theirs).take_handle(0).map(|event| raw::check_valid(event.raw_handle()).is_ok()),
            Some(true)
        );
        let mut message = MessageBuf::new();
        assert_eq!(theirs.read(&mut message), Err(Status::PEER_CLOSED));
        let read = theirs.read_into(OnOverflow::Keep, &mut [], &mut []);
        assert_eq!(read, ChannelReadResult::Err(Status::PEER_CLOSED));
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
        let (ours, theirs) = Channel::create();
        let before = objects(supervisor);
        let write = |values: &[u32]| raw::channel_write(ours.raw_handle(), b"x", values);
        let weak = || Event::create().replace(Rights::EVENT_DEFAULT - Rights::TRANSFER).unwrap().into_raw();
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
fn an_end_cannot_carry_itself() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        let (canary, sent) = canary();
        let itself = ours.raw_handle();
        assert_eq!(raw::channel_write(itself, b"", &[sent.into_raw(), itself]), Err(Status::NOT_SUPPORTED));
        assert!(Status::NOT_SUPPORTED.detail().unwrap().contains("written into itself"));
        assert!(is_closed(&canary));
        assert_eq!(raw::check_valid(itself), Err(Status::BAD_HANDLE), "consumed like the others");
        std::mem::forget(ours);
        assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::PEER_CLOSED));
    });
}

#[test]
fn messages_stay_ordered_across_a_transfer() {
    in_arena(|_| {
        let (carrier, far) = Channel::create();
        let (mut writer, mut reader) = Channel::create();
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
            carrier.write(b"", &mut [writer.into(), reader.into()]).unwrap();
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

#[test]
fn closing_a_channel_ends_nested_channels() {
    in_arena(|supervisor| {
        let depth = 1000;
        let (canary, sent) = canary();
        let (mut inner, inner_far) = Channel::create();
        inner.write(b"the innermost", &mut [sent]).unwrap();
        let mut inner_far = NullableHandle::from(inner_far);
        for _ in 1..depth {
            let (outer, outer_far) = Channel::create();
            outer.write(b"", &mut [inner.into(), inner_far]).unwrap();
            (inner, inner_far) = (outer, outer_far.into());
        }
        assert_eq!(objects(supervisor), depth + 1);
        let (ours, theirs) = Channel::create();
        ours.write(b"", &mut [inner.into(), inner_far]).unwrap();
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
fn a_handle_in_transit_keeps_its_object() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
        let (canary, sent) = canary();
        let value = sent.raw_handle();
        ours.write(b"", &mut [sent]).unwrap();
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
fn busy_channels_deliver_both_ways_in_order() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        let count = 100_000u32;
        std::thread::scope(|scope| {
            for (from, to) in [(&ours, &theirs), (&theirs, &ours)] {
                scope.spawn(move || {
                    for number in 0..count {
                        let bytes = number.to_ne_bytes().repeat(1 + number as usize % 40);
                        while let Err(status) = from.write(&bytes, &mut []) {
                            assert_eq!(status, Status::SHOULD_WAIT);
                            from.wait_one(Signals::CHANNEL_WRITABLE, FOREVER).unwrap();
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

/// Writes many large messages and reads them.
fn burst(ours: &Channel, theirs: &Channel) {
    (0..2000).for_each(|_| ours.write(&[1; 4000], &mut []).unwrap());
    (0..2000).for_each(|_| assert_eq!(next(theirs).bytes().len(), 4000));
}

#[test]
fn channels_return_burst_memory_unasked() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
        burst(&ours, &theirs);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while supervisor.inspect().blocks > 1 {
            assert!(std::time::Instant::now() < deadline, "{}", supervisor.inspect());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    });
}

#[test]
fn collecting_frees_the_blocks_of_quiet_channels() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
        burst(&ours, &theirs);
        supervisor.collect().unwrap();
        assert_eq!(supervisor.audit().blocks, 1);
    });
}
