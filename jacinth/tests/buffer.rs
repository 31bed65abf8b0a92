//! Buffers: bytes that are written once, and read in place by all who get a handle.

mod support;

use jacinth::raw;
use jacinth::*;
use std::io::Write;
use support::guessed_values::GuessedValues;
use support::*;

fn duplicate(buffer: &Buffer) -> NullableHandle {
    buffer.duplicate(Rights::SAME_RIGHTS).unwrap().into()
}

/// The owner of a type that the value's object may not have.
fn unowned<T: HandleBased>(value: u32) -> Unowned<'static, T> {
    Unowned::from_raw_handle(value)
}

fn received(channel: &Channel) -> Buffer {
    next(channel).take_handle(0).unwrap().into()
}

#[test]
fn every_way_of_filling_arrives() {
    in_arena(|_| {
        for len in [0, 1, 64, 65, 5000, 1 << 20] {
            let bytes = bytes_of(len, 5);
            let mut by_slice = BufferMut::create(len).unwrap();
            by_slice.copy_from_slice(&bytes);
            let mut by_writer = BufferMut::create(len).unwrap();
            bytes.chunks(777).for_each(|part| by_writer.write_all(part).unwrap());
            assert!(by_writer.write_all(b"x").is_err());
            let filled = [by_slice.freeze(), by_writer.freeze(), Buffer::from_slice(&bytes)];
            for buffer in filled.map(Result::unwrap) {
                let view = buffer.view().unwrap();
                assert!(view[..] == bytes && (view.as_ptr() as usize).is_multiple_of(64), "{len}");
                assert_eq!(buffer.size(), Ok(len));
            }
        }
    });
}

/// One buffer goes to three receivers, one of which sends it on.
#[test]
fn one_buffer_reaches_many_receivers() {
    in_arena(|supervisor| {
        let pairs = [(); 3].map(|()| Channel::create());
        let (onward, last) = Channel::create();
        let buffer = Buffer::from_slice(&bytes_of(100_000, 1)).unwrap();
        let start = buffer.view().unwrap().as_ptr();
        for (ours, _) in &pairs {
            ours.write(b"frame", &mut [duplicate(&buffer)]).unwrap();
        }
        drop(buffer);
        let got: Vec<_> = pairs.iter().map(|(_, theirs)| received(theirs)).collect();
        for buffer in &got {
            let view = buffer.view().unwrap();
            assert!(view[..] == bytes_of(100_000, 1));
            assert_eq!(view.as_ptr(), start, "no copy");
        }
        let forwarded = got.into_iter().next().unwrap();
        onward.write(b"", &mut [forwarded.into()]).unwrap();
        let end = received(&last);
        assert!(end.view().unwrap()[..] == bytes_of(100_000, 1));
        assert_eq!(objects(supervisor), 5, "four channels, one buffer");
        drop(end);
        assert_eq!(objects(supervisor), 4);
    });
}

#[test]
fn a_view_outlives_its_handles() {
    in_arena(|supervisor| {
        let buffer = Buffer::from_slice(b"kept").unwrap();
        let view = buffer.view().unwrap();
        raw::close(buffer.into_raw()).unwrap();
        let others: Vec<_> = (0..100).map(|_| Buffer::from_slice(b"gone").unwrap()).collect();
        assert_eq!(&view[..], b"kept");
        let seen = std::thread::spawn(move || view.to_vec()).join().unwrap();
        assert_eq!(seen, b"kept");
        drop(others);
        assert_eq!(objects(supervisor), 0, "the view is gone too");
    });
}

/// A program that works out how values go on does not get at the handle by which a view keeps its buffer, or at that of a
/// buffer which is being filled.
#[test]
fn guessed_values_end_no_view() {
    in_arena(|_| {
        let buffer = Buffer::from_slice(&[7; 4096]).unwrap();
        let values = GuessedValues::from_here();
        let (view, mut filling) = (buffer.view().unwrap(), BufferMut::create(4096).unwrap());
        filling.fill(8);
        raw::close(buffer.into_raw()).unwrap();
        values.close_all();
        let others: Vec<_> = (0..100).map(|_| Buffer::from_slice(&[9; 4096]).unwrap()).collect();
        assert!(view.iter().all(|byte| *byte == 7) && filling.iter().all(|byte| *byte == 8));
        drop((view, filling, others));
    });
}

/// No damage is reported when the last handle is closed at the same time.
#[test]
fn views_race_with_the_last_close() {
    in_arena(|_| {
        for _ in 0..2000 {
            let value = Buffer::from_slice(b"here").unwrap().into_raw();
            std::thread::scope(|scope| {
                scope.spawn(move || {
                    let buffer = unowned::<Buffer>(value);
                    loop {
                        match buffer.view() {
                            Ok(view) => assert_eq!(&view[..], b"here"),
                            Err(status) => break assert_eq!(status, Status::BAD_HANDLE),
                        }
                    }
                });
                raw::close(value).unwrap();
            });
        }
    });
}

#[test]
fn rights_and_types_are_checked() {
    in_arena(|_| {
        let buffer = Buffer::from_slice(b"bytes").unwrap();
        let info = buffer.basic_info().unwrap();
        assert_eq!((info.object_type, info.rights), (ObjectType::BUFFER, Rights::BUFFER_DEFAULT));
        let unreadable = buffer.duplicate(Rights::INSPECT | Rights::WAIT).unwrap();
        assert_eq!(unreadable.view().map(drop), Err(Status::ACCESS_DENIED));
        assert_eq!(unreadable.size(), Ok(5));
        let event = Event::create();
        assert_eq!(unowned::<Buffer>(event.raw_handle()).view().map(drop), Err(Status::WRONG_TYPE));
        assert_eq!(unowned::<Buffer>(event.raw_handle()).size(), Err(Status::WRONG_TYPE));
        assert_eq!(unowned::<Buffer>(raw::INVALID).view().map(drop), Err(Status::BAD_HANDLE));
        let (ours, theirs) = Channel::create();
        assert_eq!(
            unowned::<Channel>(event.raw_handle()).reserve_buffer(5).map(drop),
            Err(Status::WRONG_TYPE)
        );
        drop(theirs);
        assert_eq!(ours.reserve_buffer(5).map(drop), Err(Status::PEER_CLOSED));
        assert_eq!(
            raw::create(ObjectType::BUFFER, Rights::BUFFER_DEFAULT).map(drop),
            Err(Status::INVALID_ARGS)
        );
    });
}

#[test]
fn unfrozen_buffers_leave_nothing() {
    in_arena(|supervisor| {
        drop(BufferMut::create(1 << 20).unwrap());
        assert_eq!(objects(supervisor), 0);
    });
}

/// A sender that finds no memory waits for WRITABLE, and a receiver that drops a buffer ends the wait.
#[test]
fn exhausted_pools_are_waited_for() {
    in_arena_of(
        |config| (config.pool_bytes, config.max_loan_bytes) = (4 << 20, 1 << 20),
        |_| {
            let (ours, theirs) = Channel::create();
            let mut sent = 0;
            while let Ok(buffer) = ours.reserve_buffer(1 << 20) {
                ours.write(b"", &mut [buffer.freeze().unwrap().into()]).unwrap();
                sent += 1;
            }
            assert!(sent > 1, "the pool has several");
            let refused = ours.reserve_buffer(1 << 20).map(drop);
            assert!(matches!(refused, Err(Status::NO_MEMORY | Status::NO_RESOURCES)), "{refused:?}");
            let at_once = MonotonicInstant::ZERO;
            assert_eq!(ours.wait_one(Signals::CHANNEL_WRITABLE, at_once).to_result(), Err(Status::TIMED_OUT));
            let buffer = received(&theirs);
            let waiter = std::thread::spawn(move || {
                ours.wait_one(Signals::CHANNEL_WRITABLE, MonotonicInstant::INFINITE).to_result().unwrap();
                ours.reserve_buffer(1 << 20).map(drop)
            });
            drop(buffer);
            assert_eq!(waiter.join().unwrap(), Ok(()));
        },
    );
}

/// After a refusal that is over, WRITABLE tells of the channel again, though the caller holds the last memory.
#[test]
fn successes_end_the_refusal() {
    in_arena_of(
        |config| (config.pool_bytes, config.max_loan_bytes) = (4 << 20, 1 << 20),
        |_| {
            let (ours, _theirs) = Channel::create();
            let mut held: Vec<_> = std::iter::from_fn(|| ours.reserve_buffer(1 << 20).ok()).collect();
            assert!(ours.reserve_buffer(1 << 20).is_err());
            drop(held.pop());
            held.push(ours.reserve_buffer(1 << 20).unwrap());
            assert_eq!(
                ours.wait_one(Signals::CHANNEL_WRITABLE, MonotonicInstant::ZERO).to_result(),
                Ok(Signals::CHANNEL_WRITABLE)
            );
        },
    );
}

/// Not memory is missing, but room for another handle. The loop of the documentation sleeps all the same.
#[test]
fn missing_handles_are_waited_for() {
    in_arena_of(
        |config| config.max_handles_per_process = 64,
        |_| {
            let (ours, _theirs) = Channel::create();
            let mut all: Vec<_> = std::iter::from_fn(|| BufferMut::create(1).ok()).collect();
            let start = std::time::Instant::now();
            for _ in 0..5 {
                assert_eq!(ours.reserve_buffer(1).map(drop), Err(Status::NO_RESOURCES));
                ours.wait_one(Signals::CHANNEL_WRITABLE, MonotonicInstant::INFINITE).to_result().unwrap();
            }
            assert!(start.elapsed().as_millis() >= 50, "five sleeps");
            all.pop();
            assert!(ours.reserve_buffer(1).is_ok());
        },
    );
}

/// A sender that does without the buffer waits for the room that it needs now.
#[test]
fn small_writes_do_not_wait_for_buffers() {
    in_arena_of(
        |config| {
            (config.pool_bytes, config.max_loan_bytes) = (4 << 20, 1 << 20);
            config.max_pending_messages = 4;
        },
        |_| {
            let (ours, theirs) = Channel::create();
            let _all: Vec<_> = std::iter::from_fn(|| ours.reserve_buffer(1 << 20).ok()).collect();
            while ours.write(b"small", &mut []).is_ok() {}
            next(&theirs);
            let soon = MonotonicInstant::after(MonotonicDuration::from_seconds(5));
            assert!(ours.wait_one(Signals::CHANNEL_WRITABLE, soon).to_result().is_ok());
        },
    );
}

/// A loan that finds no memory is waited for in the same way.
#[test]
fn exhausted_loans_are_waited_for() {
    in_arena_of(
        |config| (config.pool_bytes, config.max_loan_bytes) = (4 << 20, 1 << 20),
        |_| {
            let (ours, theirs) = Channel::create();
            while let Ok(loan) = ours.reserve(1 << 20) {
                loan.commit().unwrap();
            }
            assert!(ours.reserve(1 << 20).is_err());
            assert_eq!(
                ours.wait_one(Signals::CHANNEL_WRITABLE, MonotonicInstant::ZERO).to_result(),
                Err(Status::TIMED_OUT)
            );
            let waiter = std::thread::spawn(move || {
                ours.wait_one(Signals::CHANNEL_WRITABLE, MonotonicInstant::INFINITE).to_result().unwrap();
                ours.reserve(1 << 20).map(drop)
            });
            drop(theirs.read_in_place().unwrap());
            assert_eq!(waiter.join().unwrap(), Ok(()));
        },
    );
}
