//! Fifos in one process: elements, their sizes, signals, waits, and the end of a peer.

mod support;

use jacinth::*;
use std::collections::VecDeque;
use support::*;

const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;
const READABLE: Signals = Signals::FIFO_READABLE;
const WRITABLE: Signals = Signals::FIFO_WRITABLE;
const PEER_CLOSED: Signals = Signals::FIFO_PEER_CLOSED;

/// All signals of the end.
fn signals(fifo: &impl AsHandleRef) -> Signals {
    match fifo.as_handle_ref().wait_one(Signals::all(), PAST) {
        WaitResult::Ok(seen) | WaitResult::TimedOut(seen) => seen,
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_ends_have_the_default_rights() {
    in_arena(|_| {
        let (ours, theirs) = Fifo::<u32>::create(4).unwrap();
        let infos = [ours.basic_info().unwrap(), theirs.basic_info().unwrap()];
        for info in &infos {
            assert_eq!((info.object_type, info.rights), (ObjectType::FIFO, Rights::FIFO_DEFAULT));
        }
        assert_eq!(infos[0].related_koid, infos[1].koid);
        assert_eq!(infos[1].related_koid, infos[0].koid);
        assert_eq!([signals(&ours), signals(&theirs)], [WRITABLE; 2]);
    });
}

#[test]
fn sizes_are_checked_at_creation() {
    in_arena(|supervisor| {
        drop(Fifo::create_of_size(1, 1).unwrap());
        let before = supervisor.inspect();
        let halves = usize::MAX / 2 + 1;
        let without_sizes = raw::create(ObjectType::FIFO, Rights::FIFO_DEFAULT);
        assert_eq!(without_sizes, Err(Status::INVALID_ARGS));
        let refused = [
            (0, 4),
            (4, 0),
            (0, 0),
            (3, 4),
            (12, 4),
            (2048, 4),
            (1, 4097),
            (4096, 2),
            (8192, 1),
            (halves, 2),
            (2, halves),
            (halves, halves),
            (1 << 32, 1 << 32),
            (1, usize::MAX),
        ];
        for (count, size) in refused {
            let created = Fifo::create_of_size(count, size).map(drop);
            assert_eq!(created, Err(Status::OUT_OF_RANGE), "{count} elements of {size} bytes");
        }
        let after = supervisor.inspect();
        assert_eq!((after.objects, after.blocks), (before.objects, before.blocks));
        for (count, size) in [(1, 1), (4096, 1), (1, 4096), (1024, 3), (1, 4095), (512, 8)] {
            let (ours, theirs) = Fifo::create_of_size(count, size).unwrap();
            let bytes = bytes_of(count * size, 1);
            let mut back = vec![0; bytes.len()];
            for (from, to) in [(&ours, &theirs), (&theirs, &ours)] {
                assert_eq!(from.write_bytes(size, &bytes), Ok(count));
                assert_eq!(from.write_bytes(size, &bytes), Err(Status::SHOULD_WAIT));
                assert_eq!(to.read_bytes(size, &mut back), Ok(count));
                assert_eq!(back, bytes, "{count} elements of {size} bytes");
            }
        }
    });
}

#[test]
fn element_types_must_match() {
    in_arena(|_| {
        assert_eq!(Fifo::<u32, u16>::create(4).map(drop), Err(Status::INVALID_ARGS));
        assert!(Status::INVALID_ARGS.detail().is_some());
        assert_eq!(Fifo::<()>::create(4).map(drop), Err(Status::OUT_OF_RANGE));
        let (ours, theirs) = Fifo::<[u8; 4], u32>::create(4).unwrap();
        theirs.write_one(b"abcd").unwrap();
        assert_eq!(ours.read_one(), Ok(*b"abcd"));
        let theirs: Fifo<u16> = theirs.downcast().into();
        assert_eq!(theirs.write_one(&7), Err(Status::OUT_OF_RANGE));
        assert_eq!(theirs.read_one(), Err(Status::OUT_OF_RANGE));
    });
}

#[test]
fn writes_and_reads_may_be_short() {
    in_arena(|_| {
        let (ours, theirs) = Fifo::<u16>::create(4).unwrap();
        assert_eq!(ours.write(&[1, 2, 3]), Ok(3));
        assert_eq!(ours.write(&[4, 5, 6]), Ok(1));
        assert_eq!(ours.write(&[5]), Err(Status::SHOULD_WAIT));
        let mut elements = [0; 3];
        assert_eq!((theirs.read(&mut elements), elements), (Ok(3), [1, 2, 3]));
        assert_eq!((theirs.read(&mut elements), elements), (Ok(1), [4, 2, 3]), "the rest stays");
        assert_eq!(theirs.read(&mut elements), Err(Status::SHOULD_WAIT));
        assert_eq!(ours.write(&[0; 100]), Ok(4));
    });
}

#[test]
fn both_directions_keep_their_order() {
    in_arena(|_| {
        let mut random = random(1);
        for (count, size) in [(1, 3), (2, 3), (8, 3), (64, 1), (1024, 3), (4, 1000), (128, 32)] {
            let (ours, theirs) = Fifo::create_of_size(count, size).unwrap();
            let mut directions = [(&ours, &theirs, VecDeque::new(), 0), (&theirs, &ours, VecDeque::new(), 0)];
            for _ in 0..2000 {
                let (from, to, queue, next) = &mut directions[random.usize(..2)];
                let elements = 1 + random.usize(..count.min(20));
                if random.bool() {
                    let written: Vec<Vec<u8>> =
                        (0..elements).map(|index| bytes_of(size, *next + index)).collect();
                    let room = (count - queue.len()).min(elements);
                    let expected = if room == 0 { Err(Status::SHOULD_WAIT) } else { Ok(room) };
                    assert_eq!(from.write_bytes(size, &written.concat()), expected);
                    queue.extend(written.into_iter().take(room));
                    *next += room;
                } else {
                    let mut bytes = vec![0; elements * size];
                    let there = queue.len().min(elements);
                    let expected = if there == 0 { Err(Status::SHOULD_WAIT) } else { Ok(there) };
                    assert_eq!(to.read_bytes(size, &mut bytes), expected);
                    let read: Vec<u8> = queue.drain(..there).flatten().collect();
                    assert_eq!(bytes[..there * size], read);
                }
            }
        }
    });
}

#[test]
fn a_part_is_no_element() {
    in_arena(|_| {
        let (ours, theirs) = Fifo::create_of_size(4, 3).unwrap();
        assert_eq!(ours.write_bytes(3, b"ab"), Err(Status::OUT_OF_RANGE));
        assert_eq!(ours.write_bytes(3, b"abcd"), Ok(1));
        let mut bytes = *b"------";
        assert_eq!(theirs.read_bytes(3, &mut bytes[..2]), Err(Status::OUT_OF_RANGE));
        assert_eq!(theirs.read_bytes(3, &mut bytes[..5]), Ok(1));
        assert_eq!(&bytes, b"abc---");
    });
}

#[test]
fn errors_come_in_zircons_order() {
    in_arena(|_| {
        let (ours, theirs) = Fifo::<u32>::create(1).unwrap();
        ours.write_one(&1).unwrap();
        // Of a full one, and of an empty one.
        assert_eq!(ours.write(&[]), Err(Status::OUT_OF_RANGE));
        assert_eq!(raw::fifo_write(ours.raw_handle(), 3, b"abc"), Err(Status::OUT_OF_RANGE));
        assert_eq!(raw::fifo_write(ours.raw_handle(), 0, b"abc"), Err(Status::OUT_OF_RANGE));
        assert_eq!(ours.read(&mut []), Err(Status::OUT_OF_RANGE));
        assert_eq!(raw::fifo_read(ours.raw_handle(), 0, &mut [0; 8]), Err(Status::OUT_OF_RANGE));
        assert_eq!(raw::fifo_read(ours.raw_handle(), usize::MAX, &mut [0; 8]), Err(Status::OUT_OF_RANGE));
        let no_right = ours.duplicate(Rights::NONE).unwrap();
        assert_eq!(no_right.write(&[]), Err(Status::ACCESS_DENIED));
        assert_eq!(no_right.read(&mut []), Err(Status::ACCESS_DENIED));
        drop(theirs);
        assert_eq!(ours.write(&[]), Err(Status::PEER_CLOSED));
        assert_eq!(raw::fifo_write(ours.raw_handle(), 3, b"abc"), Err(Status::PEER_CLOSED));
        assert_eq!(no_right.write(&[]), Err(Status::ACCESS_DENIED));
        assert_eq!(ours.read(&mut []), Err(Status::OUT_OF_RANGE));
        assert_eq!(ours.read_one(), Err(Status::PEER_CLOSED));
    });
}

#[test]
fn signals_follow_the_elements() {
    in_arena(|_| {
        let (ours, theirs) = Fifo::<u32>::create(2).unwrap();
        ours.write_one(&1).unwrap();
        assert_eq!([signals(&ours), signals(&theirs)], [WRITABLE, READABLE | WRITABLE]);
        ours.write_one(&2).unwrap();
        assert_eq!([signals(&ours), signals(&theirs)], [Signals::NONE, READABLE | WRITABLE]);
        theirs.write_one(&3).unwrap();
        theirs.read_one().unwrap();
        assert_eq!([signals(&ours), signals(&theirs)], [READABLE | WRITABLE; 2]);
        theirs.read_one().unwrap();
        assert_eq!([signals(&ours), signals(&theirs)], [READABLE | WRITABLE, WRITABLE]);
        drop(theirs);
        assert_eq!(signals(&ours), READABLE | PEER_CLOSED, "one element is left");
        ours.read_one().unwrap();
        assert_eq!(signals(&ours), PEER_CLOSED);
    });
}

#[test]
fn programs_set_user_signals_only() {
    in_arena(|_| {
        let (ours, theirs) = Fifo::<u32>::create(2).unwrap();
        for signal in [READABLE, WRITABLE, PEER_CLOSED, Signals::OBJECT_SIGNALED] {
            assert_eq!(ours.signal(Signals::NONE, signal), Err(Status::INVALID_ARGS));
            assert_eq!(ours.signal_peer(signal, Signals::NONE), Err(Status::INVALID_ARGS));
        }
        ours.signal(Signals::NONE, Signals::USER_1).unwrap();
        ours.signal_peer(Signals::NONE, Signals::USER_2).unwrap();
        assert_eq!(
            [signals(&ours), signals(&theirs)],
            [WRITABLE | Signals::USER_1, WRITABLE | Signals::USER_2]
        );
        drop(theirs);
        assert_eq!(ours.signal_peer(Signals::NONE, Signals::USER_2), Err(Status::PEER_CLOSED));
    });
}

#[test]
fn elements_outlive_their_writer() {
    in_arena(|supervisor| {
        let (ours, theirs) = Fifo::<u64>::create(512).unwrap();
        let numbers: Vec<u64> = (0..512).collect();
        assert_eq!(ours.write(&numbers), Ok(512));
        drop(ours);
        supervisor.collect().unwrap();
        assert_eq!(theirs.write_one(&7), Err(Status::PEER_CLOSED));
        let mut back = vec![0; 600];
        assert_eq!(theirs.read(&mut back[..100]), Ok(100));
        assert_eq!(theirs.read(&mut back[100..]), Ok(412));
        assert_eq!(back[..512], numbers);
        assert_eq!(theirs.read(&mut back), Err(Status::PEER_CLOSED));
        assert!(theirs.is_closed().unwrap());
    });
}

#[test]
fn the_last_handle_closes_an_end() {
    in_arena(|_| {
        let (ours, theirs) = Fifo::<u32>::create(2).unwrap();
        let copy = theirs.duplicate(Rights::SAME_RIGHTS).unwrap();
        assert_eq!(copy.koid(), theirs.koid());
        drop(theirs);
        assert_eq!(signals(&ours), WRITABLE);
        let (carrier, far) = Channel::create();
        carrier.write(b"", &mut [copy.into()]).unwrap();
        ours.write_one(&1).unwrap();
        assert_eq!(signals(&ours), WRITABLE, "it is in transit");
        drop(far);
        assert_eq!(signals(&ours), PEER_CLOSED);
    });
}

#[test]
fn duplicates_take_turns() {
    in_arena(|_| {
        let (ours, theirs) = Fifo::<u32>::create(8).unwrap();
        let writers =
            [&ours, &ours.duplicate(Rights::SAME_RIGHTS).unwrap(), &ours.duplicate(Rights::WRITE).unwrap()];
        let readers = [
            &theirs,
            &theirs.duplicate(Rights::SAME_RIGHTS).unwrap(),
            &theirs.duplicate(Rights::READ).unwrap(),
        ];
        for round in 0..1000_u32 {
            let turn = round as usize;
            assert_eq!(writers[turn % 3].write(&[round, round + 1, round + 2]), Ok(3));
            assert_eq!(readers[(turn + 1) % 3].read_one(), Ok(round));
            let mut rest = [0; 8];
            assert_eq!(readers[turn / 3 % 3].read(&mut rest), Ok(2));
            assert_eq!(rest[..2], [round + 1, round + 2]);
        }
        assert_eq!(writers[2].read_one(), Err(Status::ACCESS_DENIED));
        assert_eq!(readers[2].write_one(&1), Err(Status::ACCESS_DENIED));
    });
}

#[test]
fn only_shared_ends_need_memory() {
    let scarce = |config: &mut Config| {
        config.pool_bytes = 1 << 20;
        config.max_block_bytes_per_process = 1 << 18;
    };
    in_arena_of(scarce, |_| {
        let (alone, far) = Fifo::<u8>::create(4096).unwrap();
        let (ours, theirs) = Fifo::<u8>::create(4096).unwrap();
        let second = ours.duplicate(Rights::SAME_RIGHTS).unwrap();
        for round in 0..3 {
            let (written, status) = until_refused(|| second.write_one(&round));
            assert_eq!(status, Status::NO_RESOURCES);
            assert!(!written.is_empty() && written.len() < 4096);
            assert!(signals(&ours).contains(WRITABLE), "there is room, and no memory");
            assert_eq!(ours.write_one(&7), Err(Status::NO_RESOURCES));
            assert_eq!(alone.write(&[round; 4096]), Ok(4096), "an end with one handle has its memory");
            assert_eq!(far.read(&mut [0; 4096]), Ok(4096));
            let mut elements = [0; 4096];
            assert_eq!(theirs.read(&mut elements), Ok(written.len()));
            assert!(elements[..written.len()].iter().all(|element| *element == round));
        }
    });
}

#[test]
fn waits_end_with_their_signals() {
    in_arena(|supervisor| {
        let (ours, theirs) = Fifo::<u32>::create(1).unwrap();
        let wait = |fifo: &Fifo<u32>, signals| fifo.wait_one(signals, FOREVER).to_result();
        std::thread::scope(|scope| {
            let reader = asleep(scope, supervisor, || wait(&theirs, READABLE));
            ours.write_one(&1).unwrap();
            assert_eq!(reader.join().unwrap(), Ok(READABLE | WRITABLE));
            let writer = asleep(scope, supervisor, || wait(&ours, WRITABLE));
            theirs.read_one().unwrap();
            assert_eq!(writer.join().unwrap(), Ok(WRITABLE));
        });
        std::thread::scope(|scope| {
            let theirs = theirs;
            let several = asleep(scope, supervisor, || {
                let event = Event::create();
                let mut items =
                    [WaitItem::new(&event, Signals::USER_0), WaitItem::new(&ours, READABLE | PEER_CLOSED)];
                object_wait_many(&mut items, FOREVER).map(|_| items[1].pending)
            });
            drop(theirs);
            assert_eq!(several.join().unwrap(), Ok(PEER_CLOSED));
        });
    });
}

#[test]
fn closing_a_handle_ends_its_wait() {
    in_arena(|supervisor| {
        let (ours, _theirs) = Fifo::<u32>::create(1).unwrap();
        let copy = ours.duplicate(Rights::SAME_RIGHTS).unwrap();
        let value = copy.raw_handle();
        std::thread::scope(|scope| {
            let waiter = asleep(scope, supervisor, || raw::wait_one(value, READABLE, FOREVER));
            drop(copy);
            let (waited, seen) = waiter.join().unwrap();
            assert_eq!(
                (waited, seen & Signals::HANDLE_CLOSED),
                (Err(Status::CANCELED), Signals::HANDLE_CLOSED)
            );
        });
    });
}

#[test]
fn a_port_gets_one_packet_once() {
    in_arena(|_| {
        let (port, (ours, theirs)) = (Port::create(), Fifo::<u32>::create(1).unwrap());
        let key = || port.wait(PAST).map(|packet| packet.key());
        for round in 0..100 {
            theirs.wait_async(&port, round, READABLE, WaitAsyncOpts::ONCE).unwrap();
            assert_eq!(key(), Err(Status::TIMED_OUT));
            ours.write_one(&1).unwrap();
            assert_eq!(key(), Ok(round));
            ours.wait_async(&port, round, WRITABLE, WaitAsyncOpts::ONCE).unwrap();
            assert_eq!(key(), Err(Status::TIMED_OUT));
            theirs.read_one().unwrap();
            assert_eq!(key(), Ok(round));
            assert_eq!(key(), Err(Status::TIMED_OUT));
        }
        ours.wait_async(&port, 7, PEER_CLOSED, WaitAsyncOpts::ONCE).unwrap();
        drop(theirs);
        assert_eq!(key(), Ok(7));
    });
}

#[test]
fn repeating_waits_see_each_rise() {
    in_arena(|_| {
        let (port, (ours, theirs)) = (Port::create(), Fifo::<u32>::create(2).unwrap());
        theirs.wait_async(&port, 1, READABLE | PEER_CLOSED, WaitAsyncOpts::REPEATING).unwrap();
        let key = || port.wait(PAST).map(|packet| packet.key());
        for _ in 0..100 {
            ours.write_one(&1).unwrap();
            assert_eq!(key(), Ok(1));
            theirs.read_one().unwrap();
            assert_eq!(key(), Err(Status::TIMED_OUT));
        }
        drop(ours);
        assert_eq!(key(), Ok(1));
    });
}

#[test]
fn owner_of_another_type_is_refused() {
    in_arena(|_| {
        let no_fifo = Fifo::<u32>::from(event());
        assert_eq!(no_fifo.write_one(&1), Err(Status::WRONG_TYPE));
        assert_eq!(no_fifo.read_one(), Err(Status::WRONG_TYPE));
        let (ours, _theirs) = Fifo::<u32>::create(1).unwrap();
        let handle = Handle::try_from(ours.into_handle()).unwrap();
        let handle = Channel::try_from(handle).unwrap_err().into_handle();
        assert!(Fifo::<u32>::try_from(handle).is_ok());
    });
}

#[test]
fn a_fifo_has_a_name_if_asked() {
    in_arena(|_| {
        let (ours, theirs) = Fifo::<u32>::create_named(1, &Name::new_lossy("free")).unwrap();
        theirs.set_name(&Name::new_lossy("used")).unwrap();
        assert_eq!(
            [ours.get_name().unwrap(), theirs.get_name().unwrap()].map(|name| name.to_string()),
            ["free", "used"]
        );
        let (ours, _theirs) = Fifo::<u32>::create(1).unwrap();
        assert_eq!(ours.get_name(), Err(Status::ACCESS_DENIED));
    });
}

#[test]
fn no_arena_gives_bad_state() {
    alone(|| {
        assert_eq!(Fifo::<u32>::create(1).map(drop), Err(Status::BAD_STATE));
        let none = Fifo::<u32>::from(NullableHandle::from_raw(7));
        assert_eq!(none.write_one(&1), Err(Status::BAD_STATE));
        assert_eq!(none.read_one(), Err(Status::BAD_STATE));
    });
}
