//! Directories and listeners by a handle's value: serving a name, connecting to it, accepting.

use crate::attachment::current_process::{Origin, current};
use crate::attachment::current_thread::with_thread;
use crate::raw::object::create;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::status::Status;
use crate::types::time::MonotonicInstant;
use jacinth_shm as shm;

/// The longest name that a listener can have, in bytes.
pub const MAX_SERVICE_NAME_LEN: usize = shm::MAX_LISTENER_NAME_BYTES;

/// How many channels may be queued at a listener.
pub const LISTENER_BACKLOG: usize = shm::LISTENER_BACKLOG;

fn directory_with(thread: &shm::Thread, value: u32, rights: Rights) -> shm::Result<shm::ResolvedHandle> {
    let found = thread.lookup(shm::HandleValue(value))?;
    if thread.class(found)? != shm::ObjectClass::Directory {
        return Err(shm::Error::WrongType);
    }
    found.require(rights.into())?;
    Ok(found)
}

fn meeting(value: u32, rights: Rights, name: &str, deadline: MonotonicInstant) -> shm::Meeting<'_> {
    shm::Meeting {
        directory: shm::HandleValue(value),
        rights: rights.into(),
        name,
        deadline_ns: deadline.into_nanos(),
    }
}

/// Makes a handle to the arena's root directory, with the rights that the arena's creator lets its members have
/// ([`Config::root_rights`](crate::Config)).
///
/// # Errors
/// [`Status::NO_RESOURCES`] when this process has no room for another handle; [`Status::BAD_STATE`] in a process that is
/// attached to no arena.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let root = raw::directory_root()?;
/// assert_eq!(raw::basic(root)?.class, ObjectClass::Directory);
/// # raw::close(root)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn directory_root() -> Result<u32, Status> {
    with_thread(|thread| {
        let all = shm::Rights::from(Rights::DIRECTORY_DEFAULT);
        let has_made_the_arena = current().is_some_and(|own| matches!(own.origin, Origin::Created));
        thread.open_root(if has_made_the_arena { all } else { thread.root_rights()? & all })
    })
    .map(|value| value.0)
}

/// Makes an empty directory, with [`Rights::DIRECTORY_DEFAULT`].
///
/// # Errors
/// As [`create`](crate::raw::create).
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let directory = raw::directory_create()?;
/// let past = MonotonicInstant::INFINITE_PAST;
/// assert_eq!(raw::directory_connect(directory, "log", past), Err(Status::NOT_FOUND));
/// # raw::close(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn directory_create() -> Result<u32, Status> {
    create(ObjectType::DIRECTORY, Rights::DIRECTORY_DEFAULT).map(|(value, _)| value)
}

/// Makes a directory, with [`Rights::DIRECTORY_DEFAULT`], that passes these names on to `parent`. See
/// [`Directory::create_view`](crate::Directory::create_view).
///
/// Needs [`Rights::READ`] on `parent`.
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`], [`Status::ACCESS_DENIED`] for `parent`; [`Status::INVALID_ARGS`] for a name
/// that is empty or has a NUL; [`Status::OUT_OF_RANGE`] for a name that is too long, for more than 64 KiB of names, and
/// when eight directories are behind `parent` already; [`Status::NO_RESOURCES`] and [`Status::NO_MEMORY`] as for
/// [`directory_serve`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let root = raw::directory_root()?;
/// let view = raw::directory_create_view(root, &["log"])?;
/// # raw::close_many(&[root, view])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn directory_create_view(parent: u32, names: &[&str]) -> Result<u32, Status> {
    with_thread(|thread| {
        let parent = directory_with(thread, parent, Rights::READ)?;
        thread.create_view(parent, names, Rights::DIRECTORY_DEFAULT.into())
    })
    .map(|value| value.0)
}

/// The names that are served in the directory, and those that it passes on and that are served there, sorted.
///
/// Needs [`Rights::ENUMERATE`].
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`], [`Status::ACCESS_DENIED`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let listener = serve("log")?;
/// let root = raw::directory_root()?;
/// assert_eq!(raw::directory_names(root)?, ["log"]);
/// # raw::close(root)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn directory_names(value: u32) -> Result<Vec<String>, Status> {
    with_thread(|thread| thread.list_names(directory_with(thread, value, Rights::ENUMERATE)?))
}

/// Makes a listener, with [`Rights::LISTENER_DEFAULT`], that has the name in this directory. While another one has it, waits
/// until `deadline`.
///
/// Needs [`Rights::WRITE`] on the directory. See [`Directory::serve`](crate::Directory::serve).
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`], [`Status::ACCESS_DENIED`] for the directory; [`Status::INVALID_ARGS`] for a
/// name that is empty or has a NUL, and [`Status::OUT_OF_RANGE`] for one that is longer than [`MAX_SERVICE_NAME_LEN`].
/// [`Status::ALREADY_EXISTS`] while another listener has the name and `deadline` lies before the machine's start, and
/// [`Status::TIMED_OUT`] at any later deadline. [`Status::NO_RESOURCES`] when the directory has 1,024 names already, there is
/// no room for another object or handle, or this process's quota of memory is used up; [`Status::NO_MEMORY`] when the arena's
/// pools are exhausted; [`Status::CANCELED`] when another thread closes the directory's handle meanwhile.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let root = raw::directory_root()?;
/// let listener = raw::directory_serve(root, "log", MonotonicInstant::INFINITE_PAST)?;
/// let again = raw::directory_serve(root, "log", MonotonicInstant::INFINITE_PAST);
/// assert_eq!(again, Err(Status::ALREADY_EXISTS));
/// # raw::close_many(&[root, listener])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn directory_serve(value: u32, name: &str, deadline: MonotonicInstant) -> Result<u32, Status> {
    let at = meeting(value, Rights::WRITE, name, deadline);
    with_thread(|thread| thread.serve(at, Rights::LISTENER_DEFAULT.into())).map(|value| value.0)
}

/// Makes a channel, queues one end at the listener that has the name, and gives the other. While no listener has the name, or
/// its queue is full, waits until `deadline`.
///
/// Needs [`Rights::READ`] on the directory. See [`Directory::connect`](crate::Directory::connect).
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`], [`Status::ACCESS_DENIED`] for the directory; [`Status::INVALID_ARGS`] and
/// [`Status::OUT_OF_RANGE`] for a name that no listener can have. [`Status::NOT_FOUND`] while no listener has the name,
/// and [`Status::SHOULD_WAIT`] while its queue is full, if `deadline` lies before the machine's start; [`Status::TIMED_OUT`] at
/// any later deadline. [`Status::NO_RESOURCES`], [`Status::NO_MEMORY`], [`Status::CANCELED`] as for [`directory_serve`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let root = raw::directory_root()?;
/// let listener = raw::directory_serve(root, "log", MonotonicInstant::INFINITE_PAST)?;
/// let client = raw::directory_connect(root, "log", MonotonicInstant::INFINITE)?;
/// let server = raw::listener_accept(listener)?;
/// # raw::close_many(&[root, listener, client, server])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn directory_connect(value: u32, name: &str, deadline: MonotonicInstant) -> Result<u32, Status> {
    let at = meeting(value, Rights::READ, name, deadline);
    with_thread(|thread| {
        let rights = Rights::CHANNEL_DEFAULT.into();
        let (ours, theirs) = thread.create(shm::ObjectClass::Channel, rights)?;
        let theirs = theirs.ok_or(shm::Error::Corrupt("a channel has two ends"))?;
        let Err(refused) = thread.connect(at, theirs) else { return Ok(ours.0) };
        for end in [theirs, ours] {
            match thread.lookup(end).and_then(|end| thread.close(end)) {
                // The refusal says more than a failure to close.
                Ok(()) | Err(_) => {}
            }
        }
        Err(refused)
    })
}

/// Takes the oldest channel out of the listener's queue.
///
/// Needs [`Rights::READ`]. See [`Listener::accept`](crate::Listener::accept).
///
/// # Errors
/// [`Status::SHOULD_WAIT`] when none is queued; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`], [`Status::ACCESS_DENIED`];
/// [`Status::NO_RESOURCES`] when this process has no room for another handle.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let listener = serve("log")?;
/// assert_eq!(raw::listener_accept(listener.raw_handle()), Err(Status::SHOULD_WAIT));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn listener_accept(value: u32) -> Result<u32, Status> {
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        if thread.class(found)? != shm::ObjectClass::Listener {
            return Err(shm::Error::WrongType);
        }
        found.require(Rights::READ.into())?;
        thread.accept(found)
    })
    .map(|received| received.value.0)
}
