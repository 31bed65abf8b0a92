//! A handle or none.

use crate::handle::operations::handle_operations;
use crate::handle::owned::Handle;
use crate::raw;
use crate::types::status::Status;
use std::num::NonZeroU32;

/// A [`Handle`], or none: four bytes, in which 0 (`ZX_HANDLE_INVALID`) is none.
///
/// Messages carry it, and every typed owner is made of it. `Event::from(handle)` does not check the object: if it is no
/// event, operations give [`Status::WRONG_TYPE`]. (A [`Handle`] converts with a check.) Operations of an invalid handle
/// give [`Status::BAD_HANDLE`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let handle: NullableHandle = Event::create().into();
/// let event = Event::from(handle);
/// event.signal(Signals::NONE, Signals::USER_0)?;
/// assert_eq!(NullableHandle::invalid().koid(), Err(Status::BAD_HANDLE));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a handle closes it"]
#[derive(Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct NullableHandle(Option<Handle>);

impl NullableHandle {
    /// No handle.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(NullableHandle::invalid().raw_handle(), raw::INVALID);
    /// ```
    pub const fn invalid() -> Self {
        Self(None)
    }

    /// Takes ownership of a handle's value; 0 is no handle. See [`Handle::from_raw`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let handle = NullableHandle::from_raw(Event::create().into_raw());
    /// assert_eq!(handle.basic_info()?.object_type, ObjectType::EVENT);
    /// assert!(NullableHandle::from_raw(0).is_invalid());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn from_raw(value: u32) -> Self {
        match NonZeroU32::new(value) {
            Some(value) => Self(Some(Handle::from_non_zero(value))),
            None => Self(None),
        }
    }

    pub(crate) fn from_value(value: u32) -> Self {
        Self::from_raw(value)
    }

    /// Whether there is no handle. One that was closed by its value is not invalid in this sense.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let mut handles = [Event::create().into()];
    /// let (ours, _theirs) = Channel::create();
    /// ours.write(b"", &mut handles)?;
    /// assert!(handles[0].is_invalid());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn is_invalid(&self) -> bool {
        self.0.is_none()
    }

    /// The value, which stays this handle's; 0 if there is none.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let handle = Event::create().into_handle();
    /// assert_eq!(Handle::check_raw_valid(handle.raw_handle()), Ok(()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn raw_handle(&self) -> u32 {
        match &self.0 {
            Some(handle) => handle.raw_handle(),
            None => raw::INVALID,
        }
    }

    /// Gives the value out. It stays open until it is closed by value.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let value = Event::create().into_handle().into_raw(); // It stays open.
    /// raw::close(value)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_raw(self) -> u32 {
        self.0.map_or(raw::INVALID, Handle::into_raw)
    }

    /// The handle, with an invalid one left in its place; `None` if there was none.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let mut place = NullableHandle::from(Event::create());
    /// assert!(place.take().is_some());
    /// assert!(place.is_invalid() && place.take().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take(&mut self) -> Option<Handle> {
        self.0.take()
    }
}

handle_operations!(NullableHandle);

impl From<Handle> for NullableHandle {
    fn from(handle: Handle) -> Self {
        Self(Some(handle))
    }
}

/// [`Status::BAD_HANDLE`] if there is no handle.
impl TryFrom<NullableHandle> for Handle {
    type Error = Status;

    fn try_from(handle: NullableHandle) -> Result<Self, Status> {
        handle.0.ok_or(Status::BAD_HANDLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_handle_is_zero() {
        assert_eq!(size_of::<NullableHandle>(), 4);
        assert!(NullableHandle::default().is_invalid());
        assert_eq!(NullableHandle::invalid().into_raw(), 0);
        assert_eq!(NullableHandle::from_raw(0), NullableHandle::invalid());
        assert_eq!(Handle::try_from(NullableHandle::invalid()), Err(Status::BAD_HANDLE));
        assert_eq!(format!("{:?}", NullableHandle::invalid()), "NullableHandle(0x0)");
    }

    #[test]
    fn a_value_goes_in_and_out() {
        assert_eq!(NullableHandle::from_raw(77).into_raw(), 77);
        assert_eq!(Handle::try_from(NullableHandle::from_raw(77)).map(Handle::into_raw), Ok(77));
        let mut handle = NullableHandle::from_raw(77);
        assert_eq!(handle.take().map(Handle::into_raw), Some(77));
        assert_eq!(handle.raw_handle(), raw::INVALID);
    }
}
