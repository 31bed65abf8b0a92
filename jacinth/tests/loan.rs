//! Messages that are filled and read in place, and messages in batches.

mod support;

use jacinth::raw;
use jacinth::*;
use std::io::Write;
use support::*;

#[test]
fn loans_arrive_in_commit_order() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
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
fn unwritten_loan_bytes_are_zero() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        for (len, writes) in [(1000, &[][..]), (1000, &[(10, 5), (500, 100)]), (1000, &[(900, 100), (0, 3)])]
        {
            // The block is used again, with this in it.
            tell(&ours, vec![0xff; len]);
            assert_eq!(next(&theirs).bytes(), vec![0xff; len]);
            let mut expected = vec![0; len];
            let mut loan = ours.reserve(len).unwrap();
            for (offset, count) in writes {
                loan.write_at(*offset, &vec![7; *count]).unwrap();
                expected[*offset..offset + count].fill(7);
            }
            loan.commit().unwrap();
            assert_eq!(next(&theirs).bytes(), expected);
        }
    });
}

#[test]
fn a_loan_is_sent_as_filled() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        let bytes = bytes_of(100_000, 3);
        // Three ways to fill it.
        let mut by_slice = ours.reserve(bytes.len()).unwrap();
        by_slice.copy_from_slice(&bytes);
        let mut by_writer = ours.reserve(bytes.len()).unwrap();
        bytes.chunks(777).for_each(|part| by_writer.write_all(part).unwrap());
        assert_eq!(by_writer.write(b"x").unwrap(), 0, "there is room for no more");
        let mut by_offset = ours.reserve(bytes.len()).unwrap();
        by_offset.write_at(50_000, &bytes[50_000..]).unwrap();
        by_offset.write_at(0, &bytes[..50_000]).unwrap();
        for loan in [by_slice, by_writer, by_offset] {
            loan.commit().unwrap();
            let held = theirs.read_in_place().unwrap();
            assert!(held[..] == bytes);
            assert!((held.as_ptr() as usize).is_multiple_of(64));
        }
    });
}

/// The slice is borrowed from the loan, so a later fill cannot be seen through an earlier slice.
#[test]
fn unwritten_bytes_read_as_zero() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        tell(&ours, vec![0xff; 5000]);
        next(&theirs);
        let mut loan = ours.reserve(5000).unwrap();
        loan.write_at(0, b"head").unwrap();
        assert_eq!((&loan[..6], loan.written()), (&b"head\0\0"[..], 5000), "a look has zeroed the rest");
        assert!(loan[6..].iter().all(|byte| *byte == 0));
        loan[4999] = 1;
        loan.commit().unwrap();
        assert_eq!(theirs.read_in_place().unwrap()[4999], 1);
    });
}

#[test]
fn loans_carry_as_many_handles_as_reserved() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
        for (len, count) in [(0, 1), (5, 2), (64, 64), (4096, 8), ((1 << 20) - 64, 8), (1 << 20, 64)] {
            let mut loan = ours.reserve_with_handles(len, count).unwrap();
            loan.fill(9);
            loan.commit_with_handles(&mut events(count)).unwrap();
            let held = theirs.read_in_place().unwrap();
            assert!(held.len() == len && held.iter().all(|byte| *byte == 9), "{len}");
            assert_eq!(held.finish().unwrap().len(), count);
            // And by a reader that copies.
            let mut loan = ours.reserve_with_handles(len, count).unwrap();
            loan.fill(8);
            loan.commit_with_handles(&mut events(count)).unwrap();
            let message = next(&theirs);
            assert!(message.bytes().len() == len && message.bytes().iter().all(|byte| *byte == 8), "{len}");
            assert_eq!(message.n_handles(), count);
        }
        assert_eq!(ours.reserve_with_handles(5, 65).map(drop), Err(Status::OUT_OF_RANGE));
        assert_eq!(objects(supervisor), 1, "the handles are closed with their messages");
    });
}

#[test]
fn failed_commits_close_the_handles() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
        let mut two = events(2);
        let loan = ours.reserve_with_handles(100, 1).unwrap();
        assert_eq!(loan.commit_with_handles(&mut two), Err(Status::OUT_OF_RANGE));
        assert!(two.iter().all(NullableHandle::is_invalid));
        let mut weak = [Event::create().replace(Rights::WAIT).unwrap().into()];
        let loan = ours.reserve_with_handles(100, 1).unwrap();
        assert_eq!(loan.commit_with_handles(&mut weak), Err(Status::ACCESS_DENIED));
        assert!(weak[0].is_invalid());
        let (loan, other) =
            (ours.reserve_with_handles(100, 1).unwrap(), ours.reserve_with_handles(100, 1).unwrap());
        drop(theirs);
        let mut last = events(1);
        assert_eq!(loan.commit_with_handles(&mut last), Err(Status::PEER_CLOSED));
        assert!(last[0].is_invalid());
        assert_eq!(other.commit(), Err(Status::PEER_CLOSED));
        drop(ours);
        assert_eq!(objects(supervisor), 0);
    });
}

/// The room that a loan has been promised is not given to others, and is theirs when the loan is dropped.
#[test]
fn a_loan_keeps_its_place() {
    in_arena_of(
        |config| config.max_pending_messages = 4,
        |_| {
            let (ours, theirs) = Channel::create();
            let (kept, dropped) = (ours.reserve(10).unwrap(), ours.reserve(10).unwrap());
            tell(&ours, "one");
            tell(&ours, "two");
            assert_eq!(ours.write(b"three", &mut []), Err(Status::SHOULD_WAIT));
            assert_eq!(ours.reserve(10).map(drop), Err(Status::SHOULD_WAIT));
            drop(dropped);
            tell(&ours, "three");
            assert_eq!(ours.write(b"four", &mut []), Err(Status::SHOULD_WAIT));
            kept.commit().unwrap();
            let read: Vec<_> = (0..4).map(|_| next(&theirs).bytes().to_vec()).collect();
            assert_eq!(read, [&b"one"[..], b"two", b"three", &[0; 10]]);
        },
    );
}

/// A reference to lent memory lives as long as the loan or the message. So no call takes the channel away meanwhile.
#[test]
fn lent_memory_keeps_its_channel() {
    in_arena(|_| {
        let (carrier, _far) = Channel::create();
        let (ours, theirs) = Channel::create();
        tell(&ours, "held");
        let (loan, held) = (ours.reserve(100).unwrap(), theirs.read_in_place().unwrap());
        for (end, lent) in [(&ours, "a loan"), (&theirs, "a message that is read")] {
            let value = end.raw_handle();
            assert_eq!(raw::close(value), Err(Status::BAD_STATE), "{lent}");
            assert_eq!(raw::close_many(&[value]), Err(Status::BAD_STATE), "{lent}");
            assert_eq!(raw::replace(value, Rights::SAME_RIGHTS).map(drop), Err(Status::BAD_STATE), "{lent}");
            assert_eq!(
                raw::channel_write(carrier.raw_handle(), b"", &[value]),
                Err(Status::BAD_STATE),
                "{lent}"
            );
            assert!(end.basic_info().is_ok(), "{lent}: the handle is still there");
        }
        assert_eq!(&held[..], b"held");
        loan.commit().unwrap();
        held.finish().unwrap();
        assert_eq!(next(&theirs).bytes(), [0; 100]);
        raw::close(theirs.into_raw()).unwrap();
        raw::channel_write(carrier.raw_handle(), b"", &[ours.into_raw()]).unwrap();
    });
}

/// The other handles of a refused message stay too, and work.
#[test]
fn refused_writes_leave_all_handles() {
    in_arena(|_| {
        let (carrier, far) = Channel::create();
        let (ours, theirs) = Channel::create();
        let loan = ours.reserve(100).unwrap();
        for place in 0..3 {
            let (event, (near, _other)) = (Event::create(), Channel::create());
            let mut values = vec![event.raw_handle(), near.raw_handle()];
            values.insert(place, ours.raw_handle());
            assert_eq!(raw::channel_write(carrier.raw_handle(), b"", &values), Err(Status::BAD_STATE));
            event.signal(Signals::NONE, Signals::USER_0).unwrap();
            tell(&near, "still here");
            carrier.write(b"", &mut [event.into(), near.into()]).unwrap();
            assert_eq!(next(&far).n_handles(), 2);
        }
        loan.commit().unwrap();
        assert_eq!(next(&theirs).bytes(), [0; 100]);
    });
}

/// Nor does a thread notice that waits on one of them.
#[test]
fn refused_writes_end_no_waits() {
    in_arena(|_| {
        let (carrier, _far) = Channel::create();
        let (lender, _peer) = Channel::create();
        let (near, _end) = Channel::create();
        let _loan = lender.reserve(100).unwrap();
        let values = [near.raw_handle(), lender.raw_handle()];
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for _ in 0..20_000 {
                    assert_eq!(
                        raw::channel_write(carrier.raw_handle(), b"", &values),
                        Err(Status::BAD_STATE)
                    );
                }
            });
            while !writer.is_finished() {
                let soon = MonotonicInstant::after(MonotonicDuration::from_nanos(10_000));
                let waited = near.wait_one(Signals::CHANNEL_PEER_CLOSED, soon);
                assert_eq!(waited.to_result(), Err(Status::TIMED_OUT));
            }
        });
    });
}

/// A channel without an owner is closed when the last of its memory is back, however it lost its owner.
#[test]
fn channels_close_after_their_loans() {
    let write_in_vain = |channel: Channel| {
        let (carrier, far) = Channel::create();
        drop(far);
        assert_eq!(carrier.write(b"", &mut [channel.into()]), Err(Status::PEER_CLOSED));
    };
    let call_in_vain = |channel: Channel| {
        let event = Event::create();
        let mut handles = [channel.into()];
        let call = Unowned::<Channel>::from_raw_handle(event.raw_handle());
        let ended = call.call(MonotonicInstant::INFINITE, b"0000", &mut handles, &mut MessageBuf::new());
        assert_eq!(ended, Err(Status::WRONG_TYPE));
    };
    let replace = |channel: Channel| {
        assert_eq!(channel.replace(Rights::SAME_RIGHTS).map(drop), Err(Status::BAD_STATE));
    };
    let ways: [&dyn Fn(Channel); 4] = [&drop, &replace, &write_in_vain, &call_in_vain];
    in_arena(|supervisor| {
        for way in ways {
            let (ours, theirs) = Channel::create();
            tell(&theirs, "held");
            let value = ours.raw_handle();
            let held = InPlace::of_channel(value).unwrap();
            let [sent, dropped] = [(); 2].map(|()| Loan::of_channel(value, 10, 0).unwrap());
            way(ours);
            assert_eq!(&held[..], b"held");
            drop(dropped);
            held.finish().unwrap();
            assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
            sent.commit().unwrap();
            assert_eq!(next(&theirs).bytes(), [0; 10]);
            assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::PEER_CLOSED));
            drop(theirs);
            assert_eq!(objects(supervisor), 0);
        }
    });
}

/// Threads that lend and return while another tries to close: the close succeeds once, and no slice outlives it.
#[test]
fn closes_race_with_loans() {
    in_arena(|_| {
        for _ in 0..200 {
            let (ours, theirs) = Channel::create();
            let value = ours.into_raw();
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(move || {
                        loop {
                            match Loan::of_channel(value, 3000, 0) {
                                Ok(mut loan) => loan.fill(1),
                                Err(Status::BAD_HANDLE) => break,
                                Err(status) => panic!("{status}"),
                            }
                        }
                    });
                }
                while raw::close(value) == Err(Status::BAD_STATE) {}
            });
            assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::PEER_CLOSED));
        }
    });
}

#[test]
fn a_dropped_loan_sends_no_message() {
    in_arena_of(
        |config| (config.pool_bytes, config.max_loan_bytes) = (4 << 20, 1 << 20),
        |_| {
            let (ours, theirs) = Channel::create();
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
fn in_place_reads_finish_in_any_order() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
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
fn a_batch_arrives_as_separate_messages() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
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
fn batch_reads_stop_before_handles() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
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
