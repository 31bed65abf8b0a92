//! A handle that is owned.

use crate::attachment::current_thread;
use crate::attachment::dropped::Dropped;
use crate::handle::operations::handle_operations;
use crate::raw;
use crate::types::status::Status;
use std::num::NonZeroU32;

/// An owned handle to an object of any type. Closes when dropped.
///
/// Follows `docs/handles.md`. The value is never 0, has no meaning in another process, and is not used again
/// soon after it was closed. `Option<Handle>` is four bytes. A typed owner is made of it with a check by
/// [`TryFrom`], or without one by way of a [`NullableHandle`](crate::NullableHandle).
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let handle = Handle::try_from(Event::create().into_handle())?;
/// let event = Event::try_from(handle)?;
/// assert_eq!(Channel::try_from(Handle::try_from(event.into_handle())?).unwrap_err().status(), Status::WRONG_TYPE);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a handle closes it"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Handle(NonZeroU32);

impl Handle {
    /// Takes ownership of a handle's value.
    ///
    /// The value is not checked: the first use of one that is no handle gives [`Status::BAD_HANDLE`]. (In Zircon's
    /// `zx` this is unsafe. Here a wrong value can close another handle of this process; it can do no other harm.)
    ///
    /// # Panics
    /// When the value is 0 (`ZX_HANDLE_INVALID`), which [`NullableHandle`](crate::NullableHandle) has room for.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let value = Event::create().into_raw();
    /// let handle = Handle::from_raw(value);
    /// assert_eq!(handle.basic_info()?.object_type, ObjectType::EVENT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn from_raw(value: u32) -> Self {
        Self(NonZeroU32::new(value).expect("0 is not the value of a handle"))
    }

    /// As [`from_raw`](Self::from_raw), for a value that a call has just given.
    pub(crate) fn from_value(value: u32) -> Self {
        Self::from_raw(value)
    }

    pub(crate) const fn from_non_zero(value: NonZeroU32) -> Self {
        Self(value)
    }

    /// Whether the value names a live handle of this process (`ZX_INFO_HANDLE_VALID`).
    ///
    /// # Errors
    /// [`Status::BAD_HANDLE`] when it does not.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create();
    /// let value = event.raw_handle();
    /// assert_eq!(Handle::check_raw_valid(value), Ok(()));
    /// drop(event);
    /// assert_eq!(Handle::check_raw_valid(value), Err(Status::BAD_HANDLE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_raw_valid(value: u32) -> Result<(), Status> {
        raw::check_valid(value)
    }

    /// The value, which stays this handle's.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let handle = Handle::try_from(Event::create().into_handle())?;
    /// raw::signal(handle.raw_handle(), Signals::NONE, Signals::USER_0)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn raw_handle(&self) -> u32 {
        self.0.get()
    }

    /// Gives the value out. It stays open until it is closed by value.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let value = Event::create().into_raw(); // It stays open …
    /// drop(Handle::from_raw(value)); // … until this.
    /// assert_eq!(Handle::check_raw_valid(value), Err(Status::BAD_HANDLE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn into_raw(self) -> u32 {
        let value = self.0.get();
        std::mem::forget(self);
        value
    }
}

handle_operations!(Handle);

impl Drop for Handle {
    fn drop(&mut self) {
        // A drop cannot fail. In a signal handler that interrupts a call, the close is left to the end of that call; and
        // while memory of a channel is lent, to the end of the last loan.
        if raw::close(self.0.get()) == Err(Status::BAD_STATE) {
            current_thread::release(Dropped::Handle(self.0.get()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_optional_handle_is_four_bytes() {
        assert_eq!(size_of::<Option<Handle>>(), 4);
    }

    #[test]
    fn debug_shows_the_value() {
        let handle = std::mem::ManuallyDrop::new(Handle::from_raw(0x1234));
        assert_eq!(format!("{:?}", *handle), "Handle(0x1234)");
    }

    #[test]
    #[should_panic(expected = "0 is not the value of a handle")]
    fn zero_is_no_handle() {
        drop(Handle::from_raw(0));
    }
}
