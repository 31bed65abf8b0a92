//! A handle becomes an owner of a type, if its object is of that type.

use crate::handle::nullable::NullableHandle;
use crate::handle::owned::Handle;
use crate::types::object_type::ObjectType;
use crate::types::status::Status;
use std::fmt;

/// A handle that could not become an owner of a type. It has the handle.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let handle = Handle::try_from(Event::create().into_handle())?;
/// let refused = Channel::try_from(handle).unwrap_err();
/// assert_eq!(refused.status(), Status::WRONG_TYPE);
/// assert_eq!(refused.to_string(), "the handle is of an event, not of a channel");
/// let _event = Event::try_from(refused.into_handle())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct TryFromHandleError {
    handle: Handle,
    wanted: ObjectType,
    found: Result<ObjectType, Status>,
}

impl TryFromHandleError {
    /// The handle that was to be converted.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let handle = Handle::try_from(Event::create().into_handle())?;
    /// let handle = Channel::try_from(handle).unwrap_err().into_handle();
    /// assert!(Event::try_from(handle).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_handle(self) -> Handle {
        self.handle
    }

    /// [`Status::WRONG_TYPE`], or the reason why the type of the object is not known.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let handle = Handle::try_from(Event::create().into_handle())?;
    /// assert_eq!(Channel::try_from(handle).unwrap_err().status(), Status::WRONG_TYPE);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn status(&self) -> Status {
        self.found.err().unwrap_or(Status::WRONG_TYPE)
    }
}

impl fmt::Display for TryFromHandleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wanted, found, .. } = self;
        match found {
            Ok(found) => {
                write!(f, "the handle is of {}, not of {}", WithArticle(*found), WithArticle(*wanted))
            }
            Err(status) => write!(f, "the type of the handle's object is not known: {status}"),
        }
    }
}

/// Shows a type with its article.
struct WithArticle(ObjectType);

impl fmt::Display for WithArticle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.to_string();
        let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        write!(f, "{article} {name}")
    }
}

impl std::error::Error for TryFromHandleError {}

/// Closes the handle.
impl From<TryFromHandleError> for Status {
    fn from(error: TryFromHandleError) -> Self {
        error.status()
    }
}

/// The handle, if its object is of this type.
pub(crate) fn checked(handle: Handle, wanted: ObjectType) -> Result<NullableHandle, TryFromHandleError> {
    match handle.basic_info().map(|info| info.object_type) {
        Ok(found) if found == wanted => Ok(handle.into()),
        found => Err(TryFromHandleError { handle, wanted, found }),
    }
}
