//! The same by the calls of `libjacinth`, and a process's handles to itself.

use crate::operation::c_interface::calls::Pointer::{Invalid, Valid};
use crate::operation::c_interface::{c_variant_of, calls, ready, ready_with_all, ready_with_one};
use crate::operation::fixture::warm_up_creation;
use crate::operation::process::{fork, membership, thread};
use crate::operation::spec::{ActingThread, OperationSpec};
use jacinth::*;
use std::ffi::CString;
use std::os::unix::ffi::OsStringExt as _;

/// The operations by C's calls.
pub fn operations() -> Vec<OperationSpec> {
    let socket = || std::env::var_os(SOCKET_VARIABLE).expect("the testbed names its supervisor's socket");
    vec![
        c_variant_of(membership::operations, "spawn").prepare(|| {
            let (control, end) = ready_with_one();
            Supervisor::get().unwrap();
            move || (calls::spawn(c"/bin/true", end, Valid).unwrap(), control)
        }),
        c_variant_of(membership::operations, "spawn").variant("bad_pointer").handle_delta(-1).prepare(|| {
            let (control, end) = ready_with_one();
            move || {
                assert_eq!(calls::spawn(c"/bin/true", end, Invalid), Err(Status::INVALID_ARGS));
                assert_eq!(raw::check_valid(end), Err(Status::BAD_HANDLE));
                control
            }
        }),
        c_variant_of(membership::operations, "spawn_missing").handle_delta(-1).prepare(|| {
            let control = ready();
            let (ours, theirs) = Channel::create();
            let theirs = theirs.into_raw();
            move || {
                let missing = calls::spawn(c"/nonexistent/program", theirs, Valid);
                assert_eq!(missing, Err(Status::NOT_FOUND));
                assert_eq!(raw::check_valid(theirs), Err(Status::BAD_HANDLE));
                (ours, control)
            }
        }),
        // The first call of a program that was spawned, of one that the environment invites, and of one that asks.
        c_variant_of(membership::operations, "attach_spawned")
            .prepare(|| || assert_ne!(calls::take_startup_handle(), raw::INVALID)),
        c_variant_of(membership::operations, "attach_stranger")
            .variant("invited")
            .prepare(|| || calls::event_create(Valid).unwrap()),
        c_variant_of(membership::operations, "attach_stranger").prepare(move || {
            let socket = CString::new(socket().into_vec()).unwrap();
            move || {
                calls::attach(&socket).unwrap();
                calls::event_create(Valid).unwrap()
            }
        }),
        c_variant_of(membership::operations, "exit").variant("process").prepare(|| {
            let (control, sides) = ready_with_all();
            drop((Event::create(), EventPair::create()));
            move || -> () {
                std::mem::forget((control, sides));
                calls::process_exit(0)
            }
        }),
        // The child makes the first call of C's.
        c_variant_of(fork::operations, "fork_calls").prepare(|| {
            let values = fork::inherited();
            move || {
                let [event, first, second] = values[..] else { panic!("three handles") };
                let refused = Err(Status::BAD_STATE);
                assert_eq!(calls::close(event), refused);
                assert_eq!(calls::close_many(&[first, second]), refused);
                assert_eq!(calls::duplicate(event, Rights::SAME_RIGHTS, Valid).map(drop), refused);
                assert_eq!(calls::signal(event, Signals::USER_0), refused);
                assert_eq!(calls::write(first, (b"from the child", Valid), &[event]), refused);
                assert_eq!(calls::event_create(Valid).map(drop), refused);
                assert_eq!(calls::self_handles(), [raw::INVALID; 4]);
            }
        }),
        thread_with_self_handle("thread_end"),
        thread_with_self_handle("thread_pthread_exit").variant("zircon").ends_thread(ActingThread::Zircon),
        self_handles(),
    ]
}

/// A thread with a handle to itself. The handle is closed when the thread ends.
fn thread_with_self_handle(name: &str) -> OperationSpec {
    c_variant_of(thread::operations, name).handle_delta(-1).prepare(|| {
        let (control, sides) = ready_with_all();
        drop((Channel::create(), Event::create()));
        assert_ne!(calls::thread_self(), raw::INVALID);
        move || std::mem::forget((control, sides))
    })
}

fn self_handles() -> OperationSpec {
    let operation =
        OperationSpec::new("c_self_handles", "a process's handles to itself leave nothing behind");
    operation.handle_delta(4).prepare(|| {
        warm_up_creation(ready());
        || {
            let own = calls::self_handles();
            assert!(own.iter().all(|value| *value != raw::INVALID));
            assert_eq!(own, calls::self_handles());
        }
    })
}
