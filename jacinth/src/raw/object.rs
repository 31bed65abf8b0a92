//! Objects by a handle's value: creation, signals, waits, properties, cookies.

use crate::attachment::current_thread::with_thread;
use crate::detail;
use crate::raw::INVALID;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::signals::Signals;
use crate::types::status::Status;
use crate::types::sys;
use crate::types::time::MonotonicInstant;
use jacinth_shm as shm;

/// The most handles that one wait takes: 64, as in Zircon from 2019 on. (`ZX_WAIT_MANY_MAX_ITEMS` of late 2018, which
/// the C interface keeps to, is 16.)
pub const WAIT_MANY_MAX_ITEMS: usize = sys::ZX_WAIT_MANY_MAX_ITEMS;

fn check_masks(
    thread: &shm::Thread,
    found: shm::ResolvedHandle,
    clear: Signals,
    set: Signals,
) -> shm::Result<()> {
    let settable = thread.class(found)?.settable_signals();
    if settable.contains((clear | set).into()) {
        Ok(())
    } else {
        Err(shm::Error::InvalidArgs("signals that a program may not set"))
    }
}

/// Clears and then sets signals of the object.
///
/// Follows `docs/syscalls/object_signal.md`. Needs [`Rights::SIGNAL`].
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::ACCESS_DENIED`]; [`Status::INVALID_ARGS`] for signals other than the eight
/// user signals and, on events and event pairs, `SIGNALED`.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// raw::signal(event.raw_handle(), Signals::NONE, Signals::USER_0)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn signal(value: u32, clear: Signals, set: Signals) -> Result<(), Status> {
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        found.require(Rights::SIGNAL.into())?;
        check_masks(thread, found, clear, set)?;
        thread.signal(found, clear.into(), set.into())
    })
}

/// Clears and then sets signals of the object's peer.
///
/// Follows `docs/syscalls/object_signal_peer.md`. Needs [`Rights::SIGNAL_PEER`].
///
/// # Errors
/// As [`signal`]; [`Status::NOT_SUPPORTED`] for an object without a peer, [`Status::PEER_CLOSED`] when it is
/// closed.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// assert_eq!(raw::signal_peer(event.raw_handle(), Signals::NONE, Signals::USER_0), Err(Status::ACCESS_DENIED));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn signal_peer(value: u32, clear: Signals, set: Signals) -> Result<(), Status> {
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        found.require(Rights::SIGNAL_PEER.into())?;
        check_masks(thread, found, clear, set)?;
        thread.signal_peer(found, clear.into(), set.into())
    })
}

/// Waits until the object asserts one of `signals`, or until `deadline`. Gives the signals seen, with the outcome.
///
/// Follows `docs/syscalls/object_wait_one.md`. Needs [`Rights::WAIT`].
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::ACCESS_DENIED`]; [`Status::TIMED_OUT`]; [`Status::CANCELED`] when another
/// thread closed or transferred the handle meanwhile: [`Signals::HANDLE_CLOSED`] is then among the signals.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// let (waited, seen) = raw::wait_one(event.raw_handle(), Signals::USER_0, MonotonicInstant::INFINITE_PAST);
/// assert_eq!((waited, seen), (Err(Status::TIMED_OUT), Signals::NONE));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wait_one(value: u32, signals: Signals, deadline: MonotonicInstant) -> (Result<(), Status>, Signals) {
    let mut seen = Signals::NONE;
    let result = with_thread(|thread| {
        let (result, pending) = thread.wait_one(
            shm::HandleValue(value),
            Rights::WAIT.into(),
            signals.into(),
            deadline.into_nanos(),
        );
        // With an error too: a wait that timed out or was canceled reports the signals that it saw.
        seen = pending.into();
        result
    });
    (result, seen)
}

/// A handle's value, the signals to wait for on it, and those that were seen (`zx_wait_item_t`).
pub use shm::WaitItem;

/// Waits until one of the items asserts one of its signals, or until `deadline`. Every item's `pending` is
/// filled in on success, on `TIMED_OUT` and on `CANCELED`.
///
/// Follows `docs/syscalls/object_wait_many.md`. Needs [`Rights::WAIT`] on each. With no items it sleeps until
/// the deadline.
///
/// # Errors
/// [`Status::OUT_OF_RANGE`] for more than [`WAIT_MANY_MAX_ITEMS`]; otherwise as [`wait_one`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// event.signal(Signals::NONE, Signals::USER_0)?;
/// let mut items = [raw::WaitItem {
///     handle: raw::HandleValue(event.raw_handle()),
///     waitfor: Signals::USER_0.into(),
///     pending: Signals::NONE.into(),
/// }];
/// raw::wait_many(&mut items, MonotonicInstant::INFINITE)?;
/// assert_eq!(Signals::from(items[0].pending), Signals::USER_0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wait_many(items: &mut [WaitItem], deadline: MonotonicInstant) -> Result<(), Status> {
    if items.len() > WAIT_MANY_MAX_ITEMS {
        return Err(too_many_items());
    }
    with_thread(|thread| thread.wait_many(items, Rights::WAIT.into(), deadline.into_nanos()))
}

/// A wait for more than [`WAIT_MANY_MAX_ITEMS`].
pub(crate) fn too_many_items() -> Status {
    detail::because(Status::OUT_OF_RANGE, "a wait is for WAIT_MANY_MAX_ITEMS handles at most")
}

use shm::ObjectClass;

/// Makes an object. Gives the value of a handle to each side; the second is [`INVALID`] where there is one.
///
/// # Errors
/// * [`Status::INVALID_ARGS`] for a type that jacinth has no objects of, and for a fifo and a VM object, which are made with
///   their sizes by [`fifo_create`](super::fifo_create) and [`vmo_create`](super::vmo_create).
/// * [`Status::NO_RESOURCES`] when the arena or this process's share of it is full.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::create(ObjectType::EVENTPAIR, Rights::EVENTPAIR_DEFAULT)?;
/// raw::close_many(&[one, other])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
// Inlined for the conversion: the type is mostly a constant.
#[inline]
pub fn create(object_type: ObjectType, rights: Rights) -> Result<(u32, u32), Status> {
    let class = u8::try_from(object_type.into_raw()).ok().and_then(ObjectClass::from_number);
    match class {
        None => Err(Status::INVALID_ARGS),
        Some(class) => create_of(class, rights),
    }
}

fn create_of(class: ObjectClass, rights: Rights) -> Result<(u32, u32), Status> {
    let (first, second) = with_thread(|thread| thread.create(class, rights.into()))?;
    Ok((first.0, second.map_or(INVALID, |value| value.0)))
}

/// The bytes of an object's name, the closing NUL included (`ZX_MAX_NAME_LEN`).
pub use shm::MAX_NAME_BYTES;

/// The object's name, padded with NULs (`ZX_PROP_NAME`). Needs [`Rights::GET_PROPERTY`].
///
/// Follows `docs/syscalls/object_get_property.md`.
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::ACCESS_DENIED`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create_named(&Name::new("ready")?)?;
/// assert!(raw::name(event.raw_handle())?.starts_with(b"ready\0"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn name(value: u32) -> Result<[u8; MAX_NAME_BYTES], Status> {
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        found.require(Rights::GET_PROPERTY.into())?;
        thread.name(found)
    })
}

/// Names the object (`ZX_PROP_NAME`). Needs [`Rights::SET_PROPERTY`].
///
/// The name ends before the first NUL, and at the latest before the last byte. All bytes from there on are stored,
/// and read back, as NULs.
///
/// Follows `docs/syscalls/object_set_property.md`.
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::ACCESS_DENIED`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create_named(&Name::default())?;
/// let mut name = [b'x'; raw::MAX_NAME_BYTES];
/// raw::set_name(event.raw_handle(), &name)?;
/// name[raw::MAX_NAME_BYTES - 1] = 0;
/// assert_eq!(raw::name(event.raw_handle())?, name);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn set_name(value: u32, name: &[u8; MAX_NAME_BYTES]) -> Result<(), Status> {
    let length = name.iter().position(|byte| *byte == 0).unwrap_or(name.len()).min(name.len() - 1);
    // The bytes after the first NUL are dropped, so that equal names are equal as arrays.
    let mut padded = [0; MAX_NAME_BYTES];
    padded[..length].copy_from_slice(&name[..length]);
    with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(value))?;
        found.require(Rights::SET_PROPERTY.into())?;
        thread.set_name(found, &padded)
    })
}

/// The object's cookie, for a caller that has a handle to its scope. Needs no right of either handle.
///
/// Follows `docs/syscalls/object_get_cookie.md`. See [`HasCookie`](crate::HasCookie).
///
/// # Errors
/// [`Status::BAD_HANDLE`] for either value; [`Status::NOT_SUPPORTED`] for an object that has no cookies: all but events and
/// event pairs; [`Status::ACCESS_DENIED`] if no cookie was set, if `scope` is not its scope, and on an event pair whose
/// other side is closed.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (event, scope) = (Event::create(), Event::create());
/// assert_eq!(raw::cookie(event.raw_handle(), scope.raw_handle()), Err(Status::ACCESS_DENIED));
/// raw::set_cookie(event.raw_handle(), scope.raw_handle(), 7)?;
/// assert_eq!(raw::cookie(event.raw_handle(), scope.raw_handle()), Ok(7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cookie(value: u32, scope: u32) -> Result<u64, Status> {
    with_thread(|thread| {
        let scope = thread.lookup(shm::HandleValue(scope))?;
        thread.cookie(thread.lookup(shm::HandleValue(value))?, scope)
    })
}

/// Sets the object's cookie. The first setting fixes the scope for the life of the object. Needs no right of either handle.
///
/// Follows `docs/syscalls/object_set_cookie.md`. See [`HasCookie`](crate::HasCookie).
///
/// # Errors
/// [`Status::BAD_HANDLE`] for either value; [`Status::NOT_SUPPORTED`] for an object that has no cookies: all but events and
/// event pairs; [`Status::ACCESS_DENIED`] if a cookie was set with another scope, and on an event pair whose other side is
/// closed.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (event, scope) = (Event::create(), Event::create());
/// raw::set_cookie(event.raw_handle(), scope.raw_handle(), 7)?;
/// assert_eq!(raw::set_cookie(event.raw_handle(), event.raw_handle(), 8), Err(Status::ACCESS_DENIED));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn set_cookie(value: u32, scope: u32, cookie: u64) -> Result<(), Status> {
    with_thread(|thread| {
        let scope = thread.lookup(shm::HandleValue(scope))?;
        thread.set_cookie(thread.lookup(shm::HandleValue(value))?, scope, cookie)
    })
}
