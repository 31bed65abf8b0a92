//! Directories: names by which the programs of an arena meet.

mod listener;
mod own;

pub use listener::Listener;
pub use own::{connect, directory, serve, set_directory};

use crate::handle::NullableHandle;
use crate::object::channel::Channel;
use crate::raw;
use crate::types::status::Status;
use crate::types::time::{Deadline, MonotonicInstant};

/// Names, and the [listeners](Listener) that serve them.
///
/// Every arena has one directory, its [root](Self::root), which lives as long as the arena. [`serve`] and
/// [`connect`] use it unless this process [has](set_directory) another one. A handle to a directory is a handle like any
/// other: a program that starts another one can hand it a directory with fewer names, as Fuchsia does with namespaces.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let listener = serve("log")?;
/// // What a child gets: through it the child can reach the log, and nothing else.
/// let for_child = directory()?.create_view(&["log"])?;
/// let client = for_child.connect("log", MonotonicInstant::INFINITE)?;
/// assert_eq!(for_child.connect("clock", MonotonicInstant::INFINITE_PAST).map(drop), Err(Status::NOT_FOUND));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The rights of a handle decide who may do what: [`READ`](crate::Rights::READ) connects, [`WRITE`](crate::Rights::WRITE)
/// serves, [`ENUMERATE`](crate::Rights::ENUMERATE) lists. [`Config::root_rights`](crate::Config) are those that an arena's
/// members get to its root. A member that may read the root can reach every name there, also when it was given another directory:
/// to confine members, make the arena with no `root_rights`, and hand out views.
#[must_use = "dropping a directory closes its handle"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Directory(pub(super) NullableHandle);

impl Directory {
    /// Makes a handle to the arena's root directory, with the rights that its creator lets members have.
    ///
    /// # Errors
    /// [`Status::NO_RESOURCES`] when this process has no room for another handle; [`Status::BAD_STATE`] in a process that is
    /// attached to no arena.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert_eq!(Directory::root()?.basic_info()?.rights, Rights::DIRECTORY_DEFAULT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn root() -> Result<Self, Status> {
        raw::directory_root().map(Self::from_value)
    }

    /// Makes an empty directory, with [`Rights::DIRECTORY_DEFAULT`](crate::Rights::DIRECTORY_DEFAULT). It ends with its last
    /// handle.
    ///
    /// # Panics
    /// When there is no room for another object, and in a process that is attached to no arena:
    /// [`try_create`](Self::try_create) gives an error then.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let directory = Directory::create();
    /// let listener = directory.serve("log")?;
    /// assert_eq!(connect("log", MonotonicInstant::INFINITE_PAST).map(drop), Err(Status::NOT_FOUND));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn create() -> Self {
        Self::try_create().expect("a directory is created")
    }

    /// As [`create`](Self::create), with an error instead of a panic.
    ///
    /// # Errors
    /// As [`Event::try_create`](crate::Event::try_create).
    ///
    /// ```
    /// # use jacinth::*;
    /// assert!(Directory::try_create().is_err()); // There is no arena.
    /// ```
    pub fn try_create() -> Result<Self, Status> {
        raw::directory_create().map(Self::from_value)
    }

    /// Makes a directory that passes these names on to this one, whether they are served already or not. A client with a handle
    /// to it connects to them, and to what is served in the view itself. A name that is served in the view is not visible here.
    ///
    /// The view does not keep this directory: when its last handle is closed, no name is found there any more. (The root is
    /// never closed.) Needs [`Rights::READ`](crate::Rights::READ).
    ///
    /// # Errors
    /// [`Status::INVALID_ARGS`] for a name that is empty or has a NUL; [`Status::OUT_OF_RANGE`] for a name that is too long, for
    /// more than 64 KiB of names, and when eight directories are behind this one already; [`Status::ACCESS_DENIED`];
    /// [`Status::NO_RESOURCES`] when there is no room for another object or handle, or this process's quota of memory is used
    /// up; [`Status::NO_MEMORY`] when the arena's pools are exhausted; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let view = Directory::root()?.create_view(&["log", "clock"])?;
    /// let listener = serve("log")?;
    /// assert_eq!(view.names()?, ["log"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_view(&self, names: &[&str]) -> Result<Self, Status> {
        raw::directory_create_view(self.raw_handle(), names).map(Self::from_value)
    }

    /// The names that a client of this directory finds now, sorted. Needs [`Rights::ENUMERATE`](crate::Rights::ENUMERATE).
    ///
    /// # Errors
    /// [`Status::ACCESS_DENIED`]; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let listener = serve("log")?;
    /// assert_eq!(Directory::root()?.names()?, ["log"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn names(&self) -> Result<Vec<String>, Status> {
        raw::directory_names(self.raw_handle())
    }

    /// Serves a name: from now on those who connect to it queue their channels at the listener. A name has one listener at a
    /// time.
    ///
    /// Needs [`Rights::WRITE`](crate::Rights::WRITE). A server that was restarted uses [`serve_until`](Self::serve_until): the
    /// process before it may not be recovered yet, and has the name until then.
    ///
    /// # Errors
    /// [`Status::ALREADY_EXISTS`] while another listener has the name; [`Status::INVALID_ARGS`] for a name that is empty or has a
    /// NUL, [`Status::OUT_OF_RANGE`] for one of more than 248 bytes; [`Status::ACCESS_DENIED`]; [`Status::NO_RESOURCES`] when the
    /// directory has 1,024 names, there is no room for another object or handle, or this process's quota of memory is used up;
    /// [`Status::NO_MEMORY`] when the arena's pools are exhausted; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let root = Directory::root()?;
    /// let listener = root.serve("log")?;
    /// assert_eq!(root.serve("log").map(drop), Err(Status::ALREADY_EXISTS));
    /// drop(listener);
    /// assert!(root.serve("log").is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn serve(&self, name: &str) -> Result<Listener, Status> {
        self.serve_until(name, MonotonicInstant::INFINITE_PAST)
    }

    /// As [`serve`](Self::serve); while another listener has the name, waits until `deadline` for it to end.
    ///
    /// # Errors
    /// [`Status::TIMED_OUT`] instead of [`Status::ALREADY_EXISTS`], unless `deadline` is
    /// [`INFINITE_PAST`](MonotonicInstant::INFINITE_PAST); [`Status::CANCELED`] when another thread closes this handle meanwhile;
    /// otherwise as [`serve`](Self::serve).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let root = Directory::root()?;
    /// let first = root.serve("log")?;
    /// let second = std::thread::spawn(|| Directory::root()?.serve_until("log", MonotonicInstant::INFINITE));
    /// drop(first);
    /// assert!(second.join().unwrap().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn serve_until(&self, name: &str, deadline: impl Into<Deadline>) -> Result<Listener, Status> {
        raw::directory_serve(self.raw_handle(), name, deadline.into().instant()).map(Listener::from_value)
    }

    /// Connects to the server of a name: makes a channel, queues one end at the server's listener, and gives the other at once.
    /// It can be written to before the server accepts.
    ///
    /// While no server has the name, or 240 channels are queued there, it waits until `deadline`; with
    /// [`INFINITE_PAST`](MonotonicInstant::INFINITE_PAST) it does not wait. When the server ends, the channel asserts PEER_CLOSED,
    /// accepted or not; then connect again.
    ///
    /// Needs [`Rights::READ`](crate::Rights::READ).
    ///
    /// # Errors
    /// [`Status::NOT_FOUND`] when no server has the name, and [`Status::SHOULD_WAIT`] when the queue is full, with `INFINITE_PAST`;
    /// [`Status::TIMED_OUT`] at any other deadline. [`Status::INVALID_ARGS`], [`Status::OUT_OF_RANGE`] for a name that no server can
    /// serve; [`Status::ACCESS_DENIED`]; [`Status::NO_RESOURCES`], [`Status::NO_MEMORY`] when there is no room for a channel;
    /// [`Status::CANCELED`] when another thread closes this handle meanwhile; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let root = Directory::root()?;
    /// assert_eq!(root.connect("log", MonotonicInstant::INFINITE_PAST).map(drop), Err(Status::NOT_FOUND));
    /// let client = std::thread::spawn(|| Directory::root()?.connect("log", MonotonicInstant::INFINITE));
    /// let listener = root.serve("log")?;
    /// let server = listener.accept_until(MonotonicInstant::INFINITE)?;
    /// assert!(client.join().unwrap().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connect(&self, name: &str, deadline: impl Into<Deadline>) -> Result<Channel, Status> {
        raw::directory_connect(self.raw_handle(), name, deadline.into().instant()).map(Channel::from_value)
    }
}
