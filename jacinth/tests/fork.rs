//! fork() without exec, from an attached process: the child has no arena, every call there says so, and no object
//! that the child does or leaves touches the parent's handles.

mod support;

use jacinth::*;
use std::process::Command;
use support::*;

/// Runs `child` in a forked child and gives its exit code.
///
/// The child is a copy of one thread of many, so `child` must not wait for any other: it neither prints nor takes
/// locks that another thread may hold.
#[expect(unsafe_code, reason = "fork is the thing that is tested")]
fn in_forked_child(child: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child only runs `child`, under the rule above, and then leaves by `_exit`: no destructor and no
    // exit handler of the parent's runs a second time.
    let pid = unsafe {
        let pid = libc::fork();
        if pid == 0 {
            libc::_exit(child());
        }
        pid
    };
    let pid = rustix::process::Pid::from_raw(pid).expect("fork gives a child");
    let (_, status) =
        rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty()).unwrap().unwrap();
    status.exit_status().unwrap_or(-1)
}

#[test]
fn every_call_fails_in_a_forked_child() {
    in_arena(|supervisor| {
        let event = Event::create();
        let (ours, theirs) = Channel::create();
        tell(&theirs, "for the parent");
        let mut message = MessageBuf::new();
        let mut batch = Batch::new();
        let (result, before) = (Err(Status::BAD_STATE), supervisor.inspect());
        let value = event.raw_handle();
        let failures = in_forked_child(|| {
            let none = Signals::NONE;
            let checks = [
                is_attached().then_some(()).ok_or(Status::BAD_STATE),
                raw::check_valid(value),
                raw::close(value),
                raw::duplicate(value, Rights::SAME_RIGHTS).map(drop),
                raw::replace(value, Rights::SAME_RIGHTS).map(drop),
                Event::try_create().map(std::mem::forget),
                EventPair::try_create().map(std::mem::forget),
                Channel::try_create().map(std::mem::forget),
                event.signal(none, Signals::USER_0),
                ours.signal_peer(none, Signals::USER_0),
                event.wait_one(Signals::USER_0, MonotonicInstant::INFINITE).map(drop),
                object_wait_many(&mut [WaitItem::new(&event, none)], MonotonicInstant::INFINITE).map(drop),
                object_wait_many(&mut [], MonotonicInstant::INFINITE).map(drop),
                event.basic_info().map(drop),
                event.count_info().map(drop),
                ours.write(b"from the child", &mut []),
                ours.read(&mut message),
                ours.write_batch([&b"x"[..]]).map(drop),
                ours.read_batch(1, &mut batch).map(drop),
                ours.reserve(100).map(std::mem::forget),
                ours.read_in_place().map(std::mem::forget),
                Supervisor::get().map(drop).map_err(|error| error.status()),
                attach("/nonexistent").map_err(|error| error.status()),
                take_startup_handle().map(std::mem::forget).map_err(|error| error.status()),
            ];
            let wrong = checks.iter().position(|check| *check != result);
            wrong.map_or(0, |index| 1 + index as i32)
        });
        assert_eq!(failures, 0, "the number of the first call that did not say BAD_STATE");
        assert_eq!(supervisor.inspect(), before, "nothing has changed");
        assert_eq!(next(&ours).bytes(), b"for the parent");
        assert_eq!(theirs.read(&mut message), Err(Status::SHOULD_WAIT), "nothing came from the child");
        assert_eq!(event.signal(Signals::NONE, Signals::USER_0), Ok(()));
    });
}

#[test]
fn a_forked_child_releases_no_loan() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        tell(&theirs, "kept");
        let (loan, held) = (ours.reserve(1000).unwrap(), ours.read_in_place().unwrap());
        let (mut loan, mut held) = (Some(loan), Some(held));
        let code = in_forked_child(|| {
            let checks = [
                loan.take().map(Loan::commit) == Some(Err(Status::BAD_STATE)),
                held.take().map(|held| held.finish().map(drop)) == Some(Err(Status::BAD_STATE)),
            ];
            checks.iter().position(|check| !check).map_or(0, |index| 1 + index as i32)
        });
        assert_eq!(code, 0, "the number of the first call that did not say BAD_STATE");
        assert_eq!(held.unwrap().finish().map(drop), Ok(()));
        loan.unwrap().commit().unwrap();
        assert_eq!(next(&theirs).bytes().len(), 1000);
    });
}

#[test]
fn a_forked_child_closes_no_handle() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
        let event = Event::create();
        tell(&theirs, "kept");
        let mut loan = ours.reserve(1000).unwrap();
        let held = ours.read_in_place().unwrap();
        let before = supervisor.inspect();
        let code = in_forked_child(|| {
            drop(NullableHandle::from_raw(event.raw_handle()));
            // Dropped in the child only: the parent's copies are other memory.
            let copies =
                (NullableHandle::from_raw(ours.raw_handle()), NullableHandle::from_raw(theirs.raw_handle()));
            drop(copies);
            let checks = [loan.write_at(0, b"the child's"), held.read_at(0, &mut [0])];
            let wrong = checks.iter().position(|check| *check != Err(Status::BAD_STATE));
            wrong.map_or(0, |index| 1 + index as i32)
        });
        assert_eq!(code, 0, "the number of the first call that did not say BAD_STATE");
        assert_eq!(supervisor.inspect(), before);
        assert_eq!(supervisor.collect().unwrap().processes, 0, "no attached process has died");
        let mut bytes = [0; 4];
        held.read_at(0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"kept");
        drop(held);
        loan.commit().unwrap();
        assert_eq!(next(&theirs).bytes().len(), 1000);
        assert!(raw::check_valid(event.raw_handle()).is_ok());
    });
}

/// Nor is the supervisor asked, nor its socket taken away.
#[test]
fn a_forked_child_sees_no_arena() {
    in_arena(|supervisor| {
        let _event = Event::create();
        let code = in_forked_child(|| {
            let checks = [
                supervisor.collect() == Err(Status::BAD_STATE),
                supervisor.process_id().is_none(),
                supervisor.counters() == Default::default(),
                !supervisor.audit().is_clean(),
            ];
            checks.iter().position(|check| !check).map_or(0, |index| 1 + index as i32)
        });
        assert_eq!(code, 0, "the number of the first check that failed");
        assert!(supervisor.socket_path().exists());
        assert_eq!(supervisor.process_id(), Some(std::process::id()));
        supervisor.collect().unwrap();
    });
}

#[test]
fn forked_unused_threads_fail_too() {
    in_arena(|_| {
        let event = Event::create();
        let value = event.raw_handle();
        let code = std::thread::spawn(move || {
            in_forked_child(|| i32::from(raw::check_valid(value) != Err(Status::BAD_STATE)))
        });
        assert_eq!(code.join().unwrap(), 0);
        assert!(raw::check_valid(event.raw_handle()).is_ok());
    });
}

#[test]
fn unrelated_programs_do_no_harm() {
    in_arena(|supervisor| {
        let event = Event::create();
        for _ in 0..5 {
            assert!(Command::new("/bin/true").status().unwrap().success());
        }
        assert_eq!(supervisor.collect().unwrap().processes, 0);
        assert_eq!(event.signal(Signals::NONE, Signals::USER_0), Ok(()));
    });
}

/// The supervisor of the socket never answers, so the parent's thread attaches for as long as the test runs.
#[test]
#[expect(unsafe_code, reason = "an alarm ends a child that hangs")]
fn children_of_attaching_parents_are_refused() {
    alone(|| {
        use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, accept, bind, listen, socket};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mute.arena");
        let listener = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
        bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        listen(&listener, 8).unwrap();
        std::thread::spawn(move || attach(path));
        // From the connection on the thread waits for an answer, and holds the lock.
        let connection = accept(&listener).unwrap();
        let code = in_forked_child(|| {
            // SAFETY: `alarm` has no preconditions. Its signal ends the child.
            unsafe { libc::alarm(20) };
            let attached = matches!(attach("/nonexistent"), Err(AttachError::Forked));
            let created = matches!(Supervisor::create(&Config::default()), Err(AttachError::Forked));
            i32::from(!attached) + 2 * i32::from(!created)
        });
        assert_eq!(code, 0, "1 for attach, 2 for create; -1 for a child that waited");
        drop(connection);
        // The thread goes on trying. The end of this process ends it.
    });
}
