//! Event pairs: two events, each of which can signal the other and sees it close.

use crate::handle::{Name, NullableHandle};
use crate::raw;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::status::Status;

/// One side of an event pair. Follows `docs/objects/eventpair.md`.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = EventPair::create();
/// ours.signal_peer(Signals::NONE, Signals::USER_3)?;
/// assert_eq!(theirs.wait_one(Signals::USER_3, MonotonicInstant::INFINITE).to_result()?, Signals::USER_3);
/// drop(theirs);
/// let seen = ours.wait_one(Signals::EVENTPAIR_PEER_CLOSED, MonotonicInstant::INFINITE).to_result()?;
/// assert_eq!(seen, Signals::EVENTPAIR_PEER_CLOSED);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping one side of a pair closes it, and its peer is told"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct EventPair(pub(super) NullableHandle);

impl EventPair {
    /// Makes a pair, each side with [`Rights::EVENTPAIR_DEFAULT`].
    ///
    /// Follows `docs/syscalls/eventpair_create.md`.
    ///
    /// # Panics
    /// When there is no room for another object, and in a process that is attached to no arena:
    /// [`try_create`](Self::try_create) gives an error then.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = EventPair::create();
    /// assert_eq!(ours.basic_info()?.related_koid, theirs.koid()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn create() -> (Self, Self) {
        Self::try_create().expect("an event pair is created")
    }

    /// Makes a pair, each side with [`Rights::EVENTPAIR_DEFAULT`].
    ///
    /// # Errors
    /// As [`Event::try_create`](crate::Event::try_create).
    ///
    /// ```
    /// # use jacinth::*;
    /// assert!(EventPair::try_create().is_err()); // There is no arena.
    /// ```
    pub fn try_create() -> Result<(Self, Self), Status> {
        let (first, second) = raw::create(ObjectType::EVENTPAIR, Rights::EVENTPAIR_DEFAULT)?;
        Ok((Self::from_value(first), Self::from_value(second)))
    }

    /// Makes a pair with this name on both sides, and handles with [`Rights::PROPERTY`] beside the default
    /// rights; see [`Event::create_named`](crate::Event::create_named).
    ///
    /// # Errors
    /// As [`try_create`](Self::try_create).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = EventPair::create_named(&Name::new("lock")?)?;
    /// ours.set_name(&Name::new("holder")?)?;
    /// assert_eq!(theirs.get_name()?, "lock");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_named(name: &Name) -> Result<(Self, Self), Status> {
        let rights = Rights::EVENTPAIR_DEFAULT | Rights::PROPERTY;
        let (first, second) = raw::create(ObjectType::EVENTPAIR, rights)?;
        let (first, second) = (Self::from_value(first), Self::from_value(second));
        first.set_name(name)?;
        second.set_name(name)?;
        Ok((first, second))
    }
}
