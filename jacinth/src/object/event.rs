//! Events: an object that can only be signalled and waited for.

use crate::handle::{Name, NullableHandle};
use crate::raw;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::status::Status;

/// An event. Follows `docs/objects/event.md`.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// let observer = event.duplicate(Rights::WAIT)?;
/// assert_eq!(observer.signal(Signals::NONE, Signals::USER_0), Err(Status::ACCESS_DENIED));
/// event.signal(Signals::NONE, Signals::USER_0)?;
/// assert_eq!(observer.wait_one(Signals::USER_0, MonotonicInstant::INFINITE).to_result()?, Signals::USER_0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping an event closes its handle"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Event(pub(super) NullableHandle);

impl Event {
    /// Makes an event, with [`Rights::EVENT_DEFAULT`].
    ///
    /// Follows `docs/syscalls/event_create.md`.
    ///
    /// # Panics
    /// When there is no room for another object, and in a process that is attached to no arena:
    /// [`try_create`](Self::try_create) gives an error then.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let event = Event::create();
    /// assert_eq!(event.basic_info()?.rights, Rights::EVENT_DEFAULT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn create() -> Self {
        Self::try_create().expect("an event is created")
    }

    /// Makes an event, with [`Rights::EVENT_DEFAULT`].
    ///
    /// # Errors
    /// [`Status::NO_RESOURCES`] when the arena has no room for another object, when this process has made as many as
    /// one may ([`Config`](crate::Config)), or when it has no room for another handle. [`Status::BAD_STATE`] in a
    /// process that is attached to no arena.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert!(Event::try_create().is_err()); // There is no arena.
    /// let supervisor = Supervisor::create(&Config::default())?;
    /// assert!(Event::try_create().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_create() -> Result<Self, Status> {
        let (value, _) = raw::create(ObjectType::EVENT, Rights::EVENT_DEFAULT)?;
        Ok(Self::from_value(value))
    }

    /// Makes an event with a name, for tools that show it. Its handle has [`Rights::PROPERTY`] beside
    /// the default rights, so that the name can be read and changed. In Zircon no handle of an event has these rights,
    /// so events have no names.
    ///
    /// # Errors
    /// As [`try_create`](Self::try_create).
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
        let (value, _) = raw::create(ObjectType::EVENT, rights)?;
        let event = Self::from_value(value);
        event.set_name(name)?;
        Ok(event)
    }
}
