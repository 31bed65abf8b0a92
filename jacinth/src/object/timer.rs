//! Timers: an object that is signaled from a point in time on.

use crate::handle::{Name, NullableHandle};
use crate::raw;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::status::Status;
use crate::types::time::{Deadline, MonotonicDuration};

/// A timer. It asserts [`Signals::TIMER_SIGNALED`](crate::Signals::TIMER_SIGNALED) from its deadline on, until it is
/// set again or cancelled. Follows `docs/objects/timer.md`.
///
/// Duplicates of a timer may lie in several processes: each of them may wait for it, and set it. No thread runs for a
/// timer, so an idle one costs nothing.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let timer = Timer::create();
/// timer.set(MonotonicDuration::from_millis(1), MonotonicDuration::ZERO)?;
/// // A wait for several objects ends at the deadline of a timer among them.
/// let event = Event::create();
/// let mut items = [WaitItem::new(&event, Signals::USER_0), WaitItem::new(&timer, Signals::TIMER_SIGNALED)];
/// object_wait_many(&mut items, MonotonicInstant::INFINITE)?;
/// assert_eq!([items[0].pending, items[1].pending], [Signals::NONE, Signals::TIMER_SIGNALED]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a timer closes its handle"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Timer(pub(super) NullableHandle);

impl Timer {
    /// Makes a timer that is not set, with [`Rights::TIMER_DEFAULT`]. It counts on the monotonic clock.
    ///
    /// Follows `docs/syscalls/timer_create.md`.
    ///
    /// # Panics
    /// When there is no room for another object, and in a process that is attached to no arena:
    /// [`try_create`](Self::try_create) gives an error then.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let timer = Timer::create();
    /// assert_eq!(timer.basic_info()?.rights, Rights::TIMER_DEFAULT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn create() -> Self {
        Self::try_create().expect("a timer is created")
    }

    /// Makes a timer that is not set, with [`Rights::TIMER_DEFAULT`].
    ///
    /// # Errors
    /// [`Status::NO_RESOURCES`] when the arena has no room for another object, when this process has made as many as
    /// one may ([`Config`](crate::Config)), or when it has no room for another handle. [`Status::BAD_STATE`] in a
    /// process that is attached to no arena.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert!(Timer::try_create().is_err()); // There is no arena.
    /// let supervisor = Supervisor::create(&Config::default())?;
    /// assert!(Timer::try_create().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_create() -> Result<Self, Status> {
        let (value, _) = raw::create(ObjectType::TIMER, Rights::TIMER_DEFAULT)?;
        Ok(Self::from_value(value))
    }

    /// Makes a timer with a name, for tools that show it. Its handle has [`Rights::PROPERTY`] beside the default
    /// rights; see [`Event::create_named`](crate::Event::create_named).
    ///
    /// # Errors
    /// As [`try_create`](Self::try_create).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let timer = Timer::create_named(&Name::new("heartbeat")?)?;
    /// assert_eq!(timer.get_name()?.to_string(), "heartbeat");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_named(name: &Name) -> Result<Self, Status> {
        let (value, _) = raw::create(ObjectType::TIMER, Rights::TIMER_DEFAULT | Rights::PROPERTY)?;
        let timer = Self::from_value(value);
        timer.set_name(name)?;
        Ok(timer)
    }

    /// Starts the timer: it asserts `TIMER_SIGNALED` from `deadline` on. A deadline that has passed asserts it at once.
    /// A setting from before is gone, and its signal cleared.
    ///
    /// `slack` says by how much the expiry may be off. It is checked, and otherwise unused: a timer expires at its
    /// deadline, to within 64 ns.
    ///
    /// Follows `docs/syscalls/timer_set.md`. Needs [`Rights::WRITE`].
    ///
    /// # Errors
    /// [`Status::OUT_OF_RANGE`] for a negative slack, [`Status::ACCESS_DENIED`]; [`Status::BAD_HANDLE`] and
    /// [`Status::WRONG_TYPE`] for an owner that was made of another object's value.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let timer = Timer::create();
    /// timer.set(MonotonicInstant::ZERO, MonotonicDuration::ZERO)?;
    /// let waited = timer.wait_one(Signals::TIMER_SIGNALED, MonotonicInstant::INFINITE);
    /// assert_eq!(waited, WaitResult::Ok(Signals::TIMER_SIGNALED));
    /// timer.set(std::time::Duration::from_secs(3600), MonotonicDuration::from_seconds(1))?;
    /// let waited = timer.wait_one(Signals::TIMER_SIGNALED, MonotonicInstant::INFINITE_PAST);
    /// assert_eq!(waited, WaitResult::TimedOut(Signals::NONE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set(&self, deadline: impl Into<Deadline>, slack: MonotonicDuration) -> Result<(), Status> {
        raw::timer_set(self.raw_handle(), deadline.into().instant(), slack)
    }

    /// Stops the timer, and clears `TIMER_SIGNALED`. On a timer that is not set it has no effect.
    ///
    /// Follows `docs/syscalls/timer_cancel.md`. Needs [`Rights::WRITE`].
    ///
    /// # Errors
    /// [`Status::ACCESS_DENIED`]; [`Status::BAD_HANDLE`] and [`Status::WRONG_TYPE`] as for [`set`](Self::set).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let timer = Timer::create();
    /// timer.set(MonotonicInstant::ZERO, MonotonicDuration::ZERO)?;
    /// timer.cancel()?;
    /// let waited = timer.wait_one(Signals::TIMER_SIGNALED, MonotonicInstant::INFINITE_PAST);
    /// assert_eq!(waited, WaitResult::TimedOut(Signals::NONE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cancel(&self) -> Result<(), Status> {
        raw::timer_cancel(self.raw_handle())
    }
}
