//! Directories, through the operations of threads.

use crate::arena::config::Config;
use crate::arena::error::Error;
use crate::arena::word::handle::{HandleValue, Rights};
use crate::object::ObjectClass;
use crate::object::directory::meet::Meeting;
use crate::object::directory::names::MAX_NAMES;
use crate::object::directory::view::{self, MAX_VIEW_DEPTH};
use crate::object::directory::with_directory;
use crate::object::listener::block::MAX_LISTENER_NAME_BYTES;
use crate::process::Process;
use crate::process::thread::Thread;
use crate::refcount;
use crate::sync::DEADLINE_INFINITE_NS;
use std::time::Duration;

/// A thread, and its handle to a directory.
pub(in crate::object) fn joined() -> (Thread, HandleValue) {
    joined_with(1 << 16)
}

fn joined_with(pool_bytes: u64) -> (Thread, HandleValue) {
    let config = Config {
        max_objects: 4096,
        max_handles_per_process: 4096,
        max_processes: 1,
        pool_bytes,
        max_loan_bytes: 1 << 13,
        ..Config::default()
    };
    let thread = Thread::join(&Process::alone(&config)).unwrap();
    let (directory, _) = thread.create(ObjectClass::Directory, Rights::all()).unwrap();
    (thread, directory)
}

pub(in crate::object) fn at(directory: HandleValue, name: &str, deadline_ns: i64) -> Meeting<'_> {
    Meeting { directory, rights: Rights::empty(), name, deadline_ns }
}

fn serve(thread: &Thread, directory: HandleValue, name: &str) -> Result<HandleValue, Error> {
    thread.serve(at(directory, name, 0), Rights::all())
}

fn close(thread: &Thread, value: HandleValue) {
    thread.close(thread.lookup(value).unwrap()).unwrap();
}

/// Whether a client finds the name.
fn finds(thread: &Thread, directory: HandleValue, name: &str) -> bool {
    let (event, _) = thread.create(ObjectClass::Event, Rights::all()).unwrap();
    match thread.connect(at(directory, name, 0), event) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error, Error::NotFound);
            close(thread, event);
            false
        }
    }
}

#[test]
fn a_name_has_one_server() {
    let (thread, directory) = joined();
    let first = serve(&thread, directory, "log").unwrap();
    assert_eq!(serve(&thread, directory, "log"), Err(Error::AlreadyExists));
    assert!(serve(&thread, directory, "logs").is_ok());
    assert!(finds(&thread, directory, "log") && !finds(&thread, directory, "lo"));
    close(&thread, first);
    assert!(!finds(&thread, directory, "log"));
    let second = serve(&thread, directory, "log").unwrap();
    assert!(finds(&thread, directory, "log"));
    close(&thread, second);
    assert!(thread.arena().audit().is_clean(), "{}", thread.arena().inspect());
}

#[test]
fn odd_names_are_refused() {
    let (thread, directory) = joined();
    for name in ["", "a\0b"] {
        assert!(matches!(serve(&thread, directory, name), Err(Error::InvalidArgs(_))), "{name:?}");
    }
    let longest = "é".repeat(MAX_LISTENER_NAME_BYTES / 2);
    assert!(serve(&thread, directory, &longest).is_ok());
    assert!(finds(&thread, directory, &longest));
    let longer = format!("{longest}x");
    assert!(matches!(serve(&thread, directory, &longer), Err(Error::OutOfRange { .. })));
    assert_eq!(thread.list_names(thread.lookup(directory).unwrap()).unwrap(), [longest]);
}

/// What a name costs depends on those that are alive: the words of dead servers are used again.
#[test]
fn a_thousand_restarts_take_one_word() {
    let (thread, directory) = joined_with(MAX_NAMES as u64 * 8192);
    for restart in 0..3 * MAX_NAMES {
        let name = if restart % 2 == 0 { "even" } else { "odd" };
        close(&thread, serve(&thread, directory, name).unwrap());
    }
    let body = crate::object::directory::body(
        thread.arena(),
        thread.lookup(directory).unwrap().entry.object().slot(),
    );
    assert_eq!(body.unwrap().used().load(crate::sync::Relaxed), 1);
    let all: Vec<_> =
        (0..MAX_NAMES).map(|number| serve(&thread, directory, &number.to_string()).unwrap()).collect();
    assert!(matches!(serve(&thread, directory, "one more"), Err(Error::NoResources(_))));
    assert_eq!(thread.list_names(thread.lookup(directory).unwrap()).unwrap().len(), MAX_NAMES);
    close(&thread, all[7]);
    serve(&thread, directory, "one more").unwrap();
    assert!(thread.arena().audit().is_clean(), "{}", thread.arena().inspect());
}

#[test]
fn clients_and_servers_wait_for_names() {
    let (thread, directory) = joined();
    let (event, _) = thread.create(ObjectClass::Event, Rights::all()).unwrap();
    let process = thread.process.clone();
    std::thread::scope(|scope| {
        let server = scope.spawn(move || {
            let server = Thread::join(&process).unwrap();
            std::thread::sleep(Duration::from_millis(20));
            let first = serve(&server, directory, "log").unwrap();
            std::thread::sleep(Duration::from_millis(20));
            close(&server, first);
        });
        thread.connect(at(directory, "log", DEADLINE_INFINITE_NS), event).unwrap();
        // The second server waits until the first is gone.
        thread.serve(at(directory, "log", DEADLINE_INFINITE_NS), Rights::all()).unwrap();
        server.join().unwrap();
    });
    let one_ms = || crate::sync::now_ns() + 1_000_000;
    assert_eq!(thread.serve(at(directory, "log", one_ms()), Rights::all()).unwrap_err(), Error::TimedOut);
    let (event, _) = thread.create(ObjectClass::Event, Rights::all()).unwrap();
    assert_eq!(thread.connect(at(directory, "clock", one_ms()), event), Err(Error::TimedOut));
    assert!(thread.arena().audit().is_clean(), "{}", thread.arena().inspect());
}

#[test]
fn a_view_shows_few_names() {
    let (thread, directory) = joined();
    let found = thread.lookup(directory).unwrap();
    let view = thread.create_view(found, &["log", "clock"], Rights::all()).unwrap();
    serve(&thread, directory, "log").unwrap();
    serve(&thread, directory, "secret").unwrap();
    assert!(finds(&thread, view, "log") && !finds(&thread, view, "secret") && !finds(&thread, view, "clock"));
    serve(&thread, directory, "clock").unwrap();
    serve(&thread, view, "own").unwrap();
    assert!(
        finds(&thread, view, "clock") && finds(&thread, view, "own") && !finds(&thread, directory, "own")
    );
    assert_eq!(thread.list_names(thread.lookup(view).unwrap()).unwrap(), ["clock", "log", "own"]);
    let narrow = thread.create_view(thread.lookup(view).unwrap(), &["log", "own"], Rights::all()).unwrap();
    assert!(
        finds(&thread, narrow, "log") && finds(&thread, narrow, "own") && !finds(&thread, narrow, "clock")
    );
    assert_eq!(thread.list_names(thread.lookup(narrow).unwrap()).unwrap(), ["log", "own"]);
    close(&thread, directory);
    assert!(!finds(&thread, view, "log"), "its parent is gone");
    assert!(thread.arena().audit().is_clean(), "{}", thread.arena().inspect());
}

#[test]
fn views_end_at_some_depth() {
    let (thread, directory) = joined();
    let mut last = directory;
    for _ in 0..MAX_VIEW_DEPTH {
        last = thread.create_view(thread.lookup(last).unwrap(), &["log"], Rights::all()).unwrap();
    }
    let deepest = thread.lookup(last).unwrap();
    assert!(matches!(thread.create_view(deepest, &["log"], Rights::all()), Err(Error::OutOfRange { .. })));
    let process = thread.process.clone();
    let (event, _) = thread.create(ObjectClass::Event, Rights::all()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let server = Thread::join(&process).unwrap();
            std::thread::sleep(Duration::from_millis(20));
            serve(&server, directory, "log").unwrap();
        });
        // A server at the far end wakes those who wait at the near one.
        thread.connect(at(last, "log", DEADLINE_INFINITE_NS), event).unwrap();
    });
    assert!(thread.arena().audit().is_clean(), "{}", thread.arena().inspect());
}

#[test]
fn the_arena_keeps_its_root() {
    let (thread, _directory) = joined();
    let rights = thread.root_rights().unwrap();
    let root = thread.open_root(rights).unwrap();
    assert_eq!(thread.lookup(root).unwrap().rights().bits(), Config::default().root_rights);
    let objects = thread.arena().audit().objects;
    let listener = serve(&thread, root, "log").unwrap();
    close(&thread, root);
    let root = thread.open_root(rights).unwrap();
    assert!(finds(&thread, root, "log"));
    close(&thread, listener);
    let audit = thread.arena().audit();
    assert!(audit.is_clean() && audit.objects == objects, "{audit}");
}

/// A client that waits at a view goes on waiting when what is behind the view has ended, and sleeps at no stranger.
#[test]
fn waits_outlive_the_directories_behind() {
    let (thread, directory) = joined();
    let view = thread.create_view(thread.lookup(directory).unwrap(), &["log"], Rights::all()).unwrap();
    let (event, _) = thread.create(ObjectClass::Event, Rights::all()).unwrap();
    let process = thread.process.clone();
    std::thread::scope(|scope| {
        let other = scope.spawn(move || {
            let other = Thread::join(&process).unwrap();
            std::thread::sleep(Duration::from_millis(20));
            close(&other, directory);
            other.collect().unwrap();
            let strangers: Vec<_> =
                (0..8).map(|_| other.create(ObjectClass::Event, Rights::all()).unwrap().0).collect();
            std::thread::sleep(Duration::from_millis(20));
            let listener = serve(&other, view, "log").unwrap();
            for stranger in strangers {
                let object = other.lookup(stranger).unwrap().entry.object();
                let state = crate::arena::word::signals::State(
                    other.arena().state(object).unwrap().load(crate::sync::Relaxed),
                );
                assert!(!state.has(crate::arena::word::signals::State::HAS_WAITERS), "{state:?}");
            }
            listener
        });
        thread.connect(at(view, "log", DEADLINE_INFINITE_NS), event).unwrap();
        other.join().unwrap();
    });
    assert!(thread.arena().audit().is_clean(), "{}", thread.arena().inspect());
}

/// The thread that drops the last reference wakes the sleepers before the directory ends. They must find it gone by then,
/// or they would sleep again, at the next object in its slot.
#[test]
fn a_directory_without_references_is_gone() {
    let (thread, directory) = joined();
    let view = thread.create_view(thread.lookup(directory).unwrap(), &["log"], Rights::all()).unwrap();
    let _listener = serve(&thread, directory, "log").unwrap();
    let found = thread.lookup(view).unwrap();
    let behind = with_directory(&thread, found, |_| view::path(&thread, found)).unwrap().1;
    assert!(behind.len() == 1 && view::is_whole(thread.arena(), &behind));
    refcount::drop_handle(&thread, thread.lookup(directory).unwrap()).unwrap();
    assert!(!view::is_whole(thread.arena(), &behind));
    assert!(!finds(&thread, view, "log"));
}
