//! The directory of this process: where [`serve`] and [`connect`] look for names.

use crate::object::channel::Channel;
use crate::object::directory::{Directory, Listener};
use crate::types::rights::Rights;
use crate::types::status::Status;
use crate::types::time::Deadline;
use std::sync::{PoisonError, RwLock};

/// `None`: the arena's root.
static OWN: RwLock<Option<Directory>> = RwLock::new(None);

/// Sets the directory of this process, in which [`serve`] and [`connect`] look from now on: one that its parent has given it,
/// with the names that it is to see. Gives the one before, if one was set.
///
/// Each call that uses it makes a duplicate: without [`Rights::DUPLICATE`] it gives [`Status::ACCESS_DENIED`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let listener = serve("log")?;
/// assert!(set_directory(Directory::create()).is_none());
/// assert_eq!(connect("log", MonotonicInstant::INFINITE_PAST).map(drop), Err(Status::NOT_FOUND));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn set_directory(directory: Directory) -> Option<Directory> {
    OWN.write().unwrap_or_else(PoisonError::into_inner).replace(directory)
}

/// A handle to the directory of this process: a duplicate of the one that was [set](set_directory), or the arena's
/// [root](Directory::root).
///
/// # Errors
/// [`Status::ACCESS_DENIED`] when the one that was set may not be duplicated; otherwise as [`Directory::root`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let listener = serve("log")?;
/// assert_eq!(directory()?.names()?, ["log"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn directory() -> Result<Directory, Status> {
    match &*OWN.read().unwrap_or_else(PoisonError::into_inner) {
        Some(own) => own.duplicate(Rights::SAME_RIGHTS),
        None => Directory::root(),
    }
}

/// Serves a name in the directory of this process. See [`Directory::serve`].
///
/// # Errors
/// As [`Directory::serve`] and [`directory`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let listener = serve("log")?;
/// let client = connect("log", MonotonicInstant::INFINITE)?;
/// let server = listener.accept()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn serve(name: &str) -> Result<Listener, Status> {
    directory()?.serve(name)
}

/// Connects to the server of a name in the directory of this process. See [`Directory::connect`].
///
/// # Errors
/// As [`Directory::connect`] and [`directory`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let soon = std::time::Duration::from_millis(1);
/// assert_eq!(connect("log", soon).map(drop), Err(Status::TIMED_OUT));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn connect(name: &str, deadline: impl Into<Deadline>) -> Result<Channel, Status> {
    directory()?.connect(name, deadline)
}
