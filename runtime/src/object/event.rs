//! Events: an object that can be signalled and waited for, and nothing else.

use crate::handle::{AsHandleRef, Handle, Name, owned};
use crate::raw;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::status::Status;
use jacinth_shm::Shape;

/// An event. Follows `docs/objects/event.md`.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create()?;
/// let observer = event.duplicate(Rights::WAIT)?;
/// assert_eq!(observer.signal(Signals::NONE, Signals::USER_0), Err(Status::ACCESS_DENIED));
/// event.signal(Signals::NONE, Signals::USER_0)?;
/// assert_eq!(observer.wait(Signals::USER_0, MonotonicInstant::INFINITE)?, Signals::USER_0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping an event closes its handle"]
#[derive(Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Event(pub(super) Handle);

impl Event {
    /// Makes an event, with [`Rights::EVENT_DEFAULT`].
    ///
    /// Follows `docs/syscalls/event_create.md`.
    ///
    /// # Errors
    /// [`Status::NO_RESOURCES`] when the arena has no room for another object, when this process has made as many as
    /// one may ([`Config`](crate::Config)), or when it has no room for another handle. [`Status::BAD_STATE`] in a process that is attached to no arena.
    pub fn create() -> Result<Self, Status> {
        let (value, _) = raw::create(Shape::Single, ObjectType::EVENT, Rights::EVENT_DEFAULT)?;
        owned(value)
    }

    /// Makes an event with a name, for those who look at it with tools. Its handle has [`Rights::PROPERTY`] beside
    /// the default rights, so that the name can be read and changed: in Zircon nothing gives events those, and so
    /// they have no names.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create_named(&Name::new_lossy("shutting down"))?;
    /// assert_eq!(event.get_name()?.to_string(), "shutting down");
    /// let nameless = event.duplicate(Rights::EVENT_DEFAULT)?;
    /// assert_eq!(nameless.get_name(), Err(Status::ACCESS_DENIED));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_named(name: &Name) -> Result<Self, Status> {
        let rights = Rights::EVENT_DEFAULT | Rights::PROPERTY;
        let (value, _) = raw::create(Shape::Single, ObjectType::EVENT, rights)?;
        let event: Self = owned(value)?;
        event.set_name(name)?;
        Ok(event)
    }
}
