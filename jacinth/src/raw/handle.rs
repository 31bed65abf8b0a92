//! Handles by value: close, duplicate, replace, and information.

use crate::attachment::current_thread::{with_any_thread, with_thread};
use crate::raw::INVALID;
use crate::types::rights::Rights;
use crate::types::status::Status;
use jacinth_shm as shm;

/// Closes a handle. Waits on it, in other threads of this process, end with [`Status::CANCELED`]. Closing
/// [`INVALID`] has no effect and succeeds.
///
/// Follows `docs/syscalls/handle_close.md`.
///
/// # Errors
/// [`Status::BAD_HANDLE`]: the value names no live handle of this process. [`Status::BAD_STATE`]: memory of its channel is lent to
/// the program, as a loan or a message that is read in place; the handle stays.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (event, _) = raw::create(ObjectType::EVENT, Rights::EVENT_DEFAULT)?;
/// raw::close(event)?;
/// assert_eq!(raw::close(event), Err(Status::BAD_HANDLE));
/// raw::close(raw::INVALID)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn close(value: u32) -> Result<(), Status> {
    if value == INVALID {
        return Ok(());
    }
    with_any_thread(|thread| thread.close(thread.lookup(shm::HandleValue(value))?))
}

/// Closes a handle that has no owner any more, because a failed call has consumed it. If memory of its channel is lent to the program
/// ([`close`] gives BAD_STATE then), the handle is closed when the last of that memory comes back. Closing [`INVALID`] has no effect
/// and succeeds. Zircon lends no memory, and has no such call. Needs no right.
///
/// # Errors
/// [`Status::BAD_HANDLE`]: the value names no live handle of this process.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// let loan = ours.reserve(100)?;
/// let value = ours.raw_handle();
/// assert_eq!(raw::close(value), Err(Status::BAD_STATE));
/// raw::close_when_returned(value)?;
/// drop(loan);
/// assert_eq!(raw::check_valid(value), Err(Status::BAD_HANDLE));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn close_when_returned(value: u32) -> Result<(), Status> {
    if value == INVALID {
        return Ok(());
    }
    with_any_thread(|thread| thread.close_when_returned(thread.lookup(shm::HandleValue(value))?))
}

/// Closes every handle of the list, also when some of the values are wrong; [`INVALID`] is skipped.
///
/// Follows `docs/syscalls/handle_close_many.md`.
///
/// # Errors
/// [`Status::BAD_HANDLE`]: one or more values named no live handle, or stood in the list more than once. All
/// others are closed all the same.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::create(ObjectType::EVENTPAIR, Rights::EVENTPAIR_DEFAULT)?;
/// assert_eq!(raw::close_many(&[one, 12345, other]), Err(Status::BAD_HANDLE));
/// assert_eq!(raw::check_valid(other), Err(Status::BAD_HANDLE)); // Closed all the same.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn close_many(values: &[u32]) -> Result<(), Status> {
    let mut result = Ok(());
    for value in values {
        result = close(*value).and(result);
    }
    result
}

/// Makes another handle to the same object, with `rights` or, for [`Rights::SAME_RIGHTS`], the same rights.
///
/// Follows `docs/syscalls/handle_duplicate.md`. Needs [`Rights::DUPLICATE`].
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::ACCESS_DENIED`] without the right; [`Status::INVALID_ARGS`] when `rights`
/// is no subset; [`Status::NO_RESOURCES`] when this process's table is full.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// let copy = raw::duplicate(event.raw_handle(), Rights::WAIT)?;
/// assert_eq!(raw::basic(copy)?.rights.bits(), Rights::WAIT.bits());
/// raw::close(copy)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn duplicate(value: u32, rights: Rights) -> Result<u32, Status> {
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        found.require(Rights::DUPLICATE.into())?;
        thread.duplicate(found, subset(&found, rights)?).map(|value| value.0)
    })
}

/// Replaces a handle by one with `rights`, or the same rights for [`Rights::SAME_RIGHTS`]. The original is gone,
/// also on an error but BAD_STATE.
///
/// Follows `docs/syscalls/handle_replace.md`. Needs no right.
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::INVALID_ARGS`] when `rights` is no subset; [`Status::NO_RESOURCES`] when
/// this process's table is full; [`Status::BAD_STATE`] while memory of its channel is lent to the program.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let weaker = raw::replace(Event::create().into_raw(), Rights::WAIT)?;
/// assert_eq!(raw::replace(weaker, Rights::SIGNAL), Err(Status::INVALID_ARGS));
/// assert_eq!(raw::check_valid(weaker), Err(Status::BAD_HANDLE)); // Gone also on an error.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn replace(value: u32, rights: Rights) -> Result<u32, Status> {
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        match subset(&found, rights) {
            Ok(rights) => thread.replace(found, rights).map(|value| value.0),
            Err(error) => thread.close(found).and(Err(error)),
        }
    })
}

/// Whether the value names a live handle of this process (`ZX_INFO_HANDLE_VALID`). A load and a comparison.
///
/// # Errors
/// [`Status::BAD_HANDLE`] when it does not.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// raw::check_valid(event.raw_handle())?;
/// assert_eq!(raw::check_valid(raw::INVALID), Err(Status::BAD_HANDLE));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn check_valid(value: u32) -> Result<(), Status> {
    with_thread(|thread| thread.lookup(shm::HandleValue(value)).map(drop))
}

/// Information on a handle and its object, in plain numbers.
pub use shm::Basic;

/// Information on the handle and its object (`ZX_INFO_HANDLE_BASIC`). Needs no right.
///
/// # Errors
/// [`Status::BAD_HANDLE`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// assert_eq!(raw::basic(event.raw_handle())?.koid, event.koid()?.raw_koid());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn basic(value: u32) -> Result<Basic, Status> {
    with_thread(|thread| thread.basic(thread.lookup(shm::HandleValue(value))?))
}

/// How many handles refer to the object (`ZX_INFO_HANDLE_COUNT`). Needs [`Rights::INSPECT`].
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::ACCESS_DENIED`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// assert_eq!(raw::handle_count(Event::create().raw_handle())?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn handle_count(value: u32) -> Result<u32, Status> {
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        found.require(Rights::INSPECT.into())?;
        Ok(thread.basic(found)?.handles)
    })
}

/// How many handles a process has, by the number of their type (`ZX_INFO_PROCESS_HANDLE_STATS`). Needs
/// [`Rights::INSPECT`].
///
/// See [`Process::handle_stats`](crate::Process::handle_stats).
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`] for an object that is no process; [`Status::ACCESS_DENIED`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// let counts = raw::process_handle_counts(process_self()?.raw_handle())?;
/// assert_eq!(counts[ObjectType::EVENT.into_raw() as usize], 1);
/// assert_eq!(raw::process_handle_counts(event.raw_handle()), Err(Status::WRONG_TYPE));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn process_handle_counts(value: u32) -> Result<[u32; shm::CLASS_NUMBERS], Status> {
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        let counts = thread.handle_counts(found)?;
        // Zircon checks the type before the rights.
        found.require(Rights::INSPECT.into())?;
        Ok(counts)
    })
}

/// The rights of `rights` that a new handle made from `found` gets, if they are a subset.
pub(super) fn subset(found: &shm::ResolvedHandle, rights: Rights) -> Result<shm::Rights, shm::Error> {
    if rights == Rights::SAME_RIGHTS {
        return Ok(found.rights());
    }
    if found.rights().contains(rights.into()) {
        Ok(rights.into())
    } else {
        Err(shm::Error::InvalidArgs("rights beyond those of the handle"))
    }
}
