//! Events: an object that can be signalled and waited for, and nothing else.

use crate::handle::{handle_based, owned};
use crate::{Handle, ObjectType, Rights, Status, raw};
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
#[derive(Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Event(Handle);

impl Event {
    /// Makes an event, with [`Rights::EVENT_DEFAULT`].
    ///
    /// Follows `docs/syscalls/event_create.md`.
    ///
    /// # Errors
    /// [`Status::NO_RESOURCES`] when the arena has no room for another object, or this process for another
    /// handle. [`Status::BAD_STATE`] in a process that is attached to no arena.
    pub fn create() -> Result<Self, Status> {
        let (value, _) = raw::create(Shape::Single, ObjectType::EVENT, Rights::EVENT_DEFAULT)?;
        owned(value)
    }
}

handle_based!(Event);
