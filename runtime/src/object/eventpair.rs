//! Event pairs: two events, each of which can signal the other and sees it close.

use crate::handle::{AsHandleRef, Handle, Name, owned};
use crate::raw;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::status::Status;
use jacinth_shm::Shape;

/// One side of an event pair. Follows `docs/objects/eventpair.md`.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = EventPair::create()?;
/// ours.signal_peer(Signals::NONE, Signals::USER_3)?;
/// assert_eq!(theirs.wait(Signals::USER_3, MonotonicInstant::INFINITE)?, Signals::USER_3);
/// drop(theirs);
/// let seen = ours.wait(Signals::EVENTPAIR_PEER_CLOSED, MonotonicInstant::INFINITE)?;
/// assert_eq!(seen, Signals::EVENTPAIR_PEER_CLOSED);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping one side of a pair closes it, and its peer is told"]
#[derive(Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct EventPair(pub(super) Handle);

impl EventPair {
    /// Makes a pair, each side with [`Rights::EVENTPAIR_DEFAULT`].
    ///
    /// Follows `docs/syscalls/eventpair_create.md`.
    ///
    /// # Errors
    /// As [`Event::create`](crate::Event::create).
    pub fn create() -> Result<(Self, Self), Status> {
        let (first, second) = raw::create(Shape::Pair, ObjectType::EVENTPAIR, Rights::EVENTPAIR_DEFAULT)?;
        Ok((owned(first)?, owned(second)?))
    }

    /// Makes a pair whose sides both have this name, and handles with [`Rights::PROPERTY`] beside the default
    /// rights; see [`Event::create_named`](crate::Event::create_named).
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_named(name: &Name) -> Result<(Self, Self), Status> {
        let rights = Rights::EVENTPAIR_DEFAULT | Rights::PROPERTY;
        let (first, second) = raw::create(Shape::Pair, ObjectType::EVENTPAIR, rights)?;
        let (first, second): (Self, Self) = (owned(first)?, owned(second)?);
        first.set_name(name)?;
        second.set_name(name)?;
        Ok((first, second))
    }
}
