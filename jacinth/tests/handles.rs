//! Handles: duplicating, replacing, closing, their values, and what every call says to a bad one.

mod support;

use jacinth::raw;
use jacinth::*;
use std::collections::HashSet;
use std::mem::ManuallyDrop;
use support::*;

#[test]
fn child_main() {
    play(&[("tells its values", tells_its_values)]);
}

fn rights_of(handle: &impl AsHandleRef) -> Rights {
    handle.as_handle_ref().basic_info().unwrap().rights
}

#[test]
fn a_duplicate_has_the_requested_rights() {
    in_arena(|_| {
        let event = Event::create();
        let same = event.duplicate(Rights::SAME_RIGHTS).unwrap();
        assert_eq!(rights_of(&same), Rights::EVENT_DEFAULT);
        let fewer = event.duplicate(Rights::WAIT | Rights::SIGNAL).unwrap();
        assert_eq!(rights_of(&fewer), Rights::WAIT | Rights::SIGNAL);
        let none = event.duplicate(Rights::NONE).unwrap();
        assert_eq!(rights_of(&none), Rights::NONE);
        for other in [&same, &fewer, &none] {
            assert_eq!(other.koid(), event.koid());
            assert_ne!(other.raw_handle(), event.raw_handle());
        }
        assert_eq!(event.count_info().map(|info| info.handle_count), Ok(4));
    });
}

#[test]
fn duplicating_never_adds_a_right() {
    in_arena(|_| {
        let event = Event::create();
        let waits = event.duplicate(Rights::WAIT).unwrap();
        for rights in [Rights::SAME_RIGHTS, Rights::WAIT, Rights::NONE, Rights::WAIT | Rights::SIGNAL] {
            assert_eq!(waits.duplicate(rights), Err(Status::ACCESS_DENIED), "{rights:?}");
        }
        let duplicates = event.duplicate(Rights::DUPLICATE | Rights::WAIT).unwrap();
        for beyond in [Rights::SIGNAL, Rights::READ, Rights::from_bits_retain(1 << 30)] {
            assert_eq!(duplicates.duplicate(Rights::WAIT | beyond), Err(Status::INVALID_ARGS), "{beyond:?}");
        }
        let with_flag = Rights::SAME_RIGHTS | Rights::WAIT;
        assert_eq!(duplicates.duplicate(with_flag), Err(Status::INVALID_ARGS), "SAME_RIGHTS and more");
        assert_eq!(
            event.count_info().map(|info| info.handle_count),
            Ok(3),
            "no failure left a handle behind"
        );
        let (end, _other) = Channel::create();
        assert_eq!(end.duplicate(Rights::SAME_RIGHTS), Err(Status::ACCESS_DENIED), "channels never can");
    });
}

#[test]
fn replacing_closes_the_old_handle() {
    in_arena(|supervisor| {
        let event = Event::create();
        let (koid, old) = (event.koid().unwrap(), event.raw_handle());
        let event = event.replace(Rights::SAME_RIGHTS).unwrap();
        assert_eq!(raw::check_valid(old), Err(Status::BAD_HANDLE));
        assert_eq!((event.koid(), rights_of(&event)), (Ok(koid), Rights::EVENT_DEFAULT));
        let event = event.replace(Rights::WAIT | Rights::INSPECT).unwrap();
        assert_eq!(rights_of(&event), Rights::WAIT | Rights::INSPECT);
        assert_eq!(event.count_info().map(|info| info.handle_count), Ok(1));
        let value = event.raw_handle();
        assert_eq!(event.replace(Rights::WAIT | Rights::SIGNAL), Err(Status::INVALID_ARGS));
        assert_eq!(raw::check_valid(value), Err(Status::BAD_HANDLE), "consumed by the failure too");
        assert_eq!(objects(supervisor), 0, "it was the last handle");
    });
}

#[test]
fn a_replaced_end_keeps_its_messages() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        tell(&ours, "before");
        let theirs = theirs.replace(Rights::READ | Rights::WAIT).unwrap();
        tell(&ours, "after");
        assert_eq!(next(&theirs).bytes(), b"before");
        assert_eq!(next(&theirs).bytes(), b"after");
        assert_eq!(theirs.write(b"", &mut []), Err(Status::ACCESS_DENIED));
        drop(theirs);
        assert_eq!(ours.write(b"", &mut []), Err(Status::PEER_CLOSED));
    });
}

#[test]
fn a_handle_closes_once() {
    in_arena(|supervisor| {
        let value = event().into_raw();
        assert_eq!(raw::close(value), Ok(()));
        assert_eq!(raw::close(value), Err(Status::BAD_HANDLE));
        assert_eq!(raw::close(raw::INVALID), Ok(()), "closing the invalid handle is fine");
        assert_eq!(raw::close(0xdead_beef), Err(Status::BAD_HANDLE));
        assert_eq!(objects(supervisor), 0);
    });
}

#[test]
fn one_of_many_concurrent_closes_succeeds() {
    in_arena(|supervisor| {
        for _ in 0..300 {
            let value = event().into_raw();
            let start = std::sync::Barrier::new(4);
            let closed = std::thread::scope(|scope| {
                let closers = [(); 4].map(|()| {
                    scope.spawn(|| {
                        start.wait();
                        raw::close(value)
                    })
                });
                closers.map(|closer| closer.join().unwrap())
            });
            assert_eq!(closed.iter().filter(|result| result.is_ok()).count(), 1, "{closed:?}");
            assert!(closed.iter().all(|result| matches!(result, Ok(()) | Err(Status::BAD_HANDLE))));
        }
        assert_eq!(objects(supervisor), 0);
    });
}

#[test]
fn close_many_closes_every_valid_handle() {
    in_arena(|supervisor| {
        let values: Vec<u32> = (0..10).map(|_| event().into_raw()).collect();
        assert_eq!(raw::close_many(&values), Ok(()));
        assert_eq!(raw::close_many(&[]), Ok(()));
        assert_eq!(raw::close_many(&[0, 0]), Ok(()), "the invalid handle is skipped");

        let [a, b, c] = [(); 3].map(|()| event().into_raw());
        assert_eq!(raw::close_many(&[0, a, values[0], b, 0, c]), Err(Status::BAD_HANDLE));
        assert_eq!(objects(supervisor), 0, "those beside the bad one are closed");

        let [a, b, c] = [(); 3].map(|()| event().into_raw());
        assert_eq!(raw::close_many(&[a, b, a, c, b]), Err(Status::BAD_HANDLE));
        assert_eq!(objects(supervisor), 0, "and those in the list twice");
        for value in [a, b, c] {
            assert_eq!(raw::check_valid(value), Err(Status::BAD_HANDLE));
        }
    });
}

#[test]
fn open_values_are_distinct_and_nonzero() {
    in_arena(|_| {
        let mut values = HashSet::new();
        let mut keep = Vec::new();
        for _ in 0..20_000 {
            let event = Event::create();
            let copy = event.duplicate(Rights::SAME_RIGHTS).unwrap();
            for handle in [event, copy] {
                assert_ne!(handle.raw_handle(), 0);
                assert!(values.insert(handle.raw_handle()));
                keep.push(handle);
            }
        }
    });
}

#[test]
fn closed_values_are_not_reused_soon() {
    in_arena(|_| {
        let live = Event::create();
        let mut stale = HashSet::new();
        for round in 0..100_000 {
            let value = event().into_raw();
            assert!(stale.insert(value), "value {value:#x} came back in round {round}");
            raw::close(value).unwrap();
        }
        for value in stale {
            assert_eq!(raw::check_valid(value), Err(Status::BAD_HANDLE));
        }
        assert!(raw::check_valid(live.raw_handle()).is_ok());
    });
}

#[test]
fn stale_values_fail_in_full_tables() {
    in_arena_of(
        |config| config.max_handles_per_process = 16,
        |_| {
            let mut stale = HashSet::new();
            let mut open: Vec<NullableHandle> = Vec::new();
            let first = Event::create();
            while let Ok(copy) = first.duplicate(Rights::SAME_RIGHTS) {
                open.push(copy.into());
            }
            for _ in 0..2000 {
                let value = open.remove(0).into_raw();
                raw::close(value).unwrap();
                stale.insert(value);
                let copy = first.duplicate(Rights::SAME_RIGHTS).unwrap();
                assert!(!stale.contains(&copy.raw_handle()));
                open.push(copy.into());
            }
            for value in stale {
                assert_eq!(raw::check_valid(value), Err(Status::BAD_HANDLE));
            }
        },
    );
}

/// What a call works on.
#[derive(Clone, Copy, PartialEq)]
enum On {
    Anything,
    Peered,
    Channels,
    Timers,
}

struct Call {
    name: &'static str,
    on: On,
    needs: Rights,
    run: fn(u32) -> Result<(), Status>,
}

const fn the(name: &'static str, on: On, needs: Rights, run: fn(u32) -> Result<(), Status>) -> Call {
    Call { name, on, needs, run }
}

/// A type of objects.
struct Type {
    name: &'static str,
    /// The calls that work on it.
    calls: &'static [On],
    rights: Rights,
    /// Makes one, on which its calls succeed; its peer is kept open beside it.
    make: fn() -> (NullableHandle, NullableHandle),
}

const TYPES: &[Type] = &[
    Type {
        name: "a channel",
        calls: &[On::Anything, On::Peered, On::Channels],
        rights: Rights::CHANNEL_DEFAULT,
        make: readable_channel,
    },
    Type {
        name: "an event pair",
        calls: &[On::Anything, On::Peered],
        rights: Rights::EVENTPAIR_DEFAULT,
        make: || {
            let (ours, theirs) = EventPair::create();
            (ours.into(), theirs.into())
        },
    },
    Type {
        name: "an event",
        calls: &[On::Anything],
        rights: Rights::EVENT_DEFAULT,
        make: || (event(), NullableHandle::invalid()),
    },
    Type {
        name: "a timer",
        calls: &[On::Anything, On::Timers],
        rights: Rights::TIMER_DEFAULT,
        make: || (Timer::create().into(), NullableHandle::invalid()),
    },
];

/// The typed owner of a value, for the calls that only it has.
fn typed<T: HandleBased>(value: u32) -> Unowned<'static, T> {
    Unowned::from_raw_handle(value)
}

fn channel(value: u32) -> Unowned<'static, Channel> {
    typed(value)
}

const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;

/// Every call that takes a handle. None of them succeeds in these tests but `close`, `replace`, `duplicate` and
/// the like, on good handles.
const CALLS: &[Call] = &[
    the("close", On::Anything, Rights::NONE, raw::close),
    the("close_many", On::Anything, Rights::NONE, |value| raw::close_many(&[value])),
    the("duplicate", On::Anything, Rights::DUPLICATE, |value| {
        raw::duplicate(value, Rights::SAME_RIGHTS).and_then(raw::close)
    }),
    the("replace", On::Anything, Rights::NONE, |value| {
        raw::replace(value, Rights::SAME_RIGHTS).and_then(raw::close)
    }),
    the("check_valid", On::Anything, Rights::NONE, raw::check_valid),
    the("basic_info", On::Anything, Rights::NONE, |value| {
        typed::<NullableHandle>(value).basic_info().map(drop)
    }),
    the("handle_count", On::Anything, Rights::INSPECT, |value| {
        typed::<NullableHandle>(value).count_info().map(drop)
    }),
    the("get_name", On::Anything, Rights::GET_PROPERTY, |value| {
        typed::<NullableHandle>(value).get_name().map(drop)
    }),
    the("set_name", On::Anything, Rights::SET_PROPERTY, |value| {
        typed::<NullableHandle>(value).set_name(&Name::new_lossy("x"))
    }),
    the("signal", On::Anything, Rights::SIGNAL, |value| raw::signal(value, Signals::NONE, Signals::USER_0)),
    the("signal_peer", On::Peered, Rights::SIGNAL_PEER, |value| {
        raw::signal_peer(value, Signals::NONE, Signals::USER_0)
    }),
    the("wait_one", On::Anything, Rights::WAIT, |value| {
        match raw::wait_one(value, Signals::USER_7, PAST).0 {
            Err(Status::TIMED_OUT) => Ok(()),
            result => result,
        }
    }),
    the("wait_many", On::Anything, Rights::WAIT, |value| {
        let handle = typed::<NullableHandle>(value);
        match object_wait_many(&mut [WaitItem::new(&handle, Signals::USER_7)], PAST) {
            Err(Status::TIMED_OUT) => Ok(()),
            result => result.map(drop),
        }
    }),
    the("channel_write", On::Channels, Rights::WRITE, |value| raw::channel_write(value, b"bytes", &[])),
    the("channel_write with handles", On::Channels, Rights::WRITE, |value| {
        raw::channel_write(value, b"bytes", &[event().into_raw()])
    }),
    the("write_batch", On::Channels, Rights::WRITE, |value| {
        channel(value).write_batch([&b"bytes"[..]]).map(drop)
    }),
    the("reserve", On::Channels, Rights::WRITE, |value| channel(value).reserve(100).map(drop)),
    the("channel_read", On::Channels, Rights::READ, |value| {
        raw::channel_read(value, OnOverflow::Keep, &mut [0; 64], &mut []).0
    }),
    the("read_batch", On::Channels, Rights::READ, |value| {
        channel(value).read_batch(1, &mut Batch::new()).map(drop)
    }),
    the("read_in_place", On::Channels, Rights::READ, |value| channel(value).read_in_place().map(drop)),
    the("call, for writing", On::Channels, Rights::WRITE, call),
    the("call, for reading", On::Channels, Rights::READ, call),
    the("timer_set", On::Timers, Rights::WRITE, |value| {
        raw::timer_set(value, FOREVER, MonotonicDuration::ZERO)
    }),
    the("timer_cancel", On::Timers, Rights::WRITE, raw::timer_cancel),
];

fn call(value: u32) -> Result<(), Status> {
    match channel(value).call(PAST, b"\0\0\0\0ask", &mut [event()], &mut MessageBuf::new()) {
        Err(Status::TIMED_OUT) => Ok(()),
        result => result,
    }
}

/// An end with something to read; its peer is kept open beside it.
fn readable_channel() -> (NullableHandle, NullableHandle) {
    let (ours, theirs) = Channel::create();
    tell(&theirs, "something");
    (ours.into(), theirs.into())
}

fn assert_all_say_bad_handle(value: u32, what: &str) {
    for Call { name, run, .. } in CALLS {
        if value != 0 || !name.starts_with("close") {
            assert_eq!(run(value), Err(Status::BAD_HANDLE), "{name} with {what}");
        }
    }
}

#[test]
fn every_call_refuses_invalid_values() {
    in_arena(|supervisor| {
        assert_all_say_bad_handle(raw::INVALID, "0");
        assert_all_say_bad_handle(0x1234_5678, "a value from nowhere");
        let closed = event().into_raw();
        raw::close(closed).unwrap();
        assert_all_say_bad_handle(closed, "a closed event");
        let (end, _other) = readable_channel();
        let closed = end.into_raw();
        raw::close(closed).unwrap();
        assert_all_say_bad_handle(closed, "a closed channel");
        let replaced = event().into_raw();
        let _replacement = NullableHandle::from_raw(raw::replace(replaced, Rights::SAME_RIGHTS).unwrap());
        assert_all_say_bad_handle(replaced, "a replaced handle");

        let (carrier, _far) = Channel::create();
        let (end, _other) = readable_channel();
        let moved = [event().into_raw(), end.into_raw()];
        raw::channel_write(carrier.raw_handle(), b"", &moved).unwrap();
        for moved in moved {
            assert_all_say_bad_handle(moved, "a handle in transit");
        }

        let (ours, child) = spawn(supervisor, "tells its values");
        let values = next(&ours);
        assert_eq!(values.bytes().len(), 8);
        for value in values.bytes().as_chunks().0 {
            assert_all_say_bad_handle(u32::from_ne_bytes(*value), "another process's value");
        }
        drop(ours);
        join(child);
    });
}

fn tells_its_values() {
    let ours = startup_channel();
    let (event, (end, _other)) = (Event::create(), readable_channel());
    let values = [event.raw_handle().to_ne_bytes(), end.raw_handle().to_ne_bytes()];
    tell(&ours, values.as_flattened());
    wait_for_peer_closed(&ours);
    assert!(raw::check_valid(event.raw_handle()).is_ok() && raw::check_valid(end.raw_handle()).is_ok());
}

#[test]
fn calls_refuse_other_types() {
    in_arena(|supervisor| {
        for Type { name: what, calls, make, .. } in TYPES {
            let (object, _other) = make();
            // Those that find no peer have a right for it, which handles to other objects never get.
            let refused = CALLS.iter().filter(|call| call.on != On::Peered && !calls.contains(&call.on));
            for Call { name, run, .. } in refused {
                assert_eq!(run(object.raw_handle()), Err(Status::WRONG_TYPE), "{name} on {what}");
            }
        }
        let used_before = readable_channel();
        drop(used_before);
        supervisor.collect().unwrap();
        let events: Vec<Event> = (0..50).map(|_| Event::create()).collect();
        for Call { name, run, .. } in CALLS.iter().filter(|call| call.on == On::Channels) {
            for event in &events {
                assert_eq!(run(event.raw_handle()), Err(Status::WRONG_TYPE), "{name} on a slot used again");
            }
        }
    });
}

#[test]
fn every_call_needs_exactly_its_right() {
    in_arena(|_| {
        for Type { name: what, calls, rights: all, make } in TYPES {
            for Call { name, needs, run, .. } in CALLS.iter().filter(|call| calls.contains(&call.on)) {
                let (object, _other) = make();
                let lacking = object.replace(*all - *needs).unwrap().into_raw();
                if !needs.is_empty() {
                    assert_eq!(run(lacking), Err(Status::ACCESS_DENIED), "{name} on {what}");
                    assert_eq!(raw::check_valid(lacking), Ok(()), "{name} leaves the handle");
                }
                let (good, _other) = make();
                if all.contains(*needs) {
                    assert_eq!(run(ManuallyDrop::new(good).raw_handle()), Ok(()), "{name} on {what}");
                }
                raw::close(lacking).unwrap();
            }
        }
    });
}

#[test]
fn type_conversions_keep_the_value() {
    in_arena(|_| {
        let event = Event::create();
        let value = event.raw_handle();
        let handle = event.into_handle();
        assert_eq!(handle.raw_handle(), value);
        let channel: Channel = handle.into_handle_based();
        assert_eq!(channel.write(b"", &mut []), Err(Status::WRONG_TYPE), "nothing was checked");
        let event: Event = channel.into_handle_based();
        assert_eq!(event.signal(Signals::NONE, Signals::USER_0), Ok(()));
        drop(event);
        assert_eq!(raw::check_valid(value), Err(Status::BAD_HANDLE), "dropping closes");
    });
}
