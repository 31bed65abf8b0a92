//! Threads of one process that use, close, replace and send away the very same handles at once: each call does its
//! work or says that the handle is gone; none hangs, and no handle is lost.

mod support;

use jacinth::raw;
use jacinth::*;
use std::mem::ManuallyDrop;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use support::*;

/// A length that needs a payload block: a slot holds 120 bytes.
const IN_BLOCK: usize = 200;

fn borrowed(value: u32) -> ManuallyDrop<Channel> {
    ManuallyDrop::new(Channel::from(NullableHandle::from_raw(value)))
}

#[test]
fn crossed_end_transfers_do_not_block() {
    in_arena(|_| {
        for _ in 0..500 {
            let (a, _far_a) = Channel::create();
            let (b, _far_b) = Channel::create();
            let (a, b) = (HandleBased::into_raw(a), HandleBased::into_raw(b));
            let start = Barrier::new(2);
            let results = std::thread::scope(|scope| {
                let senders = [(a, b), (b, a)].map(|(through, sent)| {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        raw::channel_write(through, b"", &[sent])
                    })
                });
                senders.map(|sender| sender.join().unwrap())
            });
            assert!(
                results.iter().all(|result| matches!(result, Ok(()) | Err(Status::BAD_HANDLE))),
                "{results:?}"
            );
            for value in [a, b] {
                let _ = raw::close(value);
            }
        }
    });
}

#[test]
fn closing_a_channel_ends_its_users() {
    in_arena(|supervisor| {
        for round in 0..200 {
            let (ours, theirs) = Channel::create();
            let values = [HandleBased::into_raw(ours), HandleBased::into_raw(theirs)];
            let start = Barrier::new(5);
            std::thread::scope(|scope| {
                for value in values {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        loop {
                            let mut handles = vec![event()];
                            match borrowed(value).write(&[1; IN_BLOCK], &mut handles) {
                                Ok(()) | Err(Status::SHOULD_WAIT) => {}
                                Err(Status::BAD_HANDLE | Status::PEER_CLOSED) => break,
                                Err(status) => panic!("{status}"),
                            }
                        }
                    });
                    scope.spawn(move || {
                        start.wait();
                        let mut message = MessageBuf::new();
                        loop {
                            match borrowed(value).read(&mut message) {
                                Ok(()) | Err(Status::SHOULD_WAIT) => {}
                                Err(Status::BAD_HANDLE | Status::PEER_CLOSED) => break,
                                Err(status) => panic!("{status}"),
                            }
                        }
                    });
                }
                start.wait();
                std::thread::yield_now();
                assert_eq!(raw::close(values[round % 2]), Ok(()));
            });
            let _ = raw::close_many(&values);
            assert_eq!(objects(supervisor), 0);
        }
    });
}

#[test]
fn one_of_two_sends_moves_the_handle() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
        for _ in 0..2000 {
            let value = event().into_raw();
            let start = Barrier::new(2);
            let results = std::thread::scope(|scope| {
                let senders = [(); 2].map(|()| {
                    scope.spawn(|| {
                        start.wait();
                        raw::channel_write(ours.raw_handle(), b"", &[value])
                    })
                });
                senders.map(|sender| sender.join().unwrap())
            });
            assert!(results.contains(&Ok(())) && results.contains(&Err(Status::BAD_HANDLE)), "{results:?}");
            assert_eq!(next(&theirs).n_handles(), 1);
            assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
        }
        assert_eq!(objects(supervisor), 1);
    });
}

/// Handle values that several threads share. Each thread may close any of them at any time.
struct SharedWords([AtomicU32; 48]);

impl SharedWords {
    fn some(&self, random: &mut fastrand::Rng) -> u32 {
        self.0[random.usize(0..self.0.len())].load(Ordering::Relaxed)
    }

    /// Puts a value where all threads can take it. The last value there is closed, unless another thread has closed it.
    fn put(&self, value: u32, random: &mut fastrand::Rng) {
        close_once_returned(self.0[random.usize(0..self.0.len())].swap(value, Ordering::Relaxed));
    }

    /// Handles to send through `carrier`: no channel older than that, so that no circle comes about.
    fn cargo(&self, carrier: u32, random: &mut fastrand::Rng) -> Vec<u32> {
        let number = |value: u32| {
            let info = borrowed(value).basic_info().ok()?;
            (info.object_type == ObjectType::CHANNEL).then(|| info.koid.min(info.related_koid))
        };
        let of_carrier = number(carrier);
        let mut values: Vec<u32> = (0..random.usize(0..5)).map(|_| self.some(random)).collect();
        values.retain(|value| *value != 0 && number(*value).is_none_or(|number| Some(number) > of_carrier));
        values
    }
}

/// Closes a handle, unless another thread has. A thread that has a loan of the channel, or reads in place, is waited for.
fn close_once_returned(value: u32) {
    while raw::close(value) == Err(Status::BAD_STATE) {
        std::thread::yield_now();
    }
}

#[test]
fn threads_sharing_handles_lose_none() {
    in_arena(|supervisor| {
        for round in 0..12 {
            let shared = SharedWords([const { AtomicU32::new(0) }; 48]);
            std::thread::scope(|scope| {
                for thread in 0..4 {
                    let shared = &shared;
                    scope.spawn(move || {
                        set_spin(MonotonicDuration::ZERO);
                        let mut random = support::random(round * 4 + thread);
                        for _ in 0..4000 {
                            anything(shared, &mut random);
                        }
                    });
                }
            });
            for value in shared.0 {
                close_once_returned(value.into_inner());
            }
            let after = clean(supervisor);
            assert_eq!((after.objects, after.handles, after.in_transit), (0, 0, 0), "round {round}: {after}");
        }
    });
}

/// One call with handles that others use too. Whatever it says is right.
fn anything(shared: &SharedWords, random: &mut fastrand::Rng) {
    let value = shared.some(random);
    if value == 0 {
        return shared.put(event().into_raw(), random);
    }
    let channel = borrowed(value);
    let soon = MonotonicInstant::after(MonotonicDuration::from_micros(20));
    let bytes = vec![1; [0, 60, IN_BLOCK, 3000][random.usize(0..4)]];
    let mut message = MessageBuf::new();
    match random.u32(0..17) {
        0 => shared.put(event().into_raw(), random),
        1 | 2 => {
            let (one, other) = Channel::create();
            shared.put(HandleBased::into_raw(one), random);
            shared.put(HandleBased::into_raw(other), random);
        }
        3 => {
            let (one, other) = EventPair::create();
            shared.put(HandleBased::into_raw(one), random);
            shared.put(HandleBased::into_raw(other), random);
        }
        4 => drop(raw::duplicate(value, Rights::SAME_RIGHTS).map(|copy| shared.put(copy, random))),
        5 => drop(raw::replace(value, Rights::SAME_RIGHTS).map(|new| shared.put(new, random))),
        6 => drop(raw::close(value)),
        7 => drop(raw::signal(value, Signals::USER_0, Signals::USER_1)),
        8 => drop(raw::signal_peer(value, Signals::USER_1, Signals::USER_0)),
        9 => drop(raw::wait_one(value, Signals::all(), soon)),
        10..=12 => drop(raw::channel_write(value, &bytes, &shared.cargo(value, random))),
        13 => {
            let mut handles =
                shared.cargo(value, random).into_iter().map(NullableHandle::from_raw).collect::<Vec<_>>();
            let _ = channel.call(soon, b"\0\0\0\0?", &mut handles, &mut message);
        }
        14 => {
            if let Ok(held) = channel.read_in_place() {
                std::thread::yield_now();
                for info in held.finish().into_iter().flatten() {
                    shared.put(info.handle.into_raw(), random);
                }
            }
        }
        15 => {
            if let Ok(loan) = channel.reserve(bytes.len()) {
                std::thread::yield_now();
                let _ = if random.bool() { loan.commit() } else { Ok(()) };
            }
        }
        _ => drop(channel.read(&mut message)),
    }
    for index in 0..message.n_handles() {
        if let Some(handle) = message.take_handle(index) {
            shared.put(handle.into_raw(), random);
        }
    }
}
