//! First calls and last ones: attaching, spawning, the ends of threads and processes, and calls in a forked child.

use crate::operation::c_interface::calls::Place::{Here, Nowhere};
use crate::operation::c_interface::{calls, like, ready, ready_with_all, ready_with_one};
use crate::operation::process::{self, fork, thread};
use crate::operation::{Operation, Thread};
use jacinth::*;
use std::ffi::CString;
use std::os::unix::ffi::OsStringExt as _;

pub(crate) fn operations() -> Vec<Operation> {
    let socket =
        || std::env::var_os(crate::process::victim::SOCKET).expect("the stage says where its supervisor is");
    vec![
        like(process::operations, "spawn").prepare(|| {
            let (line, end) = ready_with_one();
            Supervisor::get().unwrap();
            move || (calls::spawn(c"/bin/true", end, Here).unwrap(), line)
        }),
        like(process::operations, "spawn").but("nowhere").handles(-1).prepare(|| {
            let (line, end) = ready_with_one();
            move || {
                assert_eq!(calls::spawn(c"/bin/true", end, Nowhere), Err(Status::INVALID_ARGS));
                assert_eq!(raw::check_valid(end), Err(Status::BAD_HANDLE));
                line
            }
        }),
        like(process::operations, "spawn_missing").handles(-1).prepare(|| {
            let line = ready();
            let (ours, theirs) = Channel::create();
            let theirs = theirs.into_raw();
            move || {
                let missing = calls::spawn(c"/nonexistent/program", theirs, Here);
                assert_eq!(missing, Err(Status::NOT_FOUND));
                assert_eq!(raw::check_valid(theirs), Err(Status::BAD_HANDLE));
                (ours, line)
            }
        }),
        // The first call of a program that was spawned, of one that `JACINTH_SOCKET` invites, and of one that asks.
        like(process::operations, "attach_spawned")
            .prepare(|| || assert_ne!(calls::take_startup_handle(), raw::INVALID)),
        like(process::operations, "attach_stranger")
            .but("invited")
            .prepare(|| || calls::event_create(Here).unwrap()),
        like(process::operations, "attach_stranger").prepare(move || {
            let socket = CString::new(socket().into_vec()).unwrap();
            move || {
                calls::attach(&socket).unwrap();
                calls::event_create(Here).unwrap()
            }
        }),
        like(process::operations, "exit").but("process").prepare(|| {
            let (line, sides) = ready_with_all();
            drop((Event::create(), EventPair::create()));
            move || -> () {
                std::mem::forget((line, sides));
                calls::process_exit(0)
            }
        }),
        // The first call of C's is the child's.
        like(fork::operations, "fork_calls").prepare(|| {
            let values = fork::inherited();
            move || {
                let [event, first, second] = values[..] else { panic!("three handles") };
                let refused = Err(Status::BAD_STATE);
                assert_eq!(calls::close(event), refused);
                assert_eq!(calls::close_many(&[first, second]), refused);
                assert_eq!(calls::duplicate(event, Rights::SAME_RIGHTS, Here).map(drop), refused);
                assert_eq!(calls::signal(event, Signals::USER_0), refused);
                assert_eq!(calls::write(first, (b"from the child", Here), &[event]), refused);
                assert_eq!(calls::event_create(Here).map(drop), refused);
                assert_eq!(calls::own(), [raw::INVALID; 4]);
            }
        }),
        // Threads whose handles to themselves go with them.
        thread_that_knows_itself("thread_end"),
        Operation { thread: Thread::Zircon, ..thread_that_knows_itself("thread_pthread_exit").but("zircon") },
    ]
}

/// A thread that has a handle to itself, which is closed when it ends.
fn thread_that_knows_itself(name: &str) -> Operation {
    like(thread::operations, name).handles(-1).prepare(|| {
        let (line, sides) = ready_with_all();
        drop((Channel::create(), Event::create()));
        assert_ne!(calls::thread_self(), raw::INVALID);
        move || std::mem::forget((line, sides))
    })
}
