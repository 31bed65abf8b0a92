//! Attaching to missing arenas, and limits out of range: each gives a clear error, and does no harm.

mod support;

use jacinth::*;
use std::error::Error;
use std::io::ErrorKind;
use std::os::unix::net::{UnixDatagram, UnixListener};
use support::*;

#[test]
fn child_main() {
    play(&[
        ("finds a stale slot", finds_a_stale_slot),
        ("finds a malformed slot", finds_a_malformed_slot),
        ("finds no supervisor", finds_no_supervisor),
        ("waits", waits),
    ]);
}

fn waits() {
    wait_for_peer_closed(&startup_channel());
}

fn is_bad_state<T>(result: Result<T, Status>) -> bool {
    matches!(result, Err(Status::BAD_STATE))
}

#[test]
fn errors_explain_how_to_attach() {
    alone(|| {
        let error = take_startup_handle().unwrap_err();
        assert!(matches!(error, AttachError::NotAttached));
        let text = error.to_string();
        for part in
            ["attached to nothing", "Supervisor::spawn", "Supervisor::create", "attach", SOCKET_VARIABLE]
        {
            assert!(text.contains(part), "{part:?} is not in {text:?}");
        }
        assert!(matches!(Supervisor::get(), Err(AttachError::NotAttached)));
        assert!(!is_attached());
        assert!(is_bad_state(Event::try_create()) && is_bad_state(EventPair::try_create()));
        let status = Channel::try_create().unwrap_err();
        assert_eq!(status, Status::BAD_STATE);
        assert_eq!(status.detail().as_deref(), Some(&*text), "a status says what the error says");
        // A `main` that returns the error prints its `Debug`.
        assert_eq!(format!("{error:?}"), text);
        assert!(format!("{status:?}").contains(&text), "{status:?}");
        assert!(is_bad_state(raw::check_valid(1)) && is_bad_state(raw::close(1)));
        assert_eq!(raw::close(raw::INVALID), Ok(()));
        assert!(is_bad_state(raw::wait_one(1, Signals::USER_0, FOREVER).0));
        set_spin(MonotonicDuration::ZERO);
        drop(NullableHandle::from_raw(77));
        // And it still can.
        let supervisor = Supervisor::create(&Config::default()).unwrap();
        assert!(is_attached() && Event::try_create().is_ok());
        clean(&supervisor);
    });
}

#[test]
fn errors_name_the_silent_path() {
    alone(|| {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a file"), "text").unwrap();
        drop(UnixListener::bind(at("no listener")).unwrap());
        let _streams = UnixListener::bind(at("streams")).unwrap();
        let _datagrams = UnixDatagram::bind(at("datagrams")).unwrap();
        for (name, kind) in [
            ("nothing", Some(ErrorKind::NotFound)),
            ("a file", Some(ErrorKind::ConnectionRefused)),
            ("no listener", Some(ErrorKind::ConnectionRefused)),
            ("streams", None),
            ("datagrams", None),
        ] {
            let error = attach(at(name)).unwrap_err();
            let AttachError::NoSupervisor { path, source } = &error else { panic!("{name}: {error:?}") };
            assert_eq!(*path, at(name));
            assert!(kind.is_none_or(|kind| source.kind() == kind), "{name}: {source:?}");
            assert!(error.to_string().contains(name), "{error}");
            assert!(error.source().is_some());
            assert!(!is_attached());
        }
        let too_long = at(&"x".repeat(200));
        assert!(matches!(attach(too_long), Err(AttachError::NoSupervisor { .. })));
        assert!(matches!(attach(""), Err(AttachError::NoSupervisor { .. })));
    });
}

#[test]
fn a_process_has_one_attachment() {
    in_arena(|supervisor| {
        let second = Supervisor::create(&Config::default()).unwrap_err();
        assert!(matches!(second, AttachError::AlreadyAttached));
        assert!(second.to_string().contains("one attachment"), "{second}");
        assert!(matches!(attach(supervisor.socket_path()), Err(AttachError::AlreadyAttached)));
        assert!(matches!(attach("/nonexistent"), Err(AttachError::AlreadyAttached)));
        assert!(matches!(take_startup_handle(), Err(AttachError::NotSpawned)));
        assert_eq!(supervisor.inspect().processes, 1);
        assert!(Supervisor::get().is_ok());
    });
}

#[test]
fn one_concurrent_create_attaches() {
    alone(|| {
        let results = std::thread::scope(|scope| {
            let threads = [(); 6].map(|()| scope.spawn(|| Supervisor::create(&Config::default())));
            threads.map(|thread| thread.join().unwrap())
        });
        let (created, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!((created.len(), refused.len()), (1, 5));
        assert!(
            refused.iter().all(|result| matches!(result, Err(AttachError::AlreadyAttached))),
            "{refused:?}"
        );
        let supervisor = created.into_iter().next().unwrap().unwrap();
        assert!(Event::try_create().is_ok());
        assert_eq!(supervisor.collect().unwrap().processes, 0);
        clean(&supervisor);
    });
}

/// A change of the default limits.
type Limits = fn(&mut Config);

#[test]
fn errors_name_the_limit_out_of_range() {
    alone(|| {
        let cases: &[(&str, Limits)] = &[
            ("max_processes", |config| config.max_processes = 0),
            ("max_processes", |config| config.max_processes = 4096),
            ("max_threads", |config| config.max_threads = 0),
            ("max_threads", |config| config.max_threads = u32::MAX),
            ("max_objects", |config| config.max_objects = 0),
            ("max_objects", |config| config.max_objects = 1 << 23),
            ("max_handles_per_process", |config| config.max_handles_per_process = 0),
            ("max_handles_per_process", |config| config.max_handles_per_process = 1 << 20),
            ("max_pending_messages", |config| config.max_pending_messages = 0),
            ("max_pending_messages", |config| config.max_pending_messages = (1 << 20) + 1),
            ("first_segment_messages", |config| config.first_segment_messages = 0),
            ("first_segment_messages", |config| config.first_segment_messages = 1),
            ("first_segment_messages", |config| config.first_segment_messages = 12),
            ("first_segment_messages", |config| config.first_segment_messages = 16_384),
            ("pool_bytes", |config| config.pool_bytes = 0),
            ("pool_bytes", |config| config.pool_bytes = u64::MAX),
            ("max_loan_bytes", |config| config.max_loan_bytes = 1),
            ("max_loan_bytes", |config| config.max_loan_bytes = 1 << 30),
            ("vmo_pool_bytes", |config| config.vmo_pool_bytes = (1 << 40) + 1),
            ("max_vmo_bytes_per_process", |config| config.max_vmo_bytes_per_process = 4095),
        ];
        for (field, change) in cases {
            let mut config = Config::default();
            change(&mut config);
            let error = Supervisor::create(&config).unwrap_err();
            assert!(matches!(error, AttachError::Arena(_)), "{error:?}");
            assert!(error.to_string().contains(field), "{field} is not in {:?}", error.to_string());
            assert!(!is_attached(), "{field}");
        }
    });
}

#[test]
fn the_smallest_arena_works() {
    in_arena_of(
        |config| {
            config.max_processes = 1;
            config.max_threads = 2;
            config.max_objects = 1;
            config.max_handles_per_process = 3;
            config.max_pending_messages = 1;
            config.first_segment_messages = 2;
            config.pool_bytes = 256;
            config.max_loan_bytes = 256;
        },
        |_| {
            for _ in 0..100 {
                let (ours, theirs) = Channel::create();
                tell(&ours, "only one at a time");
                assert_eq!(ours.write(b"", &mut []), Err(Status::SHOULD_WAIT));
                assert_eq!(next(&theirs).bytes(), b"only one at a time");
            }
        },
    );
}

#[test]
fn stale_slots_join_malformed_slots_fail() {
    in_arena(|supervisor| {
        let (ours, child) = spawn(supervisor, "waits");
        let mut stale = role("finds a stale slot");
        // The child's own slot, which it has taken by the time its rights can be seen to work.
        until(|| supervisor.inspect().processes == 2);
        stale.env(SOCKET_VARIABLE, supervisor.socket_path()).env(SLOT_VARIABLE, "4:9:77");
        join(stale.spawn().unwrap());
        drop(ours);
        join(child);
        let malformed =
            ["", "1", "1:1", "x:y:1", "-1:0:1", "99999999999:0:1", "1:99999999999:1", "1:1:x", "1:1:1:1"];
        for slot in malformed {
            let mut malformed = role("finds a malformed slot");
            malformed.env(SOCKET_VARIABLE, supervisor.socket_path()).env(SLOT_VARIABLE, slot);
            join(malformed.spawn().unwrap());
        }
        let mut lost = role("finds no supervisor");
        join(lost.env(SOCKET_VARIABLE, "/nonexistent/supervisor").spawn().unwrap());
    });
}

fn finds_a_stale_slot() {
    let error = take_startup_handle().unwrap_err();
    let lost = |reason| matches!(reason, LostSeat::OfAnotherArena);
    assert!(matches!(error, AttachError::LostSeat { reason, .. } if lost(reason)), "{error:?}");
    // It was inherited from an ancestor: the arena is still the one to join.
    drop(Event::create());
}

fn finds_a_malformed_slot() {
    let error = take_startup_handle().unwrap_err();
    assert!(matches!(error, AttachError::BadSlot(_)), "{error:?}");
    assert!(error.to_string().contains(SLOT_VARIABLE), "{error}");
    assert!(is_bad_state(Event::try_create()));
}

fn finds_no_supervisor() {
    let error = take_startup_handle().unwrap_err();
    assert!(matches!(error, AttachError::NoSupervisor { .. }), "{error:?}");
    assert!(error.to_string().contains("/nonexistent/supervisor"), "{error}");
    assert!(is_bad_state(Event::try_create()));
}
