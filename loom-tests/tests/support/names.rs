//! What the models of directories and listeners use: servers and clients by name.

use super::*;
use jacinth_shm_loom::{DEADLINE_INFINITE_NS, Meeting};

/// An arena with room for the blocks of two directories and two listeners.
pub fn with_names() -> Config {
    small_with(|config| {
        config.max_objects = 5;
        config.max_handles_per_process = 7;
        config.pool_bytes = 4096;
    })
}

/// A new directory.
pub fn create_directory(thread: &Thread) -> HandleValue {
    thread.create(ObjectClass::Directory, ALL).unwrap().0
}

fn at(directory: HandleValue, name: &str, deadline_ns: i64) -> Meeting<'_> {
    Meeting { directory, rights: Rights::empty(), name, deadline_ns }
}

/// Serves a name, if it is free.
pub fn serve(thread: &Thread, directory: HandleValue, name: &str) -> Result<HandleValue> {
    thread.serve(at(directory, name, 0), ALL)
}

/// Serves a name as soon as it is free.
pub fn serve_when_free(thread: &Thread, directory: HandleValue, name: &str) -> Result<HandleValue> {
    thread.serve(at(directory, name, DEADLINE_INFINITE_NS), ALL)
}

/// Offers a handle to the server of a name, if there is one that has room.
pub fn connect(thread: &Thread, directory: HandleValue, name: &str, offered: HandleValue) -> Result<()> {
    thread.connect(at(directory, name, 0), offered)
}

/// Offers a handle as soon as there is a server of the name that has room.
pub fn connect_when_served(
    thread: &Thread,
    directory: HandleValue,
    name: &str,
    offered: HandleValue,
) -> Result<()> {
    thread.connect(at(directory, name, DEADLINE_INFINITE_NS), offered)
}

/// The oldest handle that is queued, if there is one. It must have all rights.
pub fn accept(thread: &Thread, listener: HandleValue) -> Option<Received> {
    match thread.accept(find(thread, listener)) {
        Ok(received) => {
            assert_eq!(received.rights, ALL, "the rights go with the handle");
            Some(received)
        }
        Err(error) => {
            assert_eq!(error, Error::ShouldWait);
            None
        }
    }
}

/// A duplicate with all rights.
pub fn duplicate(thread: &Thread, value: HandleValue) -> HandleValue {
    thread.duplicate(find(thread, value), ALL).unwrap()
}

/// Two processes with a handle each to one directory.
pub fn shared_directory(config: &Config) -> (Thread, HandleValue, Thread, HandleValue) {
    let one = first(config);
    let directory = create_directory(&one);
    let two = child(&one, Some(duplicate(&one, directory)));
    let theirs = startup(&two);
    (one, directory, two, theirs)
}
