//! Handles: owned, borrowed, and what can be done with any of them.
//!
//! A [`Handle`] closes when it is dropped. The typed owners ([`Event`](crate::Event),
//! [`EventPair`](crate::EventPair), [`Channel`](crate::Channel)) are one around it; [`AsHandleRef`] has the
//! operations that every object knows, [`HandleBased`] those that consume or copy the handle.

use crate::attachment::current_thread;
use crate::attachment::dropped::Dropped;
use crate::raw;
use crate::types::koid::Koid;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::signals::Signals;
use crate::types::status::Status;
use crate::types::time::MonotonicInstant;
use std::marker::PhantomData;
use std::num::NonZeroU32;

pub mod property;
pub mod wait;

pub use property::Name;

/// An owned handle to an object of any type. Closes when dropped.
///
/// Follows `docs/handles.md`. The value is never 0, means nothing in another process, and is not used again
/// soon after it was closed. `Option<Handle>` is four bytes.
#[must_use = "dropping a handle closes it"]
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Handle(NonZeroU32);

impl Handle {
    /// Takes ownership of a handle's value; `None` for 0 (`ZX_HANDLE_INVALID`).
    ///
    /// The value is not checked: the first use of one that is no handle gives [`Status::BAD_HANDLE`].
    pub fn from_raw(value: u32) -> Option<Self> {
        NonZeroU32::new(value).map(Self)
    }

    /// Gives the value out; it stays open until somebody closes it.
    pub fn into_raw(self) -> u32 {
        let value = self.0.get();
        std::mem::forget(self);
        value
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if raw::close(self.0.get()) == Err(Status::BAD_STATE) {
            current_thread::release(Dropped::Handle(self.0.get()));
        }
    }
}

/// A borrowed handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct HandleRef<'a> {
    value: u32,
    owner: PhantomData<&'a Handle>,
}

impl HandleRef<'static> {
    /// A handle that nobody owns, and that lives as long as the process.
    pub(crate) fn of_process(value: u32) -> Self {
        Self { value, owner: PhantomData }
    }
}

impl HandleRef<'_> {
    /// Its value in this process.
    pub fn raw_handle(&self) -> u32 {
        self.value
    }
}

/// A handle that came in a message, with what is known of it (`zx_handle_info_t`).
#[must_use = "dropping it closes its handle"]
#[derive(Debug, PartialEq, Eq)]
pub struct HandleInfo {
    /// The handle.
    pub handle: Handle,
    /// The type of its object.
    pub object_type: ObjectType,
    /// The rights it carries.
    pub rights: Rights,
}

impl HandleInfo {
    pub(crate) fn from_received(received: jacinth_shm::Received) -> Option<Self> {
        Some(Self {
            handle: Handle::from_raw(received.value)?,
            object_type: ObjectType::from_raw(received.kind.into()),
            rights: Rights::from_bits_retain(received.rights),
        })
    }
}

/// What is known of a handle and its object (`zx_info_handle_basic_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandleBasicInfo {
    /// The object's koid. The two sides of a pair have one each.
    pub koid: Koid,
    /// The rights of the handle.
    pub rights: Rights,
    /// The object's type.
    pub object_type: ObjectType,
    /// The koid of the other side, or [`Koid::INVALID`]. It stays when the other side is gone.
    pub related_koid: Koid,
}

/// What every object knows.
pub trait AsHandleRef {
    /// The handle, borrowed.
    fn as_handle_ref(&self) -> HandleRef<'_>;

    /// The handle's value in this process.
    fn raw_handle(&self) -> u32 {
        self.as_handle_ref().value
    }

    /// Waits until the object asserts one of `signals`, or until `deadline`. Gives all signals seen.
    ///
    /// Follows `docs/syscalls/object_wait_one.md`. Needs [`Rights::WAIT`]. Spins for a moment, then sleeps.
    ///
    /// # Errors
    /// [`Status::TIMED_OUT`]; [`Status::CANCELED`] when another thread closes or transfers the handle
    /// meanwhile; [`Status::ACCESS_DENIED`]; [`Status::BAD_HANDLE`]. [`raw::wait_one`] gives the signals with
    /// the first two as well.
    ///
    /// ```
    /// # use jacinth::{AsHandleRef, Config, Event, MonotonicDuration, MonotonicInstant, Signals, Status, Supervisor};
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create()?;
    /// let soon = MonotonicInstant::after(MonotonicDuration::from_millis(1));
    /// assert_eq!(event.wait(Signals::EVENT_SIGNALED, soon), Err(Status::TIMED_OUT));
    /// event.signal(Signals::NONE, Signals::EVENT_SIGNALED)?;
    /// assert_eq!(event.wait(Signals::EVENT_SIGNALED, MonotonicInstant::INFINITE)?, Signals::EVENT_SIGNALED);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn wait(&self, signals: Signals, deadline: MonotonicInstant) -> Result<Signals, Status> {
        let (result, seen) = raw::wait_one(self.raw_handle(), signals, deadline);
        result.map(|()| seen)
    }

    /// Clears and then sets signals of the object.
    ///
    /// Follows `docs/syscalls/object_signal.md`. Needs [`Rights::SIGNAL`].
    ///
    /// # Errors
    /// [`Status::ACCESS_DENIED`]; [`Status::INVALID_ARGS`] for signals other than the eight user signals and,
    /// on events and event pairs, `SIGNALED`; [`Status::BAD_HANDLE`].
    fn signal(&self, clear: Signals, set: Signals) -> Result<(), Status> {
        raw::signal(self.raw_handle(), clear, set)
    }

    /// What is known of the handle and its object. Needs no right.
    ///
    /// Follows `ZX_INFO_HANDLE_BASIC` in `docs/syscalls/object_get_info.md`.
    ///
    /// # Errors
    /// [`Status::BAD_HANDLE`].
    fn basic_info(&self) -> Result<HandleBasicInfo, Status> {
        let basic = raw::basic(self.raw_handle())?;
        Ok(HandleBasicInfo {
            koid: Koid::from_raw(basic.koid),
            rights: Rights::from_bits_retain(basic.rights),
            object_type: ObjectType::from_raw(basic.kind.into()),
            related_koid: Koid::from_raw(basic.related_koid),
        })
    }

    /// The object's koid. Needs no right.
    ///
    /// # Errors
    /// [`Status::BAD_HANDLE`].
    fn koid(&self) -> Result<Koid, Status> {
        Ok(self.basic_info()?.koid)
    }

    /// How many handles refer to the object, those in transit included. A debugging aid: the number may be old
    /// when it arrives.
    ///
    /// Follows `ZX_INFO_HANDLE_COUNT` in `docs/syscalls/object_get_info.md`. Needs [`Rights::INSPECT`].
    ///
    /// # Errors
    /// [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`].
    fn handle_count(&self) -> Result<u32, Status> {
        raw::handle_count(self.raw_handle())
    }

    /// Whether the value names a live handle of this process (`ZX_INFO_HANDLE_VALID`).
    fn is_valid(&self) -> bool {
        raw::check_valid(self.raw_handle()).is_ok()
    }

    /// The object's name; empty until it is set.
    ///
    /// Follows `ZX_PROP_NAME` in `docs/syscalls/object_get_property.md`. Needs [`Rights::GET_PROPERTY`], which
    /// the default rights of events, event pairs and channels do not have, and those of objects that were made
    /// with a name (`create_named`) do.
    ///
    /// # Errors
    /// [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`].
    fn get_name(&self) -> Result<Name, Status> {
        raw::name(self.raw_handle()).map(Name::from_padded)
    }

    /// Names the object, for those who look at it with tools.
    ///
    /// Follows `ZX_PROP_NAME` in `docs/syscalls/object_set_property.md`. Needs [`Rights::SET_PROPERTY`].
    ///
    /// # Errors
    /// [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`].
    fn set_name(&self, name: &Name) -> Result<(), Status> {
        raw::set_name(self.raw_handle(), name.as_padded())
    }
}

/// Objects that have a peer.
pub trait Peered: AsHandleRef {
    /// Clears and then sets signals of the other side.
    ///
    /// Follows `docs/syscalls/object_signal_peer.md`. Needs [`Rights::SIGNAL_PEER`].
    ///
    /// # Errors
    /// As [`AsHandleRef::signal`]; [`Status::PEER_CLOSED`] when the other side is closed.
    fn signal_peer(&self, clear: Signals, set: Signals) -> Result<(), Status> {
        raw::signal_peer(self.raw_handle(), clear, set)
    }
}

/// Owners of one handle.
pub trait HandleBased: AsHandleRef + From<Handle> + Into<Handle> {
    /// Another handle to the same object, with `rights`, or the same for [`Rights::SAME_RIGHTS`].
    ///
    /// Follows `docs/syscalls/handle_duplicate.md`. Needs [`Rights::DUPLICATE`], which channels never have.
    ///
    /// # Errors
    /// [`Status::ACCESS_DENIED`]; [`Status::INVALID_ARGS`] when `rights` is no subset of this handle's;
    /// [`Status::NO_RESOURCES`] when the process has as many handles as it may; [`Status::BAD_HANDLE`].
    fn duplicate(&self, rights: Rights) -> Result<Self, Status> {
        owned(raw::duplicate(self.raw_handle(), rights)?)
    }

    /// This handle, with `rights` instead. It is gone also on an error.
    ///
    /// Follows `docs/syscalls/handle_replace.md`. Needs no right.
    ///
    /// # Errors
    /// [`Status::INVALID_ARGS`] when `rights` is no subset of this handle's; [`Status::BAD_HANDLE`].
    fn replace(self, rights: Rights) -> Result<Self, Status> {
        let handle: Handle = self.into();
        owned(raw::replace(handle.into_raw(), rights)?)
    }

    /// The handle, without its type.
    fn into_handle(self) -> Handle {
        self.into()
    }

    /// Gives the value out; it stays open until somebody closes it.
    fn into_raw(self) -> u32 {
        self.into_handle().into_raw()
    }

    /// The same handle seen as another type. Nothing is checked: operations of the wrong type give
    /// [`Status::WRONG_TYPE`].
    fn into_handle_based<T: HandleBased>(self) -> T {
        T::from(self.into_handle())
    }
}

/// Owns a value that an operation has just given.
pub(crate) fn owned<T: From<Handle>>(value: u32) -> Result<T, Status> {
    Handle::from_raw(value).map(T::from).ok_or(Status::INTERNAL)
}

impl AsHandleRef for Handle {
    fn as_handle_ref(&self) -> HandleRef<'_> {
        HandleRef { value: self.0.get(), owner: PhantomData }
    }
}

impl AsHandleRef for HandleRef<'_> {
    fn as_handle_ref(&self) -> HandleRef<'_> {
        *self
    }
}

impl<T: AsHandleRef> AsHandleRef for &T {
    fn as_handle_ref(&self) -> HandleRef<'_> {
        (**self).as_handle_ref()
    }
}

impl HandleBased for Handle {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_optional_handle_is_four_bytes() {
        assert_eq!(size_of::<Option<Handle>>(), 4);
        assert_eq!(Handle::from_raw(0), None);
    }
}
