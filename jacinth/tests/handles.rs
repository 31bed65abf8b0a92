//! Handles: duplicating, replacing, closing, and their values.

mod support;

use jacinth::raw;
use jacinth::*;
use std::collections::HashSet;
use support::*;

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
