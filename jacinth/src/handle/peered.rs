//! The traits of some objects only: those that have a peer, and those that have a cookie.

use crate::handle::borrowed::{AsHandleRef, HandleBased};
use crate::handle::wait_result::WaitResult;
use crate::raw;
use crate::types::signals::Signals;
use crate::types::status::Status;
use crate::types::time::MonotonicInstant;

/// Objects that have a peer.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// fn hang_up(side: impl Peered) -> Result<(), Status> {
///     side.signal_peer(Signals::NONE, Signals::USER_0)
/// }
/// let (ours, _theirs) = EventPair::create();
/// hang_up(ours)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Peered: HandleBased {
    /// Clears and then sets signals of the other side.
    ///
    /// Follows `docs/syscalls/object_signal_peer.md`. Needs [`Rights::SIGNAL_PEER`](crate::Rights::SIGNAL_PEER).
    ///
    /// # Errors
    /// As [`Handle::signal`](crate::Handle::signal); [`Status::PEER_CLOSED`] when the other side is closed.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = EventPair::create();
    /// ours.signal_peer(Signals::NONE, Signals::USER_0)?;
    /// assert!(theirs.wait_one(Signals::USER_0, MonotonicInstant::INFINITE).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn signal_peer(&self, clear: Signals, set: Signals) -> Result<(), Status> {
        raw::signal_peer(self.as_handle_ref().raw_handle(), clear, set)
    }

    /// Whether the other side is closed. Needs [`Rights::WAIT`](crate::Rights::WAIT).
    ///
    /// # Errors
    /// As [`Handle::wait_one`](crate::Handle::wait_one), but for [`Status::TIMED_OUT`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// assert!(!ours.is_closed()?);
    /// drop(theirs);
    /// assert!(ours.is_closed()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn is_closed(&self) -> Result<bool, Status> {
        let object = self.as_handle_ref();
        match object.wait_one(Signals::OBJECT_PEER_CLOSED, MonotonicInstant::INFINITE_PAST) {
            WaitResult::Ok(_) => Ok(true),
            WaitResult::TimedOut(_) => Ok(false),
            WaitResult::Canceled(_) => Err(Status::CANCELED),
            WaitResult::Err(status) => Err(status),
        }
    }
}

/// Objects that a program can mark with a *cookie*: 64 bits that no other process can read.
///
/// A server hands out handles to an object, as a token. Later a client sends one back, and the cookie tells the server
/// whether the object is one of its own, and which. The *scope* is the key: an object that the server alone has a handle to.
/// The first setting fixes the scope for the life of the object.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let scope = Event::create(); // Never sent.
/// let (token, given_out) = EventPair::create();
/// token.set_cookie(&scope, 4711)?;
///
/// let returned = token.duplicate(Rights::SAME_RIGHTS)?; // As if it came in a message.
/// assert_eq!(returned.get_cookie(&scope), Ok(4711));
/// let forged = Event::create();
/// assert_eq!(forged.get_cookie(&scope), Err(Status::ACCESS_DENIED));
/// # drop(given_out);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait HasCookie: HandleBased {
    /// The object's cookie.
    ///
    /// Follows `docs/syscalls/object_get_cookie.md`. Needs no right of either handle.
    ///
    /// # Errors
    /// [`Status::ACCESS_DENIED`] if no cookie was set, if `scope` is not its scope, and on an event pair whose other side is
    /// closed; [`Status::BAD_HANDLE`] for either handle; [`Status::NOT_SUPPORTED`] for an owner that was made of another
    /// object's value.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = EventPair::create();
    /// ours.set_cookie(&ours, 1)?; // An object can be its own scope.
    /// assert_eq!(ours.get_cookie(&ours), Ok(1));
    /// assert_eq!(theirs.get_cookie(&ours), Err(Status::ACCESS_DENIED)); // Each side has its own.
    /// drop(theirs);
    /// assert_eq!(ours.get_cookie(&ours), Err(Status::ACCESS_DENIED));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn get_cookie(&self, scope: &impl AsHandleRef) -> Result<u64, Status> {
        raw::cookie(self.as_handle_ref().raw_handle(), scope.as_handle_ref().raw_handle())
    }

    /// Sets the object's cookie, or replaces it.
    ///
    /// Follows `docs/syscalls/object_set_cookie.md`. Needs no right of either handle.
    ///
    /// # Errors
    /// [`Status::ACCESS_DENIED`] if a cookie was set with another scope, and on an event pair whose other side is closed;
    /// [`Status::BAD_HANDLE`] for either handle; [`Status::NOT_SUPPORTED`] for an owner that was made of another object's
    /// value.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (event, scope) = (Event::create(), Event::create());
    /// event.set_cookie(&scope, 1)?;
    /// event.set_cookie(&scope, 2)?;
    /// assert_eq!(event.get_cookie(&scope), Ok(2));
    /// assert_eq!(event.set_cookie(&event, 3), Err(Status::ACCESS_DENIED));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn set_cookie(&self, scope: &impl AsHandleRef, cookie: u64) -> Result<(), Status> {
        raw::set_cookie(self.as_handle_ref().raw_handle(), scope.as_handle_ref().raw_handle(), cookie)
    }
}
